/* SPDX-License-Identifier: GPL-2.0 */
/* A write, its account, and the system's memory before and after. */
#ifndef TESTS_LEVELS_H
#define TESTS_LEVELS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In kB; @zram is what the compressed swap takes of the memory, @slab the kernel's books on it */
struct levels {
	long shmem, swap_free, free, swap_cached, zram, slab;
};

struct levels levels(void);
/*
 * Per-CPU batches of these counters can be off by a few hundred kB: a client of tens of MiB is what
 * makes 95 % a statement
 */
bool most_of(long kb, uint64_t bytes);

/* What a write returned, and what its end event says */
struct result {
	int ret;
	uint64_t evicted, written, freed, skipped, unwritten;
	int64_t evicted_bos, skipped_bos, result;
	int no_swap_skips;
	bool frees;
};

/* The levels are taken while the trace buffers are there, so that these do not count */
struct result measured_reclaim(pid_t target, struct levels *before, struct levels *after);
struct result traced_reclaim(pid_t target);

#endif
