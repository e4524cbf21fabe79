// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Which memory of the target comes first, if a request does not want all.
 */

#include <linux/cleanup.h>
#include <linux/list.h>
#include <linux/list_sort.h>
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
 * A request that wants a part takes what was used longest ago, as far as the
 * driver knows that. For a VM it knows when a job was submitted to it last. A job
 * may use all BOs of its VM, and does not say which, so all that is known of a BO
 * in one VM is when it was mapped, or swapped in, last: that is when it came to the
 * end of the VM's LRU list. The VM to which the last submission is longest ago comes first,
 * and in it the BO that is in front of that list. What the CPU does with a mapping
 * is only known when it faults.
 *
 * BOs in no VM, or in several, are one group for each open file. It is as old as
 * the one of them that was used last; a BO in several VMs was used when the last of
 * these was.
 */

/* A BO in several VMs was used with the last of them. */
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

/* The items of an entry are chained by now. */
static void panthor_reclaim_entry_used(struct panthor_reclaim_set *set,
				       struct panthor_reclaim_entry *entry)
{
	struct panthor_vm *vm = panthor_reclaim_entry_vm(entry);
	struct panthor_reclaim_item *item;

	for (u32 i = entry->first; i != PANTHOR_RECLAIM_NO_ITEM; i = item->next) {
		item = &set->items[i];
		if (vm) {
			item->used_ns = READ_ONCE(item->bo->rcl.used_ns);
		} else {
			item->used_ns = panthor_reclaim_item_used(item);
			if (READ_ONCE(item->bo->backing.pages))
				entry->used_ns = max(entry->used_ns, item->used_ns);
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

static int panthor_reclaim_cmp_items(void *priv, const struct list_head *a,
				     const struct list_head *b)
{
	return list_entry(a, struct panthor_reclaim_node, node)->item->used_ns >
	       list_entry(b, struct panthor_reclaim_node, node)->item->used_ns;
}

/* Merged, not sort_r(): BOs come nearly in the order of their numbers, and there may be many. */
static void panthor_reclaim_order_items(struct panthor_reclaim_set *set,
					struct panthor_reclaim_node *nodes)
{
	struct panthor_reclaim_node *node;
	LIST_HEAD(list);

	for (u32 i = 0; i < set->nr_items; i++) {
		nodes[i].item = &set->items[i];
		list_add_tail(&nodes[i].node, &list);
	}
	list_sort(NULL, &list, panthor_reclaim_cmp_items);

	list_for_each_entry_reverse(node, &list, node) {
		struct panthor_reclaim_entry *entry = &set->entries[node->item->entry];

		node->item->next = entry->first;
		entry->first = node->item - set->items;
	}
}

/**
 * panthor_reclaim_order() - Have what was used longest ago come first
 * @set: Set, not looked at since it was gathered.
 *
 * Context: Process context, may sleep. No reservation lock may be held.
 * Return: 0 or %-ENOMEM.
 */
int panthor_reclaim_order(struct panthor_reclaim_set *set)
{
	struct panthor_reclaim_node *nodes;

	nodes = kvmalloc_array(set->nr_items, sizeof(*nodes), GFP_KERNEL);
	set->turns = kvmalloc_array(set->nr_entries, sizeof(*set->turns), GFP_KERNEL);
	if (!nodes || !set->turns) {
		kvfree(nodes);
		return -ENOMEM;
	}

	for (u32 i = 0; i < set->nr_entries; i++) {
		set->turns[i] = i;
		panthor_reclaim_entry_used(set, &set->entries[i]);
		set->entries[i].first = PANTHOR_RECLAIM_NO_ITEM;
	}
	sort_r(set->turns, set->nr_entries, sizeof(*set->turns), panthor_reclaim_cmp_entries,
	       NULL, set);

	panthor_reclaim_order_items(set, nodes);
	kvfree(nodes);

	return 0;
}
