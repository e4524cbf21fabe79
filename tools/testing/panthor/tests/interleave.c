// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim and what a client has under way: a job that is older than a mapping, a VM_BIND that waits
 * for a job or takes long, BOs that are evicted already when swap is short.
 *
 * A busy machine makes everything take longer. What is promised is therefore seen by the order in
 * which things happen.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fence.h"
#include "held.h"
#include "job.h"
#include "pattern.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"
#include "trace.h"

#define SIZE 65536

/* What has to be done while something else lasts, a busy machine may not do in time */
#define TRIES 3

/* Time for a request to look at all it has found; more is no harm */
#define LOOK_US 200000

static void shrink(void)
{
	need(shrink_pages(ALL_PAGES), "have the shrinker run");
}

static void open_vm(struct gpu *gpu, struct vm *vm)
{
	need(gpu_open(gpu, NULL), "open the device");
	need(vm_create(gpu, vm), "make a VM");
}

static void make_bo(struct gpu *gpu, struct bo *bo, uint64_t size, const struct vm *vm,
		    const char *label)
{
	need(bo_create(gpu, bo, size, 0, vm), "create a BO");
	need(bo_label(bo, label), "label it");
	need(bo_map(bo), "map it");
	pattern_fill(bo->map, bo->size, 1, 0);
}

/* A write for this process, by another; its exit status is the error */
static pid_t start_writer(void)
{
	pid_t pid, target = getpid();

	pid = fork();
	if (!pid)
		_exit(-reclaim(target));
	if (pid < 0)
		bail("cannot fork");
	return pid;
}

static int wait_writer(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* One that is at work, and has seen all there is */
static pid_t start_waiting_writer(const struct trace *trace)
{
	pid_t pid = start_writer();

	if (!trace_wait(trace, "panthor_reclaim_begin", 1))
		bail("no request");
	usleep(LOOK_US);
	return pid;
}

/* A job stores to a BO that was mapped when it was there already */
static void test_under_job(bool exclusive, bool shrinker)
{
	uint32_t stored;
	struct held held;
	struct gpu gpu;
	struct vm vm;
	struct bo bo;
	int ret;

	open_vm(&gpu, &vm);
	make_bo(&gpu, &bo, SIZE, exclusive ? &vm : NULL, "late");
	held_start(&held, &vm, bo.va);
	need(bo_bind(&bo, &vm), "bind it");
	if (shrinker)
		shrink();
	else
		reclaim(getpid());
	held_release(&held);
	ret = held_wait(&held);
	memcpy(&stored, bo.map, sizeof(stored));
	ok_jobs(!ret && stored == HELD_VALUE,
		"a job stores to %s BO that was bound while it ran, beside %s (%d)",
		exclusive ? "an exclusive" : "a", shrinker ? "the shrinker" : "a write", ret);
	held_unmap(&held);
	bo_unmap(&bo);
	gpu_close(&gpu);
}

static int bind_after(const struct held *held, const struct bo *bo, const struct vm *vm)
{
	struct drm_panthor_sync_op wait = {
		.flags = DRM_PANTHOR_SYNC_OP_WAIT |
			 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
		.handle = held->timeline,
		.timeline_value = 1,
	};
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
		.bo_handle = bo->handle,
		.va = bo->va,
		.size = bo->size,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &wait),
	};
	struct drm_panthor_vm_bind args = {
		.vm_id = vm->id,
		.flags = DRM_PANTHOR_VM_BIND_ASYNC,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};

	return dev_ioctl(vm->gpu->fd, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static int64_t vm_in(const struct trace *trace, const char *name, int64_t bo_id)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], name) &&
		    event_value(&trace->events[i], "bo_id") == bo_id)
			return event_value(&trace->events[i], "vm_id");
	return -1;
}

/* The VM is destroyed while a request waits for its job, and its handle is used again */
static void test_gone(bool again)
{
	struct vm vm, new = {};
	struct trace *trace;
	int64_t bo_id = -1;
	struct held held;
	struct gpu gpu;
	struct bo bo;
	pid_t writer;
	uint32_t id;

	open_vm(&gpu, &vm);
	make_bo(&gpu, &bo, SIZE, NULL, "gone");
	need(bo_bind(&bo, &vm), "bind it");
	id = vm.id;
	held_start(&held, &vm, 0);
	trace = trace_start("panthor", NULL);
	writer = start_waiting_writer(trace);
	need(vm_destroy(&vm), "destroy the VM");
	if (again)
		need(vm_create(&gpu, &new), "make a VM");
	held_release(&held);
	wait_writer(writer);
	/* Swapped in */
	*(volatile char *)bo.map = 1;
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_bo_evict") &&
		    event_says(&trace->events[i], "label", "gone"))
			bo_id = event_value(&trace->events[i], "bo_id");
	ok_jobs((!again || new.id == id) && !vm_in(trace, "panthor_bo_evict", bo_id) &&
			!vm_in(trace, "panthor_bo_writeback", bo_id) &&
			!vm_in(trace, "panthor_bo_swapin", bo_id),
		"a VM that was destroyed before the eviction%s: the BO is in none, in each event",
		again ? ", and its handle used again" : "");
	trace_free(trace);
	held_unmap(&held);
	bo_unmap(&bo);
	gpu_close(&gpu);
}

static bool bound_bo_evicted(void)
{
	struct trace *trace;
	struct held held;
	struct gpu gpu;
	struct vm vm[2];
	struct bo bo;
	bool evicted = false;
	pid_t writer;

	open_vm(&gpu, &vm[0]);
	need(vm_create(&gpu, &vm[1]), "make a VM");
	make_bo(&gpu, &bo, SIZE, &vm[1], "bound-later");
	held_start(&held, &vm[0], 0);
	need(bind_after(&held, &bo, &vm[1]), "bind it later");
	trace = trace_start("panthor", NULL);
	writer = start_waiting_writer(trace);
	held_release(&held);
	wait_writer(writer);
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++)
		evicted |= event_is(&trace->events[i], "panthor_bo_evict") &&
			   event_says(&trace->events[i], "label", "bound-later");
	trace_free(trace);
	held_unmap(&held);
	bo_unmap(&bo);
	gpu_close(&gpu);
	return evicted;
}

static void test_pinned(void)
{
	bool evicted = false;

	for (int i = 0; i < TRIES && !evicted; i++)
		evicted = bound_bo_evicted();
	ok_jobs(evicted,
		"a BO that a VM_BIND has pinned until a job ends is waited for, and evicted");
}

/* Writing back what is idle takes longer than there is for waiting */
static void test_bound(void)
{
	static const char what[] = "what is busy is waited for for a second, besides writing back";
	const char *disk = slow_disk(20, 64);
	struct trace *trace;
	struct held held;
	struct jobs jobs;
	struct bo big, busy;
	struct gpu gpu;
	struct vm vm[2];
	pid_t writer;
	int64_t waited;
	int ret;

	if (!disk) {
		skip("no null_blk", "%s", what);
		return;
	}
	set_swap(ZRAM, false);
	set_swap(disk, true);
	open_vm(&gpu, &vm[0]);
	need(vm_create(&gpu, &vm[1]), "make a VM");
	need(jobs_init(&jobs, &vm[1]), "make a group");
	make_bo(&gpu, &big, 8 << 20, &vm[0], "big");
	need(bo_bind(&big, &vm[0]), "bind it");
	make_bo(&gpu, &busy, SIZE, &vm[1], "busy");
	need(bo_bind(&busy, &vm[1]), "bind it");
	need(jobs_gate(&jobs), "keep the GPU busy");
	held_start(&held, &vm[0], 0);
	trace = trace_start("panthor", NULL);
	/* It has begun to wait by the time it writes what this job has used */
	writer = start_waiting_writer(trace);
	held_release(&held);
	ret = wait_writer(writer);
	trace_stop(trace);
	jobs_open_gate(&jobs);
	waited = event_value(trace_end(trace), "fence_ns");
	ok_jobs(waited > NSEC * 9 / 10, "%s (%d, %lld ms of %lld ms)", what, ret,
		(long long)waited / 1000000,
		(long long)event_value(trace_end(trace), "duration_ns") / 1000000);
	trace_free(trace);
	jobs_wait(&jobs, jobs.point, now_ns() + JOB_PATIENCE);
	jobs_fini(&jobs);
	held_unmap(&held);
	bo_unmap(&busy);
	bo_unmap(&big);
	gpu_close(&gpu);
	set_swap(disk, false);
	set_swap(ZRAM, true);
	remove_slow_disk();
}

/* Evicted already, in RAM, and no swap */
static void test_no_swap(void)
{
	struct gpu gpu;
	struct bo bo;
	int ret;

	need(gpu_open(&gpu, NULL), "open the device");
	make_bo(&gpu, &bo, 8 << 20, NULL, "swapless");
	shrink();
	set_swap(ZRAM, false);
	ret = reclaim(getpid());
	ok(ret == -ENOSPC, "evicted by the shrinker, without swap: ENOSPC (%d)", ret);
	set_swap(ZRAM, true);
	ret = reclaim(getpid());
	ok(!ret, "with swap it is written (%d)", ret);
	set_swap(ZRAM, false);
	ret = reclaim(getpid());
	ok(ret == -ENOSPC, "read back by swapoff: ENOSPC (%d)", ret);
	set_swap(ZRAM, true);
	ok(pattern_verify(bo.map, bo.size, 1, 0) == bo.size, "the data is intact after that");
	bo_unmap(&bo);
	gpu_close(&gpu);
}

/* Swap for one BO of two, one of which is evicted already */
static void test_owed(void)
{
	static const char what[] = "room in swap is for what is evicted already: nothing else is "
				   "evicted in vain";
	const char *zram = small_zram(20 << 10);
	struct trace *trace;
	struct bo old, fresh;
	struct gem_sum sum;
	int64_t unwritten;
	struct gpu gpu;
	int ret;

	if (!zram) {
		skip("no second zram device", "%s", what);
		return;
	}
	need(gpu_open(&gpu, NULL), "open the device");
	make_bo(&gpu, &old, 16 << 20, NULL, "old");
	shrink();
	make_bo(&gpu, &fresh, 16 << 20, NULL, "fresh");
	set_swap(ZRAM, false);
	set_swap(zram, true);
	trace = trace_start("panthor", NULL);
	ret = reclaim(getpid());
	trace_stop(trace);
	sum = gem_sum(getpid(), "fresh");
	unwritten = event_value(trace_end(trace), "unwritten");
	ok(!unwritten || sum.resident, "%s (%d, %lld bytes not written)", what, ret,
	   (long long)unwritten);
	trace_free(trace);
	set_swap(ZRAM, true);
	set_swap(zram, false);
	remove_zram(zram);
	bo_unmap(&old);
	bo_unmap(&fresh);
	gpu_close(&gpu);
}

/* Waiting for a job's end by the shrinker is in the time of one VM, once */
static void test_account(void)
{
	int64_t of_vms = 0, of_requests = 0;
	struct trace *trace;
	struct held held;
	struct gpu gpu;
	struct vm vm;
	struct bo bo;

	open_vm(&gpu, &vm);
	make_bo(&gpu, &bo, SIZE, &vm, "busy");
	need(bo_bind(&bo, &vm), "bind it");
	held_start(&held, &vm, 0);
	trace = trace_start("panthor", NULL);
	shrink();
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_vm_reclaim_end"))
			of_vms += event_value(event, "duration_ns");
		else if (event_is(event, "panthor_reclaim_end"))
			of_requests += event_value(event, "duration_ns");
	}
	ok(of_requests && of_vms <= of_requests,
	   "the shrinker during a job: the time of the VMs does not exceed the request's (%lld us, %lld us)",
	   (long long)of_vms / 1000, (long long)of_requests / 1000);
	trace_free(trace);
	held_release(&held);
	held_wait(&held);
	held_unmap(&held);
	bo_unmap(&bo);
	gpu_close(&gpu);
}

/* Time that a request waited for VMs, for a BO with a fence of its own, and for other BOs */
struct waits {
	int64_t vm_ns, alone_ns, other_ns;
};

/*
 * A VM has an exclusive BO and one that is not, a second VM has a third BO. A request waits for a
 * job of the first VM; or for a @fence of the third BO, which is in both VMs then. False if it did
 * not wait, or not until the end
 */
static bool wait_for_jobs(bool fence, struct waits *waits)
{
	int timeline = -1, evicted = 0;
	struct trace *trace;
	struct bo bos[3];
	struct held held;
	struct gpu gpu;
	struct vm vm[2];
	pid_t writer;

	memset(waits, 0, sizeof(*waits));
	open_vm(&gpu, &vm[0]);
	need(vm_create(&gpu, &vm[1]), "make a VM");
	for (int i = 0; i < 3; i++) {
		make_bo(&gpu, &bos[i], SIZE, i ? NULL : &vm[0], i == 2 ? "both" : "single");
		need(bo_bind(&bos[i], &vm[i == 2]), "bind it");
	}
	held_init(&held, &vm[0]);
	if (fence) {
		need(bo_bind(&bos[2], &vm[0]), "bind it");
		timeline = fence_block(&bos[2]);
		need(timeline, "keep it busy");
	} else {
		held_submit(&held, 0);
	}
	trace = trace_start("panthor", NULL);
	writer = start_waiting_writer(trace);
	if (fence)
		fence_end(timeline);
	held_release(&held);
	wait_writer(writer);
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_vm_reclaim_end"))
			waits->vm_ns += event_value(event, "fence_ns");
		if (!event_has(event, "wait_ns"))
			continue;
		evicted += event_is(event, "panthor_bo_evict") && event_says(event, "kind", "user");
		if (fence && event_says(event, "label", "both"))
			waits->alone_ns += event_value(event, "wait_ns");
		else
			waits->other_ns += event_value(event, "wait_ns");
	}
	trace_free(trace);
	if (!fence)
		held_wait(&held);
	held_unmap(&held);
	for (int i = 0; i < 3; i++)
		bo_unmap(&bos[i]);
	gpu_close(&gpu);
	/* Besides the three, what the job is told by */
	return waits->vm_ns && evicted == 4;
}

/* The time in which a VM's jobs are waited for is the VM's, and none of its BOs' */
static void test_wait(bool fence)
{
	const char *what = fence ? "a fence of a BO alone" : "a job of a VM";
	struct waits waits = {};
	bool waited = false;

	for (int i = 0; i < TRIES && !waited; i++)
		waited = wait_for_jobs(fence, &waits);
	ok_jobs(waited, "%s: a request waits for it, and then evicts", what);
	if (fence)
		ok(waits.alone_ns > 0, "%s: wait_ns of that BO is the wait (%lld ns)", what,
		   (long long)waits.alone_ns);
	ok(!waits.other_ns, "%s: wait_ns of each other BO is 0 (%lld ns)", what,
	   (long long)waits.other_ns);
}

/* A VM_BIND that takes long: its size grows until it does */
struct long_bind {
	struct vm *vm;
	uint64_t size;
	atomic_bool done;
	int ret;
};

#define LONG_BIND_VA (1ULL << 44)
#define LONG_BIND_MIN (1ULL << 36)
#define LONG_BIND_MAX (1ULL << 43)
#define LONG_BIND_NS (NSEC / 2)

static int sparse_bind(const struct long_bind *bind, bool map)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = map ? DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
					 DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE
			     : DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = LONG_BIND_VA,
		.size = bind->size,
	};
	struct drm_panthor_vm_bind args = {
		.vm_id = bind->vm->id,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};

	return dev_ioctl(bind->vm->gpu->fd, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static void *long_bind_main(void *arg)
{
	struct long_bind *bind = arg;

	bind->ret = sparse_bind(bind, true);
	bind->done = true;
	return NULL;
}

static void ignore(int number)
{
	(void)number;
}

/* Asleep in write(), by /proc; who waits for a mutex may look at it for a while before */
static bool is_asleep_in_write(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	/* "running", or the number of what it is in */
	return strspn(text, "0123456789") && atol(text) == SYS_write;
}

/* Is a write that waits for the bind gone after the signal, and before the bind is through? */
static bool gone_before_bind(struct long_bind *bind, int number, int *ret)
{
	pthread_t thread;
	bool before;
	pid_t writer;
	int asleep = 0;

	bind->done = false;
	if (pthread_create(&thread, NULL, long_bind_main, bind))
		bail("cannot start a thread");
	usleep(50000);
	writer = start_writer();
	while (!bind->done && asleep < 5) {
		usleep(10000);
		asleep = is_asleep_in_write(writer) ? asleep + 1 : 0;
	}
	kill(writer, number);
	*ret = wait_writer(writer);
	/* Whoever waited for the bind is gone no sooner than that, give or take this much */
	usleep(10000);
	before = !bind->done;
	pthread_join(thread, NULL);
	need(bind->ret, "bind a lot");
	need(sparse_bind(bind, false), "unbind it");
	return before;
}

static void test_signal(struct long_bind *bind, int number, const char *what)
{
	bool before = false;
	int ret = 0;

	/* It may have evicted something before the bind was under way, and succeed */
	for (int i = 0; i < TRIES && !(before && ret == -EINTR); i++)
		before = gone_before_bind(bind, number, &ret);
	ok(before && ret == -EINTR, "%s at once ends a write that waits for a VM_BIND (%d)", what,
	   ret);
}

/* The shrinker does not wait for it, and says which lock it met */
static void test_shrinker_meets_bind(struct long_bind *bind, struct bo *bo)
{
	const struct event *skip = NULL;
	bool met = false;

	for (int i = 0; i < TRIES && !met; i++) {
		struct trace *trace = trace_start("panthor:panthor_bo_evict_skip", NULL);
		pthread_t thread;

		/* If the shrinker came before the bind, the BO is evicted */
		if (i)
			need(bo_unbind(bo, bind->vm) ?: bo_bind(bo, bind->vm), "bind it again");
		bind->done = false;
		if (pthread_create(&thread, NULL, long_bind_main, bind))
			bail("cannot start a thread");
		usleep(50000 << i);
		shrink();
		trace_stop(trace);
		pthread_join(thread, NULL);
		need(bind->ret, "bind a lot");
		need(sparse_bind(bind, false), "unbind it");
		for (int j = 0; j < trace->nr_events; j++)
			if (event_says(&trace->events[j], "label", "bound"))
				skip = &trace->events[j];
		met = skip && event_says(skip, "reason", "locked") &&
		      event_says(skip, "lock", "vm-op");
		if (!met)
			diag("%s", skip ? skip->text : "no skip");
		trace_free(trace);
		skip = NULL;
	}
	ok(met, "the shrinker during a VM_BIND: the lock that it met is vm-op");
}

static void test_signals(void)
{
	struct sigaction action = { .sa_handler = ignore };
	struct long_bind bind = { .size = LONG_BIND_MIN };
	int64_t t0, took = 0;
	struct gpu gpu;
	struct vm vm;
	struct bo bo;

	sigaction(SIGUSR1, &action, NULL);
	open_vm(&gpu, &vm);
	make_bo(&gpu, &bo, SIZE, &vm, "bound");
	need(bo_bind(&bo, &vm), "bind it");
	bind.vm = &vm;
	while (took < LONG_BIND_NS && bind.size < LONG_BIND_MAX) {
		bind.size *= 2;
		t0 = now_ns();
		need(sparse_bind(&bind, true), "bind a lot");
		took = now_ns() - t0;
		need(sparse_bind(&bind, false), "unbind it");
	}
	test_shrinker_meets_bind(&bind, &bo);
	test_signal(&bind, SIGKILL, "SIGKILL");
	test_signal(&bind, SIGUSR1, "a signal with a handler");
	bo_unmap(&bo);
	gpu_close(&gpu);
}

int main(void)
{
	tap_start();
	test_under_job(true, false);
	test_under_job(false, false);
	test_under_job(true, true);
	test_under_job(false, true);
	test_gone(false);
	test_gone(true);
	test_pinned();
	test_account();
	test_wait(false);
	if (access(SW_SYNC, F_OK))
		skip("no sw_sync", "wait_ns of a BO that was waited for is the wait");
	else
		test_wait(true);
	test_bound();
	test_no_swap();
	test_owed();
	test_signals();
	return tap_end();
}
