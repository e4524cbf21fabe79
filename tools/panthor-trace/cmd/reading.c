// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "cmd/cli.h"
#include "cmd/reading.h"

static void on_event(void *context, const struct pt_event *ev)
{
	struct reading *r = context;
	struct doc *doc = r->analysis.doc;

	doc->start_ns = r->source.start_ns;
	doc->clock = r->source.clock;
	doc->no_seconds = r->source.no_seconds;
	analysis_event(&r->analysis, ev);
}

static void on_lost(void *context, uint64_t count)
{
	struct reading *r = context;

	analysis_lost(&r->analysis, count);
}

static void name_thread(const void *source, int64_t tid, char name[DOC_COMM_LEN])
{
	source_comm(source, tid, name, DOC_COMM_LEN);
}

/* What a document says about where its numbers come from */
static void describe(const struct source *src, struct doc *doc)
{
	char *missing;

	doc->fingerprint = src->fingerprint;
	doc_fact(doc, "records", src->records);
	doc_fact(doc, "events", src->events);
	doc_fact(doc, "lost_events", src->lost_events);
	doc_fact(doc, "undecodable", src->undecodable);
	doc_fact(doc, "first_ns", src->first_ns);
	doc_fact(doc, "last_ns", src->last_ns);
	doc_fact(doc, "start_ns", src->start_ns);
	doc_fact(doc, "end_ns", src->end_ns);
	if (src->lost_events)
		doc_problem(doc,
			    "the trace lost at least %llu events; use a larger buffer "
			    "(panthor-trace record -b)",
			    (unsigned long long)src->lost_events);
	missing = version_missing(&src->version);
	if (missing)
		doc_problem(doc, "recorded by an older driver; missing fields: %s", missing);
	free(missing);
	if (src->undecodable)
		doc_problem(doc, "%llu damaged events of the driver were ignored",
			    (unsigned long long)src->undecodable);
}

/* Worth a word, but nothing is wrong with it. */
static void note(const struct source *src)
{
	if (src->no_seconds)
		pt_warn("%s: the clock \"%s\" does not count seconds; timestamps are printed as "
			"recorded, durations are valid",
			source_name(src->path), src->clock);
	if (src->version.unknown.len)
		pt_warn("%s: recorded by a newer driver; ignored fields: %s",
			source_name(src->path), src->version.unknown.s);
}

int read_trace(struct reading *r, struct doc *doc)
{
	int status;

	doc->file = source_name(r->source.path);
	doc->comm = name_thread;
	doc->comm_of = &r->source;
	status = analysis_begin(&r->analysis, doc);
	if (status)
		return status;
	r->source.event = on_event;
	r->source.lost = on_lost;
	r->source.context = r;
	r->source.stop = interrupted;

	status = source_read(&r->source);
	if (status == EXIT_FAILED)
		return status;
	describe(&r->source, doc);
	note(&r->source);
	return worse(status, analysis_end(&r->analysis));
}

bool read_file(struct reading *r, const struct file_args *args, struct sink *sink, struct doc *doc,
	       int *status)
{
	output_open(&args->out, sink, doc);
	watch_signals();
	r->source.path = args->path;
	r->analysis.sel = &args->sel;
	*status = read_trace(r, doc);
	return *status != EXIT_FAILED && *status != EXIT_NOTHING;
}

void reading_free(struct reading *r)
{
	analysis_free(&r->analysis);
	source_free(&r->source);
}
