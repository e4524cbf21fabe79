// SPDX-License-Identifier: GPL-2.0
/*
 * How long a write can take, and whom it holds up.
 *
 * A busy machine makes everything take longer. What is promised is therefore seen by the order in
 * which things happen, and by how many of them do; where it is a time, there is one bound for all.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "peer.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"
#include "trace.h"

/*
 * What has to be done while a request waits, which it does for a second, a machine that is too busy
 * may not do in time; the driver's fault is there each time
 */
#define TRIES 3

/* All waiting for jobs ends after one second: no machine is so busy that it takes this long */
#define BOUND_NS (5 * NSEC)

static struct client_error err;

static double ms(int64_t ns)
{
	return ns / 1e6;
}

/* How long a request was blocked by jobs and by locks, by its own account */
static int64_t blocked_ns(const struct event *end)
{
	return event_value(end, "fence_ns") + event_value(end, "lock_ns");
}

static void start_client(struct client *client, unsigned int bos, uint64_t size)
{
	struct bo_spec spec = { .count = bos, .size = size, .label = "blocked-%i" };
	struct client_config config = { .vms = 1, .seed = 7, .specs = &spec, .nr_specs = 1 };

	if (client_init(client, &config, &err) || client_fill(client, CLIENT_CPU, &err) ||
	    client_submit(client, 1, 1000, &err))
		bail("cannot %s", err.what);
}

/* A write to ourselves in a thread, with a mark when it is back */
struct write {
	const struct trace *trace;
	pthread_t thread;
	int ret;
};

static void *write_main(void *arg)
{
	struct write *write = arg;

	write->ret = reclaim(getpid());
	trace_mark(write->trace, "back");
	return NULL;
}

static void write_start(struct write *write, const struct trace *trace)
{
	write->trace = trace;
	pthread_create(&write->thread, NULL, write_main, write);
	if (!trace_wait(trace, "panthor_reclaim_begin", 1))
		bail("no request");
}

static int write_end(struct write *write)
{
	pthread_join(write->thread, NULL);
	return write->ret;
}

/* Where the fence is signalled that a VM was waited for last, or NULL */
static const struct event *signalled(const struct trace *trace, const struct event *vm_end)
{
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "dma_fence_signaled") &&
		    event_value(event, "context") == event_value(vm_end, "fence_context") &&
		    event_value(event, "seqno") == event_value(vm_end, "fence_seqno"))
			return event;
	}
	return NULL;
}

/* The end of the one VM that had to be waited for, or NULL */
static const struct event *waited_for(const struct trace *trace)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_vm_reclaim_end") &&
		    event_value(&trace->events[i], "fences"))
			return &trace->events[i];
	return NULL;
}

static const struct event *first_evict(const struct trace *trace)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_bo_evict"))
			return &trace->events[i];
	return NULL;
}

/* What a request did that had to wait for a job */
struct wait {
	bool once, after, jobs;
	int64_t blocked_ns;
	long commands;
	int ret, resident;
};

/* The job ends when the request has begun: false if that took so long that it gave up on the job */
static bool wait_for_job(unsigned int bos, struct wait *seen)
{
	const struct event *vm_end, *evict;
	struct write write = {};
	struct client client;
	struct trace *trace;

	start_client(&client, bos, 4096);
	if (client_hold(&client, &err))
		bail("no job");
	trace = trace_start("panthor", "dma_fence:dma_fence_signaled", NULL);
	seen->commands = sim_counter("mmu_cmds");
	write_start(&write, trace);
	usleep(100000);
	seen->jobs = !client_release(&client, &err);
	seen->ret = write_end(&write);
	seen->commands = sim_counter("mmu_cmds") - seen->commands;
	trace_stop(trace);

	vm_end = waited_for(trace);
	evict = first_evict(trace);
	seen->once = vm_end && event_value(vm_end, "fences") <= 2;
	seen->after = vm_end && evict && signalled(trace, vm_end) &&
		      evict > signalled(trace, vm_end);
	seen->blocked_ns = blocked_ns(trace_end(trace));
	seen->resident = gem_sum(getpid(), "blocked-").resident_bos;
	trace_free(trace);
	client_fini(&client);
	return seen->ret != -EBUSY;
}

/* The write goes on when the job ends, however many buffers there are */
static void test_job_ends(unsigned int bos)
{
	struct wait seen = {};

	for (int i = 0; i < TRIES && !wait_for_job(bos, &seen); i++)
		;
	ok(!seen.ret, "%u buffers, a job that ends: the write succeeds (%d)", bos, seen.ret);
	ok(seen.once, "%u buffers: the request waits once, for the job", bos);
	ok(seen.after, "%u buffers: none is evicted while the job runs", bos);
	ok(seen.blocked_ns < BOUND_NS, "%u buffers: the request is blocked for no longer", bos);
	ok_jobs(seen.jobs, "%u buffers: the job went well", bos);
	ok(seen.commands <= 16 + bos / 32, "%u buffers: %ld commands to the MMU unmap them", bos,
	   seen.commands);
	ok(seen.resident * 20 <= (int)bos, "%u buffers: all are evicted", bos);
}

/* Two VMs, and jobs in both that do not end: one bound for both */
static void test_bound(void)
{
	const struct bo_spec spec = { .count = 32, .size = 65536, .label = "blocked-%i" };
	struct client_config config = { .vms = 2, .seed = 7, .specs = &spec, .nr_specs = 1 };
	struct client client;
	struct trace *trace;
	uint64_t bytes;
	int ret;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
	    client_submit(&client, 1, 0, &err) || jobs_gate(&client.jobs[0]) ||
	    jobs_gate(&client.jobs[1]))
		bail("no jobs");
	trace = trace_start("panthor", NULL);
	ret = reclaim(getpid());
	trace_stop(trace);
	ok_jobs(ret == -EBUSY, "jobs that do not end: EBUSY (%d)", ret);
	ok(blocked_ns(trace_end(trace)) < BOUND_NS, "the request ends after a bounded time");
	ok_jobs(gem_sum(getpid(), "blocked-").resident_bos == 64, "and nothing is evicted");
	for (int i = 0; i < 2; i++) {
		jobs_open_gate(&client.jobs[i]);
		ret = jobs_wait(&client.jobs[i], client.jobs[i].point, now_ns() + 10 * NSEC);
		ok_jobs(!ret, "job %d is none the worse for it", i);
	}
	ok_jobs(!client_verify(&client, CLIENT_CHECK, &bytes, &err), "neither is the data");
	trace_free(trace);
	client_fini(&client);
}

/* Events called @name about buffers whose label begins with @label, before @until */
static int count_before(const struct trace *trace, const char *name, const char *label,
			const struct event *until)
{
	char pattern[64];
	int count = 0;

	snprintf(pattern, sizeof(pattern), " label=%s", label);
	for (const struct event *event = trace->events; event < until; event++)
		count += event_is(event, name) && strstr(event->text, pattern);
	return count;
}

/* What was evicted before VM 0 was idle, and in the end */
struct idle_first {
	int vm, no_vm, unbound, open, all, ret;
	bool written, jobs, data;
};

/*
 * VM 0 is busy until all that is idle is written: buffers of VM 1, buffers in no VM, among them
 * one that only VM 0 may ever map. A request that waits for VM 0 first never gets there in time
 */
static bool idle_first(struct idle_first *seen)
{
	static const struct bo_spec specs[] = {
		{ .count = 8, .size = 65536, .label = "vm-%i" },
		{ .count = 4, .size = 65536, .kind = BO_MMAP, .label = "no-vm-%i" },
		{ .count = 4, .size = 65536, .kind = BO_UNUSED, .label = "no-vm-%i" },
	};
	struct client_config config = { .vms = 2, .seed = 8, .specs = specs, .nr_specs = 3 };
	struct bo unbound = {}, open = {};
	const struct event *release;
	struct write write = {};
	struct client client;
	struct trace *trace;
	uint64_t bytes;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
	    client_submit(&client, 1, 0, &err))
		bail("cannot %s", err.what);
	if (bo_create(&client.gpu, &unbound, 65536, 0, &client.vms[0]) ||
	    bo_label(&unbound, "unbound") || bo_map(&unbound) ||
	    bo_create(&client.gpu, &open, 65536, 0, NULL) || bo_label(&open, "open") ||
	    bo_map(&open) || bo_bind(&open, &client.vms[1]))
		bail("no buffers");
	memset(unbound.map, 1, unbound.size);
	memset(open.map, 2, open.size);
	if (client_hold(&client, &err))
		bail("no job");

	trace = trace_start("panthor", NULL);
	write_start(&write, trace);
	/* 8 of VM 1, its stream buffer, 8 in no VM, and the two */
	seen->written = trace_wait(trace, "panthor_bo_writeback", 19);
	trace_mark(trace, "release");
	seen->jobs = !client_release(&client, &err);
	seen->ret = write_end(&write);
	trace_stop(trace);

	release = trace_marked(trace, "release");
	seen->written &= release < trace_end(trace);
	seen->vm = count_before(trace, "panthor_bo_evict", "vm-", release);
	seen->no_vm = count_before(trace, "panthor_bo_evict", "no-vm-", release);
	seen->unbound = count_before(trace, "panthor_bo_evict", "unbound", release);
	seen->open = count_before(trace, "panthor_bo_evict", "open", release);
	seen->all = count_before(trace, "panthor_bo_evict", "vm-", trace_end(trace));
	seen->data = !client_verify(&client, CLIENT_CPU, &bytes, &err);
	trace_free(trace);
	bo_destroy(&open);
	bo_destroy(&unbound);
	client_fini(&client);
	return seen->written && seen->jobs && !seen->ret && seen->all == 16;
}

static void test_idle_first(void)
{
	struct idle_first seen = {};

	for (int i = 0; i < TRIES && !idle_first(&seen); i++)
		;
	ok_jobs(seen.jobs, "a job in VM 0 while all else is idle");
	ok(seen.written, "all idle BOs are written before VM 0 is evicted");
	ok(seen.vm == 8, "the 8 buffers of VM 1 are evicted (%d)", seen.vm);
	ok(seen.no_vm == 8, "the 8 buffers in no VM are evicted (%d)", seen.no_vm);
	ok(seen.unbound == 1, "a buffer exclusive to VM 0 and not mapped in it is evicted (%d)",
	   seen.unbound);
	ok(seen.open == 1, "a buffer of VM 1 that is not exclusive is evicted (%d)", seen.open);
	ok(!seen.ret && seen.all == 16, "the 8 buffers of VM 0 are evicted last (%d, %d)", seen.ret,
	   seen.all);
	ok(seen.data, "all data is intact");
}

/*
 * Buffers of a single VM that were made for any VM: what every client does that may want to export
 * them later
 */
static void test_not_exclusive(int bos)
{
	const struct bo_spec spec = {
		.count = bos, .size = 4096, .kind = BO_SHARED, .label = "open-%i"
	};
	struct client_config config = { .vms = 1, .seed = 9, .specs = &spec, .nr_specs = 1 };
	struct client client;
	struct trace *trace;
	uint64_t bytes;
	long commands;
	int ret, locked = 0;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
	    client_submit(&client, 1, 0, &err))
		bail("cannot %s", err.what);
	trace = trace_start("panthor", NULL);
	commands = sim_counter("mmu_cmds");
	ret = reclaim(getpid());
	commands = sim_counter("mmu_cmds") - commands;
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++)
		locked += event_is(&trace->events[i], "panthor_bo_evict_skip") &&
			  !event_says(&trace->events[i], "reason", "pinned");
	ok(!ret && !gem_sum(getpid(), "open-").resident_bos,
	   "%d buffers that are not exclusive: all are evicted (%d)", bos, ret);
	ok(!locked, "%d not exclusive: none is skipped (%d)", bos, locked);
	ok(commands <= 16 + bos / 32, "%d not exclusive: %ld commands to the MMU unmap them", bos,
	   commands);
	ok(!client_verify(&client, CLIENT_CHECK, &bytes, &err), "%d not exclusive: data intact",
	   bos);
	trace_free(trace);
	client_fini(&client);
}

/* Who gets through with a submit before a request ends that waits for another VM */
struct submits {
	bool jobs, own, neighbour;
};

static bool submit_meanwhile(struct peer *neighbour, struct submits *seen)
{
	static const struct bo_spec spec = { .count = 8, .size = 65536, .label = "busy-%i" };
	struct client_config config = { .vms = 2, .seed = 10, .specs = &spec, .nr_specs = 1 };
	struct write write = {};
	struct client client;
	struct bo open[32];
	struct trace *trace;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
	    client_submit(&client, 1, 0, &err) || !peer_do(neighbour, "submit 1 0"))
		bail("cannot %s", err.what);
	for (int i = 0; i < 32; i++)
		if (bo_create(&client.gpu, &open[i], 4096, 0, NULL) ||
		    bo_bind(&open[i], &client.vms[1]) || bo_map(&open[i]))
			bail("no buffer");
	if (client_hold(&client, &err))
		bail("no job");
	trace = trace_start("panthor", NULL);
	write_start(&write, trace);
	seen->own = !jobs_spin(&client.jobs[1], 0, open[0].va);
	trace_mark(trace, "own submit");
	seen->neighbour = peer_do(neighbour, "submit 1 0");
	trace_mark(trace, "neighbour's submit");
	write_end(&write);
	seen->jobs = !client_release(&client, &err);
	trace_stop(trace);
	seen->own &= trace_marked(trace, "own submit") < trace_end(trace);
	seen->neighbour &= trace_marked(trace, "neighbour's submit") < trace_end(trace);
	trace_free(trace);
	for (int i = 0; i < 32; i++)
		bo_destroy(&open[i]);
	client_fini(&client);
	return seen->jobs && seen->own && seen->neighbour;
}

static void test_submit_meanwhile(void)
{
	struct peer *neighbour = peer_start("-b8x64K", NULL);
	struct submits seen = {};

	for (int i = 0; i < TRIES && !submit_meanwhile(neighbour, &seen); i++)
		;
	ok_jobs(seen.jobs, "a write that waits for one VM");
	ok(seen.own, "a request does not delay a submission to another VM");
	ok(seen.neighbour, "a request does not delay another client");
	peer_quit(neighbour);
}

static void *shrink_main(void *arg)
{
	shrink_pages(ALL_PAGES);
	return arg;
}

/* The shrinker is at the busy target, too, and has its buffers on a list of its own meanwhile */
static void test_beside_shrinker(void)
{
	struct client client;
	struct trace *trace;
	struct table *table;
	pthread_t thread;
	int row, ret;

	start_client(&client, 64, 65536);
	if (client_hold(&client, &err))
		bail("no job");
	trace = trace_start("panthor:panthor_reclaim_begin", NULL);
	pthread_create(&thread, NULL, shrink_main, NULL);
	trace_wait(trace, "panthor_reclaim_begin", 1);
	ret = reclaim(getpid());
	trace_stop(trace);
	trace_free(trace);
	table = device_row(getpid(), &row);
	ok_jobs(ret == -EBUSY, "a busy target that the shrinker looks at: EBUSY, too (%d)", ret);
	ok_jobs(table_value(table, row, "last_skipped_bos") >= 64,
		"and each of its buffers is accounted for (%s)",
		table_text(table, row, "last_skipped_bos"));
	table_free(table);
	ok_jobs(!client_release(&client, &err), "and the job went well");
	pthread_join(thread, NULL);
	client_fini(&client);
}

/* Job fences that a request waited for in the VM where it waited for most */
static int most_fences(const struct trace *trace)
{
	int most = 0;

	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_vm_reclaim_end") &&
		    event_value(&trace->events[i], "fences") > most)
			most = event_value(&trace->events[i], "fences");
	return most;
}

/* Frames of 10 ms without a gap, three of them under way at any time, and 50 writes into them */
static void test_submitter(void)
{
	const long writes = knob("SUBMITTER_WRITES", 50);
	const int bos = 257;
	int64_t until, most = 0;
	long done = 0;
	struct gem_sum before, after;
	int few = 0, failed = 0, worst_share = 100, fences = 0;
	struct peer *peer = peer_start("-b257x64K", NULL);

	if (!peer_do(peer, "submit 1 10000") || !peer_do(peer, "loop 100 10000"))
		bail("no loop");
	until = now_ns() + 60 * NSEC;

	/* As many as a slow machine can do in a minute, and 10 in any case */
	for (; done < writes && (done < 10 || now_ns() < until); done++) {
		struct trace *trace;
		int share, ret;

		/* The next submit brings back what it needs: all that is bound */
		for (int tries = 0; tries < 500; tries++) {
			before = gem_sum(peer->pid, "private-");
			if (before.resident_bos == bos)
				break;
			usleep(10000);
		}
		trace = trace_start("panthor:panthor_reclaim_end", "panthor:panthor_vm_reclaim_end",
				    NULL);
		ret = reclaim(peer->pid);
		trace_stop(trace);
		after = gem_sum(peer->pid, "private-");
		share = (after.evictions - before.evictions) * 100 / bos;
		failed += ret != 0 || before.resident_bos != bos;
		few += share < 95;
		worst_share = share < worst_share ? share : worst_share;
		if (most_fences(trace) > fences)
			fences = most_fences(trace);
		if (blocked_ns(trace_end(trace)) > most)
			most = blocked_ns(trace_end(trace));
		trace_free(trace);
	}
	diag("worst share evicted: %d %%; blocked for %.1f ms at most", worst_share, ms(most));
	ok(!failed, "%ld writes to a client that keeps submitting 10 ms frames succeed", done);
	ok(!few, "each write evicts at least 95 %% of its buffers");
	ok(fences <= 2 * 3, "each write waits for the frames in flight, and few more (%d)", fences);
	ok(most < BOUND_NS, "each write is blocked for a bounded time");
	ok_jobs(peer_do(peer, "stop"), "and all its jobs go well");
	diag("%s", peer->line);
	ok(peer_do(peer, "verify check"), "the data is intact");
	peer_quit(peer);
}

/* What other clients do, from open to close */
static int come_and_go(void)
{
	struct jobs jobs = {};
	struct gpu gpu;
	struct vm vm;
	int ret;

	ret = gpu_open(&gpu, NULL);
	if (!ret)
		ret = vm_create(&gpu, &vm);
	if (!ret)
		ret = jobs_init(&jobs, &vm);
	if (!ret) {
		ret = jobs_spin(&jobs, 0, 0);
		if (!ret)
			ret = jobs_wait(&jobs, jobs.point, now_ns() + 10 * NSEC);
		jobs_fini(&jobs);
	}
	if (!ret)
		ret = vm_destroy(&vm);
	gpu_close(&gpu);
	return ret;
}

/* Does somebody get from open to close between the event and the end of the request? */
static bool bystander_free(struct peer *peer, const char *event, int *failed)
{
	struct trace *trace = trace_start("panthor", "block:block_rq_complete", NULL);
	pid_t pid = fork();
	bool in_time;

	if (!pid)
		_exit(-reclaim(peer->pid));
	if (!trace_wait(trace, event, 1))
		bail("no %s", event);
	*failed = come_and_go();
	trace_mark(trace, "came and went");
	waitpid(pid, NULL, 0);
	trace_stop(trace);
	in_time = trace_marked(trace, "came and went") < trace_end(trace);
	trace_free(trace);
	return in_time && !*failed;
}

static void test_bystander(struct peer *peer, const char *event, const char *what)
{
	bool in_time = false;
	int failed = 0;

	for (int i = 0; i < TRIES && !in_time; i++) {
		in_time = bystander_free(peer, event, &failed);
		if (!in_time && !peer_do(peer, "fill cpu"))
			bail("no data");
	}
	ok_jobs(!failed, "%s: open, VM create, submit, VM destroy, close", what);
	ok(in_time, "%s: all of it completes before the request ends", what);
}

static void test_bystanders(void)
{
	struct peer *peer;
	const char *disk;
	char spec[32];

	snprintf(spec, sizeof(spec), "-b%ldx1M", knob("BYSTANDER_MIB", 64));
	peer = peer_start(spec, NULL);
	if (!peer_do(peer, "hold"))
		bail("no job");
	test_bystander(peer, "panthor_reclaim_begin", "while a request waits for a job");
	ok_jobs(peer_do(peer, "release"), "whose target is none the worse for it");
	test_bystander(peer, "panthor_bo_evict", "while a request evicts");
	peer_quit(peer);

	peer = peer_start("-b64x64K", NULL);
	disk = slow_disk(100, 64);
	if (!disk) {
		skip("no null_blk", "while a request writes");
		peer_quit(peer);
		return;
	}
	set_swap(ZRAM, false);
	set_swap(disk, true);
	test_bystander(peer, "block_rq_complete", "while a request writes");
	peer_quit(peer);
	set_swap(disk, false);
	set_swap(ZRAM, true);
	remove_slow_disk();
}

int main(void)
{
	tap_start();
	test_job_ends(1);
	test_job_ends(2000);
	test_bound();
	test_idle_first();
	test_not_exclusive(8);
	test_not_exclusive(400);
	test_submit_meanwhile();
	test_beside_shrinker();
	test_submitter();
	test_bystanders();
	return tap_end();
}
