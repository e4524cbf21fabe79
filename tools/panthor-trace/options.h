/* SPDX-License-Identifier: GPL-2.0 */
/* Options that several subcommands share, as argp children. */
#ifndef PANTHOR_TRACE_OPTIONS_H
#define PANTHOR_TRACE_OPTIONS_H

#include <argp.h>

#include "model.h"
#include "table.h"

/* Which requests: --time, --pid, --client. Zero means any. */
struct selection {
	uint64_t from_ns;
	uint64_t to_ns;
	int64_t pid;
	uint64_t client;
	bool by_client;
};

extern const struct argp selection_argp;
bool selected(const struct selection *sel, const struct pt_request *req);
bool selected_refault(const struct selection *sel, const struct pt_event *ev);

/* How and where to: --format, --output, --fields, --sort, --bytes, --ns, --color */
struct output {
	const struct format *format;
	const char *path;
	const char *fields;
	const char *sort;
	enum { COLOR_AUTO, COLOR_NEVER, COLOR_ALWAYS } color;
	struct pt_units units;
};

extern const struct argp output_argp;
/* Prints the document; returns EXIT_OK or EXIT_FAILED. */
int output_print(const struct output *out, const struct doc *doc);

/* What reads one trace file: which, what of it, and how to print that */
struct file_args {
	const char *path;
	struct selection sel;
	struct output out;
};

extern const struct argp file_argp;

/* Children get their input from the parent's state->child_inputs[]. */
#define CHILD_SELECTION                                  \
	{                                                \
		&selection_argp, 0, "Which requests:", 1 \
	}
#define CHILD_FILE                   \
	{                            \
		&file_argp, 0, "", 0 \
	}
#define CHILD_OUTPUT                          \
	{                                     \
		&output_argp, 0, "Output:", 2 \
	}

#endif
