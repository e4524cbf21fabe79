// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * dri/<device>/reclaim has one line for each client. dri/client-<id>/reclaim has one
 * line for each VM of that client, and one for their sum. A line shows what a request
 * for the client's process would find. Each number is correct, but they are not read
 * atomically.
 */

#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_file.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_internal.h"

#ifdef CONFIG_DEBUG_FS

/* What a client has in one VM, or in all VMs. */
struct panthor_reclaim_row {
	struct panthor_reclaim_last last;
	u64 resident;
	u64 reclaimable;
	u64 pinned;
	u64 shared;
	u64 evicted;
	u64 evictions;
	u64 swapins;
	u32 bos;
	u32 evicted_bos;
};

static void panthor_reclaim_row_add(struct panthor_reclaim_row *row,
				    const struct panthor_reclaim_set *set,
				    const struct panthor_reclaim_item *item)
{
	struct panthor_gem_object *bo = item->bo;
	u32 evictions = atomic_read(&bo->reclaimed_count);
	bool evicted = READ_ONCE(bo->rcl.evicted.id);

	row->bos++;
	row->evictions += evictions;
	row->swapins += evictions - (evicted && evictions);

	if (evicted) {
		row->evicted += bo->base.size;
		row->evicted_bos++;
	}

	if (!READ_ONCE(bo->backing.pages))
		return;

	row->resident += bo->base.size;
	if (item->others || panthor_reclaim_mapped_by_others(set, bo))
		row->shared += bo->base.size;
	else if (READ_ONCE(bo->reclaim_state) == PANTHOR_GEM_UNRECLAIMABLE)
		row->pinned += bo->base.size;
	else
		row->reclaimable += bo->base.size;
}

static void panthor_reclaim_print_header(struct seq_file *m)
{
	seq_puts(m, "# client     tgid command          vm    bos     resident  reclaimable       pinned       shared      evicted evicted_bos evictions  swapins  last_id last_source last_age_ns last_result last_evicted_bos last_evicted last_skipped_bos last_written last_freed last_duration_ns last_fence_ns last_lock_ns last_unmap_ns last_writeback_ns\n");
}

static void panthor_reclaim_print_row(struct seq_file *m, struct panthor_reclaim_client *client,
				      const char *vm, const struct panthor_reclaim_row *row)
{
	const struct panthor_reclaim_last *last = &row->last;
	char comm[PANTHOR_RECLAIM_COMM_LEN];
	pid_t tgid = panthor_reclaim_client_tgid(client, comm);

	seq_printf(m, "%8llu %8d %-15s %3s %6u %12llu %12llu %12llu %12llu %12llu %11u %9llu %8llu ",
		   client->id, tgid, comm[0] ? comm : "-", vm, row->bos, row->resident,
		   row->reclaimable, row->pinned, row->shared, row->evicted, row->evicted_bos,
		   row->evictions, row->swapins);
	seq_printf(m, "%8llu %11s %11llu %11d %16u %12llu %16u %12llu %10llu %16llu %13llu %12llu %13llu %17llu\n",
		   last->id, last->id ? panthor_reclaim_source_name(last->source) : "-",
		   last->id ? ktime_get_ns() - last->end_ns : 0, last->result,
		   last->acct.evicted_bos, last->acct.evicted, last->acct.skipped_bos,
		   last->acct.written, last->acct.freed, last->acct.duration_ns,
		   last->acct.fence_ns, last->acct.lock_ns, last->acct.unmap_ns,
		   last->acct.writeback_ns);
}

/* The process that last used a client's file, with a reference. NULL once it is closed. */
static struct pid *panthor_reclaim_client_pid(struct panthor_reclaim_client *client)
{
	guard(rcu)();
	guard(spinlock)(&client->ptdev->rcl.lock);

	return client->file ? get_pid(rcu_dereference(client->file->pid)) : NULL;
}

static void panthor_reclaim_sum_rows(struct panthor_reclaim_row *sum,
				     const struct panthor_reclaim_row *row)
{
	sum->bos += row->bos;
	sum->resident += row->resident;
	sum->reclaimable += row->reclaimable;
	sum->pinned += row->pinned;
	sum->shared += row->shared;
	sum->evicted += row->evicted;
	sum->evicted_bos += row->evicted_bos;
}

static void panthor_reclaim_show_entry(struct seq_file *m, const struct panthor_reclaim_set *set,
				       struct panthor_reclaim_entry *entry,
				       struct panthor_reclaim_row *sum, bool vms)
{
	struct panthor_reclaim_client *client = entry->client;
	struct panthor_vm *vm = panthor_reclaim_entry_vm(entry);
	struct panthor_reclaim_row row = { };
	struct panthor_reclaim_item *item;
	char name[12];

	for (u32 i = entry->first; i != PANTHOR_RECLAIM_NO_ITEM; i = item->next) {
		item = &set->items[i];
		panthor_reclaim_row_add(&row, set, item);
	}
	panthor_reclaim_sum_rows(sum, &row);

	scoped_guard(spinlock, &client->lock)
		row.last = vm ? panthor_vm_reclaim(vm)->last : client->last_no_vm;
	panthor_vm_put(vm);

	/* A VM that was destroyed meanwhile has no line. */
	if (!vms || (entry->serial ? !vm : !row.bos && !row.last.id))
		return;

	snprintf(name, sizeof(name), "%u", entry->id);
	panthor_reclaim_print_row(m, client, name, &row);
}

/* What a process has. Kept for the next line, which may be of the same process. */
struct panthor_reclaim_view {
	struct panthor_reclaim_set set;
	struct pid *tgid;
};

static void panthor_reclaim_view_drop(struct panthor_reclaim_view *view)
{
	if (!view->tgid)
		return;

	panthor_reclaim_release(&view->set);
	put_pid(view->tgid);
	view->tgid = NULL;
}

static int panthor_reclaim_view_of(struct panthor_reclaim_view *view,
				   struct panthor_reclaim_client *client)
{
	struct pid *tgid = panthor_reclaim_client_pid(client);
	int ret;

	if (!tgid)
		return -ESRCH;

	if (tgid == view->tgid) {
		put_pid(tgid);
		return 0;
	}

	panthor_reclaim_view_drop(view);
	ret = panthor_reclaim_gather(&view->set, client->ptdev, tgid);
	if (ret) {
		put_pid(tgid);
		return ret;
	}

	view->tgid = tgid;
	panthor_reclaim_ask(&view->set);
	return 0;
}

static int panthor_reclaim_show_client(struct seq_file *m, struct panthor_reclaim_view *view,
				       struct panthor_reclaim_client *client, bool vms)
{
	int ret = panthor_reclaim_view_of(view, client);
	struct panthor_reclaim_row sum = { };
	bool found = false;

	if (ret)
		return ret == -ESRCH ? 0 : ret;

	for (u32 i = 0; i < view->set.nr_entries; i++) {
		if (view->set.entries[i].client != client)
			continue;

		found = true;
		panthor_reclaim_show_entry(m, &view->set, &view->set.entries[i], &sum, vms);
	}

	/* Its file was passed to that process after the lookup. */
	if (!found)
		return 0;

	sum.evictions = atomic64_read(&client->evictions);
	sum.swapins = atomic64_read(&client->swapins);
	scoped_guard(spinlock, &client->lock)
		sum.last = client->last;
	panthor_reclaim_print_row(m, client, "all", &sum);

	return 0;
}

static int panthor_reclaim_one_show(struct seq_file *m, void *data)
{
	struct panthor_reclaim_view view = { };
	int ret;

	panthor_reclaim_print_header(m);
	ret = panthor_reclaim_show_client(m, &view, m->private, true);
	panthor_reclaim_view_drop(&view);

	return ret;
}
DEFINE_SHOW_ATTRIBUTE(panthor_reclaim_one);

/* Collect up to @room open clients, with references. Returns how many there are. */
static u32 panthor_reclaim_open_clients(struct panthor_device *ptdev,
					struct panthor_reclaim_client **clients, u32 room)
{
	struct panthor_reclaim_client *client;
	u32 count = 0;

	guard(spinlock)(&ptdev->rcl.lock);
	list_for_each_entry(client, &ptdev->rcl.clients, node) {
		if (!client->file)
			continue;

		/* The open file holds a reference. */
		if (count < room)
			clients[count] = panthor_reclaim_client_get(client);
		count++;
	}

	return count;
}

static int panthor_reclaim_all_show(struct seq_file *m, void *data)
{
	struct panthor_device *ptdev = m->private;
	struct panthor_reclaim_client **clients;
	struct panthor_reclaim_view view = { };
	u32 room, count;
	int ret = 0;

	room = panthor_reclaim_open_clients(ptdev, NULL, 0);
	clients = kvmalloc_array(room + 1, sizeof(*clients), GFP_KERNEL);
	if (!clients)
		return -ENOMEM;

	/* Files that were opened since are not shown. */
	count = min(panthor_reclaim_open_clients(ptdev, clients, room), room);

	panthor_reclaim_print_header(m);
	for (u32 i = 0; i < count; i++) {
		if (!ret)
			ret = panthor_reclaim_show_client(m, &view, clients[i], false);
		panthor_reclaim_client_put(clients[i]);
	}
	panthor_reclaim_view_drop(&view);
	kvfree(clients);

	return ret;
}
DEFINE_SHOW_ATTRIBUTE(panthor_reclaim_all);

/**
 * panthor_reclaim_debugfs_init() - Create the table of all clients
 * @minor: Minor of the device.
 */
void panthor_reclaim_debugfs_init(struct drm_minor *minor)
{
	struct panthor_device *ptdev = container_of(minor->dev, struct panthor_device, base);

	debugfs_create_file("reclaim", 0444, minor->debugfs_root, ptdev,
			    &panthor_reclaim_all_fops);
}

/**
 * panthor_reclaim_debugfs_client() - Create the file of one client
 * @client: Client.
 * @file: Its open file. The DRM core removes the debugfs file before that is freed.
 */
void panthor_reclaim_debugfs_client(struct panthor_reclaim_client *client,
				    struct drm_file *file)
{
	/* Without a directory it would be created in the root of debugfs, and leak. */
	if (file->debugfs_client)
		debugfs_create_file("reclaim", 0444, file->debugfs_client, client,
				    &panthor_reclaim_one_fops);
}

#else

void panthor_reclaim_debugfs_init(struct drm_minor *minor)
{
}

void panthor_reclaim_debugfs_client(struct panthor_reclaim_client *client,
				    struct drm_file *file)
{
}

#endif
