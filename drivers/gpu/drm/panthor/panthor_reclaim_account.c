// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * The account of a request, no matter who makes it, and of the swap-ins later: adds
 * it to clients and VMs, and emits the events.
 */

#include <linux/cleanup.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include <drm/drm_file.h>

#include <trace/events/gpu_mem.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/panthor_reclaim.h>

#define PANTHOR_RECLAIM_LABEL_LEN	128

static_assert((int)PANTHOR_RECLAIM_UNUSED == PANTHOR_GEM_UNUSED);
static_assert((int)PANTHOR_RECLAIM_MMAPPED == PANTHOR_GEM_MMAPPED);
static_assert((int)PANTHOR_RECLAIM_PRIVATE == PANTHOR_GEM_GPU_MAPPED_SINGLE_VM);
static_assert((int)PANTHOR_RECLAIM_MULTI_VM == PANTHOR_GEM_GPU_MAPPED_MULTI_VM);
static_assert((int)PANTHOR_RECLAIM_UNRECLAIMABLE == PANTHOR_GEM_UNRECLAIMABLE);

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

#ifdef CONFIG_DEBUG_FS
/* Of concurrent requests the one that began later is the last. */
static void panthor_reclaim_last_add(struct panthor_reclaim_last *last,
				     const struct panthor_reclaim_req *req,
				     const struct panthor_reclaim_acct *acct)
{
	if (last->id > req->info.id)
		return;

	if (last->id != req->info.id) {
		/* A shrinker that evicted nothing does not replace an explicit request. */
		if ((req->info.source == PANTHOR_RECLAIM_SHRINKER ||
		     req->info.source == PANTHOR_RECLAIM_KSWAPD) && !acct->evicted_bos)
			return;

		*last = (struct panthor_reclaim_last){
			.id = req->info.id,
			.source = req->info.source,
		};
	}

	last->end_ns = ktime_get_ns();
	panthor_reclaim_add(&last->acct, acct);
}

static void panthor_reclaim_book(struct panthor_reclaim_client *client,
				 struct panthor_reclaim_vm *vm,
				 const struct panthor_reclaim_req *req,
				 const struct panthor_reclaim_acct *acct)
{
	guard(spinlock)(&client->lock);
	panthor_reclaim_last_add(&client->last, req, acct);
	panthor_reclaim_last_add(vm ? &vm->last : &client->last_no_vm, req, acct);
}

/* For a VM that was destroyed, and its account with it. */
static void panthor_reclaim_book_client(struct panthor_reclaim_client *client,
					const struct panthor_reclaim_req *req,
					const struct panthor_reclaim_acct *acct)
{
	guard(spinlock)(&client->lock);
	panthor_reclaim_last_add(&client->last, req, acct);
}

/**
 * panthor_reclaim_result() - Record the result of a request
 * @req: Request, which has ended.
 * @client: Client.
 * @vm: VM of the client, NULL for BOs that are private to no VM.
 *
 * Makes the request the last one of both, even if it did nothing there.
 */
void panthor_reclaim_result(struct panthor_reclaim_req *req, struct panthor_reclaim_client *client,
			    struct panthor_reclaim_vm *vm)
{
	static const struct panthor_reclaim_acct nothing;
	struct panthor_reclaim_last *last;

	guard(spinlock)(&client->lock);
	panthor_reclaim_last_add(&client->last, req, &nothing);
	if (client->last.id == req->info.id)
		client->last.result = req->info.result;

	last = vm ? &vm->last : &client->last_no_vm;
	if (vm || last->id)
		panthor_reclaim_last_add(last, req, &nothing);
	if (last->id == req->info.id)
		last->result = req->info.result;
}
#else
static void panthor_reclaim_book(struct panthor_reclaim_client *client,
				 struct panthor_reclaim_vm *vm,
				 const struct panthor_reclaim_req *req,
				 const struct panthor_reclaim_acct *acct)
{
}

static void panthor_reclaim_book_client(struct panthor_reclaim_client *client,
					const struct panthor_reclaim_req *req,
					const struct panthor_reclaim_acct *acct)
{
}

void panthor_reclaim_result(struct panthor_reclaim_req *req, struct panthor_reclaim_client *client,
			    struct panthor_reclaim_vm *vm)
{
}
#endif

/**
 * panthor_reclaim_req_begin() - Open the account of a request
 * @req: Request, zeroed except for what describes the target.
 * @ptdev: Device.
 * @source: Source of the request.
 */
void panthor_reclaim_req_begin(struct panthor_reclaim_req *req, struct panthor_device *ptdev,
			       enum panthor_reclaim_source source)
{
	static atomic64_t ids = ATOMIC64_INIT(0);
	char comm[TASK_COMM_LEN];

	if (!req->start_ns)
		req->start_ns = ktime_get_ns();
	req->ptdev = ptdev;
	req->info.id = atomic64_inc_return(&ids);
	req->info.source = source;
	req->info.requester_tgid = current->tgid;
	get_task_comm(comm, current->group_leader);
	panthor_reclaim_escape(req->info.requester_comm, comm,
			       sizeof(req->info.requester_comm), true);

	req->begin_ns = ktime_get_ns();
	trace_panthor_reclaim_begin(ptdev->base.dev, &req->info);
}

/**
 * panthor_reclaim_req_end() - Close the account of a request
 * @req: Request.
 * @result: Result for the requester, 0 or a negative errno.
 */
void panthor_reclaim_req_end(struct panthor_reclaim_req *req, int result)
{
	req->info.result = result;
	req->info.total.duration_ns = ktime_get_ns() - req->start_ns;
	trace_panthor_reclaim_end(req->ptdev->base.dev, &req->info);
}

/**
 * panthor_reclaim_vm_begin() - A request starts with a VM
 * @req: Request.
 * @client: Client that owns the VM, NULL for BOs of any client that are private to
 *	no VM.
 * @vm: The VM, or NULL.
 * @bos: Number of BOs to look at.
 * @size: Their size in bytes.
 *
 * Both must be valid until panthor_reclaim_vm_end(). The event is emitted right
 * before the first one of what happens there.
 */
void panthor_reclaim_vm_begin(struct panthor_reclaim_req *req,
			      struct panthor_reclaim_client *client,
			      struct panthor_reclaim_vm *vm, u32 bos, u64 size)
{
	req->vm = (struct panthor_reclaim_vm_info){
		.id = req->info.id,
		.client_id = client ? client->id : 0,
		.tgid = client ? panthor_reclaim_client_tgid(client, NULL) : 0,
		.vm_id = vm ? vm->id : 0,
		.bos = bos,
		.size = size,
	};
	req->client = client;
	req->rcl_vm = vm;
	req->vm_start_ns = ktime_get_ns();
	req->vm_waited_ns = 0;
	req->vm_told = false;
}

static void panthor_reclaim_vm_tell(struct panthor_reclaim_req *req)
{
	/* The device-wide lists have no VM. */
	if (req->vm_told || !req->client)
		return;

	req->vm_told = true;
	trace_panthor_vm_reclaim_begin(&req->vm);
}

/**
 * panthor_reclaim_vm_fold() - Add the account of the current VM to the total
 * @req: Request.
 */
void panthor_reclaim_vm_fold(struct panthor_reclaim_req *req)
{
	u64 duration_ns = req->vm.acct.duration_ns;

	/* The duration of a request is not the sum of those of its VMs. */
	req->vm.acct.duration_ns = 0;
	panthor_reclaim_add(&req->info.total, &req->vm.acct);
	req->vm.acct.duration_ns = duration_ns;
	req->info.unseen += req->vm.unseen;
}

/**
 * panthor_reclaim_vm_end() - A request is done with a VM, for this round
 * @req: Request.
 */
void panthor_reclaim_vm_end(struct panthor_reclaim_req *req)
{
	struct panthor_reclaim_acct *acct = &req->vm.acct;

	acct->duration_ns = ktime_get_ns() - req->vm_start_ns + req->vm_waited_ns;
	panthor_reclaim_vm_fold(req);
	if (req->vm.reason || req->vm.unseen || acct->fence_ns || acct->lock_ns || acct->unmap_ns)
		panthor_reclaim_vm_tell(req);
	if (req->vm_told) {
		trace_panthor_vm_reclaim_end(&req->vm);
		panthor_reclaim_book(req->client, req->rcl_vm, req, acct);
	}

	panthor_reclaim_vm_begin(req, NULL, NULL, 0, 0);
}

static void panthor_reclaim_emit_bo(const struct panthor_reclaim_bo_info *info,
				    const struct device *dev)
{
	if (dev)
		trace_panthor_bo_swapin(dev, info);
	else if (info->reason)
		trace_panthor_bo_evict_skip(info);
	else
		trace_panthor_bo_evict(info);
}

/* Not inlined: the label takes stack, of which the shrinker has little. */
static noinline_for_stack void panthor_reclaim_emit_escaped(struct panthor_reclaim_bo_info *info,
							    const struct device *dev)
{
	char label[PANTHOR_RECLAIM_LABEL_LEN];

	info->label_len = panthor_reclaim_escape(label, info->label, sizeof(label), false);
	info->label = label;
	panthor_reclaim_emit_bo(info, dev);
}

/* Emit an event of a BO: a swap-in if there is a @dev, an eviction or a skip if not. */
static void panthor_reclaim_trace_bo(struct panthor_gem_object *bo,
				     struct panthor_reclaim_bo_info *info,
				     const struct device *dev)
{
	info->bo_id = bo->rcl.id;
	info->size = bo->base.size;
	info->kind = bo->rcl.kind;
	info->evictions = atomic_read(&bo->reclaimed_count);

	guard(mutex)(&bo->label.lock);
	info->label = bo->label.str ? : "";
	info->label_len = panthor_reclaim_plain_len(info->label, PANTHOR_RECLAIM_LABEL_LEN - 1);
	/* Most labels are copied only once, into the ring buffer. */
	if (info->label[info->label_len])
		panthor_reclaim_emit_escaped(info, dev);
	else
		panthor_reclaim_emit_bo(info, dev);
}

static void panthor_reclaim_trace_evict(struct panthor_reclaim_req *req,
					struct panthor_gem_object *bo,
					struct panthor_reclaim_bo_info *info)
{
	info->id = req->info.id;
	if (req->client) {
		info->client_id = req->vm.client_id;
		info->tgid = req->vm.tgid;
		info->vm_id = req->vm.vm_id;
	} else if (bo->rcl.client) {
		info->client_id = bo->rcl.client->id;
		info->tgid = panthor_reclaim_client_tgid(bo->rcl.client, NULL);
	}
	info->va = panthor_reclaim_bo_va(bo);
	panthor_reclaim_trace_bo(bo, info, NULL);
}

/* BOs on the shrinker's device-wide lists are accounted to their own clients. */
static void panthor_reclaim_book_bo(struct panthor_reclaim_req *req, struct panthor_gem_object *bo,
				    const struct panthor_reclaim_acct *acct)
{
	if (!req->client && bo->rcl.client)
		panthor_reclaim_book(bo->rcl.client, NULL, req, acct);
}

/**
 * panthor_reclaim_evicted() - A BO was evicted
 * @req: Request.
 * @bo: BO.
 * @state: &panthor_gem_object.reclaim_state before.
 * @wait_ns: Time spent waiting for this BO alone, in nanoseconds.
 * @duration_ns: Time that the eviction took, in nanoseconds.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_evicted(struct panthor_reclaim_req *req, struct panthor_gem_object *bo,
			     u32 state, u64 wait_ns, u64 duration_ns)
{
	const struct panthor_reclaim_acct acct = {
		.evicted = bo->base.size,
		.evicted_bos = 1,
		.unmap_ns = duration_ns,
	};
	struct panthor_reclaim_client *client = bo->rcl.client;

	dma_resv_assert_held(bo->base.resv);

	bo->rcl.evicted.id = req->info.id;
	bo->rcl.evicted.ns = ktime_get_ns();
	bo->rcl.evicted.vm_id = req->vm.vm_id;
	if (req->client) {
		bo->rcl.evicted.client_id = req->vm.client_id;
		bo->rcl.evicted.tgid = req->vm.tgid;
	} else if (client) {
		bo->rcl.evicted.client_id = client->id;
		bo->rcl.evicted.tgid = panthor_reclaim_client_tgid(client, NULL);
	}

	panthor_reclaim_count_evicted(bo);

	panthor_reclaim_add(&req->vm.acct, &acct);
	panthor_reclaim_book_bo(req, bo, &acct);
	panthor_reclaim_vm_tell(req);

	if (trace_panthor_bo_evict_enabled()) {
		struct panthor_reclaim_bo_info info = {
			.state = state,
			.wait_ns = wait_ns,
			.duration_ns = wait_ns + duration_ns,
		};

		panthor_reclaim_trace_evict(req, bo, &info);
	}
}

/**
 * panthor_reclaim_skipped() - A BO was skipped
 * @req: Request.
 * @bo: BO.
 * @state: Its &panthor_gem_object.reclaim_state.
 * @reason: Why it was skipped.
 * @lock: Which lock, if @reason is %PANTHOR_RECLAIM_LOCKED.
 * @wait_ns: Time spent waiting for this BO alone, in nanoseconds.
 * @duration_ns: Time that the attempt to evict it took, in nanoseconds.
 */
void panthor_reclaim_skipped(struct panthor_reclaim_req *req, struct panthor_gem_object *bo,
			     u32 state, enum panthor_reclaim_reason reason,
			     enum panthor_reclaim_lock lock, u64 wait_ns, u64 duration_ns)
{
	const struct panthor_reclaim_acct acct = {
		.skipped = bo->base.size,
		.skipped_bos = 1,
	};

	req->info.left[reason] += bo->base.size;
	panthor_reclaim_add(&req->vm.acct, &acct);
	panthor_reclaim_book_bo(req, bo, &acct);
	panthor_reclaim_vm_tell(req);

	if (trace_panthor_bo_evict_skip_enabled()) {
		struct panthor_reclaim_bo_info info = {
			.state = state,
			.reason = reason,
			.lock = lock,
			.wait_ns = wait_ns,
			.duration_ns = wait_ns + duration_ns,
		};

		panthor_reclaim_trace_evict(req, bo, &info);
	}
}

/**
 * panthor_reclaim_written() - An evicted BO was written to swap
 * @req: Request.
 * @entry: Entry of the BO.
 * @bo: BO.
 * @writing: The finished writeback.
 * @sum: The writeback is added to this account, for panthor_reclaim_book_written().
 */
void panthor_reclaim_written(struct panthor_reclaim_req *req,
			     const struct panthor_reclaim_entry *entry,
			     struct panthor_gem_object *bo,
			     const struct panthor_reclaim_writing *writing,
			     struct panthor_reclaim_acct *sum)
{
	const struct panthor_reclaim_bo_info info = {
		.id = req->info.id,
		.bo_id = bo->rcl.id,
		.client_id = entry->client->id,
		.vm_id = entry->id,
		.size = bo->base.size,
		.written = writing->written,
		.freed = writing->freed,
		.start_ns = writing->start_ns - req->begin_ns,
		.duration_ns = writing->duration_ns,
	};

	sum->written += writing->written;
	sum->freed += writing->freed;
	sum->duration_ns += writing->blocked_ns;
	sum->writeback_ns += writing->blocked_ns;
	panthor_reclaim_count_written(bo);
	trace_panthor_bo_writeback(&info);
}

/**
 * panthor_reclaim_book_written() - Account for the writeback of BOs of one VM
 * @req: Request.
 * @entry: Entry of the BOs.
 * @vm: VM of the entry, NULL if there is none or it was destroyed.
 * @sum: Their account.
 */
void panthor_reclaim_book_written(struct panthor_reclaim_req *req,
				  const struct panthor_reclaim_entry *entry,
				  struct panthor_reclaim_vm *vm,
				  const struct panthor_reclaim_acct *sum)
{
	panthor_reclaim_add(&req->info.total, sum);
	if (vm || !entry->serial)
		panthor_reclaim_book(entry->client, vm, req, sum);
	else
		panthor_reclaim_book_client(entry->client, req, sum);
}

/**
 * panthor_reclaim_reason() - Why an attempt to evict a BO failed
 * @err: Return value of panthor_gem_evict().
 * @ctx: Its context. If the reason is a lock, &panthor_reclaim_ctx.lock says which.
 *
 * Return: The reason.
 */
enum panthor_reclaim_reason panthor_reclaim_reason(int err, struct panthor_reclaim_ctx *ctx)
{
	switch (err) {
	case 0:
		return PANTHOR_RECLAIM_NONE;
	case -ETIME:
		return PANTHOR_RECLAIM_BUSY;
	case -EDEADLK:
		ctx->lock = PANTHOR_RECLAIM_LOCK_VM_OP;
		return PANTHOR_RECLAIM_LOCKED;
	case -EBUSY:
		return ctx->lock ? PANTHOR_RECLAIM_LOCKED : PANTHOR_RECLAIM_MMU_ERROR;
	case -EAGAIN:
		return PANTHOR_RECLAIM_CHANGED;
	default:
		return PANTHOR_RECLAIM_MMU_ERROR;
	}
}

/**
 * panthor_reclaim_source_name() - Name of a source, as in the events
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
		[PANTHOR_RECLAIM_CLAIM] = "claim",
	};

	return names[source];
}

/* For Android and Perfetto: the memory of the device, and that of one process. */
static void panthor_reclaim_trace_total(struct panthor_device *ptdev,
					struct panthor_reclaim_client *client)
{
	u32 gpu = ptdev->base.primary ? ptdev->base.primary->index : 0;
	struct panthor_reclaim_client *other;
	u64 sum = 0;

	lockdep_assert_held(&ptdev->rcl.lock);

	trace_gpu_mem_total(gpu, 0, atomic64_read(&ptdev->rcl.resident));
	if (!client)
		return;

	guard(rcu)();
	panthor_reclaim_client_ask(client);
	list_for_each_entry(other, &ptdev->rcl.clients, node) {
		panthor_reclaim_client_ask(other);
		if (other->tgid == client->tgid)
			sum += atomic64_read(&other->resident);
	}
	trace_gpu_mem_total(gpu, client->tgid, sum);
}

static void panthor_reclaim_resident(struct panthor_gem_object *bo, s64 size)
{
	struct panthor_device *ptdev = container_of(bo->base.dev, struct panthor_device, base);
	struct panthor_reclaim_client *client = bo->rcl.client;

	atomic64_add(size, &ptdev->rcl.resident);

	if (!IS_ENABLED(CONFIG_TRACE_GPU_MEM) || !trace_gpu_mem_total_enabled())
		return;

	/* Read and emitted under one lock: the last event has the final value. */
	guard(spinlock)(&ptdev->rcl.lock);
	panthor_reclaim_trace_total(ptdev, client);
}

static void panthor_reclaim_trace_swapin(struct panthor_gem_object *bo, u64 start_ns, u64 now_ns,
					 int result)
{
	struct panthor_reclaim_bo_info info = {
		.id = bo->rcl.evicted.id,
		.by = bo->rcl.by,
		.client_id = bo->rcl.evicted.client_id,
		.tgid = bo->rcl.evicted.tgid,
		.vm_id = bo->rcl.evicted.vm_id,
		.evicted_ns = start_ns - bo->rcl.evicted.ns,
		.duration_ns = now_ns - start_ns,
		.result = result,
	};

	panthor_reclaim_trace_bo(bo, &info, bo->base.dev->dev);
}

/**
 * panthor_reclaim_bo_populated() - A BO got its pages, or failed to
 * @bo: BO.
 * @start_ns: CLOCK_MONOTONIC time of the start, in nanoseconds.
 * @result: 0, or a negative errno if it failed.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_bo_populated(struct panthor_gem_object *bo, u64 start_ns, int result)
{
	dma_resv_assert_held(bo->base.resv);

	if (bo->rcl.evicted.id && trace_panthor_bo_swapin_enabled())
		panthor_reclaim_trace_swapin(bo, bo->rcl.by ? bo->rcl.by_ns : start_ns,
					     ktime_get_ns(), result);

	if (result)
		return;

	panthor_reclaim_count_pages(bo, true);
	memset(&bo->rcl.evicted, 0, sizeof(bo->rcl.evicted));
	WRITE_ONCE(bo->rcl.swapcached, 0);
	WRITE_ONCE(bo->rcl.late, 0);
	panthor_reclaim_resident(bo, bo->base.size);
}

/**
 * panthor_reclaim_bo_released() - A BO lost its pages
 * @bo: BO.
 *
 * Context: The BO's reservation lock is held, or the BO is being freed.
 */
void panthor_reclaim_bo_released(struct panthor_gem_object *bo)
{
	panthor_reclaim_count_pages(bo, false);
	panthor_reclaim_resident(bo, -(s64)bo->base.size);
}
