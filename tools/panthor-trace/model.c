// SPDX-License-Identifier: LGPL-2.1
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_request.h"

#define DEFAULT_MAX_OPEN 1024
#define DEFAULT_MAX_BOS (1u << 20)

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
	pt_request_free(req);
}

static struct pt_request *new_request(struct pt_model *model, const struct pt_event *ev,
				      uint64_t key)
{
	struct pt_request *req;

	if (model->stats.open >= model->config.max_open)
		finish(model, model->oldest);

	req = pt_request_new(ev);
	if (!req)
		return NULL;
	req->key = key;
	if (pt_map_set(&model->open, key, req)) {
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

static int on_swapin(struct pt_model *model, const struct pt_event *ev)
{
	struct away *away = pt_map_get(&model->away, make_key(ev->bo_id, &ev->dev));
	struct pt_refault refault = { .ev = ev };
	char *label;

	model->stats.bo_events++;
	label = pt_copy_clean(&ev->label);
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
	int ret;

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
	if (req->flags & PT_REQ_NO_BEGIN && ev->kind != PT_RECLAIM_BEGIN)
		model->stats.orphans++;
	if (ev->kind >= PT_BO_EVICT)
		model->stats.bo_events++;

	ret = pt_request_feed(req, ev, model->config.no_bos ? 0 : model->config.max_bos);
	if (ret == 1)
		model->stats.repeated++;
	else if (ev->kind == PT_BO_EVICT && model->config.track && track(model, ev))
		ret = -ENOMEM;
	if (ev->kind == PT_RECLAIM_END)
		finish(model, req);
	return ret < 0 ? ret : 0;
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
		pt_request_free(req);
	}
	for (size_t i = 0; (away = pt_map_next(&model->away, &i));)
		free(away);
	pt_map_free(&model->open);
	pt_map_free(&model->away);
	free(model);
}
