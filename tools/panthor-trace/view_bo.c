// SPDX-License-Identifier: GPL-2.0
/* BOs as rows: what a request did to them, and their way back. */
#include "view.h"

const char *view_symbol(const struct pt_names *names, enum pt_symbols which, uint64_t value,
			char buf[PT_NUM_LEN])
{
	const char *name = pt_name(names, which, value);

	if (*name != '?')
		return name;
	snprintf(buf, PT_NUM_LEN, "%llu", (unsigned long long)value);
	return buf;
}

enum bo_column {
	BO_TIME,
	BO_ID,
	BO_WHAT,
	BO_BO_ID,
	BO_LABEL,
	BO_SIZE,
	BO_CLIENT,
	BO_TGID,
	BO_VM,
	BO_STATE,
	BO_REASON,
	BO_VA,
	BO_WAIT,
	BO_DURATION,
	BO_WRITTEN,
	BO_FREED,
	BO_WB,
	BO_WB_TIME,
	BO_EVICTIONS,
	NR_BO_COLUMNS
};

const struct column bo_columns[] = {
	[BO_TIME] = { "time_ns", "TIME", UNIT_TIME, "when", true },
	[BO_ID] = { "id", "ID", UNIT_COUNT, "request", true },
	[BO_WHAT] = { "what", "WHAT", UNIT_TEXT, "evicted or skipped", true },
	[BO_BO_ID] = { "bo_id", "BO", UNIT_COUNT, "the BO, for as long as it lives", true },
	[BO_LABEL] = { "label", "LABEL", UNIT_TEXT, "its label", true },
	[BO_SIZE] = { "size", "SIZE", UNIT_BYTES, "its size", true },
	[BO_CLIENT] = { "client_id", "CLIENT", UNIT_COUNT, "open file it belongs to; 0: the kernel",
			true },
	[BO_TGID] = { "tgid", "PID", UNIT_SIGNED, "process of that", true },
	[BO_VM] = { "vm_id", "VM", UNIT_COUNT, "its VM; 0: none", true },
	[BO_STATE] = { "state", "STATE", UNIT_TEXT, "its reclaim state", true },
	[BO_REASON] = { "reason", "REASON", UNIT_TEXT, "why it stayed", true },
	[BO_VA] = { "va", "ADDRESS", UNIT_HEX, "its lowest GPU address", false },
	[BO_WAIT] = { "wait_ns", "WAITED", UNIT_NS, "time spent waiting for it alone", false },
	[BO_DURATION] = { "duration_ns", "TOOK", UNIT_NS,
			  "all the time spent on it, write-back apart", true },
	[BO_WRITTEN] = { "written", "WRITTEN", UNIT_BYTES, "what of it went to swap", true },
	[BO_FREED] = { "freed", "FREED", UNIT_BYTES, "what of it is free RAM", true },
	[BO_WB] = { "writeback_ns", "SWAP", UNIT_NS, "time that took", true },
	[BO_WB_TIME] = { "writeback_time_ns", "SWAPPED", UNIT_TIME, "when that was done", false },
	[BO_EVICTIONS] = { "evictions", "TIMES", UNIT_COUNT, "how often it was evicted so far",
			   true },
};

const size_t nr_bo_columns = NR_BO_COLUMNS;

void bo_row(struct cell *row, const struct pt_request *req, const struct pt_bo *bo,
	    const struct pt_names *names)
{
	bool evicted = bo->kind == PT_BO_EVICT;
	char buf[PT_NUM_LEN];

	row[BO_TIME] = cell_u(bo->ts);
	row[BO_ID] = cell_u(req->id);
	row[BO_WHAT] = cell_s(evicted ? "evicted" : "skipped");
	row[BO_BO_ID] = cell_u(bo->bo_id);
	row[BO_LABEL] = cell_s(bo->label);
	row[BO_SIZE] = cell_if(pt_req_has(req, size), bo->size);
	row[BO_CLIENT] = cell_if(pt_req_has(req, client_id), bo->client_id);
	row[BO_TGID] = cell_if(pt_req_has(req, tgid), bo->tgid);
	row[BO_VM] = cell_if(pt_req_has(req, vm_id), bo->vm_id);
	if (pt_req_has(req, state))
		row[BO_STATE] = cell_s(view_symbol(names, PT_SYM_STATE, bo->state, buf));
	if (!evicted && pt_req_has(req, reason))
		row[BO_REASON] = cell_s(view_symbol(names, PT_SYM_REASON, bo->reason, buf));
	row[BO_VA] = cell_if(pt_req_has(req, va), bo->va);
	row[BO_WAIT] = cell_if(pt_req_has(req, wait_ns), bo->wait_ns);
	row[BO_DURATION] = cell_u(bo->duration_ns);
	row[BO_WRITTEN] = cell_if(evicted && pt_req_has(req, written), bo->written);
	row[BO_FREED] = cell_if(evicted && pt_req_has(req, freed), bo->freed);
	row[BO_WB] = cell_if(evicted && bo->writeback_ns, bo->writeback_ns);
	row[BO_WB_TIME] = cell_if(evicted && bo->writeback_ns, bo->writeback_ts);
	row[BO_EVICTIONS] = cell_if(pt_req_has(req, evictions), bo->evictions);
}

enum swapin_column {
	SW_TIME,
	SW_ID,
	SW_BO,
	SW_LABEL,
	SW_SIZE,
	SW_CLIENT,
	SW_TGID,
	SW_VM,
	SW_RESULT,
	SW_AWAY,
	SW_DURATION,
	SW_EVICTIONS,
	SW_PID,
	NR_SW_COLUMNS
};

const struct column swapin_columns[] = {
	[SW_TIME] = { "time_ns", "TIME", UNIT_TIME, "when it had its memory back", true },
	[SW_ID] = { "id", "ID", UNIT_COUNT, "request that had evicted it", true },
	[SW_BO] = { "bo_id", "BO", UNIT_COUNT, "the BO", true },
	[SW_LABEL] = { "label", "LABEL", UNIT_TEXT, "its label", true },
	[SW_SIZE] = { "size", "SIZE", UNIT_BYTES, "its size", true },
	[SW_CLIENT] = { "client_id", "CLIENT", UNIT_COUNT, "open file it belongs to", true },
	[SW_TGID] = { "tgid", "PID", UNIT_SIGNED, "process of that", true },
	[SW_VM] = { "vm_id", "VM", UNIT_COUNT, "its VM; 0: none", true },
	[SW_RESULT] = { "result", "RESULT", UNIT_TEXT, "ok, or the error that kept it out", true },
	[SW_AWAY] = { "away_ns", "AWAY", UNIT_NS, "how long it had been without memory", true },
	[SW_DURATION] = { "duration_ns", "TOOK", UNIT_NS, "time it took to get the pages", true },
	[SW_EVICTIONS] = { "evictions", "TIMES", UNIT_COUNT, "how often it was evicted so far",
			   true },
	[SW_PID] = { "pid", "THREAD", UNIT_SIGNED, "thread that brought it back", false },
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
	row[SW_AWAY] = cell_if(pt_has(ev, away_ns), ev->away_ns);
	row[SW_DURATION] = cell_if(pt_has(ev, duration_ns), ev->duration_ns);
	row[SW_EVICTIONS] = cell_if(pt_has(ev, evictions), ev->evictions);
	row[SW_PID] = (struct cell){ .known = ev->pid >= 0, .i = ev->pid };
}
