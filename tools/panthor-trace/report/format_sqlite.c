// SPDX-License-Identifier: GPL-2.0
/*
 * An SQLite database of many traces. Each trace is one transaction: added as a whole or not at
 * all. The tables have the columns of the views, by name; columns of newer programs are added to an
 * existing database.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "model/map.h"
#include "report/sink.h"
#include "report/view.h"

/* In the file header: application ("pnth"), and version of the tables */
#define APPLICATION_ID 0x706e7468
#define DATABASE_VERSION 3

/* How long to wait for another program that is writing, and between two looks, in ms */
#define BUSY_MS 60000
#define LOOK_MS 50
/* For indexes, in KiB */
#define CACHE "16384"

/* Indexes and views, put in by the assembler; SCHEMA_SQL is the path. */
__asm__(".section .rodata\n"
	".global panthor_trace_schema\n"
	"panthor_trace_schema:\n"
	".incbin \"" SCHEMA_SQL "\"\n"
	".byte 0\n"
	".previous\n");
extern const char panthor_trace_schema[];

static bool any(int column)
{
	(void)column;
	return true;
}

/* Rows of BOs become two: what a request decided, and what was written. */
static bool of_write(int column)
{
	return column >= BO_WRITTEN && column <= BO_WB_HOW;
}

static bool of_bo(int column)
{
	return !of_write(column);
}

static bool of_writeback(int column)
{
	return of_write(column) || column == BO_ID || column == BO_BO_ID || column == BO_SIZE ||
	       column == BO_CLIENT || column == BO_VM;
}

enum { REQUESTS, VMS, BOS, WRITEBACKS, SWAPINS, NR_TABLES };

/* Each table: its keys, what they refer to, and which columns of which view it has */
static const struct {
	const char *name;
	const char *definition;
	const char *keys;
	int nr_keys;
	const struct column *columns;
	const size_t *nr_columns;
	bool (*has)(int column);
} tables[NR_TABLES] = {
	[REQUESTS] = { "requests",
		       "request INTEGER PRIMARY KEY, "
		       "trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE",
		       "trace", 1, request_columns, &nr_request_columns, any },
	[VMS] = { "vms", "request INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE",
		  "request", 1, vm_columns, &nr_vm_columns, any },
	[BOS] = { "bos", "request INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE",
		  "request", 1, bo_columns, &nr_bo_columns, of_bo },
	[WRITEBACKS] = { "writebacks",
			 "request INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE",
			 "request", 1, bo_columns, &nr_bo_columns, of_writeback },
	[SWAPINS] = { "swapins",
		      "trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, "
		      "request INTEGER REFERENCES requests ON DELETE CASCADE",
		      "trace, request", 2, swapin_columns, &nr_swapin_columns, any },
};

struct database {
	struct sink *sink;
	sqlite3 *db;
	struct sqlite3_stmt *insert[NR_TABLES];
	struct pt_map requests; /* id -> the last request with that */
	sqlite3_int64 trace;
	sqlite3_int64 request;
};

static void give_up(struct database *d) __attribute__((noreturn));

/* The transaction failed: stop reading the trace. */
static void give_up(struct database *d)
{
	if (sink_stopped(d->sink) && sqlite3_errcode(d->db) == SQLITE_BUSY) {
		pt_error("%s: interrupted, not added", d->sink->doc->file);
		sqlite3_close_v2(d->db);
		exit(EXIT_INTERRUPTED);
	}
	pt_error("%s: %s", d->sink->path, sqlite3_errmsg(d->db));
	/* The transaction ends with the connection. */
	sqlite3_close_v2(d->db);
	exit(EXIT_FAILED);
}

/* Another program is writing; 0: do not wait for it any longer */
static int wait_for_turn(void *context, int looks)
{
	const struct database *d = context;

	if (sink_stopped(d->sink) || looks >= BUSY_MS / LOOK_MS)
		return 0;
	sqlite3_sleep(LOOK_MS);
	return 1;
}

static void run(struct database *d, const char *sql)
{
	if (sqlite3_exec(d->db, sql, NULL, NULL, NULL))
		give_up(d);
}

static sqlite3_stmt *prepare(struct database *d, const char *sql)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL))
		give_up(d);
	return stmt;
}

/* The first column of the first row as a number, 0 if there is none */
static sqlite3_int64 ask(sqlite3 *db, const char *sql, const char *text)
{
	sqlite3_int64 value = 0;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL))
		return -1;
	if (text)
		sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	return sqlite3_finalize(stmt) ? -1 : value;
}

/* Is it our database, of this version, or an empty one? Prints why not. */
static bool suits(sqlite3 *db, const char *path)
{
	sqlite3_int64 nr = ask(db, "SELECT count(*) FROM sqlite_schema", NULL);
	sqlite3_int64 version, id;

	if (nr < 0) {
		pt_error("%s: %s", path, sqlite3_errmsg(db));
		return false;
	}
	version = ask(db, "PRAGMA user_version", NULL);
	id = ask(db, "PRAGMA application_id", NULL);
	/* One without tables may have an owner, too. */
	if (!nr && !id && !version)
		return true;
	if (id != APPLICATION_ID) {
		pt_error("%s: not a database of panthor-trace; not changed", path);
		return false;
	}
	if (version == DATABASE_VERSION)
		return true;
	pt_error("%s: database version %lld, expected %d; not changed", path, (long long)version,
		 DATABASE_VERSION);
	return false;
}

/* SQLite has special names; a path with a directory is never one of them. */
static int open_file(const char *path, int flags, sqlite3 **db)
{
	struct pt_text name = { 0 };
	int err;

	pt_add(&name, "%s%s", *path == '/' ? "" : "./", path);
	err = sqlite3_open_v2(name.s, db, flags, NULL);
	pt_text_free(&name);
	return err;
}

static int check(const char *path)
{
	sqlite3 *db = NULL;
	bool good = true;
	struct stat st;

	if (!path || !*path) {
		pt_error("sqlite needs --output FILE, the database to add to");
		return EXIT_USAGE;
	}
	if (!can_write(path))
		return EXIT_FAILED;
	/* Opening a pipe would block until it has a reader. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		pt_error("%s: not a regular file", path);
		return EXIT_FAILED;
	}
	/* A file that does not exist fails to open. */
	if (!open_file(path, SQLITE_OPEN_READONLY, &db)) {
		sqlite3_busy_timeout(db, BUSY_MS);
		good = suits(db, path);
	}
	sqlite3_close_v2(db);
	return good ? EXIT_OK : EXIT_FAILED;
}

static const char *type_of(enum unit unit)
{
	return unit == UNIT_TEXT ? "TEXT" : unit == UNIT_PERMILLE ? "REAL" : "INTEGER";
}

static void add_column(struct database *d, const char *table, const char *column, const char *type)
{
	struct pt_text sql = { 0 };

	pt_add(&sql, "SELECT count(*) FROM pragma_table_info('%s') WHERE name = ?", table);
	if (!ask(d->db, sql.s, column)) {
		pt_text_reset(&sql);
		pt_add(&sql, "ALTER TABLE %s ADD COLUMN %s %s", table, column, type);
		run(d, sql.s);
	}
	pt_text_free(&sql);
}

static void make_table(struct database *d, int i)
{
	struct pt_text sql = { 0 }, values = { 0 };

	pt_add(&sql, "CREATE TABLE IF NOT EXISTS %s (%s)", tables[i].name, tables[i].definition);
	run(d, sql.s);
	pt_text_reset(&sql);
	pt_add(&sql, "INSERT INTO %s (%s", tables[i].name, tables[i].keys);
	for (int k = 1; k < tables[i].nr_keys; k++)
		pt_add(&values, ", ?");
	for (size_t c = 0; c < *tables[i].nr_columns; c++) {
		const struct column *column = &tables[i].columns[c];

		if (!tables[i].has(c))
			continue;
		add_column(d, tables[i].name, column->name, type_of(column->unit));
		pt_add(&sql, ", %s", column->name);
		pt_add(&values, ", ?");
	}
	pt_add(&sql, ") VALUES (?%s)", values.s);
	d->insert[i] = prepare(d, sql.s);
	pt_text_free(&sql);
	pt_text_free(&values);
}

static void make_schema(struct database *d)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 APPLICATION_ID, DATABASE_VERSION);
	run(d, sql);
	run(d, "CREATE TABLE IF NOT EXISTS traces (trace INTEGER PRIMARY KEY, "
	       "fingerprint TEXT NOT NULL UNIQUE, file TEXT, added TEXT, clock TEXT, "
	       "seconds INTEGER, problems TEXT)");
	for (int i = 0; i < NR_TABLES; i++)
		make_table(d, i);
}

static void begin(struct sink *s)
{
	struct database *d = s->state = xcalloc(1, sizeof(*d));

	d->sink = s;
	/* One thread uses it: it needs no locks between threads. */
	if (open_file(s->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		      &d->db))
		give_up(d);
	sqlite3_busy_handler(d->db, wait_for_turn, d);
	run(d, "PRAGMA cache_size = -" CACHE "; BEGIN IMMEDIATE");
	/* Another process may have created it meanwhile. */
	if (!suits(d->db, s->path)) {
		sqlite3_close_v2(d->db);
		exit(EXIT_FAILED);
	}
	make_schema(d);
	/* The other columns are known at the end of the trace. */
	run(d, "INSERT INTO traces (fingerprint) VALUES ('')");
	d->trace = sqlite3_last_insert_rowid(d->db);
}

static void bind(sqlite3_stmt *stmt, int at, const struct cell *cell, enum unit unit)
{
	char buf[PT_NUM_LEN];
	const char *digits;

	if (!cell->known) {
		sqlite3_bind_null(stmt, at);
	} else if (unit == UNIT_TEXT) {
		sqlite3_bind_text(stmt, at, cell->s, -1, SQLITE_STATIC);
	} else if (unit == UNIT_PERMILLE) {
		sqlite3_bind_double(stmt, at, cell->i / 10.0);
	} else if (unit != UNIT_SIGNED && cell->u > INT64_MAX) {
		/* An INTEGER column would convert text to floating point, which is not exact. */
		digits = pt_decimal(buf, cell->u);
		sqlite3_bind_blob(stmt, at, digits, strlen(digits), SQLITE_TRANSIENT);
	} else {
		sqlite3_bind_int64(stmt, at, cell->i);
	}
}

static void insert(struct database *d, int i, sqlite3_int64 key, const struct cell *row)
{
	sqlite3_stmt *stmt = d->insert[i];
	int at = tables[i].nr_keys;

	sqlite3_bind_int64(stmt, 1, key);
	for (size_t c = 0; c < *tables[i].nr_columns; c++)
		if (tables[i].has(c))
			bind(stmt, ++at, &row[c], tables[i].columns[c].unit);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		give_up(d);
	sqlite3_reset(stmt);
}

static void insert_request(struct database *d, const struct cell *row)
{
	insert(d, REQUESTS, d->trace, row);
	d->request = sqlite3_last_insert_rowid(d->db);
	if (pt_map_set(&d->requests, row[REQ_ID].u, (void *)(uintptr_t)d->request)) {
		pt_error("out of memory");
		exit(EXIT_FAILED);
	}
}

static void insert_swapin(struct database *d, const struct cell *row)
{
	uintptr_t request = (uintptr_t)pt_map_get(&d->requests, row[SW_ID].u);

	if (request)
		sqlite3_bind_int64(d->insert[SWAPINS], 2, request);
	else
		sqlite3_bind_null(d->insert[SWAPINS], 2);
	insert(d, SWAPINS, d->trace, row);
}

static void row(struct sink *s, struct part *p, const struct cell *cells)
{
	const struct column *columns = p->table->columns;
	struct database *d = s->state;

	/* VMs and BOs come after their request. */
	if (columns == request_columns) {
		insert_request(d, cells);
	} else if (columns == vm_columns) {
		insert(d, VMS, d->request, cells);
	} else if (columns == swapin_columns) {
		insert_swapin(d, cells);
	} else if (columns == bo_columns) {
		if (*cells[BO_WHAT].s != 'w')
			insert(d, BOS, d->request, cells);
		if (cells[BO_WB].known)
			insert(d, WRITEBACKS, d->request, cells);
	}
}

static void close_database(struct sink *s)
{
	struct database *d = s->state;

	for (int i = 0; i < NR_TABLES; i++)
		sqlite3_finalize(d->insert[i]);
	if (sqlite3_close(d->db))
		give_up(d);
	pt_map_free(&d->requests);
	free(d);
	s->state = NULL;
}

static void cancel(struct sink *s)
{
	struct database *d = s->state;

	run(d, "ROLLBACK");
	close_database(s);
}

/* Data of the trace as a whole */
static void tell_trace(struct database *d, const char *fingerprint)
{
	const struct doc *doc = d->sink->doc;
	struct pt_text sql = { 0 }, problems = { 0 };
	char file[4096];
	sqlite3_stmt *stmt;
	int at = 0;

	pt_add(&sql, "UPDATE traces SET added = datetime('now'), fingerprint = ?, file = ?, "
		     "clock = ?, seconds = ?, problems = ?");
	for (size_t i = 0; i < doc->nr_facts; i++) {
		add_column(d, "traces", doc->fact[i].name, "INTEGER");
		pt_add(&sql, ", %s = ?", doc->fact[i].name);
	}
	pt_add(&sql, " WHERE trace = ?");
	for (size_t i = 0; i < doc->nr_problems; i++)
		pt_add(&problems, "%s%s", i ? "\n" : "", doc->problems[i]);
	pt_clean(file, sizeof(file), doc->file, strlen(doc->file));

	stmt = prepare(d, sql.s);
	sqlite3_bind_text(stmt, ++at, fingerprint, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, ++at, file, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, ++at, doc->clock, -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, ++at, !doc->no_seconds);
	sqlite3_bind_text(stmt, ++at, problems.s, -1, SQLITE_STATIC);
	for (size_t i = 0; i < doc->nr_facts; i++)
		sqlite3_bind_int64(stmt, ++at, doc->fact[i].value);
	sqlite3_bind_int64(stmt, ++at, d->trace);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		give_up(d);
	sqlite3_finalize(stmt);
	pt_text_free(&sql);
	pt_text_free(&problems);
}

static void end(struct sink *s)
{
	const struct doc *doc = s->doc;
	struct database *d = s->state;
	char fingerprint[64];
	sqlite3_int64 known;

	snprintf(fingerprint, sizeof(fingerprint), "%016llx", (unsigned long long)doc->fingerprint);
	known = ask(d->db, "SELECT trace FROM traces WHERE fingerprint = ?", fingerprint);
	if (known > 0) {
		pt_warn("%s: already in %s as trace %lld; not added", doc->file, s->path,
			(long long)known);
		cancel(s);
		return;
	}
	tell_trace(d, fingerprint);
	/* Creating indexes at the end is faster than updating them. */
	run(d, panthor_trace_schema);
	run(d, "COMMIT");
	close_database(s);
}

const struct format format_sqlite = {
	.name = "sqlite",
	.mixed = true,
	.database = true,
	.check = check,
	.begin = begin,
	.row = row,
	.end = end,
	.cancel = cancel,
};
