// SPDX-License-Identifier: GPL-2.0
/*
 * A trace from standard input. libtracecmd seeks in a file, so a pipe is read
 * into one first.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "trace/source.h"

static FILE *copy_input(void)
{
	FILE *to = spool_open();
	char buf[65536];
	ssize_t n;

	if (!to)
		exit(EXIT_FAILED);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		if (fwrite(buf, 1, n, to) != (size_t)n)
			break;
	if (n < 0) {
		pt_error("cannot read standard input: %s", strerror(errno));
		exit(EXIT_FAILED);
	}
	if (n || fflush(to)) {
		pt_error("cannot write a temporary file: %s; set TMPDIR to another directory",
			 strerror(errno));
		exit(EXIT_FAILED);
	}
	return to;
}

static const char input[] = "/dev/stdin";
static char copy[64];

const char *source_name(const char *path)
{
	return path == input || path == copy ? "standard input" : path;
}

const char *source_path(const char *name)
{
	static bool used;
	struct stat st;

	if (strcmp(name, "-"))
		return name;
	if (isatty(STDIN_FILENO))
		usage_error("standard input is a terminal; expected a trace file");
	if (used)
		usage_error("only one of the trace files can be standard input");
	used = true;
	if (!fstat(STDIN_FILENO, &st) && S_ISREG(st.st_mode))
		return input;
	snprintf(copy, sizeof(copy), "/proc/self/fd/%d", fileno(copy_input()));
	return copy;
}
