// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance by fault: what streams, jobs and the firmware do wrong, and that the driver gets over
 * it. The MMU's faults have a program of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define D bench.data.va
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM

/* More boots than any test has */
#define NEVER_AGAIN 1000

static struct bench bench;

static void rebind(void)
{
	bench_close(&bench);
	file_write("/sys/bus/platform/drivers/panthor/unbind", "panthor");
	file_write("/sys/bus/platform/drivers/panthor/bind", "panthor");
	ok(!access("/sys/bus/platform/drivers/panthor/panthor", F_OK), "the driver is bound again");
	bench_open(&bench, 2, MEDIUM);
	bench_again(&bench);
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
	   "a job that faults and a second one are submitted");
	ok(!bench_wait(&bench, PATIENCE) && *data32(&bench, 4) == 3, "the second job succeeds");
	ok(counter("cs_faults") == before + 1 && *data32(&bench, 0) == 0,
	   "the first job ends at the fault");
	ok(!bench_submit(&bench, 0, bad_va, sizeof(fault)) &&
		   bench_wait(&bench, PATIENCE) == -EINVAL && counter("cs_faults") == before + 2,
	   "its fence reports the CS_FAULT");
	ok(!bench_state(&bench, NULL), "the group remains usable");

	before = counter("cs_faults");
	*data64(&bench, 0) = 5;
	*data32(&bench, 8) = 1;
	ok(RUN(&bench, MOVE48(0, D), MOVE48(2, 1), SYNC_WAIT64(2, 0, GT, SYNC_ERROR)) == -EINVAL &&
		   counter("cs_faults") == before + 1,
	   "SYNC_WAIT64 inherits the error of a sync object");
	ok(!RUN(&bench, MOVE48(0, D), MOVE48(2, 1), SYNC_WAIT64(2, 0, GT, 0)),
	   "without its flag, SYNC_WAIT64 ignores the error");
}

static void fatal_faults(void)
{
	uint64_t recursive[] = { MOVE48(8, bench.code.va), MOVE32(10, 24), CALL(8, 10) };

	ok(bench_run(&bench, recursive, 3) == -EINVAL &&
		   bench_state(&bench, NULL) == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
	   "endless recursion overflows the call stack");
	bench_again(&bench);
	ok(RUN(&bench, MOVE48(8, bench.code.va + 4), MOVE32(10, 24), CALL(8, 10)) == -EINVAL,
	   "a misaligned CALL is a configuration fault");
	bench_again(&bench);
}

static void hung_job(void)
{
	int64_t t0 = dev_now();
	int ret = RUN(&bench, BRANCH(ALWAYS, 0, -1));

	diag("%d after %lld ms", ret, (long long)((dev_now() - t0) / MSEC));
	ok(ret == -ETIMEDOUT && dev_now() - t0 > 4 * DEV_NSEC, "an endless job times out");
	ok(bench_state(&bench, NULL) == DRM_PANTHOR_GROUP_STATE_TIMEDOUT,
	   "its group times out, too");
	bench_again(&bench);

	set_knob("progress_timeout_ms", 200);
	set_knob("hang_jobs", 1);
	t0 = dev_now();
	ret = RUN(&bench, NOP);
	ok(ret == -ETIMEDOUT && dev_now() - t0 < 4 * DEV_NSEC && counter("progress_events") == 1,
	   "the progress timer detects a hang");
	set_knob("progress_timeout_ms", 0);
	bench_again(&bench);

	set_knob("hang_jobs", 1);
	ret = RUN(&bench, NOP);
	ok(ret == -ETIMEDOUT, "without it, the job timeout detects it");
	bench_again(&bench);
}

/* A fault of the GPU as a whole is told to the user, and that is it */
static void gpu_fault(void)
{
	int log = kernel_log();

	set_knob("gpu_fault", 0x80);
	ok(kernel_said(log, "GPU Fault 0x00000080 (GPU_BUS_FAULT)"),
	   "a bus fault of the GPU is in the kernel log");
	close(log);
	bench_again(&bench);
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
	   "CS_UNRECOVERABLE leads to a reset");
	bench_again(&bench);
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
	   "a reset does not complete");
	bench_again(&bench);
	rebind();
}

/* The driver gives a GPU up whose firmware does not boot */
static void given_up(void)
{
	if (!ok(WAIT_FOR(bench_state(&bench, NULL) == -ENODEV, 30000),
		"the driver unplugs the device"))
		diag("%d", bench_state(&bench, NULL));
	file_write(POWER "control", "auto");
	set_knob("fail_boots", 0);
	rebind();
}

static void failed_boot(void)
{
	uint64_t before = counter("resets");

	/* Awake, lest the boot that fails is that of a runtime resume, before any reset */
	file_write(POWER "control", "on");
	set_knob("unrecoverable", 1);
	set_knob("fail_boots", NEVER_AGAIN);
	ok(RUN(&bench, NOP) < 0 && WAIT_FOR(counter("resets") > before, 10000),
	   "the firmware does not boot after a reset");
	given_up();
}

/*
 * A reset does not keep the device awake: a suspend that comes meanwhile waits for its end, so
 * that it must not wait for the suspend. The device does not resume to be unplugged.
 */
static void failed_boot_and_suspend(void)
{
	uint64_t before = counter("resets");

	file_write(POWER "control", "on");
	ok(!RUN(&bench, NOP), "a job runs");
	/* Until the scheduler, too, has let go of the device, of which nothing tells */
	sleep_ms(2000);
	set_knob("fail_boots", NEVER_AGAIN);
	set_knob("hang_locks", 1);
	bench_bind(&bench, bench.data.handle, 0, 0x50000000, DATA_SIZE,
		   DRM_PANTHOR_VM_BIND_OP_TYPE_MAP);
	ok(WAIT_FOR(counter("resets") > before, 10000), "a stuck MMU command leads to a reset");
	file_write(POWER "autosuspend_delay_ms", "0");
	file_write(POWER "control", "auto");
	ok(WAIT_FOR(!file_says(POWER "runtime_status", "active"), 10000),
	   "the device suspends meanwhile");
	given_up();
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
	bench_again(&bench);
}

/* Latency and loss: slow is not wrong */
static void slowness(void)
{
	int64_t t0;

	set_knob("job_latency_us", 100000);
	t0 = dev_now();
	ok(!RUN(&bench, NOP) && dev_now() - t0 >= 100 * MSEC, "job_latency_us delays a job");
	set_knob("job_latency_us", 0);

	set_knob("insn_per_sec", 10000);
	t0 = dev_now();
	ok(!RUN(&bench, MOVE32(2, 500), ADD32(2, 2, -1), BRANCH(GT, 2, -2)) &&
		   dev_now() - t0 >= 90 * MSEC && dev_now() - t0 < 5 * DEV_NSEC,
	   "insn_per_sec limits the speed of a job");
	set_knob("insn_per_sec", 500000);

	set_knob("mmu_delay_us", 20000);
	t0 = dev_now();
	ok(!bench_bind(&bench, bench.data.handle, 0, 0x50000000, DATA_SIZE,
		       DRM_PANTHOR_VM_BIND_OP_TYPE_MAP) &&
		   dev_now() - t0 >= 40 * MSEC,
	   "mmu_delay_us delays MMU commands");
	set_knob("mmu_delay_us", 0);

	set_knob("irq_delay_us", 30000);
	t0 = dev_now();
	ok(!RUN(&bench, NOP) && dev_now() - t0 >= 30 * MSEC, "irq_delay_us delays interrupts");
	set_knob("irq_delay_us", 0);

	set_knob("irq_lose", 1);
	ok(!RUN(&bench, NOP) || !bench_state(&bench, NULL), "a lost interrupt is survived");
	ok(counter("irqs_lost") == 1, "the lost interrupt is counted");
	set_knob("irq_lose", 0);
	bench_again(&bench);
}

int main(void)
{
	tap_start();
	bench_open(&bench, 2, MEDIUM);
	set_number(COUNTERS "progress_events", 0);
	set_number(COUNTERS "irqs_lost", 0);
	cs_faults();
	fatal_faults();
	/* What a GPU that is suspended meanwhile would not notice, or do */
	file_write(POWER "control", "on");
	gpu_fault();
	slowness();
	mcu_crash();
	file_write(POWER "control", "auto");
	hung_job();
	resets();
	failed_reset();
	failed_boot();
	failed_boot_and_suspend();
	bench_close(&bench);
	return tap_end();
}
