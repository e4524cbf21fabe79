// SPDX-License-Identifier: GPL-2.0
/*
 * The event gpu_mem_total: it says what is resident, of each process and of the device.
 *
 * OPERATIONS=N at random by several clients (60)
 */
#include <stdlib.h>
#include <sys/types.h>

#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

/* Operations between two looks at the totals: no trace of them gets too long */
#define LOOK_EVERY 300

static int64_t last_total(const struct trace *trace, pid_t pid)
{
	int64_t size = -1;

	for (int i = 0; i < trace->nr_events; i++)
		if (event_has(&trace->events[i], "pid") &&
		    event_value(&trace->events[i], "pid") == pid)
			size = event_value(&trace->events[i], "size");
	return size;
}

/* What the table in debugfs says is resident of process @pid */
static void check_totals(struct trace *trace, struct peer **peers, int count)
{
	struct gem_sum sum = gem_sum(0, "");

	trace_stop(trace);
	ok(last_total(trace, 0) == (int64_t)sum.resident,
	   "the last of %d gpu_mem_total of the device is the resident memory (%lld, %llu)",
	   trace->nr_events, (long long)last_total(trace, 0), (unsigned long long)sum.resident);
	for (int i = 0; i < count; i++) {
		pid_t pid = peers[i]->pid;

		sum = gem_sum(pid, "");
		sum.resident -= sum.firmware;
		ok(last_total(trace, pid) == (int64_t)sum.resident &&
			   device_sum(pid, "resident") == sum.resident,
		   "the last one of client %d is its resident memory, as in the table (%lld, %llu, %lld)",
		   i, (long long)last_total(trace, pid), (unsigned long long)sum.resident,
		   (long long)device_sum(pid, "resident"));
	}
	trace_free(trace);
}

static void random_move(struct peer *peer, bool *bound)
{
	static const char *const moves[] = {
		"verify cpu", "verify check", "fill gpu", "submit 2 200", "fill cpu",
	};

	if (!*bound || !(random() & 3)) {
		*bound = !*bound;
		peer_send(peer, *bound ? "bind" : "unbind");
	} else {
		peer_send(peer, "%s", moves[random() % 5]);
	}
}

/* @count operations by three clients at once, and requests for them and for a fourth; failures */
static int random_moves(struct peer **peers, struct peer *fourth, bool *bound, long count)
{
	int failed = 0;

	for (; count > 0; count -= 3) {
		for (int i = 0; i < 3; i++)
			random_move(peers[i], &bound[i]);
		reclaim(peers[random() % 3]->pid);
		if (random() & 1)
			reclaim(fourth->pid);
		else
			failed += shrink_pages(64) < 0;
		for (int i = 0; i < 3; i++)
			failed += !peer_answer(peers[i]);
	}
	return failed;
}

/*
 * Everything that changes how much GPU memory there is, by several at once; what the event said
 * last must be what there is, as often as one looks
 */
static void test_total(void)
{
	struct trace *trace = trace_start("gpu_mem:gpu_mem_total", NULL);
	long operations = knob("OPERATIONS", 60);
	struct peer *peers[3], *gone;
	bool bound[3] = { true, true, true };
	int failed = 0;

	srandom(knob("SEED", 1));
	for (int i = 0; i < 3; i++)
		peers[i] = peer_start("-v2", "-b8x64K", "-b2x64K:shared", "-b2x64K:mmap",
				      "-b2x64K:unused", NULL);
	gone = peer_start("-b8x64K", NULL);
	for (long left = operations; left > LOOK_EVERY; left -= LOOK_EVERY) {
		failed += random_moves(peers, gone, bound, LOOK_EVERY);
		check_totals(trace, peers, 3);
		trace = trace_start("gpu_mem:gpu_mem_total", NULL);
	}
	failed += random_moves(peers, gone, bound, (operations - 1) % LOOK_EVERY + 1);
	failed += !peer_do(peers[0], "destroy-vm 1");
	peer_kill(gone);
	reclaim(peers[1]->pid);
	failed += !peer_do(peers[1], "verify cpu");
	check_totals(trace, peers, 3);
	ok(!failed, "three clients make %ld random operations at once", operations);
	for (int i = 0; i < 3; i++)
		peer_quit(peers[i]);
}

int main(void)
{
	tap_start();
	test_total();
	return tap_end();
}
