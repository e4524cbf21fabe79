/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef __PANTHOR_RECLAIM_H__
#define __PANTHOR_RECLAIM_H__

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Most VMs that one open file can have, panthor_reclaim_mmu.c checks that. */
#define PANTHOR_RECLAIM_MAX_VMS	32

struct device_attribute;
struct drm_file;
struct drm_gem_lru;
struct drm_gem_object;
struct drm_minor;
struct panthor_device;
struct panthor_file;
struct panthor_gem_object;
struct panthor_vm;
struct pid;
struct ww_acquire_ctx;

/**
 * enum panthor_reclaim_source - Who asks for GPU memory back
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
};

/**
 * enum panthor_reclaim_reason - Why a BO, or a whole VM, was not evicted
 */
enum panthor_reclaim_reason {
	/** @PANTHOR_RECLAIM_NONE: It was evicted. */
	PANTHOR_RECLAIM_NONE,

	/** @PANTHOR_RECLAIM_BUSY: Jobs were still using it when the wait ran out. */
	PANTHOR_RECLAIM_BUSY,

	/** @PANTHOR_RECLAIM_RESV_LOCKED: Somebody else held its reservation lock. */
	PANTHOR_RECLAIM_RESV_LOCKED,

	/** @PANTHOR_RECLAIM_VM_RESV_LOCKED: Somebody held the lock of a VM it is mapped to. */
	PANTHOR_RECLAIM_VM_RESV_LOCKED,

	/** @PANTHOR_RECLAIM_GPUVA_LOCKED: Its list of mappings was being changed. */
	PANTHOR_RECLAIM_GPUVA_LOCKED,

	/** @PANTHOR_RECLAIM_VM_OP_LOCKED: A bind was changing a VM it is mapped to. */
	PANTHOR_RECLAIM_VM_OP_LOCKED,

	/** @PANTHOR_RECLAIM_STATE_CHANGED: It became harder to reclaim meanwhile. */
	PANTHOR_RECLAIM_STATE_CHANGED,

	/** @PANTHOR_RECLAIM_MMU_ERROR: The GPU's MMU did not take the unmap command. */
	PANTHOR_RECLAIM_MMU_ERROR,

	/** @PANTHOR_RECLAIM_PINNED: The kernel or another device needs its pages in place. */
	PANTHOR_RECLAIM_PINNED,

	/** @PANTHOR_RECLAIM_SHARED: It is not the target's alone. */
	PANTHOR_RECLAIM_SHARED,

	/** @PANTHOR_RECLAIM_NO_SWAP: There is no room for it in swap. */
	PANTHOR_RECLAIM_NO_SWAP,

	/** @PANTHOR_RECLAIM_INTERRUPTED: The writer got a signal before its turn came. */
	PANTHOR_RECLAIM_INTERRUPTED,
};

/**
 * enum panthor_reclaim_writeback - How far the pages of evicted BOs were pushed
 */
enum panthor_reclaim_writeback {
	/** @PANTHOR_RECLAIM_WB_NONE: Not at all, the system's own reclaim will. */
	PANTHOR_RECLAIM_WB_NONE,

	/** @PANTHOR_RECLAIM_WB_SWAPCACHE: Written to swap, and clean in the swap cache. */
	PANTHOR_RECLAIM_WB_SWAPCACHE,

	/** @PANTHOR_RECLAIM_WB_FREE: Written to swap, and the RAM is free. */
	PANTHOR_RECLAIM_WB_FREE,
};

/**
 * struct panthor_reclaim_acct - What was done, and the time it took
 *
 * Memory in bytes, times in nanoseconds.
 */
struct panthor_reclaim_acct {
	/** @evicted: Memory of the BOs that were evicted. */
	u64 evicted;

	/** @skipped: Memory of the BOs that were looked at and stayed. */
	u64 skipped;

	/** @written: Memory of the evicted BOs that is in swap. */
	u64 written;

	/** @freed: Memory of the evicted BOs that is free RAM. */
	u64 freed;

	/** @duration_ns: From begin to end. */
	u64 duration_ns;

	/** @fence_ns: Blocked, waiting for jobs. */
	u64 fence_ns;

	/** @lock_ns: Blocked, waiting for locks. */
	u64 lock_ns;

	/** @unmap_ns: Spent on tearing down mappings and releasing pages. */
	u64 unmap_ns;

	/** @writeback_ns: Spent on pushing pages to swap. */
	u64 writeback_ns;

	/** @evicted_bos: Number of BOs that were evicted. */
	u32 evicted_bos;

	/** @skipped_bos: Number of BOs that were looked at and stayed. */
	u32 skipped_bos;
};

/**
 * struct panthor_reclaim_last - The last request that looked at a client
 */
struct panthor_reclaim_last {
	/** @id: Request, 0 if there was none. */
	u64 id;

	/** @end_ns: CLOCK_MONOTONIC time when it was over. */
	u64 end_ns;

	/** @acct: What it did to this client. */
	struct panthor_reclaim_acct acct;

	/** @source: Who asked. */
	enum panthor_reclaim_source source;

	/** @result: What the writer was told. */
	int result;
};

/**
 * struct panthor_reclaim_client - Reclaim's view of one open file
 *
 * Outlives the file for as long as a BO that was created through it does.
 */
struct panthor_reclaim_client {
	/** @ref: Held by the file, by each of its VMs and BOs, and by requests. */
	struct kref ref;

	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @node: Entry of &panthor_reclaim_dev.clients. */
	struct list_head node;

	/**
	 * @file: The open file, NULL before it is set up and once it is closed.
	 *
	 * Protected by &panthor_reclaim_dev.lock.
	 */
	struct drm_file *file;

	/** @id: Number of the client, as drm-client-id in fdinfo. */
	u64 id;

	/**
	 * @tgid: Process in the initial PID namespace, as last seen.
	 *
	 * It moves when the file is handed to another process.
	 */
	pid_t tgid;

	/** @lock: Protects @bos, @nr_bos, @last and @vm_last. Taken last, never sleeps. */
	spinlock_t lock;

	/** @bos: BOs created through this file, by &panthor_reclaim_bo.node. */
	struct list_head bos;

	/** @nr_bos: Length of @bos. */
	u32 nr_bos;

	/** @last: The last request. */
	struct panthor_reclaim_last last;

	/** @vm_last: The last request that looked at each VM, by handle. 0 is for BOs in no VM. */
	struct panthor_reclaim_last vm_last[PANTHOR_RECLAIM_MAX_VMS + 1];

	/** @resident: Bytes of its BOs that have pages. */
	atomic64_t resident;

	/** @evictions: Number of evictions so far. */
	atomic64_t evictions;

	/** @evicted_bytes: Bytes evicted so far. */
	atomic64_t evicted_bytes;

	/** @swapins: Number of returns so far. */
	atomic64_t swapins;

	/** @swapin_bytes: Bytes returned so far. */
	atomic64_t swapin_bytes;
};

/**
 * struct panthor_reclaim_vm - Part of &struct panthor_vm that belongs to
 * reclaim
 */
struct panthor_reclaim_vm {
	/** @client: Client that created the VM, NULL for the MCU's. Reference held. */
	struct panthor_reclaim_client *client;

	/** @id: Handle of the VM. */
	u32 id;
};

/**
 * struct panthor_reclaim_bo - Part of &struct panthor_gem_object that belongs
 * to reclaim
 *
 * Protected by the BO's reservation lock unless said otherwise.
 */
struct panthor_reclaim_bo {
	/** @id: Stable number, never reused. Immutable. */
	u64 id;

	/** @client: Client that created the BO, may be NULL. Reference held. Set once. */
	struct panthor_reclaim_client *client;

	/** @node: Entry of &panthor_reclaim_client.bos, protected by its lock. */
	struct list_head node;

	/** @evicted_by: Request that evicted the BO, 0 unless it is evicted now. */
	u64 evicted_by;

	/** @evicted_ns: CLOCK_MONOTONIC time of that. */
	u64 evicted_ns;

	/** @vm_id: VM of @client that the BO was private to when it was mapped last, 0 for none. */
	u32 vm_id;

	/** @evicted_vm: VM that the request was at which evicted the BO, 0 for none. */
	u32 evicted_vm;
};

/**
 * struct panthor_reclaim_dev - Part of &struct panthor_device that belongs to
 * reclaim
 */
struct panthor_reclaim_dev {
	/** @lock: Protects the lists below. Never sleeps. */
	spinlock_t lock;

	/** @clients: All clients, by &panthor_reclaim_client.node. */
	struct list_head clients;

	/** @nr_clients: Length of @clients. */
	u32 nr_clients;

	/** @requests: Requests under way, the newest first. */
	struct list_head requests;

	/** @resident: Bytes of all BOs that have pages. */
	atomic64_t resident;
};

/**
 * struct panthor_reclaim_vm_args - The VM that a request is at
 */
struct panthor_reclaim_vm_args {
	/** @id: Request. */
	u64 id;

	/** @client: Client that owns the VM, NULL between two VMs. Borrowed. */
	struct panthor_reclaim_client *client;

	/** @client_id: Number of that client. */
	u64 client_id;

	/** @size: Bytes that the VM had to offer. */
	u64 size;

	/** @unseen: Bytes that the DRM core passed over because a lock was taken. */
	u64 unseen;

	/** @fence_context: Context of the last fence that was waited for. */
	u64 fence_context;

	/** @fence_seqno: Number of the last fence that was waited for. */
	u64 fence_seqno;

	/** @start_ns: When the request turned to the VM. */
	u64 start_ns;

	/** @acct: Account of this VM alone. */
	struct panthor_reclaim_acct acct;

	/** @tgid: Process. */
	s32 tgid;

	/** @vm_id: Handle, 0 for BOs that are in no VM. */
	u32 vm_id;

	/** @bos: Number of BOs that the VM had to offer. */
	u32 bos;

	/** @fences: Number of fences that were waited for. */
	u32 fences;

	/** @reason: Why the VM as a whole was left. */
	enum panthor_reclaim_reason reason;
};

/**
 * struct panthor_reclaim_bo_args - The BO that an event tells of
 */
struct panthor_reclaim_bo_args {
	/** @label: Label, safe to print. */
	const char *label;

	/** @id: Request. */
	u64 id;

	/** @bo_id: BO. */
	u64 bo_id;

	/** @client_id: Client. */
	u64 client_id;

	/** @size: Size in bytes. */
	u64 size;

	/** @va: Lowest GPU address, 0 if there is none. */
	u64 va;

	/** @wait_ns: Time spent waiting for this BO alone. */
	u64 wait_ns;

	/** @duration_ns: Time spent on this BO. */
	u64 duration_ns;

	/** @tgid: Process. */
	s32 tgid;

	/** @vm_id: VM. */
	u32 vm_id;

	/** @state: Reclaim state that it was found in. */
	u32 state;

	/** @reason: Why it stays. */
	u32 reason;

	/** @evictions: How often it was evicted so far. */
	u32 evictions;
};

/**
 * struct panthor_reclaim_req - One request, on the stack of who asked
 */
struct panthor_reclaim_req {
	/** @node: Entry of &panthor_reclaim_dev.requests. */
	struct list_head node;

	/** @task: Task that runs the request. */
	struct task_struct *task;

	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @id: Number of the request, 0 for a mark that only names the source. */
	u64 id;

	/** @goal: Bytes wanted, 0 for all. */
	u64 goal;

	/** @remaining: Bytes that the target has resident at the end. */
	u64 remaining;

	/** @unseen: Bytes that the DRM core passed over because a lock was taken. */
	u64 unseen;

	/** @left: What the DRM core had left over when @vm was begun, in pages. */
	unsigned long left;

	/** @left_seen: Bytes of that which were skipped since, so that an event tells of them. */
	u64 left_seen;

	/** @start_ns: CLOCK_MONOTONIC time of the start. */
	u64 start_ns;

	/** @wait_ns: Time the present BO was waited for. */
	u64 wait_ns;

	/** @deadline: Time in jiffies when waiting has to end. */
	unsigned long deadline;

	/** @total: Account of the whole request. */
	struct panthor_reclaim_acct total;

	/** @vm: The VM that the request is at. */
	struct panthor_reclaim_vm_args vm;

	/** @source: Who asks. */
	enum panthor_reclaim_source source;

	/** @writeback: How far evicted pages were pushed. */
	enum panthor_reclaim_writeback writeback;

	/** @result: 0 or a negative errno. */
	int result;

	/** @reasons: Bits of &enum panthor_reclaim_reason that BOs were skipped for. */
	u32 reasons;

	/** @err: Why the last attempt to evict a BO failed, 0 if it did not. */
	int err;

	/** @writer_tgid: Process that asks. */
	s32 writer_tgid;

	/** @target_tgid: Process whose memory is asked for, 0 if anyone's. */
	s32 target_tgid;

	/** @clients: Number of open files of the target. */
	u32 clients;

	/** @vms: Number of VMs of the target. */
	u32 vms;

	/** @remaining_bos: Number of BOs that the target has resident at the end. */
	u32 remaining_bos;

	/** @writer_comm: Name of the process that asks. */
	char writer_comm[TASK_COMM_LEN];

	/** @target_comm: Name of the target. */
	char target_comm[TASK_COMM_LEN];
};

/**
 * struct panthor_reclaim_try - One attempt to evict one BO
 */
struct panthor_reclaim_try {
	/** @start_ns: CLOCK_MONOTONIC time when it began. */
	u64 start_ns;

	/** @state: Reclaim state of the BO then. */
	u32 state;
};

/* panthor_reclaim_client.c: who owns what */
void panthor_reclaim_init(struct panthor_device *ptdev);
struct panthor_reclaim_client *panthor_reclaim_client_open(struct panthor_device *ptdev,
							   struct drm_file *file);
void panthor_reclaim_client_publish(struct panthor_reclaim_client *client,
				    struct drm_file *file);
void panthor_reclaim_client_close(struct panthor_reclaim_client *client);
struct panthor_reclaim_client *
panthor_reclaim_client_get(struct panthor_reclaim_client *client);
void panthor_reclaim_client_put(struct panthor_reclaim_client *client);
pid_t panthor_reclaim_client_tgid(struct panthor_reclaim_client *client, char *comm);
bool panthor_reclaim_client_is(struct panthor_reclaim_client *client, struct pid *tgid);
struct panthor_gem_object **
panthor_reclaim_client_bos(struct panthor_reclaim_client *client, u32 *count);
void panthor_reclaim_put_bos(struct panthor_gem_object **bos, u32 count);
void panthor_reclaim_bo_init(struct panthor_gem_object *bo);
void panthor_reclaim_bo_own(struct panthor_gem_object *bo,
			    struct panthor_reclaim_client *client);
void panthor_reclaim_bo_fini(struct panthor_gem_object *bo);
bool panthor_reclaim_bo_shared(const struct panthor_gem_object *bo);
void panthor_reclaim_bo_populated(struct panthor_gem_object *bo, u64 start_ns, int result);
void panthor_reclaim_bo_released(struct panthor_gem_object *bo);
void panthor_reclaim_escape(char *dst, const char *src, size_t size, bool word);

/* panthor_reclaim_request.c: the account of a request, whoever asks */
void panthor_reclaim_req_begin(struct panthor_reclaim_req *req, struct panthor_device *ptdev,
			       enum panthor_reclaim_source source);
void panthor_reclaim_req_end(struct panthor_reclaim_req *req, int result);
void panthor_reclaim_req_vm_begin(struct panthor_reclaim_req *req,
				  struct panthor_reclaim_client *client, u32 vm_id,
				  u32 bos, u64 size);
void panthor_reclaim_req_vm_end(struct panthor_reclaim_req *req);
void panthor_reclaim_req_skip(struct panthor_reclaim_req *req, struct panthor_gem_object *bo,
			      enum panthor_reclaim_reason reason);
void panthor_reclaim_client_result(struct panthor_reclaim_client *client,
				   const struct panthor_reclaim_req *req);
void panthor_reclaim_req_written(struct panthor_reclaim_req *req,
				 struct panthor_gem_object *bo, u64 duration_ns,
				 u64 written, u64 freed);
enum panthor_reclaim_reason panthor_reclaim_reason(int err);
const char *panthor_reclaim_source_name(enum panthor_reclaim_source source);
void panthor_reclaim_scan_begin(struct panthor_reclaim_req *req, struct panthor_device *ptdev,
				unsigned long nr_to_scan);
void panthor_reclaim_scan_end(struct panthor_reclaim_req *req, unsigned long left);
void panthor_reclaim_mark_begin(struct panthor_reclaim_req *mark,
				struct panthor_device *ptdev);
void panthor_reclaim_mark_end(struct panthor_reclaim_req *mark);
void panthor_reclaim_scan_vm_begin(struct panthor_device *ptdev, struct panthor_vm *vm,
				   unsigned long left);
void panthor_reclaim_scan_vm_end(struct panthor_device *ptdev, unsigned long left);
void panthor_reclaim_wait_begin(struct panthor_gem_object *bo);
bool panthor_reclaim_wait_end(struct panthor_gem_object *bo, bool idle);
void panthor_reclaim_try_begin(struct panthor_reclaim_try *try,
			       struct panthor_gem_object *bo);
bool panthor_reclaim_try_end(struct panthor_reclaim_try *try, struct panthor_gem_object *bo,
			     int err);
void panthor_reclaim_trace_swapin(struct panthor_gem_object *bo, u64 start_ns, u64 now_ns,
				  int result);

/* panthor_reclaim.c: one explicit request */
enum panthor_reclaim_reason panthor_reclaim_barred(struct panthor_gem_object *bo, pid_t tgid);
int panthor_reclaim_process(struct panthor_device *ptdev, struct pid *tgid);

/* panthor_reclaim_writeback.c: from the page cache to swap */
enum panthor_reclaim_writeback panthor_reclaim_write_bo(struct panthor_gem_object *bo, bool wait,
							u64 *written, u64 *freed);

/* panthor_reclaim_mmu.c: where panthor_mmu.c's private structs are known */
void panthor_reclaim_vm_fini(struct panthor_vm *vm);
struct panthor_reclaim_vm *panthor_reclaim_of_vm(struct panthor_vm *vm);
struct drm_gem_lru *panthor_reclaim_vm_lru(struct panthor_vm *vm);
u32 panthor_reclaim_file_vms(struct panthor_file *pfile, struct panthor_vm **vms, u32 max);
void panthor_reclaim_vm_unmap(struct panthor_vm *vm);
u64 panthor_reclaim_bo_va(struct panthor_gem_object *bo);
bool panthor_reclaim_bo_within(struct panthor_gem_object *bo, pid_t tgid);

/* panthor_gem.c, opened up by a hook */
bool panthor_gem_try_evict_no_resv_wait(struct drm_gem_object *obj,
					struct ww_acquire_ctx *ticket);

/* panthor_reclaim_sysfs.c and panthor_reclaim_debugfs.c: the faces */
extern struct device_attribute dev_attr_mem_reclaim;
void panthor_reclaim_debugfs_init(struct drm_minor *minor);
void panthor_reclaim_debugfs_client(struct panthor_reclaim_client *client,
				    struct drm_file *file);

#endif /* __PANTHOR_RECLAIM_H__ */
