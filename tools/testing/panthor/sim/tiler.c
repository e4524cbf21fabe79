// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance of the tiler's memory: chunks are taken, filled and given back, and when there are
 * none left the driver is asked, then fragment jobs are waited for, then the exception handler is
 * called, and then it is a fault.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desc.h"

#define D bench.data.va
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM

#define SHADER 0x1000
#define HEAP 0x1100
#define TILER 0x1200
#define TILER2 0x1300
#define FRAME 0x1400
#define COUNT 0x1800
#define GATE 0x1880

#define CHUNK_SIZE 0x20000
#define MAX_CHUNKS 3
/* A vertex takes 32 bytes: these need 1.5 chunks, 2.4 chunks, and more than there may be */
#define FEW 6000
#define SOME 10000
#define MANY 100000

static struct bench bench;
static struct drm_panthor_tiler_heap_create heap;

static void heap_create(void)
{
	heap = (struct drm_panthor_tiler_heap_create){
		.vm_id = bench.vm.id,
		.initial_chunk_count = 1,
		.chunk_size = CHUNK_SIZE,
		.max_chunks = MAX_CHUNKS,
		.target_in_flight = 65535,
	};
	if (dev_ioctl(bench.gpu.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap))
		bail("no tiler heap");
	memset(bench.data.map, 0, DATA_SIZE);
	desc_shader(&bench, SHADER, bench.code.va);
	desc_heap(&bench, HEAP, heap.first_heap_chunk_gpu_va, CHUNK_SIZE);
	desc_tiler(&bench, TILER, D + HEAP);
	desc_tiler(&bench, TILER2, D + HEAP);
	desc_frame(&bench, FRAME,
		   &(struct frame){ .width = 16,
				    .height = 16,
				    .tiler = D + TILER,
				    .count = 1,
				    .targets = &(struct target){ .keep = true } });
	/* No target is written */
	*data32(&bench, FRAME + 128 + 4) = 0;
}

static void heap_destroy(void)
{
	struct drm_panthor_tiler_heap_destroy destroy = { .handle = heap.handle };

	if (dev_ioctl(bench.gpu.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &destroy))
		bail("cannot destroy the tiler heap");
}

#define SET_HEAP MOVE48(62, heap.tiler_heap_ctx_gpu_va), HEAP_SET(62)
#define DRAW(tiler, vertices)                                                               \
	MOVE48(0, 0), MOVE48(4, 0), MOVE48(8, 0), MOVE48(12, 0), MOVE48(16, D + SHADER),    \
		MOVE48(20, D + SHADER), MOVE48(24, 0), MOVE32(33, vertices), MOVE32(34, 1), \
		MOVE48(40, D + (tiler)), MOVE48(46, 0), MOVE32(48, 16), MOVE48(50, 0),      \
		MOVE48(52, 0), MOVE32(56, 0), MOVE32(57, 0), RUN_IDVS(8)
#define TILE(tiler, vertices)                                                            \
	HEAP_OPERATION(HEAP_VT_START), DRAW(tiler, vertices), FINISH_TILING, WAIT(0xff), \
		HEAP_OPERATION(HEAP_VT_END)
/* What a driver does after the fragment job: chunks go back */
#define GIVE_BACK(tiler, end)                                                                  \
	MOVE48(70, D + (tiler)), LOAD(72, 0xf, 70, 40), WAIT(1), FINISH_FRAGMENT(72, 74, end), \
		MOVE48(76, 0), STORE(76, 3, 70, 0), STORE(76, 3, 70, 40), STORE(76, 3, 70, 48)
#define RENDER(tiler) FRAME_SR(D + FRAME, 16, 16), RUN_FRAGMENT, WAIT(0xff), GIVE_BACK(tiler, 1)

static void passes(void)
{
	uint64_t ooms = counter("tiler_ooms"), taken = counter("chunks_taken");
	uint64_t filled = counter("chunks_filled"), returned = counter("chunks_returned");
	uint64_t chunk = heap.first_heap_chunk_gpu_va;

	ok(!RUN(&bench, SET_HEAP, TILE(TILER, FEW)), "a draw that needs more than one chunk runs");
	ok(counter("tiler_ooms") == ooms + 1 && counter("chunks_taken") == taken + 1 &&
		   counter("chunks_filled") == filled + 1,
	   "the driver adds the requested chunk");
	ok((*data64(&bench, TILER + 40) & ~0xfffULL) == chunk &&
		   *data64(&bench, TILER + 40) == *data64(&bench, TILER + 48),
	   "the tiler context lists the full chunk");
	ok(!RUN(&bench, RENDER(TILER)) && counter("chunks_returned") == returned + 1,
	   "a fragment job returns it");
	taken = counter("chunks_taken");
	for (int i = 0; i < 5; i++) {
		if (!ok(!RUN(&bench, TILE(TILER, FEW), RENDER(TILER)), "pass %d completes", i + 2))
			return;
	}
	/* A pass may begin in the middle of a chunk: three at most */
	ok(counter("tiler_ooms") <= ooms + 2, "the driver is asked for at most one more chunk");
	ok(counter("chunks_taken") >= taken + 6, "chunks are reused from the free list");
	ok(!RUN(&bench, MOVE48(0, heap.tiler_heap_ctx_gpu_va), MOVE48(2, D), LOAD(4, 0xff, 0, 0),
		WAIT(1), STORE(4, 0xff, 2, 0)) &&
		   *data32(&bench, 8) == 6 && *data32(&bench, 12) == 6 && *data32(&bench, 16) == 6,
	   "the heap context counts all passes");
}

static void exhausted(void)
{
	uint64_t faults = counter("cs_faults");

	ok(RUN(&bench, SET_HEAP, TILE(TILER, MANY)) == -EINVAL &&
		   counter("cs_faults") == faults + 1 && !bench_state(&bench, NULL),
	   "without a handler, a heap at its limit is a fault of the job");
	/* It left a pass open */
	bench_regroup(&bench, 2, MEDIUM);
	heap_destroy();
	heap_create();
}

static void incremental(void)
{
	const uint64_t handler[] = {
		MOVE48(80, D + COUNT),
		LOAD(82, 1, 80, 0),
		WAIT(1),
		ADD32(82, 82, 1),
		STORE(82, 1, 80, 0),
		FRAME_SR(D + FRAME, 16, 16),
		RUN_FRAGMENT,
		WAIT(0xff),
		GIVE_BACK(TILER, 0),
		/* As found: RUN_IDVS reads them again */
		MOVE48(40, D + TILER),
	};
	const uint64_t useless[] = { NOP };
	uint64_t exceptions = counter("tiler_exceptions"), faults = counter("cs_faults");
	uint64_t va = bench_code(&bench, 0x4000, handler, sizeof(handler) / 8);

	ok(!RUN(&bench, SET_HEAP, MOVE48(64, va), MOVE32(66, sizeof(handler)),
		SET_EXCEPTION_HANDLER(64, 66), TILE(TILER, MANY)),
	   "with a handler that renders the partial frame, the job continues");
	diag("%u calls", *data32(&bench, COUNT));
	/* 3.2 MB in chunks of 128 kB, three at a time */
	ok(*data32(&bench, COUNT) >= 8 && *data32(&bench, COUNT) <= 25 &&
		   counter("tiler_exceptions") == exceptions + *data32(&bench, COUNT),
	   "the handler is called as often as needed");
	ok(counter("cs_faults") == faults, "there is no fault");
	ok(!RUN(&bench, RENDER(TILER)), "the pass is rendered");

	va = bench_code(&bench, 0x4000, useless, 1);
	exceptions = counter("tiler_exceptions");
	ok(RUN(&bench, MOVE48(64, va), MOVE32(66, sizeof(useless)), SET_EXCEPTION_HANDLER(64, 66),
	       TILE(TILER, MANY)) == -EINVAL &&
		   counter("tiler_exceptions") == exceptions + 1,
	   "a handler that returns no chunk is called once, then the job faults");
	bench_regroup(&bench, 2, MEDIUM);
	heap_destroy();
	heap_create();
}

/* Vertices in queue 0, fragments in queue 1, as a Vulkan driver has them */
static void in_flight(void)
{
	const uint64_t tile[] = { SET_HEAP, TILE(TILER, SOME), TILE(TILER2, SOME) };
	const uint64_t render[] = {
		SET_HEAP,      MOVE48(0, D + GATE), MOVE32(2, 0), SYNC_WAIT32(2, 0, GT, 0),
		RENDER(TILER),
	};
	uint64_t ooms = counter("tiler_ooms"), exceptions = counter("tiler_exceptions");
	uint64_t faults = counter("cs_faults");
	uint64_t va = bench_code(&bench, 0x1000, tile, sizeof(tile) / 8), first, second;
	int ret;

	bench_submit(&bench, 0, va, sizeof(tile));
	first = bench.point;
	va = bench_code(&bench, 0x2000, render, sizeof(render) / 8);
	bench_submit(&bench, 1, va, sizeof(render));
	second = bench.point;
	ok(WAIT_FOR(counter("tiler_ooms") == ooms + 3, 5000),
	   "the second pass asks for a chunk, and gets none");
	ret = timeline_wait(&bench.gpu, bench.timeline, first, dev_now() + 300 * MSEC);
	ok(ret == -ETIME && counter("cs_faults") == faults,
	   "it waits for the fragment job of the first pass");
	__atomic_store_n(data32(&bench, GATE), 1, __ATOMIC_RELEASE);
	ok(!timeline_wait(&bench.gpu, bench.timeline, second, dev_now() + PATIENCE) &&
		   !bench_fence_error(&bench, first) && !bench_fence_error(&bench, second),
	   "that job returns the chunk that it needs");
	ok(counter("tiler_exceptions") == exceptions && !bench_state(&bench, NULL),
	   "no handler is called, there is no fault");
}

static void destroyed(void)
{
	heap_destroy();
	ok(RUN(&bench, DRAW(TILER, SOME)) == -EINVAL &&
		   bench_state(&bench, NULL) == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
	   "a destroyed heap is unknown");
	bench_again(&bench);
}

int main(void)
{
	tap_start();
	bench_open(&bench, 2, MEDIUM);
	heap_create();
	passes();
	exhausted();
	incremental();
	in_flight();
	destroyed();
	bench_close(&bench);
	return tap_end();
}
