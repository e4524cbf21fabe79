// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "trace/recorder.h"

/* What need not be quoted in a shell */
#define SHELL_SAFE                                                       \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"%+,-./:=@_"

/* As a shell has it */
enum { CANNOT_RUN = 126, NOT_FOUND = 127, KILLED = 128 };

/* What trace-cmd takes for the command: echoes one byte when it runs, ends with the pipe. */
#define HOLD_FD 3
static const char *const holder[] = { "sh", "-c", "exec cat >&3" };

void line_add(struct line *line, const char *arg)
{
	line->arg = xrealloc(line->arg, (line->nr + 2) * sizeof(*line->arg));
	line->arg[line->nr++] = xstrdup(arg);
	line->arg[line->nr] = NULL;
}

void line_free(struct line *line)
{
	for (size_t i = 0; i < line->nr; i++)
		free(line->arg[i]);
	free(line->arg);
}

void line_print(const struct line *line)
{
	for (size_t i = 0; i < line->nr; i++) {
		const char *arg = line->arg[i];

		if (i)
			putchar(' ');
		if (*arg && !arg[strspn(arg, SHELL_SAFE)]) {
			fputs(arg, stdout);
			continue;
		}
		putchar('\'');
		for (; *arg; arg++) {
			if (*arg == '\'')
				fputs("'\\'", stdout);
			putchar(*arg);
		}
		putchar('\'');
	}
	putchar('\n');
}

int shell_status(int status)
{
	return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* In the child: no signal is blocked that was not for us. */
static void __attribute__((noreturn)) execute(char *const *argv)
{
	sigset_t none;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	err = errno;
	pt_error("cannot run %s: %s%s", argv[0], strerror(err),
		 err == ENOENT && !strcmp(argv[0], "trace-cmd")
			 ? "; on Debian: apt-get install trace-cmd"
			 : "");
	_exit(err == ENOENT ? NOT_FOUND : CANNOT_RUN);
}

static pid_t start_child(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		pt_error("cannot start a process: %s", strerror(errno));
	return pid;
}

int line_start(char *const *argv, pid_t *pid)
{
	*pid = start_child();
	if (!*pid)
		execute(argv);
	return *pid < 0 ? EXIT_FAILED : 0;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	return shell_status(status);
}

int line_run(const struct line *line)
{
	pid_t pid = start_child();

	if (!pid) {
		setpgid(0, 0);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execute(line->arg);
	}
	return pid < 0 ? EXIT_FAILED : wait_for(pid);
}

static void __attribute__((noreturn)) record(const struct line *line, int in, int out)
{
	struct line all = { 0 };

	/* Not one of the two that the other is to become */
	in = fcntl(in, F_DUPFD, HOLD_FD + 1);
	out = fcntl(out, F_DUPFD, HOLD_FD + 1);
	setpgid(0, 0);
	dup2(in, STDIN_FILENO);
	dup2(out, HOLD_FD);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	close(in);
	close(out);
	for (size_t i = 0; i < line->nr; i++)
		line_add(&all, line->arg[i]);
	for (size_t i = 0; i < sizeof(holder) / sizeof(holder[0]); i++)
		line_add(&all, holder[i]);
	execute(all.arg);
}

int recorder_start(struct recorder *recorder, const struct line *line)
{
	int to[2], from[2], status;
	ssize_t n;
	char byte = '\n';

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) {
		pt_error("cannot create a pipe: %s", strerror(errno));
		return EXIT_FAILED;
	}
	recorder->pid = start_child();
	if (!recorder->pid)
		record(line, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	recorder->hold = to[1];
	if (recorder->pid < 0)
		return EXIT_FAILED;

	if (write(recorder->hold, &byte, 1) == 1)
		do
			n = read(from[0], &byte, 1);
		while (n < 0 && errno == EINTR);
	else
		n = 0;
	close(from[0]);
	if (n == 1)
		return 0;
	status = recorder_stop(recorder);
	pt_error("not recording: trace-cmd exited with status %d", status);
	return EXIT_FAILED;
}

int recorder_stop(struct recorder *recorder)
{
	int status;

	close(recorder->hold);
	status = wait_for(recorder->pid);
	/* Those that empty its buffers end with it, unless it was killed. */
	kill(-recorder->pid, SIGKILL);
	recorder->pid = 0;
	return status;
}
