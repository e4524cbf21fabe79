// SPDX-License-Identifier: GPL-2.0
/*
 * Chrome's trace event format, which Perfetto and chrome://tracing open.
 *
 * What Perfetto's importer requires: complete slices ("X") of a thread nest;
 * ids of arrows are hexadecimal; a track that is no thread's belongs to a
 * process if its id is local to that ("id2"), and names no thread ("tid").
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "report/json.h"
#include "report/sink.h"
#include "report/timeline.h"

struct chrome {
	FILE *f;
	bool any;
	struct timeline *timeline;
};

static void put(struct chrome *c, const char *s)
{
	fputs_unlocked(s, c->f);
}

static void put_number(struct chrome *c, const char *key, uint64_t value)
{
	char buf[PT_NUM_LEN];

	put(c, key);
	put(c, pt_decimal(buf, value));
}

/* In microseconds, which is what the format counts in */
static void put_us(struct chrome *c, const char *key, uint64_t ns)
{
	char fraction[] = { '.', '0' + ns / 100 % 10, '0' + ns / 10 % 10, '0' + ns % 10, '\0' };

	put_number(c, key, ns / 1000);
	put(c, fraction);
}

/* {"ph":"X","ts":1.000,"pid":1: the caller continues */
static void event(struct chrome *c, const char *phase, uint64_t ts, int64_t pid)
{
	put(c, c->any ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
	c->any = true;
	put(c, phase);
	put_us(c, "\",\"ts\":", ts);
	put_number(c, ",\"pid\":", pid > 0 ? pid : 0);
}

static void text(struct chrome *c, const char *key, const char *value)
{
	put(c, key);
	json_string(c->f, value);
}

/* All that is known of a row, for the details pane */
static void args(struct chrome *c, const struct table *t, const struct cell *row)
{
	put(c, ",\"args\":{");
	if (row)
		json_known(c->f, t, row);
	put(c, "}}");
}

static void name(struct chrome *c, const char *what, int64_t pid, int64_t tid, const char *comm)
{
	if (!*comm)
		return;
	event(c, "M", 0, pid);
	put_number(c, ",\"tid\":", tid);
	text(c, ",\"name\":", what);
	text(c, ",\"args\":{\"name\":", comm);
	put(c, "}}");
}

static void process(struct sink *sink, int64_t pid, const char *comm)
{
	name(sink->state, "process_name", pid, pid, comm);
}

static void thread(struct sink *sink, int64_t pid, int64_t tid, const char *comm)
{
	name(sink->state, "thread_name", pid, tid, comm);
}

static void flow(struct chrome *c, const struct slice *s)
{
	event(c, s->ends_flow ? "f" : "s", s->from, s->track.pid);
	put_number(c, ",\"tid\":", s->track.tid);
	fprintf(c->f, ",\"name\":\"swap in\",\"cat\":\"refault\",\"bp\":\"e\",\"id\":\"0x%llx\"}",
		(unsigned long long)s->flow);
}

/* From and to on a track of the process */
static void span(struct chrome *c, const struct slice *s)
{
	const struct track *t = &s->track;
	char id[96];

	if (t->kind == TRACK_VM)
		snprintf(id, sizeof(id), "client %llu VM %llu by %lld",
			 (unsigned long long)t->client, (unsigned long long)t->vm,
			 (long long)t->tid);
	else
		snprintf(id, sizeof(id), "%lld write %llu", (long long)t->tid,
			 (unsigned long long)t->lane);
	for (int i = 0; i < 2; i++) {
		event(c, i ? "e" : "b", i ? s->to : s->from, t->pid);
		text(c, ",\"name\":", s->name);
		text(c, ",\"cat\":", s->category);
		text(c, ",\"id2\":{\"local\":", id);
		put(c, "}");
		args(c, s->table, i ? NULL : s->row);
	}
}

static void slice(struct sink *sink, const struct slice *s)
{
	struct chrome *c = sink->state;

	if (s->track.kind != TRACK_THREAD) {
		span(c, s);
		return;
	}
	event(c, "X", s->from, s->track.pid);
	put_number(c, ",\"tid\":", s->track.tid);
	put_us(c, ",\"dur\":", s->to - s->from);
	text(c, ",\"name\":", s->name);
	text(c, ",\"cat\":", s->category);
	args(c, s->table, s->row);
	if (s->flow)
		flow(c, s);
}

static void memory(struct sink *sink, const struct memory *m)
{
	struct chrome *c = sink->state;

	event(c, "C", m->ts, m->pid);
	put_number(c, ",\"name\":\"client ", m->client);
	put_number(c, " memory\",\"args\":{\"evicted\":", m->evicted);
	if (m->resident_known)
		put_number(c, ",\"resident\":", m->resident);
	put(c, "}}");
}

static void begin(struct sink *s)
{
	static const struct painter painter = { process, thread, slice, memory };
	struct chrome *c = s->state = xcalloc(1, sizeof(*c));

	c->f = s->f;
	c->timeline = timeline_new(s, &painter);
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", s->f);
}

static void row(struct sink *s, struct part *p, const struct cell *cells)
{
	struct chrome *c = s->state;

	timeline_row(c->timeline, p->table, cells);
}

static void end(struct sink *s)
{
	struct chrome *c = s->state;

	timeline_end(c->timeline);
	fputs("\n],\"otherData\":{", s->f);
	json_head(s->f, s->doc, "");
	fputc(',', s->f);
	json_tail(s->f, s->doc, "");
	fputs("}}\n", s->f);
	free(c);
}

const struct format format_chrome = {
	.name = "chrome",
	.mixed = true,
	.timeline = true,
	.begin = begin,
	.row = row,
	.end = end,
};
