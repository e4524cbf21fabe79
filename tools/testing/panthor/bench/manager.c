// SPDX-License-Identifier: GPL-2.0
/*
 * What a resource manager does: reads fdinfo, takes a part, claims it ahead of time.
 *
 * CLAIMS=16,64,256 (MiB)
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cgroup.h"
#include "measure.h"
#include "pattern.h"
#include "reclaim.h"
#include "tap.h"

#define MIB (1 << 20)
#define TRACING "/sys/kernel/tracing/"
#define DISK "/dev/vda"

/* Long enough for the driver to have done with the last job */
#define PAUSE_US 300000

/* First jobs with and without a claim before, in each repetition */
#define PAIRS 3

static void put(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "%s", file);
	if (write_file(path, text, strlen(text)) < 0)
		bail("cannot write %s", path);
}

static void read_fdinfo(int fd)
{
	char path[64], text[4096];
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0 || read(info, text, sizeof(text)) <= 0)
		bail("cannot read %s", path);
	close(info);
}

/* What one call of the function that prints our keys takes, by the kernel's own clock */
static double our_part(int fd)
{
	char line[256];
	double us = -1;
	FILE *trace;

	put("trace", "");
	put("tracing_on", "1");
	read_fdinfo(fd);
	put("tracing_on", "0");
	trace = fopen(TRACING "trace", "r");
	while (trace && fgets(line, sizeof(line), trace)) {
		char *at = strchr(line, ')');

		if (at && strstr(line, "panthor_reclaim_show_fdinfo") && strstr(line, "us"))
			us = strtod(at + 1 + strcspn(at + 1, "0123456789"), NULL);
	}
	if (trace)
		fclose(trace);
	if (us < 0)
		bail("the trace has no panthor_reclaim_show_fdinfo()");
	return us;
}

static void measure_fdinfo(int fd, const char *state)
{
	struct series ours = { .nr = 0 }, whole = { .nr = 0 };

	read_fdinfo(fd);
	put("set_graph_function", "panthor_reclaim_show_fdinfo");
	put("max_graph_depth", "1");
	put("tracing_on", "0");
	put("current_tracer", "function_graph");
	for (int i = 0; i < repetitions; i++)
		series_add(&ours, our_part(fd));
	put("current_tracer", "nop");
	put("set_graph_function", "");
	put("max_graph_depth", "0");
	put("tracing_on", "1");
	for (int i = 0; i < repetitions; i++) {
		int64_t start = now_ns();

		read_fdinfo(fd);
		series_add(&whole, ms_since(start) * 1000);
	}
	emit("fdinfo, our keys", state, "us", 20, &ours,
	     "what the keys of reclaim add to reading fdinfo of a client with 10,000 BOs");
	emit("fdinfo, the whole file", state, "us", 0, &whole,
	     "the same file from open to close; the DRM core walks all handles");
}

void bench_fdinfo(void)
{
	struct client client;
	char path[256];

	start_client(&client, 10000, 4096);
	measure_fdinfo(client.gpu.fd, "10000 BOs resident");
	snprintf(path, sizeof(path), "%s/shrink", debugfs_dir());
	if (write_file(path, "20000", 5) < 0)
		bail("cannot write %s", path);
	measure_fdinfo(client.gpu.fd, "10000 BOs evicted, in RAM");
	timed_reclaim(getpid());
	measure_fdinfo(client.gpu.fd, "10000 BOs evicted, in swap");
	client_fini(&client);
}

static double timed_write(const char *path, const char *amount)
{
	char text[48];
	int64_t start;
	ssize_t ret;

	snprintf(text, sizeof(text), "%d %s", getpid(), amount);
	start = now_ns();
	ret = write_file(path, text, strlen(text));
	if (ret < 0)
		bail("%s to %s: %s", text, path, strerror(-ret));
	return ms_since(start);
}

void bench_amount(void)
{
	struct series part = { .nr = 0 }, all = { .nr = 0 }, ratio;
	struct client small, large;

	start_client(&small, 256, MIB / 16);
	for (int i = 0; i < repetitions; i++) {
		use_client(&small);
		series_add(&all, timed_reclaim(getpid()));
	}
	client_fini(&small);
	start_client(&large, 4096, MIB / 16);
	for (int i = 0; i < repetitions; i++) {
		use_client(&large);
		series_add(&part, timed_write(RECLAIM_FILE, "16M"));
	}
	client_fini(&large);
	ratio = series_ratio(&part, &all);
	emit("16M of 256 MiB / all of 16 MiB", "BOs of 64 KiB", "x", 1.1, &ratio,
	     "time of a write for 16M to a client of 256 MiB, against one for all of a client of "
	     "16 MiB");
	emit("16M of 256 MiB, absolute", "BOs of 64 KiB", "ms", 0, &part, "the same");
}

/*
 * Swaps a mapping out. From a disk, MADV_PAGEOUT leaves it in the swap cache, which has to be
 * reclaimed, or it would be read back from RAM. We are in the cgroup "bench".
 */
static void swap_out(void *map, size_t len)
{
	long kb, most = len / 1024 / 50;
	char text[32];

	if (madvise(map, len, MADV_PAGEOUT))
		bail("madvise: %s", strerror(errno));
	for (int tries = 0; (kb = meminfo("SwapCached")) > most; tries++) {
		if (tries == 500)
			bail("%ld kB are still in the swap cache", kb);
		usleep(10000);
		snprintf(text, sizeof(text), "%ldK", kb);
		write_file("/sys/fs/cgroup/bench/memory.reclaim", text, strlen(text));
	}
}

static void measure_populate(long size, const char *swap)
{
	struct series claim_ms = { .nr = 0 }, populate_ms = { .nr = 0 }, ratio;
	size_t len = size * MIB;
	struct client client;
	char parameter[32];
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		bail("cannot map %zu bytes", len);
	start_client(&client, size * 16, MIB / 16);
	for (int i = 0; i < repetitions; i++) {
		int64_t start;

		pattern_fill(map, len, 100 + i, 0);
		swap_out(map, len);
		start = now_ns();
		if (madvise(map, len, MADV_POPULATE_READ))
			bail("madvise: %s", strerror(errno));
		series_add(&populate_ms, ms_since(start));

		use_client(&client);
		timed_reclaim(getpid());
		series_add(&claim_ms, timed_write(CLAIM_FILE, "1T"));
	}
	snprintf(parameter, sizeof(parameter), "%ld MiB, %s", size, swap);
	ratio = series_ratio(&claim_ms, &populate_ms);
	emit("claim / MADV_POPULATE_READ", parameter, "x", 1.1, &ratio,
	     "time to swap in and map as many BOs of 64 KiB, against reading as much shared "
	     "memory of an ordinary process back");
	emit("claim, absolute", parameter, "ms", 0, &claim_ms, "the same");
	client_fini(&client);
	munmap(map, len);
}

/* Does a measurement with swap on zram, then with swap on a disk */
static void with_each_swap(void (*measure)(long size, const char *swap))
{
	long sizes[4];
	int nr = numbers("CLAIMS", "16,64,256", sizes, 4);

	for (int i = 0; i < nr; i++)
		measure(sizes[i], "zram");
	set_swap(ZRAM, false);
	if (make_swap(DISK))
		bail("cannot make a swap of %s", DISK);
	set_swap(DISK, true);
	for (int i = 0; i < nr; i++)
		measure(sizes[i], "disk");
	set_swap(DISK, false);
	set_swap(ZRAM, true);
}

void bench_populate(void)
{
	cgroup_make("bench");
	cgroup_enter("bench");
	with_each_swap(measure_populate);
	cgroup_enter(NULL);
	cgroup_remove("bench");
}

struct claimer {
	pthread_t thread;
	double ms;
};

static void *claim_all(void *arg)
{
	struct claimer *claimer = arg;

	claimer->ms = timed_write(CLAIM_FILE, "1T");
	return NULL;
}

static double first_job(struct client *client)
{
	struct client_error err;
	int64_t start = now_ns();

	if (client_submit(client, 1, 100, &err))
		bail("cannot %s", err.what);
	return ms_since(start);
}

/* @ahead_ms: -1: no claim */
static double foreground(struct client *client, long ahead_ms)
{
	struct claimer claimer;
	double ms;

	timed_reclaim(getpid());
	if (ahead_ms >= 0 && pthread_create(&claimer.thread, NULL, claim_all, &claimer))
		bail("no thread");
	if (ahead_ms > 0)
		usleep(ahead_ms * 1000);
	ms = first_job(client);
	if (ahead_ms >= 0)
		pthread_join(claimer.thread, NULL);
	return ms;
}

static void measure_claim(long size, const char *swap)
{
	static const struct {
		const char *name;
		long ms;
	} ahead[] = { { "none", -1 }, { "same moment", 0 }, { "100 ms", 100 }, { "500 ms", 500 } };
	struct series job[4] = { { .nr = 0 } }, idle = { .nr = 0 }, timely = { .nr = 0 };
	struct series wrong = { .nr = 0 }, again = { .nr = 0 }, once = { .nr = 0 }, ratio;
	struct client client;
	char parameter[64];

	start_client(&client, size * 16, MIB / 16);
	for (int i = 0; i < repetitions; i++) {
		for (int a = 0; a < 4; a++)
			series_add(&job[a], foreground(&client, ahead[a].ms));
		series_add(&once, timed_reclaim(getpid()));
		series_add(&wrong, timed_write(CLAIM_FILE, "1T"));
		series_add(&again, timed_reclaim(getpid()));
		timed_write(CLAIM_FILE, "1T");
		/* A job of 0.1 ms varies: more of them than of what takes long */
		for (int j = 0; j < PAIRS; j++) {
			usleep(PAUSE_US);
			series_add(&timely, first_job(&client));
			usleep(PAUSE_US);
			series_add(&idle, first_job(&client));
			timed_reclaim(getpid());
			timed_write(CLAIM_FILE, "1T");
		}
	}
	for (int a = 0; a < 4; a++) {
		snprintf(parameter, sizeof(parameter), "%ld MiB, %s, claim: %s", size, swap,
			 ahead[a].name);
		emit("first job", parameter, "ms", 0, &job[a],
		     "from submission to the end of a job of 0.1 ms, all BOs of its VM evicted and "
		     "in swap, with a claim so long ahead of it");
	}
	snprintf(parameter, sizeof(parameter), "%ld MiB, %s", size, swap);
	ratio = series_ratio(&timely, &idle);
	emit("first job after a timely claim / nothing evicted", parameter, "x", 1.05, &ratio,
	     "the same job 0.3 s after a claim, against 0.3 s after another job");
	emit("wrong claim, its own time", parameter, "ms", 0, &wrong,
	     "a claim for a process that does not come to the foreground: CPU time of the manager");
	ratio = series_ratio(&again, &once);
	emit("wrong claim, reclaim again / first time", parameter, "x", 0, &ratio,
	     "evicting once more what was claimed in vain; all of it is written to swap a second "
	     "time");
	client_fini(&client);
}

void bench_claim(void)
{
	with_each_swap(measure_claim);
}
