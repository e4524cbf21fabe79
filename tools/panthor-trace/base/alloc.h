/* SPDX-License-Identifier: GPL-2.0 */
/* Allocations that end the program when they fail. */
#ifndef PANTHOR_TRACE_ALLOC_H
#define PANTHOR_TRACE_ALLOC_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

#endif
