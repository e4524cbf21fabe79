/* SPDX-License-Identifier: GPL-2.0 */
/* A trace file read into a document. */
#ifndef PANTHOR_TRACE_READING_H
#define PANTHOR_TRACE_READING_H

#include "cmd/options.h"
#include "report/analysis.h"
#include "trace/source.h"

/* @source.path and what @analysis is to do are set by the caller. */
struct reading {
	struct source source;
	struct analysis analysis;
};

/* Returns an exit status; problems are added to @doc and printed as warnings. */
int read_trace(struct reading *r, struct doc *doc);
/* The file and the choice of @args, into a sink for @doc. False: there is nothing to print. */
bool read_file(struct reading *r, const struct file_args *args, struct sink *sink, struct doc *doc,
	       int *status);
void reading_free(struct reading *r);

#endif
