// SPDX-License-Identifier: GPL-2.0
/*
 * measure COMMAND... - its wall clock and CPU seconds, and the KiB of memory at most of it or one
 * of its children. A small program, as the peak of a child starts with what its parent has.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(const struct timeval *t)
{
	return t->tv_sec + t->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct timespec from, to;
	struct rusage used;
	int status, nowhere;
	pid_t pid;

	if (argc < 2)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &from);
	pid = vfork();
	if (!pid) {
		nowhere = open("/dev/null", O_WRONLY);
		dup2(nowhere, STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || getrusage(RUSAGE_CHILDREN, &used))
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return 1;
	printf("%.4f %.4f %ld\n", to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9,
	       seconds(&used.ru_utime) + seconds(&used.ru_stime), used.ru_maxrss);
	return 0;
}
