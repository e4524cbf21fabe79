// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance by instruction: each does what it says, and what it does not know ends the stream.
 */
#include <errno.h>
#include <string.h>

#include "bench.h"

#define D bench.data.va

static struct bench bench;

/* Jobs find a pattern in the data, so that what nobody wrote shows */
static void fresh(void)
{
	for (uint32_t i = 0; i < 1024; i++)
		*data32(&bench, i * 4) = 0xa0000000 + i;
}

static void moves(void)
{
	fresh();
	ok(!RUN(&bench, NOP, MOVE48(0, D), MOVE48(2, 0x123456789abcULL), MOVE32(4, 0xdeadbeef),
		STORE(2, 7, 0, 0), WAIT(0xff)),
	   "NOP, MOVE48, MOVE32, STORE_MULTIPLE, WAIT run");
	ok(*data64(&bench, 0) == 0x123456789abcULL, "MOVE48 fills a pair of registers");
	ok(*data32(&bench, 8) == 0xdeadbeef, "MOVE32 fills one register");
	ok(*data32(&bench, 12) == 0xa0000003, "no other memory is written");
	ok(!RUN(&bench, MOVE48(94, D), MOVE32(93, 5), STORE(93, 1, 94, 4)) &&
		   *data32(&bench, 4) == 5,
	   "register 95 is the last");
}

static void arithmetic(void)
{
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(2, 7), ADD32(3, 2, -9), ADD32(4, 2, 0x7fffffff),
		STORE(2, 7, 0, 0)) &&
		   *data32(&bench, 4) == 0xfffffffe && *data32(&bench, 8) == 0x80000006,
	   "ADD_IMMEDIATE32 adds and wraps");
	ok(!RUN(&bench, MOVE48(0, D), MOVE48(2, 0xffffffffULL), ADD64(4, 2, 1), ADD64(6, 2, -1),
		STORE(4, 15, 0, 0)) &&
		   *data64(&bench, 0) == 0x100000000ULL && *data64(&bench, 8) == 0xfffffffeULL,
	   "ADD_IMMEDIATE64 carries and borrows");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(2, 5), MOVE32(3, 0xfffffff0), UMIN32(4, 2, 3),
		UMIN32(5, 3, 3), STORE(4, 3, 0, 0)) &&
		   *data32(&bench, 0) == 5 && *data32(&bench, 4) == 0xfffffff0,
	   "UMIN32 compares without sign");
}

static void loads(void)
{
	bool same = true;

	fresh();
	ok(!RUN(&bench, MOVE48(0, D), LOAD(2, 0xffff, 0, 256), WAIT(1), STORE(2, 0xffff, 0, 1024)),
	   "LOAD_MULTIPLE loads 16 registers");
	for (int i = 0; i < 16; i++)
		same &= *data32(&bench, 1024 + i * 4) == 0xa0000000U + 64 + i;
	ok(same, "the registers have the values in memory");
	fresh();
	ok(!RUN(&bench, MOVE48(0, D + 512), LOAD(2, 0x5, 0, -256), WAIT(1), STORE(2, 0x5, 0, 0)) &&
		   *data32(&bench, 512) == 0xa0000040 && *data32(&bench, 516) == 0xa0000081 &&
		   *data32(&bench, 520) == 0xa0000042,
	   "a mask may have gaps, an offset may be negative");
	fresh();
	ok(!RUN(&bench, MOVE48(0, D + 4096 - 8), LOAD(2, 0xf, 0, 0), WAIT(1),
		STORE(2, 0xf, 0, -2048)) &&
		   *data32(&bench, 2040) == 0xa00003fe && *data32(&bench, 2044) == 0xa00003ff,
	   "an access may cross a page border");
}

static void branches(void)
{
	static const struct {
		uint32_t cond, taken;
	} cases[] = {
		/* bit 0: for -1, bit 1: for 0, bit 2: for 1 */
		{ LE, 3 }, { GT, 4 }, { EQ, 2 }, { NE, 5 }, { LT, 1 }, { GE, 6 }, { ALWAYS, 7 },
	};
	bool good = true;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int value = -1; value <= 1; value++) {
			int ret = RUN(&bench, MOVE48(0, D), MOVE32(2, value), MOVE32(3, 1),
				      BRANCH(cases[i].cond, 2, 1), MOVE32(3, 0), STORE(3, 1, 0, 0));

			if (ret || *data32(&bench, 0) != (cases[i].taken >> (value + 1) & 1)) {
				diag("condition %u, value %d: %d, %u", cases[i].cond, value, ret,
				     *data32(&bench, 0));
				good = false;
			}
		}
	}
	ok(good, "BRANCH has seven conditions");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(2, 1000), MOVE32(3, 0), ADD32(3, 3, 2),
		ADD32(2, 2, -1), BRANCH(GT, 2, -3), STORE(3, 1, 0, 0)) &&
		   *data32(&bench, 0) == 2000,
	   "BRANCH backwards makes a loop");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(3, 77), STORE(3, 1, 0, 0), BRANCH(ALWAYS, 0, 1),
		MOVE32(3, 78)),
	   "BRANCH to the end returns");
}

static void calls(void)
{
	const uint64_t inner[] = { ADD32(4, 4, 1) };
	const uint64_t middle[] = { CALL(8, 10), CALL(8, 10), ADD32(4, 4, 10) };
	const uint64_t target[] = { ADD32(4, 4, 100), STORE(4, 1, 0, 0) };
	uint64_t in = bench_code(&bench, 0x1000, inner, 1);
	uint64_t mid = bench_code(&bench, 0x2000, middle, 3);
	uint64_t to = bench_code(&bench, 0x3000, target, 2);

	ok(!RUN(&bench, MOVE48(0, D), MOVE32(4, 0), MOVE48(8, in), MOVE32(10, sizeof(inner)),
		MOVE48(12, mid), MOVE32(14, sizeof(middle)), CALL(12, 14), CALL(8, 10),
		STORE(4, 1, 0, 0)) &&
		   *data32(&bench, 0) == 13,
	   "CALL nests and returns");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(4, 0), MOVE48(12, to), MOVE32(14, sizeof(target)),
		JUMP(12, 14), MOVE32(4, 1000), STORE(4, 1, 0, 0)) &&
		   *data32(&bench, 0) == 100,
	   "JUMP does not return");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(4, 3), MOVE48(12, to), MOVE32(14, 0), CALL(12, 14),
		STORE(4, 1, 0, 0)) &&
		   *data32(&bench, 0) == 3,
	   "CALL of an empty stream does nothing");
}

static void syncs(void)
{
	fresh();
	*data64(&bench, 0) = 40;
	*data32(&bench, 8) = 9;
	ok(!RUN(&bench, MOVE48(0, D), MOVE48(2, 2), SYNC_ADD64(2, 0, SYNC_ERROR)) &&
		   *data64(&bench, 0) == 42 && *data32(&bench, 8) == 9,
	   "SYNC_ADD64 adds and does not change the status");
	ok(!RUN(&bench, MOVE48(0, D), MOVE48(2, 0x500000005ULL), SYNC_SET64(2, 0, SYNC_ERROR)) &&
		   *data64(&bench, 0) == 0x500000005ULL && *data32(&bench, 8) == 0,
	   "SYNC_SET64 sets the value and the status");
	*data32(&bench, 16) = 40;
	ok(!RUN(&bench, MOVE48(0, D + 16), MOVE32(2, 2), SYNC_ADD32(2, 0, 0)) &&
		   *data32(&bench, 16) == 42 && *data32(&bench, 20) == 0xa0000005,
	   "SYNC_ADD32 adds");
	ok(!RUN(&bench, MOVE48(0, D + 16), MOVE32(2, 17), SYNC_SET32(2, 0, SYNC_GROUP)) &&
		   *data32(&bench, 16) == 17,
	   "SYNC_SET32 sets the value");
	*data32(&bench, 20) = 0;
	ok(!RUN(&bench, MOVE48(0, D + 16), MOVE32(2, 16), SYNC_WAIT32(2, 0, GT, 0), MOVE32(2, 17),
		SYNC_WAIT32(2, 0, LE, SYNC_ERROR)),
	   "SYNC_WAIT32 does not wait if the condition holds");
	ok(!RUN(&bench, MOVE48(0, D), MOVE48(2, 0x500000004ULL), SYNC_WAIT64(2, 0, GT, 0),
		MOVE48(2, 0x500000005ULL), SYNC_WAIT64(2, 0, LE, 0)),
	   "SYNC_WAIT64 does not wait if the condition holds");
}

/* Queue 1 waits for what queue 0 does later */
static void sync_between_queues(bool is64)
{
	const uint64_t waiter[] = {
		MOVE48(0, D),
		MOVE48(2, 7),
		is64 ? SYNC_WAIT64(2, 0, GT, 0) : SYNC_WAIT32(2, 0, GT, 0),
		MOVE32(4, 1),
		STORE(4, 1, 0, 64),
	};
	const uint64_t waker[] = {
		MOVE48(0, D),
		MOVE48(2, 8),
		is64 ? SYNC_SET64(2, 0, SYNC_GROUP) : SYNC_SET32(2, 0, SYNC_GROUP),
	};
	const char *name = is64 ? "SYNC_WAIT64" : "SYNC_WAIT32";
	uint64_t va = bench_code(&bench, 0x1000, waiter, 5);
	uint64_t point;

	memset(bench.data.map, 0, 4096);
	ok(!bench_submit(&bench, 1, va, sizeof(waiter)), "%s is submitted", name);
	point = bench.point;
	sleep_ms(300);
	ok(!*data32(&bench, 64), "%s blocks its queue", name);
	va = bench_code(&bench, 0x2000, waker, 3);
	ok(!bench_submit(&bench, 0, va, sizeof(waker)) && !bench_wait(&bench, PATIENCE) &&
		   !timeline_wait(&bench.gpu, bench.timeline, point, dev_now() + PATIENCE) &&
		   *data32(&bench, 64) == 1,
	   "%s continues when another queue sets the value", name);
}

static void sync_from_cpu(void)
{
	const uint64_t waiter[] = { MOVE48(0, D), MOVE32(2, 7), SYNC_WAIT32(2, 0, GT, 0) },
		       nop = NOP;
	uint64_t va = bench_code(&bench, 0x1000, waiter, 3), point;

	memset(bench.data.map, 0, 4096);
	ok(!bench_submit(&bench, 0, va, sizeof(waiter)) && bench_wait(&bench, 100 * MSEC) == -ETIME,
	   "SYNC_WAIT32 waits for the CPU");
	__atomic_store_n(data32(&bench, 0), 8, __ATOMIC_RELEASE);
	/*
	 * The group may have left the GPU, where nobody looks at the object: another job brings
	 * it back
	 */
	va = bench_code(&bench, 0x2000, &nop, 1);
	point = bench.point;
	ok(!bench_submit(&bench, 1, va, sizeof(nop)) && !bench_wait(&bench, PATIENCE) &&
		   !timeline_wait(&bench.gpu, bench.timeline, point, dev_now() + PATIENCE),
	   "SYNC_WAIT32 continues after the CPU's write");
}

static void states(void)
{
	uint64_t c0, c1, t0, t1;

	memset(bench.data.map, 0, 4096);
	ok(!RUN(&bench, MOVE48(0, D), STORE_STATE(0, STATE_CYCLES, 0),
		STORE_STATE(0, STATE_TIME, 8), MOVE32(4, 5000), ADD32(4, 4, -1), BRANCH(GT, 4, -2),
		WAIT(0xff), STORE_STATE(0, STATE_CYCLES, 16), STORE_STATE(0, STATE_TIME, 24)),
	   "STORE_STATE stores counters");
	c0 = *data64(&bench, 0);
	t0 = *data64(&bench, 8);
	c1 = *data64(&bench, 16);
	t1 = *data64(&bench, 24);
	ok(c0 && t0 && c1 > c0 && t1 > t0, "both counters advance");
	/* 500 MHz and 24 MHz */
	ok((c1 - c0) / (t1 - t0 + 1) < 30 && (c1 - c0) / (t1 - t0 + 1) > 12,
	   "the cycle counter and the timestamp have one clock");
	diag("10,000 instructions: %llu cycles, %llu ticks", (unsigned long long)(c1 - c0),
	     (unsigned long long)(t1 - t0));
}

static void scoreboards(void)
{
	int64_t t0;

	set_knob("flush_latency_us", 50000);
	t0 = dev_now();
	ok(!RUN(&bench, MOVE32(2, 0), FLUSH(2, 0, 3), WAIT(1 << 3)) && dev_now() - t0 >= 50 * MSEC,
	   "WAIT waits for the flush that signals its scoreboard slot");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(2, 0), STORE_STATE(0, STATE_CYCLES, 0), FLUSH(2, 0, 3),
		WAIT(1 << 5), STORE_STATE(0, STATE_CYCLES, 8)) &&
		   *data64(&bench, 8) - *data64(&bench, 0) < 500 * 40000,
	   "WAIT does not wait for another slot's flush");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(2, 0), STORE_STATE(0, STATE_CYCLES, 0), FLUSH(2, 0, 3),
		FLUSH(2, 1 << 3, 4), STORE_STATE(0, STATE_CYCLES, 8) | MASK(1 << 4)) &&
		   *data64(&bench, 8) - *data64(&bench, 0) >= 500 * 100000,
	   "instructions wait by their mask");
	set_knob("flush_latency_us", 0);
	ok(!RUN(&bench, SET_SB_ENTRY(2, 3), REQ_RESOURCE, ERROR_BARRIER),
	   "SET_SB_ENTRY, REQ_RESOURCE, ERROR_BARRIER are accepted");
}

static void invalid(void)
{
	static const struct {
		const char *what;
		uint64_t insn;
	} cases[] = {
		{ "an unknown opcode", OP(0xee) },
		{ "an exception handler for something else", OP(25) | ADDR(0) | DATA(2) | 3 },
		{ "a register that does not exist", MOVE32(96, 0) },
		{ "an odd register pair", MOVE48(3, 0) },
		{ "a pair at the end", MOVE48(95, 0) },
		{ "more registers than there are", STORE(90, 0xff, 0, 0) },
		{ "an unknown condition", BRANCH(7, 0, 0) },
		{ "a sync wait for equality", SYNC_WAIT32(2, 0, EQ, 0) },
		{ "an unknown heap operation", HEAP_OPERATION(2) },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = counter("cs_fatals");
		uint32_t fatal = 0;
		int ret = RUN(&bench, MOVE48(0, D), cases[i].insn);

		ok(ret == -EINVAL && counter("cs_fatals") == before + 1 &&
			   bench_state(&bench, &fatal) == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT &&
			   fatal == 1,
		   "%s ends the stream", cases[i].what);
		bench_regroup(&bench, 2, PANTHOR_GROUP_PRIORITY_MEDIUM);
	}
}

int main(void)
{
	tap_start();
	bench_open(&bench, 2, PANTHOR_GROUP_PRIORITY_MEDIUM);
	moves();
	arithmetic();
	loads();
	branches();
	calls();
	syncs();
	sync_between_queues(false);
	sync_between_queues(true);
	sync_from_cpu();
	states();
	scoreboards();
	invalid();
	bench_close(&bench);
	return tap_end();
}
