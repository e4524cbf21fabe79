// SPDX-License-Identifier: LGPL-2.1
/* When was each BO of a request written? */
#include <stdlib.h>

#include "model/model_request.h"

#define MAX_LANES 64

static bool has_start(const struct pt_request *req)
{
	return pt_req_has(req, start_ns);
}

/*
 * Events of older drivers do not have the start of a write, and were all emitted
 * at the end of the request: drawn backwards from there, the writes would overlap.
 */
static bool overlap(const struct pt_request *req)
{
	uint64_t free = 0;

	for (size_t i = 0; i < req->n_bos; i++) {
		const struct pt_bo *bo = &req->bos[i];

		if (!bo->writeback_ts)
			continue;
		if (bo->writeback_from < free || bo->writeback_ts < bo->writeback_from)
			return true;
		free = bo->writeback_ts;
	}
	return false;
}

/* They were written one after the other, each for its duration, after the last eviction. */
static void place(struct pt_request *req)
{
	uint64_t from = req->begin_ts, to = 0, sum = 0;
	double scale = 1, at;

	for (size_t i = 0; i < req->n_bos; i++) {
		const struct pt_bo *bo = &req->bos[i];

		if (bo->ts > from)
			from = bo->ts;
		if (bo->writeback_ts > to)
			to = bo->writeback_ts;
		sum += bo->writeback_ts ? bo->writeback_ns : 0;
	}
	if (to < from)
		to = from;
	if (sum > to - from)
		scale = (double)(to - from) / sum;
	at = 0;
	for (size_t i = 0; i < req->n_bos; i++) {
		struct pt_bo *bo = &req->bos[i];

		if (!bo->writeback_ts)
			continue;
		bo->writeback_from = from + (uint64_t)at;
		at += bo->writeback_ns * scale;
		bo->writeback_ts = from + (uint64_t)at;
		bo->estimated = true;
	}
}

static int compare(const void *pa, const void *pb)
{
	const struct pt_bo *a = *(struct pt_bo *const *)pa, *b = *(struct pt_bo *const *)pb;

	if (a->writeback_from != b->writeback_from)
		return a->writeback_from < b->writeback_from ? -1 : 1;
	return (a->writeback_ts > b->writeback_ts) - (a->writeback_ts < b->writeback_ts);
}

/* Writes of several BOs overlap on a disk: in each lane there is only one at a time. */
static void find_lanes(struct pt_request *req)
{
	struct pt_bo **order = malloc((req->n_bos ?: 1) * sizeof(*order));
	uint64_t free_at[MAX_LANES] = { 0 };
	size_t n = 0;

	if (!order)
		return;
	for (size_t i = 0; i < req->n_bos; i++)
		if (req->bos[i].writeback_ts)
			order[n++] = &req->bos[i];
	qsort(order, n, sizeof(*order), compare);
	for (size_t i = 0; i < n; i++) {
		unsigned int lane = 0;

		while (lane < MAX_LANES - 1 && free_at[lane] > order[i]->writeback_from)
			lane++;
		order[i]->lane = lane;
		free_at[lane] = order[i]->writeback_ts;
	}
	free(order);
}

void pt_place_writebacks(struct pt_request *req)
{
	bool begun = !(req->flags & PT_REQ_NO_BEGIN);

	for (size_t i = 0; i < req->n_bos; i++) {
		struct pt_bo *bo = &req->bos[i];

		if (has_start(req) && begun && req->begin_ts + bo->start_ns <= bo->writeback_ts)
			bo->writeback_from = req->begin_ts + bo->start_ns;
		else if (bo->writeback_ts > bo->writeback_ns)
			bo->writeback_from = bo->writeback_ts - bo->writeback_ns;
	}
	if (!has_start(req) && overlap(req))
		place(req);
	else if (has_start(req))
		find_lanes(req);
}
