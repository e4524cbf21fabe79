/* SPDX-License-Identifier: GPL-2.0 */
/* What the subcommands of panthor-trace have in common. */
#ifndef PANTHOR_TRACE_CLI_H
#define PANTHOR_TRACE_CLI_H

#include <argp.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"

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

/*
 * argp_parse() with our exit status and error format; false: do not go on,
 * *status is the exit status
 */
bool parse_args(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input,
		int *status);

/* At exit, report output that could not be written, unless the reader closed the pipe. */
void watch_output(void);

/* Since the first call: true once SIGINT or SIGTERM came. */
void watch_signals(void);
bool interrupted(void);

#endif
