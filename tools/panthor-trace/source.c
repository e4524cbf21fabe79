// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <trace-cmd/trace-cmd.h>

#include "cli.h"
#include "source.h"
#include "source_check.h"
#include "table.h"

/* Look for a signal every so many records. */
#define SIGNAL_INTERVAL 65536

/*
 * libtracecmd keeps all that it has read of a file, mapped (and that even when
 * it is closed) or unpacked on the heap. So after this many bytes the pages of
 * the mapping are given back; if there is none, the file is closed and opened
 * again where one was.
 */
#define WINDOW (8 << 20)

/* One CPU of one buffer: a stream that is in order by itself */
struct lane {
	int buffer; /* -1: the main one */
	int cpu;
	struct tracecmd_input *handle;
	bool resume; /* the file was opened anew: first go back to @offset */
	unsigned long long offset; /* of the last record read */

	/* The next record that matters, copied; no data: the lane is at its end */
	unsigned char *data;
	size_t room;
	bool valid;
	int size;
	uint64_t ts;
	uint64_t lost; /* events lost before it */
	const struct pt_format *fmt; /* NULL if it is none of ours */
};

/* A trace file being read */
struct reader {
	struct source *src;
	struct tep_handle *tep; /* a bare one, for the byte order */
	struct tracecmd_input *handle;
	struct tracecmd_input **buffer;
	int nr_buffers;
	size_t consumed; /* since it was opened */
	uint64_t page; /* size of the file's */
	struct pt_format fmt[PT_NR_KINDS];
	uint8_t kind[65536]; /* by the first two bytes of a record as they stand; kind + 1, or 0 */
	struct lane *lane;
	size_t nr_lanes;
};

/*
 * In two steps, because tracecmd_open() of 3.1.6 dereferences NULL while it
 * cleans up after bad data. For the same reason the handle is left alone when
 * the second step fails. The library's remarks on standard error go nowhere:
 * what matters of them is said by us, in one line.
 */
static struct tracecmd_input *open_trace(const char *path)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), saved = dup(STDERR_FILENO);
	struct tracecmd_input *handle;

	if (nowhere >= 0 && saved >= 0)
		dup2(nowhere, STDERR_FILENO);
	handle = tracecmd_open_head(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (handle && tracecmd_init_data(handle))
		handle = NULL;
	if (nowhere >= 0 && saved >= 0)
		dup2(saved, STDERR_FILENO);
	close(nowhere);
	close(saved);
	return handle;
}

static void close_file(struct reader *rd)
{
	for (int i = 0; i < rd->nr_buffers; i++)
		if (rd->buffer[i])
			tracecmd_close(rd->buffer[i]);
	free(rd->buffer);
	rd->buffer = NULL;
	rd->nr_buffers = 0;
	if (rd->handle)
		tracecmd_close(rd->handle);
	rd->handle = NULL;
}

static bool open_file(struct reader *rd)
{
	rd->handle = open_trace(rd->src->path);
	if (!rd->handle)
		return false;
	rd->nr_buffers = tracecmd_buffer_instances(rd->handle);
	if (rd->nr_buffers < 0)
		rd->nr_buffers = 0;
	rd->buffer = xcalloc(rd->nr_buffers, sizeof(*rd->buffer));
	for (int i = 0; i < rd->nr_buffers; i++)
		rd->buffer[i] = tracecmd_buffer_instance_handle(rd->handle, i);
	rd->consumed = 0;
	return true;
}

/* The mapping stays, what is needed again is read again. False: the file is not mapped. */
static bool drop_mapped(const char *path)
{
	char *real = realpath(path, NULL), *line = NULL;
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	bool found = false;
	size_t size = 0;
	int name;

	while (real && maps && getline(&line, &size, maps) > 0) {
		line[strcspn(line, "\n")] = '\0';
		name = 0;
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &from, &to, &name) < 2 || !name ||
		    strcmp(line + name, real))
			continue;
		found = true;
		madvise((void *)from, to - from, MADV_DONTNEED);
	}
	if (maps)
		fclose(maps);
	free(line);
	free(real);
	return found;
}

static void reopen(struct reader *rd)
{
	close_file(rd);
	if (!open_file(rd)) {
		pt_error("%s: changed while it was read", rd->src->path);
		exit(EXIT_FAILED);
	}
	for (size_t i = 0; i < rd->nr_lanes; i++) {
		struct lane *lane = &rd->lane[i];

		lane->handle = lane->buffer < 0		       ? rd->handle
			       : lane->buffer < rd->nr_buffers ? rd->buffer[lane->buffer]
							       : NULL;
		lane->resume = true;
	}
}

static uint16_t raw_type(const struct reader *rd, unsigned int id)
{
	if (tep_is_file_bigendian(rd->tep) == tep_is_local_bigendian(rd->tep))
		return id;
	return id >> 8 | id << 8;
}

/* Returns how many of our events the file describes. */
static int bind_formats(struct reader *rd, struct tep_handle *tep)
{
	int n = 0;

	rd->tep = tep_alloc();
	if (!rd->tep)
		return 0;
	tep_set_file_bigendian(rd->tep, tep_is_file_bigendian(tep));
	tep_set_local_bigendian(rd->tep, tep_is_local_bigendian(tep));
	pt_names_init(&rd->src->names);
	for (int i = 0; i < PT_NR_KINDS; i++) {
		const struct tep_event *event =
			tep_find_event_by_name(tep, PT_SYSTEM, pt_event_name(i));

		if (!event || event->id < 0 || event->id > 0xffff ||
		    pt_format_init(&rd->fmt[i], &rd->src->names, event))
			continue;
		version_add(&rd->src->version, &rd->fmt[i], event);
		rd->kind[raw_type(rd, event->id)] = i + 1;
		n++;
	}
	return n;
}

static struct tep_record *next_record(struct reader *rd, struct lane *lane)
{
	struct tep_record *record;
	int cpu;

	if (rd->consumed > WINDOW) {
		rd->consumed = 0;
		if (!drop_mapped(rd->src->path))
			reopen(rd);
	}
	if (!lane->handle)
		return NULL;
	if (lane->resume) {
		lane->resume = false;
		/* nothing read yet: start at the start */
		record = lane->offset ? tracecmd_read_at(lane->handle, lane->offset, &cpu) : NULL;
		if (lane->offset && !record)
			return NULL;
		if (record)
			tracecmd_free_record(record);
	}

	record = tracecmd_read_data(lane->handle, lane->cpu);
	if (!record)
		return NULL;
	lane->offset = record->offset;
	rd->consumed += record->record_size > 0 ? record->record_size : 0;
	rd->src->records++;
	return record;
}

/* The library takes a record's size as the file has it, beyond the end of its page too. */
static bool within_page(const struct reader *rd, const struct tep_record *record)
{
	return record->size >= 0 &&
	       (uint64_t)record->size <= rd->page - (record->offset & (rd->page - 1));
}

static void keep(struct lane *lane, const struct tep_record *record)
{
	size_t size = record->size;

	if (size > lane->room) {
		lane->room = 2 * size;
		lane->data = xrealloc(lane->data, lane->room);
	}
	if (size)
		memcpy(lane->data, record->data, size);
	lane->size = size;
	lane->ts = record->ts;
	lane->valid = true;
}

/* Go on to the lane's next record that matters. */
static void advance(struct reader *rd, struct lane *lane)
{
	struct tep_record *record;
	uint16_t type;

	lane->lost = 0;
	lane->fmt = NULL;
	lane->valid = false;
	while (!lane->valid && (record = next_record(rd, lane))) {
		if (!within_page(rd, record)) {
			rd->src->undecodable++;
			tracecmd_free_record(record);
			continue;
		}
		if (record->size >= 2) {
			memcpy(&type, record->data, 2);
			if (rd->kind[type])
				lane->fmt = &rd->fmt[rd->kind[type] - 1];
		}
		if (record->missed_events)
			lane->lost = record->missed_events > 0 ? record->missed_events : 1;
		if (lane->fmt || lane->lost)
			keep(lane, record);
		tracecmd_free_record(record);
		if (rd->src->records % SIGNAL_INTERVAL == 0 && interrupted())
			break;
	}
}

static void deliver(struct reader *rd, const struct lane *lane)
{
	struct source *src = rd->src;
	struct pt_event ev;

	if (lane->lost) {
		src->lost_events += lane->lost;
		if (src->lost)
			src->lost(src->context, lane->lost);
	}
	if (!lane->fmt)
		return;
	if (pt_decode(lane->fmt, rd->tep, lane->data, lane->size, &ev)) {
		src->undecodable++;
		return;
	}
	ev.ts = lane->ts;
	ev.cpu = lane->cpu;
	if (!src->events++)
		src->first_ns = ev.ts;
	src->last_ns = ev.ts;
	src->seen |= 1u << ev.kind;
	src->event(src->context, &ev);
}

static void merge(struct reader *rd)
{
	for (size_t i = 0; i < rd->nr_lanes; i++)
		advance(rd, &rd->lane[i]);

	while (!interrupted()) {
		struct lane *next = NULL;

		for (size_t i = 0; i < rd->nr_lanes; i++) {
			struct lane *lane = &rd->lane[i];

			if (lane->valid && (!next || lane->ts < next->ts))
				next = lane;
		}
		if (!next)
			break;
		deliver(rd, next);
		advance(rd, next);
	}
}

static void add_lanes(struct reader *rd, struct tracecmd_input *handle, int buffer)
{
	int cpus = handle ? tep_get_cpus(tracecmd_get_tep(handle)) : 0;

	rd->lane = xrealloc(rd->lane, (rd->nr_lanes + cpus) * sizeof(*rd->lane));
	for (int i = 0; i < cpus; i++)
		rd->lane[rd->nr_lanes++] =
			(struct lane){ .buffer = buffer, .cpu = i, .handle = handle };
}

static int read_all(struct reader *rd)
{
	add_lanes(rd, rd->handle, -1);
	for (int i = 0; i < rd->nr_buffers; i++)
		add_lanes(rd, rd->buffer[i], i);
	merge(rd);
	for (size_t i = 0; i < rd->nr_lanes; i++)
		free(rd->lane[i].data);
	free(rd->lane);

	if (interrupted())
		return EXIT_INTERRUPTED;
	if (!rd->src->events && !rd->src->undecodable) {
		pt_error("%s: none of the driver's reclaim events happened while it was recorded",
			 rd->src->path);
		return EXIT_NOTHING;
	}
	return EXIT_OK;
}

/**
 * source_read - read a trace file to its end
 * @src: path and callbacks; the rest is filled in
 *
 * Prints what is wrong. Return: EXIT_OK, EXIT_INTERRUPTED (what was read was
 * delivered), EXIT_FAILED (not a trace, truncated, damaged) or EXIT_NOTHING.
 */
int source_read(struct source *src)
{
	struct reader *rd;
	uint64_t page;
	int status;

	status = source_check(src->path, &page);
	if (status)
		return status;

	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	rd = xcalloc(1, sizeof(*rd));
	rd->page = page;
	rd->src = src;
	if (!open_file(rd)) {
		pt_error("%s: damaged, or of a version that this libtracecmd does not read",
			 src->path);
		status = EXIT_FAILED;
	} else if (!bind_formats(rd, tracecmd_get_tep(rd->handle))) {
		pt_error("%s: has none of the driver's reclaim events; record with: panthor-trace "
			 "record, or trace-cmd record -e panthor",
			 src->path);
		status = EXIT_NOTHING;
	} else {
		status = read_all(rd);
	}
	close_file(rd);
	if (rd->tep)
		tep_free(rd->tep);
	free(rd);
	return status;
}

/* What a document says about where its numbers come from */
void source_describe(const struct source *src, struct doc *doc)
{
	char *missing;

	doc->file = src->path;
	doc_fact(doc, "records", src->records);
	doc_fact(doc, "events", src->events);
	doc_fact(doc, "lost_events", src->lost_events);
	doc_fact(doc, "undecodable", src->undecodable);
	doc_fact(doc, "first_ns", src->first_ns);
	doc_fact(doc, "last_ns", src->last_ns);
	if (src->lost_events)
		doc_problem(doc,
			    "the trace lost %llu events or more; use a bigger buffer "
			    "(panthor-trace record -b)",
			    (unsigned long long)src->lost_events);
	missing = version_missing(&src->version);
	if (missing)
		doc_problem(doc, "recorded by an older driver, whose events do not have: %s",
			    missing);
	free(missing);
	if (src->undecodable)
		doc_problem(doc, "%llu of the driver's events are damaged and were left out",
			    (unsigned long long)src->undecodable);
}
