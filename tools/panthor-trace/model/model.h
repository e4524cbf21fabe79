/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Reconstructs requests with their VMs and BOs, and swap-ins, from the events.
 *
 * Pure: no I/O, no clock, no globals. Events go in through pt_model_feed(),
 * finished requests and swap-ins come out through the callbacks. Memory is
 * bounded by the requests that are open, never by the trace.
 *
 * Events may be missing, repeated or out of order. The model never guesses:
 * totals are those of the request's end event, the lists are what was seen,
 * and the flags of a request say what is known to be wrong with it.
 */
#ifndef PANTHOR_TRACE_MODEL_H
#define PANTHOR_TRACE_MODEL_H

#include "model/events.h"
#include "model/map.h"

/* Flags of a request */
#define PT_REQ_NO_BEGIN (1u << 0) /* its begin event was not seen */
#define PT_REQ_NO_END (1u << 1) /* its end event was not seen: totals are sums of the BO events */
#define PT_REQ_LOST (1u << 2) /* the trace lost events while it was open */
#define PT_REQ_PARTIAL (1u << 3) /* fewer BO events than the end event counts */
#define PT_REQ_MISMATCH (1u << 4) /* the end event does not match the other events */
#define PT_REQ_CUT (1u << 5) /* more than max_bos BOs: the list is truncated */

/* What a request was blocked on */
enum pt_cause { PT_FENCE, PT_LOCK, PT_UNMAP, PT_WRITEBACK, PT_OTHER, PT_NR_CAUSES };

/**
 * struct pt_bo - what a request did to one BO
 * @kind: PT_BO_EVICT, PT_BO_SKIP, or PT_BO_WRITEBACK: only written, evicted
 * before this request
 * @ts: when
 * @written: how much of it was written to swap
 * @freed: how much RAM that freed
 * @writeback_ns: time spent writing it
 * @writeback_from: when the write began; 0: not known
 * @writeback_ts: when the (first) write ended; 0: not written
 * @lane: distinguishes writes that overlap in time
 * @estimated: the trace does not have the start of the write: the times are estimated
 * @label: label, safe to print
 */
struct pt_bo {
	enum pt_kind kind;
	uint64_t ts;
	uint64_t bo_id;
	uint64_t client_id;
	int64_t tgid;
	uint64_t vm_id;
	uint64_t size;
	uint64_t va;
	uint64_t wait_ns;
	uint64_t duration_ns;
	uint64_t state;
	uint64_t bo_kind;
	uint64_t reason;
	uint64_t lock;
	uint64_t evictions;
	uint64_t written;
	uint64_t freed;
	uint64_t writeback_ns;
	uint64_t start_ns; /* private: as in the event, since the request began */
	uint64_t last_start_ns; /* private: of the last event, of a second write */
	uint64_t writeback_from;
	uint64_t writeback_ts;
	unsigned int lane;
	bool estimated;
	char *label;
};

/* What a request did to one VM */
struct pt_vm {
	uint64_t client_id;
	int64_t tgid;
	uint64_t vm_id;
	uint64_t begin_ts;
	uint64_t end_ts; /* 0: its end event was not seen */
	uint64_t bos;
	uint64_t size;
	uint64_t evicted;
	uint64_t skipped;
	uint64_t unseen;
	uint64_t evicted_bos;
	uint64_t skipped_bos;
	uint64_t duration_ns;
	uint64_t fence_ns;
	uint64_t lock_ns;
	uint64_t unmap_ns;
	uint64_t fences;
	uint64_t fence_context;
	uint64_t fence_seqno;
	uint64_t reason;
	uint64_t last_ns; /* private: of the last end event */
};

/* Sums over the BO events of a request */
struct pt_seen {
	uint64_t evicted;
	uint64_t skipped;
	uint64_t written;
	uint64_t freed;
	uint64_t writeback_ns;
	uint64_t evicted_bos;
	uint64_t skipped_bos;
	uint64_t earlier_bos; /* written, but evicted by an earlier request */
	uint64_t earlier; /* of @written: of these */
};

/* Skipped bytes by reason: skipped_* of the end event */
enum pt_left {
	PT_SKIPPED_BUSY,
	PT_SKIPPED_LOCKED,
	PT_SKIPPED_SHARED,
	PT_SKIPPED_PINNED,
	PT_SKIPPED_NO_SWAP,
	PT_SKIPPED_INTERRUPTED,
	PT_SKIPPED_OTHER,
	PT_NR_SKIPPED
};

/**
 * struct pt_request - a write to mem_reclaim, or one call of the shrinker
 * @serial: unique in the model; ids restart when the driver is loaded again
 * @flags: PT_REQ_*
 * @has: bit PT_F_x is set if an event had field x
 * @begin_ts: time of its begin event
 * @end_ts: time of its end event
 * @pid: thread that ran it
 * @dev, @requester_comm, @target_comm: never NULL, safe to print
 * @seen: what the BO events add up to
 * @evicted …: as the end event says
 */
struct pt_request {
	uint64_t serial;
	uint64_t id;
	unsigned int flags;
	uint64_t has;
	uint64_t begin_ts;
	uint64_t end_ts;
	bool no_seconds; /* timestamps are not in ns; durations always are */
	int pid;
	char *dev;
	char *requester_comm;
	char *target_comm;
	uint64_t source;
	int64_t requester_tgid;
	int64_t target_tgid;
	uint64_t clients;
	uint64_t nr_vms;
	uint64_t goal;
	int64_t result;
	uint64_t evicted;
	uint64_t skipped;
	uint64_t unseen;
	uint64_t written;
	uint64_t freed;
	uint64_t remaining;
	uint64_t evicted_bos;
	uint64_t skipped_bos;
	uint64_t remaining_bos;
	uint64_t duration_ns;
	uint64_t cause_ns[PT_NR_CAUSES];
	uint64_t writeback;
	uint64_t cut_short; /* reason; 0: not cut short */
	uint64_t unwritten;
	uint64_t skipped_by[PT_NR_SKIPPED];
	struct pt_seen seen;
	struct pt_bo *bos;
	size_t n_bos;
	struct pt_vm *vms;
	size_t n_vms;

	/* private */
	size_t room_bos;
	size_t room_vms;
	struct pt_map bo_index;
	struct pt_late *late;
	size_t n_late;
	struct pt_request *older;
	struct pt_request *newer;
};

#define pt_req_has(req, field) (((req)->has >> PT_F_##field) & 1)

/**
 * struct pt_refault - an evicted BO was swapped in
 * @ev: the event
 * @label: safe to print
 * @comm: name of the thread that waited for it, NULL: not known. Set by the user of the model.
 */
struct pt_refault {
	const struct pt_event *ev;
	const char *label;
	const char *comm;
};

struct pt_model_stats {
	uint64_t events; /* of the driver */
	uint64_t bo_events;
	uint64_t requests;
	uint64_t orphans; /* events of a request whose begin was not seen */
	uint64_t repeated;
	uint64_t lost; /* sum of pt_model_lost() */
	size_t open;
	size_t most_open;
};

/**
 * struct pt_model_config - callbacks and limits
 * @request: called for each request that ended or that can no longer end; the
 * request is only valid in the call
 * @refault: called for each BO that was swapped in, after @request of the
 * request that evicted it
 * @context: for the callbacks
 * @max_open: close the oldest request as unfinished when there are more; 0 for the default
 * @max_bos: keep no more than this many BOs of one request; 0 for the default
 */
struct pt_model_config {
	void (*request)(void *context, const struct pt_request *req);
	void (*refault)(void *context, const struct pt_refault *refault);
	void *context;
	size_t max_open;
	size_t max_bos;
};

struct pt_model;

struct pt_model *pt_model_new(const struct pt_model_config *config);
/* The clock of the trace does not count ns: do not compute timestamps from durations. */
void pt_model_no_seconds(struct pt_model *model);
int pt_model_feed(struct pt_model *model, const struct pt_event *ev);
void pt_model_lost(struct pt_model *model, uint64_t count);
void pt_model_flush(struct pt_model *model);
const struct pt_model_stats *pt_model_stats(const struct pt_model *model);
void pt_model_free(struct pt_model *model);

/* When a request began, even if only its end was seen; false: not known */
bool pt_request_begin(const struct pt_request *req, uint64_t *ts);
void pt_split(const struct pt_request *req, unsigned int permille[PT_NR_CAUSES]);

#endif
