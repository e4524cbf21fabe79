// SPDX-License-Identifier: GPL-2.0
/*
 * The truth about eviction. A buffer is really evicted, by mem_reclaim and by the shrinker:
 *
 * - a job that comes through GROUP_SUBMIT finds it restored, with its data, and nothing faults;
 * - a stream that touches it without such a job faults, and is counted. The driver restores
 *   buffers at submission and does not evict them under a job, so it takes a job that lies: one
 *   that signals its own fence, by adding to the sync object that the driver made for that, and
 *   goes on. A hostile program can do the same on hardware.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "reclaim.h"

#define D bench.data.va
#define V victim.va
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM
#define VICTIM_SIZE 0x40000
#define WORDS (VICTIM_SIZE / 4)
#define PAGES (VICTIM_SIZE / 4096)

static struct bench bench;
static struct bo victim;
static uint32_t seed;

static struct gem_sum seen(const char *label)
{
	return gem_sum(getpid(), label);
}

/* By the CPU, whose mapping goes again: what is in it afterwards is for the GPU to see */
static void fill(void)
{
	uint32_t *word;

	if (bo_map(&victim))
		bail("cannot map the buffer");
	word = victim.map;
	seed += 0x01000000;
	for (uint32_t i = 0; i < WORDS; i++)
		word[i] = seed + i;
	bo_unmap(&victim);
}

/* One job that copies the first word of each page */
static bool gpu_sees_it(void)
{
	uint64_t insns[PAGES * 4 + 1];
	bool good;
	int n = 0;

	memset(bench.data.map, 0, PAGES * 4);
	insns[n++] = MOVE48(2, D);
	for (uint32_t i = 0; i < PAGES; i++) {
		insns[n++] = MOVE48(0, V + i * 4096ULL);
		insns[n++] = LOAD(4, 1, 0, 0);
		insns[n++] = WAIT(1);
		insns[n++] = STORE(4, 1, 2, i * 4);
	}
	good = !bench_run(&bench, insns, n);
	for (uint32_t i = 0; i < PAGES; i++)
		good &= *data32(&bench, i * 4) == seed + i * 1024;
	return good;
}

static void restored(const char *by, int (*evict)(void))
{
	uint64_t faults = counter("translation_faults");
	uint64_t evictions = seen("victim").evictions;
	int ret;

	fill();
	ok(gpu_sees_it(), "%s: the GPU reads a buffer", by);
	ret = evict();
	ok(!ret && !seen("victim").resident && seen("victim").evictions == evictions + 1,
	   "%s: it is evicted (%d)", by, ret);
	ok(gpu_sees_it(), "%s: a job reads its data", by);
	ok(seen("victim").resident == VICTIM_SIZE, "%s: it is resident again", by);
	ok(counter("translation_faults") == faults && !counter("stale_tlb"),
	   "%s: no fault, no stale TLB entry", by);
}

static int by_reclaim(void)
{
	return reclaim(getpid());
}

static int by_shrinker(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/shrink", debugfs_dir());
	/* More pages than there are, a few times: it takes what is cheap first */
	for (int i = 0; i < 4 && seen("victim").resident; i++)
		write_file(path, "65536", 5);
	return 0;
}

/*
 * Another process that uses code and data, too, so that these stay when ours is reclaimed. Ends
 * with a signal
 */
static pid_t neighbour(void)
{
	int code = bo_export(&bench.code), data = bo_export(&bench.data), ready[2];
	char byte;
	pid_t pid;

	if (code < 0 || data < 0 || pipe(ready))
		bail("cannot share buffers");
	pid = fork();
	if (!pid) {
		struct gpu gpu;
		struct vm vm;
		struct bo bo[2];

		if (!gpu_open(&gpu, NULL) && !vm_create(&gpu, &vm) &&
		    !bo_import(&gpu, &bo[0], code, CODE_SIZE) && !bo_bind(&bo[0], &vm) &&
		    !bo_import(&gpu, &bo[1], data, DATA_SIZE) && !bo_bind(&bo[1], &vm) &&
		    write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	close(code);
	close(data);
	if (pid < 0 || read(ready[0], &byte, 1) != 1)
		bail("nobody to share buffers with");
	close(ready[0]);
	return pid;
}

/* Where the ring buffer of the one stream that runs is, as the simulator sees it */
static uint64_t ring_of_stream(void)
{
	unsigned long long ring = 0;
	char line[256];
	FILE *f = fopen(KNOBS "state", "r");

	while (f && !ring && fgets(line, sizeof(line), f))
		sscanf(line, "stream slot=%*u.%*u state=%*s ring=%llx", &ring);
	if (f)
		fclose(f);
	return ring;
}

/* What the driver has the GPU add to when a job of queue 0 is done, or 0 */
static uint64_t sync_of_queue(void)
{
	const uint64_t wait[] = { MOVE48(0, D), LOAD(2, 1, 0, 0), WAIT(1), BRANCH(EQ, 2, -3) };
	uint64_t ring, va = 0;
	bool good;

	bench_regroup(&bench, 1, MEDIUM);
	memset(bench.data.map, 0, 4096);
	good = !bench_submit(&bench, 0, bench_code(&bench, 0, wait, 4), sizeof(wait));
	ring = good && WAIT_FOR(ring_of_stream(), 2000) ? ring_of_stream() : 0;
	__atomic_store_n(data32(&bench, 0), 1, __ATOMIC_RELEASE);
	if (!ring || bench_wait(&bench, PATIENCE) ||
	    RUN(&bench, MOVE48(0, ring), MOVE48(2, D), LOAD(16, 0xffff, 0, 0),
		LOAD(32, 0xffff, 0, 64), WAIT(1), STORE(16, 0xffff, 2, 0),
		STORE(32, 0xffff, 2, 64)))
		return 0;
	/* The address that was moved before the SYNC_ADD64 that ends the job, into its register */
	for (int i = 0; i < 16; i++) {
		uint64_t insn = *data64(&bench, i * 8), add = 0;

		if (insn >> 56 != 51)
			continue;
		add = insn >> 40 & 0xff;
		for (int j = i - 1; j >= 0 && !va; j--) {
			insn = *data64(&bench, j * 8);
			if (insn >> 48 == (1 << 8 | add))
				va = insn & 0xffffffffffffULL;
		}
		return va;
	}
	return 0;
}

static void lying_job(void)
{
	pid_t other = neighbour();
	uint64_t sync = sync_of_queue(), faults = counter("translation_faults"), va;
	uint32_t turns;
	const uint64_t lie[] = {
		MOVE48(0, sync), MOVE48(2, 1),	    SYNC_ADD64(2, 0, 0), MOVE48(4, V + 0x3000),
		MOVE48(6, D),	 MOVE48(10, 0),	    ADD32(10, 10, 1),	 LOAD(8, 1, 4, 0),
		WAIT(1),	 STORE(8, 1, 6, 0), STORE(10, 1, 6, 4),	 BRANCH(ALWAYS, 0, -6),
	};
	int ret;

	if (!ok(sync, "the driver's sync object is in the ring buffer"))
		goto out;
	fill();
	va = bench_code(&bench, 0, lie, sizeof(lie) / 8);
	memset(bench.data.map, 0, 4096);
	ok(!bench_submit(&bench, 0, va, sizeof(lie)) && !bench_wait(&bench, PATIENCE),
	   "a job signals its own fence");
	ok(WAIT_FOR(*data32(&bench, 0) == seed + 0xc00, 2000), "the job continues to read");
	turns = *data32(&bench, 4);
	ok(WAIT_FOR(*data32(&bench, 4) > turns, 2000), "it reads repeatedly");
	ok(counter("translation_faults") == faults, "there is no fault");

	ret = reclaim(getpid());
	ok(!ret && !seen("victim").resident, "its buffer is evicted while it runs (%d)", ret);
	ok(WAIT_FOR(counter("translation_faults") == faults + 1, 5000) &&
		   bench_faulted(V + 0x3000, TRANSLATION_0 + 3, READ),
	   "it faults at that address, the fault is counted");
	turns = *data32(&bench, 4);
	sleep_ms(100);
	ok(*data32(&bench, 4) == turns, "the job ends there");
	ok(!counter("stale_tlb"), "the driver flushed the TLB");
	ok(WAIT_FOR(bench_state(&bench, NULL) == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT, 5000),
	   "its group is unusable");
	bench_again(&bench);
	ok(gpu_sees_it(), "a job of another group reads the data");
	ok(counter("translation_faults") == faults + 1, "there is no other fault");
out:
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

int main(void)
{
	tap_start();
	if (access(RECLAIM_FILE, W_OK)) {
		skip("no mem_reclaim in this kernel", "eviction");
		return tap_end();
	}
	bench_open(&bench, 2, MEDIUM);
	set_number(COUNTERS "stale_tlb", 0);
	if (bo_create(&bench.gpu, &victim, VICTIM_SIZE, 0, &bench.vm) ||
	    bo_bind(&victim, &bench.vm) || bo_label(&victim, "victim"))
		bail("no buffer");
	restored("mem_reclaim", by_reclaim);
	restored("shrinker", by_shrinker);
	lying_job();
	bench_close(&bench);
	return tap_end();
}
