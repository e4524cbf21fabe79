// SPDX-License-Identifier: GPL-2.0
#include <assert.h>

#include "view.h"

const struct column request_columns[] = {
	[REQ_TIME] = { "time_ns", "TIME", UNIT_TIME, "when it began, in seconds of the trace clock",
		       true },
	[REQ_ID] = { "id", "ID", UNIT_COUNT, "number of the request", true },
	[REQ_DEV] = { "dev", "DEVICE", UNIT_TEXT, "device", false },
	[REQ_SOURCE] = { "source", "SOURCE", UNIT_TEXT,
			 "who asked: sysfs, shrinker, kswapd, debugfs", true },
	[REQ_WRITER] = { "writer_comm", "WRITER", UNIT_TEXT, "name of the process that asked",
			 true },
	[REQ_WRITER_TGID] = { "writer_tgid", "PID", UNIT_SIGNED, "process that asked", true },
	[REQ_TARGET] = { "target_comm", "TARGET", UNIT_TEXT,
			 "name of the process whose memory should go", true },
	[REQ_TARGET_TGID] = { "target_tgid", "PID", UNIT_SIGNED,
			      "process whose memory should go; 0: anyone", true },
	[REQ_CLIENTS] = { "clients", "CLIENTS", UNIT_COUNT, "open files of the target", false },
	[REQ_VMS] = { "vms", "VMS", UNIT_COUNT, "VMs of the target", false },
	[REQ_GOAL] = { "goal", "GOAL", UNIT_BYTES, "how much was wanted; 0: all", false },
	[REQ_PID] = { "pid", "THREAD", UNIT_SIGNED, "thread that did it", false },
	[REQ_RESULT] = { "result", "RESULT", UNIT_TEXT, "ok, or the error that the writer got",
			 true },
	[REQ_EVICTED_BOS] = { "evicted_bos", "BOS", UNIT_COUNT, "BOs evicted", true },
	[REQ_EVICTED] = { "evicted", "EVICTED", UNIT_BYTES, "memory of these", true },
	[REQ_SKIPPED_BOS] = { "skipped_bos", "BOS", UNIT_COUNT,
			      "BOs that were looked at and stayed", true },
	[REQ_SKIPPED] = { "skipped", "SKIPPED", UNIT_BYTES, "memory of these", true },
	[REQ_UNSEEN] = { "unseen", "UNSEEN", UNIT_BYTES,
			 "memory passed over without a look (shrinker)", false },
	[REQ_WRITTEN] = { "written", "WRITTEN", UNIT_BYTES, "what of the evicted went to swap",
			  true },
	[REQ_FREED] = { "freed", "FREED", UNIT_BYTES,
			"what of the evicted is free RAM when the write returned", true },
	[REQ_WRITEBACK] = { "writeback", "WRITEBACK", UNIT_TEXT,
			    "how far pages were pushed: none, swapcache, free", false },
	[REQ_REMAINING_BOS] = { "remaining_bos", "BOS", UNIT_COUNT,
				"BOs of the target that are resident afterwards", false },
	[REQ_REMAINING] = { "remaining", "REMAINING", UNIT_BYTES, "memory of these", false },
	[REQ_DURATION] = { "duration_ns", "BLOCKED", UNIT_NS, "how long the writer was blocked",
			   true },
	[REQ_FENCE_PCT] = { "fence_pct", "%FENCE", UNIT_PERMILLE,
			    "share of that spent waiting for jobs", true },
	[REQ_LOCK_PCT] = { "lock_pct", "%LOCK", UNIT_PERMILLE, "share spent waiting for locks",
			   true },
	[REQ_UNMAP_PCT] = { "unmap_pct", "%UNMAP", UNIT_PERMILLE,
			    "share spent tearing down mappings and releasing pages", true },
	[REQ_WB_PCT] = { "writeback_pct", "%SWAP", UNIT_PERMILLE, "share spent writing to swap",
			 true },
	[REQ_OTHER_PCT] = { "other_pct", "%OTHER", UNIT_PERMILLE,
			    "the rest: search for the target, book-keeping", true },
	[REQ_FENCE] = { "fence_ns", "FENCE", UNIT_NS, "time waiting for jobs", false },
	[REQ_LOCK] = { "lock_ns", "LOCK", UNIT_NS, "time waiting for locks", false },
	[REQ_UNMAP] = { "unmap_ns", "UNMAP", UNIT_NS,
			"time tearing down mappings and releasing pages", false },
	[REQ_WB] = { "writeback_ns", "SWAP", UNIT_NS, "time writing to swap", false },
	[REQ_OTHER] = { "other_ns", "OTHER", UNIT_NS, "the rest of the time", false },
	[REQ_WHY] = { "why", "WHY", UNIT_TEXT, "what it was blocked on, as a sentence", false },
	[REQ_DOUBTS] = { "doubts", "NOTE", UNIT_TEXT,
			 "what of it the trace does not show, or contradicts", true },
};

const size_t nr_request_columns = NR_REQ_COLUMNS;
static_assert(sizeof(request_columns) / sizeof(request_columns[0]) == NR_REQ_COLUMNS, "columns");

static struct cell words(void (*say)(struct pt_text *t, const struct pt_request *req,
				     const struct pt_style *style),
			 const struct pt_request *req, const struct pt_style *style)
{
	struct pt_text t = { 0 };
	struct cell cell;

	say(&t, req, style);
	cell = cell_s(t.s ?: "");
	pt_text_free(&t);
	return cell;
}

static void say_doubts(struct pt_text *t, const struct pt_request *req,
		       const struct pt_style *style)
{
	(void)style;
	pt_doubts(t, req);
}

void request_row(struct cell *row, const struct pt_request *req, const struct pt_style *style)
{
	bool began = !(req->flags & PT_REQ_NO_BEGIN), ended = !(req->flags & PT_REQ_NO_END);
	unsigned int permille[PT_NR_CAUSES];
	char buf[PT_NUM_LEN];

	/* Without a begin event the duration still tells when it must have been. */
	row[REQ_TIME] = cell_if(began || (ended && req->end_ts >= req->duration_ns),
				began ? req->begin_ts : req->end_ts - req->duration_ns);
	row[REQ_ID] = cell_u(req->id);
	row[REQ_DEV] = cell_s(req->dev);
	if (pt_req_has(req, source))
		row[REQ_SOURCE] =
			cell_s(view_symbol(style->names, PT_SYM_SOURCE, req->source, buf));
	if (began) {
		row[REQ_WRITER] = cell_s(req->writer_comm);
		row[REQ_WRITER_TGID] = cell_i(req->writer_tgid);
		row[REQ_CLIENTS] = cell_if(pt_req_has(req, clients), req->clients);
		row[REQ_GOAL] = cell_if(pt_req_has(req, goal), req->goal);
	}
	if (pt_req_has(req, target_tgid)) {
		row[REQ_TARGET] = cell_s(req->target_comm);
		row[REQ_TARGET_TGID] = cell_i(req->target_tgid);
	}
	row[REQ_PID] = (struct cell){ .known = req->pid >= 0, .i = req->pid };
	row[REQ_VMS] = cell_if(pt_req_has(req, vms), req->nr_vms);

	/*
	 * Without an end event these are what was seen: still worth showing,
	 * with the doubt next to it.
	 */
	row[REQ_EVICTED_BOS] = cell_if(!ended || pt_req_has(req, evicted_bos), req->evicted_bos);
	row[REQ_EVICTED] = cell_if(!ended || pt_req_has(req, evicted), req->evicted);
	row[REQ_SKIPPED_BOS] = cell_if(!ended || pt_req_has(req, skipped_bos), req->skipped_bos);
	row[REQ_SKIPPED] = cell_if(!ended || pt_req_has(req, skipped), req->skipped);
	row[REQ_UNSEEN] = cell_if(pt_req_has(req, unseen), req->unseen);
	row[REQ_WRITTEN] = cell_if(pt_req_has(req, written), req->written);
	row[REQ_FREED] = cell_if(pt_req_has(req, freed), req->freed);
	row[REQ_DOUBTS] = words(say_doubts, req, style);
	if (!ended)
		return;

	row[REQ_RESULT] = cell_s(pt_errno(req->result, buf));
	if (pt_req_has(req, writeback))
		row[REQ_WRITEBACK] =
			cell_s(view_symbol(style->names, PT_SYM_WRITEBACK, req->writeback, buf));
	row[REQ_REMAINING_BOS] = cell_if(pt_req_has(req, remaining_bos), req->remaining_bos);
	row[REQ_REMAINING] = cell_if(pt_req_has(req, remaining), req->remaining);
	if (!pt_req_has(req, duration_ns))
		return;
	row[REQ_DURATION] = cell_u(req->duration_ns);
	pt_split(req, permille);
	for (int i = 0; i < PT_NR_CAUSES; i++) {
		row[REQ_FENCE_PCT + i] = cell_if(req->duration_ns, permille[i]);
		row[REQ_FENCE + i] = cell_u(req->cause_ns[i]);
	}
	row[REQ_WHY] = words(pt_sentence, req, style);
}
