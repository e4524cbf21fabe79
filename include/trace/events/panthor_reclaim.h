/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM panthor

#if !defined(_TRACE_PANTHOR_RECLAIM_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PANTHOR_RECLAIM_H

#include <linux/device.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/panthor_reclaim.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

/**
 * DOC: uAPI trace events
 *
 * The events below are a stable interface: fields may be added, but are not
 * removed, renamed or reformatted.
 *
 * A request for GPU memory, no matter who made it, emits::
 *
 *	panthor_reclaim_begin
 *	    panthor_vm_reclaim_begin
 *	        panthor_bo_evict | panthor_bo_evict_skip, once for each BO looked at
 *	    panthor_vm_reclaim_end
 *	    panthor_bo_writeback, for each evicted BO that was written to swap
 *	panthor_reclaim_end, always
 *
 * panthor_bo_swapin is emitted when an evicted BO is swapped in. A request may
 * visit a VM several times: first for what is idle, then for what it had to wait
 * for. It writes what it evicted in between. The shrinker looks again at a BO that is
 * swapped in meanwhile, and may evict it again. BOs that it evicts from its device-wide
 * lists have no VM events around them. Attributes that several events share:
 *
 * - dev: name of the device, in the events of a request and of a swap-in.
 * - id: ID of the request, in all of its events. Starts at 1, is not reused while
 *   the module is loaded, and is unique among all devices.
 * - source: source of the request, &enum panthor_reclaim_source.
 * - bo_id: ID of the BO. Never 0, and not reused while the module is loaded.
 * - client_id: ID of the open file, drm-client-id in fdinfo. 0 if the client is
 *   the kernel.
 * - tgid: process of that client, in the initial PID namespace.
 * - vm_id: handle of the VM, as VM_CREATE returned it to that client; it may have
 *   been destroyed since. 0 for BOs that are not private to one VM: in none, or in
 *   several.
 * - state: how the BO was used when the request looked at it, &enum
 *   panthor_reclaim_state.
 * - kind: what the BO is, &enum panthor_reclaim_kind.
 * - va: lowest GPU address of the BO, 0 if it is not mapped or its mappings were
 *   being changed.
 * - label: label of the BO, at most 127 bytes, escaped. Last on its line.
 * - Memory is in bytes (no suffix), time in nanoseconds (``_ns``). The records of
 *   BO events have KiB (``_kib``) to be small. Their text has bytes without the
 *   suffix.
 *
 * In labels and names, control characters (including C1), quotes, backslashes and
 * bytes that are not UTF-8 are escaped as \\xNN. In names, so are spaces.
 *
 * Blocked time is split by cause: fence_ns waiting for jobs, lock_ns for locks,
 * unmap_ns removing mappings and releasing pages, writeback_ns writing them to
 * swap. The rest of duration_ns is the search for the target and accounting.
 */

#define PANTHOR_RECLAIM_SOURCES						\
	EM(PANTHOR_RECLAIM_SYSFS,		"sysfs")		\
	EM(PANTHOR_RECLAIM_SHRINKER,		"shrinker")		\
	EM(PANTHOR_RECLAIM_KSWAPD,		"kswapd")		\
	EM(PANTHOR_RECLAIM_DEBUGFS,		"debugfs")		\
	EMe(PANTHOR_RECLAIM_CLAIM,		"claim")

#define PANTHOR_RECLAIM_REASONS						\
	EM(PANTHOR_RECLAIM_NONE,		"none")			\
	EM(PANTHOR_RECLAIM_BUSY,		"busy")			\
	EM(PANTHOR_RECLAIM_LOCKED,		"locked")		\
	EM(PANTHOR_RECLAIM_CHANGED,		"changed")		\
	EM(PANTHOR_RECLAIM_MMU_ERROR,		"mmu-error")		\
	EM(PANTHOR_RECLAIM_PINNED,		"pinned")		\
	EM(PANTHOR_RECLAIM_SHARED,		"shared")		\
	EM(PANTHOR_RECLAIM_NO_SWAP,		"no-swap")		\
	EM(PANTHOR_RECLAIM_INTERRUPTED,	"interrupted")		\
	EMe(PANTHOR_RECLAIM_NO_MEMORY,		"no-memory")

#define PANTHOR_RECLAIM_LOCKS						\
	EM(PANTHOR_RECLAIM_LOCK_NONE,		"none")			\
	EM(PANTHOR_RECLAIM_LOCK_RESV,		"resv")			\
	EM(PANTHOR_RECLAIM_LOCK_VM_RESV,	"vm-resv")		\
	EM(PANTHOR_RECLAIM_LOCK_GPUVA,		"gpuva")		\
	EMe(PANTHOR_RECLAIM_LOCK_VM_OP,		"vm-op")

#define PANTHOR_RECLAIM_KINDS						\
	EM(PANTHOR_RECLAIM_USER,		"user")			\
	EM(PANTHOR_RECLAIM_USER_NO_MMAP,	"user-nommap")		\
	EMe(PANTHOR_RECLAIM_KERNEL,		"kernel")

#define PANTHOR_RECLAIM_STATES						\
	EM(PANTHOR_RECLAIM_UNUSED,		"unused")		\
	EM(PANTHOR_RECLAIM_MMAPPED,		"mmapped")		\
	EM(PANTHOR_RECLAIM_PRIVATE,		"private")		\
	EM(PANTHOR_RECLAIM_MULTI_VM,		"multi-vm")		\
	EMe(PANTHOR_RECLAIM_UNRECLAIMABLE,	"unreclaimable")

#define PANTHOR_RECLAIM_WRITEBACKS					\
	EM(PANTHOR_RECLAIM_WB_NONE,		"none")			\
	EM(PANTHOR_RECLAIM_WB_SWAPCACHE,	"swapcache")		\
	EMe(PANTHOR_RECLAIM_WB_FREE,		"free")

#undef EM
#undef EMe
#define EM(a, b)	TRACE_DEFINE_ENUM(a);
#define EMe(a, b)	TRACE_DEFINE_ENUM(a);

PANTHOR_RECLAIM_SOURCES
PANTHOR_RECLAIM_REASONS
PANTHOR_RECLAIM_LOCKS
PANTHOR_RECLAIM_KINDS
PANTHOR_RECLAIM_STATES
PANTHOR_RECLAIM_WRITEBACKS

#undef EM
#undef EMe
#define EM(a, b)	{ a, b },
#define EMe(a, b)	{ a, b }

/**
 * panthor_reclaim_begin - a request starts
 * @dev: device the request is for
 * @req: the request
 *
 * requester_tgid and requester_comm name the requester, target_tgid and
 * target_comm whose memory is requested (0 and empty for the shrinker, which
 * takes from anyone), clients and vms how many open files and VMs of the target
 * were found, goal how much is wanted in bytes (0: all there is).
 */
TRACE_EVENT(panthor_reclaim_begin,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_info *req),
	TP_ARGS(dev, req),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__string(requester_comm, req->requester_comm)
		__string(target_comm, req->target_comm)
		__field(u64, id)
		__field(u64, goal)
		__field(u32, source)
		__field(s32, requester_tgid)
		__field(s32, target_tgid)
		__field(u32, clients)
		__field(u32, vms)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(requester_comm);
		__assign_str(target_comm);
		__entry->id		= req->id;
		__entry->goal		= req->goal;
		__entry->source		= req->source;
		__entry->requester_tgid	= req->requester_tgid;
		__entry->target_tgid	= req->target_tgid;
		__entry->clients	= req->clients;
		__entry->vms		= req->vms;
	),
	TP_printk("dev=%s id=%llu source=%s requester_tgid=%d target_tgid=%d clients=%u vms=%u goal=%llu target_comm=%s requester_comm=%s",
		  __get_str(dev), __entry->id,
		  __print_symbolic(__entry->source, PANTHOR_RECLAIM_SOURCES),
		  __entry->requester_tgid, __entry->target_tgid, __entry->clients,
		  __entry->vms, __entry->goal, __get_str(target_comm),
		  __get_str(requester_comm))
);

/**
 * panthor_reclaim_end - a request ends, with or without success
 * @dev: device the request was for
 * @req: the request and its account
 *
 * result is 0 or the negative errno of the write (-EINTR also if the kernel
 * restarts it, for a signal without a handler). evicted is what lost its pages,
 * skipped what was looked at and kept, by reason in skipped_busy to skipped_other,
 * unseen what the DRM core did not scan because a lock was taken (shrinker only).
 * written is what this request wrote to swap, freed the RAM that it freed; both
 * include memory that an earlier request or the shrinker had evicted. At the end,
 * remaining is what the target has resident, unwritten what is evicted but in RAM.
 * writeback says what was done with the pages, &enum panthor_reclaim_writeback.
 * cut_short says why the request ended early: interrupted by a signal, busy when
 * the wait for jobs timed out, no-memory when a claim ran out of free memory, none
 * if it did not.
 *
 * A claim evicts nothing: swapped_in and swapped_in_bos are what it swapped in. It
 * does not count what remains. For the shrinker, remaining is that of the device.
 */
TRACE_EVENT(panthor_reclaim_end,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_info *req),
	TP_ARGS(dev, req),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__string(target_comm, req->target_comm)
		__field(u64, id)
		__field(u64, evicted)
		__field(u64, skipped)
		__field(u64, written)
		__field(u64, freed)
		__field(u64, unseen)
		__field(u64, remaining)
		__field(u64, unwritten)
		__field(u64, swapped_in)
		__field(u64, skipped_busy)
		__field(u64, skipped_locked)
		__field(u64, skipped_shared)
		__field(u64, skipped_pinned)
		__field(u64, skipped_no_swap)
		__field(u64, skipped_interrupted)
		__field(u64, skipped_other)
		__field(u64, duration_ns)
		__field(u64, fence_ns)
		__field(u64, lock_ns)
		__field(u64, unmap_ns)
		__field(u64, writeback_ns)
		__field(u32, source)
		__field(s32, result)
		__field(s32, target_tgid)
		__field(u32, evicted_bos)
		__field(u32, skipped_bos)
		__field(u32, remaining_bos)
		__field(u32, swapped_in_bos)
		__field(u32, vms)
		__field(u32, writeback)
		__field(u32, cut_short)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(target_comm);
		__entry->id		= req->id;
		__entry->evicted	= req->total.evicted;
		__entry->skipped	= req->total.skipped;
		__entry->written	= req->total.written;
		__entry->freed		= req->total.freed;
		__entry->unseen		= req->unseen;
		__entry->remaining	= req->remaining;
		__entry->unwritten	= req->unwritten;
		__entry->swapped_in	= req->swapped_in;
		__entry->skipped_busy	= req->left[PANTHOR_RECLAIM_BUSY];
		__entry->skipped_locked = req->left[PANTHOR_RECLAIM_LOCKED];
		__entry->skipped_shared = req->left[PANTHOR_RECLAIM_SHARED];
		__entry->skipped_pinned = req->left[PANTHOR_RECLAIM_PINNED];
		__entry->skipped_no_swap = req->left[PANTHOR_RECLAIM_NO_SWAP];
		__entry->skipped_interrupted = req->left[PANTHOR_RECLAIM_INTERRUPTED];
		__entry->skipped_other	= req->left[PANTHOR_RECLAIM_CHANGED] +
					  req->left[PANTHOR_RECLAIM_MMU_ERROR];
		__entry->duration_ns	= req->total.duration_ns;
		__entry->fence_ns	= req->total.fence_ns;
		__entry->lock_ns	= req->total.lock_ns;
		__entry->unmap_ns	= req->total.unmap_ns;
		__entry->writeback_ns	= req->total.writeback_ns;
		__entry->source		= req->source;
		__entry->result		= req->result;
		__entry->target_tgid	= req->target_tgid;
		__entry->evicted_bos	= req->total.evicted_bos;
		__entry->skipped_bos	= req->total.skipped_bos;
		__entry->remaining_bos	= req->remaining_bos;
		__entry->swapped_in_bos	= req->swapped_in_bos;
		__entry->vms		= req->vms;
		__entry->writeback	= req->writeback;
		__entry->cut_short	= req->cut_short;
	),
	TP_printk("dev=%s id=%llu source=%s target_tgid=%d result=%d vms=%u evicted_bos=%u evicted=%llu skipped_bos=%u skipped=%llu unseen=%llu written=%llu freed=%llu writeback=%s remaining_bos=%u remaining=%llu unwritten=%llu cut_short=%s skipped_busy=%llu skipped_locked=%llu skipped_shared=%llu skipped_pinned=%llu skipped_no_swap=%llu skipped_interrupted=%llu skipped_other=%llu duration_ns=%llu fence_ns=%llu lock_ns=%llu unmap_ns=%llu writeback_ns=%llu swapped_in_bos=%u swapped_in=%llu target_comm=%s",
		  __get_str(dev), __entry->id,
		  __print_symbolic(__entry->source, PANTHOR_RECLAIM_SOURCES),
		  __entry->target_tgid, __entry->result, __entry->vms,
		  __entry->evicted_bos, __entry->evicted, __entry->skipped_bos,
		  __entry->skipped, __entry->unseen, __entry->written, __entry->freed,
		  __print_symbolic(__entry->writeback, PANTHOR_RECLAIM_WRITEBACKS),
		  __entry->remaining_bos, __entry->remaining, __entry->unwritten,
		  __print_symbolic(__entry->cut_short, PANTHOR_RECLAIM_REASONS),
		  __entry->skipped_busy, __entry->skipped_locked, __entry->skipped_shared,
		  __entry->skipped_pinned, __entry->skipped_no_swap,
		  __entry->skipped_interrupted, __entry->skipped_other,
		  __entry->duration_ns, __entry->fence_ns, __entry->lock_ns,
		  __entry->unmap_ns, __entry->writeback_ns,
		  __entry->swapped_in_bos, __entry->swapped_in,
		  __get_str(target_comm))
);

/**
 * panthor_vm_reclaim_begin - a request starts with one VM
 * @vm: the VM and its account
 *
 * bos and size are what there is to look at: for the shrinker the BOs on the VM's
 * LRU list, for an explicit request the private BOs of the VM that are pending.
 * vm_id 0 stands for the BOs of the client that are private to no VM.
 */
TRACE_EVENT(panthor_vm_reclaim_begin,
	TP_PROTO(const struct panthor_reclaim_vm_info *vm),
	TP_ARGS(vm),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, client_id)
		__field(u64, size)
		__field(s32, tgid)
		__field(u32, vm_id)
		__field(u32, bos)
	),
	TP_fast_assign(
		__entry->id		= vm->id;
		__entry->client_id	= vm->client_id;
		__entry->size		= vm->size;
		__entry->tgid		= vm->tgid;
		__entry->vm_id		= vm->vm_id;
		__entry->bos		= vm->bos;
	),
	TP_printk("id=%llu client_id=%llu tgid=%d vm_id=%u bos=%u size=%llu",
		  __entry->id, __entry->client_id, __entry->tgid, __entry->vm_id,
		  __entry->bos, __entry->size)
);

/**
 * panthor_vm_reclaim_end - a request is done with one VM
 * @vm: the VM and its account
 *
 * unseen is what the DRM core skipped because a reservation lock was contended,
 * without a BO event (shrinker only). reason is why the VM as a whole was skipped,
 * none if it was not. fences is the number of job fences waited for; fence_context
 * and fence_seqno identify the last of them as in the dma_fence events (0 if there
 * was no wait). fence_ns and duration_ns include the wait for these jobs, which was
 * before panthor_vm_reclaim_begin.
 */
TRACE_EVENT(panthor_vm_reclaim_end,
	TP_PROTO(const struct panthor_reclaim_vm_info *vm),
	TP_ARGS(vm),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, client_id)
		__field(u64, evicted)
		__field(u64, skipped)
		__field(u64, unseen)
		__field(u64, duration_ns)
		__field(u64, fence_ns)
		__field(u64, lock_ns)
		__field(u64, unmap_ns)
		__field(u64, fence_context)
		__field(u64, fence_seqno)
		__field(s32, tgid)
		__field(u32, vm_id)
		__field(u32, evicted_bos)
		__field(u32, skipped_bos)
		__field(u32, fences)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->id		= vm->id;
		__entry->client_id	= vm->client_id;
		__entry->evicted	= vm->acct.evicted;
		__entry->skipped	= vm->acct.skipped;
		__entry->unseen		= vm->unseen;
		__entry->duration_ns	= vm->acct.duration_ns;
		__entry->fence_ns	= vm->acct.fence_ns;
		__entry->lock_ns	= vm->acct.lock_ns;
		__entry->unmap_ns	= vm->acct.unmap_ns;
		__entry->fence_context	= vm->fence_context;
		__entry->fence_seqno	= vm->fence_seqno;
		__entry->tgid		= vm->tgid;
		__entry->vm_id		= vm->vm_id;
		__entry->evicted_bos	= vm->acct.evicted_bos;
		__entry->skipped_bos	= vm->acct.skipped_bos;
		__entry->fences		= vm->fences;
		__entry->reason		= vm->reason;
	),
	TP_printk("id=%llu client_id=%llu tgid=%d vm_id=%u reason=%s evicted_bos=%u evicted=%llu skipped_bos=%u skipped=%llu unseen=%llu duration_ns=%llu fence_ns=%llu lock_ns=%llu unmap_ns=%llu fences=%u fence_context=%llu fence_seqno=%llu",
		  __entry->id, __entry->client_id, __entry->tgid, __entry->vm_id,
		  __print_symbolic(__entry->reason, PANTHOR_RECLAIM_REASONS),
		  __entry->evicted_bos, __entry->evicted, __entry->skipped_bos,
		  __entry->skipped, __entry->unseen, __entry->duration_ns,
		  __entry->fence_ns, __entry->lock_ns, __entry->unmap_ns,
		  __entry->fences, __entry->fence_context, __entry->fence_seqno)
);

/* What an eviction and a skip have in common. The skip has two bytes more. */
#define PANTHOR_BO_ENTRY						\
	__string_len(label, bo->label, bo->label_len)			\
	__field(s32, tgid)						\
	__field(u64, id)						\
	__field(u64, bo_id)						\
	__field(u64, client_id)						\
	__field(u64, va)						\
	__field(u64, duration_ns)					\
	__field(u32, wait_ns)						\
	__field(u32, size_kib)						\
	__field(u32, evictions)						\
	__field(u16, vm_id)						\
	__field(u8, state)						\
	__field(u8, kind)

#define PANTHOR_BO_ASSIGN						\
	__assign_str(label);						\
	__entry->tgid		= bo->tgid;				\
	__entry->id		= bo->id;				\
	__entry->bo_id		= bo->bo_id;				\
	__entry->client_id	= bo->client_id;			\
	__entry->va		= bo->va;				\
	__entry->duration_ns	= bo->duration_ns;			\
	__entry->wait_ns	= min_t(u64, bo->wait_ns, U32_MAX);	\
	__entry->size_kib	= bo->size >> 10;			\
	__entry->evictions	= bo->evictions;			\
	__entry->vm_id		= bo->vm_id;				\
	__entry->state		= bo->state;				\
	__entry->kind		= bo->kind;

/**
 * panthor_bo_evict - a BO was evicted
 * @bo: the BO
 *
 * wait_ns is the time spent waiting for the jobs of this BO alone, in 32 bits (that
 * for the jobs of a VM is the VM's), duration_ns all the time spent on it, evictions
 * how often it was evicted so far, this time included.
 */
TRACE_EVENT(panthor_bo_evict,
	TP_PROTO(const struct panthor_reclaim_bo_info *bo),
	TP_ARGS(bo),
	TP_STRUCT__entry(
		PANTHOR_BO_ENTRY
	),
	TP_fast_assign(
		PANTHOR_BO_ASSIGN
	),
	TP_printk("id=%llu bo_id=%llu client_id=%llu tgid=%d vm_id=%u state=%s kind=%s size=%llu va=0x%llx wait_ns=%u duration_ns=%llu evictions=%u label=%s",
		  __entry->id, __entry->bo_id, __entry->client_id, __entry->tgid,
		  __entry->vm_id,
		  __print_symbolic(__entry->state, PANTHOR_RECLAIM_STATES),
		  __print_symbolic(__entry->kind, PANTHOR_RECLAIM_KINDS),
		  (u64)__entry->size_kib << 10, __entry->va, __entry->wait_ns,
		  __entry->duration_ns, __entry->evictions, __get_str(label))
);

/**
 * panthor_bo_evict_skip - a BO was skipped
 * @bo: the BO
 *
 * reason says why, &enum panthor_reclaim_reason. If it is locked, lock says which
 * lock was contended, &enum panthor_reclaim_lock.
 */
TRACE_EVENT(panthor_bo_evict_skip,
	TP_PROTO(const struct panthor_reclaim_bo_info *bo),
	TP_ARGS(bo),
	TP_STRUCT__entry(
		PANTHOR_BO_ENTRY
		__field(u8, reason)
		__field(u8, lock)
	),
	TP_fast_assign(
		PANTHOR_BO_ASSIGN
		__entry->reason		= bo->reason;
		__entry->lock		= bo->lock;
	),
	TP_printk("id=%llu bo_id=%llu client_id=%llu tgid=%d vm_id=%u state=%s reason=%s lock=%s kind=%s size=%llu va=0x%llx wait_ns=%u duration_ns=%llu evictions=%u label=%s",
		  __entry->id, __entry->bo_id, __entry->client_id, __entry->tgid,
		  __entry->vm_id,
		  __print_symbolic(__entry->state, PANTHOR_RECLAIM_STATES),
		  __print_symbolic(__entry->reason, PANTHOR_RECLAIM_REASONS),
		  __print_symbolic(__entry->lock, PANTHOR_RECLAIM_LOCKS),
		  __print_symbolic(__entry->kind, PANTHOR_RECLAIM_KINDS),
		  (u64)__entry->size_kib << 10, __entry->va, __entry->wait_ns,
		  __entry->duration_ns, __entry->evictions, __get_str(label))
);

/**
 * panthor_bo_writeback - an evicted BO was written to swap
 * @bo: the BO
 *
 * Emitted when the write has ended. start_ns is its start, relative to
 * panthor_reclaim_begin. duration_ns is the time that the requester spent on this
 * BO; several BOs are written at a time. written and freed are what this request
 * did. The BO may have been evicted by an earlier request or by the shrinker. It has
 * further events, whose numbers add to those of the first, if part of it could only
 * be written after the folio batches of all CPUs were drained.
 */
TRACE_EVENT(panthor_bo_writeback,
	TP_PROTO(const struct panthor_reclaim_bo_info *bo),
	TP_ARGS(bo),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, bo_id)
		__field(u64, client_id)
		__field(u64, start_ns)
		__field(u64, duration_ns)
		__field(u32, size_kib)
		__field(u32, written_kib)
		__field(u32, freed_kib)
		__field(u16, vm_id)
	),
	TP_fast_assign(
		__entry->id		= bo->id;
		__entry->bo_id		= bo->bo_id;
		__entry->client_id	= bo->client_id;
		__entry->start_ns	= bo->start_ns;
		__entry->duration_ns	= bo->duration_ns;
		__entry->size_kib	= bo->size >> 10;
		__entry->written_kib	= bo->written >> 10;
		__entry->freed_kib	= bo->freed >> 10;
		__entry->vm_id		= bo->vm_id;
	),
	TP_printk("id=%llu bo_id=%llu client_id=%llu vm_id=%u size=%llu written=%llu freed=%llu start_ns=%llu duration_ns=%llu",
		  __entry->id, __entry->bo_id, __entry->client_id, __entry->vm_id,
		  (u64)__entry->size_kib << 10, (u64)__entry->written_kib << 10,
		  (u64)__entry->freed_kib << 10, __entry->start_ns,
		  __entry->duration_ns)
);

/**
 * panthor_bo_swapin - an evicted BO was swapped in
 * @dev: device of the BO
 * @bo: the BO
 *
 * id is the request that evicted it, by the one that swapped it in (a claim), 0 if
 * the GPU or the CPU needed it. client_id and vm_id are those of the eviction,
 * evicted_ns is the time from the eviction to the swap-in, duration_ns the time
 * that the swap-in took, without mapping the pages on the GPU again. result is 0
 * or the negative errno of a failed swap-in.
 */
TRACE_EVENT(panthor_bo_swapin,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_bo_info *bo),
	TP_ARGS(dev, bo),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__string_len(label, bo->label, bo->label_len)
		__field(u64, id)
		__field(u64, bo_id)
		__field(u64, client_id)
		__field(u64, evicted_ns)
		__field(u64, by)
		__field(u64, duration_ns)
		__field(u32, size_kib)
		__field(s32, tgid)
		__field(u32, evictions)
		__field(s32, result)
		__field(u16, vm_id)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(label);
		__entry->id		= bo->id;
		__entry->bo_id		= bo->bo_id;
		__entry->client_id	= bo->client_id;
		__entry->evicted_ns	= bo->evicted_ns;
		__entry->by		= bo->by;
		__entry->duration_ns	= bo->duration_ns;
		__entry->size_kib	= bo->size >> 10;
		__entry->tgid		= bo->tgid;
		__entry->evictions	= bo->evictions;
		__entry->result		= bo->result;
		__entry->vm_id		= bo->vm_id;
	),
	TP_printk("dev=%s id=%llu bo_id=%llu client_id=%llu tgid=%d vm_id=%u result=%d size=%llu evicted_ns=%llu duration_ns=%llu evictions=%u by=%llu label=%s",
		  __get_str(dev), __entry->id, __entry->bo_id,
		  __entry->client_id, __entry->tgid, __entry->vm_id,
		  __entry->result, (u64)__entry->size_kib << 10, __entry->evicted_ns,
		  __entry->duration_ns, __entry->evictions, __entry->by,
		  __get_str(label))
);

#endif /* _TRACE_PANTHOR_RECLAIM_H */

#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE panthor_reclaim

/* This part must be outside protection */
#include <trace/define_trace.h>
