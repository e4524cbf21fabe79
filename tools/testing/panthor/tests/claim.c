// SPDX-License-Identifier: GPL-2.0
/*
 * mem_claim: what is evicted comes back, the last evicted first, for whom it was claimed and for
 * nobody else, from free memory only.
 *
 * SECONDS=N of everything at once (10)
 */
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "client.h"
#include "fdinfo.h"
#include "party.h"
#include "peer.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"
#include "trace.h"

#define PER_CPU "/proc/sys/vm/percpu_pagelist_high_fraction"
#define POWER "/sys/bus/platform/devices/panthor/power/control"
#define KIB 1024ULL
#define MIB (1024 * KIB)

static void expect(const char *format, pid_t pid, int want)
{
	char text[48];
	int got;

	snprintf(text, sizeof(text), format, pid);
	got = claim_text(text);
	text[strcspn(text, "\n")] = '\0';
	ok(got == want, "\"%s\": %d (%d)", text, want, got);
}

static int drop_caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	return syscall(SYS_capset, &header, data);
}

/* What a process without capabilities is told, naming @tgid, or itself, a client, if that is 0 */
static int without_caps(pid_t tgid)
{
	struct gpu gpu;
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (!tgid && gpu_open(&gpu, NULL))
			_exit(EXDEV);
		_exit(drop_caps() ? EXDEV : -claim(tgid ? tgid : getpid(), 0));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ENOTRECOVERABLE;
}

static void test_who(void)
{
	struct peer *peer = peer_start("-b4x64K", NULL);
	struct stat st;

	ok(!stat(CLAIM_FILE, &st) && (st.st_mode & 07777) == 0200, "the file has mode 0200");
	expect("%d", peer->pid, 0);
	expect("%d 1M\n", peer->pid, 0);
	expect("%d 0", peer->pid, -EINVAL);
	expect("%d x", peer->pid, -EINVAL);
	expect("%d 16E", peer->pid, -ERANGE);
	expect("%dx", peer->pid, -EINVAL);
	expect("%d", 1, -ESRCH);
	ok(without_caps(peer->pid) == -EPERM && without_caps(1) == -EPERM &&
		   without_caps(INT32_MAX) == -EPERM,
	   "without CAP_SYS_RESOURCE: EPERM for any other process");
	ok(!without_caps(0), "a process may claim its own memory");
	peer_quit(peer);
}

/* Does the end of a claim have nothing of what only other requests do? */
static bool only_claims(const struct trace *trace, const struct event *end)
{
	static const char *const none[] = {
		"evicted_bos", "evicted",  "skipped_bos",   "skipped",	 "unseen",
		"written",     "freed",	   "remaining_bos", "remaining", "unwritten",
		"fence_ns",    "unmap_ns", "writeback_ns",
	};
	uint64_t id = event_value(end, "id");
	int others = trace_count(trace, "panthor_bo_evict", id) +
		     trace_count(trace, "panthor_bo_evict_skip", id) +
		     trace_count(trace, "panthor_bo_writeback", id);

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		others += event_value(end, none[i]) != 0;
	if (others)
		diag("%d others: %s", others, end->text);
	return !others && event_says(end, "writeback", "none");
}

static void test_all(void)
{
	struct peer *peer =
		peer_start("-v2", "-b64x64K", "-b4x256K:shared", "-b4x64K:unused", NULL);
	struct fdinfo before, after;
	const struct event *end;
	struct trace *trace;
	int by_claim = 0, others = 0, ret;

	if (!peer_do(peer, "submit 1 100") || reclaim(peer->pid))
		bail("nothing is evicted");
	before = fdinfo_of(peer->pid);
	trace = trace_start("panthor", NULL);
	ret = claim(peer->pid, 0);
	after = fdinfo_of(peer->pid);
	if (!peer_do(peer, "submit 1 100"))
		bail("%s", peer->line);
	trace_stop(trace);
	end = trace_claim_end(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		if (!event_is(&trace->events[i], "panthor_bo_swapin"))
			continue;
		if (event_value(&trace->events[i], "by") == event_value(end, "id"))
			by_claim++;
		else
			others++;
	}
	ok(!ret && !after.evicted && !after.in_swap && !after.in_ram,
	   "all of it is claimed (%d, %llu KiB still evicted)", ret,
	   (unsigned long long)after.evicted);
	ok((uint64_t)event_value(end, "swapped_in") == before.evicted * KIB &&
		   event_value(end, "swapped_in_bos") == by_claim && !event_value(end, "result"),
	   "the end event reports %d BOs", by_claim);
	ok(trace_count(trace, "panthor_reclaim_begin", event_value(end, "id")) == 1 &&
		   !trace_count(trace, "panthor_vm_reclaim_begin", 0) &&
		   !trace_count(trace, "panthor_vm_reclaim_end", 0),
	   "the claim has a begin event, and none of a VM");
	ok(only_claims(trace, end), "it evicts, skips and writes nothing");
	ok((uint64_t)by_claim == after.swapins - before.swapins,
	   "each swap-in names the claim, fdinfo counts it");
	ok(!others, "the next job swaps nothing in (%d)", others);
	trace_free(trace);
	ok(device_value(peer->pid, "evicted") == 0, "debugfs reports the same");
	ok(!claim(peer->pid, 0), "with nothing to do the write succeeds");
	ok(peer_do(peer, "verify check"), "the GPU reads the data without a fault");
	ok(!reclaim(peer->pid) && !claim(peer->pid, 0) && peer_do(peer, "verify cpu"),
	   "data intact, read by the CPU");
	peer_quit(peer);
}

static void test_order(void)
{
	struct peer *peer = peer_start("-b8x64K", "-b8x256K", NULL);
	int64_t evicted[64], bo, size = 0;
	int nr = 0, at, wrong = 0, back = 0;
	const struct event *end;
	struct trace *trace = trace_start("panthor", NULL);
	uint64_t swapped_in;

	if (reclaim_some(peer->pid, 512 * KIB) || reclaim(peer->pid))
		bail("nothing is evicted");
	if (claim(peer->pid, MIB))
		bail("nothing is claimed");
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_bo_evict") && nr < 64)
			evicted[nr++] = event_value(event, "bo_id");
	}
	at = nr;
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (!event_is(event, "panthor_bo_swapin"))
			continue;
		bo = event_value(event, "bo_id");
		size = event_value(event, "size");
		back++;
		wrong += !at || evicted[--at] != bo;
	}
	end = trace_claim_end(trace);
	swapped_in = event_value(end, "swapped_in");
	ok(back && !wrong, "the last evicted BOs are swapped in first (%d of %d)", back, nr);
	ok(!event_value(trace_end(trace), "swapped_in"), "only a claim's end has what it swaps in");
	ok(swapped_in >= MIB && swapped_in - size < MIB,
	   "a claim of 1 MiB swaps in %llu bytes, and no BO more than needed",
	   (unsigned long long)swapped_in);
	trace_free(trace);
	ok(peer_do(peer, "verify check"), "the data is intact");
	peer_quit(peer);
}

static void test_isolation(void)
{
	struct peer *one = peer_start("-b32x64K", NULL), *other = peer_start("-b32x64K", NULL);
	struct fdinfo before, after;

	if (reclaim(one->pid) || reclaim(other->pid))
		bail("nothing is evicted");
	before = fdinfo_of(other->pid);
	ok(!claim(one->pid, 0) && !fdinfo_of(one->pid).evicted, "one of two BOs is claimed");
	after = fdinfo_of(other->pid);
	ok(before.evicted == after.evicted && before.swapins == after.swapins,
	   "the other BO remains evicted");
	ok(peer_do(one, "verify cpu") && peer_do(other, "verify cpu"), "the data is intact");
	peer_quit(one);
	peer_quit(other);
}

/* What two have is swapped in for either, and the other's jobs find it where it was */
static void test_shared(void)
{
	struct party *other = party_fork(NULL, 1), *one = party_open(NULL, 1);
	pid_t them = party_pid(other);
	int fd;

	if (party_create(one, 0, MIB, false, "shared") || party_bind(one, 0, 0) ||
	    party_fill(one, 0))
		bail("no buffer");
	fd = party_export(one, 0);
	if (fd < 0 || party_import(other, 0, fd, MIB) || party_bind(other, 0, 0) ||
	    party_check(other, 0, 0) || party_check(one, 0, 0))
		bail("cannot share");
	close(fd);
	if (shrink_pages(ALL_PAGES) < 0 || gem_sum(0, "shared").resident_bos)
		bail("the shrinker leaves it");
	ok(!claim(them, 0) && gem_sum(0, "shared").resident_bos == 1,
	   "the importer of a shared BO claims it after the shrinker evicted it");
	ok(!party_check(other, 0, 0) && !party_check(one, 0, 0),
	   "jobs of both processes read its data");
	party_end(one);
	party_end(other);
}

/* Commands to the GPU's MMU for a job that reads the BO, each mapping takes some of them */
static long job_commands(struct party *party)
{
	long commands = sim_counter("mmu_cmds");

	if (party_check(party, 0, 0))
		bail("a job does not see the data");
	return sim_counter("mmu_cmds") - commands;
}

/* Where each of two maps the BO: a claim for one maps it there, and leaves the rest to the other */
static void test_mapped(void)
{
	long needed, idle, claimed, theirs;
	struct party *other, *one;
	int fd;

	if (sim_counter("mmu_cmds") < 0) {
		skip("no simulated GPU", "a claim maps a shared BO for its target alone");
		return;
	}
	/* A GPU that is off has no mappings to command */
	if (write_file(POWER, "on", 2) < 0)
		bail("cannot keep the GPU on");
	other = party_fork(NULL, 1);
	one = party_open(NULL, 1);
	if (party_create(one, 0, MIB, false, "mapped") || party_bind(one, 0, 0) ||
	    party_fill(one, 0))
		bail("no buffer");
	fd = party_export(one, 0);
	if (fd < 0 || party_import(other, 0, fd, MIB) || party_bind(other, 0, 0))
		bail("cannot share");
	close(fd);
	job_commands(other);
	job_commands(one);
	if (shrink_pages(ALL_PAGES) < 0)
		bail("cannot have the shrinker run");
	job_commands(other);
	needed = job_commands(one);
	idle = job_commands(one);
	if (shrink_pages(ALL_PAGES) < 0 || claim(party_pid(other), 0))
		bail("nothing is claimed");
	claimed = job_commands(other);
	theirs = job_commands(one);
	ok(claimed == idle, "the next job of who claimed a shared BO maps nothing (%ld, %ld)",
	   claimed, idle);
	ok(theirs == needed && needed > idle,
	   "the next job of the other maps it, as without the claim (%ld, %ld)", theirs, needed);
	party_end(one);
	party_end(other);
	write_file(POWER, "auto", 4);
}

/* KiB of shmem that are charged to the cgroup "claimed" */
static uint64_t charged(void)
{
	unsigned long long value, shmem = 0;
	char line[64];
	FILE *file = fopen("/sys/fs/cgroup/claimed/memory.stat", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "shmem %llu", &value) == 1)
			shmem = value;
	if (!file)
		bail("no memory.stat");
	fclose(file);
	return shmem / KIB;
}

/* What is swapped in is charged to whom it was charged to, which memory.high does not prevent */
static void test_charged(void)
{
	uint64_t before, evicted, after;
	struct fdinfo info;
	struct peer *peer;
	int ret;

	cgroup_make("claimed");
	cgroup_enter("claimed");
	peer = peer_start("-b16x256K", NULL);
	cgroup_enter(NULL);
	before = charged();
	if (reclaim(peer->pid))
		bail("nothing is evicted");
	evicted = charged();
	cgroup_set("claimed", "memory.high", "1M");
	ret = claim(peer->pid, 0);
	info = fdinfo_of(peer->pid);
	after = charged();
	cgroup_set("claimed", "memory.high", "max");
	ok(!ret && !info.evicted, "memory.high of its cgroup does not limit a claim (%d, %llu KiB)",
	   ret, (unsigned long long)info.evicted);
	ok(before >= 4096 && before - evicted >= 4096 && after - evicted >= 4096,
	   "what is swapped in is charged to the same cgroup (%llu, %llu, %llu KiB)",
	   (unsigned long long)before, (unsigned long long)evicted, (unsigned long long)after);
	ok(peer_do(peer, "verify cpu"), "data intact");
	peer_quit(peer);
	cgroup_remove("claimed");
}

/*
 * kB that a claim may take: what is free above twice the high watermarks and the reserves. All
 * zones are added up, for the allocator takes from the highest first.
 */
static long free_kb(void)
{
	long pages = 0, free = 0, high = 0, kept = 0, cma;
	FILE *file = fopen("/proc/zoneinfo", "r");
	const char *last;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " pages free %ld", &free) == 1 ||
		    sscanf(line, " high %ld", &high) == 1)
			continue;
		last = strstr(line, "protection:") ? strrchr(line, ' ') : NULL;
		if (last)
			kept = 2 * high + strtol(last, NULL, 10);
		/* The last of these of a zone */
		if (sscanf(line, " nr_free_cma %ld", &cma) == 1)
			pages += free - cma - kept;
	}
	if (!file)
		bail("no /proc/zoneinfo");
	fclose(file);
	return pages * (getpagesize() / 1024);
}

/* A process that has all but @kb of what is free, locked */
static pid_t eat_all_but(long kb)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		bail("no pipe");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* What kswapd frees of others' meanwhile is taken, too, until it rests */
		for (int calm = 0; calm < 5; calm++) {
			while (free_kb() > kb) {
				size_t len = free_kb() - kb > 16384 ? 4 * MIB : 256 * KIB;
				void *map = mmap(NULL, len, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

				if (map == MAP_FAILED || mlock(map, len))
					_exit(1);
				calm = 0;
			}
			usleep(100000);
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &byte, 1) != 1)
		bail("cannot use memory up");
	close(ready[0]);
	return pid;
}

static void test_low_memory(void)
{
	struct peer *peer = peer_start("-b64x1M", NULL), *other = peer_start("-b16x1M", NULL);
	struct peer *large = peer_start("-b1x96M", NULL);
	struct fdinfo before, after;
	const struct event *end;
	long swapped_out, stalls, left;
	struct trace *trace;
	pid_t eater;
	int ret;

	/* What is free is to be in the zones, not with the CPUs, which nobody counts */
	if (write_file(PER_CPU, "100000", 6) < 0)
		bail("cannot write %s", PER_CPU);
	if (reclaim(peer->pid) || reclaim(large->pid))
		bail("nothing is evicted");
	free_swap_cache();
	if (!peer_do(other, "submit 1 100"))
		bail("no job");
	trace = trace_start("panthor", NULL);
	eater = eat_all_but(16 * 1024);
	before = fdinfo_of(other->pid);
	swapped_out = vmstat("pswpout");
	stalls = vmstat("allocstall_normal") + vmstat("allocstall_dma32");
	ret = claim(peer->pid, 0);
	left = free_kb();
	swapped_out = vmstat("pswpout") - swapped_out;
	stalls = vmstat("allocstall_normal") + vmstat("allocstall_dma32") - stalls;
	after = fdinfo_of(other->pid);
	diag("evictions of the other %llu -> %llu, reclaimable %llu -> %llu KiB, %ld kB free",
	     (unsigned long long)before.evictions, (unsigned long long)after.evictions,
	     (unsigned long long)before.reclaimable, (unsigned long long)after.reclaimable, left);
	trace_stop(trace);
	end = trace_claim_end(trace);
	ok(!ret && event_says(end, "cut_short", "no-memory") &&
		   event_value(end, "swapped_in") > 0 &&
		   (uint64_t)event_value(end, "swapped_in") < 60 * MIB,
	   "a claim of 64 MiB with 16 MiB free swaps in %lld MiB, and reports why (%d)",
	   (long long)(event_value(end, "swapped_in") / MIB), ret);
	ok(before.evictions == after.evictions && before.reclaimable == after.reclaimable &&
		   only_claims(trace, end),
	   "no BO of another client is evicted");
	ok(!swapped_out && !stalls, "no other memory is reclaimed (%ld pages, %ld stalls)",
	   swapped_out, stalls);
	ok(left > -1024, "the free memory stays above the watermarks (by %ld kB)", left);
	ok(claim(large->pid, 0) == -ENOMEM && !fdinfo_of(large->pid).swapins,
	   "a claim of a BO of 96 MiB that does not fit: ENOMEM");
	trace_free(trace);
	kill(eater, SIGKILL);
	waitpid(eater, NULL, 0);
	ok(!claim(peer->pid, 0) && !fdinfo_of(peer->pid).evicted,
	   "with enough free memory all of it is swapped in");
	ok(peer_do(peer, "verify check") && peer_do(other, "verify cpu"), "the data is intact");
	peer_quit(peer);
	peer_quit(other);
	peer_quit(large);
	write_file(PER_CPU, "0", 1);
}

static atomic_bool stop;

static void *keep_writing(void *arg)
{
	const char *path = arg;
	long odd = 0;

	while (!atomic_load(&stop)) {
		char text[48];
		ssize_t ret;

		snprintf(text, sizeof(text), rand() % 2 ? "%d" : "%d 1M", getpid());
		ret = write_file(path, text, strlen(text));
		odd += ret < 0 && ret != -EBUSY;
	}
	return (void *)odd;
}

static void *keep_binding(void *arg)
{
	struct client *client = arg;
	struct client_error err;
	long odd = 0;

	for (bool bind = false; !atomic_load(&stop); bind = !bind)
		odd += client_bind(client, bind, &err) < 0;
	client_bind(client, true, &err);
	return (void *)odd;
}

/* Claims, reclaims, jobs and binds of one client at the same time */
static void test_together(void)
{
	static const struct bo_spec specs[] = {
		{ .count = 32, .size = 64 * KIB },
		{ .count = 8, .size = 64 * KIB, .kind = BO_SHARED }
	};
	struct client_config config = { .vms = 2, .seed = 9, .specs = specs, .nr_specs = 2 };
	pthread_t threads[5];
	struct client_error err;
	struct client client;
	uint64_t bytes;
	long odd = 0, jobs = 0;
	void *ret;
	int64_t end;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
	    client_submit(&client, 1, 100, &err))
		bail("cannot %s", err.what);
	pthread_create(&threads[0], NULL, keep_writing, CLAIM_FILE);
	pthread_create(&threads[1], NULL, keep_writing, CLAIM_FILE);
	pthread_create(&threads[2], NULL, keep_writing, RECLAIM_FILE);
	end = now_ns() + knob("SECONDS", 10) * NSEC / 2;
	while (now_ns() < end && !client_submit(&client, 1, 100, &err))
		jobs++;
	ok_jobs(now_ns() >= end, "jobs go on beside claims and reclaims (%ld)", jobs);
	pthread_create(&threads[3], NULL, keep_binding, &client);
	sleep(knob("SECONDS", 10) / 2);
	atomic_store(&stop, true);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &ret);
		odd += (long)ret;
	}
	ok(!odd, "concurrent binds: each write returns a documented result (%ld do not)", odd);
	ok(!client_verify(&client, CLIENT_CPU, &bytes, &err),
	   "the data is intact, read by the CPU");
	ok(!client_verify(&client, CLIENT_CHECK, &bytes, &err),
	   "the data is intact, read by the GPU");
	client_fini(&client);
}

/* Who is claimed for ends meanwhile */
static void test_exiting(void)
{
	int odd = 0;

	for (int i = 0; i < 10; i++) {
		struct peer *peer = peer_start("-b64x64K", NULL);
		pid_t pid = peer->pid;
		int ret;

		reclaim(pid);
		if (i & 1)
			kill(pid, SIGKILL);
		else
			peer_send(peer, "quit");
		do {
			ret = claim(pid, 0);
		} while (!ret);
		odd += ret != -ESRCH;
		peer_kill(peer);
	}
	ok(!odd, "writes to a client that exits succeed, then return ESRCH");
}

int main(void)
{
	tap_start();
	test_who();
	test_all();
	test_order();
	test_isolation();
	test_shared();
	test_mapped();
	test_charged();
	test_low_memory();
	test_exiting();
	test_together();
	return tap_end();
}
