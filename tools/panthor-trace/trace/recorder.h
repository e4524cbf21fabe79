/* SPDX-License-Identifier: GPL-2.0 */
/* trace-cmd as a child process that records. */
#ifndef PANTHOR_TRACE_RECORDER_H
#define PANTHOR_TRACE_RECORDER_H

#include <sys/types.h>

/**
 * struct recorder - a trace-cmd that records
 * @pid: its process, and its process group: keys of a terminal do not reach it; 0: none
 * @hold: it records until this is closed, by us or by our end
 */
struct recorder {
	pid_t pid;
	int hold;
};

/* A command line that grows; its last argument is NULL. */
struct line {
	char **arg;
	size_t nr;
};

void line_add(struct line *line, const char *arg);
/* As a shell would read it again */
void line_print(const struct line *line);
void line_free(struct line *line);

/* Runs the command; its exit status as a shell has it. What it prints goes to standard error. */
int line_run(const struct line *line);
/* Starts the command without waiting: 0, or an exit status */
int line_start(char *const *argv, pid_t *pid);

/*
 * @line: trace-cmd record with its options. Returns when it records: 0, or an
 * exit status if it does not.
 */
int recorder_start(struct recorder *recorder, const struct line *line);
/* Its exit status once the file is complete */
int recorder_stop(struct recorder *recorder);

/* The exit status of a shell for this status of waitpid() */
int shell_status(int status);

#endif
