// SPDX-License-Identifier: GPL-2.0 OR MIT

#include <linux/bitmap.h>
#include <linux/blkdev.h>
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim.h"

/**
 * DOC: Explicit reclaim
 *
 * A write of a TGID to mem_reclaim pushes the GPU memory of that process out to
 * swap, now. One request goes through four steps:
 *
 * 1. Find the target: its open files, their VMs and the BOs created through
 *    them, each with a reference. All locks are dropped again, so that nobody
 *    else's open, close or ioctl waits for a reclaim. The lists that the
 *    shrinker goes by are left alone: while it looks at one, it is empty.
 * 2. For each VM, wait for its jobs, once, then evict all that is private to it
 *    while its reservation lock keeps new jobs out.
 * 3. Evict what else the target created and has to itself: BOs in no VM, or in
 *    several VMs that are all its own.
 * 4. Write to swap what was evicted, so that the RAM is free when the write
 *    returns.
 *
 * The jobs in flight are waited for without any lock held, because one of them
 * may need the VM's lock to get on (the tiler's out-of-memory handler does). A
 * client that never stops submitting is caught by holding the lock for slices
 * that grow, and letting go between them. All waiting together ends after
 * %PANTHOR_RECLAIM_WAIT_MS, or at once when there is a signal.
 */

#define PANTHOR_RECLAIM_WAIT_MS		1000
#define PANTHOR_RECLAIM_SLICE_MS	40
#define PANTHOR_RECLAIM_SLICE_MAX_MS	160
#define PANTHOR_RECLAIM_TRIES		20

/* BOs that are on their way to swap before the first of them is waited for. */
#define PANTHOR_RECLAIM_WRITES		32

/* Reasons that may be gone a moment later. */
#define PANTHOR_RECLAIM_PASSING		(BIT(PANTHOR_RECLAIM_BUSY) | \
					 BIT(PANTHOR_RECLAIM_RESV_LOCKED) | \
					 BIT(PANTHOR_RECLAIM_STATE_CHANGED) | \
					 BIT(PANTHOR_RECLAIM_MMU_ERROR) | \
					 PANTHOR_RECLAIM_RETRY)

/* Reasons that are gone at once, for nobody holds these locks for longer than a bind takes. */
#define PANTHOR_RECLAIM_RETRY		(BIT(PANTHOR_RECLAIM_VM_RESV_LOCKED) | \
					 BIT(PANTHOR_RECLAIM_GPUVA_LOCKED) | \
					 BIT(PANTHOR_RECLAIM_VM_OP_LOCKED))

/* One open file of the target, with references on it and its VMs. */
struct panthor_reclaim_target {
	struct panthor_reclaim_client *client;
	struct panthor_vm *vms[PANTHOR_RECLAIM_MAX_VMS];
	u32 nr_vms;
};

static void panthor_reclaim_put_targets(struct panthor_reclaim_target *targets, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		for (u32 j = 0; j < targets[i].nr_vms; j++)
			panthor_vm_put(targets[i].vms[j]);

		panthor_reclaim_client_put(targets[i].client);
	}

	kvfree(targets);
}

/* With no room, this just counts. Keeps what clients know of their processes up to date. */
static u32 panthor_reclaim_collect(struct panthor_device *ptdev, struct pid *tgid,
				   struct panthor_reclaim_target *targets, u32 room)
{
	struct panthor_reclaim_client *client;
	u32 count = 0;

	guard(rcu)();
	guard(spinlock)(&ptdev->rcl.lock);

	list_for_each_entry(client, &ptdev->rcl.clients, node) {
		if (!panthor_reclaim_client_is(client, tgid))
			continue;

		if (count < room) {
			struct panthor_reclaim_target *target = &targets[count];

			target->client = panthor_reclaim_client_get(client);
			target->nr_vms = panthor_reclaim_file_vms(client->file->driver_priv,
								  target->vms,
								  ARRAY_SIZE(target->vms));
		}
		count++;
	}

	return count;
}

static int panthor_reclaim_find(struct panthor_device *ptdev, struct pid *tgid,
				struct panthor_reclaim_target **targetsp, u32 *countp)
{
	struct panthor_reclaim_target *targets;
	u32 room, count;

	for (room = panthor_reclaim_collect(ptdev, tgid, NULL, 0); room; room = count) {
		targets = kvcalloc(room, sizeof(*targets), GFP_KERNEL);
		if (!targets)
			return -ENOMEM;

		count = panthor_reclaim_collect(ptdev, tgid, targets, room);
		if (count && count <= room) {
			*targetsp = targets;
			*countp = count;
			return 0;
		}

		panthor_reclaim_put_targets(targets, min(count, room));
	}

	return -ESRCH;
}

static long panthor_reclaim_time_left(struct panthor_reclaim_req *req)
{
	return max_t(long, req->deadline - jiffies, 0);
}

/* Wait for the fences that there are now, not for those that come while we wait. */
static int panthor_reclaim_wait_fences(struct panthor_reclaim_req *req, struct dma_resv *resv)
{
	u64 start_ns = ktime_get_ns();
	struct dma_fence **fences;
	unsigned int nr;
	int ret = 0;

	/* With no memory for that they are waited for with the lock held, in slices. */
	if (dma_resv_get_fences(resv, DMA_RESV_USAGE_BOOKKEEP, &nr, &fences))
		return 0;

	for (u32 i = 0; i < nr; i++) {
		long left;

		if (!ret && !dma_fence_is_signaled(fences[i])) {
			req->vm.fences++;
			req->vm.fence_context = fences[i]->context;
			req->vm.fence_seqno = fences[i]->seqno;

			left = dma_fence_wait_timeout(fences[i], true,
						      panthor_reclaim_time_left(req));
			if (left < 0)
				ret = -EINTR;
			else if (!left)
				ret = -ETIME;
		}
		dma_fence_put(fences[i]);
	}
	kfree(fences);

	req->vm.acct.fence_ns += ktime_get_ns() - start_ns;
	return ret;
}

/*
 * Wait until all jobs that use @resv are done, and no new ones can come.
 *
 * Returns 0 with @resv locked; -EINTR for a signal and -ETIME for the end of
 * our patience, without.
 */
static int panthor_reclaim_lock_idle(struct panthor_reclaim_req *req, struct dma_resv *resv)
{
	long slice = msecs_to_jiffies(PANTHOR_RECLAIM_SLICE_MS);

	for (;;) {
		u64 start_ns;
		long left;
		int ret;

		ret = panthor_reclaim_wait_fences(req, resv);
		if (ret)
			return ret;

		start_ns = ktime_get_ns();
		ret = dma_resv_lock_interruptible(resv, NULL);
		req->vm.acct.lock_ns += ktime_get_ns() - start_ns;
		if (ret)
			return -EINTR;

		if (dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP))
			return 0;

		start_ns = ktime_get_ns();
		left = dma_resv_wait_timeout(resv, DMA_RESV_USAGE_BOOKKEEP, true,
					     min(slice, panthor_reclaim_time_left(req)));
		req->vm.acct.fence_ns += ktime_get_ns() - start_ns;
		if (left > 0)
			return 0;

		dma_resv_unlock(resv);
		if (left < 0)
			return -EINTR;

		if (!panthor_reclaim_time_left(req))
			return -ETIME;

		slice = min_t(long, 2 * slice, msecs_to_jiffies(PANTHOR_RECLAIM_SLICE_MAX_MS));
	}
}

static bool panthor_reclaim_stopped(struct panthor_reclaim_req *req)
{
	return signal_pending(current) || drm_dev_is_unplugged(&req->ptdev->base);
}

/* Is there room in swap for @size more than what was evicted and is not written yet? */
static bool panthor_reclaim_has_room(struct panthor_reclaim_req *req, u64 size)
{
	u64 owed = req->total.evicted + req->vm.acct.evicted - req->total.written;

	return (u64)max(get_nr_swap_pages(), 0L) << PAGE_SHIFT >= owed + size;
}

/*
 * All reservation locks that can be had in order are held: those of the BO and
 * of the VM the request is at.
 */
static enum panthor_reclaim_reason panthor_reclaim_evict(struct panthor_reclaim_req *req,
							 struct panthor_gem_object *bo)
{
	if (!panthor_reclaim_has_room(req, bo->base.size))
		return PANTHOR_RECLAIM_NO_SWAP;

	for (u32 tries = 1; ; tries++) {
		enum panthor_reclaim_reason reason;
		u64 start_ns;

		if (panthor_gem_try_evict_no_resv_wait(&bo->base, NULL))
			return PANTHOR_RECLAIM_NONE;

		reason = panthor_reclaim_reason(req->err);
		if (!(BIT(reason) & PANTHOR_RECLAIM_RETRY) || tries == PANTHOR_RECLAIM_TRIES ||
		    !panthor_reclaim_time_left(req) || panthor_reclaim_stopped(req))
			return reason;

		start_ns = ktime_get_ns();
		usleep_range(100, 500);
		req->vm.acct.lock_ns += ktime_get_ns() - start_ns;
	}
}

/* The BOs created through one open file, and which of them the request has looked at. */
struct panthor_reclaim_bos {
	struct panthor_gem_object **bos;
	unsigned long *seen;
	u32 count;
};

/* Has a BO pages that are private to this VM? For good only with the VM's lock held. */
static bool panthor_reclaim_is_private(struct panthor_gem_object *bo, u32 vm_id)
{
	return READ_ONCE(bo->backing.pages) && READ_ONCE(bo->rcl.vm_id) == vm_id &&
	       READ_ONCE(bo->reclaim_state) == PANTHOR_GEM_GPU_MAPPED_SINGLE_VM &&
	       !panthor_reclaim_bo_shared(bo);
}

static enum panthor_reclaim_reason
panthor_reclaim_private_bo(struct panthor_reclaim_req *req, struct panthor_gem_object *bo,
			   struct dma_resv *vm_resv)
{
	enum panthor_reclaim_reason reason;

	if (panthor_reclaim_bo_shared(bo))
		return PANTHOR_RECLAIM_SHARED;

	if (bo->base.resv == vm_resv)
		return panthor_reclaim_evict(req, bo);

	/* Not bound to this VM for good, so it has a lock and fences of its own. */
	if (!dma_resv_trylock(bo->base.resv))
		return PANTHOR_RECLAIM_RESV_LOCKED;

	if (dma_resv_test_signaled(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP))
		reason = panthor_reclaim_evict(req, bo);
	else
		reason = PANTHOR_RECLAIM_BUSY;

	dma_resv_unlock(bo->base.resv);
	return reason;
}

static void panthor_reclaim_vm(struct panthor_reclaim_req *req, struct panthor_vm *vm,
			       struct panthor_reclaim_bos *set)
{
	struct panthor_reclaim_vm *rcl = panthor_reclaim_of_vm(vm);
	struct dma_resv *resv = panthor_vm_resv(vm);
	bool locked = false;
	u64 size = 0;
	u32 nr = 0;

	for (u32 i = 0; i < set->count; i++) {
		if (panthor_reclaim_is_private(set->bos[i], rcl->id)) {
			size += set->bos[i]->base.size;
			nr++;
		}
	}

	panthor_reclaim_req_vm_begin(req, rcl->client, rcl->id, nr, size);
	if (!panthor_reclaim_has_room(req, PAGE_SIZE))
		req->vm.reason = PANTHOR_RECLAIM_NO_SWAP;
	else if (nr && panthor_reclaim_lock_idle(req, resv))
		req->vm.reason = PANTHOR_RECLAIM_BUSY;
	else
		locked = nr;

	if (locked && panthor_reclaim_has_room(req, size)) {
		u64 start_ns = ktime_get_ns();

		panthor_reclaim_vm_unmap(vm);
		req->vm.acct.unmap_ns += ktime_get_ns() - start_ns;
	}

	/* One that has come since is one of the others. */
	for (u32 i = 0; nr && i < set->count; i++) {
		enum panthor_reclaim_reason reason = req->vm.reason;
		struct panthor_gem_object *bo = set->bos[i];

		if (!panthor_reclaim_is_private(bo, rcl->id))
			continue;

		if (panthor_reclaim_stopped(req)) {
			req->vm.reason = PANTHOR_RECLAIM_INTERRUPTED;
			break;
		}

		__set_bit(i, set->seen);
		if (locked)
			reason = panthor_reclaim_private_bo(req, bo, resv);
		if (reason)
			panthor_reclaim_req_skip(req, bo, reason);
	}

	if (locked)
		dma_resv_unlock(resv);

	panthor_reclaim_req_vm_end(req);
}

/**
 * panthor_reclaim_barred() - Why a request for its process leaves a BO alone
 * @bo: BO.
 * @tgid: Process, as panthor_reclaim_client_tgid() gives it.
 *
 * Context: May sleep, takes the BO's gpuva.lock. The answer stands for as long
 * as the BO's reservation lock is held.
 * Return: %PANTHOR_RECLAIM_SHARED, %PANTHOR_RECLAIM_PINNED, or
 * %PANTHOR_RECLAIM_NONE if it may go.
 */
enum panthor_reclaim_reason panthor_reclaim_barred(struct panthor_gem_object *bo, pid_t tgid)
{
	enum panthor_gem_reclaim_state state = READ_ONCE(bo->reclaim_state);

	if (panthor_reclaim_bo_shared(bo) ||
	    (state == PANTHOR_GEM_GPU_MAPPED_MULTI_VM && !panthor_reclaim_bo_within(bo, tgid)))
		return PANTHOR_RECLAIM_SHARED;

	if (state == PANTHOR_GEM_UNRECLAIMABLE)
		return PANTHOR_RECLAIM_PINNED;

	return PANTHOR_RECLAIM_NONE;
}

static enum panthor_reclaim_reason panthor_reclaim_other_bo(struct panthor_reclaim_req *req,
							    struct panthor_gem_object *bo)
{
	u64 fence_ns = req->vm.acct.fence_ns;
	enum panthor_reclaim_reason reason;
	int ret;

	/* No need to wait for what will not go. */
	reason = panthor_reclaim_barred(bo, req->target_tgid);
	if (reason)
		return reason;

	/* A job, or another process, may be given the BO until we have its lock. */
	ret = panthor_reclaim_lock_idle(req, bo->base.resv);
	req->wait_ns = req->vm.acct.fence_ns - fence_ns;
	if (ret)
		return ret == -EINTR ? PANTHOR_RECLAIM_INTERRUPTED : PANTHOR_RECLAIM_BUSY;

	if (bo->backing.pages)
		reason = panthor_reclaim_barred(bo, req->target_tgid) ? :
			 panthor_reclaim_evict(req, bo);
	else
		reason = PANTHOR_RECLAIM_STATE_CHANGED;

	dma_resv_unlock(bo->base.resv);
	return reason;
}

static void panthor_reclaim_others(struct panthor_reclaim_req *req,
				   struct panthor_reclaim_client *client,
				   struct panthor_reclaim_bos *set)
{
	u32 i, nr = 0;
	u64 size = 0;

	for_each_clear_bit(i, set->seen, set->count) {
		if (READ_ONCE(set->bos[i]->backing.pages)) {
			size += set->bos[i]->base.size;
			nr++;
		}
	}

	if (!nr)
		return;

	panthor_reclaim_req_vm_begin(req, client, 0, nr, size);
	for_each_clear_bit(i, set->seen, set->count) {
		enum panthor_reclaim_reason reason;

		if (!READ_ONCE(set->bos[i]->backing.pages))
			continue;

		if (panthor_reclaim_stopped(req)) {
			req->vm.reason = PANTHOR_RECLAIM_INTERRUPTED;
			break;
		}

		reason = panthor_reclaim_other_bo(req, set->bos[i]);
		if (reason)
			panthor_reclaim_req_skip(req, set->bos[i], reason);
	}
	panthor_reclaim_req_vm_end(req);
}

/* An evicted BO that is on its way to swap, and what that has taken so far. */
struct panthor_reclaim_writing {
	struct panthor_gem_object *bo;
	u64 duration_ns;
	u64 written;
	u64 freed;
};

static void panthor_reclaim_write_bo_part(struct panthor_reclaim_req *req,
					  struct panthor_reclaim_writing *writing, bool wait)
{
	u64 start_ns = ktime_get_ns(), written, freed;
	enum panthor_reclaim_writeback done;

	done = panthor_reclaim_write_bo(writing->bo, wait, &written, &freed);
	req->writeback = max(req->writeback, done);
	writing->duration_ns += ktime_get_ns() - start_ns;
	writing->written = max(writing->written, written);
	writing->freed += freed;
}

/* What a signal has cut short is accounted for all the same. */
static void panthor_reclaim_written(struct panthor_reclaim_req *req,
				    struct panthor_reclaim_writing *writing, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		if (writing[i].freed < writing[i].written)
			panthor_reclaim_write_bo_part(req, &writing[i], true);

		panthor_reclaim_req_written(req, writing[i].bo, writing[i].duration_ns,
					    writing[i].written, writing[i].freed);
	}
}

static void panthor_reclaim_write(struct panthor_reclaim_req *req,
				  struct panthor_gem_object **bos, u32 count)
{
	struct panthor_reclaim_writing writing[PANTHOR_RECLAIM_WRITES];
	struct blk_plug plug;
	u32 nr = 0;

	blk_start_plug(&plug);
	for (u32 i = 0; i < count && !panthor_reclaim_stopped(req); i++) {
		if (READ_ONCE(bos[i]->rcl.evicted_by) != req->id)
			continue;

		writing[nr] = (struct panthor_reclaim_writing){ .bo = bos[i] };
		panthor_reclaim_write_bo_part(req, &writing[nr++], false);
		if (nr == ARRAY_SIZE(writing)) {
			panthor_reclaim_written(req, writing, nr);
			nr = 0;
		}
	}

	panthor_reclaim_written(req, writing, nr);
	blk_finish_plug(&plug);
}

static void panthor_reclaim_count(struct panthor_reclaim_req *req,
				  struct panthor_gem_object **bos, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		if (READ_ONCE(bos[i]->backing.pages)) {
			req->remaining += bos[i]->base.size;
			req->remaining_bos++;
		}
	}
}

static int panthor_reclaim_client(struct panthor_reclaim_req *req,
				  struct panthor_reclaim_target *target)
{
	struct panthor_reclaim_bos set;
	int ret = -ENOMEM, cookie;

	set.bos = panthor_reclaim_client_bos(target->client, &set.count);
	if (!set.bos)
		return -ENOMEM;

	set.seen = bitmap_zalloc(set.count, GFP_KERNEL);
	if (!set.seen)
		goto out_put;

	ret = 0;
	if (drm_dev_enter(&req->ptdev->base, &cookie)) {
		for (u32 i = 0; i < target->nr_vms && !panthor_reclaim_stopped(req); i++)
			panthor_reclaim_vm(req, target->vms[i], &set);

		if (!panthor_reclaim_stopped(req))
			panthor_reclaim_others(req, target->client, &set);

		/* Whoever unplugs a device, any device, need not wait for our swap. */
		drm_dev_exit(cookie);
	}

	panthor_reclaim_write(req, set.bos, set.count);
	panthor_reclaim_count(req, set.bos, set.count);
	bitmap_free(set.seen);

out_put:
	panthor_reclaim_put_bos(set.bos, set.count);
	return ret;
}

/* What to tell the writer. That something went is a success, however little. */
static int panthor_reclaim_result(struct panthor_reclaim_req *req, int err)
{
	if (req->total.evicted_bos)
		return 0;

	if (drm_dev_is_unplugged(&req->ptdev->base))
		return -ENODEV;

	if (signal_pending(current))
		return -EINTR;

	if (err)
		return err;

	if (req->reasons & BIT(PANTHOR_RECLAIM_NO_SWAP))
		return -ENOSPC;

	return req->reasons & PANTHOR_RECLAIM_PASSING ? -EBUSY : 0;
}

/**
 * panthor_reclaim_process() - Push the GPU memory of a process out to swap
 * @ptdev: Device.
 * @tgid: The process.
 *
 * Context: Process context, sleeps, interruptible. No locks may be held.
 * Return: 0 if anything was evicted or there was nothing to evict; %-ESRCH if
 * the process has the device not open; %-EBUSY if all there was is in use;
 * %-ENOSPC if there is no room in swap; %-EINTR if a signal came before
 * anything was evicted; %-ENODEV if the device is gone; %-ENOMEM.
 */
int panthor_reclaim_process(struct panthor_device *ptdev, struct pid *tgid)
{
	struct panthor_reclaim_req req = { .start_ns = ktime_get_ns() };
	struct panthor_reclaim_target *targets;
	int ret;

	if (drm_dev_is_unplugged(&ptdev->base))
		return -ENODEV;

	ret = panthor_reclaim_find(ptdev, tgid, &targets, &req.clients);
	if (ret)
		return ret;

	for (u32 i = 0; i < req.clients; i++)
		req.vms += targets[i].nr_vms;
	req.target_tgid = panthor_reclaim_client_tgid(targets[0].client, req.target_comm);
	req.deadline = jiffies + msecs_to_jiffies(PANTHOR_RECLAIM_WAIT_MS);

	panthor_reclaim_req_begin(&req, ptdev, PANTHOR_RECLAIM_SYSFS);

	for (u32 i = 0; i < req.clients && !ret; i++)
		ret = panthor_reclaim_client(&req, &targets[i]);

	ret = panthor_reclaim_result(&req, ret);
	panthor_reclaim_req_end(&req, ret);
	for (u32 i = 0; i < req.clients; i++)
		panthor_reclaim_client_result(targets[i].client, &req);

	panthor_reclaim_put_targets(targets, req.clients);
	return ret;
}
