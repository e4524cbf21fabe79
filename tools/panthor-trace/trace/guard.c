// SPDX-License-Identifier: GPL-2.0
/*
 * Reads files in a process of their own.
 *
 * libtracecmd and libtraceevent believe what stands in a trace file: sizes
 * inside of pages, offsets inside of sections. A damaged or hostile one can
 * make them crash; report that with one line and an exit status, as any other
 * error.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "trace/guard.h"

static volatile pid_t reader;
/* The file being read, shared with the reader; NULL: there is none */
static char *reads;

#define MAX_NAME 4096

void guard_reads(const char *file)
{
	if (reads)
		snprintf(reads, MAX_NAME, "%s", file);
}

/* Ctrl-C reaches both processes, kill only us: forward it, and wait for the reader. */
static void pass_on(int sig)
{
	if (reader > 0)
		kill(reader, sig);
}

static void read_signals(void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* Not every signal that ends the reader is the fault of the file. */
static void explain(int sig)
{
	const char *file = reads && *reads ? reads : "the trace";

	switch (sig) {
	case SIGKILL:
		pt_error("%s: the reader was killed, probably for lack of memory", file);
		break;
	case SIGBUS:
		pt_error("%s: cut short or unreadable while being read", file);
		break;
	case SIGSEGV:
	case SIGFPE:
	case SIGILL:
	case SIGABRT:
		pt_error("%s: damaged: libtracecmd crashed on it (%s)", file, strsignal(sig));
		break;
	default:
		pt_error("%s: the reader was killed (%s)", file, strsignal(sig));
	}
}

int guarded_call(int (*run)(void *context), void *context)
{
	struct rlimit no_core = { 0 };
	pid_t parent = getpid();
	int status;

	if (!reads) {
		reads = mmap(NULL, MAX_NAME, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			     0);
		reads = reads == MAP_FAILED ? NULL : reads;
	}
	guard_reads("");
	fflush(NULL);
	reader = fork();
	if (reader < 0)
		return run(context);
	if (!reader) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILED);
		setrlimit(RLIMIT_CORE, &no_core);
		exit(run(context));
	}

	read_signals(pass_on);
	while (waitpid(reader, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	read_signals(SIG_DFL);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM)
		return EXIT_INTERRUPTED;
	explain(WTERMSIG(status));
	return EXIT_FAILED;
}

struct subcommand {
	int (*run)(int argc, char **argv);
	int argc;
	char **argv;
};

static int run_subcommand(void *context)
{
	struct subcommand *c = context;

	return c->run(c->argc, c->argv);
}

int guarded(int (*run)(int argc, char **argv), int argc, char **argv)
{
	struct subcommand c = { run, argc, argv };

	return guarded_call(run_subcommand, &c);
}
