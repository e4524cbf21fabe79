// SPDX-License-Identifier: GPL-2.0
/*
 * Against other ways to take memory, and the way back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cgroup.h"
#include "measure.h"
#include "pattern.h"
#include "reclaim.h"
#include "tap.h"

#define MIB (1 << 20)
#define TOTAL_MIB 64

static void pageout_against(unsigned int bos, uint64_t size, const char *parameter)
{
	struct series reclaim_ms = { .nr = 0 }, pageout_ms = { .nr = 0 }, ratio;
	struct series freed = { .nr = 0 }, out = { .nr = 0 };
	size_t len = bos * size;
	struct client client;
	void *map;

	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		bail("cannot map %zu bytes", len);
	start_client(&client, bos, size);
	for (int i = 0; i < repetitions; i++) {
		int64_t start;
		long shmem;

		pattern_fill(map, len, 100 + i, 0);
		shmem = meminfo("Shmem");
		start = now_ns();
		if (madvise(map, len, MADV_PAGEOUT))
			bail("madvise: %s", strerror(errno));
		series_add(&pageout_ms, ms_since(start));
		series_add(&out, (shmem - meminfo("Shmem")) / 1024.0);

		use_client(&client);
		shmem = meminfo("Shmem");
		series_add(&reclaim_ms, timed_reclaim(getpid()));
		series_add(&freed, (shmem - meminfo("Shmem")) / 1024.0);
	}
	ratio = series_ratio(&reclaim_ms, &pageout_ms);
	emit("reclaim / MADV_PAGEOUT", parameter, "x", 1.25, &ratio,
	     "time to evict and write back %d MiB of idle BOs, against madvise() of one mapping of "
	     "as much shared memory of an ordinary process",
	     TOTAL_MIB);
	emit("reclaim, absolute", parameter, "ms", 0, &reclaim_ms,
	     "the same, what the write takes");
	emit("reclaim, Shmem freed", parameter, "MiB", 0, &freed, "the same, what leaves RAM");
	emit("MADV_PAGEOUT, Shmem freed", parameter, "MiB", 0, &out, "the same, for madvise()");
	client_fini(&client);
	munmap(map, len);
}

void bench_pageout(void)
{
	pageout_against(TOTAL_MIB * 16, MIB / 16, "1024 x 64K");
	pageout_against(TOTAL_MIB / 2, 2 * MIB, "32 x 2M");
}

/* The knob asks for so many pages and does not say of whom */
void bench_shrink(void)
{
	struct series shrink_ms = { .nr = 0 }, evict_ms = { .nr = 0 }, ratio;
	struct series freed = { .nr = 0 }, others = { .nr = 0 }, ours = { .nr = 0 };
	struct peer *neighbour = peer_start("-b256x64K", NULL);
	struct client client;
	char path[256];

	snprintf(path, sizeof(path), "%s/shrink", debugfs_dir());
	use_peer(neighbour);
	start_client(&client, TOTAL_MIB * 16, MIB / 16);
	for (int i = 0; i < repetitions; i++) {
		char pages[32];
		struct gem_sum was, is, own;
		int64_t start;
		long shmem;

		/* Who was on the GPU last, in turns: the target is not always the older one */
		if (i & 1)
			use_peer(neighbour);
		use_client(&client);
		if (!(i & 1))
			use_peer(neighbour);
		was = gem_sum(neighbour->pid, "");
		own = gem_sum(getpid(), "bench");
		snprintf(pages, sizeof(pages), "%d", TOTAL_MIB * (MIB / getpagesize()));
		shmem = meminfo("Shmem");
		start = now_ns();
		if (write_file(path, pages, strlen(pages)) < 0)
			bail("cannot write %s", path);
		series_add(&shrink_ms, ms_since(start));
		series_add(&freed, (shmem - meminfo("Shmem")) / 1024.0);
		is = gem_sum(neighbour->pid, "");
		series_add(&others, (double)(was.resident - is.resident) / MIB);
		series_add(&ours,
			   (double)(own.resident - gem_sum(getpid(), "bench").resident) / MIB);

		use_client(&client);
		series_add(&evict_ms, timed_reclaim(getpid()));
	}
	ratio = series_ratio(&evict_ms, &shrink_ms);
	emit("reclaim / debugfs shrink", "64 MiB", "x", 0, &ratio,
	     "time, but the knob writes nothing to swap: the next three lines are what it did");
	emit("shrink, Shmem freed", "64 MiB", "MiB", 0, &freed,
	     "RAM that is free when the knob returns");
	emit("shrink, evicted of the target", "64 MiB", "MiB", 0, &ours, "of 64 MiB asked for");
	emit("shrink, evicted of a neighbour", "64 MiB", "MiB", 0, &others,
	     "of the 16 MiB of another process; an explicit reclaim takes none");
	client_fini(&client);
	peer_quit(neighbour);
}

/* What /proc/meminfo calls GPU memory, in kB; -1 where it has no such lines */
static double gpu_meminfo(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	double sum = -1;
	char line[128];
	long kb;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "GPUActive: %ld", &kb) == 1 ||
		    sscanf(line, "GPUReclaim: %ld", &kb) == 1)
			sum = (sum < 0 ? 0 : sum) + kb;
	if (file)
		fclose(file);
	return sum;
}

void bench_memcg(void)
{
	struct series counted = { .nr = 0 };
	struct series gone = { .nr = 0 }, took = { .nr = 0 }, evicted = { .nr = 0 };
	const char *outcome = "success";
	struct peer *peer;

	cgroup_make("bench");
	cgroup_enter("bench");
	peer = peer_start("-b1024x64K", NULL);
	cgroup_enter(NULL);
	for (int i = 0; i < repetitions; i++) {
		struct gem_sum was;
		int64_t start;
		ssize_t ret;

		use_peer(peer);
		series_add(&counted, gpu_meminfo());
		was = gem_sum(peer->pid, "");
		start = now_ns();
		ret = write_file("/sys/fs/cgroup/bench/memory.reclaim", "64M", 3);
		series_add(&took, ms_since(start));
		outcome = ret < 0 ? strerror(-ret) : "success";
		series_add(&gone, (double)(was.resident - gem_sum(peer->pid, "").resident) / MIB);

		use_peer(peer);
		was = gem_sum(peer->pid, "");
		timed_reclaim(peer->pid);
		series_add(&evicted,
			   (double)(was.resident - gem_sum(peer->pid, "").resident) / MIB);
	}
	emit("memory.reclaim, GPU memory evicted", "64 MiB", "MiB", 0, &gone,
	     "64M written to memory.reclaim of the cgroup that the client and all its memory is "
	     "in: %s",
	     outcome);
	emit("memory.reclaim, absolute", "64 MiB", "ms", 0, &took, "the time it took to find out");
	emit("GPUActive + GPUReclaim", "64 MiB", "kB", 0, &counted,
	     "what /proc/meminfo counts as GPU memory meanwhile; -1: nothing of the sort");
	emit("reclaim, GPU memory evicted", "64 MiB", "MiB", 0, &evicted,
	     "the same client, by mem_reclaim");
	peer_quit(peer);
	cgroup_remove("bench");
}

void bench_return(void)
{
	long sizes[8];
	int nr = numbers("SIZES", "1,4,16,64", sizes, 8);

	for (int s = 0; s < nr; s++) {
		struct series first = { .nr = 0 }, idle = { .nr = 0 };
		struct client_error err;
		struct client client;
		char parameter[32];

		start_client(&client, sizes[s] * 16, MIB / 16);
		for (int i = 0; i < repetitions; i++) {
			int64_t start = now_ns();

			if (client_submit(&client, 1, 100, &err))
				bail("cannot %s", err.what);
			series_add(&idle, ms_since(start));
			timed_reclaim(getpid());
			start = now_ns();
			if (client_submit(&client, 1, 100, &err))
				bail("cannot %s", err.what);
			series_add(&first, ms_since(start));
		}
		snprintf(parameter, sizeof(parameter), "%ld MiB", sizes[s]);
		emit("first job after reclaim", parameter, "ms", 0, &first,
		     "from submission to the end of a job of 0.1 ms, all BOs of its VM being away");
		emit("the same job, nothing away", parameter, "ms", 0, &idle, "for comparison");
		client_fini(&client);
	}
}
