/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef __PANTHOR_RECLAIM_RUN_H__
#define __PANTHOR_RECLAIM_RUN_H__

/*
 * What the steps of an explicit request share. Each file calls those below it:
 *
 *	panthor_reclaim.c	the request: its rounds, its writes, its result
 *	_evict			one round of eviction
 *	_wait			waiting for jobs
 */

#include <linux/sched/signal.h>

#include <drm/drm_drv.h>

#include "panthor_device.h"
#include "panthor_reclaim_internal.h"

/* All waiting for jobs together ends after this, in milliseconds. */
#define PANTHOR_RECLAIM_WAIT_MS		1000

/* The first wait for jobs with a lock held, and the longest, in milliseconds. */
#define PANTHOR_RECLAIM_SLICE_MS	40
#define PANTHOR_RECLAIM_SLICE_MAX_MS	160

/* BOs that are on their way to swap before the first of them is waited for. */
#define PANTHOR_RECLAIM_WRITES		64

/* One explicit request. */
struct panthor_reclaim_run {
	struct panthor_reclaim_req req;
	struct panthor_reclaim_set set;

	/* Time spent waiting for jobs so far. */
	u64 waited_ns;

	/* How long jobs are waited for with a lock held, in jiffies. */
	unsigned long slice;

	/* Bytes that are about to be evicted. */
	u64 batched;

	/* Bytes that were evicted before, and are to be written. */
	u64 found;

	/* Bytes of these that have no place in swap yet. */
	u64 placeless;

	/* Rounds so far. */
	u32 round;

	/* Rounds in a row that found nothing busy. */
	u32 tries;

	/* Nothing will be waited for any more: settle everything. */
	bool last;

	/* Something is evicted and in RAM that may not go to swap. */
	bool no_swap;

	/* No CPU has folios in a batch that were evicted before. */
	bool drained;

	/* What is on its way to swap. */
	struct panthor_reclaim_writing writing[PANTHOR_RECLAIM_WRITES];
	struct panthor_reclaim_item *written[PANTHOR_RECLAIM_WRITES];
};

static inline struct panthor_reclaim_item *
panthor_reclaim_item(struct panthor_reclaim_run *run, u32 i)
{
	return i == PANTHOR_RECLAIM_NO_ITEM ? NULL : &run->set.items[i];
}

/* The item at @i, or the first one of the same entry behind it, that is pending. */
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
	return signal_pending(current) || drm_dev_is_unplugged(&run->req.ptdev->base);
}

/* Reasons that may not hold any more in the next round. */
static inline bool panthor_reclaim_passing(enum panthor_reclaim_reason reason)
{
	return reason == PANTHOR_RECLAIM_BUSY || reason == PANTHOR_RECLAIM_LOCKED ||
	       reason == PANTHOR_RECLAIM_CHANGED || reason == PANTHOR_RECLAIM_MMU_ERROR;
}

static inline u64 panthor_reclaim_so_far(struct panthor_reclaim_run *run)
{
	return run->req.info.total.evicted + run->req.vm.acct.evicted + run->batched;
}

/* Does it take no more to leave as much RAM free as is wanted? */
static inline bool panthor_reclaim_satisfied(struct panthor_reclaim_run *run)
{
	return run->req.info.goal && panthor_reclaim_so_far(run) + run->found >= run->req.info.goal;
}

/* panthor_reclaim_evict.c */
void panthor_reclaim_evict_round(struct panthor_reclaim_run *run);

/* panthor_reclaim_wait.c */
bool panthor_reclaim_jobs(struct panthor_reclaim_run *run, struct dma_resv *resv, bool waited);
void panthor_reclaim_set_fence(struct panthor_reclaim_entry *entry, struct dma_resv *resv);
bool panthor_reclaim_wait(struct panthor_reclaim_run *run);

#endif /* __PANTHOR_RECLAIM_RUN_H__ */
