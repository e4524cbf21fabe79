// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cli.h"
#include "cmd/pager.h"
#include "model/text.h"

/* Signals within this time are one. */
#define ONCE_MS 500

static volatile sig_atomic_t stopped;

/*
 * The one place that prints errors. Whatever was in a file name or a trace, it
 * is one line and harmless.
 */
static void complain(const char *kind, const char *fmt, va_list ap)
{
	char raw[1024], clean[4 * sizeof(raw)];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	pt_clean(clean, sizeof(clean), raw, strlen(raw));
	fflush(stdout);
	fprintf(stderr, "panthor-trace: %s%s\n", kind, clean);
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
			usage_error("no option \"%s\"; --help lists them", argv[i]);
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

bool can_write(const char *path)
{
	char *copy = xstrdup(path);
	struct stat st;
	int err = 0;

	if (!stat(path, &st))
		err = S_ISDIR(st.st_mode) ? EISDIR : access(path, W_OK) ? errno : 0;
	else if (errno != ENOENT || access(dirname(copy), W_OK | X_OK))
		err = errno;
	free(copy);
	if (err)
		pt_error("cannot write %s: %s", path, strerror(err));
	return !err;
}

int output_failed(const char *path)
{
	int err = errno ?: EIO;

	/* Said once is enough. */
	if (!path) {
		__fpurge(stdout);
		clearerr(stdout);
	}
	if (err == EPIPE)
		return EXIT_OK;
	pt_error("cannot write %s: %s", path ?: "the output", strerror(err));
	return EXIT_FAILED;
}

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
