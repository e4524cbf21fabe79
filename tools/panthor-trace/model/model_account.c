// SPDX-License-Identifier: LGPL-2.1
/* The totals of a request: compare them, and split the blocked time. */
#include <stdlib.h>
#include <string.h>

#include "model/model_request.h"

/*
 * Compare the end events with the sums of the other events. Missing events make
 * a request PARTIAL; only what no loss can explain is a MISMATCH.
 */
static void check_totals(struct pt_request *req)
{
	const struct pt_seen *seen = &req->seen;
	uint64_t causes = 0;

	for (int i = 0; i < PT_OTHER; i++)
		causes += req->cause_ns[i];
	if (causes > req->duration_ns)
		req->flags |= PT_REQ_MISMATCH;

	if (seen->evicted_bos > req->evicted_bos || seen->skipped_bos > req->skipped_bos ||
	    seen->evicted > req->evicted || seen->skipped > req->skipped)
		req->flags |= PT_REQ_MISMATCH;
	if (seen->evicted_bos < req->evicted_bos || seen->skipped_bos < req->skipped_bos)
		req->flags |= PT_REQ_PARTIAL;
	else if (seen->evicted != req->evicted || seen->skipped != req->skipped)
		req->flags |= PT_REQ_MISMATCH;
	/* What an earlier request evicted may be written by this one. */
	if (!pt_req_has(req, unwritten) &&
	    (req->written > req->evicted || req->freed > req->evicted))
		req->flags |= PT_REQ_MISMATCH;
}

/* Without an end event, the totals are the sums of the other events. */
static void totals_from_seen(struct pt_request *req)
{
	req->evicted = req->seen.evicted;
	req->skipped = req->seen.skipped;
	req->written = req->seen.written;
	req->freed = req->seen.freed;
	req->evicted_bos = req->seen.evicted_bos;
	req->skipped_bos = req->seen.skipped_bos;
}

bool pt_request_begin(const struct pt_request *req, uint64_t *ts)
{
	if (!(req->flags & PT_REQ_NO_BEGIN)) {
		*ts = req->begin_ts;
		return true;
	}
	*ts = req->end_ts - req->duration_ns;
	return !req->no_seconds && !(req->flags & PT_REQ_NO_END) && pt_req_has(req, duration_ns) &&
	       req->end_ts >= req->duration_ns;
}

/* The request has ended: compare the totals, and compute the other blocked time. */
void pt_settle(struct pt_request *req)
{
	uint64_t causes = 0;

	if (req->flags & PT_REQ_NO_END)
		totals_from_seen(req);
	else
		check_totals(req);

	if (!req->no_seconds)
		pt_place_writebacks(req);
	for (int i = 0; i < PT_OTHER; i++)
		causes += req->cause_ns[i];
	req->cause_ns[PT_OTHER] = req->duration_ns > causes ? req->duration_ns - causes : 0;
}

/**
 * pt_split - split the blocked time of a request by cause
 * @req: the request
 * @permille: share of each cause; they sum to 1000, or to 0 if the time is 0
 */
void pt_split(const struct pt_request *req, unsigned int permille[PT_NR_CAUSES])
{
	unsigned int sum = 0;
	double rest[PT_NR_CAUSES];
	double total = 0;

	memset(permille, 0, PT_NR_CAUSES * sizeof(*permille));
	for (int i = 0; i < PT_NR_CAUSES; i++)
		total += req->cause_ns[i];
	if (total <= 0)
		return;

	for (int i = 0; i < PT_NR_CAUSES; i++) {
		double share = req->cause_ns[i] * 1000.0 / total;

		permille[i] = share;
		rest[i] = share - permille[i];
		sum += permille[i];
	}
	/* Distribute the remainder by the largest remainders. */
	while (sum < 1000) {
		int most = 0;

		for (int i = 1; i < PT_NR_CAUSES; i++)
			if (rest[i] > rest[most])
				most = i;
		permille[most]++;
		rest[most] = -1;
		sum++;
	}
}
