/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers, buffers and ways to fill them, as load's options and commands write them. */
#ifndef LOAD_ARGUMENTS_H
#define LOAD_ARGUMENTS_H

#include <stdbool.h>

#include "client.h"

/* Each returns 0 or -EINVAL. */
int parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *value);
/* COUNTxSIZE[:KIND[:LABEL]] */
int parse_spec(const char *text, struct bo_spec *spec);
/* @check: also "check" */
int parse_how(const char *text, bool check, enum client_how *how);

#endif
