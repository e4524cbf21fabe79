// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once: clients of all sorts that come, work, and go or are killed; writers, the
 * shrinker and memory pressure; readers of the tables; traces that start and stop; allocations that
 * fail; firmware that crashes.
 *
 * SOAK_SECONDS=N how long (20); SEED=N for another course of things
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "pressure.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define CLIENTS 4
#define WRITERS 2
#define CRASH_FILE "/sys/kernel/debug/panthor-sim/crash"
#define FAIL_NTH "/proc/thread-self/fail-nth"
#define LEAKS "/sys/kernel/debug/kmemleak"

/* Of a job that a crash cuts short its client may hear this much later */
#define AFTERMATH_NS (15 * NSEC)

static atomic_bool over;
static atomic_int targets[CLIENTS];
static atomic_llong operations, faults, verified, reports, requests, crashed_at;
static atomic_bool injects;

struct worker {
	pthread_t thread;
	uint64_t random;
	int number;
};

static uint32_t rnd(struct worker *me, uint32_t below)
{
	me->random ^= me->random >> 12;
	me->random ^= me->random << 25;
	me->random ^= me->random >> 27;
	return (uint32_t)((me->random * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static void __attribute__((format(printf, 1, 2))) report(const char *text, ...)
{
	char line[600];
	va_list args;

	va_start(args, text);
	vsnprintf(line, sizeof(line), text, args);
	va_end(args);
	reports++;
	diag("%s", line);
}

/* After the firmware has crashed jobs are lost, which is no fault of reclaim's */
static bool in_aftermath(int64_t since)
{
	return crashed_at && now_ns() - crashed_at < AFTERMATH_NS + (now_ns() - since);
}

static struct peer *start_client(struct worker *me)
{
	static char *const shapes[][8] = {
		{ "", "-v2", "-b16x64K", "-b4x64K:shared", "-b2x64K:mmap", "-b2x64K:unused",
		  "-nall" },
		{ "", "-b64x16K", "-nmany" },
		{ "", "-b2x2M", "-b1x1M:mmap", "-nhuge" },
		{ "", "-v4", "-b4x196K", "-b2x4K:shared", "-nodd" },
	};
	char *argv[9] = {};

	memcpy(argv, shapes[rnd(me, 4)], sizeof(shapes[0]));
	return peer_try(argv);
}

/*
 * One thing that a client can do; @bound is whether its buffers are in their VMs, @looping whether
 * a loop runs
 */
static const char *choose(struct worker *me, bool *bound, bool *looping)
{
	static const char *const always[] = {
		"verify cpu",
		"fill cpu",
		"verify cpu",
		"sleep 20",
	};
	static const char *const when_bound[] = {
		"verify gpu", "verify check", "fill gpu", "submit 4 500", "submit 1 20000",
	};

	switch (rnd(me, 10)) {
	case 0:
		if (*looping)
			break;
		*bound = !*bound;
		return *bound ? "bind" : "unbind";
	case 1:
		if (!*bound)
			break;
		*looping = !*looping;
		return *looping ? "loop 100 2000" : "stop";
	case 2 ... 5:
		if (*bound)
			return when_bound[rnd(me, 5)];
	}
	return always[rnd(me, 4)];
}

/* What a failed command means; true if the client can go on */
static bool excused(struct peer *peer, const char *command, int64_t since)
{
	if (strstr(peer->line, "wrong data")) {
		report("%s: %s", command, peer->line);
		return false;
	}
	if (!in_aftermath(since) && !gpu_too_slow()) {
		report("%s: %s", command, peer->line);
		return false;
	}
	/* Jobs are lost, data is not, unless they were about to write it */
	return strncmp(command, "fill", 4);
}

static void use_client(struct worker *me, struct peer *peer, int64_t since)
{
	bool bound = true, looping = false;

	for (uint32_t left = 5 + rnd(me, 40); left && !over; left--) {
		const char *command = choose(me, &bound, &looping);

		if (peer_do(peer, "%s", command)) {
			operations++;
			if (!strncmp(command, "verify", 6))
				verified += (long long)peer_value(peer, "bytes");
			continue;
		}
		if (excused(peer, command, since)) {
			if (peer_do(peer, "verify cpu"))
				verified += (long long)peer_value(peer, "bytes");
			else
				excused(peer, "verify cpu", since);
		}
		return;
	}
}

static void *client_main(void *arg)
{
	struct worker *me = arg;

	while (!over) {
		int64_t since = now_ns();
		struct peer *peer = start_client(me);

		if (!peer) {
			if (!in_aftermath(since))
				report("client %d does not start", me->number);
			usleep(200000);
			continue;
		}
		targets[me->number] = peer->pid;
		use_client(me, peer, since);
		targets[me->number] = 0;
		if (rnd(me, 3)) {
			peer_quit(peer);
		} else {
			peer_kill(peer);
			faults++;
		}
	}
	return NULL;
}

static bool documented(int ret, bool failing, bool claims)
{
	switch (ret) {
	case 0:
	case -ESRCH:
		return true;
	case -EBUSY:
	case -ENOSPC:
		return !claims;
	case -ENOMEM:
		return claims || failing;
	}
	return false;
}

static pid_t choose_target(struct worker *me)
{
	switch (rnd(me, 16)) {
	case 0:
		return getpid();
	case 1:
		return rnd(me, 32768);
	}
	return targets[rnd(me, CLIENTS)];
}

static void *writer_main(void *arg)
{
	struct worker *me = arg;
	int fail_nth = injects ? open(FAIL_NTH, O_RDWR | O_CLOEXEC) : -1;

	while (!over) {
		bool failing = fail_nth >= 0 && !rnd(me, 4), claims = !rnd(me, 4);
		char text[16] = "";
		int ret;

		if (failing) {
			snprintf(text, sizeof(text), "%u", 1 + rnd(me, 300));
			failing = pwrite(fail_nth, text, strlen(text), 0) > 0;
		}
		ret = claims ? claim(choose_target(me), 0) : reclaim(choose_target(me));
		if (failing && pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && !atoi(text))
			faults++;
		if (failing && pwrite(fail_nth, "0", 1, 0) != 1)
			report("fail-nth cannot be disarmed");
		operations++;
		requests++;
		if (!documented(ret, failing, claims))
			report("a write to mem_%s returned %d (%s)", claims ? "claim" : "reclaim",
			       ret, strerror(-ret));
		if (!rnd(me, 8))
			usleep(rnd(me, 20000));
	}
	return NULL;
}

static void *shrinker_main(void *arg)
{
	struct worker *me = arg;

	while (!over) {
		if (shrink_pages(rnd(me, 1024)) < 0)
			report("shrink cannot be written");
		operations++;
		usleep(rnd(me, 50000));
	}
	return NULL;
}

static void *reader_main(void *arg)
{
	struct worker *me = arg;

	while (!over) {
		struct table *table = table_read(device_table());
		struct gem *list;
		glob_t found;

		if (!table)
			report("%s cannot be read", device_table());
		table_free(table);
		if (!glob("/sys/kernel/debug/dri/client-*/reclaim", GLOB_NOSORT, NULL, &found)) {
			for (size_t i = 0; i < found.gl_pathc; i++) {
				table = table_read(found.gl_pathv[i]);
				if (!table && errno == EPROTO)
					report("%s is no table", found.gl_pathv[i]);
				table_free(table);
			}
			globfree(&found);
		}
		if (gems(0, &list) >= 0)
			free(list);
		operations++;
		usleep(rnd(me, 30000));
	}
	return NULL;
}

/* Requests that begin and end while we look: what they did must be what they say */
static void check_trace(const struct trace *trace)
{
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *end = &trace->events[i];
		uint64_t id, evicted = 0;

		if (!event_is(end, "panthor_reclaim_end"))
			continue;
		id = event_value(end, "id");
		if (trace_count(trace, "panthor_reclaim_begin", id) != 1)
			continue;
		for (int j = 0; j < i; j++)
			if (event_is(&trace->events[j], "panthor_bo_evict") &&
			    (uint64_t)event_value(&trace->events[j], "id") == id)
				evicted += event_value(&trace->events[j], "size");
		if (evicted != (uint64_t)event_value(end, "evicted"))
			report("request %llu: its events add up to %llu:%s", (unsigned long long)id,
			       (unsigned long long)evicted, end->text);
		if (trace_count(trace, "panthor_vm_reclaim_begin", id) !=
		    trace_count(trace, "panthor_vm_reclaim_end", id))
			report("request %llu: a VM without its end", (unsigned long long)id);
	}
}

static void *tracer_main(void *arg)
{
	struct worker *me = arg;

	while (!over) {
		struct trace *trace = trace_start("panthor", "gpu_mem:gpu_mem_total", NULL);

		usleep(20000 + rnd(me, 150000));
		trace_stop(trace);
		if (!trace->lost)
			check_trace(trace);
		trace_free(trace);
		operations++;
		usleep(rnd(me, 500000));
	}
	return NULL;
}

static void nap(struct worker *me, unsigned int ms)
{
	for (ms += rnd(me, ms); ms >= 50 && !over; ms -= 50)
		usleep(50000);
}

/* Bursts of it, and peace in between */
static void *pressure_main(void *arg)
{
	struct worker *me = arg;

	while (!over) {
		pid_t pid = pressure_start(64);

		nap(me, 3000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		operations++;
		nap(me, 3000);
	}
	return NULL;
}

static void *crasher_main(void *arg)
{
	struct worker *me = arg;

	if (access(CRASH_FILE, W_OK))
		return NULL;
	nap(me, 5000);
	while (!over) {
		crashed_at = now_ns();
		if (write_file(CRASH_FILE, "1", 1) == 1)
			faults++;
		/* Clients must be able to do something in between */
		nap(me, 20000 + AFTERMATH_NS / 1000000);
	}
	return NULL;
}

/* Allocations may fail that sleep, too, and nothing is said about it in the log */
static void set_up_injection(void)
{
	static const char *const knobs[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },  { "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },	      { "fail_page_alloc/verbose", "0" },
		{ "fail_page_alloc/min-order", "0" }, { "fail_page_alloc/ignore-gfp-highmem", "N" },
	};
	char path[100];

	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", knobs[i][0]);
		if (write_file(path, knobs[i][1], 1) < 0)
			return;
	}
	injects = true;
}

static void check_leaks(void)
{
	char line[200];
	FILE *leaks;

	if (access(LEAKS, W_OK)) {
		skip("no kmemleak", "no memory is lost");
		return;
	}
	/* An object is lost when it is five seconds old and two scans found no pointer to it */
	sleep(6);
	write_file(LEAKS, "scan", 4);
	sleep(1);
	write_file(LEAKS, "scan", 4);
	leaks = fopen(LEAKS, "r");
	for (int lines = 0; leaks && lines < 60 && fgets(line, sizeof(line), leaks); lines++) {
		line[strcspn(line, "\n")] = '\0';
		if (!lines)
			report("memory is lost:");
		diag("%s", line);
	}
	if (leaks)
		fclose(leaks);
}

int main(void)
{
	static void *(*const mains[])(void *) = {
		shrinker_main, reader_main, tracer_main, pressure_main, crasher_main,
	};
	struct worker workers[CLIENTS + WRITERS + 5] = {};
	int64_t length = knob("SOAK_SECONDS", 20) * NSEC, until = now_ns() + length;
	/* A busy machine may take longer until there is something to judge */
	int64_t latest = until + 5 * length;
	uint64_t seed = knob("SEED", now_ns() & 0xffffff) + 1;
	long stale = stale_accesses();
	struct table *table;
	int left, count = sizeof(workers) / sizeof(workers[0]);

	tap_start();
	diag("SEED=%llu", (unsigned long long)seed - 1);
	set_up_injection();
	device_table();
	for (int i = 0; i < count; i++) {
		void *(*start)(void *) = i < CLIENTS		 ? client_main
					 : i < CLIENTS + WRITERS ? writer_main
								 : mains[i - CLIENTS - WRITERS];

		workers[i].number = i;
		workers[i].random = seed * 1000003 + i * 7919;
		if (pthread_create(&workers[i].thread, NULL, start, &workers[i]))
			bail("cannot start a thread");
	}
	while (!reports && (now_ns() < until || ((!verified || !requests) && now_ns() < latest))) {
		sleep(1);
		if (kernel_complained())
			reports++;
	}
	over = true;
	for (int i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);

	/* What a crash has left of a job keeps its client until the driver has given up on it */
	until = now_ns() + 2 * AFTERMATH_NS;
	do {
		sleep(1);
		table = table_read(device_table());
		left = table ? table->nr_rows : -1;
		table_free(table);
	} while (left && now_ns() < until);
	if (!ok(!left, "no client is left (%d)", left))
		reports++;
	if (!ok(stale_accesses() == stale, "the GPU never accesses memory through a stale mapping"))
		reports++;
	check_leaks();
	if (kernel_complained())
		reports++;
	ok(operations && verified && requests, "the run is not empty");
	ok(!reports, "kmemleak reports nothing");
	printf("%lld operations, %lld faults injected, %lld bytes verified, %lld reports\n",
	       operations, faults, verified, reports);
	return tap_end();
}
