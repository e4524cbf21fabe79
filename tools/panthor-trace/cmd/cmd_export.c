// SPDX-License-Identifier: GPL-2.0
/* panthor-trace export: the reclaim data of a trace for other programs. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cli.h"
#include "trace/guard.h"
#include "cmd/options.h"
#include "cmd/reading.h"
#include "report/view.h"

enum { REQUESTS, VMS, BOS, SWAPINS, STALLS, NR_TABLES };

static const char *const names[NR_TABLES] = { "requests", "vms", "bos", "swapins", "stalls" };

struct export_job {
	struct file_args file;
	int only; /* table, or -1 */
	struct pt_style style;
	struct sink sink;
	struct table *table[NR_TABLES]; /* NULL: not selected */
	struct stalls *stalls; /* NULL: not selected */
};

static const struct argp_option options[] = {
	{ "table", 'T', "NAME", 0,
	  "Export only this table: requests, vms, bos, swapins or stalls (default for csv: requests)",
	  0 },
	{ 0 }
};

static int find_table(const char *name)
{
	for (int i = 0; i < NR_TABLES; i++)
		if (!strcmp(name, names[i]))
			return i;
	usage_error("--table: expected requests, vms, bos, swapins or stalls, not \"%s\"", name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct export_job *e = state->input;

	switch (key) {
	case 'T':
		e->only = find_table(arg);
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &e->file;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { CHILD_FILE, { 0 } };
static const struct argp argp = {
	options,
	parse,
	"[FILE...]",
	"Export the reclaim data of a trace (default: trace.dat) to other programs. Formats: "
	"json (default), jsonl, csv, chrome and perfetto (for ui.perfetto.dev), html (a page with a "
	"timeline), sqlite (a database of many traces), table.",
	children,
	NULL,
	NULL,
};

static void on_request(void *context, const struct pt_request *req)
{
	struct cell row[MAX_COLUMNS] = { 0 };
	struct export_job *e = context;

	if (e->table[REQUESTS]) {
		request_row(row, req, &e->style);
		sink_row(&e->sink, e->table[REQUESTS], row);
	}
	if (e->stalls)
		stalls_request(e->stalls, req);
	for (size_t i = 0; e->table[VMS] && i < req->n_vms; i++) {
		vm_row(row, req, &req->vms[i], e->style.names);
		sink_row(&e->sink, e->table[VMS], row);
	}
	for (size_t i = 0; e->table[BOS] && i < req->n_bos; i++) {
		bo_row(row, req, &req->bos[i], e->style.names);
		sink_row(&e->sink, e->table[BOS], row);
	}
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	struct cell row[MAX_COLUMNS] = { 0 };
	struct export_job *e = context;

	if (e->stalls && !e->sink.doc->no_seconds)
		stalls_swapin(e->stalls, refault);
	if (!e->table[SWAPINS])
		return;
	swapin_row(row, refault);
	sink_row(&e->sink, e->table[SWAPINS], row);
}

static void on_stall(void *context, const struct stall *stall)
{
	struct cell row[MAX_COLUMNS] = { 0 };
	struct export_job *e = context;

	stall_row(row, stall, &e->style);
	sink_row(&e->sink, e->table[STALLS], row);
}

static bool is_terminal(const char *path)
{
	struct stat st;
	bool terminal;
	int fd;

	if (!path)
		return isatty(STDOUT_FILENO);
	/* Do not open a FIFO: closing it ends its reader. */
	if (stat(path, &st) || !S_ISCHR(st.st_mode))
		return false;
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	terminal = fd >= 0 && isatty(fd);
	if (fd >= 0)
		close(fd);
	return terminal;
}

/* Check all arguments first */
static int check(const struct export_job *e)
{
	const struct output *out = &e->file.out;
	bool whole = out->format->timeline || out->format->database;
	int status;

	if (whole && (e->only >= 0 || out->fields || out->sort || out->limit)) {
		pt_error("%s exports all tables: --table, --fields, --sort and --limit are not "
			 "supported",
			 out->format->name);
		return EXIT_USAGE;
	}
	if (out->format->binary && is_terminal(out->path)) {
		pt_error("%s is binary and not written to a terminal; use -o FILE",
			 out->format->name);
		return EXIT_USAGE;
	}
	if (out->format->database && selection_any(&e->file.sel)) {
		pt_error("%s exports whole traces: --time, --pid and --client are not supported; "
			 "use WHERE",
			 out->format->name);
		return EXIT_USAGE;
	}
	if (e->file.nr_paths > 1 && !out->format->database) {
		pt_error("too many arguments; only sqlite takes several trace files, diff "
			 "compares two");
		return EXIT_USAGE;
	}
	status = output_spare(out, e->file.path);
	for (size_t i = 0; i < e->file.nr_paths && !status; i++)
		status = output_spare(out, e->file.paths[i]);
	if (!status && out->format->check)
		status = out->format->check(out->path);
	return status;
}

static int add_tables(struct export_job *e, struct doc *doc)
{
	const struct output *out = &e->file.out;
	static const struct {
		const struct column *columns;
		const size_t *nr;
	} views[NR_TABLES] = {
		[REQUESTS] = { request_columns, &nr_request_columns },
		[VMS] = { vm_columns, &nr_vm_columns },
		[BOS] = { bo_columns, &nr_bo_columns },
		[SWAPINS] = { swapin_columns, &nr_swapin_columns },
		[STALLS] = { stall_columns, &nr_stall_columns },
	};

	if (e->only < 0 && (out->format->last_only || out->fields || out->sort || out->limit))
		e->only = REQUESTS;
	for (int i = 0; i < NR_TABLES; i++) {
		if (e->only >= 0 && e->only != i)
			continue;
		/* These formats derive stalls from the swap-ins. */
		if (i == STALLS && (out->format->timeline || out->format->database))
			continue;
		e->table[i] = table_new(names[i], views[i].columns, *views[i].nr);
		doc_add(doc, e->table[i]);
		if (e->only == i && output_shape(out, e->table[i]))
			return EXIT_USAGE;
	}
	if (e->table[STALLS])
		e->stalls = stalls_new(on_stall, e);
	return EXIT_OK;
}

static int export_one(void *context)
{
	struct export_job *e = context;
	struct reading in = {
		.analysis = { .request = on_request, .refault = on_refault, .context = e }
	};
	bool database = e->file.out.format->database;
	struct doc doc = { .kind = "export" };
	int status;

	e->style = (struct pt_style){ .names = &in.source.names, .units = e->file.out.units };
	status = add_tables(e, &doc);
	if (status || !read_file(&in, &e->file, &e->sink, &doc, &status)) {
		sink_cancel(&e->sink);
	} else if (database && status == EXIT_INTERRUPTED) {
		sink_cancel(&e->sink);
		pt_error("%s: interrupted, not added", doc.file);
	} else {
		if (e->stalls)
			stalls_flush(e->stalls);
		status = worse(status, sink_close(&e->sink));
	}
	stalls_free(e->stalls);
	reading_free(&in);
	doc_free(&doc);
	return status;
}

int cmd_export(int argc, char **argv)
{
	struct export_job e = { .file = { .out.format = &format_json, .many = true }, .only = -1 };
	int status = EXIT_OK;

	if (!parse_args(&argp, argc, argv, 0, &e, &status))
		return status;
	if (output_wants_help(&e.file.out)) {
		columns_help(stdout, "requests:", request_columns, nr_request_columns);
		columns_help(stdout, "\nvms:", vm_columns, nr_vm_columns);
		columns_help(stdout, "\nbos:", bo_columns, nr_bo_columns);
		columns_help(stdout, "\nswapins:", swapin_columns, nr_swapin_columns);
		columns_help(stdout, "\nstalls:", stall_columns, nr_stall_columns);
		return EXIT_OK;
	}
	status = check(&e);
	if (!status && e.file.nr_paths <= 1)
		status = export_one(&e);
	/* A damaged file does not affect the others. */
	else if (!status)
		for (size_t i = 0; i < e.file.nr_paths && status != EXIT_INTERRUPTED; i++) {
			e.file.path = e.file.paths[i];
			status = worse(status, guarded_call(export_one, &e));
		}
	free(e.file.paths);
	return status;
}
