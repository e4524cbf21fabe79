/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test bench: a VM with a buffer for code and one for data, a group with queues, and a
 * timeline that counts jobs. On top of the client library of ../../load, which wraps the ioctls;
 * what the tests check goes through ioctls that are spelled out there.
 */
#ifndef SIM_BENCH_H
#define SIM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dev.h"
#include "insn.h"
#include "tap.h"

#define KNOBS "/sys/kernel/debug/panthor-sim/"
#define COUNTERS KNOBS "counters/"
/* Runtime PM of the device */
#define POWER "/sys/bus/platform/devices/panthor/power/"

#define MSEC 1000000LL
#define CODE_SIZE 0x10000
#define DATA_SIZE 0x10000

/* Longer than any job timeout of the driver, also on a slow debug kernel */
#define PATIENCE (30 * DEV_NSEC)

/**
 * struct bench - What a test needs to run a job
 * @gpu: the file
 * @vm: its address space
 * @code: where streams are put
 * @data: what they work on
 * @group: handle of the group
 * @timeline: syncobj that jobs signal
 * @point: the last point that a job was told to signal
 */
struct bench {
	struct gpu gpu;
	struct vm vm;
	struct bo code;
	struct bo data;
	uint32_t group;
	uint32_t timeline;
	uint64_t point;
};

/*
 * All of it, or bail out. @queues queues in a group of @priority (enum
 * drm_panthor_group_priority)
 */
void bench_open(struct bench *bench, unsigned int queues, unsigned int priority);
/* Another bench in the same file and VM: a group and code of its own, @from's data */
void bench_share(struct bench *bench, const struct bench *from, unsigned int queues,
		 unsigned int priority);
void bench_close(struct bench *bench);
/* A new group after the old one was killed */
void bench_regroup(struct bench *bench, unsigned int queues, unsigned int priority);

/* Put @count instructions into the code buffer at @offset; their GPU address */
uint64_t bench_code(struct bench *bench, size_t offset, const uint64_t *insns, size_t count);
/* 0 or a negative errno */
int bench_submit(struct bench *bench, unsigned int queue, uint64_t va, uint32_t size);
/* The same, but the job waits for @point of @timeline first */
int bench_submit_after(struct bench *bench, unsigned int queue, uint64_t va, uint32_t size,
		       uint32_t timeline, uint64_t point);
/* Wait for all that was submitted: the error of the last job's fence, or -ETIME */
int bench_wait(struct bench *bench, int64_t patience);
/* The error of @point's fence, 0 if it signalled without one */
int bench_fence_error(struct bench *bench, uint64_t point);
/* Code, submit to queue 0, wait */
int bench_run(struct bench *bench, const uint64_t *insns, size_t count);
#define RUN(bench, ...) \
	bench_run(bench, (uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)

/* State flags of the group, or a negative errno; *@fatal may be NULL */
int bench_state(struct bench *bench, uint32_t *fatal);
/* Wait until the group's state is not 0 */
int bench_wait_state(struct bench *bench, int64_t patience);

/* Checks that a new group, after the old one was killed, runs a job */
void bench_again(struct bench *bench);

/* Exception types of the MMU, at level 0, and access types, as the hardware counts them */
#define TRANSLATION_0 0xc0
#define PERMISSION_0 0xc8
#define ACCESS_FLAG_0 0xd8
#define ADDRESS_SIZE_IN 0xe0
#define ADDRESS_SIZE_OUT_0 0xe4
#define MEMORY_ATTR_0 0xe8
#define READ 2
#define WRITE 3

/* True if the last MMU fault of a group was that of @access to @va */
bool bench_faulted(uint64_t va, uint32_t type, uint32_t access);

/*
 * Checks that a job of the group failed (@ret: what bench_run() returned) with this fault, and
 * that a new group works
 */
void bench_fault(struct bench *bench, int ret, uint64_t va, uint32_t type, uint32_t access,
		 const char *promise, ...) printf_like(6, 7);

/* The kernel's log from now on; whether @text comes in it, until two seconds pass without a word */
int kernel_log(void);
bool kernel_said(int log, const char *text);

uint32_t *data32(struct bench *bench, size_t offset);
uint64_t *data64(struct bench *bench, size_t offset);

/* Map or unmap a range */
int bench_bind(struct bench *bench, uint32_t handle, uint64_t bo_offset, uint64_t va, uint64_t size,
	       uint32_t flags);

/* Files with a number in debugfs and sysfs */
uint64_t get_number(const char *path);
void set_number(const char *path, uint64_t value);
uint64_t counter(const char *name);
void set_knob(const char *name, uint64_t value);
/* A line of text; true if it reads @text */
bool file_says(const char *path, const char *text);
void file_write(const char *path, const char *text);

void sleep_ms(unsigned int ms);
/* Polls until @cond or @ms milliseconds are over */
#define WAIT_FOR(cond, ms)                                \
	({                                                \
		int64_t until_ = dev_now() + MSEC * (ms); \
		while (!(cond) && dev_now() < until_)     \
			sleep_ms(2);                      \
		(cond);                                   \
	})

#endif
