/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef _LINUX_PANTHOR_RECLAIM_H_
#define _LINUX_PANTHOR_RECLAIM_H_

#include <linux/sched.h>
#include <linux/types.h>

/*
 * What the trace events of Panthor's reclaim tell. Plain data: who reads it
 * needs to know nothing of the driver.
 *
 * Memory is in bytes, time in nanoseconds.
 */

/* A name with each byte escaped. */
#define PANTHOR_RECLAIM_COMM_LEN	(4 * TASK_COMM_LEN)

/**
 * enum panthor_reclaim_source - Who requests GPU memory
 */
enum panthor_reclaim_source {
	/** @PANTHOR_RECLAIM_SYSFS: A write to mem_reclaim. */
	PANTHOR_RECLAIM_SYSFS,

	/** @PANTHOR_RECLAIM_SHRINKER: Direct reclaim of some task that allocates. */
	PANTHOR_RECLAIM_SHRINKER,

	/** @PANTHOR_RECLAIM_KSWAPD: Background reclaim. */
	PANTHOR_RECLAIM_KSWAPD,

	/** @PANTHOR_RECLAIM_DEBUGFS: A write to the shrink file in debugfs. */
	PANTHOR_RECLAIM_DEBUGFS,

	/** @PANTHOR_RECLAIM_CLAIM: A write to mem_claim: what is evicted is swapped in. */
	PANTHOR_RECLAIM_CLAIM,
};

/**
 * enum panthor_reclaim_reason - Why a BO, or a whole VM, was skipped
 */
enum panthor_reclaim_reason {
	/** @PANTHOR_RECLAIM_NONE: It was not. */
	PANTHOR_RECLAIM_NONE,

	/** @PANTHOR_RECLAIM_BUSY: Jobs were still using it when the wait ran out. */
	PANTHOR_RECLAIM_BUSY,

	/** @PANTHOR_RECLAIM_LOCKED: Somebody held a lock of it, see &enum panthor_reclaim_lock. */
	PANTHOR_RECLAIM_LOCKED,

	/** @PANTHOR_RECLAIM_CHANGED: It came into use again meanwhile. */
	PANTHOR_RECLAIM_CHANGED,

	/** @PANTHOR_RECLAIM_MMU_ERROR: The GPU's MMU refused the unmap command. */
	PANTHOR_RECLAIM_MMU_ERROR,

	/** @PANTHOR_RECLAIM_PINNED: The kernel or another device needs its pages in place. */
	PANTHOR_RECLAIM_PINNED,

	/** @PANTHOR_RECLAIM_SHARED: It is not the target's alone. */
	PANTHOR_RECLAIM_SHARED,

	/** @PANTHOR_RECLAIM_NO_SWAP: There is no room for it in swap. */
	PANTHOR_RECLAIM_NO_SWAP,

	/** @PANTHOR_RECLAIM_INTERRUPTED: The requester got a signal before its turn came. */
	PANTHOR_RECLAIM_INTERRUPTED,

	/** @PANTHOR_RECLAIM_NO_MEMORY: There is not enough free memory to swap it in. */
	PANTHOR_RECLAIM_NO_MEMORY,

	/** @PANTHOR_RECLAIM_NR_REASONS: Number of reasons. */
	PANTHOR_RECLAIM_NR_REASONS,
};

/**
 * enum panthor_reclaim_lock - Which lock was in the way
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

	/** @PANTHOR_RECLAIM_USER_NO_MMAP: The same, with no access by the CPU. */
	PANTHOR_RECLAIM_USER_NO_MMAP,

	/** @PANTHOR_RECLAIM_KERNEL: The driver's own: heap chunks, ring buffers. */
	PANTHOR_RECLAIM_KERNEL,

	/** @PANTHOR_RECLAIM_IMPORTED: Memory of another device. */
	PANTHOR_RECLAIM_IMPORTED,
};

/**
 * enum panthor_reclaim_state - How a BO was used when it was looked at
 *
 * The numbers are those of the driver's own &enum panthor_gem_reclaim_state.
 */
enum panthor_reclaim_state {
	/** @PANTHOR_RECLAIM_UNUSED: Not mapped at all. */
	PANTHOR_RECLAIM_UNUSED,

	/** @PANTHOR_RECLAIM_MMAPPED: Mapped by a CPU only. */
	PANTHOR_RECLAIM_MMAPPED,

	/** @PANTHOR_RECLAIM_PRIVATE: Mapped in one VM. */
	PANTHOR_RECLAIM_PRIVATE,

	/** @PANTHOR_RECLAIM_MULTI_VM: Mapped in several VMs. */
	PANTHOR_RECLAIM_MULTI_VM,

	/** @PANTHOR_RECLAIM_UNRECLAIMABLE: Pinned, or without pages. */
	PANTHOR_RECLAIM_UNRECLAIMABLE,
};

/**
 * enum panthor_reclaim_writeback - What became of the pages of evicted BOs
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
 * struct panthor_reclaim_acct - What was done, and the time it took
 */
struct panthor_reclaim_acct {
	/** @evicted: Memory of the BOs that were evicted. */
	u64 evicted;

	/** @skipped: Memory of the BOs that were looked at and kept. */
	u64 skipped;

	/** @written: Memory that was written to swap. */
	u64 written;

	/** @freed: RAM that was freed. */
	u64 freed;

	/** @duration_ns: From begin to end. */
	u64 duration_ns;

	/** @fence_ns: Blocked, waiting for jobs. */
	u64 fence_ns;

	/** @lock_ns: Blocked, waiting for locks. */
	u64 lock_ns;

	/** @unmap_ns: Spent on tearing down mappings and releasing pages. */
	u64 unmap_ns;

	/** @writeback_ns: Spent on writing to swap. */
	u64 writeback_ns;

	/** @evicted_bos: Number of BOs that were evicted. */
	u32 evicted_bos;

	/** @skipped_bos: Number of BOs that were looked at and kept. */
	u32 skipped_bos;
};

/**
 * struct panthor_reclaim_info - A request, with its account
 */
struct panthor_reclaim_info {
	/** @id: Number of the request. */
	u64 id;

	/** @goal: How much is wanted, 0 for all. */
	u64 goal;

	/** @remaining: What the target has resident at the end. */
	u64 remaining;

	/** @unwritten: What of the target is evicted and still in RAM at the end. */
	u64 unwritten;

	/** @unseen: What the DRM core passed over because a lock was taken. */
	u64 unseen;

	/** @swapped_in: Memory of the BOs that the request swapped in. */
	u64 swapped_in;

	/** @left: Memory of the BOs that were skipped, by reason. */
	u64 left[PANTHOR_RECLAIM_NR_REASONS];

	/** @total: Account of the whole request. */
	struct panthor_reclaim_acct total;

	/** @source: Who requests. */
	enum panthor_reclaim_source source;

	/** @writeback: What became of the pages. */
	enum panthor_reclaim_writeback writeback;

	/** @cut_short: Why the request ended before it was done. */
	enum panthor_reclaim_reason cut_short;

	/** @result: 0 or a negative errno. */
	s32 result;

	/** @requester_tgid: Process that requests. */
	s32 requester_tgid;

	/** @target_tgid: Process whose memory is requested, 0 if anyone's. */
	s32 target_tgid;

	/** @clients: Number of open files of the target. */
	u32 clients;

	/** @vms: Number of VMs of the target. */
	u32 vms;

	/** @remaining_bos: Number of BOs that the target has resident at the end. */
	u32 remaining_bos;

	/** @swapped_in_bos: Number of BOs that the request swapped in. */
	u32 swapped_in_bos;

	/** @requester_comm: Name of the process that requests, escaped. */
	char requester_comm[PANTHOR_RECLAIM_COMM_LEN];

	/** @target_comm: Name of the target, escaped. */
	char target_comm[PANTHOR_RECLAIM_COMM_LEN];
};

/**
 * struct panthor_reclaim_vm_info - The VM that a request is at, with its account
 */
struct panthor_reclaim_vm_info {
	/** @id: Request. */
	u64 id;

	/** @client_id: Client that owns the VM. */
	u64 client_id;

	/** @size: Memory that the VM had to offer. */
	u64 size;

	/** @unseen: What the DRM core passed over because a lock was taken. */
	u64 unseen;

	/** @fence_context: Context of the last fence that was waited for. */
	u64 fence_context;

	/** @fence_seqno: Number of the last fence that was waited for. */
	u64 fence_seqno;

	/** @acct: Account of this VM alone. */
	struct panthor_reclaim_acct acct;

	/** @tgid: Process. */
	s32 tgid;

	/** @vm_id: Handle, 0 for BOs that are not private to one VM. */
	u32 vm_id;

	/** @bos: Number of BOs that the VM had to offer. */
	u32 bos;

	/** @fences: Number of fences that were waited for. */
	u32 fences;

	/** @reason: Why the VM as a whole was skipped. */
	enum panthor_reclaim_reason reason;
};

/**
 * struct panthor_reclaim_bo_info - A BO, and what a request did to it
 */
struct panthor_reclaim_bo_info {
	/** @label: Label, escaped. */
	const char *label;

	/** @id: Request. */
	u64 id;

	/** @bo_id: BO. */
	u64 bo_id;

	/** @by: Request that swapped it in. */
	u64 by;

	/** @client_id: Client. */
	u64 client_id;

	/** @size: Size. */
	u64 size;

	/** @va: Lowest GPU address, 0 if there is none. */
	u64 va;

	/** @wait_ns: Time spent waiting for this BO alone. */
	u64 wait_ns;

	/** @duration_ns: Time spent on this BO. */
	u64 duration_ns;

	/** @evicted_ns: How long it had been evicted. */
	u64 evicted_ns;

	/** @start_ns: When its write began, since panthor_reclaim_begin. */
	u64 start_ns;

	/** @written: How much of it was written to swap. */
	u64 written;

	/** @freed: How much of it was freed. */
	u64 freed;

	/** @tgid: Process. */
	s32 tgid;

	/** @result: 0 or a negative errno. */
	s32 result;

	/** @vm_id: VM. */
	u32 vm_id;

	/** @evictions: How often it was evicted so far. */
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
