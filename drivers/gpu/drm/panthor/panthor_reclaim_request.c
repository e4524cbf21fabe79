// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * The account of one request, whoever made it: a write to mem_reclaim, the
 * shrinker, or its knob in debugfs. The eviction code knows nothing of
 * requests. What it does is booked on the newest request of the current task,
 * so that a request which itself runs into direct reclaim keeps its own books.
 */

#include <linux/cleanup.h>
#include <linux/mutex.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim.h"

#define CREATE_TRACE_POINTS
#include <trace/events/panthor_reclaim.h>

#define PANTHOR_RECLAIM_LABEL_LEN	128

static struct panthor_reclaim_req *
panthor_reclaim_current(struct panthor_device *ptdev, bool mark)
{
	struct panthor_reclaim_req *req;

	guard(spinlock)(&ptdev->rcl.lock);
	list_for_each_entry(req, &ptdev->rcl.requests, node) {
		/* A mark names the source of the request that comes next, it is none itself. */
		if (req->task == current && (req->id || mark))
			return req;
	}

	return NULL;
}

static struct panthor_reclaim_req *panthor_reclaim_current_of(struct panthor_gem_object *bo)
{
	return panthor_reclaim_current(container_of(bo->base.dev, struct panthor_device, base),
				       false);
}

static void panthor_reclaim_fill_bo(struct panthor_reclaim_bo_args *args,
				    struct panthor_gem_object *bo,
				    struct panthor_reclaim_client *client,
				    char label[PANTHOR_RECLAIM_LABEL_LEN])
{
	scoped_guard(mutex, &bo->label.lock)
		panthor_reclaim_escape(label, bo->label.str ? : "", PANTHOR_RECLAIM_LABEL_LEN,
				       false);

	args->label = label;
	args->bo_id = bo->rcl.id;
	args->size = bo->base.size;
	args->evictions = atomic_read(&bo->reclaimed_count);
	if (client) {
		args->client_id = client->id;
		args->tgid = panthor_reclaim_client_tgid(client, NULL);
	}
}

/* Not inlined, for the label needs stack that the eviction path is short of. */
static noinline_for_stack void
panthor_reclaim_trace_bo(struct panthor_reclaim_req *req, struct panthor_gem_object *bo, u32 state,
			 enum panthor_reclaim_reason reason, u64 va, u64 duration_ns)
{
	struct panthor_reclaim_client *client = bo->rcl.client;
	char label[PANTHOR_RECLAIM_LABEL_LEN];
	struct panthor_reclaim_bo_args args = {
		.id = req->id,
		.va = va,
		.wait_ns = req->wait_ns,
		.duration_ns = duration_ns,
		.state = state,
		.reason = reason,
	};

	if (state == PANTHOR_GEM_GPU_MAPPED_SINGLE_VM) {
		args.vm_id = req->vm.vm_id ? : bo->rcl.vm_id;
		client = req->vm.client ? : client;
	}

	panthor_reclaim_fill_bo(&args, bo, client, label);
	if (reason)
		trace_panthor_bo_evict_skip(bo->base.dev->dev, &args);
	else
		trace_panthor_bo_evict(bo->base.dev->dev, &args);
}

/**
 * panthor_reclaim_trace_swapin() - Tell that an evicted BO was given its pages
 * back
 * @bo: BO.
 * @start_ns: CLOCK_MONOTONIC time before its pages were asked for.
 * @now_ns: The same after.
 * @result: 0 or a negative errno.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_trace_swapin(struct panthor_gem_object *bo, u64 start_ns, u64 now_ns,
				  int result)
{
	char label[PANTHOR_RECLAIM_LABEL_LEN];
	struct panthor_reclaim_bo_args args = {
		.id = bo->rcl.evicted_by,
		.vm_id = bo->rcl.vm_id,
		.duration_ns = now_ns - start_ns,
	};

	if (!trace_panthor_bo_swapin_enabled())
		return;

	panthor_reclaim_fill_bo(&args, bo, bo->rcl.client, label);
	trace_panthor_bo_swapin(bo->base.dev->dev, &args, start_ns - bo->rcl.evicted_ns, result);
}

static void panthor_reclaim_enter(struct panthor_reclaim_req *req, struct panthor_device *ptdev,
				  enum panthor_reclaim_source source)
{
	req->ptdev = ptdev;
	req->task = current;
	req->source = source;

	guard(spinlock)(&ptdev->rcl.lock);
	list_add(&req->node, &ptdev->rcl.requests);
}

static void panthor_reclaim_leave(struct panthor_reclaim_req *req)
{
	guard(spinlock)(&req->ptdev->rcl.lock);
	list_del(&req->node);
}

/**
 * panthor_reclaim_req_begin() - Open the account of a request
 * @req: Request, zeroed but for what is known of the target.
 * @ptdev: Device.
 * @source: Who asks.
 *
 * All that the current task evicts is booked on @req until
 * panthor_reclaim_req_end().
 */
void panthor_reclaim_req_begin(struct panthor_reclaim_req *req, struct panthor_device *ptdev,
			       enum panthor_reclaim_source source)
{
	static atomic64_t ids = ATOMIC64_INIT(0);

	if (!req->start_ns)
		req->start_ns = ktime_get_ns();
	req->id = atomic64_inc_return(&ids);
	req->vm.id = req->id;
	req->writer_tgid = current->tgid;
	get_task_comm(req->writer_comm, current->group_leader);
	panthor_reclaim_enter(req, ptdev, source);

	trace_panthor_reclaim_begin(ptdev->base.dev, req);
}

static void panthor_reclaim_add(struct panthor_reclaim_acct *sum,
				const struct panthor_reclaim_acct *acct)
{
	sum->evicted += acct->evicted;
	sum->skipped += acct->skipped;
	sum->written += acct->written;
	sum->freed += acct->freed;
	sum->evicted_bos += acct->evicted_bos;
	sum->skipped_bos += acct->skipped_bos;
	sum->duration_ns += acct->duration_ns;
	sum->fence_ns += acct->fence_ns;
	sum->lock_ns += acct->lock_ns;
	sum->unmap_ns += acct->unmap_ns;
	sum->writeback_ns += acct->writeback_ns;
}

/* Book what was done since the last time, so that the next VM starts from nothing. */
static void panthor_reclaim_fold(struct panthor_reclaim_req *req, unsigned long left)
{
	u64 unseen = (u64)(left - req->left) << PAGE_SHIFT;

	unseen -= min(unseen, req->left_seen);
	req->vm.unseen = unseen;
	req->unseen += unseen;
	req->left = left;
	req->left_seen = 0;
	panthor_reclaim_add(&req->total, &req->vm.acct);
}

static void panthor_reclaim_reset_vm(struct panthor_reclaim_req *req)
{
	memset(&req->vm, 0, sizeof(req->vm));
	req->vm.id = req->id;
}

/**
 * panthor_reclaim_req_end() - Close the account of a request
 * @req: Request, whose remaining memory is set.
 * @result: What the writer will be told, 0 or a negative errno.
 */
void panthor_reclaim_req_end(struct panthor_reclaim_req *req, int result)
{
	panthor_reclaim_fold(req, req->left);
	panthor_reclaim_leave(req);

	req->result = result;
	req->total.duration_ns = ktime_get_ns() - req->start_ns;
	trace_panthor_reclaim_end(req->ptdev->base.dev, req);
}

/**
 * panthor_reclaim_req_vm_begin() - A request turns to a VM
 * @req: Request.
 * @client: Client that owns the VM. Stays for as long as the request is at the
 * VM.
 * @vm_id: Handle of the VM, 0 for the client's BOs that are in no VM.
 * @bos: Number of BOs it has to offer.
 * @size: Bytes of them.
 */
void panthor_reclaim_req_vm_begin(struct panthor_reclaim_req *req,
				  struct panthor_reclaim_client *client, u32 vm_id,
				  u32 bos, u64 size)
{
	panthor_reclaim_fold(req, req->left);
	panthor_reclaim_reset_vm(req);
	req->vm.start_ns = ktime_get_ns();
	req->vm.client = client;
	req->vm.client_id = client ? client->id : 0;
	req->vm.tgid = client ? panthor_reclaim_client_tgid(client, NULL) : 0;
	req->vm.vm_id = vm_id;
	req->vm.bos = bos;
	req->vm.size = size;

	trace_panthor_vm_reclaim_begin(req->ptdev->base.dev, &req->vm);
}

/* Of two at a time the later one is the last, and has the books to itself. */
static void panthor_reclaim_last_add(struct panthor_reclaim_last *last,
				     const struct panthor_reclaim_req *req,
				     const struct panthor_reclaim_acct *acct)
{
	if (last->id > req->id)
		return;

	if (last->id != req->id) {
		/* Who asked shall find the answer, though the shrinker passes by since. */
		if ((req->source == PANTHOR_RECLAIM_SHRINKER ||
		     req->source == PANTHOR_RECLAIM_KSWAPD) && !acct->evicted_bos)
			return;

		*last = (struct panthor_reclaim_last){ .id = req->id, .source = req->source };
	}

	last->end_ns = ktime_get_ns();
	panthor_reclaim_add(&last->acct, acct);
}

/* Book what a request did to a client: in the VM, or 0 for BOs that are in none. */
static void panthor_reclaim_client_add(struct panthor_reclaim_client *client, u32 vm_id,
				       const struct panthor_reclaim_req *req,
				       const struct panthor_reclaim_acct *acct)
{
	guard(spinlock)(&client->lock);
	panthor_reclaim_last_add(&client->last, req, acct);
	panthor_reclaim_last_add(&client->vm_last[vm_id], req, acct);
}

/**
 * panthor_reclaim_client_result() - Book what a writer is told of a client
 * @client: Client.
 * @req: Request, which has ended. Was the last one of the client even if there
 * was nothing to look at.
 */
void panthor_reclaim_client_result(struct panthor_reclaim_client *client,
				   const struct panthor_reclaim_req *req)
{
	static const struct panthor_reclaim_acct nothing;

	guard(spinlock)(&client->lock);
	panthor_reclaim_last_add(&client->last, req, &nothing);
	if (client->last.id == req->id)
		client->last.result = req->result;

	for (u32 i = 0; i < ARRAY_SIZE(client->vm_last); i++) {
		if (client->vm_last[i].id == req->id)
			client->vm_last[i].result = req->result;
	}
}

static void panthor_reclaim_vm_done(struct panthor_reclaim_req *req, unsigned long left)
{
	struct panthor_reclaim_client *client = req->vm.client;

	req->vm.acct.duration_ns = ktime_get_ns() - req->vm.start_ns;
	panthor_reclaim_fold(req, left);
	trace_panthor_vm_reclaim_end(req->ptdev->base.dev, &req->vm);

	if (client)
		panthor_reclaim_client_add(client, req->vm.vm_id, req, &req->vm.acct);

	panthor_reclaim_reset_vm(req);
}

/**
 * panthor_reclaim_req_vm_end() - A request is done with a VM
 * @req: Request.
 */
void panthor_reclaim_req_vm_end(struct panthor_reclaim_req *req)
{
	panthor_reclaim_vm_done(req, req->left);
}

/**
 * panthor_reclaim_reason() - What an attempt to evict failed on
 * @err: Error as the eviction code has it.
 *
 * Return: The reason to tell.
 */
enum panthor_reclaim_reason panthor_reclaim_reason(int err)
{
	switch (err) {
	case 0:
		return PANTHOR_RECLAIM_NONE;
	case -ETIME:
		return PANTHOR_RECLAIM_BUSY;
	case -ENOLCK:
		return PANTHOR_RECLAIM_GPUVA_LOCKED;
	case -EBUSY:
		return PANTHOR_RECLAIM_VM_RESV_LOCKED;
	case -EDEADLK:
		return PANTHOR_RECLAIM_VM_OP_LOCKED;
	case -EAGAIN:
		return PANTHOR_RECLAIM_STATE_CHANGED;
	default:
		return PANTHOR_RECLAIM_MMU_ERROR;
	}
}

/**
 * panthor_reclaim_source_name() - Name of a source, as the events print it
 * @source: Source.
 *
 * Return: The name.
 */
const char *panthor_reclaim_source_name(enum panthor_reclaim_source source)
{
	static const char * const names[] = {
		[PANTHOR_RECLAIM_SYSFS] = "sysfs",
		[PANTHOR_RECLAIM_SHRINKER] = "shrinker",
		[PANTHOR_RECLAIM_KSWAPD] = "kswapd",
		[PANTHOR_RECLAIM_DEBUGFS] = "debugfs",
	};

	return names[source];
}

static void panthor_reclaim_skipped(struct panthor_reclaim_req *req,
				    struct panthor_gem_object *bo, u32 state,
				    enum panthor_reclaim_reason reason, u64 va, u64 duration_ns)
{
	req->vm.acct.skipped += bo->base.size;
	req->vm.acct.skipped_bos++;
	req->reasons |= BIT(reason);
	/* One that moved to another list is not left over on this one. */
	if (reason != PANTHOR_RECLAIM_STATE_CHANGED)
		req->left_seen += bo->base.size;

	if (trace_panthor_bo_evict_skip_enabled())
		panthor_reclaim_trace_bo(req, bo, state, reason, va, duration_ns);
}

/**
 * panthor_reclaim_req_skip() - A BO was looked at and stays
 * @req: Request.
 * @bo: BO.
 * @reason: Why.
 *
 * Context: May sleep.
 */
void panthor_reclaim_req_skip(struct panthor_reclaim_req *req, struct panthor_gem_object *bo,
			      enum panthor_reclaim_reason reason)
{
	u64 va = 0;

	/* The shrinker, too, gets here: who has the lock may wait for memory. */
	if (trace_panthor_bo_evict_skip_enabled() && mutex_trylock(&bo->base.gpuva.lock)) {
		va = panthor_reclaim_bo_va(bo);
		mutex_unlock(&bo->base.gpuva.lock);
	}

	panthor_reclaim_skipped(req, bo, READ_ONCE(bo->reclaim_state), reason, va, req->wait_ns);
	req->wait_ns = 0;
}

/**
 * panthor_reclaim_req_written() - An evicted BO was pushed to swap
 * @req: Request.
 * @bo: BO.
 * @duration_ns: What that took.
 * @written: Bytes of it that are in swap.
 * @freed: Bytes of it that are free RAM.
 */
void panthor_reclaim_req_written(struct panthor_reclaim_req *req,
				 struct panthor_gem_object *bo, u64 duration_ns,
				 u64 written, u64 freed)
{
	const struct panthor_reclaim_acct acct = {
		.written = written,
		.freed = freed,
		.duration_ns = duration_ns,
		.writeback_ns = duration_ns,
	};

	panthor_reclaim_add(&req->total, &acct);
	if (bo->rcl.client)
		panthor_reclaim_client_add(bo->rcl.client, READ_ONCE(bo->rcl.evicted_vm), req,
					   &acct);

	trace_panthor_bo_writeback(req->ptdev->base.dev, req->id, bo->rcl.id, bo->base.size,
				   written, freed, duration_ns);
}

/**
 * panthor_reclaim_scan_begin() - The shrinker starts to scan
 * @req: Request, filled in here.
 * @ptdev: Device.
 * @nr_to_scan: Pages it is asked for.
 */
void panthor_reclaim_scan_begin(struct panthor_reclaim_req *req, struct panthor_device *ptdev,
				unsigned long nr_to_scan)
{
	struct panthor_reclaim_req *outer = panthor_reclaim_current(ptdev, true);
	enum panthor_reclaim_source source = PANTHOR_RECLAIM_SHRINKER;

	if (outer && !outer->id)
		source = PANTHOR_RECLAIM_DEBUGFS;
	else if (current_is_kswapd())
		source = PANTHOR_RECLAIM_KSWAPD;

	memset(req, 0, sizeof(*req));
	req->goal = (u64)nr_to_scan << PAGE_SHIFT;
	panthor_reclaim_req_begin(req, ptdev, source);
}

/**
 * panthor_reclaim_scan_end() - The shrinker has scanned
 * @req: Request.
 * @left: Pages that the DRM core counted as left over.
 */
void panthor_reclaim_scan_end(struct panthor_reclaim_req *req, unsigned long left)
{
	struct panthor_device *ptdev = req->ptdev;

	panthor_reclaim_fold(req, left);
	panthor_reclaim_reset_vm(req);
	req->remaining = atomic64_read(&ptdev->rcl.resident);
	panthor_reclaim_req_end(req, 0);
}

/**
 * panthor_reclaim_mark_begin() - What the current task scans from here on,
 * debugfs asked for
 * @mark: Filled in here.
 * @ptdev: Device.
 */
void panthor_reclaim_mark_begin(struct panthor_reclaim_req *mark,
				struct panthor_device *ptdev)
{
	memset(mark, 0, sizeof(*mark));
	panthor_reclaim_enter(mark, ptdev, PANTHOR_RECLAIM_DEBUGFS);
}

/**
 * panthor_reclaim_mark_end() - Undo panthor_reclaim_mark_begin()
 * @mark: Mark.
 */
void panthor_reclaim_mark_end(struct panthor_reclaim_req *mark)
{
	panthor_reclaim_leave(mark);
}

/**
 * panthor_reclaim_scan_vm_begin() - The shrinker turns to a VM
 * @ptdev: Device.
 * @vm: VM, referenced by the caller.
 * @left: Pages that the DRM core counted as left over so far.
 */
void panthor_reclaim_scan_vm_begin(struct panthor_device *ptdev, struct panthor_vm *vm,
				   unsigned long left)
{
	struct panthor_reclaim_req *req = panthor_reclaim_current(ptdev, false);
	struct drm_gem_lru *lru = panthor_reclaim_vm_lru(vm);
	u32 bos = 0;

	if (!req)
		return;

	if (trace_panthor_vm_reclaim_begin_enabled()) {
		guard(mutex)(&ptdev->base.gem_lru_mutex);
		bos = list_count_nodes(&lru->list);
	}

	panthor_reclaim_fold(req, left);
	memset(&req->vm.acct, 0, sizeof(req->vm.acct));
	panthor_reclaim_req_vm_begin(req, panthor_reclaim_of_vm(vm)->client,
				     panthor_reclaim_of_vm(vm)->id, bos,
				     (u64)READ_ONCE(lru->count) << PAGE_SHIFT);
}

/**
 * panthor_reclaim_scan_vm_end() - The shrinker is done with a VM
 * @ptdev: Device.
 * @left: Pages that the DRM core counted as left over so far.
 */
void panthor_reclaim_scan_vm_end(struct panthor_device *ptdev, unsigned long left)
{
	struct panthor_reclaim_req *req = panthor_reclaim_current(ptdev, false);

	if (req)
		panthor_reclaim_vm_done(req, left);
}

/**
 * panthor_reclaim_wait_begin() - The shrinker starts to wait for the jobs that
 * use a BO
 * @bo: BO.
 */
void panthor_reclaim_wait_begin(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_req *req = panthor_reclaim_current_of(bo);

	if (req)
		req->wait_ns = ktime_get_ns();
}

/**
 * panthor_reclaim_wait_end() - The shrinker has waited for the jobs that use a
 * BO
 * @bo: BO.
 * @idle: Whether they are done.
 *
 * Return: @idle.
 */
bool panthor_reclaim_wait_end(struct panthor_gem_object *bo, bool idle)
{
	struct panthor_reclaim_req *req = panthor_reclaim_current_of(bo);

	if (!req)
		return idle;

	req->wait_ns = ktime_get_ns() - req->wait_ns;
	req->vm.acct.fence_ns += req->wait_ns;
	if (!idle)
		panthor_reclaim_req_skip(req, bo, PANTHOR_RECLAIM_BUSY);

	return idle;
}

/**
 * panthor_reclaim_try_begin() - An attempt to evict a BO starts
 * @try: Filled in here.
 * @bo: BO.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_try_begin(struct panthor_reclaim_try *try,
			       struct panthor_gem_object *bo)
{
	try->start_ns = ktime_get_ns();
	try->state = bo->reclaim_state;
}

/**
 * panthor_reclaim_try_end() - An attempt to evict a BO is over
 * @try: The attempt.
 * @bo: BO.
 * @err: 0 if the BO is evicted; see panthor_reclaim_reason() otherwise.
 *
 * Context: The BO's reservation lock is held, and its gpuva.lock unless @err
 * says that it could not be had.
 * Return: True if the BO is evicted.
 */
bool panthor_reclaim_try_end(struct panthor_reclaim_try *try, struct panthor_gem_object *bo,
			     int err)
{
	struct panthor_reclaim_req *req = panthor_reclaim_current_of(bo);
	struct panthor_reclaim_client *client = bo->rcl.client;
	u64 now = ktime_get_ns();
	u64 duration_ns = now - try->start_ns;
	u64 va = 0;

	if (!err) {
		bo->rcl.evicted_by = req ? req->id : 0;
		bo->rcl.evicted_ns = now;
		bo->rcl.evicted_vm = req ? req->vm.vm_id : 0;
		if (client) {
			atomic64_inc(&client->evictions);
			atomic64_add(bo->base.size, &client->evicted_bytes);
		}
	}

	if (!req)
		return !err;

	req->err = err;
	req->vm.acct.unmap_ns += duration_ns;
	if (!err) {
		req->vm.acct.evicted += bo->base.size;
		req->vm.acct.evicted_bos++;
	}

	if (err != -ENOLCK &&
	    (trace_panthor_bo_evict_enabled() || trace_panthor_bo_evict_skip_enabled()))
		va = panthor_reclaim_bo_va(bo);

	/* An explicit request may try again, and tells only what came of it in the end. */
	if (!err && trace_panthor_bo_evict_enabled())
		panthor_reclaim_trace_bo(req, bo, try->state, PANTHOR_RECLAIM_NONE, va,
					 duration_ns + req->wait_ns);
	else if (err && req->source != PANTHOR_RECLAIM_SYSFS)
		panthor_reclaim_skipped(req, bo, try->state, panthor_reclaim_reason(err), va,
					duration_ns + req->wait_ns);

	if (!err || req->source != PANTHOR_RECLAIM_SYSFS)
		req->wait_ns = 0;

	return !err;
}
