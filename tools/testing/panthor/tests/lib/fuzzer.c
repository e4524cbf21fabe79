// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <drm.h>

#include "dev.h"
#include "fuzzer.h"
#include "pattern.h"
#include "random.h"
#include "tap.h"

#define VMS 3
#define BOS 24
#define KEPT 3
#define SYNCOBJS 4
#define GROUPS 3
#define HEAPS 2
#define QUEUES 3
#define OPS 4
#define SYNCS 3

#define CODE_WORDS 512
#define VA_BASE 0x10000000ULL
#define VA_PAGES 0x8000

struct buffer {
	uint32_t handle;
	uint64_t size;
	uint64_t va;
	void *map;
	uint32_t seed; /* of the pattern in it; 0: anybody may write to it */
};

struct fuzzer {
	struct random random;
	struct fuzz_stats *stats;
	struct gpu gpu;
	int exchange;
	uint32_t vms[VMS];
	/* The first KEPT are this client's own, and full of a pattern */
	struct buffer bos[BOS];
	uint32_t syncobjs[SYNCOBJS];
	uint32_t groups[GROUPS];
	uint32_t heaps[HEAPS];
};

static uint32_t rnd(struct fuzzer *fuzzer, uint32_t below)
{
	return random_below(&fuzzer->random, below);
}

static int ask(struct fuzzer *fuzzer, unsigned long request, void *args)
{
	int ret = ioctl(fuzzer->gpu.fd, request, args);

	fuzzer->stats->ioctls++;
	if (ret < 0)
		fuzzer->stats->refused++;
	return ret < 0 ? -errno : 0;
}

/* One of the handles, which may be none yet; now and then one that nobody gave out */
static uint32_t any(struct fuzzer *fuzzer, const uint32_t *handles, uint32_t count)
{
	if (one_in(&fuzzer->random, 30))
		return one_in(&fuzzer->random, 2) ? random_u32(&fuzzer->random) : 0;
	return handles[rnd(fuzzer, count)];
}

static uint32_t any_vm(struct fuzzer *fuzzer)
{
	return any(fuzzer, fuzzer->vms, VMS);
}

/* Bits that should not be there */
static uint32_t stray(struct fuzzer *fuzzer)
{
	return one_in(&fuzzer->random, 40) ? 1u << rnd(fuzzer, 32) : 0;
}

static uint64_t any_size(struct fuzzer *fuzzer)
{
	switch (rnd(fuzzer, 16)) {
	case 0:
		return 2 << 20;
	case 1:
		return random_u32(&fuzzer->random) % (1 << 22);
	case 2:
		return one_in(&fuzzer->random, 4) ? (uint64_t)random_u32(&fuzzer->random) << 20 : 0;
	case 3 ... 5:
		return 65536;
	default:
		return 4096 * (1 + rnd(fuzzer, 16));
	}
}

static uint64_t any_va(struct fuzzer *fuzzer)
{
	switch (rnd(fuzzer, 16)) {
	case 0:
		return (uint64_t)random_u32(&fuzzer->random) << rnd(fuzzer, 32);
	case 1 ... 3:
		return VA_BASE + 4096ULL * rnd(fuzzer, VA_PAGES);
	default:
		return fuzzer->bos[rnd(fuzzer, BOS)].va;
	}
}

static void vm_step(struct fuzzer *fuzzer)
{
	uint32_t *vm = &fuzzer->vms[rnd(fuzzer, VMS)];
	struct drm_panthor_vm_create create = { .flags = stray(fuzzer) };
	struct drm_panthor_vm_destroy destroy = { .id = *vm };

	if (one_in(&fuzzer->random, 8))
		create.user_va_range = 1ULL << rnd(fuzzer, 64);
	if (*vm && one_in(&fuzzer->random, 2)) {
		if (!ask(fuzzer, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy))
			*vm = 0;
	} else if (!*vm && !ask(fuzzer, DRM_IOCTL_PANTHOR_VM_CREATE, &create)) {
		*vm = create.id;
	}
}

static void buffer_map(struct fuzzer *fuzzer, struct buffer *bo)
{
	struct drm_panthor_bo_mmap_offset args = { .handle = bo->handle };

	if (bo->map || ask(fuzzer, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args))
		return;
	bo->map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, fuzzer->gpu.fd,
		       args.offset);
	if (bo->map == MAP_FAILED)
		bo->map = NULL;
}

static void buffer_drop(struct fuzzer *fuzzer, struct buffer *bo)
{
	struct drm_gem_close args = { .handle = bo->handle };

	if (bo->handle)
		ask(fuzzer, DRM_IOCTL_GEM_CLOSE, &args);
	/* Who imports what it exported has one handle twice, and the next buffer may get it */
	for (int i = 0; i < BOS; i++) {
		struct buffer *other = &fuzzer->bos[i];

		if (other != bo && (!bo->handle || other->handle != bo->handle))
			continue;
		if (other->map)
			munmap(other->map, other->size);
		other->map = NULL;
		other->seed = 0;
		if (other != bo)
			other->handle = 0;
	}
	bo->handle = 0;
}

static void buffer_new(struct fuzzer *fuzzer, struct buffer *bo, bool kept)
{
	struct drm_panthor_bo_create args = {
		.size = kept ? 4096 * (1 + rnd(fuzzer, 32)) : any_size(fuzzer),
		.flags = kept ? 0 : rnd(fuzzer, 4) | stray(fuzzer),
		.exclusive_vm_id = one_in(&fuzzer->random, 2) ? any_vm(fuzzer) : 0,
	};

	buffer_drop(fuzzer, bo);
	if (ask(fuzzer, DRM_IOCTL_PANTHOR_BO_CREATE, &args))
		return;
	bo->handle = args.handle;
	bo->size = args.size;
	bo->va = VA_BASE + 4096ULL * rnd(fuzzer, VA_PAGES);
	if (!kept)
		return;
	buffer_map(fuzzer, bo);
	if (bo->map) {
		bo->seed = 1 + rnd(fuzzer, 1 << 20);
		pattern_fill(bo->map, bo->size, bo->seed, 0);
	}
}

static void check_kept(struct fuzzer *fuzzer, struct buffer *bo)
{
	if (!bo->seed)
		return;
	if (pattern_verify(bo->map, bo->size, bo->seed, 0) == bo->size) {
		fuzzer->stats->verified += bo->size;
		return;
	}
	diag("[%d] wrong data in BO %u", getpid(), bo->handle);
	fuzzer->stats->wrong++;
}

static void bo_step(struct fuzzer *fuzzer)
{
	uint32_t number = rnd(fuzzer, BOS);
	struct buffer *bo = &fuzzer->bos[number];
	const char *name = "fuzz";
	struct drm_panthor_bo_set_label label = {
		.handle = bo->handle,
		.label = one_in(&fuzzer->random, 30) ? 8 : (uintptr_t)name,
	};
	struct drm_panthor_bo_query_info info = { .handle = bo->handle };
	struct drm_panthor_bo_sync_op op = {
		.handle = bo->handle,
		.type = rnd(fuzzer, 3),
		.offset = one_in(&fuzzer->random, 4) ? any_size(fuzzer) : 0,
		.size = bo->size,
	};
	struct drm_panthor_bo_sync sync = { .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op) };

	switch (rnd(fuzzer, 10)) {
	case 0 ... 3:
		buffer_new(fuzzer, bo, number < KEPT);
		break;
	case 4:
		buffer_drop(fuzzer, bo);
		break;
	case 5:
		buffer_map(fuzzer, bo);
		if (bo->map && !bo->seed)
			memset(bo->map, number, bo->size > 65536 ? 65536 : bo->size);
		break;
	case 6:
		check_kept(fuzzer, &fuzzer->bos[rnd(fuzzer, KEPT)]);
		break;
	case 7:
		ask(fuzzer, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label);
		break;
	case 8:
		ask(fuzzer, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info);
		break;
	case 9:
		ask(fuzzer, DRM_IOCTL_PANTHOR_BO_SYNC, &sync);
		break;
	}
}

static void syncs_any(struct fuzzer *fuzzer, struct drm_panthor_sync_op *syncs)
{
	for (int i = 0; i < SYNCS; i++) {
		bool timeline = one_in(&fuzzer->random, 2);

		syncs[i] = (struct drm_panthor_sync_op){
			.flags = timeline | stray(fuzzer),
			.handle = any(fuzzer, fuzzer->syncobjs, SYNCOBJS),
			.timeline_value = timeline || one_in(&fuzzer->random, 20) ? rnd(fuzzer, 8)
										  : 0,
		};
		if (!one_in(&fuzzer->random, 4))
			syncs[i].flags |= DRM_PANTHOR_SYNC_OP_SIGNAL;
	}
}

static void bind_any(struct fuzzer *fuzzer, struct drm_panthor_vm_bind_op *op,
		     struct drm_panthor_sync_op *syncs, bool async)
{
	uint32_t number = rnd(fuzzer, BOS);
	struct buffer *bo = &fuzzer->bos[number];
	uint32_t kind = rnd(fuzzer, 8);
	struct drm_panthor_obj_array some = DRM_PANTHOR_OBJ_ARRAY(rnd(fuzzer, SYNCS + 1), syncs);

	*op = (struct drm_panthor_vm_bind_op){ .va = bo->va, .size = bo->size };
	if (kind < 4) {
		op->flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | rnd(fuzzer, 8);
		op->bo_handle = bo->handle;
	} else if (kind < 6) {
		op->flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP;
	} else if (kind < 7) {
		op->flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE |
			    DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC;
		op->size = 4096ULL << rnd(fuzzer, 20);
	} else {
		op->flags = DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY;
		op->va = 0;
		op->size = 0;
	}
	op->flags |= stray(fuzzer);
	if (one_in(&fuzzer->random, 8))
		op->va = any_va(fuzzer);
	if (one_in(&fuzzer->random, 8))
		op->size = any_size(fuzzer);
	if (one_in(&fuzzer->random, 16))
		op->bo_offset = any_size(fuzzer);
	/* Nobody but this client may write to what it keeps, not even its own GPU */
	if (op->bo_handle && number < KEPT)
		op->flags |= DRM_PANTHOR_VM_BIND_OP_MAP_READONLY;
	if (async) {
		syncs_any(fuzzer, syncs);
		op->syncs = some;
	}
}

static void bind_step(struct fuzzer *fuzzer)
{
	struct drm_panthor_sync_op syncs[OPS][SYNCS];
	struct drm_panthor_vm_bind_op ops[OPS];
	bool async = one_in(&fuzzer->random, 2);
	struct drm_panthor_vm_bind args = {
		.vm_id = any_vm(fuzzer),
		.flags = (async ? DRM_PANTHOR_VM_BIND_ASYNC : 0) | stray(fuzzer),
		.ops = DRM_PANTHOR_OBJ_ARRAY(1 + rnd(fuzzer, OPS), ops),
	};

	for (int i = 0; i < OPS; i++)
		bind_any(fuzzer, &ops[i], syncs[i], async);
	ask(fuzzer, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static void syncobj_step(struct fuzzer *fuzzer)
{
	uint32_t *syncobj = &fuzzer->syncobjs[rnd(fuzzer, SYNCOBJS)];
	struct drm_syncobj_create create = { .flags = rnd(fuzzer, 2) };
	struct drm_syncobj_destroy destroy = { .handle = *syncobj };
	uint64_t point = rnd(fuzzer, 8);
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)syncobj,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.timeout_nsec = dev_now() + 1000000LL * rnd(fuzzer, 30),
	};

	if (!*syncobj) {
		if (!ask(fuzzer, DRM_IOCTL_SYNCOBJ_CREATE, &create))
			*syncobj = create.handle;
	} else if (one_in(&fuzzer->random, 8)) {
		ask(fuzzer, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
		*syncobj = 0;
	} else {
		ask(fuzzer, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
	}
}

static void group_step(struct fuzzer *fuzzer)
{
	uint32_t *group = &fuzzer->groups[rnd(fuzzer, GROUPS)];
	struct drm_panthor_queue_create queues[QUEUES];
	struct drm_panthor_group_create create = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(1 + rnd(fuzzer, QUEUES), queues),
		.max_compute_cores = 1,
		.max_fragment_cores = 1,
		.max_tiler_cores = 1,
		.priority = rnd(fuzzer, 5),
		.compute_core_mask = fuzzer->gpu.info.shader_present,
		.fragment_core_mask = fuzzer->gpu.info.shader_present,
		.tiler_core_mask = fuzzer->gpu.info.tiler_present,
		.vm_id = any_vm(fuzzer),
	};
	struct drm_panthor_group_destroy destroy = { .group_handle = *group };
	struct drm_panthor_group_get_state state = { .group_handle = *group };

	for (int i = 0; i < QUEUES; i++)
		queues[i] = (struct drm_panthor_queue_create){
			.priority = rnd(fuzzer, 16),
			.ringbuf_size = one_in(&fuzzer->random, 20) ? random_u32(&fuzzer->random)
								    : 4096u << rnd(fuzzer, 5),
		};
	if (!*group) {
		if (!ask(fuzzer, DRM_IOCTL_PANTHOR_GROUP_CREATE, &create))
			*group = create.group_handle;
	} else if (one_in(&fuzzer->random, 4)) {
		ask(fuzzer, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &destroy);
		*group = 0;
	} else {
		ask(fuzzer, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state);
	}
}

/* Moves, additions, waits, loads and stores of what is near; now and then anything */
static uint64_t any_instruction(struct fuzzer *fuzzer)
{
	static const uint8_t opcodes[] = { 0, 1, 1, 2, 3, 16, 20, 21, 36, 38, 51 };
	uint64_t op = opcodes[rnd(fuzzer, sizeof(opcodes))];
	uint64_t reg = 2 * rnd(fuzzer, 40);

	if (one_in(&fuzzer->random, 40))
		return (uint64_t)random_u32(&fuzzer->random) << 32 | random_u32(&fuzzer->random);
	if (op == 1)
		return op << 56 | reg << 48 | (any_va(fuzzer) & 0xffffffffffffULL);
	if (op == 20 || op == 21)
		return op << 56 | reg << 48 | 2ULL * rnd(fuzzer, 40) << 40 | 3ULL << 16 |
		       8 * rnd(fuzzer, 64);
	return op << 56 | reg << 48 | 2ULL * rnd(fuzzer, 40) << 40 | rnd(fuzzer, 1 << 16);
}

static void submit_step(struct fuzzer *fuzzer)
{
	struct buffer *code = &fuzzer->bos[KEPT + rnd(fuzzer, BOS - KEPT)];
	struct drm_panthor_sync_op syncs[2][SYNCS];
	struct drm_panthor_queue_submit submits[2];
	struct drm_panthor_group_submit args = {
		.group_handle = any(fuzzer, fuzzer->groups, GROUPS),
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1 + rnd(fuzzer, 2), submits),
	};

	if (code->map && code->size >= CODE_WORDS * 8)
		for (int i = 0; i < CODE_WORDS; i++)
			((volatile uint64_t *)code->map)[i] = any_instruction(fuzzer);
	for (int i = 0; i < 2; i++) {
		syncs_any(fuzzer, syncs[i]);
		submits[i] = (struct drm_panthor_queue_submit){
			.queue_index = rnd(fuzzer, QUEUES + 1),
			.stream_size = one_in(&fuzzer->random, 20) ? random_u32(&fuzzer->random)
								   : 8 * rnd(fuzzer, CODE_WORDS),
			.stream_addr = one_in(&fuzzer->random, 20) ? any_va(fuzzer) : code->va,
			.syncs = DRM_PANTHOR_OBJ_ARRAY(rnd(fuzzer, SYNCS + 1), syncs[i]),
		};
	}
	ask(fuzzer, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);
}

static void heap_step(struct fuzzer *fuzzer)
{
	uint32_t *heap = &fuzzer->heaps[rnd(fuzzer, HEAPS)];
	struct drm_panthor_tiler_heap_create create = {
		.vm_id = any_vm(fuzzer),
		.initial_chunk_count = rnd(fuzzer, 4),
		.chunk_size = one_in(&fuzzer->random, 20) ? random_u32(&fuzzer->random)
							  : 1u << (17 + rnd(fuzzer, 3)),
		.max_chunks = rnd(fuzzer, 8),
		.target_in_flight = rnd(fuzzer, 4),
	};
	struct drm_panthor_tiler_heap_destroy destroy = { .handle = *heap };

	if (!*heap) {
		if (!ask(fuzzer, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &create))
			*heap = create.handle;
	} else {
		ask(fuzzer, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &destroy);
		*heap = 0;
	}
}

static void give(struct fuzzer *fuzzer, int dmabuf, uint64_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
			      .cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
		      } };
	struct iovec data = { .iov_base = &size, .iov_len = sizeof(size) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &dmabuf, sizeof(dmabuf));
	sendmsg(fuzzer->exchange, &message, MSG_DONTWAIT);
}

/* A dma-buf that somebody gave away, or -1 */
static int take(struct fuzzer *fuzzer, uint64_t *size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec data = { .iov_base = size, .iov_len = sizeof(*size) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int dmabuf;

	if (recvmsg(fuzzer->exchange, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0 ||
	    control.header.cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&dmabuf, CMSG_DATA(&control.header), sizeof(dmabuf));
	return dmabuf;
}

static void prime_step(struct fuzzer *fuzzer)
{
	struct buffer *bo = &fuzzer->bos[KEPT + rnd(fuzzer, BOS - KEPT)];
	struct drm_prime_handle out = { .handle = bo->handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	struct drm_prime_handle in = {};

	if (one_in(&fuzzer->random, 2)) {
		if (!bo->handle || ask(fuzzer, DRM_IOCTL_PRIME_HANDLE_TO_FD, &out))
			return;
		give(fuzzer, out.fd, bo->size);
		close(out.fd);
	} else {
		buffer_drop(fuzzer, bo);
		in.fd = take(fuzzer, &bo->size);
		if (in.fd < 0)
			return;
		if (!ask(fuzzer, DRM_IOCTL_PRIME_FD_TO_HANDLE, &in)) {
			bo->handle = in.handle;
			bo->va = VA_BASE + 4096ULL * rnd(fuzzer, VA_PAGES);
		}
		close(in.fd);
	}
}

/* What a client that does something useful has */
static void set_up(struct fuzzer *fuzzer)
{
	struct drm_panthor_vm_create vm = {};

	if (!ask(fuzzer, DRM_IOCTL_PANTHOR_VM_CREATE, &vm))
		fuzzer->vms[0] = vm.id;
	for (int i = 0; i < BOS / 2; i++)
		buffer_new(fuzzer, &fuzzer->bos[i], i < KEPT);
	for (int i = 0; i < 8; i++)
		syncobj_step(fuzzer);
}

void fuzz_client(uint64_t seed, uint32_t steps, int exchange, struct fuzz_stats *stats)
{
	static void (*const what[])(struct fuzzer *) = {
		vm_step,   bo_step,	bo_step,      bo_step,	  bind_step,
		bind_step, bind_step,	bind_step,    group_step, submit_step,
		heap_step, submit_step, syncobj_step, prime_step,
	};
	static struct fuzzer fuzzer;

	fuzzer = (struct fuzzer){ .stats = stats, .exchange = exchange };
	random_seed(&fuzzer.random, seed);
	if (gpu_open(&fuzzer.gpu, NULL))
		return;
	set_up(&fuzzer);
	while (steps--)
		what[rnd(&fuzzer, sizeof(what) / sizeof(what[0]))](&fuzzer);
	for (int i = 0; i < KEPT; i++)
		check_kept(&fuzzer, &fuzzer.bos[i]);
}
