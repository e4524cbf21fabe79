// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance of the MMU: what it refuses is refused at the right address, with the right status,
 * at every level, and the driver says so, gets over it and keeps the TLB in step.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define D bench.data.va
#define UNMAPPED 0x123456000ULL
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM
#define MAP DRM_PANTHOR_VM_BIND_OP_TYPE_MAP
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP

/* Bits of a page table's leaf */
#define PTE_VALID 1
#define PTE_READ_ONLY (1ULL << 7)
#define PTE_ACCESSED (1ULL << 10)
#define PTE_HIGH_ADDRESS (1ULL << 46)

/* Of a write to UNMAPPED, the lines of one record, whose ends the log escapes */
#define LINE "\\x0a"
#define DRIVER_SAYS                                                                              \
	"at VA 0x0000000123456000" LINE "raw fault status: 0x3C1" LINE                           \
	"decoded fault status: SLAVE FAULT" LINE "exception type 0xC1: TRANSLATION_FAULT_1" LINE \
	"access type 0x3: WRITE"

static struct bench bench;

static void translation_faults(void)
{
	const uint64_t nops[8] = { NOP };
	uint64_t before = counter("translation_faults"), va;
	uint32_t fatal;

	ok(RUN(&bench, MOVE48(0, UNMAPPED), STORE(2, 1, 0, 0)) == -EINVAL,
	   "a write to an unmapped address fails");
	ok(counter("translation_faults") > before &&
		   bench_faulted(UNMAPPED, TRANSLATION_0 + 1, WRITE),
	   "a translation fault at level 1 has the address and the access");
	ok(bench_state(&bench, &fatal) == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT && (fatal & 1),
	   "the group is unusable, the error is of queue 0");
	ok(bench_submit(&bench, 0, bench.code.va, 8) < 0, "it accepts no more jobs");
	bench_again(&bench);

	bench_fault(&bench, RUN(&bench, MOVE48(0, D + DATA_SIZE), LOAD(2, 1, 0, 0), WAIT(1)),
		    D + DATA_SIZE, TRANSLATION_0 + 3, READ,
		    "a read behind a buffer faults at level 3");

	/* The last register is in the next page */
	bench_fault(&bench, RUN(&bench, MOVE48(0, D + DATA_SIZE - 4), STORE(2, 3, 0, 0)),
		    D + DATA_SIZE, TRANSLATION_0 + 3, WRITE,
		    "an access that crosses the end faults");

	bench_fault(&bench,
		    RUN(&bench, MOVE48(0, 0xffff00000000ULL), ADD64(0, 0, 0x7fffffff), MOVE32(3, 0),
			MOVE32(1, 0x10000), LOAD(2, 1, 0, 1)),
		    0x100007fffffffULL + 1, ADDRESS_SIZE_IN, READ,
		    "an address beyond the VA space is an address size fault");

	va = bench_code(&bench, CODE_SIZE - 64, nops, 8);
	ok(!bench_submit(&bench, 0, va, 128) && bench_wait(&bench, PATIENCE) == -EINVAL &&
		   bench_faulted(va + 64, TRANSLATION_0 + 3, READ),
	   "instructions are fetched through the MMU");
	bench_again(&bench);
	ok(!vm_unusable(&bench.vm), "the VM is still usable");
}

static void permission_faults(void)
{
	uint64_t before = counter("permission_faults"), ro = 0x30000000;

	ok(!bench_bind(&bench, bench.data.handle, 0, ro, DATA_SIZE,
		       MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY),
	   "the data is mapped read-only at another address");
	*data32(&bench, 64) = 4711;
	ok(!RUN(&bench, MOVE48(0, ro), MOVE48(4, D), LOAD(2, 1, 0, 64), WAIT(1),
		STORE(2, 1, 4, 0)) &&
		   *data32(&bench, 0) == 4711,
	   "a job reads it");
	ok(RUN(&bench, MOVE48(0, ro), MOVE32(2, 1), STORE(2, 1, 0, 64)) == -EINVAL &&
		   counter("permission_faults") == before + 1 && *data32(&bench, 64) == 4711 &&
		   bench_faulted(ro + 64, PERMISSION_0 + 3, WRITE),
	   "a write is a permission fault");
	bench_again(&bench);
	bench_fault(&bench, RUN(&bench, MOVE48(0, ro), SYNC_ADD64(2, 0, 0)), ro, PERMISSION_0 + 3,
		    WRITE, "so is a SYNC_ADD64");
}

/* A new group each time, for the fault kills it */
static bool refused(uint64_t va, uint32_t type, uint32_t access)
{
	bool good = RUN(&bench, MOVE48(0, va),
			access == WRITE ? STORE(2, 1, 0, 0) : LOAD(2, 1, 0, 0),
			WAIT(1)) == -EINVAL &&
		    bench_faulted(va, type, access);

	bench_regroup(&bench, 2, MEDIUM);
	return good;
}

static void huge_page(void)
{
	uint64_t va = 0x70000000, level;
	struct bo big;

	if (bo_create(&bench.gpu, &big, 0x400000, 0, &bench.vm) || bo_map(&big))
		bail("no buffer");
	memset(big.map, 1, big.size);
	ok(!bench_bind(&bench, big.handle, 0, va, big.size,
		       MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY),
	   "4 MiB are mapped read-only");
	level = refused(va + 0x234560, PERMISSION_0 + 2, WRITE) ? 2 : 3;
	if (level == 2)
		ok(true, "a permission fault in a 2 MiB block has level 2");
	else if (ok(refused(va + 0x234560, PERMISSION_0 + 3, WRITE),
		    "a write to it is a permission fault"))
		skip("no huge page is available", "the permission fault has level 2");
	bench_bind(&bench, 0, 0, va, big.size, UNMAP);
	bo_unmap(&big);
	bo_destroy(&big);
}

/* How far the walk comes decides about the level */
static void levels(void)
{
	for (uint32_t access = READ; access <= WRITE; access++) {
		const char *what = access == READ ? "read" : "write";

		ok(refused(1ULL << 45, TRANSLATION_0, access), "translation fault, level 0, %s",
		   what);
		ok(refused(UNMAPPED, TRANSLATION_0 + 1, access), "translation fault, level 1, %s",
		   what);
		ok(refused(D ^ 0x20000000, TRANSLATION_0 + 2, access),
		   "translation fault, level 2, %s", what);
		ok(refused(D + DATA_SIZE, TRANSLATION_0 + 3, access),
		   "translation fault, level 3, %s", what);
	}
	huge_page();
}

/* What no driver writes into a page table is there if bits of it flip */
static void flipped_bits(void)
{
	static const struct {
		const char *what;
		uint64_t mask;
		uint32_t type, access;
	} flips[] = {
		{ "an entry that is not valid", PTE_VALID, TRANSLATION_0 + 3, READ },
		{ "a page that became read-only", PTE_READ_ONLY, PERMISSION_0 + 3, WRITE },
		{ "no access flag", PTE_ACCESSED, ACCESS_FLAG_0 + 3, READ },
		{ "no access flag", PTE_ACCESSED, ACCESS_FLAG_0 + 3, WRITE },
		{ "a page where no memory is", PTE_HIGH_ADDRESS, ADDRESS_SIZE_OUT_0 + 3, READ },
	};
	uint64_t others = counter("other_faults");

	*data32(&bench, 0x2000) = 2026;
	set_knob("flip_va", D + 0x2000);
	for (size_t i = 0; i < sizeof(flips) / sizeof(flips[0]); i++) {
		set_knob("flip_mask", flips[i].mask);
		ok(refused(D + 0x2000, flips[i].type, flips[i].access), "%s: fault %#x, %s",
		   flips[i].what, flips[i].type, flips[i].access == READ ? "read" : "write");
	}
	ok(!RUN(&bench, MOVE48(0, D), STORE(2, 1, 0, 0)), "the page before is writable");
	set_knob("flip_mask", 0);
	ok(*data32(&bench, 0x2000) == 2026 && counter("other_faults") == others + 3,
	   "nothing is written, each fault is counted");

	/* Cached memory becomes what faults: the first of it is the stream */
	set_knob("flip_memattr", 0x4040404040404040ULL);
	ok(RUN(&bench, NOP) == -EINVAL && bench_faulted(bench.code.va, MEMORY_ATTR_0 + 3, READ),
	   "memory attributes of type fault lead to a fault");
	set_knob("flip_memattr", 0);
	bench_again(&bench);
}

static void what_the_driver_says(void)
{
	int log = kernel_log();

	ok(refused(UNMAPPED, TRANSLATION_0 + 1, WRITE), "a write to an unmapped address faults");
	ok(kernel_said(log, DRIVER_SAYS), "the driver's log has the same fault");
	close(log);
}

static void unmap_under_job(void)
{
	const uint64_t loop[] = {
		MOVE48(0, 0x40000000),
		MOVE32(2, 1),
		STORE(2, 1, 0, 0),
		BRANCH(ALWAYS, 0, -2),
	};
	uint64_t va = bench_code(&bench, 0, loop, 4);

	ok(!bench_bind(&bench, bench.data.handle, 0, 0x40000000, DATA_SIZE, MAP),
	   "the data is mapped at another address");
	ok(!bench_submit(&bench, 0, va, sizeof(loop)) && bench_wait(&bench, 100 * MSEC) == -ETIME,
	   "an endless job writes to it");
	ok(!bench_bind(&bench, 0, 0, 0x40000000, DATA_SIZE, UNMAP), "the mapping is removed");
	ok(bench_wait(&bench, PATIENCE) == -EINVAL &&
		   bench_faulted(0x40000000, TRANSLATION_0 + 3, WRITE),
	   "the job faults");
	ok(!counter("stale_tlb"), "the driver flushed the TLB");
	bench_again(&bench);
}

static void stale_tlb(void)
{
	const uint64_t loop[] = {
		MOVE48(0, 0x40000000), MOVE48(4, D), MOVE32(2, 1),	STORE(2, 1, 0, 0),
		LOAD(6, 1, 4, 128),    WAIT(1),	     BRANCH(EQ, 6, -4),
	};
	uint64_t va = bench_code(&bench, 0, loop, 7), before = counter("stale_tlb");

	memset(bench.data.map, 0, DATA_SIZE);
	ok(!bench_bind(&bench, bench.data.handle, 0, 0x40000000, DATA_SIZE, MAP),
	   "the data is mapped at another address");
	ok(!bench_submit(&bench, 0, va, sizeof(loop)) && bench_wait(&bench, 100 * MSEC) == -ETIME,
	   "a job uses the mapping");
	set_knob("tlb_keep", 1);
	ok(!bench_bind(&bench, bench.data.handle, 0x1000, 0x40000000, 0x1000, MAP),
	   "another page is mapped there without a TLB flush");
	ok(WAIT_FOR(counter("stale_tlb") == before + 1, 5000),
	   "the use of the stale entry is counted");
	set_knob("tlb_keep", 0);
	*data32(&bench, 128) = 1;
	ok(!bench_wait(&bench, PATIENCE), "the job ends");
	set_number(COUNTERS "stale_tlb", before);
}

int main(void)
{
	tap_start();
	bench_open(&bench, 2, MEDIUM);
	set_number(COUNTERS "stale_tlb", 0);
	translation_faults();
	permission_faults();
	levels();
	flipped_bits();
	what_the_driver_says();
	unmap_under_job();
	stale_tlb();
	bench_close(&bench);
	return tap_end();
}
