// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * The reverse of a reclaim: swap in the evicted memory of a process ahead of use.
 */

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/vmstat.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_internal.h"

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
 * RAM. Only then are the locks taken that a submission takes.
 *
 * A BO that several processes share is swapped in for any of them, but mapped in
 * the VMs of the target only.
 */

/* Pages to read between two checks of signals and of free memory. */
#define PANTHOR_RECLAIM_CLAIM_STEP	32

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

static bool panthor_reclaim_is_evicted(struct panthor_gem_object *bo)
{
	return READ_ONCE(bo->rcl.evicted.id) && !READ_ONCE(bo->backing.pages);
}

/*
 * Read the pages of a BO from swap. Returns 1 if that is not needed. The allocation
 * must not reclaim: a claim is not to evict memory of other processes.
 */
static int panthor_reclaim_read_in(struct panthor_gem_object *bo)
{
	struct address_space *mapping = bo->base.filp->f_mapping;
	gfp_t gfp = (mapping_gfp_mask(mapping) & ~(__GFP_RECLAIM | __GFP_RETRY_MAYFAIL)) |
		    __GFP_NORETRY | __GFP_NOWARN;
	u64 in_ram = min_t(u64, (u64)READ_ONCE(mapping->nrpages) << PAGE_SHIFT, bo->base.size);
	pgoff_t end = bo->base.size >> PAGE_SHIFT, next = 0;

	if (panthor_reclaim_free_memory() < bo->base.size - in_ram)
		return -ENOMEM;

	for (pgoff_t index = 0; index < end;) {
		struct folio *folio;

		if (index >= next) {
			/* It is about to be freed, or was swapped in meanwhile. */
			if (kref_read(&bo->base.refcount) == 1 || !panthor_reclaim_is_evicted(bo))
				return 1;

			if (signal_pending(current))
				return -EINTR;

			next = index + PANTHOR_RECLAIM_CLAIM_STEP;
			if (panthor_reclaim_free_memory() < PANTHOR_RECLAIM_CLAIM_STEP * PAGE_SIZE)
				return -ENOMEM;
			cond_resched();
		}

		folio = shmem_read_folio_gfp(mapping, index, gfp);
		if (IS_ERR(folio))
			return PTR_ERR(folio);

		index = folio_next_index(folio);
		folio_put(folio);
	}

	return 0;
}

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

static int panthor_reclaim_claim_bo(struct panthor_reclaim_req *req,
				    const struct panthor_reclaim_set *set,
				    struct panthor_gem_object *bo)
{
	u64 start_ns = ktime_get_ns(), lock_ns;
	struct drm_exec exec;
	int ret;

	if (!panthor_reclaim_is_evicted(bo))
		return 0;

	ret = panthor_reclaim_read_in(bo);
	if (!ret) {
		lock_ns = ktime_get_ns();
		ret = panthor_reclaim_lock_bo(&exec, bo, set);
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
	struct panthor_reclaim_key *keys, *sorted;
	int ret = 0, failed = 0;
	u32 count;

	keys = kvmalloc_array(set->nr_items, 2 * sizeof(*keys), GFP_KERNEL);
	if (!keys)
		return -ENOMEM;

	count = panthor_reclaim_evicted_items(set, keys);
	sorted = panthor_reclaim_sort(keys, keys + count, count);
	while (count-- && !ret) {
		struct panthor_reclaim_item *item = &set->items[sorted[count].index];

		if (req->info.goal && req->info.swapped_in >= req->info.goal)
			break;

		ret = signal_pending(current) ? -EINTR :
		      drm_dev_is_unplugged(&req->ptdev->base) ? -ENODEV :
		      panthor_reclaim_claim_bo(req, set, item->bo);
		panthor_reclaim_put_item(item);

		/* After most errors, go on with the other BOs. */
		if (ret && ret != -EINTR && ret != -ENODEV && ret != -ENOMEM) {
			failed = failed ? : ret;
			ret = 0;
		}
	}
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
