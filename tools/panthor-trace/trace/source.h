/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A trace file as a stream of our events in the order of time.
 *
 * Events of other systems are skipped without decoding. Nothing is kept: memory
 * does not grow with the file.
 */
#ifndef PANTHOR_TRACE_SOURCE_H
#define PANTHOR_TRACE_SOURCE_H

#include "model/events.h"
#include "trace/source_version.h"

/**
 * struct source - a trace file, and what there is to say about it
 * @path: its name
 * @names: symbolic names as the file has them
 * @event: called for each of our events
 * @lost: called where the trace lost events; @count is 1 if it does not say how many
 * @context: for both
 * @stop: asked now and then: true ends reading; may be NULL
 * @records: events of any kind
 * @events: events of the driver
 * @undecodable: events of the driver that are damaged or incomplete
 * @lost_events: how many were lost at least
 * @seen: bit PT_x is set if event PT_x was in the file
 * @version: how its events differ from those we know
 * @first_ns, @last_ns: first and last event of the driver
 * @start_ns, @end_ns: first and last event of any kind; @start_ns is known
 * with the first call of @event
 * @clock: its clock, NULL if it does not name it
 * @no_seconds: that does not count nanoseconds
 * @fingerprint: of the driver's events
 * @tep: what it says of itself, as long as the source is not freed
 */
struct source {
	const char *path;
	struct pt_names names;
	void (*event)(void *context, const struct pt_event *ev);
	void (*lost)(void *context, uint64_t count);
	void *context;
	bool (*stop)(void);

	uint64_t records;
	uint64_t events;
	uint64_t undecodable;
	uint64_t lost_events;
	unsigned int seen;
	struct version version;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t start_ns;
	uint64_t end_ns;
	char *clock;
	bool no_seconds;
	uint64_t fingerprint;
	struct tep_handle *tep;
};

/* What to open for a file that the user names: standard input for "-" */
const char *source_path(const char *name);
/* What to call it when speaking to the user */
const char *source_name(const char *path);
int source_read(struct source *src);
/*
 * The name of a thread, safe to print, of a source that was opened; false: the
 * trace does not have it
 */
bool source_comm(const struct source *src, int64_t tid, char *name, size_t size);
void source_free(struct source *src);

#endif
