// SPDX-License-Identifier: GPL-2.0
/*
 * What single fields of the events say, as Documentation/gpu/panthor-reclaim.rst and the kernel-doc
 * of the events have it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "held.h"
#include "job.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define SIZE 65536ULL
#define ROUNDS 32
#define MAX_IDS 4096

/* As long as a label in an event can be, without the end of the string */
#define LABEL_MOST 127

static void open_vm(struct gpu *gpu, struct vm *vm)
{
	need(gpu_open(gpu, NULL), "open the device");
	need(vm_create(gpu, vm), "make a VM");
}

/* A BO with pages; @vm: exclusive to it */
static void make_bo(struct gpu *gpu, struct bo *bo, uint32_t flags, const struct vm *vm,
		    const char *label)
{
	need(bo_create(gpu, bo, SIZE, flags, vm), "create a BO");
	need(bo_label(bo, label), "label it");
	if (flags & DRM_PANTHOR_BO_NO_MMAP)
		return;
	need(bo_map(bo), "map it");
	memset(bo->map, 1, bo->size);
}

/* The event called @name about the BO with that label, or NULL */
static const struct event *about(const struct trace *trace, const char *name, const char *label)
{
	size_t len = strlen(label);

	for (int i = 0; i < trace->nr_events; i++) {
		const char *at = strstr(trace->events[i].text, " label=");

		if (event_is(&trace->events[i], name) && at && !strncmp(at + 7, label, len) &&
		    !at[7 + len])
			return &trace->events[i];
	}
	return NULL;
}

static struct trace *traced_reclaim(void)
{
	struct trace *trace = trace_start("panthor", NULL);

	need(reclaim(getpid()), "reclaim");
	trace_stop(trace);
	return trace;
}

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int doubles(int64_t *numbers, int count)
{
	int twice = 0;

	qsort(numbers, count, sizeof(*numbers), by_number);
	for (int i = 1; i < count; i++)
		twice += numbers[i] == numbers[i - 1];
	return twice;
}

/* What is freed leaves its place in memory to the next one, its handle and its client's, too */
static void test_ids(void)
{
	static int64_t bos[MAX_IDS], requests[MAX_IDS];
	struct trace *trace = trace_start("panthor", NULL);
	int nr_bos = 0, nr_requests = 0, null = 0, twice;

	for (int i = 0; i < ROUNDS; i++) {
		struct gpu gpu;
		struct vm vm;

		open_vm(&gpu, &vm);
		for (int j = 0; j < 2; j++) {
			struct bo bo;

			make_bo(&gpu, &bo, 0, j ? &vm : NULL, "numbered");
			need(bo_bind(&bo, &vm), "bind it");
			if (i & 1)
				need(shrink_pages(ALL_PAGES), "have the shrinker run");
			else
				need(reclaim(getpid()), "reclaim");
			bo_unmap(&bo);
			bo_destroy(&bo);
		}
		gpu_close(&gpu);
	}
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_reclaim_begin") && nr_requests < MAX_IDS)
			requests[nr_requests++] = event_value(event, "id");
		else if (event_is(event, "panthor_bo_evict") && nr_bos < MAX_IDS &&
			 strstr(event->text, " label=numbered"))
			bos[nr_bos++] = event_value(event, "bo_id");
	}
	for (int i = 0; i < nr_bos; i++)
		null += !bos[i];
	twice = doubles(bos, nr_bos);
	ok(nr_bos == 2 * ROUNDS && !twice && !null,
	   "%d BOs, one after the other: no id is 0 or used again (%d are)", nr_bos, twice + null);
	twice = doubles(requests, nr_requests);
	ok(nr_requests >= 2 * ROUNDS && !twice, "%d requests: no id is used again (%d are)",
	   nr_requests, twice);
	trace_free(trace);
}

/* A requester of another name, and what it is told to have found */
static void test_begin(void)
{
	const struct event *begin = NULL;
	pid_t pid, target = getpid();
	struct gpu gpu[2];
	struct vm vms[3];
	struct trace *trace;
	struct bo bo;

	open_vm(&gpu[0], &vms[0]);
	open_vm(&gpu[1], &vms[1]);
	need(vm_create(&gpu[1], &vms[2]), "make a VM");
	make_bo(&gpu[0], &bo, 0, NULL, "one");
	trace = trace_start("panthor", NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NAME, "a requester");
		_exit(-reclaim(target));
	}
	waitpid(pid, NULL, 0);
	need(shrink_pages(1), "have the shrinker run");
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events && !begin; i++)
		if (event_is(&trace->events[i], "panthor_reclaim_begin") &&
		    event_says(&trace->events[i], "source", "sysfs"))
			begin = &trace->events[i];
	ok(begin && event_value(begin, "requester_tgid") == pid &&
		   event_says(begin, "requester_comm", "a\\x20requester"),
	   "the begin event names the requester");
	ok(begin && event_value(begin, "target_tgid") == target &&
		   event_says(begin, "target_comm", "fields"),
	   "and the target");
	ok(begin && event_value(begin, "clients") == 2 && event_value(begin, "vms") == 3 &&
		   !event_value(begin, "goal"),
	   "it has the number of files and VMs, and no goal");
	begin = NULL;
	for (int i = 0; i < trace->nr_events && !begin; i++)
		if (event_is(&trace->events[i], "panthor_reclaim_begin") &&
		    event_says(&trace->events[i], "source", "debugfs"))
			begin = &trace->events[i];
	ok(begin && !event_value(begin, "target_tgid") && event_says(begin, "target_comm", "") &&
		   event_value(begin, "requester_tgid") == target && event_value(begin, "goal") > 0,
	   "that of the shrinker has no target, and a goal");
	trace_free(trace);
	bo_unmap(&bo);
	gpu_close(&gpu[0]);
	gpu_close(&gpu[1]);
}

/* Does each VM's begin say what the events up to its end add up to? */
static int wrong_vms(const struct trace *trace, int *vms)
{
	uint64_t bos = 0, bytes = 0;
	const struct event *begin = NULL;
	int wrong = 0;

	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_vm_reclaim_begin")) {
			begin = event;
			bos = 0;
			bytes = 0;
		} else if (event_is(event, "panthor_bo_evict") ||
			   event_is(event, "panthor_bo_evict_skip")) {
			bos++;
			bytes += event_value(event, "size");
		} else if (event_is(event, "panthor_vm_reclaim_end")) {
			bool same = begin && (uint64_t)event_value(begin, "bos") == bos &&
				    (uint64_t)event_value(begin, "size") == bytes &&
				    event_value(begin, "vm_id") == event_value(event, "vm_id") &&
				    event_says(event, "reason", "none") &&
				    !event_value(event, "fences") &&
				    !event_value(event, "fence_context");

			if (!same)
				diag("%llu BOs, %llu bytes: %s; %s", (unsigned long long)bos,
				     (unsigned long long)bytes, begin ? begin->text : "",
				     event->text);
			wrong += !same;
			++*vms;
		}
	}
	return wrong;
}

/* BOs of an idle target: by VM, those of no VM last */
static void test_vms(void)
{
	const struct event *last = NULL;
	struct bo bos[8];
	int wrong, nr = 0, late = 0;
	struct trace *trace;
	struct vm vms[2];
	struct gpu gpu;

	open_vm(&gpu, &vms[0]);
	need(vm_create(&gpu, &vms[1]), "make a VM");
	/* Two in no VM, two in both, one in the first, three in the second */
	for (int i = 0; i < 8; i++) {
		make_bo(&gpu, &bos[i], 0, NULL, "by VM");
		if (i >= 2 && i < 5)
			need(bo_bind(&bos[i], &vms[0]), "bind it");
		if (i == 2 || i == 3 || i >= 5)
			need(bo_bind(&bos[i], &vms[1]), "bind it");
	}
	trace = traced_reclaim();
	wrong = wrong_vms(trace, &nr);
	ok(!wrong && nr == 3,
	   "the begin event of a VM has its BOs and their size (%d of %d do not)", wrong, nr);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (!event_is(event, "panthor_bo_evict"))
			continue;
		late += last && !event_value(last, "vm_id") && event_value(event, "vm_id");
		last = event;
	}
	ok(last && !event_value(last, "vm_id") && !late,
	   "BOs that are private to no VM come last, in VM 0");
	trace_free(trace);
	for (int i = 0; i < 8; i++)
		bo_unmap(&bos[i]);
	gpu_close(&gpu);
}

/* What the last end of VM @vm says */
static const struct event *vm_end(const struct trace *trace, uint32_t vm)
{
	const struct event *end = NULL;

	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_vm_reclaim_end") &&
		    event_value(&trace->events[i], "vm_id") == vm)
			end = &trace->events[i];
	if (!end)
		bail("no end of VM %u", vm);
	return end;
}

/* A VM as a whole is skipped while its job does not end */
static void test_busy(void)
{
	const struct event *end, *skip;
	struct trace *trace;
	struct held held;
	struct gpu gpu;
	struct vm vm;
	struct bo bo;
	int ret;

	open_vm(&gpu, &vm);
	make_bo(&gpu, &bo, 0, &vm, "busy");
	need(bo_bind(&bo, &vm), "bind it");
	held_start(&held, &vm, 0);
	trace = trace_start("panthor", NULL);
	ret = reclaim(getpid());
	trace_stop(trace);
	end = trace_end(trace);
	skip = about(trace, "panthor_bo_evict_skip", "busy");
	ok_jobs(skip && event_says(skip, "reason", "busy") && event_says(skip, "state", "private"),
		"a BO whose job does not end is skipped as busy (%d)", ret);
	ok_jobs(event_says(vm_end(trace, vm.id), "reason", "busy"), "so is its VM");
	ok_jobs(event_value(end, "remaining") == device_value(getpid(), "resident") &&
			event_value(end, "remaining") > 0,
		"remaining is what the target still has (%lld bytes)",
		(long long)event_value(end, "remaining"));
	trace_free(trace);
	held_release(&held);
	held_wait(&held);
	held_unmap(&held);
	bo_unmap(&bo);
	gpu_close(&gpu);
}

#define SCALE "/proc/sys/vm/watermark_scale_factor"
#define MIN_FREE "/proc/sys/vm/min_free_kbytes"

static long get(const char *path)
{
	FILE *file = fopen(path, "r");
	long value;

	if (!file || fscanf(file, "%ld", &value) != 1)
		bail("cannot read %s", path);
	fclose(file);
	return value;
}

static void set(const char *path, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	if (write_file(path, text, strlen(text)) < 0)
		bail("cannot write %s", path);
}

/*
 * All at once there is less free memory than kswapd keeps: it has to try its hardest, while nobody
 * else is short of any. With a process that just uses more and more memory it is a matter of luck
 * whether anybody asks for this little, and who. A single page is never asked for.
 */
static void test_kswapd(void)
{
	static const char filter[] = "source == 2";
	struct trace *trace = trace_start("panthor:panthor_reclaim_begin", NULL);
	long scale = get(SCALE), min = get(MIN_FREE), more;
	const struct event *begin;
	char path[256];
	struct gpu gpu;
	struct bo bos[16];

	snprintf(path, sizeof(path), "%s/events/panthor/panthor_reclaim_begin/filter", trace->dir);
	if (write_file(path, filter, sizeof(filter) - 1) < 0)
		bail("cannot filter events");
	need(gpu_open(&gpu, NULL), "open the device");
	for (int i = 0; i < 16; i++)
		make_bo(&gpu, &bos[i], 0, NULL, "for kswapd");
	/* kswapd is woken below that and 30 % of all memory; below that alone, others help */
	more = meminfo("MemFree") - meminfo("MemTotal") / 4;
	set(MIN_FREE, more > min ? more : min);
	set(SCALE, 3000);
	trace_wait(trace, "panthor_reclaim_begin", 1);
	set(SCALE, scale);
	set(MIN_FREE, min);
	trace_stop(trace);
	begin = trace->nr_events ? &trace->events[0] : NULL;
	ok(begin && event_says(begin, "source", "kswapd") &&
		   strstr(begin->text, " requester_comm=kswapd"),
	   "kswapd is a source, and the requester");
	trace_free(trace);
	for (int i = 0; i < 16; i++)
		bo_unmap(&bos[i]);
	gpu_close(&gpu);
}

static bool is(const struct trace *trace, const char *event_name, const char *label,
	       const char *state, const char *kind)
{
	const struct event *event = about(trace, event_name, label);

	if (event && event_says(event, "state", state) && event_says(event, "kind", kind))
		return true;
	diag("%s: %s instead of state=%s kind=%s", label, event ? event->text : "no event", state,
	     kind);
	return false;
}

static void test_states(void)
{
	struct bo unused, mapped, private, both, nommap;
	struct drm_panthor_tiler_heap_create heap = {
		.initial_chunk_count = 1,
		.chunk_size = 1 << 17,
		.max_chunks = 1,
		.target_in_flight = 1,
	};
	uint64_t pinned_bytes = 0;
	int kernel = 0, pinned = 0;
	struct trace *trace;
	struct jobs jobs;
	struct vm vms[2];
	struct gpu gpu;

	open_vm(&gpu, &vms[0]);
	need(vm_create(&gpu, &vms[1]), "make a VM");
	make_bo(&gpu, &unused, 0, NULL, "unused");
	bo_unmap(&unused);
	make_bo(&gpu, &mapped, 0, NULL, "mapped");
	make_bo(&gpu, &private, 0, &vms[1], "private");
	need(bo_bind(&private, &vms[1]), "bind it");
	make_bo(&gpu, &both, 0, NULL, "both");
	need(bo_bind(&both, &vms[0]), "bind it");
	need(bo_bind(&both, &vms[1]), "bind it");
	make_bo(&gpu, &nommap, DRM_PANTHOR_BO_NO_MMAP, &vms[0], "nommap");
	need(bo_bind(&nommap, &vms[0]), "bind it");
	need(jobs_init(&jobs, &vms[0]), "make a group");
	heap.vm_id = vms[0].id;
	need(dev_ioctl(gpu.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap), "make a heap");

	trace = traced_reclaim();
	ok(is(trace, "panthor_bo_evict", "unused", "unused", "user"), "unused is in no VM");
	ok(is(trace, "panthor_bo_evict", "mapped", "mmapped", "user"), "mmapped is for the CPU");
	ok(is(trace, "panthor_bo_evict", "private", "private", "user"), "private is in one VM");
	ok(is(trace, "panthor_bo_evict", "both", "multi-vm", "user"), "multi-vm is in two");
	ok(is(trace, "panthor_bo_evict", "nommap", "private", "user-nommap"),
	   "user-nommap has no mapping for the CPU");
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		kernel += event_is(event, "panthor_bo_evict") &&
			  event_says(event, "kind", "kernel");
		if (event_is(event, "panthor_bo_evict_skip") &&
		    event_says(event, "reason", "pinned") &&
		    event_says(event, "state", "unreclaimable") &&
		    event_says(event, "kind", "kernel")) {
			pinned++;
			pinned_bytes += event_value(event, "size");
		}
	}
	ok(kernel, "a chunk of a heap is the kernel's (%d)", kernel);
	ok(pinned, "what a group has pinned is unreclaimable (%d)", pinned);
	ok((uint64_t)device_value(getpid(), "pinned") == pinned_bytes,
	   "the table has as much pinned (%llu bytes)", (unsigned long long)pinned_bytes);
	trace_free(trace);
	jobs_fini(&jobs);
	bo_unmap(&mapped);
	bo_unmap(&private);
	bo_unmap(&both);
	gpu_close(&gpu);
}

static void test_address(void)
{
	const uint64_t step = 1ULL << 26;
	const struct event *event;
	struct trace *trace;
	struct bo bo, none;
	struct vm vms[2];
	struct gpu gpu;
	uint64_t va;

	open_vm(&gpu, &vms[0]);
	need(vm_create(&gpu, &vms[1]), "make a VM");
	make_bo(&gpu, &none, 0, NULL, "nowhere");
	make_bo(&gpu, &bo, 0, NULL, "somewhere");
	/* The lowest is neither the first nor the last, nor in the first VM */
	va = bo.va + step;
	for (int i = 0; i < 4; i++) {
		static const int times[] = { 2, 3, 0, 1 };

		bo.va = va + times[i] * step;
		need(bo_bind(&bo, &vms[i / 2]), "bind it");
	}
	trace = traced_reclaim();
	event = about(trace, "panthor_bo_evict", "somewhere");
	ok(event && (uint64_t)event_value(event, "va") == va,
	   "va is the lowest of four addresses in two VMs");
	event = about(trace, "panthor_bo_evict", "nowhere");
	ok(event && !event_value(event, "va"), "va of a BO that is not mapped is 0");
	trace_free(trace);
	bo_unmap(&bo);
	bo_unmap(&none);
	gpu_close(&gpu);
}

/* Labels that are too long for an event, as they are and escaped */
static void test_label(void)
{
	char plain[256], escaped[256], want[512] = "";
	const struct event *event = NULL;
	struct trace *trace;
	struct bo bos[2];
	struct gpu gpu;

	memset(plain, 'x', 200);
	plain[200] = '\0';
	memset(escaped, '\001', 100);
	escaped[100] = '\0';
	need(gpu_open(&gpu, NULL), "open the device");
	make_bo(&gpu, &bos[0], 0, NULL, plain);
	make_bo(&gpu, &bos[1], 0, NULL, escaped);
	trace = traced_reclaim();
	plain[LABEL_MOST] = '\0';
	ok(about(trace, "panthor_bo_evict", plain), "an event has %d bytes of a label", LABEL_MOST);
	while (strlen(want) + 4 <= LABEL_MOST)
		strcat(want, "\\x01");
	event = about(trace, "panthor_bo_evict", want);
	ok(event, "or as many escaped ones as fit, whole");
	trace_free(trace);
	bo_unmap(&bos[0]);
	bo_unmap(&bos[1]);
	gpu_close(&gpu);
}

/* What the event of a swap-in says of the eviction */
static void test_return(void)
{
	int wrong = 0;
	struct gpu gpu;
	struct vm vm;
	struct bo bo;

	open_vm(&gpu, &vm);
	make_bo(&gpu, &bo, 0, &vm, "returns");
	need(bo_bind(&bo, &vm), "bind it");
	for (int i = 1; i <= 3; i++) {
		int64_t began, evicted, touched, ended, out;
		const struct event *evict, *swapin;
		struct trace *trace = trace_start("panthor", NULL);

		began = now_ns();
		need(reclaim(getpid()), "reclaim");
		evicted = now_ns();
		usleep(20000);
		touched = now_ns();
		*(volatile char *)bo.map = 1;
		ended = now_ns();
		trace_stop(trace);
		evict = about(trace, "panthor_bo_evict", "returns");
		swapin = about(trace, "panthor_bo_swapin", "returns");
		if (!evict || !swapin)
			bail("it is not evicted, or does not return");
		out = event_value(swapin, "evicted_ns");
		if (event_value(evict, "evictions") == i && event_value(swapin, "evictions") == i &&
		    event_value(swapin, "id") == event_value(evict, "id") &&
		    !event_value(swapin, "by") && out >= touched - evicted &&
		    out <= ended - began && event_value(swapin, "duration_ns") <= ended - touched) {
			trace_free(trace);
			continue;
		}
		diag("eviction %d, %lld to %lld ns:%s;%s", i, (long long)(touched - evicted),
		     (long long)(ended - began), evict->text, swapin->text);
		wrong++;
		trace_free(trace);
	}
	ok(!wrong,
	   "a swap-in has the number of evictions, the request and the time since (%d do not)",
	   wrong);
	bo_unmap(&bo);
	gpu_close(&gpu);
}

/* From its lists for the whole device the shrinker takes BOs without a VM */
static void test_device_lists(void)
{
	int evicted = 0, vms = 0;
	struct trace *trace;
	struct bo bos[4];
	struct gpu gpu;

	need(gpu_open(&gpu, NULL), "open the device");
	for (int i = 0; i < 4; i++)
		make_bo(&gpu, &bos[i], 0, NULL, "listed");
	trace = trace_start("panthor", NULL);
	need(shrink_pages(ALL_PAGES), "have the shrinker run");
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		evicted += event_is(event, "panthor_bo_evict") && !event_value(event, "vm_id") &&
			   event_value(event, "tgid") == getpid() &&
			   event_value(event, "client_id");
		vms += event_is(event, "panthor_vm_reclaim_begin") ||
		       event_is(event, "panthor_vm_reclaim_end");
	}
	ok(evicted == 4 && !vms,
	   "the shrinker: %d BOs of no VM, each with its client, and no event of a VM (%d)",
	   evicted, vms);
	trace_free(trace);
	for (int i = 0; i < 4; i++)
		bo_unmap(&bos[i]);
	gpu_close(&gpu);
}

int main(void)
{
	tap_start();
	test_ids();
	test_begin();
	test_vms();
	test_busy();
	test_states();
	test_address();
	test_label();
	test_return();
	test_device_lists();
	test_kswapd();
	return tap_end();
}
