// SPDX-License-Identifier: GPL-2.0
/* Stalls of threads as rows, and as a sentence. */
#include "report/view.h"

const struct column stall_columns[] = {
	[ST_TIME] = { "time_ns", "TIME", UNIT_TIME, "when the stall began", 1 },
	[ST_END] = { "end_ns", "END", UNIT_TIME, "when the stall ended", 0 },
	[ST_TARGET] = { "target_comm", "TARGET", UNIT_TEXT, "name of the process that stalled", 1 },
	[ST_TGID] = { "tgid", "TGID", UNIT_SIGNED, "process id", 2 },
	[ST_COMM] = { "comm", "COMM", UNIT_TEXT, "name of the thread that stalled", 2 },
	[ST_PID] = { "pid", "PID", UNIT_SIGNED, "thread id", 3 },
	[ST_STALLED] = { "stalled_ns", "STALLED", UNIT_NS, "time that it waited for swap-ins", 1 },
	[ST_BOS] = { "swapped_in_bos", "#SWAPPED-IN", UNIT_COUNT, "BOs that were swapped in", 4 },
	[ST_SIZE] = { "swapped_in", "SWAPPED-IN", UNIT_BYTES, "memory that was swapped in", 1 },
	[ST_ID] = { "id", "ID", UNIT_COUNT, "request that evicted most of the memory", 1 },
	[ST_REQUESTS] = { "requests", "REQUESTS", UNIT_COUNT,
			  "number of requests that evicted memory of it", 0 },
	[ST_SOURCE] = { "source", "SOURCE", UNIT_TEXT, "source of the request", 5 },
	[ST_REQUESTER] = { "requester_comm", "REQUESTER", UNIT_TEXT, "name of the requester", 2 },
	[ST_REQUESTER_TGID] = { "requester_tgid", "REQ-TGID", UNIT_SIGNED,
				"process id of the requester", 6 },
	[ST_EVICTED_FOR] = { "evicted_ns", "EVICTED-FOR", UNIT_NS,
			     "time from the eviction to the stall", 1 },
	[ST_WHY] = { "why", "WHY", UNIT_TEXT, "the stall explained in a sentence", 0 },
};

const size_t nr_stall_columns = NR_ST_COLUMNS;

/* The name of its process, NULL: not known */
static const char *process(const struct stall *stall)
{
	const struct requester *by = stall->by;
	bool is_target = by && by->has_target && stall->has_tgid && by->target_tgid == stall->tgid;

	return is_target ? by->target_comm : NULL;
}

void stall_sentence(struct pt_text *t, const struct stall *stall, const struct pt_style *style)
{
	const struct requester *by = stall->by;
	const char *name = process(stall);

	if (name && stall->tgid != stall->pid)
		pt_add(t, "%s[%lld]: ", name, (long long)stall->tgid);
	pt_add(t, "%s[%d] stalled ", stall->comm ?: name ?: "thread", stall->pid);
	pt_add_ns(t, stall->stalled_ns, &style->units);
	pt_add(t, " for ");
	pt_add_bytes(t, stall->size, &style->units);
	pt_add(t, ", evicted by #%llu", (unsigned long long)stall->id);
	if (by && by->has_requester)
		pt_add(t, " of %s[%lld]", by->requester_comm, (long long)by->requester_tgid);
	if (stall->requests > 1)
		pt_add(t, " and %llu more", (unsigned long long)stall->requests - 1);
	if (!stall->has_evicted_ns)
		return;
	pt_add(t, " ");
	pt_add_ns(t, stall->evicted_ns, &style->units);
	pt_add(t, " earlier");
}

void stall_row(struct cell *row, const struct stall *stall, const struct pt_style *style)
{
	const struct requester *by = stall->by;
	struct pt_text why = { 0 };
	char buf[PT_NUM_LEN];

	row[ST_TIME] = cell_u(stall->begin_ns);
	row[ST_END] = cell_u(stall->end_ns);
	row[ST_TARGET] = cell_s(process(stall));
	row[ST_TGID] = (struct cell){ .known = stall->has_tgid, .i = stall->tgid };
	row[ST_COMM] = cell_s(stall->comm);
	row[ST_PID] = cell_i(stall->pid);
	row[ST_STALLED] = cell_u(stall->stalled_ns);
	row[ST_BOS] = cell_u(stall->bos);
	row[ST_SIZE] = cell_u(stall->size);
	row[ST_ID] = cell_u(stall->id);
	row[ST_REQUESTS] = cell_u(stall->requests);
	row[ST_EVICTED_FOR] = cell_if(stall->has_evicted_ns, stall->evicted_ns);
	if (by && by->has_source)
		row[ST_SOURCE] = cell_s(view_symbol(style->names, PT_SYM_SOURCE, by->source, buf));
	if (by && by->has_requester) {
		row[ST_REQUESTER] = cell_s(by->requester_comm);
		row[ST_REQUESTER_TGID] = cell_i(by->requester_tgid);
	}
	stall_sentence(&why, stall, style);
	row[ST_WHY] = cell_s(why.s);
	pt_text_free(&why);
}
