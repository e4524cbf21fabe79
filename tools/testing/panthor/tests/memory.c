// SPDX-License-Identifier: GPL-2.0
/*
 * When the write returns, RAM is free and swap is used, and the account says how much, and goes on
 * saying so; and where there is no swap, or too little, nothing is lost.
 *
 * MEMORY_MIB=N size of the client (48). Swap on a disk needs one to write to:
 * DISK=/dev/… (/dev/vda if there is one).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "levels.h"
#include "peer.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"
#include "trace.h"

static long mib;
static char spec[32];

/* A client without GPU jobs, so that every byte of it is of one kind */
static struct peer *start(void)
{
	return peer_start(spec, "-nmemory", NULL);
}

static void test_swap(const char *where, bool compressed)
{
	struct peer *peer = start();
	struct levels before, after;
	struct result result;
	long freed_kb, zram_kb, slab_kb;

	sync();
	result = measured_reclaim(peer->pid, &before, &after);
	freed_kb = after.free - before.free;
	zram_kb = after.zram - before.zram;
	slab_kb = after.slab - before.slab;
	diag("%s: %llu kB go, Shmem -%ld, SwapFree -%ld, free +%ld, SwapCached +%ld", where,
	     (unsigned long long)result.evicted / 1024, before.shmem - after.shmem,
	     before.swap_free - after.swap_free, freed_kb, after.swap_cached - before.swap_cached);
	diag("%s: zram +%ld, Slab +%ld", where, zram_kb, slab_kb);

	ok(!result.ret && result.evicted >= (uint64_t)mib << 20, "%s: all of %ld MiB is evicted",
	   where, mib);
	ok(result.written == result.evicted, "%s: the end event has it written", where);
	ok(most_of(before.shmem - after.shmem, result.evicted), "%s: Shmem is down by as much",
	   where);
	ok(most_of(before.swap_free - after.swap_free, result.evicted),
	   "%s: SwapFree is down by as much", where);
	if (!result.frees) {
		skip("this kernel lets a module fill the swap cache, no more", "%s: RAM is free",
		     where);
		ok(!result.freed, "%s: the end event does not count it as freed", where);
		usleep(100000);
		diag("%s: 100 ms later SwapCached +%ld", where,
		     levels().swap_cached - before.swap_cached);
	} else if (compressed) {
		ok(zram_kb < (long)(result.evicted / 1024 / 2), "%s: the pattern compresses",
		   where);
		/* A debug kernel's books are the larger part */
		ok(most_of(freed_kb + zram_kb + slab_kb, result.evicted),
		   "%s: free memory is up by what compression saves", where);
	} else {
		ok(most_of(freed_kb, result.evicted), "%s: free memory is up by as much", where);
	}
	if (result.frees)
		ok(result.freed >= result.evicted / 100 * 95, "%s: the end event has as much freed",
		   where);
	ok(peer_do(peer, "verify cpu"), "%s: the data is intact", where);
	ok(peer_do(peer, "fill cpu") && !reclaim(peer->pid) && peer_do(peer, "verify check"),
	   "%s: the data is intact, read by the GPU", where);
	peer_quit(peer);
}

static void test_no_swap(void)
{
	struct peer *peer = start();
	struct levels before, after;
	struct result result = measured_reclaim(peer->pid, &before, &after);

	ok(result.ret == -ENOSPC && result.result == -ENOSPC, "no swap: ENOSPC (%d)", result.ret);
	ok(!result.evicted_bos && !gem_sum(peer->pid, "").evictions, "no swap: nothing is evicted");
	ok(result.no_swap_skips > 0 && result.no_swap_skips == result.skipped_bos,
	   "no swap: each buffer is skipped for that reason (%d)", result.no_swap_skips);
	ok(labs(before.shmem - after.shmem) < 1024, "no swap: no memory is freed");
	ok(peer_do(peer, "verify cpu") && peer_do(peer, "verify check"),
	   "no swap: the data is intact");
	peer_quit(peer);
}

/* Room for a quarter of the client only */
static void test_full_swap(void)
{
	const char *small = small_zram(mib * 1024 / 4);
	struct result result;
	struct peer *peer;
	long left_kb;

	if (!small) {
		skip("no second zram device", "swap full: nothing is lost");
		return;
	}
	peer = start();
	set_swap(small, true);
	result = traced_reclaim(peer->pid);
	diag("swap for %ld kB: evicted %llu kB, written %llu kB, skipped %llu kB", mib * 256,
	     (unsigned long long)result.evicted / 1024, (unsigned long long)result.written / 1024,
	     (unsigned long long)result.skipped / 1024);
	ok(!result.ret && result.evicted_bos > 0, "swap for a quarter: what fits is evicted");
	ok(result.evicted <= (uint64_t)mib << 18, "swap for a quarter: no more is evicted");
	ok(result.no_swap_skips > 0, "swap for a quarter: the rest is skipped with that reason");
	/*
	 * What is left is in bits and pieces: it may not take what it could hold, but no more may
	 * be tried
	 */
	left_kb = meminfo("SwapFree");
	result = traced_reclaim(peer->pid);
	diag("%ld kB of swap left: %d, evicted %llu kB, written %llu kB", left_kb, result.ret,
	     (unsigned long long)result.evicted / 1024, (unsigned long long)result.written / 1024);
	ok(result.ret == -ENOSPC || (!result.ret && result.evicted <= (uint64_t)left_kb * 1024),
	   "swap nearly full: what fits is evicted, or ENOSPC");
	ok(peer_do(peer, "verify cpu") && peer_do(peer, "verify check"),
	   "swap full: the data is intact");
	peer_quit(peer);
	set_swap(small, false);
	remove_zram(small);
}

/* Room for less than one buffer; a swap area has ten pages at least */
static void test_tiny_swap(void)
{
	const long kb = 16 * getpagesize() / 1024;
	const char *small = small_zram(kb);
	struct result result;
	struct peer *peer;
	char large[32];

	if (!small) {
		skip("no second zram device", "swap for less than a buffer: ENOSPC");
		return;
	}
	snprintf(large, sizeof(large), "-b4x%ldK", 4 * kb);
	peer = peer_start(large, "-nmemory", NULL);
	set_swap(small, true);
	result = traced_reclaim(peer->pid);
	ok(result.ret == -ENOSPC && !result.evicted_bos &&
		   result.no_swap_skips == result.skipped_bos,
	   "swap for less than a buffer: ENOSPC, nothing is evicted (%d)", result.ret);
	peer_quit(peer);
	set_swap(small, false);
	remove_zram(small);
}

struct half_way {
	const char *path;
	long swap_free;
	bool under_way;
	int error;
};

/* Waits until a tenth of the client is in swap */
static void *swapoff_main(void *arg)
{
	struct half_way *half = arg;
	int64_t patience = now_ns() + 60 * NSEC;

	while (!half->under_way && now_ns() < patience)
		half->under_way = half->swap_free - meminfo("SwapFree") > mib * 1024 / 10;
	half->error = swapoff(half->path) ? errno : 0;
	return NULL;
}

static void test_swapoff_half_way(const char *path)
{
	struct peer *peer = start();
	struct half_way half = { .path = path, .swap_free = meminfo("SwapFree") };
	struct result result;
	pthread_t thread;

	pthread_create(&thread, NULL, swapoff_main, &half);
	result = traced_reclaim(peer->pid);
	pthread_join(thread, NULL);
	diag("the write: %d, evicted %llu kB, written %llu kB; swapoff: %s", result.ret,
	     (unsigned long long)result.evicted / 1024, (unsigned long long)result.written / 1024,
	     half.error ? strerror(half.error) : "done");
	ok(half.under_way, "swapoff half way: swapoff runs during the request");
	ok(!result.ret || result.ret == -ENOSPC,
	   "swapoff half way: the result is success or ENOSPC");
	ok(result.result == result.ret, "swapoff half way: the end event has the result");
	ok(peer_do(peer, "verify cpu") && peer_do(peer, "verify check"),
	   "swapoff half way: the data is intact");
	if (!half.error)
		set_swap(path, true);
	peer_quit(peer);
}

static void limit_zram(const char *limit)
{
	if (write_file("/sys/block/zram0/mem_limit", limit, strlen(limit)) < 0)
		bail("cannot limit zram");
}

/* Swap that takes the pages, and then cannot write them */
static void test_write_errors(void)
{
	struct peer *peer = start();
	struct result result;

	limit_zram("64K");
	result = traced_reclaim(peer->pid);
	diag("swap fails: evicted %llu kB, written %llu kB, freed %llu kB",
	     (unsigned long long)result.evicted / 1024, (unsigned long long)result.written / 1024,
	     (unsigned long long)result.freed / 1024);
	ok(!result.ret && result.evicted >= (uint64_t)mib << 20, "swap fails: all is evicted");
	ok(result.freed < result.evicted / 2,
	   "swap fails: the end event does not count it as freed");
	ok(result.unwritten >= result.evicted / 2, "swap fails: the end event has it unwritten");
	limit_zram("0");
	result = traced_reclaim(peer->pid);
	ok(!result.ret && !result.evicted_bos && result.unwritten >= (uint64_t)mib << 19,
	   "swap works again: it is unwritten until it is swapped in");
	ok(peer_do(peer, "verify cpu"), "swap failed: the data is intact");
	ok(peer_do(peer, "fill cpu") && !reclaim(peer->pid) && peer_do(peer, "verify check"),
	   "swap works again: it is evicted, and intact");
	peer_quit(peer);
}

/* Small buffers: their neighbours in swap are written in one go, not one after the other */
static void test_disk_requests(void)
{
	struct peer *peer = peer_start("-b512x4K", "-nmemory", NULL);
	struct trace *trace;
	int ret, requests = 0;

	sync();
	trace = trace_start("panthor:panthor_bo_writeback", "block:block_rq_issue", NULL);
	ret = reclaim(peer->pid);
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++)
		requests += event_is(&trace->events[i], "block_rq_issue");
	ok(!ret && !trace->lost && trace->nr_events - requests >= 512,
	   "disk: small buffers are written (%d)", trace->nr_events - requests);
	ok(requests > 0 && requests <= 512 / 8, "disk: with %d I/O requests", requests);
	trace_free(trace);
	ok(peer_do(peer, "verify cpu"), "disk: the data is intact");
	peer_quit(peer);
}

/* Few enough that no CPU's batch of them is ever full: free all the same */
static void test_disk_few(void)
{
	struct peer *peer = peer_start("-b20x4K", "-nmemory", NULL);
	struct result result = traced_reclaim(peer->pid);

	ok(!result.ret && result.evicted == 20ULL * getpagesize(),
	   "disk: a few small buffers are evicted");
	if (result.frees)
		ok(result.freed == result.evicted, "disk: all of them are freed (%llu bytes)",
		   (unsigned long long)result.freed);
	peer_quit(peer);
}

/* A busy client, whom the shrinker looks at in vain: the answer to the request stays */
static void test_shrinker_passes(void)
{
	struct peer *peer = peer_start("-b8x64K", NULL);
	struct trace *trace = trace_start("panthor:panthor_vm_reclaim_end", NULL);
	struct table *table;
	int row, ret, looks = 0;

	/* Twice, so that the one that counts has next to nothing to do but look */
	write_file("/proc/sys/vm/drop_caches", "2", 1);
	if (!peer_do(peer, "hold"))
		bail("no job");
	ret = reclaim(peer->pid);
	write_file("/proc/sys/vm/drop_caches", "2", 1);
	table = device_row(peer->pid, &row);
	trace_stop(trace);
	if (!peer_do(peer, "release")) {
		skip("the job timed out before the test was done with it",
		     "the shrinker skips a busy client");
	} else {
		for (int i = 0; i < trace->nr_events; i++)
			looks += event_value(&trace->events[i], "tgid") == peer->pid;
		ok(ret == -EBUSY && looks > 1, "the shrinker scans a busy client");
		ok(!strcmp(table_text(table, row, "last_source"), "sysfs") &&
			   strtol(table_text(table, row, "last_result"), NULL, 10) == -EBUSY,
		   "the last request is still the write's (%s, %s)",
		   table_text(table, row, "last_source"), table_text(table, row, "last_result"));
	}
	trace_free(trace);
	table_free(table);
	peer_quit(peer);
}

/* What the shrinker evicts is in the page cache, and stays there if nobody wants for memory */
static void test_after_shrinker(void)
{
	struct peer *peer = start();
	struct levels before, after;
	struct result result;

	before = levels();
	for (int i = 0; i < 10 && gem_sum(peer->pid, "private-").resident_bos; i++)
		shrink_pages(ALL_PAGES);
	ok(!gem_sum(peer->pid, "private-").resident_bos, "the shrinker evicts everything");
	result = measured_reclaim(peer->pid, &before, &after);
	diag("Shmem -%ld, SwapFree -%ld, written %llu kB, freed %llu kB",
	     before.shmem - after.shmem, before.swap_free - after.swap_free,
	     (unsigned long long)result.written / 1024, (unsigned long long)result.freed / 1024);
	ok(!result.ret, "a write after it succeeds (%d)", result.ret);
	ok(most_of(before.shmem - after.shmem, (uint64_t)mib << 20), "Shmem is down by as much");
	ok(result.written >= (uint64_t)mib << 20, "the end event has all of it written");
	if (result.frees)
		ok(result.freed >= (uint64_t)mib << 20, "it is free");
	result = traced_reclaim(peer->pid);
	ok(!result.ret && !result.written && !result.freed, "another write has nothing to do");
	ok(peer_do(peer, "verify cpu") && peer_do(peer, "verify check"),
	   "after the shrinker: the data is intact");
	peer_quit(peer);
}

static void on_signal(int sig)
{
	(void)sig;
}

struct cutter {
	pthread_t whom;
	long swap_free;
	bool done;
};

/* Waits until a tenth of the client is in swap */
static void *cutter_main(void *arg)
{
	struct cutter *cutter = arg;
	int64_t patience = now_ns() + 60 * NSEC;

	while (!cutter->done && now_ns() < patience) {
		if (cutter->swap_free - meminfo("SwapFree") > mib * 1024 / 10) {
			cutter->done = true;
			pthread_kill(cutter->whom, SIGUSR1);
		}
	}
	return NULL;
}

/* A signal in the midst of the writeback, and then the same write once more */
static void test_cut_short(const char *where)
{
	struct sigaction action = { .sa_handler = on_signal }, old;
	struct cutter cutter = { .whom = pthread_self() };
	struct peer *peer = start();
	struct levels before, between, after;
	struct result first, second;
	pthread_t thread;

	sigaction(SIGUSR1, &action, &old);
	cutter.swap_free = meminfo("SwapFree");
	pthread_create(&thread, NULL, cutter_main, &cutter);
	first = measured_reclaim(peer->pid, &before, &between);
	pthread_join(thread, NULL);
	second = measured_reclaim(peer->pid, &between, &after);
	sigaction(SIGUSR1, &old, NULL);
	diag("%s: first %d, %llu kB written, %llu kB freed; second %d, %llu and %llu kB", where,
	     first.ret, (unsigned long long)first.written / 1024,
	     (unsigned long long)first.freed / 1024, second.ret,
	     (unsigned long long)second.written / 1024, (unsigned long long)second.freed / 1024);
	ok(cutter.done && first.written < first.evicted, "%s: a signal cuts the write short",
	   where);
	ok(!second.ret, "%s: cut short, the same write again succeeds (%d)", where, second.ret);
	ok(first.written + second.written >= (uint64_t)mib << 20,
	   "%s: together they write all of it", where);
	ok(most_of(before.shmem - after.shmem, (uint64_t)mib << 20), "%s: Shmem is down by as much",
	   where);
	if (second.frees)
		ok(first.freed + second.freed >= (uint64_t)mib << 20, "%s: all of it is free",
		   where);
	ok(peer_do(peer, "verify cpu"), "%s: cut short, the data is intact", where);
	peer_quit(peer);
}

struct rival {
	pid_t target;
	int ret;
	int64_t took;
};

static void *rival_main(void *arg)
{
	struct rival *rival = arg;

	rival->took = now_ns();
	rival->ret = reclaim(rival->target);
	rival->took = now_ns() - rival->took;
	return NULL;
}

/* Requests for one target at once, each of which finds the folios of the other in its way */
static void test_rivals(const char *where)
{
	struct rival rivals[3];
	pthread_t threads[3];
	struct peer *peer = start();
	struct trace *trace;
	uint64_t evicted = 0, written = 0, freed = 0;
	int64_t alone, most = 0;
	struct levels before, after;
	bool frees = false;

	alone = now_ns();
	if (reclaim(peer->pid) || !peer_do(peer, "verify cpu") || !peer_do(peer, "fill cpu"))
		bail("no reclaim");
	alone = now_ns() - alone;
	before = levels();
	trace = trace_start("panthor:panthor_reclaim_end", NULL);
	for (int i = 0; i < 3; i++) {
		rivals[i] = (struct rival){ .target = peer->pid };
		pthread_create(&threads[i], NULL, rival_main, &rivals[i]);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		most = rivals[i].took > most ? rivals[i].took : most;
	}
	trace_stop(trace);
	after = levels();
	for (int i = 0; i < trace->nr_events; i++) {
		evicted += event_value(&trace->events[i], "evicted");
		written += event_value(&trace->events[i], "written");
		freed += event_value(&trace->events[i], "freed");
		frees |= event_says(&trace->events[i], "writeback", "free");
	}
	diag("%s: %.1f s, with the data back %.1f s; %llu kB evicted, %llu written, %llu freed",
	     where, most / 1e9, alone / 1e9, (unsigned long long)evicted / 1024,
	     (unsigned long long)written / 1024, (unsigned long long)freed / 1024);
	ok(most < 2 * alone + NSEC, "%s: three requests at once succeed", where);
	ok(most_of(before.shmem - after.shmem, (uint64_t)mib << 20),
	   "%s: together they evict everything", where);
	ok(written <= evicted && (!frees || freed <= evicted), "%s: nothing is accounted twice",
	   where);
	ok(written >= evicted / 100 * 95 && (!frees || freed >= evicted / 100 * 95),
	   "%s: nothing is missing from the account", where);
	trace_free(trace);
	ok(peer_do(peer, "verify cpu"), "%s: three at once, the data is intact", where);
	peer_quit(peer);
}

/* Buffers of 2 MiB, and a swap that has no room for all of them in one piece each */
static void test_split(void)
{
	const char *small = small_zram(9 * 1024);
	struct levels before, after;
	struct result result;
	struct peer *peer;

	if (!small) {
		skip("no second zram device", "swap in pieces: all is written");
		return;
	}
	peer = peer_start("-b4x2M", "-nmemory", NULL);
	set_swap(small, true);
	result = measured_reclaim(peer->pid, &before, &after);
	diag("9 MiB of swap: evicted %llu kB, written %llu kB, freed %llu kB, Shmem -%ld",
	     (unsigned long long)result.evicted / 1024, (unsigned long long)result.written / 1024,
	     (unsigned long long)result.freed / 1024, before.shmem - after.shmem);
	ok(!result.ret && result.evicted >= 8 << 20, "swap in pieces: all is evicted");
	ok(result.written == result.evicted, "swap in pieces: all is written");
	if (result.frees)
		ok(result.freed == result.evicted, "swap in pieces: all is free");
	ok(peer_do(peer, "verify cpu"), "swap in pieces: the data is intact");
	peer_quit(peer);
	set_swap(small, false);
	remove_zram(small);
}

#define GROUP "panthor-memory"

/* What a cgroup may not swap is not evicted, however much swap there is */
static void test_cgroup(void)
{
	struct result result;
	struct peer *peer;
	char limit[32];

	cgroup_make(GROUP);
	cgroup_set(GROUP, "memory.swap.max", "0");
	cgroup_enter(GROUP);
	peer = start();
	cgroup_enter(NULL);
	result = traced_reclaim(peer->pid);
	ok(result.ret == -ENOSPC, "a cgroup that may not swap: ENOSPC (%d)", result.ret);
	ok(!result.evicted_bos && !gem_sum(peer->pid, "").evictions,
	   "a cgroup that may not swap: nothing is evicted");
	ok(result.no_swap_skips > 0 && result.no_swap_skips == result.skipped_bos,
	   "a cgroup that may not swap: each buffer is skipped for that reason (%d)",
	   result.no_swap_skips);

	snprintf(limit, sizeof(limit), "%ldM", mib / 4);
	cgroup_set(GROUP, "memory.swap.max", limit);
	result = traced_reclaim(peer->pid);
	diag("a quarter: %d, evicted %llu kB, written %llu kB", result.ret,
	     (unsigned long long)result.evicted / 1024, (unsigned long long)result.written / 1024);
	ok(!result.ret && result.evicted_bos > 0 && result.evicted <= (uint64_t)mib << 18,
	   "a cgroup that may swap a quarter: no more is evicted");
	ok(result.written == result.evicted,
	   "a cgroup that may swap a quarter: all of that is written");
	cgroup_set(GROUP, "memory.swap.max", "max");
	ok(!reclaim(peer->pid) && !gem_sum(peer->pid, "private-").resident_bos,
	   "without a limit all is evicted");
	ok(peer_do(peer, "verify cpu"), "a cgroup: the data is intact");
	peer_quit(peer);
	cgroup_remove(GROUP);
}

static bool usable_disk(const char *disk)
{
	struct stat st;
	int fd = open(disk, O_RDWR);
	uint64_t size = 0;

	if (fd < 0 || fstat(fd, &st) || !S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, &size))
		size = 0;
	if (fd >= 0)
		close(fd);
	return size >= (uint64_t)mib << 21;
}

int main(void)
{
	const char *disk = getenv("DISK") ? getenv("DISK") : "/dev/vda";

	tap_start();
	mib = knob("MEMORY_MIB", 48);
	snprintf(spec, sizeof(spec), "-b%ldx256K", mib * 4);

	test_swap("zram", true);
	test_after_shrinker();
	test_cut_short("zram");
	test_rivals("zram");
	test_cgroup();
	test_write_errors();
	test_shrinker_passes();
	test_swapoff_half_way(ZRAM);

	set_swap(ZRAM, false);
	test_no_swap();
	test_full_swap();
	test_tiny_swap();
	test_split();
	if (!usable_disk(disk) || make_swap(disk)) {
		skip("no disk to write to", "disk: RAM is free when the write returns");
	} else {
		set_swap(disk, true);
		test_swap("disk", false);
		test_disk_requests();
		test_disk_few();
		test_cut_short("disk");
		test_rivals("disk");
		test_swapoff_half_way(disk);
		set_swap(disk, false);
	}
	set_swap(ZRAM, true);
	return tap_end();
}
