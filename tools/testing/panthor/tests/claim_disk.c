// SPDX-License-Identifier: GPL-2.0
/*
 * mem_claim from a disk: the caller can be interrupted, nobody waits for what is read, no more of
 * it is than wanted, and what cannot be read costs nobody else.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fdinfo.h"
#include "peer.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"
#include "trace.h"

#define READ_AHEAD "/proc/sys/vm/page-cluster"
#define KIB 1024ULL

static void on_signal(int sig)
{
	(void)sig;
}

static void *interrupt(void *arg)
{
	usleep(300000);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

/* From a disk the driver reads ahead, but not what nobody wants */
static void test_part(const char *disk)
{
	struct peer *peer = peer_start("-b32x64K", NULL);
	struct fdinfo before, after;
	unsigned long long came;
	int ret;

	if (reclaim(peer->pid))
		bail("nothing is evicted");
	before = fdinfo_of(peer->pid);
	ret = claim(peer->pid, 512 * KIB);
	/* A reading looks at some BOs of many */
	for (int i = 0; i < 10; i++)
		after = fdinfo_of(peer->pid);
	came = before.evicted - after.evicted;
	ok(!ret && came >= 512 && came < 512 + 64 && !after.in_ram,
	   "512 KiB claimed from %s: no more is read (%llu KiB swapped in, %llu in RAM)", disk,
	   came, (unsigned long long)after.in_ram);
	ok(!claim(peer->pid, 0) && !fdinfo_of(peer->pid).evicted && peer_do(peer, "verify cpu"),
	   "then the rest, intact");
	peer_quit(peer);
}

/* A claim for ourselves */
static void *claim_self(void *arg)
{
	*(int *)arg = claim(getpid(), 0);
	return NULL;
}

/* What is read is locked by nobody: a VM_BIND in the same VM does not wait for it */
static void test_unlocked(void)
{
	struct bo large, small;
	const struct event *end, *bound;
	struct trace *trace;
	pthread_t thread;
	struct gpu gpu;
	struct vm vm;
	int ret, i;

	if (gpu_open(&gpu, NULL) || vm_create(&gpu, &vm) ||
	    bo_create(&gpu, &large, 2 << 20, 0, &vm) || bo_map(&large) || bo_bind(&large, &vm))
		bail("no client");
	memset(large.map, 1, large.size);
	if (reclaim(getpid()) || bo_create(&gpu, &small, 64 * KIB, 0, &vm))
		bail("nothing is evicted");
	trace = trace_start("panthor", NULL);
	pthread_create(&thread, NULL, claim_self, &ret);
	if (!trace_wait(trace, "panthor_reclaim_begin", 1))
		bail("no claim");
	usleep(100000);
	for (i = 0; i < 8; i++)
		if (bo_bind(&small, &vm) || bo_unbind(&small, &vm))
			bail("cannot bind");
	trace_mark(trace, "bound");
	pthread_join(thread, NULL);
	trace_stop(trace);
	end = trace_claim_end(trace);
	bound = trace_marked(trace, "bound");
	ok(!ret && bound < end && event_value(end, "swapped_in_bos") == 1,
	   "a VM_BIND is done while the BO of a claim is read (%d)", ret);
	trace_free(trace);
	bo_unmap(&large);
	gpu_close(&gpu);
}

/* One BO on a disk that takes its time: between two BOs would be too late */
static void test_interrupted(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	const char *disk = slow_disk(10, 4);
	pthread_t self = pthread_self(), thread;
	const struct event *end;
	struct trace *trace;
	struct peer *peer;
	int64_t took;
	int ret;

	if (!disk) {
		skip("no slow disk here", "a claim is interrupted within a BO, or wants a part");
		return;
	}
	set_swap(ZRAM, false);
	set_swap(disk, true);
	peer = peer_start("-b1x2M", NULL);
	if (reclaim(peer->pid))
		bail("nothing is evicted");
	sigaction(SIGUSR1, &action, NULL);
	trace = trace_start("panthor", NULL);
	pthread_create(&thread, NULL, interrupt, &self);
	took = now_ns();
	ret = claim(peer->pid, 0);
	took = now_ns() - took;
	pthread_join(thread, NULL);
	trace_stop(trace);
	end = trace_claim_end(trace);
	ok(ret == -EINTR && event_says(end, "cut_short", "interrupted") && took < 3 * NSEC,
	   "a signal within a BO of 2 MiB: EINTR (%d) after %.0f ms", ret, took / 1e6);
	trace_free(trace);
	ok(fdinfo_of(peer->pid).in_ram > 0 && fdinfo_of(peer->pid).evicted >= 2048,
	   "fdinfo counts the pages that were read as evicted and in RAM");
	ok(peer_do(peer, "verify cpu"), "the data is intact");
	peer_quit(peer);
	test_part(disk);
	test_unlocked();
	set_swap(disk, false);
	remove_slow_disk();
	set_swap(ZRAM, true);
}

/* Reads of the disk that were under way at a time */
static int most_reads(const struct trace *trace)
{
	int reads = 0, most = 0;

	for (int i = 0; i < trace->nr_events; i++) {
		if (event_is(&trace->events[i], "block_rq_issue"))
			reads++;
		else if (event_is(&trace->events[i], "block_rq_complete"))
			reads--;
		most = reads > most ? reads : most;
	}
	return most;
}

/* A disk that does several things at a time is given several, without any help by the kernel */
static void test_parallel(const char *disk)
{
	struct peer *peer = peer_start("-b4x512K", NULL);
	struct trace *trace;
	int ret, most;

	if (write_file(READ_AHEAD, "0", 1) < 0)
		bail("cannot write %s", READ_AHEAD);
	set_swap(ZRAM, false);
	set_swap(disk, true);
	if (reclaim(peer->pid))
		bail("nothing is evicted");
	free_swap_cache();
	trace = trace_start("block:block_rq_issue", "block:block_rq_complete", NULL);
	ret = claim(peer->pid, 0);
	trace_stop(trace);
	most = most_reads(trace);
	ok(!ret && most > 1, "%s: a claim reads several parts at a time (%d)", disk, most);
	trace_free(trace);
	ok(peer_do(peer, "verify cpu"), "%s: the data is intact", disk);
	peer_quit(peer);
	set_swap(ZRAM, true);
	set_swap(disk, false);
	write_file(READ_AHEAD, "3", 1);
}

/* Swap-ins that @by made, 0 for the GPU and the CPU, which ended with @result */
static int swapins(const struct trace *trace, int64_t by, int result)
{
	int count = 0;

	for (int i = 0; i < trace->nr_events; i++)
		count += event_is(&trace->events[i], "panthor_bo_swapin") &&
			 event_value(&trace->events[i], "by") == by &&
			 event_value(&trace->events[i], "result") == result;
	return count;
}

/*
 * The BO that was evicted last is on a disk that fails, the others are elsewhere: on a device
 * that they fill, for a CPU goes on with the device that it last swapped to, whatever the priority
 */
static void test_unreadable(const char *disk)
{
	const char *sound = small_zram(1024 + getpagesize() / KIB);
	const struct event *end;
	struct trace *trace;
	struct peer *peer;
	int first, second;

	if (!sound)
		bail("no second zram device");
	set_swap(ZRAM, false);
	set_swap(sound, true);
	/* More than may stay in the swap cache, see free_swap_cache() */
	peer = peer_start("-b16x64K:private:sound-%i", "-b1x4M:private:lost", NULL);
	if (reclaim_some(peer->pid, 1024 * KIB) || !gem_sum(peer->pid, "lost").resident_bos)
		bail("nothing is evicted, or all of it");
	set_swap(disk, true);
	if (reclaim(peer->pid) || gem_sum(peer->pid, "").resident_bos)
		bail("not all is evicted");
	free_swap_cache();
	disk_fails(true);
	trace = trace_start("panthor", NULL);
	first = claim(peer->pid, 0);
	trace_stop(trace);
	end = trace_claim_end(trace);
	ok(!first && gem_sum(peer->pid, "sound-").resident_bos == 16,
	   "a claim with one BO that cannot be read: success, the others are swapped in (%d)",
	   first);
	ok(event_value(end, "swapped_in_bos") == swapins(trace, event_value(end, "id"), 0) &&
		   event_says(end, "cut_short", "none") && !gem_sum(peer->pid, "lost").resident_bos,
	   "its end event counts those only");
	trace_free(trace);

	trace = trace_start("panthor", NULL);
	second = claim(peer->pid, 0);
	if (peer_do(peer, "submit 1 100"))
		bail("a job has what cannot be read");
	trace_stop(trace);
	end = trace_claim_end(trace);
	ok(second == -EIO && event_value(end, "result") == -EIO && !event_value(end, "swapped_in"),
	   "a claim of what cannot be read returns EIO (%d)", second);
	ok(swapins(trace, 0, -EIO) == 1, "a job that needs it fails, the swap-in event has EIO");
	trace_free(trace);
	ok(fdinfo_of(peer->pid).evicted >= 4096, "it still counts as evicted");
	disk_fails(false);
	peer_kill(peer);
	set_swap(disk, false);
	set_swap(sound, false);
	remove_zram(sound);
	set_swap(ZRAM, true);
}

int main(void)
{
	const char *disk;

	tap_start();
	test_interrupted();
	disk = failing_disk(64);
	if (disk) {
		test_parallel(disk);
		test_unreadable(disk);
		remove_failing_disk();
	} else {
		skip("no null_blk", "a claim of what cannot be read returns EIO");
	}
	return tap_end();
}
