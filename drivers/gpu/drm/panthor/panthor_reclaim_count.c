// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * What each client has: the numbers in fdinfo.
 *
 * A BO counts for one client, see panthor_reclaim_client.c. All numbers but one are
 * updated when they change. The exception is how much of the evicted memory is in
 * swap: the kernel's own reclaim writes pages of evicted BOs without notice. shmem
 * knows how many pages of each file are in swap, so each read of fdinfo checks a
 * limited number of BOs: of those that were not completely in swap, as many as take
 * microseconds; of the others a few, because they only change on swapoff.
 */

#include <linux/cleanup.h>
#include <linux/dma-resv.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/shmem_fs.h>
#include <linux/timekeeping.h>

#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_internal.h"

/* BOs that a read of fdinfo checks. */
#define PANTHOR_RECLAIM_LOOK_MOVING	24
#define PANTHOR_RECLAIM_LOOK_SETTLED	4

/*
 * A BO with a dma-buf does not count. The dma-buf may be one that only DRM's cache
 * still references, but that is only known to a request that asks for it.
 */
static void panthor_reclaim_count_reclaimable(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;
	bool reclaimable = bo->rcl.counted.resident &&
			   !refcount_read(&bo->backing.pin_count) &&
			   !atomic_read(&bo->rcl.dmabufs);

	lockdep_assert_held(&client->lock);

	if (reclaimable == bo->rcl.counted.reclaimable)
		return;

	bo->rcl.counted.reclaimable = reclaimable;
	if (reclaimable)
		client->reclaimable += bo->base.size;
	else
		client->reclaimable -= bo->base.size;
}

/* Update how much of a BO is in swap. shmem counts a page once it has a swap entry. */
static void panthor_reclaim_count_look(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;
	long pages = READ_ONCE(SHMEM_I(file_inode(bo->base.filp))->swapped);
	u64 in_swap = min_t(u64, (u64)max(pages, 0L) << PAGE_SHIFT, bo->base.size);

	lockdep_assert_held(&client->lock);

	client->in_swap += in_swap - bo->rcl.counted.in_swap;
	bo->rcl.counted.in_swap = in_swap;
	list_move_tail(&bo->rcl.counted.node,
		       in_swap == bo->base.size ? &client->settled : &client->moving);
}

static void panthor_reclaim_count_not_evicted(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	lockdep_assert_held(&client->lock);

	if (list_empty(&bo->rcl.counted.node))
		return;

	list_del_init(&bo->rcl.counted.node);
	client->in_swap -= bo->rcl.counted.in_swap;
	bo->rcl.counted.in_swap = 0;
	atomic64_sub(bo->base.size, &client->evicted);
}

/**
 * panthor_reclaim_count_join() - Start to count a BO for its client
 * @bo: BO.
 *
 * Context: Its client's lock is held.
 */
void panthor_reclaim_count_join(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	lockdep_assert_held(&client->lock);

	if (bo->rcl.counted.resident)
		atomic64_add(bo->base.size, &client->resident);
	panthor_reclaim_count_reclaimable(bo);
	if (bo->rcl.evicted.id) {
		atomic64_add(bo->base.size, &client->evicted);
		panthor_reclaim_count_look(bo);
	}
}

/**
 * panthor_reclaim_count_leave() - Stop counting a BO for its client
 * @bo: BO. Its shmem file still exists if it is evicted.
 *
 * Context: Its client's lock is held.
 */
void panthor_reclaim_count_leave(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	lockdep_assert_held(&client->lock);

	if (bo->rcl.counted.resident)
		atomic64_sub(bo->base.size, &client->resident);
	if (bo->rcl.counted.reclaimable)
		client->reclaimable -= bo->base.size;
	bo->rcl.counted.reclaimable = false;
	panthor_reclaim_count_not_evicted(bo);
}

/**
 * panthor_reclaim_count_pages() - A BO got its pages, or lost them
 * @bo: BO.
 * @resident: Whether it has pages.
 *
 * Context: The BO's reservation lock is held, or the BO is being freed.
 */
void panthor_reclaim_count_pages(struct panthor_gem_object *bo, bool resident)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	if (!client)
		return;

	guard(spinlock)(&client->lock);
	bo->rcl.counted.resident = resident;
	atomic64_add(resident ? bo->base.size : -(s64)bo->base.size, &client->resident);
	if (bo->rcl.evicted.id && resident)
		atomic64_inc(&client->swapins);
	panthor_reclaim_count_not_evicted(bo);
	panthor_reclaim_count_reclaimable(bo);
}

/**
 * panthor_reclaim_count_evicted() - A BO was evicted
 * @bo: BO, which has lost its pages.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_count_evicted(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	dma_resv_assert_held(bo->base.resv);

	if (!client)
		return;

	guard(spinlock)(&client->lock);
	atomic64_inc(&client->evictions);
	atomic64_add(bo->base.size, &client->evicted);
	panthor_reclaim_count_look(bo);
}

/**
 * panthor_reclaim_count_written() - Part of an evicted BO was written to swap
 * @bo: BO, referenced by the caller. It may be swapped in again.
 */
void panthor_reclaim_count_written(struct panthor_gem_object *bo)
{
	struct panthor_device *ptdev = container_of(bo->base.dev, struct panthor_device, base);

	/* The reservation lock is not held, so this lock keeps the BO's client. */
	guard(spinlock)(&ptdev->rcl.lock);
	if (bo->rcl.client) {
		guard(spinlock)(&bo->rcl.client->lock);
		if (!list_empty(&bo->rcl.counted.node))
			panthor_reclaim_count_look(bo);
	}
}

/**
 * panthor_reclaim_bo_used() - A BO may move to the tail of another LRU list
 * @bo: BO.
 * @state: Its new &panthor_gem_object.reclaim_state.
 *
 * Also called when the BO may have been pinned or unpinned.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_bo_used(struct panthor_gem_object *bo, u32 state)
{
	/* An eviction or a pin is not a use. */
	if (state != bo->reclaim_state && state != PANTHOR_GEM_UNRECLAIMABLE)
		WRITE_ONCE(bo->rcl.used_ns, ktime_get_ns());

	if (bo->rcl.client) {
		guard(spinlock)(&bo->rcl.client->lock);
		panthor_reclaim_count_reclaimable(bo);
	}
}

/* A dma-buf of a BO was created (@by is 1) or is being released (-1). */
static void panthor_reclaim_count_dmabufs(struct panthor_gem_object *bo, int by)
{
	struct panthor_device *ptdev = container_of(bo->base.dev, struct panthor_device, base);

	atomic_add(by, &bo->rcl.dmabufs);

	guard(spinlock)(&ptdev->rcl.lock);
	if (bo->rcl.client) {
		guard(spinlock)(&bo->rcl.client->lock);
		panthor_reclaim_count_reclaimable(bo);
	}
}

/**
 * panthor_reclaim_dmabuf_export() - Export a BO and count its dma-buf
 * @dev: Device.
 * @info: What drm_gem_dmabuf_export() needs to know.
 *
 * Context: Process context, may sleep.
 * Return: The dma-buf, or an error pointer.
 */
struct dma_buf *panthor_reclaim_dmabuf_export(struct drm_device *dev,
					      struct dma_buf_export_info *info)
{
	struct dma_buf *dma_buf = drm_gem_dmabuf_export(dev, info);

	if (!IS_ERR(dma_buf))
		panthor_reclaim_count_dmabufs(to_panthor_bo(info->priv), 1);

	return dma_buf;
}

/**
 * panthor_reclaim_dmabuf_release() - Release a dma-buf of a BO
 * @dma_buf: Dma-buf.
 *
 * Context: Any but interrupt context.
 */
void panthor_reclaim_dmabuf_release(struct dma_buf *dma_buf)
{
	panthor_reclaim_count_dmabufs(to_panthor_bo(dma_buf->priv), -1);
	drm_gem_dmabuf_release(dma_buf);
}

/* Check at most @most BOs in @list, those first that were not checked for longest. */
static void panthor_reclaim_count_look_at(struct list_head *list, u32 most)
{
	struct panthor_gem_object *bo, *last;

	if (list_empty(list))
		return;

	last = list_last_entry(list, typeof(*last), rcl.counted.node);
	do {
		bo = list_first_entry(list, typeof(*bo), rcl.counted.node);
		panthor_reclaim_count_look(bo);
	} while (bo != last && --most);
}

static void panthor_reclaim_count_look_around(struct panthor_reclaim_client *client)
{
	u64 in_swap;

	lockdep_assert_held(&client->lock);

	panthor_reclaim_count_look_at(&client->moving, PANTHOR_RECLAIM_LOOK_MOVING);
	in_swap = client->in_swap;
	panthor_reclaim_count_look_at(&client->settled, PANTHOR_RECLAIM_LOOK_SETTLED);

	/* Swap was turned off: the others may have changed, too. */
	if (client->in_swap != in_swap)
		list_splice_tail_init(&client->settled, &client->moving);
}

/**
 * panthor_reclaim_show_fdinfo() - Print what a resource manager needs of a client
 * @p: Printer.
 * @file: The client's file.
 *
 * The numbers are consistent with each other. For their meaning see
 * Documentation/gpu/panthor-reclaim-manager.rst.
 */
void panthor_reclaim_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct panthor_reclaim_client *client = ((struct panthor_file *)file->driver_priv)->rcl;
	u64 reclaimable, evicted, in_swap, evictions, swapins;

	scoped_guard(spinlock, &client->lock) {
		panthor_reclaim_count_look_around(client);
		reclaimable = client->reclaimable;
		in_swap = client->in_swap;
		evicted = atomic64_read(&client->evicted);
		evictions = atomic64_read(&client->evictions);
		swapins = atomic64_read(&client->swapins);
	}

	drm_printf(p, "panthor-reclaimable-memory:\t%llu KiB\n", reclaimable >> 10);
	drm_printf(p, "panthor-evicted-memory:\t%llu KiB\n", evicted >> 10);
	drm_printf(p, "panthor-evicted-swap:\t%llu KiB\n", in_swap >> 10);
	drm_printf(p, "panthor-evicted-ram:\t%llu KiB\n", (evicted - in_swap) >> 10);
	drm_printf(p, "panthor-evictions:\t%llu\n", evictions);
	drm_printf(p, "panthor-swapins:\t%llu\n", swapins);
}
