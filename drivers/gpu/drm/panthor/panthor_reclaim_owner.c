// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Which memory is whose: open files (clients), their VMs, their BOs.
 *
 * Accounts are kept per client: a BO is on the account of the file that created
 * it until a request finds that it is somebody else's alone. What the shrinker
 * may call allocates nothing and takes spinlocks only, last.
 */

#include <linux/bsearch.h>
#include <linux/cleanup.h>
#include <linux/ctype.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/fs.h>
#include <linux/list_sort.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
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

/* Handles of VMs count from 1, panthor_mmu.c has no more than that of them in a file. */
#define PANTHOR_RECLAIM_MAX_VMS		32

/**
 * panthor_reclaim_init() - Set up the part of the device that belongs to
 * reclaim
 * @ptdev: Device.
 *
 * Context: Called once, before the first BO is created.
 */
void panthor_reclaim_init(struct panthor_device *ptdev)
{
	spin_lock_init(&ptdev->rcl.lock);
	INIT_LIST_HEAD(&ptdev->rcl.clients);
	INIT_LIST_HEAD(&ptdev->rcl.scans);
}

/**
 * panthor_reclaim_client_open() - Create the client of a file that is being
 * opened
 * @ptdev: Device.
 * @file: The file.
 *
 * Context: Process context, may sleep.
 * Return: The client, with one reference for the file, or NULL if there is no
 * memory.
 */
struct panthor_reclaim_client *
panthor_reclaim_client_open(struct panthor_device *ptdev, struct drm_file *file)
{
	struct panthor_reclaim_client *client;

	client = kzalloc_obj(*client);
	if (!client)
		return NULL;

	kref_init(&client->ref);
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->bos);
	INIT_LIST_HEAD(&client->moving);
	INIT_LIST_HEAD(&client->settled);
	client->ptdev = ptdev;
	client->file = file;
	client->id = file->client_id;
	client->tgid = current->tgid;

	scoped_guard(spinlock, &ptdev->rcl.lock)
		list_add_tail(&client->node, &ptdev->rcl.clients);

	return client;
}

/**
 * panthor_reclaim_client_get() - Take a reference on a client
 * @client: Client, NULL is fine.
 *
 * Return: @client.
 */
struct panthor_reclaim_client *
panthor_reclaim_client_get(struct panthor_reclaim_client *client)
{
	if (client)
		kref_get(&client->ref);

	return client;
}

static void panthor_reclaim_client_release(struct kref *ref)
{
	struct panthor_reclaim_client *client =
		container_of(ref, struct panthor_reclaim_client, ref);
	struct panthor_device *ptdev = client->ptdev;

	scoped_guard(spinlock, &ptdev->rcl.lock)
		list_del(&client->node);

	kfree(client);
}

/**
 * panthor_reclaim_client_put() - Drop a reference on a client
 * @client: Client, NULL is fine.
 */
void panthor_reclaim_client_put(struct panthor_reclaim_client *client)
{
	if (client)
		kref_put(&client->ref, panthor_reclaim_client_release);
}

/**
 * panthor_reclaim_client_tgid() - Which process a client belongs to now
 * @client: Client.
 * @comm: Where the name of the process goes, escaped,
 *	%PANTHOR_RECLAIM_COMM_LEN bytes, or NULL.
 *
 * Context: Any but interrupts.
 * Return: The process in the initial PID namespace; once the file is closed,
 * the last one that used it.
 */
pid_t panthor_reclaim_client_tgid(struct panthor_reclaim_client *client, char *comm)
{
	struct task_struct *task;
	struct pid *pid = NULL;

	guard(rcu)();

	scoped_guard(spinlock, &client->ptdev->rcl.lock) {
		if (client->file) {
			pid = rcu_dereference(client->file->pid);
			client->tgid = pid_nr(pid);
		}
	}

	if (comm) {
		char raw[TASK_COMM_LEN] = "";

		task = pid ? pid_task(pid, PIDTYPE_TGID) : NULL;
		if (task)
			get_task_comm(raw, task);
		panthor_reclaim_escape(comm, raw, PANTHOR_RECLAIM_COMM_LEN, true);
	}

	return client->tgid;
}

/**
 * panthor_reclaim_client_close() - Part a client from its file
 * @client: Client, NULL is fine.
 *
 * Drops the file's reference.
 */
void panthor_reclaim_client_close(struct panthor_reclaim_client *client)
{
	if (!client)
		return;

	/* Remember who it was, the last chance to know. */
	panthor_reclaim_client_tgid(client, NULL);

	scoped_guard(spinlock, &client->ptdev->rcl.lock)
		client->file = NULL;

	panthor_reclaim_client_put(client);
}

/**
 * panthor_reclaim_vm_init() - Set up the part of a new VM that belongs to
 * reclaim
 * @rcl: It.
 * @gpuvm: The VM's list of mappings.
 * @op_lock: What protects that.
 */
void panthor_reclaim_vm_init(struct panthor_reclaim_vm *rcl,
			     struct drm_gpuvm *gpuvm, struct mutex *op_lock)
{
	static atomic64_t serials = ATOMIC64_INIT(0);

	rcl->serial = atomic64_inc_return(&serials);
	rcl->gpuvm = gpuvm;
	rcl->op_lock = op_lock;
}

/**
 * panthor_reclaim_bo_init() - Set up the part of a new BO that belongs to
 * reclaim
 * @bo: BO.
 */
void panthor_reclaim_bo_init(struct panthor_gem_object *bo)
{
	static atomic64_t ids = ATOMIC64_INIT(0);

	bo->rcl.id = atomic64_inc_return(&ids);
	bo->rcl.kind = bo->flags & DRM_PANTHOR_BO_NO_MMAP ? PANTHOR_RECLAIM_USER_NO_MMAP :
							    PANTHOR_RECLAIM_USER;
	INIT_LIST_HEAD(&bo->rcl.node);
	INIT_LIST_HEAD(&bo->rcl.counted.node);
}

static void panthor_reclaim_bo_join(struct panthor_gem_object *bo,
				    struct panthor_reclaim_client *client)
{
	bo->rcl.client = client;

	guard(spinlock)(&client->lock);
	list_add_tail(&bo->rcl.node, &client->bos);
	panthor_reclaim_count_join(bo);
}

/* Returns the client, whose reference is the caller's from here on. */
static struct panthor_reclaim_client *panthor_reclaim_bo_leave(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	scoped_guard(spinlock, &client->lock) {
		panthor_reclaim_count_leave(bo);
		list_del(&bo->rcl.node);
	}
	bo->rcl.client = NULL;

	return client;
}

/**
 * panthor_reclaim_bo_own() - Say whose account a new BO is on
 * @bo: BO, nobody else knows it yet.
 * @client: Client, NULL for the firmware's.
 * @kernel: The driver created it for itself.
 */
void panthor_reclaim_bo_own(struct panthor_gem_object *bo,
			    struct panthor_reclaim_client *client, bool kernel)
{
	if (kernel)
		bo->rcl.kind = PANTHOR_RECLAIM_KERNEL;
	if (client)
		panthor_reclaim_bo_join(bo, panthor_reclaim_client_get(client));
}

/**
 * panthor_reclaim_bo_move() - Put a BO on the account of another client
 * @bo: BO, which is that client's alone.
 * @client: Client.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_bo_move(struct panthor_gem_object *bo,
			     struct panthor_reclaim_client *client)
{
	struct panthor_reclaim_client *old = NULL;

	dma_resv_assert_held(bo->base.resv);

	panthor_reclaim_client_get(client);
	/* A dma-buf of it may be released meanwhile, see panthor_reclaim_bo_exported(). */
	scoped_guard(spinlock, &client->ptdev->rcl.lock) {
		if (bo->rcl.client)
			old = panthor_reclaim_bo_leave(bo);
		panthor_reclaim_bo_join(bo, client);
	}
	panthor_reclaim_client_put(old);
}

/**
 * panthor_reclaim_bo_fini() - Forget a BO that is being freed
 * @bo: BO. Its pages are freed, its file is not.
 */
void panthor_reclaim_bo_fini(struct panthor_gem_object *bo)
{
	if (bo->rcl.client)
		panthor_reclaim_client_put(panthor_reclaim_bo_leave(bo));
}

/* What is gathered, before it is known how much there is. */
struct panthor_reclaim_found {
	struct panthor_reclaim_item *items;
	u32 count;
	u32 room;
};

/* Counts on when there is no room, so that the next try has it. */
static void panthor_reclaim_find(struct panthor_reclaim_found *found,
				 struct drm_gem_object *obj, u32 entry, u32 handles)
{
	if (found->count < found->room) {
		/* What is being freed is nobody's. */
		if (!kref_get_unless_zero(&obj->refcount))
			return;

		found->items[found->count] = (struct panthor_reclaim_item){
			.bo = to_panthor_bo(obj),
			.bo_id = to_panthor_bo(obj)->rcl.id,
			.entry = entry,
			.handles = handles,
		};
	}
	found->count++;
}

/* The files of a process cannot change or go while filelist_mutex is held. */
static bool panthor_reclaim_is_target(struct panthor_reclaim_set *set, struct drm_file *file)
{
	lockdep_assert_held(&set->ptdev->base.filelist_mutex);

	return rcu_access_pointer(file->pid) == set->tgid;
}

static u32 panthor_reclaim_count_files(struct panthor_reclaim_set *set)
{
	struct drm_file *file;
	u32 count = 0;

	guard(mutex)(&set->ptdev->base.filelist_mutex);
	list_for_each_entry(file, &set->ptdev->base.filelist, lhead)
		count += panthor_reclaim_is_target(set, file);

	return count;
}

static void panthor_reclaim_find_handles(struct panthor_reclaim_found *found,
					 struct drm_file *file, u32 entry)
{
	struct drm_gem_object *obj;
	int handle;

	guard(spinlock)(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, handle)
		panthor_reclaim_find(found, obj, entry, 1);
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

	/* A bind may take its time with it. */
	if (mutex_lock_interruptible(rcl->op_lock))
		return -EINTR;

	drm_gpuvm_for_each_va(va, rcl->gpuvm) {
		/* A sparse mapping is many of the same BO. */
		if (va->gem.obj && va->gem.obj != last)
			panthor_reclaim_find(found, va->gem.obj, entry, 0);
		last = va->gem.obj;
	}
	mutex_unlock(rcl->op_lock);

	return 0;
}

/* What only a CPU still maps. */
static void panthor_reclaim_find_mmapped(struct panthor_reclaim_found *found,
					 struct panthor_reclaim_client *client, u32 entry)
{
	struct panthor_gem_object *bo;

	guard(spinlock)(&client->lock);
	list_for_each_entry(bo, &client->bos, rcl.node) {
		if (!READ_ONCE(bo->base.handle_count) && list_empty(&bo->base.gpuva.list))
			panthor_reclaim_find(found, &bo->base, entry, 0);
	}
}

/**
 * panthor_reclaim_entry_vm() - The VM of an entry
 * @entry: Entry.
 *
 * Context: Any but interrupts.
 * Return: The VM, with a reference, or NULL if it is gone or the entry is for
 * BOs in none.
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

/* The entry for BOs that are private to no VM of the same file. */
static u32 panthor_reclaim_no_vm(const struct panthor_reclaim_set *set, u32 entry)
{
	while (set->entries[entry].serial)
		entry++;

	return entry;
}

/* The entry of a BO that was found at both. */
static u32 panthor_reclaim_merge(const struct panthor_reclaim_set *set, u32 one, u32 other)
{
	if (one == other || !set->entries[other].serial)
		return one;

	if (!set->entries[one].serial)
		return other;

	return panthor_reclaim_no_vm(set, one);
}

static int panthor_reclaim_cmp_nodes(void *priv, const struct list_head *a,
				     const struct list_head *b)
{
	return panthor_reclaim_cmp(list_entry(a, struct panthor_reclaim_node, node)->item,
				   list_entry(b, struct panthor_reclaim_node, node)->item) > 0;
}

/*
 * Make one item of all that are the same BO, and give each to its entry. Handles and
 * mappings are found in an order that is nearly that of the numbers, and items are
 * large: merging lists takes less than moving them about.
 */
static int panthor_reclaim_sort(struct panthor_reclaim_set *set)
{
	struct panthor_reclaim_node *nodes, *node;
	struct panthor_reclaim_item *items;
	LIST_HEAD(list);
	u32 nr = 0;

	nodes = kvmalloc_array(set->nr_items, sizeof(*nodes), GFP_KERNEL);
	items = kvmalloc_array(set->nr_items, sizeof(*items), GFP_KERNEL);
	if (!nodes || !items) {
		kvfree(nodes);
		kvfree(items);
		return -ENOMEM;
	}

	for (u32 i = 0; i < set->nr_items; i++) {
		nodes[i].item = &set->items[i];
		list_add_tail(&nodes[i].node, &list);
	}
	list_sort(NULL, &list, panthor_reclaim_cmp_nodes);

	list_for_each_entry(node, &list, node) {
		struct panthor_reclaim_item *item = node->item;
		struct panthor_reclaim_item *last = nr ? &items[nr - 1] : NULL;

		if (last && last->bo_id == item->bo_id) {
			last->handles += item->handles;
			last->entry = panthor_reclaim_merge(set, last->entry, item->entry);
			drm_gem_object_put(&item->bo->base);
		} else {
			items[nr++] = *item;
		}
	}
	kvfree(nodes);
	kvfree(set->items);
	set->items = items;
	set->nr_items = nr;

	for (u32 i = 0; i < set->nr_entries; i++)
		set->entries[i].first = PANTHOR_RECLAIM_NO_ITEM;

	while (nr--) {
		struct panthor_reclaim_item *item = &set->items[nr];
		struct panthor_reclaim_entry *entry = &set->entries[item->entry];

		item->next = entry->first;
		entry->first = nr;
	}

	return 0;
}

/**
 * panthor_reclaim_put_item() - A request is done with a BO
 * @item: Its item.
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
 * panthor_reclaim_release() - Release what panthor_reclaim_gather() gave
 * @set: Set.
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

/* Files, VMs and BOs come while we look: try with more room until all have some. */
static int panthor_reclaim_try_gather(struct panthor_reclaim_set *set, u32 files, u32 *room)
{
	struct panthor_reclaim_found found = { .room = *room };
	int ret;

	set->clients = kvcalloc(files, sizeof(*set->clients), GFP_KERNEL);
	set->entries = kvcalloc(files, (PANTHOR_RECLAIM_MAX_VMS + 1) * sizeof(*set->entries),
				GFP_KERNEL);
	set->items = kvcalloc(*room, sizeof(*set->items), GFP_KERNEL);
	set->handed = kvcalloc(files, sizeof(*set->handed), GFP_KERNEL);
	if (!set->clients || !set->entries || !set->items || !set->handed)
		return -ENOMEM;

	found.items = set->items;
	ret = panthor_reclaim_find_all(set, &found, files);
	set->nr_items = min(found.count, found.room);
	*room = max(*room, found.count + found.count / 8);

	return ret ? : panthor_reclaim_sort(set);
}

/**
 * panthor_reclaim_gather() - Find all that may be a process'
 * @set: Filled in here. Release it with panthor_reclaim_release().
 * @ptdev: Device.
 * @tgid: The process. Referenced by the caller for as long as there is the set.
 *
 * Holds references on the BOs and clients, and no lock when it returns.
 *
 * Context: Process context, may sleep. No locks may be held that reclaim takes.
 * Return: 0; %-ESRCH if the process does not have the device open; %-EINTR if a
 * signal came; %-ENOMEM.
 */
int panthor_reclaim_gather(struct panthor_reclaim_set *set, struct panthor_device *ptdev,
			   struct pid *tgid)
{
	u32 room = 256;
	int ret;

	for (;;) {
		u32 files;

		*set = (struct panthor_reclaim_set){ .ptdev = ptdev, .tgid = tgid };
		files = panthor_reclaim_count_files(set);
		if (!files)
			return -ESRCH;

		ret = panthor_reclaim_try_gather(set, files, &room);
		/* The last of the files was closed meanwhile. */
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
	struct panthor_reclaim_item key, *item;
	struct drm_gem_object *obj;
	int handle;

	guard(spinlock)(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, handle) {
		key.bo_id = to_panthor_bo(obj)->rcl.id;
		item = bsearch(&key, set->items, set->nr_items, sizeof(key),
			       panthor_reclaim_cmp);
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

/* Bytes of the character at @src if that may be printed, else 0. */
static size_t panthor_reclaim_printable(const char *src, bool word)
{
	const u8 *s = (const u8 *)src;
	size_t more;

	if (s[0] < 0x80)
		return !iscntrl(s[0]) && s[0] != '"' && s[0] != '\\' && !(word && s[0] == ' ');

	/* U+0080 to U+009F are control characters, too. */
	if (s[0] < 0xc2 || (s[0] == 0xc2 && s[1] < 0xa0) || s[0] > 0xf4)
		return 0;

	more = s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	for (size_t i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}

	return 1 + more;
}

/**
 * panthor_reclaim_escape() - Make a name safe to print
 * @dst: Where it goes.
 * @src: Name.
 * @size: Room in @dst, at least 1.
 * @word: Escape blanks too, so that it stays one word.
 *
 * Control characters, quotes, backslashes and bytes that are not UTF-8 become
 * \\xNN. Cut at the last character that fits.
 */
void panthor_reclaim_escape(char *dst, const char *src, size_t size, bool word)
{
	const char *end = dst + size - 1;

	while (*src) {
		size_t len;

		/* Most are letters and digits, and this is done for each event. */
		if (isascii(*src) && isalnum(*src) && dst < end) {
			*dst++ = *src++;
			continue;
		}

		len = panthor_reclaim_printable(src, word);
		if (end - dst < (len ? len : 4))
			break;

		if (len) {
			memcpy(dst, src, len);
			dst += len;
			src += len;
		} else {
			dst += sprintf(dst, "\\x%02x", (u8)*src++);
		}
	}
	*dst = '\0';
}
