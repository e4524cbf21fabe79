// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "report/analysis.h"
#include "cmd/cli.h"
#include "report/table.h"

#define BO_EVENTS (1u << PT_BO_EVICT | 1u << PT_BO_SKIP)

/* Values of @chosen; a map cannot hold NULL */
static char is_chosen, not_chosen;

static bool choose(struct analysis *a, const struct pt_request *req)
{
	bool yes;

	if (!a->sel || !selection_any(a->sel))
		return true;
	yes = selected(a->sel, req);
	if (pt_map_set(&a->chosen, req->id, yes ? &is_chosen : &not_chosen))
		a->no_memory = true;
	return yes;
}

/*
 * A swap-in belongs to the request that had evicted the BO. Of one that the
 * trace does not have, the swap-in tells only whose memory it took.
 */
static bool follows(const struct analysis *a, const struct pt_refault *refault)
{
	const struct selection *sel = a->sel;
	const void *choice;

	if (!sel || !selection_any(sel))
		return true;
	choice = pt_map_get(&a->chosen, refault->ev->id);
	if (choice)
		return choice == &is_chosen;
	return !sel->to_ns && (!sel->pid || sel->pid == refault->ev->tgid) &&
	       (!sel->by_client || sel->client == refault->ev->client_id);
}

static void on_request(void *context, const struct pt_request *req)
{
	struct analysis *a = context;
	bool all_there = !(req->flags & (PT_REQ_LOST | PT_REQ_NO_BEGIN | PT_REQ_NO_END));

	a->no_begin += !!(req->flags & PT_REQ_NO_BEGIN);
	a->no_end += !!(req->flags & PT_REQ_NO_END);
	a->lost += !!(req->flags & PT_REQ_LOST);
	a->cut += !!(req->flags & PT_REQ_CUT);
	a->partial += !!(req->flags & PT_REQ_PARTIAL);
	/*
	 * Nothing was lost, and yet it does not add up. A trace without any BO
	 * events was recorded so.
	 */
	a->mismatch += req->flags & PT_REQ_MISMATCH ||
		       (req->flags & PT_REQ_PARTIAL && all_there && a->source.seen & BO_EVENTS);
	if (choose(a, req) && a->request)
		a->request(a->context, req);
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	struct pt_refault named = *refault;
	struct analysis *a = context;

	if (!a->refault || !follows(a, refault))
		return;
	named.comm = pt_map_get(&a->comms, refault->ev->pid);
	a->refault(a->context, &named);
}

/* While the trace is open: a swap-in may be told of after that. */
static void note_thread(struct analysis *a, int pid)
{
	const char *comm = pt_map_get(&a->comms, pid) ? NULL : source_comm(&a->source, pid);
	char clean[64];

	if (!comm)
		return;
	pt_clean(clean, sizeof(clean), comm, strlen(comm));
	if (pt_map_set(&a->comms, pid, xstrdup(clean)))
		a->no_memory = true;
}

static void on_event(void *context, const struct pt_event *ev)
{
	struct analysis *a = context;

	a->doc->start_ns = a->source.start_ns;
	a->doc->clock = a->source.clock;
	a->doc->no_seconds = a->source.no_seconds;
	if (a->doc->no_seconds)
		pt_model_no_seconds(a->model);
	if (a->doc->no_seconds && a->sel && a->sel->to_ns) {
		pt_error("%s: --time is in seconds, which its clock, \"%s\", does not count",
			 a->source.path, a->source.clock);
		exit(EXIT_USAGE);
	}
	if (ev->kind == PT_BO_SWAPIN && ev->pid > 0 && a->refault)
		note_thread(a, ev->pid);
	if (pt_model_feed(a->model, ev))
		a->no_memory = true;
}

static void on_lost(void *context, uint64_t count)
{
	struct analysis *a = context;

	pt_model_lost(a->model, count);
}

static void describe(const struct analysis *a, struct doc *doc)
{
	static const struct {
		size_t at;
		const char *words;
	} oddities[] = {
		{ offsetof(struct analysis, no_begin),
		  "had begun before the trace did, or their begin was lost" },
		{ offsetof(struct analysis, no_end),
		  "had not ended when the trace did, or their end was lost" },
		{ offsetof(struct analysis, cut), "have more BOs than can be kept" },
		{ offsetof(struct analysis, mismatch),
		  "contradict themselves: events and end event do not add up" },
	};

	source_describe(&a->source, doc);
	doc_fact(doc, "requests", a->stats.requests);
	doc_fact(doc, "no_begin", a->no_begin);
	doc_fact(doc, "no_end", a->no_end);
	doc_fact(doc, "partial", a->partial);
	doc_fact(doc, "mismatch", a->mismatch);
	doc_fact(doc, "repeated", a->stats.repeated);
	doc_fact(doc, "most_open", a->stats.most_open);

	for (size_t i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++) {
		uint64_t n = *(const uint64_t *)((const char *)a + oddities[i].at);

		if (n)
			doc_problem(doc, "requests that %s: %llu", oddities[i].words,
				    (unsigned long long)n);
	}
	if (a->partial && !(a->source.seen & BO_EVENTS))
		doc_problem(doc,
			    "the trace was recorded without the BO events: lists of BOs are empty");
	else if (a->partial > a->mismatch)
		doc_problem(doc, "requests of which not all BO events are there: %llu",
			    (unsigned long long)a->partial);
	if (a->no_memory)
		doc_problem(doc, "memory ran out: some events were left out");
}

int analyse(struct analysis *a, struct doc *doc)
{
	int status;

	doc->file = a->source.path;
	doc->comm = source_name;
	doc->comm_of = &a->source;
	a->doc = doc;
	a->config.request = on_request;
	a->config.refault = on_refault;
	a->config.context = a;
	a->model = pt_model_new(&a->config);
	if (!a->model) {
		pt_error("out of memory");
		return EXIT_FAILED;
	}
	a->source.event = on_event;
	a->source.lost = on_lost;
	a->source.context = a;

	status = source_read(&a->source);
	if (status != EXIT_FAILED) {
		pt_model_flush(a->model);
		a->stats = *pt_model_stats(a->model);
		describe(a, doc);
		/* Worth a word, but nothing is wrong with it. */
		if (a->source.no_seconds)
			pt_warn("%s: its clock, \"%s\", does not count seconds: points in time are "
				"bare numbers, durations are the driver's own",
				a->source.path, a->source.clock);
		if (a->source.version.unknown.len)
			pt_warn("%s: recorded by a newer driver; left out: %s", a->source.path,
				a->source.version.unknown.s);
		for (size_t i = 0; i < doc->nr_problems; i++)
			pt_warn("%s: %s", a->source.path, doc->problems[i]);
	}
	pt_model_free(a->model);
	a->model = NULL;

	if (a->mismatch)
		return worse(status, EXIT_MISMATCH);
	if (doc->nr_problems)
		return worse(status, EXIT_INCOMPLETE);
	return status;
}

bool analyse_file(struct analysis *a, const struct file_args *args, struct sink *sink,
		  struct doc *doc, int *status)
{
	output_open(&args->out, sink, doc);
	watch_signals();
	a->source.path = args->path;
	a->sel = &args->sel;
	*status = analyse(a, doc);
	return *status != EXIT_FAILED && *status != EXIT_NOTHING;
}

void analysis_free(struct analysis *a)
{
	char *comm;

	source_free(&a->source);
	pt_map_free(&a->chosen);
	for (size_t i = 0; (comm = pt_map_next(&a->comms, &i));)
		free(comm);
	pt_map_free(&a->comms);
}
