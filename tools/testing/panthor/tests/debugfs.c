// SPDX-License-Identifier: GPL-2.0
/*
 * The tables in debugfs: right, and right while clients come and go.
 *
 * CYCLES=N times that a client opens and closes (1000)
 */
#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "peer.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"
#include "trace.h"

/* As Documentation/ABI/testing/debugfs-driver-panthor-reclaim has them */
static const char *const columns[] = {
	"client",
	"tgid",
	"command",
	"vm",
	"bos",
	"resident",
	"reclaimable",
	"pinned",
	"shared",
	"evicted",
	"evicted_bos",
	"evictions",
	"swapins",
	"last_id",
	"last_source",
	"last_age_ns",
	"last_result",
	"last_evicted_bos",
	"last_evicted",
	"last_skipped_bos",
	"last_written",
	"last_freed",
	"last_duration_ns",
	"last_fence_ns",
	"last_lock_ns",
	"last_unmap_ns",
	"last_writeback_ns",
};

static void test_header(void)
{
	struct table *table = table_read(device_table());

	if (!ok(table, "the device has a table"))
		bail("no %s", device_table());
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		ok(table_column(table, columns[i]) >= 0, "it has a column %s", columns[i]);
	table_free(table);
}

static void read_only(const char *path)
{
	struct stat st;

	ok(!stat(path, &st) && (st.st_mode & 07777) == 0444 && write_file(path, "1", 1) < 0,
	   "%s can be read by all, and not be written", path);
}

static void test_figures(void)
{
	struct peer *peer = peer_start("-v2", "-b8x64K", "-b2x128K:shared", "-b2x64K:mmap",
				       "-b2x64K:unused", "-nfigures", NULL);
	const uint64_t in_vms = 2 * 8 * 65536ULL, shared = 2 * 131072, rest = 4 * 65536;
	int64_t before, ended, asked, age;
	struct gem_sum sum;
	struct table *table;
	int row;

	table = device_row(peer->pid, &row);
	if (!ok(row >= 0, "it has a line for the client"))
		bail("no row for %d", peer->pid);
	sum = gem_sum(peer->pid, "");
	ok(!strcmp(table_text(table, row, "command"), "figures"),
	   "the line has the name of the client");
	ok(table_value(table, row, "resident") == sum.resident,
	   "resident is the sum of the driver's list of BOs (%s, %llu)",
	   table_text(table, row, "resident"), (unsigned long long)sum.resident);
	ok(table_value(table, row, "resident") == in_vms + shared + rest,
	   "resident is what the client allocated");
	ok(table_value(table, row, "reclaimable") == in_vms + shared + rest &&
		   !table_value(table, row, "pinned") && !table_value(table, row, "shared"),
	   "all is reclaimable, in one of its VMs, in both, or in none (%s)",
	   table_text(table, row, "reclaimable"));
	ok(!table_value(table, row, "evicted") && !table_value(table, row, "evictions"),
	   "evicted and evictions are 0 at first");
	ok(!table_value(table, row, "last_id"), "last_id is 0 at first");
	table_free(table);

	before = now_ns();
	if (reclaim(peer->pid))
		bail("reclaim failed");
	ended = now_ns();
	usleep(20000);
	asked = now_ns();
	table = device_row(peer->pid, &row);
	age = table_value(table, row, "last_age_ns");
	ok(age >= asked - ended && age <= now_ns() - before,
	   "last_age_ns is the age of the request (%lld us)", (long long)age / 1000);
	ok(!table_value(table, row, "resident"), "after a request nothing is resident");
	ok(table_value(table, row, "evicted") == in_vms + shared + rest, "everything is evicted");
	ok(table_value(table, row, "evictions") == 22, "evictions counts 22 buffers (%s)",
	   table_text(table, row, "evictions"));
	ok(table_value(table, row, "last_id") > 0 &&
		   !strcmp(table_text(table, row, "last_source"), "sysfs") &&
		   !strcmp(table_text(table, row, "last_result"), "0"),
	   "the line has the last request");
	ok(table_value(table, row, "last_duration_ns") > 0,
	   "the line has the duration of the last request");
	table_free(table);

	peer_do(peer, "verify cpu");
	table = device_row(peer->pid, &row);
	ok(table_value(table, row, "resident") == in_vms + shared + rest &&
		   !table_value(table, row, "evicted"),
	   "after the swap-in everything is resident");
	ok(table_value(table, row, "swapins") == 22, "swapins counts 22 buffers (%s)",
	   table_text(table, row, "swapins"));
	table_free(table);
	peer_quit(peer);
}

/* Do the lines of the VMs add up to the one for all? */
static void check_sums(const struct table *table, const char *when)
{
	static const char *const summed[] = {
		"bos",		"resident",	"reclaimable",	     "evicted",
		"evicted_bos",	"last_evicted", "last_evicted_bos",  "last_skipped_bos",
		"last_written", "last_freed",	"last_writeback_ns", "last_fence_ns",
	};

	for (size_t i = 0; i < sizeof(summed) / sizeof(summed[0]); i++) {
		uint64_t sum = 0, all = UINT64_MAX;

		for (int row = 0; row < table->nr_rows; row++) {
			uint64_t value = table_value(table, row, summed[i]);

			if (!strcmp(table_text(table, row, "vm"), "all"))
				all = value;
			else
				sum += value;
		}
		ok(sum == all, "%s: %s of the VMs add up (%llu, %llu)", when, summed[i],
		   (unsigned long long)sum, (unsigned long long)all);
	}
}

/* How many lines of VMs say @result of request @id? */
static int rows_saying(const struct table *table, const char *result)
{
	int all = table->nr_rows - 1, rows = 0;

	for (int row = 0; row < all; row++)
		rows += !strcmp(table_text(table, row, "last_result"), result) &&
			!strcmp(table_text(table, row, "last_id"),
				table_text(table, all, "last_id"));
	return rows;
}

static void test_client_file(void)
{
	struct peer *peer = peer_start("-v2", "-b4x64K", "-b2x64K:unused", NULL);
	const char *path = client_table(peer->pid);
	struct table *table = table_read(path);
	int vms = 0;

	if (!ok(table, "a client has a table in its own directory"))
		bail("no %s", path);
	read_only(device_table());
	read_only(path);
	for (int row = 0; row < table->nr_rows; row++) {
		ok((pid_t)table_value(table, row, "tgid") == peer->pid,
		   "that table has this client only");
		/* 0 is what is in no VM */
		vms += strcmp(table_text(table, row, "vm"), "all") && table_value(table, row, "vm");
	}
	ok(vms == 2, "it has a line for each VM (%d)", vms);
	check_sums(table, "before");
	table_free(table);

	if (reclaim(peer->pid))
		bail("reclaim failed");
	table = table_read(path);
	check_sums(table, "evicted");
	ok(table_value(table, 1, "last_written") == 4 * 65536 &&
		   table_value(table, 1, "last_writeback_ns") > 0,
	   "the line of a VM has what was written of it (%s)",
	   table_text(table, 1, "last_written"));
	ok(rows_saying(table, "0") == 3, "all lines have the same result (%d)",
	   rows_saying(table, "0"));
	table_free(table);

	if (!peer_do(peer, "hold"))
		bail("no job");
	ok(reclaim(peer->pid) == -EBUSY, "a write to a busy client: EBUSY");
	table = table_read(path);
	ok_jobs(peer_do(peer, "release"), "whose job went well");
	check_sums(table, "busy");
	ok(rows_saying(table, "-16") >= 2, "the lines of its VMs have the result (%d)",
	   rows_saying(table, "-16"));
	table_free(table);

	peer_quit(peer);
	table = table_read(path);
	ok(!table, "the table is removed when the client closes the device");
	table_free(table);
}

static void shrink(uint64_t bytes)
{
	shrink_pages(bytes / getpagesize());
}

/* What the shrinker takes from its lists for all clients is booked on the client, too */
static void test_shrinker_counts(void)
{
	struct peer *peer = peer_start("-b16x64K:mmap", "-b16x64K:unused", NULL);
	uint64_t evicted;

	shrink(1 << 20);
	evicted = 65536 * gem_sum(peer->pid, "").evictions;
	ok(evicted > 0, "shrink evicts buffers that are in no VM (%llu bytes)",
	   (unsigned long long)evicted);
	ok(device_value(peer->pid, "last_id") > 0, "it is the last request of their client");
	ok((uint64_t)device_value(peer->pid, "last_evicted") == evicted &&
		   !device_value(peer->pid, "last_result"),
	   "the line has what it evicted (%lld)",
	   (long long)device_value(peer->pid, "last_evicted"));
	peer_quit(peer);
}

/* The table has of the last request what its end event has, for a client with one file */
static void test_last(void)
{
	static const char *const same[][2] = {
		{ "last_id", "id" },
		{ "last_evicted_bos", "evicted_bos" },
		{ "last_evicted", "evicted" },
		{ "last_skipped_bos", "skipped_bos" },
		{ "last_written", "written" },
		{ "last_freed", "freed" },
		{ "last_fence_ns", "fence_ns" },
		{ "last_lock_ns", "lock_ns" },
		{ "last_unmap_ns", "unmap_ns" },
		{ "last_writeback_ns", "writeback_ns" },
	};
	struct peer *peer = peer_start("-b32x64K", NULL);
	struct trace *trace = trace_start("panthor", NULL);
	const struct event *end;
	int row, wrong = 0;
	struct table *table;
	pid_t pid;

	if (!peer_do(peer, "hold"))
		bail("no job");
	pid = fork();
	if (!pid)
		_exit(-reclaim(peer->pid));
	trace_wait(trace, "panthor_reclaim_begin", 1);
	usleep(50000);
	peer_do(peer, "release");
	waitpid(pid, NULL, 0);
	table = device_row(peer->pid, &row);
	trace_stop(trace);
	end = trace_end(trace);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (table_value(table, row, same[i][0]) == (uint64_t)event_value(end, same[i][1]))
			continue;
		diag("%s is %s, %s", same[i][0], table_text(table, row, same[i][0]), end->text);
		wrong++;
	}
	ok(!wrong && event_value(end, "fence_ns") > 0 && event_value(end, "unmap_ns") > 0,
	   "the line has what the end event of the last request has (%d columns do not)", wrong);
	ok(table_value(table, row, "last_duration_ns") <=
			   (uint64_t)event_value(end, "duration_ns") &&
		   table_value(table, row, "last_duration_ns") >=
			   (uint64_t)event_value(end, "fence_ns"),
	   "its duration is within the request's");
	trace_free(trace);
	table_free(table);
	peer_quit(peer);
}

/* The line of VM @vm in the table of our own only file */
static int vm_row(struct table **table, uint32_t vm)
{
	const char *path = client_table(getpid());
	int row;

	*table = table_read(path);
	for (row = 0; *table && row < (*table)->nr_rows; row++)
		if (strcmp(table_text(*table, row, "vm"), "all") &&
		    table_value(*table, row, "vm") == vm)
			return row;
	bail("%s: no line for VM %u", path, vm);
}

/* A VM's handle is used again: the line is that of the new one, which has nothing yet */
static void test_new_vm(void)
{
	static const char *const columns_of_old[] = {
		"bos",		"resident",   "evicted",	  "evicted_bos",
		"evictions",	"swapins",    "last_id",	  "last_evicted",
		"last_written", "last_freed", "last_evicted_bos", "last_skipped_bos",
	};
	const struct bo_spec spec = { .count = 8, .size = 65536 };
	struct client_config config = { .vms = 1, .seed = 12, .specs = &spec, .nr_specs = 1 };
	struct client_error err;
	struct client client;
	struct table *table;
	uint32_t old;
	int row, wrong = 0;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err))
		bail("cannot %s", err.what);
	if (reclaim(getpid()))
		bail("reclaim failed");
	old = client.vms[0].id;
	row = vm_row(&table, old);
	ok(table_value(table, row, "bos") == 8 && table_value(table, row, "last_evicted_bos") == 8,
	   "the line of a VM counts its 8 evicted buffers");
	table_free(table);
	if (vm_destroy(&client.vms[0]) || vm_create(&client.gpu, &client.vms[0]))
		bail("no new VM");
	if (client.vms[0].id != old) {
		skip("the new VM has another handle",
		     "the line of a new VM with that handle starts at 0");
	} else {
		row = vm_row(&table, old);
		for (size_t i = 0; i < sizeof(columns_of_old) / sizeof(columns_of_old[0]); i++) {
			if (!table_value(table, row, columns_of_old[i]))
				continue;
			diag("%s is %s", columns_of_old[i],
			     table_text(table, row, columns_of_old[i]));
			wrong++;
		}
		ok(!wrong, "the line of a new VM with that handle starts at 0 (%d columns do not)",
		   wrong);
		table_free(table);
	}
	client_fini(&client);
}

/* A VM is destroyed while its BOs are written, and its handle is used again */
static void test_destroyed(void)
{
	static const char what[] = "what was written of a VM that is gone is in no VM's line";
	const char *disk = slow_disk(20, 64);
	struct trace *trace;
	uint64_t of_none, of_new;
	struct bo bos[24];
	struct table *table;
	pid_t pid, target;
	struct gpu gpu;
	struct vm vm;
	int row;

	if (!disk) {
		skip("no null_blk", "%s", what);
		return;
	}
	set_swap(disk, true);
	set_swap(ZRAM, false);
	if (gpu_open(&gpu, NULL) || vm_create(&gpu, &vm))
		bail("no VM");
	for (int i = 0; i < 24; i++) {
		if (bo_create(&gpu, &bos[i], 65536, 0, &vm) || bo_bind(&bos[i], &vm) ||
		    bo_map(&bos[i]))
			bail("no BO");
		memset(bos[i].map, 1, bos[i].size);
	}
	trace = trace_start("panthor:panthor_bo_writeback", NULL);
	target = getpid();
	pid = fork();
	if (!pid)
		_exit(!!reclaim(target));
	trace_wait(trace, "panthor_bo_writeback", 1);
	if (vm_destroy(&vm) || vm_create(&gpu, &vm))
		bail("no new VM");
	waitpid(pid, NULL, 0);
	trace_stop(trace);
	row = vm_row(&table, vm.id);
	of_new = table_value(table, row, "last_written");
	table_free(table);
	row = vm_row(&table, 0);
	of_none = table_value(table, row, "last_written");
	ok(trace->nr_events >= 24 && event_value(&trace->events[0], "vm_id") == vm.id && !of_new &&
		   !of_none,
	   "%s (%llu, %llu bytes)", what, (unsigned long long)of_new, (unsigned long long)of_none);
	ok(table_value(table, table->nr_rows - 1, "last_written") == 24 * 65536,
	   "but in the file's sum");
	table_free(table);
	trace_free(trace);
	for (int i = 0; i < 24; i++)
		bo_unmap(&bos[i]);
	gpu_close(&gpu);
	set_swap(ZRAM, true);
	set_swap(disk, false);
	remove_slow_disk();
}

/* Its evictions and swap-ins stay in the sum when a BO is freed, and go from the VM's line */
static void test_freed(void)
{
	struct table *table;
	struct gpu gpu;
	struct vm vm;
	struct bo bo;
	int row, all;

	if (gpu_open(&gpu, NULL) || vm_create(&gpu, &vm) || bo_create(&gpu, &bo, 65536, 0, &vm) ||
	    bo_bind(&bo, &vm) || bo_map(&bo) || reclaim(getpid()))
		bail("nothing is evicted");
	/* Swapped in */
	*(volatile char *)bo.map = 1;
	row = vm_row(&table, vm.id);
	ok(table_value(table, row, "evictions") == 1 && table_value(table, row, "swapins") == 1,
	   "a VM with one BO that was evicted and swapped in");
	table_free(table);
	bo_unmap(&bo);
	bo_unbind(&bo, &vm);
	bo_destroy(&bo);
	row = vm_row(&table, vm.id);
	all = table->nr_rows - 1;
	ok(!table_value(table, row, "evictions") && !table_value(table, row, "swapins"),
	   "freed, it is no more of its VM");
	ok(!strcmp(table_text(table, all, "vm"), "all") &&
		   table_value(table, all, "evictions") == 1 &&
		   table_value(table, all, "swapins") == 1,
	   "but of the file's sum");
	table_free(table);
	gpu_close(&gpu);
}

/* The file outlives the process that used it last: nobody has used it since */
static void test_exited(void)
{
	struct table *table;
	int told[2], row = -1;
	pid_t opener, keeper;
	char c;

	if (pipe(told))
		bail("no pipe");
	opener = fork();
	if (!opener) {
		struct gpu gpu;

		if (gpu_open(&gpu, NULL))
			_exit(1);
		keeper = fork();
		if (keeper)
			_exit(write(told[1], &keeper, sizeof(keeper)) != sizeof(keeper));
		pause();
		_exit(0);
	}
	if (read(told[0], &keeper, sizeof(keeper)) != sizeof(keeper) ||
	    waitpid(opener, NULL, 0) != opener)
		bail("no client");
	table = device_row(opener, &row);
	ok(row >= 0 && !strcmp(table_text(table, row, "command"), "-"),
	   "a process that has exited has no name, but its number");
	table_free(table);
	kill(keeper, SIGKILL);
	close(told[1]);
	/* It is nobody's child: its end of the pipe tells when it is gone */
	ok(!read(told[0], &c, 1), "and its file goes with who has it");
	close(told[0]);
}

static bool printable(const char *path)
{
	struct table *table = table_read(path);
	bool good = table;

	for (int row = 0; table && row < table->nr_rows; row++)
		for (int i = 0; i < table->nr_columns; i++)
			for (const char *c = table->rows[row][i]; *c; c++)
				good = good && *c >= ' ' && *c != 0x7f;
	table_free(table);
	return good;
}

static void test_escaping(void)
{
	static const char *const names[] = {
		"a\nb",
		"esc\033[31mred",
		"tab\there",
		"bell\a",
		"quote\"",
		"back\\slash",
		"two words",
		"",
		" ",
		"#comment",
		"\001\002\003\004\005\006\016\017\020\021\022\023\024\025\026",
	};
	struct client client;
	struct client_error err;
	struct bo_spec spec = { .count = 1, .size = 4096, .label = "x\ny\033[0m\"\\" };
	struct client_config config = { .vms = 1, .specs = &spec, .nr_specs = 1 };
	char old[16];
	bool good = true;
	int row;

	prctl(PR_GET_NAME, old);
	if (client_init(&client, &config, &err))
		bail("cannot %s", err.what);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct table *table;

		prctl(PR_SET_NAME, names[i]);
		table = device_row(getpid(), &row);
		if (row < 0 || !printable(device_table())) {
			diag("name %zu breaks the table", i);
			good = false;
		}
		table_free(table);
	}
	prctl(PR_SET_NAME, old);
	ok(good, "no process name breaks the table");
	client_fini(&client);
}

static atomic_bool over;
static atomic_int reads, broken;

static void *reader_main(void *arg)
{
	(void)arg;
	while (!over) {
		glob_t found = {};
		struct table *table = table_read(device_table());

		if (!table && !broken++)
			diag("%s: %s", device_table(), strerror(errno));
		table_free(table);
		reads++;

		/*
		 * Files of clients may be gone between the two: what is read must be right all the
		 * same
		 */
		if (glob("/sys/kernel/debug/dri/client-*/reclaim", GLOB_NOSORT, NULL, &found))
			continue;
		for (size_t i = 0; i < found.gl_pathc; i++) {
			table = table_read(found.gl_pathv[i]);
			if (!table && errno == EPROTO)
				broken++;
			table_free(table);
		}
		globfree(&found);
	}
	return NULL;
}

static void test_churn(void)
{
	struct bo_spec spec = { .count = 2, .size = 4096 };
	struct client_config config = { .vms = 1, .specs = &spec, .nr_specs = 1 };
	const long cycles = knob("CYCLES", 1000);
	int64_t until;
	long done;
	struct client_error err;
	struct client client;
	struct table *table;
	pthread_t threads[2];
	int row, before, failed = 0;

	table = device_row(0, &row);
	before = table->nr_rows;
	table_free(table);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, reader_main, NULL);
	/* As many as a slow machine can do in a minute, and 100 in any case */
	until = now_ns() + 60 * NSEC;
	for (done = 0; done < cycles && !failed && (done < 100 || now_ns() < until); done++) {
		failed = client_init(&client, &config, &err) != 0;
		if (failed)
			break;
		if (done & 1)
			failed = client_fill(&client, CLIENT_CPU, &err) != 0;
		if (done & 2)
			reclaim(getpid());
		client_fini(&client);
	}
	over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	ok(!failed, "%ld clients open and close the device", done);
	ok(reads && !broken,
	   "meanwhile the tables are read %d times, and are well-formed (%d are not)", reads,
	   broken);
	table = device_row(getpid(), &row);
	/* One that was on its way out before may be gone by now */
	ok(row < 0 && table->nr_rows <= before, "none of them is left in the table");
	table_free(table);
}

int main(void)
{
	tap_start();
	test_header();
	test_figures();
	test_client_file();
	test_last();
	test_shrinker_counts();
	test_new_vm();
	test_destroyed();
	test_freed();
	test_exited();
	test_escaping();
	test_churn();
	return tap_end();
}
