/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Swap-ins of one thread, joined into one stall, and the request that evicted
 * the memory.
 *
 * Memory grows with the threads that stall at the same time, and by a few bytes
 * for each request that evicted something.
 */
#ifndef PANTHOR_TRACE_STALL_H
#define PANTHOR_TRACE_STALL_H

#include "model/model.h"

/* Swap-ins of a thread are one stall if no more lies between: one frame. As in schema.sql */
#define STALL_GAP_NS 16000000

/**
 * struct stall - a thread that waited for swap-ins
 * @begin_ns: when it began to wait for the first
 * @end_ns: when it had the last
 * @stalled_ns: time that it waited, without the gaps
 * @pid: the thread
 * @tgid: its process, if @has_tgid
 * @comm: its name, NULL: not known
 * @bos: how many BOs it waited for
 * @size: memory of those that it got
 * @id: the request that had evicted most of that
 * @requests: number of requests that evicted some of it
 * @evicted_ns: time from the eviction by @id to the stall, if @has_evicted_ns
 * @by: of @id, NULL if the trace does not have it
 */
struct stall {
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t stalled_ns;
	int pid;
	int64_t tgid;
	bool has_tgid;
	char *comm;
	uint64_t bos;
	uint64_t size;
	uint64_t id;
	uint64_t requests;
	uint64_t evicted_ns;
	bool has_evicted_ns;
	const struct requester *by;

	/* private */
	struct stall_part *part;
};

/* Whose requests they were, and for whose memory */
struct requester {
	uint64_t source;
	char *requester_comm;
	int64_t requester_tgid;
	char *target_comm;
	int64_t target_tgid;
	bool has_source;
	bool has_requester;
	bool has_target;
};

struct stalls;

struct stalls *stalls_new(void (*tell)(void *context, const struct stall *stall), void *context);
/* Before the swap-ins of what it evicted */
void stalls_request(struct stalls *s, const struct pt_request *req);
/* Does the trace have this request? */
bool stalls_knows(const struct stalls *s, uint64_t id);
void stalls_swapin(struct stalls *s, const struct pt_refault *refault);
/* End of the trace: deliver the open stalls. */
void stalls_flush(struct stalls *s);
void stalls_free(struct stalls *s);

#endif
