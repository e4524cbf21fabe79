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

/* Is the next argument its value? Only for options of argp itself, without those of children */
static bool takes_next(const struct argp *argp, const char *arg)
{
	size_t len = strlen(arg);

	for (const struct argp_option *o = argp->options; o && (o->name || o->key); o++) {
		if (!o->arg)
			continue;
		if (arg[1] == '-' ? len > 2 && !strncmp(o->name, arg + 2, len - 2)
				  : arg[len - 1] == o->key)
			return true;
	}
	return false;
}

/*
 * The C library prints unknown options unescaped: reject those with control characters. @in_order:
 * what follows the first argument that is no option belongs to another program.
 */
static void check_options(const struct argp *argp, int argc, char **argv, bool in_order)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		size_t len = strcspn(argv[i], "=");
		char clean[256];

		if (argv[i][0] != '-' && in_order)
			return;
		if (argv[i][0] != '-')
			continue;
		if (len >= sizeof(clean) / 4 || pt_clean(clean, sizeof(clean), argv[i], len) != len)
			usage_error("unknown option \"%s\"; see --help", argv[i]);
		i += in_order && takes_next(argp, argv[i]);
	}
}

bool parse_args(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input,
		int *status)
{
	error_t err;

	check_options(argp, argc, argv, flags & ARGP_IN_ORDER);
	argp_err_exit_status = EXIT_USAGE;
	err = argp_parse(argp, argc, argv, flags, NULL, input);
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
 * A signal may arrive twice: from the terminal, and from the parent process. So
 * only a later signal kills, and none does while a pager owns the terminal.
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

/* SA_RESTART: a write that is in progress is completed. */
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
