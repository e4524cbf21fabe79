/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client: a process with the device open, VMs, buffers full of a known pattern, and jobs. What
 * `load` makes of its command line, and what its commands act on.
 */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "job.h"

enum bo_kind {
	BO_PRIVATE, /* bound to one VM and never to another */
	BO_SHARED, /* bound to every VM of the client */
	BO_MMAP, /* in no VM, mapped by the CPU */
	BO_UNUSED, /* in no VM, mapped by nobody */
	BO_KINDS
};

extern const char *const bo_kind_names[BO_KINDS];

/**
 * struct bo_spec - Buffers that are wanted
 * @count: how many: of private ones in each VM, of others in all
 * @size: bytes of each
 * @kind: which sort
 * @label: what they are called, "%i" standing for the number of each; NULL: after the kind
 */
struct bo_spec {
	unsigned int count;
	uint64_t size;
	enum bo_kind kind;
	const char *label;
};

/**
 * struct client_config - What a client shall be
 * @device: node to open, NULL for the first that panthor drives
 * @vms: number of VMs
 * @seed: makes its pattern another one than its neighbour's
 * @specs: its buffers
 * @nr_specs: length of @specs
 */
struct client_config {
	const char *device;
	unsigned int vms;
	uint32_t seed;
	const struct bo_spec *specs;
	unsigned int nr_specs;
};

/* A buffer and what is in it; @seed is 0 before the first fill */
struct client_bo {
	struct bo bo;
	enum bo_kind kind;
	unsigned int vm;
	uint32_t seed;
	char label[64];
};

/*
 * A thread that submits a job of @us microseconds @hz times a second (0: one after the other), at
 * most @DEPTH at a time
 */
struct client_loop {
	pthread_t thread;
	struct client *client;
	struct jobs *jobs;
	uint32_t hz;
	uint32_t us;
	atomic_bool stop;
	uint64_t frames;
	uint64_t late;
	int error;
};

struct client {
	struct gpu gpu;
	struct vm *vms;
	struct jobs *jobs;
	unsigned int nr_vms;
	struct client_bo *bos;
	unsigned int nr_bos;
	uint32_t seed;
	uint32_t fills;
	struct client_loop *loop;
};

enum client_how {
	CLIENT_CPU, /* through mappings */
	CLIENT_GPU, /* by jobs that read or write every byte */
	CLIENT_CHECK, /* by jobs that compare a line of each page (verify only) */
};

/* Where something went wrong: a step in words, and the buffer if there is one */
struct client_error {
	const char *what;
	const struct client_bo *bo;
	uint64_t offset;
};

/* All return 0 or a negative errno and then fill *@err in */
int client_init(struct client *client, const struct client_config *config,
		struct client_error *err);
void client_fini(struct client *client);

/*
 * A pattern that was never there before, in every buffer. Buffers in no VM are always done by the
 * CPU
 */
int client_fill(struct client *client, enum client_how how, struct client_error *err);
/* -EILSEQ: a buffer does not hold what was filled in. @bytes: how many were looked at */
int client_verify(struct client *client, enum client_how how, uint64_t *bytes,
		  struct client_error *err);
int client_calibrate(struct client *client, struct client_error *err);
/* @count jobs of @us microseconds in each VM, one after the other; returns when all are through */
int client_submit(struct client *client, unsigned int count, uint32_t us, struct client_error *err);
/* Keep the GPU busy with jobs of VM 0 until client_release(), which waits for their end */
int client_hold(struct client *client, struct client_error *err);
int client_release(struct client *client, struct client_error *err);
int client_loop_start(struct client *client, uint32_t hz, uint32_t us, struct client_error *err);
int client_loop_stop(struct client *client, uint64_t *frames, uint64_t *late,
		     struct client_error *err);
int client_bind(struct client *client, bool bind, struct client_error *err);
int client_destroy_vm(struct client *client, unsigned int vm, struct client_error *err);

#endif
