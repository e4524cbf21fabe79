// SPDX-License-Identifier: GPL-2.0
/*
 * The events: complete, balanced, and in agreement with each other, with debugfs and with what
 * really happened.
 *
 * ROUNDS=N rounds of everything that evicts (5)
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "fence.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

/* Reasons for which a request leaves something, and the fields of its end that add them up */
enum left { BUSY, LOCKED, SHARED, PINNED, NO_SWAP, INTERRUPTED, LEFT_OTHER, LEFTS };

static const char *const reasons[LEFTS] = {
	"busy", "locked", "shared", "pinned", "no-swap", "interrupted", "",
};

static const char *const left_fields[LEFTS] = {
	"skipped_busy",	   "skipped_locked",	  "skipped_shared", "skipped_pinned",
	"skipped_no_swap", "skipped_interrupted", "skipped_other",
};

/* What the BO and VM events of one request add up to */
struct account {
	uint64_t left[LEFTS];
	uint64_t evicted, skipped, written, freed;
	uint64_t evicted_bos, skipped_bos;
	uint64_t vm_evicted, vm_skipped, vm_evicted_bos, vm_skipped_bos, unseen;
	int64_t fence_ns, lock_ns, unmap_ns, writeback_ns;
	int begins, ends, vm_begins, vm_ends;
	bool disorder;
};

static enum left reason_of(const struct event *skip)
{
	enum left left = 0;

	while (left < LEFT_OTHER && !event_says(skip, "reason", reasons[left]))
		left++;
	return left;
}

static void add_event(struct account *acct, const struct event *event)
{
	if (event_is(event, "panthor_reclaim_begin")) {
		acct->begins++;
	} else if (event_is(event, "panthor_reclaim_end")) {
		acct->ends++;
		acct->disorder |= acct->vm_begins != acct->vm_ends;
	} else if (event_is(event, "panthor_vm_reclaim_begin")) {
		acct->vm_begins++;
		acct->disorder |= acct->vm_begins != acct->vm_ends + 1;
	} else if (event_is(event, "panthor_vm_reclaim_end")) {
		acct->vm_ends++;
		acct->disorder |= acct->vm_begins != acct->vm_ends;
		acct->vm_evicted += event_value(event, "evicted");
		acct->vm_skipped += event_value(event, "skipped");
		acct->vm_evicted_bos += event_value(event, "evicted_bos");
		acct->vm_skipped_bos += event_value(event, "skipped_bos");
		acct->fence_ns += event_value(event, "fence_ns");
		acct->lock_ns += event_value(event, "lock_ns");
		acct->unmap_ns += event_value(event, "unmap_ns");
	} else if (event_is(event, "panthor_bo_evict")) {
		acct->evicted += event_value(event, "size");
		acct->evicted_bos++;
	} else if (event_is(event, "panthor_bo_evict_skip")) {
		acct->skipped += event_value(event, "size");
		acct->skipped_bos++;
		acct->left[reason_of(event)] += event_value(event, "size");
	} else if (event_is(event, "panthor_bo_writeback")) {
		acct->written += event_value(event, "written");
		acct->freed += event_value(event, "freed");
		acct->writeback_ns += event_value(event, "duration_ns");
	} else {
		return;
	}
	if (acct->begins != 1 || (acct->ends && !event_is(event, "panthor_reclaim_end")))
		acct->disorder = true;
}

static struct account sum_up(const struct trace *trace, uint64_t id)
{
	struct account acct = {};

	for (int i = 0; i < trace->nr_events; i++)
		if (strncmp(trace->events[i].name, "panthor_bo_swapin", 17) &&
		    event_has(&trace->events[i], "id") &&
		    (uint64_t)event_value(&trace->events[i], "id") == id)
			add_event(&acct, &trace->events[i]);
	return acct;
}

static bool same(const struct event *end, const char *key, uint64_t sum)
{
	if ((uint64_t)event_value(end, key) == sum)
		return true;
	diag("request %lld: %s=%lld, its events add up to %llu", (long long)event_value(end, "id"),
	     key, (long long)event_value(end, key), (unsigned long long)sum);
	return false;
}

/* One request: is all there, and do the sums agree? */
static bool agrees(const struct trace *trace, const struct event *end)
{
	struct account acct = sum_up(trace, event_value(end, "id"));
	bool good = acct.begins == 1 && acct.ends == 1 && !acct.disorder;
	int64_t parts = event_value(end, "fence_ns") + event_value(end, "lock_ns") +
			event_value(end, "unmap_ns") + event_value(end, "writeback_ns");

	if (!good)
		diag("request %lld: %d begins, %d ends, %d/%d VMs%s",
		     (long long)event_value(end, "id"), acct.begins, acct.ends, acct.vm_begins,
		     acct.vm_ends, acct.disorder ? ", out of order" : "");
	good &= same(end, "evicted", acct.evicted);
	good &= same(end, "evicted_bos", acct.evicted_bos);
	good &= same(end, "skipped", acct.skipped);
	good &= same(end, "skipped_bos", acct.skipped_bos);
	for (enum left left = 0; left < LEFTS; left++)
		good &= same(end, left_fields[left], acct.left[left]);
	good &= same(end, "written", acct.written);
	good &= same(end, "freed", acct.freed);
	if (acct.vm_begins && event_says(end, "source", "sysfs")) {
		good &= same(end, "evicted", acct.vm_evicted);
		good &= same(end, "skipped", acct.vm_skipped);
		good &= same(end, "evicted_bos", acct.vm_evicted_bos);
		good &= same(end, "skipped_bos", acct.vm_skipped_bos);
		good &= same(end, "fence_ns", acct.fence_ns);
		good &= same(end, "lock_ns", acct.lock_ns);
		good &= same(end, "unmap_ns", acct.unmap_ns);
	}
	if (parts > event_value(end, "duration_ns")) {
		diag("request %lld: its parts take longer than the whole:%s",
		     (long long)event_value(end, "id"), end->text);
		good = false;
	}
	return good;
}

/* A skip that is about a lock says which, and no other does */
static bool lock_told(const struct event *event)
{
	return !event_is(event, "panthor_bo_evict_skip") ||
	       event_says(event, "reason", "locked") == !event_says(event, "lock", "none");
}

static int by_request(const void *a, const void *b)
{
	const int64_t *first = a, *second = b;

	for (int i = 0; i < 3; i++)
		if (first[i] != second[i])
			return first[i] < second[i] ? -1 : 1;
	return 0;
}

/*
 * Is it another eviction of the BO, which was swapped in meanwhile? The shrinker goes on until it
 * has what it wants. An explicit request leaves alone what is in use again
 */
static bool was_back(const struct trace *trace, const int64_t first[3], const int64_t second[3])
{
	bool back = false;

	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_reclaim_begin") &&
		    event_value(event, "id") == first[0] && event_says(event, "source", "sysfs"))
			return false;
		back |= i > first[2] && i < second[2] && event_is(event, "panthor_bo_swapin") &&
			event_value(event, "bo_id") == first[1];
	}
	return back;
}

/* BOs that a request says of twice that they were evicted, or skipped, or one and the other */
static int told_twice(const struct trace *trace)
{
	int64_t(*told)[3] = calloc(trace->nr_events + 1, sizeof(*told));
	int nr = 0, twice = 0;

	for (int i = 0; told && i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (!event_is(event, "panthor_bo_evict") &&
		    !event_is(event, "panthor_bo_evict_skip"))
			continue;
		told[nr][0] = event_value(event, "id");
		told[nr][1] = event_value(event, "bo_id");
		told[nr++][2] = i;
	}
	qsort(told, nr, sizeof(*told), by_request);
	for (int i = 1; i < nr; i++)
		twice += !memcmp(told[i - 1], told[i], 2 * sizeof(int64_t)) &&
			 !was_back(trace, told[i - 1], told[i]);
	free(told);
	return twice;
}

static void check_all(const struct trace *trace, const char *what)
{
	int begins = trace_count(trace, "panthor_reclaim_begin", 0);
	int ends = 0, bad = 0, locks = 0, twice = told_twice(trace);

	for (int i = 0; i < trace->nr_events; i++) {
		locks += !lock_told(&trace->events[i]);
		if (!event_is(&trace->events[i], "panthor_reclaim_end"))
			continue;
		ends++;
		bad += !agrees(trace, &trace->events[i]);
	}
	ok(begins && begins == ends, "%s: each of %d requests begins and ends (%d)", what, begins,
	   ends);
	ok(!bad, "%s: all sums agree", what);
	ok(!twice, "%s: a request reports a BO once (%d more often)", what, twice);
	ok(!locks, "%s: each BO that is skipped for a lock names it (%d do not)", what, locks);
	if (trace->lost)
		diag("%llu events lost", (unsigned long long)trace->lost);
	ok(!trace->lost, "%s: no event is lost", what);
}

static void test_one(void)
{
	struct peer *peer = peer_start("-b8x64K:private:tex %i\n", "-b2x64K:mmap", "-none", NULL);
	const struct event *end, *event;
	struct trace *trace = trace_start("panthor", NULL);
	int evicts = 0, swapins = 0, odd = 0;
	uint64_t id;

	reclaim(peer->pid);
	if (!peer_do(peer, "verify cpu"))
		bail("data lost");
	trace_stop(trace);
	check_all(trace, "one request");
	end = trace_end(trace);
	id = event_value(end, "id");
	ok(event_says(end, "target_comm", "one") && event_value(end, "target_tgid") == peer->pid,
	   "the end event names the target");
	ok(!event_value(end, "result") && event_value(end, "evicted_bos") == 10 &&
		   event_value(end, "evicted") == 10 * 65536,
	   "the end event has the evicted BOs");
	ok(!event_value(end, "remaining") && !event_value(end, "skipped_bos"),
	   "the end event has nothing remaining or skipped");
	ok(event_value(end, "written") == 10 * 65536, "the end event has all of it written");

	for (int i = 0; i < trace->nr_events; i++) {
		event = &trace->events[i];
		if (event_is(event, "panthor_bo_evict")) {
			evicts++;
			odd += event_value(event, "size") != 65536 ||
			       !event_value(event, "bo_id") ||
			       event_value(event, "tgid") != peer->pid;
			if (event_value(event, "vm_id"))
				odd += !event_value(event, "va") ||
				       !event_says(event, "state", "private") ||
				       !strstr(event->text, "label=tex ") ||
				       !strstr(event->text, "\\x0a");
		} else if (event_is(event, "panthor_bo_swapin")) {
			swapins++;
			odd += (uint64_t)event_value(event, "id") != id ||
			       event_value(event, "result") ||
			       event_value(event, "evicted_ns") <= 0;
		}
	}
	ok(evicts == 10 && swapins == 10 && !odd,
	   "%d evictions and as many swap-ins, each with size, VM, label and request", evicts);
	trace_free(trace);
	peer_quit(peer);
}

/* The event called @name about the same BO as @event, or NULL */
static const struct event *about_same(const struct trace *trace, const char *name,
				      const struct event *event)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], name) &&
		    event_value(&trace->events[i], "bo_id") == event_value(event, "bo_id"))
			return &trace->events[i];
	return NULL;
}

/* Do both events say the same of all that they say of a BO? */
static bool same_bo(const struct event *a, const struct event *b)
{
	static const char *const keys[] = { "id", "client_id", "vm_id", "size", "tgid" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!event_has(b, keys[i]) && !strcmp(keys[i], "tgid"))
			continue;
		if (event_value(a, keys[i]) == event_value(b, keys[i]))
			continue;
		diag("%s differs: %s:%s; %s:%s", keys[i], a->name, a->text, b->name, b->text);
		return false;
	}
	return true;
}

/*
 * Since the start of its request, at least: the begin event comes a little later than that, and
 * the text rounds to microseconds
 */
static int64_t since_begin(const struct trace *trace, const struct event *event)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_reclaim_begin") &&
		    event_value(&trace->events[i], "id") == event_value(event, "id"))
			return (event->time - trace->events[i].time) * 1e9 - 1000;
	return INT64_MAX;
}

/*
 * Is each write within the request, and after its BO was evicted? Several are on their way at a
 * time, so start_ns + duration_ns is not when one ended, but no later than that. Nor are they in
 * the order in which they began: several CPUs begin them.
 */
static bool writes_in_time(const struct trace *trace, const struct event *end)
{
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i], *evict;
		int64_t start;

		if (!event_is(event, "panthor_bo_writeback"))
			continue;
		evict = about_same(trace, "panthor_bo_evict", event);
		start = event_value(event, "start_ns");
		if (!evict || start < since_begin(trace, evict) ||
		    start + event_value(event, "duration_ns") > event_value(end, "duration_ns")) {
			diag("%s:%s", event->name, event->text);
			return false;
		}
	}
	return true;
}

/* A BO is the same, wherever it is, in all that is told of it */
static void test_same_everywhere(void)
{
	static const struct bo_spec specs[] = {
		{ .count = 2, .size = 65536, .label = "everywhere-%i" },
		{ .count = 2, .size = 65536, .kind = BO_SHARED, .label = "everywhere-%i" },
		{ .count = 2, .size = 65536, .kind = BO_MMAP, .label = "everywhere-%i" },
		{ .count = 2, .size = 65536, .kind = BO_UNUSED, .label = "everywhere-%i" },
	};
	struct client_config config = { .vms = 2, .seed = 11, .specs = specs, .nr_specs = 4 };
	int evicts = 0, swapins = 0, writes = 0, odd = 0, user = 0;
	struct bo unbound = {}, nommap = {};
	struct client_error err;
	struct client client;
	struct trace *trace;
	uint64_t bytes;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err))
		bail("cannot %s", err.what);
	if (bo_create(&client.gpu, &unbound, 65536, 0, &client.vms[1]) || bo_map(&unbound) ||
	    bo_create(&client.gpu, &nommap, 65536, DRM_PANTHOR_BO_NO_MMAP, &client.vms[1]) ||
	    bo_bind(&nommap, &client.vms[1]))
		bail("no buffers");
	memset(unbound.map, 1, unbound.size);

	trace = trace_start("panthor", NULL);
	if (reclaim(getpid()))
		bail("reclaim failed");
	if (client_verify(&client, CLIENT_CPU, &bytes, &err))
		bail("cannot %s", err.what);
	memset(unbound.map, 1, unbound.size);
	trace_stop(trace);

	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i], *other;

		if (!event_is(event, "panthor_bo_evict"))
			continue;
		evicts++;
		user += event_says(event, "kind", "user");
		other = about_same(trace, "panthor_bo_swapin", event);
		swapins += !!other;
		odd += other && !same_bo(event, other);
		other = about_same(trace, "panthor_bo_writeback", event);
		writes += !!other;
		odd += other && !same_bo(event, other);
	}
	ok(swapins == 11 && writes == evicts && !odd,
	   "a BO is in the same VM, of the same client, when it is evicted (%d), written (%d) and "
	   "swapped in (%d)",
	   evicts, writes, swapins);
	ok(writes_in_time(trace, trace_end(trace)), "each writeback event has its time");
	ok(user == 11 && evicts == 12, "each kind of BO has its name (%d of %d)", user, evicts);
	trace_free(trace);
	bo_destroy(&nommap);
	bo_destroy(&unbound);
	client_fini(&client);
}

/* A buffer that is busy all by itself: who looks at it may wait, and that is told */
static void test_skip_duration(void)
{
	const struct bo_spec spec = { .count = 1, .size = 65536, .kind = BO_SHARED };
	struct client_config config = { .vms = 2, .seed = 13, .specs = &spec, .nr_specs = 1 };
	int ret, timeline, skips = 0, odd = 0;
	struct client_error err;
	struct client client;
	struct trace *trace;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err))
		bail("cannot %s", err.what);
	timeline = fence_block(&client.bos[0].bo);
	if (timeline < 0) {
		skip("no sw_sync", "the time for a skipped BO is not 0");
		client_fini(&client);
		return;
	}
	trace = trace_start("panthor", NULL);
	ret = reclaim(getpid());
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (!event_is(event, "panthor_bo_evict_skip"))
			continue;
		skips += event_says(event, "reason", "busy") && event_value(event, "wait_ns") > 0;
		if (event_value(event, "duration_ns") >= event_value(event, "wait_ns") &&
		    event_value(event, "duration_ns") > 0)
			continue;
		diag("%s", event->text);
		odd++;
	}
	ok(ret == -EBUSY && skips == 1,
	   "a buffer with a fence of another driver is waited for: EBUSY (%d)", ret);
	ok(!odd, "the time for a skipped BO is not 0 (%d of %d are)", odd, skips);
	trace_free(trace);
	close(timeline);
	ok(!reclaim(getpid()) && gem_sum(getpid(), "shared-").evictions == 1,
	   "without the fence it is evicted");
	client_fini(&client);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* What ends a request early that has this result */
static const char *cut_short(int result)
{
	return result == -EBUSY ? "busy" : result == -EINTR ? "interrupted" : "none";
}

/* Every way in which a write can end without success */
static void test_error_paths(void)
{
	struct peer *peer = peer_start("-b8x64K", NULL);
	struct peer *empty = peer_start("-b1x4K:unused", "-fnone", NULL);
	struct sigaction action = { .sa_handler = on_alarm };
	struct trace *trace = trace_start("panthor", NULL);
	int busy, interrupted, nobody, nothing, seen[3] = {}, odd = 0, cut = 0;
	pid_t pid;

	nothing = reclaim(empty->pid);
	nobody = reclaim(1);
	if (!peer_do(peer, "hold"))
		bail("no job");
	busy = reclaim(peer->pid);
	pid = fork();
	if (!pid) {
		sigaction(SIGALRM, &action, NULL);
		alarm(0);
		ualarm(200000, 200000);
		_exit(-reclaim(peer->pid));
	}
	waitpid(pid, &interrupted, 0);
	interrupted = WIFEXITED(interrupted) ? -WEXITSTATUS(interrupted) : 1;
	peer_do(peer, "release");
	trace_stop(trace);

	ok(!nothing, "with nothing to do the write succeeds");
	ok(nobody == -ESRCH, "no such process: ESRCH");
	ok(busy == -EBUSY, "all busy: EBUSY (%d)", busy);
	ok(interrupted == -EINTR, "interrupted: EINTR (%d)", interrupted);
	check_all(trace, "failing requests");
	ok(trace_count(trace, "panthor_reclaim_begin", 0) == 3,
	   "a write that fails with ESRCH is no request, the others are 3");
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_reclaim_end")) {
			seen[0] += !event_value(event, "result");
			seen[1] += event_value(event, "result") == -EBUSY;
			seen[2] += event_value(event, "result") == -EINTR;
			cut += event_says(event, "cut_short",
					  cut_short(event_value(event, "result")));
			ok(!event_value(event, "evicted_bos"), "result %lld: nothing is evicted",
			   (long long)event_value(event, "result"));
		} else if (event_is(event, "panthor_bo_evict_skip")) {
			if (!event_says(event, "reason", "busy") &&
			    !event_says(event, "reason", "interrupted") &&
			    !event_says(event, "reason", "pinned")) {
				diag("%s", event->text);
				odd++;
			}
		}
	}
	ok(seen[0] == 1 && seen[1] == 1 && seen[2] == 1, "the end events have the results");
	ok(cut == 3, "cut_short is the time limit, the signal, or none");
	ok(trace_count(trace, "panthor_bo_evict_skip", 0) > 8 && !odd,
	   "the skip events have the reason");
	trace_free(trace);
	peer_quit(peer);
	peer_quit(empty);
}

static void test_sources(void)
{
	struct peer *peer = peer_start("-b64x64K", "-b8x64K:mmap", NULL);
	struct trace *trace = trace_start("panthor", NULL);
	int debugfs = 0, evicted = 0;

	if (shrink_pages(64) < 0 || shrink_pages(4096) < 0)
		bail("cannot have the shrinker run");
	trace_stop(trace);
	check_all(trace, "debugfs shrink");
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_reclaim_end")) {
			debugfs += event_says(&trace->events[i], "source", "debugfs");
			evicted += event_value(&trace->events[i], "evicted_bos");
		}
	ok(debugfs == 2, "requests of both sources have it in the event");
	ok(evicted == (int)gem_sum(peer->pid, "").evictions, "and all that was evicted (%d)",
	   evicted);
	trace_free(trace);

	peer_do(peer, "submit 1 0");
	peer_do(peer, "verify cpu");
	trace = trace_start("panthor", NULL);
	write_file("/proc/sys/vm/drop_caches", "2", 1);
	trace_stop(trace);
	check_all(trace, "the shrinker");
	debugfs = 0;
	for (int i = 0; i < trace->nr_events; i++)
		debugfs += event_is(&trace->events[i], "panthor_reclaim_end") &&
			   event_says(&trace->events[i], "source", "shrinker");
	ok(debugfs > 0, "the event has the source");
	trace_free(trace);
	ok(peer_do(peer, "verify gpu"), "the data is intact");
	peer_quit(peer);
}

/* What the event said last for process @pid, 0 for the device */
/* Requests from several sources at once, targets that come and go: still each one balanced */
static void test_mixed(void)
{
	struct peer *busy = peer_start("-v2", "-b32x64K", "-b4x64K:shared", NULL);
	struct trace *trace;

	if (!peer_do(busy, "loop 100 2000"))
		bail("no loop");
	trace = trace_start("panthor", NULL);
	for (long i = 0; i < knob("ROUNDS", 5); i++) {
		struct peer *brief = peer_start("-b16x64K", "-b4x64K:unused", NULL);
		pid_t pid = fork();

		if (!pid) {
			reclaim(busy->pid);
			shrink_pages(128);
			_exit(0);
		}
		reclaim(brief->pid);
		reclaim(busy->pid);
		peer_kill(brief);
		waitpid(pid, NULL, 0);
	}
	trace_stop(trace);
	check_all(trace, "several at once");
	trace_free(trace);
	peer_do(busy, "stop");
	ok(peer_do(busy, "verify check"), "the data is intact");
	peer_quit(busy);
}

int main(void)
{
	tap_start();
	test_one();
	test_same_everywhere();
	test_skip_duration();
	test_error_paths();
	test_sources();
	test_mixed();
	return tap_end();
}
