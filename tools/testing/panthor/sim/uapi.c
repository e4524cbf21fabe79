// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance by ioctl: every request of the driver's header, on both nodes, with what it is
 * good for and what it must refuse.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define D bench.data.va
#define MAP DRM_PANTHOR_VM_BIND_OP_TYPE_MAP
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM
#define VA 0x70000000ULL
/* struct drm_panthor_mmu_info, a bitmap of page sizes; Linux 7.2's header does not have it yet */
#define MMU_INFO (DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO + 1)
#define BO(bo) ((bo)->handle)

static struct bench bench;

static int call(unsigned long request, void *args)
{
	return dev_ioctl(bench.gpu.fd, request, args);
}

static int query(int fd, uint32_t type, void *buf, uint32_t *size)
{
	struct drm_panthor_dev_query args = {
		.type = type,
		.size = *size,
		.pointer = (uintptr_t)buf,
	};
	int ret = dev_ioctl(fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &args);

	*size = args.size;
	return ret;
}

static void dev_query(const char *node)
{
	struct drm_panthor_group_priorities_info prio = {};
	struct drm_panthor_timestamp_info t0 = {
		.flags = DRM_PANTHOR_TIMESTAMP_GPU | DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT |
			 DRM_PANTHOR_TIMESTAMP_GPU_OFFSET,
	}, t1 = t0;
	struct drm_panthor_csif_info csif = {};
	struct drm_panthor_gpu_info info = {};
	uint64_t page_sizes = 0;
	uint32_t size = 0;
	int fd = open(node, O_RDWR | O_CLOEXEC);

	if (!ok(fd >= 0, "%s opens", node))
		return;

	ok(!query(fd, DRM_PANTHOR_DEV_QUERY_GPU_INFO, NULL, &size) && size == sizeof(info),
	   "DEV_QUERY returns the size of GPU_INFO");
	ok(!query(fd, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, &size) &&
		   info.gpu_id >> 16 == 0xa867 && info.shader_present == 0x50005 &&
		   info.l2_present == 1 && info.tiler_present == 1 && info.as_present == 0xff &&
		   (info.mmu_features & 0xff) == 48 &&
		   info.selected_coherency == DRM_PANTHOR_GPU_COHERENCY_NONE,
	   "GPU_INFO is a Mali-G610's");
	size = sizeof(csif);
	ok(!query(fd, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, &size) && csif.csg_slot_count == 8 &&
		   csif.cs_slot_count == 8 && csif.cs_reg_count == 96 &&
		   csif.scoreboard_slot_count == 8 && csif.unpreserved_cs_reg_count == 4,
	   "CSIF_INFO: 8 groups, 8 queues, 96 registers");
	size = sizeof(t0);
	ok(!query(fd, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &t0, &size), "TIMESTAMP_INFO succeeds");
	sleep_ms(100);
	size = sizeof(t1);
	query(fd, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &t1, &size);
	t1.current_timestamp -= t0.current_timestamp;
	t1.cycle_count -= t0.cycle_count;
	ok(t1.current_timestamp >= 2400000 && t1.cycle_count >= 50000000 && !t1.timestamp_offset &&
		   t1.current_timestamp < 24000000,
	   "the timestamp runs at 24 MHz, cycles at 500 MHz");
	size = sizeof(prio);
	ok(!query(fd, DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO, &prio, &size) &&
		   prio.allowed_mask == 0xf,
	   "GROUP_PRIORITIES_INFO: root may use all");
	size = sizeof(page_sizes);
	if (query(fd, MMU_INFO, &page_sizes, &size) == -EINVAL)
		skip("needs Linux 7.3", "MMU_INFO");
	else
		ok(page_sizes == (0x1000 | 0x200000), "MMU_INFO: pages of 4 KiB and 2 MiB");
	ok(query(fd, 99, &info, &size) == -EINVAL, "an unknown query is rejected");
	close(fd);
}

static void vms(void)
{
	struct drm_panthor_vm_create create = { .user_va_range = 1ULL << 40 };
	struct drm_panthor_vm_destroy destroy = {};
	struct drm_panthor_vm_get_state state = { .vm_id = bench.vm.id };

	ok(!call(DRM_IOCTL_PANTHOR_VM_CREATE, &create) && create.id, "VM_CREATE succeeds");
	state.vm_id = create.id;
	ok(!call(DRM_IOCTL_PANTHOR_VM_GET_STATE, &state) &&
		   state.state == DRM_PANTHOR_VM_STATE_USABLE,
	   "VM_GET_STATE: usable");
	destroy.id = create.id;
	ok(!call(DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy), "VM_DESTROY succeeds");
	ok(call(DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy) == -EINVAL, "the second time it fails");
	ok(call(DRM_IOCTL_PANTHOR_VM_GET_STATE, &state) == -EINVAL, "a destroyed VM has no state");
	create.flags = 1;
	ok(call(DRM_IOCTL_PANTHOR_VM_CREATE, &create) == -EINVAL, "unknown flags are rejected");
}

static void bos(void)
{
	const size_t page = getpagesize();
	struct drm_panthor_bo_create create = { .size = page + 904 };
	struct drm_panthor_bo_mmap_offset offset = {};
	struct drm_panthor_bo_query_info info = {};
	static const char name[] = "conformance";
	struct drm_panthor_bo_set_label label = { .label = (uintptr_t)name };
	struct drm_panthor_bo_sync_op op = { .size = page };
	struct drm_panthor_bo_sync sync = { .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op) };
	uint32_t *map;

	ok(!call(DRM_IOCTL_PANTHOR_BO_CREATE, &create) && create.size == 2 * page && create.handle,
	   "BO_CREATE rounds up to pages");
	offset.handle = create.handle;
	info.handle = create.handle;
	label.handle = create.handle;
	op.handle = create.handle;
	ok(!call(DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset), "BO_MMAP_OFFSET succeeds");
	map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, bench.gpu.fd, offset.offset);
	ok(map != MAP_FAILED && !map[0] && !map[2 * page / 4 - 1], "the mapped BO is zero");
	ok(!call(DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label), "BO_SET_LABEL succeeds");
	ok(!call(DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info) && !info.create_flags && !info.extra_flags,
	   "BO_QUERY_INFO returns its flags");
	ok(!call(DRM_IOCTL_PANTHOR_BO_SYNC, &sync), "BO_SYNC succeeds");
	op.offset = 2 * page;
	ok(call(DRM_IOCTL_PANTHOR_BO_SYNC, &sync) == -EINVAL,
	   "BO_SYNC beyond the end of the BO is rejected");
	munmap(map, 2 * page);

	create = (struct drm_panthor_bo_create){ .size = 4096, .flags = DRM_PANTHOR_BO_NO_MMAP };
	ok(!call(DRM_IOCTL_PANTHOR_BO_CREATE, &create), "BO_CREATE accepts NO_MMAP");
	offset.handle = create.handle;
	ok(call(DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset) < 0,
	   "a BO with NO_MMAP has no mmap offset");
	create = (struct drm_panthor_bo_create){ .size = 4096, .exclusive_vm_id = 999 };
	ok(call(DRM_IOCTL_PANTHOR_BO_CREATE, &create) == -EINVAL,
	   "a BO for an unknown VM is rejected");
	create = (struct drm_panthor_bo_create){ .size = 0 };
	ok(call(DRM_IOCTL_PANTHOR_BO_CREATE, &create) == -EINVAL, "a BO of size 0 is rejected");
}

/* What the GPU reads at @va, or -1 */
static int64_t gpu_read(uint64_t va)
{
	int ret = RUN(&bench, MOVE48(0, va), MOVE48(2, D), LOAD(4, 1, 0, 0), WAIT(1),
		      STORE(4, 1, 2, 0));

	if (ret)
		bench_regroup(&bench, 2, MEDIUM);
	return ret ? -1 : (int64_t)*data32(&bench, 0);
}

static void binds(void)
{
	struct bo small, big;
	bool good = true;

	if (bo_create(&bench.gpu, &small, 0x10000, 0, NULL) || bo_map(&small) ||
	    bo_create(&bench.gpu, &big, 0x800000, 0, &bench.vm) || bo_map(&big))
		bail("no buffers");
	for (uint32_t i = 0; i < 16; i++)
		((uint32_t *)small.map)[i * 1024] = 100 + i;
	for (uint32_t i = 0; i < 2048; i++)
		((uint32_t *)big.map)[i * 1024] = 1000 + i;

	ok(!bench_bind(&bench, BO(&small), 0, VA, 0x10000, MAP) && gpu_read(VA + 0x5000) == 105,
	   "VM_BIND maps a BO");
	ok(!bench_bind(&bench, 0, 0, VA + 0x4000, 0x3000, UNMAP) && gpu_read(VA + 0x3000) == 103 &&
		   gpu_read(VA + 0x7000) == 107 && gpu_read(VA + 0x5000) == -1,
	   "VM_BIND unmaps a part");
	ok(!bench_bind(&bench, BO(&small), 0xf000, VA + 0x5000, 0x1000, MAP) &&
		   gpu_read(VA + 0x5000) == 115,
	   "VM_BIND maps with an offset");
	ok(!bench_bind(&bench, BO(&small), 0x8000, VA, 0x1000, MAP) && gpu_read(VA) == 108,
	   "VM_BIND replaces a mapping");
	ok(!bench_bind(&bench, 0, 0, VA, 0x10000, UNMAP) && gpu_read(VA) == -1,
	   "VM_BIND unmaps all");

	ok(!bench_bind(&bench, BO(&big), 0, VA, 0x800000, MAP), "VM_BIND maps 8 MiB");
	for (uint32_t i = 0; i < 2048; i += 97)
		good &= gpu_read(VA + i * 4096ULL) == 1000 + i;
	ok(good, "the GPU reads all of it");
	ok(!bench_bind(&bench, 0, 0, VA + 0x201000, 0x1000, UNMAP) &&
		   gpu_read(VA + 0x200000) == 1000 + 512 && gpu_read(VA + 0x201000) == -1 &&
		   gpu_read(VA + 0x202000) == 1000 + 514,
	   "VM_BIND splits huge pages");
	ok(!bench_bind(&bench, 0, 0, VA, 0x800000, UNMAP) && gpu_read(VA + 0x400000) == -1,
	   "VM_BIND unmaps huge pages");

	ok(bench_bind(&bench, BO(&small), 0, VA + 1, 0x1000, MAP) == -EINVAL,
	   "a misaligned VM_BIND is rejected");
	ok(bench_bind(&bench, BO(&small), 0, VA, 0x11000, MAP) == -EINVAL,
	   "a VM_BIND beyond the BO is rejected");
	ok(bench_bind(&bench, 999, 0, VA, 0x1000, MAP) == -EINVAL,
	   "a VM_BIND of an unknown BO is rejected");
	ok(bench_bind(&bench, BO(&small), 0, 1ULL << 47, 0x1000, MAP) == -EINVAL,
	   "a VM_BIND outside of the user's range is rejected");

	if (bench_bind(&bench, 0, 0, VA, 0x400000,
		       MAP | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE |
			       DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)) {
		skip("needs Linux 7.3", "VM_BIND maps a sparse range");
	} else {
		ok(gpu_read(VA + 0x123000) >= 0 &&
			   !RUN(&bench, MOVE48(0, VA + 0x321000), STORE(0, 1, 0, 0)),
		   "VM_BIND maps a sparse range");
		ok(!bench_bind(&bench, BO(&small), 0, VA + 0x1000, 0x1000, MAP) &&
			   gpu_read(VA + 0x1000) == 100 && gpu_read(VA + 0x2000) >= 0,
		   "VM_BIND maps a BO inside it");
		ok(!bench_bind(&bench, 0, 0, VA, 0x400000, UNMAP) && gpu_read(VA + 0x123000) == -1,
		   "VM_BIND unmaps the sparse range");
	}
	bo_destroy(&small);
	bo_destroy(&big);
}

/* An asynchronous bind waits for a syncobj, signals another, and a job waits for that */
static void async_binds(void)
{
	struct drm_syncobj_timeline_array signal = { .count_handles = 1 };
	struct drm_panthor_sync_op sync[2] = {};
	struct drm_panthor_vm_bind_op op = {
		.flags = MAP,
		.bo_handle = BO(&bench.data),
		.va = VA,
		.size = 0x1000,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(2, sync),
	};
	struct drm_panthor_vm_bind bind = {
		.vm_id = bench.vm.id,
		.flags = DRM_PANTHOR_VM_BIND_ASYNC,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};
	const uint64_t insns[] = { MOVE48(0, VA), MOVE32(2, 0xb1d), STORE(2, 1, 0, 0) };
	uint64_t va = bench_code(&bench, 0, insns, 3), point = 1;
	uint32_t in, out;

	if (timeline_create(&bench.gpu, &in) || timeline_create(&bench.gpu, &out))
		bail("no syncobjs");
	signal.handles = (uintptr_t)&in;
	signal.points = (uintptr_t)&point;
	call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &signal); /* a point must exist to be waited for */
	sync[0].flags = DRM_PANTHOR_SYNC_OP_WAIT | DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ;
	sync[0].handle = in;
	sync[0].timeline_value = 1;
	sync[1].flags = DRM_PANTHOR_SYNC_OP_SIGNAL |
			DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ;
	sync[1].handle = out;
	sync[1].timeline_value = 7;
	*data32(&bench, 0) = 0;
	ok(!call(DRM_IOCTL_PANTHOR_VM_BIND, &bind), "an asynchronous VM_BIND is submitted");
	ok(!bench_submit_after(&bench, 0, va, sizeof(insns), out, 7) &&
		   !bench_wait(&bench, PATIENCE) && *data32(&bench, 0) == 0xb1d,
	   "a job waits for it");

	op.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY;
	op.bo_handle = 0;
	op.va = 0;
	op.size = 0;
	sync[1].timeline_value = 9;
	ok(!call(DRM_IOCTL_PANTHOR_VM_BIND, &bind) &&
		   !timeline_wait(&bench.gpu, out, 9, dev_now() + PATIENCE),
	   "SYNC_ONLY signals");
	sync[0].timeline_value = 99;
	ok(call(DRM_IOCTL_PANTHOR_VM_BIND, &bind) < 0,
	   "a wait for a missing timeline point is rejected");
	ok(!bench_bind(&bench, 0, 0, VA, 0x1000, UNMAP), "the mapping is removed");
}

static void groups(void)
{
	struct drm_panthor_queue_create queue = { .ringbuf_size = 4096 };
	struct drm_panthor_group_create create = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(1, &queue),
		.max_compute_cores = 1,
		.max_fragment_cores = 1,
		.max_tiler_cores = 1,
		.priority = MEDIUM,
		.compute_core_mask = 1,
		.fragment_core_mask = 1,
		.tiler_core_mask = 1,
		.vm_id = bench.vm.id,
	};
	struct drm_panthor_group_destroy destroy = {};
	struct drm_panthor_group_get_state state = {};

	ok(!call(DRM_IOCTL_PANTHOR_GROUP_CREATE, &create) && create.group_handle,
	   "GROUP_CREATE succeeds");
	destroy.group_handle = create.group_handle;
	state.group_handle = create.group_handle;
	ok(!call(DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state) && !state.state && !state.fatal_queues,
	   "GROUP_GET_STATE succeeds");
	ok(!call(DRM_IOCTL_PANTHOR_GROUP_DESTROY, &destroy), "GROUP_DESTROY succeeds");
	ok(call(DRM_IOCTL_PANTHOR_GROUP_DESTROY, &destroy) == -EINVAL, "the second time it fails");
	ok(call(DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state) == -EINVAL,
	   "a destroyed group has no state");
	queue.ringbuf_size = 5000;
	ok(call(DRM_IOCTL_PANTHOR_GROUP_CREATE, &create) == -EINVAL,
	   "a ring of an invalid size is rejected");
	queue.ringbuf_size = 4096;
	create.priority = 9;
	ok(call(DRM_IOCTL_PANTHOR_GROUP_CREATE, &create) == -EINVAL,
	   "an unknown priority is rejected");
	create.priority = MEDIUM;
	create.vm_id = 999;
	ok(call(DRM_IOCTL_PANTHOR_GROUP_CREATE, &create) == -EINVAL, "an unknown VM is rejected");
	create.vm_id = bench.vm.id;
	create.compute_core_mask = 2;
	ok(call(DRM_IOCTL_PANTHOR_GROUP_CREATE, &create) == -EINVAL, "a missing core is rejected");
}

static void submits(void)
{
	const uint64_t insns[] = { MOVE48(0, D), MOVE48(2, 1), SYNC_ADD64(2, 0, 0) };
	struct drm_panthor_queue_submit submit[4] = {};
	struct drm_panthor_group_submit args = {
		.group_handle = bench.group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(4, submit),
	};
	struct drm_panthor_sync_op sync[4] = {};
	uint64_t va = bench_code(&bench, 0, insns, 3);
	uint32_t syncobj;
	bool good = true;

	*data64(&bench, 0) = 0;
	ok(!bench_submit(&bench, 0, 0, 0) && !bench_wait(&bench, PATIENCE),
	   "an empty stream signals");
	ok(bench_submit(&bench, 0, va + 8, sizeof(insns)) == -EINVAL,
	   "a misaligned stream is rejected");
	ok(bench_submit(&bench, 0, va, 4) == -EINVAL, "half an instruction is rejected");
	ok(bench_submit(&bench, 5, va, sizeof(insns)) == -EINVAL, "a missing queue is rejected");

	if (timeline_create(&bench.gpu, &syncobj))
		bail("no syncobj");
	for (int i = 0; i < 4; i++) {
		submit[i] = (struct drm_panthor_queue_submit){
			.queue_index = i & 1,
			.stream_addr = va,
			.stream_size = sizeof(insns),
			.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &sync[i]),
		};
		sync[i] = (struct drm_panthor_sync_op){
			.flags = DRM_PANTHOR_SYNC_OP_SIGNAL |
				 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
			.handle = syncobj,
			.timeline_value = i + 1,
		};
	}
	ok(!call(DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args),
	   "GROUP_SUBMIT submits four jobs to two queues");
	for (int i = 1; i <= 4; i++)
		good &= !timeline_wait(&bench.gpu, syncobj, i, dev_now() + PATIENCE);
	ok(good && *data64(&bench, 0) == 4, "all jobs run");
	submit[0].latest_flush = 1U << 24;
	ok(call(DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args) == -EINVAL,
	   "an invalid flush id is rejected");
	args.group_handle = 999;
	submit[0].latest_flush = 0;
	ok(call(DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args) == -EINVAL, "an unknown group is rejected");

	/* One after the other through the ring buffer, more than it holds at a time */
	for (int i = 0; i < 1000; i++)
		good &= !bench_submit(&bench, 0, va, sizeof(insns));
	ok(good && !bench_wait(&bench, PATIENCE) && *data64(&bench, 0) == 1004,
	   "a thousand jobs run through the ring");

	/* A binary syncobj, and one timeline that waits for another */
	timeline_destroy(&bench.gpu, syncobj);
	if (timeline_create(&bench.gpu, &syncobj))
		bail("no syncobj");
	sync[0] = (struct drm_panthor_sync_op){
		.flags = DRM_PANTHOR_SYNC_OP_SIGNAL | DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ,
		.handle = syncobj,
	};
	args.group_handle = bench.group;
	args.queue_submits.count = 1;
	good = !call(DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);
	ok(good && !timeline_wait(&bench.gpu, syncobj, 0, dev_now() + PATIENCE),
	   "a binary syncobj is signalled");
}

static void mmio_offset(void)
{
	struct drm_panthor_set_user_mmio_offset args = {
		.offset = DRM_PANTHOR_USER_MMIO_OFFSET_32BIT,
	};
	volatile uint32_t *id;

	ok(!call(DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET, &args), "SET_USER_MMIO_OFFSET succeeds");
	id = mmap(NULL, 4096, PROT_READ, MAP_SHARED, bench.gpu.fd,
		  DRM_PANTHOR_USER_MMIO_OFFSET_32BIT);
	ok(id != MAP_FAILED && *id, "the flush id is mapped");
	args.offset = 12345;
	ok(call(DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET, &args) == -EINVAL,
	   "another offset is rejected");
}

int main(void)
{
	char node[32];

	tap_start();
	bench_open(&bench, 2, MEDIUM);
	for (int card = 0; card < 2; card++) {
		if (gpu_node(&bench.gpu, card, node, sizeof(node)))
			bail("the device has no %s node", card ? "card" : "render");
		dev_query(node);
	}
	vms();
	bos();
	binds();
	async_binds();
	groups();
	submits();
	mmio_offset();
	bench_close(&bench);
	return tap_end();
}
