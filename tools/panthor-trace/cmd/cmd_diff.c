// SPDX-License-Identifier: GPL-2.0
/* panthor-trace diff: two traces next to each other, and how much each figure changed. */
#include <stdlib.h>
#include <string.h>

#include "cmd/cli.h"
#include "cmd/options.h"
#include "cmd/reading.h"
#include "report/view.h"

enum { D_WHAT, D_A, D_B, D_CHANGE, NR_D };

/*
 * Figures have different units: cells are text for people, and the exact
 * numbers stand in columns of their own.
 */
enum { D_EXACT_A = NR_D, D_EXACT_B, D_UNIT, NR_D_ALL };

static const struct column columns[] = {
	[D_WHAT] = { "what", "WHAT", UNIT_TEXT, "name of the figure", 1 },
	[D_A] = { "a_text", "A", UNIT_TEXT, "value in the first trace, with unit", 1 },
	[D_B] = { "b_text", "B", UNIT_TEXT, "value in the second trace, with unit", 1 },
	[D_CHANGE] = { "change_pct", "%CHANGE", UNIT_PERMILLE, "change from A to B in percent", 1 },
	[D_EXACT_A] = { "a", "A-EXACT", UNIT_COUNT, "value in the first trace", 0 },
	[D_EXACT_B] = { "b", "B-EXACT", UNIT_COUNT, "value in the second trace", 0 },
	[D_UNIT] = { "unit", "UNIT", UNIT_TEXT, "count, bytes or ns", 0 },
};

/* What is added up of the requests, and how each is called */
static const int sums[] = {
	REQ_EVICTED_BOS, REQ_EVICTED, REQ_SKIPPED_BOS, REQ_SKIPPED, REQ_WRITTEN, REQ_FREED,
	REQ_DURATION,	 REQ_FENCE,   REQ_LOCK,	       REQ_UNMAP,   REQ_WB,	 REQ_OTHER,
};

#define NR_SUMS (sizeof(sums) / sizeof(sums[0]))

/* One side */
struct side {
	const char *path;
	struct reading in;
	const struct table *columns; /* of a request */
	struct pt_style style;
	struct spread *spread;
	uint64_t requests;
	uint64_t sum[NR_SUMS];
	uint64_t swapins;
	uint64_t back;
	uint64_t swapin_ns;
};

struct diff {
	struct selection sel;
	struct output out;
	struct side side[2];
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct diff *d = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &d->sel;
		state->child_inputs[1] = &d->out;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			usage_error("too many arguments; diff compares two trace files");
		d->side[state->arg_num].path = arg;
		return 0;
	case ARGP_KEY_END:
		if (output_wants_help(&d->out))
			return 0;
		if (state->arg_num < 2)
			usage_error("missing argument; diff compares two trace files");
		for (int i = 0; i < 2; i++)
			d->side[i].path = source_path(d->side[i].path);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { CHILD_SELECTION, CHILD_OUTPUT, { 0 } };
static const struct argp argp = {
	NULL,	  parse, "A B", "Compare the requests of two traces, figure by figure.",
	children, NULL,	 NULL,
};

static void on_request(void *context, const struct pt_request *req)
{
	struct cell row[NR_REQ_COLUMNS] = { 0 };
	struct side *s = context;

	request_row(row, req, &s->style);
	s->requests++;
	for (size_t i = 0; i < NR_SUMS; i++)
		s->sum[i] += row[sums[i]].known ? row[sums[i]].u : 0;
	spread_add(s->spread, row);
	row_clear(s->columns, row);
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	struct side *s = context;

	if (refault->ev->result)
		return;
	s->swapins++;
	s->back += refault->ev->size;
	s->swapin_ns += refault->ev->duration_ns;
}

static void add(struct table *t, const char *what, enum unit unit, uint64_t a, uint64_t b,
		const struct print *print)
{
	struct cell ca = cell_u(a), cb = cell_u(b), *row = table_add(t);
	char buf[PT_NUM_LEN];

	row[D_WHAT] = cell_s(what);
	row[D_A] = cell_s(cell_text(&ca, unit, print, buf));
	row[D_B] = cell_s(cell_text(&cb, unit, print, buf));
	/* Nothing to something has no percentage. */
	if (a || !b) {
		double change = a ? ((double)b - (double)a) * 1000 / a : 0;

		row[D_CHANGE] = cell_i(change + (change < 0 ? -0.5 : 0.5));
	}
	row[D_EXACT_A] = ca;
	row[D_EXACT_B] = cb;
	row[D_UNIT] = cell_s(unit == UNIT_BYTES ? "bytes" : unit == UNIT_NS ? "ns" : "count");
}

static void compare(const struct diff *d, struct table *t)
{
	const struct side *a = &d->side[0], *b = &d->side[1];
	struct table *pa = percentile_table(), *pb = percentile_table();
	struct print print = { .units = d->out.units };

	percentile_fill(a->spread, pa);
	percentile_fill(b->spread, pb);
	add(t, "requests", UNIT_COUNT, a->requests, b->requests, &print);
	for (size_t i = 0; i < NR_SUMS; i++)
		add(t, request_columns[sums[i]].name, request_columns[sums[i]].unit, a->sum[i],
		    b->sum[i], &print);

	/*
	 * The first row of either is the blocked time; columns from min to
	 * mean are the same in both.
	 */
	for (size_t i = 2; pa->nr_rows && pb->nr_rows && i + 1 < pa->nr_columns; i++) {
		char name[64];

		snprintf(name, sizeof(name), "duration_%s", pa->columns[i].name);
		add(t, name, UNIT_NS, pa->rows[0][i].u, pb->rows[0][i].u, &print);
	}
	add(t, "swapins", UNIT_COUNT, a->swapins, b->swapins, &print);
	add(t, "swapped_in", UNIT_BYTES, a->back, b->back, &print);
	add(t, "swapin_ns", UNIT_NS, a->swapin_ns, b->swapin_ns, &print);
	table_free(pa);
	table_free(pb);
}

static int read_side(struct diff *d, struct side *s, struct doc *doc)
{
	s->style = (struct pt_style){ .names = &s->in.source.names, .units = d->out.units };
	s->spread = spread_new();
	s->in.source.path = s->path;
	s->in.analysis.sel = &d->sel;
	s->in.analysis.request = on_request;
	s->in.analysis.refault = on_refault;
	s->in.analysis.context = s;
	return read_trace(&s->in, doc);
}

static void name_side(struct doc *doc, char side, const char *path)
{
	char clean[4096];

	pt_clean(clean, sizeof(clean), path, strlen(path));
	pt_add(&doc->footer, "%c: %s\n", side, clean);
}

static int read_both(struct diff *d, struct table *t, struct doc *doc)
{
	struct table *columns_of = table_new("requests", request_columns, nr_request_columns);
	struct doc other = { 0 };
	struct sink sink;
	int status;

	d->side[0].columns = columns_of;
	d->side[1].columns = columns_of;
	watch_signals();
	status = read_side(d, &d->side[0], doc);
	if (status != EXIT_FAILED && status != EXIT_NOTHING)
		status = worse(status, read_side(d, &d->side[1], &other));
	if (status != EXIT_FAILED && status != EXIT_NOTHING) {
		for (size_t i = 0; i < other.nr_problems; i++)
			doc_problem(doc, "%s: %s", other.file, other.problems[i]);
		name_side(doc, 'A', doc->file);
		name_side(doc, 'B', other.file);
		compare(d, t);
		output_open(&d->out, &sink, doc);
		status = worse(status, sink_close(&sink));
	}
	for (int i = 0; i < 2; i++) {
		spread_free(d->side[i].spread);
		reading_free(&d->side[i].in);
	}
	table_free(columns_of);
	doc_free(&other);
	return status;
}

int cmd_diff(int argc, char **argv)
{
	struct doc doc = { .kind = "diff" };
	struct diff d = { 0 };
	struct table *t;
	int status = EXIT_OK;

	if (!parse_args(&argp, argc, argv, 0, &d, &status))
		return status;
	if (output_wants_help(&d.out)) {
		columns_help(stdout, "Fields:", columns, NR_D_ALL);
		return EXIT_OK;
	}
	t = table_new("figures", columns, NR_D_ALL);
	doc_add(&doc, t);
	status = output_shape(&d.out, t) ?: output_spare(&d.out, d.side[0].path) ?:
		 output_spare(&d.out, d.side[1].path) ?: output_no_timeline(&d.out);
	if (!status)
		status = read_both(&d, t, &doc);
	doc_free(&doc);
	return status;
}
