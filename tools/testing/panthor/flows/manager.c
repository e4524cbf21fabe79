// SPDX-License-Identifier: GPL-2.0
/*
 * manager-page TGID MEM_RECLAIM MEM_CLAIM - uses the C code of
 * Documentation/gpu/panthor-reclaim-manager.rst, which manager.t puts into page.h, on a client
 * with more than 16 MiB. TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "page.h"

static int tests, failed;

static void ok(bool kept, const char *promise)
{
	failed += !kept;
	printf("%sok %d - %s\n", kept ? "" : "not ", ++tests, promise);
}

static struct client_memory memory_of(pid_t tgid)
{
	struct client_memory sum = {};
	struct dirent *entry;
	char path[320];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", tgid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", tgid, entry->d_name);
		add_fdinfo(path, &sum);
	}
	if (dir)
		closedir(dir);
	return sum;
}

int main(int argc, char **argv)
{
	pid_t tgid = argc == 4 ? atoi(argv[1]) : 0, child;
	struct client_memory before, after;
	int pidfd;

	if (!tgid) {
		fprintf(stderr, "usage: manager-page TGID MEM_RECLAIM MEM_CLAIM\n");
		return 2;
	}
	pidfd = syscall(SYS_pidfd_open, tgid, 0);
	before = memory_of(tgid);
	ok(before.reclaimable >= 16384 && !before.in_swap && !before.in_ram,
	   "C: what could go is known");
	ok(!ask(argv[2], pidfd, tgid, 8 << 20), "C: 8 MiB asked for");
	after = memory_of(tgid);
	ok(after.in_swap + after.in_ram >= 8192 && after.in_swap + after.in_ram < 8192 + 4096 &&
		   after.evictions > before.evictions,
	   "C: 8 MiB evicted, and not much more");
	ok(before.reclaimable - after.reclaimable == after.in_swap + after.in_ram,
	   "C: which were reclaimable");
	ok(!ask(argv[3], pidfd, tgid, 0), "C: claimed");
	after = memory_of(tgid);
	ok(!after.in_swap && !after.in_ram && after.swapins == after.evictions, "C: all is back");

	child = fork();
	if (!child)
		_exit(0);
	pidfd = syscall(SYS_pidfd_open, child, 0);
	waitpid(child, NULL, 0);
	/* Whoever has the number by then is not meant */
	ok(ask(argv[2], pidfd, tgid, 0) == -ESRCH && memory_of(tgid).evictions == after.evictions,
	   "C: a pidfd whose process has ended keeps the write back");
	printf("1..%d\n", tests);
	return failed ? 1 : 0;
}
