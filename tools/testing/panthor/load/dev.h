/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The panthor uAPI in the few steps that a client takes: open, make a VM, make buffers, bind them,
 * make a group, submit streams to it, wait. Thin on purpose: a function is an ioctl with its
 * arguments filled in, so that a test can see what it asks for.
 *
 * Whatever can fail returns 0 or a negative errno. Nothing prints, nothing exits.
 */
#ifndef LOAD_DEV_H
#define LOAD_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drm/panthor_drm.h>

#define DEV_NSEC 1000000000LL

/**
 * struct gpu - An open file of the device
 * @fd: the file
 * @info: what the GPU is
 * @csif: its command-stream interface
 * @next_va: next free GPU address; buffers get the same address in each VM of the file
 */
struct gpu {
	int fd;
	struct drm_panthor_gpu_info info;
	struct drm_panthor_csif_info csif;
	uint64_t next_va;
};

/**
 * struct vm - A GPU address space
 * @gpu: the file it belongs to
 * @id: its handle, 0 if there is none
 */
struct vm {
	struct gpu *gpu;
	uint32_t id;
};

/**
 * struct bo - A buffer
 * @gpu: the file it belongs to
 * @handle: its handle, 0 if there is none
 * @size: its size in bytes, as the kernel rounded it
 * @va: its GPU address where it is bound
 * @map: its CPU mapping or NULL
 */
struct bo {
	struct gpu *gpu;
	uint32_t handle;
	uint64_t size;
	uint64_t va;
	void *map;
};

/**
 * struct group - A scheduling group with one queue
 * @gpu: the file it belongs to
 * @handle: its handle, 0 if there is none
 */
struct group {
	struct gpu *gpu;
	uint32_t handle;
};

/* CLOCK_MONOTONIC, which is also the clock of every deadline below */
int64_t dev_now(void);
/* ioctl() that goes on after a signal */
int dev_ioctl(int fd, unsigned long request, void *arg);

/* @path NULL: the first render node that panthor drives; -ENODEV if there is none */
int gpu_open(struct gpu *gpu, const char *path);
/* The same for a file that is open already, an inherited one for instance; takes it over */
int gpu_adopt(struct gpu *gpu, int fd);
void gpu_close(struct gpu *gpu);
/*
 * The path of the device's card node or render node: which number it has depends on what was there
 * before it. -ENOENT if there is none, -ENAMETOOLONG if it does not fit
 */
int gpu_node(const struct gpu *gpu, bool card, char *path, size_t size);

int vm_create(struct gpu *gpu, struct vm *vm);
int vm_destroy(struct vm *vm);
/* 1 if the kernel gave the VM up, 0 if it is usable */
int vm_unusable(struct vm *vm);

/* @vm: the only VM the buffer will ever be bound to, or NULL; @flags: enum drm_panthor_bo_flags */
int bo_create(struct gpu *gpu, struct bo *bo, uint64_t size, uint32_t flags, const struct vm *vm);
int bo_label(struct bo *bo, const char *label);
int bo_map(struct bo *bo);
void bo_unmap(struct bo *bo);
int bo_bind(struct bo *bo, const struct vm *vm);
int bo_unbind(struct bo *bo, const struct vm *vm);
/* A dma-buf of the buffer, or a negative errno */
int bo_export(struct bo *bo);
int bo_import(struct gpu *gpu, struct bo *bo, int dmabuf, uint64_t size);
/* A number by which other files can open the buffer, card nodes both: sharing without a dma-buf */
int bo_name(struct bo *bo, uint32_t *name);
int bo_open(struct gpu *gpu, struct bo *bo, uint32_t name);
/* The handle alone: a mapping stays, and so does what is bound */
void bo_close(struct bo *bo);
void bo_destroy(struct bo *bo);

int group_create(struct gpu *gpu, struct group *group, const struct vm *vm);
/*
 * Run @size bytes of stream at GPU address @va; @point of @timeline is signalled when it is
 * through. @timeline 0: nobody cares
 */
int group_submit(struct group *group, uint64_t va, uint32_t size, uint32_t timeline,
		 uint64_t point);
/* enum drm_panthor_group_state_flags, or a negative errno */
int group_state(struct group *group);
int group_destroy(struct group *group);

int timeline_create(struct gpu *gpu, uint32_t *timeline);
/* -ETIME when @deadline passes first */
int timeline_wait(struct gpu *gpu, uint32_t timeline, uint64_t point, int64_t deadline);
void timeline_destroy(struct gpu *gpu, uint32_t timeline);

#endif
