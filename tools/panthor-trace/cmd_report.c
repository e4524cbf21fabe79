// SPDX-License-Identifier: GPL-2.0
/* panthor-trace report: one row a request. */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "cli.h"
#include "filter.h"
#include "options.h"
#include "view.h"

struct report {
	struct file_args file;
	const char *filter_text;
	bool bos;
	bool percentiles;
	bool histogram;
	enum group_by by;
	size_t worst;

	struct filter *filter;
	struct table *requests;
	struct table *bo_table;
	struct groups *groups;
	struct pt_style style;
	uint64_t evicted_bos;
	uint64_t evicted;
	uint64_t freed;
	uint64_t blocked;
};

#define OPT_BY 0x100
#define OPT_FILTER 0x101

static const struct argp_option options[] = {
	{ "bos", 'b', NULL, 0, "The BOs of each request, too", 0 },
	{ "by", OPT_BY, "KEY", 0, "Sum up by client, vm, label, reason or state", 0 },
	{ "worst", 'w', "N", 0, "Only the N requests that blocked longest, and why", 0 },
	{ "percentiles", 'P', NULL, 0, "How the blocked time is spread", 0 },
	{ "histogram", 'H', NULL, 0, "The same as a histogram over powers of two", 0 },
	{ "filter", OPT_FILTER, "TERMS", 0,
	  "Only what matches, like duration_ns>100ms,source=sysfs", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report *r = state->input;
	char *end;
	int by;

	switch (key) {
	case 'b':
		r->bos = true;
		return 0;
	case OPT_BY:
		by = group_find(arg);
		if (by < 0)
			exit(EXIT_USAGE);
		r->by = by;
		return 0;
	case 'w':
		r->worst = strtoul(arg, &end, 10);
		if (*end || !r->worst)
			usage_error("--worst wants a number, not \"%s\"", arg);
		return 0;
	case 'P':
		r->percentiles = true;
		return 0;
	case 'H':
		r->histogram = true;
		return 0;
	case OPT_FILTER:
		r->filter_text = arg;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->file;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { CHILD_FILE, { 0 } };
static const struct argp argp = {
	options,  parse,
	"[FILE]", "What each request to reclaim GPU memory did, from a trace (default: trace.dat).",
	children, NULL,
	NULL,
};

static void on_request(void *context, const struct pt_request *req)
{
	struct report *r = context;
	bool bo_terms = filter_speaks_of(r->filter, 1), any_bo = !bo_terms;
	struct cell row[NR_REQ_COLUMNS] = { 0 };

	if (!selected(&r->file.sel, req))
		return;
	request_row(row, req, &r->style);
	memcpy(table_add(r->requests), row, sizeof(row));
	if (!filter_match(r->filter, 0, row)) {
		table_cut(r->requests, r->requests->nr_rows - 1);
		return;
	}

	for (size_t i = 0; (r->bos || bo_terms) && i < req->n_bos; i++) {
		bo_row(table_add(r->bo_table), req, &req->bos[i], r->style.names);
		if (!filter_match(r->filter, 1, r->bo_table->rows[r->bo_table->nr_rows - 1]))
			table_cut(r->bo_table, r->bo_table->nr_rows - 1);
		else
			any_bo = true;
	}
	if (!any_bo) {
		table_cut(r->requests, r->requests->nr_rows - 1);
		return;
	}
	if (r->groups)
		groups_add(r->groups, req, r->style.names);
	r->evicted_bos += req->evicted_bos;
	r->evicted += req->evicted;
	r->freed += req->freed;
	r->blocked += req->duration_ns;
}

/* Where the longest waits came from, for people */
static void explain_worst(struct report *r, struct doc *doc)
{
	struct print print = { .units = r->file.out.units };
	size_t n = r->worst ?: 1;
	struct table order = *r->requests;
	char buf[PT_NUM_LEN];

	/* A sorted copy of the row pointers; the rows themselves stay where they are. */
	order.rows = xmalloc(order.nr_rows * sizeof(*order.rows));
	memcpy(order.rows, r->requests->rows, order.nr_rows * sizeof(*order.rows));
	table_sort(&order, "-duration_ns");
	for (size_t i = 0; i < order.nr_rows && i < n; i++) {
		const struct cell *row = order.rows[i];

		if (!row[REQ_WHY].known || !row[REQ_DURATION].u)
			break;
		pt_add(&doc->footer, "%s #%llu", i ? "    " : "worst",
		       (unsigned long long)row[REQ_ID].u);
		pt_add(&doc->footer, " at %s: %s\n",
		       cell_text(&row[REQ_TIME], UNIT_TIME, &print, buf), row[REQ_WHY].s);
	}
	free(order.rows);
}

static void sum_up(struct report *r, struct doc *doc)
{
	const struct pt_units *units = &r->file.out.units;

	pt_add(&doc->footer, "%zu request%s: evicted %llu BO%s, ", r->requests->nr_rows,
	       r->requests->nr_rows == 1 ? "" : "s", (unsigned long long)r->evicted_bos,
	       r->evicted_bos == 1 ? "" : "s");
	pt_add_bytes(&doc->footer, r->evicted, units);
	pt_add(&doc->footer, ", freed ");
	pt_add_bytes(&doc->footer, r->freed, units);
	pt_add(&doc->footer, ", blocked ");
	pt_add_ns(&doc->footer, r->blocked, units);
	pt_add(&doc->footer, " in all\n");
}

/* The table that --fields and --sort speak of: the most special one asked for */
static int shape(struct report *r, struct table *t)
{
	if (r->file.out.fields && table_choose(t, r->file.out.fields))
		return EXIT_USAGE;
	if (r->file.out.sort && table_sort(t, r->file.out.sort))
		return EXIT_USAGE;
	return EXIT_OK;
}

static int print(struct report *r, struct doc *doc)
{
	struct table *last = r->requests;
	int status;

	sum_up(r, doc);
	explain_worst(r, doc);
	if (r->worst) {
		table_sort(r->requests, "-duration_ns");
		table_cut(r->requests, r->worst);
	}

	doc_add(doc, r->requests);
	if (r->bos)
		doc_add(doc, last = r->bo_table);
	if (r->groups)
		doc_add(doc, last = groups_table(r->groups));
	status = shape(r, last);
	if (r->percentiles)
		doc_add(doc, percentile_table(r->requests));
	if (r->histogram)
		doc_add(doc, histogram_table(r->requests));
	return status ?: output_print(&r->file.out, doc);
}

static void fields_help(void)
{
	columns_help(stdout, "Fields of a request:", request_columns, nr_request_columns);
	columns_help(stdout, "\nFields of a BO (with --bos):", bo_columns, nr_bo_columns);
	columns_help(stdout, "\nFields of a group (with --by):", group_columns, nr_group_columns);
}

int cmd_report(int argc, char **argv)
{
	struct report r = { 0 };
	struct analysis a = { 0 };
	struct doc doc = { .kind = "report" };
	int status = EXIT_OK, printed;

	if (!parse_args(&argp, argc, argv, &r, &status))
		return status;
	if (r.file.out.fields && !strcmp(r.file.out.fields, "help")) {
		fields_help();
		return EXIT_OK;
	}

	r.requests = table_new("requests", request_columns, nr_request_columns);
	r.bo_table = table_new("bos", bo_columns, nr_bo_columns);
	r.filter = filter_parse(r.filter_text ?: "", r.requests, r.bo_table);
	if (!r.filter) {
		table_free(r.requests);
		table_free(r.bo_table);
		return EXIT_USAGE;
	}
	if (r.by)
		r.groups = groups_new(r.by);
	r.style = (struct pt_style){ .names = &a.source.names, .units = r.file.out.units };

	watch_signals();
	a.source.path = r.file.path;
	a.request = on_request;
	a.context = &r;
	status = analyse(&a, &doc);
	if (status != EXIT_FAILED && status != EXIT_NOTHING) {
		printed = print(&r, &doc);
		status = worse(status, printed);
	}
	if (!r.bos || !doc.nr_tables)
		table_free(r.bo_table);
	if (!doc.nr_tables)
		table_free(r.requests);
	groups_free(r.groups);
	filter_free(r.filter);
	doc_free(&doc);
	return status;
}
