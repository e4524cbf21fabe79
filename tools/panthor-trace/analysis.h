/* SPDX-License-Identifier: GPL-2.0 */
/* A trace file put through the model, and an honest word on how much of it can be believed. */
#ifndef PANTHOR_TRACE_ANALYSIS_H
#define PANTHOR_TRACE_ANALYSIS_H

#include "model.h"
#include "source.h"

/**
 * struct analysis - one pass over one trace file
 * @source: the file; path is set by the caller
 * @request, @refault, @event: what to do with what is found, each may be NULL
 * @context: for these
 * @config: limits and switches of the model; its callbacks are not used
 *
 * The rest says what was odd.
 */
struct analysis {
	struct source source;
	void (*request)(void *context, const struct pt_request *req);
	void (*refault)(void *context, const struct pt_refault *refault);
	void (*event)(void *context, const struct pt_event *ev);
	void *context;
	struct pt_model_config config;

	struct pt_model *model;
	struct pt_model_stats stats;
	uint64_t no_begin;
	uint64_t no_end;
	uint64_t lost;
	uint64_t partial;
	uint64_t mismatch;
	uint64_t cut;
	bool no_memory;
};

/* Returns an exit status; what is odd is added to @doc and printed as warnings. */
int analyse(struct analysis *a, struct doc *doc);

#endif
