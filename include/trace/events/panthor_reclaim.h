/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM panthor

#if !defined(_TRACE_PANTHOR_RECLAIM_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PANTHOR_RECLAIM_H

#include <linux/device.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

struct panthor_reclaim_bo_args;
struct panthor_reclaim_req;
struct panthor_reclaim_vm_args;

/**
 * DOC: uAPI trace events
 *
 * The events below are a public interface: fields may be added, none is
 * removed, renamed or reformatted.
 *
 * One request to take GPU memory away from its users, whoever asked for it, is
 * told as
 *
 *	panthor_reclaim_begin
 *	    panthor_vm_reclaim_begin
 *	        panthor_bo_evict | panthor_bo_evict_skip, once for each BO looked at
 *	    panthor_vm_reclaim_end
 *	    panthor_bo_writeback, once for each evicted BO that was pushed to swap
 *	panthor_reclaim_end, always
 *
 * and panthor_bo_swapin when an evicted BO gets its memory back. What the
 * shrinker takes from its device-wide lists has no VM around it. Attributes
 * that several events share:
 *
 * - dev: name of the device.
 * - id: the request. Starts at 1, never reused, joins everything that belongs
 *   together.
 * - source: who asked. &enum panthor_reclaim_source.
 * - bo_id: the BO, for as long as it lives. Never reused. 0 in no event.
 * - client_id: the open file, the number that fdinfo shows as drm-client-id. 0
 *   when the kernel itself is the client.
 * - tgid: process of that client, in the initial PID namespace.
 * - vm_id: the VM, by the handle that VM_CREATE returned to that client. 0 for
 *   BOs that are not private to one: in none, in several, or pinned.
 * - state: reclaim state of the BO when it was looked at, &enum
 *   panthor_gem_reclaim_state.
 * - va: lowest GPU address of the BO, 0 if it is not mapped or, for a BO that
 *   stays, if somebody was changing that just then.
 * - label: label of the BO, at most 127 bytes, control characters, quotes and
 *   backslashes as \\xNN. Last on its line.
 * - Memory is in bytes (unit in no name), time in nanoseconds (``_ns``).
 *
 * Blocked time is split by cause: fence_ns waiting for jobs, lock_ns for locks,
 * unmap_ns tearing down mappings and releasing pages, writeback_ns pushing them
 * to swap. What is left of duration_ns is the search for the target and
 * book-keeping.
 */

#define PANTHOR_RECLAIM_SOURCES						\
	EM(PANTHOR_RECLAIM_SYSFS,		"sysfs")		\
	EM(PANTHOR_RECLAIM_SHRINKER,		"shrinker")		\
	EM(PANTHOR_RECLAIM_KSWAPD,		"kswapd")		\
	EMe(PANTHOR_RECLAIM_DEBUGFS,		"debugfs")

#define PANTHOR_RECLAIM_REASONS						\
	EM(PANTHOR_RECLAIM_NONE,		"none")			\
	EM(PANTHOR_RECLAIM_BUSY,		"busy")			\
	EM(PANTHOR_RECLAIM_RESV_LOCKED,		"resv-locked")		\
	EM(PANTHOR_RECLAIM_VM_RESV_LOCKED,	"vm-resv-locked")	\
	EM(PANTHOR_RECLAIM_GPUVA_LOCKED,	"gpuva-locked")		\
	EM(PANTHOR_RECLAIM_VM_OP_LOCKED,	"vm-op-locked")		\
	EM(PANTHOR_RECLAIM_STATE_CHANGED,	"state-changed")	\
	EM(PANTHOR_RECLAIM_MMU_ERROR,		"mmu-error")		\
	EM(PANTHOR_RECLAIM_PINNED,		"pinned")		\
	EM(PANTHOR_RECLAIM_SHARED,		"shared")		\
	EM(PANTHOR_RECLAIM_NO_SWAP,		"no-swap")		\
	EMe(PANTHOR_RECLAIM_INTERRUPTED,	"interrupted")

#define PANTHOR_RECLAIM_STATES						\
	EM(PANTHOR_GEM_UNUSED,			"unused")		\
	EM(PANTHOR_GEM_MMAPPED,			"mmapped")		\
	EM(PANTHOR_GEM_GPU_MAPPED_SINGLE_VM,	"private")		\
	EM(PANTHOR_GEM_GPU_MAPPED_MULTI_VM,	"multi-vm")		\
	EMe(PANTHOR_GEM_UNRECLAIMABLE,		"unreclaimable")

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
 * writer_tgid and writer_comm name who asked, target_tgid and target_comm whose
 * memory shall go (0 and empty for the shrinker, which takes from anyone),
 * clients and vms how many open files and VMs of the target were found, goal
 * how much is wanted in bytes (0: all there is).
 */
TRACE_EVENT(panthor_reclaim_begin,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_req *req),
	TP_ARGS(dev, req),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__string(writer_comm, req->writer_comm)
		__string(target_comm, req->target_comm)
		__field(u64, id)
		__field(u64, goal)
		__field(u32, source)
		__field(s32, writer_tgid)
		__field(s32, target_tgid)
		__field(u32, clients)
		__field(u32, vms)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(writer_comm);
		__assign_str(target_comm);
		__entry->id		= req->id;
		__entry->goal		= req->goal;
		__entry->source		= req->source;
		__entry->writer_tgid	= req->writer_tgid;
		__entry->target_tgid	= req->target_tgid;
		__entry->clients	= req->clients;
		__entry->vms		= req->vms;
	),
	TP_printk("dev=%s id=%llu source=%s writer_tgid=%d target_tgid=%d clients=%u vms=%u goal=%llu target_comm=%s writer_comm=%s",
		  __get_str(dev), __entry->id,
		  __print_symbolic(__entry->source, PANTHOR_RECLAIM_SOURCES),
		  __entry->writer_tgid, __entry->target_tgid, __entry->clients,
		  __entry->vms, __entry->goal, __get_str(target_comm),
		  __get_str(writer_comm))
);

/**
 * panthor_reclaim_end - a request is over, whatever came of it
 * @dev: device the request was for
 * @req: the request, with its account
 *
 * result is 0 or the negative errno the writer got. evicted is what lost its
 * pages, skipped what was looked at and stayed, unseen what the DRM core passed
 * over because a lock was taken (shrinker only), written what of the evicted
 * went to swap, freed what of it is free RAM now, remaining what the target
 * still has resident. writeback tells how far pages were pushed, &enum
 * panthor_reclaim_writeback.
 */
TRACE_EVENT(panthor_reclaim_end,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_req *req),
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
		__field(u32, vms)
		__field(u32, writeback)
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
		__entry->vms		= req->vms;
		__entry->writeback	= req->writeback;
	),
	TP_printk("dev=%s id=%llu source=%s target_tgid=%d result=%d vms=%u evicted_bos=%u evicted=%llu skipped_bos=%u skipped=%llu unseen=%llu written=%llu freed=%llu writeback=%s remaining_bos=%u remaining=%llu duration_ns=%llu fence_ns=%llu lock_ns=%llu unmap_ns=%llu writeback_ns=%llu target_comm=%s",
		  __get_str(dev), __entry->id,
		  __print_symbolic(__entry->source, PANTHOR_RECLAIM_SOURCES),
		  __entry->target_tgid, __entry->result, __entry->vms,
		  __entry->evicted_bos, __entry->evicted, __entry->skipped_bos,
		  __entry->skipped, __entry->unseen, __entry->written, __entry->freed,
		  __print_symbolic(__entry->writeback, PANTHOR_RECLAIM_WRITEBACKS),
		  __entry->remaining_bos, __entry->remaining,
		  __entry->duration_ns, __entry->fence_ns, __entry->lock_ns,
		  __entry->unmap_ns, __entry->writeback_ns,
		  __get_str(target_comm))
);

/**
 * panthor_vm_reclaim_begin - a request turns to one VM
 * @dev: device the request is for
 * @vm: the VM and its account
 *
 * bos and size say what the VM has to offer at this moment: to the shrinker what
 * is on its LRU, to an explicit request what is private to it and created by its
 * client. vm_id 0 stands for the other BOs of the client.
 */
TRACE_EVENT(panthor_vm_reclaim_begin,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_vm_args *vm),
	TP_ARGS(dev, vm),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__field(u64, id)
		__field(u64, client_id)
		__field(u64, size)
		__field(s32, tgid)
		__field(u32, vm_id)
		__field(u32, bos)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->id		= vm->id;
		__entry->client_id	= vm->client_id;
		__entry->size		= vm->size;
		__entry->tgid		= vm->tgid;
		__entry->vm_id		= vm->vm_id;
		__entry->bos		= vm->bos;
	),
	TP_printk("dev=%s id=%llu client_id=%llu tgid=%d vm_id=%u bos=%u size=%llu",
		  __get_str(dev), __entry->id, __entry->client_id,
		  __entry->tgid, __entry->vm_id, __entry->bos, __entry->size)
);

/**
 * panthor_vm_reclaim_end - a request is done with one VM
 * @dev: device the request is for
 * @vm: the VM and its account
 *
 * unseen is what the DRM core passed over because a reservation lock was taken;
 * no BO event tells of it (shrinker only). reason is why the VM as a whole was
 * left, none if it was not. fences counts the job fences waited for,
 * fence_context and fence_seqno name the last of them as the dma_fence events
 * do (0 if there was no wait).
 */
TRACE_EVENT(panthor_vm_reclaim_end,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_vm_args *vm),
	TP_ARGS(dev, vm),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
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
		__assign_str(dev);
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
	TP_printk("dev=%s id=%llu client_id=%llu tgid=%d vm_id=%u reason=%s evicted_bos=%u evicted=%llu skipped_bos=%u skipped=%llu unseen=%llu duration_ns=%llu fence_ns=%llu lock_ns=%llu unmap_ns=%llu fences=%u fence_context=%llu fence_seqno=%llu",
		  __get_str(dev), __entry->id, __entry->client_id,
		  __entry->tgid, __entry->vm_id,
		  __print_symbolic(__entry->reason, PANTHOR_RECLAIM_REASONS),
		  __entry->evicted_bos, __entry->evicted, __entry->skipped_bos,
		  __entry->skipped, __entry->unseen, __entry->duration_ns,
		  __entry->fence_ns, __entry->lock_ns, __entry->unmap_ns,
		  __entry->fences, __entry->fence_context, __entry->fence_seqno)
);

DECLARE_EVENT_CLASS(panthor_reclaim_bo,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_bo_args *bo),
	TP_ARGS(dev, bo),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__string(label, bo->label)
		__field(u64, id)
		__field(u64, bo_id)
		__field(u64, client_id)
		__field(u64, size)
		__field(u64, va)
		__field(u64, wait_ns)
		__field(u64, duration_ns)
		__field(s32, tgid)
		__field(u32, vm_id)
		__field(u32, state)
		__field(u32, reason)
		__field(u32, evictions)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(label);
		__entry->id		= bo->id;
		__entry->bo_id		= bo->bo_id;
		__entry->client_id	= bo->client_id;
		__entry->size		= bo->size;
		__entry->va		= bo->va;
		__entry->wait_ns	= bo->wait_ns;
		__entry->duration_ns	= bo->duration_ns;
		__entry->tgid		= bo->tgid;
		__entry->vm_id		= bo->vm_id;
		__entry->state		= bo->state;
		__entry->reason		= bo->reason;
		__entry->evictions	= bo->evictions;
	),
	TP_printk("dev=%s id=%llu bo_id=%llu client_id=%llu tgid=%d vm_id=%u state=%s reason=%s size=%llu va=0x%llx wait_ns=%llu duration_ns=%llu evictions=%u label=%s",
		  __get_str(dev), __entry->id, __entry->bo_id,
		  __entry->client_id, __entry->tgid, __entry->vm_id,
		  __print_symbolic(__entry->state, PANTHOR_RECLAIM_STATES),
		  __print_symbolic(__entry->reason, PANTHOR_RECLAIM_REASONS),
		  __entry->size, __entry->va, __entry->wait_ns,
		  __entry->duration_ns, __entry->evictions, __get_str(label))
);

/**
 * panthor_bo_evict - a BO lost its pages and its mappings
 * @dev: device of the BO
 * @bo: the BO
 *
 * wait_ns is the time spent waiting for the jobs of this BO alone (that for the
 * jobs of a VM is the VM's), duration_ns all the time spent on it, evictions how
 * often it was evicted so far, this time included.
 * reason is always none.
 */
DEFINE_EVENT(panthor_reclaim_bo, panthor_bo_evict,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_bo_args *bo),
	TP_ARGS(dev, bo)
);

/**
 * panthor_bo_evict_skip - a BO was looked at and stays
 * @dev: device of the BO
 * @bo: the BO
 *
 * reason tells why, &enum panthor_reclaim_reason.
 */
DEFINE_EVENT(panthor_reclaim_bo, panthor_bo_evict_skip,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_bo_args *bo),
	TP_ARGS(dev, bo)
);

/**
 * panthor_bo_writeback - pages of an evicted BO were pushed to swap
 * @dev: device of the BO
 * @id: the request
 * @bo_id: the BO
 * @size: size of the BO
 * @written: how much of it is in swap
 * @freed: how much of it is free RAM
 * @duration_ns: what that took
 */
TRACE_EVENT(panthor_bo_writeback,
	TP_PROTO(const struct device *dev, u64 id, u64 bo_id, u64 size,
		 u64 written, u64 freed, u64 duration_ns),
	TP_ARGS(dev, id, bo_id, size, written, freed, duration_ns),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__field(u64, id)
		__field(u64, bo_id)
		__field(u64, size)
		__field(u64, written)
		__field(u64, freed)
		__field(u64, duration_ns)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->id		= id;
		__entry->bo_id		= bo_id;
		__entry->size		= size;
		__entry->written	= written;
		__entry->freed		= freed;
		__entry->duration_ns	= duration_ns;
	),
	TP_printk("dev=%s id=%llu bo_id=%llu size=%llu written=%llu freed=%llu duration_ns=%llu",
		  __get_str(dev), __entry->id, __entry->bo_id, __entry->size,
		  __entry->written, __entry->freed, __entry->duration_ns)
);

/**
 * panthor_bo_swapin - an evicted BO was given its pages back
 * @dev: device of the BO
 * @bo: the BO
 * @away_ns: how long it had been without
 * @result: 0 or the negative errno that kept it out
 *
 * id is the request that had evicted it, duration_ns the time it took to get
 * the pages. Mapping them on the GPU again comes on top of that.
 */
TRACE_EVENT(panthor_bo_swapin,
	TP_PROTO(const struct device *dev, const struct panthor_reclaim_bo_args *bo,
		 u64 away_ns, int result),
	TP_ARGS(dev, bo, away_ns, result),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__string(label, bo->label)
		__field(u64, id)
		__field(u64, bo_id)
		__field(u64, client_id)
		__field(u64, size)
		__field(u64, away_ns)
		__field(u64, duration_ns)
		__field(s32, tgid)
		__field(u32, vm_id)
		__field(u32, evictions)
		__field(s32, result)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(label);
		__entry->id		= bo->id;
		__entry->bo_id		= bo->bo_id;
		__entry->client_id	= bo->client_id;
		__entry->size		= bo->size;
		__entry->away_ns	= away_ns;
		__entry->duration_ns	= bo->duration_ns;
		__entry->tgid		= bo->tgid;
		__entry->vm_id		= bo->vm_id;
		__entry->evictions	= bo->evictions;
		__entry->result		= result;
	),
	TP_printk("dev=%s id=%llu bo_id=%llu client_id=%llu tgid=%d vm_id=%u result=%d size=%llu away_ns=%llu duration_ns=%llu evictions=%u label=%s",
		  __get_str(dev), __entry->id, __entry->bo_id,
		  __entry->client_id, __entry->tgid, __entry->vm_id,
		  __entry->result, __entry->size, __entry->away_ns,
		  __entry->duration_ns, __entry->evictions, __get_str(label))
);

#endif /* _TRACE_PANTHOR_RECLAIM_H */

#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE panthor_reclaim

/* This part must be outside protection */
#include <trace/define_trace.h>
