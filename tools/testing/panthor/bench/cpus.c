// SPDX-License-Identifier: GPL-2.0
/* Write-back on several CPUs: what it gains, what it costs, and whom. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "reclaim.h"
#include "tap.h"

/* Writers at a time: the requester and its workers */
#define WRITERS 4

static double run_time_ms(pid_t pid)
{
	unsigned long long ns;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%llu", &ns) != 1)
		bail("cannot read %s", path);
	fclose(file);
	return ns / 1e6;
}

static double sample(struct peer *peer, bool alone)
{
	use_peer(peer);
	return alone ? timed_reclaim_alone(peer->pid) : timed_reclaim(peer->pid);
}

/* [0]: with workers, [1]: alone */
static void sample_both(struct peer *peer, struct series ms[2])
{
	for (int i = 0; i < 2 * repetitions; i++) {
		for (int turn = 0; turn < 2; turn++) {
			int alone = turn ^ (i & 1);

			series_add(&ms[alone], sample(peer, alone));
		}
	}
}

/* What a process that is always busy gets of one CPU meanwhile */
static double sample_busy(struct peer *peer)
{
	double busy, ms;
	pid_t pid;

	use_peer(peer);
	pid = fork();
	if (!pid) {
		for (volatile int spin = 1; spin;)
			;
	}
	usleep(100000);
	busy = -run_time_ms(pid);
	ms = timed_reclaim(peer->pid);
	busy += run_time_ms(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return busy / ms;
}

void bench_cpus(void)
{
	struct series ms[2] = { 0 }, share = { 0 }, ratio;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	long writers = cpus < WRITERS ? cpus : WRITERS;
	double fair = (double)cpus / (1 + writers);
	struct peer *peer = peer_start("-b128x2M:private", NULL);

	sample_both(peer, ms);
	for (int i = 0; i < repetitions; i++)
		series_add(&share, (fair < 1 ? fair : 1) / sample_busy(peer));
	peer_quit(peer);

	emit("write on one CPU", "256 MiB", "ms", 0, &ms[1], "a niced requester, zram");
	ratio = series_ratio(&ms[0], &ms[1]);
	emit("write on all CPUs / on one", "256 MiB", "x", 0.65, &ratio,
	     "time of the write, zram, %ld CPUs", cpus);
	emit("busy task, fair share / CPU time", "256 MiB", "x", 1, &share,
	     "the fair share of one of %ld busy threads on %ld CPUs", 1 + writers, cpus);
}

/* Where time is instructions and CPUs take turns, what it takes is the sum of what they do. */
void bench_cputime(void)
{
	struct peer *peer = peer_start("-b128x2M:private", NULL);
	struct series ms[2] = { 0 }, ratio;

	sample_both(peer, ms);
	peer_quit(peer);
	ratio = series_ratio(&ms[0], &ms[1]);
	emit("write on all CPUs / on one, instructions", "256 MiB", "x", 1.1, &ratio,
	     "instructions of all CPUs together");
}
