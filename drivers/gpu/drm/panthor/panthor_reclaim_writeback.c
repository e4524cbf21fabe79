// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Eviction ends with ordinary dirty pages in the page cache of the BO's shmem
 * file: swappable, but not one byte of RAM is free yet. This takes them the
 * rest of the way, whoever evicted them.
 *
 * No lock is held or waited for. What was swapped in meanwhile has references,
 * and is skipped. Requests that meet on one BO do not
 * wait for each other either: the later one leaves the BO to the earlier.
 */

#include <linux/atomic.h>
#include <linux/cgroup.h>
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>
#include <linux/writeback.h>

#include "panthor_gem.h"
#include "panthor_reclaim_internal.h"

#ifdef CONFIG_RECLAIM_SHMEM

#define PANTHOR_RECLAIM_WRITES_TO	PANTHOR_RECLAIM_WB_FREE

static unsigned long panthor_reclaim_range(struct panthor_gem_object *bo, pgoff_t start,
					   pgoff_t end, bool wait, unsigned long *found)
{
	return reclaim_shmem_range(bo->base.filp->f_mapping, start, end, wait, false, found);
}

static void panthor_reclaim_drain(struct panthor_gem_object *bo)
{
	unsigned long found = 0;

	/* Of an empty range. */
	reclaim_shmem_range(bo->base.filp->f_mapping, 1, 0, false, true, &found);
}

#else

/*
 * All that a module can do: the folios end up clean in the swap cache, where
 * the next reclaim frees them without I/O.
 */
#define PANTHOR_RECLAIM_WRITES_TO	PANTHOR_RECLAIM_WB_SWAPCACHE

/* Write a folio, locked by us; returns the number of its pages that are on their way. */
static unsigned long panthor_reclaim_write_folio(struct folio *folio)
{
	unsigned long nr;
	int ret;

	if (!folio_clear_dirty_for_io(folio)) {
		folio_unlock(folio);
		return 0;
	}

	/* The end of the write puts it first in line for whoever reclaims next. */
	folio_set_reclaim(folio);
	ret = shmem_write_folio(folio);
	nr = folio_nr_pages(folio);
	if (folio_test_writeback(folio))
		return nr;

	/* Written at once, or not at all. */
	folio_clear_reclaim(folio);
	if (ret == AOP_WRITEPAGE_ACTIVATE)
		folio_unlock(folio);

	return folio_test_dirty(folio) ? 0 : nr;
}

/*
 * Whoever wants a folio back from here on has to wait for its lock; who has got
 * it already has a reference. So may a CPU's batch, unless nobody can be bringing
 * the BO back: who does has its lock for long, so do not wait for that.
 */
static bool panthor_reclaim_lock_unused(struct folio *folio, struct address_space *mapping,
					bool evicted)
{
	if (!folio_trylock(folio))
		return false;

	if (folio->mapping == mapping && !folio_mapped(folio) &&
	    (evicted || folio_ref_count(folio) == folio_expected_ref_count(folio) + 1))
		return true;

	folio_unlock(folio);
	return false;
}

static unsigned long panthor_reclaim_range(struct panthor_gem_object *bo, pgoff_t start,
					   pgoff_t end, bool wait, unsigned long *found)
{
	struct address_space *mapping = bo->base.filp->f_mapping;
	struct folio_batch batch;
	unsigned long nr = 0;

	folio_batch_init(&batch);
	while (!wait && !signal_pending(current) &&
	       filemap_get_folios(mapping, &start, end, &batch)) {
		bool locked = dma_resv_trylock(bo->base.resv);
		bool evicted = locked && !bo->backing.pages;
		struct folio *folio;

		while ((folio = folio_batch_next(&batch))) {
			pgoff_t next = folio->index + 1;
			bool large = folio_test_large(folio);

			if (signal_pending(current) ||
			    !panthor_reclaim_lock_unused(folio, mapping, evicted))
				continue;

			nr += panthor_reclaim_write_folio(folio);
			/* Split, for want of room, and just one page of it written? */
			if (large && !folio_test_large(folio)) {
				start = next;
				break;
			}
		}
		if (locked)
			dma_resv_unlock(bo->base.resv);
		folio_batch_release(&batch);
	}

	return nr;
}

static void panthor_reclaim_drain(struct panthor_gem_object *bo)
{
}

#endif

/* Pages of a BO that are looked at before signals, and the BO's state, are again. */
#define PANTHOR_RECLAIM_STEP	SWAP_CLUSTER_MAX

/**
 * panthor_reclaim_write_kind() - How far this kernel can push pages
 *
 * Return: %PANTHOR_RECLAIM_WB_FREE, or %PANTHOR_RECLAIM_WB_SWAPCACHE without
 * mm's helper.
 */
enum panthor_reclaim_writeback panthor_reclaim_write_kind(void)
{
	return PANTHOR_RECLAIM_WRITES_TO;
}

/**
 * panthor_reclaim_in_ram() - How much of an evicted BO still takes RAM
 * @bo: BO.
 *
 * Of what is in the swap cache only that is known which an earlier write has
 * left there.
 *
 * Context: Any. A hint unless the BO's reservation lock is held.
 * Return: Bytes, 0 if the BO has its pages.
 */
u64 panthor_reclaim_in_ram(struct panthor_gem_object *bo)
{
	u64 size;

	if (!bo->base.filp || READ_ONCE(bo->backing.pages))
		return 0;

	size = (u64)READ_ONCE(bo->base.filp->f_mapping->nrpages) << PAGE_SHIFT;
	return min(size + READ_ONCE(bo->rcl.swapcached), bo->base.size);
}

/* Pages that may go to swap, of whoever a folio is charged to. */
static long panthor_reclaim_room(struct folio *folio)
{
	long room = get_nr_swap_pages();

#ifdef CONFIG_MEMCG
	guard(rcu)();
	if (!mem_cgroup_disabled() && cgroup_subsys_on_dfl(memory_cgrp_subsys)) {
		struct mem_cgroup *memcg = folio_memcg(folio);

		for (; memcg && !mem_cgroup_is_root(memcg); memcg = parent_mem_cgroup(memcg))
			room = min(room, (long)(READ_ONCE(memcg->swap.max) -
						page_counter_read(&memcg->swap)));
	}
#endif

	return max(room, 0L);
}

/**
 * panthor_reclaim_may_swap() - Is there room in swap for a BO?
 * @bo: BO that has pages.
 * @owed: Bytes that will be written before it.
 *
 * Swap as a whole has to have it, and so does the cgroup that the BO's first
 * page is charged to.
 *
 * Context: The BO's reservation lock is held.
 * Return: True if there is.
 */
bool panthor_reclaim_may_swap(struct panthor_gem_object *bo, u64 owed)
{
	u64 room = (u64)panthor_reclaim_room(page_folio(bo->backing.pages[0])) << PAGE_SHIFT;

	return room >= owed + bo->base.size;
}

/**
 * panthor_reclaim_has_swap() - May any more of an evicted BO go to swap?
 * @bo: BO.
 *
 * Context: May sleep.
 * Return: False if there is no room left that it may use.
 */
bool panthor_reclaim_has_swap(struct panthor_gem_object *bo)
{
	pgoff_t start = 0, end = (bo->base.size >> PAGE_SHIFT) - 1;
	struct folio_batch batch;
	bool room = true;

	folio_batch_init(&batch);
	if (filemap_get_folios(bo->base.filp->f_mapping, &start, end, &batch))
		room = panthor_reclaim_room(batch.folios[0]) > 0;
	folio_batch_release(&batch);

	return room;
}

/* Is what is left of a BO in RAM still worth writing? What only we hold is freed soon. */
static bool panthor_reclaim_is_wanted(struct panthor_gem_object *bo)
{
	return !READ_ONCE(bo->backing.pages) && kref_read(&bo->base.refcount) > 1;
}

static void panthor_reclaim_write_pass(struct panthor_reclaim_writing *w, bool wait)
{
	struct panthor_gem_object *bo = w->bo;
	struct inode *inode = file_inode(bo->base.filp);
	long swapped = READ_ONCE(SHMEM_I(inode)->swapped);
	pgoff_t index, end = bo->base.size >> PAGE_SHIFT;
	unsigned long found = 0, done = 0;
	long written, left;

	for (index = 0; index < end; index += PANTHOR_RECLAIM_STEP) {
		if (signal_pending(current) || !panthor_reclaim_is_wanted(bo))
			break;

		done += panthor_reclaim_range(bo, index, index + PANTHOR_RECLAIM_STEP - 1, wait,
					      &found);
		cond_resched();
	}

	written = max((long)READ_ONCE(SHMEM_I(inode)->swapped) - swapped, 0L);
	w->written += (u64)written << PAGE_SHIFT;
	if (panthor_reclaim_write_kind() == PANTHOR_RECLAIM_WB_FREE)
		w->freed += (u64)done << PAGE_SHIFT;

	/* Of what was looked at all, it is known; else it is what it should be. */
	if (panthor_reclaim_write_kind() == PANTHOR_RECLAIM_WB_FREE && index >= end &&
	    !signal_pending(current))
		left = found - done - inode->i_mapping->nrpages;
	else
		left = (bo->rcl.swapcached >> PAGE_SHIFT) + written - done;
	WRITE_ONCE(bo->rcl.swapcached, (u64)max(left, 0L) << PAGE_SHIFT);
}

/**
 * panthor_reclaim_write_start() - Start to push an evicted BO to swap
 * @w: Filled in here, for panthor_reclaim_write_end().
 * @bo: BO, referenced by the caller.
 *
 * One that has its pages again, that nobody but the caller has a reference on, or
 * that another request is writing is left alone.
 *
 * Context: Process context, sleeps, does I/O. No locks may be held. Ends early
 * when a signal is pending.
 */
void panthor_reclaim_write_start(struct panthor_reclaim_writing *w, struct panthor_gem_object *bo)
{
	*w = (struct panthor_reclaim_writing){ .bo = bo, .start_ns = ktime_get_ns() };

	if (atomic_xchg_acquire(&bo->rcl.writing, 1))
		w->err = -EBUSY;
	else if (panthor_reclaim_in_ram(bo))
		panthor_reclaim_write_pass(w, false);

	w->duration_ns = ktime_get_ns() - w->start_ns;
}

/* What has not got to the device by now is not written, until it turns out to be free. */
static void panthor_reclaim_book_late(struct panthor_reclaim_writing *w)
{
	struct panthor_gem_object *bo = w->bo;
	u64 done = min(READ_ONCE(bo->rcl.late), w->freed);
	u64 late = min(w->written, READ_ONCE(bo->rcl.swapcached));

	w->written = min(w->written + done - late, bo->base.size);
	WRITE_ONCE(bo->rcl.late, bo->rcl.late + late - done);
}

/**
 * panthor_reclaim_write_end() - Wait until an evicted BO is in swap, and its RAM
 * free
 * @w: What panthor_reclaim_write_start() has filled in. @written and @freed are
 * what was done since then, @left is what of the BO is still in RAM, @err is
 * %-EINTR if a signal cut it short, %-EBUSY if another request is at it.
 *
 * Context: As panthor_reclaim_write_start().
 */
void panthor_reclaim_write_end(struct panthor_reclaim_writing *w)
{
	struct panthor_gem_object *bo = w->bo;
	u64 start_ns = ktime_get_ns();

	if (!w->err && bo->rcl.swapcached)
		panthor_reclaim_write_pass(w, true);

	w->left = panthor_reclaim_in_ram(bo);
	if (!w->err) {
		if (w->left && signal_pending(current))
			w->err = -EINTR;
		else
			panthor_reclaim_book_late(w);
		atomic_set_release(&bo->rcl.writing, 0);
	}

	w->duration_ns += ktime_get_ns() - start_ns;
}

/**
 * panthor_reclaim_write_drain() - Get at folios that some CPU has in a batch
 * @bo: Any BO.
 *
 * Such a folio cannot be freed. Batches are small, but so may BOs be, and each
 * CPU has some; emptying all of them is too much to do for each BO. Meant to be
 * done once a request, if there are BOs that have something left in RAM, before
 * these are written a second time.
 *
 * Context: Process context, sleeps.
 */
void panthor_reclaim_write_drain(struct panthor_gem_object *bo)
{
	panthor_reclaim_drain(bo);
}
