// SPDX-License-Identifier: GPL-2.0
/*
 * Totals while they change. The event gpu_mem_total: it says what is resident, of each process and
 * of the device. And fdinfo: it says what is in swap, page by page.
 *
 * OPERATIONS=N at random by several clients (60)
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "fdinfo.h"
#include "halt.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

/* Operations between two looks at the totals: no trace of them gets too long */
#define LOOK_EVERY 300

/* A BO of one page at most page size, and of several at others */
#define SIZE 65536

/* A busy machine may be too slow to stop somebody in time */
#define TRIES 5

/* Where a page of shmem is assigned its place in swap, and where it is about to be written there */
#define ASSIGNS "folio_alloc_swap"
#define WRITES "swap_writeout"

static int64_t last_total(const struct trace *trace, pid_t pid)
{
	int64_t size = -1;

	for (int i = 0; i < trace->nr_events; i++)
		if (event_has(&trace->events[i], "pid") &&
		    event_value(&trace->events[i], "pid") == pid)
			size = event_value(&trace->events[i], "size");
	return size;
}

/* What the list of all BOs has resident of process @pid; 0: of all, the firmware's included */
static int64_t resident(pid_t pid)
{
	struct gem_sum sum = gem_sum(pid, "");

	return sum.resident - (pid ? sum.firmware : 0);
}

/* The kernel may free a group's BOs later than the group, and so between two looks */
static bool seen_at(int64_t value, const int64_t looks[2])
{
	return value == looks[0] || value == looks[1];
}

/* Before and after the last event, is that what is resident? The table in debugfs has it, too */
static void check_totals(struct trace *trace, struct peer **peers, int count)
{
	int64_t device[2], looks[3][2], table[3];

	for (int look = 0; look < 2; look++) {
		device[look] = resident(0);
		for (int i = 0; i < count; i++) {
			looks[i][look] = resident(peers[i]->pid);
			if (!look)
				table[i] = device_sum(peers[i]->pid, "resident");
		}
		if (!look)
			trace_stop(trace);
	}
	ok(seen_at(last_total(trace, 0), device),
	   "the last of %d gpu_mem_total of the device is the resident memory (%lld, %lld)",
	   trace->nr_events, (long long)last_total(trace, 0), (long long)device[1]);
	for (int i = 0; i < count; i++) {
		int64_t total = last_total(trace, peers[i]->pid);

		ok(seen_at(total, looks[i]) && seen_at(table[i], looks[i]),
		   "the last one of client %d is its resident memory, as in the table (%lld, %lld, %lld)",
		   i, (long long)total, (long long)looks[i][1], (long long)table[i]);
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
	ok_jobs(!failed, "three clients make %ld random operations at once", operations);
	for (int i = 0; i < 3; i++)
		peer_quit(peers[i]);
}

static void use(struct gpu *gpu, struct bo *bo)
{
	need(bo_create(gpu, bo, SIZE, 0, NULL), "create a BO");
	need(bo_map(bo), "map it");
	memset(bo->map, 1, bo->size);
}

/* Takes over a file with a BO, then, when told to, uses a BO of another file */
static void heir(struct gpu *gpu, int in, int out)
{
	struct bo bo, used;
	struct gpu own;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whoever makes an ioctl has the file. Without pages the BO counts for nothing. */
	need(bo_create(gpu, &bo, SIZE, 0, NULL), "create a BO");
	need(gpu_open(&own, NULL), "open the device");
	if (write(out, "", 1) == 1 && read(in, &byte, 1) == 1)
		use(&own, &used);
	if (write(out, "", 1) == 1)
		pause();
	_exit(1);
}

/* What is in a file counts for who has it now, even if the event was off when it was passed on */
static void test_passed_on(void)
{
	int64_t total, table;
	struct trace *trace;
	int to[2], from[2];
	struct gpu gpu;
	struct bo bo;
	pid_t child;
	char byte;

	if (pipe(to) || pipe(from))
		bail("no pipe");
	need(gpu_open(&gpu, NULL), "open the device");
	use(&gpu, &bo);
	child = fork();
	if (!child)
		heir(&gpu, to[0], from[1]);
	if (child < 0 || read(from[0], &byte, 1) != 1)
		bail("no heir");
	trace = trace_start("gpu_mem:gpu_mem_total", NULL);
	if (write(to[1], "", 1) != 1 || read(from[0], &byte, 1) != 1)
		bail("the heir is gone");
	trace_stop(trace);
	total = last_total(trace, child);
	table = device_sum(child, "resident");
	ok(total == 2 * SIZE && table == 2 * SIZE,
	   "a file that was passed on counts for who has it now (%lld, table %lld)",
	   (long long)total, (long long)table);
	trace_free(trace);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	bo_unmap(&bo);
	gpu_close(&gpu);
}

static void write_own(void *arg)
{
	*(int *)arg = reclaim(getpid());
}

/* While a request is stopped at a page: fdinfo, KiB of swap that it has taken, pages written */
struct halfway {
	struct fdinfo info;
	long taken, written;
};

/* Was it stopped there, and does fdinfo have what is taken? Others may give swap back meanwhile */
static bool stop_at(const char *function, struct halfway *seen)
{
	struct halt halt;
	struct gpu gpu;
	struct bo bo;
	int ret = 0;
	bool stood;

	need(gpu_open(&gpu, NULL), "open the device");
	need(bo_create(&gpu, &bo, SIZE, 0, NULL), "create a BO");
	need(bo_map(&bo), "map it");
	memset(bo.map, 1, bo.size);
	seen->taken = meminfo("SwapFree");
	seen->written = vmstat("pswpout");
	halt_start(&halt, function, write_own, &ret);
	seen->info = fdinfo_of_fd(gpu.fd);
	seen->taken -= meminfo("SwapFree");
	seen->written = vmstat("pswpout") - seen->written;
	stood = halt_end(&halt);
	need(ret, "reclaim");
	bo_unmap(&bo);
	gpu_close(&gpu);
	return stood && (long)seen->info.in_swap == seen->taken;
}

static bool stopped_at(const char *function, struct halfway *seen)
{
	int tries;

	for (tries = 0; tries < TRIES && !stop_at(function, seen); tries++)
		;
	diag("%s: %llu KiB in swap, %llu in RAM, of %llu; swap: %ld kB taken, %ld pages written",
	     function, (unsigned long long)seen->info.in_swap,
	     (unsigned long long)seen->info.in_ram, (unsigned long long)seen->info.evicted,
	     seen->taken, seen->written);
	return tries < TRIES && seen->info.evicted == SIZE / 1024 &&
	       seen->info.in_swap + seen->info.in_ram == seen->info.evicted;
}

/* A page is in swap, by fdinfo, from where it has a place there, and no sooner */
static void test_in_swap(void)
{
	static const char what[] = "a page counts as in swap once it is assigned its place";
	const char *missing = halt_missing();
	struct halfway seen;

	if (missing) {
		skip(missing, "%s", what);
		return;
	}
	ok(stopped_at(ASSIGNS, &seen) && !seen.info.in_swap,
	   "a page that is to be assigned a place in swap counts as in RAM");
	ok(stopped_at(WRITES, &seen) && seen.info.in_swap && !seen.written,
	   "%s, before it is written", what);
}

int main(void)
{
	tap_start();
	test_total();
	test_passed_on();
	/* Last, for it leaves this process on one CPU */
	test_in_swap();
	return tap_end();
}
