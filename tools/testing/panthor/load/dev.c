// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "dev.h"

/* Render nodes are minors 128 to 191 */
#define RENDER_FIRST 128
#define RENDER_LAST 191

/* Where buffers begin: away from 0, so that a null pointer in a stream faults */
#define VA_FIRST 0x10000000ULL
#define VA_ALIGN 0x200000ULL
#define VA_WINDOW (1ULL << 32)

#define RING_SIZE 65536

int64_t dev_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * DEV_NSEC + ts.tv_nsec;
}

int dev_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));

	return ret < 0 ? -errno : 0;
}

static bool is_panthor(int fd)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !dev_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "panthor");
}

static int query(struct gpu *gpu, uint32_t type, void *data, uint32_t size)
{
	struct drm_panthor_dev_query args = {
		.type = type,
		.size = size,
		.pointer = (uintptr_t)data,
	};

	return dev_ioctl(gpu->fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &args);
}

int gpu_adopt(struct gpu *gpu, int fd)
{
	int ret;

	*gpu = (struct gpu){ .fd = fd, .next_va = VA_FIRST };
	if (!is_panthor(fd))
		return -ENODEV;

	ret = query(gpu, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &gpu->info, sizeof(gpu->info));
	if (ret)
		return ret;

	return query(gpu, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &gpu->csif, sizeof(gpu->csif));
}

int gpu_open(struct gpu *gpu, const char *path)
{
	char node[32];
	int fd, ret;

	*gpu = (struct gpu){ .fd = -1 };
	for (int minor = RENDER_FIRST; minor <= (path ? RENDER_FIRST : RENDER_LAST); minor++) {
		snprintf(node, sizeof(node), "/dev/dri/renderD%d", minor);
		fd = open(path ? path : node, O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			if (!path && errno == ENOENT)
				continue;
			return -errno;
		}
		ret = gpu_adopt(gpu, fd);
		if (!ret)
			return 0;
		gpu_close(gpu);
		if (path || ret != -ENODEV)
			return ret;
	}
	return -ENODEV;
}

void gpu_close(struct gpu *gpu)
{
	if (gpu->fd >= 0)
		close(gpu->fd);
	gpu->fd = -1;
}

int gpu_node(const struct gpu *gpu, bool card, char *path, size_t size)
{
	glob_t found = {};
	char pattern[80];
	struct stat st;
	int ret = 0;

	if (fstat(gpu->fd, &st))
		return -errno;
	snprintf(pattern, sizeof(pattern), "/sys/dev/char/%u:%u/device/drm/%s*", major(st.st_rdev),
		 minor(st.st_rdev), card ? "card" : "renderD");
	if (glob(pattern, 0, NULL, &found))
		ret = -ENOENT;
	else if ((size_t)snprintf(path, size, "/dev/dri%s", strrchr(found.gl_pathv[0], '/')) >=
		 size)
		ret = -ENAMETOOLONG;
	globfree(&found);
	return ret;
}

int vm_create(struct gpu *gpu, struct vm *vm)
{
	struct drm_panthor_vm_create args = {};
	int ret = dev_ioctl(gpu->fd, DRM_IOCTL_PANTHOR_VM_CREATE, &args);

	*vm = (struct vm){ .gpu = gpu, .id = ret ? 0 : args.id };
	return ret;
}

int vm_destroy(struct vm *vm)
{
	struct drm_panthor_vm_destroy args = { .id = vm->id };

	vm->id = 0;
	return dev_ioctl(vm->gpu->fd, DRM_IOCTL_PANTHOR_VM_DESTROY, &args);
}

int vm_unusable(struct vm *vm)
{
	struct drm_panthor_vm_get_state args = { .vm_id = vm->id };
	int ret = dev_ioctl(vm->gpu->fd, DRM_IOCTL_PANTHOR_VM_GET_STATE, &args);

	return ret ? ret : args.state == DRM_PANTHOR_VM_STATE_UNUSABLE;
}

/* A buffer never crosses a 4 GiB border: streams step through it with 32-bit additions */
static uint64_t take_va(struct gpu *gpu, uint64_t size)
{
	uint64_t va = gpu->next_va;

	if (size < VA_WINDOW && va / VA_WINDOW != (va + size - 1) / VA_WINDOW)
		va = (va / VA_WINDOW + 1) * VA_WINDOW;
	gpu->next_va = (va + size + VA_ALIGN - 1) & ~(VA_ALIGN - 1);
	return va;
}

int bo_create(struct gpu *gpu, struct bo *bo, uint64_t size, uint32_t flags, const struct vm *vm)
{
	struct drm_panthor_bo_create args = {
		.size = size,
		.flags = flags,
		.exclusive_vm_id = vm ? vm->id : 0,
	};
	int ret = dev_ioctl(gpu->fd, DRM_IOCTL_PANTHOR_BO_CREATE, &args);

	*bo = (struct bo){ .gpu = gpu };
	if (ret)
		return ret;

	bo->handle = args.handle;
	bo->size = args.size;
	bo->va = take_va(gpu, bo->size);
	return 0;
}

int bo_label(struct bo *bo, const char *label)
{
	struct drm_panthor_bo_set_label args = {
		.handle = bo->handle,
		.label = (uintptr_t)label,
	};

	return dev_ioctl(bo->gpu->fd, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &args);
}

int bo_map(struct bo *bo)
{
	struct drm_panthor_bo_mmap_offset args = { .handle = bo->handle };
	void *map;
	int ret;

	if (bo->map)
		return 0;

	ret = dev_ioctl(bo->gpu->fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args);
	if (ret)
		return ret;

	map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, bo->gpu->fd, args.offset);
	if (map == MAP_FAILED)
		return -errno;

	bo->map = map;
	return 0;
}

void bo_unmap(struct bo *bo)
{
	if (bo->map)
		munmap(bo->map, bo->size);
	bo->map = NULL;
}

static int bind_op(struct bo *bo, const struct vm *vm, bool map)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = map ? DRM_PANTHOR_VM_BIND_OP_TYPE_MAP : DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.bo_handle = map ? bo->handle : 0,
		.va = bo->va,
		.size = bo->size,
	};
	struct drm_panthor_vm_bind args = {
		.vm_id = vm->id,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};

	return dev_ioctl(bo->gpu->fd, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

int bo_bind(struct bo *bo, const struct vm *vm)
{
	return bind_op(bo, vm, true);
}

int bo_unbind(struct bo *bo, const struct vm *vm)
{
	return bind_op(bo, vm, false);
}

int bo_export(struct bo *bo)
{
	struct drm_prime_handle args = {
		.handle = bo->handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int ret = dev_ioctl(bo->gpu->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	return ret ? ret : args.fd;
}

int bo_import(struct gpu *gpu, struct bo *bo, int dmabuf, uint64_t size)
{
	struct drm_prime_handle args = { .fd = dmabuf };
	int ret = dev_ioctl(gpu->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*bo = (struct bo){ .gpu = gpu };
	if (ret)
		return ret;

	bo->handle = args.handle;
	bo->size = size;
	bo->va = take_va(gpu, size);
	return 0;
}

int bo_name(struct bo *bo, uint32_t *name)
{
	struct drm_gem_flink args = { .handle = bo->handle };
	int ret = dev_ioctl(bo->gpu->fd, DRM_IOCTL_GEM_FLINK, &args);

	*name = ret ? 0 : args.name;
	return ret;
}

int bo_open(struct gpu *gpu, struct bo *bo, uint32_t name)
{
	struct drm_gem_open args = { .name = name };
	int ret = dev_ioctl(gpu->fd, DRM_IOCTL_GEM_OPEN, &args);

	*bo = (struct bo){ .gpu = gpu };
	if (ret)
		return ret;

	bo->handle = args.handle;
	bo->size = args.size;
	bo->va = take_va(gpu, bo->size);
	return 0;
}

void bo_close(struct bo *bo)
{
	struct drm_gem_close args = { .handle = bo->handle };

	if (bo->handle)
		dev_ioctl(bo->gpu->fd, DRM_IOCTL_GEM_CLOSE, &args);
	bo->handle = 0;
}

void bo_destroy(struct bo *bo)
{
	bo_unmap(bo);
	bo_close(bo);
}

int group_create(struct gpu *gpu, struct group *group, const struct vm *vm)
{
	struct drm_panthor_queue_create queue = {
		.priority = 1,
		.ringbuf_size = RING_SIZE,
	};
	struct drm_panthor_group_create args = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(1, &queue),
		.max_compute_cores = 1,
		.max_fragment_cores = 1,
		.max_tiler_cores = 1,
		.priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
		.compute_core_mask = gpu->info.shader_present,
		.fragment_core_mask = gpu->info.shader_present,
		.tiler_core_mask = gpu->info.tiler_present,
		.vm_id = vm->id,
	};
	int ret = dev_ioctl(gpu->fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args);

	*group = (struct group){ .gpu = gpu, .handle = ret ? 0 : args.group_handle };
	return ret;
}

int group_submit(struct group *group, uint64_t va, uint32_t size, uint32_t timeline, uint64_t point)
{
	struct drm_panthor_sync_op signal = {
		.flags = DRM_PANTHOR_SYNC_OP_SIGNAL |
			 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
		.handle = timeline,
		.timeline_value = point,
	};
	struct drm_panthor_queue_submit submit = {
		.stream_addr = va,
		.stream_size = size,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(timeline ? 1 : 0, &signal),
	};
	struct drm_panthor_group_submit args = {
		.group_handle = group->handle,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &submit),
	};

	return dev_ioctl(group->gpu->fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);
}

int group_state(struct group *group)
{
	struct drm_panthor_group_get_state args = { .group_handle = group->handle };
	int ret = dev_ioctl(group->gpu->fd, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &args);

	return ret ? ret : (int)args.state;
}

int group_destroy(struct group *group)
{
	struct drm_panthor_group_destroy args = { .group_handle = group->handle };

	group->handle = 0;
	return dev_ioctl(group->gpu->fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &args);
}

int timeline_create(struct gpu *gpu, uint32_t *timeline)
{
	struct drm_syncobj_create args = {};
	int ret = dev_ioctl(gpu->fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	*timeline = ret ? 0 : args.handle;
	return ret;
}

int timeline_wait(struct gpu *gpu, uint32_t timeline, uint64_t point, int64_t deadline)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&timeline,
		.points = (uintptr_t)&point,
		.timeout_nsec = deadline,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return dev_ioctl(gpu->fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

void timeline_destroy(struct gpu *gpu, uint32_t timeline)
{
	struct drm_syncobj_destroy args = { .handle = timeline };

	if (timeline)
		dev_ioctl(gpu->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}
