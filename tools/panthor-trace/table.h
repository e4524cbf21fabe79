/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Views make tables, formats print them: neither knows the other.
 *
 * A document is a few tables with what is to be said about the trace as a
 * whole. To add an output format, write one file with a struct format and name
 * it in the table in format.c; to add a column, add one line to the view's
 * column table.
 */
#ifndef PANTHOR_TRACE_TABLE_H
#define PANTHOR_TRACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "text.h"

/* What kind of number or text a column holds */
enum unit {
	UNIT_TEXT,
	UNIT_COUNT,
	UNIT_SIGNED,
	UNIT_HEX,
	UNIT_BYTES,
	UNIT_NS, /* a duration */
	UNIT_TIME, /* a point in time, in ns */
	UNIT_PERMILLE, /* shown as percent with one decimal */
};

/**
 * struct column - one column of a view
 * @name: key in JSON, head in CSV, name for --fields, --sort and --filter: the
 * event field's own name where there is one
 * @title: head in a table for people
 * @unit: what its cells hold
 * @help: for --fields=help and the man page
 * @shown: part of the table for people unless --fields says otherwise
 */
struct column {
	const char *name;
	const char *title;
	enum unit unit;
	const char *help;
	bool shown;
};

struct cell {
	bool known; /* false: not told by the trace; "-" or null */
	union {
		uint64_t u;
		int64_t i;
		char *s; /* safe to print; freed with its row */
	};
};

/**
 * struct table - rows of a view
 * @name: key in JSON
 * @columns: its columns
 * @nr_columns: how many
 * @shown: indices of the columns to print, in order; -1 at the end
 * @rows: each points to @nr_columns cells
 */
struct table {
	const char *name;
	const struct column *columns;
	size_t nr_columns;
	int *shown;
	struct cell **rows;
	size_t nr_rows;
	size_t room;
};

#define DOC_VERSION 1
#define DOC_MAX_TABLES 6

/**
 * struct doc - what a subcommand found out
 * @kind: the subcommand
 * @file: the trace it is about
 * @fact: name and number of what is to be known about the trace as a whole
 * @problems: what is wrong with the trace, one line each
 * @footer: lines for people below the tables
 */
struct doc {
	const char *kind;
	const char *file;
	struct fact {
		const char *name;
		uint64_t value;
	} fact[16];
	size_t nr_facts;
	struct table *table[DOC_MAX_TABLES];
	size_t nr_tables;
	char **problems;
	size_t nr_problems;
	struct pt_text footer;
};

/* How to print */
struct print {
	struct pt_units units;
	bool all_columns; /* for formats that scripts read: all but what --fields left out */
	bool color;
};

struct format {
	const char *name;
	const char *help;
	int (*print)(FILE *out, const struct doc *doc, const struct print *print);
};

const struct format *find_format(const char *name);
extern const struct format format_table, format_json, format_jsonl, format_csv, format_chrome,
	format_html;

struct table *table_new(const char *name, const struct column *columns, size_t nr);
struct cell *table_add(struct table *table);
int table_find(const struct table *table, const char *name, size_t len);
int table_choose(struct table *table, const char *fields);
int table_sort(struct table *table, const char *keys);
void table_cut(struct table *table, size_t rows);
void table_free(struct table *table);
void columns_help(FILE *out, const char *title, const struct column *columns, size_t nr);

const struct table *doc_table(const struct doc *doc, const char *name);
void doc_add(struct doc *doc, struct table *table);
void doc_fact(struct doc *doc, const char *name, uint64_t value);
void doc_problem(struct doc *doc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doc_free(struct doc *doc);

/* Cell text; exact numbers if @print says so. @buf is used if needed. */
const char *cell_text(const struct cell *cell, enum unit unit, const struct print *print,
		      char buf[PT_NUM_LEN]);
/* The same for scripts: always exact, no unit. */
const char *cell_plain(const struct cell *cell, enum unit unit, char buf[PT_NUM_LEN]);

static inline struct cell cell_u(uint64_t value)
{
	return (struct cell){ .known = true, .u = value };
}

static inline struct cell cell_i(int64_t value)
{
	return (struct cell){ .known = true, .i = value };
}

struct cell cell_s(const char *text);

static inline struct cell cell_if(bool known, uint64_t value)
{
	return (struct cell){ .known = known, .u = value };
}

#endif
