// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cli.h"
#include "cmd/pager.h"
#include "model/text.h"

/* Signals within this time are one. */
#define ONCE_MS 500

static volatile sig_atomic_t stopped;

/* The C library repeats what it does not know as it stands: let it be harmless. */
static void check_options(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		size_t len = strcspn(argv[i], "=");
		char clean[256];

		if (argv[i][0] == '-' && len < sizeof(clean) / 4 &&
		    pt_clean(clean, sizeof(clean), argv[i], len) == len)
			continue;
		if (argv[i][0] == '-')
			usage_error("unknown option \"%s\"; see --help", argv[i]);
	}
}

bool parse_args(const struct argp *argp, int argc, char **argv, void *input, int *status)
{
	error_t err;

	check_options(argc, argv);
	argp_err_exit_status = EXIT_USAGE;
	err = argp_parse(argp, argc, argv, 0, NULL, input);
	if (!err)
		return true;
	pt_error("%s", strerror(err));
	*status = EXIT_USAGE;
	return false;
}

static void flush_output(void)
{
	bool failed = ferror(stdout);

	errno = 0;
	if ((fflush(stdout) || failed) && output_failed(NULL))
		_exit(EXIT_FAILED);
}

void watch_output(void)
{
	atexit(flush_output);
}

/*
 * One signal may come twice: from a terminal to all of its processes, and from
 * the process that waits for this one. So only one that comes later is more, and
 * none while a pager has the terminal: that is left by its own keys.
 */
static void on_signal(int sig)
{
	static struct timespec first;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!stopped) {
		first = now;
	} else if (!pager_runs() &&
		   (now.tv_sec - first.tv_sec) * 1000 + (now.tv_nsec - first.tv_nsec) / 1000000 >
			   ONCE_MS) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	stopped = 1;
}

/* What is being written is written: a call that is interrupted goes on. */
void watch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

bool interrupted(void)
{
	return stopped;
}
