// SPDX-License-Identifier: GPL-2.0
#include <assert.h>

#include "report/view.h"

const struct column request_columns[] = {
	[REQ_TIME] = { "time_ns", "TIME", UNIT_TIME, "when the request began", 1 },
	[REQ_ID] = { "id", "ID", UNIT_COUNT, "number of the request", 1 },
	[REQ_DEV] = { "dev", "DEVICE", UNIT_TEXT, "device", 0 },
	[REQ_SOURCE] = { "source", "SOURCE", UNIT_TEXT, "sysfs, shrinker, kswapd, debugfs or claim",
			 5, SYMBOL_WORD + PT_SYM_SOURCE },
	[REQ_REQUESTER] = { "requester_comm", "REQUESTER", UNIT_TEXT,
			    "process name of the requester", 6 },
	[REQ_REQUESTER_TGID] = { "requester_tgid", "REQ-TGID", UNIT_SIGNED,
				 "process id of the requester", 7 },
	[REQ_TARGET] = { "target_comm", "TARGET", UNIT_TEXT, "process name of the target", 1 },
	[REQ_TARGET_TGID] = { "target_tgid", "TGT-TGID", UNIT_SIGNED,
			      "process id of the target; 0: any process", 2 },
	[REQ_CLIENTS] = { "clients", "CLIENTS", UNIT_COUNT, "clients of the target", 0 },
	[REQ_VMS] = { "vms", "VMS", UNIT_COUNT, "VMs of the target", 0 },
	[REQ_GOAL] = { "goal", "GOAL", UNIT_BYTES, "memory to evict; 0: all", 0 },
	[REQ_PID] = { "pid", "PID", UNIT_SIGNED, "thread of the requester", 0 },
	[REQ_RESULT] = { "result", "RESULT", UNIT_TEXT, "ok, or the error that the requester got",
			 1, ERROR_WORD },
	[REQ_EVICTED_BOS] = { "evicted_bos", "#EVICTED", UNIT_COUNT, "evicted BOs", 8 },
	[REQ_EVICTED] = { "evicted", "EVICTED", UNIT_BYTES, "evicted memory", 1 },
	[REQ_SKIPPED_BOS] = { "skipped_bos", "#SKIPPED", UNIT_COUNT, "skipped BOs", 8 },
	[REQ_SKIPPED] = { "skipped", "SKIPPED", UNIT_BYTES, "skipped memory", 2 },
	[REQ_UNSEEN] = { "unseen", "UNSEEN", UNIT_BYTES, "memory that was not scanned (shrinker)",
			 0 },
	[REQ_WRITTEN] = { "written", "WRITTEN", UNIT_BYTES, "memory written to swap", 4 },
	[REQ_FREED] = { "freed", "FREED", UNIT_BYTES, "freed RAM, when the request ended", 1 },
	[REQ_WRITEBACK] = { "writeback", "WRITEBACK-MODE", UNIT_TEXT,
			    "what the kernel supports: none, swapcache (write), free (write and free)",
			    0, SYMBOL_WORD + PT_SYM_WRITEBACK },
	[REQ_UNWRITTEN] = { "unwritten", "UNWRITTEN", UNIT_BYTES,
			    "evicted memory of the target that is still in RAM", 0 },
	[REQ_REMAINING_BOS] = { "remaining_bos", "#REMAINING", UNIT_COUNT,
				"BOs of the target that are still resident", 0 },
	[REQ_REMAINING] = { "remaining", "REMAINING", UNIT_BYTES,
			    "memory of the target that is still resident", 0 },
	[REQ_SKIPPED_BY + PT_SKIPPED_BUSY] = { "skipped_busy", "SKIPPED-BUSY", UNIT_BYTES,
					       "skipped memory: used by a job", 0 },
	[REQ_SKIPPED_BY + PT_SKIPPED_LOCKED] = { "skipped_locked", "SKIPPED-LOCKED", UNIT_BYTES,
						 "skipped memory: a lock was held", 0 },
	[REQ_SKIPPED_BY + PT_SKIPPED_SHARED] = { "skipped_shared", "SKIPPED-SHARED", UNIT_BYTES,
						 "skipped memory: not the target's alone", 0 },
	[REQ_SKIPPED_BY + PT_SKIPPED_PINNED] = { "skipped_pinned", "SKIPPED-PINNED", UNIT_BYTES,
						 "skipped memory: pinned", 0 },
	[REQ_SKIPPED_BY + PT_SKIPPED_NO_SWAP] = { "skipped_no_swap", "SKIPPED-NO-SWAP", UNIT_BYTES,
						  "skipped memory: no swap space", 0 },
	[REQ_SKIPPED_BY +
		PT_SKIPPED_INTERRUPTED] = { "skipped_interrupted", "SKIPPED-INTERRUPTED",
					    UNIT_BYTES,
					    "skipped memory: a signal interrupted the request", 0 },
	[REQ_SKIPPED_BY + PT_SKIPPED_OTHER] = { "skipped_other", "SKIPPED-OTHER", UNIT_BYTES,
						"skipped memory: other reasons", 0 },
	[REQ_CUT_SHORT] = { "cut_short", "CUT-SHORT", UNIT_TEXT,
			    "why the request ended early: none, interrupted, busy (timeout)", 0,
			    SYMBOL_WORD + PT_SYM_REASON },
	[REQ_DURATION] = { "duration_ns", "BLOCKED", UNIT_NS, "time that the requester was blocked",
			   1 },
	[REQ_FENCE_PCT] = { "fence_pct", "%FENCE", UNIT_PERMILLE,
			    "share of the blocked time: waiting for fences of jobs", 3 },
	[REQ_LOCK_PCT] = { "lock_pct", "%LOCK", UNIT_PERMILLE, "share: waiting for locks", 3 },
	[REQ_UNMAP_PCT] = { "unmap_pct", "%UNMAP", UNIT_PERMILLE,
			    "share: unmapping and releasing pages", 3 },
	[REQ_WB_PCT] = { "writeback_pct", "%WRITEBACK", UNIT_PERMILLE, "share: writing to swap",
			 3 },
	[REQ_OTHER_PCT] = { "other_pct", "%OTHER", UNIT_PERMILLE,
			    "share: target lookup and accounting", 3 },
	[REQ_FENCE] = { "fence_ns", "FENCE", UNIT_NS, "time waiting for fences of jobs", 0 },
	[REQ_LOCK] = { "lock_ns", "LOCK", UNIT_NS, "time waiting for locks", 0 },
	[REQ_UNMAP] = { "unmap_ns", "UNMAP", UNIT_NS, "time unmapping and releasing pages", 0 },
	[REQ_WB] = { "writeback_ns", "WRITEBACK-TIME", UNIT_NS, "time writing to swap", 0 },
	[REQ_OTHER] = { "other_ns", "OTHER", UNIT_NS, "other blocked time", 0 },
	[REQ_WHY] = { "why", "WHY", UNIT_TEXT, "blocked time explained in a sentence", 0 },
	[REQ_DOUBTS] = { "doubts", "DOUBTS", UNIT_TEXT,
			 "what is missing or inconsistent in the trace", 1 },
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
	uint64_t ts;

	row[REQ_TIME].known = pt_request_begin(req, &ts);
	row[REQ_TIME].u = ts;
	row[REQ_ID] = cell_u(req->id);
	row[REQ_DEV] = cell_s(req->dev);
	if (pt_req_has(req, source))
		row[REQ_SOURCE] =
			cell_s(view_symbol(style->names, PT_SYM_SOURCE, req->source, buf));
	if (began) {
		row[REQ_REQUESTER] = cell_s(req->requester_comm);
		if (pt_req_has(req, requester_tgid))
			row[REQ_REQUESTER_TGID] = cell_i(req->requester_tgid);
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
	row[REQ_UNWRITTEN] = cell_if(pt_req_has(req, unwritten), req->unwritten);
	for (int i = 0; i < PT_NR_SKIPPED; i++)
		row[REQ_SKIPPED_BY + i] =
			cell_if(pt_req_has(req, skipped_busy), req->skipped_by[i]);
	if (pt_req_has(req, cut_short))
		row[REQ_CUT_SHORT] =
			cell_s(view_symbol(style->names, PT_SYM_REASON, req->cut_short, buf));
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
