// SPDX-License-Identifier: GPL-2.0
/*
 * What a resource manager without debugfs relies on: it may say how much it wants, gets what was
 * used longest ago and not much more, and fdinfo tells what can go and what went.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "client.h"
#include "fdinfo.h"
#include "party.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define MAX_BOS 256

/* A new client in this process, with data in all of it */
static void start(struct client *client, unsigned int vms, const struct bo_spec *specs,
		  unsigned int nr_specs)
{
	struct client_config config = {
		.vms = vms, .seed = 5, .specs = specs, .nr_specs = nr_specs
	};
	struct client_error err;

	if (client_init(client, &config, &err) || client_fill(client, CLIENT_CPU, &err))
		bail("cannot %s", err.what);
}

static bool intact(struct client *client)
{
	struct client_error err;
	uint64_t bytes;

	return !client_verify(client, CLIENT_CPU, &bytes, &err);
}

static void test_text(void)
{
	/* %d is the client */
	static const struct {
		const char *text;
		int want;
	} table[] = {
		{ "%d 1", 0 },
		{ "%d 64K", 0 },
		{ "%d 64k\n", 0 },
		{ "%d \t  1m", 0 },
		{ "%d\t1", 0 },
		{ "%d 0x1000", 0 },
		{ "%d 0x1e", 0 },
		{ "%d 0x1eK", 0 },
		{ "%d 0100", 0 },
		{ "%d 1G", 0 },
		{ "%d 1T", 0 },
		{ "%d 1P", 0 },
		{ "%d 15E", 0 },
		{ "%d 18446744073709551615", 0 },
		{ "%d 16E", -ERANGE },
		{ "%d 18446744073709551616", -ERANGE },
		{ "%d 18014398509481984K", -ERANGE },
		{ "%d 99999999999999999999999M", -ERANGE },
		{ "%d 0", -EINVAL },
		{ "%d 0K", -EINVAL },
		{ "%d ", -EINVAL },
		{ "%d  K", -EINVAL },
		{ "%d K", -EINVAL },
		{ "%d 1KK", -EINVAL },
		{ "%d 1 K", -EINVAL },
		{ "%d 1KiB", -EINVAL },
		{ "%d 1.5M", -EINVAL },
		{ "%d -1", -EINVAL },
		{ "%d +1", -EINVAL },
		{ "%d 1 ", -EINVAL },
		{ "%d 1 2", -EINVAL },
		{ "%d 1\n\n", -EINVAL },
		{ "%d 1\nK", -EINVAL },
		{ "%d\n1", -EINVAL },
		{ "%d\n 1", -EINVAL },
		{ "%d 08", -EINVAL },
		{ "%d 0x", -EINVAL },
		{ "%d 0xK", -EINVAL },
		{ "%d,1", -EINVAL },
		{ " %d 1", -EINVAL },
		{ "x 1", -EINVAL },
		{ "2147483648 1", -ERANGE },
		{ "2147483648 x", -ERANGE },
		{ "2147483647 1", -ESRCH },
		{ "2147483647 x", -EINVAL },
		{ "1 1M", -ESRCH },
	};
	struct peer *peer = peer_start("-b4x64K", NULL);
	int wrong = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *mark = strstr(table[i].text, "%d");
		char text[64];
		int got;

		if (mark)
			snprintf(text, sizeof(text), "%.*s%d%s", (int)(mark - table[i].text),
				 table[i].text, peer->pid, mark + 2);
		else
			snprintf(text, sizeof(text), "%s", table[i].text);
		got = reclaim_text(text);
		if (got != table[i].want) {
			wrong++;
			diag("\"%s\": %d instead of %d", text, got, table[i].want);
		}
	}
	ok(!wrong, "%zu inputs of TGID and BYTES return the documented result",
	   sizeof(table) / sizeof(table[0]));
	ok(peer_do(peer, "verify cpu"), "the client's data is intact");
	peer_quit(peer);
}

/* The account of a write of @bytes, and what it evicted, in order */
struct account {
	int ret;
	uint64_t goal, evicted;
	int bos;
	uint64_t sizes[MAX_BOS];
	int vms[MAX_BOS];
	char labels[MAX_BOS][32];
};

static void account_bo(struct account *account, const struct event *event)
{
	const char *label = strstr(event->text, "label=");

	if (account->bos == MAX_BOS)
		bail("more BOs than this test looks at");
	account->sizes[account->bos] = event_value(event, "size");
	account->vms[account->bos] = event_value(event, "vm_id");
	snprintf(account->labels[account->bos++], 32, "%s", label ? label + strlen("label=") : "");
}

static struct account account_of(pid_t tgid, uint64_t bytes)
{
	struct trace *trace = trace_start("panthor", NULL);
	struct account account = {};
	const struct event *end;

	account.ret = reclaim_some(tgid, bytes);
	trace_stop(trace);
	end = trace_end(trace);
	account.evicted = event_value(end, "evicted");
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (!event_has(event, "id") || event_value(event, "id") != event_value(end, "id"))
			continue;
		if (event_is(event, "panthor_reclaim_begin"))
			account.goal = event_value(event, "goal");
		if (event_is(event, "panthor_bo_evict"))
			account_bo(&account, event);
	}
	trace_free(trace);
	return account;
}

/* Which of the buffers called "@prefix<number>" went, in order, as "0 1 2 " */
static const char *numbers_of(const struct account *account, const char *prefix)
{
	static char text[MAX_BOS * 4];

	*text = '\0';
	for (int i = 0; i < account->bos; i++)
		if (!strncmp(account->labels[i], prefix, strlen(prefix)))
			sprintf(text + strlen(text), "%d ",
				atoi(account->labels[i] + strlen(prefix)));
	return text;
}

static void test_goal(void)
{
	static const struct bo_spec specs[] = {
		{ .count = 12, .size = 64 * KIB, .label = "goal-%i" },
		{ .count = 2, .size = MIB, .label = "large-%i" },
	};
	static const uint64_t goals[] = { 1,	     4 * KIB,	64 * KIB, 64 * KIB + 1,
					  300 * KIB, 512 * KIB, MIB,	  MIB + 1 };
	struct client client;

	start(&client, 1, specs, 2);
	for (size_t g = 0; g < sizeof(goals) / sizeof(goals[0]); g++) {
		struct account account = account_of(getpid(), goals[g]);
		uint64_t last = account.bos ? account.sizes[account.bos - 1] : 0;

		ok(!account.ret && account.goal == goals[g] && account.evicted >= goals[g] &&
			   account.evicted - last < goals[g],
		   "%llu bytes requested: %llu are evicted, %d BOs and no more than needed",
		   (unsigned long long)goals[g], (unsigned long long)account.evicted, account.bos);
		if (!intact(&client))
			bail("data is lost");
	}
	client_fini(&client);
}

static void test_short(void)
{
	static const struct bo_spec spec = { .count = 8, .size = 64 * KIB, .label = "short-%i" };
	struct client client;
	struct account account;

	start(&client, 1, &spec, 1);
	account = account_of(getpid(), 1ULL << 40);
	ok(!account.ret && account.goal == 1ULL << 40 && account.evicted >= 8 * 64 * KIB &&
		   account.evicted < MIB,
	   "a goal above the reclaimable memory: success, goal is %llu in the event",
	   (unsigned long long)account.evicted);
	account = account_of(getpid(), 1ULL << 40);
	ok(!account.ret && !account.evicted,
	   "with nothing left: success, evicted is 0 in the event");
	ok(intact(&client), "the data is intact");
	client_fini(&client);
}

/* What the kernel's own reclaim evicted, and did not write, is nearest to being free RAM */
static void test_unwritten_first(void)
{
	struct peer *peer = peer_start("-b32x64K", NULL);
	struct fdinfo before, after;

	if (shrink_pages(512 * KIB / getpagesize()) < 0)
		bail("cannot have the shrinker run");
	before = fdinfo_of(peer->pid);
	ok(before.in_ram >= 512 && !before.in_swap, "evicted by the shrinker: %llu KiB, all in RAM",
	   (unsigned long long)before.in_ram);
	ok(!reclaim_some(peer->pid, 256 * KIB), "a request of 256K of that client succeeds");
	after = fdinfo_of(peer->pid);
	ok(after.evicted == before.evicted && after.in_swap >= 256 && after.in_swap < 256 + 64 + 1,
	   "it evicts nothing more, and writes %llu KiB", (unsigned long long)after.in_swap);
	ok(!reclaim_some(peer->pid, 64 * KIB + before.in_ram * KIB - 256 * KIB),
	   "a request of 64K more than is left succeeds");
	after = fdinfo_of(peer->pid);
	ok(after.evicted == before.evicted + 64 && !after.in_ram,
	   "it writes all, and evicts one more BO (%llu KiB evicted, %llu in RAM)",
	   (unsigned long long)after.evicted, (unsigned long long)after.in_ram);
	ok(peer_do(peer, "verify cpu"), "the data is intact");
	peer_quit(peer);
}

static void use_vm(struct client *client, int vm)
{
	struct jobs *jobs = &client->jobs[vm];

	if (jobs_spin(jobs, 1000, 0) || jobs_wait(jobs, jobs->point, now_ns() + JOB_PATIENCE))
		bail("no job in VM %d", vm);
}

static void test_vm_order(void)
{
	static const struct bo_spec spec = { .count = 4, .size = 256 * KIB, .label = "vm-%i" };
	static const int uses[][3] = { { 2, 0, 1 }, { 0, 1, 2 }, { 1, 2, 0 } };
	struct client_error err;
	struct client client;

	start(&client, 3, &spec, 1);
	if (client_submit(&client, 1, 0, &err))
		bail("cannot %s", err.what);
	for (int u = 0; u < 3; u++) {
		struct account account;
		int wrong = 0, foremost = 0, next = 0;

		if (client_fill(&client, CLIENT_CPU, &err))
			bail("cannot %s", err.what);
		for (int i = 0; i < 3; i++)
			use_vm(&client, uses[u][i]);
		/* All that the first has, and half of what the second has */
		account = account_of(getpid(), 6 * 256 * KIB);
		for (int i = 0; i < account.bos; i++) {
			int vm = account.vms[i];

			foremost += vm == (int)client.vms[uses[u][0]].id && !next;
			next += vm == (int)client.vms[uses[u][1]].id;
			/* What is in no VM comes between, if it was never used */
			wrong += vm && vm != (int)client.vms[uses[u][0]].id &&
				 vm != (int)client.vms[uses[u][1]].id;
		}
		ok(foremost >= 4 && next >= 1 && !wrong,
		   "VMs used in the order %d %d %d: all of the first is evicted (%d BOs), some of the second (%d), "
		   "none of the last (%d)",
		   uses[u][0], uses[u][1], uses[u][2], foremost, next, wrong);
	}
	ok(intact(&client), "the data is intact");
	client_fini(&client);
}

static void test_bo_order(void)
{
	static const struct bo_spec spec = { .count = 6, .size = 64 * KIB, .label = "bo-%i" };
	struct account account;
	struct client client;

	start(&client, 1, &spec, 1);
	account = account_of(getpid(), 3 * 64 * KIB);
	ok(!strcmp(numbers_of(&account, "bo-"), "0 1 2 "),
	   "in a VM the BOs that were mapped first are evicted first (%s)",
	   numbers_of(&account, "bo-"));
	if (!intact(&client))
		bail("data is lost");
	/* Those that were swapped in by the CPU are mapped by the next job */
	if (bo_unbind(&client.bos[3].bo, &client.vms[0]) ||
	    bo_bind(&client.bos[3].bo, &client.vms[0]))
		bail("cannot bind");
	account = account_of(getpid(), 64 * KIB);
	ok(strcmp(numbers_of(&account, "bo-"), "3 "),
	   "a BO that was mapped again is not evicted (%s)", numbers_of(&account, "bo-"));
	account = account_of(getpid(), 1ULL << 30);
	ok(strstr(numbers_of(&account, "bo-"), "3 ") &&
		   !strcmp(strstr(numbers_of(&account, "bo-"), "3 "), "3 "),
	   "it is evicted last (%s)", numbers_of(&account, "bo-"));
	ok(intact(&client), "the data is intact");
	client_fini(&client);
}

/* fdinfo is what debugfs says, which asks DRM about each BO, and adds up */
static bool agrees(pid_t tgid, const char *when)
{
	struct fdinfo info = fdinfo_of(tgid);
	uint64_t reclaimable = device_sum(tgid, "reclaimable") >> 10;
	uint64_t evicted = device_sum(tgid, "evicted") >> 10;
	bool good = !info.missing && info.clients && info.reclaimable == reclaimable &&
		    info.evicted == evicted && info.in_swap + info.in_ram == evicted &&
		    info.evictions == device_sum(tgid, "evictions") &&
		    info.swapins == device_sum(tgid, "swapins");

	if (!good)
		diag("%s: %d clients, %d keys missing, reclaimable %llu (%llu), "
		     "evicted %llu (%llu) = %llu + %llu",
		     when, info.clients, info.missing, (unsigned long long)info.reclaimable,
		     (unsigned long long)reclaimable, (unsigned long long)info.evicted,
		     (unsigned long long)evicted, (unsigned long long)info.in_swap,
		     (unsigned long long)info.in_ram);
	return good;
}

static bool about(long kb, uint64_t kib)
{
	return labs(kb - (long)kib) <= 512 + (long)kib / 20;
}

static void test_fdinfo_states(void)
{
	struct peer *peer = peer_start("-v2", "-b64x64K", "-b4x256K:shared", "-b4x64K:unused",
				       "-b4x64K:mmap", NULL);
	struct fdinfo info, half;
	long swap_free, shmem;

	ok(agrees(peer->pid, "new"), "a new client: fdinfo and debugfs agree");
	if (!peer_do(peer, "submit 1 100"))
		bail("%s", peer->line);
	ok(agrees(peer->pid, "used"), "with jobs, and BOs pinned for them: they agree");
	info = fdinfo_of(peer->pid);
	ok(info.has_resident && !info.evicted && !info.evictions && !info.swapins,
	   "nothing is evicted yet");

	swap_free = meminfo("SwapFree");
	ok(!reclaim_some(peer->pid, 2 * MIB) && agrees(peer->pid, "half"),
	   "2 MiB evicted: they agree");
	half = fdinfo_of(peer->pid);
	ok(half.evicted >= 2048 && info.reclaimable - half.reclaimable == half.evicted,
	   "the evicted memory (%llu KiB) was reclaimable before",
	   (unsigned long long)half.evicted);
	ok(half.in_swap == half.evicted && about(swap_free - meminfo("SwapFree"), half.in_swap),
	   "SwapFree is down by it");

	ok(!reclaim(peer->pid) && agrees(peer->pid, "all"), "all evicted: they agree");
	info = fdinfo_of(peer->pid);
	ok(!info.missing && !info.reclaimable && info.evicted > half.evicted,
	   "fdinfo has all keys, and nothing is reclaimable");
	diag("drm-resident-memory is %s", info.has_resident ? "there" : "not there");
	ok(peer_do(peer, "verify cpu"), "the CPU swaps it in");
	ok(agrees(peer->pid, "swapped in"), "they agree");
	ok(peer_do(peer, "submit 1 100") && agrees(peer->pid, "all back"),
	   "swapped in by a job: they agree");
	info = fdinfo_of(peer->pid);
	ok(!info.evicted && !info.in_swap && !info.in_ram && info.swapins == info.evictions,
	   "fdinfo counts %llu evictions, %llu swap-ins", (unsigned long long)info.evictions,
	   (unsigned long long)info.swapins);
	shmem = meminfo("Shmem");
	ok(peer_do(peer, "unbind") && agrees(peer->pid, "unbound"), "unmapped: they agree");
	ok(!reclaim(peer->pid) && agrees(peer->pid, "unbound, evicted"),
	   "unmapped and evicted: they agree");
	info = fdinfo_of(peer->pid);
	ok(about(shmem - meminfo("Shmem"), info.in_swap), "Shmem is down by what is written");
	peer_quit(peer);
}

/* drm-resident-memory is printed while some BO of the file is resident; ours are always */
static void test_vanishing(void)
{
	struct fdinfo info;
	struct bo bo = {};
	struct gpu gpu;

	if (gpu_open(&gpu, NULL))
		bail("no device");
	info = fdinfo_of_fd(gpu.fd);
	ok(info.clients == 1 && !info.missing && !info.has_resident,
	   "without a BO: all keys except drm-resident-memory");
	if (bo_create(&gpu, &bo, 64 * KIB, 0, NULL) || bo_map(&bo))
		bail("no buffer");
	info = fdinfo_of_fd(gpu.fd);
	ok(!info.missing && !info.has_resident && !info.reclaimable,
	   "with an unused BO: all keys except drm-resident-memory");
	memset(bo.map, 1, bo.size);
	info = fdinfo_of_fd(gpu.fd);
	ok(info.has_resident && info.resident == 64 && info.reclaimable == 64,
	   "with a used BO: all keys");
	if (reclaim(getpid()))
		bail("cannot reclaim");
	info = fdinfo_of_fd(gpu.fd);
	ok(!info.missing && !info.has_resident && !info.reclaimable && info.evicted == 64,
	   "with an evicted BO: all keys except drm-resident-memory");
	bo_destroy(&bo);
	info = fdinfo_of_fd(gpu.fd);
	ok(!info.missing && !info.evicted && !info.in_swap && info.evictions == 1,
	   "a BO freed while evicted no longer counts as evicted");
	gpu_close(&gpu);
}

static void test_shared(void)
{
	struct party *other = party_fork(NULL, 1), *one = party_open(NULL, 1);
	pid_t them = party_pid(other);
	struct fdinfo info;
	int fd;

	if (party_create(one, 0, MIB, false, "export") || party_bind(one, 0, 0) ||
	    party_fill(one, 0))
		bail("no buffer");
	ok(fdinfo_of(getpid()).reclaimable == 1024, "a BO of 1 MiB counts as reclaimable");
	fd = party_export(one, 0);
	if (fd < 0)
		bail("cannot export");
	ok(!fdinfo_of(getpid()).reclaimable, "an exported BO does not");
	if (party_import(other, 0, fd, MIB) || party_bind(other, 0, 0))
		bail("cannot import");
	ok(!fdinfo_of(getpid()).reclaimable && !fdinfo_of(them).reclaimable,
	   "a BO imported by another process counts for neither");
	close(fd);
	party_unbind(other, 0, 0);
	party_close(other, 0);
	info = fdinfo_of(getpid());
	ok(!info.reclaimable,
	   "after that process closed it, it does not: DRM still has the dma-buf");
	party_close(one, 0);
	info = fdinfo_of(getpid());
	ok(info.reclaimable == 1024, "with no handle left, but mapped, it counts again (%llu KiB)",
	   (unsigned long long)info.reclaimable);
	ok(!reclaim(getpid()) && !fdinfo_of(getpid()).reclaimable &&
		   fdinfo_of(getpid()).evicted == 1024,
	   "it is evicted");
	ok(!party_check(one, 0, 0), "its data is intact");
	party_end(one);
	party_end(other);
}

/* Passed by its name it is shared, but only a request asks DRM who has a handle */
static void test_named(void)
{
	struct party *other, *one;
	uint64_t reclaimable;
	struct gpu gpu;
	char card[64];
	pid_t them;

	if (gpu_open(&gpu, NULL) || gpu_node(&gpu, true, card, sizeof(card)))
		bail("no card node");
	gpu_close(&gpu);
	other = party_fork(card, 1);
	one = party_open(card, 1);
	them = party_pid(other);
	if (party_create(one, 0, MIB, false, "named") || party_bind(one, 0, 0) ||
	    party_fill(one, 0) || party_pass(one, other, 0))
		bail("cannot pass it by its name");
	reclaimable = fdinfo_of(getpid()).reclaimable;
	ok(reclaimable == 1024 && !fdinfo_of(them).reclaimable,
	   "passed by its name it counts as reclaimable for who created it (%llu KiB)",
	   (unsigned long long)reclaimable);
	ok(!reclaim(getpid()) && !reclaim(them) && !fdinfo_of(getpid()).evicted,
	   "and a request for either skips it");
	party_end(one);
	party_end(other);
}

/* A BO that is another's alone moves to its account with the request that finds out */
static void test_moved(void)
{
	struct party *other = party_fork(NULL, 1), *one = party_open(NULL, 1);
	pid_t them = party_pid(other);
	int fd;

	if (party_create(one, 0, MIB, false, "moved") || party_fill(one, 0))
		bail("no buffer");
	fd = party_export(one, 0);
	if (fd < 0 || party_import(other, 0, fd, MIB) || party_bind(other, 0, 0))
		bail("cannot hand it over");
	close(fd);
	party_unmap(one, 0);
	party_close(one, 0);
	ok(!reclaim(them), "a BO passed to another process is evicted for that one");
	ok(!fdinfo_of(getpid()).evicted && fdinfo_of(them).evicted == 1024 &&
		   fdinfo_of(them).in_swap == 1024,
	   "it counts for that process only");
	ok(!party_check(other, 0, 0) && !fdinfo_of(them).evicted && !fdinfo_of(getpid()).evicted,
	   "swapped in, it counts for neither");
	party_end(one);
	party_end(other);
}

/* The kernel writes what is evicted, and swap is turned off, and nobody is told */
static void test_behind_our_back(void)
{
	struct fdinfo info;
	struct peer *peer;
	long swap_free;

	cgroup_make("manager");
	cgroup_enter("manager");
	peer = peer_start("-b160x64K", NULL);
	cgroup_enter(NULL);
	if (shrink_pages(2560) < 0)
		bail("cannot have the shrinker run");
	info = fdinfo_of(peer->pid);
	ok(info.evicted >= 9 * 1024 && !info.in_swap && agrees(peer->pid, "shrinker"),
	   "evicted by the shrinker: %llu KiB, all in RAM", (unsigned long long)info.evicted);
	swap_free = meminfo("SwapFree");
	write_file("/sys/fs/cgroup/manager/memory.reclaim", "6M", 2);
	swap_free -= meminfo("SwapFree");
	for (int i = 0; i < 7; i++)
		info = fdinfo_of(peer->pid);
	diag("SwapFree -%ld kB, in swap %llu KiB, in RAM %llu KiB", swap_free,
	     (unsigned long long)info.in_swap, (unsigned long long)info.in_ram);
	ok(info.in_swap >= 1024 && info.in_swap + info.in_ram == info.evicted &&
		   swap_free >= (long)info.in_swap,
	   "written by the kernel's own reclaim: fdinfo shows it within seven reads, for 160 BOs");
	ok(!reclaim(peer->pid), "a write evicts and writes the rest");
	info = fdinfo_of(peer->pid);
	ok(!info.in_ram && info.in_swap == info.evicted, "all of it is written");
	set_swap(ZRAM, false);
	for (int i = 0; i < 8; i++)
		info = fdinfo_of(peer->pid);
	ok(!info.in_swap && info.in_ram == info.evicted && info.evicted,
	   "after swapoff fdinfo shows within eight reads that all is in RAM (%llu KiB in swap)",
	   (unsigned long long)info.in_swap);
	set_swap(ZRAM, true);
	ok(peer_do(peer, "verify cpu") && agrees(peer->pid, "back"), "the data is intact");
	peer_quit(peer);
	cgroup_remove("manager");
}

int main(void)
{
	tap_start();
	test_text();
	test_goal();
	test_short();
	test_unwritten_first();
	test_vm_order();
	test_bo_order();
	test_fdinfo_states();
	test_vanishing();
	test_shared();
	test_named();
	test_moved();
	test_behind_our_back();
	return tap_end();
}
