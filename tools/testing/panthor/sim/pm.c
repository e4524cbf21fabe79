// SPDX-License-Identifier: GPL-2.0
/*
 * Power management under load. Runtime: the device goes to sleep whenever it can while jobs come in
 * at all moments. System: the kernel takes the device down and brings it up again with jobs in
 * flight, by way of a suspend that the GPU's parent refuses once the GPU is down (knob
 * refuse_suspend), for the rest of the guest, its root file system for one, would not survive.
 *
 * SECONDS=N of runtime suspends (4)
 * BUSY_SUSPENDS=N system suspends with jobs in flight (5). Upstream's driver does not survive them:
 * its scheduler's tick does not stop for a system suspend and puts groups back on the GPU while
 * that goes down. Jobs are lost, and the driver warns of a reference count. A hook has it stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "reclaim.h"

#define D bench.data.va
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM
#define CLIENTS 3
#define JOBS 4

static struct bench bench;
static atomic_bool stop;

struct client {
	struct bench bench;
	pthread_t thread;
	uint32_t slot;
	uint32_t jobs;
	int error;
};

/* Jobs that count in memory, at intervals around those at which the device falls asleep */
static void *client_main(void *arg)
{
	struct client *client = arg;
	const uint64_t insns[] = {
		MOVE48(0, client->bench.data.va + client->slot * 64),
		LOAD(2, 1, 0, 0),
		WAIT(1),
		ADD32(2, 2, 1),
		STORE(2, 1, 0, 0),
	};
	uint64_t va = bench_code(&client->bench, 0, insns, 5);

	while (!stop && !client->error) {
		client->error = bench_submit(&client->bench, 0, va, sizeof(insns));
		client->error = client->error ? client->error
					      : bench_wait(&client->bench, PATIENCE);
		client->jobs += !client->error;
		sleep_ms(client->jobs * 7 % 23);
	}
	return NULL;
}

static void runtime_suspend(void)
{
	uint64_t boots = counter("boots"), resets = counter("resets");
	long seconds = knob("SECONDS", 4);
	struct client clients[CLIENTS] = {};
	bool good = true, right = true;
	uint32_t jobs = 0;

	memset(bench.data.map, 0, 4096);
	file_write(POWER "autosuspend_delay_ms", "2");
	for (uint32_t i = 0; i < CLIENTS; i++) {
		clients[i].slot = i;
		bench_share(&clients[i].bench, &bench, 1, MEDIUM);
		pthread_create(&clients[i].thread, NULL, client_main, &clients[i]);
	}
	for (long i = 0; i < seconds * 10; i++) {
		sleep_ms(100);
		/* Somebody who changes his mind */
		file_write(POWER "control", i % 3 ? "auto" : "on");
	}
	stop = true;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		good &= !clients[i].error;
		right &= *data32(&bench, i * 64) == clients[i].jobs;
		jobs += clients[i].jobs;
		if (clients[i].error)
			diag("client %u: %s", i, strerror(-clients[i].error));
	}
	file_write(POWER "control", "auto");
	file_write(POWER "autosuspend_delay_ms", "50");
	/* A reset is the driver's answer to firmware that was kept from the CPU for too long */
	diag("%u jobs, %llu boots, %llu resets", jobs,
	     (unsigned long long)(counter("boots") - boots),
	     (unsigned long long)(counter("resets") - resets));
	ok(good, "runtime suspend under load: all jobs of %d clients complete", CLIENTS);
	ok(right, "each job runs once");
	ok(counter("boots") - boots > counter("resets") - resets + 2,
	   "the device suspends and resumes repeatedly");
}

/*
 * Somebody whose two queues fault leaves an interrupt behind that the driver has masked. It is gone
 * when the power is: if it were not, the next one to get that address space would be blamed.
 */
static void innocent(void)
{
	const uint64_t bad[] = { MOVE48(0, 0x123456000ULL), LOAD(2, 1, 0, 0), WAIT(1) };
	uint64_t cuts = counter("power_offs");
	int lost = 0, slept = 0, rounds = 6;

	for (int i = 0; i < rounds; i++) {
		struct bench guilty;
		uint64_t va;

		file_write(POWER "control", "on");
		bench_open(&guilty, 2, MEDIUM);
		va = bench_code(&guilty, 0, bad, 3);
		bench_submit(&guilty, 0, va, sizeof(bad));
		bench_submit(&guilty, 1, va, sizeof(bad));
		bench_wait(&guilty, PATIENCE);
		file_write(POWER "control", "auto");
		bench_close(&guilty);
		slept += WAIT_FOR(file_says(POWER "runtime_status", "suspended"), 5000);
		*data32(&bench, 0) = 0;
		lost += RUN(&bench, MOVE48(0, D), MOVE32(2, 7), STORE(2, 1, 0, 0)) != 0 ||
			*data32(&bench, 0) != 7;
		if (bench_state(&bench, NULL))
			bench_regroup(&bench, 2, MEDIUM);
	}
	ok(slept == rounds && counter("power_offs") >= cuts + rounds,
	   "after faults of another client the power is cut");
	if (!ok(!lost, "no other client loses a job to them"))
		diag("%d of %d times the next client lost its group", lost, rounds);
}

/* 0 or a negative errno */
static int suspend(void)
{
	ssize_t ret;

	set_knob("refuse_suspend", 1);
	ret = write_file("/sys/power/state", "freeze", 6);
	set_knob("refuse_suspend", 0);
	return ret < 0 ? ret : 0;
}

static void idle_suspend(void)
{
	uint64_t boots;
	int ret;

	file_write(POWER "control", "on");
	boots = counter("boots");
	*data32(&bench, 0) = 0;
	ret = suspend();
	ok(ret == -EBUSY, "a system suspend fails at the GPU's parent (%d)", ret);
	ok(counter("boots") == boots + 1, "the GPU suspends and resumes");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(2, 7), STORE(2, 1, 0, 0)) && *data32(&bench, 0) == 7,
	   "its groups still run jobs");
	file_write(POWER "control", "auto");
	WAIT_FOR(file_says(POWER "runtime_status", "suspended"), 3000);
	boots = counter("boots");
	ret = suspend();
	ok(ret == -EBUSY && counter("boots") == boots,
	   "a system suspend does not wake a suspended GPU");
	ok(!RUN(&bench, MOVE48(0, D), MOVE32(2, 8), STORE(2, 1, 0, 0)) && *data32(&bench, 0) == 8,
	   "it resumes for a job");
}

/* Jobs of 40 ms each are in flight on two queues */
static void busy_suspend(uint32_t rounds)
{
	uint64_t boots, point = bench.point;
	uint32_t timeline = bench.timeline;
	int done = 0, failed = 0;
	bool good = true, right = true;

	/* Lest the GPU is suspended already, on a slow machine, because its jobs are done */
	file_write(POWER "control", "on");
	boots = counter("boots");
	for (uint32_t i = 0; i < rounds; i++) {
		uint32_t timelines[2 * JOBS];

		bench_regroup(&bench, 2, MEDIUM);
		memset(bench.data.map, 0, 4096);
		for (uint32_t j = 0; j < 2 * JOBS; j++) {
			const uint64_t insns[] = {
				MOVE32(2, 10000),      ADD32(2, 2, -1),	 BRANCH(GT, 2, -2),
				MOVE48(4, D + j * 64), MOVE32(2, i + 1), STORE(2, 1, 4, 0),
			};
			uint64_t va = bench_code(&bench, j * 0x100, insns, 6);

			/* One each: a timeline forgets errors of points that are past */
			good &= !timeline_create(&bench.gpu, &timelines[j]);
			bench.timeline = timelines[j];
			bench.point = 0;
			good &= !bench_submit(&bench, j % 2, va, sizeof(insns));
		}
		sleep_ms(i * 30);
		good &= suspend() == -EBUSY;
		for (uint32_t j = 0; j < 2 * JOBS; j++) {
			bench.timeline = timelines[j];
			bench.point = 1;
			if (bench_wait(&bench, PATIENCE)) {
				failed++;
			} else {
				done++;
				right &= *data32(&bench, j * 64) == i + 1;
			}
			timeline_destroy(&bench.gpu, timelines[j]);
		}
		bench.timeline = timeline;
		bench.point = point;
	}
	diag("%d jobs done, %d lost", done, failed);
	ok(good, "%u system suspends with jobs in flight succeed", rounds);
	ok(right && !failed, "each job runs once");
	ok(counter("boots") >= boots + rounds, "the GPU is suspended each time");
	file_write(POWER "control", "auto");
	bench_again(&bench);
}

int main(void)
{
	long rounds = knob("BUSY_SUSPENDS", 5);

	tap_start();
	bench_open(&bench, 2, MEDIUM);
	runtime_suspend();
	innocent();
	if (access("/sys/power/state", W_OK))
		skip("no CONFIG_SUSPEND", "system suspend");
	else
		idle_suspend();
	if (rounds)
		busy_suspend(rounds);
	bench_close(&bench);
	return tap_end();
}
