// SPDX-License-Identifier: LGPL-2.1
/* A request in words: what it did, why it took so long, what is not known of it. */
#include <stdio.h>

#include "explain.h"

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

static const struct pt_bo *last_bo(const struct pt_request *req, const struct pt_vm *vm)
{
	for (size_t i = req->n_bos; i-- > 0;)
		if (req->bos[i].vm_id == vm->vm_id && req->bos[i].client_id == vm->client_id)
			return &req->bos[i];
	return NULL;
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

/* "97.0 % waiting for job fences of VM 2, client 6 [401], whose last BO …" */
static void add_why(struct pt_text *t, const struct pt_request *req, const struct pt_style *style)
{
	unsigned int permille[PT_NR_CAUSES];
	const struct pt_vm *vm;
	const struct pt_bo *bo;
	int main = 0;

	pt_split(req, permille);
	for (int i = 1; i < PT_NR_CAUSES; i++)
		if (permille[i] > permille[main])
			main = i;

	pt_add(t, "%u.%u %% %s", permille[main] / 10, permille[main] % 10, causes[main].words);
	vm = culprit_vm(req, main);
	if (vm) {
		pt_add(t, " of ");
		pt_add_vm(t, vm->vm_id, vm->client_id, vm->tgid);
		if (main == PT_FENCE && vm->fences)
			pt_add(t, " (%llu fence%s, last %llu:%llu)", (unsigned long long)vm->fences,
			       vm->fences == 1 ? "" : "s", (unsigned long long)vm->fence_context,
			       (unsigned long long)vm->fence_seqno);
		bo = last_bo(req, vm);
		if (bo) {
			pt_add(t, ", whose last ");
			add_bo_brief(t, bo, style);
			if (bo->kind == PT_BO_SKIP)
				pt_add(t, " stayed: %s",
				       pt_name(style->names, PT_SYM_REASON, bo->reason));
			else
				pt_add(t, " was evicted");
		} else if (vm->reason) {
			pt_add(t, ", which was left: %s",
			       pt_name(style->names, PT_SYM_REASON, vm->reason));
		}
	}
	bo = main == PT_WRITEBACK ? slowest_writeback(req) : NULL;
	if (bo) {
		pt_add(t, ", slowest ");
		add_bo_brief(t, bo, style);
		pt_add(t, " with ");
		pt_add_ns(t, bo->writeback_ns, &style->units);
	}
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
	       bo->kind == PT_BO_SKIP ? "stayed" : "evicted", (unsigned long long)bo->bo_id,
	       pt_bytes(size, bo->size, style->units.bytes), vm, (unsigned long long)bo->client_id);
	if (bo->kind == PT_BO_SKIP)
		pt_add(t, "  %s", pt_name(style->names, PT_SYM_REASON, bo->reason));
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
 * Which BOs went, which stayed and why, how long the writer was blocked and on
 * what; the last line says what is not known.
 */
void pt_account(struct pt_text *t, const struct pt_request *req, const struct pt_style *style)
{
	pt_add(t, "%srequest  #%llu", style->indent, (unsigned long long)req->id);
	if (pt_req_has(req, source))
		pt_add(t, " %s", pt_name(style->names, PT_SYM_SOURCE, req->source));
	if (!(req->flags & PT_REQ_NO_BEGIN)) {
		pt_add(t, ", ");
		pt_add_who(t, req->writer_comm, req->writer_tgid);
	}
	pt_add(t, " -> ");
	pt_add_who(t, req->target_comm, req->target_tgid);
	pt_add(t, "\n");

	if (style->bos) {
		account_bos(t, req, PT_BO_EVICT, style);
		account_bos(t, req, PT_BO_SKIP, style);
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
