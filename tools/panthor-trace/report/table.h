/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Views make rows, formats print them: neither knows the other. A row goes
 * from one to the other through a sink (sink.h) and is not kept, unless its
 * table is to be sorted.
 *
 * To add a column, add one line to the view's column table.
 */
#ifndef PANTHOR_TRACE_TABLE_H
#define PANTHOR_TRACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/events.h"
#include "model/text.h"

/* What kind of number or text a column holds */
enum unit {
	UNIT_TEXT,
	UNIT_COUNT,
	UNIT_SIGNED,
	UNIT_HEX,
	UNIT_BYTES,
	UNIT_BYTE_S, /* memory times seconds */
	UNIT_NS, /* a duration */
	UNIT_TIME, /* a point in time, in ns */
	UNIT_PERMILLE, /* shown as percent with one decimal */
};

enum word_kind {
	ANY_WORD,
	LISTED_WORD,
	ERROR_WORD, /* ok, or the name of an error */
	SYMBOL_WORD, /* + enum pt_symbols: one of those that the trace names */
	NONZERO_WORD = SYMBOL_WORD + PT_NR_SYMBOLS, /* the same, but not the first */
};

/**
 * struct column - one column of a view
 * @name: key in JSON, head in CSV: the event field's own name where there is one
 * @title: head in a table for people. Users may call a column by its name or
 * its title, so both are unique within a table.
 * @unit: what its cells hold
 * @help: for --fields=help and the man page
 * @shown: 0: only if --fields says so; 1: part of the table for people; more:
 * part of it if there is room, the highest give way first
 * @word: which texts it may hold, for --filter: an enum word_kind
 * @words: for LISTED_WORD, NULL at the end
 */
struct column {
	const char *name;
	const char *title;
	enum unit unit;
	const char *help;
	unsigned char shown;
	unsigned char word;
	const char *const *words;
};

struct cell {
	bool known; /* false: not in the trace; "-" or null */
	union {
		uint64_t u;
		int64_t i;
		char *s; /* safe to print; freed with its row */
	};
};

/* The longest row of all views */
#define MAX_COLUMNS 64
#define MAX_SORT_KEYS 8

/* In which order */
struct sort {
	int nr;
	struct sort_key {
		int column;
		bool down;
	} key[MAX_SORT_KEYS];
};

/**
 * struct table - rows of a view
 * @name: key in JSON
 * @columns: its columns
 * @nr_columns: how many
 * @shown: indices of the columns to print, in order; -1 at the end
 * @chosen: these are the user's choice
 * @sort: to be sorted so before it is printed
 * @limit: print no more rows than these; 0: all
 * @rows: each points to @nr_columns cells
 */
struct table {
	const char *name;
	const struct column *columns;
	size_t nr_columns;
	int *shown;
	bool chosen;
	struct sort sort;
	size_t limit;
	struct cell **rows;
	size_t nr_rows;
	size_t room;
};

#define DOC_VERSION 4
#define DOC_MAX_TABLES 6
#define DOC_MAX_FACTS 20
#define DOC_COMM_LEN 64

/**
 * struct doc - what a subcommand found out
 * @kind: the subcommand
 * @file: the trace it is about
 * @clock: the clock of its times, NULL if the trace does not name it
 * @no_seconds: that does not count nanoseconds: times are only numbers
 * @start_ns: the first event of any kind
 * @fingerprint: of the driver's events: the same for the same trace, whatever its file is called
 * and how it is packed
 * @comm: writes the name of thread @tid to @name, safe to print, or nothing if
 * @comm_of (which it gets) does not have it; may be NULL
 * @fact: name and number of what is to be known about the trace as a whole
 * @problems: what is wrong with the trace, one line each
 * @footer: lines for people below the tables
 */
struct doc {
	const char *kind;
	const char *file;
	const char *clock;
	bool no_seconds;
	uint64_t start_ns;
	uint64_t fingerprint;
	void (*comm)(const void *comm_of, int64_t tid, char name[DOC_COMM_LEN]);
	const void *comm_of;
	struct fact {
		const char *name;
		uint64_t value;
	} fact[DOC_MAX_FACTS];
	size_t nr_facts;
	struct table *table[DOC_MAX_TABLES];
	size_t nr_tables;
	char **problems;
	size_t nr_problems;
	struct pt_text footer;
};

enum time_format { TIME_TRACE, TIME_RELATIVE, TIME_WALL };

/* How to print */
struct print {
	struct pt_units units;
	bool all_columns; /* for formats that scripts read: all but what --fields left out */
	bool color;
	enum time_format time;
	bool no_seconds;
	uint64_t start_ns;
	size_t width; /* of the terminal; 0: no matter */
};

struct table *table_new(const char *name, const struct column *columns, size_t nr);
struct cell *table_add(struct table *table);
/* A column by its name, or else by its title, in any case; -1: none has it; -2: more than one */
int table_find_text(const struct table *table, const char *name, size_t len, bool title);
/* A column by its name or title in any case; -1 if there is none, or more than one */
int table_find(const struct table *table, const char *name, size_t len);
/* Parse --fields and --sort: print an error and return -1 if invalid */
int table_choose(struct table *table, const char *fields);
int sort_parse(const struct table *table, const char *keys, struct sort *sort);
int table_sort(struct table *table, const char *keys);
void table_order(struct table *table);
void table_cut(struct table *table, size_t rows);
void row_clear(const struct table *table, struct cell *row);
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
