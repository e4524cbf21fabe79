// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "report/analysis.h"
#include "base/error.h"

#define BO_EVENTS (1u << PT_BO_EVICT | 1u << PT_BO_SKIP)

/* Numbers in @chosen */
enum { NOT_SEEN, CHOSEN, NOT_CHOSEN };

static bool choose(struct analysis *a, const struct pt_request *req)
{
	bool yes;

	if (!a->sel || !selection_any(a->sel))
		return true;
	yes = selected(a->sel, req);
	if (ids_set(&a->chosen, req->id, yes ? CHOSEN : NOT_CHOSEN))
		a->no_memory = true;
	return yes;
}

/*
 * A swap-in belongs to the request that evicted the BO. If the trace does not
 * have that request, the swap-in has only the client and its process.
 */
static bool follows(const struct analysis *a, const struct pt_refault *refault)
{
	const struct selection *sel = a->sel;
	uint32_t choice;

	if (!sel || !selection_any(sel))
		return true;
	choice = ids_get(&a->chosen, refault->ev->id);
	if (choice != NOT_SEEN)
		return choice == CHOSEN;
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
	 * Nothing was lost, and yet the totals do not match. A trace without any BO
	 * events was recorded without them.
	 */
	a->mismatch += req->flags & PT_REQ_MISMATCH ||
		       (req->flags & PT_REQ_PARTIAL && all_there && a->seen & BO_EVENTS);
	if (choose(a, req) && a->request)
		a->request(a->context, req);
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	struct pt_refault named = *refault;
	struct analysis *a = context;
	char comm[DOC_COMM_LEN] = "";

	if (!a->refault || !follows(a, refault))
		return;
	if (a->doc->comm)
		a->doc->comm(a->doc->comm_of, refault->ev->pid, comm);
	named.comm = *comm ? comm : NULL;
	a->refault(a->context, &named);
}

void analysis_event(struct analysis *a, const struct pt_event *ev)
{
	const struct doc *doc = a->doc;

	a->seen |= 1u << ev->kind;
	if (doc->no_seconds)
		pt_model_no_seconds(a->model);
	if (doc->no_seconds && a->sel && a->sel->to_ns) {
		pt_error("%s: --time needs a clock that counts seconds; this is \"%s\"", doc->file,
			 doc->clock);
		exit(EXIT_USAGE);
	}
	if (pt_model_feed(a->model, ev))
		a->no_memory = true;
}

void analysis_lost(struct analysis *a, uint64_t count)
{
	pt_model_lost(a->model, count);
}

static void describe(const struct analysis *a, struct doc *doc)
{
	static const struct {
		size_t at;
		const char *words;
	} oddities[] = {
		{ offsetof(struct analysis, no_begin), "without a begin event" },
		{ offsetof(struct analysis, no_end), "without an end event" },
		{ offsetof(struct analysis, cut), "with too many BOs to list" },
		{ offsetof(struct analysis, mismatch),
		  "with totals that do not match their events" },
	};

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
			doc_problem(doc, "requests %s: %llu", oddities[i].words,
				    (unsigned long long)n);
	}
	if (a->partial && !(a->seen & BO_EVENTS))
		doc_problem(doc,
			    "the trace was recorded without BO events; lists of BOs are empty");
	else if (a->partial > a->mismatch)
		doc_problem(doc, "requests with missing BO events: %llu",
			    (unsigned long long)a->partial);
	if (a->no_memory)
		doc_problem(doc, "out of memory: some events were ignored");
}

int analysis_begin(struct analysis *a, struct doc *doc)
{
	a->doc = doc;
	a->config.request = on_request;
	a->config.refault = on_refault;
	a->config.context = a;
	a->model = pt_model_new(&a->config);
	if (a->model)
		return EXIT_OK;
	pt_error("out of memory");
	return EXIT_FAILED;
}

int analysis_end(struct analysis *a)
{
	struct doc *doc = a->doc;

	pt_model_flush(a->model);
	a->stats = *pt_model_stats(a->model);
	pt_model_free(a->model);
	a->model = NULL;
	describe(a, doc);
	for (size_t i = 0; i < doc->nr_problems; i++)
		pt_warn("%s: %s", doc->file, doc->problems[i]);
	if (a->mismatch)
		return EXIT_MISMATCH;
	return doc->nr_problems ? EXIT_INCOMPLETE : EXIT_OK;
}

void analysis_free(struct analysis *a)
{
	pt_model_free(a->model);
	ids_free(&a->chosen);
}
