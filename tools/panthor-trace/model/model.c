// SPDX-License-Identifier: LGPL-2.1
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_request.h"

#define DEFAULT_MAX_OPEN 1024
#define DEFAULT_MAX_BOS (1u << 20)

/* Number of finished requests that are kept to recognize repeated records */
#define NR_DONE 16
#define NR_BACK 64

/* A swap-in of a BO whose request has not ended */
struct pt_late {
	struct pt_event ev;
	char *label;
};

struct pt_model {
	struct pt_model_config config;
	struct pt_model_stats stats;
	struct pt_map open; /* id -> request; the driver counts all devices together */
	struct pt_request *oldest;
	struct pt_request *newest;
	struct done {
		uint64_t id;
		uint64_t ts;
		uint64_t duration_ns;
	} done[NR_DONE], back[NR_BACK];
	size_t nr_done;
	uint64_t serial;
	bool no_seconds;
	size_t nr_back;
};

static void unlink_request(struct pt_model *model, struct pt_request *req)
{
	*(req->older ? &req->older->newer : &model->oldest) = req->newer;
	*(req->newer ? &req->newer->older : &model->newest) = req->older;
	pt_map_del(&model->open, req->id);
	model->stats.open--;
}

/* Is this a repeated record? Remembers it. A record without a timestamp is never repeated. */
static bool just_been(struct done *ring, size_t size, size_t *nr, const struct done *now)
{
	for (size_t i = 0; i < size && i < *nr; i++)
		if (ring[i].id == now->id && ring[i].duration_ns == now->duration_ns &&
		    pt_same_time(ring[i].ts, now->ts))
			return true;
	ring[(*nr)++ % size] = *now;
	return false;
}

static void tell_refault(struct pt_model *model, const struct pt_event *ev, const char *label)
{
	struct pt_refault refault = { .ev = ev, .label = label };

	if (model->config.refault)
		model->config.refault(model->config.context, &refault);
}

static void finish(struct pt_model *model, struct pt_request *req)
{
	req->no_seconds = model->no_seconds;
	pt_settle(req);
	model->stats.requests++;
	if (model->config.request)
		model->config.request(model->config.context, req);
	unlink_request(model, req);
	for (size_t i = 0; i < req->n_late; i++) {
		tell_refault(model, &req->late[i].ev, req->late[i].label);
		free(req->late[i].label);
	}
	free(req->late);
	pt_request_free(req);
}

static struct pt_request *new_request(struct pt_model *model, const struct pt_event *ev)
{
	struct pt_request *req;

	if (model->stats.open >= model->config.max_open)
		finish(model, model->oldest);

	req = pt_request_new(ev);
	if (!req)
		return NULL;
	req->serial = ++model->serial;
	if (pt_map_set(&model->open, ev->id, req)) {
		pt_request_free(req);
		return NULL;
	}

	req->older = model->newest;
	*(model->newest ? &model->newest->newer : &model->oldest) = req;
	model->newest = req;
	if (++model->stats.open > model->stats.most_open)
		model->stats.most_open = model->stats.open;
	return req;
}

/* Swap-ins are delivered after the request that evicted the BO. */
static int keep_late(struct pt_request *req, const struct pt_event *ev, char *label)
{
	struct pt_late *late = req->late;

	if (!(req->n_late & (req->n_late - 1))) {
		late = realloc(late, (req->n_late ? 2 * req->n_late : 1) * sizeof(*late));
		if (!late)
			return -ENOMEM;
		req->late = late;
	}
	late[req->n_late] = (struct pt_late){ .ev = *ev, .label = label };
	/* These point to the record. */
	late[req->n_late].ev.dev = (struct pt_str){ 0 };
	late[req->n_late].ev.label = (struct pt_str){ 0 };
	req->n_late++;
	return 0;
}

static int on_swapin(struct pt_model *model, const struct pt_event *ev)
{
	const struct done now = { ev->bo_id, ev->ts, ev->duration_ns };
	struct pt_request *req;
	char *label;

	model->stats.bo_events++;
	if (just_been(model->back, NR_BACK, &model->nr_back, &now)) {
		model->stats.repeated++;
		return 0;
	}
	label = pt_copy_clean(&ev->label);
	if (!label)
		return -ENOMEM;
	req = pt_map_get(&model->open, ev->id);
	if (req && req->n_late < model->config.max_bos && !keep_late(req, ev, label))
		return 0;
	tell_refault(model, ev, label);
	free(label);
	return 0;
}

/* The driver was loaded again while a request was open: another request with the same id begins. */
static bool begins_anew(const struct pt_request *req, const struct pt_event *ev)
{
	return ev->kind == PT_RECLAIM_BEGIN && !(req->flags & PT_REQ_NO_BEGIN) && ev->ts &&
	       !pt_same_time(req->begin_ts, ev->ts);
}

/**
 * pt_model_feed - process one event
 * @model: the model
 * @ev: the event; not needed after the call
 *
 * Return: 0 or -ENOMEM; the model remains usable, without this event.
 */
int pt_model_feed(struct pt_model *model, const struct pt_event *ev)
{
	struct pt_request *req;
	int ret;

	model->stats.events++;
	if (ev->kind == PT_BO_SWAPIN)
		return on_swapin(model, ev);

	req = pt_map_get(&model->open, ev->id);
	if (req && begins_anew(req, ev)) {
		finish(model, req);
		req = NULL;
	}
	if (!req && ev->kind == PT_RECLAIM_END) {
		const struct done now = { ev->id, ev->ts, ev->duration_ns };

		if (just_been(model->done, NR_DONE, &model->nr_done, &now)) {
			model->stats.repeated++;
			return 0;
		}
	}
	if (!req) {
		req = new_request(model, ev);
		if (!req)
			return -ENOMEM;
		if (model->stats.lost && ev->kind != PT_RECLAIM_BEGIN)
			req->flags |= PT_REQ_LOST;
	}
	if (req->flags & PT_REQ_NO_BEGIN && ev->kind != PT_RECLAIM_BEGIN)
		model->stats.orphans++;
	if (ev->kind >= PT_BO_EVICT)
		model->stats.bo_events++;

	ret = pt_request_feed(req, ev, model->config.max_bos);
	if (ret == 1)
		model->stats.repeated++;
	if (ev->kind == PT_RECLAIM_END) {
		const struct done now = { ev->id, ev->ts, ev->duration_ns };

		just_been(model->done, NR_DONE, &model->nr_done, &now);
		finish(model, req);
	}
	return ret < 0 ? ret : 0;
}

void pt_model_no_seconds(struct pt_model *model)
{
	model->no_seconds = true;
}

/* The trace lost events here: open requests may miss some. */
void pt_model_lost(struct pt_model *model, uint64_t count)
{
	model->stats.lost += count;
	for (struct pt_request *req = model->oldest; req; req = req->newer)
		req->flags |= PT_REQ_LOST;
}

/* End of the trace: close all open requests as unfinished. */
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

	if (!model)
		return;
	while ((req = model->oldest)) {
		unlink_request(model, req);
		for (size_t i = 0; i < req->n_late; i++)
			free(req->late[i].label);
		free(req->late);
		pt_request_free(req);
	}
	pt_map_free(&model->open);
	free(model);
}
