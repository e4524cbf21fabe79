// SPDX-License-Identifier: GPL-2.0
/*
 * Data survives: every byte of every buffer is looked at after eviction and return, by the CPU and
 * by the GPU, while three sources reclaim at once.
 *
 * SECONDS_STORM=N how long the storm lasts (5)
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "pattern.h"
#include "peer.h"
#include "pressure.h"
#include "reclaim.h"
#include "tap.h"

#define PEERS 3

static const char *const ways[] = { "cpu", "gpu", "check" };

/* What all the rest relies on: a wrong byte is found, by each of the ways to look */
static void test_wrong_byte(void)
{
	static const struct bo_spec spec = { .count = 2, .size = 65536 };
	const struct client_config config = { .vms = 1, .seed = 8, .specs = &spec, .nr_specs = 1 };
	struct client_error err;
	struct client client;
	uint64_t bytes;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
	    bo_map(&client.bos[1].bo))
		bail("no client");
	for (enum client_how how = CLIENT_CPU; how <= CLIENT_CHECK; how++) {
		unsigned char *page = (unsigned char *)client.bos[1].bo.map + 65536 - PATTERN_PAGE;
		/* This one looks at a line of each page only */
		size_t step = how == CLIENT_CHECK ? PATTERN_LINE : PATTERN_PAGE;

		for (size_t at = step; at <= PATTERN_PAGE; at += step)
			page[at - 1] ^= 1;
		ok(client_verify(&client, how, &bytes, &err) == -EILSEQ &&
			   err.bo == &client.bos[1] && err.offset >= 65536 - PATTERN_PAGE,
		   "%s finds a wrong bit in the last byte, and its offset", ways[how]);
		for (size_t at = step; at <= PATTERN_PAGE; at += step)
			page[at - 1] ^= 1;
		ok(!client_verify(&client, how, &bytes, &err),
		   "no error is found once the bit is restored");
	}
	client_fini(&client);
}

/* All kinds of buffers, in two VMs, of sizes that are one page, a huge page, and neither */
static struct peer *start_peer(const char *name, const char *large)
{
	return peer_start("-v2", "-b8x4K:private:small-%i", "-b2x196K:private:odd-%i", large,
			  "-b4x64K:shared", "-b4x64K:mmap", "-b4x64K:unused", "-n", name, NULL);
}

static void test_ways(void)
{
	struct peer *peer = start_peer("ways", "-b1x2M:private:huge-%i");
	struct gem_sum before, after;

	for (int fill = 0; fill < 2; fill++)
		for (int way = 0; way < 3; way++) {
			if (!peer_do(peer, "fill %s", ways[fill]))
				bail("cannot fill");
			before = gem_sum(peer->pid, "");
			ok(!reclaim(peer->pid), "filled by %s: all buffers are evicted",
			   ways[fill]);
			after = gem_sum(peer->pid, "");
			ok(after.evictions - before.evictions >= 34,
			   "buffers of all kinds are evicted (%llu evictions)",
			   (unsigned long long)(after.evictions - before.evictions));
			ok(peer_do(peer, "verify %s", ways[way]), "the data is intact, read by %s",
			   ways[way]);
		}
	ok(peer_quit(peer), "the client exits with success");
}

/* A page that the GPU wrote, evicted, written by the CPU, evicted, read by the GPU */
static void test_ping_pong(void)
{
	struct peer *peer = peer_start("-b16x64K", "-fnone", NULL);
	bool intact = true;

	for (int i = 0; i < 10 && intact; i++) {
		intact = peer_do(peer, "fill %s", ways[i & 1]);
		reclaim(peer->pid);
		intact = intact && peer_do(peer, "verify %s", ways[(i + 1) % 3]);
		reclaim(peer->pid);
	}
	ok(intact, "CPU and GPU write and read in turn, with an eviction in between each time");
	peer_quit(peer);
}

static struct peer *peers[PEERS];
static atomic_bool over;
static atomic_int writes, odd;

/* So that the clients get somewhere, too, however slow this machine is */
static void pause_since(int64_t start, useconds_t least)
{
	useconds_t took = (now_ns() - start) / 1000;

	usleep(took > least ? took : least);
}

static void *writer_main(void *arg)
{
	unsigned int turn = (uintptr_t)arg;

	while (!over) {
		int64_t start = now_ns();
		int ret = reclaim(peers[turn++ % PEERS]->pid);

		writes++;
		if (ret && ret != -EBUSY && ret != -ENOSPC && !odd++)
			diag("a write returned %d (%s)", ret, strerror(-ret));
		pause_since(start, 20000);
	}
	return NULL;
}

/* The shrinker, asked for a few hundred pages at a time */
static void *shrinker_main(void *arg)
{
	(void)arg;
	while (!over) {
		int64_t start = now_ns();

		shrink_pages(256);
		pause_since(start, 2000);
	}
	return NULL;
}

static void test_storm(void)
{
	int64_t until = now_ns() + knob("SECONDS_STORM", 5) * NSEC;
	pthread_t threads[3];
	int verified = 0, bad = 0, wrong = 0, rounds = 0;
	unsigned long long evictions;
	pid_t pressure;
	bool pressed;

	for (int i = 0; i < PEERS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "storm%d", i);
		peers[i] = start_peer(name, "-b1x300K:private:large-%i");
	}
	/* One with jobs under way all the time */
	if (!peer_do(peers[0], "loop 0 2000"))
		bail("no loop");

	evictions = gem_sum(0, "").evictions;
	pressure = pressure_start(64);
	pthread_create(&threads[0], NULL, writer_main, (void *)0);
	pthread_create(&threads[1], NULL, writer_main, (void *)1);
	pthread_create(&threads[2], NULL, shrinker_main, NULL);
	do {
		for (int i = 0; i < PEERS; i++) {
			const char *how = ways[(rounds + i) % 3];

			if (rounds % 3 == 2)
				bad += !peer_do(peers[i], "fill %s", ways[i & 1]);
			bad += !peer_do(peers[i], "verify %s", how);
			wrong += !!strstr(peers[i]->line, "wrong data");
			verified++;
		}
		rounds++;
	} while (now_ns() < until || rounds < 3);
	over = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pressed = !waitpid(pressure, NULL, WNOHANG);
	if (pressed) {
		kill(pressure, SIGKILL);
		waitpid(pressure, NULL, 0);
	}
	evictions = gem_sum(0, "").evictions - evictions;

	diag("%d verifications, %d writes, %llu evictions", verified, writes, evictions);
	if (pressed)
		ok(evictions > (unsigned long long)rounds,
		   "the data is intact under constant memory pressure");
	else
		skip("the process that makes the pressure died",
		     "the data is intact under constant memory pressure");
	ok_jobs(!bad, "what the clients did meanwhile went well");
	ok(!wrong, "two requesters and the shrinker at once: the data is intact every time");
	ok(writes > rounds && !odd, "each write returns a documented result");
	ok_jobs(peer_do(peers[0], "stop"), "and the jobs went well");
	for (int i = 0; i < PEERS; i++) {
		ok(peer_do(peers[i], "verify cpu"), "client %d: the data is intact at the end", i);
		peer_quit(peers[i]);
	}
}

int main(void)
{
	long stale = stale_accesses();

	tap_start();
	test_wrong_byte();
	test_ways();
	test_ping_pong();
	test_storm();
	ok(stale_accesses() == stale, "the GPU never accesses memory through a stale mapping (%ld)",
	   stale_accesses() - stale);
	return tap_end();
}
