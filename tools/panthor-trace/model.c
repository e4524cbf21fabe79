// SPDX-License-Identifier: LGPL-2.1
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "text.h"

#define DEFAULT_MAX_OPEN 1024
#define DEFAULT_MAX_BOS (1u << 20)
#define MAX_VMS 4096

/* An evicted BO, until it comes back */
struct away {
	uint64_t ts;
	uint64_t request;
};

struct pt_model {
	struct pt_model_config config;
	struct pt_model_stats stats;
	struct pt_map open; /* key -> request */
	struct pt_request *oldest;
	struct pt_request *newest;
	struct pt_map away; /* key of the BO -> struct away */
};

/* Ids count per kernel, but a file may hold several devices: join both into one key. */
static uint64_t make_key(uint64_t id, const struct pt_str *dev)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < dev->len; i++)
		hash = (hash ^ (unsigned char)dev->s[i]) * 0x100000001b3ULL;
	return id ^ hash;
}

static char *copy_clean(const struct pt_str *str)
{
	char *copy = malloc(4 * str->len + 1);

	if (copy)
		pt_clean(copy, 4 * str->len + 1, str->s, str->len);
	return copy;
}

/* Keep the first that is not empty. */
static int set_string(char **dst, const struct pt_str *str)
{
	if (*dst && (**dst || !str->len))
		return 0;
	free(*dst);
	*dst = copy_clean(str);
	return *dst ? 0 : -ENOMEM;
}

static void free_request(struct pt_request *req)
{
	for (size_t i = 0; i < req->n_bos; i++)
		free(req->bos[i].label);
	free(req->bos);
	free(req->vms);
	free(req->dev);
	free(req->writer_comm);
	free(req->target_comm);
	pt_map_free(&req->bo_index);
	free(req);
}

static void unlink_request(struct pt_model *model, struct pt_request *req)
{
	*(req->older ? &req->older->newer : &model->oldest) = req->newer;
	*(req->newer ? &req->newer->older : &model->newest) = req->older;
	pt_map_del(&model->open, req->key);
	model->stats.open--;
}

static void finish(struct pt_model *model, struct pt_request *req)
{
	pt_settle(req);
	model->stats.requests++;
	if (model->config.request)
		model->config.request(model->config.context, req);
	unlink_request(model, req);
	free_request(req);
}

static struct pt_request *new_request(struct pt_model *model, const struct pt_event *ev,
				      uint64_t key)
{
	struct pt_request *req;

	if (model->stats.open >= model->config.max_open)
		finish(model, model->oldest);

	req = calloc(1, sizeof(*req));
	if (!req)
		return NULL;
	req->id = ev->id;
	req->key = key;
	req->pid = ev->pid;
	req->flags = PT_REQ_NO_BEGIN | PT_REQ_NO_END;
	if (set_string(&req->dev, &ev->dev) || set_string(&req->writer_comm, &ev->writer_comm) ||
	    set_string(&req->target_comm, &ev->target_comm) || pt_map_set(&model->open, key, req)) {
		free_request(req);
		return NULL;
	}

	req->older = model->newest;
	*(model->newest ? &model->newest->newer : &model->oldest) = req;
	model->newest = req;
	if (++model->stats.open > model->stats.most_open)
		model->stats.most_open = model->stats.open;
	return req;
}

static int on_begin(struct pt_model *model, struct pt_request *req, const struct pt_event *ev)
{
	if (!(req->flags & PT_REQ_NO_BEGIN))
		model->stats.repeated++;
	req->flags &= ~PT_REQ_NO_BEGIN;
	req->begin_ts = ev->ts;
	req->pid = ev->pid;
	req->source = ev->source;
	req->writer_tgid = ev->writer_tgid;
	req->target_tgid = ev->target_tgid;
	req->clients = ev->clients;
	req->nr_vms = ev->vms;
	req->goal = ev->goal;
	return set_string(&req->writer_comm, &ev->writer_comm)
		       ?: set_string(&req->target_comm, &ev->target_comm);
}

static int on_end(struct pt_model *model, struct pt_request *req, const struct pt_event *ev)
{
	int ret = set_string(&req->target_comm, &ev->target_comm);

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

	finish(model, req);
	return ret;
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

/* A shrinker run may turn to the same VM more than once: what its end events say adds up. */
static int on_vm(struct pt_model *model, struct pt_request *req, const struct pt_event *ev)
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

	/* The same record once more (KernelShark), not another round */
	if (ev->ts && vm->end_ts == ev->ts && vm->duration_ns == ev->duration_ns) {
		model->stats.repeated++;
		return 0;
	}
	vm->end_ts = ev->ts;
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

/* The index holds position + 1; the last event of a BO wins, evictions apart from skips. */
static struct pt_bo *find_bo(const struct pt_request *req, uint64_t bo_id, enum pt_kind kind)
{
	uintptr_t at = (uintptr_t)pt_map_get(&req->bo_index, 2 * bo_id + (kind == PT_BO_SKIP));

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
		.reason = ev->reason,
		.evictions = ev->evictions,
		.label = copy_clean(&ev->label),
	};
	if (!bo->label)
		return -ENOMEM;
	req->n_bos++;
	return pt_map_set(&req->bo_index, 2 * ev->bo_id + (ev->kind == PT_BO_SKIP),
			  (void *)(uintptr_t)req->n_bos);
}

static int track(struct pt_model *model, const struct pt_event *ev)
{
	uint64_t key = make_key(ev->bo_id, &ev->dev);
	struct away *away = pt_map_get(&model->away, key);

	if (!away) {
		away = calloc(1, sizeof(*away));
		if (!away)
			return -ENOMEM;
		if (pt_map_set(&model->away, key, away)) {
			free(away);
			return -ENOMEM;
		}
		model->stats.away++;
	}
	away->ts = ev->ts;
	away->request = ev->id;
	return 0;
}

static int on_bo(struct pt_model *model, struct pt_request *req, const struct pt_event *ev)
{
	const struct pt_bo *old = find_bo(req, ev->bo_id, ev->kind);
	int ret = 0;

	model->stats.bo_events++;
	if (old && ev->ts && old->ts == ev->ts && old->duration_ns == ev->duration_ns &&
	    old->wait_ns == ev->wait_ns && old->reason == ev->reason) {
		model->stats.repeated++;
		return 0;
	}

	if (ev->kind == PT_BO_EVICT) {
		req->seen.evicted += ev->size;
		req->seen.evicted_bos++;
		if (model->config.track)
			ret = track(model, ev);
	} else {
		req->seen.skipped += ev->size;
		req->seen.skipped_bos++;
	}

	if (!model->config.no_bos && keep_bo(req, ev, model->config.max_bos))
		ret = -ENOMEM;
	return ret;
}

static int on_writeback(struct pt_model *model, struct pt_request *req, const struct pt_event *ev)
{
	struct pt_bo *bo = find_bo(req, ev->bo_id, PT_BO_EVICT);

	model->stats.bo_events++;
	if (bo && bo->writeback_ns && bo->writeback_ns == ev->duration_ns) {
		model->stats.repeated++;
		return 0;
	}
	req->seen.written += ev->written;
	req->seen.freed += ev->freed;
	req->seen.writeback_ns += ev->duration_ns;
	if (bo) {
		bo->written = ev->written;
		bo->freed = ev->freed;
		bo->writeback_ns = ev->duration_ns;
		bo->writeback_ts = ev->ts;
	}
	return 0;
}

static int on_swapin(struct pt_model *model, const struct pt_event *ev)
{
	struct away *away = pt_map_get(&model->away, make_key(ev->bo_id, &ev->dev));
	struct pt_refault refault = { .ev = ev };
	char *label;

	model->stats.bo_events++;
	label = copy_clean(&ev->label);
	if (!label)
		return -ENOMEM;
	refault.label = label;
	refault.evict_ts = away && away->request == ev->id ? away->ts : 0;
	if (model->config.refault)
		model->config.refault(model->config.context, &refault);
	free(label);

	/* It stays away if its memory could not be had. */
	if (away && !ev->result) {
		free(pt_map_del(&model->away, make_key(ev->bo_id, &ev->dev)));
		model->stats.away--;
	}
	return 0;
}

/**
 * pt_model_feed - take one event into account
 * @model: the model
 * @ev: the event; not needed after the call
 *
 * Return: 0 or -ENOMEM; after that the model is still usable, but without this event.
 */
int pt_model_feed(struct pt_model *model, const struct pt_event *ev)
{
	struct pt_request *req;
	uint64_t key;

	model->stats.events++;
	if (ev->kind == PT_BO_SWAPIN)
		return on_swapin(model, ev);

	key = make_key(ev->id, &ev->dev);
	req = pt_map_get(&model->open, key);
	if (!req) {
		req = new_request(model, ev, key);
		if (!req)
			return -ENOMEM;
		if (model->stats.lost && ev->kind != PT_RECLAIM_BEGIN)
			req->flags |= PT_REQ_LOST;
	}
	req->has |= ev->has;
	if (req->flags & PT_REQ_NO_BEGIN && ev->kind != PT_RECLAIM_BEGIN)
		model->stats.orphans++;

	switch (ev->kind) {
	case PT_RECLAIM_BEGIN:
		return on_begin(model, req, ev);
	case PT_RECLAIM_END:
		return on_end(model, req, ev);
	case PT_VM_BEGIN:
	case PT_VM_END:
		return on_vm(model, req, ev);
	case PT_BO_EVICT:
	case PT_BO_SKIP:
		return on_bo(model, req, ev);
	case PT_BO_WRITEBACK:
		return on_writeback(model, req, ev);
	default:
		return 0;
	}
}

/* The trace lost events here: whatever is open may miss some. */
void pt_model_lost(struct pt_model *model, uint64_t count)
{
	model->stats.lost += count;
	for (struct pt_request *req = model->oldest; req; req = req->newer)
		req->flags |= PT_REQ_LOST;
}

/* The trace is over: what is still open will not end. */
void pt_model_flush(struct pt_model *model)
{
	while (model->oldest)
		finish(model, model->oldest);
}

const struct pt_model_stats *pt_model_stats(const struct pt_model *model)
{
	return &model->stats;
}

struct pt_model *pt_model_new(const struct pt_model_config *config)
{
	struct pt_model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->config = *config;
	model->config.max_open = config->max_open ?: DEFAULT_MAX_OPEN;
	model->config.max_bos = config->max_bos ?: DEFAULT_MAX_BOS;
	return model;
}

void pt_model_free(struct pt_model *model)
{
	struct pt_request *req;
	void *away;

	if (!model)
		return;
	while ((req = model->oldest)) {
		unlink_request(model, req);
		free_request(req);
	}
	for (size_t i = 0; (away = pt_map_next(&model->away, &i));)
		free(away);
	pt_map_free(&model->open);
	pt_map_free(&model->away);
	free(model);
}
