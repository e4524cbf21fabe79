/* SPDX-License-Identifier: GPL-2.0 */
/* Files that are written to. */
#ifndef PANTHOR_TRACE_FILE_H
#define PANTHOR_TRACE_FILE_H

#include <stdbool.h>
#include <stdio.h>

/* Check early that @path can be written; prints why not. */
bool can_write(const char *path);

/*
 * After writing to @path, NULL for standard output, failed with errno: says so
 * and returns the exit status. EPIPE is not an error.
 */
int output_failed(const char *path);

/*
 * Standard output is @path from now on; prints why not. What is in there stays until
 * output_empty(), before the first byte.
 */
bool output_redirect(const char *path);
bool output_empty(void);

/* A temporary file without a name; on failure prints why and returns NULL */
FILE *spool_open(void);

#endif
