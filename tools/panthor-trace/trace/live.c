// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <traceevent/event-parse.h>
#include <tracefs/tracefs.h>

#include "base/alloc.h"
#include "base/error.h"
#include "trace/live.h"

#define BUFFER_KB 1024
#define SYSFS_GLOB "/sys/bus/platform/drivers/panthor/*/mem_reclaim"
#define INSTANCE "panthor-trace-"
#define MARK "panthor-trace"

/* An event, copied out of the kernel's buffer */
struct raw {
	uint64_t ts;
	size_t nr; /* in the order of reading */
	int kind;
	int cpu;
	int size;
	void *data;
};

/**
 * struct live - a trace instance being read
 * @mark: the event that writing to trace_marker makes
 * @mark_fd: its trace_marker, or -1
 * @mark_ts: when the last mark was written
 * @raw: what was read and not yet delivered
 * @nr_read: how many were read so far
 * @lost: as the kernel counts, when last asked
 */
struct live {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	struct pt_format fmt[PT_NR_KINDS];
	const struct tep_event *event[PT_NR_KINDS];
	const struct tep_event *mark;
	int mark_fd;
	uint64_t mark_ts;
	pid_t tid;
	struct raw *raw;
	size_t nr_raw;
	size_t room;
	size_t nr_read;
	uint64_t lost;
};

const char *live_problem(void)
{
	const char *dir = tracefs_tracing_dir();

	if (!dir || access(dir, R_OK | X_OK))
		return geteuid() ? "tracing needs root"
				 : "tracefs is not mounted; run mount -t tracefs nodev "
				   "/sys/kernel/tracing";
	if (!tracefs_event_file_exists(NULL, PT_SYSTEM, pt_event_name(PT_RECLAIM_END), "enable"))
		return "the kernel has no reclaim events of panthor; load the driver (modprobe "
		       "panthor), built with CONFIG_DRM_PANTHOR_RECLAIM";
	return NULL;
}

/* Of the one instance that this process has */
static int instance_lock = -1;

/*
 * The lock is held as long as the process lives, whatever it dies of and in
 * whatever PID namespace.
 */
static int lock_instance(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void sweep(void)
{
	char **names = tracefs_instances("^" INSTANCE);

	for (int i = 0; names && names[i]; i++) {
		char *dir = NULL;
		int fd;

		if (asprintf(&dir, "%s/instances/%s", tracefs_tracing_dir(), names[i]) < 0)
			break;
		fd = lock_instance(dir);
		if (fd >= 0) {
			rmdir(dir);
			close(fd);
		}
		free(dir);
	}
	tracefs_list_free(names);
}

struct tracefs_instance *instance_new(void)
{
	struct tracefs_instance *instance;
	unsigned int number = 0;
	char name[64], *dir;
	int fd;

	sweep();
	/* Somebody else's sweep may come between making and locking it. */
	for (int tries = 0; tries < 8; tries++) {
		getrandom(&number, sizeof(number), GRND_NONBLOCK);
		snprintf(name, sizeof(name), INSTANCE "%d-%08x", (int)getpid(), number);
		instance = tracefs_instance_create(name);
		if (!instance)
			break;
		dir = tracefs_instance_get_dir(instance);
		fd = dir ? lock_instance(dir) : -1;
		if (fd >= 0 && !access(dir, F_OK)) {
			tracefs_put_tracing_file(dir);
			instance_lock = fd;
			return instance;
		}
		if (fd >= 0)
			close(fd);
		tracefs_put_tracing_file(dir);
		tracefs_instance_free(instance);
	}
	pt_error("cannot create a trace instance: %s", strerror(errno));
	return NULL;
}

void instance_free(struct tracefs_instance *instance)
{
	tracefs_trace_off(instance);
	tracefs_event_disable(instance, NULL, NULL);
	tracefs_instance_destroy(instance);
	tracefs_instance_free(instance);
	close(instance_lock);
	instance_lock = -1;
}

/*
 * What the kernel says of an event. All of a system, with its symbols, is what
 * the library would read: tens of thousands.
 */
static const struct tep_event *load_event(struct tep_handle *tep, const char *system,
					  const char *name)
{
	const struct tep_event *event = NULL;
	int size;
	char *format = tracefs_event_file_read(NULL, system, name, "format", &size);

	if (format && !tep_parse_event(tep, format, size, system))
		event = tep_find_event_by_name(tep, system, name);
	free(format);
	return event;
}

static struct tep_handle *load_header(void)
{
	struct tep_handle *tep = tep_alloc();
	int size;
	char *header = tracefs_instance_file_read(NULL, "events/header_page", &size);

	if (tep && (!header || tep_parse_header_page(tep, header, size, sizeof(long)))) {
		tep_free(tep);
		tep = NULL;
	}
	free(header);
	if (!tep)
		pt_error("cannot read events/header_page of tracefs: %s", strerror(errno));
	return tep;
}

struct live *live_open(struct pt_names *names)
{
	const char *problem = live_problem();
	struct live *live;

	if (problem) {
		pt_error("%s", problem);
		return NULL;
	}
	live = xcalloc(1, sizeof(*live));
	live->mark_fd = -1;
	live->tid = gettid();
	pt_names_init(names);
	live->instance = instance_new();
	live->tep = live->instance ? load_header() : NULL;
	if (!live->tep) {
		live_close(live);
		return NULL;
	}

	/* One for all CPUs, so that their events can be put in order */
	tracefs_instance_file_write(live->instance, "trace_clock", "mono");
	tracefs_instance_set_buffer_size(live->instance, BUFFER_KB, -1);
	for (int i = 0; i < PT_NR_KINDS; i++) {
		live->event[i] = load_event(live->tep, PT_SYSTEM, pt_event_name(i));
		if (!live->event[i])
			continue;
		pt_format_init(&live->fmt[i], names, live->event[i]);
		tracefs_event_enable(live->instance, PT_SYSTEM, pt_event_name(i));
	}
	live->mark = load_event(live->tep, "ftrace", "print");
	live->mark_fd =
		tracefs_instance_file_open(live->instance, "trace_marker", O_WRONLY | O_CLOEXEC);
	tracefs_trace_on(live->instance);
	return live;
}

static int on_record(struct tep_event *event, struct tep_record *record, int cpu, void *context)
{
	struct live *live = context;
	struct raw *raw;
	int kind = 0;

	if (live->mark && event->id == live->mark->id) {
		live->mark_ts = record->ts;
		live->tid = tep_data_pid(live->tep, record);
		return 0;
	}
	while (kind < PT_NR_KINDS && (!live->event[kind] || live->event[kind]->id != event->id))
		kind++;
	if (kind == PT_NR_KINDS)
		return 0;
	if (live->nr_raw == live->room) {
		live->room = live->room ? 2 * live->room : 256;
		live->raw = xrealloc(live->raw, live->room * sizeof(*live->raw));
	}
	raw = &live->raw[live->nr_raw++];
	*raw = (struct raw){ record->ts, live->nr_read++, kind, cpu, record->size, NULL };
	raw->data = xmalloc(record->size);
	memcpy(raw->data, record->data, record->size);
	return 0;
}

void live_drain(struct live *live)
{
	tracefs_iterate_raw_events(live->tep, live->instance, NULL, 0, on_record, live);
}

/* Lost events: the library does not report them, the kernel counts them. */
static uint64_t count_lost(const struct live *live)
{
	char *pattern = tracefs_instance_get_file(live->instance, "per_cpu/cpu*/stats");
	uint64_t sum = 0;
	glob_t found;

	if (pattern && !glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			FILE *f = fopen(found.gl_pathv[i], "re");
			unsigned long long n;
			char line[128];

			while (f && fgets(line, sizeof(line), f))
				if (sscanf(line, "overrun: %llu", &n) == 1 ||
				    sscanf(line, "commit overrun: %llu", &n) == 1 ||
				    sscanf(line, "dropped events: %llu", &n) == 1)
					sum += n;
			if (f)
				fclose(f);
		}
		globfree(&found);
	}
	tracefs_put_tracing_file(pattern);
	return sum;
}

static int by_time(const void *pa, const void *pb)
{
	const struct raw *a = pa, *b = pb;

	if (a->ts != b->ts)
		return a->ts < b->ts ? -1 : 1;
	return (a->nr > b->nr) - (a->nr < b->nr);
}

/*
 * CPUs are read one after the other, so what happens meanwhile may be read out
 * of order. What came before the mark is complete.
 */
void live_poll(struct live *live, void (*event)(void *context, const struct pt_event *ev),
	       void (*lost)(void *context, uint64_t count), void *context)
{
	uint64_t now_lost;
	size_t n = 0;

	live->mark_ts = 0;
	if (live->mark_fd >= 0 && write(live->mark_fd, MARK, strlen(MARK)) < 0)
		pt_warn("cannot write trace_marker: %s", strerror(errno));
	live_drain(live);
	if (!live->mark_ts)
		live->mark_ts = UINT64_MAX;

	now_lost = count_lost(live);
	if (now_lost > live->lost)
		lost(context, now_lost - live->lost);
	live->lost = now_lost;

	if (live->nr_raw)
		qsort(live->raw, live->nr_raw, sizeof(*live->raw), by_time);
	for (; n < live->nr_raw && live->raw[n].ts <= live->mark_ts; n++) {
		const struct raw *raw = &live->raw[n];
		struct pt_event ev;

		if (!pt_decode(&live->fmt[raw->kind], live->tep, raw->data, raw->size, &ev)) {
			ev.ts = raw->ts;
			ev.cpu = raw->cpu;
			event(context, &ev);
		}
		free(raw->data);
	}
	live->nr_raw -= n;
	if (n)
		memmove(live->raw, live->raw + n, live->nr_raw * sizeof(*live->raw));
}

pid_t live_tid(const struct live *live)
{
	return live->tid;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	if (live->mark_fd >= 0)
		close(live->mark_fd);
	if (live->instance)
		instance_free(live->instance);
	if (live->tep)
		tep_free(live->tep);
	for (size_t i = 0; i < live->nr_raw; i++)
		free(live->raw[i].data);
	free(live->raw);
	free(live);
}

char *live_reclaim_file(const char *device)
{
	char *path = NULL;
	glob_t found;

	if (device) {
		if (asprintf(&path, "/sys/bus/platform/devices/%s/mem_reclaim", device) < 0)
			return NULL;
		if (!strchr(device, '/') && !access(path, F_OK))
			return path;
		pt_error("no panthor device \"%s\" with mem_reclaim", device);
		free(path);
		return NULL;
	}

	if (glob(SYSFS_GLOB, 0, NULL, &found)) {
		pt_error("no panthor device with mem_reclaim; load the driver (modprobe panthor), "
			 "built with CONFIG_DRM_PANTHOR_RECLAIM");
		return NULL;
	}
	if (found.gl_pathc > 1)
		pt_error("%zu panthor devices; select one with --device", found.gl_pathc);
	else
		path = xstrdup(found.gl_pathv[0]);
	globfree(&found);
	return path;
}
