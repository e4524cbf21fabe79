// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * dri/<device>/reclaim has one line a client, dri/client-<id>/reclaim one line
 * a VM of that client and their sum. The numbers are read one by one, each
 * right on its own.
 */

#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_file.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim.h"

#ifdef CONFIG_DEBUG_FS

/* What a client has in one VM, or in all. */
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
				    struct panthor_gem_object *bo,
				    enum panthor_reclaim_reason barred)
{
	u32 evictions = atomic_read(&bo->reclaimed_count);
	bool evicted = READ_ONCE(bo->rcl.evicted_by);

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
	if (barred == PANTHOR_RECLAIM_SHARED)
		row->shared += bo->base.size;
	else if (barred == PANTHOR_RECLAIM_PINNED)
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
	char raw[TASK_COMM_LEN], comm[4 * TASK_COMM_LEN];
	pid_t tgid = panthor_reclaim_client_tgid(client, raw);

	panthor_reclaim_escape(comm, raw[0] ? raw : "-", sizeof(comm), true);

	seq_printf(m, "%8llu %8d %-15s %3s %6u %12llu %12llu %12llu %12llu %12llu %11u %9llu %8llu ",
		   client->id, tgid, comm, vm, row->bos, row->resident, row->reclaimable,
		   row->pinned, row->shared, row->evicted, row->evicted_bos, row->evictions,
		   row->swapins);
	seq_printf(m, "%8llu %11s %11llu %11d %16u %12llu %16u %12llu %10llu %16llu %13llu %12llu %13llu %17llu\n",
		   last->id, last->id ? panthor_reclaim_source_name(last->source) : "-",
		   last->id ? ktime_get_ns() - last->end_ns : 0, last->result,
		   last->acct.evicted_bos, last->acct.evicted, last->acct.skipped_bos,
		   last->acct.written, last->acct.freed, last->acct.duration_ns,
		   last->acct.fence_ns, last->acct.lock_ns, last->acct.unmap_ns,
		   last->acct.writeback_ns);
}

static void panthor_reclaim_client_row(struct panthor_reclaim_client *client,
				       struct panthor_reclaim_row *row)
{
	row->evictions = atomic64_read(&client->evictions);
	row->swapins = atomic64_read(&client->swapins);

	guard(spinlock)(&client->lock);
	row->last = client->last;
}

static int panthor_reclaim_show_client(struct seq_file *m,
				       struct panthor_reclaim_client *client, bool vms)
{
	struct panthor_reclaim_row *rows __free(kvfree) = NULL;
	pid_t tgid = panthor_reclaim_client_tgid(client, NULL);
	struct panthor_gem_object **bos;
	struct panthor_reclaim_row *sum;
	u64 used = 0;
	char name[8];
	u32 count;

	/* One for each VM, by handle, 0 for no VM, and one for all. */
	rows = kvcalloc(PANTHOR_RECLAIM_MAX_VMS + 2, sizeof(*rows), GFP_KERNEL);
	if (!rows)
		return -ENOMEM;

	bos = panthor_reclaim_client_bos(client, &count);
	if (!bos)
		return -ENOMEM;

	sum = &rows[PANTHOR_RECLAIM_MAX_VMS + 1];
	for (u32 i = 0; i < count; i++) {
		enum panthor_reclaim_reason barred = panthor_reclaim_barred(bos[i], tgid);
		u32 vm = min(READ_ONCE(bos[i]->rcl.vm_id), PANTHOR_RECLAIM_MAX_VMS);

		panthor_reclaim_row_add(&rows[vm], bos[i], barred);
		panthor_reclaim_row_add(sum, bos[i], barred);
		used |= BIT_ULL(vm);
	}
	panthor_reclaim_put_bos(bos, count);
	panthor_reclaim_client_row(client, sum);

	for (u32 vm = 0; vms && vm <= PANTHOR_RECLAIM_MAX_VMS; vm++) {
		scoped_guard(spinlock, &client->lock)
			rows[vm].last = client->vm_last[vm];

		if (!(used & BIT_ULL(vm)) && !rows[vm].last.id)
			continue;

		snprintf(name, sizeof(name), "%u", vm);
		panthor_reclaim_print_row(m, client, name, &rows[vm]);
	}

	panthor_reclaim_print_row(m, client, "all", sum);
	return 0;
}

static int panthor_reclaim_one_show(struct seq_file *m, void *data)
{
	panthor_reclaim_print_header(m);
	return panthor_reclaim_show_client(m, m->private, true);
}
DEFINE_SHOW_ATTRIBUTE(panthor_reclaim_one);

static int panthor_reclaim_all_show(struct seq_file *m, void *data)
{
	struct panthor_device *ptdev = m->private;
	struct panthor_reclaim_client **clients;
	struct panthor_reclaim_client *client;
	u32 room, count = 0;
	int ret = 0;

	room = READ_ONCE(ptdev->rcl.nr_clients);
	clients = kvmalloc_array(room + 1, sizeof(*clients), GFP_KERNEL);
	if (!clients)
		return -ENOMEM;

	scoped_guard(spinlock, &ptdev->rcl.lock) {
		list_for_each_entry(client, &ptdev->rcl.clients, node) {
			if (count < room && kref_get_unless_zero(&client->ref))
				clients[count++] = client;
		}
	}

	panthor_reclaim_print_header(m);
	for (u32 i = 0; i < count; i++) {
		if (!ret)
			ret = panthor_reclaim_show_client(m, clients[i], false);
		panthor_reclaim_client_put(clients[i]);
	}
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
 * panthor_reclaim_debugfs_client() - Create the view of one client
 * @client: Client.
 * @file: Its file. The DRM core removes the view before the file goes.
 */
void panthor_reclaim_debugfs_client(struct panthor_reclaim_client *client,
				    struct drm_file *file)
{
	/* Without a folder it would end up in debugfs' own, and stay there. */
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
