// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace: what explicit and implicit reclaim of GPU memory did, from
 * traces of the panthor driver.
 *
 * Each subcommand is one file, cmd_<name>.c, and one line in the table below.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cli.h"
#include "trace/guard.h"

#ifndef VERSION
#define VERSION "1.0"
#endif

static const struct command commands[] = {
	{ "record", "record reclaim while a command runs, or until Ctrl-C", cmd_record, false },
	{ "report", "report each request, its BOs and its blocked time", cmd_report, true },
	{ "refault", "report what was swapped in, how soon and at what cost", cmd_refault, true },
	{ "diff", "compare two traces", cmd_diff, true },
	{ "export", "export to other programs: JSON, CSV, Perfetto, HTML, SQLite", cmd_export,
	  true },
	{ "top", "display the GPU memory of all clients, live", cmd_top, false },
	{ "reclaim", "evict the GPU memory of a process and report the result", cmd_reclaim,
	  false },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fprintf(out, "Usage: panthor-trace COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\nSee panthor-trace COMMAND --help and man panthor-trace.\n");
}

/* A closed one would be reused by the next open(): make its use fail instead. */
static void open_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void on_limit(int sig)
{
	(void)sig;
}

int main(int argc, char **argv)
{
	char name[64];

	open_standard_streams();
	setlocale(LC_CTYPE, "");
	/* If the reader closes the pipe, writing fails with EPIPE. */
	signal(SIGPIPE, SIG_IGN);
	/* The same at a limit of file size, with EFBIG; children do not inherit a handler. */
	signal(SIGXFSZ, on_limit);
	watch_output();

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("panthor-trace %s\n", VERSION);
		return EXIT_OK;
	}

	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		/* argp names the program by argv[0] */
		snprintf(name, sizeof(name), "panthor-trace %s", commands[i].name);
		argv[1] = name;
		return commands[i].reads_files ? guarded(commands[i].run, argc - 1, argv + 1)
					       : commands[i].run(argc - 1, argv + 1);
	}
	pt_error("unknown command \"%s\"; see panthor-trace --help", argv[1]);
	return EXIT_USAGE;
}
