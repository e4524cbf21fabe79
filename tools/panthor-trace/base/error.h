/* SPDX-License-Identifier: GPL-2.0 */
/* Errors and warnings, one line each, and the exit statuses. */
#ifndef PANTHOR_TRACE_ERROR_H
#define PANTHOR_TRACE_ERROR_H

/* Exit statuses; documented in panthor-trace(1). */
enum {
	EXIT_OK = 0,
	/* could not do it */
	EXIT_FAILED = 1,
	/* called the wrong way */
	EXIT_USAGE = 2,
	/* the trace has none of our events */
	EXIT_NOTHING = 3,
	/* done, but the trace misses something: lost events, unmatched begin or end */
	EXIT_INCOMPLETE = 4,
	/* done, but the trace contradicts itself */
	EXIT_MISMATCH = 5,
	/* stopped by SIGINT or SIGTERM; printed what there was */
	EXIT_INTERRUPTED = 130,
};

/* One line on stderr: what is wrong, and what to do. */
void pt_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pt_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Both flush standard output first: the errno with which that failed the first time, or 0 */
int flush_error(void);

/* pt_error(), then exit with EXIT_USAGE */
void usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

int worse(int a, int b);

#endif
