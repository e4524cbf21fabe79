// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pressure.h"
#include "reclaim.h"
#include "tap.h"

#define HUGE (2UL << 20)
#define PACE (1UL << 20)

/* Huge pages, for a fault each 4 KiB would take longer than a test may */
static void *ballast(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, size, MADV_HUGEPAGE))
		return NULL;
	return mlock(memory, size) ? NULL : memory;
}

static void press(size_t room, int ready)
{
	size_t available = meminfo("MemAvailable") * 1024UL, size = 2 * room;
	char *memory;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Files that others have open are none of its business */
	ready = dup2(ready, STDERR_FILENO + 1);
	close_range(ready + 1, ~0U, 0);
	write_file("/proc/self/oom_score_adj", "1000", 4);
	if (available > room && !ballast((available - room) / HUGE * HUGE))
		_exit(1);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED || write(ready, "", 1) != 1)
		_exit(1);
	/* At a pace that leaves the others something of the CPU */
	for (size_t at = 0;; at = (at + 4096) % size) {
		memset(memory + at, at >> 12, 64);
		if (!(at % PACE))
			usleep(20000);
	}
}

pid_t pressure_start(long free_mib)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		bail("no pipe");
	pid = fork();
	if (!pid)
		press((size_t)free_mib << 20, ready[1]);
	close(ready[1]);
	/* End of file: it is gone, perhaps because memory was tight enough as it was */
	if (pid < 0 || read(ready[0], &byte, 1) != 1)
		diag("no memory pressure this time");
	close(ready[0]);
	return pid;
}
