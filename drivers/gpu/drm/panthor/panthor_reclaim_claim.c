// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * The reverse of a reclaim: swap in the evicted memory of a process ahead of use.
 */

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/dma-resv.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_claim.h"

/**
 * DOC: Claim
 *
 * A write of a TGID to mem_claim swaps in the evicted memory of that process and
 * maps it, so that the next job does not have to. The BO that was evicted last comes
 * first. A claim only uses free memory, above what the kernel keeps free. It stops at
 * the first BO that does not fit.
 *
 * The pages of a BO are read from swap without a lock. Nobody waits for the read, a
 * signal ends it, and a job that is submitted meanwhile finds some of the pages in
 * RAM. Only then are the locks taken that a submission takes. From a disk, several
 * parts are read at a time.
 *
 * A BO that several processes share is swapped in for any of them, but mapped in
 * the VMs of the target only.
 */

/*
 * Do what a submission does. @exec holds the locks of the BO and of the target's VMs.
 * The latter also keep the vm_bos from being freed.
 */
static int panthor_reclaim_map_in(struct panthor_gem_object *bo, struct drm_exec *exec)
{
	struct drm_gpuvm_bo *vm_bos[PANTHOR_RECLAIM_ROOTS];
	struct drm_gpuvm_bo *vm_bo;
	u32 count = 0;
	int ret;

	ret = panthor_gem_swapin_locked(bo);
	if (ret)
		return ret;

	scoped_guard(mutex, &bo->base.gpuva.lock) {
		panthor_gem_update_reclaim_state_locked(bo, NULL);
		drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
			struct dma_resv *resv = drm_gpuvm_resv(vm_bo->vm);

			if (dma_resv_locking_ctx(resv) == &exec->ticket &&
			    kref_read(&vm_bo->kref) && count < ARRAY_SIZE(vm_bos))
				vm_bos[count++] = vm_bo;
		}
	}

	for (u32 i = 0; i < count && !ret; i++)
		ret = vm_bos[i]->vm->ops->vm_bo_validate(vm_bos[i], exec);

	return ret;
}

static int panthor_reclaim_claim_locked(struct panthor_reclaim_req *req,
					struct panthor_gem_object *bo, struct drm_exec *exec,
					u64 start_ns)
{
	int ret, cookie;

	if (!bo->rcl.evicted.id || bo->backing.pages)
		return 0;

	if (!drm_dev_enter(&req->ptdev->base, &cookie))
		return -ENODEV;

	bo->rcl.by = req->info.id;
	bo->rcl.by_ns = start_ns;
	ret = panthor_reclaim_map_in(bo, exec);
	bo->rcl.by = 0;
	drm_dev_exit(cookie);

	if (bo->backing.pages) {
		req->info.swapped_in += bo->base.size;
		req->info.swapped_in_bos++;
	}

	return ret;
}

/* @bo is the current one of @reader. */
static int panthor_reclaim_claim_bo(struct panthor_reclaim_req *req,
				    struct panthor_reclaim_reader *reader,
				    struct panthor_gem_object *bo)
{
	u64 start_ns = ktime_get_ns(), lock_ns;
	struct drm_exec exec;
	int ret;

	if (!panthor_reclaim_is_evicted(bo))
		return 0;

	ret = panthor_reclaim_read(reader);
	if (!ret) {
		lock_ns = ktime_get_ns();
		ret = panthor_reclaim_lock_bo(&exec, bo, reader->set);
		req->info.total.lock_ns += ktime_get_ns() - lock_ns;
		if (!ret)
			ret = panthor_reclaim_claim_locked(req, bo, &exec, start_ns);
		drm_exec_fini(&exec);
	}

	/* After an error, part of it may be in RAM. */
	panthor_reclaim_count_written(bo);
	return min(ret, 0);
}

/* Find the evicted items. Returns their number. */
static u32 panthor_reclaim_evicted_items(struct panthor_reclaim_set *set,
					 struct panthor_reclaim_key *keys)
{
	u32 count = 0;

	for (u32 i = 0; i < set->nr_items; i++) {
		struct panthor_gem_object *bo = set->items[i].bo;

		if (panthor_reclaim_is_evicted(bo) && bo->base.filp)
			keys[count++] = (struct panthor_reclaim_key){
				.key = READ_ONCE(bo->rcl.evicted.ns),
				.index = i,
			};
	}

	return count;
}

static int panthor_reclaim_claim_set(struct panthor_reclaim_req *req,
				     struct panthor_reclaim_set *set)
{
	struct panthor_reclaim_reader *reader __free(kfree) = kmalloc_obj(*reader);
	struct panthor_reclaim_key *keys;
	int ret = 0, failed = 0;
	u32 nr;

	keys = kvmalloc_array(set->nr_items, 2 * sizeof(*keys), GFP_KERNEL);
	if (!reader || !keys) {
		kvfree(keys);
		return -ENOMEM;
	}

	nr = panthor_reclaim_evicted_items(set, keys);
	panthor_reclaim_reader_init(reader, set, panthor_reclaim_sort(keys, keys + nr, nr), nr);
	while (reader->nr && !ret) {
		struct panthor_reclaim_item *item;

		if (req->info.goal && req->info.swapped_in >= req->info.goal)
			break;

		reader->want = req->info.goal ? req->info.goal - req->info.swapped_in : 0;
		item = &set->items[reader->sorted[reader->nr - 1].index];
		ret = signal_pending(current) ? -EINTR :
		      drm_dev_is_unplugged(&req->ptdev->base) ? -ENODEV :
		      panthor_reclaim_claim_bo(req, reader, item->bo);
		panthor_reclaim_reader_next(reader);
		panthor_reclaim_put_item(item);

		/* After most errors, go on with the other BOs. */
		if (ret && ret != -EINTR && ret != -ENODEV && ret != -ENOMEM) {
			failed = failed ? : ret;
			ret = 0;
		}
	}
	panthor_reclaim_reader_stop(reader);
	kvfree(keys);

	if (ret == -EINTR)
		req->info.cut_short = PANTHOR_RECLAIM_INTERRUPTED;
	else if (ret == -ENOMEM)
		req->info.cut_short = PANTHOR_RECLAIM_NO_MEMORY;

	/* Partial success is success. */
	return req->info.swapped_in_bos ? 0 : ret ? : failed;
}

/*
 * Swap in the evicted memory of a process: at least @goal bytes, or all if that is 0.
 * Process context, sleeps, interruptible. No locks may be held.
 */
static int panthor_reclaim_claim(struct panthor_device *ptdev, struct pid *tgid, u64 goal)
{
	struct panthor_reclaim_req *req __free(kfree) = kzalloc_obj(*req);
	struct panthor_reclaim_set set;
	int ret;

	if (!req)
		return -ENOMEM;

	if (drm_dev_is_unplugged(&ptdev->base))
		return -ENODEV;

	req->start_ns = ktime_get_ns();
	ret = panthor_reclaim_gather(&set, ptdev, tgid);
	if (ret)
		return ret == -EINTR ? -ERESTARTNOHAND : ret;

	req->info.goal = goal;
	req->info.clients = set.nr_clients;
	req->info.vms = set.nr_vms;
	req->info.target_tgid = panthor_reclaim_client_tgid(set.clients[0],
							    req->info.target_comm);
	panthor_reclaim_req_begin(req, ptdev, PANTHOR_RECLAIM_CLAIM);
	ret = panthor_reclaim_claim_set(req, &set);
	panthor_reclaim_req_end(req, ret);
	for (u32 i = 0; i < set.nr_clients; i++)
		panthor_reclaim_result(req, set.clients[i], NULL);
	panthor_reclaim_release(&set);

	/* A signal without a handler restarts the write. */
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

static ssize_t mem_claim_store(struct device *dev, struct device_attribute *attr,
			       const char *buf, size_t len)
{
	return panthor_reclaim_store(dev, buf, len, panthor_reclaim_claim);
}

DEVICE_ATTR_WO(mem_claim);
