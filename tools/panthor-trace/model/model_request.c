// SPDX-License-Identifier: LGPL-2.1
/* Adds one event to its request. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_request.h"
#include "model/text.h"

#define MAX_VMS 4096

char *pt_copy_clean(const struct pt_str *str)
{
	char *copy = malloc(4 * str->len + 1);

	if (copy)
		pt_clean(copy, 4 * str->len + 1, str->s, str->len);
	return copy;
}

/* Longer than a task is preempted, shorter than it takes to reload the driver */
#define SAME_TIME_NS 10000000

/*
 * An event that was recorded in several buffers has a record in each: a few
 * microseconds apart, or milliseconds if the task was preempted in between. The
 * caller compares their other fields. Records without timestamps (perf) are never
 * the same.
 */
bool pt_same_time(uint64_t a, uint64_t b)
{
	return a && b && (a > b ? a - b : b - a) < SAME_TIME_NS;
}

/* Keep the first that is not empty. */
static int set_string(char **dst, const struct pt_str *str)
{
	if (*dst && (**dst || !str->len))
		return 0;
	free(*dst);
	*dst = pt_copy_clean(str);
	return *dst ? 0 : -ENOMEM;
}

void pt_request_free(struct pt_request *req)
{
	for (size_t i = 0; i < req->n_bos; i++)
		free(req->bos[i].label);
	free(req->bos);
	free(req->vms);
	free(req->dev);
	free(req->requester_comm);
	free(req->target_comm);
	pt_map_free(&req->bo_index);
	free(req);
}

/* A request without any events yet, NULL: no memory */
struct pt_request *pt_request_new(const struct pt_event *ev)
{
	struct pt_request *req = calloc(1, sizeof(*req));

	if (!req)
		return NULL;
	req->id = ev->id;
	req->pid = ev->pid;
	req->flags = PT_REQ_NO_BEGIN | PT_REQ_NO_END;
	if (!set_string(&req->dev, &ev->dev) &&
	    !set_string(&req->requester_comm, &ev->requester_comm) &&
	    !set_string(&req->target_comm, &ev->target_comm))
		return req;
	pt_request_free(req);
	return NULL;
}

static int on_begin(struct pt_request *req, const struct pt_event *ev)
{
	/* Another buffer has it a moment later. */
	if (!(req->flags & PT_REQ_NO_BEGIN))
		return 1;
	req->flags &= ~PT_REQ_NO_BEGIN;
	req->begin_ts = ev->ts;
	req->pid = ev->pid;
	req->source = ev->source;
	req->requester_tgid = ev->requester_tgid;
	req->target_tgid = ev->target_tgid;
	req->clients = ev->clients;
	req->nr_vms = ev->vms;
	req->goal = ev->goal;
	return set_string(&req->requester_comm, &ev->requester_comm)
		       ?: set_string(&req->target_comm, &ev->target_comm);
}

static int on_end(struct pt_request *req, const struct pt_event *ev)
{
	req->flags &= ~PT_REQ_NO_END;
	req->end_ts = ev->ts;
	req->pid = ev->pid;
	if (pt_has(ev, source))
		req->source = ev->source;
	if (pt_has(ev, target_tgid))
		req->target_tgid = ev->target_tgid;
	if (pt_has(ev, vms))
		req->nr_vms = ev->vms;
	if (pt_has(ev, unseen))
		req->unseen = ev->unseen;
	req->result = ev->result;
	req->evicted = ev->evicted;
	req->skipped = ev->skipped;
	req->written = ev->written;
	req->freed = ev->freed;
	req->remaining = ev->remaining;
	req->evicted_bos = ev->evicted_bos;
	req->skipped_bos = ev->skipped_bos;
	req->remaining_bos = ev->remaining_bos;
	req->duration_ns = ev->duration_ns;
	req->cause_ns[PT_FENCE] = ev->fence_ns;
	req->cause_ns[PT_LOCK] = ev->lock_ns;
	req->cause_ns[PT_UNMAP] = ev->unmap_ns;
	req->cause_ns[PT_WRITEBACK] = ev->writeback_ns;
	req->writeback = ev->writeback;
	req->cut_short = ev->cut_short;
	req->unwritten = ev->unwritten;
	req->skipped_by[PT_SKIPPED_BUSY] = ev->skipped_busy;
	req->skipped_by[PT_SKIPPED_LOCKED] = ev->skipped_locked;
	req->skipped_by[PT_SKIPPED_SHARED] = ev->skipped_shared;
	req->skipped_by[PT_SKIPPED_PINNED] = ev->skipped_pinned;
	req->skipped_by[PT_SKIPPED_NO_SWAP] = ev->skipped_no_swap;
	req->skipped_by[PT_SKIPPED_INTERRUPTED] = ev->skipped_interrupted;
	req->skipped_by[PT_SKIPPED_OTHER] = ev->skipped_other;
	return set_string(&req->target_comm, &ev->target_comm);
}

static struct pt_vm *get_vm(struct pt_request *req, const struct pt_event *ev)
{
	struct pt_vm *vm;

	for (size_t i = req->n_vms; i-- > 0;)
		if (req->vms[i].vm_id == ev->vm_id && req->vms[i].client_id == ev->client_id)
			return &req->vms[i];

	if (req->n_vms == req->room_vms) {
		size_t room = req->room_vms ? 2 * req->room_vms : 4;

		if (room > MAX_VMS)
			return NULL;
		vm = realloc(req->vms, room * sizeof(*vm));
		if (!vm)
			return NULL;
		req->vms = vm;
		req->room_vms = room;
	}
	vm = &req->vms[req->n_vms++];
	memset(vm, 0, sizeof(*vm));
	vm->client_id = ev->client_id;
	vm->vm_id = ev->vm_id;
	vm->tgid = ev->tgid;
	return vm;
}

/* A request of the shrinker may visit a VM more than once: add up its end events. */
static int on_vm(struct pt_request *req, const struct pt_event *ev)
{
	struct pt_vm *vm = get_vm(req, ev);

	if (!vm) {
		req->flags |= PT_REQ_CUT;
		return 0;
	}

	if (ev->kind == PT_VM_BEGIN) {
		vm->begin_ts = vm->begin_ts ?: ev->ts;
		vm->bos = ev->bos;
		vm->size = ev->size;
		return 0;
	}

	/* A repeated record, not another visit */
	if (pt_same_time(vm->end_ts, ev->ts) && vm->last_ns == ev->duration_ns)
		return 1;
	vm->end_ts = ev->ts;
	vm->last_ns = ev->duration_ns;
	vm->evicted += ev->evicted;
	vm->skipped += ev->skipped;
	vm->unseen += ev->unseen;
	req->unseen += ev->unseen;
	vm->evicted_bos += ev->evicted_bos;
	vm->skipped_bos += ev->skipped_bos;
	vm->duration_ns += ev->duration_ns;
	vm->fence_ns += ev->fence_ns;
	vm->lock_ns += ev->lock_ns;
	vm->unmap_ns += ev->unmap_ns;
	vm->fences += ev->fences;
	if (ev->fences) {
		vm->fence_context = ev->fence_context;
		vm->fence_seqno = ev->fence_seqno;
	}
	vm->reason = ev->reason;
	return 0;
}

static struct pt_bo *add_bo(struct pt_request *req, size_t max)
{
	struct pt_bo *bos;
	size_t room;

	if (req->n_bos == max) {
		req->flags |= PT_REQ_CUT;
		return NULL;
	}
	if (req->n_bos == req->room_bos) {
		room = req->room_bos ? 2 * req->room_bos : 16;
		bos = realloc(req->bos, room * sizeof(*bos));
		if (!bos)
			return NULL;
		req->bos = bos;
		req->room_bos = room;
	}
	return &req->bos[req->n_bos];
}

/* A BO may be evicted, skipped and written: each of these is an entry of its own. */
static uint64_t bo_key(uint64_t bo_id, enum pt_kind kind)
{
	return 4 * bo_id + kind - PT_BO_EVICT;
}

/* The index holds position + 1; the last event of a kind wins. */
static struct pt_bo *find_bo(const struct pt_request *req, uint64_t bo_id, enum pt_kind kind)
{
	uintptr_t at = (uintptr_t)pt_map_get(&req->bo_index, bo_key(bo_id, kind));

	return at ? &req->bos[at - 1] : NULL;
}

static int keep_bo(struct pt_request *req, const struct pt_event *ev, size_t max)
{
	struct pt_bo *bo = add_bo(req, max);

	if (!bo)
		return req->flags & PT_REQ_CUT ? 0 : -ENOMEM;
	*bo = (struct pt_bo){
		.kind = ev->kind,
		.ts = ev->ts,
		.bo_id = ev->bo_id,
		.client_id = ev->client_id,
		.tgid = ev->tgid,
		.vm_id = ev->vm_id,
		.size = ev->size,
		.va = ev->va,
		.wait_ns = ev->wait_ns,
		.duration_ns = ev->duration_ns,
		.state = ev->state,
		.bo_kind = ev->bo_kind,
		.reason = ev->reason,
		.lock = ev->lock,
		.evictions = ev->evictions,
		.label = pt_copy_clean(&ev->label),
	};
	if (!bo->label)
		return -ENOMEM;
	req->n_bos++;
	return pt_map_set(&req->bo_index, bo_key(ev->bo_id, ev->kind),
			  (void *)(uintptr_t)req->n_bos);
}

static bool repeated_bo(const struct pt_bo *old, const struct pt_event *ev)
{
	if (!old || !ev->ts)
		return false;
	/* Each eviction increments it. */
	if (ev->kind == PT_BO_EVICT && ev->evictions && ev->evictions == old->evictions)
		return true;
	return pt_same_time(old->ts, ev->ts) && old->duration_ns == ev->duration_ns &&
	       old->wait_ns == ev->wait_ns && old->reason == ev->reason;
}

static int on_bo(struct pt_request *req, const struct pt_event *ev, size_t max)
{
	if (repeated_bo(find_bo(req, ev->bo_id, ev->kind), ev))
		return 1;

	if (ev->kind == PT_BO_EVICT) {
		req->seen.evicted += ev->size;
		req->seen.evicted_bos++;
	} else {
		req->seen.skipped += ev->size;
		req->seen.skipped_bos++;
	}

	return keep_bo(req, ev, max);
}

/* A record that came twice. A BO may be written again, too: what was left. */
static bool repeated_writeback(const struct pt_bo *old, const struct pt_event *ev)
{
	if (!old || !old->writeback_ts)
		return false;
	return pt_has(ev, start_ns) ? old->last_start_ns == ev->start_ns
				    : old->writeback_ns == ev->duration_ns;
}

static int on_writeback(struct pt_request *req, const struct pt_event *ev, size_t max)
{
	struct pt_bo *bo = find_bo(req, ev->bo_id, PT_BO_EVICT)
				   ?: find_bo(req, ev->bo_id, PT_BO_WRITEBACK);
	int ret = 0;

	if (repeated_writeback(bo, ev))
		return 1;
	req->seen.written += ev->written;
	req->seen.freed += ev->freed;
	req->seen.writeback_ns += ev->duration_ns;
	/* Drivers that do not say when a write began write only what they have just evicted. */
	if (!bo && pt_has(ev, start_ns)) {
		req->seen.earlier_bos++;
		ret = keep_bo(req, ev, max);
		bo = find_bo(req, ev->bo_id, PT_BO_WRITEBACK);
	}
	if (pt_has(ev, start_ns) && (!bo || bo->kind == PT_BO_WRITEBACK))
		req->seen.earlier += ev->written;
	if (!bo)
		return ret;
	bo->written += ev->written;
	bo->freed += ev->freed;
	bo->writeback_ns += ev->duration_ns;
	bo->last_start_ns = ev->start_ns;
	/* Shown as one write: the first. Later ones are short. */
	if (!bo->writeback_ts) {
		bo->writeback_ts = ev->ts;
		bo->start_ns = ev->start_ns;
	}
	return ret;
}

/**
 * pt_request_feed - process one event of a request
 * @req: the request
 * @ev: any event except swap-ins
 * @max_bos: keep no more BOs than these
 *
 * Return: 0, 1 if it is a repeated record, or -ENOMEM.
 */
int pt_request_feed(struct pt_request *req, const struct pt_event *ev, size_t max_bos)
{
	req->has |= ev->has;
	switch (ev->kind) {
	case PT_RECLAIM_BEGIN:
		return on_begin(req, ev);
	case PT_RECLAIM_END:
		return on_end(req, ev);
	case PT_VM_BEGIN:
	case PT_VM_END:
		return on_vm(req, ev);
	case PT_BO_EVICT:
	case PT_BO_SKIP:
		return on_bo(req, ev, max_bos);
	case PT_BO_WRITEBACK:
		return on_writeback(req, ev, max_bos);
	default:
		return 0;
	}
}
