/* SPDX-License-Identifier: GPL-2.0 */
/* Requests, BOs and groups of them as rows of tables. */
#ifndef PANTHOR_TRACE_VIEW_H
#define PANTHOR_TRACE_VIEW_H

#include "model/explain.h"
#include "report/stall.h"
#include "report/table.h"

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

extern const struct column stall_columns[];
extern const size_t nr_stall_columns;
void stall_row(struct cell *row, const struct stall *stall, const struct pt_style *style);
void stall_sentence(struct pt_text *t, const struct stall *stall, const struct pt_style *style);

/* The symbolic name, or the number if there is none */
const char *view_symbol(const struct pt_names *names, enum pt_symbols which, uint64_t value,
			char buf[PT_NUM_LEN]);

/* Columns by their place, for views and formats that compute with them */
enum request_column {
	REQ_TIME,
	REQ_ID,
	REQ_DEV,
	REQ_SOURCE,
	REQ_REQUESTER,
	REQ_REQUESTER_TGID,
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
	REQ_UNWRITTEN,
	REQ_REMAINING_BOS,
	REQ_REMAINING,
	REQ_SKIPPED_BY, /* PT_NR_SKIPPED of them */
	REQ_CUT_SHORT = REQ_SKIPPED_BY + PT_NR_SKIPPED,
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

enum vm_column {
	VM_TIME,
	VM_END,
	VM_ID,
	VM_CLIENT,
	VM_TGID,
	VM_VM,
	VM_BOS,
	VM_SIZE,
	VM_EV_BOS,
	VM_EV,
	VM_SK_BOS,
	VM_SK,
	VM_UNSEEN,
	VM_REASON,
	VM_DURATION,
	VM_FENCE,
	VM_LOCK,
	VM_UNMAP,
	VM_FENCES,
	VM_CONTEXT,
	VM_SEQNO,
	NR_VM_COLUMNS
};

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
	BO_KIND,
	BO_STATE,
	BO_REASON,
	BO_LOCK,
	BO_VA,
	BO_WAIT,
	BO_DURATION,
	BO_WRITTEN,
	BO_FREED,
	BO_WB,
	BO_WB_START,
	BO_WB_TIME,
	BO_WB_LANE,
	BO_WB_HOW,
	BO_EVICTIONS,
	NR_BO_COLUMNS
};

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
	SW_EVICTED_FOR,
	SW_DURATION,
	SW_EVICTIONS,
	SW_PID,
	SW_COMM,
	NR_SW_COLUMNS
};

enum stall_column {
	ST_TIME,
	ST_END,
	ST_TARGET,
	ST_TGID,
	ST_COMM,
	ST_PID,
	ST_STALLED,
	ST_BOS,
	ST_SIZE,
	ST_ID,
	ST_REQUESTS,
	ST_SOURCE,
	ST_REQUESTER,
	ST_REQUESTER_TGID,
	ST_EVICTED_FOR,
	ST_WHY,
	NR_ST_COLUMNS
};

/* --by */
enum group_by { BY_NONE, BY_CLIENT, BY_VM, BY_LABEL, BY_REASON, BY_STATE };

struct groups;

int group_find(const char *name);
struct groups *groups_new(enum group_by by);
/* The BOs of a request, or those of them that @wanted (may be NULL) is true for */
void groups_add(struct groups *groups, const struct pt_request *req, const struct pt_names *names,
		bool (*wanted)(void *context, const struct pt_bo *bo), void *context);
/* Fills @table, of group_columns */
void groups_fill(const struct groups *groups, struct table *table);
void groups_free(struct groups *groups);
extern const struct column group_columns[];
extern const size_t nr_group_columns;

/* Efficiency of evicting the memory of each client; a swap-in within @soon_ns is premature */
struct clients;

struct clients *clients_new(uint64_t soon_ns);
void clients_request(struct clients *c, const struct pt_request *req);
void clients_swapin(struct clients *c, const struct pt_refault *refault);
/* Fills @table, of client_columns */
void clients_fill(const struct clients *c, struct table *table);
void clients_free(struct clients *c);
extern const struct column client_columns[];
extern const size_t nr_client_columns;

/* A share, and the time per MiB: not known if the divisor is 0 */
struct cell cell_share(uint64_t part, uint64_t whole);
struct cell cell_per_mib(uint64_t ns, uint64_t bytes);

/* Distribution of a set of durations */
struct spread;

struct spread *spread_new(void);
void spread_add(struct spread *spread, const struct cell *request_row);
struct table *percentile_table(void);
void percentile_fill(struct spread *spread, struct table *table);
struct table *histogram_table(void);
void histogram_fill(const struct spread *spread, struct table *table);
void spread_free(struct spread *spread);

#endif
