/* SPDX-License-Identifier: GPL-2.0 */
/* Files that are written to. */
#ifndef PANTHOR_TRACE_FILE_H
#define PANTHOR_TRACE_FILE_H

#include <stdbool.h>
#include <stdio.h>

/* Whether there can be a file @path, before what is to be in it is there: says why not. */
bool can_write(const char *path);

/*
 * After writing to @path, NULL for standard output, failed with errno: says so
 * and returns the exit status. A reader that went away has seen enough.
 */
int output_failed(const char *path);

/* A file without a name, for what has to wait; NULL: says why */
FILE *spool_open(void);

#endif
