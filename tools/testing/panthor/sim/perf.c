// SPDX-License-Identifier: GPL-2.0
/*
 * Speed and staying power. The limits hold for the plain kernel; under a debug kernel figures
 * are printed and not judged. The yardstick for a job is what the same machine needs to wake
 * another process and be woken by it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM
#define WARM 200
#define JOBS 5000
#define FEWER 500
#define TRIPS 20

static struct bench bench;

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static bool judged(void)
{
	return access("/sys/kernel/debug/kmemleak", F_OK) && access("/proc/lockdep_stats", F_OK);
}

static long meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long value = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			value = strtol(line + strlen(key), NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

/* Somebody who sends each byte back */
static struct {
	int there, back;
	pid_t pid;
} partner;

static void partner_start(void)
{
	int there[2], back[2];
	char byte;

	if (pipe(there) || pipe(back))
		bail("no pipe");
	partner.pid = fork();
	if (partner.pid < 0)
		bail("no process");
	if (!partner.pid) {
		close(there[1]);
		while (read(there[0], &byte, 1) == 1)
			if (write(back[1], &byte, 1) != 1)
				break;
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	partner.there = there[1];
	partner.back = back[0];
}

static void partner_end(void)
{
	close(partner.there);
	close(partner.back);
	waitpid(partner.pid, NULL, 0);
}

/* Time of a byte's way to the partner and back */
static int64_t round_trip(void)
{
	int64_t t0 = dev_now();
	char byte = 0;

	if (write(partner.there, &byte, 1) != 1 || read(partner.back, &byte, 1) != 1)
		bail("no answer");
	return dev_now() - t0;
}

static void jobs(void)
{
	static int64_t took[JOBS], trips[JOBS];
	uint64_t insn = NOP, va = bench_code(&bench, 0, &insn, 1);
	int count = judged() ? JOBS : FEWER;
	long unreclaim;
	bool good = true;

	partner_start();
	for (int i = 0; i < WARM && good; i++)
		good = !bench_submit(&bench, 0, va, 8) && !bench_wait(&bench, PATIENCE);
	unreclaim = meminfo("SUnreclaim:");
	/* By turns: what else this machine does, it does to both */
	for (int i = 0; i < count && good; i++) {
		int64_t t0 = dev_now();

		good = !bench_submit(&bench, 0, va, 8) &&
		       !timeline_wait(&bench.gpu, bench.timeline, bench.point, t0 + PATIENCE);
		took[i] = dev_now() - t0;
		trips[i] = round_trip();
	}
	partner_end();
	if (!ok(good, "%d jobs run one after the other", count))
		diag("job %llu: state %#x", (unsigned long long)bench.point,
		     bench_state(&bench, NULL));
	sleep_ms(500);
	unreclaim = meminfo("SUnreclaim:") - unreclaim;
	qsort(took, count, sizeof(took[0]), compare);
	qsort(trips, count, sizeof(trips[0]), compare);
	diag("submit to fence: min %lld, median %lld, p95 %lld, max %lld us; slab %+ld kB",
	     (long long)took[0] / 1000, (long long)took[count / 2] / 1000,
	     (long long)took[count * 95 / 100] / 1000, (long long)took[count - 1] / 1000,
	     unreclaim);
	diag("a byte to another process and back: min %lld, median %lld, p95 %lld us",
	     (long long)trips[0] / 1000, (long long)trips[count / 2] / 1000,
	     (long long)trips[count * 95 / 100] / 1000);
	if (judged())
		ok(took[count / 2] < TRIPS * trips[count / 2],
		   "an empty job takes less than %d round trips to a process (median)", TRIPS);
	else
		skip("debug kernel",
		     "an empty job takes less than %d round trips to a process (median)", TRIPS);
	/* A debug kernel keeps what was freed, for a while; others do something too meanwhile */
	if (judged())
		ok(unreclaim < 1024, "no kernel memory is lost");
	else
		skip("debug kernel", "no kernel memory is lost");
}

static void instructions(void)
{
	static const uint32_t speeds[] = { 500000, 0 };
	const uint64_t loop[] = { MOVE32(2, 250000), ADD32(2, 2, -1), BRANCH(GT, 2, -2) };
	uint64_t va = bench_code(&bench, 0, loop, 3);

	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		int64_t t0;
		bool good;

		set_knob("insn_per_sec", speeds[i]);
		t0 = dev_now();
		good = !bench_submit(&bench, 0, va, sizeof(loop)) && !bench_wait(&bench, PATIENCE);
		t0 = dev_now() - t0;
		diag("500,000 instructions at speed %u: %lld ms", speeds[i],
		     (long long)(t0 / MSEC));
		if (judged())
			ok(good && t0 < 2 * DEV_NSEC, "500,000 instructions take less than 2 s");
		else
			ok(good, "500,000 instructions run");
	}
	set_knob("insn_per_sec", 500000);
}

int main(void)
{
	tap_start();
	bench_open(&bench, 1, MEDIUM);
	jobs();
	instructions();
	bench_close(&bench);
	return tap_end();
}
