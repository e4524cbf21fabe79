// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of upstream's own that hooks/fixes mends: a promise is broken without the patch that is
 * named with it. 03 and 04 are in the simulator's tests.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "halt.h"
#include "held.h"
#include "reclaim.h"
#include "tap.h"

#define NO_SUCH_HANDLE 0x7fffffff
#define SIGNAL (DRM_PANTHOR_SYNC_OP_SIGNAL | DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ)
#define WAIT DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ

static int bind_async(const struct vm *vm, struct drm_panthor_vm_bind_op *op)
{
	struct drm_panthor_vm_bind args = {
		.vm_id = vm->id,
		.flags = DRM_PANTHOR_VM_BIND_ASYNC,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, op),
	};

	return dev_ioctl(vm->gpu->fd, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static int sync_only(const struct vm *vm, struct drm_panthor_sync_op *syncs, uint32_t count)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(count, syncs),
	};

	return bind_async(vm, &op);
}

/* 05-sync-no-syncobj, 06-sync-no-fence */
static void test_sync_ops(void)
{
	struct gpu gpu;
	struct vm vm;
	uint32_t timeline;
	struct drm_panthor_sync_op nothing = { .flags = SIGNAL,
					       .handle = NO_SUCH_HANDLE,
					       .timeline_value = 1 };
	struct drm_panthor_sync_op own[2] = { { .flags = SIGNAL, .timeline_value = 7 },
					      { .flags = WAIT, .timeline_value = 7 } };
	int ret;
	pid_t pid;
	int status;

	/* What becomes of who asks for it is not ours to suffer */
	pid = fork();
	if (!pid) {
		if (gpu_open(&gpu, NULL) || vm_create(&gpu, &vm))
			_exit(1);
		_exit(sync_only(&vm, &nothing, 1) == -EINVAL ? 0 : 2);
	}
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && !status,
	   "a job that signals a syncobj which does not exist is rejected");

	if (gpu_open(&gpu, NULL) || vm_create(&gpu, &vm) || timeline_create(&gpu, &timeline))
		bail("cannot set up a client");
	own[0].handle = timeline;
	own[1].handle = timeline;
	ret = sync_only(&vm, own, 2);
	ok(ret == -EINVAL, "a job that waits for its own signal is rejected (%d)", ret);
	ok(!kernel_complained(), "the kernel logs no warning about either");
	gpu_close(&gpu);
}

/* All BOs of the device, whoever made them */
static int all_bos(void)
{
	struct gem *list;
	int count = gems(0, &list);

	if (count >= 0)
		free(list);
	return count;
}

static int wait_for_bos(int wanted, int64_t patience)
{
	int64_t until = now_ns() + patience;
	int count;

	while ((count = all_bos()) != wanted && now_ns() < until)
		usleep(50000);
	return count;
}

/* 07-vm-no-map-after-destroy */
static void test_late_bind(void)
{
	int before = all_bos(), left, ret;
	struct drm_panthor_sync_op wait = { .flags = WAIT };
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &wait),
	};
	struct jobs jobs = {};
	struct vm busy, vm;
	struct gpu gpu;
	struct bo bo;

	if (gpu_open(&gpu, NULL) || vm_create(&gpu, &busy) || vm_create(&gpu, &vm) ||
	    bo_create(&gpu, &bo, 65536, 0, NULL) || jobs_init(&jobs, &busy) ||
	    jobs_calibrate(&jobs) || jobs_spin(&jobs, 500000, 0))
		bail("cannot set up a client");
	wait.handle = jobs.timeline;
	wait.timeline_value = jobs.point;
	op.bo_handle = bo.handle;
	op.va = bo.va;
	op.size = bo.size;
	ret = bind_async(&vm, &op);
	ok(!ret, "a VM_BIND waits for a job (%d)", ret);
	ok(!vm_destroy(&vm), "the VM of that VM_BIND is destroyed");
	jobs_wait(&jobs, jobs.point, now_ns() + 10 * NSEC);
	jobs_fini(&jobs);
	gpu_close(&gpu);
	left = wait_for_bos(before, 10 * NSEC);
	ok(left == before, "nothing of it is left when the file is closed (%d BOs, %d before)",
	   left, before);
}

/* 09-sparse-no-l3: more than an array of page tables has room for, were it made of 4 KiB pages */
static void test_sparse(void)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
			 DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE,
		.va = 1ULL << 40,
		.size = (1ULL << 40) + (2 << 20),
	};
	struct drm_panthor_vm_bind args = { .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op) };
	struct gpu gpu;
	struct vm vm;
	int64_t t0 = now_ns();
	int ret;

	if (gpu_open(&gpu, NULL) || vm_create(&gpu, &vm))
		bail("cannot set up a client");
	args.vm_id = vm.id;
	ret = dev_ioctl(gpu.fd, DRM_IOCTL_PANTHOR_VM_BIND, &args);
	ok(!kernel_complained() && !ret,
	   "a sparse mapping of more than 1 TiB succeeds (%d, %lld ms)", ret,
	   (long long)(now_ns() - t0) / 1000000);
	gpu_close(&gpu);
}

/* A BO is in the shrinker's hands: off its list, and not locked yet */
#define IN_HAND "ww_mutex_trylock"

/* A busy machine may be too slow to hold the shrinker up */
#define TRIES 5

static void shrink_main(void *arg)
{
	(void)arg;
	shrink_pages(ALL_PAGES);
}

struct meeting {
	struct gpu gpu;
	struct vm vm;
	struct bo bo;
	struct held held;
};

/* With one BO that the shrinker looks at first: nothing maps it, and it has pages */
static void open_meeting(struct meeting *meeting)
{
	memset(meeting, 0, sizeof(*meeting));
	if (gpu_open(&meeting->gpu, NULL) || vm_create(&meeting->gpu, &meeting->vm) ||
	    bo_create(&meeting->gpu, &meeting->bo, 65536, 0, NULL) ||
	    bo_label(&meeting->bo, "in hand") || bo_bind(&meeting->bo, &meeting->vm) ||
	    bo_unbind(&meeting->bo, &meeting->vm))
		bail("cannot set up a client");
}

/* 01-gem-skip-unreclaimable: a request evicts it meanwhile */
static bool meets_request(void)
{
	struct meeting meeting;
	struct gem_sum sum;
	struct halt halt;
	bool stood;
	int ret;

	open_meeting(&meeting);
	halt_start(&halt, IN_HAND, shrink_main, NULL);
	ret = reclaim(getpid());
	stood = halt_end(&halt);
	sum = gem_sum(getpid(), "in hand");
	if (stood)
		ok(!kernel_complained() && !ret && sum.evictions == 1,
		   "the shrinker skips a BO that a request evicted when it had it in hand (%d)",
		   ret);
	gpu_close(&meeting.gpu);
	return stood;
}

/* 02-gem-skip-busy: a job gets hold of it meanwhile */
static bool meets_job(void)
{
	uint32_t stored = 0;
	struct meeting meeting;
	struct gem_sum sum;
	struct halt halt;
	bool stood;
	int ret;

	open_meeting(&meeting);
	held_init(&meeting.held, &meeting.vm);
	halt_start(&halt, IN_HAND, shrink_main, NULL);
	ret = bo_bind(&meeting.bo, &meeting.vm);
	if (!ret)
		held_submit(&meeting.held, meeting.bo.va);
	stood = halt_end(&halt);
	sum = gem_sum(getpid(), "in hand");
	held_release(&meeting.held);
	if (stood && !ret) {
		ok(!sum.evictions,
		   "the shrinker skips a BO that a job uses since it had it in hand");
		ret = held_wait(&meeting.held);
		if (!bo_map(&meeting.bo))
			memcpy(&stored, meeting.bo.map, sizeof(stored));
		ok_jobs(!ret && stored == HELD_VALUE, "the job stores to it (%d)", ret);
		bo_unmap(&meeting.bo);
	}
	held_unmap(&meeting.held);
	gpu_close(&meeting.gpu);
	return stood;
}

/* 08-vm-free-no-heaps-lock: its VM goes meanwhile, and the shrinker has the last reference */
static bool meets_destroy(void)
{
	static const char promise[] = "the shrinker frees a VM without the lock of its heaps";
	struct drm_panthor_tiler_heap_create heap = {
		.initial_chunk_count = 1,
		.chunk_size = 1 << 17,
		.max_chunks = 1,
		.target_in_flight = 1,
	};
	struct halt halt;
	struct gpu gpu;
	struct vm vm;
	struct bo bo;
	bool stood;
	int ret;

	if (access("/proc/lockdep", F_OK)) {
		skip("no lockdep", "%s", promise);
		return true;
	}

	/* What is allocated under that lock, so that lockdep knows */
	if (gpu_open(&gpu, NULL) || vm_create(&gpu, &vm))
		bail("cannot set up a client");
	heap.vm_id = vm.id;
	if (dev_ioctl(gpu.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap) || vm_destroy(&vm) ||
	    vm_create(&gpu, &vm) || bo_create(&gpu, &bo, 65536, 0, NULL) || bo_bind(&bo, &vm))
		bail("cannot set up a client");
	halt_start(&halt, IN_HAND, shrink_main, NULL);
	ret = vm_destroy(&vm);
	stood = halt_end(&halt);
	if (stood)
		ok(!kernel_complained() && !ret, "%s (%d)", promise, ret);
	gpu_close(&gpu);
	return stood;
}

static void test_in_hand(void)
{
	bool (*const meet[])(void) = { meets_request, meets_job, meets_destroy };
	const char *missing = halt_missing();
	int tries;

	if (missing) {
		skip(missing, "the shrinker meets a client");
		return;
	}
	for (size_t i = 0; i < sizeof(meet) / sizeof(meet[0]); i++) {
		for (tries = 0; tries < TRIES && !meet[i](); tries++)
			;
		ok(tries < TRIES, "the shrinker was held up when it met a client");
	}
}

int main(void)
{
	tap_start();
	test_sync_ops();
	test_late_bind();
	test_sparse();
	test_in_hand();
	return tap_end();
}
