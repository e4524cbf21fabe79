// SPDX-License-Identifier: LGPL-2.1
/* A request in words: what it did, what it was blocked on, what is missing in the trace. */
#include <stdio.h>

#include "model/explain.h"

static const struct {
	const char *name;
	const char *words;
} causes[PT_NR_CAUSES] = {
	[PT_FENCE] = { "fence", "waiting for job fences" },
	[PT_LOCK] = { "lock", "waiting for locks" },
	[PT_UNMAP] = { "unmap", "unmapping" },
	[PT_WRITEBACK] = { "writeback", "writing to swap" },
	[PT_OTHER] = { "other", "target lookup and accounting" },
};

static void add_label(struct pt_text *t, const char *label)
{
	if (*label)
		pt_add(t, " \"%s\"", label);
}

static uint64_t vm_cause(const struct pt_vm *vm, enum pt_cause cause)
{
	switch (cause) {
	case PT_FENCE:
		return vm->fence_ns;
	case PT_LOCK:
		return vm->lock_ns;
	case PT_UNMAP:
		return vm->unmap_ns;
	default:
		return 0;
	}
}

/* The VM with most of the blocked time of this cause */
static const struct pt_vm *culprit_vm(const struct pt_request *req, enum pt_cause cause)
{
	const struct pt_vm *worst = NULL;

	for (size_t i = 0; i < req->n_vms; i++) {
		const struct pt_vm *vm = &req->vms[i];

		if (vm_cause(vm, cause) && (!worst || vm_cause(vm, cause) > vm_cause(worst, cause)))
			worst = vm;
	}
	return worst;
}

/* The BO with more than half of the blocked time of this cause, as its own events have it */
static const struct pt_bo *culprit_bo(const struct pt_request *req, enum pt_cause cause)
{
	const struct pt_bo *worst = NULL;

	if (cause != PT_FENCE && cause != PT_LOCK)
		return NULL;
	for (size_t i = 0; i < req->n_bos; i++)
		if (!worst || req->bos[i].wait_ns > worst->wait_ns)
			worst = &req->bos[i];
	return worst && 2 * worst->wait_ns > req->cause_ns[cause] ? worst : NULL;
}

static const struct pt_bo *slowest_writeback(const struct pt_request *req)
{
	const struct pt_bo *worst = NULL;

	for (size_t i = 0; i < req->n_bos; i++)
		if (req->bos[i].writeback_ns &&
		    (!worst || req->bos[i].writeback_ns > worst->writeback_ns))
			worst = &req->bos[i];
	return worst;
}

static void add_bo_brief(struct pt_text *t, const struct pt_bo *bo, const struct pt_style *style)
{
	pt_add(t, "BO %llu", (unsigned long long)bo->bo_id);
	add_label(t, bo->label);
	pt_add(t, " (");
	pt_add_bytes(t, bo->size, &style->units);
	pt_add(t, ")");
}

/* "VM 2, client 6 of game[401] (3 fences, last 17:2041)" */
static void add_culprit(struct pt_text *t, const struct pt_request *req, const struct pt_vm *vm,
			enum pt_cause cause)
{
	pt_add_vm(t, vm->vm_id, vm->client_id, 0);
	if (vm->tgid > 0) {
		pt_add(t, " of ");
		pt_add_who(t, vm->tgid == req->target_tgid ? req->target_comm : "", vm->tgid);
	}
	if (cause == PT_FENCE && vm->fences)
		pt_add(t, " (%llu fence%s, last %llu:%llu)", (unsigned long long)vm->fences,
		       vm->fences == 1 ? "" : "s", (unsigned long long)vm->fence_context,
		       (unsigned long long)vm->fence_seqno);
}

static bool nothing_to_do(const struct pt_request *req)
{
	return !(req->flags & PT_REQ_NO_END) && !req->evicted_bos && !req->written &&
	       !req->skipped_bos && !req->unseen && !req->remaining;
}

/* "97.0 % waiting for job fences of VM 2, client 6 of game[401] (3 fences, last 17:2041)" */
static void add_why(struct pt_text *t, const struct pt_request *req, const struct pt_style *style)
{
	unsigned int permille[PT_NR_CAUSES];
	const struct pt_vm *vm;
	const struct pt_bo *bo;
	int most = 0;

	if (nothing_to_do(req)) {
		pt_add(t, "nothing to evict");
		return;
	}
	if (!req->evicted_bos && !req->written && pt_req_has(req, evicted_bos))
		pt_add(t, "nothing evicted, ");
	pt_split(req, permille);
	for (int i = 1; i < PT_NR_CAUSES; i++)
		if (permille[i] > permille[most])
			most = i;

	pt_add(t, "%u.%u %% %s", permille[most] / 10, permille[most] % 10, causes[most].words);
	vm = culprit_vm(req, most);
	if (vm) {
		pt_add(t, " of ");
		add_culprit(t, req, vm, most);
	}
	bo = culprit_bo(req, most);
	if (bo) {
		pt_add(t, ", longest for ");
		add_bo_brief(t, bo, style);
		pt_add(t, " with ");
		pt_add_ns(t, bo->wait_ns, &style->units);
	}
	bo = most == PT_WRITEBACK ? slowest_writeback(req) : NULL;
	if (bo) {
		pt_add(t, ", slowest ");
		add_bo_brief(t, bo, style);
		pt_add(t, " with ");
		pt_add_ns(t, bo->writeback_ns, &style->units);
	}
	if (req->cut_short)
		pt_add(t, "; cut short: %s", pt_name(style->names, PT_SYM_REASON, req->cut_short));
}

/* What a request was blocked on, as one sentence. */
void pt_sentence(struct pt_text *t, const struct pt_request *req, const struct pt_style *style)
{
	if (req->flags & PT_REQ_NO_END) {
		pt_add(t, "no end event: blocked time unknown");
		return;
	}
	pt_add(t, "blocked ");
	pt_add_ns(t, req->duration_ns, &style->units);
	if (req->duration_ns) {
		pt_add(t, ": ");
		add_why(t, req, style);
	}
}

/* What is missing or inconsistent in the events of a request; nothing if it is complete. */
void pt_doubts(struct pt_text *t, const struct pt_request *req)
{
	static const struct {
		unsigned int flag;
		const char *words;
	} doubts[] = {
		{ PT_REQ_NO_BEGIN, "no begin event" },
		{ PT_REQ_NO_END, "no end event" },
		{ PT_REQ_LOST, "events lost during the request" },
		{ PT_REQ_CUT, "too many BOs to list" },
		{ PT_REQ_MISMATCH, "totals do not match the BO events" },
	};
	const char *sep = "";

	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		if (!(req->flags & doubts[i].flag))
			continue;
		pt_add(t, "%s%s", sep, doubts[i].words);
		sep = ", ";
	}
	if (req->flags & PT_REQ_PARTIAL)
		pt_add(t, "%sevents of only %llu of %llu evicted and %llu of %llu skipped BOs", sep,
		       (unsigned long long)req->seen.evicted_bos,
		       (unsigned long long)req->evicted_bos,
		       (unsigned long long)req->seen.skipped_bos,
		       (unsigned long long)req->skipped_bos);
}

static void account_bo(struct pt_text *t, const struct pt_bo *bo, const struct pt_style *style)
{
	char size[PT_NUM_LEN], vm[PT_NUM_LEN] = "-";

	if (bo->vm_id)
		snprintf(vm, sizeof(vm), "%llu", (unsigned long long)bo->vm_id);
	pt_add(t, "%s%-8s BO %-5llu %10s  VM %-3s client %llu", style->indent,
	       bo->kind == PT_BO_SKIP	 ? "skipped"
	       : bo->kind == PT_BO_EVICT ? "evicted"
					 : "written",
	       (unsigned long long)bo->bo_id, pt_bytes(size, bo->size, style->units.bytes), vm,
	       (unsigned long long)bo->client_id);
	if (bo->kind == PT_BO_SKIP)
		pt_add(t, "  %s", pt_name(style->names, PT_SYM_REASON, bo->reason));
	if (bo->kind == PT_BO_SKIP && bo->lock)
		pt_add(t, " (%s)", pt_name(style->names, PT_SYM_LOCK, bo->lock));
	if (*bo->label)
		pt_add(t, "  \"%s\"", bo->label);
	pt_add(t, "\n");
}

static void account_bos(struct pt_text *t, const struct pt_request *req, enum pt_kind kind,
			const struct pt_style *style)
{
	for (size_t i = 0; i < req->n_bos; i++)
		if (req->bos[i].kind == kind)
			account_bo(t, &req->bos[i], style);
}

/* The blocked time of a request by cause; nothing if it is 0. */
void pt_causes(struct pt_text *t, const struct pt_request *req, const struct pt_style *style)
{
	unsigned int permille[PT_NR_CAUSES];

	pt_split(req, permille);
	for (int i = 0; i < PT_NR_CAUSES && req->duration_ns; i++) {
		pt_add(t, "%s%s %u.%u %% (", i ? " + " : " = ", causes[i].name, permille[i] / 10,
		       permille[i] % 10);
		pt_add_ns(t, req->cause_ns[i], &style->units);
		pt_add(t, ")");
	}
}

/**
 * pt_account - summary of a request that has ended
 * @t: several lines are added
 * @req: the request
 * @style: units, indentation
 *
 * Which BOs were evicted, which were skipped (reason), how long the requester
 * was blocked and on what; the last line says what is missing.
 */
void pt_account(struct pt_text *t, const struct pt_request *req, const struct pt_style *style)
{
	pt_add(t, "%srequest  #%llu", style->indent, (unsigned long long)req->id);
	if (pt_req_has(req, source))
		pt_add(t, " %s", pt_name(style->names, PT_SYM_SOURCE, req->source));
	if (!(req->flags & PT_REQ_NO_BEGIN) && pt_req_has(req, requester_tgid)) {
		pt_add(t, ", ");
		pt_add_who(t, req->requester_comm, req->requester_tgid);
	}
	pt_add(t, " -> ");
	pt_add_who(t, req->target_comm, req->target_tgid);
	pt_add(t, "\n");

	if (style->bos) {
		account_bos(t, req, PT_BO_EVICT, style);
		account_bos(t, req, PT_BO_SKIP, style);
		account_bos(t, req, PT_BO_WRITEBACK, style);
	}

	pt_add(t, "%sblocked  ", style->indent);
	pt_add_ns(t, req->duration_ns, &style->units);
	pt_causes(t, req, style);
	pt_add(t, "\n");
	if (req->duration_ns) {
		pt_add(t, "%smostly   ", style->indent);
		add_why(t, req, style);
		pt_add(t, "\n");
	}

	/* A list that is disabled is not incomplete. */
	if (req->flags & ~(style->bos ? 0 : PT_REQ_PARTIAL)) {
		pt_add(t, "%scaution  ", style->indent);
		pt_doubts(t, req);
		pt_add(t, "\n");
	}
}
