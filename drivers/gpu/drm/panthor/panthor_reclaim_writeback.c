// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Eviction ends with ordinary dirty pages in the page cache of the BO's shmem
 * file: swappable, but not one byte of RAM is free yet. This takes them the
 * rest of the way.
 */

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/writeback.h>

#include "panthor_gem.h"
#include "panthor_reclaim.h"

#ifdef reclaim_shmem_mapping

static enum panthor_reclaim_writeback
panthor_reclaim_write_mapping(struct panthor_gem_object *bo, struct address_space *mapping,
			      bool wait, u64 *freed)
{
	/* Takes only folios that nobody uses, so a BO that returns meanwhile loses nothing. */
	*freed = (u64)reclaim_shmem_mapping(mapping, wait) << PAGE_SHIFT;
	return PANTHOR_RECLAIM_WB_FREE;
}

#else

/*
 * All that a module can do: the folios end up clean in the swap cache, where
 * the next reclaim frees them without I/O.
 */
static enum panthor_reclaim_writeback
panthor_reclaim_write_mapping(struct panthor_gem_object *bo, struct address_space *mapping,
			      bool wait, u64 *freed)
{
	struct folio_batch batch;
	pgoff_t index = 0;

	*freed = 0;
	if (wait)
		return PANTHOR_RECLAIM_WB_SWAPCACHE;

	/* A folio must not be taken from the cache under somebody who got it back. */
	if (dma_resv_lock_interruptible(bo->base.resv, NULL))
		return PANTHOR_RECLAIM_WB_NONE;

	folio_batch_init(&batch);
	while (!bo->backing.pages && !signal_pending(current) &&
	       filemap_get_folios(mapping, &index, -1, &batch)) {
		for (u32 i = 0; i < folio_batch_count(&batch); i++) {
			struct folio *folio = batch.folios[i];

			folio_lock(folio);
			if (folio->mapping != mapping || folio_mapped(folio) ||
			    !folio_clear_dirty_for_io(folio) ||
			    shmem_write_folio(folio) == AOP_WRITEPAGE_ACTIVATE)
				folio_unlock(folio);
		}
		folio_batch_release(&batch);
		cond_resched();
	}

	dma_resv_unlock(bo->base.resv);
	return PANTHOR_RECLAIM_WB_SWAPCACHE;
}

#endif

/**
 * panthor_reclaim_write_bo() - Push the pages of an evicted BO to swap
 * @bo: BO.
 * @wait: For what an earlier call without has begun to write.
 * @written: Where the bytes of it that are in swap go.
 * @freed: Where the bytes of it that this call made free RAM go. Without @wait
 *	that is all that is written if the swap device is a synchronous one.
 *
 * A BO that has its pages again is left alone. A signal ends it early.
 *
 * Context: Process context, sleeps, does I/O. No locks may be held.
 * Return: How far the pages were pushed.
 */
enum panthor_reclaim_writeback panthor_reclaim_write_bo(struct panthor_gem_object *bo, bool wait,
							u64 *written, u64 *freed)
{
	struct inode *inode = file_inode(bo->base.filp);
	enum panthor_reclaim_writeback done = PANTHOR_RECLAIM_WB_NONE;

	*written = 0;
	*freed = 0;
	if (!READ_ONCE(bo->backing.pages)) {
		done = panthor_reclaim_write_mapping(bo, inode->i_mapping, wait, freed);
		*written = (u64)READ_ONCE(SHMEM_I(inode)->swapped) << PAGE_SHIFT;
	}

	return done;
}
