/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef __PANTHOR_RECLAIM_INTERNAL_H__
#define __PANTHOR_RECLAIM_INTERNAL_H__

/*
 * What reclaim's own files share. Each layer calls those below it:
 *
 *	sysfs, debugfs		faces
 *	panthor_reclaim.c	policy: one explicit request, see panthor_reclaim_run.h
 *	_claim			the same in the other direction
 *	_account, _scan		what a request did, whoever made it, and its events
 *	_order			which memory of the target comes first
 *	_owner			ownership: what is the target's alone
 *	_gather			what may be the target's
 *	_client			clients, and the BOs on their accounts
 *	_count			what each client has, for fdinfo
 *	_writeback, panthor_gem_evict()	mechanism: evict one BO, write one BO
 *	_escape			text from user space, safe to print
 */

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/spinlock.h>

#include "panthor_reclaim.h"

/* Index of an item that is none. */
#define PANTHOR_RECLAIM_NO_ITEM		(~0U)

/* VMs of one BO whose locks are waited for. */
#define PANTHOR_RECLAIM_ROOTS		8

struct dma_fence;
struct drm_exec;

/**
 * struct panthor_reclaim_client - Reclaim's view of one open file
 *
 * Outlives the file for as long as a BO or a VM that is on its account does.
 */
struct panthor_reclaim_client {
	/** @ref: Held by the file, by VMs and BOs, and by requests. */
	struct kref ref;

	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @node: Entry of &panthor_reclaim_dev.clients. */
	struct list_head node;

	/** @file: The open file, NULL once it is closed. Protected by &panthor_reclaim_dev.lock. */
	struct drm_file *file;

	/** @id: Number of the client, as drm-client-id in fdinfo. */
	u64 id;

	/**
	 * @tgid: Process in the initial PID namespace, as last seen.
	 *
	 * It moves when the file is handed to another process.
	 */
	pid_t tgid;

	/**
	 * @lock: Protects the lists, what is counted and the last request of it.
	 * Never sleeps. Comes after &panthor_reclaim_dev.lock.
	 */
	spinlock_t lock;

	/** @bos: BOs on its account, by &panthor_reclaim_bo.node. */
	struct list_head bos;

	/** @moving: Those of @bos that are evicted and not all in swap, when last looked at. */
	struct list_head moving;

	/** @settled: Those that are evicted and all in swap. */
	struct list_head settled;

	/** @reclaimable: Bytes of @bos that a request could evict, as far as is known. */
	u64 reclaimable;

	/** @in_swap: Bytes of evicted @bos that are in swap, as last looked at. */
	u64 in_swap;

	/** @resident: Bytes of these that have pages. */
	atomic64_t resident;

	/** @evicted: Bytes of these that are evicted. */
	atomic64_t evicted;

	/** @evictions: Number of evictions so far. */
	atomic64_t evictions;

	/** @swapins: Number of swap-ins so far. */
	atomic64_t swapins;

#ifdef CONFIG_DEBUG_FS
	/** @last: The last request. */
	struct panthor_reclaim_last last;

	/** @last_no_vm: The last request that looked at BOs that are private to no VM. */
	struct panthor_reclaim_last last_no_vm;
#endif
};

/**
 * struct panthor_reclaim_entry - A VM of the target, or what a file has in none
 */
struct panthor_reclaim_entry {
	/** @client: Client. Referenced by the set. */
	struct panthor_reclaim_client *client;

	/** @vm: The VM, with a reference, while its BOs are looked up. */
	struct panthor_vm *vm;

	/** @serial: Which VM, 0 for BOs that are private to none. */
	u64 serial;

	/** @id: Handle of the VM, 0 for BOs that are private to none. */
	u32 id;

	/** @used_ns: When it was used last, as far as is known, if that matters. */
	u64 used_ns;

	/** @first: First of its items, by index. */
	u32 first;

	/** @fence: What it is busy with. */
	struct dma_fence *fence;

	/** @fence_ns: How long that was waited for, not booked yet. */
	u64 fence_ns;

	/** @fence_context: Context of the last fence that was waited for. */
	u64 fence_context;

	/** @fence_seqno: Number of the last fence that was waited for. */
	u64 fence_seqno;

	/** @fences: Number of fences that were waited for. */
	u32 fences;

	/** @waited: Whether it was waited for at all. */
	bool waited;
};

/**
 * enum panthor_reclaim_stage - How far a request is with a BO
 */
enum panthor_reclaim_stage {
	/** @PANTHOR_RECLAIM_PENDING: It has pages. */
	PANTHOR_RECLAIM_PENDING,

	/** @PANTHOR_RECLAIM_EVICTED: It has none, but they are in RAM still. */
	PANTHOR_RECLAIM_EVICTED,

	/** @PANTHOR_RECLAIM_KEPT: It has, and keeps them. */
	PANTHOR_RECLAIM_KEPT,

	/** @PANTHOR_RECLAIM_DONE: Nothing is left to do, and the reference is dropped. */
	PANTHOR_RECLAIM_DONE,
};

/**
 * struct panthor_reclaim_item - A BO that may be the target's
 */
struct panthor_reclaim_item {
	/** @bo: BO. Referenced until it is done. */
	struct panthor_gem_object *bo;

	/** @bo_id: Its number. */
	u64 bo_id;

	/** @wait_ns: How long it was waited for alone. */
	u64 wait_ns;

	/** @found: Bytes of it that were evicted before and still in RAM. */
	u64 found;

	/** @used_ns: When it was used last, as far as is known, if that matters. */
	u64 used_ns;

	/** @entry: Entry that it belongs to, by index. */
	u32 entry;

	/** @next: Next item of that entry, by index. */
	u32 next;

	/** @handles: Handles of it in the target's files. */
	u32 handles;

	/** @all_handles: Handles of it in all files. */
	u32 all_handles;

	/** @others: Somebody else may have it: a handle, or its dma-buf. */
	bool others;

	/** @stage: How far the request is with it. */
	enum panthor_reclaim_stage stage;

	/** @reason: Why it was not evicted so far. */
	enum panthor_reclaim_reason reason;

	/** @lock: If that was a lock: which. */
	enum panthor_reclaim_lock lock;
};

/**
 * struct panthor_reclaim_node - An item that is being sorted
 */
struct panthor_reclaim_node {
	/** @node: Its place on the list. */
	struct list_head node;

	/** @item: It. */
	struct panthor_reclaim_item *item;
};

/**
 * struct panthor_reclaim_set - All that may be the target's
 */
struct panthor_reclaim_set {
	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @tgid: The target. */
	struct pid *tgid;

	/** @clients: Its open files, each with a reference. */
	struct panthor_reclaim_client **clients;

	/** @handed: Which of these belong to another process by now. */
	bool *handed;

	/** @entries: Its VMs, and one more for each file, which comes after the file's VMs. */
	struct panthor_reclaim_entry *entries;

	/** @items: The BOs, sorted by their numbers. */
	struct panthor_reclaim_item *items;

	/** @turns: Order in which @entries have their turn, by index; NULL for as they are. */
	u32 *turns;

	/** @nr_clients: Length of @clients. */
	u32 nr_clients;

	/** @nr_entries: Length of @entries. */
	u32 nr_entries;

	/** @nr_vms: Number of @entries that are VMs. */
	u32 nr_vms;

	/** @nr_items: Length of @items. */
	u32 nr_items;
};

/**
 * struct panthor_reclaim_writing - An evicted BO that is on its way to swap
 */
struct panthor_reclaim_writing {
	/** @bo: BO. */
	struct panthor_gem_object *bo;

	/** @start_ns: CLOCK_MONOTONIC time when the write of it began. */
	u64 start_ns;

	/** @duration_ns: Time that the request spent on it. */
	u64 duration_ns;

	/** @lock_ns: Part of that spent waiting for locks. */
	u64 lock_ns;

	/** @written: Bytes of it that were written to swap. */
	u64 written;

	/** @freed: Bytes of RAM that were freed, some of it written earlier perhaps. */
	u64 freed;

	/** @left: Bytes of it that are still in RAM. */
	u64 left;

	/** @err: 0, %-EINTR if a signal cut it short, %-EBUSY if another request has it. */
	int err;
};

/* panthor_reclaim_escape.c */
void panthor_reclaim_escape(char *dst, const char *src, size_t size, bool word);

/* panthor_reclaim_client.c */
pid_t panthor_reclaim_client_tgid(struct panthor_reclaim_client *client, char *comm);
void panthor_reclaim_bo_move(struct panthor_gem_object *bo,
			     struct panthor_reclaim_client *client);

/* panthor_reclaim_gather.c */
int panthor_reclaim_gather(struct panthor_reclaim_set *set, struct panthor_device *ptdev,
			   struct pid *tgid);
void panthor_reclaim_put_item(struct panthor_reclaim_item *item);
void panthor_reclaim_release(struct panthor_reclaim_set *set);
struct panthor_vm *panthor_reclaim_entry_vm(const struct panthor_reclaim_entry *entry);
bool panthor_reclaim_is_target(const struct panthor_reclaim_set *set, const struct drm_file *file);
struct panthor_reclaim_item *panthor_reclaim_find_item(const struct panthor_reclaim_set *set,
						       const struct panthor_gem_object *bo);

/* panthor_reclaim_owner.c */
void panthor_reclaim_ask(struct panthor_reclaim_set *set);
bool panthor_reclaim_is_own(const struct panthor_reclaim_set *set, struct drm_gpuvm *vm);
u32 panthor_reclaim_roots(struct panthor_gem_object *bo, const struct panthor_reclaim_set *set,
			  struct drm_gem_object **roots);
int panthor_reclaim_lock_bo(struct drm_exec *exec, struct panthor_gem_object *bo,
			    const struct panthor_reclaim_set *set);
bool panthor_reclaim_mapped_by_others(const struct panthor_reclaim_set *set,
				      struct panthor_gem_object *bo);
u64 panthor_reclaim_bo_va(struct panthor_gem_object *bo);

/* panthor_reclaim_order.c */
int panthor_reclaim_order(struct panthor_reclaim_set *set);

/* panthor_reclaim_count.c */
void panthor_reclaim_count_join(struct panthor_gem_object *bo);
void panthor_reclaim_count_leave(struct panthor_gem_object *bo);
void panthor_reclaim_count_pages(struct panthor_gem_object *bo, bool resident);
void panthor_reclaim_count_evicted(struct panthor_gem_object *bo);
void panthor_reclaim_count_written(struct panthor_gem_object *bo);

/* panthor_reclaim_account.c */
void panthor_reclaim_req_begin(struct panthor_reclaim_req *req, struct panthor_device *ptdev,
			       enum panthor_reclaim_source source);
void panthor_reclaim_req_end(struct panthor_reclaim_req *req, int result);
void panthor_reclaim_vm_begin(struct panthor_reclaim_req *req,
			      struct panthor_reclaim_client *client,
			      struct panthor_reclaim_vm *vm, u32 bos, u64 size);
void panthor_reclaim_vm_end(struct panthor_reclaim_req *req);
void panthor_reclaim_vm_fold(struct panthor_reclaim_req *req);
void panthor_reclaim_evicted(struct panthor_reclaim_req *req, struct panthor_gem_object *bo,
			     u32 state, u64 wait_ns, u64 duration_ns);
void panthor_reclaim_skipped(struct panthor_reclaim_req *req, struct panthor_gem_object *bo,
			     u32 state,
			     enum panthor_reclaim_reason reason, enum panthor_reclaim_lock lock,
			     u64 wait_ns, u64 duration_ns);
void panthor_reclaim_written(struct panthor_reclaim_req *req, struct panthor_reclaim_client *client,
			     struct panthor_reclaim_vm *vm, struct panthor_gem_object *bo,
			     const struct panthor_reclaim_writing *writing);
void panthor_reclaim_result(struct panthor_reclaim_req *req, struct panthor_reclaim_client *client,
			    struct panthor_reclaim_vm *vm);
enum panthor_reclaim_reason panthor_reclaim_reason(int err, struct panthor_reclaim_ctx *ctx);
const char *panthor_reclaim_source_name(enum panthor_reclaim_source source);

/* panthor_reclaim_writeback.c */
enum panthor_reclaim_writeback panthor_reclaim_write_kind(void);
u64 panthor_reclaim_in_ram(struct panthor_gem_object *bo);
bool panthor_reclaim_may_swap(struct panthor_gem_object *bo, u64 owed);
bool panthor_reclaim_has_swap(struct panthor_gem_object *bo);
void panthor_reclaim_write_start(struct panthor_reclaim_writing *w, struct panthor_gem_object *bo);
void panthor_reclaim_write_end(struct panthor_reclaim_writing *w);
void panthor_reclaim_write_drain(struct panthor_gem_object *bo);

/* panthor_reclaim_sysfs.c */
ssize_t panthor_reclaim_store(struct device *dev, const char *buf, size_t len,
			      int (*request)(struct panthor_device *ptdev, struct pid *tgid,
					     u64 bytes));

/* panthor_reclaim.c */
int panthor_reclaim_process(struct panthor_device *ptdev, struct pid *tgid, u64 goal);

#endif /* __PANTHOR_RECLAIM_INTERNAL_H__ */
