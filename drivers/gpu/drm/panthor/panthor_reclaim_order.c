// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Which memory of the target comes first, for a request with an amount.
 */

#include <linux/cleanup.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_internal.h"

/**
 * DOC: What comes first
 *
 * A request for a part of the memory evicts what is least recently used, as far as
 * the driver knows. For a VM it knows the time of the last submission. A job may use
 * all BOs of its VM and does not say which. So for a BO in one VM the driver only
 * knows when it was last mapped or swapped in, which moves it to the tail of the
 * VM's LRU list. The VM with the oldest last submission comes first, and in it the
 * BO at the head of that list. Accesses by the CPU are only known when they fault.
 *
 * BOs in no VM or in several form one group for each open file. The group is as
 * recent as its most recently used BO. A BO in several VMs is as recent as the last
 * submission to any of them.
 */

/* A BO in several VMs is as recent as the most recently used of them. */
static u64 panthor_reclaim_item_used(struct panthor_reclaim_item *item)
{
	struct panthor_gem_object *bo = item->bo;
	u64 used_ns = READ_ONCE(bo->rcl.used_ns);
	struct drm_gpuvm_bo *vm_bo;

	guard(mutex)(&bo->base.gpuva.lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base)
		used_ns = max(used_ns, READ_ONCE(panthor_gpuvm_reclaim(vm_bo->vm)->used_ns));

	return used_ns;
}

/* Before the items are sorted: it walks the list of the entry. */
static void panthor_reclaim_entry_used(struct panthor_reclaim_set *set,
				       struct panthor_reclaim_entry *entry,
				       struct panthor_reclaim_key *keys)
{
	struct panthor_vm *vm = panthor_reclaim_entry_vm(entry);
	struct panthor_reclaim_item *item;

	for (u32 i = entry->first; i != PANTHOR_RECLAIM_NO_ITEM; i = item->next) {
		item = &set->items[i];
		keys[i].index = i;
		if (vm) {
			keys[i].key = READ_ONCE(item->bo->rcl.used_ns);
		} else {
			keys[i].key = panthor_reclaim_item_used(item);
			if (READ_ONCE(item->bo->backing.pages))
				entry->used_ns = max(entry->used_ns, keys[i].key);
		}
	}

	if (vm)
		entry->used_ns = READ_ONCE(panthor_vm_reclaim(vm)->used_ns);
	panthor_vm_put(vm);
}

static int panthor_reclaim_cmp_entries(const void *a, const void *b, const void *priv)
{
	const struct panthor_reclaim_set *set = priv;
	u32 i = *(const u32 *)a, j = *(const u32 *)b;

	return cmp_int(set->entries[i].used_ns, set->entries[j].used_ns) ? : cmp_int(i, j);
}

/**
 * panthor_reclaim_order() - Sort a set, the least recently used memory first
 * @set: Set, just gathered.
 *
 * Context: Process context, may sleep. No reservation lock may be held.
 * Return: 0 or %-ENOMEM.
 */
int panthor_reclaim_order(struct panthor_reclaim_set *set)
{
	struct panthor_reclaim_key *keys, *sorted;

	keys = kvmalloc_array(set->nr_items, 2 * sizeof(*keys), GFP_KERNEL);
	set->turns = kvmalloc_array(set->nr_entries, sizeof(*set->turns), GFP_KERNEL);
	if (!keys || !set->turns) {
		kvfree(keys);
		return -ENOMEM;
	}

	for (u32 i = 0; i < set->nr_entries; i++) {
		set->turns[i] = i;
		panthor_reclaim_entry_used(set, &set->entries[i], keys);
		set->entries[i].first = PANTHOR_RECLAIM_NO_ITEM;
	}
	sort_r(set->turns, set->nr_entries, sizeof(*set->turns), panthor_reclaim_cmp_entries,
	       NULL, set);

	sorted = panthor_reclaim_sort(keys, keys + set->nr_items, set->nr_items);
	for (u32 i = set->nr_items; i--;) {
		struct panthor_reclaim_item *item = &set->items[sorted[i].index];
		struct panthor_reclaim_entry *entry = &set->entries[item->entry];

		item->next = entry->first;
		entry->first = sorted[i].index;
	}
	kvfree(keys);

	return 0;
}
