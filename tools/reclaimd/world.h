/* SPDX-License-Identifier: GPL-2.0 */
/* The system: all files that are read, and the write to mem_reclaim. */
#ifndef RECLAIMD_WORLD_H
#define RECLAIMD_WORLD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "look.h"

#define MAX_DEVICES 8
#define MAX_NODES 8
#define WORLD_PATH 320

struct device {
	/* As in sysfs; and its mem_reclaim */
	char name[DEVICE_LEN];
	char file[WORLD_PATH];
	/* Inodes of its device nodes, as fdinfo has them for open files */
	uint64_t inos[MAX_NODES];
	unsigned int nr_inos;
};

struct world {
	/* "/proc", "/sys" and "/dev", but in tests */
	const char *proc;
	const char *sys;
	const char *dev;
	struct device devices[MAX_DEVICES];
	unsigned int nr_devices;
};

/* What a write to mem_reclaim did */
struct outcome {
	/* 0 or a negative errno; -ECHILD: the process had exited before, nothing was written */
	int err;
	uint64_t blocked_ns;
	/* The process still existed after the write: so it was the target */
	bool verified;
};

uint64_t world_now_ns(void);
/* All that have a mem_reclaim; their number */
unsigned int world_find_devices(struct world *world);
/* Fills @look with all processes that have one of them open; 0 or a negative errno */
int world_scan(const struct world *world, struct look *look);
/* Current sum over the clients of @process on @device; false: the process has exited */
bool world_sum(const struct world *world, const struct process *process, const char *device,
	       struct fdinfo *sum);
/* @mask is the signal mask during the write: other signals interrupt it */
struct outcome world_request(const struct world *world, const struct process *process,
			     const char *device, uint64_t bytes, const sigset_t *mask);

/* How long some task was stalled so far, as the PSI file @path has it */
bool world_stalled(const char *path, uint64_t *us);
bool world_available(const struct world *world, uint64_t *bytes);
/* RAM that all zram devices take */
uint64_t world_zram(const struct world *world);
/* Is any swap on storage, which writes wear out? */
bool world_swap_wears(const struct world *world);
/* The whole file, with a terminating zero, to be freed; NULL and errno if not */
char *world_read(const char *path, size_t *len);
/* Replaces the file atomically; 0 or a negative errno */
int world_replace(const char *path, const char *text, size_t len);

#endif
