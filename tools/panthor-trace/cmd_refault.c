// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace refault: what came back, after how long and at what cost, and
 * so whether it was worth it to send it away.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "cli.h"
#include "filter.h"
#include "options.h"
#include "view.h"

enum refault_column {
	RF_TIME,
	RF_ID,
	RF_SOURCE,
	RF_TARGET,
	RF_TGID,
	RF_EVICTED_BOS,
	RF_EVICTED,
	RF_BACK_BOS,
	RF_BACK,
	RF_BACK_PCT,
	RF_SOON,
	RF_SHORTEST,
	RF_LONGEST,
	RF_BLOCKED,
	RF_SWAPIN,
	RF_GAIN,
	RF_VERDICT,
	NR_RF
};

static const struct column columns[] = {
	[RF_TIME] = { "time_ns", "TIME", UNIT_TIME, "when the request was over", true },
	[RF_ID] = { "id", "ID", UNIT_COUNT, "the request", true },
	[RF_SOURCE] = { "source", "SOURCE", UNIT_TEXT, "who asked", true },
	[RF_TARGET] = { "target_comm", "TARGET", UNIT_TEXT, "whose memory went", true },
	[RF_TGID] = { "target_tgid", "PID", UNIT_SIGNED, "process of that", true },
	[RF_EVICTED_BOS] = { "evicted_bos", "BOS", UNIT_COUNT, "BOs evicted", true },
	[RF_EVICTED] = { "evicted", "EVICTED", UNIT_BYTES, "memory of these", true },
	[RF_BACK_BOS] = { "back_bos", "BOS", UNIT_COUNT, "BOs of these that came back", true },
	[RF_BACK] = { "back", "BACK", UNIT_BYTES, "memory of these", true },
	[RF_BACK_PCT] = { "back_pct", "%BACK", UNIT_PERMILLE,
			  "share of the evicted memory that came back", true },
	[RF_SOON] = { "soon", "SOON", UNIT_BYTES, "what came back within --soon", true },
	[RF_SHORTEST] = { "shortest_ns", "AWAY", UNIT_NS, "the shortest that one was away", true },
	[RF_LONGEST] = { "longest_ns", "TO", UNIT_NS, "the longest that one was away", true },
	[RF_BLOCKED] = { "duration_ns", "BLOCKED", UNIT_NS, "how long the writer was blocked",
			 true },
	[RF_SWAPIN] = { "swapin_ns", "SWAP-IN", UNIT_NS, "time it took to get pages back", true },
	[RF_GAIN] = { "gain_byte_s", "GAIN", UNIT_BYTES,
		      "memory times the seconds it was away, to the end of the trace if it did not "
		      "return",
		      true },
	[RF_VERDICT] = { "verdict", "VERDICT", UNIT_TEXT,
			 "away: nothing came back; partly, back: some, all did; mistake: more than "
			 "half of it within --soon",
			 true },
};

/* A request that evicted something */
struct evictor {
	uint64_t id;
	uint64_t end_ns;
	uint64_t evicted_bos;
	uint64_t evicted;
	uint64_t blocked_ns;
	uint64_t back_bos;
	uint64_t back;
	uint64_t soon;
	uint64_t shortest;
	uint64_t longest;
	uint64_t swapin_ns;
	double gain; /* byte seconds of what came back */
	bool known; /* the request is in the trace */
	char source[PT_SYMBOL_LEN];
	char *target;
	int64_t tgid;
};

struct refault {
	struct file_args file;
	uint64_t soon_ns;
	bool bos;

	struct pt_map by_id;
	struct evictor **list;
	size_t nr;
	struct table *swapins;
	const struct pt_names *names;
	uint64_t failed;
};

#define OPT_SOON 0x100

static const struct argp_option options[] = {
	{ "bos", 'b', NULL, 0, "Each BO that came back, too", 0 },
	{ "soon", OPT_SOON, "TIME", 0,
	  "What comes back within this time (default 1s) need not have gone", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct refault *r = state->input;

	switch (key) {
	case 'b':
		r->bos = true;
		return 0;
	case OPT_SOON:
		if (!parse_ns(arg, strlen(arg), &r->soon_ns))
			usage_error("--soon wants a time like 500ms, not \"%s\"", arg);
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
	options,
	parse,
	"[FILE]",
	"What came back of what requests evicted, how soon and at what cost, from a trace "
	"(default: trace.dat).",
	children,
	NULL,
	NULL,
};

static struct evictor *get(struct refault *r, uint64_t id)
{
	struct evictor *e = pt_map_get(&r->by_id, id);

	if (e)
		return e;
	e = xcalloc(1, sizeof(*e));
	e->id = id;
	r->list = xrealloc(r->list, (r->nr + 1) * sizeof(*r->list));
	r->list[r->nr++] = e;
	if (pt_map_set(&r->by_id, id, e))
		exit(EXIT_FAILED);
	return e;
}

static void on_request(void *context, const struct pt_request *req)
{
	struct refault *r = context;
	struct evictor *e;

	if (!req->evicted_bos || !selected(&r->file.sel, req))
		return;
	e = get(r, req->id);
	e->known = true;
	e->end_ns = req->end_ts;
	e->evicted_bos = req->evicted_bos;
	e->evicted = req->evicted;
	e->blocked_ns = req->duration_ns;
	e->tgid = req->target_tgid;
	free(e->target);
	e->target = xstrdup(req->target_comm);
	snprintf(e->source, sizeof(e->source), "%s", pt_name(r->names, PT_SYM_SOURCE, req->source));
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	const struct pt_event *ev = refault->ev;
	struct refault *r = context;
	struct evictor *e;

	if (!selected_refault(&r->file.sel, ev))
		return;
	if (r->bos)
		swapin_row(table_add(r->swapins), refault);
	if (ev->result) {
		r->failed++;
		return;
	}
	e = get(r, ev->id);
	e->back_bos++;
	e->back += ev->size;
	e->swapin_ns += ev->duration_ns;
	e->gain += (double)ev->size * ev->away_ns / 1e9;
	if (ev->away_ns <= r->soon_ns)
		e->soon += ev->size;
	if (e->back_bos == 1 || ev->away_ns < e->shortest)
		e->shortest = ev->away_ns;
	if (ev->away_ns > e->longest)
		e->longest = ev->away_ns;
}

static const char *verdict(const struct evictor *e)
{
	if (!e->back_bos)
		return "away";
	if (e->known && 2 * e->soon > e->evicted)
		return "mistake";
	return e->known && e->back < e->evicted ? "partly" : "back";
}

/* What never came back was away until the trace ended. */
static double gain(const struct evictor *e, uint64_t last_ns)
{
	double rest = e->evicted > e->back ? e->evicted - e->back : 0;

	return e->gain + (e->known && last_ns > e->end_ns ? rest * (last_ns - e->end_ns) / 1e9 : 0);
}

static struct table *make_table(const struct refault *r, uint64_t last_ns)
{
	struct table *t = table_new("requests", columns, NR_RF);

	for (size_t i = 0; i < r->nr; i++) {
		const struct evictor *e = r->list[i];
		struct cell *row = table_add(t);

		row[RF_ID] = cell_u(e->id);
		row[RF_TIME] = cell_if(e->known, e->end_ns);
		row[RF_SOURCE] = cell_s(e->known ? e->source : NULL);
		row[RF_TARGET] = cell_s(e->target);
		row[RF_TGID] = (struct cell){ .known = e->known, .i = e->tgid };
		row[RF_EVICTED_BOS] = cell_if(e->known, e->evicted_bos);
		row[RF_EVICTED] = cell_if(e->known, e->evicted);
		row[RF_BACK_BOS] = cell_u(e->back_bos);
		row[RF_BACK] = cell_u(e->back);
		row[RF_BACK_PCT] = cell_if(e->known && e->evicted,
					   e->evicted ? e->back * 1000.0 / e->evicted + 0.5 : 0);
		row[RF_SOON] = cell_u(e->soon);
		row[RF_SHORTEST] = cell_if(e->back_bos, e->shortest);
		row[RF_LONGEST] = cell_if(e->back_bos, e->longest);
		row[RF_BLOCKED] = cell_if(e->known, e->blocked_ns);
		row[RF_SWAPIN] = cell_u(e->swapin_ns);
		row[RF_GAIN] = cell_u(gain(e, last_ns));
		row[RF_VERDICT] = cell_s(verdict(e));
	}
	return t;
}

/* Was it worth it, and would bringing memory back early help? */
static void sum_up(const struct refault *r, uint64_t last_ns, struct doc *doc)
{
	uint64_t evicted = 0, back = 0, soon = 0, blocked = 0, swapin = 0, mistakes = 0;
	const struct pt_units *u = &r->file.out.units;
	struct pt_text *t = &doc->footer;
	double won = 0;

	for (size_t i = 0; i < r->nr; i++) {
		const struct evictor *e = r->list[i];

		evicted += e->evicted;
		back += e->back;
		soon += e->soon;
		blocked += e->blocked_ns;
		swapin += e->swapin_ns;
		won += gain(e, last_ns);
		mistakes += !strcmp(verdict(e), "mistake");
	}
	pt_add(t, "evicted ");
	pt_add_bytes(t, evicted, u);
	pt_add(t, ", came back ");
	pt_add_bytes(t, back, u);
	pt_add(t, ", of that within ");
	pt_add_ns(t, r->soon_ns, u);
	pt_add(t, " ");
	pt_add_bytes(t, soon, u);
	pt_add(t, "; mistakes: %llu of %zu requests\n", (unsigned long long)mistakes, r->nr);
	pt_add(t, "cost: writers blocked ");
	pt_add_ns(t, blocked, u);
	pt_add(t, ", swap-in ");
	pt_add_ns(t, swapin, u);
	pt_add(t, "; gain: ");
	pt_add_bytes(t, won, u);
	pt_add(t, " x seconds\n");
	pt_add(t, "bringing memory back before it is needed (pre-claim) could hide at most the ");
	pt_add_ns(t, swapin, u);
	pt_add(t, " of swap-in\n");
	if (r->failed)
		pt_add(t, "swap-ins that failed: %llu\n", (unsigned long long)r->failed);
}

static int print(struct refault *r, const struct analysis *a, struct doc *doc)
{
	struct table *t = make_table(r, a->source.last_ns), *last = t;

	doc_add(doc, t);
	if (r->bos)
		doc_add(doc, last = r->swapins);
	if ((r->file.out.fields && table_choose(last, r->file.out.fields)) ||
	    (r->file.out.sort && table_sort(last, r->file.out.sort)))
		return EXIT_USAGE;
	doc_fact(doc, "soon_ns", r->soon_ns);
	doc_fact(doc, "failed_swapins", r->failed);
	sum_up(r, a->source.last_ns, doc);
	return output_print(&r->file.out, doc);
}

int cmd_refault(int argc, char **argv)
{
	struct refault r = { .soon_ns = 1000000000 };
	struct analysis a = { .config.track = true, .config.no_bos = false };
	struct doc doc = { .kind = "refault" };
	int status = EXIT_OK;

	if (!parse_args(&argp, argc, argv, &r, &status))
		return status;
	if (r.file.out.fields && !strcmp(r.file.out.fields, "help")) {
		columns_help(stdout, "Fields of a request:", columns, NR_RF);
		columns_help(stdout, "\nFields of a BO (with --bos):", swapin_columns,
			     nr_swapin_columns);
		return EXIT_OK;
	}
	r.swapins = table_new("swapins", swapin_columns, nr_swapin_columns);
	r.names = &a.source.names;

	watch_signals();
	a.source.path = r.file.path;
	a.request = on_request;
	a.refault = on_refault;
	a.context = &r;
	status = analyse(&a, &doc);
	if (status != EXIT_FAILED && status != EXIT_NOTHING)
		status = worse(status, print(&r, &a, &doc));

	if (!r.bos || !doc.nr_tables)
		table_free(r.swapins);
	for (size_t i = 0; i < r.nr; i++) {
		free(r.list[i]->target);
		free(r.list[i]);
	}
	free(r.list);
	pt_map_free(&r.by_id);
	doc_free(&doc);
	return status;
}
