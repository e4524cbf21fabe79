/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GPU work as command streams: fill a buffer with the pattern, compare it, copy it, keep the GPU
 * busy for a while. Each job says that it ran to its end by a sync object that it sets itself, so
 * that a fence alone never passes for work done.
 */
#ifndef LOAD_JOB_H
#define LOAD_JOB_H

#include <pthread.h>
#include <semaphore.h>

#include "dev.h"

/*
 * The driver gives up on a queue in which no job has ended for 5 s. How long a job takes depends on
 * how busy the machine is, so longer work is made of jobs of this length
 */
#define JOB_PIECE_US 200000

#define JOB_MAX_US 4000000

/* Time that a synchronous job may take, with everything else that the machine has to do */
#define JOB_PATIENCE (120 * DEV_NSEC)

/**
 * struct jobs - One VM's work
 * @gpu: the file
 * @vm: the VM
 * @group: where jobs are submitted
 * @mem: the streams, the sync objects that they set, the gate (private to the VM)
 * @staging: where jobs_copy() puts pages for the CPU to look at
 * @timeline: sync object with a point for each job
 * @point: the last job's
 * @turn_ps: what one turn of the waiting loop takes, in picoseconds; 0 until jobs_calibrate()
 * @gated: between jobs_gate() and jobs_open_gate(); no other job may be submitted
 * @gatekeeper: the thread that renews the jobs which keep the GPU busy
 * @open: ends @gatekeeper
 */
struct jobs {
	struct gpu *gpu;
	struct vm *vm;
	struct group group;
	struct bo mem;
	struct bo staging;
	uint32_t timeline;
	uint64_t point;
	uint64_t turn_ps;
	bool gated;
	pthread_t gatekeeper;
	sem_t open;
};

int jobs_init(struct jobs *jobs, struct vm *vm);
void jobs_fini(struct jobs *jobs);
/* A new group in place of one that the kernel has killed */
int jobs_revive(struct jobs *jobs);

/*
 * Synchronous. -ETIME: not done in time; -EIO: the fence says done, the job's own sync object does
 * not; -EILSEQ: done, and *@bad is the offset of the first byte (for jobs_check(): page) that is
 * not what the pattern says.
 */
int jobs_fill(struct jobs *jobs, const struct bo *bo, uint32_t seed);
/* Compares one line in every page within the stream itself */
int jobs_check(struct jobs *jobs, const struct bo *bo, uint32_t seed, uint64_t *bad);
/* Has the GPU read all of @bo, and compares what it read */
int jobs_read(struct jobs *jobs, const struct bo *bo, uint32_t seed, uint64_t *bad);

/*
 * Find out how fast this GPU loops, now. Wants an idle GPU; what it finds is only as good as that
 */
int jobs_calibrate(struct jobs *jobs);

/*
 * Asynchronous: the last job's point is in @jobs->point on return. A non-zero @touch is a GPU
 * address that the first job reads first. jobs_wait() is -EIO if the job was not run to its end.
 */
int jobs_spin(struct jobs *jobs, uint32_t us, uint64_t touch);
/*
 * Keep the GPU busy until jobs_open_gate(), for seconds or for hours: jobs of which the oldest ends
 * and a new one is submitted four times a second
 */
int jobs_gate(struct jobs *jobs);
void jobs_open_gate(struct jobs *jobs);
int jobs_wait(struct jobs *jobs, uint64_t point, int64_t deadline);

/**
 * struct job_end - When the last job so far was done, for a thread that waits for nothing else
 * @jobs: whose, set by the caller
 * @at: when
 * @ret: what jobs_wait() said
 */
struct job_end {
	struct jobs *jobs;
	int64_t at;
	int ret;
};

/* The thread's function: the argument is a struct job_end */
void *jobs_await_end(void *end);

#endif
