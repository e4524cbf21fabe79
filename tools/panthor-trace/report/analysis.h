/* SPDX-License-Identifier: GPL-2.0 */
/* A trace file put through the model, and an honest word on how much of it can be believed. */
#ifndef PANTHOR_TRACE_ANALYSIS_H
#define PANTHOR_TRACE_ANALYSIS_H

#include "model/model.h"
#include "cmd/options.h"
#include "trace/source.h"

/**
 * struct analysis - one pass over one trace file
 * @source: the file; path is set by the caller
 * @sel: which requests, with the swap-ins of what these evicted; may be NULL
 * @request, @refault: what to do with what is found, each may be NULL
 * @context: for these
 * @config: limits and switches of the model; its callbacks are not used
 *
 * The rest says what was odd.
 */
struct analysis {
	struct source source;
	void (*request)(void *context, const struct pt_request *req);
	void (*refault)(void *context, const struct pt_refault *refault);
	const struct selection *sel;
	void *context;
	struct pt_model_config config;

	struct doc *doc;
	struct pt_map chosen; /* id of a request -> was it? With @sel only */
	struct pt_map comms; /* thread -> its name, of those that waited for a swap-in */
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
/* The file and the choice of @args, into a sink for @doc. False: there is nothing to print. */
bool analyse_file(struct analysis *a, const struct file_args *args, struct sink *sink,
		  struct doc *doc, int *status);

void analysis_free(struct analysis *a);

#endif
