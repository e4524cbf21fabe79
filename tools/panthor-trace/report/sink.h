/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where rows go: to a format, as they come. The first table of a document is
 * written at once, what follows it waits in a file without a name, so that
 * memory does not grow with the trace. Only what is to be sorted is kept.
 *
 * To add an output format, write one file with a struct format and name it in
 * the table in format.c.
 */
#ifndef PANTHOR_TRACE_SINK_H
#define PANTHOR_TRACE_SINK_H

#include "report/table.h"

struct sink;

/**
 * struct part - one table of a document on its way out
 * @table: its columns, and which of them to print
 * @f: where its rows are written
 * @rows: how many there were so far
 * @state: the format's own, freed by @flush
 */
struct part {
	const struct table *table;
	FILE *f;
	uint64_t rows;
	void *state;
};

/**
 * struct format - an output format
 * @name: for --format
 * @mixed: rows of all tables are written as they come, each says whose it is
 * @last_only: has room for one table, the last
 * @binary: not for a terminal
 * @timeline: draws requests, VMs, BOs and swap-ins: needs all of these
 * @database: keeps these in sink->path, which it opens itself and adds to: sink->f is NULL. Takes
 * more than one trace
 * @check: can there be a document in @path? Prints why not and returns an exit status
 * @begin, @end: the document's, written to sink->f
 * @head, @tail: around the rows of a table, in sink->f
 * @row: one row, to part->f; the first comes after @begin
 * @flush: the table has no more rows
 * @cancel: instead of @end: the trace could not be read to its end
 *
 * All but @row may be NULL.
 */
struct format {
	const char *name;
	bool mixed;
	bool last_only;
	bool timeline;
	bool database;
	bool binary;
	int (*check)(const char *path);
	void (*begin)(struct sink *sink);
	void (*head)(struct sink *sink, struct part *part);
	void (*row)(struct sink *sink, struct part *part, const struct cell *row);
	void (*flush)(struct sink *sink, struct part *part);
	void (*tail)(struct sink *sink, struct part *part);
	void (*end)(struct sink *sink);
	void (*cancel)(struct sink *sink);
};

const struct format *find_format(const char *name);
extern const struct format format_table, format_json, format_jsonl, format_csv, format_chrome,
	format_perfetto, format_html, format_sqlite;

/**
 * struct sink - a document on its way out
 * @format: how
 * @path: file to write to; NULL: @to, or if that is NULL standard output
 * @pager: called before the first byte to standard output; may be NULL
 * @stop: asked while something is waited for: true ends that; may be NULL
 * @doc: the document; its facts and problems need to be there only at the end
 * @print: how numbers and times are written
 * @open: there was a row, or there will be none
 * @f: what is written to
 * @state: the format's own, freed by its @end
 * @status: EXIT_OK as long as all is well
 */
struct sink {
	const struct format *format;
	const char *path;
	FILE *to;
	void (*pager)(void);
	bool (*stop)(void);
	struct doc *doc;
	struct print print;
	bool open;
	FILE *f;
	void *state;
	int status;
	struct part part[DOC_MAX_TABLES];
};

/* Print a row of one of the tables that @sink->doc has, and clear it. */
void sink_row(struct sink *sink, struct table *table, struct cell *row);
/* Print what was kept, and the rest of the document. Returns an exit status. */
int sink_close(struct sink *sink);
/* Is it time to end? */
bool sink_stopped(const struct sink *sink);
/* Leave the document as it is, a database as it was. */
void sink_cancel(struct sink *sink);

#endif
