/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef __PANTHOR_RECLAIM_INTERNAL_H__
#define __PANTHOR_RECLAIM_INTERNAL_H__

/*
 * What the files of reclaim share. Each layer calls those below it:
 *
 *	sysfs, debugfs		faces
 *	panthor_reclaim.c	policy: one explicit request, see panthor_reclaim_run.h
 *	_claim			the reverse, swaps BOs in, has its own sysfs file; with _read_claim
 *	_scan			the shrinker's scans, accounted as requests
 *	_account		accounts of all requests, and their events
 *	_order			which memory of the target comes first
 *	_owner			ownership: what belongs to the target alone
 *	_gather			what may belong to the target
 *	_client			clients, and the BOs on their accounts
 *	_count			what each client has, and its fdinfo
 *	_writeback, panthor_gem_evict()	mechanism: evict one BO, write one BO
 *	_sort			sorts BOs
 *	_escape			escapes text from user space
 */

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/math.h>
#include <linux/pid.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>

#include "panthor_reclaim.h"

/* Index that ends a list of items. */
#define PANTHOR_RECLAIM_NO_ITEM		(~0U)

/* VMs of one BO that are locked, at most. */
#define PANTHOR_RECLAIM_ROOTS		8

/*
 * Pages of a BO to write or read between two checks of signals, of the BO's state and,
 * for a claim, of free memory.
 */
#define PANTHOR_RECLAIM_STEP		DIV_ROUND_UP(SZ_128K, PAGE_SIZE)

struct dma_fence;
struct drm_exec;

/**
 * struct panthor_reclaim_client - Reclaim state of an open file
 *
 * Outlives the file while a BO or a VM is on its account.
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

	/** @id: ID of the client, as drm-client-id in fdinfo. */
	u64 id;

	/**
	 * @tgid: Process in the initial PID namespace, as last seen. It changes when
	 * the file is passed to another process.
	 */
	pid_t tgid;

	/**
	 * @lock: Protects the lists, the counters and the last request. Nests inside
	 * &panthor_reclaim_dev.lock.
	 */
	spinlock_t lock;

	/** @bos: BOs on its account, by &panthor_reclaim_bo.node. */
	struct list_head bos;

	/** @nr_bos: Length of @bos. */
	u32 nr_bos;

	/** @moving: Evicted @bos that were not completely in swap when last checked. */
	struct list_head moving;

	/** @settled: Evicted @bos that were completely in swap. */
	struct list_head settled;

	/** @reclaimable: Bytes of @bos that a request could probably evict. */
	u64 reclaimable;

	/** @in_swap: Bytes of evicted @bos that were in swap when last checked. */
	u64 in_swap;

	/** @resident: Bytes of @bos that have pages. */
	atomic64_t resident;

	/** @evicted: Bytes of @bos that are evicted. */
	atomic64_t evicted;

	/** @evictions: Number of evictions so far. */
	atomic64_t evictions;

	/** @swapins: Number of swap-ins so far. */
	atomic64_t swapins;

#ifdef CONFIG_DEBUG_FS
	/** @last: The last request. */
	struct panthor_reclaim_last last;

	/** @last_no_vm: The last request that looked at BOs private to no VM. */
	struct panthor_reclaim_last last_no_vm;
#endif
};

/**
 * struct panthor_reclaim_entry - A VM of the target, or the BOs of a file that are
 * private to no VM
 */
struct panthor_reclaim_entry {
	/** @client: Client. Referenced by the set. */
	struct panthor_reclaim_client *client;

	/** @vm: The VM, with a reference, while its BOs are looked up. */
	struct panthor_vm *vm;

	/**
	 * @serial: &panthor_reclaim_vm.serial, 0 without a VM, also if it was destroyed
	 * before its BOs were evicted.
	 */
	u64 serial;

	/** @id: Handle of the VM, 0 if @serial is. */
	u32 id;

	/** @used_ns: When it was last used, set by panthor_reclaim_order(). */
	u64 used_ns;

	/** @first: Index of its first item. */
	u32 first;

	/** @fence: Jobs that keep it busy, or NULL. */
	struct dma_fence *fence;

	/** @fence_ns: Time spent waiting for jobs and not accounted yet. */
	u64 fence_ns;

	/** @fence_context: Context of the last fence that was waited for. */
	u64 fence_context;

	/** @fence_seqno: Sequence number of the last fence that was waited for. */
	u64 fence_seqno;

	/** @fences: Number of fences waited for. */
	u32 fences;

	/** @waited: All of its jobs were waited for once. */
	bool waited;
};

/**
 * enum panthor_reclaim_stage - Progress of a request with a BO
 */
enum panthor_reclaim_stage {
	/** @PANTHOR_RECLAIM_PENDING: Not decided yet. */
	PANTHOR_RECLAIM_PENDING,

	/** @PANTHOR_RECLAIM_EVICTED: Evicted, to be written to swap. */
	PANTHOR_RECLAIM_EVICTED,

	/** @PANTHOR_RECLAIM_KEPT: Skipped, or not ours to write; the reference is still held. */
	PANTHOR_RECLAIM_KEPT,

	/** @PANTHOR_RECLAIM_DONE: Done, the reference is dropped. */
	PANTHOR_RECLAIM_DONE,
};

/**
 * struct panthor_reclaim_item - A BO that may belong to the target
 */
struct panthor_reclaim_item {
	/** @bo: BO, referenced until %PANTHOR_RECLAIM_DONE. */
	struct panthor_gem_object *bo;

	/** @bo_id: &panthor_reclaim_bo.id. */
	u64 bo_id;

	/** @wait_ns: Time spent waiting for this BO alone. */
	u64 wait_ns;

	/** @found: Bytes of it that were evicted earlier and still in RAM. */
	u64 found;

	/** @entry: Index of its entry. */
	u32 entry;

	/** @next: Index of the next item of @entry. */
	u32 next;

	/** @handles: Number of its handles in the target's files. */
	u32 handles;

	/** @all_handles: Number of its handles in all files. */
	u32 all_handles;

	/** @others: Another process may have a handle or a dma-buf of it. */
	bool others;

	/** @stage: Progress of the request. */
	enum panthor_reclaim_stage stage;

	/** @reason: Why it is not evicted yet. */
	enum panthor_reclaim_reason reason;

	/** @lock: Which lock, if @reason is %PANTHOR_RECLAIM_LOCKED. */
	enum panthor_reclaim_lock lock;
};

/**
 * struct panthor_reclaim_key - What a BO is sorted by
 */
struct panthor_reclaim_key {
	/** @key: ID or time. */
	u64 key;

	/** @index: Where the BO is. */
	u32 index;
};

/**
 * struct panthor_reclaim_set - Everything that may belong to the target
 */
struct panthor_reclaim_set {
	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @tgid: The target. */
	struct pid *tgid;

	/** @clients: Clients of its open files, each with a reference. */
	struct panthor_reclaim_client **clients;

	/** @handed: Which of @clients now belong to another process. */
	bool *handed;

	/** @entries: For each file its VMs, then one entry for BOs private to no VM. */
	struct panthor_reclaim_entry *entries;

	/** @items: The BOs, sorted by @bo_id. */
	struct panthor_reclaim_item *items;

	/** @turns: Indices of @entries in the order of eviction, NULL for the order they have. */
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
 * struct panthor_reclaim_writing - Writeback of an evicted BO
 *
 * Times are in nanoseconds.
 */
struct panthor_reclaim_writing {
	/** @bo: BO. */
	struct panthor_gem_object *bo;

	/** @requester: Task whose signals end it. Often @current. */
	struct task_struct *requester;

	/** @start_ns: CLOCK_MONOTONIC time of the start. */
	u64 start_ns;

	/** @duration_ns: Time that the request spent on this BO. */
	u64 duration_ns;

	/** @blocked_ns: Part of it that counts, where several CPUs write at once. */
	u64 blocked_ns;

	/** @written: Bytes written to swap. */
	u64 written;

	/** @freed: Bytes of RAM freed. Some may have been written earlier. */
	u64 freed;

	/** @left: Bytes still in RAM. */
	u64 left;

	/** @err: 0, %-EINTR after a signal, %-EBUSY if another request is writing the BO. */
	int err;
};

/* panthor_reclaim_sort.c */
struct panthor_reclaim_key *panthor_reclaim_sort(struct panthor_reclaim_key *keys,
						 struct panthor_reclaim_key *spare, u32 nr);

/* panthor_reclaim_escape.c */
size_t panthor_reclaim_plain_len(const char *src, size_t max);
size_t panthor_reclaim_escape(char *dst, const char *src, size_t size, bool word);

/* panthor_reclaim_client.c */
struct panthor_reclaim_client *
panthor_reclaim_client_get(struct panthor_reclaim_client *client);
struct pid *panthor_reclaim_client_ask(struct panthor_reclaim_client *client);
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
						       const struct panthor_gem_object *bo,
						       u32 *next);

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
void panthor_reclaim_written(struct panthor_reclaim_req *req,
			     const struct panthor_reclaim_entry *entry,
			     struct panthor_gem_object *bo,
			     const struct panthor_reclaim_writing *writing,
			     struct panthor_reclaim_acct *sum);
void panthor_reclaim_book_written(struct panthor_reclaim_req *req,
				  const struct panthor_reclaim_entry *entry,
				  struct panthor_reclaim_vm *vm,
				  const struct panthor_reclaim_acct *sum);
void panthor_reclaim_result(struct panthor_reclaim_req *req, struct panthor_reclaim_client *client,
			    struct panthor_reclaim_vm *vm);
enum panthor_reclaim_reason panthor_reclaim_reason(int err, struct panthor_reclaim_ctx *ctx);
const char *panthor_reclaim_source_name(enum panthor_reclaim_source source);

/* panthor_reclaim_writeback.c */
enum panthor_reclaim_writeback panthor_reclaim_write_kind(void);
u64 panthor_reclaim_in_ram(struct panthor_gem_object *bo);
bool panthor_reclaim_may_swap(struct panthor_gem_object *bo, u64 owed);
bool panthor_reclaim_has_swap(struct panthor_gem_object *bo);
void panthor_reclaim_write_start(struct panthor_reclaim_writing *w);
void panthor_reclaim_write_end(struct panthor_reclaim_writing *w);
void panthor_reclaim_write_drain(struct panthor_gem_object *bo, bool all);

/* panthor_reclaim_sysfs.c */
ssize_t panthor_reclaim_store(struct device *dev, const char *buf, size_t len,
			      int (*request)(struct panthor_device *ptdev, struct pid *tgid,
					     u64 bytes));

/* panthor_reclaim.c */
int panthor_reclaim_process(struct panthor_device *ptdev, struct pid *tgid, u64 goal);

#endif /* __PANTHOR_RECLAIM_INTERNAL_H__ */
