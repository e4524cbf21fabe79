/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef _LINUX_PANTHOR_RECLAIM_H_
#define _LINUX_PANTHOR_RECLAIM_H_

#include <linux/sched.h>
#include <linux/types.h>

/*
 * The data of the trace events of reclaim in Panthor, independent of the driver's
 * own headers.
 *
 * Memory is in bytes, time in nanoseconds.
 */

/* Size of a name with each byte escaped. */
#define PANTHOR_RECLAIM_COMM_LEN	(4 * TASK_COMM_LEN)

/**
 * enum panthor_reclaim_source - Source of a request
 */
enum panthor_reclaim_source {
	/** @PANTHOR_RECLAIM_SYSFS: A write to mem_reclaim. */
	PANTHOR_RECLAIM_SYSFS,

	/** @PANTHOR_RECLAIM_SHRINKER: Direct reclaim by an allocating task. */
	PANTHOR_RECLAIM_SHRINKER,

	/** @PANTHOR_RECLAIM_KSWAPD: Background reclaim. */
	PANTHOR_RECLAIM_KSWAPD,

	/** @PANTHOR_RECLAIM_DEBUGFS: A write to the shrink file in debugfs. */
	PANTHOR_RECLAIM_DEBUGFS,

	/** @PANTHOR_RECLAIM_CLAIM: A write to mem_claim, which swaps memory in. */
	PANTHOR_RECLAIM_CLAIM,
};

/**
 * enum panthor_reclaim_reason - Why a BO or a VM was skipped
 */
enum panthor_reclaim_reason {
	/** @PANTHOR_RECLAIM_NONE: It was not skipped. */
	PANTHOR_RECLAIM_NONE,

	/** @PANTHOR_RECLAIM_BUSY: Jobs still used it when the wait timed out. */
	PANTHOR_RECLAIM_BUSY,

	/** @PANTHOR_RECLAIM_LOCKED: A lock was contended, see &enum panthor_reclaim_lock. */
	PANTHOR_RECLAIM_LOCKED,

	/**
	 * @PANTHOR_RECLAIM_CHANGED: It was pinned or evicted by somebody else when the
	 * shrinker had taken it off its list.
	 */
	PANTHOR_RECLAIM_CHANGED,

	/** @PANTHOR_RECLAIM_MMU_ERROR: A command of the GPU's MMU failed. */
	PANTHOR_RECLAIM_MMU_ERROR,

	/** @PANTHOR_RECLAIM_PINNED: The kernel or another device pins its pages. */
	PANTHOR_RECLAIM_PINNED,

	/** @PANTHOR_RECLAIM_SHARED: It does not belong to the target alone. */
	PANTHOR_RECLAIM_SHARED,

	/** @PANTHOR_RECLAIM_NO_SWAP: There is no room for it in swap. */
	PANTHOR_RECLAIM_NO_SWAP,

	/** @PANTHOR_RECLAIM_INTERRUPTED: A signal ended the request first. */
	PANTHOR_RECLAIM_INTERRUPTED,

	/** @PANTHOR_RECLAIM_NO_MEMORY: There is not enough free memory to swap it in. */
	PANTHOR_RECLAIM_NO_MEMORY,

	/** @PANTHOR_RECLAIM_NR_REASONS: Number of reasons. */
	PANTHOR_RECLAIM_NR_REASONS,
};

/**
 * enum panthor_reclaim_lock - Which lock was contended
 */
enum panthor_reclaim_lock {
	/** @PANTHOR_RECLAIM_LOCK_NONE: None. */
	PANTHOR_RECLAIM_LOCK_NONE,

	/** @PANTHOR_RECLAIM_LOCK_RESV: The BO's reservation lock. */
	PANTHOR_RECLAIM_LOCK_RESV,

	/** @PANTHOR_RECLAIM_LOCK_VM_RESV: The reservation lock of a VM that maps it. */
	PANTHOR_RECLAIM_LOCK_VM_RESV,

	/** @PANTHOR_RECLAIM_LOCK_GPUVA: The lock of the BO's list of mappings. */
	PANTHOR_RECLAIM_LOCK_GPUVA,

	/** @PANTHOR_RECLAIM_LOCK_VM_OP: The lock that a bind holds on a VM that maps it. */
	PANTHOR_RECLAIM_LOCK_VM_OP,
};

/**
 * enum panthor_reclaim_kind - What kind of BO it is
 */
enum panthor_reclaim_kind {
	/** @PANTHOR_RECLAIM_USER: Created by user space. */
	PANTHOR_RECLAIM_USER,

	/** @PANTHOR_RECLAIM_USER_NO_MMAP: The same, without CPU mappings. */
	PANTHOR_RECLAIM_USER_NO_MMAP,

	/** @PANTHOR_RECLAIM_KERNEL: Internal to the driver: heap chunks, ring buffers. */
	PANTHOR_RECLAIM_KERNEL,
};

/**
 * enum panthor_reclaim_state - How a BO was used when the request looked at it
 *
 * The values are those of &enum panthor_gem_reclaim_state.
 */
enum panthor_reclaim_state {
	/** @PANTHOR_RECLAIM_UNUSED: Not mapped. */
	PANTHOR_RECLAIM_UNUSED,

	/** @PANTHOR_RECLAIM_MMAPPED: Mapped by the CPU only. */
	PANTHOR_RECLAIM_MMAPPED,

	/** @PANTHOR_RECLAIM_PRIVATE: Mapped in one VM. */
	PANTHOR_RECLAIM_PRIVATE,

	/** @PANTHOR_RECLAIM_MULTI_VM: Mapped in several VMs. */
	PANTHOR_RECLAIM_MULTI_VM,

	/** @PANTHOR_RECLAIM_UNRECLAIMABLE: Pinned, or without pages. */
	PANTHOR_RECLAIM_UNRECLAIMABLE,
};

/**
 * enum panthor_reclaim_writeback - What a request did with the pages of evicted BOs
 */
enum panthor_reclaim_writeback {
	/** @PANTHOR_RECLAIM_WB_NONE: Nothing was written. */
	PANTHOR_RECLAIM_WB_NONE,

	/** @PANTHOR_RECLAIM_WB_SWAPCACHE: Written to swap, and clean in the swap cache. */
	PANTHOR_RECLAIM_WB_SWAPCACHE,

	/** @PANTHOR_RECLAIM_WB_FREE: Written to swap, and the RAM is free. */
	PANTHOR_RECLAIM_WB_FREE,
};

/**
 * struct panthor_reclaim_acct - What a request did, and the time it took
 */
struct panthor_reclaim_acct {
	/** @evicted: Memory of the BOs that were evicted. */
	u64 evicted;

	/** @skipped: Memory of the BOs that were skipped. */
	u64 skipped;

	/** @written: Memory that was written to swap. */
	u64 written;

	/** @freed: RAM that was freed. */
	u64 freed;

	/** @duration_ns: From begin to end. */
	u64 duration_ns;

	/** @fence_ns: Time blocked on jobs. */
	u64 fence_ns;

	/** @lock_ns: Time blocked on locks. */
	u64 lock_ns;

	/** @unmap_ns: Time spent removing mappings and releasing pages. */
	u64 unmap_ns;

	/** @writeback_ns: Time spent writing to swap. */
	u64 writeback_ns;

	/** @evicted_bos: Number of BOs that were evicted. */
	u32 evicted_bos;

	/** @skipped_bos: Number of BOs that were skipped. */
	u32 skipped_bos;
};

/**
 * struct panthor_reclaim_info - A request and its account
 */
struct panthor_reclaim_info {
	/** @id: ID of the request. */
	u64 id;

	/** @goal: Memory to free, 0 for all. */
	u64 goal;

	/** @remaining: Memory of the target that is resident at the end. */
	u64 remaining;

	/** @unwritten: Memory of the target that is evicted, but in RAM at the end. */
	u64 unwritten;

	/** @unseen: Memory that the DRM core skipped because a lock was contended. */
	u64 unseen;

	/** @swapped_in: Memory of the BOs that the request swapped in. */
	u64 swapped_in;

	/** @left: Memory of the BOs that were skipped, by reason. */
	u64 left[PANTHOR_RECLAIM_NR_REASONS];

	/** @total: Account of the whole request. */
	struct panthor_reclaim_acct total;

	/** @source: Source of the request. */
	enum panthor_reclaim_source source;

	/** @writeback: What the request did with the pages. */
	enum panthor_reclaim_writeback writeback;

	/** @cut_short: Why the request ended before it was done. */
	enum panthor_reclaim_reason cut_short;

	/** @result: 0 or a negative errno. */
	s32 result;

	/** @requester_tgid: Process that made the request. */
	s32 requester_tgid;

	/** @target_tgid: Target process, 0 for all. */
	s32 target_tgid;

	/** @clients: Number of open files of the target. */
	u32 clients;

	/** @vms: Number of VMs of the target. */
	u32 vms;

	/** @remaining_bos: Number of BOs of the target that are resident at the end. */
	u32 remaining_bos;

	/** @swapped_in_bos: Number of BOs that the request swapped in. */
	u32 swapped_in_bos;

	/** @requester_comm: Name of the requester, escaped. */
	char requester_comm[PANTHOR_RECLAIM_COMM_LEN];

	/** @target_comm: Name of the target, escaped. */
	char target_comm[PANTHOR_RECLAIM_COMM_LEN];
};

/**
 * struct panthor_reclaim_vm_info - One VM in a request, and its account
 */
struct panthor_reclaim_vm_info {
	/** @id: Request. */
	u64 id;

	/** @client_id: Client that owns the VM. */
	u64 client_id;

	/** @size: Memory of the BOs to look at. */
	u64 size;

	/** @unseen: Memory that the DRM core skipped because a lock was contended. */
	u64 unseen;

	/** @fence_context: Context of the last fence that was waited for. */
	u64 fence_context;

	/** @fence_seqno: Sequence number of the last fence that was waited for. */
	u64 fence_seqno;

	/** @acct: Account of this VM alone. */
	struct panthor_reclaim_acct acct;

	/** @tgid: Process. */
	s32 tgid;

	/** @vm_id: Handle, 0 for BOs that are not private to one VM. */
	u32 vm_id;

	/** @bos: Number of BOs to look at. */
	u32 bos;

	/** @fences: Number of fences waited for. */
	u32 fences;

	/** @reason: Why the VM as a whole was skipped. */
	enum panthor_reclaim_reason reason;
};

/**
 * struct panthor_reclaim_bo_info - One BO, and what a request did with it
 */
struct panthor_reclaim_bo_info {
	/** @label: Label, escaped. */
	const char *label;

	/** @label_len: Its length in bytes. */
	size_t label_len;

	/** @id: Request. */
	u64 id;

	/** @bo_id: ID of the BO. */
	u64 bo_id;

	/** @by: Request that swapped it in, 0 if there was none. */
	u64 by;

	/** @client_id: Client that it belongs to. */
	u64 client_id;

	/** @size: Size. */
	u64 size;

	/** @va: Lowest GPU address, 0 if there is none. */
	u64 va;

	/** @wait_ns: Time spent waiting for this BO alone. */
	u64 wait_ns;

	/** @duration_ns: Time spent on this BO. */
	u64 duration_ns;

	/** @evicted_ns: How long it was evicted. */
	u64 evicted_ns;

	/** @start_ns: Start of its write, relative to panthor_reclaim_begin. */
	u64 start_ns;

	/** @written: Memory of it that was written to swap. */
	u64 written;

	/** @freed: RAM of it that was freed. */
	u64 freed;

	/** @tgid: Process. */
	s32 tgid;

	/** @result: 0 or a negative errno. */
	s32 result;

	/** @vm_id: Handle of the VM, 0 if it is not private to one. */
	u32 vm_id;

	/** @evictions: Number of its evictions so far. */
	u32 evictions;

	/** @state: &enum panthor_reclaim_state. */
	u8 state;

	/** @reason: &enum panthor_reclaim_reason. */
	u8 reason;

	/** @lock: &enum panthor_reclaim_lock. */
	u8 lock;

	/** @kind: &enum panthor_reclaim_kind. */
	u8 kind;
};

#endif /* _LINUX_PANTHOR_RECLAIM_H_ */
