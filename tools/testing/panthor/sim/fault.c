// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance by fault: what the hardware refuses is refused with the right status, and the
 * driver gets over it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define D bench.data.va
#define UNMAPPED 0x123456000ULL
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM

/* Exception types, access types as the driver names them */
#define TRANSLATION_0 0xc0
#define PERMISSION_0 0xc8
#define READ 2
#define WRITE 3

static struct bench bench;

static void again(void)
{
	int ret;

	bench_regroup(&bench, 2, MEDIUM);
	ret = RUN(&bench, MOVE48(0, D), MOVE32(2, 0x600d), STORE(2, 1, 0, 0));
	if (!ok(!ret && *data32(&bench, 0) == 0x600d, "a new group works"))
		diag("%d, state %#x", ret, bench_state(&bench, NULL));
}

static void rebind(void)
{
	file_write("/sys/bus/platform/drivers/panthor/unbind", "panthor");
	file_write("/sys/bus/platform/drivers/panthor/bind", "panthor");
	ok(!access("/sys/bus/platform/drivers/panthor/panthor", F_OK), "the driver is bound again");
}

/* The last MMU fault: address, exception type, access */
static bool faulted(uint64_t va, uint32_t type, uint32_t access)
{
	char line[128] = "";
	unsigned long long at;
	unsigned int as, t, a;
	FILE *f = fopen(KNOBS "last_fault", "r");
	bool good;

	good = f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "as=%u va=%llx type=%x access=%u", &as, &at, &t, &a) == 4 && as > 0 &&
	       at == va && t == type && a == access;
	if (f)
		fclose(f);
	if (!good)
		diag("last fault: %s", line);
	return good;
}

static void mmu_faults(void)
{
	const uint32_t map = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP;
	uint64_t before = counter("translation_faults"), ro = 0x30000000, va;
	uint32_t fatal;

	ok(RUN(&bench, MOVE48(0, UNMAPPED), STORE(2, 1, 0, 0)) == -EINVAL,
	   "a write to nowhere fails");
	ok(counter("translation_faults") > before && faulted(UNMAPPED, TRANSLATION_0 + 1, WRITE),
	   "translation fault at level 1, address and access are right");
	ok(bench_state(&bench, &fatal) == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT && (fatal & 1),
	   "the group is dead, and its queue 0 is to blame");
	ok(bench_submit(&bench, 0, bench.code.va, 8) < 0, "it takes no more jobs");
	again();

	ok(RUN(&bench, MOVE48(0, D + DATA_SIZE), LOAD(2, 1, 0, 0), WAIT(1)) == -EINVAL &&
		   faulted(D + DATA_SIZE, TRANSLATION_0 + 3, READ),
	   "a read behind a buffer faults at level 3");
	again();

	/* The last register is in the next page */
	ok(RUN(&bench, MOVE48(0, D + DATA_SIZE - 4), STORE(2, 3, 0, 0)) == -EINVAL &&
		   faulted(D + DATA_SIZE, TRANSLATION_0 + 3, WRITE),
	   "an access that crosses the end faults");
	again();

	ok(RUN(&bench, MOVE48(0, 0xffff00000000ULL), ADD64(0, 0, 0x7fffffff), MOVE32(3, 0),
	       MOVE32(1, 0x10000), LOAD(2, 1, 0, 1)) == -EINVAL &&
		   faulted(0x100007fffffffULL + 1, 0xe0, READ),
	   "an address beyond the VA space is an address size fault");
	again();

	before = counter("permission_faults");
	ok(!bench_bind(&bench, bench.data.handle, 0, ro, DATA_SIZE,
		       map | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY),
	   "map the data read-only elsewhere");
	*data32(&bench, 64) = 4711;
	ok(!RUN(&bench, MOVE48(0, ro), MOVE48(4, D), LOAD(2, 1, 0, 64), WAIT(1),
		STORE(2, 1, 4, 0)) &&
		   *data32(&bench, 0) == 4711,
	   "it can be read");
	ok(RUN(&bench, MOVE48(0, ro), MOVE32(2, 1), STORE(2, 1, 0, 64)) == -EINVAL &&
		   counter("permission_faults") == before + 1 && *data32(&bench, 64) == 4711 &&
		   faulted(ro + 64, PERMISSION_0 + 3, WRITE),
	   "a write is a permission fault");
	again();
	ok(RUN(&bench, MOVE48(0, ro), SYNC_ADD64(2, 0, 0)) == -EINVAL &&
		   faulted(ro, PERMISSION_0 + 3, WRITE),
	   "so is a SYNC_ADD64");
	again();

	va = bench.code.va + CODE_SIZE - 64;
	bench_code(&bench, CODE_SIZE - 64, (uint64_t[8]){ 0 }, 8);
	ok(!bench_submit(&bench, 0, va, 128) && bench_wait(&bench, PATIENCE) == -EINVAL &&
		   faulted(va + 64, TRANSLATION_0 + 3, READ),
	   "instructions are fetched through the MMU");
	again();
	ok(!vm_unusable(&bench.vm), "the VM is still usable");
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

	ok(!bench_bind(&bench, bench.data.handle, 0, 0x40000000, DATA_SIZE,
		       DRM_PANTHOR_VM_BIND_OP_TYPE_MAP),
	   "map");
	ok(!bench_submit(&bench, 0, va, sizeof(loop)) && bench_wait(&bench, 100 * MSEC) == -ETIME,
	   "a job writes to it for ever");
	ok(!bench_bind(&bench, 0, 0, 0x40000000, DATA_SIZE, DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP),
	   "unmap");
	ok(bench_wait(&bench, PATIENCE) == -EINVAL && faulted(0x40000000, TRANSLATION_0 + 3, WRITE),
	   "the job faults");
	ok(!counter("stale_tlb"), "the driver flushed the TLB");
	again();
}

static void stale_tlb(void)
{
	const uint64_t loop[] = {
		MOVE48(0, 0x40000000), MOVE48(4, D), MOVE32(2, 1),	STORE(2, 1, 0, 0),
		LOAD(6, 1, 4, 128),    WAIT(1),	     BRANCH(EQ, 6, -4),
	};
	uint64_t va = bench_code(&bench, 0, loop, 7), before = counter("stale_tlb");

	memset(bench.data.map, 0, DATA_SIZE);
	ok(!bench_bind(&bench, bench.data.handle, 0, 0x40000000, DATA_SIZE,
		       DRM_PANTHOR_VM_BIND_OP_TYPE_MAP),
	   "map");
	ok(!bench_submit(&bench, 0, va, sizeof(loop)) && bench_wait(&bench, 100 * MSEC) == -ETIME,
	   "a job uses the mapping");
	set_knob("tlb_keep", 1);
	ok(!bench_bind(&bench, bench.data.handle, 0x1000, 0x40000000, 0x1000,
		       DRM_PANTHOR_VM_BIND_OP_TYPE_MAP),
	   "map another page there, the TLB is kept");
	sleep_ms(50);
	ok(counter("stale_tlb") == before + 1, "the use of the stale entry is noticed");
	set_knob("tlb_keep", 0);
	*data32(&bench, 128) = 1;
	ok(!bench_wait(&bench, PATIENCE), "the job ends");
	set_number(COUNTERS "stale_tlb", before);
}

static void cs_faults(void)
{
	const uint64_t fault[] = { MOVE48(0, D + 1), STORE(2, 1, 0, 0), MOVE48(0, D),
				   STORE(2, 1, 0, 0) };
	const uint64_t good[] = { MOVE48(0, D), MOVE32(2, 3), STORE(2, 1, 0, 4) };
	uint64_t before = counter("cs_faults"), bad_va, good_va;

	memset(bench.data.map, 0, 4096);
	bad_va = bench_code(&bench, 0, fault, 4);
	good_va = bench_code(&bench, 0x1000, good, 3);
	ok(!bench_submit(&bench, 0, bad_va, sizeof(fault)) &&
		   !bench_submit(&bench, 0, good_va, sizeof(good)),
	   "a job that faults, and another behind");
	ok(!bench_wait(&bench, PATIENCE) && *data32(&bench, 4) == 3, "the second is not concerned");
	ok(counter("cs_faults") == before + 1 && *data32(&bench, 0) == 0,
	   "the first ends where it faulted");
	ok(!bench_submit(&bench, 0, bad_va, sizeof(fault)) &&
		   bench_wait(&bench, PATIENCE) == -EINVAL && counter("cs_faults") == before + 2,
	   "its fence reports the CS_FAULT");
	ok(!bench_state(&bench, NULL), "the group lives on");

	before = counter("cs_faults");
	*data64(&bench, 0) = 5;
	*data32(&bench, 8) = 1;
	ok(RUN(&bench, MOVE48(0, D), MOVE48(2, 1), SYNC_WAIT64(2, 0, GT, SYNC_ERROR)) == -EINVAL &&
		   counter("cs_faults") == before + 1,
	   "SYNC_WAIT64 inherits the error of a sync object");
	ok(!RUN(&bench, MOVE48(0, D), MOVE48(2, 1), SYNC_WAIT64(2, 0, GT, 0)), "if it is asked to");
}

static void fatal_faults(void)
{
	uint64_t recursive[] = { MOVE48(8, bench.code.va), MOVE32(10, 24), CALL(8, 10) };

	ok(bench_run(&bench, recursive, 3) == -EINVAL &&
		   bench_state(&bench, NULL) == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
	   "endless recursion overflows the call stack");
	again();
	ok(RUN(&bench, MOVE48(8, bench.code.va + 4), MOVE32(10, 24), CALL(8, 10)) == -EINVAL,
	   "a misaligned CALL is a configuration fault");
	again();
}

static void hung_job(void)
{
	int64_t t0 = dev_now();
	int ret = RUN(&bench, BRANCH(ALWAYS, 0, -1));

	diag("%d after %lld ms", ret, (long long)((dev_now() - t0) / MSEC));
	ok(ret == -ETIMEDOUT && dev_now() - t0 > 4 * DEV_NSEC, "an endless job times out");
	ok(bench_state(&bench, NULL) == DRM_PANTHOR_GROUP_STATE_TIMEDOUT, "and so does its group");
	again();

	set_knob("progress_timeout_ms", 200);
	set_knob("hang_jobs", 1);
	t0 = dev_now();
	ret = RUN(&bench, NOP);
	ok(ret == -ETIMEDOUT && dev_now() - t0 < 4 * DEV_NSEC && counter("progress_events") == 1,
	   "the progress timer catches a hang");
	set_knob("progress_timeout_ms", 0);
	again();

	set_knob("hang_jobs", 1);
	ret = RUN(&bench, NOP);
	ok(ret == -ETIMEDOUT, "without it, the job timeout does");
	again();
}

/*
 * A reset is over when the firmware has booted again. No group must be created before that: the
 * driver asks the firmware's interface, which it has just cleared, how large a suspend buffer
 * has to be.
 */
static bool was_reset(uint64_t boots, unsigned int ms)
{
	bool good = WAIT_FOR(counter("boots") > boots, ms);

	sleep_ms(20);
	return good;
}

static void resets(void)
{
	uint64_t before = counter("resets"), boots = counter("boots");
	int ret;

	set_knob("unrecoverable", 1);
	ret = RUN(&bench, NOP);
	ok(ret < 0 && was_reset(boots, 10000) && counter("resets") == before + 1,
	   "CS_UNRECOVERABLE ends in a reset");
	again();
}

/* The driver does not expect another reset after one that failed: bind it anew */
static void failed_reset(void)
{
	uint64_t before = counter("resets"), boots = counter("boots");
	int ret;

	set_knob("unrecoverable", 1);
	set_knob("fail_resets", 1);
	ret = RUN(&bench, NOP);
	ok(ret < 0 && was_reset(boots, 10000) && counter("resets") == before + 1,
	   "a reset that never completes");
	again();
	bench_close(&bench);
	rebind();
	bench_open(&bench, 2, MEDIUM);
	again();
}

/* The driver gives a GPU up whose firmware does not boot */
static void failed_boot(void)
{
	uint64_t before = counter("resets");

	/* Awake, lest the boot that fails is that of a runtime resume, which is tried again */
	file_write("/sys/bus/platform/devices/panthor/power/control", "on");
	set_knob("unrecoverable", 1);
	set_knob("fail_boots", 1);
	ok(RUN(&bench, NOP) < 0 && WAIT_FOR(counter("resets") > before, 10000),
	   "firmware that does not boot after a reset");
	if (!ok(WAIT_FOR(bench_submit(&bench, 0, bench.code.va, 8) == -ENODEV, 30000),
		"the driver unplugs the device"))
		diag("%d", bench_submit(&bench, 0, bench.code.va, 8));
	file_write("/sys/bus/platform/devices/panthor/power/control", "auto");
	bench_close(&bench);
	rebind();
	bench_open(&bench, 2, MEDIUM);
	again();
}

static void mcu_crash(void)
{
	const uint64_t insns[] = { MOVE48(0, D), MOVE32(2, 5), STORE(2, 1, 0, 0) };
	uint64_t before = counter("resets"), boots = counter("boots"), va;
	int64_t t0 = dev_now();

	set_knob("crash", 1);
	va = bench_code(&bench, 0, insns, 3);
	ok(!bench_submit(&bench, 0, va, sizeof(insns)), "a job is submitted to a crashed MCU");
	ok(was_reset(boots, 30000) && counter("resets") > before, "the driver resets the GPU");
	diag("after %lld ms", (long long)((dev_now() - t0) / MSEC));
	bench_wait(&bench, PATIENCE);
	again();
}

/* Latency and loss: slow is not wrong */
static void slowness(void)
{
	int64_t t0;

	set_knob("job_latency_us", 100000);
	t0 = dev_now();
	ok(!RUN(&bench, NOP) && dev_now() - t0 >= 100 * MSEC, "a fixed latency of jobs");
	set_knob("job_latency_us", 0);

	set_knob("insn_per_sec", 10000);
	t0 = dev_now();
	ok(!RUN(&bench, MOVE32(2, 500), ADD32(2, 2, -1), BRANCH(GT, 2, -2)) &&
		   dev_now() - t0 >= 90 * MSEC && dev_now() - t0 < 5 * DEV_NSEC,
	   "a speed in instructions per second");
	set_knob("insn_per_sec", 500000);

	set_knob("mmu_delay_us", 20000);
	t0 = dev_now();
	ok(!bench_bind(&bench, bench.data.handle, 0, 0x50000000, DATA_SIZE,
		       DRM_PANTHOR_VM_BIND_OP_TYPE_MAP) &&
		   dev_now() - t0 >= 40 * MSEC,
	   "a delay of MMU commands");
	set_knob("mmu_delay_us", 0);

	set_knob("irq_delay_us", 30000);
	t0 = dev_now();
	ok(!RUN(&bench, NOP) && dev_now() - t0 >= 30 * MSEC, "a delay of interrupts");
	set_knob("irq_delay_us", 0);

	set_knob("irq_lose", 1);
	ok(!RUN(&bench, NOP) || !bench_state(&bench, NULL), "the loss of an interrupt");
	ok(counter("irqs_lost") == 1, "is counted");
	set_knob("irq_lose", 0);
	again();
}

int main(void)
{
	tap_start();
	bench_open(&bench, 2, MEDIUM);
	set_number(COUNTERS "stale_tlb", 0);
	set_number(COUNTERS "progress_events", 0);
	set_number(COUNTERS "irqs_lost", 0);
	mmu_faults();
	unmap_under_job();
	stale_tlb();
	cs_faults();
	fatal_faults();
	slowness();
	hung_job();
	resets();
	mcu_crash();
	failed_reset();
	failed_boot();
	bench_close(&bench);
	return tap_end();
}
