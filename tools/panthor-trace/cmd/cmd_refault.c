// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace refault: what was swapped in again, after how long and at what
 * cost, and so whether it was worth it to evict it.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/argument.h"
#include "cmd/cli.h"
#include "report/number.h"
#include "cmd/options.h"
#include "cmd/reading.h"
#include "report/ids.h"
#include "report/view.h"

enum refault_column {
	RF_TIME,
	RF_END,
	RF_ID,
	RF_SOURCE,
	RF_TARGET,
	RF_TGID,
	RF_EVICTED_BOS,
	RF_EVICTED,
	RF_FREED,
	RF_FREED_PCT,
	RF_BACK_BOS,
	RF_BACK,
	RF_BACK_PCT,
	RF_PREMATURE,
	RF_PREMATURE_PCT,
	RF_SHORTEST,
	RF_LONGEST,
	RF_BLOCKED,
	RF_PER_MIB,
	RF_SWAPIN,
	RF_GAIN,
	RF_VERDICT,
	NR_RF
};

static const struct column columns[] = {
	[RF_TIME] = { "time_ns", "TIME", UNIT_TIME, "when the request began", 1 },
	[RF_END] = { "end_ns", "END", UNIT_TIME, "when the request ended", 0 },
	[RF_ID] = { "id", "ID", UNIT_COUNT, "the request", 1 },
	[RF_SOURCE] = { "source", "SOURCE", UNIT_TEXT, "sysfs, shrinker, kswapd, debugfs", 6 },
	[RF_TARGET] = { "target_comm", "TARGET", UNIT_TEXT, "name of the target", 1 },
	[RF_TGID] = { "target_tgid", "TGT-TGID", UNIT_SIGNED, "process id of the target", 3 },
	[RF_EVICTED_BOS] = { "evicted_bos", "#EVICTED", UNIT_COUNT, "evicted BOs", 7 },
	[RF_EVICTED] = { "evicted", "EVICTED", UNIT_BYTES, "evicted memory", 1 },
	[RF_FREED] = { "freed", "FREED", UNIT_BYTES, "freed RAM, when the request ended", 0 },
	[RF_FREED_PCT] = { "freed_pct", "%FREED", UNIT_PERMILLE,
			   "freed share of the evicted memory; over 100 if memory that an "
			   "earlier request evicted was freed, too",
			   4 },
	[RF_BACK_BOS] = { "swapped_in_bos", "#SWAPPED-IN", UNIT_COUNT,
			  "evicted BOs that were swapped in", 7 },
	[RF_BACK] = { "swapped_in", "SWAPPED-IN", UNIT_BYTES, "memory that was swapped in", 1 },
	[RF_BACK_PCT] = { "swapped_in_pct", "%SWAPPED-IN", UNIT_PERMILLE,
			  "swapped-in share of the evicted memory", 2 },
	[RF_PREMATURE] = { "premature", "PREMATURE", UNIT_BYTES,
			   "premature memory: swapped in within --soon", 4 },
	[RF_PREMATURE_PCT] = { "premature_pct", "%PREMATURE", UNIT_PERMILLE,
			       "premature share of the evicted memory", 3 },
	[RF_SHORTEST] = { "shortest_ns", "SHORTEST", UNIT_NS, "shortest time that a BO was evicted",
			  5 },
	[RF_LONGEST] = { "longest_ns", "LONGEST", UNIT_NS, "longest time that a BO was evicted",
			 5 },
	[RF_BLOCKED] = { "duration_ns", "BLOCKED", UNIT_NS, "time that the requester was blocked",
			 2 },
	[RF_PER_MIB] = { "ns_per_mib", "PER-MIB", UNIT_NS, "blocked time per MiB evicted", 4 },
	[RF_SWAPIN] = { "swapin_ns", "SWAPIN", UNIT_NS, "time spent on swap-ins", 2 },
	[RF_GAIN] = { "gain_byte_s", "GAIN", UNIT_BYTE_S,
		      "evicted memory times the seconds until its swap-in, or the end of the "
		      "trace",
		      1 },
	[RF_VERDICT] = { "verdict", "VERDICT", UNIT_TEXT,
			 "evicted: nothing was swapped in; partly, all: part or all of it was; "
			 "premature: more than half of it within --soon",
			 1 },
};

/* A request that evicted something */
struct evictor {
	uint64_t id;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t evicted_bos;
	uint64_t evicted;
	uint64_t freed;
	bool has_freed;
	uint64_t blocked_ns;
	uint64_t back_bos;
	uint64_t back;
	uint64_t premature;
	uint64_t shortest;
	uint64_t longest;
	uint64_t swapin_ns;
	double gain; /* byte seconds of what was swapped in */
	bool untimed; /* it is not known when that had been evicted */
	bool known; /* the request is in the trace */
	bool began; /* and when it began is known */
	uint64_t source;
	char *target;
	int64_t tgid;
};

struct refault {
	struct file_args file;
	uint64_t soon_ns;
	bool bos;
	bool by_client;

	struct sink sink;
	struct ids by_id; /* of a request -> place in @list, from 1, of the last with that */
	struct evictor *list;
	size_t nr;
	size_t room;
	struct table *requests; /* NULL: not asked for */
	struct table *client_table; /* the same */
	struct clients *clients;
	struct table *swapins; /* NULL: not asked for */
	const struct pt_names *names;
	uint64_t failed;
};

#define OPT_SOON 0x100
#define OPT_BY 0x101

static const struct argp_option options[] = {
	{ "bos", 'b', NULL, 0, "List each BO that was swapped in, too", 0 },
	{ "by", OPT_BY, "KEY", 0, "Print sums by client instead of the requests", 0 },
	{ "soon", OPT_SOON, "TIME", 0,
	  "Count a swap-in within this time after the eviction as premature (default 1s)", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct refault *r = state->input;

	switch (key) {
	case 'b':
		r->bos = true;
		return 0;
	case OPT_BY:
		if (strcmp(arg, "client"))
			usage_error("--by: expected client, not \"%s\"", arg);
		r->by_client = true;
		return 0;
	case OPT_SOON:
		r->soon_ns = want_time("--soon", arg, 1, INT64_MAX);
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
	"Report swap-ins of evicted memory, how soon and at what cost, from a trace "
	"(default: trace.dat).",
	children,
	NULL,
	NULL,
};

static void remember(struct refault *r, uint64_t id, uint32_t place)
{
	if (!ids_set(&r->by_id, id, place))
		return;
	pt_error("out of memory");
	exit(EXIT_FAILED);
}

/* Valid until the next one is made */
static struct evictor *new_evictor(struct refault *r, uint64_t id)
{
	if (r->nr == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->list = xrealloc(r->list, r->room * sizeof(*r->list));
	}
	r->list[r->nr++] = (struct evictor){ .id = id };
	remember(r, id, r->nr);
	return &r->list[r->nr - 1];
}

static void on_request(void *context, const struct pt_request *req)
{
	struct refault *r = context;
	struct evictor *e;

	if (r->clients)
		clients_request(r->clients, req);
	/* After a reload of the driver, BOs of the previous request with this id do not exist. */
	if (!req->evicted_bos) {
		remember(r, req->id, 0);
		return;
	}
	e = new_evictor(r, req->id);
	e->known = true;
	e->began = pt_request_begin(req, &e->begin_ns);
	e->end_ns = req->end_ts;
	e->evicted_bos = req->evicted_bos;
	e->evicted = req->evicted;
	e->freed = req->freed;
	e->has_freed = pt_req_has(req, freed);
	e->blocked_ns = req->duration_ns;
	e->tgid = req->target_tgid;
	e->target = xstrdup(req->target_comm);
	e->source = req->source;
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	const struct pt_event *ev = refault->ev;
	struct refault *r = context;
	struct evictor *e;
	uint32_t place;

	if (r->swapins) {
		struct cell row[NR_SW_COLUMNS] = { 0 };

		swapin_row(row, refault);
		sink_row(&r->sink, r->swapins, row);
	}
	if (r->clients)
		clients_swapin(r->clients, refault);
	if (ev->result) {
		r->failed++;
		return;
	}
	place = ids_get(&r->by_id, ev->id);
	e = place ? &r->list[place - 1] : new_evictor(r, ev->id);
	e->back_bos++;
	e->back += ev->size;
	e->swapin_ns += ev->duration_ns;
	e->untimed |= !pt_has(ev, evicted_ns);
	if (e->untimed)
		return;
	e->gain += (double)ev->size * ev->evicted_ns / 1e9;
	if (ev->evicted_ns <= r->soon_ns)
		e->premature += ev->size;
	if (e->back_bos == 1 || ev->evicted_ns < e->shortest)
		e->shortest = ev->evicted_ns;
	if (ev->evicted_ns > e->longest)
		e->longest = ev->evicted_ns;
}

static bool is_premature(const struct evictor *e)
{
	return e->known && 2 * e->premature > e->evicted;
}

static const char *verdict(const struct evictor *e)
{
	if (!e->back_bos)
		return "evicted";
	if (is_premature(e))
		return "premature";
	return e->known && e->back < e->evicted ? "partly" : "all";
}

/* What was not swapped in was evicted until the trace ended. */
static double gain(const struct evictor *e, uint64_t end_ns)
{
	double rest = e->evicted > e->back ? e->evicted - e->back : 0;

	return e->gain + (e->known && end_ns > e->end_ns ? rest * (end_ns - e->end_ns) / 1e9 : 0);
}

static void print_requests(struct refault *r, const struct doc *doc, uint64_t end_ns)
{
	struct cell row[NR_RF] = { 0 };
	char buf[PT_NUM_LEN];

	for (size_t i = 0; r->requests && i < r->nr; i++) {
		const struct evictor *e = &r->list[i];

		row[RF_ID] = cell_u(e->id);
		row[RF_TIME] = cell_if(e->began, e->begin_ns);
		row[RF_END] = cell_if(e->known, e->end_ns);
		if (e->known)
			row[RF_SOURCE] =
				cell_s(view_symbol(r->names, PT_SYM_SOURCE, e->source, buf));
		row[RF_TARGET] = cell_s(e->target);
		row[RF_TGID] = (struct cell){ .known = e->known, .i = e->tgid };
		row[RF_EVICTED_BOS] = cell_if(e->known, e->evicted_bos);
		row[RF_EVICTED] = cell_if(e->known, e->evicted);
		row[RF_FREED] = cell_if(e->has_freed, e->freed);
		if (e->has_freed)
			row[RF_FREED_PCT] = cell_share(e->freed, e->evicted);
		row[RF_BACK_BOS] = cell_u(e->back_bos);
		row[RF_BACK] = cell_u(e->back);
		row[RF_BACK_PCT] = cell_share(e->back, e->evicted);
		row[RF_PREMATURE] = cell_if(!e->untimed, e->premature);
		row[RF_PREMATURE_PCT] = cell_share(e->premature, e->untimed ? 0 : e->evicted);
		row[RF_SHORTEST] = cell_if(e->back_bos && !e->untimed, e->shortest);
		row[RF_LONGEST] = cell_if(e->back_bos && !e->untimed, e->longest);
		row[RF_BLOCKED] = cell_if(e->known, e->blocked_ns);
		row[RF_PER_MIB] = cell_per_mib(e->blocked_ns, e->evicted);
		row[RF_SWAPIN] = cell_u(e->swapin_ns);
		row[RF_GAIN] = cell_if(!doc->no_seconds && !e->untimed, gain(e, end_ns));
		row[RF_VERDICT] = cell_s(verdict(e));
		sink_row(&r->sink, r->requests, row);
	}
}

static void say_share(struct pt_text *t, uint64_t part, uint64_t whole)
{
	struct cell share = cell_share(part, whole);
	char buf[PT_NUM_LEN];

	pt_add(t, "%s %%", cell_plain(&share, UNIT_PERMILLE, buf));
}

static void say_efficiency(const struct refault *r, struct doc *doc)
{
	uint64_t evicted = 0, freed = 0, blocked = 0, premature = 0;
	const struct pt_units *u = &r->file.out.units;
	struct pt_text *t = &doc->footer;
	bool has_freed = false, untimed = false;

	for (size_t i = 0; i < r->nr; i++) {
		const struct evictor *e = &r->list[i];

		if (!e->known)
			continue;
		evicted += e->evicted;
		freed += e->freed;
		has_freed |= e->has_freed;
		blocked += e->blocked_ns;
		premature += e->premature;
		untimed |= e->untimed;
	}
	if (!evicted)
		return;
	if (has_freed || !untimed)
		pt_add(t, "of the evicted memory ");
	if (has_freed) {
		say_share(t, freed, evicted);
		pt_add(t, " freed%s", untimed ? "; " : ", ");
	}
	if (!untimed) {
		say_share(t, premature, evicted);
		pt_add(t, " premature; ");
	}
	pt_add(t, "blocked per MiB: ");
	pt_add_ns(t, cell_per_mib(blocked, evicted).u, u);
	pt_add(t, has_freed ? "; RAM used by zram is not known\n" : "\n");
}

/* Total cost and gain, and what swapping in early could hide */
static void sum_up(const struct refault *r, uint64_t end_ns, struct doc *doc)
{
	uint64_t evicted = 0, back = 0, premature = 0, blocked = 0, swapin = 0,
		 premature_requests = 0;
	const struct pt_units *u = &r->file.out.units;
	struct pt_text *t = &doc->footer;
	bool untimed = false;
	double won = 0;

	for (size_t i = 0; i < r->nr; i++) {
		const struct evictor *e = &r->list[i];

		evicted += e->evicted;
		back += e->back;
		premature += e->premature;
		blocked += e->blocked_ns;
		swapin += e->swapin_ns;
		won += gain(e, end_ns);
		premature_requests += is_premature(e);
		untimed |= e->untimed;
	}
	pt_add(t, "evicted ");
	pt_add_bytes(t, evicted, u);
	pt_add(t, ", swapped in ");
	pt_add_bytes(t, back, u);
	if (untimed) {
		pt_add(t, "; how soon is not known\n");
	} else {
		pt_add(t, ", of that within ");
		pt_add_ns(t, r->soon_ns, u);
		pt_add(t, " ");
		pt_add_bytes(t, premature, u);
		pt_add(t, "; premature: %llu of %zu requests\n",
		       (unsigned long long)premature_requests, r->nr);
	}
	pt_add(t, "cost: blocked ");
	pt_add_ns(t, blocked, u);
	pt_add(t, ", swap-in ");
	pt_add_ns(t, swapin, u);
	pt_add(t, "; gain: ");
	if (doc->no_seconds) {
		pt_add(t, "not available, the clock does not count seconds\n");
	} else if (untimed) {
		pt_add(t, "not known\n");
	} else {
		pt_add_bytes(t, won, u);
		pt_add(t, " x seconds\n");
	}
	say_efficiency(r, doc);
	pt_add(t, "swapping in ahead of use (mem_claim) could hide at most ");
	pt_add_ns(t, swapin, u);
	pt_add(t, " of swap-in time\n");
	if (r->failed)
		pt_add(t, "failed swap-ins: %llu\n", (unsigned long long)r->failed);
}

static int prepare(struct refault *r, struct doc *doc)
{
	struct table *last;

	if (r->by_client) {
		r->clients = clients_new(r->soon_ns);
		r->client_table = table_new("clients", client_columns, nr_client_columns);
		last = r->client_table;
	} else {
		r->requests = table_new("requests", columns, NR_RF);
		last = r->requests;
	}
	doc_add(doc, last);
	if (r->bos) {
		r->swapins = table_new("swapins", swapin_columns, nr_swapin_columns);
		last = r->swapins;
		doc_add(doc, last);
	}
	return output_shape(&r->file.out, last) ?: output_spare(&r->file.out, r->file.path) ?:
						  output_no_timeline(&r->file.out);
}

int cmd_refault(int argc, char **argv)
{
	struct refault r = { .soon_ns = NS_PER_SEC };
	struct reading in = {
		.analysis = { .request = on_request, .refault = on_refault, .context = &r }
	};
	struct doc doc = { .kind = "refault" };
	int status = EXIT_OK;

	if (!parse_args(&argp, argc, argv, 0, &r, &status))
		return status;
	if (output_wants_help(&r.file.out)) {
		columns_help(stdout, "Fields of a request:", columns, NR_RF);
		columns_help(stdout, "\nFields of a client (with --by client):", client_columns,
			     nr_client_columns);
		columns_help(stdout, "\nFields of a BO (with --bos):", swapin_columns,
			     nr_swapin_columns);
		return EXIT_OK;
	}
	r.names = &in.source.names;
	status = prepare(&r, &doc);
	if (!status && read_file(&in, &r.file, &r.sink, &doc, &status)) {
		doc_fact(&doc, "soon_ns", r.soon_ns);
		doc_fact(&doc, "failed_swapins", r.failed);
		print_requests(&r, &doc, in.source.end_ns);
		if (r.clients)
			clients_fill(r.clients, r.client_table);
		sum_up(&r, in.source.end_ns, &doc);
		status = worse(status, sink_close(&r.sink));
	}
	for (size_t i = 0; i < r.nr; i++)
		free(r.list[i].target);
	free(r.list);
	clients_free(r.clients);
	ids_free(&r.by_id);
	reading_free(&in);
	doc_free(&doc);
	return status;
}
