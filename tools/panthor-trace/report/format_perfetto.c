// SPDX-License-Identifier: GPL-2.0
/*
 * Perfetto's own format: TrackEvents, as report/perfetto/pftrace.proto has them.
 *
 * A file is a sequence of packets, so it can be appended to a Perfetto recording:
 * "cat a.pftrace export.pftrace". Therefore
 *
 * - the ids of tracks and of the sequence are unlikely to be used elsewhere;
 * - processes have no name here, or the importer would show both that of the
 *   recording and of this file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/map.h"
#include "pftrace.pb-c.h"
#include "report/sink.h"
#include "report/timeline.h"

/* Perfetto counts its sequences from 1. */
#define SEQUENCE 0x70616e74

/* Names of columns are numbered through all tables. */
#define MAX_NAMES (4 * MAX_COLUMNS)

enum uuid_kind {
	UUID_PROCESS = 1,
	UUID_THREAD,
	UUID_WRITES,
	UUID_VM,
	UUID_EVICTED,
	UUID_RESIDENT,
	UUID_PROBLEMS
};

struct perfetto {
	struct sink *sink;
	struct timeline *timeline;
	struct pt_map tracks; /* uuid -> described already */
	uint8_t *buf;
	size_t room;
	bool begun;
};

static void write_packet(struct perfetto *p, Pftrace__TracePacket *packet)
{
	Pftrace__TracePacket *packets[] = { packet };
	Pftrace__Trace trace = PFTRACE__TRACE__INIT;
	size_t size;

	packet->has_trusted_packet_sequence_id = 1;
	packet->trusted_packet_sequence_id = SEQUENCE;
	packet->has_sequence_flags = 1;
	packet->sequence_flags = PFTRACE__SEQUENCE_FLAGS__NEEDS_INCREMENTAL_STATE;
	if (!p->begun) {
		packet->sequence_flags = PFTRACE__SEQUENCE_FLAGS__INCREMENTAL_STATE_CLEARED;
		packet->has_first_packet_on_sequence = 1;
		packet->first_packet_on_sequence = 1;
		p->begun = true;
	}
	/* A trace of one packet: readers take several in one file for one trace. */
	trace.n_packet = 1;
	trace.packet = packets;
	size = pftrace__trace__get_packed_size(&trace);
	if (size > p->room) {
		p->room = 2 * size;
		p->buf = xrealloc(p->buf, p->room);
	}
	pftrace__trace__pack(&trace, p->buf);
	fwrite_unlocked(p->buf, 1, size, p->sink->f);
}

/* One number of a track for each combination, spread over all 64 bits */
static uint64_t make_uuid(enum uuid_kind kind, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t parts[] = { kind, a, b, c };
	uint64_t hash = 0x70616e74686f7221ULL;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		hash = (hash ^ parts[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return hash;
}

static uint64_t process_uuid(int64_t pid)
{
	return make_uuid(UUID_PROCESS, pid, 0, 0);
}

static uint64_t thread_uuid(int64_t tid)
{
	return make_uuid(UUID_THREAD, tid, 0, 0);
}

/* Once for each track */
static void describe(struct perfetto *p, Pftrace__TrackDescriptor *track, uint64_t uuid,
		     uint64_t parent)
{
	Pftrace__TracePacket packet = PFTRACE__TRACE_PACKET__INIT;

	if (pt_map_get(&p->tracks, uuid))
		return;
	pt_map_set(&p->tracks, uuid, p);
	track->has_uuid = 1;
	track->uuid = uuid;
	track->has_parent_uuid = parent;
	track->parent_uuid = parent;
	packet.track_descriptor = track;
	write_packet(p, &packet);
}

static void process(struct sink *sink, int64_t pid, const char *comm)
{
	Pftrace__TrackDescriptor track = PFTRACE__TRACK_DESCRIPTOR__INIT;
	Pftrace__ProcessDescriptor desc = PFTRACE__PROCESS_DESCRIPTOR__INIT;

	(void)comm;
	desc.has_pid = 1;
	desc.pid = pid;
	track.process = &desc;
	describe(sink->state, &track, process_uuid(pid), 0);
}

static void thread(struct sink *sink, int64_t pid, int64_t tid, const char *comm)
{
	Pftrace__TrackDescriptor track = PFTRACE__TRACK_DESCRIPTOR__INIT;
	Pftrace__ThreadDescriptor desc = PFTRACE__THREAD_DESCRIPTOR__INIT;

	desc.has_pid = 1;
	desc.pid = pid;
	desc.has_tid = 1;
	desc.tid = tid;
	desc.thread_name = *comm ? (char *)comm : NULL;
	track.thread = &desc;
	describe(sink->state, &track, thread_uuid(tid), 0);
}

/* Describes it, too, if it is neither a process nor a thread */
static uint64_t track_uuid(struct perfetto *p, const struct track *t)
{
	Pftrace__TrackDescriptor track = PFTRACE__TRACK_DESCRIPTOR__INIT;
	uint64_t uuid, parent;
	char name[96];

	switch (t->kind) {
	case TRACK_THREAD:
		return thread_uuid(t->tid);
	case TRACK_WRITES:
		uuid = make_uuid(UUID_WRITES, t->tid, t->lane, 0);
		parent = thread_uuid(t->tid);
		snprintf(name, sizeof(name), "written");
		break;
	default:
		uuid = make_uuid(UUID_VM, t->client, t->vm, t->tid);
		parent = process_uuid(t->pid);
		if (t->vm)
			snprintf(name, sizeof(name), "client %llu VM %llu",
				 (unsigned long long)t->client, (unsigned long long)t->vm);
		else
			snprintf(name, sizeof(name), "client %llu, no VM",
				 (unsigned long long)t->client);
	}
	track.name = name;
	describe(p, &track, uuid, parent);
	return uuid;
}

/* Columns are numbered in the order of the tables, from 1. */
static uint64_t first_name(const struct doc *doc, const struct table *table)
{
	uint64_t first = 1;

	for (size_t i = 0; doc->table[i] != table; i++)
		first += doc->table[i]->nr_columns;
	return first;
}

static void annotate(Pftrace__DebugAnnotation *a, const struct cell *cell, enum unit unit,
		     char buf[PT_NUM_LEN])
{
	switch (unit) {
	case UNIT_TEXT:
	case UNIT_HEX:
		a->string_value = (char *)cell_plain(cell, unit, buf);
		break;
	case UNIT_SIGNED:
		a->has_int_value = 1;
		a->int_value = cell->i;
		break;
	case UNIT_PERMILLE:
		a->has_double_value = 1;
		a->double_value = cell->i / 10.0;
		break;
	default:
		a->has_uint_value = 1;
		a->uint_value = cell->u;
	}
}

static void write_event(struct perfetto *p, uint64_t ts, uint64_t track,
			Pftrace__TrackEvent__Type type, Pftrace__TrackEvent *event)
{
	Pftrace__TracePacket packet = PFTRACE__TRACE_PACKET__INIT;

	event->has_type = 1;
	event->type = type;
	event->has_track_uuid = 1;
	event->track_uuid = track;
	packet.has_timestamp = 1;
	packet.timestamp = ts;
	packet.track_event = event;
	write_packet(p, &packet);
}

static void slice(struct sink *sink, const struct slice *s)
{
	Pftrace__DebugAnnotation notes[MAX_COLUMNS], *pointers[MAX_COLUMNS];
	Pftrace__TrackEvent begins = PFTRACE__TRACK_EVENT__INIT, ends = begins;
	struct perfetto *p = sink->state;
	uint64_t track = track_uuid(p, &s->track), flow = s->flow, name;
	char *category = (char *)s->category;
	char bufs[MAX_COLUMNS][PT_NUM_LEN];
	size_t n = 0;

	name = s->row ? first_name(sink->doc, s->table) : 0;
	for (size_t i = 0; s->row && i < s->table->nr_columns; i++) {
		if (!s->row[i].known)
			continue;
		pftrace__debug_annotation__init(&notes[n]);
		notes[n].has_name_iid = 1;
		notes[n].name_iid = name + i;
		annotate(&notes[n], &s->row[i], s->table->columns[i].unit, bufs[n]);
		pointers[n] = &notes[n];
		n++;
	}
	begins.name = (char *)s->name;
	begins.n_categories = 1;
	begins.categories = &category;
	begins.n_debug_annotations = n;
	begins.debug_annotations = pointers;
	if (flow && s->ends_flow) {
		begins.n_terminating_flow_ids = 1;
		begins.terminating_flow_ids = &flow;
	} else if (flow) {
		begins.n_flow_ids = 1;
		begins.flow_ids = &flow;
	}
	write_event(p, s->from, track, PFTRACE__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN, &begins);
	write_event(p, s->to, track, PFTRACE__TRACK_EVENT__TYPE__TYPE_SLICE_END, &ends);
}

static void counter(struct perfetto *p, const struct memory *m, enum uuid_kind kind, uint64_t value)
{
	Pftrace__CounterDescriptor desc = PFTRACE__COUNTER_DESCRIPTOR__INIT;
	Pftrace__TrackDescriptor track = PFTRACE__TRACK_DESCRIPTOR__INIT;
	Pftrace__TrackEvent event = PFTRACE__TRACK_EVENT__INIT;
	uint64_t uuid = make_uuid(kind, m->client, m->pid, 0);
	char name[64];

	snprintf(name, sizeof(name), "client %llu GPU memory %s", (unsigned long long)m->client,
		 kind == UUID_EVICTED ? "evicted" : "resident");
	desc.has_unit = 1;
	desc.unit = PFTRACE__COUNTER_DESCRIPTOR__UNIT__UNIT_SIZE_BYTES;
	track.name = name;
	track.counter = &desc;
	describe(p, &track, uuid, m->pid > 0 ? process_uuid(m->pid) : 0);
	event.has_counter_value = 1;
	event.counter_value = value;
	write_event(p, m->ts, uuid, PFTRACE__TRACK_EVENT__TYPE__TYPE_COUNTER, &event);
}

static void memory(struct sink *sink, const struct memory *m)
{
	counter(sink->state, m, UUID_EVICTED, m->evicted);
	if (m->resident_known)
		counter(sink->state, m, UUID_RESIDENT, m->resident);
}

/* The first packet: the names of the columns of all tables */
static void write_names(struct perfetto *p, const struct doc *doc)
{
	Pftrace__DebugAnnotationName names[MAX_NAMES], *pointers[MAX_NAMES];
	Pftrace__InternedData data = PFTRACE__INTERNED_DATA__INIT;
	Pftrace__TracePacket packet = PFTRACE__TRACE_PACKET__INIT;
	size_t n = 0;

	for (size_t i = 0; i < doc->nr_tables; i++) {
		for (size_t c = 0; c < doc->table[i]->nr_columns; c++) {
			pftrace__debug_annotation_name__init(&names[n]);
			names[n].has_iid = 1;
			names[n].iid = n + 1;
			names[n].name = (char *)doc->table[i]->columns[c].name;
			pointers[n] = &names[n];
			n++;
		}
	}
	data.n_debug_annotation_names = n;
	data.debug_annotation_names = pointers;
	packet.interned_data = &data;
	write_packet(p, &packet);
}

static void begin(struct sink *s)
{
	static const struct painter painter = { process, thread, slice, memory };
	struct perfetto *p = s->state = xcalloc(1, sizeof(*p));

	p->sink = s;
	p->timeline = timeline_new(s, &painter);
	if (s->doc->clock && strcmp(s->doc->clock, "boot"))
		pt_warn("%s: its clock is \"%s\"; to append it to a Perfetto recording, record "
			"with -C boot",
			s->doc->file, s->doc->clock);
	write_names(p, s->doc);
}

static void row(struct sink *s, struct part *part, const struct cell *cells)
{
	struct perfetto *p = s->state;

	timeline_row(p->timeline, part->table, cells);
}

/* Problems of the trace are events at its begin. */
static void write_problems(struct perfetto *p, const struct doc *doc)
{
	Pftrace__TrackDescriptor track = PFTRACE__TRACK_DESCRIPTOR__INIT;
	uint64_t uuid = make_uuid(UUID_PROBLEMS, 0, 0, 0);

	track.name = "panthor-trace: problems";
	for (size_t i = 0; i < doc->nr_problems; i++) {
		Pftrace__TrackEvent event = PFTRACE__TRACK_EVENT__INIT;
		char clean[1024];

		pt_clean(clean, sizeof(clean), doc->problems[i], strlen(doc->problems[i]));
		event.name = clean;
		describe(p, &track, uuid, 0);
		write_event(p, doc->start_ns, uuid, PFTRACE__TRACK_EVENT__TYPE__TYPE_INSTANT,
			    &event);
	}
}

static void end(struct sink *s)
{
	struct perfetto *p = s->state;

	timeline_end(p->timeline);
	write_problems(p, s->doc);
	pt_map_free(&p->tracks);
	free(p->buf);
	free(p);
}

const struct format format_perfetto = {
	.name = "perfetto",
	.mixed = true,
	.timeline = true,
	.binary = true,
	.begin = begin,
	.row = row,
	.end = end,
};
