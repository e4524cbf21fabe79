// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <trace-cmd/trace-cmd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "trace/guard.h"
#include "trace/source.h"
#include "trace/source_check.h"
#include "trace/source_file.h"

/* Ask whether to stop every so many records. */
#define STOP_INTERVAL 65536

/* A stream's next record that matters, copied; not valid: the stream is at its end */
struct lane {
	struct stream *stream;
	unsigned char *data;
	size_t room;
	bool valid;
	int size;
	uint64_t ts;
	uint64_t lost; /* events lost before it */
	const struct pt_format *fmt; /* NULL if it is not an event of the driver */
};

/* A trace file being read */
struct reader {
	struct source *src;
	struct tep_handle *tep; /* a bare one, for the byte order */
	struct trace_file file;
	uint64_t page; /* size of the file's */
	struct pt_format fmt[PT_NR_KINDS];
	uint8_t kind[65536]; /* by the first two bytes of a record as they stand; kind + 1, or 0 */
	struct lane *lane; /* one for each stream of @file */
};

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

/* The library takes a record's size as the file has it, beyond the end of its page too. */
static bool within_page(const struct reader *rd, const struct tep_record *record)
{
	return record->size >= 0 &&
	       (uint64_t)record->size <= rd->page - (record->offset & (rd->page - 1));
}

static bool stopped(const struct reader *rd)
{
	return rd->src->stop && rd->src->stop();
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
	while (!lane->valid && (record = trace_file_next(&rd->file, lane->stream))) {
		if (!rd->src->records++ || record->ts < rd->src->start_ns)
			rd->src->start_ns = record->ts;
		if (record->ts > rd->src->end_ns)
			rd->src->end_ns = record->ts;
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
		if (rd->src->records % STOP_INTERVAL == 0 && stopped(rd))
			break;
	}
}

/* Events that differ in whatever way make another number of it. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static uint64_t fingerprint(uint64_t hash, const struct lane *lane)
{
	uint64_t word;
	int at = 0;

	hash = mix(mix(mix(hash, lane->ts), lane->stream->cpu), lane->size);
	for (; at + 8 <= lane->size; at += 8) {
		memcpy(&word, lane->data + at, 8);
		hash = mix(hash, word);
	}
	word = 0;
	if (at < lane->size)
		memcpy(&word, lane->data + at, lane->size - at);
	return mix(hash, word);
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
	src->fingerprint = fingerprint(src->fingerprint, lane);
	ev.ts = lane->ts;
	ev.cpu = lane->stream->cpu;
	if (!src->events++)
		src->first_ns = ev.ts;
	src->last_ns = ev.ts;
	src->seen |= 1u << ev.kind;
	src->event(src->context, &ev);
}

static void merge(struct reader *rd)
{
	for (size_t i = 0; i < rd->file.nr_streams; i++)
		advance(rd, &rd->lane[i]);

	while (!stopped(rd)) {
		struct lane *next = NULL;

		for (size_t i = 0; i < rd->file.nr_streams; i++) {
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

static int read_all(struct reader *rd)
{
	rd->lane = xcalloc(rd->file.nr_streams, sizeof(*rd->lane));
	for (size_t i = 0; i < rd->file.nr_streams; i++)
		rd->lane[i].stream = &rd->file.stream[i];
	merge(rd);
	for (size_t i = 0; i < rd->file.nr_streams; i++)
		free(rd->lane[i].data);
	free(rd->lane);

	if (stopped(rd))
		return EXIT_INTERRUPTED;
	/* Our events may have been among the lost ones. */
	if (!rd->src->events && rd->src->lost_events)
		return EXIT_INCOMPLETE;
	if (!rd->src->events && !rd->src->undecodable) {
		pt_error("%s: no reclaim happened during the recording",
			 source_name(rd->src->path));
		return EXIT_NOTHING;
	}
	return EXIT_OK;
}

/* Declared in a private header of the library, but exported by all its releases */
const char *tracecmd_get_trace_clock(struct tracecmd_input *handle) __attribute__((weak));
unsigned long tracecmd_get_flags(struct tracecmd_input *handle) __attribute__((weak));
/* Among the flags: points in time are ns, says the library; right of cycle counters only */
#define FLAG_IN_SECONDS (1 << 2)

/* Counts nanoseconds, or is made to: trace-cmd record -C tsc2nsec leaves that to the reader */
static bool in_seconds(const char *clock, struct tracecmd_input *handle)
{
	static const char *const others[] = { "counter", "uptime", "ppc-tb", "s390-tod" };

	if (!strcmp(clock, "x86-tsc"))
		return tracecmd_get_flags && tracecmd_get_flags(handle) & FLAG_IN_SECONDS;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(clock, others[i]))
			return false;
	return true;
}

static void find_clock(struct reader *rd)
{
	const char *clock = tracecmd_get_trace_clock ? tracecmd_get_trace_clock(rd->file.handle)
						     : NULL;
	char clean[64];

	if (!clock || !*clock)
		return;
	pt_clean(clean, sizeof(clean), clock, strlen(clock));
	rd->src->clock = xstrdup(clean);
	rd->src->no_seconds = !in_seconds(clock, rd->file.handle);
}

bool source_comm(const struct source *src, int64_t tid, char *name, size_t size)
{
	const char *comm = src->tep && tid > 0 && tid <= INT_MAX
				   ? tep_data_comm_from_pid(src->tep, tid)
				   : NULL;

	/* The library's way to say that it does not know */
	if (!comm || !strcmp(comm, "<...>"))
		return false;
	pt_clean(name, size, comm, strlen(comm));
	return true;
}

void source_free(struct source *src)
{
	pt_text_free(&src->version.unknown);
	free(src->clock);
	src->clock = NULL;
	if (src->tep)
		tep_unref(src->tep);
	src->tep = NULL;
}

/**
 * source_read - read a trace file to its end
 * @src: path and callbacks; the rest is filled in
 *
 * Prints what is wrong. Return: EXIT_OK, EXIT_INTERRUPTED (what was read was
 * delivered), EXIT_FAILED (not a trace, truncated, damaged), EXIT_NOTHING, or
 * EXIT_INCOMPLETE if all there may have been was lost.
 */
int source_read(struct source *src)
{
	struct reader *rd;
	uint64_t page;
	int status;

	guard_reads(source_name(src->path));
	status = source_check(src->path, &page);
	if (status)
		return status;

	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	rd = xcalloc(1, sizeof(*rd));
	rd->page = page;
	rd->src = src;
	if (!trace_file_open(&rd->file, src->path)) {
		if (errno)
			pt_error("cannot open %s: %s", source_name(src->path), strerror(errno));
		else
			pt_error("%s: damaged, or of a version that libtracecmd does not support",
				 source_name(src->path));
		status = EXIT_FAILED;
	} else if (!bind_formats(rd, trace_file_tep(&rd->file))) {
		pt_error("%s: no reclaim events of panthor; record with panthor-trace record or "
			 "trace-cmd record -e panthor",
			 source_name(src->path));
		status = EXIT_NOTHING;
	} else {
		src->tep = trace_file_tep(&rd->file);
		tep_ref(src->tep);
		find_clock(rd);
		status = read_all(rd);
	}
	trace_file_close(&rd->file);
	if (rd->tep)
		tep_free(rd->tep);
	free(rd);
	return status;
}
