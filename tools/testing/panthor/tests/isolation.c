// SPDX-License-Identifier: GPL-2.0
/*
 * Only the target: whatever state the target's buffers are in, not one of a neighbour's goes.
 *
 * WRITES=N writes in all (200; soak runs take 10,000), spread over the ways in which a target can
 * be unable to yield.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define NEIGHBOURS 4

/* A neighbour that allocates, fills, has the GPU look, and frees, for ever */
static void restless(uint32_t seed)
{
	static const struct bo_spec spec = { .count = 8, .size = 65536, .label = "restless-%i" };
	struct client_config config = { .vms = 1, .specs = &spec, .nr_specs = 1 };
	struct client_error err;
	struct client client;
	uint64_t bytes;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		config.seed = seed;
		if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
		    client_submit(&client, 1, 0, &err) ||
		    client_verify(&client, CLIENT_CHECK, &bytes, &err)) {
			fprintf(stderr, "neighbour: cannot %s\n", err.what);
			_exit(1);
		}
		client_fini(&client);
	}
}

static pid_t start_restless(uint32_t seed)
{
	pid_t pid = fork();

	if (!pid)
		restless(seed);
	return pid;
}

static bool expected(int ret)
{
	return !ret || ret == -EBUSY;
}

static int write_often(pid_t target, long writes)
{
	int odd = 0;

	while (writes--) {
		int ret = reclaim(target);

		if (!expected(ret) && !odd++)
			diag("a write returned %d (%s)", ret, strerror(-ret));
	}
	return odd;
}

static void test_idle_target(long writes)
{
	struct peer *peer = peer_start("-b64x64K", NULL);

	ok(!write_often(peer->pid, writes), "%ld writes to an idle target", writes);
	ok(peer_do(peer, "verify cpu"), "whose data is intact");
	peer_quit(peer);
}

static void test_busy_target(long writes)
{
	struct peer *peer = peer_start("-b64x64K", NULL);

	if (!peer_do(peer, "loop 0 5000"))
		bail("no loop");
	ok(!write_often(peer->pid, writes), "%ld writes to a target that never stops", writes);
	ok_jobs(peer_do(peer, "stop"), "all of whose jobs went well");
	ok(peer_do(peer, "verify check"), "and whose data is intact");
	peer_quit(peer);
}

/* Contended: a process that binds and unbinds all the time holds the locks that reclaim needs */
static void test_contended_target(long writes)
{
	struct peer *peer = peer_start("-b32x64K", "-v2", "-b8x64K:shared", NULL);
	int odd = 0;

	for (long i = 0; i < writes; i++) {
		if (!(i & 15)) {
			if (i)
				peer_answer(peer);
			peer_send(peer, "%s", i & 16 ? "bind" : "unbind");
		}
		odd += !expected(reclaim(peer->pid));
	}
	peer_answer(peer);
	ok(!odd, "%ld writes to a target that binds and unbinds", writes);
	ok(peer_do(peer, "verify cpu"), "whose data is intact");
	peer_quit(peer);
}

/* Nothing to take at all: groups, and nothing but what the kernel has pinned for them */
static void test_pinned_target(long writes)
{
	struct peer *peer = peer_start("-b1x4K", NULL);

	if (!peer_do(peer, "submit 1 0"))
		bail("no job");
	ok(!write_often(peer->pid, writes), "%ld writes to a target with next to nothing", writes);
	ok(peer_do(peer, "submit 1 0"), "which still works");
	peer_quit(peer);
}

static void set_filter(const struct trace *trace, pid_t *pids, int count)
{
	char path[256], filter[512] = "";
	ssize_t ret;

	for (int i = 0; i < count; i++)
		snprintf(filter + strlen(filter), sizeof(filter) - strlen(filter), "%stgid == %d",
			 i ? " || " : "", pids[i]);
	snprintf(path, sizeof(path), "%s/events/panthor/panthor_bo_evict/filter", trace->dir);
	ret = write_file(path, filter, strlen(filter));
	if (ret < 0)
		bail("cannot filter events: %s", strerror(-ret));
}

int main(void)
{
	long writes = knob("WRITES", 200);
	struct peer *steady[2];
	pid_t pids[NEIGHBOURS];
	struct trace *trace;
	struct gem_sum sum;
	int status;

	tap_start();
	steady[0] = peer_start("-b64x64K", "-nsteady0", NULL);
	steady[1] = peer_start("-b16x256K", "-v2", "-b4x64K:shared", "-b4x64K:mmap",
			       "-b4x64K:unused", "-nsteady1", NULL);
	if (!peer_do(steady[0], "loop 50 2000"))
		bail("no loop");
	pids[0] = steady[0]->pid;
	pids[1] = steady[1]->pid;
	pids[2] = start_restless(100);
	pids[3] = start_restless(101);

	trace = trace_start("panthor:panthor_bo_evict", NULL);
	set_filter(trace, pids, NEIGHBOURS);

	test_idle_target(writes / 4);
	test_busy_target(writes / 4);
	test_contended_target(writes / 4);
	test_pinned_target(writes / 4);

	for (int i = 2; i < NEIGHBOURS; i++) {
		ok(!waitpid(pids[i], &status, WNOHANG), "restless neighbour %d is alive and well",
		   i - 2);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	trace_stop(trace);
	ok(!trace->nr_events && !trace->lost, "not one buffer of %d neighbours was evicted (%d)",
	   NEIGHBOURS, trace->nr_events);
	trace_free(trace);
	for (int i = 0; i < 2; i++) {
		sum = gem_sum(pids[i], "");
		ok(!sum.evictions, "the driver's own count says the same (%llu of %d buffers)",
		   (unsigned long long)sum.evictions, sum.bos);
	}
	ok_jobs(peer_do(steady[0], "stop"), "the jobs of the neighbour went well");
	ok(peer_do(steady[0], "verify gpu") && peer_do(steady[1], "verify gpu"),
	   "the neighbours' data is intact");
	peer_quit(steady[0]);
	peer_quit(steady[1]);
	return tap_end();
}
