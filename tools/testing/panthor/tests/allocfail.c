// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of a request fails once: the write says something that is documented, the next
 * one works, and nothing is lost. Wants a kernel with fault injection.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"

/* A request that needs more allocations than this goes on for ever */
#define MOST 5000

static int fail_nth;

static void set(const char *path, const char *value)
{
	ssize_t ret = write_file(path, value, strlen(value));

	if (ret < 0)
		bail("cannot write %s: %s", path, strerror(-ret));
}

/* Allocations that may sleep too, and no word about it in the log */
static void set_up(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc" };
	char path[100];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/ignore-gfp-wait", kinds[i]);
		set(path, "N");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kinds[i]);
		set(path, "0");
	}
	set("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	set("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
}

static void arm(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(fail_nth, text, len, 0) != len)
		bail("cannot arm fail-nth: %s", strerror(errno));
}

/* Did the failure happen? Disarms it if it did not */
static bool fired(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) <= 0)
		bail("cannot read fail-nth: %s", strerror(errno));
	if (!atoi(text))
		return true;
	arm(0);
	return false;
}

static bool documented(int ret)
{
	switch (ret) {
	case 0:
	case -ENOMEM:
	case -EBUSY:
	case -ENOSPC:
		return true;
	}
	return false;
}

static void test_request(void)
{
	struct peer *peer =
		peer_start("-v2", "-b1x16K", "-b1x8K:shared", "-b1x4K:mmap", "-b1x4K:unused", NULL);
	int fd = open(RECLAIM_FILE, O_WRONLY | O_CLOEXEC);
	int n, odd = 0, lost = 0, failed = 0, stuck = 0;
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", peer->pid);

	if (fd < 0 || !peer_do(peer, "submit 1 0"))
		bail("cannot begin");
	for (n = 1; n < MOST; n++) {
		int ret;
		bool hit;

		arm(n);
		ret = pwrite(fd, text, len, 0) == len ? 0 : -errno;
		hit = fired();
		failed += ret != 0;
		if (!documented(ret) && !odd++)
			diag("allocation %d: %d (%s)", n, ret, strerror(-ret));
		/* And once more, when all is well: what stayed goes now, and says so */
		ret = pwrite(fd, text, len, 0) == len ? 0 : -errno;
		if ((ret || gem_sum(peer->pid, "private-").resident_bos) && !stuck++)
			diag("after the failure of allocation %d: %d (%s)", n, ret, strerror(-ret));
		lost += !peer_do(peer, n & 1 ? "verify cpu" : "verify check");
		if (!hit)
			break;
	}
	ok(n > 3 && n < MOST, "each of %d allocations of a request fails once", n - 1);
	ok(!odd, "each write returns a documented result (%d failed)", failed);
	ok(!stuck, "the next write evicts everything");
	ok(!lost, "no data is lost");
	close(fd);
	ok(peer_quit(peer), "the client exits with success");
}

/* Does a claim say ENOMEM, too, for it and nothing else, and the next one all the rest? */
static void test_claim(void)
{
	struct peer *peer = peer_start("-b4x16K", "-b1x8K:shared", NULL);
	int fd = open(CLAIM_FILE, O_WRONLY | O_CLOEXEC);
	int n, odd = 0, failed = 0, stuck = 0, lost = 0;
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", peer->pid);

	if (fd < 0)
		bail("cannot begin");
	for (n = 1; n < MOST; n++) {
		int ret;
		bool hit;

		if (reclaim(peer->pid))
			bail("nothing is evicted");
		arm(n);
		ret = pwrite(fd, text, len, 0) == len ? 0 : -errno;
		hit = fired();
		failed += ret == -ENOMEM;
		if (ret && ret != -ENOMEM && !odd++)
			diag("allocation %d: %d (%s)", n, ret, strerror(-ret));
		ret = pwrite(fd, text, len, 0) == len ? 0 : -errno;
		if ((ret || gem_sum(peer->pid, "private-").resident_bos != 4) && !stuck++)
			diag("after the failure of allocation %d: %d (%s)", n, ret, strerror(-ret));
		lost += !peer_do(peer, "verify cpu");
		if (!hit)
			break;
	}
	ok(n > 3 && n < MOST, "each of %d allocations of a claim fails once", n - 1);
	ok(!odd && failed, "each claim succeeds or returns ENOMEM (%d)", failed);
	ok(!stuck, "the next claim swaps everything in");
	ok(!lost, "no data of the claimed is lost");
	close(fd);
	peer_quit(peer);
}

static void test_balance(void)
{
	struct peer *peer = peer_start("-b2x8K", "-b1x4K:unused", NULL);
	struct trace *trace = trace_start("panthor", NULL);
	int fd = open(RECLAIM_FILE, O_WRONLY | O_CLOEXEC), n, lost = 0, unbalanced = 0;
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", peer->pid);

	for (n = 1; n < MOST; n++) {
		arm(n);
		if (pwrite(fd, text, len, 0) != len)
			errno = 0;
		lost += !peer_do(peer, "verify cpu");
		if (!fired())
			break;
	}
	close(fd);
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_reclaim_begin"))
			unbalanced += trace_count(trace, "panthor_reclaim_end",
						  event_value(event, "id")) != 1;
		else if (event_is(event, "panthor_vm_reclaim_begin"))
			unbalanced += trace_count(trace, "panthor_vm_reclaim_begin",
						  event_value(event, "id")) !=
				      trace_count(trace, "panthor_vm_reclaim_end",
						  event_value(event, "id"));
	}
	ok(trace->nr_events && !trace->lost && !unbalanced,
	   "with events: every begin has its end, across %d failures (%d have none)", n - 1,
	   unbalanced);
	ok(!lost, "no data is lost");
	trace_free(trace);
	peer_quit(peer);
}

static void test_tables(void)
{
	struct peer *peer = peer_start("-b4x16K", NULL);
	const char *path = device_table();
	char text[4096];
	int n, odd = 0;

	for (n = 1; n < MOST; n++) {
		ssize_t len = -1;
		int fd;

		arm(n);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			len = read(fd, text, sizeof(text));
		if (len < 0 && errno != ENOMEM && !odd++)
			diag("allocation %d: %s", n, strerror(errno));
		/* A table with a line, or no table */
		odd += !len;
		if (fd >= 0)
			close(fd);
		if (!fired())
			break;
	}
	ok(n > 3 && n < MOST, "each of %d allocations of a read of the table fails once", n - 1);
	ok(!odd, "the read returns ENOMEM or the table");
	peer_quit(peer);
}

static void test_open(void)
{
	char node[32];
	struct table *table;
	struct gpu gpu;
	int n, odd = 0;

	if (gpu_open(&gpu, NULL) || gpu_node(&gpu, false, node, sizeof(node)))
		bail("no device");
	gpu_close(&gpu);
	for (n = 1; n < MOST; n++) {
		bool hit;
		int fd;

		arm(n);
		fd = open(node, O_RDWR | O_CLOEXEC);
		/* Upstream's allocator of addresses says ENOSPC when it has no memory */
		if (fd < 0 && errno != ENOMEM && errno != ENOSPC && !odd++)
			diag("allocation %d: %s", n, strerror(errno));
		hit = fired();
		if (fd >= 0)
			close(fd);
		if (!hit)
			break;
	}
	ok(n > 3 && n < MOST, "each of %d allocations of an open of the device fails once", n - 1);
	ok(!odd, "the open returns ENOMEM or succeeds");
	table = table_read(device_table());
	ok(table && !table->nr_rows, "no client is left");
	table_free(table);
}

int main(void)
{
	tap_start();
	fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (fail_nth < 0 || access("/sys/kernel/debug/failslab", F_OK)) {
		skip("this kernel has no fault injection",
		     "every allocation of a request fails once");
		return tap_end();
	}
	set_up();
	test_request();
	test_claim();
	test_balance();
	test_tables();
	test_open();
	return tap_end();
}
