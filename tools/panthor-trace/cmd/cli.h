/* SPDX-License-Identifier: GPL-2.0 */
/* What the subcommands of panthor-trace have in common. */
#ifndef PANTHOR_TRACE_CLI_H
#define PANTHOR_TRACE_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

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

struct command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
	bool reads_files;
};

int cmd_report(int argc, char **argv);
int cmd_refault(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_reclaim(int argc, char **argv);
int cmd_export(int argc, char **argv);

/* One line on stderr: what was wrong, with what, and what to do. */
void pt_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pt_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* pt_error() and out: called the wrong way */
void usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * argp_parse() with our exit status and error format; false: do not go on,
 * *status is the exit status
 */
bool parse_args(const struct argp *argp, int argc, char **argv, void *input, int *status);

/* At exit: what could not be written is an error, unless nobody wants to read it any more. */
void watch_output(void);

/* Since the first call: true once SIGINT or SIGTERM came. */
void watch_signals(void);
bool interrupted(void);

int worse(int a, int b);

/* Whether there can be a file @path, before what is to be in it is there: says why not. */
bool can_write(const char *path);

/*
 * After writing to @path, NULL for standard output, failed with errno: says so
 * and returns the exit status. A reader that went away has seen enough.
 */
int output_failed(const char *path);

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

#endif
