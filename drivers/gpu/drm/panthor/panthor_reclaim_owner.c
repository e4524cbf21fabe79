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
 * A BO belongs to the target alone, and may be evicted for it, if all of these
 * hold, no matter who created it:
 *
 * 1. All of its handles are in files of the target, or it has none.
 * 2. Nobody uses a dma-buf of it: it is not imported, and if it was exported, no
 *    file descriptor, mapping or attachment of the dma-buf is left.
 * 3. All VMs that map it belong to the target.
 *
 * DRM is asked about handles and dma-bufs at the start of each round, with
 * &drm_device.object_name_lock held, so that no handle can be created. Two numbers
 * are read first: all handles of the BO, and the references on its dma-buf beyond
 * DRM's own, which are one for the cached dma-buf and one for each handle that it
 * was exported from or imported to. Then the handles in the target's files are
 * counted under &drm_device.filelist_mutex, which keeps the files open, and the
 * table_lock of each file. The order matters: a handle that is being closed leaves
 * the table of its file first, so a race with that makes the BO look shared, and
 * never the reverse.
 *
 * Two cases need more than that. A handle that was opened by name has no reference
 * on the dma-buf, so a BO that has a name and was exported counts as shared. And
 * DRM forgets the dma-buf when the last handle is closed, even if it is still
 * in use, so the BO counts its dma-bufs, see &panthor_reclaim_bo.dmabufs.
 *
 * The mappings are checked under the BO's gpuva.lock, with its reservation lock
 * held until it is evicted.
 *
 * The other locks are not held during eviction. While 1 and 2 hold, only the target
 * can share the BO, and sharing it during the eviction has the same result as
 * sharing it afterwards.
 *
 * A BO that has no handle and is in no VM is only reachable through a CPU mapping.
 * It belongs to the client that created it.
 */

/*
 * Is a dma-buf of the BO in use? DRM itself holds one reference, and one for
 * each handle that it was exported from or imported to.
 */
static bool panthor_reclaim_exported(struct panthor_gem_object *bo)
{
	struct dma_buf *dma_buf = bo->base.dma_buf;

	lockdep_assert_held(&bo->base.dev->object_name_lock);

	if (!atomic_read(&bo->rcl.dmabufs))
		return false;

	/* A handle that was opened by name holds none. */
	return !dma_buf || bo->base.name || file_count(dma_buf->file) > 1 + bo->base.handle_count;
}

struct panthor_reclaim_handles {
	struct panthor_reclaim_set *set;
	/* Item to look at first. */
	u32 next;
};

static int panthor_reclaim_count_handle(int handle, void *obj, void *data)
{
	struct panthor_reclaim_handles *handles = data;
	struct panthor_reclaim_item *item;

	item = panthor_reclaim_find_item(handles->set, to_panthor_bo(obj), &handles->next);
	if (item)
		item->handles++;

	return 0;
}

static void panthor_reclaim_count_handles(struct panthor_reclaim_set *set, struct drm_file *file)
{
	struct panthor_reclaim_handles handles = { .set = set };

	guard(spinlock)(&file->table_lock);
	idr_for_each(&file->object_idr, panthor_reclaim_count_handle, &handles);
}

/* Note which files were passed to another process since they were found. */
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

	/* No handle can be created meanwhile. */
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
 * @set: Set. The result is in &panthor_reclaim_item.others.
 *
 * Context: Process context, may sleep. No reservation lock may be held: importing a
 * dma-buf takes one with &drm_device.object_name_lock held.
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
 * panthor_reclaim_is_own() - Does a VM belong to the target?
 * @set: Set of the target.
 * @vm: VM.
 *
 * Return: True if it does.
 */
bool panthor_reclaim_is_own(const struct panthor_reclaim_set *set, struct drm_gpuvm *vm)
{
	return panthor_reclaim_owns(set, panthor_gpuvm_reclaim(vm)->client);
}

/**
 * panthor_reclaim_mapped_by_others() - Is a BO mapped in a VM of another process?
 * @set: Set of the target.
 * @bo: BO.
 *
 * Context: May sleep, takes the BO's gpuva.lock. A hint unless the BO's reservation
 * lock is held.
 * Return: True if it is.
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
 * panthor_reclaim_roots() - Find the root objects of the VMs that map a BO
 * @bo: BO.
 * @set: Only VMs of this target, NULL for all.
 * @roots: Filled with the objects, which have the VMs' reservation objects. Each has
 *	a reference. At most %PANTHOR_RECLAIM_ROOTS.
 *
 * Context: May sleep, takes the BO's gpuva.lock.
 * Return: Number of objects.
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
 * panthor_reclaim_lock_bo() - Lock the reservation objects of a BO and of the VMs
 * that map it
 * @exec: Initialized here. The caller calls drm_exec_fini(), also after an error.
 * @bo: BO.
 * @set: Only VMs of this target, NULL for all.
 *
 * Locks %PANTHOR_RECLAIM_ROOTS VMs at most.
 *
 * Context: Process context, sleeps, interruptible.
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

	/* drm_exec has its own references. */
	while (count--)
		drm_gem_object_put(roots[count]);

	return ret;
}

/**
 * panthor_reclaim_bo_va() - Lowest GPU address of a BO
 * @bo: BO. An evicted BO keeps its addresses.
 *
 * Context: Only tries the BO's gpuva.lock, whose holder may be waiting for memory.
 * Return: The address, 0 if the BO is not mapped or the lock was contended.
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
