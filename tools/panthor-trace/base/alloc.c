// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

static void *check(void *p)
{
	if (!p) {
		pt_error("out of memory");
		exit(EXIT_FAILED);
	}
	return p;
}

void *xmalloc(size_t size)
{
	return check(malloc(size ?: 1));
}

void *xcalloc(size_t n, size_t size)
{
	return check(calloc(n ?: 1, size ?: 1));
}

void *xrealloc(void *p, size_t size)
{
	return check(realloc(p, size ?: 1));
}

char *xstrdup(const char *s)
{
	return check(strdup(s));
}
