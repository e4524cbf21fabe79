/* SPDX-License-Identifier: GPL-2.0 */
/* Feeds the events of a trace to the model, and reports what is missing or inconsistent. */
#ifndef PANTHOR_TRACE_ANALYSIS_H
#define PANTHOR_TRACE_ANALYSIS_H

#include "model/model.h"
#include "report/ids.h"
#include "report/selection.h"
#include "report/table.h"

/**
 * struct analysis - one pass over one trace
 * @sel: which requests, with the swap-ins of what these evicted; may be NULL
 * @request, @refault: what to do with what is found, each may be NULL
 * @context: for these
 * @config: limits and switches of the model; its callbacks are not used
 *
 * The other members count what is missing or inconsistent.
 */
struct analysis {
	void (*request)(void *context, const struct pt_request *req);
	void (*refault)(void *context, const struct pt_refault *refault);
	const struct selection *sel;
	void *context;
	struct pt_model_config config;

	struct doc *doc;
	struct ids chosen; /* requests; with @sel only */
	struct pt_model *model;
	struct pt_model_stats stats;
	unsigned int seen; /* bit PT_x is set if there was an event PT_x */
	uint64_t no_begin;
	uint64_t no_end;
	uint64_t lost;
	uint64_t partial;
	uint64_t mismatch;
	uint64_t cut;
	bool no_memory;
};

/* The caller sets the file name of @doc and what names its threads. Returns an exit status. */
int analysis_begin(struct analysis *a, struct doc *doc);
/* Events in order of time; the caller has set the clock and the start of @doc. */
void analysis_event(struct analysis *a, const struct pt_event *ev);
void analysis_lost(struct analysis *a, uint64_t count);
/*
 * At the end of the trace: adds problems to the document and prints all of its
 * problems as warnings. Returns an exit status.
 */
int analysis_end(struct analysis *a);
void analysis_free(struct analysis *a);

#endif
