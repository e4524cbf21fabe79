// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Who owns which GPU memory: open files (clients), the BOs created through
 * them, and how much of both is resident or evicted. Everything here may be
 * called from the shrinker: nothing allocates but panthor_reclaim_client_open()
 * and panthor_reclaim_client_bos(), and all locks are spinlocks that are taken
 * last.
 */

#include <linux/cleanup.h>
#include <linux/ctype.h>
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include <drm/drm_file.h>

#include <trace/events/gpu_mem.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim.h"

/**
 * panthor_reclaim_init() - Set up the part of the device that belongs to
 * reclaim
 * @ptdev: Device.
 *
 * Context: Called once, before the first BO is created.
 */
void panthor_reclaim_init(struct panthor_device *ptdev)
{
	spin_lock_init(&ptdev->rcl.lock);
	INIT_LIST_HEAD(&ptdev->rcl.clients);
	INIT_LIST_HEAD(&ptdev->rcl.requests);
}

/**
 * panthor_reclaim_client_open() - Create the client of a file that is being
 * opened
 * @ptdev: Device.
 * @file: The file.
 *
 * No request finds the client before panthor_reclaim_client_publish().
 *
 * Context: Process context, may sleep.
 * Return: The client, with one reference for the file, or NULL if there is no
 * memory.
 */
struct panthor_reclaim_client *
panthor_reclaim_client_open(struct panthor_device *ptdev, struct drm_file *file)
{
	struct panthor_reclaim_client *client;

	client = kzalloc_obj(*client);
	if (!client)
		return NULL;

	kref_init(&client->ref);
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->bos);
	client->ptdev = ptdev;
	client->id = file->client_id;
	client->tgid = current->tgid;

	scoped_guard(spinlock, &ptdev->rcl.lock) {
		list_add_tail(&client->node, &ptdev->rcl.clients);
		ptdev->rcl.nr_clients++;
	}

	return client;
}

/**
 * panthor_reclaim_client_publish() - Let requests find a client
 * @client: Client.
 * @file: Its file, whose VM pool is set up and stays until
 * panthor_reclaim_client_close().
 */
void panthor_reclaim_client_publish(struct panthor_reclaim_client *client,
				    struct drm_file *file)
{
	scoped_guard(spinlock, &client->ptdev->rcl.lock)
		client->file = file;

	panthor_reclaim_debugfs_client(client, file);
}

/**
 * panthor_reclaim_client_close() - Part a client from its file
 * @client: Client, NULL is fine.
 *
 * Drops the file's reference. The client remains for as long as BOs of it do.
 */
void panthor_reclaim_client_close(struct panthor_reclaim_client *client)
{
	if (!client)
		return;

	/* Remember who it was, the last chance to know. */
	panthor_reclaim_client_tgid(client, NULL);

	scoped_guard(spinlock, &client->ptdev->rcl.lock)
		client->file = NULL;

	panthor_reclaim_client_put(client);
}

/**
 * panthor_reclaim_client_get() - Take a reference on a client
 * @client: Client, NULL is fine.
 *
 * Return: @client.
 */
struct panthor_reclaim_client *
panthor_reclaim_client_get(struct panthor_reclaim_client *client)
{
	if (client)
		kref_get(&client->ref);

	return client;
}

static void panthor_reclaim_client_release(struct kref *ref)
{
	struct panthor_reclaim_client *client =
		container_of(ref, struct panthor_reclaim_client, ref);
	struct panthor_device *ptdev = client->ptdev;

	scoped_guard(spinlock, &ptdev->rcl.lock) {
		list_del(&client->node);
		ptdev->rcl.nr_clients--;
	}

	kfree(client);
}

/**
 * panthor_reclaim_client_put() - Drop a reference on a client
 * @client: Client, NULL is fine.
 */
void panthor_reclaim_client_put(struct panthor_reclaim_client *client)
{
	if (client)
		kref_put(&client->ref, panthor_reclaim_client_release);
}

/* NULL once the file is closed; good for as long as the RCU read lock is held. */
static struct pid *panthor_reclaim_client_pid(struct panthor_reclaim_client *client)
{
	struct pid *pid;

	lockdep_assert_held(&client->ptdev->rcl.lock);

	if (!client->file)
		return NULL;

	pid = rcu_dereference(client->file->pid);
	client->tgid = pid_nr(pid);
	return pid;
}

/**
 * panthor_reclaim_client_tgid() - Which process a client belongs to now
 * @client: Client.
 * @comm: Where the name of the process goes, %TASK_COMM_LEN bytes, or NULL.
 *
 * Context: Any but interrupts.
 * Return: The process in the initial PID namespace; once the file is closed,
 * the last one that used it.
 */
pid_t panthor_reclaim_client_tgid(struct panthor_reclaim_client *client, char *comm)
{
	struct task_struct *task;
	struct pid *pid;
	pid_t tgid;

	guard(rcu)();

	scoped_guard(spinlock, &client->ptdev->rcl.lock) {
		pid = panthor_reclaim_client_pid(client);
		tgid = client->tgid;
	}

	if (comm) {
		task = pid ? pid_task(pid, PIDTYPE_TGID) : NULL;
		strscpy(comm, task ? task->comm : "", TASK_COMM_LEN);
	}

	return tgid;
}

/**
 * panthor_reclaim_client_is() - Does a client belong to a process?
 * @client: Client.
 * @tgid: The process.
 *
 * Context: RCU read lock and &panthor_reclaim_dev.lock are held.
 * Return: True if its file is open and that process used it last.
 */
bool panthor_reclaim_client_is(struct panthor_reclaim_client *client, struct pid *tgid)
{
	return panthor_reclaim_client_pid(client) == tgid;
}

/**
 * panthor_reclaim_client_bos() - All BOs that were created through a client
 * @client: Client.
 * @count: Where their number goes.
 *
 * Context: Process context, may sleep. No locks may be held that reclaim takes.
 * Return: An array with a reference on each BO, for panthor_reclaim_put_bos(),
 * or NULL if there is no memory.
 */
struct panthor_gem_object **
panthor_reclaim_client_bos(struct panthor_reclaim_client *client, u32 *count)
{
	struct panthor_gem_object **bos, *bo;
	u32 room = READ_ONCE(client->nr_bos);

	*count = 0;
	bos = kvmalloc_array(room + 1, sizeof(*bos), GFP_KERNEL);
	if (!bos)
		return NULL;

	/* BOs created since we counted are none of the caller's business. */
	guard(spinlock)(&client->lock);
	list_for_each_entry(bo, &client->bos, rcl.node) {
		if (*count == room)
			break;

		if (kref_get_unless_zero(&bo->base.refcount))
			bos[(*count)++] = bo;
	}

	return bos;
}

/**
 * panthor_reclaim_put_bos() - Release what panthor_reclaim_client_bos() gave
 * @bos: Array, NULL is fine. Entries may be NULL.
 * @count: Number of its entries.
 */
void panthor_reclaim_put_bos(struct panthor_gem_object **bos, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		if (bos[i])
			drm_gem_object_put(&bos[i]->base);
	}

	kvfree(bos);
}

/**
 * panthor_reclaim_bo_init() - Set up the part of a new BO that belongs to
 * reclaim
 * @bo: BO.
 */
void panthor_reclaim_bo_init(struct panthor_gem_object *bo)
{
	static atomic64_t ids = ATOMIC64_INIT(0);

	bo->rcl.id = atomic64_inc_return(&ids);
	INIT_LIST_HEAD(&bo->rcl.node);
}

/**
 * panthor_reclaim_bo_own() - Say who created a BO
 * @bo: BO, nobody else knows it yet.
 * @client: Client, NULL for the kernel's own.
 */
void panthor_reclaim_bo_own(struct panthor_gem_object *bo,
			    struct panthor_reclaim_client *client)
{
	if (!client)
		return;

	bo->rcl.client = panthor_reclaim_client_get(client);

	guard(spinlock)(&client->lock);
	list_add_tail(&bo->rcl.node, &client->bos);
	client->nr_bos++;
}

/**
 * panthor_reclaim_bo_fini() - Forget a BO that is being freed
 * @bo: BO, its pages are gone.
 */
void panthor_reclaim_bo_fini(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	if (!client)
		return;

	scoped_guard(spinlock, &client->lock) {
		list_del(&bo->rcl.node);
		client->nr_bos--;
	}

	panthor_reclaim_client_put(client);
}

/**
 * panthor_reclaim_bo_shared() - Does a BO belong to more than one open file?
 * @bo: BO.
 *
 * An exported BO counts as shared, for nobody can tell who holds its dma-buf.
 *
 * Context: Any.
 * Return: True if it does, or did a moment ago.
 */
bool panthor_reclaim_bo_shared(const struct panthor_gem_object *bo)
{
	return drm_gem_is_imported(&bo->base) || READ_ONCE(bo->base.dma_buf) ||
	       READ_ONCE(bo->base.handle_count) > 1;
}

/* What Android and Perfetto draw: all of the device's memory, and that of one process. */
static void panthor_reclaim_trace_total(struct panthor_device *ptdev,
					struct panthor_reclaim_client *client)
{
	u32 gpu = ptdev->base.primary ? ptdev->base.primary->index : 0;
	struct panthor_reclaim_client *other;
	u64 sum = 0;

	trace_gpu_mem_total(gpu, 0, atomic64_read(&ptdev->rcl.resident));
	if (!client)
		return;

	panthor_reclaim_client_pid(client);
	list_for_each_entry(other, &ptdev->rcl.clients, node) {
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
	if (client)
		atomic64_add(size, &client->resident);

	if (!IS_ENABLED(CONFIG_TRACE_GPU_MEM) || !trace_gpu_mem_total_enabled())
		return;

	/* Read and told in one go: the last event tells how it is in the end. */
	guard(rcu)();
	guard(spinlock)(&ptdev->rcl.lock);
	panthor_reclaim_trace_total(ptdev, client);
}

/**
 * panthor_reclaim_bo_populated() - A BO was given pages, or should have been
 * @bo: BO.
 * @start_ns: CLOCK_MONOTONIC time before its pages were asked for.
 * @result: 0, or a negative errno if there were none.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_bo_populated(struct panthor_gem_object *bo, u64 start_ns, int result)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	dma_resv_assert_held(bo->base.resv);

	if (bo->rcl.evicted_by)
		panthor_reclaim_trace_swapin(bo, start_ns, ktime_get_ns(), result);

	if (result)
		return;

	if (bo->rcl.evicted_by) {
		bo->rcl.evicted_by = 0;
		if (client) {
			atomic64_inc(&client->swapins);
			atomic64_add(bo->base.size, &client->swapin_bytes);
		}
	}

	panthor_reclaim_resident(bo, bo->base.size);
}

/**
 * panthor_reclaim_bo_released() - A BO gave its pages back
 * @bo: BO.
 *
 * Context: The BO's reservation lock is held, or the BO is being freed.
 */
void panthor_reclaim_bo_released(struct panthor_gem_object *bo)
{
	panthor_reclaim_resident(bo, -(s64)bo->base.size);
}

/**
 * panthor_reclaim_escape() - Make a name safe to print
 * @dst: Where it goes.
 * @src: Name.
 * @size: Room in @dst, at least 1.
 * @word: Escape blanks too, so that it stays one column.
 *
 * Control characters, quotes and backslashes become \xNN. Cut at the last
 * character that fits.
 */
void panthor_reclaim_escape(char *dst, const char *src, size_t size, bool word)
{
	const char *end = dst + size - 1;

	for (; *src; src++) {
		bool plain = !iscntrl(*src) && *src != '"' && *src != '\\' &&
			     !(word && *src == ' ');

		if (end - dst < (plain ? 1 : 4))
			break;

		if (plain)
			*dst++ = *src;
		else
			dst += sprintf(dst, "\\x%02x", (u8)*src);
	}
	*dst = '\0';
}
