// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance of the scheduling side: more groups than slots, priorities, idle and runtime
 * suspend, ping, the flush-id page, tiler heaps that run full, profiling.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define D bench.data.va
#define GROUPS 12
#define LOOPS 50000
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM

static struct bench bench;

/*
 * A loop that counts in a register: what it stores at its end is wrong if a suspend lost the
 * register
 */
static void more_groups_than_slots(void)
{
	uint64_t suspends = counter("suspends"), resumes = counter("resumes");
	struct bench groups[GROUPS];
	bool good = true, right = true;

	memset(bench.data.map, 0, DATA_SIZE);
	for (int i = 0; i < GROUPS; i++)
		bench_share(&groups[i], &bench, 1, MEDIUM);
	for (int i = 0; i < GROUPS; i++) {
		const uint64_t insns[] = {
			MOVE48(0, D + i * 64), MOVE32(2, LOOPS),  MOVE32(3, i),	     ADD32(3, 3, 3),
			ADD32(2, 2, -1),       BRANCH(GT, 2, -3), STORE(3, 1, 0, 0),
		};
		uint64_t va = bench_code(&groups[i], 0, insns, sizeof(insns) / 8);

		good &= !bench_submit(&groups[i], 0, va, sizeof(insns));
	}
	ok(good, "%d groups submit a job each to %u slots", GROUPS, bench.gpu.csif.csg_slot_count);
	for (int i = 0; i < GROUPS; i++)
		good &= !bench_wait(&groups[i], 4 * PATIENCE);
	ok(good, "all jobs complete");
	for (int i = 0; i < GROUPS; i++)
		right &= *data32(&bench, i * 64) == (uint32_t)i + 3 * LOOPS;
	ok(right, "each has the expected result");
	ok(counter("suspends") > suspends && counter("resumes") > resumes,
	   "groups are suspended and resumed");
	diag("%llu suspends, %llu resumes", (unsigned long long)(counter("suspends") - suspends),
	     (unsigned long long)(counter("resumes") - resumes));
	for (int i = 0; i < GROUPS; i++) {
		struct drm_panthor_group_destroy args = { .group_handle = groups[i].group };

		dev_ioctl(bench.gpu.fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &args);
		bo_destroy(&groups[i].code);
	}
}

/* Twelve endless low priority groups fill the slots; a real-time one gets through at once */
static void priorities(void)
{
	const uint64_t endless[] = { MOVE48(0, D), LOAD(2, 1, 0, 0), WAIT(1), BRANCH(EQ, 2, -3) };
	struct bench groups[GROUPS], urgent;
	bool good = true;
	int64_t t0;

	memset(bench.data.map, 0, 4096);
	for (int i = 0; i < GROUPS; i++)
		bench_share(&groups[i], &bench, 1, PANTHOR_GROUP_PRIORITY_LOW);
	bench_share(&urgent, &bench, 1, PANTHOR_GROUP_PRIORITY_REALTIME);
	for (int i = 0; i < GROUPS; i++)
		good &= !bench_submit(&groups[i], 0, bench_code(&groups[i], 0, endless, 4),
				      sizeof(endless));
	t0 = dev_now();
	ok(good && !RUN(&urgent, NOP), "a real-time group runs while %d others fill the slots",
	   GROUPS);
	diag("it took %lld us", (long long)((dev_now() - t0) / 1000));
	ok(dev_now() - t0 < DEV_NSEC, "it does not wait for them");
	ok(bench_wait(&groups[0], 0) == -ETIME, "the other groups still run");
	__atomic_store_n(data32(&bench, 0), 1, __ATOMIC_RELEASE);
	for (int i = 0; i < GROUPS; i++)
		good &= !bench_wait(&groups[i], PATIENCE);
	ok(good, "the other groups complete");
	for (int i = 0; i < GROUPS; i++) {
		struct drm_panthor_group_destroy args = { .group_handle = groups[i].group };

		dev_ioctl(bench.gpu.fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &args);
		bo_destroy(&groups[i].code);
	}
}

static bool suspended(void)
{
	return file_says(POWER "runtime_status", "suspended");
}

static void *map_flush_id(int prot)
{
	return mmap(NULL, 4096, prot, MAP_SHARED, bench.gpu.fd,
		    DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);
}

static void idle_and_flush_id(void)
{
	uint64_t idles = counter("idle_events"), boots, resets = counter("resets");
	volatile uint32_t *id;
	uint32_t before;

	ok(map_flush_id(PROT_READ | PROT_WRITE) == MAP_FAILED,
	   "the flush id cannot be mapped for writing");
	id = map_flush_id(PROT_READ);
	if (!ok(id != MAP_FAILED, "it can be mapped for reading"))
		return;

	ok(!RUN(&bench, NOP) && WAIT_FOR(counter("idle_events") > idles, 1000),
	   "an idle group is reported");
	ok(WAIT_FOR(suspended(), 3000), "the device suspends when it is idle");
	ok(*id == 1, "the flush id is the dummy's while suspended");
	file_write(POWER "control", "on");
	ok(!suspended(), "it resumes");
	before = *id;
	ok(before > 1, "the flush id is the GPU's again");
	/* The driver flushes for a VM that has an address space: one whose job was the last */
	ok(!RUN(&bench, NOP) &&
		   !bench_bind(&bench, bench.data.handle, 0, 0x60000000, DATA_SIZE,
			       DRM_PANTHOR_VM_BIND_OP_TYPE_MAP) &&
		   *id > before,
	   "a cache flush changes it");
	boots = counter("boots");
	file_write(POWER "control", "auto");
	ok(WAIT_FOR(suspended(), 3000) && !RUN(&bench, NOP) && counter("boots") > boots &&
		   counter("resets") == resets,
	   "halt and fast reset: a suspend cycle needs no GPU reset");
	munmap((void *)id, 4096);
}

static void ping(void)
{
	uint64_t pings = counter("pings");
	int64_t end = dev_now() + 14 * DEV_NSEC;
	bool good = true;

	/* The driver pings every 12 s while the device is awake */
	file_write(POWER "control", "on");
	while (dev_now() < end && counter("pings") == pings)
		sleep_ms(100);
	good = counter("pings") > pings;
	file_write(POWER "control", "auto");
	ok(good && !RUN(&bench, NOP), "the firmware answers pings");
}

static int heap_create(uint32_t max_chunks, uint32_t target,
		       struct drm_panthor_tiler_heap_create *heap)
{
	*heap = (struct drm_panthor_tiler_heap_create){
		.vm_id = bench.vm.id,
		.initial_chunk_count = 1,
		.chunk_size = 0x20000,
		.max_chunks = max_chunks,
		.target_in_flight = target,
	};
	return dev_ioctl(bench.gpu.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, heap);
}

static void tiler_heaps(void)
{
	struct drm_panthor_tiler_heap_destroy destroy = {};
	struct drm_panthor_tiler_heap_create heap;
	uint64_t ooms = counter("tiler_ooms");

	ok(!heap_create(3, 65535, &heap) && heap.tiler_heap_ctx_gpu_va &&
		   heap.first_heap_chunk_gpu_va,
	   "TILER_HEAP_CREATE succeeds");
	ok(!RUN(&bench, MOVE48(0, heap.first_heap_chunk_gpu_va), MOVE48(2, D), LOAD(4, 3, 0, 0),
		WAIT(1), STORE(4, 3, 2, 0)),
	   "the GPU reads the first chunk");
	set_knob("tiler_oom", 2);
	ok(!RUN(&bench, MOVE48(0, heap.tiler_heap_ctx_gpu_va), HEAP_SET(0),
		HEAP_OPERATION(HEAP_VT_START), HEAP_OPERATION(HEAP_VT_END),
		HEAP_OPERATION(HEAP_VT_START), HEAP_OPERATION(HEAP_VT_END),
		HEAP_OPERATION(HEAP_FRAG_END), HEAP_OPERATION(HEAP_FRAG_END)) &&
		   counter("tiler_ooms") == ooms + 2,
	   "the driver adds a chunk when the tiler is out of memory");
	set_knob("tiler_oom", 1);
	ok(RUN(&bench, MOVE48(0, heap.tiler_heap_ctx_gpu_va), HEAP_SET(0),
	       HEAP_OPERATION(HEAP_VT_START), HEAP_OPERATION(HEAP_VT_END),
	       HEAP_OPERATION(HEAP_FRAG_END)) == -EINVAL &&
		   !bench_state(&bench, NULL),
	   "a heap at its limit leads to an OOM fault");
	/* The fault left a vertex/tiler job open */
	bench_regroup(&bench, 1, MEDIUM);
	set_knob("tiler_oom", 1);
	ok(RUN(&bench, MOVE48(0, D), HEAP_SET(0), HEAP_OPERATION(HEAP_VT_START)) == -EINVAL &&
		   bench_state(&bench, NULL) == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
	   "a heap unknown to the driver is fatal");
	bench_regroup(&bench, 1, MEDIUM);
	destroy.handle = heap.handle;
	ok(!dev_ioctl(bench.gpu.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &destroy),
	   "TILER_HEAP_DESTROY succeeds");
}

/* What the driver's fdinfo says of this file */
static uint64_t fdinfo(const char *key)
{
	char path[64], line[256];
	uint64_t value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bench.gpu.fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			value = strtoull(line + strlen(key) + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

static void profiling(void)
{
	uint64_t cycles;

	file_write("/sys/bus/platform/devices/panthor/profiling", "3");
	cycles = fdinfo("drm-cycles-panthor");
	ok(!RUN(&bench, MOVE32(2, 5000), ADD32(2, 2, -1), BRANCH(GT, 2, -2)),
	   "a job runs with profiling enabled");
	ok(WAIT_FOR(fdinfo("drm-cycles-panthor") > cycles, 1000), "fdinfo accounts its cycles");
	diag("%llu cycles", (unsigned long long)(fdinfo("drm-cycles-panthor") - cycles));
	file_write("/sys/bus/platform/devices/panthor/profiling", "0");
}

int main(void)
{
	tap_start();
	bench_open(&bench, 1, MEDIUM);
	more_groups_than_slots();
	priorities();
	idle_and_flush_id();
	profiling();
	tiler_heaps();
	ping();
	bench_close(&bench);
	return tap_end();
}
