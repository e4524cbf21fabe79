// SPDX-License-Identifier: GPL-2.0
/* BOs as rows: what a request did to them, and their swap-ins. */
#include "report/view.h"

const char *view_symbol(const struct pt_names *names, enum pt_symbols which, uint64_t value,
			char buf[PT_NUM_LEN])
{
	const char *name = pt_name(names, which, value);

	if (*name != '?')
		return name;
	snprintf(buf, PT_NUM_LEN, "%llu", (unsigned long long)value);
	return buf;
}

static const char *const what[] = { "evicted", "skipped", "written", NULL };
static const char *const when[] = { "recorded", "estimated", NULL };

const struct column bo_columns[] = {
	[BO_TIME] = { "time_ns", "TIME", UNIT_TIME, "when it was evicted, skipped or written", 1 },
	[BO_ID] = { "id", "ID", UNIT_COUNT, "request", 1 },
	[BO_WHAT] = { "what", "WHAT", UNIT_TEXT,
		      "evicted, skipped, or written (an earlier request evicted it)", 1,
		      LISTED_WORD, what },
	[BO_BO_ID] = { "bo_id", "BO", UNIT_COUNT, "number of the BO, unique", 1 },
	[BO_LABEL] = { "label", "LABEL", UNIT_TEXT, "its label", 1 },
	[BO_SIZE] = { "size", "SIZE", UNIT_BYTES, "its size", 1 },
	[BO_CLIENT] = { "client_id", "CLIENT", UNIT_COUNT, "client that owns it; 0: the kernel",
			5 },
	[BO_TGID] = { "tgid", "TGID", UNIT_SIGNED, "process id of the client", 2 },
	[BO_VM] = { "vm_id", "VM", UNIT_COUNT, "its VM; 0: none", 3 },
	[BO_KIND] = { "kind", "KIND", UNIT_TEXT, "user, user-nommap or kernel", 0,
		      SYMBOL_WORD + PT_SYM_KIND },
	[BO_STATE] = { "state", "STATE", UNIT_TEXT, "its reclaim state", 4,
		       SYMBOL_WORD + PT_SYM_STATE },
	[BO_REASON] = { "reason", "REASON", UNIT_TEXT, "why it was skipped", 1,
			SYMBOL_WORD + PT_SYM_REASON },
	[BO_LOCK] = { "lock", "LOCK", UNIT_TEXT, "which lock was held, if skipped (locked)", 5,
		      NONZERO_WORD + PT_SYM_LOCK },
	[BO_VA] = { "va", "VA", UNIT_HEX, "its lowest GPU address", 0 },
	[BO_WAIT] = { "wait_ns", "WAIT", UNIT_NS, "time spent waiting for this BO alone", 0 },
	[BO_DURATION] = { "duration_ns", "DURATION", UNIT_NS, "time spent on it, without writeback",
			  2 },
	[BO_WRITTEN] = { "written", "WRITTEN", UNIT_BYTES, "memory written to swap", 3 },
	[BO_FREED] = { "freed", "FREED", UNIT_BYTES, "RAM freed by that", 2 },
	[BO_WB] = { "writeback_ns", "WRITEBACK", UNIT_NS, "time spent writing it to swap", 3 },
	[BO_WB_START] = { "writeback_start_ns", "WRITEBACK-START", UNIT_TIME,
			  "when writing it began", 0 },
	[BO_WB_TIME] = { "writeback_end_ns", "WRITEBACK-END", UNIT_TIME, "when writing it ended",
			 0 },
	[BO_WB_LANE] = { "writeback_lane", "WRITEBACK-LANE", UNIT_COUNT,
			 "distinguishes writes that overlap in time", 0 },
	[BO_WB_HOW] = { "writeback_when", "WRITEBACK-WHEN", UNIT_TEXT,
			"recorded: the trace has these times; estimated: it does not", 0,
			LISTED_WORD, when },
	[BO_EVICTIONS] = { "evictions", "EVICTIONS", UNIT_COUNT, "evictions of the BO so far", 5 },
};

const size_t nr_bo_columns = NR_BO_COLUMNS;

void bo_row(struct cell *row, const struct pt_request *req, const struct pt_bo *bo,
	    const struct pt_names *names)
{
	bool skipped = bo->kind == PT_BO_SKIP, looked = bo->kind != PT_BO_WRITEBACK;
	char buf[PT_NUM_LEN];

	row[BO_TIME] = cell_u(bo->ts);
	row[BO_ID] = cell_u(req->id);
	row[BO_WHAT] = cell_s(what[skipped ? 1 : looked ? 0 : 2]);
	row[BO_BO_ID] = cell_u(bo->bo_id);
	row[BO_SIZE] = cell_if(pt_req_has(req, size), bo->size);
	row[BO_CLIENT] = cell_if(pt_req_has(req, client_id), bo->client_id);
	row[BO_VM] = cell_if(pt_req_has(req, vm_id), bo->vm_id);
	if (looked) {
		row[BO_LABEL] = cell_s(bo->label);
		row[BO_TGID] = cell_if(pt_req_has(req, tgid), bo->tgid);
		if (pt_req_has(req, state))
			row[BO_STATE] = cell_s(view_symbol(names, PT_SYM_STATE, bo->state, buf));
		if (pt_req_has(req, bo_kind))
			row[BO_KIND] = cell_s(view_symbol(names, PT_SYM_KIND, bo->bo_kind, buf));
		row[BO_VA] = cell_if(pt_req_has(req, va), bo->va);
		row[BO_WAIT] = cell_if(pt_req_has(req, wait_ns), bo->wait_ns);
		row[BO_DURATION] = cell_u(bo->duration_ns);
		row[BO_EVICTIONS] = cell_if(pt_req_has(req, evictions), bo->evictions);
	}
	if (skipped) {
		if (pt_req_has(req, reason))
			row[BO_REASON] = cell_s(view_symbol(names, PT_SYM_REASON, bo->reason, buf));
		if (pt_req_has(req, lock) && bo->lock)
			row[BO_LOCK] = cell_s(view_symbol(names, PT_SYM_LOCK, bo->lock, buf));
		return;
	}
	row[BO_WRITTEN] = cell_if(pt_req_has(req, written), bo->written);
	row[BO_FREED] = cell_if(pt_req_has(req, freed), bo->freed);
	if (!bo->writeback_ts)
		return;
	row[BO_WB] = cell_u(bo->writeback_ns);
	row[BO_WB_TIME] = cell_u(bo->writeback_ts);
	if (!bo->writeback_from)
		return;
	row[BO_WB_START] = cell_u(bo->writeback_from);
	row[BO_WB_LANE] = cell_u(bo->lane);
	row[BO_WB_HOW] = cell_s(when[bo->estimated]);
}

const struct column swapin_columns[] = {
	[SW_TIME] = { "time_ns", "TIME", UNIT_TIME, "when it was swapped in", 1 },
	[SW_ID] = { "id", "ID", UNIT_COUNT, "request that evicted it", 1 },
	[SW_BO] = { "bo_id", "BO", UNIT_COUNT, "number of the BO", 1 },
	[SW_LABEL] = { "label", "LABEL", UNIT_TEXT, "its label", 1 },
	[SW_SIZE] = { "size", "SIZE", UNIT_BYTES, "its size", 1 },
	[SW_CLIENT] = { "client_id", "CLIENT", UNIT_COUNT, "client that owns it", 3 },
	[SW_TGID] = { "tgid", "TGID", UNIT_SIGNED, "process id of the client", 2 },
	[SW_VM] = { "vm_id", "VM", UNIT_COUNT, "its VM; 0: none", 3 },
	[SW_RESULT] = { "result", "RESULT", UNIT_TEXT, "ok, or the error", 2 },
	[SW_EVICTED_FOR] = { "evicted_ns", "EVICTED-FOR", UNIT_NS,
			     "time from its eviction to the swap-in", 1 },
	[SW_DURATION] = { "duration_ns", "DURATION", UNIT_NS, "time that the swap-in took", 1 },
	[SW_EVICTIONS] = { "evictions", "EVICTIONS", UNIT_COUNT, "evictions of the BO so far", 4 },
	[SW_PID] = { "pid", "PID", UNIT_SIGNED, "thread that stalled", 0 },
	[SW_COMM] = { "comm", "COMM", UNIT_TEXT, "name of the thread", 0 },
};

const size_t nr_swapin_columns = NR_SW_COLUMNS;

void swapin_row(struct cell *row, const struct pt_refault *refault)
{
	const struct pt_event *ev = refault->ev;
	char buf[PT_NUM_LEN];

	row[SW_TIME] = cell_u(ev->ts);
	row[SW_ID] = cell_u(ev->id);
	row[SW_BO] = cell_u(ev->bo_id);
	row[SW_LABEL] = cell_s(refault->label);
	row[SW_SIZE] = cell_if(pt_has(ev, size), ev->size);
	row[SW_CLIENT] = cell_if(pt_has(ev, client_id), ev->client_id);
	row[SW_TGID] = cell_if(pt_has(ev, tgid), ev->tgid);
	row[SW_VM] = cell_if(pt_has(ev, vm_id), ev->vm_id);
	if (pt_has(ev, result))
		row[SW_RESULT] = cell_s(pt_errno(ev->result, buf));
	row[SW_EVICTED_FOR] = cell_if(pt_has(ev, evicted_ns), ev->evicted_ns);
	row[SW_DURATION] = cell_if(pt_has(ev, duration_ns), ev->duration_ns);
	row[SW_EVICTIONS] = cell_if(pt_has(ev, evictions), ev->evictions);
	row[SW_PID] = (struct cell){ .known = ev->pid >= 0, .i = ev->pid };
	row[SW_COMM] = cell_s(refault->comm);
}
