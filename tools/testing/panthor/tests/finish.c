// SPDX-License-Identifier: GPL-2.0
/*
 * The job is finished when the write returns, or by the next one if it was cut short; nothing is
 * written for nobody, or evicted for nothing.
 *
 * How far a request got is counted in requests to a disk that does one at a time, slowly.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "peer.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"
#include "trace.h"

#define ISSUED "block_rq_issue"
#define DONE "block_rq_complete"

/* The end of a request, as far as these tests look at it */
struct result {
	int ret;
	uint64_t evicted, written, freed, unwritten;
	int no_swap_skips;
	bool none, cut_short;
};

/* 0 where this kernel's driver does not tell */
static uint64_t value_or_0(const struct event *event, const char *key)
{
	return event_has(event, key) ? event_value(event, key) : 0;
}

static struct result read_result(const struct trace *trace, int ret)
{
	const struct event *end = trace_end(trace);
	struct result result = {
		.ret = ret,
		.evicted = event_value(end, "evicted"),
		.written = event_value(end, "written"),
		.freed = event_value(end, "freed"),
		.unwritten = value_or_0(end, "unwritten"),
		.none = event_says(end, "writeback", "none"),
		.cut_short = event_says(end, "cut_short", "interrupted"),
	};

	for (int i = 0; i < trace->nr_events; i++)
		result.no_swap_skips += event_is(&trace->events[i], "panthor_bo_evict_skip") &&
					event_says(&trace->events[i], "reason", "no-swap");
	return result;
}

static void show(const char *what, const struct result *result)
{
	diag("%s: %d, evicted %llu kB, written %llu kB, freed %llu kB, unwritten %llu kB", what,
	     result->ret, (unsigned long long)result->evicted / 1024,
	     (unsigned long long)result->written / 1024, (unsigned long long)result->freed / 1024,
	     (unsigned long long)result->unwritten / 1024);
}

/* A write, and by how many kB it changed Shmem */
static struct result write_once(pid_t target, long *shmem)
{
	struct trace *trace = trace_start("panthor", NULL);
	struct result result;
	int ret;

	*shmem = meminfo("Shmem");
	ret = reclaim(target);
	*shmem -= meminfo("Shmem");
	trace_stop(trace);
	result = read_result(trace, ret);
	trace_free(trace);
	return result;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A process that writes; its exit status is the errno, and it marks the time when it is back */
static pid_t start_writer(const struct trace *trace, pid_t target)
{
	struct sigaction action = { .sa_handler = on_signal };
	pid_t pid = fork();
	int ret;

	if (!pid) {
		sigaction(SIGTERM, &action, NULL);
		ret = reclaim(target);
		trace_mark(trace, "back");
		_exit(-ret);
	}
	return pid;
}

static int writer_result(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* The slow disk is the only swap for as long as @test takes */
static void with_slow_swap(int ms, int kb, void (*test)(void), const char *promise)
{
	const char *disk = slow_disk(ms, kb);

	if (!disk) {
		skip("no null_blk", "%s", promise);
		return;
	}
	set_swap(ZRAM, false);
	set_swap(disk, true);
	test();
	set_swap(disk, false);
	set_swap(ZRAM, true);
	remove_slow_disk();
}

/* A signal early in the writeback */
static void test_cut_short(void)
{
	struct peer *peer = peer_start("-b32x64K", NULL);
	struct trace *trace = trace_start("panthor", "block:block_rq_complete", NULL);
	const uint64_t bytes = 32 * 65536;
	struct result result;
	long shmem = 0;
	pid_t writer;
	int ret;

	writer = start_writer(trace, peer->pid);
	if (!trace_wait(trace, DONE, 4))
		bail("nothing is written");
	kill(writer, SIGTERM);
	ret = writer_result(writer);
	trace_stop(trace);
	result = read_result(trace, ret);
	show("a signal during writeback", &result);
	ok(!ret && result.evicted == bytes && result.written < bytes,
	   "a signal during writeback: all is evicted, some is written");
	ok(result.cut_short && result.unwritten > 0 && result.unwritten + result.written >= bytes,
	   "the end event reports cut_short, and what is unwritten");
	trace_free(trace);

	result = write_once(peer->pid, &shmem);
	show("the same write again", &result);
	diag("Shmem is down by %ld kB", shmem);
	ok(!result.ret && !result.unwritten && !result.cut_short && !result.evicted &&
		   result.written > 0 && shmem > 0,
	   "the same write again writes the rest");
	result = write_once(peer->pid, &shmem);
	ok(!result.ret && !result.written && !result.unwritten, "another write has nothing to do");
	ok(peer_do(peer, "verify cpu"), "cut short: the data is intact");
	peer_quit(peer);
}

/*
 * A signal while requests are under way, each a page, and a folio: how many of them does
 * the writer wait for?
 */
static void test_signal_in_io(void)
{
	struct peer *peer = peer_start("-b128x4K", NULL); /* a page each */
	struct trace *trace = trace_start("panthor", "block:block_rq_complete", NULL);
	pid_t writer;
	int waited;

	writer = start_writer(trace, peer->pid);
	if (!trace_wait(trace, DONE, 4))
		bail("nothing is written");
	trace_mark(trace, "signal");
	kill(writer, SIGTERM);
	writer_result(writer);
	trace_stop(trace);
	waited = events_between(DONE, trace_marked(trace, "signal"), trace_marked(trace, "back"));
	ok(waited <= 4, "a signal during swap I/O: the requester waits for one page at most (%d)",
	   waited);
	trace_free(trace);
	ok(peer_do(peer, "verify cpu"), "a signal during swap I/O: the data is intact");
	peer_quit(peer);
}

/* The target is gone in the middle of it: its memory is nobody's any more, and not written */
static void test_target_killed(void)
{
	struct peer *peer = peer_start("-b64x64K", NULL);
	pid_t target = peer->pid, writer;
	struct trace *trace =
		trace_start("panthor", "block:block_rq_issue", "block:block_rq_complete", NULL);
	struct result result;
	int bos, tries, ret, wrote, freed;

	writer = start_writer(trace, target);
	if (!trace_wait(trace, DONE, 4))
		bail("nothing is written");
	peer_kill(peer);
	trace_mark(trace, "gone");
	for (tries = 0; (bos = gem_sum(target, "private-").bos) && tries < 1000; tries++)
		usleep(10000);
	trace_mark(trace, "free");
	ret = writer_result(writer);
	trace_stop(trace);
	result = read_result(trace, ret);
	show("target killed", &result);
	wrote = events_between(DONE, trace_marked(trace, "gone"), trace_marked(trace, "back"));
	freed = events_between(DONE, trace_marked(trace, "gone"), trace_marked(trace, "free"));
	ok(!bos && freed <= 16,
	   "the target is killed: its memory is freed at once (%d of 64 "
	   "requests to the disk later)",
	   freed);
	ok(wrote <= 16, "only what was in flight is written (%d)", wrote);
	ok(!ret && result.written < result.evicted, "the end event reports it (%d)", ret);
	trace_free(trace);
}

static void test_brought_back(void)
{
	struct peer *peer = peer_start("-b64x64K", NULL);
	struct trace *trace;
	struct result result;
	int ret, wrote, idle_writes = 0;
	pid_t writer;

	if (!peer_do(peer, "submit 1 0"))
		bail("no job");
	trace = trace_start("panthor", "block:block_rq_issue", "block:block_rq_complete", NULL);
	writer = start_writer(trace, peer->pid);
	if (!trace_wait(trace, DONE, 4))
		bail("nothing is written");
	peer_send(peer, "submit 1 0");
	if (!trace_wait(trace, "panthor_bo_swapin", 1))
		bail("nothing is swapped in");
	trace_mark(trace, "back again");
	ret = writer_result(writer);
	trace_mark(trace, "over");
	ok_jobs(peer_answer(peer), "a client brings its buffers back while they are written");
	trace_stop(trace);
	result = read_result(trace, ret);
	show("brought back", &result);
	wrote = events_between(ISSUED, trace_marked(trace, "back again"),
			       trace_marked(trace, "back"));
	for (int i = 0; i < trace->nr_events; i++)
		idle_writes += event_is(&trace->events[i], "panthor_bo_writeback") &&
			       !event_value(&trace->events[i], "written") &&
			       event_value(&trace->events[i], "duration_ns") > 1000000;
	diag("%d requests to the disk after the first buffer was back", wrote);
	ok(!ret && result.written < result.evicted,
	   "a BO that is swapped in meanwhile is not written");
	ok(!idle_writes, "no writeback time is accounted for it (%d times)", idle_writes);
	trace_free(trace);
	ok(peer_do(peer, "verify cpu"), "swapped in: the data is intact");
	peer_quit(peer);
}

/* A client that may not use swap, or not much of it, by a limit of its cgroup or of one above */
static struct peer *start_in(const char *cgroup)
{
	struct peer *peer;

	cgroup_enter(cgroup);
	peer = peer_start("-b64x64K", NULL);
	cgroup_enter(NULL);
	return peer;
}

static void test_no_right_to_swap(const char *cgroup, const char *what)
{
	struct peer *peer = start_in(cgroup);
	struct result result;
	long shmem;

	result = write_once(peer->pid, &shmem);
	show(what, &result);
	ok(result.ret == -ENOSPC, "%s: ENOSPC (%d)", what, result.ret);
	ok(!gem_sum(peer->pid, "").evictions && !result.evicted, "%s: nothing is evicted", what);
	ok(result.no_swap_skips >= 64, "%s: the reason is no-swap (%d)", what,
	   result.no_swap_skips);
	ok(result.none, "%s: the end event reports no writeback", what);
	ok(peer_do(peer, "verify cpu"), "%s: the data is intact", what);
	peer_quit(peer);
}

static void test_some_right_to_swap(const char *cgroup)
{
	struct peer *peer = start_in(cgroup);
	struct result result;
	long shmem;

	result = write_once(peer->pid, &shmem);
	show("a limit of a quarter", &result);
	ok(!result.ret && result.evicted > 0 && result.evicted <= 1 << 20,
	   "a limit of a quarter: only what fits is evicted");
	ok(result.written == result.evicted && result.no_swap_skips >= 48,
	   "a limit of a quarter: it is written, the rest is skipped (no-swap)");
	ok(peer_do(peer, "verify cpu"), "a limit of a quarter: the data is intact");
	peer_quit(peer);
}

static void test_limits(void)
{
	cgroup_make("outer");
	cgroup_set("outer", "cgroup.subtree_control", "+memory");
	cgroup_make("outer/inner");
	cgroup_set("outer/inner", "memory.swap.max", "0");
	test_no_right_to_swap("outer/inner", "no swap for its cgroup");
	cgroup_set("outer/inner", "memory.swap.max", "1M");
	test_some_right_to_swap("outer/inner");
	cgroup_set("outer/inner", "memory.swap.max", "max");
	cgroup_set("outer", "memory.swap.max", "0");
	test_no_right_to_swap("outer/inner", "no swap for the cgroup above");
	cgroup_remove("outer/inner");
	cgroup_remove("outer");
}

int main(void)
{
	tap_start();
	test_limits();
	with_slow_swap(100, 64, test_cut_short,
		       "a write that was cut short is finished by the next");
	with_slow_swap(100, getpagesize() / 1024, test_signal_in_io,
		       "a signal during swap I/O ends it");
	with_slow_swap(100, 64, test_target_killed, "a target that is gone is not written");
	with_slow_swap(100, 64, test_brought_back,
		       "a BO that is swapped in meanwhile is not written");
	return tap_end();
}
