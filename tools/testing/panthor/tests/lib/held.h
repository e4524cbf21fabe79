/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A job that runs until it is told to end: no clock decides what happens before that. The driver
 * gives up on it after five seconds.
 */
#ifndef TESTS_HELD_H
#define TESTS_HELD_H

#include "dev.h"

/* What the job stores at its end */
#define HELD_VALUE 0x12345678

/**
 * struct held - Such a job
 * @gpu: its file
 * @group: its group
 * @mem: its stream and what it is told by (private to the VM)
 * @timeline: sync object whose point 1 it signals
 */
struct held {
	struct gpu *gpu;
	struct group group;
	struct bo mem;
	uint32_t timeline;
};

/* All that it needs, in @vm. Bails out, as do those that follow */
void held_init(struct held *held, const struct vm *vm);
/* Submit it; at its end it stores HELD_VALUE at @store, unless that is 0 */
void held_submit(struct held *held, uint64_t store);
/* Both at once */
void held_start(struct held *held, const struct vm *vm, uint64_t store);
/* By the CPU's mapping alone, which no ioctl of anybody is needed for */
void held_release(struct held *held);
/* Then wait for its end: 0 if it ran to that, or a negative errno */
int held_wait(struct held *held);
/* Its mapping; the rest goes with the file */
void held_unmap(struct held *held);

#endif
