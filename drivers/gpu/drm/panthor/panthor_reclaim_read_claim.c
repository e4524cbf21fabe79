// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Read the BOs of a claim from swap.
 *
 * A page of shmem can only be read by waiting for it. That keeps a disk idle most of
 * the time: while one read is on its way to the disk and back, and while the claim
 * maps a BO. So once a read has slept, works read what comes next. With swap in RAM no
 * read sleeps, and nothing is read ahead.
 *
 * Works read what the claim would read next anyway, no more: neither beyond its goal
 * nor a BO for which there is no free memory. When the claim arrives at what a work
 * reads, it stops the work and goes on from there, so that it never waits for more
 * than the page that is being read.
 */

#include <linux/kref.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "panthor_gem.h"
#include "panthor_reclaim_claim.h"

/*
 * Free memory in bytes that a claim may use. Above the high watermark kswapd
 * sleeps. Leave as much again for other allocations, or they would wake it.
 */
static u64 panthor_reclaim_free_memory(void)
{
	s64 pages = 0;
	int node;

	for_each_online_node(node) {
		bool highest = true;

		for (int i = gfp_zone(GFP_HIGHUSER); i >= 0; i--) {
			struct zone *zone = &NODE_DATA(node)->node_zones[i];
			s64 spare;

			if (!populated_zone(zone))
				continue;

			spare = zone_page_state(zone, NR_FREE_PAGES);
			spare -= zone_page_state(zone, NR_FREE_CMA_PAGES);
			spare -= 2 * high_wmark_pages(zone);
			spare -= READ_ONCE(zone->lowmem_reserve[MAX_NR_ZONES - 1]);
			/*
			 * The allocator turns to a lower zone only when this one is at its low
			 * watermark: what is missing here by then is taken off the others.
			 */
			if (highest || spare > 0)
				pages += spare;
			highest = false;
		}
	}

	return max(pages, 0) << PAGE_SHIFT;
}

/**
 * panthor_reclaim_is_evicted() - Is a BO evicted?
 * @bo: BO.
 *
 * Return: True if it is. A hint unless the BO's reservation lock is held.
 */
bool panthor_reclaim_is_evicted(struct panthor_gem_object *bo)
{
	return READ_ONCE(bo->rcl.evicted.id) && !READ_ONCE(bo->backing.pages);
}

/*
 * Read pages until @stop is set. The allocation must not reclaim: a claim is not to
 * evict memory of other processes.
 */
static int panthor_reclaim_read_pages(struct panthor_gem_object *bo, pgoff_t index, pgoff_t end,
				      const bool *stop)
{
	struct address_space *mapping = bo->base.filp->f_mapping;
	gfp_t gfp = (mapping_gfp_mask(mapping) & ~(__GFP_RECLAIM | __GFP_RETRY_MAYFAIL)) |
		    __GFP_NORETRY | __GFP_NOWARN;

	while (index < end && !READ_ONCE(*stop)) {
		struct folio *folio = shmem_read_folio_gfp(mapping, index, gfp);

		if (IS_ERR(folio))
			return PTR_ERR(folio);

		index = folio_next_index(folio);
		folio_put(folio);
	}

	return 0;
}

static void panthor_reclaim_read_ahead(struct work_struct *work)
{
	struct panthor_reclaim_ahead *ahead = container_of(work, typeof(*ahead), work);
	const u64 need = (PANTHOR_RECLAIM_READS + 1) * PANTHOR_RECLAIM_STEP * PAGE_SIZE;

	/* The claim will meet the same error, if there is one. */
	if (panthor_reclaim_is_evicted(ahead->bo) && panthor_reclaim_free_memory() >= need)
		panthor_reclaim_read_pages(ahead->bo, ahead->start, ahead->end, &ahead->stop);
}

static void panthor_reclaim_stop_ahead(struct panthor_reclaim_ahead *ahead)
{
	if (!ahead->bo)
		return;

	WRITE_ONCE(ahead->stop, true);
	cancel_work_sync(&ahead->work);
	ahead->bo = NULL;
}

static struct panthor_gem_object *panthor_reclaim_reader_bo(struct panthor_reclaim_reader *reader,
							    u32 nr)
{
	return reader->set->items[reader->sorted[nr - 1].index].bo;
}

/* May the BO at @nr be read ahead, after all from the current one on? */
static bool panthor_reclaim_may_read(struct panthor_reclaim_reader *reader, u32 nr)
{
	u64 before = 0, step = PANTHOR_RECLAIM_STEP * PAGE_SIZE;

	for (u32 i = reader->nr; i > nr; i--)
		before += panthor_reclaim_reader_bo(reader, i)->base.size;

	if (reader->want && before >= reader->want)
		return false;

	before += panthor_reclaim_reader_bo(reader, nr)->base.size;
	return panthor_reclaim_free_memory() >= before + PANTHOR_RECLAIM_READS * step;
}

/* Find what to read next. Returns its BO, or NULL if nothing may be read now. */
static struct panthor_gem_object *panthor_reclaim_find_ahead(struct panthor_reclaim_reader *reader)
{
	for (; reader->ahead_nr; reader->ahead_nr--, reader->ahead_start = 0) {
		struct panthor_gem_object *bo = panthor_reclaim_reader_bo(reader, reader->ahead_nr);

		if (reader->ahead_start < bo->base.size >> PAGE_SHIFT &&
		    panthor_reclaim_is_evicted(bo))
			return panthor_reclaim_may_read(reader, reader->ahead_nr) ? bo : NULL;
	}

	return NULL;
}

/* The claim reads the current BO from page @start on: have works read what follows. */
static void panthor_reclaim_plan_ahead(struct panthor_reclaim_reader *reader, pgoff_t start)
{
	struct panthor_gem_object *bo = panthor_reclaim_reader_bo(reader, reader->nr);

	for (u32 i = 0; i < PANTHOR_RECLAIM_READS; i++) {
		if (reader->ahead[i].bo == bo && reader->ahead[i].start <= start)
			panthor_reclaim_stop_ahead(&reader->ahead[i]);
	}

	if (!reader->slow)
		return;

	if (reader->ahead_nr > reader->nr ||
	    (reader->ahead_nr == reader->nr && reader->ahead_start <= start)) {
		reader->ahead_nr = reader->nr;
		reader->ahead_start = start + PANTHOR_RECLAIM_STEP;
	}

	for (u32 i = 0; i < PANTHOR_RECLAIM_READS; i++) {
		struct panthor_reclaim_ahead *ahead = &reader->ahead[i];

		if (ahead->bo)
			continue;

		bo = panthor_reclaim_find_ahead(reader);
		if (!bo)
			break;

		ahead->bo = bo;
		ahead->start = reader->ahead_start;
		reader->ahead_start += PANTHOR_RECLAIM_STEP;
		ahead->end = min(reader->ahead_start, bo->base.size >> PAGE_SHIFT);
		ahead->stop = false;
		queue_work(system_dfl_wq, &ahead->work);
	}
}

/**
 * panthor_reclaim_read() - Read the current BO of a claim
 * @reader: Reader.
 *
 * Context: Process context, sleeps, interruptible. No locks may be held.
 * Return: 0 if all of its pages are in RAM; 1 if they need not be; %-EINTR;
 * %-ENOMEM if there is not enough free memory; or another error of the read.
 */
int panthor_reclaim_read(struct panthor_reclaim_reader *reader)
{
	struct panthor_gem_object *bo = panthor_reclaim_reader_bo(reader, reader->nr);
	pgoff_t end = bo->base.size >> PAGE_SHIFT, next;
	const bool stop = false;

	if (panthor_reclaim_free_memory() < bo->base.size - panthor_reclaim_in_ram(bo))
		return -ENOMEM;

	for (pgoff_t start = 0; start < end; start = next) {
		unsigned long sleeps;
		int ret;

		/* It is about to be freed, or was swapped in meanwhile. */
		if (kref_read(&bo->base.refcount) == 1 || !panthor_reclaim_is_evicted(bo))
			return 1;

		if (signal_pending(current))
			return -EINTR;

		if (panthor_reclaim_free_memory() < PANTHOR_RECLAIM_STEP * PAGE_SIZE)
			return -ENOMEM;

		cond_resched();
		panthor_reclaim_plan_ahead(reader, start);
		next = min(start + PANTHOR_RECLAIM_STEP, end);
		sleeps = current->nvcsw;
		ret = panthor_reclaim_read_pages(bo, start, next, &stop);
		if (ret)
			return ret;

		if (current->nvcsw != sleeps)
			reader->slow = true;
	}

	return 0;
}

/**
 * panthor_reclaim_reader_next() - Go on to the next BO of a claim
 * @reader: Reader. Does not read the current BO any more, whose reference the caller
 *	may drop.
 *
 * Context: Process context, sleeps.
 */
void panthor_reclaim_reader_next(struct panthor_reclaim_reader *reader)
{
	struct panthor_gem_object *bo = panthor_reclaim_reader_bo(reader, reader->nr);

	for (u32 i = 0; i < PANTHOR_RECLAIM_READS; i++) {
		if (reader->ahead[i].bo == bo)
			panthor_reclaim_stop_ahead(&reader->ahead[i]);
	}
	reader->nr--;
	if (reader->ahead_nr > reader->nr) {
		reader->ahead_nr = reader->nr;
		reader->ahead_start = 0;
	}
}

/**
 * panthor_reclaim_reader_stop() - Stop to read ahead
 * @reader: Reader.
 *
 * Context: Process context, sleeps.
 */
void panthor_reclaim_reader_stop(struct panthor_reclaim_reader *reader)
{
	for (u32 i = 0; i < PANTHOR_RECLAIM_READS; i++)
		panthor_reclaim_stop_ahead(&reader->ahead[i]);
}

/**
 * panthor_reclaim_reader_init() - Prepare to read the BOs of a claim
 * @reader: Reader.
 * @set: Set of the target.
 * @sorted: Which of its items to read. The last one comes first.
 * @nr: Their number.
 */
void panthor_reclaim_reader_init(struct panthor_reclaim_reader *reader,
				 struct panthor_reclaim_set *set,
				 const struct panthor_reclaim_key *sorted, u32 nr)
{
	*reader = (struct panthor_reclaim_reader){
		.set = set,
		.sorted = sorted,
		.nr = nr,
		.ahead_nr = nr,
	};
	for (u32 i = 0; i < PANTHOR_RECLAIM_READS; i++)
		INIT_WORK(&reader->ahead[i].work, panthor_reclaim_read_ahead);
}
