// SPDX-License-Identifier: GPL-2.0
/*
 * Why a BO is skipped: the reasons and the locks that take two to bring about, each by its name in
 * the event where it really is the reason. One of the two is stopped halfway, see halt.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fence.h"
#include "halt.h"
#include "held.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define SIZE 65536
#define HANG_LOCKS "/sys/kernel/debug/panthor-sim/hang_locks"
#define POWER "/sys/bus/platform/devices/panthor/power/control"

/* A busy machine may be too slow to stop somebody in time */
#define TRIES 5

/* The most VMs of a BO that a request locks in advance */
#define ROOTS 8

/* A bind has the BO's list of mappings locked here, and keeps other binds out of the VM */
#define LINKS "drm_gpuva_link"
/* A bind has the VM's reservation object locked here */
#define ADDS "drm_gpuvm_bo_extobj_add"
/* A page fault has the BO's reservation object locked here */
#define FAULTS "vmf_insert_pfn"
/* The shrinker has a BO in hand here: off its list, and not locked yet */
#define IN_HAND "ww_mutex_trylock"
/* A request is about to lock a VM here, in a round that is not its first */
#define LOCKS_VM "ww_mutex_lock_interruptible"

/* A client with BOs, and what happens to it */
struct scene {
	struct gpu gpu;
	struct vm vms[ROOTS + 1];
	struct bo bo;
	struct bo other;
	struct held held;
	struct trace *trace;
	int ret;
};

static void make_bo(struct scene *scene, struct bo *bo, bool exclusive, const char *label)
{
	need(bo_create(&scene->gpu, bo, SIZE, 0, exclusive ? scene->vms : NULL), "create a BO");
	need(bo_label(bo, label), "label it");
}

static void open_scene(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	need(gpu_open(&scene->gpu, NULL), "open the device");
	need(vm_create(&scene->gpu, &scene->vms[0]), "make a VM");
}

static void close_scene(struct scene *scene)
{
	if (scene->trace)
		trace_free(scene->trace);
	gpu_close(&scene->gpu);
}

static void shrink(void *arg)
{
	(void)arg;
	shrink_pages(ALL_PAGES);
}

static void write_own(void *arg)
{
	struct scene *scene = arg;

	scene->ret = reclaim(getpid());
}

/* The skip of the BO with that label, or NULL */
static const struct event *skip_of(const struct trace *trace, const char *label)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_bo_evict_skip") &&
		    event_says(&trace->events[i], "label", label))
			return &trace->events[i];
	return NULL;
}

static bool says(const struct event *skip, const char *reason, const char *lock)
{
	if (skip && event_says(skip, "reason", reason) && event_says(skip, "lock", lock))
		return true;
	diag("%s instead of reason=%s lock=%s", skip ? skip->text : "no skip", reason, lock);
	return false;
}

/* What the run of the shrinker says of itself that debugfs had asked for */
static int64_t shrinker_value(const struct trace *trace, const char *key)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_reclaim_end") &&
		    event_says(&trace->events[i], "source", "debugfs"))
			return event_value(&trace->events[i], key);
	bail("the shrinker did not run");
}

/* What the one event of that name about a VM says */
static int64_t vm_value(const struct trace *trace, const char *name, const char *key)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], name))
			return event_value(&trace->events[i], key);
	bail("no %s", name);
}

static void unbind_half(void *arg)
{
	struct scene *scene = arg;
	struct bo half = scene->bo;

	half.va += SIZE / 2;
	half.size = SIZE / 2;
	scene->ret = bo_unbind(&half, &scene->vms[0]);
}

/* A bind has a BO's mappings in hand, and with them its VM */
static bool shrinker_meets_unbind(void)
{
	const struct event *skip;
	struct scene scene;
	struct halt halt;
	bool stood;

	open_scene(&scene);
	make_bo(&scene, &scene.bo, true, "cut");
	make_bo(&scene, &scene.other, true, "whole");
	need(bo_bind(&scene.bo, &scene.vms[0]), "bind it");
	need(bo_bind(&scene.other, &scene.vms[0]), "bind it");
	scene.trace = trace_start("panthor", NULL);
	halt_start(&halt, LINKS, unbind_half, &scene);
	shrink(NULL);
	stood = halt_end(&halt);
	trace_stop(scene.trace);
	if (stood) {
		skip = skip_of(scene.trace, "cut");
		ok(says(skip, "locked", "gpuva"),
		   "a bind changes the mappings of a BO: it is skipped for its gpuva lock");
		ok(skip && !event_value(skip, "va"), "which has no address meanwhile");
		skip = skip_of(scene.trace, "whole");
		ok(says(skip, "locked", "vm-op"), "the others of the VM for the lock of binds");
		ok(skip && (uint64_t)event_value(skip, "va") == scene.other.va,
		   "which have theirs");
	}
	close_scene(&scene);
	return stood;
}

static void bind_other(void *arg)
{
	struct scene *scene = arg;
	int last = ROOTS;

	while (!scene->vms[last].id)
		last--;
	scene->ret = bo_bind(&scene->other, &scene->vms[last]);
}

/* A bind has the VM of two BOs locked, one of which has a lock of its own */
static bool shrinker_meets_bind(void)
{
	struct scene scene;
	struct halt halt;
	struct bo inner;
	int64_t unseen;
	bool stood;

	open_scene(&scene);
	make_bo(&scene, &scene.bo, false, "own-lock");
	make_bo(&scene, &inner, true, "vm-lock");
	make_bo(&scene, &scene.other, false, "other");
	need(bo_bind(&scene.bo, &scene.vms[0]), "bind it");
	need(bo_bind(&inner, &scene.vms[0]), "bind it");
	scene.trace = trace_start("panthor", NULL);
	halt_start(&halt, ADDS, bind_other, &scene);
	shrink(NULL);
	stood = halt_end(&halt);
	trace_stop(scene.trace);
	if (stood) {
		ok(says(skip_of(scene.trace, "own-lock"), "locked", "vm-resv"),
		   "a VM is locked: a BO with a lock of its own is skipped for the VM's");
		unseen = shrinker_value(scene.trace, "unseen");
		ok(unseen == SIZE && !skip_of(scene.trace, "vm-lock"),
		   "one without is unseen (%lld bytes)", (long long)unseen);
		ok(vm_value(scene.trace, "panthor_vm_reclaim_begin", "bos") == 2 &&
			   vm_value(scene.trace, "panthor_vm_reclaim_begin", "size") == 2 * SIZE &&
			   vm_value(scene.trace, "panthor_vm_reclaim_end", "unseen") == SIZE,
		   "the VM's events have the BOs on its list, and what is unseen");
	}
	close_scene(&scene);
	return stood;
}

/* A request does not wait for more VMs of a BO than it can lock at once */
static bool request_meets_bind(void)
{
	const struct event *skip;
	struct scene scene;
	struct halt halt;
	int ret, dmabuf;
	bool stood;

	open_scene(&scene);
	make_bo(&scene, &scene.bo, false, "everywhere");
	make_bo(&scene, &scene.other, false, "other");
	/* The request is not to wait for what it may not evict */
	dmabuf = bo_export(&scene.other);
	need(dmabuf, "export it");
	for (int i = 0; i <= ROOTS; i++) {
		if (i)
			need(vm_create(&scene.gpu, &scene.vms[i]), "make a VM");
		need(bo_bind(&scene.bo, &scene.vms[i]), "bind it");
	}
	scene.trace = trace_start("panthor", NULL);
	halt_start(&halt, ADDS, bind_other, &scene);
	ret = reclaim(getpid());
	stood = halt_end(&halt);
	trace_stop(scene.trace);
	if (stood) {
		skip = skip_of(scene.trace, "everywhere");
		ok(says(skip, "locked", "vm-resv") && ret == -EBUSY,
		   "the last of %d VMs of a BO is locked: EBUSY, for the VM's lock (%d)", ROOTS + 1,
		   ret);
		ok(skip && !event_value(skip, "vm_id") &&
			   event_value(trace_end(scene.trace), "skipped_locked") == SIZE,
		   "it is private to no VM; the end event has it as skipped_locked");
	}
	close(dmabuf);
	close_scene(&scene);
	return stood;
}

static void touch(void *arg)
{
	struct scene *scene = arg;

	*(volatile char *)scene->bo.map = 1;
}

/* A writer that waits for the other end of *@gate: a page fault holds up who needs more memory */
static pid_t park_writer(int *gate)
{
	pid_t pid, target = getpid();
	int fds[2];
	char go;

	if (pipe2(fds, O_CLOEXEC))
		bail("no pipe");
	pid = fork();
	if (!pid)
		_exit(read(fds[0], &go, 1) == 1 ? -reclaim(target) : 255);
	if (pid < 0)
		bail("cannot fork");
	close(fds[0]);
	*gate = fds[1];
	return pid;
}

static bool request_meets_fault(void)
{
	struct scene scene;
	struct halt halt;
	int gate, status;
	pid_t writer;
	bool stood;

	open_scene(&scene);
	make_bo(&scene, &scene.bo, false, "touched");
	need(bo_bind(&scene.bo, &scene.vms[0]), "bind it");
	need(bo_map(&scene.bo), "map it");
	scene.trace = trace_start("panthor", NULL);
	writer = park_writer(&gate);
	halt_start(&halt, FAULTS, touch, &scene);
	if (write(gate, "", 1) != 1 || waitpid(writer, &status, 0) != writer)
		bail("no writer");
	stood = halt_end(&halt);
	trace_stop(scene.trace);
	if (stood) {
		ok(says(skip_of(scene.trace, "touched"), "locked", "resv") && WIFEXITED(status) &&
			   WEXITSTATUS(status) == EBUSY,
		   "a page fault has a BO of one VM locked: EBUSY, for the BO's lock (%#x)",
		   status);
		ok(event_value(trace_end(scene.trace), "skipped_locked") == SIZE &&
			   event_value(trace_end(scene.trace), "remaining") == SIZE,
		   "the end event has it as skipped_locked, and as remaining");
	}
	close(gate);
	bo_unmap(&scene.bo);
	close_scene(&scene);
	return stood;
}

/* A request evicts what the shrinker has in hand */
static bool shrinker_meets_request(void)
{
	const struct event *skip;
	struct scene scene;
	struct halt halt;
	bool stood;
	int ret;

	open_scene(&scene);
	make_bo(&scene, &scene.bo, false, "in-hand");
	need(bo_bind(&scene.bo, &scene.vms[0]), "bind it");
	need(bo_unbind(&scene.bo, &scene.vms[0]), "unbind it");
	scene.trace = trace_start("panthor", NULL);
	halt_start(&halt, IN_HAND, shrink, NULL);
	ret = reclaim(getpid());
	stood = halt_end(&halt);
	trace_stop(scene.trace);
	if (stood) {
		skip = skip_of(scene.trace, "in-hand");
		ok(says(skip, "changed", "none") && !ret,
		   "evicted by a request, the shrinker skips it as changed (%d)", ret);
		ok(skip && event_says(skip, "state", "unreclaimable") &&
			   shrinker_value(scene.trace, "skipped_other") == SIZE &&
			   !shrinker_value(scene.trace, "unseen"),
		   "as unreclaimable, and in skipped_other of its end");
	}
	close_scene(&scene);
	return stood;
}

/* A BO that keeps a request waiting, until the file that comes back is closed */
static int make_busy(struct scene *scene)
{
	int fence;

	make_bo(scene, &scene->bo, false, "late");
	need(bo_bind(&scene->bo, &scene->vms[0]), "bind it");
	fence = fence_block(&scene->bo);
	need(fence, "keep it busy");
	return fence;
}

/*
 * What somebody else evicts, even when the request's time to wait is over, is written as well:
 * nobody has to come again for it
 */
static bool request_meets_shrinker(void)
{
	const struct event *end;
	struct scene scene;
	struct halt halt;
	bool stood;
	int fence;

	open_scene(&scene);
	fence = make_busy(&scene);
	scene.trace = trace_start("panthor", NULL);
	halt_start(&halt, LOCKS_VM, write_own, &scene);
	close(fence);
	shrink(NULL);
	stood = halt_end(&halt);
	trace_stop(scene.trace);
	if (stood) {
		end = trace_end(scene.trace);
		ok(event_says(end, "cut_short", "busy") && !event_value(end, "evicted_bos"),
		   "the shrinker evicts a BO in the last round of a request");
		ok(!scene.ret && event_value(end, "written") == SIZE &&
			   !event_value(end, "unwritten"),
		   "the request writes it (%d, %lld bytes)", scene.ret,
		   (long long)event_value(end, "written"));
		ok(!skip_of(scene.trace, "late"), "it is not skipped");
	}
	close_scene(&scene);
	return stood;
}

static void set(const char *path, const char *value)
{
	ssize_t ret = write_file(path, value, strlen(value));

	if (ret < 0)
		bail("cannot write %s to %s: %s", value, path, strerror(-ret));
}

/* Have a job run in the VM, which is on the GPU from then on */
static bool run_job(struct scene *scene)
{
	held_start(&scene->held, &scene->vms[0], 0);
	held_release(&scene->held);
	return !held_wait(&scene->held);
}

/* The driver resets a GPU that does not answer; a write after that evicts what is left */
static bool evicts_after_reset(long boots, const char *label)
{
	int64_t until = now_ns() + 20 * NSEC;

	while (sim_counter("boots") == boots && now_ns() < until)
		usleep(10000);
	return sim_counter("boots") > boots && !reclaim(getpid()) &&
	       gem_sum(getpid(), label).evictions == 1;
}

/* The next command to the MMU does not end */
static void shrinker_meets_stuck_mmu(void)
{
	long boots = sim_counter("boots");
	struct scene scene;
	bool jobs;

	open_scene(&scene);
	jobs = run_job(&scene);
	need(bo_label(&scene.held.mem, "stuck"), "label it");
	scene.trace = trace_start("panthor", NULL);
	set(HANG_LOCKS, "1");
	shrink(NULL);
	trace_stop(scene.trace);
	if (ok_jobs(jobs && says(skip_of(scene.trace, "stuck"), "mmu-error", "none"),
		    "the MMU does not answer: the shrinker skips the BO as mmu-error")) {
		ok_jobs(shrinker_value(scene.trace, "skipped_other") == SIZE,
			"its end has it as skipped_other");
		ok_jobs(evicts_after_reset(boots, "stuck"), "after a reset it is evicted");
	}
	set(HANG_LOCKS, "0");
	held_unmap(&scene.held);
	close_scene(&scene);
}

/* Nor does it for a request that has no time left to try again */
static bool request_meets_stuck_mmu(void)
{
	long boots = sim_counter("boots");
	const struct event *end;
	struct scene scene;
	bool stood, jobs;
	struct halt halt;
	int fence;

	open_scene(&scene);
	jobs = run_job(&scene);
	/* Nothing else is left for it to do */
	need(reclaim(getpid()), "reclaim");
	fence = make_busy(&scene);
	scene.trace = trace_start("panthor", NULL);
	halt_start(&halt, LOCKS_VM, write_own, &scene);
	close(fence);
	set(HANG_LOCKS, "1");
	stood = halt_end(&halt);
	trace_stop(scene.trace);
	if (stood) {
		end = trace_end(scene.trace);
		ok_jobs(jobs && says(skip_of(scene.trace, "late"), "mmu-error", "none") &&
				event_value(end, "skipped_other") == SIZE && scene.ret == -EBUSY,
			"so does a request in its last round: EBUSY (%d)", scene.ret);
		ok_jobs(event_value(end, "remaining") >= SIZE, "it remains");
		ok_jobs(evicts_after_reset(boots, "late"), "after a reset the next evicts it");
	}
	set(HANG_LOCKS, "0");
	held_unmap(&scene.held);
	close_scene(&scene);
	return stood;
}

static void test_meeting(bool (*meet)(void))
{
	int tries;

	for (tries = 0; tries < TRIES && !meet(); tries++)
		;
	ok(tries < TRIES, "one was held up when the other came (try %d)", tries + 1);
}

int main(void)
{
	const char *missing = halt_missing();

	tap_start();
	if (missing) {
		skip(missing, "each reason for which a BO is skipped has its name");
		return tap_end();
	}
	test_meeting(shrinker_meets_unbind);
	test_meeting(shrinker_meets_bind);
	test_meeting(request_meets_bind);
	test_meeting(request_meets_fault);
	test_meeting(shrinker_meets_request);
	if (access(SW_SYNC, F_OK)) {
		skip("no sw_sync", "somebody comes in the last round of a request");
		return tap_end();
	}
	test_meeting(request_meets_shrinker);
	if (access(HANG_LOCKS, W_OK)) {
		skip("no simulated GPU", "an MMU that does not answer");
		return tap_end();
	}
	/* Off the GPU, a VM needs no command */
	set(POWER, "on");
	shrinker_meets_stuck_mmu();
	test_meeting(request_meets_stuck_mmu);
	set(POWER, "auto");
	return tap_end();
}
