// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/text.h"

/* Why standard output could not be flushed the first time: its buffer is lost then. */
static int flush_err;

int flush_error(void)
{
	return flush_err;
}

/*
 * The only place that prints errors: one line, safe to print, whatever is in
 * file names or the trace, and however long that is.
 */
static void complain(const char *kind, const char *fmt, va_list ap)
{
	char *raw = NULL, *clean = NULL;
	size_t size = 0;

	if (vasprintf(&raw, fmt, ap) >= 0) {
		size = 4 * strlen(raw) + 1;
		clean = malloc(size);
	}
	if (clean)
		pt_clean(clean, size, raw, strlen(raw));
	if (fflush(stdout) && !flush_err)
		flush_err = errno;
	fprintf(stderr, "panthor-trace: %s%s\n", kind, clean ?: "out of memory");
	free(clean);
	if (size)
		free(raw);
}

void pt_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain("", fmt, ap);
	va_end(ap);
}

void pt_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain("warning: ", fmt, ap);
	va_end(ap);
}

void usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain("", fmt, ap);
	va_end(ap);
	exit(EXIT_USAGE);
}

/* Which of two exit statuses says more. */
int worse(int a, int b)
{
	static const int order[] = {
		EXIT_FAILED,   EXIT_USAGE,	EXIT_INTERRUPTED,
		EXIT_MISMATCH, EXIT_INCOMPLETE, EXIT_NOTHING,
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return EXIT_OK;
}
