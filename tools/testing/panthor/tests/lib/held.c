// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "cs.h"
#include "held.h"
#include "job.h"
#include "tap.h"

#define MEM_SIZE 65536
#define STREAM_SIZE 4096

/* Offsets in its memory: where it is told, and the sync object that it sets itself */
#define TOLD 32768
#define DONE (TOLD + 64)

static volatile uint32_t *word(struct held *held, size_t offset)
{
	return (volatile uint32_t *)((char *)held->mem.map + offset);
}

static size_t emit(struct held *held, uint64_t store)
{
	struct cs cs;
	size_t top;

	cs_init(&cs, held->mem.map, STREAM_SIZE);
	cs_move48(&cs, 10, held->mem.va + TOLD);
	top = cs_here(&cs);
	cs_load(&cs, 12, 1, 10, 0);
	cs_wait(&cs, 1 << CS_SLOT_MEM);
	cs_branch_back(&cs, CS_LE, 12, top);
	if (store) {
		cs_move48(&cs, 14, store);
		cs_move32(&cs, 16, HELD_VALUE);
		cs_store(&cs, 16, 1, 14, 0);
		cs_wait(&cs, 1 << CS_SLOT_MEM);
	}
	cs_move48(&cs, 18, held->mem.va + DONE);
	cs_move32(&cs, 20, 1);
	cs_sync_set32(&cs, 20, 18);
	return cs_bytes(&cs);
}

void held_init(struct held *held, const struct vm *vm)
{
	int ret;

	held->gpu = vm->gpu;
	ret = bo_create(vm->gpu, &held->mem, MEM_SIZE, 0, vm);
	if (!ret)
		ret = bo_bind(&held->mem, vm);
	if (!ret)
		ret = bo_map(&held->mem);
	if (!ret)
		ret = group_create(vm->gpu, &held->group, vm);
	if (!ret)
		ret = timeline_create(vm->gpu, &held->timeline);
	if (ret)
		bail("cannot prepare a job: %s", strerror(-ret));
	memset(held->mem.map, 0, MEM_SIZE);
}

void held_submit(struct held *held, uint64_t store)
{
	int ret = group_submit(&held->group, held->mem.va, emit(held, store), held->timeline, 1);

	if (ret)
		bail("cannot start a job: %s", strerror(-ret));
}

void held_start(struct held *held, const struct vm *vm, uint64_t store)
{
	held_init(held, vm);
	held_submit(held, store);
}

void held_release(struct held *held)
{
	*word(held, TOLD) = 1;
}

int held_wait(struct held *held)
{
	int ret = timeline_wait(held->gpu, held->timeline, 1, dev_now() + JOB_PATIENCE);

	return ret || *word(held, DONE) == 1 ? ret : -EIO;
}

void held_unmap(struct held *held)
{
	bo_unmap(&held->mem);
}
