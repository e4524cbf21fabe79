// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Write an evicted BO to swap and free its RAM.
 *
 * Eviction leaves ordinary dirty pages in the page cache of the BO's shmem file:
 * swappable, but no RAM is free yet. It does not matter who evicted the BO.
 *
 * No lock is held or waited for. Pages that were swapped in meanwhile have
 * references and are skipped. Concurrent requests for one BO do not wait for each
 * other: the later one skips the BO.
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

static void panthor_reclaim_drain(struct panthor_gem_object *bo, bool all)
{
	unsigned long found = 0;

	/* An empty range. */
	reclaim_shmem_range(bo->base.filp->f_mapping, 1, 0, false, all, &found);
}

#else

/*
 * What a module can do without the mm helper: the folios end up clean in the swap
 * cache, where the next reclaim frees them without I/O.
 */
#define PANTHOR_RECLAIM_WRITES_TO	PANTHOR_RECLAIM_WB_SWAPCACHE

/* Write a folio that we have locked. Returns the number of pages that are being written. */
static unsigned long panthor_reclaim_write_folio(struct folio *folio)
{
	unsigned long nr;
	int ret;

	if (!folio_clear_dirty_for_io(folio)) {
		folio_unlock(folio);
		return 0;
	}

	/* At the end of the write it moves to the tail of the LRU, to be reclaimed first. */
	folio_set_reclaim(folio);
	ret = shmem_write_folio(folio);
	nr = folio_nr_pages(folio);
	if (folio_test_writeback(folio))
		return nr;

	/* Written synchronously, or not at all. */
	folio_clear_reclaim(folio);
	if (ret == AOP_WRITEPAGE_ACTIVATE)
		folio_unlock(folio);

	return folio_test_dirty(folio) ? 0 : nr;
}

/*
 * Lock a folio that is not in use. To swap it in takes the lock from here on, and a
 * thread that did so before holds a reference. So may the folio batch of a CPU, which
 * does not matter if @evicted: the BO's reservation lock is held, so that no thread
 * can be swapping it in. That lock may be held for long, so the caller only tries it.
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
			/* It was split for lack of room, and only one page was written. */
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

static void panthor_reclaim_drain(struct panthor_gem_object *bo, bool all)
{
}

#endif

/**
 * panthor_reclaim_write_kind() - What a write can do with the pages
 *
 * Return: %PANTHOR_RECLAIM_WB_FREE, or %PANTHOR_RECLAIM_WB_SWAPCACHE without the mm
 * helper.
 */
enum panthor_reclaim_writeback panthor_reclaim_write_kind(void)
{
	return PANTHOR_RECLAIM_WRITES_TO;
}

/**
 * panthor_reclaim_in_ram() - How much of an evicted BO is still in RAM
 * @bo: BO.
 *
 * Of the swap cache it only counts what an earlier write left there.
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

/* Pages that may go to swap for the cgroup that a folio is charged to. */
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
 * Both swap as a whole and the cgroup that the BO's first page is charged to must
 * have room.
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
 * panthor_reclaim_has_swap() - May more of an evicted BO go to swap?
 * @bo: BO.
 *
 * Context: May sleep.
 * Return: False if no room is left that it may use.
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

/* Is a BO still evicted, and not about to be freed when we drop our reference? */
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
		if (signal_pending(w->requester) || !panthor_reclaim_is_wanted(bo))
			break;

		done += panthor_reclaim_range(bo, index, index + PANTHOR_RECLAIM_STEP - 1, wait,
					      &found);
		cond_resched();
	}

	written = max((long)READ_ONCE(SHMEM_I(inode)->swapped) - swapped, 0L);
	w->written += (u64)written << PAGE_SHIFT;
	if (panthor_reclaim_write_kind() == PANTHOR_RECLAIM_WB_FREE)
		w->freed += (u64)done << PAGE_SHIFT;

	/* Known exactly if the whole BO was looked at, else computed. */
	if (panthor_reclaim_write_kind() == PANTHOR_RECLAIM_WB_FREE && index >= end &&
	    !signal_pending(w->requester))
		left = found - done - inode->i_mapping->nrpages;
	else
		left = (bo->rcl.swapcached >> PAGE_SHIFT) + written - done;
	WRITE_ONCE(bo->rcl.swapcached, (u64)max(left, 0L) << PAGE_SHIFT);
}

/**
 * panthor_reclaim_write_start() - Start to write an evicted BO to swap
 * @w: &panthor_reclaim_writing.bo, which the caller has a reference on,
 *     &panthor_reclaim_writing.requester and &panthor_reclaim_writing.start_ns, the time
 *     now, are set. The rest is filled in, for panthor_reclaim_write_end().
 *
 * Does nothing if the BO was swapped in, if only the caller has a reference on it,
 * or if another request is writing it.
 *
 * Context: Any process context, sleeps, does I/O. No locks may be held. Ends early if
 * the requester has a signal pending.
 */
void panthor_reclaim_write_start(struct panthor_reclaim_writing *w)
{
	struct panthor_gem_object *bo = w->bo;

	if (atomic_xchg_acquire(&bo->rcl.writing, 1))
		w->err = -EBUSY;
	else if (panthor_reclaim_in_ram(bo))
		panthor_reclaim_write_pass(w, false);

	w->duration_ns = ktime_get_ns() - w->start_ns;
	w->blocked_ns = w->duration_ns;
}

/* Pages still being written count as written by the request that finds them free. */
static void panthor_reclaim_book_late(struct panthor_reclaim_writing *w)
{
	struct panthor_gem_object *bo = w->bo;
	u64 done = min(READ_ONCE(bo->rcl.late), w->freed);
	u64 late = min(w->written, READ_ONCE(bo->rcl.swapcached));

	w->written = min(w->written + done - late, bo->base.size);
	WRITE_ONCE(bo->rcl.late, bo->rcl.late + late - done);
}

/**
 * panthor_reclaim_write_end() - Wait until an evicted BO is in swap and its RAM free
 * @w: As filled in by panthor_reclaim_write_start(). Has the result when this returns.
 *
 * Context: As panthor_reclaim_write_start().
 */
void panthor_reclaim_write_end(struct panthor_reclaim_writing *w)
{
	struct panthor_gem_object *bo = w->bo;

	if (!w->err && bo->rcl.swapcached) {
		u64 start_ns = ktime_get_ns(), took_ns;

		panthor_reclaim_write_pass(w, true);
		took_ns = ktime_get_ns() - start_ns;
		w->duration_ns += took_ns;
		w->blocked_ns += took_ns;
	}

	w->left = panthor_reclaim_in_ram(bo);
	if (!w->err) {
		if (w->left && signal_pending(w->requester))
			w->err = -EINTR;
		else
			panthor_reclaim_book_late(w);
		atomic_set_release(&bo->rcl.writing, 0);
	}
}

/**
 * panthor_reclaim_write_drain() - Drain folio batches
 * @bo: Any BO.
 * @all: Of all CPUs, not of this one only.
 *
 * A folio in the batch of a CPU cannot be freed by another. Batches are small, but so
 * may BOs be, and each CPU has several. Draining those of all CPUs is too expensive to
 * do for each BO. Do it when all BOs were tried, if some are still partly in RAM, and
 * write these again.
 *
 * Context: Process context, sleeps.
 */
void panthor_reclaim_write_drain(struct panthor_gem_object *bo, bool all)
{
	panthor_reclaim_drain(bo, all);
}
