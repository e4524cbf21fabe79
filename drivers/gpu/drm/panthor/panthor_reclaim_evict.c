// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * One round of an explicit request: evict what is idle.
 */

#include <linux/cleanup.h>
#include <linux/dma-resv.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_run.h"

/* BOs of a VM that are locked together and unmapped with one flush. */
#define PANTHOR_RECLAIM_BATCH		64

/* May the pin of a BO be that of a VM_BIND, which ends with the VM_BIND? */
static bool panthor_reclaim_may_bind(struct panthor_gem_object *bo)
{
	return bo->rcl.kind != PANTHOR_RECLAIM_KERNEL && !atomic_read(&bo->rcl.dmabufs);
}

/* Do not evict a BO in this round: retry it in the next one, or skip it. */
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
	/* A caller may hold its lock: the reference is dropped later. */
	item->stage = PANTHOR_RECLAIM_KEPT;
}

/*
 * If a BO has no pages there is nothing to evict: settle it, and return true. Its
 * reservation lock may be held.
 */
static bool panthor_reclaim_settle(struct panthor_reclaim_run *run,
				   struct panthor_reclaim_item *item)
{
	u64 in_ram;

	if (READ_ONCE(item->bo->backing.pages))
		return false;

	in_ram = panthor_reclaim_in_ram(item->bo);
	if (item->others || !in_ram || panthor_reclaim_mapped_by_others(&run->set, item->bo)) {
		item->stage = PANTHOR_RECLAIM_KEPT;
	} else if (panthor_reclaim_satisfied(run)) {
		run->req.info.unwritten += in_ram;
		item->stage = PANTHOR_RECLAIM_KEPT;
	} else {
		item->found = in_ram;
		run->found += in_ram;
		run->placeless += in_ram - min(in_ram, READ_ONCE(item->bo->rcl.swapcached));
		item->stage = PANTHOR_RECLAIM_EVICTED;
	}
	return true;
}

/* The same without a lock: what is not written is dropped at once. */
static bool panthor_reclaim_no_pages(struct panthor_reclaim_run *run,
				     struct panthor_reclaim_item *item)
{
	if (!panthor_reclaim_settle(run, item))
		return false;

	if (item->stage == PANTHOR_RECLAIM_KEPT)
		panthor_reclaim_put_item(item);
	return true;
}

/* Is there room in swap for it, after all that is evicted and not written yet? */
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
 * Does any VM that maps a BO have jobs? A job that was submitted before the BO was
 * mapped has no fence on it. New jobs need the BO's reservation lock, which is held.
 */
static bool panthor_reclaim_used(struct panthor_gem_object *bo)
{
	struct drm_gpuvm_bo *vm_bo;

	/* A BO that is exclusive to a VM shares its reservation object. */
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
 * Why a BO that has pages cannot be evicted now, %PANTHOR_RECLAIM_NONE if it can.
 * @jobs: there are jobs that use its mappings, or map it. Its reservation lock is held.
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

	if (refcount_read(&bo->backing.pin_count))
		return jobs && !run->last && panthor_reclaim_may_bind(bo) ?
		       PANTHOR_RECLAIM_BUSY : PANTHOR_RECLAIM_PINNED;

	if (panthor_reclaim_gpu_mapped(bo) && (jobs || panthor_reclaim_used(bo)))
		return PANTHOR_RECLAIM_BUSY;

	return panthor_reclaim_has_room(run, bo) ? PANTHOR_RECLAIM_NONE : PANTHOR_RECLAIM_NO_SWAP;
}

/* The BO's reservation lock is held, with @ticket, inside drm_dev_enter(). */
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

/* BOs of one VM, with their reservation locks held. */
struct panthor_reclaim_batch {
	struct panthor_reclaim_item *items[PANTHOR_RECLAIM_BATCH];
	u32 count;
};

/* Unmap BOs that are idle with one flush. The next job maps again what is not evicted. */
static void panthor_reclaim_unmap(struct panthor_vm *vm, struct panthor_gem_object **bos, u32 count)
{
	struct panthor_reclaim_vm *rcl = panthor_vm_reclaim(vm);

	if (!mutex_trylock(rcl->op_lock))
		return;

	if (!panthor_vm_lock_region(vm, rcl->gpuvm->mm_start, rcl->gpuvm->mm_range)) {
		int ret = 0;

		for (u32 i = 0; !ret && i < count; i++) {
			guard(mutex)(&bos[i]->base.gpuva.lock);
			ret = panthor_vm_evict_bo_mappings_locked(bos[i], vm);
		}
		panthor_vm_unlock_region(vm);
	}
	mutex_unlock(rcl->op_lock);
}

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
		 * Evicting a BO alone unmaps it alone, and each unmap flushes the GPU's
		 * caches. While the VM is on the GPU that is the largest cost, so unmap
		 * many BOs with one flush.
		 */
		if (batch->count > 1)
			panthor_reclaim_unmap(vm, bos, batch->count);
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

/* The first round only tries the lock. */
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

/* The VM's reservation lock is held, with @ticket. Returns true if anything was busy. */
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
		bool own = resv != panthor_vm_resv(vm), used;
		enum panthor_reclaim_reason reason;
		u64 start_ns = ktime_get_ns();

		if (panthor_reclaim_satisfied(run))
			break;

		if (own && !ww_mutex_trylock(&resv->lock, ticket)) {
			panthor_reclaim_keep(run, item, PANTHOR_RECLAIM_LOCKED,
					     PANTHOR_RECLAIM_LOCK_RESV, start_ns);
			continue;
		}

		/* Somebody else evicted it meanwhile. */
		if (panthor_reclaim_settle(run, item)) {
			if (own)
				dma_resv_unlock(resv);
			continue;
		}

		/* With its lock held, the VM's reservation object gets no new jobs. */
		used = jobs;
		if (own && !used)
			used = !dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP);

		reason = panthor_reclaim_barred(run, item, used);
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

/* The BO's reservation lock is held, and with a @ticket those of the VMs that map it. */
static void panthor_reclaim_shared_bo(struct panthor_reclaim_run *run,
				      struct panthor_reclaim_item *item,
				      struct ww_acquire_ctx *ticket)
{
	struct dma_resv *resv = item->bo->base.resv;
	enum panthor_reclaim_reason reason;
	u64 start_ns = ktime_get_ns();
	int cookie;

	if (panthor_reclaim_settle(run, item))
		return;

	reason = panthor_reclaim_barred(run, item, panthor_reclaim_jobs(run, resv,
									item->wait_ns));
	if (reason) {
		panthor_reclaim_keep(run, item, reason, PANTHOR_RECLAIM_LOCK_NONE, start_ns);
	} else if (drm_dev_enter(&run->req.ptdev->base, &cookie)) {
		panthor_reclaim_evict(run, item, ticket);
		drm_dev_exit(cookie);
	}
}

/* Lock the BO and all VMs that map it, as the submission of a job does. */
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

		/* No need to lock what cannot be evicted. */
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

	/* Without it, its BOs are private to no VM, and their writes are to say so, too. */
	if (!vm) {
		entry->serial = 0;
		entry->id = 0;
	}

	for (item = panthor_reclaim_pending(run, entry->first); item;
	     item = panthor_reclaim_pending(run, item->next)) {
		if (panthor_reclaim_no_pages(run, item))
			continue;

		size += item->bo->base.size;
		bos++;
	}
	over = panthor_reclaim_satisfied(run);

	/* Account for a wait even if another thread evicted the BOs meanwhile. */
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

/**
 * panthor_reclaim_evict_round() - Evict what is idle
 * @run: Request.
 *
 * The first round does not wait for reservation locks. The later ones do, for one
 * VM at a time, with nothing else held.
 *
 * Context: Process context, sleeps, interruptible. No locks may be held.
 */
void panthor_reclaim_evict_round(struct panthor_reclaim_run *run)
{
	struct panthor_reclaim_set *set = &run->set;

	panthor_reclaim_ask(set);

	/*
	 * Evicted BOs are the cheapest part of a goal and are written first. They need
	 * room in swap, too.
	 */
	for (u32 i = 0; i < set->nr_items; i++) {
		if (set->items[i].stage == PANTHOR_RECLAIM_PENDING)
			panthor_reclaim_no_pages(run, &set->items[i]);
	}

	for (u32 i = 0; i < set->nr_entries; i++) {
		/* There may be many VMs. */
		cond_resched();
		panthor_reclaim_entry(run, &set->entries[set->turns ? set->turns[i] : i]);
	}
}
