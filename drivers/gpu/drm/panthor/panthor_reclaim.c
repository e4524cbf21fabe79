// SPDX-License-Identifier: GPL-2.0 OR MIT

#include <linux/blkdev.h>
#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_internal.h"

/**
 * DOC: Explicit reclaim
 *
 * A write of a TGID to mem_reclaim evicts the GPU memory of that process and
 * writes it to swap, now. The target's open files, VMs and BOs are looked up once,
 * with references on files and BOs. Then the request goes round:
 *
 * 1. Ask DRM which BOs are the target's alone.
 * 2. Evict what is idle, VM by VM: all that is private to it while its
 *    reservation lock keeps new jobs out. After that what is private to none.
 * 3. Write to swap what was evicted, now or earlier, by whomever, and is still in
 *    RAM. No lock is held, and no reference but those on the BOs that have not had
 *    their turn.
 * 4. If anything was busy, wait until one VM is idle, and go round again.
 *
 * With an amount in bytes it stops when that much is evicted. What was evicted
 * earlier and is still in RAM counts, and comes first, for it only needs to be
 * written.
 *
 * So what is idle does not wait for what is busy, and RAM is free when the write
 * returns. The first round takes no reservation lock that it would have to wait
 * for; the later ones do, with nothing else held. All waiting for jobs together ends after
 * %PANTHOR_RECLAIM_WAIT_MS, all waiting together when there is a signal.
 *
 * The jobs in flight are waited for without any lock held, because one of them
 * may need the VM's lock to get on (the tiler's out-of-memory handler does). A
 * client that never stops submitting is caught by waiting for its last jobs with
 * the lock held, for slices that grow, and letting go between them.
 */

#define PANTHOR_RECLAIM_WAIT_MS		1000
#define PANTHOR_RECLAIM_SLICE_MS	40
#define PANTHOR_RECLAIM_SLICE_MAX_MS	160

/* Rounds for what was locked, with nothing to wait for in between. */
#define PANTHOR_RECLAIM_TRIES		4

/* BOs of a VM that are unmapped with one flush, and one hold of their locks. */
#define PANTHOR_RECLAIM_BATCH		64

/* Busy VMs and BOs that are waited for at a time. */
#define PANTHOR_RECLAIM_FENCES		32

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

static struct panthor_reclaim_item *panthor_reclaim_item(struct panthor_reclaim_run *run, u32 i)
{
	return i == PANTHOR_RECLAIM_NO_ITEM ? NULL : &run->set.items[i];
}

/* The item at @i, or the first one of the same entry behind it, that is pending. */
static struct panthor_reclaim_item *panthor_reclaim_pending(struct panthor_reclaim_run *run, u32 i)
{
	struct panthor_reclaim_item *item = panthor_reclaim_item(run, i);

	while (item && item->stage != PANTHOR_RECLAIM_PENDING)
		item = panthor_reclaim_item(run, item->next);

	return item;
}

static bool panthor_reclaim_stopped(struct panthor_reclaim_run *run)
{
	return signal_pending(current) || drm_dev_is_unplugged(&run->req.ptdev->base);
}

static unsigned long panthor_reclaim_time_left(struct panthor_reclaim_run *run)
{
	u64 bound_ns = PANTHOR_RECLAIM_WAIT_MS * NSEC_PER_MSEC;

	return nsecs_to_jiffies(bound_ns - min(run->waited_ns, bound_ns));
}

/* Reasons that may not hold any more in the next round. */
static bool panthor_reclaim_passing(enum panthor_reclaim_reason reason)
{
	return reason == PANTHOR_RECLAIM_BUSY || reason == PANTHOR_RECLAIM_LOCKED ||
	       reason == PANTHOR_RECLAIM_CHANGED || reason == PANTHOR_RECLAIM_MMU_ERROR;
}

/* May a VM_BIND have pinned a BO, which it does until it is done? */
static bool panthor_reclaim_may_bind(struct panthor_gem_object *bo)
{
	return bo->rcl.kind != PANTHOR_RECLAIM_KERNEL && !atomic_read(&bo->rcl.dmabufs);
}

/* A BO is not evicted in this round: keep it for the next one, or for good. */
static void panthor_reclaim_keep(struct panthor_reclaim_run *run,
				 struct panthor_reclaim_item *item,
				 enum panthor_reclaim_reason reason,
				 enum panthor_reclaim_lock lock, u64 start_ns)
{
	struct panthor_gem_object *bo = item->bo;

	item->reason = reason;
	item->lock = lock;
	if (!run->last && (panthor_reclaim_passing(reason) ||
			   (reason == PANTHOR_RECLAIM_PINNED && panthor_reclaim_may_bind(bo))))
		return;

	if (reason == PANTHOR_RECLAIM_INTERRUPTED)
		run->req.vm.reason = reason;

	if (READ_ONCE(bo->backing.pages)) {
		run->req.info.remaining += bo->base.size;
		run->req.info.remaining_bos++;
	}
	panthor_reclaim_skipped(&run->req, bo, READ_ONCE(bo->reclaim_state), reason, lock,
				item->wait_ns, ktime_get_ns() - start_ns);
	/* Somebody up there has its lock: the reference is dropped when he has not. */
	item->stage = PANTHOR_RECLAIM_KEPT;
}

static u64 panthor_reclaim_so_far(struct panthor_reclaim_run *run)
{
	return run->req.info.total.evicted + run->req.vm.acct.evicted + run->batched;
}

/* Does it take no more to leave as much RAM free as is wanted? */
static bool panthor_reclaim_satisfied(struct panthor_reclaim_run *run)
{
	return run->req.info.goal && panthor_reclaim_so_far(run) + run->found >= run->req.info.goal;
}

/* Has a BO lost its pages, or never had any? Then there is nothing to evict. */
static bool panthor_reclaim_no_pages(struct panthor_reclaim_run *run,
				     struct panthor_reclaim_item *item)
{
	u64 in_ram;

	if (READ_ONCE(item->bo->backing.pages))
		return false;

	in_ram = panthor_reclaim_in_ram(item->bo);
	if (item->others || !in_ram || panthor_reclaim_mapped_by_others(&run->set, item->bo)) {
		panthor_reclaim_put_item(item);
	} else if (panthor_reclaim_satisfied(run)) {
		run->req.info.unwritten += in_ram;
		panthor_reclaim_put_item(item);
	} else {
		item->found = in_ram;
		run->found += in_ram;
		run->placeless += in_ram - min(in_ram, READ_ONCE(item->bo->rcl.swapcached));
		item->stage = PANTHOR_RECLAIM_EVICTED;
	}
	return true;
}

/* Is there room in swap for it, after what was evicted and is not written yet? */
static bool panthor_reclaim_has_room(struct panthor_reclaim_run *run,
				     struct panthor_gem_object *bo)
{
	u64 owed = panthor_reclaim_so_far(run) + run->placeless;

	return panthor_reclaim_may_swap(bo, owed - min(owed, run->req.info.total.written));
}

static bool panthor_reclaim_gpu_mapped(struct panthor_gem_object *bo)
{
	return bo->reclaim_state == PANTHOR_GEM_GPU_MAPPED_SINGLE_VM ||
	       bo->reclaim_state == PANTHOR_GEM_GPU_MAPPED_MULTI_VM;
}

/*
 * Has any VM that maps a BO jobs? They have no fence on it if it was mapped after they
 * were submitted. New ones need its reservation lock, which is held.
 */
static bool panthor_reclaim_used(struct panthor_gem_object *bo)
{
	struct drm_gpuvm_bo *vm_bo;

	/* What is exclusive to a VM has the VM's fences. */
	if (bo->exclusive_vm_root_gem)
		return false;

	guard(mutex)(&bo->base.gpuva.lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		if (!dma_resv_test_signaled(drm_gpuvm_resv(vm_bo->vm), DMA_RESV_USAGE_BOOKKEEP))
			return true;
	}

	return false;
}

/*
 * Why not even to try, %PANTHOR_RECLAIM_NONE to try. @jobs: there are jobs that
 * use what is mapped, or map it. Its reservation lock is held.
 */
static enum panthor_reclaim_reason panthor_reclaim_barred(struct panthor_reclaim_run *run,
							  struct panthor_reclaim_item *item,
							  bool jobs)
{
	struct panthor_gem_object *bo = item->bo;

	if (panthor_reclaim_stopped(run))
		return PANTHOR_RECLAIM_INTERRUPTED;

	if (item->others || panthor_reclaim_mapped_by_others(&run->set, bo))
		return PANTHOR_RECLAIM_SHARED;

	if (!bo->backing.pages)
		return PANTHOR_RECLAIM_CHANGED;

	if (refcount_read(&bo->backing.pin_count))
		return jobs && !run->last && panthor_reclaim_may_bind(bo) ?
		       PANTHOR_RECLAIM_BUSY : PANTHOR_RECLAIM_PINNED;

	if (panthor_reclaim_gpu_mapped(bo) && (jobs || panthor_reclaim_used(bo)))
		return PANTHOR_RECLAIM_BUSY;

	return panthor_reclaim_has_room(run, bo) ? PANTHOR_RECLAIM_NONE : PANTHOR_RECLAIM_NO_SWAP;
}

/* Its reservation lock is held, with @ticket, nothing bars it, and the device is there. */
static void panthor_reclaim_evict(struct panthor_reclaim_run *run,
				  struct panthor_reclaim_item *item,
				  struct ww_acquire_ctx *ticket)
{
	struct panthor_reclaim_ctx ctx = { .ticket = ticket };
	struct panthor_reclaim_req *req = &run->req;
	struct panthor_gem_object *bo = item->bo;
	u64 start_ns = ktime_get_ns(), duration_ns;
	u32 state = bo->reclaim_state;
	int ret;

	ret = panthor_gem_evict(&bo->base, &ctx);
	duration_ns = ktime_get_ns() - start_ns;
	if (ret) {
		enum panthor_reclaim_reason reason = panthor_reclaim_reason(ret, &ctx);

		req->vm.acct.unmap_ns += duration_ns;
		panthor_reclaim_keep(run, item, reason, ctx.lock, start_ns);
		return;
	}

	if (bo->rcl.client != req->client)
		panthor_reclaim_bo_move(bo, req->client);
	panthor_reclaim_evicted(req, bo, state, item->wait_ns, duration_ns);
	item->stage = PANTHOR_RECLAIM_EVICTED;
}

/* BOs of one VM, with their locks held. */
struct panthor_reclaim_batch {
	struct panthor_reclaim_item *items[PANTHOR_RECLAIM_BATCH];
	u32 count;
};

static void panthor_reclaim_flush_batch(struct panthor_reclaim_run *run, struct panthor_vm *vm,
					struct panthor_reclaim_batch *batch,
					struct ww_acquire_ctx *ticket)
{
	struct panthor_gem_object *bos[PANTHOR_RECLAIM_BATCH];
	struct dma_resv *vm_resv = panthor_vm_resv(vm);
	u64 start_ns = ktime_get_ns();
	int cookie;

	run->batched = 0;
	for (u32 i = 0; i < batch->count; i++)
		bos[i] = batch->items[i]->bo;

	if (drm_dev_enter(&run->req.ptdev->base, &cookie)) {
		/*
		 * Evicting a BO unmaps it by itself, and that ends with the GPU's caches
		 * written back. While the VM is on the GPU that costs more than all else,
		 * so it is done for many at once. What is not evicted after all is mapped
		 * again by the next job, as after any eviction that failed half way.
		 */
		if (batch->count > 1)
			panthor_vm_unmap_bos(vm, bos, batch->count);
		run->req.vm.acct.unmap_ns += ktime_get_ns() - start_ns;

		for (u32 i = 0; i < batch->count; i++)
			panthor_reclaim_evict(run, batch->items[i], ticket);
		drm_dev_exit(cookie);
	}

	for (u32 i = 0; i < batch->count; i++) {
		if (bos[i]->base.resv != vm_resv)
			dma_resv_unlock(bos[i]->base.resv);
	}
	batch->count = 0;
}

/* The first round takes what it can have at once. */
static int panthor_reclaim_lock_resv(struct panthor_reclaim_run *run, struct dma_resv *resv,
				     struct ww_acquire_ctx *ticket)
{
	u64 start_ns = ktime_get_ns();
	int ret;

	if (!run->round)
		return ww_mutex_trylock(&resv->lock, ticket) ? 0 : -EBUSY;

	ret = dma_resv_lock_interruptible(resv, ticket);
	run->req.vm.acct.lock_ns += ktime_get_ns() - start_ns;
	return ret;
}

/*
 * Are there jobs that use @resv, which is locked? If all that there were have
 * been waited for already, their client does not stop submitting: while the lock
 * is held it cannot.
 */
static bool panthor_reclaim_jobs(struct panthor_reclaim_run *run, struct dma_resv *resv,
				 bool waited)
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

/* The VM's reservation lock is held, with @ticket. Returns whether anything was busy. */
static bool panthor_reclaim_private(struct panthor_reclaim_run *run,
				    struct panthor_reclaim_entry *entry, struct panthor_vm *vm,
				    struct ww_acquire_ctx *ticket)
{
	bool jobs = panthor_reclaim_jobs(run, panthor_vm_resv(vm), entry->waited);
	struct panthor_reclaim_batch batch = { };
	struct panthor_reclaim_item *item;
	bool busy = false;

	for (item = panthor_reclaim_pending(run, entry->first); item;
	     item = panthor_reclaim_pending(run, item->next)) {
		struct dma_resv *resv = item->bo->base.resv;
		bool own = resv != panthor_vm_resv(vm);
		enum panthor_reclaim_reason reason;
		u64 start_ns = ktime_get_ns();

		if (panthor_reclaim_satisfied(run))
			break;

		if (own && !ww_mutex_trylock(&resv->lock, ticket)) {
			panthor_reclaim_keep(run, item, PANTHOR_RECLAIM_LOCKED,
					     PANTHOR_RECLAIM_LOCK_RESV, start_ns);
			continue;
		}

		reason = panthor_reclaim_barred(run, item, jobs ||
						!dma_resv_test_signaled(resv,
									DMA_RESV_USAGE_BOOKKEEP));
		if (reason) {
			busy |= reason == PANTHOR_RECLAIM_BUSY;
			if (own)
				dma_resv_unlock(resv);
			panthor_reclaim_keep(run, item, reason, PANTHOR_RECLAIM_LOCK_NONE,
					     start_ns);
			continue;
		}

		batch.items[batch.count++] = item;
		run->batched += item->bo->base.size;
		if (batch.count == PANTHOR_RECLAIM_BATCH)
			panthor_reclaim_flush_batch(run, vm, &batch, ticket);
	}

	panthor_reclaim_flush_batch(run, vm, &batch, ticket);
	return busy && jobs;
}

/* What there is to wait for, and how much that is. */
static void panthor_reclaim_set_fence(struct panthor_reclaim_entry *entry, struct dma_resv *resv)
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

	/* With no memory for that it is looked at again, but not waited for. */
	if (dma_resv_get_singleton(resv, DMA_RESV_USAGE_BOOKKEEP, &entry->fence))
		entry->fence = NULL;
}

static void panthor_reclaim_keep_all(struct panthor_reclaim_run *run,
				     struct panthor_reclaim_entry *entry,
				     enum panthor_reclaim_reason reason)
{
	struct panthor_reclaim_item *item;

	for (item = panthor_reclaim_pending(run, entry->first); item;
	     item = panthor_reclaim_pending(run, item->next))
		panthor_reclaim_keep(run, item, reason, reason == PANTHOR_RECLAIM_LOCKED ?
				     PANTHOR_RECLAIM_LOCK_VM_RESV : PANTHOR_RECLAIM_LOCK_NONE,
				     ktime_get_ns());
}

static void panthor_reclaim_vm(struct panthor_reclaim_run *run,
			       struct panthor_reclaim_entry *entry, struct panthor_vm *vm)
{
	struct dma_resv *resv = panthor_vm_resv(vm);
	struct ww_acquire_ctx ticket;
	bool busy = false;
	int ret;

	ww_acquire_init(&ticket, &reservation_ww_class);
	ret = panthor_reclaim_lock_resv(run, resv, &ticket);
	if (!ret) {
		busy = panthor_reclaim_private(run, entry, vm, &ticket);
		dma_resv_unlock(resv);
	}
	ww_acquire_fini(&ticket);

	if (ret)
		panthor_reclaim_keep_all(run, entry, ret == -EBUSY ? PANTHOR_RECLAIM_LOCKED :
								     PANTHOR_RECLAIM_INTERRUPTED);
	else if (busy && !run->last)
		panthor_reclaim_set_fence(entry, resv);

	if (busy && run->last)
		run->req.vm.reason = PANTHOR_RECLAIM_BUSY;
}

/* Its reservation lock is held, and with a @ticket those of the VMs that map it. */
static void panthor_reclaim_shared_bo(struct panthor_reclaim_run *run,
				      struct panthor_reclaim_item *item,
				      struct ww_acquire_ctx *ticket)
{
	struct dma_resv *resv = item->bo->base.resv;
	enum panthor_reclaim_reason reason;
	u64 start_ns = ktime_get_ns();
	int cookie;

	reason = panthor_reclaim_barred(run, item, panthor_reclaim_jobs(run, resv,
									item->wait_ns));
	if (reason) {
		panthor_reclaim_keep(run, item, reason, PANTHOR_RECLAIM_LOCK_NONE, start_ns);
	} else if (drm_dev_enter(&run->req.ptdev->base, &cookie)) {
		panthor_reclaim_evict(run, item, ticket);
		drm_dev_exit(cookie);
	}
}

/* With the locks of all VMs that map it, as a job that uses it would take them. */
static void panthor_reclaim_lock_all(struct panthor_reclaim_run *run,
				     struct panthor_reclaim_item *item)
{
	u64 start_ns = ktime_get_ns();
	struct drm_exec exec;
	int ret;

	ret = panthor_reclaim_lock_bo(&exec, item->bo, NULL);
	run->req.vm.acct.lock_ns += ktime_get_ns() - start_ns;

	if (!ret)
		panthor_reclaim_shared_bo(run, item, &exec.ticket);
	else
		panthor_reclaim_keep(run, item, ret == -ENOMEM ? PANTHOR_RECLAIM_LOCKED :
								 PANTHOR_RECLAIM_INTERRUPTED,
				     PANTHOR_RECLAIM_LOCK_RESV, start_ns);
	drm_exec_fini(&exec);
}

static void panthor_reclaim_no_vm(struct panthor_reclaim_run *run,
				  struct panthor_reclaim_entry *entry)
{
	struct panthor_reclaim_item *item;

	for (item = panthor_reclaim_pending(run, entry->first); item;
	     item = panthor_reclaim_pending(run, item->next)) {
		struct panthor_gem_object *bo = item->bo;

		if (panthor_reclaim_satisfied(run))
			break;

		/* No need to lock what will not be evicted. */
		if (item->others) {
			panthor_reclaim_keep(run, item, PANTHOR_RECLAIM_SHARED,
					     PANTHOR_RECLAIM_LOCK_NONE, ktime_get_ns());
			continue;
		}

		if (run->round) {
			panthor_reclaim_lock_all(run, item);
		} else if (dma_resv_trylock(bo->base.resv)) {
			panthor_reclaim_shared_bo(run, item, NULL);
			dma_resv_unlock(bo->base.resv);
		} else {
			panthor_reclaim_keep(run, item, PANTHOR_RECLAIM_LOCKED,
					     PANTHOR_RECLAIM_LOCK_RESV, ktime_get_ns());
		}
	}
}

static void panthor_reclaim_entry(struct panthor_reclaim_run *run,
				  struct panthor_reclaim_entry *entry)
{
	struct panthor_vm *vm = panthor_reclaim_entry_vm(entry);
	struct panthor_reclaim_req *req = &run->req;
	struct panthor_reclaim_item *item;
	u64 size = 0;
	u32 bos = 0;
	bool over;

	for (item = panthor_reclaim_pending(run, entry->first); item;
	     item = panthor_reclaim_pending(run, item->next)) {
		if (panthor_reclaim_no_pages(run, item))
			continue;

		size += item->bo->base.size;
		bos++;
	}
	over = panthor_reclaim_satisfied(run);

	/* What was waited for is on its account, though somebody else took it meanwhile. */
	if ((bos && !over) || entry->fence_ns) {
		panthor_reclaim_vm_begin(req, entry->client, vm ? panthor_vm_reclaim(vm) : NULL,
					 bos, size);
		req->vm.acct.fence_ns = entry->fence_ns;
		req->vm_waited_ns = entry->fence_ns;
		req->vm.fences = entry->fence_ns ? entry->fences : 0;
		req->vm.fence_context = entry->fence_context;
		req->vm.fence_seqno = entry->fence_seqno;
		entry->fence_ns = 0;
		entry->fences = 0;

		if (vm && bos && !over)
			panthor_reclaim_vm(run, entry, vm);
		else if (!vm)
			panthor_reclaim_no_vm(run, entry);
		panthor_reclaim_vm_end(req);
	}
	panthor_vm_put(vm);

	for (item = panthor_reclaim_item(run, entry->first); item;
	     item = panthor_reclaim_item(run, item->next)) {
		if (item->stage == PANTHOR_RECLAIM_KEPT)
			panthor_reclaim_put_item(item);
	}
}

static void panthor_reclaim_evict_round(struct panthor_reclaim_run *run)
{
	struct panthor_reclaim_set *set = &run->set;

	panthor_reclaim_ask(set);

	/*
	 * What is evicted already is the cheapest part of a goal, and is written first:
	 * there has to be room in swap for it, too.
	 */
	for (u32 i = 0; i < set->nr_items; i++) {
		if (set->items[i].stage == PANTHOR_RECLAIM_PENDING)
			panthor_reclaim_no_pages(run, &set->items[i]);
	}

	for (u32 i = 0; i < set->nr_entries; i++) {
		/* Nobody else has to wait for a client of many VMs. */
		cond_resched();
		panthor_reclaim_entry(run, &set->entries[set->turns ? set->turns[i] : i]);
	}
}

static void panthor_reclaim_written_bo(struct panthor_reclaim_run *run,
				       struct panthor_reclaim_item *item,
				       struct panthor_reclaim_writing *writing)
{
	struct panthor_reclaim_entry *entry = &run->set.entries[item->entry];
	struct panthor_reclaim_req *req = &run->req;
	struct panthor_vm *vm;

	panthor_reclaim_write_end(writing);

	/* The VM is no business of this any more, but for its account. */
	if (writing->written || writing->freed) {
		vm = panthor_reclaim_entry_vm(entry);
		panthor_reclaim_written(req, entry->client, vm ? panthor_vm_reclaim(vm) : NULL,
					item->bo, writing);
		panthor_vm_put(vm);
	}

	if (writing->err == -EINTR)
		return;

	/* What some CPU has in a batch gets a second chance. */
	if (writing->left && !writing->err && !run->drained &&
	    panthor_reclaim_write_kind() == PANTHOR_RECLAIM_WB_FREE)
		return;

	if (READ_ONCE(item->bo->backing.pages)) {
		req->info.remaining += item->bo->base.size;
		req->info.remaining_bos++;
		run->found -= item->found;
	} else {
		req->info.unwritten += writing->left;
		run->found -= min(item->found, writing->left);
		run->no_swap |= writing->left && !writing->err &&
				!panthor_reclaim_has_swap(item->bo);
	}
	panthor_reclaim_put_item(item);
}

/* Wait for the first @count of @nr writes. Returns how many others there are. */
static u32 panthor_reclaim_finish(struct panthor_reclaim_run *run, u32 nr, u32 count,
				  struct panthor_gem_object **left)
{
	struct panthor_reclaim_writing *writing = run->writing;
	struct panthor_reclaim_item **items = run->written;

	for (u32 i = 0; i < count; i++) {
		panthor_reclaim_written_bo(run, items[i], &writing[i]);
		if (items[i]->stage == PANTHOR_RECLAIM_EVICTED)
			*left = items[i]->bo;
	}

	nr -= count;
	memmove(writing, writing + count, nr * sizeof(*writing));
	memmove(items, items + count, nr * sizeof(*items));
	return nr;
}

/* Returns a BO of which something is left in RAM, NULL if there is none. */
static struct panthor_gem_object *panthor_reclaim_write_pass(struct panthor_reclaim_run *run)
{
	struct panthor_gem_object *left = NULL;
	struct blk_plug plug;
	u32 nr = 0;

	blk_start_plug(&plug);
	for (u32 i = 0; i < run->set.nr_items && !panthor_reclaim_stopped(run); i++) {
		if (run->set.items[i].stage != PANTHOR_RECLAIM_EVICTED)
			continue;

		/* The device has the other half to do while this one is prepared. */
		if (nr == PANTHOR_RECLAIM_WRITES)
			nr = panthor_reclaim_finish(run, nr, nr / 2, &left);

		run->written[nr] = &run->set.items[i];
		panthor_reclaim_write_start(&run->writing[nr], run->written[nr]->bo);
		nr++;
	}
	panthor_reclaim_finish(run, nr, nr, &left);
	blk_finish_plug(&plug);

	return left;
}

static void panthor_reclaim_write(struct panthor_reclaim_run *run)
{
	struct panthor_gem_object *left = panthor_reclaim_write_pass(run);

	if (!left || run->drained || panthor_reclaim_stopped(run))
		return;

	panthor_reclaim_write_drain(left);
	run->drained = true;
	panthor_reclaim_write_pass(run);
}

/* What was busy in this round: VMs, and BOs that are private to none. */
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

/* The jobs that a BO waits for: its own, or else those of one of the VMs that map it. */
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

static bool panthor_reclaim_is_pending(struct panthor_reclaim_run *run)
{
	for (u32 i = 0; i < run->set.nr_items; i++) {
		if (run->set.items[i].stage == PANTHOR_RECLAIM_PENDING)
			return true;
	}

	return false;
}

/* Wait until any of what is busy is idle. */
static void panthor_reclaim_wait(struct panthor_reclaim_run *run,
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

	/* Time is told of what it was waited for, or of the first if that was in vain. */
	busy->entries[idle]->fence_ns += ktime_get_ns() - start_ns;
	if (busy->items[idle])
		busy->items[idle]->wait_ns += ktime_get_ns() - start_ns;

	for (u32 i = 0; i < busy->count; i++) {
		if (!busy->items[i] && dma_fence_is_signaled(busy->fences[i]))
			busy->entries[i]->waited = true;
		dma_fence_put(busy->fences[i]);
	}
}

/* Is there anything to do in another round? Waits until there is. */
static bool panthor_reclaim_again(struct panthor_reclaim_run *run)
{
	struct panthor_reclaim_busy busy = { };

	if (run->last || panthor_reclaim_satisfied(run) || !panthor_reclaim_is_pending(run))
		return false;

	panthor_reclaim_find_busy(run, &busy);
	if (busy.count) {
		panthor_reclaim_wait(run, &busy);
		run->tries = 0;
	} else if (++run->tries == PANTHOR_RECLAIM_TRIES) {
		run->last = true;
	}

	run->round++;
	return true;
}

/* What is left that was neither evicted nor told why not, and what was not written. */
static void panthor_reclaim_count_left(struct panthor_reclaim_run *run)
{
	struct panthor_reclaim_info *info = &run->req.info;

	for (u32 i = 0; i < run->set.nr_items; i++) {
		struct panthor_reclaim_item *item = &run->set.items[i];

		if (item->stage == PANTHOR_RECLAIM_EVICTED) {
			info->unwritten += panthor_reclaim_in_ram(item->bo);
		} else if (item->stage == PANTHOR_RECLAIM_PENDING) {
			info->remaining += item->bo->base.size;
			info->remaining_bos++;
		}
	}

	if (signal_pending(current) && (info->left[PANTHOR_RECLAIM_INTERRUPTED] || info->unwritten))
		info->cut_short = PANTHOR_RECLAIM_INTERRUPTED;

	if (info->total.freed)
		info->writeback = PANTHOR_RECLAIM_WB_FREE;
	else if (info->total.written)
		info->writeback = PANTHOR_RECLAIM_WB_SWAPCACHE;
}

/* What to tell the requester. That something was evicted is a success, however little. */
static int panthor_reclaim_verdict(struct panthor_reclaim_run *run)
{
	const struct panthor_reclaim_info *info = &run->req.info;

	if (info->total.evicted_bos || info->total.written || info->total.freed)
		return 0;

	if (drm_dev_is_unplugged(&run->req.ptdev->base))
		return -ENODEV;

	if (info->cut_short == PANTHOR_RECLAIM_INTERRUPTED)
		return -EINTR;

	if (info->left[PANTHOR_RECLAIM_NO_SWAP] || run->no_swap)
		return -ENOSPC;

	for (u32 reason = 0; reason < PANTHOR_RECLAIM_NR_REASONS; reason++) {
		if (info->left[reason] && panthor_reclaim_passing(reason))
			return -EBUSY;
	}

	return 0;
}

static void panthor_reclaim_book_result(struct panthor_reclaim_run *run)
{
	for (u32 i = 0; i < run->set.nr_entries; i++) {
		struct panthor_reclaim_entry *entry = &run->set.entries[i];
		struct panthor_vm *vm = panthor_reclaim_entry_vm(entry);

		if (vm)
			panthor_reclaim_result(&run->req, entry->client, panthor_vm_reclaim(vm));
		else if (!entry->serial)
			panthor_reclaim_result(&run->req, entry->client, NULL);
		panthor_vm_put(vm);
	}
}

/**
 * panthor_reclaim_process() - Evict the GPU memory of a process, and write it
 * to swap
 * @ptdev: Device.
 * @tgid: The process.
 * @goal: Bytes of RAM that are wanted, 0 for all. May be exceeded by one BO.
 *
 * Context: Process context, sleeps, interruptible. No locks may be held.
 * Return: 0 if anything was evicted or written, or there was nothing to do;
 * %-ESRCH if the process does not have the device open; %-EBUSY if all there was
 * is in use; %-ENOSPC if there is no room in swap; %-ERESTARTNOHAND if a signal
 * came before anything was done; %-ENODEV if the device is gone; %-ENOMEM.
 */
int panthor_reclaim_process(struct panthor_device *ptdev, struct pid *tgid, u64 goal)
{
	struct panthor_reclaim_run *run __free(kfree) = kzalloc_obj(*run);
	struct panthor_reclaim_req *req;
	int ret;

	if (!run)
		return -ENOMEM;

	if (drm_dev_is_unplugged(&ptdev->base))
		return -ENODEV;

	req = &run->req;
	req->start_ns = ktime_get_ns();
	run->slice = msecs_to_jiffies(PANTHOR_RECLAIM_SLICE_MS);
	ret = panthor_reclaim_gather(&run->set, ptdev, tgid);
	if (ret)
		return ret == -EINTR ? -ERESTARTNOHAND : ret;

	if (goal && panthor_reclaim_order(&run->set)) {
		panthor_reclaim_release(&run->set);
		return -ENOMEM;
	}

	req->info.goal = goal;
	req->info.clients = run->set.nr_clients;
	req->info.vms = run->set.nr_vms;
	req->info.target_tgid = panthor_reclaim_client_tgid(run->set.clients[0],
							    req->info.target_comm);
	panthor_reclaim_req_begin(req, ptdev, PANTHOR_RECLAIM_SYSFS);

	do {
		panthor_reclaim_evict_round(run);
		panthor_reclaim_write(run);
	} while (panthor_reclaim_again(run));

	panthor_reclaim_count_left(run);
	ret = panthor_reclaim_verdict(run);
	panthor_reclaim_req_end(req, ret);
	panthor_reclaim_book_result(run);
	panthor_reclaim_release(&run->set);

	/* If the signal has no handler, start again. */
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
