// SPDX-License-Identifier: GPL-2.0
/*
 * Amounts and claims where something is in the way: swap that a cgroup may not use, memory that
 * nobody used for long, a target that dies.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "fdinfo.h"
#include "party.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define GROUP "amounts"
#define MIB (1UL << 20)
#define DEAD_BOS 48

static int ask(const char *file, pid_t pid, const char *amount)
{
	char text[64];
	ssize_t ret;

	snprintf(text, sizeof(text), "%d %s", pid, amount);
	ret = write_file(file, text, strlen(text));
	return ret < 0 ? ret : 0;
}

static void shrink(void)
{
	if (shrink_pages(ALL_PAGES) < 0)
		bail("cannot have the shrinker run");
}

/* All of it is evicted, in RAM, and may not go to swap */
static void test_cgroup(void)
{
	struct peer *peer;
	int part, all;

	cgroup_make(GROUP);
	cgroup_enter(GROUP);
	peer = peer_start("-b16x256K", NULL);
	cgroup_enter(NULL);
	shrink();
	cgroup_set(GROUP, "memory.swap.max", "0");
	part = ask(RECLAIM_FILE, peer->pid, "1M");
	all = reclaim(peer->pid);
	ok(part == -ENOSPC && all == -ENOSPC,
	   "already evicted, no swap left for its cgroup: ENOSPC (%d, %d)", part, all);
	peer_quit(peer);
	cgroup_remove(GROUP);
}

/* What may not go to swap does not count for an amount */
static void test_starved(void)
{
	struct fdinfo after;
	struct party *one;
	int ret;

	cgroup_make(GROUP);
	cgroup_enter(GROUP);
	one = party_open(NULL, 1);
	for (int i = 0; i < 2; i++)
		if (party_create(one, i, MIB, false, "stuck") || party_bind(one, i, 0) ||
		    party_fill(one, i))
			bail("no buffer");
	cgroup_enter(NULL);
	shrink();
	cgroup_set(GROUP, "memory.swap.max", "0");
	for (int i = 2; i < 4; i++)
		if (party_create(one, i, MIB, false, "free") || party_bind(one, i, 0) ||
		    party_fill(one, i))
			bail("no buffer");
	ret = ask(RECLAIM_FILE, getpid(), "1M");
	after = fdinfo_of(getpid());
	ok(!ret && after.in_swap >= 1024,
	   "an amount is taken from what fits in swap (%d, %llu KiB in swap)", ret,
	   (unsigned long long)after.in_swap);
	party_end(one);
	cgroup_remove(GROUP);
}

/* Buffers in no VM are as old as they are, however many of them were evicted */
static void test_order(void)
{
	struct peer *peer = peer_start("-v1", "-b4x1M:private:later", "-b4x1M:unused:first", NULL);
	struct trace *trace;
	int first = 0, later = 0;

	if (!peer_do(peer, "submit 1 100"))
		bail("no job");
	usleep(50000);
	trace = trace_start("panthor", NULL);
	for (int i = 0; i < 4; i++)
		if (ask(RECLAIM_FILE, peer->pid, "1M"))
			bail("nothing is evicted");
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		if (!event_is(&trace->events[i], "panthor_bo_evict"))
			continue;
		first += event_says(&trace->events[i], "label", "first");
		later += event_says(&trace->events[i], "label", "later");
	}
	ok(first == 4 && !later, "the least recently used BOs are evicted first (%d and %d)", first,
	   later);
	trace_free(trace);
	peer_quit(peer);
}

/* Labels of what a write for @bytes of our own evicts, those of one letter */
static const char *evicted_by(const char *bytes)
{
	struct trace *trace = trace_start("panthor:panthor_bo_evict", NULL);
	static char letters[64];
	size_t nr = 0;

	if (ask(RECLAIM_FILE, getpid(), bytes))
		bail("nothing is evicted");
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events && nr < sizeof(letters) - 1; i++) {
		const char *label = strstr(trace->events[i].text, " label=");

		if (label && label[7] && !label[8])
			letters[nr++] = label[7];
	}
	letters[nr] = '\0';
	trace_free(trace);
	return letters;
}

/* In a VM what was swapped in is younger than what was not evicted, however old its mapping is */
static void test_swapped_in(void)
{
	struct party *one = party_open(NULL, 1);
	const char *letters;

	for (int i = 0; i < 4; i++) {
		char label[2] = { 'a' + i, '\0' };

		if (party_create(one, i, 64 * 1024, true, label) || party_fill(one, i) ||
		    party_bind(one, i, 0))
			bail("no buffer");
	}
	letters = evicted_by("128K");
	ok(!strcmp(letters, "ab"), "what was mapped first is evicted first (%s)", letters);
	/* The job that looks at one has all of the VM swapped in */
	if (party_check(one, 0, 0))
		bail("lost data");
	letters = evicted_by("1G");
	ok(!strncmp(letters, "cd", 2) && strlen(letters) == 4,
	   "then what was not swapped in since (%s)", letters);
	party_end(one);
}

/*
 * In no VM or in several: one group, as recent as the most recent of them. Its BO in two VMs is as
 * recent as the last job of either, and so are the others
 */
static void test_group(void)
{
	struct party *one = party_open(NULL, 3);
	const char *letters;

	for (int i = 0; i < 3; i++) {
		char label[2] = { 'a' + i, '\0' };

		if (party_create(one, i, 64 * 1024, false, label) || party_fill(one, i))
			bail("no buffer");
	}
	/* a: in VM 0, b: in VMs 1 and 2, c: in none */
	if (party_bind(one, 0, 0) || party_bind(one, 1, 1) || party_bind(one, 1, 2) ||
	    party_check(one, 1, 1) || party_check(one, 0, 0) || party_check(one, 1, 2))
		bail("no job");
	letters = evicted_by("1G");
	ok(*letters == 'a' && strlen(letters) == 3,
	   "a VM goes before BOs in several, of which one had a later job (%s)", letters);
	party_end(one);
}

static void *claim_main(void *arg)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", *(pid_t *)arg);
	write_file(CLAIM_FILE, text, strlen(text));
	return NULL;
}

/* Nothing is swapped in for the dead */
static void test_dead(void)
{
	struct peer *peer = peer_start("-b48x2M", NULL);
	const struct event *dead;
	pid_t pid = peer->pid;
	struct trace *trace;
	pthread_t thread;
	int after = 0;

	if (reclaim(pid))
		bail("nothing is evicted");
	trace = trace_start("panthor", NULL);
	if (pthread_create(&thread, NULL, claim_main, &pid))
		bail("no thread");
	if (!trace_wait(trace, "panthor_bo_swapin", 1))
		bail("no claim");
	peer_kill(peer);
	/* Its files are closed by then */
	trace_mark(trace, "dead");
	pthread_join(thread, NULL);
	trace_stop(trace);
	dead = trace_marked(trace, "dead");
	for (const struct event *event = dead; event < trace->events + trace->nr_events; event++)
		after += event_is(event, "panthor_bo_swapin");
	ok(after <= 1, "of %d buffers, %d are swapped in after their process has exited", DEAD_BOS,
	   after);
	trace_free(trace);
}

int main(void)
{
	tap_start();
	test_cgroup();
	test_starved();
	test_order();
	test_swapped_in();
	test_group();
	test_dead();
	return tap_end();
}
