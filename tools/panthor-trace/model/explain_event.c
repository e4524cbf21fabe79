// SPDX-License-Identifier: LGPL-2.1
/* One event as one line. */
#include <stdio.h>
#include <string.h>

#include "model/explain.h"

#define LABEL_LEN 600

static void add_str(struct pt_text *t, const struct pt_str *str)
{
	char buf[LABEL_LEN];

	pt_clean(buf, sizeof(buf), str->s, str->len);
	pt_add(t, "%s", buf);
}

/* "browser[388]" */
void pt_add_who(struct pt_text *t, const char *comm, int64_t tgid)
{
	if (tgid <= 0 && !*comm)
		pt_add(t, "any process");
	else
		pt_add(t, "%s[%lld]", *comm ? comm : "?", (long long)tgid);
}

static void add_who_str(struct pt_text *t, const struct pt_str *comm, int64_t tgid)
{
	char buf[LABEL_LEN];

	pt_clean(buf, sizeof(buf), comm->s, comm->len);
	pt_add_who(t, buf, tgid);
}

static void add_bos(struct pt_text *t, uint64_t n, uint64_t bytes, const struct pt_style *style)
{
	pt_add(t, "%llu BO%s", (unsigned long long)n, n == 1 ? "" : "s");
	if (n) {
		pt_add(t, " (");
		pt_add_bytes(t, bytes, &style->units);
		pt_add(t, ")");
	}
}

/* "VM 2, client 6 [401]" */
void pt_add_vm(struct pt_text *t, uint64_t vm_id, uint64_t client_id, int64_t tgid)
{
	if (vm_id)
		pt_add(t, "VM %llu", (unsigned long long)vm_id);
	else
		pt_add(t, "no VM");
	if (client_id)
		pt_add(t, ", client %llu", (unsigned long long)client_id);
	else
		pt_add(t, ", kernel");
	if (tgid > 0)
		pt_add(t, " [%lld]", (long long)tgid);
}

static void line_bo(struct pt_text *t, const struct pt_event *ev, const struct pt_style *style)
{
	const struct pt_units *u = &style->units;

	pt_add(t, "BO %llu, ", (unsigned long long)ev->bo_id);
	pt_add_bytes(t, ev->size, u);
	pt_add(t, ", ");
	pt_add_vm(t, ev->vm_id, ev->client_id, ev->tgid);

	if (ev->kind == PT_BO_SWAPIN) {
		char buf[PT_NUM_LEN];

		pt_add(t, ev->result ? ": swap-in failed (%s)" : ": swapped in",
		       pt_errno(ev->result, buf));
		if (pt_has(ev, evicted_ns)) {
			pt_add(t, " after ");
			pt_add_ns(t, ev->evicted_ns, u);
		}
		pt_add(t, ", took ");
		pt_add_ns(t, ev->duration_ns, u);
		if (ev->by)
			pt_add(t, ", by claim #%llu", (unsigned long long)ev->by);
	} else {
		if (pt_has(ev, state))
			pt_add(t, ", %s", pt_name(style->names, PT_SYM_STATE, ev->state));
		if (ev->va)
			pt_add(t, ", at 0x%llx", (unsigned long long)ev->va);
		if (pt_has(ev, bo_kind))
			pt_add(t, ", %s", pt_name(style->names, PT_SYM_KIND, ev->bo_kind));
		if (ev->kind == PT_BO_SKIP)
			pt_add(t, ": skipped (%s%s%s)",
			       pt_name(style->names, PT_SYM_REASON, ev->reason),
			       ev->lock ? ": " : "",
			       ev->lock ? pt_name(style->names, PT_SYM_LOCK, ev->lock) : "");
		else
			pt_add(t, ": evicted");
		pt_add(t, ", took ");
		pt_add_ns(t, ev->duration_ns, u);
		if (ev->wait_ns) {
			pt_add(t, ", waited ");
			pt_add_ns(t, ev->wait_ns, u);
		}
	}
	if (ev->evictions > 1)
		pt_add(t, ", evicted %llu times", (unsigned long long)ev->evictions);
	if (ev->label.len) {
		pt_add(t, " \"");
		add_str(t, &ev->label);
		pt_add(t, "\"");
	}
}

static void line_begin(struct pt_text *t, const struct pt_event *ev, const struct pt_style *style)
{
	pt_add(t, "%s on ", pt_name(style->names, PT_SYM_SOURCE, ev->source));
	add_str(t, &ev->dev);
	if (pt_has(ev, requester_tgid)) {
		pt_add(t, ", requester ");
		add_who_str(t, &ev->requester_comm, ev->requester_tgid);
	}
	pt_add(t, ", target ");
	add_who_str(t, &ev->target_comm, ev->target_tgid);
	pt_add(t, ": %s ", ev->source == PT_CLAIM ? "swap in" : "evict");
	if (ev->goal)
		pt_add_bytes(t, ev->goal, &style->units);
	else
		pt_add(t, "all memory");
	pt_add(t, ", %llu client%s, %llu VM%s", (unsigned long long)ev->clients,
	       ev->clients == 1 ? "" : "s", (unsigned long long)ev->vms, ev->vms == 1 ? "" : "s");
}

static void line_blocked(struct pt_text *t, const struct pt_event *ev, const struct pt_style *style)
{
	pt_add(t, ", blocked ");
	pt_add_ns(t, ev->duration_ns, &style->units);
	if (ev->cut_short)
		pt_add(t, ", cut short: %s", pt_name(style->names, PT_SYM_REASON, ev->cut_short));
}

static void line_end(struct pt_text *t, const struct pt_event *ev, const struct pt_style *style)
{
	char buf[PT_NUM_LEN];

	pt_add(t, "%s on ", pt_name(style->names, PT_SYM_SOURCE, ev->source));
	add_str(t, &ev->dev);
	pt_add(t, ", target ");
	add_who_str(t, &ev->target_comm, ev->target_tgid);
	if (ev->source == PT_CLAIM) {
		pt_add(t, ": %s, swapped in ", pt_errno(ev->result, buf));
		add_bos(t, ev->swapped_in_bos, ev->swapped_in, style);
		line_blocked(t, ev, style);
		return;
	}
	pt_add(t, ": %s, evicted ", pt_errno(ev->result, buf));
	add_bos(t, ev->evicted_bos, ev->evicted, style);
	pt_add(t, ", skipped ");
	add_bos(t, ev->skipped_bos, ev->skipped, style);
	pt_add(t, ", written ");
	pt_add_bytes(t, ev->written, &style->units);
	pt_add(t, ", freed ");
	pt_add_bytes(t, ev->freed, &style->units);
	if (ev->unwritten) {
		pt_add(t, ", unwritten ");
		pt_add_bytes(t, ev->unwritten, &style->units);
	}
	line_blocked(t, ev, style);
}

static void line_vm(struct pt_text *t, const struct pt_event *ev, const struct pt_style *style)
{
	pt_add_vm(t, ev->vm_id, ev->client_id, ev->tgid);
	pt_add(t, ": ");
	if (ev->kind == PT_VM_BEGIN) {
		pt_add(t, "candidates ");
		add_bos(t, ev->bos, ev->size, style);
		return;
	}
	pt_add(t, "evicted ");
	add_bos(t, ev->evicted_bos, ev->evicted, style);
	pt_add(t, ", skipped ");
	add_bos(t, ev->skipped_bos, ev->skipped, style);
	if (ev->unseen) {
		pt_add(t, ", not scanned ");
		pt_add_bytes(t, ev->unseen, &style->units);
	}
	if (ev->reason)
		pt_add(t, ", whole VM skipped (%s)",
		       pt_name(style->names, PT_SYM_REASON, ev->reason));
	pt_add(t, ", took ");
	pt_add_ns(t, ev->duration_ns, &style->units);
	pt_add(t, " (fence ");
	pt_add_ns(t, ev->fence_ns, &style->units);
	pt_add(t, ", lock ");
	pt_add_ns(t, ev->lock_ns, &style->units);
	pt_add(t, ", unmap ");
	pt_add_ns(t, ev->unmap_ns, &style->units);
	pt_add(t, ")");
	if (ev->fences)
		pt_add(t, ", %llu fence%s, last %llu:%llu", (unsigned long long)ev->fences,
		       ev->fences == 1 ? "" : "s", (unsigned long long)ev->fence_context,
		       (unsigned long long)ev->fence_seqno);
}

/* One event as one line, without its name and without a newline. */
void pt_line(struct pt_text *t, const struct pt_event *ev, const struct pt_style *style)
{
	pt_add(t, "#%llu ", (unsigned long long)ev->id);

	switch (ev->kind) {
	case PT_RECLAIM_BEGIN:
		line_begin(t, ev, style);
		break;
	case PT_RECLAIM_END:
		line_end(t, ev, style);
		break;
	case PT_VM_BEGIN:
	case PT_VM_END:
		line_vm(t, ev, style);
		break;
	case PT_BO_WRITEBACK:
		pt_add(t, "BO %llu, ", (unsigned long long)ev->bo_id);
		pt_add_bytes(t, ev->size, &style->units);
		pt_add(t, ": written ");
		pt_add_bytes(t, ev->written, &style->units);
		pt_add(t, ", freed ");
		pt_add_bytes(t, ev->freed, &style->units);
		pt_add(t, ", took ");
		pt_add_ns(t, ev->duration_ns, &style->units);
		if (pt_has(ev, start_ns)) {
			pt_add(t, ", started ");
			pt_add_ns(t, ev->start_ns, &style->units);
			pt_add(t, " into the request");
		}
		break;
	default:
		line_bo(t, ev, style);
	}
}
