// SPDX-License-Identifier: GPL-2.0 OR MIT

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include <drm/drm_drv.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_run.h"

/**
 * DOC: Explicit reclaim
 *
 * A write of a TGID to mem_reclaim evicts the GPU memory of that process and
 * writes it to swap before it returns. The request looks up the target's open
 * files, VMs and BOs once and takes references on the BOs. Then it works in
 * rounds:
 *
 * 1. Ask DRM which BOs belong to the target alone.
 * 2. Evict what is idle: VM by VM, all BOs that are private to it, with its
 *    reservation lock held to block new jobs; then BOs that are private to no VM.
 * 3. Write to swap what is evicted and still in RAM, no matter which request
 *    evicted it. No lock is held. Workers help if there is much to write. The
 *    reference on a BO is dropped as soon as it is written.
 * 4. If anything was busy, wait until one VM is idle, and start the next round.
 *
 * Idle memory thus never waits for busy memory, and its RAM is free when the write
 * returns.
 *
 * A request for a number of bytes stops when it has evicted that much. BOs that
 * are already evicted but still in RAM count and come first, because they only
 * need to be written.
 *
 * The first round only tries reservation locks. Later rounds wait for them, one at
 * a time, with no other lock held. All waits for jobs together are limited to
 * %PANTHOR_RECLAIM_WAIT_MS. A signal ends any wait.
 *
 * Jobs in flight are waited for without a lock, because a job may need the VM's
 * lock to make progress: the tiler's out-of-memory handler takes it. For a client
 * that never stops submitting, the request holds the lock and waits for its last
 * jobs in slices of increasing length. It releases the lock between slices.
 */

/* Rounds in a row for contended locks, with no job to wait for. */
#define PANTHOR_RECLAIM_TRIES		4

static bool panthor_reclaim_is_pending(struct panthor_reclaim_run *run)
{
	for (u32 i = 0; i < run->set.nr_items; i++) {
		if (run->set.items[i].stage == PANTHOR_RECLAIM_PENDING)
			return true;
	}

	return false;
}

/* Is another round needed? If so, wait until it has something to do. */
static bool panthor_reclaim_again(struct panthor_reclaim_run *run)
{
	if (run->last || panthor_reclaim_satisfied(run) || !panthor_reclaim_is_pending(run))
		return false;

	if (panthor_reclaim_wait(run))
		run->tries = 0;
	else if (++run->tries == PANTHOR_RECLAIM_TRIES)
		run->last = true;

	run->round++;
	return true;
}

/* Count what is still pending, and what is evicted but not written. */
static void panthor_reclaim_count_left(struct panthor_reclaim_run *run)
{
	struct panthor_reclaim_info *info = &run->req.info;

	for (u32 i = 0; i < run->set.nr_items; i++) {
		struct panthor_reclaim_item *item = &run->set.items[i];

		if (item->stage == PANTHOR_RECLAIM_EVICTED) {
			info->unwritten += panthor_reclaim_in_ram(item->bo);
		} else if (item->stage == PANTHOR_RECLAIM_PENDING) {
			info->remaining += item->bo->base.size;
			info->remaining_bos++;
		}
	}

	if (signal_pending(current) && (info->left[PANTHOR_RECLAIM_INTERRUPTED] || info->unwritten))
		info->cut_short = PANTHOR_RECLAIM_INTERRUPTED;

	if (info->total.freed)
		info->writeback = PANTHOR_RECLAIM_WB_FREE;
	else if (info->total.written)
		info->writeback = PANTHOR_RECLAIM_WB_SWAPCACHE;
}

/* Result for the requester. Partial success is success. */
static int panthor_reclaim_verdict(struct panthor_reclaim_run *run)
{
	const struct panthor_reclaim_info *info = &run->req.info;

	if (info->total.evicted_bos || info->total.written || info->total.freed)
		return 0;

	if (drm_dev_is_unplugged(&run->req.ptdev->base))
		return -ENODEV;

	if (info->cut_short == PANTHOR_RECLAIM_INTERRUPTED)
		return -EINTR;

	if (info->left[PANTHOR_RECLAIM_NO_SWAP] || run->no_swap)
		return -ENOSPC;

	for (u32 reason = 0; reason < PANTHOR_RECLAIM_NR_REASONS; reason++) {
		if (info->left[reason] && panthor_reclaim_passing(reason))
			return -EBUSY;
	}

	return 0;
}

static void panthor_reclaim_book_result(struct panthor_reclaim_run *run)
{
	for (u32 i = 0; i < run->set.nr_entries; i++) {
		struct panthor_reclaim_entry *entry = &run->set.entries[i];
		struct panthor_vm *vm = panthor_reclaim_entry_vm(entry);

		if (vm)
			panthor_reclaim_result(&run->req, entry->client, panthor_vm_reclaim(vm));
		else if (!entry->serial)
			panthor_reclaim_result(&run->req, entry->client, NULL);
		panthor_vm_put(vm);
	}
}

/**
 * panthor_reclaim_process() - Evict the GPU memory of a process and write it to
 * swap
 * @ptdev: Device.
 * @tgid: Target process.
 * @goal: Bytes of RAM to free, 0 for all. May be exceeded by one BO.
 *
 * Context: Process context, sleeps, interruptible. No locks may be held.
 * Return: 0 if anything was evicted or written, or there was nothing to do;
 * %-ESRCH if the process does not have the device open; %-EBUSY if all of its
 * memory is in use; %-ENOSPC if there is no room in swap; %-ERESTARTNOHAND if a
 * signal arrived before anything was done; %-ENODEV if the device was removed;
 * %-ENOMEM.
 */
int panthor_reclaim_process(struct panthor_device *ptdev, struct pid *tgid, u64 goal)
{
	struct panthor_reclaim_run *run __free(kfree) = kzalloc_obj(*run);
	struct panthor_reclaim_req *req;
	int ret;

	if (!run)
		return -ENOMEM;

	if (drm_dev_is_unplugged(&ptdev->base))
		return -ENODEV;

	req = &run->req;
	req->start_ns = ktime_get_ns();
	run->requester = current;
	run->slice = msecs_to_jiffies(PANTHOR_RECLAIM_SLICE_MS);
	ret = panthor_reclaim_gather(&run->set, ptdev, tgid);
	if (ret)
		return ret == -EINTR ? -ERESTARTNOHAND : ret;

	if (goal && panthor_reclaim_order(&run->set)) {
		panthor_reclaim_release(&run->set);
		return -ENOMEM;
	}

	req->info.goal = goal;
	req->info.clients = run->set.nr_clients;
	req->info.vms = run->set.nr_vms;
	req->info.target_tgid = panthor_reclaim_client_tgid(run->set.clients[0],
							    req->info.target_comm);
	panthor_reclaim_req_begin(req, ptdev, PANTHOR_RECLAIM_SYSFS);

	do {
		panthor_reclaim_evict_round(run);
		panthor_reclaim_write(run);
	} while (panthor_reclaim_again(run));

	panthor_reclaim_count_left(run);
	ret = panthor_reclaim_verdict(run);
	panthor_reclaim_req_end(req, ret);
	panthor_reclaim_book_result(run);
	panthor_reclaim_release(&run->set);

	/* A signal without a handler restarts the write. */
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
