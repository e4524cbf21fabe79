// SPDX-License-Identifier: LGPL-2.1
/* A request in words: what it did, why it took so long, what is not known of it. */
#include <stdio.h>

#include "model/explain.h"

static const struct {
	const char *name;
	const char *words;
} causes[PT_NR_CAUSES] = {
	[PT_FENCE] = { "fences", "waiting for job fences" },
	[PT_LOCK] = { "locks", "waiting for locks" },
	[PT_UNMAP] = { "unmap", "tearing down mappings" },
	[PT_WRITEBACK] = { "writeback", "writing to swap" },
	[PT_OTHER] = { "other", "finding the target and book-keeping" },
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

/* The VM that most of the time with this cause went to */
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

/* A BO that most of this time was spent on, if there is one: its own events say so. */
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
		pt_add(t, "there was nothing left to evict");
		return;
	}
	if (!req->evicted_bos && !req->written && pt_req_has(req, evicted_bos))
		pt_add(t, "nothing of it could be evicted, ");
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

/* Why one request took as long as it did, as one sentence. */
void pt_sentence(struct pt_text *t, const struct pt_request *req, const struct pt_style *style)
{
	if (req->flags & PT_REQ_NO_END) {
		pt_add(t, "no end seen: how long it blocked is not known");
		return;
	}
	pt_add(t, "blocked ");
	pt_add_ns(t, req->duration_ns, &style->units);
	if (req->duration_ns) {
		pt_add(t, ": ");
		add_why(t, req, style);
	}
}

/* What is known to be wrong with what we know about a request; nothing if all is well. */
void pt_doubts(struct pt_text *t, const struct pt_request *req)
{
	static const struct {
		unsigned int flag;
		const char *words;
	} doubts[] = {
		{ PT_REQ_NO_BEGIN, "its begin was not seen" },
		{ PT_REQ_NO_END, "its end was not seen" },
		{ PT_REQ_LOST, "the trace lost events meanwhile" },
		{ PT_REQ_CUT, "too many BOs to keep" },
		{ PT_REQ_MISMATCH, "its end event contradicts the others" },
	};
	const char *sep = "";

	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		if (!(req->flags & doubts[i].flag))
			continue;
		pt_add(t, "%s%s", sep, doubts[i].words);
		sep = ", ";
	}
	if (req->flags & PT_REQ_PARTIAL)
		pt_add(t, "%sonly %llu of %llu evicted and %llu of %llu skipped BOs were seen", sep,
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

/* What the time of a request is the sum of; nothing if it took none. */
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
 * pt_account - what a request did, once it is over
 * @t: gets several lines
 * @req: the request
 * @style: how
 *
 * Which BOs were evicted, which skipped and why, how long the requester was
 * blocked and on what; the last line says what is not known.
 */
void pt_account(struct pt_text *t, const struct pt_request *req, const struct pt_style *style)
{
	pt_add(t, "%srequest  #%llu", style->indent, (unsigned long long)req->id);
	if (pt_req_has(req, source))
		pt_add(t, " %s", pt_name(style->names, PT_SYM_SOURCE, req->source));
	if (!(req->flags & PT_REQ_NO_BEGIN)) {
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

	/* A list that was switched off is not incomplete. */
	if (req->flags & ~(style->bos ? 0 : PT_REQ_PARTIAL)) {
		pt_add(t, "%scaution  ", style->indent);
		pt_doubts(t, req);
		pt_add(t, "\n");
	}
}
