// SPDX-License-Identifier: GPL-2.0
/*
 * A large target is written to swap by several CPUs at once, unless the requester may not use
 * them. The accounts, the signals and the data are those of one writer.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "fdinfo.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define BOS 96
#define SEVERAL "a large target is written by more than one CPU at once"
#define QUEUED "workqueue_queue_work"
#define WORKERS 3
/*
 * A worker that the scheduler gives no CPU while the requester writes it all may be given one by
 * the next request.
 */
#define TRIES 20

struct seen {
	int ret;
	/* The kernel has the mm helper */
	bool frees;
	int bos;
	uint64_t written;
	uint64_t freed;
	uint64_t sum_ns;
	/* What the request says of itself */
	uint64_t end_written;
	uint64_t end_freed;
	uint64_t duration_ns;
	uint64_t parts_ns;
	/* The part of it that the target is booked with for the writes */
	uint64_t booked_ns;
};

static struct seen look(const struct trace *trace)
{
	const struct event *end = trace_end(trace);
	struct seen seen = {
		.frees = event_says(end, "writeback", "free"),
		.end_written = event_value(end, "written"),
		.end_freed = event_value(end, "freed"),
		.duration_ns = event_value(end, "duration_ns"),
		.parts_ns = event_value(end, "fence_ns") + event_value(end, "lock_ns") +
			    event_value(end, "unmap_ns") + event_value(end, "writeback_ns"),
	};

	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (!event_is(event, "panthor_bo_writeback"))
			continue;
		seen.written += event_value(event, "written");
		seen.freed += event_value(event, "freed");
		seen.sum_ns += event_value(event, "duration_ns");
		seen.bos++;
	}
	return seen;
}

static struct seen request(const struct peer *peer)
{
	struct trace *trace = trace_start("panthor", NULL);
	int ret = reclaim(peer->pid);
	struct seen seen;

	trace_stop(trace);
	seen = look(trace);
	seen.ret = ret;
	seen.booked_ns = device_value(peer->pid, "last_writeback_ns");
	trace_free(trace);
	return seen;
}

/* What one CPU does takes as long as it blocks the requester. */
static bool by_one(const struct seen *seen)
{
	return seen->sum_ns == seen->booked_ns;
}

static bool adds_up(const struct seen *seen)
{
	return !seen->ret && seen->bos >= BOS && seen->written == seen->end_written &&
	       seen->freed == seen->end_freed && seen->parts_ns <= seen->duration_ns &&
	       seen->booked_ns <= seen->duration_ns;
}

static void show(const char *what, const struct seen *seen)
{
	diag("%s: %d, %d BOs, written %llu of %llu, freed %llu of %llu, "
	     "BOs %llu us, parts %llu us of %llu us, booked %llu us",
	     what, seen->ret, seen->bos, (unsigned long long)seen->written,
	     (unsigned long long)seen->end_written, (unsigned long long)seen->freed,
	     (unsigned long long)seen->end_freed, (unsigned long long)seen->sum_ns / 1000,
	     (unsigned long long)seen->parts_ns / 1000,
	     (unsigned long long)seen->duration_ns / 1000,
	     (unsigned long long)seen->booked_ns / 1000);
}

static void test_several(struct peer *peer)
{
	bool several = false, sound = true, intact = true, frees = true;

	for (int i = 0; i < TRIES && sound && intact && frees && !several; i++) {
		struct seen seen = request(peer);

		show("as it is", &seen);
		sound = adds_up(&seen);
		frees &= seen.frees;
		several = seen.sum_ns > seen.booked_ns;
		intact = peer_do(peer, "verify cpu");
	}
	if (frees)
		ok(several, SEVERAL);
	else
		skip("the kernel has no mm helper", SEVERAL);
	ok(sound, "the accounts add up, and no more time is booked than the request took");
	ok(intact, "data intact");
}

/* A request has a work for each worker, which it may queue several times. */
static int count_workers(const struct trace *trace)
{
	const char *works[2 * WORKERS];
	int count = 0, i;

	for (int e = 0; e < trace->nr_events && count < 2 * WORKERS; e++) {
		const char *work = strstr(trace->events[e].text, "struct=");

		if (!event_is(&trace->events[e], QUEUED) || !work ||
		    !strstr(work, "function=panthor_reclaim_work "))
			continue;
		for (i = 0; i < count && strncmp(work, works[i], strcspn(work, " ")); i++)
			;
		works[i] = work;
		count += i == count;
	}
	return count;
}

/* One for each other CPU, but no more than three */
static void test_number(const struct peer *peer)
{
	struct trace *trace = trace_start("panthor", "workqueue:" QUEUED, NULL);
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), most = cpus > WORKERS ? WORKERS : cpus - 1;
	int ret = reclaim(peer->pid), count;
	bool frees;

	trace_stop(trace);
	frees = event_says(trace_end(trace), "writeback", "free");
	count = count_workers(trace);
	ok(!ret && count == (frees ? most : 0), "on %d CPU(s), %d worker(s) help it", cpus, count);
	trace_free(trace);
}

/* A request by a child of ours, of which @become makes another one; @usage: what it used */
static struct seen request_as(struct peer *peer, void (*become)(void), struct rusage *usage)
{
	struct seen seen = { 0 };
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		bail("no pipe");
	pid = fork();
	if (!pid) {
		become();
		seen = request(peer);
		_exit(write(fds[1], &seen, sizeof(seen)) != sizeof(seen));
	}
	if (pid < 0 || read(fds[0], &seen, sizeof(seen)) != sizeof(seen) ||
	    wait4(pid, NULL, 0, usage) != pid)
		bail("the requester is lost");
	close(fds[0]);
	close(fds[1]);
	return seen;
}

static void enter_requester(void)
{
	cgroup_enter("requester");
}

static long usecs(struct timeval time)
{
	return time.tv_sec * 1000000 + time.tv_usec;
}

/*
 * The requester's cgroup is charged with what the requester does and with nothing of what the
 * workers do: neither with their CPU time, nor with swap, which is that of the target's
 */
static void test_cgroups(struct peer *peer)
{
	static const char cpu[] = "the workers' CPU time is not charged to the requester's cgroup";
	long used, own, swap, foreign;
	bool several = false, helped;
	struct seen seen;

	cgroup_make("requester");
	for (int i = 0; i < TRIES && !several; i++) {
		long before = cgroup_value("requester", "cpu.stat", "usage_usec");
		struct rusage usage;

		if (!peer_do(peer, "verify cpu"))
			bail("%s", peer->line);
		seen = request_as(peer, enter_requester, &usage);
		show("in a cgroup", &seen);
		used = cgroup_value("requester", "cpu.stat", "usage_usec") - before;
		own = usecs(usage.ru_utime) + usecs(usage.ru_stime);
		swap = cgroup_value("target", "memory.swap.current", NULL);
		foreign = cgroup_value("requester", "memory.swap.current", NULL);
		helped = seen.frees && sysconf(_SC_NPROCESSORS_ONLN) > 1;
		several = seen.sum_ns > seen.booked_ns || !helped;
	}
	if (helped)
		ok(several && used && used <= own + 1, "%s (%ld us are, it used %ld us)", cpu, used,
		   own);
	else
		skip("no workers", cpu);
	ok(swap >= (long)seen.written && !foreign,
	   "what is written to swap is charged to the target's (%ld of %llu bytes, %ld)", swap,
	   (unsigned long long)seen.written, foreign);
	cgroup_remove("requester");
}

/* @what a requester is that works alone; @confine makes this process one, in a child of ours */
static void test_alone(struct peer *peer, const char *what, void (*confine)(void))
{
	struct seen seen = request_as(peer, confine, NULL);

	show(what, &seen);
	ok(adds_up(&seen) && by_one(&seen), "a requester that is %s writes alone", what);
	ok(peer_do(peer, "verify cpu"), "%s: data intact", what);
}

static void make_nice(void)
{
	setpriority(PRIO_PROCESS, 0, 5);
}

static void make_pinned(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void make_real_time(void)
{
	struct sched_param param = { .sched_priority = 1 };

	sched_setscheduler(0, SCHED_FIFO, &param);
}

/* Small targets are not worth a worker, however many BOs they have: a page each, 256 KiB in all */
static void test_small(void)
{
	const int bos = 262144 / getpagesize();
	char small[32];
	struct seen seen;
	struct peer *peer;

	snprintf(small, sizeof(small), "-b%dx4K:private", bos);
	peer = peer_start(small, NULL);
	seen = request(peer);
	show("small", &seen);
	ok(!seen.ret && seen.bos >= bos && by_one(&seen), "a small target is written by one CPU");
	peer_quit(peer);
}

/* A signal ends what the workers do, too: the requester does not return before they have */
static void test_signal(struct peer *peer)
{
	struct trace *trace = trace_start("panthor", NULL);
	uint64_t written, later;
	struct seen seen;
	pid_t pid = fork();

	if (!pid) {
		reclaim(peer->pid);
		_exit(0);
	}
	if (!trace_wait(trace, "panthor_bo_writeback", 8))
		bail("nothing is written");
	kill(pid, SIGKILL);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		bail("the requester is lost");
	written = fdinfo_of(peer->pid).in_swap;
	usleep(50000);
	later = fdinfo_of(peer->pid).in_swap;
	trace_stop(trace);
	seen = look(trace);
	show("killed", &seen);
	trace_free(trace);
	ok(written == later,
	   "after the requester was killed nothing more is written (%llu, %llu KiB)",
	   (unsigned long long)written, (unsigned long long)later);
	ok(peer_do(peer, "verify cpu"), "killed: data intact");
}

int main(void)
{
	struct peer *peer;

	tap_start();
	test_small();
	cgroup_make("target");
	cgroup_enter("target");
	peer = peer_start("-b96x256K:private", NULL);
	cgroup_enter(NULL);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip("one CPU", SEVERAL);
	else
		test_several(peer);
	test_number(peer);
	test_cgroups(peer);
	if (!peer_do(peer, "verify cpu"))
		bail("%s", peer->line);
	test_alone(peer, "niced", make_nice);
	test_alone(peer, "pinned to a CPU", make_pinned);
	test_alone(peer, "of real-time priority", make_real_time);
	test_signal(peer);
	peer_quit(peer);
	cgroup_remove("target");
	return tap_end();
}
