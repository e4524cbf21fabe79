// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Everything that may belong to the target: its open files, their VMs, and the BOs
 * in both.
 */

#include <linux/bsearch.h>
#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_internal.h"

/* VM handles of a file are 1 to this, see PANTHOR_MAX_VMS_PER_FILE in panthor_mmu.c. */
#define PANTHOR_RECLAIM_MAX_VMS		32

/* A BO, where it was found. */
struct panthor_reclaim_place {
	struct panthor_gem_object *bo;
	u32 entry;
};

/* BOs found so far, while their number is still unknown. */
struct panthor_reclaim_found {
	struct panthor_reclaim_place *places;
	/* Of @places, and room to sort them. */
	struct panthor_reclaim_key *keys;
	u32 count;
	u32 room;
	/* Where handles are found. */
	u32 entry;
};

/* Counts on when there is no room, so that the next try allocates enough. */
static void panthor_reclaim_find(struct panthor_reclaim_found *found,
				 struct drm_gem_object *obj, u32 entry)
{
	struct panthor_gem_object *bo = to_panthor_bo(obj);
	u32 i = found->count;

	if (i < found->room) {
		/* It is being freed. */
		if (!kref_get_unless_zero(&obj->refcount))
			return;

		found->places[i] = (struct panthor_reclaim_place){ .bo = bo, .entry = entry };
		found->keys[i] = (struct panthor_reclaim_key){ .key = bo->rcl.id, .index = i };
	}
	found->count++;
}

/**
 * panthor_reclaim_is_target() - Does a file belong to the target?
 * @set: Set of the target.
 * @file: File.
 *
 * Context: &drm_device.filelist_mutex is held. Until it is released, the file remains
 * open and belongs to the same process.
 * Return: True if it does.
 */
bool panthor_reclaim_is_target(const struct panthor_reclaim_set *set, const struct drm_file *file)
{
	lockdep_assert_held(&set->ptdev->base.filelist_mutex);

	return rcu_access_pointer(file->pid) == set->tgid;
}

/*
 * Count the files. Most BOs are found twice: by a handle, and in a VM. @room is at
 * least enough for that.
 */
static u32 panthor_reclaim_count_files(struct panthor_reclaim_set *set, u32 *room)
{
	struct drm_file *file;
	u32 count = 0, bos = 0;

	guard(mutex)(&set->ptdev->base.filelist_mutex);
	list_for_each_entry(file, &set->ptdev->base.filelist, lhead) {
		struct panthor_file *pfile = file->driver_priv;

		if (!panthor_reclaim_is_target(set, file))
			continue;

		bos += READ_ONCE(pfile->rcl->nr_bos);
		count++;
	}
	*room = max(*room, 2 * bos + bos / 8);

	return count;
}

static int panthor_reclaim_find_handle(int handle, void *obj, void *data)
{
	struct panthor_reclaim_found *found = data;

	panthor_reclaim_find(found, obj, found->entry);

	return 0;
}

static void panthor_reclaim_find_handles(struct panthor_reclaim_found *found,
					 struct drm_file *file, u32 entry)
{
	found->entry = entry;

	guard(spinlock)(&file->table_lock);
	idr_for_each(&file->object_idr, panthor_reclaim_find_handle, found);
}

/* The set has room for @files files. */
static int panthor_reclaim_find_files(struct panthor_reclaim_set *set,
				      struct panthor_reclaim_found *found, u32 files)
{
	struct drm_file *file;

	guard(mutex)(&set->ptdev->base.filelist_mutex);
	list_for_each_entry(file, &set->ptdev->base.filelist, lhead) {
		struct panthor_file *pfile = file->driver_priv;

		if (!panthor_reclaim_is_target(set, file))
			continue;

		if (set->nr_clients == files)
			return -EAGAIN;

		set->clients[set->nr_clients++] = panthor_reclaim_client_get(pfile->rcl);
		for (u32 id = 1; id <= PANTHOR_RECLAIM_MAX_VMS; id++) {
			struct panthor_vm *vm = panthor_vm_pool_get_vm(pfile->vms, id);

			if (!vm)
				continue;

			set->entries[set->nr_entries++] = (struct panthor_reclaim_entry){
				.client = pfile->rcl,
				.vm = vm,
				.serial = panthor_vm_reclaim(vm)->serial,
				.id = id,
			};
			set->nr_vms++;
		}

		panthor_reclaim_find_handles(found, file, set->nr_entries);
		set->entries[set->nr_entries++] = (struct panthor_reclaim_entry){
			.client = pfile->rcl,
		};
	}

	return 0;
}

static int panthor_reclaim_find_mapped(struct panthor_reclaim_found *found,
				       struct panthor_reclaim_vm *rcl, u32 entry)
{
	struct drm_gem_object *last = NULL;
	struct drm_gpuva *va;

	/* A bind may hold it for long. */
	if (mutex_lock_interruptible(rcl->op_lock))
		return -EINTR;

	drm_gpuvm_for_each_va(va, rcl->gpuvm) {
		/* A sparse mapping maps the same BO many times. */
		if (va->gem.obj && va->gem.obj != last)
			panthor_reclaim_find(found, va->gem.obj, entry);
		last = va->gem.obj;
	}
	mutex_unlock(rcl->op_lock);

	return 0;
}

/* BOs that only the CPU still maps. */
static void panthor_reclaim_find_mmapped(struct panthor_reclaim_found *found,
					 struct panthor_reclaim_client *client, u32 entry)
{
	struct panthor_gem_object *bo;

	guard(spinlock)(&client->lock);
	list_for_each_entry(bo, &client->bos, rcl.node) {
		if (!READ_ONCE(bo->base.handle_count) && list_empty(&bo->base.gpuva.list))
			panthor_reclaim_find(found, &bo->base, entry);
	}
}

/**
 * panthor_reclaim_entry_vm() - Look up the VM of an entry
 * @entry: Entry.
 *
 * Context: Any but interrupt context.
 * Return: The VM, with a reference, or NULL if it was destroyed or the entry is
 * for BOs that are private to no VM.
 */
struct panthor_vm *panthor_reclaim_entry_vm(const struct panthor_reclaim_entry *entry)
{
	struct panthor_vm *vm = NULL;

	if (!entry->serial)
		return NULL;

	scoped_guard(spinlock, &entry->client->ptdev->rcl.lock) {
		struct drm_file *file = entry->client->file;

		if (file && file->driver_priv)
			vm = panthor_vm_pool_get_vm(((struct panthor_file *)file->driver_priv)->vms,
						    entry->id);
	}

	if (vm && panthor_vm_reclaim(vm)->serial != entry->serial) {
		panthor_vm_put(vm);
		vm = NULL;
	}

	return vm;
}

static int panthor_reclaim_find_all(struct panthor_reclaim_set *set,
				    struct panthor_reclaim_found *found, u32 files)
{
	int ret;

	ret = panthor_reclaim_find_files(set, found, files);
	for (u32 i = 0; i < set->nr_entries; i++) {
		struct panthor_reclaim_entry *entry = &set->entries[i];

		if (entry->vm && !ret)
			ret = panthor_reclaim_find_mapped(found, panthor_vm_reclaim(entry->vm), i);
		else if (!entry->vm)
			panthor_reclaim_find_mmapped(found, entry->client, i);

		panthor_vm_put(entry->vm);
		entry->vm = NULL;
	}

	return ret ? : found->count > found->room ? -EAGAIN : 0;
}

static int panthor_reclaim_cmp(const void *a, const void *b)
{
	const struct panthor_reclaim_item *one = a, *other = b;

	return cmp_int(one->bo_id, other->bo_id);
}

/**
 * panthor_reclaim_find_item() - Find the item of a BO
 * @set: Set.
 * @bo: BO.
 * @next: Index of the item to look at first, 0 at the start. Set to the one after the
 *	item, which is quicker than a search if BOs are looked up in their order.
 *
 * Return: The item, or NULL if the BO is not in the set.
 */
struct panthor_reclaim_item *panthor_reclaim_find_item(const struct panthor_reclaim_set *set,
						       const struct panthor_gem_object *bo,
						       u32 *next)
{
	const struct panthor_reclaim_item key = { .bo_id = bo->rcl.id };
	struct panthor_reclaim_item *item = &set->items[*next];

	if (*next >= set->nr_items || item->bo_id != key.bo_id)
		item = bsearch(&key, set->items, set->nr_items, sizeof(key), panthor_reclaim_cmp);
	if (item)
		*next = item - set->items + 1;

	return item;
}

/* The entry of the same file for BOs that are private to no VM. */
static u32 panthor_reclaim_no_vm(const struct panthor_reclaim_set *set, u32 entry)
{
	while (set->entries[entry].serial)
		entry++;

	return entry;
}

/* The entry of a BO that was found in both. @several: in several VMs before, or now. */
static u32 panthor_reclaim_merge(const struct panthor_reclaim_set *set, u32 one, u32 other,
				 bool *several)
{
	if (one == other || *several || !set->entries[other].serial)
		return one;

	if (!set->entries[one].serial)
		return other;

	*several = true;
	return panthor_reclaim_no_vm(set, one);
}

/* Number of BOs among places that are sorted by BO. */
static u32 panthor_reclaim_count_bos(const struct panthor_reclaim_key *keys, u32 nr)
{
	u32 count = 0;

	for (u32 i = 0; i < nr; i++)
		count += !i || keys[i].key != keys[i - 1].key;

	return count;
}

/* Make one item of all places of a BO, and add each to the list of its entry. */
static int panthor_reclaim_fill(struct panthor_reclaim_set *set,
				struct panthor_reclaim_found *found)
{
	u32 nr = found->count;
	struct panthor_reclaim_key *keys;
	bool several = false;

	keys = panthor_reclaim_sort(found->keys, found->keys + found->room, nr);
	set->items = kvcalloc(panthor_reclaim_count_bos(keys, nr), sizeof(*set->items),
			      GFP_KERNEL);
	if (!set->items)
		return -ENOMEM;

	for (u32 i = 0; i < nr; i++) {
		struct panthor_reclaim_place *place = &found->places[keys[i].index];
		struct panthor_reclaim_item *item = &set->items[set->nr_items];

		if (i && keys[i].key == keys[i - 1].key) {
			item--;
			item->entry = panthor_reclaim_merge(set, item->entry, place->entry,
							    &several);
			drm_gem_object_put(&place->bo->base);
		} else {
			item->bo = place->bo;
			item->bo_id = keys[i].key;
			item->entry = place->entry;
			several = false;
			set->nr_items++;
		}
	}
	/* The items have the references. */
	found->count = 0;

	for (u32 i = 0; i < set->nr_entries; i++)
		set->entries[i].first = PANTHOR_RECLAIM_NO_ITEM;

	for (u32 i = set->nr_items; i--;) {
		struct panthor_reclaim_item *item = &set->items[i];
		struct panthor_reclaim_entry *entry = &set->entries[item->entry];

		item->next = entry->first;
		entry->first = i;
	}

	return 0;
}

/**
 * panthor_reclaim_put_item() - Mark an item as done and drop its BO
 * @item: Item.
 */
void panthor_reclaim_put_item(struct panthor_reclaim_item *item)
{
	if (item->stage == PANTHOR_RECLAIM_DONE)
		return;

	item->stage = PANTHOR_RECLAIM_DONE;
	drm_gem_object_put(&item->bo->base);
	item->bo = NULL;
}

/**
 * panthor_reclaim_release() - Release a set
 * @set: Set, as filled in by panthor_reclaim_gather().
 */
void panthor_reclaim_release(struct panthor_reclaim_set *set)
{
	for (u32 i = 0; i < set->nr_items; i++)
		panthor_reclaim_put_item(&set->items[i]);

	for (u32 i = 0; i < set->nr_entries; i++)
		dma_fence_put(set->entries[i].fence);

	for (u32 i = 0; i < set->nr_clients; i++)
		panthor_reclaim_client_put(set->clients[i]);

	kvfree(set->turns);
	kvfree(set->items);
	kvfree(set->entries);
	kvfree(set->handed);
	kvfree(set->clients);
	memset(set, 0, sizeof(*set));
}

/* Files, VMs and BOs may be created meanwhile: the caller retries with more room. */
static int panthor_reclaim_try_gather(struct panthor_reclaim_set *set, u32 files, u32 *room)
{
	struct panthor_reclaim_found found = { .room = *room };
	int ret = -ENOMEM;

	set->clients = kvcalloc(files, sizeof(*set->clients), GFP_KERNEL);
	set->entries = kvcalloc(files, (PANTHOR_RECLAIM_MAX_VMS + 1) * sizeof(*set->entries),
				GFP_KERNEL);
	set->handed = kvcalloc(files, sizeof(*set->handed), GFP_KERNEL);
	found.places = kvmalloc_array(*room, sizeof(*found.places), GFP_KERNEL);
	found.keys = kvmalloc_array(*room, 2 * sizeof(*found.keys), GFP_KERNEL);
	if (set->clients && set->entries && set->handed && found.places && found.keys) {
		ret = panthor_reclaim_find_all(set, &found, files);
		*room = max(*room, found.count + found.count / 8);
		found.count = min(found.count, found.room);
		if (!ret)
			ret = panthor_reclaim_fill(set, &found);
	}

	while (found.count--)
		drm_gem_object_put(&found.places[found.count].bo->base);
	kvfree(found.keys);
	kvfree(found.places);

	return ret;
}

/**
 * panthor_reclaim_gather() - Find everything that may belong to a process
 * @set: Filled in here, with references on clients and BOs. Release it with
 *	panthor_reclaim_release().
 * @ptdev: Device.
 * @tgid: Process. The caller holds a reference for the lifetime of the set.
 *
 * Context: Process context, may sleep. No locks may be held that reclaim takes.
 * Return: 0; %-ESRCH if the process does not have the device open; %-EINTR on a
 * signal; %-ENOMEM.
 */
int panthor_reclaim_gather(struct panthor_reclaim_set *set, struct panthor_device *ptdev,
			   struct pid *tgid)
{
	u32 room = 256;
	int ret;

	for (;;) {
		u32 files;

		*set = (struct panthor_reclaim_set){ .ptdev = ptdev, .tgid = tgid };
		files = panthor_reclaim_count_files(set, &room);
		if (!files)
			return -ESRCH;

		ret = panthor_reclaim_try_gather(set, files, &room);
		/* The last file was closed meanwhile. */
		if (!ret && !set->nr_clients)
			ret = -ESRCH;
		if (!ret)
			return 0;

		panthor_reclaim_release(set);
		if (ret != -EAGAIN)
			return ret;

		if (signal_pending(current))
			return -EINTR;
	}
}
