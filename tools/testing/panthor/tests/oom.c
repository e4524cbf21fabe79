// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel runs out of memory, and kills: a client while it is being reclaimed, and a writer
 * while it waits for a job.
 *
 * OOM_ROUNDS=N of each (4)
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define GROUP "oom"
#define MIB (1UL << 20)

/* By then the driver has timed out and reset, also where everything is slow */
#define CLOSED_NS (60 * 1000000000LL)

static struct peer *neighbour;

/* Takes @mib MiB, one every @pause_us */
static void take_memory(unsigned int mib, unsigned int pause_us)
{
	while (mib--) {
		void *memory =
			mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory != MAP_FAILED)
			memset(memory, 1, MIB);
		usleep(pause_us);
	}
}

static pid_t fork_in_group(void)
{
	pid_t pid;

	cgroup_enter(GROUP);
	pid = fork();
	if (pid)
		cgroup_enter(NULL);
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Leaves the process to be waited for, so that its number stays its own */
static bool killed(pid_t pid, int flags)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WEXITED | WNOWAIT | flags) && info.si_pid == pid &&
	       info.si_code == CLD_KILLED && info.si_status == SIGKILL;
}

/* Has it a client, or a BO that a job still refers to? */
static bool listed(pid_t tgid)
{
	int row;

	table_free(device_row(tgid, &row));
	return row >= 0 || gem_sum(tgid, "").bos;
}

static const char *swap_of(int round)
{
	return round & 1 ? "16M" : "0";
}

static void mark(const struct trace *trace, const char *what, int round)
{
	char text[32];

	snprintf(text, sizeof(text), "%s %d", what, round);
	trace_mark(trace, text);
}

static const struct event *marked(const struct trace *trace, const char *what, int round)
{
	char text[32];

	snprintf(text, sizeof(text), "%s %d", what, round);
	return trace_marked(trace, text);
}

/* A client that always has a job under way, and shares its cgroup with somebody who takes it all */
static void test_client(const struct trace *trace, int round)
{
	const char *swap = swap_of(round);
	long kills = cgroup_oom_kills(GROUP);
	int writes = 0, odd = 0;
	struct peer *peer;
	int64_t until;
	pid_t taker;
	bool gone;

	cgroup_set(GROUP, "memory.max", "max");
	cgroup_set(GROUP, "memory.swap.max", swap);
	/* Together they are killed */
	cgroup_set(GROUP, "memory.oom.group", "1");
	cgroup_enter(GROUP);
	peer = peer_start("-b64x256K", NULL);
	cgroup_enter(NULL);
	if (!peer_do(peer, "loop 0 2000"))
		bail("no loop");
	cgroup_set(GROUP, "memory.max", "48M");
	taker = fork_in_group();
	if (!taker)
		take_memory(UINT_MAX, 20000);

	mark(trace, "writes", round);
	while (!(gone = killed(peer->pid, WNOHANG)) && writes < 2000) {
		int ret = reclaim(peer->pid);

		writes++;
		if (ret && ret != -EBUSY && ret != -ENOSPC && ret != -ESRCH && !odd++)
			diag("a write returned %d (%s)", ret, strerror(-ret));
	}
	mark(trace, "written", round);
	ok(gone && cgroup_oom_kills(GROUP) > kills,
	   "client %d: the OOM killer kills it during a request", round);
	ok(!odd, "client %d: the writes fail for no other reason", round);
	ok(killed(taker, 0), "client %d: the OOM killer kills the process that took the memory",
	   round);
	/* Its last job keeps it until the driver has given up on that */
	until = now_ns() + CLOSED_NS;
	while (listed(peer->pid) && now_ns() < until)
		usleep(50000);
	ok(!listed(peer->pid), "client %d: nothing is left of it", round);
	peer_kill(peer);
	waitpid(taker, NULL, 0);
}

/* What may not be swapped is not evicted */
static void check_evicted(const struct trace *trace, int round)
{
	const struct event *event = marked(trace, "writes", round);
	const struct event *to = marked(trace, "written", round);
	int64_t evicted = 0;

	for (; event < to; event++) {
		if (event_is(event, "panthor_reclaim_end") && event_says(event, "source", "sysfs"))
			evicted += event_value(event, "evicted");
	}
	ok(!!evicted == !!strcmp(swap_of(round), "0"),
	   "client %d: with swap.max %s %lld bytes are evicted", round, swap_of(round),
	   (long long)evicted);
}

/* Runs in a child: has 16 MiB, says so, and writes */
static void writer(int ready)
{
	take_memory(16, 0);
	if (write(ready, "", 1) == 1)
		reclaim(neighbour->pid);
	_exit(0);
}

static void test_writer(int round)
{
	long kills = cgroup_oom_kills(GROUP);
	int64_t before = device_value(neighbour->pid, "last_id"), result;
	int ready[2];
	pid_t pid;
	char byte;

	cgroup_set(GROUP, "memory.oom.group", "0");
	cgroup_set(GROUP, "memory.swap.max", "0");
	cgroup_set(GROUP, "memory.max", "max");
	if (pipe(ready) || !peer_do(neighbour, "hold"))
		bail("no job");
	pid = fork_in_group();
	if (!pid)
		writer(ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bail("no writer");
	close(ready[0]);
	usleep(300000);
	/* No use waiting for memory to become scarce: a request does not wait long */
	cgroup_set(GROUP, "memory.max", "8M");
	ok(killed(pid, 0) && cgroup_oom_kills(GROUP) > kills,
	   "requester %d: the OOM killer kills it", round);
	diag("after %.1f ms of waiting", device_value(neighbour->pid, "last_fence_ns") / 1e6);
	result = device_value(neighbour->pid, "last_result");
	ok(device_value(neighbour->pid, "last_id") != before && result == -EINTR,
	   "requester %d: it dies while it waits, the end event reports it (%lld)", round,
	   (long long)result);
	ok(!device_value(neighbour->pid, "last_evicted_bos") &&
		   gem_sum(neighbour->pid, "private-").resident_bos == 32,
	   "requester %d: nothing is evicted", round);
	waitpid(pid, NULL, 0);
	ok_jobs(peer_do(neighbour, "release"), "requester %d: the job it waited for succeeds",
		round);
}

int main(void)
{
	int rounds = knob("OOM_ROUNDS", 4);
	struct trace *trace;

	tap_start();
	/*
	 * What this process uses while it is in the group is charged to that. Once swapped out, it
	 * could not be had back while the group is full, and the kernel would send SIGSEGV.
	 */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		bail("cannot lock memory");
	cgroup_make(GROUP);
	neighbour = peer_start("-b32x64K", "-nneighbour", NULL);
	trace = trace_start("panthor:panthor_reclaim_begin", "panthor:panthor_reclaim_end", NULL);

	for (int i = 0; i < rounds; i++)
		test_client(trace, i);
	/* Nobody else's business */
	ok(!gem_sum(neighbour->pid, "private-").evictions, "no buffer of a neighbour is evicted");
	for (int i = 0; i < rounds; i++)
		test_writer(i);

	trace_stop(trace);
	ok(!trace->lost && trace_count(trace, "panthor_reclaim_begin", 0) ==
				   trace_count(trace, "panthor_reclaim_end", 0),
	   "each of %d requests has its end event", trace_count(trace, "panthor_reclaim_begin", 0));
	for (int i = 0; i < rounds; i++)
		check_evicted(trace, i);
	trace_free(trace);
	ok(peer_do(neighbour, "verify cpu") && !reclaim(neighbour->pid) &&
		   peer_do(neighbour, "verify gpu"),
	   "the neighbour's data is intact");
	peer_quit(neighbour);
	cgroup_remove(GROUP);
	return tap_end();
}
