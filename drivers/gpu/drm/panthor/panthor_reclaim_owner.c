// SPDX-License-Identifier: GPL-2.0 OR MIT

#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/fs.h>

#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_internal.h"

/**
 * DOC: What belongs to the target
 *
 * A BO is the target's alone, and may be evicted for it, when all three hold,
 * whoever created it:
 *
 * 1. Every handle of it is in a file of the target, or it has none.
 * 2. No dma-buf of it is in anybody's hands: it is not imported, and if it was
 *    exported, no file descriptor, mapping or attachment is left.
 * 3. Every VM that maps it is the target's.
 *
 * DRM is asked for all three, at the start of each round of a request. The
 * handles in the target's files are counted under &drm_device.filelist_mutex,
 * which keeps the files, and the table_lock of each. All the while
 * &drm_device.object_name_lock is held, so that nobody is given a handle. How many
 * there are in all, and how many references the dma-buf has besides DRM's own, one
 * and one for each handle that it was exported from or imported to, is read first: a
 * handle that is being closed leaves its file's table first and the other two
 * later, so what is read too early shows as a handle of somebody else. A handle that
 * was opened by name has no reference on the dma-buf, so a BO that has a name and
 * was exported is taken for somebody else's. Once the
 * last handle is closed DRM forgets a dma-buf that others still have; the BO
 * counts its dma-bufs for that, see panthor_reclaim_bo.dmabufs. The mappings are
 * looked at under the BO's gpuva.lock, with its reservation lock held until it is
 * evicted.
 *
 * None of these locks is held while a BO is evicted. It does not have to be: where
 * 1 and 2 hold only the target itself can give the BO to somebody else. Who gets
 * it then gets it as if that had happened after the eviction.
 *
 * A BO that has no handle and is in no VM is only reached through a mapping of a
 * CPU. It belongs to the client that created it.
 */

/*
 * Has anybody the dma-buf of a BO? DRM itself has it once, and once more for each
 * handle that it was exported from or imported to.
 */
static bool panthor_reclaim_exported(struct panthor_gem_object *bo)
{
	struct dma_buf *dma_buf = bo->base.dma_buf;

	lockdep_assert_held(&bo->base.dev->object_name_lock);

	if (!atomic_read(&bo->rcl.dmabufs))
		return false;

	/* A handle that was opened by name has none of them. */
	return !dma_buf || bo->base.name || file_count(dma_buf->file) > 1 + bo->base.handle_count;
}

static void panthor_reclaim_count_handles(struct panthor_reclaim_set *set, struct drm_file *file)
{
	struct panthor_reclaim_item *item;
	struct drm_gem_object *obj;
	int handle;

	guard(spinlock)(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, handle) {
		item = panthor_reclaim_find_item(set, to_panthor_bo(obj));
		if (item)
			item->handles++;
	}
}

/* Has a file been handed to another process since it was found? */
static void panthor_reclaim_ask_clients(struct panthor_reclaim_set *set)
{
	lockdep_assert_held(&set->ptdev->base.filelist_mutex);

	guard(spinlock)(&set->ptdev->rcl.lock);
	for (u32 i = 0; i < set->nr_clients; i++) {
		struct drm_file *file = set->clients[i]->file;

		set->handed[i] = file && !panthor_reclaim_is_target(set, file);
	}
}

static bool panthor_reclaim_owns(const struct panthor_reclaim_set *set,
				 struct panthor_reclaim_client *client)
{
	for (u32 i = 0; i < set->nr_clients; i++) {
		if (set->clients[i] == client)
			return !set->handed[i];
	}

	return false;
}

static void panthor_reclaim_count_all(struct panthor_reclaim_set *set)
{
	struct drm_device *dev = &set->ptdev->base;
	struct drm_file *file;

	/* Nobody is given a handle meanwhile. */
	guard(mutex)(&dev->object_name_lock);
	for (u32 i = 0; i < set->nr_items; i++) {
		struct panthor_reclaim_item *item = &set->items[i];

		if (item->stage == PANTHOR_RECLAIM_DONE)
			continue;

		item->others = drm_gem_is_imported(&item->bo->base) ||
			       panthor_reclaim_exported(item->bo);
		item->all_handles = item->bo->base.handle_count;
		item->handles = 0;
	}

	guard(mutex)(&dev->filelist_mutex);
	list_for_each_entry(file, &dev->filelist, lhead) {
		if (panthor_reclaim_is_target(set, file))
			panthor_reclaim_count_handles(set, file);
	}
	panthor_reclaim_ask_clients(set);
}

/**
 * panthor_reclaim_ask() - Ask DRM who has handles and dma-bufs of each BO
 * @set: Set. &panthor_reclaim_item.others is what comes of it.
 *
 * Context: Process context, may sleep. No reservation lock may be held: whoever
 * imports a dma-buf takes one with object_name_lock held.
 */
void panthor_reclaim_ask(struct panthor_reclaim_set *set)
{
	panthor_reclaim_count_all(set);
	for (u32 i = 0; i < set->nr_items; i++) {
		struct panthor_reclaim_item *item = &set->items[i];

		if (item->all_handles > item->handles ||
		    !panthor_reclaim_owns(set, set->entries[item->entry].client))
			item->others = true;
	}
}

/**
 * panthor_reclaim_is_own() - Is a VM the target's?
 * @set: The target.
 * @vm: The VM's list of mappings.
 *
 * Return: True if it is.
 */
bool panthor_reclaim_is_own(const struct panthor_reclaim_set *set, struct drm_gpuvm *vm)
{
	return panthor_reclaim_owns(set, panthor_gpuvm_reclaim(vm)->client);
}

/**
 * panthor_reclaim_mapped_by_others() - Does a VM map a BO that is not the target's?
 * @set: The target.
 * @bo: BO.
 *
 * Context: May sleep, takes the BO's gpuva.lock. The BO's reservation lock is
 * held, and the answer stands for as long as it is.
 * Return: True if one does.
 */
bool panthor_reclaim_mapped_by_others(const struct panthor_reclaim_set *set,
				      struct panthor_gem_object *bo)
{
	struct drm_gpuvm_bo *vm_bo;

	guard(mutex)(&bo->base.gpuva.lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		if (!panthor_reclaim_is_own(set, vm_bo->vm))
			return true;
	}

	return false;
}

/**
 * panthor_reclaim_roots() - The objects whose reservation locks are those of the VMs
 * that map a BO
 * @bo: BO.
 * @set: Whose VMs, NULL for all.
 * @roots: The objects, with references, %PANTHOR_RECLAIM_ROOTS at most.
 *
 * Context: May sleep, takes the BO's gpuva.lock.
 * Return: How many.
 */
u32 panthor_reclaim_roots(struct panthor_gem_object *bo, const struct panthor_reclaim_set *set,
			  struct drm_gem_object **roots)
{
	struct drm_gpuvm_bo *vm_bo;
	u32 count = 0;

	guard(mutex)(&bo->base.gpuva.lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		if (set && !panthor_reclaim_is_own(set, vm_bo->vm))
			continue;

		if (count == PANTHOR_RECLAIM_ROOTS)
			break;

		roots[count] = drm_gpuvm_resv_obj(vm_bo->vm);
		drm_gem_object_get(roots[count++]);
	}

	return count;
}

/**
 * panthor_reclaim_lock_bo() - Take the reservation locks of a BO and of the VMs that
 * map it
 * @exec: Locks. Whatever comes of it, drm_exec_fini() is the caller's.
 * @bo: BO.
 * @set: Whose VMs, NULL for all.
 *
 * If there are too many VMs, some are left out.
 *
 * Context: Process context, sleeps.
 * Return: 0, %-EINTR or %-ENOMEM.
 */
int panthor_reclaim_lock_bo(struct drm_exec *exec, struct panthor_gem_object *bo,
			    const struct panthor_reclaim_set *set)
{
	struct drm_gem_object *roots[PANTHOR_RECLAIM_ROOTS];
	u32 count = panthor_reclaim_roots(bo, set, roots);
	int ret = 0;

	drm_exec_init(exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, count + 1);
	drm_exec_until_all_locked(exec) {
		ret = drm_exec_lock_obj(exec, &bo->base);
		drm_exec_retry_on_contention(exec);
		for (u32 i = 0; !ret && i < count; i++) {
			ret = drm_exec_lock_obj(exec, roots[i]);
			drm_exec_retry_on_contention(exec);
		}
		if (ret)
			break;
	}

	/* What is locked has a reference of its own. */
	while (count--)
		drm_gem_object_put(roots[count]);

	return ret;
}

/**
 * panthor_reclaim_bo_va() - Lowest GPU address that a BO is, or was until
 * evicted, mapped to
 * @bo: BO.
 *
 * Context: Takes the BO's gpuva.lock, if that can be had at once: who has it may
 * wait for memory.
 * Return: The address, 0 if it is not mapped, or the lock was taken.
 */
u64 panthor_reclaim_bo_va(struct panthor_gem_object *bo)
{
	struct drm_gpuvm_bo *vm_bo;
	struct drm_gpuva *va;
	u64 lowest = U64_MAX;

	if (!mutex_trylock(&bo->base.gpuva.lock))
		return 0;

	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		drm_gpuvm_bo_for_each_va(va, vm_bo)
			lowest = min(lowest, va->va.addr);
	}
	mutex_unlock(&bo->base.gpuva.lock);

	return lowest == U64_MAX ? 0 : lowest;
}
