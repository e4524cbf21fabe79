// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance of compute jobs and draws: what the hardware would fetch is fetched, with the rights
 * that it takes, and time passes as the knobs say. Nothing is executed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desc.h"

#define D bench.data.va
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM
#define MAP DRM_PANTHOR_VM_BIND_OP_TYPE_MAP
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP
#define EXEC 1

/* Where an operand is mapped a second time: it can be unmapped alone, or have other rights */
#define ALIAS 0x70000000ULL
/* Offsets in the data */
#define SHADER 0x1000
#define TABLE 0x1100
#define RESOURCE 0x1200
#define UNIFORMS 0x1300
#define STORAGE 0x1400
#define HEAP 0x1500
#define TILER 0x1600
#define INDICES 0x1700
#define BLEND 0x1800
#define DEPTH 0x1900
#define DRAW 0x1a00
#define CHUNK 0x2000
#define CHUNK_SIZE 0x4000

static struct bench bench;

static void alias(uint32_t flags)
{
	if (bench_bind(&bench, bench.data.handle, 0, ALIAS, DATA_SIZE, MAP | flags))
		bail("cannot bind");
}

static void no_alias(void)
{
	if (bench_bind(&bench, 0, 0, ALIAS, DATA_SIZE, UNMAP))
		bail("cannot unbind");
}

/* The operands of a compute job, each in registers that the instruction can select */
#define COMPUTE_SR(base)                                                                      \
	MOVE48(2, (base) + TABLE + 1), MOVE48(10, (base) + UNIFORMS), MOVE32(12, 4 << 24),    \
		ADD32(11, 12, (int)(((base) + UNIFORMS) >> 32)), MOVE48(18, (base) + SHADER), \
		MOVE48(26, (base) + STORAGE), MOVE32(32, 0), MOVE32(33, 63), MOVE32(34, 0),   \
		MOVE32(35, 0), MOVE32(36, 0), MOVE32(37, 10), MOVE32(38, 5), MOVE32(39, 2)
/* SRT 1, SPD 1, TSD 1, FAU 1 */
#define SELECT 0x55

static void operands(void)
{
	memset(bench.data.map, 0, DATA_SIZE);
	desc_shader(&bench, SHADER, bench.code.va);
	desc_table(&bench, TABLE, D + RESOURCE, 64);
	desc_heap(&bench, HEAP, D + CHUNK, CHUNK_SIZE);
	desc_tiler(&bench, TILER, D + HEAP);
}

static void compute(void)
{
	uint64_t before = counter("dispatches"), reads = counter("translation_faults");
	int64_t t0, elapsed;

	operands();
	ok(!RUN(&bench, COMPUTE_SR(D), RUN_COMPUTE(SELECT), WAIT(1)) &&
		   counter("dispatches") == before + 1,
	   "RUN_COMPUTE runs");
	ok(!RUN(&bench, COMPUTE_SR(D), RUN_COMPUTE_INDIRECT(SELECT), WAIT(1)) &&
		   counter("dispatches") == before + 2,
	   "RUN_COMPUTE_INDIRECT runs");
	ok(counter("translation_faults") == reads, "nothing faults");

	/* 64 items a group, 100 groups */
	set_knob("item_ns", 10000);
	t0 = dev_now();
	ok(!RUN(&bench, COMPUTE_SR(D), SET_SB_ENTRY(3, 0), RUN_COMPUTE(SELECT), WAIT(1 << 3)),
	   "RUN_COMPUTE signals the endpoint's scoreboard slot");
	elapsed = dev_now() - t0;
	ok(elapsed >= 64 * MSEC, "a job takes the time per work item that the knob sets");
	t0 = dev_now();
	ok(!RUN(&bench, COMPUTE_SR(D), SET_SB_ENTRY(3, 0), RUN_COMPUTE(SELECT), RUN_COMPUTE(SELECT),
		WAIT(1 << 3)) &&
		   dev_now() - t0 >= 128 * MSEC,
	   "two jobs take twice as long");
	set_knob("item_ns", 0);
}

/* A job with one operand that is not there */
static void missing(const char *what, uint64_t va, uint32_t access, const uint64_t *insns,
		    size_t count)
{
	bench_fault(&bench, bench_run(&bench, insns, count), va, TRANSLATION_0 + 3, access,
		    "%s that is not mapped faults", what);
	operands();
}

#define MISSING(what, va, access, ...)                         \
	missing(what, va, access, (uint64_t[]){ __VA_ARGS__ }, \
		sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)

static void compute_operands(void)
{
	uint64_t before;

	operands();
	alias(0);
	ok(!RUN(&bench, COMPUTE_SR(ALIAS), RUN_COMPUTE(SELECT)), "operands in another mapping");
	no_alias();
	/* So that the page tables of that place stay: level 3 */
	bench_bind(&bench, bench.data.handle, 0, ALIAS + 0x100000, 4096, MAP);

	MISSING("a shader program", ALIAS + SHADER, READ, COMPUTE_SR(D), MOVE48(18, ALIAS + SHADER),
		RUN_COMPUTE(SELECT));
	MISSING("a resource table", ALIAS + TABLE, READ, COMPUTE_SR(D),
		MOVE48(2, ALIAS + TABLE + 1), RUN_COMPUTE(SELECT));
	MISSING("thread storage", ALIAS + STORAGE, READ, COMPUTE_SR(D), MOVE48(26, ALIAS + STORAGE),
		RUN_COMPUTE(SELECT));
	MISSING("a set of uniforms", ALIAS + UNIFORMS, READ, COMPUTE_SR(ALIAS),
		MOVE48(2, D + TABLE + 1), MOVE48(18, D + SHADER), MOVE48(26, D + STORAGE),
		RUN_COMPUTE(SELECT));
	desc_table(&bench, TABLE, ALIAS + RESOURCE, 64);
	MISSING("a resource", ALIAS + RESOURCE, READ, COMPUTE_SR(D), RUN_COMPUTE(SELECT));
	desc_shader(&bench, SHADER, ALIAS);
	MISSING("a binary", ALIAS, EXEC, COMPUTE_SR(D), RUN_COMPUTE(SELECT));

	alias(DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC);
	desc_shader(&bench, SHADER, ALIAS);
	ok(RUN(&bench, COMPUTE_SR(D), RUN_COMPUTE(SELECT)) == -EINVAL &&
		   bench_faulted(ALIAS, PERMISSION_0 + 3, EXEC),
	   "a binary that must not be executed faults");
	bench_again(&bench);
	no_alias();
	operands();

	before = counter("cs_faults");
	*data32(&bench, SHADER) = 9;
	ok(RUN(&bench, COMPUTE_SR(D), RUN_COMPUTE(SELECT)) == -EINVAL &&
		   counter("cs_faults") == before + 1 && !bench_state(&bench, NULL),
	   "a binary that is not a shader program is an invalid descriptor");
	operands();
}

#define IDVS_SR(count)                                                                         \
	MOVE48(0, D + TABLE + 1), MOVE48(4, D + TABLE + 1), MOVE48(8, 0), MOVE48(12, 0),       \
		MOVE48(16, D + SHADER), MOVE48(18, D + SHADER), MOVE48(20, D + SHADER),        \
		MOVE48(24, D + STORAGE), MOVE32(33, count), MOVE32(34, 1), MOVE32(35, 0),      \
		MOVE32(39, 2 * (count)), MOVE48(40, D + TILER), MOVE48(46, 0), MOVE32(48, 16), \
		MOVE48(50, D + BLEND + 1), MOVE48(52, D + DEPTH), MOVE48(54, D + INDICES),     \
		MOVE32(56, 0), MOVE32(57, 0)
#define SECONDARY (1 << 18)
#define INDEX16 (2 << 8)

static void draws(void)
{
	uint64_t before = counter("draws");
	int64_t t0;

	operands();
	ok(!RUN(&bench, IDVS_SR(6), RUN_IDVS(8), FINISH_TILING, WAIT(1)) &&
		   counter("draws") == before + 1,
	   "RUN_IDVS and FINISH_TILING run");
	/* A vertex is 16 bytes and its varyings */
	ok(*data64(&bench, HEAP + 16) == D + CHUNK + 64 + 6 * 32,
	   "the draw takes its memory from the tiler heap");
	ok(*data64(&bench, TILER) == D + CHUNK + 64, "the tiler context has the start of its list");
	ok(*data64(&bench, CHUNK + 64) == D + CHUNK + 64, "the list is written");
	operands();
	*data64(&bench, TILER + 40) = D;
	*data64(&bench, TILER + 48) = D;
	ok(!RUN(&bench, IDVS_SR(6), RUN_IDVS(8)) && !*data64(&bench, TILER + 40) &&
		   !*data64(&bench, TILER + 48),
	   "a new tiler context has no chunks yet");
	operands();
	desc_draw(&bench, DRAW, D + SHADER, 1);
	ok(!RUN(&bench, MOVE48(40, D + TILER), MOVE48(42, 0), MOVE32(56, 0), MOVE48(64, D + DRAW),
		RUN_FULLSCREEN(64), WAIT(1)) &&
		   *data64(&bench, HEAP + 16) == D + CHUNK + 128,
	   "RUN_FULLSCREEN takes tiler memory, too");

	set_knob("vertex_ns", 1000000);
	t0 = dev_now();
	ok(!RUN(&bench, IDVS_SR(60), RUN_IDVS(8), WAIT(1)) && dev_now() - t0 >= 60 * MSEC,
	   "a draw takes the time per vertex that the knob sets");
	set_knob("vertex_ns", 0);
}

static void draw_operands(void)
{
	operands();
	MISSING("a tiler context", ALIAS + TILER, READ, IDVS_SR(6), MOVE48(40, ALIAS + TILER),
		RUN_IDVS(8));
	MISSING("a vertex shader", ALIAS + SHADER, READ, IDVS_SR(6), MOVE48(16, ALIAS + SHADER),
		RUN_IDVS(8));
	ok(!RUN(&bench, IDVS_SR(6), MOVE48(18, ALIAS + SHADER), RUN_IDVS(8)),
	   "a varying shader is ignored without the flag");
	MISSING("a varying shader", ALIAS + SHADER, READ, IDVS_SR(6), MOVE48(18, ALIAS + SHADER),
		RUN_IDVS(8 | SECONDARY));
	MISSING("a fragment shader", ALIAS + SHADER, READ, IDVS_SR(6), MOVE48(20, ALIAS + SHADER),
		RUN_IDVS(8));
	MISSING("a fragment shader's table", ALIAS + TABLE, READ, IDVS_SR(6),
		MOVE48(4, ALIAS + TABLE + 1), RUN_IDVS(8));
	MISSING("an index buffer", ALIAS + INDICES, READ, IDVS_SR(6), MOVE48(54, ALIAS + INDICES),
		RUN_IDVS(8 | INDEX16));
	MISSING("a blend descriptor", ALIAS + BLEND, READ, IDVS_SR(6),
		MOVE48(50, ALIAS + BLEND + 1), RUN_IDVS(8));
	MISSING("a depth/stencil descriptor", ALIAS + DEPTH, READ, IDVS_SR(6),
		MOVE48(52, ALIAS + DEPTH), RUN_IDVS(8));
	MISSING("an occlusion counter", ALIAS, WRITE, IDVS_SR(6), MOVE48(46, ALIAS),
		MOVE32(57, 1 << 14), RUN_IDVS(8));
	desc_tiler(&bench, TILER, ALIAS + HEAP);
	MISSING("a tiler heap", ALIAS + HEAP, READ, IDVS_SR(6), RUN_IDVS(8));
	desc_heap(&bench, HEAP, ALIAS + CHUNK, CHUNK_SIZE);
	MISSING("a heap chunk", ALIAS + CHUNK + 64, WRITE, IDVS_SR(6), RUN_IDVS(8));
}

static void progress(void)
{
	const uint64_t waiter[] = { MOVE48(0, D), MOVE48(2, 3), PROGRESS_WAIT(2, 0), MOVE32(4, 1),
				    STORE(4, 1, 0, 64) };
	uint64_t va = bench_code(&bench, 0x1000, waiter, 5), point;

	operands();
	ok(!RUN(&bench, MOVE48(0, D), MOVE48(2, 1), PROGRESS_STORE(2), WAIT(1) | PROGRESS,
		PROGRESS_LOAD(4), STORE(4, 3, 0, 0)) &&
		   *data64(&bench, 0) == 2,
	   "PROGRESS_STORE, PROGRESS_LOAD and a WAIT with progress run");
	ok(!bench_submit(&bench, 1, va, sizeof(waiter)), "PROGRESS_WAIT is submitted");
	point = bench.point;
	sleep_ms(200);
	ok(!*data32(&bench, 64), "it blocks its queue");
	ok(!RUN(&bench, WAIT(1) | PROGRESS) &&
		   !timeline_wait(&bench.gpu, bench.timeline, point, dev_now() + PATIENCE) &&
		   *data32(&bench, 64) == 1,
	   "it continues when the other queue makes that progress");
	ok(!RUN(&bench, TRACE_POINT(0, 8)), "TRACE_POINT is accepted");
}

static void unknown(void)
{
	uint64_t before = counter("unknown_insns");
	int log = kernel_log();

	ok(RUN(&bench, OP(0xed)) == -EINVAL && counter("unknown_insns") == before + 1 &&
		   kernel_said(log, "instruction 237 is not implemented"),
	   "an unknown instruction is counted and logged");
	close(log);
	bench_again(&bench);
	log = kernel_log();
	ok(RUN(&bench, OP(0xed)) == -EINVAL && counter("unknown_insns") == before + 2 &&
		   !kernel_said(log, "not implemented"),
	   "the second time it is only counted");
	close(log);
	bench_again(&bench);
}

int main(void)
{
	tap_start();
	bench_open(&bench, 2, MEDIUM);
	compute();
	compute_operands();
	draws();
	draw_operands();
	progress();
	unknown();
	bench_close(&bench);
	return tap_end();
}
