/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests share. */
#ifndef RECLAIMD_TESTS_UNIT_H
#define RECLAIMD_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Each is one file's list of tests; returns the number of failures. */
int test_config(void);
int test_parse(void);
int test_budget(void);
int test_choose(void);
int test_metrics(void);
int test_world(void);

#endif
