// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * How an explicit request waits for jobs.
 */

#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/timekeeping.h>

#include <drm/drm_gem.h>

#include "panthor_gem.h"
#include "panthor_reclaim_run.h"

/* Busy VMs and BOs that are waited for at a time. */
#define PANTHOR_RECLAIM_FENCES		32

static unsigned long panthor_reclaim_time_left(struct panthor_reclaim_run *run)
{
	u64 bound_ns = PANTHOR_RECLAIM_WAIT_MS * NSEC_PER_MSEC;

	return nsecs_to_jiffies(bound_ns - min(run->waited_ns, bound_ns));
}

/**
 * panthor_reclaim_jobs() - Are there jobs that use a VM or a BO?
 * @run: Request.
 * @resv: Reservation object of the VM, or of the BO.
 * @waited: All jobs that it had were waited for. If there are new ones, the client
 *	never stops submitting. It cannot submit while the lock is held, so wait
 *	for these for one slice.
 *
 * Context: Process context, may sleep. @resv is locked.
 * Return: True if there are.
 */
bool panthor_reclaim_jobs(struct panthor_reclaim_run *run, struct dma_resv *resv, bool waited)
{
	bool busy = !dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP);
	u64 start_ns;

	if (!busy || !waited || run->last || !panthor_reclaim_time_left(run))
		return busy;

	start_ns = ktime_get_ns();
	busy = dma_resv_wait_timeout(resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     min(run->slice, panthor_reclaim_time_left(run))) <= 0;
	run->waited_ns += ktime_get_ns() - start_ns;
	run->req.vm.acct.fence_ns += ktime_get_ns() - start_ns;
	run->slice = min(2 * run->slice, msecs_to_jiffies(PANTHOR_RECLAIM_SLICE_MAX_MS));
	return busy;
}

/**
 * panthor_reclaim_set_fence() - Remember the jobs that keep a VM busy
 * @entry: Entry of the VM.
 * @resv: Reservation object of the VM.
 *
 * Context: Process context, may sleep. @resv need not be locked.
 */
void panthor_reclaim_set_fence(struct panthor_reclaim_entry *entry, struct dma_resv *resv)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	u32 fences = 0;

	dma_fence_put(entry->fence);
	dma_resv_iter_begin(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			fences = 0;
		fences++;
		entry->fence_context = fence->context;
		entry->fence_seqno = fence->seqno;
	}
	dma_resv_iter_end(&cursor);
	entry->fences = fences;

	/* Without memory for that, the VM is retried but not waited for. */
	if (dma_resv_get_singleton(resv, DMA_RESV_USAGE_BOOKKEEP, &entry->fence))
		entry->fence = NULL;
}

/* What was busy in this round: VMs, and BOs that are private to no VM. */
struct panthor_reclaim_busy {
	struct dma_fence *fences[PANTHOR_RECLAIM_FENCES];
	struct panthor_reclaim_entry *entries[PANTHOR_RECLAIM_FENCES];
	struct panthor_reclaim_item *items[PANTHOR_RECLAIM_FENCES];
	u32 count;
};

static void panthor_reclaim_add_busy(struct panthor_reclaim_busy *busy, struct dma_fence *fence,
				     struct panthor_reclaim_entry *entry,
				     struct panthor_reclaim_item *item)
{
	busy->fences[busy->count] = fence;
	busy->entries[busy->count] = entry;
	busy->items[busy->count++] = item;
}

static struct dma_fence *panthor_reclaim_fence_of(struct dma_resv *resv)
{
	struct dma_fence *fence = NULL;

	if (dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP) ||
	    dma_resv_get_singleton(resv, DMA_RESV_USAGE_BOOKKEEP, &fence))
		return NULL;

	return fence;
}

/* The jobs that keep a BO busy: its own, or else those of a VM that maps it. */
static struct dma_fence *panthor_reclaim_item_fence(struct panthor_reclaim_item *item)
{
	struct dma_fence *fence = panthor_reclaim_fence_of(item->bo->base.resv);
	struct drm_gem_object *roots[PANTHOR_RECLAIM_ROOTS];
	u32 count = panthor_reclaim_roots(item->bo, NULL, roots);

	while (count--) {
		if (!fence)
			fence = panthor_reclaim_fence_of(roots[count]->resv);
		drm_gem_object_put(roots[count]);
	}

	return fence;
}

static void panthor_reclaim_find_busy(struct panthor_reclaim_run *run,
				      struct panthor_reclaim_busy *busy)
{
	struct panthor_reclaim_set *set = &run->set;

	for (u32 i = 0; i < set->nr_entries && busy->count < PANTHOR_RECLAIM_FENCES; i++) {
		struct panthor_reclaim_entry *entry = &set->entries[i];
		struct panthor_reclaim_item *item;

		if (entry->fence) {
			panthor_reclaim_add_busy(busy, entry->fence, entry, NULL);
			entry->fence = NULL;
			continue;
		}

		for (item = panthor_reclaim_pending(run, entry->first); item;
		     item = panthor_reclaim_pending(run, item->next)) {
			struct dma_fence *fence;

			if (item->reason != PANTHOR_RECLAIM_BUSY)
				continue;

			if (busy->count == PANTHOR_RECLAIM_FENCES)
				break;

			fence = panthor_reclaim_item_fence(item);
			if (fence)
				panthor_reclaim_add_busy(busy, fence, entry, item);
		}
	}
}

static void panthor_reclaim_wait_any(struct panthor_reclaim_run *run,
				     struct panthor_reclaim_busy *busy)
{
	u64 start_ns = ktime_get_ns();
	u32 idle = 0;
	long ret;

	ret = dma_fence_wait_any_timeout(busy->fences, busy->count, true,
					 panthor_reclaim_time_left(run), &idle);
	if (ret <= 0)
		idle = 0;
	run->waited_ns += ktime_get_ns() - start_ns;
	if (!ret)
		run->req.info.cut_short = PANTHOR_RECLAIM_BUSY;
	if (ret <= 0 || !panthor_reclaim_time_left(run))
		run->last = true;

	/* Account the time to what is idle now, or to the first if nothing is. */
	busy->entries[idle]->fence_ns += ktime_get_ns() - start_ns;
	if (busy->items[idle])
		busy->items[idle]->wait_ns += ktime_get_ns() - start_ns;

	for (u32 i = 0; i < busy->count; i++) {
		if (!busy->items[i] && dma_fence_is_signaled(busy->fences[i]))
			busy->entries[i]->waited = true;
		dma_fence_put(busy->fences[i]);
	}
}

/**
 * panthor_reclaim_wait() - Wait until any VM or BO that was busy is idle
 * @run: Request.
 *
 * Context: Process context, sleeps, interruptible. No locks may be held.
 * Return: False if nothing was busy.
 */
bool panthor_reclaim_wait(struct panthor_reclaim_run *run)
{
	struct panthor_reclaim_busy busy = { };

	panthor_reclaim_find_busy(run, &busy);
	if (!busy.count)
		return false;

	panthor_reclaim_wait_any(run, &busy);
	return true;
}
