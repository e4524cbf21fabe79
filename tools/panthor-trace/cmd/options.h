/* SPDX-License-Identifier: GPL-2.0 */
/* Options that several subcommands share, as argp children. */
#ifndef PANTHOR_TRACE_OPTIONS_H
#define PANTHOR_TRACE_OPTIONS_H

#include <argp.h>

#include "report/selection.h"
#include "report/sink.h"

/* A struct selection: --time, --pid, --client */
extern const struct argp selection_argp;

/* How and where to: --format, --output, --fields, --sort, --limit, --bytes, --ns, ... */
struct output {
	const struct format *format;
	const char *path;
	const char *fields;
	const char *sort;
	uint64_t limit; /* 0: all */
	bool pager; /* on a terminal */
	enum { COLOR_AUTO, COLOR_NEVER, COLOR_ALWAYS } color;
	enum time_format time;
	struct pt_units units;
};

extern const struct argp output_argp;
/* --fields=help */
bool output_wants_help(const struct output *out);
/*
 * Check the output options before anything is done: print an error and return
 * an exit status. @input is a file that must not be overwritten.
 */
int output_spare(const struct output *out, const char *input);
int output_no_timeline(const struct output *out); /* nor a database */
/* --fields, --sort and --limit for this table */
int output_shape(const struct output *out, struct table *table);
/* A sink for @doc, to which the caller adds its tables */
void output_open(const struct output *out, struct sink *sink, struct doc *doc);
/* Prints a whole document; returns an exit status. */
int output_print(const struct output *out, struct doc *doc);

/*
 * Arguments of commands that read a trace file: the file, the selection, the output. @many: all
 * files are in @paths, the first one is in @path, too.
 */
struct file_args {
	const char *path;
	const char **paths;
	size_t nr_paths;
	bool many;
	struct selection sel;
	struct output out;
};

extern const struct argp file_argp;

/* Children get their input from the parent's state->child_inputs[]. */
#define CHILD_SELECTION                             \
	{                                           \
		&selection_argp, 0, "Selection:", 1 \
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
