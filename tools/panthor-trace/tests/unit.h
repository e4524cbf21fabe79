/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests share. */
#ifndef PANTHOR_TRACE_TESTS_UNIT_H
#define PANTHOR_TRACE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Each is one file's list of tests; returns the number of failures. */
int test_events(void);
int test_model(void);
int test_number(void);
int test_text(void);

#endif
