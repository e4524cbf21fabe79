// SPDX-License-Identifier: GPL-2.0
/*
 * A trace from standard input. libtracecmd seeks in a file, so a pipe is read
 * into one first.
 */
#include <errno.h>
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
		fwrite(buf, 1, n, to);
	if (n < 0 || fflush(to)) {
		pt_error("cannot read standard input: %s", strerror(errno));
		exit(EXIT_FAILED);
	}
	return to;
}

const char *source_path(const char *name)
{
	static char path[64];
	struct stat st;

	if (strcmp(name, "-"))
		return name;
	if (isatty(STDIN_FILENO))
		usage_error("standard input is a terminal; expected a trace file");
	if (!fstat(STDIN_FILENO, &st) && S_ISREG(st.st_mode))
		return "/dev/stdin";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(copy_input()));
	return path;
}
