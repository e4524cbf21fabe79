// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Write what a request evicted to swap, on several CPUs.
 *
 * If swap is in compressed RAM, a write is CPU time and little else. Workers take
 * BOs from the same list as the requester. The requester never waits for a worker
 * to begin: that may take memory, which is short. What no worker has taken by the
 * time the requester is done is cancelled.
 */

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/rt.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_run.h"

/* Bytes that are worth waking a worker for. */
#define PANTHOR_RECLAIM_SHARE		SZ_512K

/* Done with a BO of which @left bytes are still in RAM. */
static void panthor_reclaim_settle_bo(struct panthor_reclaim_run *run,
				      struct panthor_reclaim_item *item, u64 left, int err)
{
	if (READ_ONCE(item->bo->backing.pages)) {
		run->req.info.remaining += item->bo->base.size;
		run->req.info.remaining_bos++;
		run->found -= item->found;
	} else {
		run->req.info.unwritten += left;
		run->found -= min(item->found, left);
		run->no_swap |= left && !err && !panthor_reclaim_has_swap(item->bo);
	}
	panthor_reclaim_put_item(item);
}

static void panthor_reclaim_written_bo(struct panthor_reclaim_run *run,
				       struct panthor_reclaim_item *item,
				       struct panthor_reclaim_writing *writing,
				       struct panthor_reclaim_acct *sum)
{
	panthor_reclaim_write_end(writing);

	if (writing->written || writing->freed)
		panthor_reclaim_written(&run->req, &run->set.entries[item->entry], item->bo,
					writing, sum);

	if (writing->err == -EINTR)
		return;

	/* Folios in a CPU's batch are tried again after it is drained. */
	if (writing->left && !writing->err &&
	    panthor_reclaim_write_kind() == PANTHOR_RECLAIM_WB_FREE)
		return;

	panthor_reclaim_settle_bo(run, item, writing->left, writing->err);
}

/* Add the writes of BOs of one entry to the accounts, which is all that the VM is needed for. */
static void panthor_reclaim_book_writes(struct panthor_reclaim_run *run, u32 index,
					const struct panthor_reclaim_acct *sum)
{
	struct panthor_reclaim_entry *entry = &run->set.entries[index];
	struct panthor_vm *vm;

	if (!sum->written && !sum->freed)
		return;

	vm = panthor_reclaim_entry_vm(entry);
	panthor_reclaim_book_written(&run->req, entry, vm ? panthor_vm_reclaim(vm) : NULL, sum);
	panthor_vm_put(vm);
}

/* Wait for the first @count writes. */
static void panthor_reclaim_finish(struct panthor_reclaim_run *run, u32 count,
				   struct panthor_gem_object **left)
{
	struct panthor_reclaim_writing *writing = run->writing;
	struct panthor_reclaim_item **items = run->written;
	struct panthor_reclaim_acct sum = { };

	for (u32 i = 0; i < count; i++) {
		panthor_reclaim_written_bo(run, items[i], &writing[i], &sum);
		if (items[i]->stage == PANTHOR_RECLAIM_EVICTED)
			*left = items[i]->bo;

		/* Neighbours mostly are of one VM. */
		if (i + 1 == count || items[i + 1]->entry != items[i]->entry) {
			panthor_reclaim_book_writes(run, items[i]->entry, &sum);
			sum = (struct panthor_reclaim_acct){ };
		}
	}

	run->nr_writing -= count;
	memmove(writing, writing + count, run->nr_writing * sizeof(*writing));
	memmove(items, items + count, run->nr_writing * sizeof(*items));
}

/* Start writes until no more are left to be taken. */
static void panthor_reclaim_take_writes(struct panthor_reclaim_run *run)
{
	u64 now_ns = ktime_get_ns();
	struct blk_plug plug;
	u32 i;

	blk_start_plug(&plug);
	while ((i = atomic_fetch_inc(&run->next)) < run->nr_writing) {
		struct panthor_reclaim_writing *writing = &run->writing[i];
		struct panthor_gem_object *bo = run->written[i]->bo;

		*writing = (struct panthor_reclaim_writing){
			.bo = bo,
			.requester = run->requester,
			.start_ns = now_ns,
		};
		if (panthor_reclaim_stopped(run))
			writing->err = -EINTR;
		else
			panthor_reclaim_write_start(writing);
		now_ns = writing->start_ns + writing->duration_ns;
	}
	blk_finish_plug(&plug);
}

static void panthor_reclaim_work(struct work_struct *work)
{
	struct panthor_reclaim_worker *worker;

	worker = container_of(work, struct panthor_reclaim_worker, work);
	panthor_reclaim_take_writes(worker->run);
}

/*
 * How many workers are to help with the writes from @first on? A requester that is
 * confined to some CPUs, or that runs at low priority, is not to use more than that
 * gives it, and one of real-time priority is not to wait for a worker, which has none.
 * Without the mm helper, the writers of one VM would meet at its lock.
 */
static u32 panthor_reclaim_workers(struct panthor_reclaim_run *run, u32 first)
{
	u32 cpus = min_t(u32, num_online_cpus(), current->nr_cpus_allowed);
	u32 most = min(cpus, run->nr_writing - first);
	u64 bytes = 0;

	if (most < 2 || task_nice(current) > 0 || rt_or_dl_task(current) ||
	    panthor_reclaim_write_kind() != PANTHOR_RECLAIM_WB_FREE)
		return 0;

	for (u32 i = first; i < run->nr_writing; i++)
		bytes += panthor_reclaim_in_ram(run->written[i]->bo);

	return min3((u64)most - 1, (u64)PANTHOR_RECLAIM_WORKERS, bytes / PANTHOR_RECLAIM_SHARE);
}

/*
 * The requester was blocked for @wall_ns by writes that took longer than that in
 * sum: each is booked with its share.
 */
static void panthor_reclaim_share_time(struct panthor_reclaim_writing *writing, u32 count,
				       u64 wall_ns)
{
	u64 sum_ns = 0;

	for (u32 i = 0; i < count; i++)
		sum_ns += writing[i].duration_ns;

	for (u32 i = 0; sum_ns > wall_ns && i < count; i++)
		writing[i].blocked_ns = mul_u64_u64_div_u64(writing[i].duration_ns, wall_ns,
							    sum_ns);
}

/* Start the writes from @first on. */
static void panthor_reclaim_start_writes(struct panthor_reclaim_run *run, u32 first)
{
	u32 workers = panthor_reclaim_workers(run, first);
	u64 start_ns = ktime_get_ns();

	atomic_set(&run->next, first);
	/* They cannot free what is in a batch of this CPU. */
	if (workers)
		panthor_reclaim_write_drain(run->written[first]->bo, false);

	for (u32 i = 0; i < workers; i++) {
		run->workers[i].run = run;
		INIT_WORK(&run->workers[i].work, panthor_reclaim_work);
		queue_work(system_dfl_wq, &run->workers[i].work);
	}

	panthor_reclaim_take_writes(run);

	for (u32 i = 0; i < workers; i++)
		cancel_work_sync(&run->workers[i].work);

	panthor_reclaim_share_time(&run->writing[first], run->nr_writing - first,
				   ktime_get_ns() - start_ns);
}

/* Returns a BO that is still partly in RAM, or NULL. */
static struct panthor_gem_object *panthor_reclaim_write_pass(struct panthor_reclaim_run *run)
{
	struct panthor_gem_object *left = NULL;
	u32 i = 0, first;

	run->nr_writing = 0;
	do {
		first = run->nr_writing;
		for (; i < run->set.nr_items && run->nr_writing < PANTHOR_RECLAIM_WRITES; i++) {
			if (run->set.items[i].stage == PANTHOR_RECLAIM_EVICTED)
				run->written[run->nr_writing++] = &run->set.items[i];
		}

		panthor_reclaim_start_writes(run, first);

		/* Keep the device busy with one half while preparing the other. */
		if (i < run->set.nr_items)
			panthor_reclaim_finish(run, PANTHOR_RECLAIM_WRITES / 2, &left);
	} while (i < run->set.nr_items && !panthor_reclaim_stopped(run));
	panthor_reclaim_finish(run, run->nr_writing, &left);

	return left;
}

/**
 * panthor_reclaim_write() - Write what is evicted and still in RAM to swap
 * @run: Request.
 *
 * Drops the references on BOs that are done.
 *
 * Context: Process context, sleeps, does I/O. No locks may be held. Ends early if a
 * signal is pending or the device was removed.
 */
void panthor_reclaim_write(struct panthor_reclaim_run *run)
{
	struct panthor_gem_object *left;
	u64 freed, before = U64_MAX;

	while ((left = panthor_reclaim_write_pass(run)) && !panthor_reclaim_stopped(run)) {
		freed = run->req.info.total.freed;
		if (freed == before)
			break;

		/* A write that ends puts its folio into a batch: again, while that helps. */
		before = freed;
		panthor_reclaim_write_drain(left, true);
	}

	if (!left || panthor_reclaim_stopped(run))
		return;

	for (u32 i = 0; i < run->set.nr_items; i++) {
		struct panthor_reclaim_item *item = &run->set.items[i];

		if (item->stage == PANTHOR_RECLAIM_EVICTED)
			panthor_reclaim_settle_bo(run, item, panthor_reclaim_in_ram(item->bo), 0);
	}
}
