/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_INSN_H__
#define __PANTHOR_SIM_INSN_H__

#include <linux/bitfield.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sizes.h>

#include "panthor_device.h"
#include "sim_cs.h"

/* The instruction retired and has set the program counter itself. */
#define PSIM_INSN_FLOW		1

/* A part of the instruction is done; it is executed again for the rest. */
#define PSIM_INSN_MORE		2

/* Bytes of memory that an instruction writes per turn. */
#define PSIM_SLICE		SZ_64K

/* Fields of instructions. */
#define PSIM_F_OPCODE		GENMASK_ULL(63, 56)
#define PSIM_F_DST		GENMASK_ULL(55, 48)
#define PSIM_F_ADDR		GENMASK_ULL(47, 40)
#define PSIM_F_DATA		GENMASK_ULL(39, 32)
#define PSIM_F_IMM48		GENMASK_ULL(47, 0)
#define PSIM_F_IMM32		GENMASK_ULL(31, 0)
#define PSIM_F_IMM16		GENMASK_ULL(15, 0)
#define PSIM_F_MASK		GENMASK_ULL(31, 16)
#define PSIM_F_SIGNAL		GENMASK_ULL(51, 48)
#define PSIM_F_BRANCH_COND	GENMASK_ULL(30, 28)
#define PSIM_F_SYNC_COND	GENMASK_ULL(31, 28)
#define PSIM_F_SYNC_ERROR	BIT_ULL(0)
#define PSIM_F_SYNC_SCOPE	GENMASK_ULL(2, 1)
#define PSIM_F_STATE		GENMASK_ULL(33, 32)
#define PSIM_F_SB_ENDPOINT	GENMASK_ULL(3, 0)
#define PSIM_F_SB_OTHER		GENMASK_ULL(7, 4)
#define PSIM_F_EXCEPTION	GENMASK_ULL(7, 0)
#define PSIM_F_QUEUE		GENMASK_ULL(4, 0)
#define PSIM_F_FRAG_END		BIT_ULL(0)
#define PSIM_F_PROGRESS		BIT_ULL(32)

/* Conditions of branches; the first two also of SYNC_WAIT. */
enum psim_cond {
	PSIM_COND_LE = 0,
	PSIM_COND_GT = 1,
	PSIM_COND_EQ = 2,
	PSIM_COND_NE = 3,
	PSIM_COND_LT = 4,
	PSIM_COND_GE = 5,
	PSIM_COND_ALWAYS = 6,
};

/* Sizes of descriptors that several kinds of jobs have. */
#define PSIM_STORAGE_SIZE	32
#define PSIM_ZS_SIZE		32

/* Longest duration of a job, whatever the knobs say. */
#define PSIM_JOB_MAX_NS		(3600 * (u64)NSEC_PER_SEC)

/* Operations on a heap context's counters. */
enum psim_heap_op {
	PSIM_HEAP_VT_START = 0,
	PSIM_HEAP_VT_END = 1,
	PSIM_HEAP_FRAG_END = 3,
};

/* For an instruction to return: ends the stream with CS_FATAL. */
static inline int psim_insn_fatal(struct psim_cs *cs, u32 type, u64 info)
{
	cs->trap.fatal = true;
	cs->trap.type = type;
	cs->trap.info = info;
	return -EINVAL;
}

/* For an instruction to return: ends the job with CS_FAULT. */
static inline int psim_insn_fault(struct psim_cs *cs, u32 type, u64 info)
{
	cs->trap.fatal = false;
	cs->trap.type = type;
	cs->trap.info = info;
	return -EINVAL;
}

static inline int psim_insn_invalid(struct psim_cs *cs, u64 insn)
{
	return psim_insn_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, insn);
}

static inline s32 psim_imm16(u64 insn)
{
	return (s16)FIELD_GET(PSIM_F_IMM16, insn);
}

static inline bool psim_has_regs(u32 reg, u32 count)
{
	return reg + count <= PSIM_NUM_REGS;
}

/* A 64-bit operand is a pair of registers, the first of which is even. */
static inline bool psim_has_pair(u32 reg)
{
	return !(reg & 1) && psim_has_regs(reg, 2);
}

/* 64 bits of a descriptor. */
static inline u64 psim_word64(const u32 *desc, u32 word)
{
	return desc[word] | (u64)desc[word + 1] << 32;
}

static inline u64 psim_get_pair(const struct psim_cs *cs, u32 reg)
{
	return cs->ctx.regs[reg] | (u64)cs->ctx.regs[reg + 1] << 32;
}

/* Blocks until all scoreboard slots in @mask are idle. */
static inline int psim_wait_sb(struct psim_cs *cs, u32 mask, u64 now)
{
	u64 until = 0;

	for (u32 i = 0; i < PSIM_NUM_SB; i++) {
		if (mask & BIT(i))
			until = max(until, cs->sb_until[i]);
	}

	if (until <= now)
		return 0;

	cs->block = PSIM_BLOCK_SB;
	cs->sleep_until = until;
	return -EAGAIN;
}

/* Keeps a scoreboard slot busy: work that signals the same slot is serialised. */
static inline void psim_signal_sb(struct psim_cs *cs, u32 slot, u64 ns, u64 now)
{
	if (ns && slot < PSIM_NUM_SB)
		cs->sb_until[slot] = max(cs->sb_until[slot], now) + ns;
}

/* Keeps the endpoint's scoreboard slot busy for the duration of the job. */
static inline void psim_job_starts(struct psim_cs *cs, u64 count, u32 ns, u64 now)
{
	u64 duration;

	if (check_mul_overflow(count, (u64)ns, &duration))
		duration = PSIM_JOB_MAX_NS;
	psim_signal_sb(cs, cs->ctx.sb_endpoint, min(duration, PSIM_JOB_MAX_NS), now);
}

/* sim_insn.c */
int psim_insn_exec(struct psim_cs *cs, u64 insn, u64 now);

/* sim_sync.c */
int psim_op_flush(struct psim_cs *cs, u64 insn, u64 now);
int psim_op_sync_write(struct psim_cs *cs, u64 insn, bool is64, bool add, u64 now);
int psim_op_sync_wait(struct psim_cs *cs, u64 insn, bool is64);
int psim_op_store_state(struct psim_cs *cs, u64 insn, u64 now);

/* sim_job.c */
int psim_run_compute(struct psim_cs *cs, u64 insn, u64 now);
int psim_run_idvs(struct psim_cs *cs, u64 insn, u64 now);
int psim_run_fullscreen(struct psim_cs *cs, u64 dcd, u64 now);

/* sim_fragment.c */
int psim_run_fragment(struct psim_cs *cs, u64 insn, u64 now);

/* sim_shader.c */
int psim_touch_shader(struct psim_cs *cs, u64 va);
int psim_touch_resources(struct psim_cs *cs, u64 table);
int psim_touch_fau(struct psim_cs *cs, u64 fau);
int psim_touch_blend(struct psim_cs *cs, u64 blend);
int psim_touch_draw(struct psim_cs *cs, u64 va, u32 *targets);
int psim_touch(struct psim_cs *cs, u64 va, u64 len, enum psim_access access);
int psim_touch_if(struct psim_cs *cs, u64 va, u64 len, enum psim_access access);

/* sim_tiler.c */
int psim_tile(struct psim_cs *cs, u64 ctx, u64 bytes);
int psim_tiler_read(struct psim_cs *cs, u64 ctx);
int psim_heap_count(struct psim_cs *cs, enum psim_heap_op op);
int psim_heap_return(struct psim_cs *cs, u64 first, u64 last, bool frag_end);

#endif /* __PANTHOR_SIM_INSN_H__ */
