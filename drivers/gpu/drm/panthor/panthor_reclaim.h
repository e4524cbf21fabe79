/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef __PANTHOR_RECLAIM_H__
#define __PANTHOR_RECLAIM_H__

/*
 * Interface of reclaim to the rest of the driver. What only the files of reclaim
 * share is in panthor_reclaim_internal.h.
 */

#include <linux/atomic.h>
#include <linux/dma-resv.h>
#include <linux/list.h>
#include <linux/panthor_reclaim.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct device_attribute;
struct dma_buf;
struct dma_buf_export_info;
struct drm_device;
struct drm_file;
struct drm_gem_lru;
struct drm_gem_object;
struct drm_gpuvm;
struct drm_minor;
struct drm_printer;
struct mutex;
struct panthor_device;
struct panthor_file;
struct panthor_gem_object;
struct panthor_reclaim_client;
struct panthor_vm;
struct ww_acquire_ctx;

/**
 * struct panthor_reclaim_last - The last request that looked at a client or a VM
 */
struct panthor_reclaim_last {
	/** @id: ID of the request, 0 if there was none. */
	u64 id;

	/** @end_ns: CLOCK_MONOTONIC time of its end, in nanoseconds. */
	u64 end_ns;

	/** @acct: Its account for this client or VM. */
	struct panthor_reclaim_acct acct;

	/** @source: Source of the request. */
	enum panthor_reclaim_source source;

	/** @result: Its result, 0 or a negative errno. */
	int result;
};

/**
 * struct panthor_reclaim_vm - Reclaim state of a &struct panthor_vm
 */
struct panthor_reclaim_vm {
	/** @client: Client that created the VM, NULL for the MCU's. Reference held. */
	struct panthor_reclaim_client *client;

	/** @gpuvm: The VM's list of mappings. */
	struct drm_gpuvm *gpuvm;

	/** @op_lock: Lock that protects @gpuvm. */
	struct mutex *op_lock;

	/** @serial: Unique number, never reused. */
	u64 serial;

	/**
	 * @used_ns: CLOCK_MONOTONIC time of the last submission in nanoseconds, 0 if
	 * there was none.
	 */
	u64 used_ns;

	/** @id: Handle of the VM. Set before the VM can be looked up. */
	u32 id;

#ifdef CONFIG_DEBUG_FS
	/** @last: The last request, protected by &panthor_reclaim_client.lock. */
	struct panthor_reclaim_last last;
#endif
};

/**
 * struct panthor_reclaim_bo - Reclaim state of a &struct panthor_gem_object
 *
 * Protected by the BO's reservation lock unless stated otherwise. Times are
 * CLOCK_MONOTONIC, in nanoseconds.
 */
struct panthor_reclaim_bo {
	/** @id: Unique number, never reused. Immutable. */
	u64 id;

	/** @client: Client whose account the BO is on, may be NULL. Reference held. */
	struct panthor_reclaim_client *client;

	/** @node: Entry of &panthor_reclaim_client.bos, protected by its lock. */
	struct list_head node;

	/** @dmabufs: Number of its dma-bufs. DRM forgets them with the last handle. */
	atomic_t dmabufs;

	/** @writing: 1 while a request writes the BO to swap, which excludes others. */
	atomic_t writing;

	/**
	 * @swapcached: Bytes that the last write left in the swap cache. Changed by
	 * the request that has set @writing.
	 */
	u64 swapcached;

	/** @late: Bytes that were still being written when the last write ended. */
	u64 late;

	/** @used_ns: When it was moved to the tail of its LRU list. */
	u64 used_ns;

	/** @by: Request that is swapping it in, 0 if the GPU or the CPU needs it. */
	u64 by;

	/** @by_ns: When that request started to swap it in. */
	u64 by_ns;

	/** @kind: What kind of BO it is. Set before the BO is visible to other threads. */
	enum panthor_reclaim_kind kind;

	/** @counted: How its client counts it. Protected by &panthor_reclaim_client.lock. */
	struct {
		/** @counted.node: Entry of the client's list of evicted BOs, or empty. */
		struct list_head node;

		/** @counted.in_swap: Bytes of it that were in swap when last checked. */
		u64 in_swap;

		/** @counted.resident: It counts as resident. */
		bool resident;

		/** @counted.reclaimable: It counts as reclaimable. */
		bool reclaimable;
	} counted;

	/** @evicted: The last eviction, until the BO is swapped in. */
	struct {
		/** @evicted.id: Request that evicted the BO, 0 unless it is evicted. */
		u64 id;

		/** @evicted.ns: When it was evicted. */
		u64 ns;

		/** @evicted.client_id: Client in the event of the eviction. */
		u64 client_id;

		/** @evicted.tgid: Process in that event. */
		s32 tgid;

		/** @evicted.vm_id: VM in that event. */
		u32 vm_id;
	} evicted;
};

/**
 * struct panthor_reclaim_dev - Reclaim state of a &struct panthor_device
 */
struct panthor_reclaim_dev {
	/** @lock: Protects the lists below. */
	spinlock_t lock;

	/** @clients: All clients, by &panthor_reclaim_client.node. */
	struct list_head clients;

	/** @scans: Scans of the shrinker, the newest first. */
	struct list_head scans;

	/** @resident: Size of all BOs that have pages, in bytes. */
	atomic64_t resident;
};

/**
 * struct panthor_reclaim_req - A request and its account
 *
 * Times are CLOCK_MONOTONIC, in nanoseconds.
 */
struct panthor_reclaim_req {
	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @info: The request, as in its events. */
	struct panthor_reclaim_info info;

	/** @vm: The current VM, as in its events. */
	struct panthor_reclaim_vm_info vm;

	/** @client: Client that owns @vm, NULL between two VMs. No reference. */
	struct panthor_reclaim_client *client;

	/** @rcl_vm: The current VM, NULL for BOs that are private to no VM. No reference. */
	struct panthor_reclaim_vm *rcl_vm;

	/** @start_ns: Start of the request. */
	u64 start_ns;

	/** @begin_ns: When panthor_reclaim_begin was emitted. */
	u64 begin_ns;

	/** @vm_start_ns: When the request turned to the current VM. */
	u64 vm_start_ns;

	/** @vm_waited_ns: Time spent waiting for its jobs before that. */
	u64 vm_waited_ns;

	/** @vm_told: Whether panthor_vm_reclaim_begin was emitted for it. */
	bool vm_told;
};

/**
 * struct panthor_reclaim_scan - A scan of the shrinker, accounted as a request
 *
 * The callback of drm_gem_lru_scan() takes no argument, so it looks up the scan of
 * its task.
 */
struct panthor_reclaim_scan {
	/** @node: Entry of &panthor_reclaim_dev.scans. */
	struct list_head node;

	/** @task: Task that scans. */
	struct task_struct *task;

	/** @req: Its account. */
	struct panthor_reclaim_req req;

	/** @left: What the DRM core had skipped before the current VM, in pages. */
	unsigned long left;

	/** @left_seen: What was skipped since and has an event, in bytes. */
	u64 left_seen;

	/** @wait_ns: Time spent waiting for the current BO, in nanoseconds. */
	u64 wait_ns;
};

/**
 * struct panthor_reclaim_ctx - Context in which a BO is evicted
 */
struct panthor_reclaim_ctx {
	/**
	 * @ticket: Context with which the caller holds reservation locks, or NULL.
	 * These are not locked again.
	 */
	struct ww_acquire_ctx *ticket;

	/** @lock: Set if the result is %-EBUSY because of a contended lock. */
	enum panthor_reclaim_lock lock;
};

static inline bool panthor_reclaim_holds(const struct panthor_reclaim_ctx *ctx,
					 struct dma_resv *resv)
{
	return ctx->ticket && dma_resv_locking_ctx(resv) == ctx->ticket;
}

static inline int panthor_reclaim_locked(struct panthor_reclaim_ctx *ctx,
					 enum panthor_reclaim_lock lock)
{
	ctx->lock = lock;
	return -EBUSY;
}

/* panthor_gem.c and panthor_mmu.c */
int panthor_gem_evict(struct drm_gem_object *obj, struct panthor_reclaim_ctx *ctx);
int panthor_vm_lock_region(struct panthor_vm *vm, u64 start, u64 size);
void panthor_vm_unlock_region(struct panthor_vm *vm);
struct panthor_reclaim_vm *panthor_vm_reclaim(struct panthor_vm *vm);
struct panthor_reclaim_vm *panthor_gpuvm_reclaim(struct drm_gpuvm *gpuvm);

/* panthor_reclaim_client.c */
void panthor_reclaim_init(struct panthor_device *ptdev);
int panthor_reclaim_client_open(struct panthor_file *pfile, struct drm_file *file);
void panthor_reclaim_client_close(struct panthor_reclaim_client *client);
void panthor_reclaim_client_put(struct panthor_reclaim_client *client);
void panthor_reclaim_vm_init(struct panthor_reclaim_vm *rcl, struct panthor_gem_object *dummy,
			     struct drm_gpuvm *gpuvm, struct mutex *op_lock);
void panthor_reclaim_bo_init(struct panthor_gem_object *bo);
void panthor_reclaim_bo_own(struct panthor_gem_object *bo,
			    struct panthor_reclaim_client *client, bool kernel);
void panthor_reclaim_bo_fini(struct panthor_gem_object *bo);

/* panthor_reclaim_account.c */
void panthor_reclaim_bo_populated(struct panthor_gem_object *bo, u64 start_ns, int result);
void panthor_reclaim_bo_released(struct panthor_gem_object *bo);

/* panthor_reclaim_count.c */
void panthor_reclaim_bo_used(struct panthor_gem_object *bo, u32 state);
struct dma_buf *panthor_reclaim_dmabuf_export(struct drm_device *dev,
					      struct dma_buf_export_info *info);
void panthor_reclaim_dmabuf_release(struct dma_buf *dma_buf);
void panthor_reclaim_show_fdinfo(struct drm_printer *p, struct drm_file *file);

/* panthor_reclaim_scan.c */
void panthor_reclaim_scan_begin(struct panthor_reclaim_scan *scan, struct panthor_device *ptdev,
				unsigned long nr_to_scan);
void panthor_reclaim_scan_end(struct panthor_reclaim_scan *scan, unsigned long left);
void panthor_reclaim_scan_debugfs(struct panthor_reclaim_scan *mark, struct panthor_device *ptdev);
void panthor_reclaim_scan_leave(struct panthor_reclaim_scan *scan);
void panthor_reclaim_scan_vm_begin(struct panthor_device *ptdev, struct panthor_vm *vm,
				   struct drm_gem_lru *lru, unsigned long left);
void panthor_reclaim_scan_vm_end(struct panthor_device *ptdev, unsigned long left);
bool panthor_reclaim_scan_wait(struct panthor_gem_object *bo);
bool panthor_reclaim_scan_evict(struct panthor_gem_object *bo);

/* panthor_reclaim_sysfs.c and panthor_reclaim_debugfs.c */
extern struct device_attribute dev_attr_mem_reclaim;
extern struct device_attribute dev_attr_mem_claim;
void panthor_reclaim_debugfs_init(struct drm_minor *minor);
void panthor_reclaim_debugfs_client(struct panthor_reclaim_client *client,
				    struct drm_file *file);

#endif /* __PANTHOR_RECLAIM_H__ */
