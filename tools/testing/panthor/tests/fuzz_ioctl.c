// SPDX-License-Identifier: GPL-2.0
/*
 * Clients that ask for anything, in any order, and are killed; beside them writes of their TGIDs to
 * mem_reclaim and mem_claim, the shrinker, swap that goes and comes, limits of memory, and a
 * freezer. The kernel must have nothing to say, no byte may be wrong, and nothing may be left.
 *
 * FUZZ_SECONDS=N how long (20); SEED=N: clients ask for the same again
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "fuzzer.h"
#include "random.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define CLIENTS 4
#define CGROUP "fuzz"
#define STEPS 2000

/* A job that never ends keeps its client for so long, and another one behind it */
#define PATIENCE (60 * NSEC)

static atomic_bool over;
static atomic_int targets[CLIENTS];
static atomic_long requests, odd;
static bool complained;
static struct fuzz_stats *stats;

static void nap(struct random *random, unsigned int ms)
{
	for (unsigned int left = random_below(random, ms); left >= 20 && !over; left -= 20)
		usleep(20000);
}

static void *writer_main(void *arg)
{
	struct random *random = arg;

	while (!over) {
		pid_t target = targets[random_below(random, CLIENTS)];
		int ret;

		if (!target)
			target = random_below(random, 1000);
		ret = random_below(random, 4) ? reclaim(target)
					      : claim(target, random_below(random, 2) << 16);
		requests++;
		if (ret && ret != -EBUSY && ret != -ESRCH && ret != -ENOSPC && ret != -ENOMEM) {
			diag("a write returned %d (%s)", ret, strerror(-ret));
			odd++;
		}
		nap(random, 50);
	}
	return NULL;
}

static void *shrinker_main(void *arg)
{
	struct random *random = arg;

	while (!over) {
		shrink_pages(random_below(random, 2048));
		nap(random, 100);
	}
	return NULL;
}

static void *swapper_main(void *arg)
{
	struct random *random = arg;

	while (!over) {
		nap(random, 3000);
		/* There may be no room for what is in it */
		if (swapoff(ZRAM))
			continue;
		nap(random, 500);
		while (swapon(ZRAM, 0))
			usleep(100000);
	}
	return NULL;
}

static void *cgroup_main(void *arg)
{
	static const char *const settings[][2] = {
		{ "memory.max", "16M" },      { "memory.max", "64M" },
		{ "memory.max", "max" },      { "memory.high", "8M" },
		{ "memory.high", "max" },     { "memory.swap.max", "0" },
		{ "memory.swap.max", "max" }, { "memory.swap.max", "4M" },
		{ "cgroup.freeze", "1" },     { "cgroup.freeze", "0" },
		{ "memory.reclaim", "16M" },
	};
	struct random *random = arg;
	char path[100];

	while (!over) {
		int i = random_below(random, sizeof(settings) / sizeof(settings[0]));

		/* A limit that cannot be reached is refused, and so is some reclaim */
		snprintf(path, sizeof(path), "/sys/fs/cgroup/" CGROUP "/%s", settings[i][0]);
		write_file(path, settings[i][1], strlen(settings[i][1]));
		nap(random, 300);
	}
	cgroup_set(CGROUP, "cgroup.freeze", "0");
	cgroup_set(CGROUP, "memory.max", "max");
	return NULL;
}

static pid_t client_start(uint64_t seed, int exchange)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	cgroup_enter(CGROUP);
	fuzz_client(seed, STEPS, exchange, stats);
	_exit(0);
}

/* Clients come and go; some see their end, others are killed */
static long clients_run(uint64_t seed, int64_t until, const int *exchange)
{
	struct random random;
	long started = 0;
	pid_t pid;

	random_seed(&random, seed);
	while (now_ns() < until && !stats->wrong && !odd && !complained) {
		for (int i = 0; i < CLIENTS; i++) {
			if (targets[i] && one_in(&random, 20))
				kill(targets[i], SIGKILL);
			if (targets[i] && waitpid(targets[i], NULL, WNOHANG) == targets[i])
				targets[i] = 0;
			if (targets[i])
				continue;
			pid = client_start(seed * 1000003 + started, exchange[i % 2]);
			if (pid < 0)
				continue;
			targets[i] = pid;
			started++;
		}
		usleep(100000);
		complained = kernel_complained();
	}
	return started;
}

static void clients_end(void)
{
	for (int i = 0; i < CLIENTS; i++)
		if (targets[i] && !kill(targets[i], SIGKILL))
			waitpid(targets[i], NULL, 0);
}

static int all_bos(void)
{
	struct gem *list;
	int count = gems(0, &list);

	if (count >= 0)
		free(list);
	return count;
}

static int all_clients(void)
{
	struct table *table = table_read(device_table());
	int count = table ? table->nr_rows : -1;

	table_free(table);
	return count;
}

static void show_left(void)
{
	char command[400];

	snprintf(command, sizeof(command), "cat %s %s/gems | sed 's/^/# /'", device_table(),
		 debugfs_dir());
	fflush(stdout);
	if (system(command))
		diag("cannot show what is left");
}

static void check_left(int bos)
{
	int64_t until = now_ns() + PATIENCE;
	bool left;

	do {
		sleep(1);
		left = all_clients() || all_bos() != bos;
	} while (left && now_ns() < until);
	if (!ok(!left, "nothing is left of the clients (%d clients, %d BOs)", all_clients(),
		all_bos() - bos))
		show_left();
}

int main(void)
{
	static void *(*const mains[])(void *) = {
		writer_main, writer_main, shrinker_main, swapper_main, cgroup_main,
	};
	enum { THREADS = sizeof(mains) / sizeof(mains[0]) };
	int64_t until = now_ns() + knob("FUZZ_SECONDS", 20) * NSEC;
	uint64_t seed = knob("SEED", now_ns() & 0xffffff);
	long stale = stale_accesses(), started;
	struct random random[THREADS];
	pthread_t threads[THREADS];
	struct trace *trace;
	int exchange[2], bos, begins, ends;

	tap_start();
	diag("SEED=%llu", (unsigned long long)seed);
	bos = all_bos();
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (stats == MAP_FAILED || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, exchange))
		bail("cannot set up");
	/* What one half of the clients gives away reaches the other half */
	cgroup_make(CGROUP);
	trace = trace_start("panthor:panthor_reclaim_begin", "panthor:panthor_reclaim_end", NULL);
	for (int i = 0; i < THREADS; i++) {
		random_seed(&random[i], seed + 100 + i);
		if (pthread_create(&threads[i], NULL, mains[i], &random[i]))
			bail("cannot start a thread");
	}
	started = clients_run(seed, until, exchange);
	over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	clients_end();
	close(exchange[0]);
	close(exchange[1]);
	cgroup_remove(CGROUP);
	trace_stop(trace);
	begins = trace_count(trace, "panthor_reclaim_begin", 0);
	ends = trace_count(trace, "panthor_reclaim_end", 0);

	ok(!complained, "the kernel logs no warning meanwhile");
	ok(!odd, "each write to mem_reclaim and mem_claim returns a documented result");
	ok(!stats->wrong, "the private data of the clients is intact");
	ok(trace->lost || begins == ends, "each request has an end (%d, %d)", begins, ends);
	ok(stale_accesses() == stale, "the GPU never accesses memory through a stale mapping");
	check_left(bos);
	trace_free(trace);
	ok(started && requests && stats->verified, "the run is not empty");
	diag("%ld clients, %llu ioctls, %llu refused, %ld requests, %llu bytes verified", started,
	     (unsigned long long)stats->ioctls, (unsigned long long)stats->refused, requests,
	     (unsigned long long)stats->verified);
	return tap_end();
}
