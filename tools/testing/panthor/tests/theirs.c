// SPDX-License-Identifier: GPL-2.0
/*
 * What is somebody else's stays, whatever the target does meanwhile: more handles of a BO whose
 * dma-buf is in somebody's hands, handles that come and go, a file that is handed on.
 *
 * THEIRS_S=N how long writes meet handles that come and go, in seconds (5)
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "held.h"
#include "pattern.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define SIZE 65536
#define NAMES 3

/* More of these make a request take longer to count handles */
#define BOS 2000

/* What has to be done while a request waits, a busy machine may not do in time */
#define TRIES 3

/* Names are for card nodes only */
static void open_card(struct gpu *gpu, char *path, size_t size)
{
	need(gpu_open(gpu, NULL), "open the device");
	need(gpu_node(gpu, true, path, size), "find its card node");
	gpu_close(gpu);
	need(gpu_open(gpu, path), "open its card node");
}

/* How often BOs with this label were evicted after an event */
static int evicted_after(const struct trace *trace, const struct event *event, const char *label)
{
	int count = 0;

	for (; event < trace->events + trace->nr_events; event++)
		count += event_is(event, "panthor_bo_evict") && event_says(event, "label", label);
	return count;
}

static int evicted(pid_t target, const char *label, int *ret)
{
	struct trace *trace = trace_start("panthor", NULL);
	int count;

	*ret = reclaim(target);
	trace_stop(trace);
	count = evicted_after(trace, trace->events, label);
	trace_free(trace);
	return count;
}

/* A handle by name has no reference on the dma-buf, which somebody maps */
static void test_names(void)
{
	struct bo bo, second[NAMES];
	char path[64];
	struct gpu gpu;
	uint32_t name;
	void *theirs;
	int fd, ret, count;

	open_card(&gpu, path, sizeof(path));
	need(bo_create(&gpu, &bo, SIZE, 0, NULL), "create a BO");
	need(bo_label(&bo, "exported"), "label it");
	need(bo_map(&bo), "map it");
	pattern_fill(bo.map, bo.size, 1, 0);
	fd = bo_export(&bo);
	need(fd, "export it");
	theirs = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (theirs == MAP_FAILED)
		bail("cannot map a dma-buf: %s", strerror(errno));
	/* So that it is mapped, too */
	pattern_fill(theirs, SIZE, 2, 0);
	need(bo_name(&bo, &name), "name it");
	for (int i = 0; i < NAMES; i++)
		need(bo_open(&gpu, &second[i], name), "open it by name");

	count = evicted(getpid(), "exported", &ret);
	ok(!count, "a BO with a dma-buf and several flink handles is not evicted (%d)", ret);
	close(fd);
	count = evicted(getpid(), "exported", &ret);
	ok(!count, "it is not when only a mapping of the dma-buf is left (%d)", ret);
	pattern_fill(theirs, SIZE, 3, 0);
	ok(pattern_verify(bo.map, SIZE, 3, 0) == SIZE,
	   "the target reads what is written through that mapping");
	count = 0;
	for (int i = 0; i < NAMES; i++) {
		bo_close(&second[i]);
		count += evicted(getpid(), "exported", &ret);
	}
	ok(!count, "it is not evicted while its handles are closed one by one (%d)", ret);
	munmap(theirs, SIZE);
	bo_unmap(&bo);
	gpu_close(&gpu);
}

static atomic_bool over;
static atomic_long turns;

struct opener {
	struct gpu *gpu;
	uint32_t name;
};

static void *opener_main(void *arg)
{
	struct opener *opener = arg;
	struct bo bo;

	while (!over) {
		need(bo_open(opener->gpu, &bo, opener->name), "open by name");
		bo_close(&bo);
		turns++;
	}
	return NULL;
}

/* Another process with a handle, until it is killed */
static pid_t start_holder(const char *path, uint32_t name)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		bail("cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		struct gpu gpu;
		struct bo bo;

		if (gpu_open(&gpu, path) || bo_open(&gpu, &bo, name) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		bail("no other process");
	close(ready[0]);
	return pid;
}

/* Handles of the target's that come while they are counted */
static void test_handles(void)
{
	int64_t until;
	long writes;
	struct opener opener;
	struct trace *trace;
	struct bo bo, more;
	pthread_t thread;
	struct gpu gpu;
	char path[64];
	pid_t holder;
	int wrong;

	open_card(&gpu, path, sizeof(path));
	need(bo_create(&gpu, &bo, PATTERN_PAGE, 0, NULL), "create a BO");
	need(bo_label(&bo, "held-by-two"), "label it");
	need(bo_map(&bo), "map it");
	pattern_fill(bo.map, bo.size, 1, 0);
	opener.gpu = &gpu;
	need(bo_name(&bo, &opener.name), "name it");
	holder = start_holder(path, opener.name);
	for (int i = 0; i < BOS; i++)
		need(bo_create(&gpu, &more, PATTERN_PAGE, 0, NULL), "create many BOs");

	if (pthread_create(&thread, NULL, opener_main, &opener))
		bail("cannot start a thread");
	while (!turns)
		usleep(1000);
	trace = trace_start("panthor:panthor_bo_evict", NULL);
	until = now_ns() + knob("THEIRS_S", 5) * NSEC;
	for (writes = 0; !writes || now_ns() < until; writes++) {
		reclaim(getpid());
		/* Swapped in, if it was evicted */
		if (pattern_verify(bo.map, bo.size, 1, 0) != bo.size)
			bail("lost data");
	}
	over = true;
	pthread_join(thread, NULL);
	trace_stop(trace);
	wrong = evicted_after(trace, trace->events, "held-by-two");
	ok(!wrong,
	   "a BO with a handle of another process is not evicted while the target's own handles come "
	   "and go (%d times, %ld writes, %ld handles)",
	   wrong, writes, turns);
	trace_free(trace);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	bo_unmap(&bo);
	gpu_close(&gpu);
}

/*
 * Hand the file to a child while a write for this process waits for a job, and then let the job
 * end. Returns how many BOs were evicted after that, -1 if the write did not wait for so long
 */
static int hand_over(void)
{
	struct trace *trace;
	struct held held;
	struct gpu gpu;
	struct vm vm;
	struct bo bo;
	pid_t writer, child, parent = getpid();
	const struct event *handed;
	uint32_t timeline;
	int count, status;

	need(gpu_open(&gpu, NULL), "open the device");
	need(vm_create(&gpu, &vm), "make a VM");
	need(bo_create(&gpu, &bo, SIZE, 0, &vm), "create a BO");
	need(bo_label(&bo, "handed-on"), "label it");
	need(bo_bind(&bo, &vm), "bind it");
	need(bo_map(&bo), "map it");
	pattern_fill(bo.map, bo.size, 1, 0);
	/* A handle would tell whose it is */
	bo_close(&bo);
	trace = trace_start("panthor", NULL);
	held_start(&held, &vm, 0);
	writer = fork();
	if (!writer)
		_exit(-reclaim(parent));
	if (!trace_wait(trace, "panthor_reclaim_begin", 1))
		bail("no request");
	usleep(100000);
	child = fork();
	if (!child) {
		/* The file is the child's as soon as it uses it */
		if (timeline_create(&gpu, &timeline))
			_exit(1);
		trace_mark(trace, "handed on");
		held_release(&held);
		for (;;)
			pause();
	}
	waitpid(writer, &status, 0);
	trace_stop(trace);
	handed = NULL;
	for (int i = 0; i < trace->nr_events && !handed; i++)
		if (event_is(&trace->events[i], "tracing_mark_write"))
			handed = &trace->events[i];
	count = handed && handed < trace_end(trace) &&
				!event_says(trace_end(trace), "cut_short", "busy")
			? evicted_after(trace, handed, "handed-on")
			: -1;
	trace_free(trace);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	held_unmap(&held);
	bo_unmap(&bo);
	gpu_close(&gpu);
	return count;
}

static void test_handed_on(void)
{
	static const char what[] = "a file that is handed to another process while a write waits "
				   "is not reclaimed any more";
	int count = -1;

	for (int i = 0; i < TRIES && count < 0; i++)
		count = hand_over();
	if (count < 0)
		skip("the machine is too busy", "%s", what);
	else
		ok(!count, "%s (%d BOs)", what, count);
}

int main(void)
{
	tap_start();
	test_names();
	test_handles();
	test_handed_on();
	return tap_end();
}
