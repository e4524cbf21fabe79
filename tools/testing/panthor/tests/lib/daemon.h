/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reclaimd under test: its configuration, how it is run, and its lines.
 */
#ifndef TESTS_DAEMON_H
#define TESTS_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a run printed, both streams, and how it ended */
struct daemon {
	pid_t pid;
	int status;
	char path[128];
	char *text;
};

/* Makes @text the configuration of the runs that follow */
void daemon_config(const char *text);
/*
 * Starts it; @prefix: a command that runs it ("setpriv ..."), or "". Bails out if that cannot be
 */
struct daemon *daemon_start(const char *prefix, const char *options);
/* Waits for a line that has @text, for a minute at most */
bool daemon_says(struct daemon *daemon, const char *text);
/* Sends @sig (0: none), waits for its end, and has the exit status (128 and more: a signal) */
int daemon_end(struct daemon *daemon, int sig);
void daemon_free(struct daemon *daemon);
/* Start to end */
struct daemon *daemon_run(const char *prefix, const char *options);

/* The first line from @from on that begins with @kind and has " target=@name[", if that is given */
const char *daemon_line(const char *from, const char *kind, const char *name);
/* The number after " KEY=" in the line, or -1 */
int64_t line_value(const char *line, const char *key);
bool line_has(const char *line, const char *text);
const char *line_after(const char *line);

#endif
