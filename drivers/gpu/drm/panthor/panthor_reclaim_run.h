/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef __PANTHOR_RECLAIM_RUN_H__
#define __PANTHOR_RECLAIM_RUN_H__

/*
 * What the steps of an explicit request share. Each file calls those below it:
 *
 *	panthor_reclaim.c	the request: its rounds, its result
 *	_write			one round of writes
 *	_evict			one round of eviction
 *	_wait			waiting for jobs
 */

#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include <drm/drm_drv.h>

#include "panthor_device.h"
#include "panthor_reclaim_internal.h"

/* Limit of all waits for jobs together, in milliseconds. */
#define PANTHOR_RECLAIM_WAIT_MS		1000

/* First and longest wait for jobs with a lock held, in milliseconds. */
#define PANTHOR_RECLAIM_SLICE_MS	40
#define PANTHOR_RECLAIM_SLICE_MAX_MS	160

/* BOs that are being written to swap at a time. */
#define PANTHOR_RECLAIM_WRITES		64

/* Workers that help the requester to write. */
#define PANTHOR_RECLAIM_WORKERS		3

struct panthor_reclaim_worker {
	struct work_struct work;
	struct panthor_reclaim_run *run;
};

/* One explicit request. */
struct panthor_reclaim_run {
	struct panthor_reclaim_req req;
	struct panthor_reclaim_set set;

	/* Its signals end the request, whichever thread works for it. */
	struct task_struct *requester;

	/* Time spent waiting for jobs so far, in nanoseconds. */
	u64 waited_ns;

	/* Next wait for jobs with a lock held, in jiffies. */
	unsigned long slice;

	/* Bytes in the current batch, which are about to be evicted. */
	u64 batched;

	/* Bytes that were evicted earlier and are still to be written. */
	u64 found;

	/* Bytes of @found that have no swap entry yet. */
	u64 placeless;

	/* Rounds so far. */
	u32 round;

	/* Rounds in a row that found nothing busy. */
	u32 tries;

	/* No more waiting: this round decides about every BO. */
	bool last;

	/* Evicted memory is left in RAM because it may not go to swap. */
	bool no_swap;

	/* BOs that are being written to swap. */
	struct panthor_reclaim_writing writing[PANTHOR_RECLAIM_WRITES];
	struct panthor_reclaim_item *written[PANTHOR_RECLAIM_WRITES];
	u32 nr_writing;

	/* The next of them that nobody has started. */
	atomic_t next;

	struct panthor_reclaim_worker workers[PANTHOR_RECLAIM_WORKERS];
};

static inline struct panthor_reclaim_item *
panthor_reclaim_item(struct panthor_reclaim_run *run, u32 i)
{
	return i == PANTHOR_RECLAIM_NO_ITEM ? NULL : &run->set.items[i];
}

/* The first pending item of an entry, starting at index @i. */
static inline struct panthor_reclaim_item *
panthor_reclaim_pending(struct panthor_reclaim_run *run, u32 i)
{
	struct panthor_reclaim_item *item = panthor_reclaim_item(run, i);

	while (item && item->stage != PANTHOR_RECLAIM_PENDING)
		item = panthor_reclaim_item(run, item->next);

	return item;
}

static inline bool panthor_reclaim_stopped(struct panthor_reclaim_run *run)
{
	return signal_pending(run->requester) || drm_dev_is_unplugged(&run->req.ptdev->base);
}

/* Reasons that may no longer apply in the next round. */
static inline bool panthor_reclaim_passing(enum panthor_reclaim_reason reason)
{
	return reason == PANTHOR_RECLAIM_BUSY || reason == PANTHOR_RECLAIM_LOCKED ||
	       reason == PANTHOR_RECLAIM_CHANGED || reason == PANTHOR_RECLAIM_MMU_ERROR;
}

static inline u64 panthor_reclaim_so_far(struct panthor_reclaim_run *run)
{
	return run->req.info.total.evicted + run->req.vm.acct.evicted + run->batched;
}

/* Is enough evicted, or about to be, to meet the goal? */
static inline bool panthor_reclaim_satisfied(struct panthor_reclaim_run *run)
{
	return run->req.info.goal && panthor_reclaim_so_far(run) + run->found >= run->req.info.goal;
}

/* panthor_reclaim_write.c */
void panthor_reclaim_write(struct panthor_reclaim_run *run);

/* panthor_reclaim_evict.c */
void panthor_reclaim_evict_round(struct panthor_reclaim_run *run);

/* panthor_reclaim_wait.c */
bool panthor_reclaim_jobs(struct panthor_reclaim_run *run, struct dma_resv *resv, bool waited);
void panthor_reclaim_set_fence(struct panthor_reclaim_entry *entry, struct dma_resv *resv);
bool panthor_reclaim_wait(struct panthor_reclaim_run *run);

#endif /* __PANTHOR_RECLAIM_RUN_H__ */
