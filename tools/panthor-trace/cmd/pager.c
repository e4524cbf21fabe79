// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "cmd/pager.h"

/* Exit statuses of sh(1) for a command that cannot be run, and one that is not found */
#define CANNOT_RUN 126
#define NOT_FOUND 127

static pid_t pager;

bool pager_runs(void)
{
	return pager > 0;
}

/* NULL: do without */
static const char *find_pager(void)
{
	const char *name = getenv("PAGER"), *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO) || !term || !strcmp(term, "dumb"))
		return NULL;
	if (name)
		return *name && strcmp(name, "cat") ? name : NULL;
	return access("/usr/bin/less", X_OK) && access("/bin/less", X_OK) ? NULL : "less";
}

/* Wait for the pager: its user quits it. */
static void wait_for_pager(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), status = 0;
	bool shared = fcntl(STDERR_FILENO, F_GETPIPE_SZ) > 0;

	fflush(stdout);
	/* Close our end of the pipe, or the pager would never see the end of file. */
	dup2(nowhere, STDOUT_FILENO);
	if (shared)
		dup2(nowhere, STDERR_FILENO);
	while (waitpid(pager, &status, 0) < 0 && errno == EINTR)
		;
	pager = 0;
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == NOT_FOUND || WEXITSTATUS(status) == CANNOT_RUN))
		_exit(EXIT_FAILED);
}

void pager_start(void)
{
	const char *command = find_pager();
	int ends[2];

	if (!command || pipe2(ends, O_CLOEXEC))
		return;
	fflush(NULL);
	pager = fork();
	if (!pager) {
		/* If all of it fits the screen, just show it. */
		setenv("LESS", "FRX", 0);
		dup2(ends[0], STDIN_FILENO);
		signal(SIGPIPE, SIG_DFL);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(NOT_FOUND);
	}
	close(ends[0]);
	if (pager > 0) {
		dup2(ends[1], STDOUT_FILENO);
		if (isatty(STDERR_FILENO))
			dup2(ends[1], STDERR_FILENO);
		atexit(wait_for_pager);
	}
	close(ends[1]);
}
