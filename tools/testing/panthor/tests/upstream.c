// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of upstream's own that hooks/fixes mends: a promise is broken without the patch that is
 * named with it. The three races are lost seldom, even then; a passed one is no proof.
 *
 * RACES=N how often a client meets the shrinker where they seldom do (100)
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
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

#define RACE_BOS 16
#define RACE_BO_SIZE 65536

static atomic_bool over;

/*
 * Where the client sleeps the shrinker runs, and where it wakes the shrinker stops: anywhere, with
 * a BO in its hands
 */
static void share_cpu(int policy)
{
	struct sched_param param = {};
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) || sched_setscheduler(0, policy, &param))
		bail("cannot choose a CPU");
}

static void *shrinker_main(void *arg)
{
	(void)arg;
	share_cpu(SCHED_IDLE);
	while (!over)
		shrink_pages(ALL_PAGES);
	return NULL;
}

struct racer {
	struct gpu gpu;
	struct vm vm;
	struct jobs jobs;
	struct bo bos[RACE_BOS];
};

static int racer_open(struct racer *racer)
{
	int ret = gpu_open(&racer->gpu, NULL);

	if (!ret)
		ret = vm_create(&racer->gpu, &racer->vm);
	if (!ret)
		ret = jobs_init(&racer->jobs, &racer->vm);
	for (int i = 0; i < RACE_BOS && !ret; i++)
		ret = bo_create(&racer->gpu, &racer->bos[i], RACE_BO_SIZE, 0, NULL);
	return ret;
}

static int racer_bind(struct racer *racer, bool bind)
{
	int ret = 0;

	for (int i = 0; i < RACE_BOS && !ret; i++)
		ret = bind ? bo_bind(&racer->bos[i], &racer->vm)
			   : bo_unbind(&racer->bos[i], &racer->vm);
	return ret;
}

/* 01-gem-skip-unreclaimable: BOs that are pinned as long as a VM_BIND waits */
static int race_pin(struct racer *racer, long round)
{
	struct drm_panthor_sync_op wait = { .flags = WAIT, .handle = racer->jobs.timeline };
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &wait),
		.size = RACE_BO_SIZE,
	};
	int ret = racer_bind(racer, true);

	if (!ret)
		ret = racer_bind(racer, false);
	if (!ret)
		ret = jobs_gate(&racer->jobs);
	wait.timeline_value = racer->jobs.point;
	usleep(round * 37 % 1000);
	for (int i = 0; i < RACE_BOS && !ret; i++) {
		op.bo_handle = racer->bos[i].handle;
		op.va = racer->bos[i].va;
		ret = bind_async(&racer->vm, &op);
	}
	usleep(2000);
	jobs_open_gate(&racer->jobs);
	return ret ? ret : jobs_wait(&racer->jobs, racer->jobs.point, now_ns() + JOB_PATIENCE);
}

/* 02-gem-skip-busy: BOs that a job gets hold of */
static int race_job(struct racer *racer, long round)
{
	int ret = racer_bind(racer, true);

	if (!ret)
		ret = racer_bind(racer, false);
	usleep(round * 37 % 1000);
	if (!ret)
		ret = racer_bind(racer, true);
	for (int i = 0; i < RACE_BOS && !ret; i++)
		ret = jobs_fill(&racer->jobs, &racer->bos[i], i + 1);
	return ret;
}

/* 08-vm-free-no-heaps-lock: a VM that goes while the shrinker looks at it */
static int race_close(struct racer *racer, long round)
{
	int ret = racer_bind(racer, true);

	usleep(round * 37 % 1000);
	jobs_fini(&racer->jobs);
	gpu_close(&racer->gpu);
	return ret ? ret : racer_open(racer);
}

static int race(int (*step)(struct racer *racer, long round), long rounds)
{
	static struct racer racer;
	int ret;

	share_cpu(SCHED_OTHER);
	ret = racer_open(&racer);
	for (long round = 0; round < rounds && !ret; round++)
		ret = step(&racer, round);
	if (ret)
		diag("%s", strerror(-ret));
	return ret;
}

static void test_races(void)
{
	static const struct {
		const char *what;
		int (*step)(struct racer *racer, long round);
	} races[] = {
		{ "pins BOs", race_pin },
		{ "starts jobs", race_job },
		{ "comes and goes", race_close },
	};
	struct drm_panthor_tiler_heap_create heap = {
		.initial_chunk_count = 1,
		.chunk_size = 1 << 17,
		.max_chunks = 1,
		.target_in_flight = 1,
	};
	long rounds = knob("RACES", 100);
	pthread_t shrinker;
	struct gpu gpu;
	struct vm vm;
	int status;
	pid_t pid;

	/* What is allocated under the lock of a VM's heaps, so that lockdep knows */
	if (gpu_open(&gpu, NULL) || vm_create(&gpu, &vm))
		bail("cannot set up a client");
	heap.vm_id = vm.id;
	if (dev_ioctl(gpu.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap))
		bail("cannot make a heap");
	gpu_close(&gpu);

	debugfs_dir();
	if (pthread_create(&shrinker, NULL, shrinker_main, NULL))
		bail("cannot start a thread");
	for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++) {
		pid = fork();
		if (!pid)
			_exit(race(races[i].step, rounds) ? 1 : 0);
		ok_jobs(pid > 0 && waitpid(pid, &status, 0) == pid && !status,
			"a client %s while the shrinker looks at it", races[i].what);
		ok(!kernel_complained(), "the kernel logs no warning");
	}
	over = true;
	pthread_join(shrinker, NULL);
}

int main(void)
{
	tap_start();
	test_sync_ops();
	test_late_bind();
	test_sparse();
	test_races();
	return tap_end();
}
