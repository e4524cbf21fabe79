// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trace-cmd/trace-cmd.h>

#include "cli.h"
#include "source.h"
#include "source_check.h"
#include "table.h"

/* Look for a signal every so many records. */
#define SIGNAL_INTERVAL 65536

/* One CPU of one buffer: a stream that is in order by itself */
struct lane {
	struct tracecmd_input *handle;
	int cpu;
	struct tep_record *record;	/* the next of ours, or the first after a loss */
	uint64_t lost;			/* before @record */
	const struct pt_format *fmt;	/* of @record, NULL if it is none of ours */
};

/* A trace file being read */
struct reader {
	struct source *src;
	struct tracecmd_input *handle;
	struct tep_handle *tep;
	struct pt_format fmt[PT_NR_KINDS];
	uint8_t kind[65536];		/* by the first two bytes of a record as they stand; kind + 1, or 0 */
	struct lane *lane;
	size_t nr_lanes;
};

static uint16_t raw_type(const struct reader *rd, unsigned int id)
{
	if (tep_is_file_bigendian(rd->tep) == tep_is_local_bigendian(rd->tep))
		return id;
	return id >> 8 | id << 8;
}

/* Returns how many of our events the file describes. */
static int bind_formats(struct reader *rd)
{
	int n = 0;

	pt_names_init(&rd->src->names);
	for (int i = 0; i < PT_NR_KINDS; i++) {
		const struct tep_event *event =
			tep_find_event_by_name(rd->tep, PT_SYSTEM, pt_event_name(i));

		if (!event || event->id < 0 || event->id > 0xffff ||
		    pt_format_init(&rd->fmt[i], &rd->src->names, event))
			continue;
		rd->kind[raw_type(rd, event->id)] = i + 1;
		n++;
	}
	return n;
}

/* Go on to the lane's next record that matters. */
static void advance(struct reader *rd, struct lane *lane)
{
	struct tep_record *record;
	uint16_t type;

	if (lane->record)
		tracecmd_free_record(lane->record);
	lane->lost = 0;
	lane->fmt = NULL;

	while ((record = tracecmd_read_data(lane->handle, lane->cpu))) {
		rd->src->records++;
		if (rd->src->records % SIGNAL_INTERVAL == 0 && interrupted()) {
			tracecmd_free_record(record);
			record = NULL;
			break;
		}
		if (record->size >= 2) {
			memcpy(&type, record->data, 2);
			if (rd->kind[type])
				lane->fmt = &rd->fmt[rd->kind[type] - 1];
		}
		if (record->missed_events)
			lane->lost = record->missed_events > 0 ? record->missed_events : 1;
		if (lane->fmt || lane->lost)
			break;
		tracecmd_free_record(record);
	}
	lane->record = record;
}

static void deliver(struct reader *rd, struct lane *lane)
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
	if (pt_decode(lane->fmt, rd->tep, lane->record->data, lane->record->size, &ev)) {
		src->undecodable++;
		return;
	}
	ev.ts = lane->record->ts;
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

			if (lane->record && (!next || lane->record->ts < next->record->ts))
				next = lane;
		}
		if (!next)
			break;
		deliver(rd, next);
		advance(rd, next);
	}

	for (size_t i = 0; i < rd->nr_lanes; i++)
		if (rd->lane[i].record)
			tracecmd_free_record(rd->lane[i].record);
}

static void add_lanes(struct reader *rd, struct tracecmd_input *handle)
{
	int cpus = tep_get_cpus(tracecmd_get_tep(handle));

	rd->lane = xrealloc(rd->lane, (rd->nr_lanes + cpus) * sizeof(*rd->lane));
	for (int i = 0; i < cpus; i++)
		rd->lane[rd->nr_lanes++] = (struct lane){ .handle = handle, .cpu = i };
}

static int read_all(struct reader *rd)
{
	int buffers = tracecmd_buffer_instances(rd->handle);
	struct tracecmd_input **buffer = xcalloc(buffers > 0 ? buffers : 0, sizeof(*buffer));

	add_lanes(rd, rd->handle);
	for (int i = 0; i < buffers; i++) {
		buffer[i] = tracecmd_buffer_instance_handle(rd->handle, i);
		if (buffer[i])
			add_lanes(rd, buffer[i]);
	}
	merge(rd);
	for (int i = 0; i < buffers; i++)
		if (buffer[i])
			tracecmd_close(buffer[i]);
	free(buffer);
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

/*
 * In two steps, because tracecmd_open() of 3.1.6 dereferences NULL while it cleans up after bad data. For the same reason the
 * handle is left alone when the second step fails. The library's remarks on standard error go nowhere: what matters of them is
 * said by us, in one line.
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

/**
 * source_read - read a trace file to its end
 * @src: path and callbacks; the rest is filled in
 *
 * Prints what is wrong. Return: EXIT_OK, EXIT_INTERRUPTED (what was read was delivered), EXIT_FAILED (not a trace,
 * truncated, damaged) or EXIT_NOTHING.
 */
int source_read(struct source *src)
{
	struct reader *rd;
	int status;

	status = source_check(src->path);
	if (status)
		return status;

	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	rd = xcalloc(1, sizeof(*rd));
	rd->src = src;
	rd->handle = open_trace(src->path);
	if (!rd->handle) {
		pt_error("%s: damaged, or of a version that this libtracecmd does not read", src->path);
		free(rd);
		return EXIT_FAILED;
	}
	rd->tep = tracecmd_get_tep(rd->handle);

	if (bind_formats(rd)) {
		status = read_all(rd);
	} else {
		pt_error("%s: has none of the driver's reclaim events; record with: panthor-trace record, or trace-cmd record -e panthor",
			 src->path);
		status = EXIT_NOTHING;
	}
	tracecmd_close(rd->handle);
	free(rd);
	return status;
}

/* What a document says about where its numbers come from */
void source_describe(const struct source *src, struct doc *doc)
{
	doc->file = src->path;
	doc_fact(doc, "records", src->records);
	doc_fact(doc, "events", src->events);
	doc_fact(doc, "lost_events", src->lost_events);
	doc_fact(doc, "undecodable", src->undecodable);
	doc_fact(doc, "first_ns", src->first_ns);
	doc_fact(doc, "last_ns", src->last_ns);
	if (src->lost_events)
		doc_problem(doc, "the trace lost %llu events or more; use a bigger buffer (panthor-trace record -b)",
			    (unsigned long long)src->lost_events);
	if (src->undecodable)
		doc_problem(doc, "%llu of the driver's events are damaged and were left out",
			    (unsigned long long)src->undecodable);
}
