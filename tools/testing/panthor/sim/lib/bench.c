// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "bench.h"

#define RING_SIZE 65536

void bench_regroup(struct bench *bench, unsigned int queues, unsigned int priority)
{
	struct drm_panthor_queue_create queue[8];
	struct drm_panthor_group_create args = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(queues, queue),
		.max_compute_cores = 4,
		.max_fragment_cores = 4,
		.max_tiler_cores = 1,
		.priority = priority,
		.compute_core_mask = bench->gpu.info.shader_present,
		.fragment_core_mask = bench->gpu.info.shader_present,
		.tiler_core_mask = bench->gpu.info.tiler_present,
		.vm_id = bench->vm.id,
	};
	int ret;

	for (unsigned int i = 0; i < queues; i++)
		queue[i] = (struct drm_panthor_queue_create){
			.priority = i,
			.ringbuf_size = RING_SIZE,
		};

	if (bench->group) {
		struct drm_panthor_group_destroy destroy = { .group_handle = bench->group };

		dev_ioctl(bench->gpu.fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &destroy);
	}

	ret = dev_ioctl(bench->gpu.fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args);
	if (ret)
		bail("cannot create a group: %s", strerror(-ret));
	bench->group = args.group_handle;
}

static void add_bo(struct bench *bench, struct bo *bo, uint64_t size)
{
	int ret = bo_create(&bench->gpu, bo, size, 0, NULL);

	ret = ret ? ret : bo_bind(bo, &bench->vm);
	ret = ret ? ret : bo_map(bo);
	if (ret)
		bail("cannot make a buffer: %s", strerror(-ret));
	bo->gpu = &bench->gpu;
	memset(bo->map, 0, size);
}

void bench_open(struct bench *bench, unsigned int queues, unsigned int priority)
{
	int ret;

	memset(bench, 0, sizeof(*bench));
	ret = gpu_open(&bench->gpu, NULL);
	if (ret)
		bail("cannot open the GPU: %s", strerror(-ret));
	ret = vm_create(&bench->gpu, &bench->vm);
	if (ret)
		bail("cannot create a VM: %s", strerror(-ret));

	add_bo(bench, &bench->code, CODE_SIZE);
	add_bo(bench, &bench->data, DATA_SIZE);
	ret = timeline_create(&bench->gpu, &bench->timeline);
	if (ret)
		bail("cannot create a timeline: %s", strerror(-ret));
	bench_regroup(bench, queues, priority);
}

void bench_share(struct bench *bench, const struct bench *from, unsigned int queues,
		 unsigned int priority)
{
	static uint64_t va = 1ULL << 40;
	int ret;

	*bench = *from;
	bench->gpu.next_va = va;
	va += 1ULL << 32;
	bench->group = 0;
	bench->point = 0;
	add_bo(bench, &bench->code, CODE_SIZE);
	ret = timeline_create(&bench->gpu, &bench->timeline);
	if (ret)
		bail("cannot create a timeline: %s", strerror(-ret));
	bench_regroup(bench, queues, priority);
}

void bench_close(struct bench *bench)
{
	bo_unmap(&bench->code);
	bo_unmap(&bench->data);
	gpu_close(&bench->gpu);
}

uint64_t bench_code(struct bench *bench, size_t offset, const uint64_t *insns, size_t count)
{
	memcpy((char *)bench->code.map + offset, insns, count * sizeof(*insns));
	return bench->code.va + offset;
}

int bench_submit_after(struct bench *bench, unsigned int queue, uint64_t va, uint32_t size,
		       uint32_t timeline, uint64_t point)
{
	struct drm_panthor_sync_op sync[2] = {
		{
			.flags = DRM_PANTHOR_SYNC_OP_SIGNAL |
				 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
			.handle = bench->timeline,
			.timeline_value = ++bench->point,
		},
		{
			.flags = DRM_PANTHOR_SYNC_OP_WAIT |
				 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
			.handle = timeline,
			.timeline_value = point,
		},
	};
	struct drm_panthor_queue_submit submit = {
		.queue_index = queue,
		.stream_addr = size ? va : 0,
		.stream_size = size,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(timeline ? 2 : 1, sync),
	};
	struct drm_panthor_group_submit args = {
		.group_handle = bench->group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &submit),
	};
	int ret = dev_ioctl(bench->gpu.fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);

	if (ret)
		bench->point--;
	return ret;
}

int bench_submit(struct bench *bench, unsigned int queue, uint64_t va, uint32_t size)
{
	return bench_submit_after(bench, queue, va, size, 0, 0);
}

int bench_fence_error(struct bench *bench, uint64_t point)
{
	struct drm_syncobj_create create = {};
	struct drm_syncobj_transfer transfer = {
		.src_handle = bench->timeline,
		.src_point = point,
	};
	struct drm_syncobj_handle handle = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct drm_syncobj_destroy destroy = {};
	struct sync_fence_info fence = {};
	struct sync_file_info info = {
		.num_fences = 1,
		.sync_fence_info = (uintptr_t)&fence,
	};
	int ret;

	ret = dev_ioctl(bench->gpu.fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);
	if (ret)
		return ret;
	transfer.dst_handle = create.handle;
	handle.handle = create.handle;
	destroy.handle = create.handle;

	ret = dev_ioctl(bench->gpu.fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer);
	ret = ret ? ret : dev_ioctl(bench->gpu.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle);
	ret = ret ? ret : dev_ioctl(handle.fd, SYNC_IOC_FILE_INFO, &info);
	if (handle.fd >= 0)
		close(handle.fd);
	dev_ioctl(bench->gpu.fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
	if (ret)
		return ret;
	return info.status < 0 ? info.status : 0;
}

int bench_wait(struct bench *bench, int64_t patience)
{
	int ret = timeline_wait(&bench->gpu, bench->timeline, bench->point, dev_now() + patience);

	return ret ? ret : bench_fence_error(bench, bench->point);
}

int bench_run(struct bench *bench, const uint64_t *insns, size_t count)
{
	int ret =
		bench_submit(bench, 0, bench_code(bench, 0, insns, count), count * sizeof(*insns));

	return ret ? ret : bench_wait(bench, PATIENCE);
}

int bench_state(struct bench *bench, uint32_t *fatal)
{
	struct drm_panthor_group_get_state args = { .group_handle = bench->group };
	int ret = dev_ioctl(bench->gpu.fd, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &args);

	if (fatal)
		*fatal = args.fatal_queues;
	return ret ? ret : (int)args.state;
}

int bench_wait_state(struct bench *bench, int64_t patience)
{
	WAIT_FOR(bench_state(bench, NULL), patience / MSEC);
	return bench_state(bench, NULL);
}

uint32_t *data32(struct bench *bench, size_t offset)
{
	return (uint32_t *)((char *)bench->data.map + offset);
}

uint64_t *data64(struct bench *bench, size_t offset)
{
	return (uint64_t *)((char *)bench->data.map + offset);
}

int bench_bind(struct bench *bench, uint32_t handle, uint64_t bo_offset, uint64_t va, uint64_t size,
	       uint32_t flags)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.bo_handle = handle,
		.bo_offset = bo_offset,
		.va = va,
		.size = size,
	};
	struct drm_panthor_vm_bind args = {
		.vm_id = bench->vm.id,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};

	return dev_ioctl(bench->gpu.fd, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static void read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (len < 0)
		bail("cannot read %s: %s", path, strerror(errno));
	close(fd);
	buf[len] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		bail("cannot write %s to %s: %s", text, path, strerror(errno));
	close(fd);
}

bool file_says(const char *path, const char *text)
{
	char buf[256];

	read_file(path, buf, sizeof(buf));
	return !strcmp(buf, text);
}

uint64_t get_number(const char *path)
{
	char buf[64];

	read_file(path, buf, sizeof(buf));
	return strtoull(buf, NULL, 0);
}

void set_number(const char *path, uint64_t value)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%llu", (unsigned long long)value);
	file_write(path, buf);
}

uint64_t counter(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), COUNTERS "%s", name);
	return get_number(path);
}

void set_knob(const char *name, uint64_t value)
{
	char path[128];

	snprintf(path, sizeof(path), KNOBS "%s", name);
	set_number(path, value);
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MSEC };

	nanosleep(&ts, NULL);
}
