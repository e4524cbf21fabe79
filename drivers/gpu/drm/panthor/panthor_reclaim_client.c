// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Clients, which are open files, and the BOs on their accounts.
 *
 * A BO is on the account of the client that created it, until a request finds that
 * it belongs to another client alone. Functions that the shrinker may call do not
 * allocate, and take only spinlocks, as the innermost locks.
 */

#include <linux/cleanup.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <drm/drm_file.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_internal.h"

/**
 * panthor_reclaim_init() - Initialize the reclaim state of a device
 * @ptdev: Device.
 *
 * Context: Called once, before the first BO is created.
 */
void panthor_reclaim_init(struct panthor_device *ptdev)
{
	spin_lock_init(&ptdev->rcl.lock);
	INIT_LIST_HEAD(&ptdev->rcl.clients);
	INIT_LIST_HEAD(&ptdev->rcl.scans);
}

/**
 * panthor_reclaim_client_open() - Create the client of a file
 * @pfile: File that is being opened. It gets the client, and holds a reference.
 * @file: The same, as the DRM core knows it.
 *
 * Context: Process context, may sleep.
 * Return: 0 or %-ENOMEM.
 */
int panthor_reclaim_client_open(struct panthor_file *pfile, struct drm_file *file)
{
	struct panthor_device *ptdev = pfile->ptdev;
	struct panthor_reclaim_client *client;

	client = kzalloc_obj(*client);
	if (!client)
		return -ENOMEM;

	kref_init(&client->ref);
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->bos);
	INIT_LIST_HEAD(&client->moving);
	INIT_LIST_HEAD(&client->settled);
	client->ptdev = ptdev;
	client->file = file;
	client->id = file->client_id;
	client->tgid = current->tgid;

	scoped_guard(spinlock, &ptdev->rcl.lock)
		list_add_tail(&client->node, &ptdev->rcl.clients);
	pfile->rcl = client;

	return 0;
}

/**
 * panthor_reclaim_client_get() - Take a reference on a client
 * @client: Client, may be NULL.
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

	scoped_guard(spinlock, &ptdev->rcl.lock)
		list_del(&client->node);

	kfree(client);
}

/**
 * panthor_reclaim_client_put() - Drop a reference on a client
 * @client: Client, may be NULL.
 */
void panthor_reclaim_client_put(struct panthor_reclaim_client *client)
{
	if (client)
		kref_put(&client->ref, panthor_reclaim_client_release);
}

/**
 * panthor_reclaim_client_ask() - Ask a client's file which process it belongs to
 * @client: Client.
 *
 * A file that was passed on belongs to the process that used it last. DRM notes
 * that, but tells nobody.
 *
 * Context: &panthor_device.rcl.lock is held, and an RCU read lock, as long as the
 * result is used.
 * Return: The process, NULL once the file is closed. Its number is in
 * &panthor_reclaim_client.tgid, and stays there.
 */
struct pid *panthor_reclaim_client_ask(struct panthor_reclaim_client *client)
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
 * panthor_reclaim_client_tgid() - The process that a client belongs to
 * @client: Client.
 * @comm: Filled with the escaped name of the process, %PANTHOR_RECLAIM_COMM_LEN
 *	bytes; or NULL.
 *
 * Context: Any but interrupt context.
 * Return: TGID in the initial PID namespace. Once the file is closed, that of the
 * process that used it last.
 */
pid_t panthor_reclaim_client_tgid(struct panthor_reclaim_client *client, char *comm)
{
	struct task_struct *task;
	struct pid *pid;

	guard(rcu)();

	scoped_guard(spinlock, &client->ptdev->rcl.lock)
		pid = panthor_reclaim_client_ask(client);

	if (comm) {
		char raw[TASK_COMM_LEN] = "";

		task = pid ? pid_task(pid, PIDTYPE_TGID) : NULL;
		if (task)
			get_task_comm(raw, task);
		panthor_reclaim_escape(comm, raw, PANTHOR_RECLAIM_COMM_LEN, true);
	}

	return client->tgid;
}

/**
 * panthor_reclaim_client_close() - Detach a client from its file
 * @client: Client, may be NULL.
 *
 * Drops the file's reference.
 */
void panthor_reclaim_client_close(struct panthor_reclaim_client *client)
{
	if (!client)
		return;

	/* Remember the process while the file knows it. */
	panthor_reclaim_client_tgid(client, NULL);

	scoped_guard(spinlock, &client->ptdev->rcl.lock)
		client->file = NULL;

	panthor_reclaim_client_put(client);
}

/**
 * panthor_reclaim_vm_init() - Initialize the reclaim state of a new VM
 * @rcl: Reclaim state.
 * @dummy: BO that the VMs of the same file share. It stays on the file's account.
 * @gpuvm: The VM's list of mappings.
 * @op_lock: Lock that protects the list.
 */
void panthor_reclaim_vm_init(struct panthor_reclaim_vm *rcl, struct panthor_gem_object *dummy,
			     struct drm_gpuvm *gpuvm, struct mutex *op_lock)
{
	static atomic64_t serials = ATOMIC64_INIT(0);

	rcl->serial = atomic64_inc_return(&serials);
	rcl->client = panthor_reclaim_client_get(dummy->rcl.client);
	rcl->gpuvm = gpuvm;
	rcl->op_lock = op_lock;
}

/**
 * panthor_reclaim_bo_init() - Initialize the reclaim state of a new BO
 * @bo: BO.
 */
void panthor_reclaim_bo_init(struct panthor_gem_object *bo)
{
	static atomic64_t ids = ATOMIC64_INIT(0);

	bo->rcl.id = atomic64_inc_return(&ids);
	bo->rcl.kind = bo->flags & DRM_PANTHOR_BO_NO_MMAP ? PANTHOR_RECLAIM_USER_NO_MMAP :
							    PANTHOR_RECLAIM_USER;
	INIT_LIST_HEAD(&bo->rcl.node);
	INIT_LIST_HEAD(&bo->rcl.counted.node);
}

static void panthor_reclaim_bo_join(struct panthor_gem_object *bo,
				    struct panthor_reclaim_client *client)
{
	bo->rcl.client = client;

	guard(spinlock)(&client->lock);
	list_add_tail(&bo->rcl.node, &client->bos);
	client->nr_bos++;
	panthor_reclaim_count_join(bo);
}

/* Returns the client, with the BO's reference, which the caller has to drop. */
static struct panthor_reclaim_client *panthor_reclaim_bo_leave(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_client *client = bo->rcl.client;

	scoped_guard(spinlock, &client->lock) {
		panthor_reclaim_count_leave(bo);
		list_del(&bo->rcl.node);
		client->nr_bos--;
	}
	bo->rcl.client = NULL;

	return client;
}

/**
 * panthor_reclaim_bo_own() - Put a new BO on the account of a client
 * @bo: BO, not visible to other threads yet.
 * @client: Client, NULL for BOs of the firmware.
 * @kernel: The driver created the BO for itself.
 */
void panthor_reclaim_bo_own(struct panthor_gem_object *bo,
			    struct panthor_reclaim_client *client, bool kernel)
{
	if (kernel)
		bo->rcl.kind = PANTHOR_RECLAIM_KERNEL;
	if (client)
		panthor_reclaim_bo_join(bo, panthor_reclaim_client_get(client));
}

/**
 * panthor_reclaim_bo_move() - Move a BO to the account of another client
 * @bo: BO, which belongs to that client alone.
 * @client: Client.
 *
 * Context: The BO's reservation lock is held.
 */
void panthor_reclaim_bo_move(struct panthor_gem_object *bo,
			     struct panthor_reclaim_client *client)
{
	struct panthor_reclaim_client *old = NULL;

	dma_resv_assert_held(bo->base.resv);

	panthor_reclaim_client_get(client);
	/* Its dma-buf may be released concurrently, see panthor_reclaim_dmabuf_release(). */
	scoped_guard(spinlock, &client->ptdev->rcl.lock) {
		if (bo->rcl.client)
			old = panthor_reclaim_bo_leave(bo);
		panthor_reclaim_bo_join(bo, client);
	}
	panthor_reclaim_client_put(old);
}

/**
 * panthor_reclaim_bo_fini() - Remove a BO that is being freed from its account
 * @bo: BO. Its pages are freed, its shmem file is not.
 */
void panthor_reclaim_bo_fini(struct panthor_gem_object *bo)
{
	if (bo->rcl.client)
		panthor_reclaim_client_put(panthor_reclaim_bo_leave(bo));
}
