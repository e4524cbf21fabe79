// SPDX-License-Identifier: GPL-2.0
/*
 * What looking costs: the events off, on, and recorded to a file.
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "reclaim.h"
#include "tap.h"

#define INSTANCE "/sys/kernel/tracing/instances/bench"
#define ENABLED "/sys/kernel/tracing/events/panthor/enable"
#define BOS 1024
#define IDLE_US 300000
#define TURNS 4

static void put(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), INSTANCE "/%s", file);
	if (write_file(path, text, strlen(text)) < 0)
		bail("cannot write %s", path);
}

/* What the ring buffers of all CPUs hold, by the kernel's own count */
static double recorded_bytes(void)
{
	double bytes = 0;
	char line[128];
	glob_t found;

	if (glob(INSTANCE "/per_cpu/cpu*/stats", 0, NULL, &found))
		bail("no %s", INSTANCE);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "r");

		while (file && fgets(line, sizeof(line), file))
			if (!strncmp(line, "bytes: ", 7))
				bytes += atof(line + 7);
		if (file)
			fclose(file);
	}
	globfree(&found);
	return bytes;
}

static bool events_on(void)
{
	char byte = '0';
	int fd = open(ENABLED, O_RDONLY);

	if (fd < 0 || read(fd, &byte, 1) != 1)
		bail("cannot read %s", ENABLED);
	close(fd);
	return byte != '0';
}

/* What a write takes without the part that swap takes, by the driver's own account in debugfs */
static double evicting_ms(void)
{
	struct table *table;
	double ms;
	int row;

	/* Until the GPU is suspended; tracers take their time to start, all others get it too */
	usleep(IDLE_US);
	timed_reclaim(getpid());
	table = device_row(getpid(), &row);
	if (row < 0 || !table_value(table, row, "last_id"))
		bail("%s tells nothing of this process", device_table());
	ms = (table_value(table, row, "last_duration_ns") -
	      table_value(table, row, "last_writeback_ns")) /
	     1e6;
	table_free(table);
	return ms;
}

static pid_t record(const char *file)
{
	pid_t pid = fork();

	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(127);
		execlp("trace-cmd", "trace-cmd", "record", "-q", "-e", "panthor", "-o", file, NULL);
		_exit(127);
	}
	for (int i = 0; !events_on(); i++) {
		if (i == 300 || waitpid(pid, NULL, WNOHANG) == pid)
			bail("trace-cmd does not record");
		usleep(100000);
	}
	return pid;
}

/* The least of some writes with and without, in turns: it is about microseconds a BO */
static void measure_pair(struct client *client, struct series *off, struct series *on,
			 struct series *bytes)
{
	double least[2] = { 0, 0 }, before;

	for (int i = 0; i < 2 * TURNS; i++) {
		/* 0 1 1 0 0 1 ...: neither is always the second */
		int with = ((i + 1) >> 1) & 1;
		double ms;

		use_client(client);
		put("events/panthor/enable", with ? "1" : "0");
		ms = evicting_ms();
		put("events/panthor/enable", "0");
		least[with] = least[with] && least[with] < ms ? least[with] : ms;
	}
	use_client(client);
	before = recorded_bytes();
	put("events/panthor/enable", "1");
	timed_reclaim(getpid());
	put("events/panthor/enable", "0");
	series_add(bytes, (recorded_bytes() - before) / BOS);
	series_add(off, least[0]);
	series_add(on, least[1]);
}

void bench_events(void)
{
	struct series off = { .nr = 0 }, on = { .nr = 0 }, recorded = { .nr = 0 }, ratio;
	struct series bytes = { .nr = 0 }, file_bytes = { .nr = 0 };
	char file[128];
	struct client client;

	snprintf(file, sizeof(file), "%s/bench.dat", getenv("TMPDIR") ?: "/tmp");
	start_client(&client, BOS, 4096);
	for (int i = 0; i < repetitions; i++) {
		struct stat st;
		pid_t tracer;

		if (mkdir(INSTANCE, 0700))
			bail("cannot make %s", INSTANCE);
		put("buffer_size_kb", "8192");
		measure_pair(&client, &off, &on, &bytes);
		if (rmdir(INSTANCE))
			bail("cannot remove %s", INSTANCE);

		use_client(&client);
		tracer = record(file);
		series_add(&recorded, evicting_ms());
		kill(tracer, SIGINT);
		waitpid(tracer, NULL, 0);
		if (stat(file, &st))
			bail("trace-cmd left no %s", file);
		series_add(&file_bytes, (double)st.st_size / BOS);
		unlink(file);
	}
	ratio = series_ratio(&on, &off);
	emit("evicting, events off", "1024 x 4K", "ms", 0, &off, "the same with the events off");
	emit("events on / off", "1024 x 4K", "x", 1.12, &ratio,
	     "time of a write without what swap takes, least of 4 in turns, with all events of the "
	     "system panthor in the ring buffer: the worst "
	     "case, for the BOs are as small as can be");
	ratio = series_ratio(&recorded, &off);
	emit("events recorded / off", "1024 x 4K", "x", 0, &ratio,
	     "the same with trace-cmd writing them to a file");
	emit("trace per BO", "ring buffer", "bytes", 160, &bytes,
	     "eviction, writeback and the request's own events, divided by the number of BOs");
	emit("trace per BO", "trace.dat", "bytes", 0, &file_bytes,
	     "the same in trace-cmd's file, which has formats and kernel symbols in front");
	client_fini(&client);
}

/* What a write takes in this build of the driver, DRIVER=; see ./turns */
void bench_evict(void)
{
	struct series least = { .nr = 0 };
	struct client client;
	double best = 0;

	start_client(&client, BOS, 4096);
	for (int i = 0; i < repetitions; i++) {
		double ms;

		use_client(&client);
		ms = evicting_ms();
		best = best && best < ms ? best : ms;
	}
	series_add(&least, best);
	emit("evict", getenv("DRIVER") ?: "", "ms", 0, &least, "least of %d", repetitions);
	client_fini(&client);
}
