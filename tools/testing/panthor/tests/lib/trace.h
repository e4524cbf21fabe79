/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The events, as the kernel's own text shows them, from a trace instance that nobody else writes
 * to.
 */
#ifndef TESTS_TRACE_H
#define TESTS_TRACE_H

#include <stdbool.h>
#include <stdint.h>

struct event {
	const char *name;
	const char *text;
	double time;
};

struct trace {
	char dir[128];
	struct event *events;
	int nr_events;
	char *text;
	uint64_t lost;
};

/* Record these events ("panthor", "gpu_mem:gpu_mem_total"), from now on; NULL ends the list */
struct trace *trace_start(const char *event, ...) __attribute__((sentinel));
/* Stop, and have @events; @lost tells how many did not fit */
void trace_stop(struct trace *trace);
void trace_free(struct trace *trace);

/* While it records: wait for the @count-th event called @name, true if it came in two minutes */
bool trace_wait(const struct trace *trace, const char *name, int count);
/* Put a line of our own between the events, a "tracing_mark_write" */
void trace_mark(const struct trace *trace, const char *text);

/* The number or word after "KEY="; has_ tells whether there is one */
bool event_has(const struct event *event, const char *key);
int64_t event_value(const struct event *event, const char *key);
bool event_is(const struct event *event, const char *name);
/* Does the word after "KEY=" read @word? */
bool event_says(const struct event *event, const char *key, const char *word);

/* The end of the last write to mem_reclaim, of the last claim; bail out if there is none */
const struct event *trace_end(const struct trace *trace);
const struct event *trace_claim_end(const struct trace *trace);
/* The mark that reads @text; bails out if there is none */
const struct event *trace_marked(const struct trace *trace, const char *text);
/* Events called @name between two others */
int events_between(const char *name, const struct event *from, const struct event *to);
/* Events called @name whose field "id" is @id (0: any) */
int trace_count(const struct trace *trace, const char *name, uint64_t id);

#endif
