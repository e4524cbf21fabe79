// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * The shrinker's scans, accounted as requests. The shrinker itself is unchanged, it
 * reports here what it does.
 */

#include <linux/cleanup.h>
#include <linux/dma-resv.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>

#include <drm/drm_gem.h>

#include <trace/events/panthor_reclaim.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_internal.h"

/* The innermost scan of the task: an allocation in the shrinker may enter it again. */
static struct panthor_reclaim_scan *panthor_reclaim_scan_find(struct panthor_device *ptdev)
{
	struct panthor_reclaim_scan *scan;

	guard(spinlock)(&ptdev->rcl.lock);
	list_for_each_entry(scan, &ptdev->rcl.scans, node) {
		if (scan->task == current)
			return scan;
	}

	return NULL;
}

static struct panthor_reclaim_scan *panthor_reclaim_scan_of(struct panthor_gem_object *bo)
{
	return panthor_reclaim_scan_find(container_of(bo->base.dev, struct panthor_device, base));
}

static void panthor_reclaim_scan_enter(struct panthor_reclaim_scan *scan,
				       struct panthor_device *ptdev)
{
	scan->task = current;
	scan->req.ptdev = ptdev;

	guard(spinlock)(&ptdev->rcl.lock);
	list_add(&scan->node, &ptdev->rcl.scans);
}

/**
 * panthor_reclaim_scan_debugfs() - Account scans of the current task to debugfs
 * @mark: Filled in here. Ended by panthor_reclaim_scan_leave().
 * @ptdev: Device.
 */
void panthor_reclaim_scan_debugfs(struct panthor_reclaim_scan *mark, struct panthor_device *ptdev)
{
	memset(mark, 0, sizeof(*mark));
	mark->req.info.source = PANTHOR_RECLAIM_DEBUGFS;
	panthor_reclaim_scan_enter(mark, ptdev);
}

/**
 * panthor_reclaim_scan_leave() - End a scan of the current task
 * @scan: Scan.
 */
void panthor_reclaim_scan_leave(struct panthor_reclaim_scan *scan)
{
	guard(spinlock)(&scan->req.ptdev->rcl.lock);
	list_del(&scan->node);
}

/**
 * panthor_reclaim_scan_begin() - The shrinker starts a scan
 * @scan: Filled in here.
 * @ptdev: Device.
 * @nr_to_scan: Pages to scan.
 */
void panthor_reclaim_scan_begin(struct panthor_reclaim_scan *scan, struct panthor_device *ptdev,
				unsigned long nr_to_scan)
{
	struct panthor_reclaim_scan *outer = panthor_reclaim_scan_find(ptdev);
	enum panthor_reclaim_source source = PANTHOR_RECLAIM_SHRINKER;

	if (outer && !outer->req.info.id)
		source = PANTHOR_RECLAIM_DEBUGFS;
	else if (current_is_kswapd())
		source = PANTHOR_RECLAIM_KSWAPD;

	memset(scan, 0, sizeof(*scan));
	scan->req.info.goal = (u64)nr_to_scan << PAGE_SHIFT;
	panthor_reclaim_scan_enter(scan, ptdev);
	panthor_reclaim_req_begin(&scan->req, ptdev, source);
	panthor_reclaim_vm_begin(&scan->req, NULL, NULL, 0, 0);
}

/* Count what the DRM core skipped without an event. */
static void panthor_reclaim_scan_unseen(struct panthor_reclaim_scan *scan, unsigned long left)
{
	u64 unseen = (u64)(left - scan->left) << PAGE_SHIFT;

	scan->req.vm.unseen = unseen - min(unseen, scan->left_seen);
	scan->left = left;
	scan->left_seen = 0;
}

/**
 * panthor_reclaim_scan_end() - The shrinker ends a scan
 * @scan: Scan.
 * @left: Pages that the DRM core skipped in the whole scan.
 */
void panthor_reclaim_scan_end(struct panthor_reclaim_scan *scan, unsigned long left)
{
	struct panthor_reclaim_req *req = &scan->req;

	panthor_reclaim_scan_unseen(scan, left);
	panthor_reclaim_vm_fold(req);
	panthor_reclaim_scan_leave(scan);
	req->info.remaining = atomic64_read(&req->ptdev->rcl.resident);
	panthor_reclaim_req_end(req, 0);
}

/**
 * panthor_reclaim_scan_vm_begin() - The shrinker starts with a VM
 * @ptdev: Device.
 * @vm: VM, referenced by the caller.
 * @lru: BOs that are private to it.
 * @left: Pages that the DRM core has skipped so far.
 */
void panthor_reclaim_scan_vm_begin(struct panthor_device *ptdev, struct panthor_vm *vm,
				   struct drm_gem_lru *lru, unsigned long left)
{
	struct panthor_reclaim_scan *scan = panthor_reclaim_scan_find(ptdev);
	struct panthor_reclaim_vm *rcl = panthor_vm_reclaim(vm);
	u32 bos = 0;

	if (!scan)
		return;

	if (trace_panthor_vm_reclaim_begin_enabled()) {
		guard(mutex)(&ptdev->base.gem_lru_mutex);
		bos = list_count_nodes(&lru->list);
	}

	panthor_reclaim_scan_unseen(scan, left);
	panthor_reclaim_vm_fold(&scan->req);
	panthor_reclaim_vm_begin(&scan->req, rcl->client, rcl, bos,
				 (u64)READ_ONCE(lru->count) << PAGE_SHIFT);
}

/**
 * panthor_reclaim_scan_vm_end() - The shrinker is done with a VM
 * @ptdev: Device.
 * @left: Pages that the DRM core has skipped so far.
 */
void panthor_reclaim_scan_vm_end(struct panthor_device *ptdev, unsigned long left)
{
	struct panthor_reclaim_scan *scan = panthor_reclaim_scan_find(ptdev);

	if (!scan)
		return;

	panthor_reclaim_scan_unseen(scan, left);
	panthor_reclaim_vm_end(&scan->req);
}

static void panthor_reclaim_scan_skipped(struct panthor_reclaim_scan *scan,
					 struct panthor_gem_object *bo, u32 state,
					 enum panthor_reclaim_reason reason,
					 enum panthor_reclaim_lock lock, u64 duration_ns)
{
	/* The DRM core does not count a BO that moved to another list. */
	if (reason != PANTHOR_RECLAIM_CHANGED)
		scan->left_seen += bo->base.size;

	panthor_reclaim_skipped(&scan->req, bo, state, reason, lock, scan->wait_ns, duration_ns);
	scan->wait_ns = 0;
}

/**
 * panthor_reclaim_scan_wait() - Wait for the jobs that use a BO
 * @bo: BO.
 *
 * Context: The BO's reservation lock is held.
 * Return: True if they are done, false after a timeout of 10 jiffies.
 */
bool panthor_reclaim_scan_wait(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_scan *scan = panthor_reclaim_scan_of(bo);
	u64 start_ns = ktime_get_ns();
	bool idle;

	idle = dma_resv_wait_timeout(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP, false, 10) > 0;
	if (!scan)
		return idle;

	scan->wait_ns = ktime_get_ns() - start_ns;
	scan->req.vm.acct.fence_ns += scan->wait_ns;
	if (!idle)
		panthor_reclaim_scan_skipped(scan, bo, bo->reclaim_state, PANTHOR_RECLAIM_BUSY,
					     PANTHOR_RECLAIM_LOCK_NONE, 0);

	return idle;
}

/**
 * panthor_reclaim_scan_evict() - Evict a BO and account for it
 * @bo: BO.
 *
 * Context: The BO's reservation lock is held.
 * Return: True if it was evicted.
 */
bool panthor_reclaim_scan_evict(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_scan *scan = panthor_reclaim_scan_of(bo);
	struct panthor_reclaim_ctx ctx = { };
	u64 start_ns = ktime_get_ns();
	u32 state = bo->reclaim_state;
	u64 duration_ns;
	int ret;

	ret = panthor_gem_evict(&bo->base, &ctx);
	if (!scan)
		return !ret;

	duration_ns = ktime_get_ns() - start_ns;
	if (!ret) {
		panthor_reclaim_evicted(&scan->req, bo, state, scan->wait_ns, duration_ns);
		scan->wait_ns = 0;
	} else {
		enum panthor_reclaim_reason reason = panthor_reclaim_reason(ret, &ctx);

		scan->req.vm.acct.unmap_ns += duration_ns;
		panthor_reclaim_scan_skipped(scan, bo, state, reason, ctx.lock, duration_ns);
	}

	return !ret;
}
