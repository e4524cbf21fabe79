// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/map.h"
#include "report/timeline.h"
#include "report/view.h"

#define NAME_LEN 700

struct timeline {
	struct sink *sink;
	const struct painter *painter;
	struct counters *counters;
	struct pt_map processes; /* pid -> known already */
	struct pt_map threads; /* tid -> the same */
	uint64_t loads; /* how often the ids started again, with the driver */
	uint64_t newest; /* the highest id since then ... */
	uint64_t newest_end; /* ... and when it ended */
	/* the request whose rows come now */
	uint64_t id;
	int64_t pid;
	int64_t tid;
	uint64_t from; /* no BO is drawn before this ... */
	uint64_t to; /* ... or after this */
};

static uint64_t num(const struct cell *cell)
{
	return cell->known ? cell->u : 0;
}

static const char *str(const struct cell *cell)
{
	return cell->known ? cell->s : "";
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* The name of a thread or process, as the trace has it */
static const char *name_of(const struct timeline *tl, int64_t tid, char name[DOC_COMM_LEN])
{
	const struct doc *doc = tl->sink->doc;

	*name = '\0';
	if (doc->comm)
		doc->comm(doc->comm_of, tid, name);
	return name;
}

/* @known: its name, if an event has it */
static void need_process(struct timeline *tl, int64_t pid, const char *known)
{
	char name[DOC_COMM_LEN];

	if (pid <= 0 || pt_map_get(&tl->processes, pid))
		return;
	pt_map_set(&tl->processes, pid, tl);
	tl->painter->process(tl->sink, pid, *known ? known : name_of(tl, pid, name));
}

static void need_thread(struct timeline *tl, int64_t pid, int64_t tid, const char *known)
{
	char name[DOC_COMM_LEN];

	need_process(tl, pid, pid == tid ? known : "");
	if (tid <= 0 || pt_map_get(&tl->threads, tid))
		return;
	pt_map_set(&tl->threads, tid, tl);
	/* The thread that asked is named by the process in the event. */
	name_of(tl, tid, name);
	tl->painter->thread(tl->sink, pid, tid, *name || pid != tid ? name : known);
}

/* A worker of the kernel acts for a process, but is no thread of it. */
static int64_t process_of(const struct timeline *tl, int64_t tid, int64_t tgid)
{
	char name[DOC_COMM_LEN];

	if (tgid <= 0 || !strncmp(name_of(tl, tid, name), "kworker/", 8))
		return tid;
	return tgid;
}

static void change_memory(struct timeline *tl, struct change change)
{
	need_process(tl, change.pid, "");
	counters_add(tl->counters, change);
}

/* Ids are in the order of begins: an old one that begins after the newest ended is used again */
static void see_reload(struct timeline *tl, const struct cell *row)
{
	uint64_t id = row[REQ_ID].u, begin = num(&row[REQ_TIME]);

	if (id <= tl->newest) {
		if (!row[REQ_TIME].known || begin <= tl->newest_end)
			return;
		tl->loads++;
	}
	tl->newest = id;
	tl->newest_end = begin + num(&row[REQ_DURATION]);
}

static void draw_request(struct timeline *tl, const struct table *t, const struct cell *row)
{
	char name[128];

	see_reload(tl, row);
	tl->id = row[REQ_ID].u;
	tl->tid = num(&row[REQ_PID]);
	tl->pid = num(&row[REQ_REQUESTER_TGID]) ?: (uint64_t)tl->tid;
	tl->from = 0;
	tl->to = UINT64_MAX;
	need_process(tl, tl->pid, str(&row[REQ_REQUESTER]));
	need_thread(tl, tl->pid, tl->tid, str(&row[REQ_REQUESTER]));
	need_process(tl, num(&row[REQ_TARGET_TGID]), str(&row[REQ_TARGET]));
	if (!row[REQ_TIME].known || !row[REQ_DURATION].known)
		return;
	tl->from = row[REQ_TIME].u;
	tl->to = tl->from + row[REQ_DURATION].u;
	snprintf(name, sizeof(name), "reclaim #%llu %s", (unsigned long long)tl->id,
		 str(&row[REQ_TARGET]));
	tl->painter->slice(tl->sink, &(struct slice){ .track = { TRACK_THREAD, tl->pid, tl->tid },
						      .name = name,
						      .category = "request",
						      .from = tl->from,
						      .to = tl->to,
						      .table = t,
						      .row = row });
}

static void draw_vm(struct timeline *tl, const struct table *t, const struct cell *row)
{
	int64_t pid = num(&row[VM_TGID]) ?: (uint64_t)tl->pid;
	uint64_t client = num(&row[VM_CLIENT]), vm = num(&row[VM_VM]);
	char name[64];

	if (row[VM_SIZE].known)
		change_memory(tl, (struct change){ .ts = num(&row[VM_TIME]),
						   .client = client,
						   .vm = vm,
						   .pid = pid,
						   .size = row[VM_SIZE].u,
						   .what = SEEN });
	if (!row[VM_TIME].known || !row[VM_END].known)
		return;
	need_process(tl, pid, "");
	if (vm)
		snprintf(name, sizeof(name), "VM %llu", (unsigned long long)vm);
	else
		snprintf(name, sizeof(name), "BOs in no VM");
	tl->painter->slice(tl->sink, &(struct slice){ .track = { .kind = TRACK_VM,
								 .pid = pid,
								 .tid = tl->tid,
								 .client = client,
								 .vm = vm },
						      .name = name,
						      .category = "vm",
						      .from = row[VM_TIME].u,
						      .to = row[VM_END].u,
						      .table = t,
						      .row = row });
}

static void draw_writeback(struct timeline *tl, const struct table *t, const struct cell *row)
{
	bool estimated = *str(&row[BO_WB_HOW]) == 'e', written = *str(&row[BO_WHAT]) == 'w';
	char name[NAME_LEN];

	if (!row[BO_WB_START].known)
		return;
	snprintf(name, sizeof(name), "write BO %llu %s", (unsigned long long)num(&row[BO_BO_ID]),
		 str(&row[BO_LABEL]));
	/* The details are with the BO's own slice, if it has one. */
	tl->painter->slice(tl->sink, &(struct slice){ .track = { .kind = TRACK_WRITES,
								 .pid = tl->pid,
								 .tid = tl->tid,
								 .lane = num(&row[BO_WB_LANE]) },
						      .name = name,
						      .category = "writeback",
						      .from = row[BO_WB_START].u,
						      .to = row[BO_WB_TIME].u,
						      .table = t,
						      .row = written || estimated ? row : NULL });
}

/* One eviction of one BO. BOs, too, are counted from 1 when the driver is loaded again. */
static uint64_t flow_id(const struct timeline *tl, uint64_t bo, uint64_t evictions)
{
	return tl->loads << 56 ^ (bo << 24 | (evictions & 0xffffff));
}

static void draw_bo(struct timeline *tl, const struct table *t, const struct cell *row)
{
	uint64_t to = num(&row[BO_TIME]), from = less(to, num(&row[BO_DURATION]));
	bool evicted = *str(&row[BO_WHAT]) == 'e', written = *str(&row[BO_WHAT]) == 'w';
	char name[NAME_LEN];
	struct slice slice;

	/* Rows of BOs come after that of their request. */
	if (row[BO_ID].u != tl->id)
		return;
	draw_writeback(tl, t, row);
	if (written)
		return;
	if (to > tl->to)
		to = tl->to;
	if (from < tl->from)
		from = tl->from;
	if (to < from)
		to = from;
	tl->from = to;
	snprintf(name, sizeof(name), "%s BO %llu %s", evicted ? "evict" : "skip",
		 (unsigned long long)num(&row[BO_BO_ID]), str(&row[BO_LABEL]));
	slice = (struct slice){ .track = { TRACK_THREAD, tl->pid, tl->tid },
				.name = name,
				.category = "bo",
				.from = from,
				.to = to,
				.table = t,
				.row = row };
	if (evicted)
		slice.flow = flow_id(tl, num(&row[BO_BO_ID]), num(&row[BO_EVICTIONS]));
	tl->painter->slice(tl->sink, &slice);
	if (evicted && row[BO_CLIENT].known)
		change_memory(tl, (struct change){ .ts = num(&row[BO_TIME]),
						   .client = row[BO_CLIENT].u,
						   .vm = num(&row[BO_VM]),
						   .pid = num(&row[BO_TGID]),
						   .size = num(&row[BO_SIZE]),
						   .what = EVICTED });
}

static void draw_swapin(struct timeline *tl, const struct table *t, const struct cell *row)
{
	uint64_t to = num(&row[SW_TIME]), from = less(to, num(&row[SW_DURATION]));
	int64_t tid = num(&row[SW_PID]), tgid = num(&row[SW_TGID]);
	int64_t pid = process_of(tl, tid, tgid);
	char name[NAME_LEN];

	need_thread(tl, pid, tid, "");
	snprintf(name, sizeof(name), "swap in BO %llu %s", (unsigned long long)num(&row[SW_BO]),
		 str(&row[SW_LABEL]));
	tl->painter->slice(tl->sink, &(struct slice){ .track = { TRACK_THREAD, pid, tid },
						      .name = name,
						      .category = "swapin",
						      .from = from,
						      .to = to,
						      .flow = flow_id(tl, num(&row[SW_BO]),
								      num(&row[SW_EVICTIONS])),
						      .ends_flow = true,
						      .table = t,
						      .row = row });
	if (row[SW_CLIENT].known && !strcmp(str(&row[SW_RESULT]), "ok"))
		change_memory(tl, (struct change){ .ts = to,
						   .client = row[SW_CLIENT].u,
						   .vm = num(&row[SW_VM]),
						   .pid = tgid,
						   .size = num(&row[SW_SIZE]),
						   .what = SWAPPED_IN });
}

static void paint_memory(void *context, const struct memory *memory)
{
	struct timeline *tl = context;

	tl->painter->memory(tl->sink, memory);
}

struct timeline *timeline_new(struct sink *sink, const struct painter *painter)
{
	struct timeline *tl = xcalloc(1, sizeof(*tl));

	tl->sink = sink;
	tl->painter = painter;
	tl->counters = counters_new(paint_memory, tl);
	return tl;
}

void timeline_row(struct timeline *tl, const struct table *t, const struct cell *row)
{
	if (t->columns == request_columns)
		draw_request(tl, t, row);
	else if (t->columns == vm_columns)
		draw_vm(tl, t, row);
	else if (t->columns == bo_columns)
		draw_bo(tl, t, row);
	else
		draw_swapin(tl, t, row);
}

void timeline_end(struct timeline *tl)
{
	counters_end(tl->counters);
	pt_map_free(&tl->processes);
	pt_map_free(&tl->threads);
	free(tl);
}
