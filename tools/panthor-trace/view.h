/* SPDX-License-Identifier: GPL-2.0 */
/* Requests, BOs and groups of them as rows of tables. */
#ifndef PANTHOR_TRACE_VIEW_H
#define PANTHOR_TRACE_VIEW_H

#include "explain.h"
#include "table.h"

extern const struct column request_columns[];
extern const size_t nr_request_columns;
void request_row(struct cell *row, const struct pt_request *req, const struct pt_style *style);

extern const struct column bo_columns[];
extern const size_t nr_bo_columns;
void bo_row(struct cell *row, const struct pt_request *req, const struct pt_bo *bo,
	    const struct pt_names *names);

extern const struct column vm_columns[];
extern const size_t nr_vm_columns;
void vm_row(struct cell *row, const struct pt_request *req, const struct pt_vm *vm,
	    const struct pt_names *names);

extern const struct column swapin_columns[];
extern const size_t nr_swapin_columns;
void swapin_row(struct cell *row, const struct pt_refault *refault);

/* A name, or the number if nobody knows one */
const char *view_symbol(const struct pt_names *names, enum pt_symbols which, uint64_t value,
			char buf[PT_NUM_LEN]);

/* Columns by their place, for views that compute with them */
enum request_column {
	REQ_TIME,
	REQ_ID,
	REQ_DEV,
	REQ_SOURCE,
	REQ_WRITER,
	REQ_WRITER_TGID,
	REQ_TARGET,
	REQ_TARGET_TGID,
	REQ_CLIENTS,
	REQ_VMS,
	REQ_GOAL,
	REQ_PID,
	REQ_RESULT,
	REQ_EVICTED_BOS,
	REQ_EVICTED,
	REQ_SKIPPED_BOS,
	REQ_SKIPPED,
	REQ_UNSEEN,
	REQ_WRITTEN,
	REQ_FREED,
	REQ_WRITEBACK,
	REQ_REMAINING_BOS,
	REQ_REMAINING,
	REQ_DURATION,
	REQ_FENCE_PCT,
	REQ_LOCK_PCT,
	REQ_UNMAP_PCT,
	REQ_WB_PCT,
	REQ_OTHER_PCT,
	REQ_FENCE,
	REQ_LOCK,
	REQ_UNMAP,
	REQ_WB,
	REQ_OTHER,
	REQ_WHY,
	REQ_DOUBTS,
	NR_REQ_COLUMNS
};

/* --by */
enum group_by { BY_NONE, BY_CLIENT, BY_VM, BY_LABEL, BY_REASON, BY_STATE };

struct groups;

int group_find(const char *name);
struct groups *groups_new(enum group_by by);
void groups_add(struct groups *groups, const struct pt_request *req, const struct pt_names *names);
struct table *groups_table(struct groups *groups);
void groups_free(struct groups *groups);
extern const struct column group_columns[];
extern const size_t nr_group_columns;

/* How a set of durations is spread */
struct table *percentile_table(const struct table *requests);
struct table *histogram_table(const struct table *requests);

#endif
