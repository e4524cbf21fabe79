// SPDX-License-Identifier: GPL-2.0
/*
 * A signal ends a write, at any point of it; being stopped does not.
 *
 * SIGNALS=N signals at random points (60)
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

/* A write that a busy machine stopped for too long is made again: its wait for jobs is bounded */
#define TRIES 3

/* Mappings that are taken down together */
#define BATCH 256

static void on_signal(int sig)
{
	(void)sig;
}

/* Runs in a child: writes, and tells the errno by its exit status */
static void writer(pid_t target, int sig, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(sig, &action, NULL);
	_exit(-reclaim(target));
}

/* Is that what the last end of a VM has? */
static bool vm_interrupted(const struct trace *trace)
{
	const struct event *end = NULL;

	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_vm_reclaim_end"))
			end = &trace->events[i];
	return end && event_says(end, "reason", "interrupted");
}

static void test_signal(struct peer *peer, const char *name, int sig, int flags)
{
	const struct event *end;
	struct trace *trace;
	int status, skips = 0;
	int64_t bytes = 0;
	pid_t pid;

	if (!peer_do(peer, "hold"))
		bail("no job");
	trace = trace_start("panthor", NULL);
	pid = fork();
	if (!pid)
		writer(peer->pid, sig, flags);
	trace_wait(trace, "panthor_reclaim_begin", 1);
	kill(pid, sig);
	waitpid(pid, &status, 0);
	trace_stop(trace);
	end = trace_end(trace);
	/* Had it gone on waiting, it would have been EBUSY */
	ok(event_value(end, "result") == -EINTR, "%s ends the wait", name);
	for (int i = 0; i < trace->nr_events; i++) {
		if (!event_is(&trace->events[i], "panthor_bo_evict_skip") ||
		    !event_says(&trace->events[i], "reason", "interrupted"))
			continue;
		skips++;
		bytes += event_value(&trace->events[i], "size");
	}
	ok(skips >= 32 && bytes == event_value(end, "skipped_interrupted") && vm_interrupted(trace),
	   "%s: each BO is skipped as interrupted, and so is the VM (%d)", name, skips);
	if (sig == SIGKILL)
		ok(WIFSIGNALED(status), "%s kills the requester", name);
	else
		ok(WIFEXITED(status) && WEXITSTATUS(status) == EINTR, "%s: EINTR", name);
	trace_free(trace);
	ok_jobs(peer_do(peer, "release"), "%s: the target's job went well", name);
	ok(gem_sum(peer->pid, "private-").resident_bos == 32, "%s: nothing is evicted", name);
}

static void stop_and_continue(pid_t pid)
{
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	kill(pid, SIGCONT);
}

static void freeze_and_thaw(pid_t pid)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", pid);
	cgroup_make("frozen");
	cgroup_set("frozen", "cgroup.procs", number);
	cgroup_set("frozen", "cgroup.freeze", "1");
	cgroup_wait_frozen("frozen");
	cgroup_set("frozen", "cgroup.freeze", "0");
}

/* What a writer returned that was stopped while it waited for a job */
struct stopped {
	bool jobs, all, told;
	int status;
};

/* False if that took so long that it gave up on the job */
static bool stop_writer(struct peer *peer, void (*interrupt)(pid_t pid), struct stopped *seen)
{
	struct trace *trace;
	pid_t pid;

	if (!peer_do(peer, "fill cpu") || !peer_do(peer, "submit 1 0") || !peer_do(peer, "hold"))
		bail("no job");
	trace = trace_start("panthor", NULL);
	pid = fork();
	if (!pid)
		_exit(-reclaim(peer->pid));
	trace_wait(trace, "panthor_reclaim_begin", 1);
	interrupt(pid);
	seen->jobs = peer_do(peer, "release");
	waitpid(pid, &seen->status, 0);
	trace_stop(trace);
	seen->told = false;
	for (int i = 0; i < trace->nr_events; i++)
		seen->told |= event_is(&trace->events[i], "panthor_reclaim_end") &&
			      event_value(&trace->events[i], "result") == -EINTR;
	seen->all = !gem_sum(peer->pid, "private-").resident_bos;
	trace_free(trace);
	return !WIFEXITED(seen->status) || WEXITSTATUS(seen->status) != EBUSY;
}

/* What is no signal to a program is none to its write: it goes on, and ends as ever */
static void test_stopped(struct peer *peer, const char *name, void (*interrupt)(pid_t pid))
{
	struct stopped seen = {};

	for (int i = 0; i < TRIES && !stop_writer(peer, interrupt, &seen); i++)
		;
	ok_jobs(seen.jobs, "%s during the wait: the target's job went well", name);
	ok(WIFEXITED(seen.status) && !WEXITSTATUS(seen.status),
	   "%s: the write succeeds nevertheless (%s)", name, strerror(WEXITSTATUS(seen.status)));
	ok(seen.all, "%s: all is evicted", name);
	ok(seen.told, "%s: the first end event has EINTR", name);
}

static void test_signals(void)
{
	struct peer *peer = peer_start("-b32x64K", NULL);

	test_signal(peer, "SIGINT", SIGINT, 0);
	test_signal(peer, "SIGTERM", SIGTERM, 0);
	test_signal(peer, "SIGTERM with SA_RESTART", SIGTERM, SA_RESTART);
	test_signal(peer, "SIGKILL", SIGKILL, 0);
	test_stopped(peer, "SIGSTOP and SIGCONT", stop_and_continue);
	test_stopped(peer, "the freezer", freeze_and_thaw);
	cgroup_remove("frozen");
	ok(peer_do(peer, "fill cpu"), "the target continues");
	ok(!reclaim(peer->pid), "a later write succeeds");
	ok(!gem_sum(peer->pid, "private-").resident_bos, "it evicts everything");
	ok(peer_do(peer, "verify gpu"), "the data is intact");
	peer_quit(peer);
}

/* A write to mem_claim by a child, which is at work on what a disk takes seconds to read */
static pid_t start_claim(pid_t target, const struct trace *trace, const char *event, int count)
{
	struct sigaction action = { .sa_handler = on_signal };
	pid_t pid = fork();

	if (!pid) {
		sigaction(SIGTERM, &action, NULL);
		_exit(-claim(target, 0));
	}
	if (!trace_wait(trace, event, count))
		bail("no claim");
	return pid;
}

/* Does an end of a claim have this result? */
static bool claim_ended(const struct trace *trace, int result)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_reclaim_end") &&
		    event_says(&trace->events[i], "source", "claim") &&
		    event_value(&trace->events[i], "result") == result)
			return true;
	return false;
}

static void test_claim_stopped(const char *name, void (*interrupt)(pid_t pid))
{
	struct peer *peer = peer_start("-b1x1M", NULL);
	struct trace *trace;
	int status;
	pid_t pid;

	if (reclaim(peer->pid))
		bail("nothing is evicted");
	free_swap_cache();
	trace = trace_start("panthor", NULL);
	pid = start_claim(peer->pid, trace, "panthor_reclaim_begin", 1);
	interrupt(pid);
	waitpid(pid, &status, 0);
	trace_stop(trace);
	ok(WIFEXITED(status) && !WEXITSTATUS(status) && gem_sum(peer->pid, "").resident_bos == 1,
	   "mem_claim, %s: the write succeeds nevertheless (%s)", name,
	   strerror(WEXITSTATUS(status)));
	ok(claim_ended(trace, -EINTR) && claim_ended(trace, 0),
	   "mem_claim, %s: for the kernel restarts it", name);
	trace_free(trace);
	ok(peer_do(peer, "verify cpu"), "mem_claim, %s: the data is intact", name);
	peer_quit(peer);
}

/* When some is there already */
static void test_claim_signal(void)
{
	struct peer *peer = peer_start("-b1x1M:private:large", "-b4x4K:private:small-%i", NULL);
	const struct event *end = NULL;
	struct trace *trace;
	int status;
	pid_t pid;

	/* What is evicted last comes first */
	if (reclaim(peer->pid))
		bail("nothing is evicted");
	free_swap_cache();
	trace = trace_start("panthor", NULL);
	pid = start_claim(peer->pid, trace, "panthor_bo_swapin", 4);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_reclaim_end"))
			end = &trace->events[i];
	ok(WIFEXITED(status) && !WEXITSTATUS(status) && end && !event_value(end, "result") &&
		   event_says(end, "cut_short", "interrupted") &&
		   event_value(end, "swapped_in_bos") == 4,
	   "mem_claim, a signal after four BOs: it succeeds, and is cut short (%s)",
	   strerror(WEXITSTATUS(status)));
	ok(!gem_sum(peer->pid, "large").resident_bos &&
		   gem_sum(peer->pid, "small-").resident_bos == 4,
	   "mem_claim, a signal: these are swapped in, the rest is not");
	trace_free(trace);
	ok(!claim(peer->pid, 0) && gem_sum(peer->pid, "large").resident_bos == 1,
	   "mem_claim, a signal: the next write goes on");
	ok(peer_do(peer, "verify cpu"), "mem_claim, a signal: the data is intact");
	peer_quit(peer);
}

static void test_claims(void)
{
	const char *disk = NULL;

	if (!access(CLAIM_FILE, F_OK))
		disk = slow_disk(10, 4);
	if (!disk) {
		skip("no mem_claim, or no slow disk", "mem_claim is restarted after a stop");
		return;
	}
	set_swap(ZRAM, false);
	set_swap(disk, true);
	test_claim_stopped("SIGSTOP and SIGCONT", stop_and_continue);
	test_claim_stopped("the freezer", freeze_and_thaw);
	cgroup_remove("frozen");
	test_claim_signal();
	set_swap(disk, false);
	remove_slow_disk();
	set_swap(ZRAM, true);
}

/*
 * Signals at any point of a request: what was done before is told, and nothing else. Every
 * other one kills the writer
 */
static void test_signals_anywhere(void)
{
	const long writes = knob("SIGNALS", 60);
	struct peer *peer = peer_start("-b512x64K", NULL);
	int early = 0, midway = 0, unwritten = 0, odd = 0, most = 0;
	int64_t idle, until = now_ns() + 60 * NSEC;
	long done = 0;

	if (!peer_do(peer, "submit 1 100"))
		bail("no job");
	idle = now_ns();
	reclaim(peer->pid);
	idle = now_ns() - idle;
	srandom(knob("SEED", 1));
	for (; done < writes && (done < 10 || now_ns() < until); done++) {
		int sig = done & 1 ? SIGKILL : SIGTERM, status, later;
		uint64_t bos, evicted, written;
		struct gem_sum before, after;
		const struct event *end;
		struct trace *trace;
		pid_t pid;

		if (!peer_do(peer, "submit 1 100"))
			break;
		before = gem_sum(peer->pid, "");
		trace = trace_start("panthor", NULL);
		trace_mark(trace, "start");
		pid = fork();
		if (!pid)
			writer(peer->pid, sig, 0);
		usleep(random() % (idle / 1000));
		trace_mark(trace, "sending");
		kill(pid, sig);
		trace_mark(trace, "signal");
		waitpid(pid, &status, 0);
		trace_stop(trace);

		after = gem_sum(peer->pid, "");
		/*
		 * A signal that is handled before the write begins ends nothing, and one that comes
		 * when nothing was evicted yet leaves nothing to tell
		 */
		if (!events_between("panthor_reclaim_begin", trace_marked(trace, "start"),
				    trace_marked(trace, "sending")) ||
		    before.evictions == after.evictions) {
			early++;
			trace_free(trace);
			continue;
		}
		end = trace_end(trace);
		bos = event_value(end, "evicted_bos");
		evicted = event_value(end, "evicted");
		written = event_value(end, "written");
		if (bos < 512)
			midway++;
		else if (written < evicted)
			unwritten++;
		odd += event_value(end, "result") || written > evicted ||
		       bos != after.evictions - before.evictions ||
		       (written < evicted && !event_says(end, "cut_short", "interrupted")) ||
		       (WIFEXITED(status) && WEXITSTATUS(status));
		later = events_between("panthor_bo_evict", trace_marked(trace, "signal"), end);
		later += events_between("panthor_bo_writeback", trace_marked(trace, "signal"), end);
		most = later > most ? later : most;
		trace_free(trace);
	}
	diag("%ld signals: %d before anything was done, %d while evicting, %d while writing", done,
	     early, midway, unwritten);
	ok(midway + unwritten > 0, "a request handles signals at any moment");
	ok(!odd, "a write that did part of its work succeeds and reports cut_short (%d do not)",
	   odd);
	ok(most <= BATCH, "each signal ends the request: at most %d more buffers are handled",
	   most);
	ok_jobs(peer_do(peer, "submit 1 100"), "the target continues");
	ok(peer_do(peer, "verify cpu") && peer_do(peer, "verify check"), "the data is intact");
	peer_quit(peer);
}

int main(void)
{
	tap_start();
	test_signals();
	test_claims();
	test_signals_anywhere();
	return tap_end();
}
