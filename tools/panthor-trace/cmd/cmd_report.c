// SPDX-License-Identifier: GPL-2.0
/* panthor-trace report: one row per request. */
#include <stdlib.h>

#include "cmd/argument.h"
#include "cmd/cli.h"
#include "report/filter.h"
#include "cmd/options.h"
#include "cmd/reading.h"
#include "report/view.h"

struct report {
	struct file_args file;
	const char *filter_text;
	bool bos;
	bool list_stalls;
	bool percentiles;
	bool histogram;
	enum group_by by;
	size_t worst;

	struct filter *filter;
	bool checked; /* @filter, against the words and the clock of the trace */
	struct sink sink;
	struct table *requests; /* NULL: not selected */
	struct table *bo_table;
	struct table *stall_table; /* NULL: not selected */
	struct table *group_table;
	struct table *percentile_table;
	struct table *histogram_table;
	struct groups *groups;
	struct spread *spread;
	struct pt_style style;
	uint64_t nr_requests;
	uint64_t evicted_bos;
	uint64_t evicted;
	uint64_t freed;
	bool freed_known;
	uint64_t written;
	bool swapcache; /* no request could free more at once */
	uint64_t blocked;
	struct stalls *stalls;
	uint64_t nr_stalls;
	uint64_t stalled;
	uint64_t worst_stall; /* how long that was */
	uint64_t worst_stall_ns; /* and when */
	struct pt_text worst_stall_words;
	struct table *longest; /* the requests that are explained */
	/* With @worst: how to sort what is left of @requests, and how many to print */
	struct sort order;
	size_t limit;
};

#define OPT_BY 0x100
#define OPT_FILTER 0x101
#define OPT_STALLS 0x102

static const struct argp_option options[] = {
	{ "bos", 'b', NULL, 0, "List the BOs of the requests, too", 0 },
	{ "stalls", OPT_STALLS, NULL, 0,
	  "List stalls: threads that waited for swap-ins, and which request caused it", 0 },
	{ "by", OPT_BY, "KEY", 0, "Print sums by client, vm, label, reason or state", 0 },
	{ "worst", 'w', "N", 0, "Show only the N requests with the longest blocked time, and why",
	  0 },
	{ "percentiles", 'P', NULL, 0, "Print percentiles of the blocked time", 0 },
	{ "histogram", 'H', NULL, 0, "Print a log2 histogram of the blocked time", 0 },
	{ "filter", OPT_FILTER, "TERMS", 0,
	  "Show only what matches, such as duration_ns>100ms,source=sysfs", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report *r = state->input;
	int by;

	switch (key) {
	case 'b':
		r->bos = true;
		return 0;
	case OPT_STALLS:
		r->list_stalls = true;
		return 0;
	case OPT_BY:
		by = group_find(arg);
		if (by < 0)
			exit(EXIT_USAGE);
		r->by = by;
		return 0;
	case 'w':
		r->worst = want_number("--worst", arg, 1, 1000000);
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
	"[FILE]", "Report each request to reclaim GPU memory, from a trace (default: trace.dat).",
	children, NULL,
	NULL,
};

/* One BO as a row for the filter, and for the table if there is one */
static bool wanted_bo(const struct report *r, const struct pt_request *req, const struct pt_bo *bo,
		      struct cell *row)
{
	bo_row(row, req, bo, r->style.names);
	return filter_match(r->filter, 1, row);
}

struct bo_filter {
	const struct report *r;
	const struct pt_request *req;
};

static bool group_wants(void *context, const struct pt_bo *bo)
{
	struct cell row[NR_BO_COLUMNS] = { 0 };
	const struct bo_filter *f = context;
	bool yes = wanted_bo(f->r, f->req, bo, row);

	row_clear(f->r->bo_table, row);
	return yes;
}

/* Prints the matching BOs, or only checks whether there is one. */
static bool bos(struct report *r, const struct pt_request *req, bool print)
{
	struct cell row[NR_BO_COLUMNS] = { 0 };
	bool any = false;

	for (size_t i = 0; i < req->n_bos && (print || !any); i++) {
		bool yes = wanted_bo(r, req, &req->bos[i], row);

		any |= yes;
		if (yes && print)
			sink_row(&r->sink, r->bo_table, row);
		else
			row_clear(r->bo_table, row);
	}
	return any;
}

static void keep_longest(struct report *r, const struct cell *row)
{
	struct cell *kept;

	if (!row[REQ_WHY].known)
		return;
	kept = table_add(r->longest);
	kept[REQ_TIME] = row[REQ_TIME];
	kept[REQ_ID] = row[REQ_ID];
	kept[REQ_DURATION] = row[REQ_DURATION];
	kept[REQ_WHY] = cell_s(row[REQ_WHY].s);
	if (r->longest->nr_rows >= 2 * r->longest->limit)
		table_order(r->longest);
}

/* What the trace has is known as soon as there is something to print. */
static void check_filter(struct report *r)
{
	if (!r->checked && !filter_check(r->filter, r->sink.doc, r->style.names))
		exit(EXIT_USAGE);
	r->checked = true;
}

static void on_request(void *context, const struct pt_request *req)
{
	struct report *r = context;
	bool bo_terms = filter_speaks_of(r->filter, 1);
	struct bo_filter bo_filter = { r, req };
	struct cell row[NR_REQ_COLUMNS] = { 0 };

	check_filter(r);
	request_row(row, req, &r->style);
	if (!filter_match(r->filter, 0, row) || (bo_terms && !bos(r, req, false))) {
		row_clear(r->longest, row);
		return;
	}
	r->nr_requests++;
	r->evicted_bos += req->evicted_bos;
	r->evicted += req->evicted;
	r->freed += req->freed;
	r->freed_known |= pt_req_has(req, freed);
	r->written += req->written;
	r->swapcache &= pt_req_has(req, writeback) && req->writeback != PT_WB_FREE;
	r->blocked += req->duration_ns;
	stalls_request(r->stalls, req);
	keep_longest(r, row);
	if (r->spread)
		spread_add(r->spread, row);
	if (r->groups)
		groups_add(r->groups, req, r->style.names, bo_terms ? group_wants : NULL,
			   &bo_filter);
	if (r->requests)
		sink_row(&r->sink, r->requests, row);
	else
		row_clear(r->longest, row);
	if (r->bos)
		bos(r, req, true);
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	struct report *r = context;

	/* Timestamps of a clock that does not count seconds cannot be subtracted. */
	if (r->sink.doc->no_seconds)
		return;
	/* A filter selects requests, and with them the swap-ins of what they evicted. */
	if (!r->filter_text || stalls_knows(r->stalls, refault->ev->id))
		stalls_swapin(r->stalls, refault);
}

static void on_stall(void *context, const struct stall *stall)
{
	struct cell row[NR_ST_COLUMNS] = { 0 };
	struct report *r = context;

	r->nr_stalls++;
	r->stalled += stall->stalled_ns;
	if (r->nr_stalls == 1 || stall->stalled_ns > r->worst_stall) {
		r->worst_stall = stall->stalled_ns;
		r->worst_stall_ns = stall->begin_ns;
		pt_text_reset(&r->worst_stall_words);
		stall_sentence(&r->worst_stall_words, stall, &r->style);
	}
	if (!r->stall_table)
		return;
	stall_row(row, stall, &r->style);
	sink_row(&r->sink, r->stall_table, row);
}

static void explain_stalls(struct report *r, struct doc *doc)
{
	struct cell when = cell_u(r->worst_stall_ns);
	char buf[PT_NUM_LEN];

	if (doc->no_seconds && r->list_stalls)
		pt_add(&doc->footer, "no stalls: the clock \"%s\" does not count seconds\n",
		       doc->clock);
	if (!r->nr_stalls)
		return;
	pt_add(&doc->footer, "stalled %llu time%s, ", (unsigned long long)r->nr_stalls,
	       r->nr_stalls == 1 ? "" : "s");
	pt_add_ns(&doc->footer, r->stalled, &r->file.out.units);
	pt_add(&doc->footer, " in total; worst at %s: %s\n",
	       cell_text(&when, UNIT_TIME, &r->sink.print, buf), r->worst_stall_words.s);
}

/* Explain the longest blocked times below the table */
static void explain_worst(struct report *r, struct doc *doc)
{
	char buf[PT_NUM_LEN];

	table_order(r->longest);
	for (size_t i = 0; i < r->longest->nr_rows; i++) {
		const struct cell *row = r->longest->rows[i];

		if (!row[REQ_DURATION].u)
			break;
		pt_add(&doc->footer, "%s #%llu", i ? "    " : "worst",
		       (unsigned long long)row[REQ_ID].u);
		pt_add(&doc->footer, " at %s: %s\n",
		       cell_text(&row[REQ_TIME], UNIT_TIME, &r->sink.print, buf), row[REQ_WHY].s);
	}
}

static void sum_up(struct report *r, struct doc *doc)
{
	const struct pt_units *units = &r->file.out.units;

	pt_add(&doc->footer, "%llu request%s: evicted %llu BO%s, ",
	       (unsigned long long)r->nr_requests, r->nr_requests == 1 ? "" : "s",
	       (unsigned long long)r->evicted_bos, r->evicted_bos == 1 ? "" : "s");
	pt_add_bytes(&doc->footer, r->evicted, units);
	if (r->freed_known) {
		pt_add(&doc->footer, ", freed ");
		pt_add_bytes(&doc->footer, r->freed, units);
	}
	pt_add(&doc->footer, ", blocked ");
	pt_add_ns(&doc->footer, r->blocked, units);
	pt_add(&doc->footer, " in total\n");
	if (r->swapcache && r->written && !r->freed)
		pt_add(&doc->footer,
		       "this kernel frees nothing at once: written memory remains in the "
		       "swap cache until memory is short\n");
}

/*
 * The selected tables; --fields, --sort and --limit apply to the last one.
 */
static int prepare(struct report *r, struct doc *doc)
{
	bool spread = r->percentiles || r->histogram;
	struct table *last = NULL;
	int status;

	r->longest = table_new("requests", request_columns, nr_request_columns);
	r->longest->sort = (struct sort){ .nr = 1, .key = { { REQ_DURATION, true } } };
	r->longest->limit = r->worst ?: 1;
	r->bo_table = table_new("bos", bo_columns, nr_bo_columns);
	if (r->filter_text)
		r->filter = filter_parse(r->filter_text, r->longest, r->bo_table);
	if (r->filter_text && !r->filter)
		return EXIT_USAGE;
	if (r->worst || (!r->by && !spread && !r->list_stalls)) {
		r->requests = table_new("requests", request_columns, nr_request_columns);
		doc_add(doc, last = r->requests);
	}
	if (r->bos)
		doc_add(doc, last = r->bo_table);
	if (r->list_stalls) {
		r->stall_table = table_new("stalls", stall_columns, nr_stall_columns);
		doc_add(doc, last = r->stall_table);
	}
	r->stalls = stalls_new(on_stall, r);
	if (r->by) {
		r->groups = groups_new(r->by);
		r->group_table = table_new("groups", group_columns, nr_group_columns);
		doc_add(doc, last = r->group_table);
	}
	if (spread)
		r->spread = spread_new();
	if (r->percentiles) {
		r->percentile_table = percentile_table();
		doc_add(doc, r->percentile_table);
	}
	if (r->histogram) {
		r->histogram_table = histogram_table();
		doc_add(doc, r->histogram_table);
	}
	if (!last && (r->file.out.fields || r->file.out.sort || r->file.out.limit)) {
		pt_error("--percentiles and --histogram do not take --fields, --sort or --limit");
		return EXIT_USAGE;
	}
	status = last ? output_shape(&r->file.out, last) : EXIT_OK;
	if (r->worst) {
		r->order = r->requests->sort;
		r->limit = r->requests->limit;
		r->requests->sort = r->longest->sort;
		r->requests->limit = r->worst;
	}
	return status ?: output_spare(&r->file.out, r->file.path) ?:
			 output_no_timeline(&r->file.out);
}

static int print(struct report *r, struct doc *doc)
{
	check_filter(r);
	stalls_flush(r->stalls);
	if (r->groups)
		groups_fill(r->groups, r->group_table);
	if (r->percentiles)
		percentile_fill(r->spread, r->percentile_table);
	if (r->histogram)
		histogram_fill(r->spread, r->histogram_table);
	sum_up(r, doc);
	r->sink.print.start_ns = doc->start_ns;
	r->sink.print.no_seconds = doc->no_seconds;
	explain_worst(r, doc);
	explain_stalls(r, doc);
	if (r->worst) {
		table_order(r->requests);
		r->requests->limit = r->limit;
		if (r->order.nr)
			r->requests->sort = r->order;
	}
	return sink_close(&r->sink);
}

static void fields_help(void)
{
	columns_help(stdout, "Fields of a request:", request_columns, nr_request_columns);
	columns_help(stdout, "\nFields of a BO (with --bos):", bo_columns, nr_bo_columns);
	columns_help(stdout, "\nFields of a stall (with --stalls):", stall_columns,
		     nr_stall_columns);
	columns_help(stdout, "\nFields of a group (with --by):", group_columns, nr_group_columns);
}

int cmd_report(int argc, char **argv)
{
	struct report r = { .swapcache = true };
	struct reading in = {
		.analysis = { .request = on_request, .refault = on_refault, .context = &r }
	};
	struct doc doc = { .kind = "report" };
	int status = EXIT_OK;

	if (!parse_args(&argp, argc, argv, 0, &r, &status))
		return status;
	if (output_wants_help(&r.file.out)) {
		fields_help();
		return EXIT_OK;
	}
	r.style = (struct pt_style){ .names = &in.source.names, .units = r.file.out.units };
	status = prepare(&r, &doc);
	if (!status && read_file(&in, &r.file, &r.sink, &doc, &status))
		status = worse(status, print(&r, &doc));
	if (!r.bos)
		table_free(r.bo_table);
	table_free(r.longest);
	stalls_free(r.stalls);
	pt_text_free(&r.worst_stall_words);
	groups_free(r.groups);
	spread_free(r.spread);
	filter_free(r.filter);
	reading_free(&in);
	doc_free(&doc);
	return status;
}
