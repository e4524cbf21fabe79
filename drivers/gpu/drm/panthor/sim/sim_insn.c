// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: instructions
 *
 * The interpreter. An instruction retires if it returns 0 or PSIM_INSN_FLOW. After a
 * negative error it is executed again once nothing blocks it any more. So an
 * instruction changes nothing before it knows that it can complete, or its changes can
 * be repeated. One that writes much memory returns PSIM_INSN_MORE in between. Deferred
 * work (flushes, syncs, loads, stores, jobs) is done at once; knobs decide how long its
 * scoreboard slot stays busy.
 *
 * An instruction that is not implemented ends the stream with CS_INSTR_INVALID and is
 * logged once.
 */

#include <linux/bitfield.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>

#include "sim_insn.h"

enum psim_opcode {
	PSIM_OP_NOP = 0,
	PSIM_OP_MOVE48 = 1,
	PSIM_OP_MOVE32 = 2,
	PSIM_OP_WAIT = 3,
	PSIM_OP_RUN_COMPUTE = 4,
	PSIM_OP_RUN_IDVS = 6,
	PSIM_OP_RUN_FRAGMENT = 7,
	PSIM_OP_RUN_FULLSCREEN = 8,
	PSIM_OP_FINISH_TILING = 9,
	PSIM_OP_FINISH_FRAGMENT = 11,
	PSIM_OP_ADD_IMM32 = 16,
	PSIM_OP_ADD_IMM64 = 17,
	PSIM_OP_UMIN32 = 18,
	PSIM_OP_LOAD_MULTIPLE = 20,
	PSIM_OP_STORE_MULTIPLE = 21,
	PSIM_OP_BRANCH = 22,
	PSIM_OP_SET_SB_ENTRY = 23,
	PSIM_OP_PROGRESS_WAIT = 24,
	PSIM_OP_SET_EXCEPTION_HANDLER = 25,
	PSIM_OP_CALL = 32,
	PSIM_OP_JUMP = 33,
	PSIM_OP_REQ_RESOURCE = 34,
	PSIM_OP_FLUSH_CACHE2 = 36,
	PSIM_OP_SYNC_ADD32 = 37,
	PSIM_OP_SYNC_SET32 = 38,
	PSIM_OP_SYNC_WAIT32 = 39,
	PSIM_OP_STORE_STATE = 40,
	PSIM_OP_PROGRESS_STORE = 42,
	PSIM_OP_PROGRESS_LOAD = 43,
	PSIM_OP_RUN_COMPUTE_INDIRECT = 44,
	PSIM_OP_ERROR_BARRIER = 47,
	PSIM_OP_HEAP_SET = 48,
	PSIM_OP_HEAP_OPERATION = 49,
	PSIM_OP_TRACE_POINT = 50,
	PSIM_OP_SYNC_ADD64 = 51,
	PSIM_OP_SYNC_SET64 = 52,
	PSIM_OP_SYNC_WAIT64 = 53,
};

#define PSIM_EXCEPTION_TILER_OOM	2

static void psim_set_pair(struct psim_cs *cs, u32 reg, u64 val)
{
	cs->ctx.regs[reg] = lower_32_bits(val);
	cs->ctx.regs[reg + 1] = upper_32_bits(val);
}

static int psim_op_add64(struct psim_cs *cs, u64 insn)
{
	u32 dst = FIELD_GET(PSIM_F_DST, insn), src = FIELD_GET(PSIM_F_ADDR, insn);

	if (!psim_has_pair(dst) || !psim_has_pair(src))
		return psim_insn_invalid(cs, insn);

	psim_set_pair(cs, dst, psim_get_pair(cs, src) + (s32)FIELD_GET(PSIM_F_IMM32, insn));
	return 0;
}

static int psim_op_load_store(struct psim_cs *cs, u64 insn, bool store)
{
	u32 base = FIELD_GET(PSIM_F_DST, insn), addr = FIELD_GET(PSIM_F_ADDR, insn);
	u32 mask = FIELD_GET(PSIM_F_MASK, insn);
	u32 buf[16];
	u64 va;

	if (!psim_has_pair(addr) || (mask && !psim_has_regs(base, fls(mask))))
		return psim_insn_invalid(cs, insn);

	va = psim_get_pair(cs, addr) + psim_imm16(insn);
	if (va & 3)
		return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_ADDR_RANGE_FAULT, va);

	/* Each run of registers is one access: gaps are not accessed. */
	for (u32 i = 0; i < 16; ) {
		u32 run = 0;
		int ret;

		while (i + run < 16 && (mask & BIT(i + run)))
			run++;
		if (!run) {
			i++;
			continue;
		}

		if (store)
			ret = psim_as_write(cs->env->as, va + i * sizeof(u32),
					    &cs->ctx.regs[base + i], run * sizeof(u32));
		else
			ret = psim_as_read(cs->env->as, va + i * sizeof(u32), &buf[i],
					   run * sizeof(u32));
		if (ret)
			return ret;
		i += run;
	}

	if (!store) {
		for (u32 i = 0; i < 16; i++) {
			if (mask & BIT(i))
				cs->ctx.regs[base + i] = buf[i];
		}
	}

	return 0;
}

static bool psim_condition(s32 val, u32 cond)
{
	switch (cond) {
	case PSIM_COND_LE:
		return val <= 0;
	case PSIM_COND_GT:
		return val > 0;
	case PSIM_COND_EQ:
		return val == 0;
	case PSIM_COND_NE:
		return val != 0;
	case PSIM_COND_LT:
		return val < 0;
	case PSIM_COND_GE:
		return val >= 0;
	default:
		return true;
	}
}

static int psim_op_branch(struct psim_cs *cs, u64 insn)
{
	u32 reg = FIELD_GET(PSIM_F_ADDR, insn), cond = FIELD_GET(PSIM_F_BRANCH_COND, insn);

	/* There are no branches in the ring buffer. */
	if (!cs->ctx.depth || reg >= PSIM_NUM_REGS || cond > PSIM_COND_ALWAYS)
		return psim_insn_invalid(cs, insn);

	/* The stream moves past the instruction, and returns at the end of the buffer. */
	if (psim_condition(cs->ctx.regs[reg], cond))
		cs->ctx.pc += (s64)psim_imm16(insn) * (s64)sizeof(u64);
	return 0;
}

/* A call from the ring buffer starts a job. Knobs for jobs act here. */
static int psim_job_knobs(struct psim_cs *cs, u64 now)
{
	struct psim_knobs *knobs = &cs->env->base->knobs;
	u32 latency;

	if (psim_take(&knobs->hang_jobs)) {
		cs->ctx.hung = true;
		cs->block = PSIM_BLOCK_HUNG;
		return -EAGAIN;
	}

	if (psim_take(&knobs->unrecoverable))
		return psim_insn_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_UNRECOVERABLE, 0);

	latency = READ_ONCE(knobs->job_latency_us);
	if (latency)
		cs->ready_at = now + latency * NSEC_PER_USEC;
	return 0;
}

static int psim_op_call(struct psim_cs *cs, u64 insn, bool jump, u64 now)
{
	u32 addr = FIELD_GET(PSIM_F_ADDR, insn), len = FIELD_GET(PSIM_F_DATA, insn);
	struct psim_cs_ctx *ctx = &cs->ctx;
	u64 pc, size;
	int ret;

	if (!psim_has_pair(addr) || len >= PSIM_NUM_REGS)
		return psim_insn_invalid(cs, insn);

	pc = psim_get_pair(cs, addr);
	size = ctx->regs[len];
	if ((pc | size) & (sizeof(u64) - 1))
		return psim_insn_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_CONFIG_FAULT, pc);

	if (jump) {
		if (!ctx->depth)
			return psim_insn_invalid(cs, insn);
		/* An empty target: the same as a return. */
		if (!size) {
			ctx->pc = ctx->end;
			return 0;
		}
		ctx->pc = pc;
		ctx->end = pc + size;
		return PSIM_INSN_FLOW;
	}

	if (!size)
		return 0;
	if (ctx->depth == PSIM_CALL_DEPTH)
		return psim_insn_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_CALL_STACK_OVERFLOW, pc);

	if (!ctx->depth) {
		ret = psim_job_knobs(cs, now);
		if (ret)
			return ret;
	} else {
		/* The return address: the instruction after the call. */
		ctx->stack[ctx->depth - 1].pc = ctx->pc + sizeof(u64);
		ctx->stack[ctx->depth - 1].end = ctx->end;
	}

	ctx->depth++;
	ctx->pc = pc;
	ctx->end = pc + size;
	return PSIM_INSN_FLOW;
}

static int psim_op_handler(struct psim_cs *cs, u64 insn)
{
	u32 addr = FIELD_GET(PSIM_F_ADDR, insn), len = FIELD_GET(PSIM_F_DATA, insn);

	if (!psim_has_pair(addr) || len >= PSIM_NUM_REGS ||
	    FIELD_GET(PSIM_F_EXCEPTION, insn) != PSIM_EXCEPTION_TILER_OOM)
		return psim_insn_invalid(cs, insn);

	cs->ctx.handler.va = psim_get_pair(cs, addr);
	cs->ctx.handler.size = cs->ctx.regs[len];
	if ((cs->ctx.handler.va | cs->ctx.handler.size) & (sizeof(u64) - 1))
		return psim_insn_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_CONFIG_FAULT,
				       cs->ctx.handler.va);
	return 0;
}

/* A value that other streams of the group may wait for. */
static int psim_op_progress_wait(struct psim_cs *cs, u64 insn)
{
	u32 reg = FIELD_GET(PSIM_F_ADDR, insn), queue = FIELD_GET(PSIM_F_QUEUE, insn);

	if (!psim_has_pair(reg) || queue >= PSIM_NUM_CS)
		return psim_insn_invalid(cs, insn);
	if (cs->env->cs[queue].ctx.progress >= psim_get_pair(cs, reg))
		return 0;

	cs->block = PSIM_BLOCK_PROGRESS;
	return -EAGAIN;
}

static void psim_set_progress(struct psim_cs *cs, u64 val)
{
	cs->ctx.progress = val;
	/* For streams that wait for it. */
	psim_kick_self(&cs->env->base->up);
}

static int psim_op_trace(struct psim_cs *cs, u64 insn, u64 now)
{
	if (!psim_has_regs(FIELD_GET(PSIM_F_DATA, insn), FIELD_GET(PSIM_F_ADDR, insn)))
		return psim_insn_invalid(cs, insn);

	return psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);
}

static int psim_op_finish_fragment(struct psim_cs *cs, u64 insn, u64 now)
{
	u32 first = FIELD_GET(PSIM_F_ADDR, insn), last = FIELD_GET(PSIM_F_DATA, insn);
	int ret;

	if (!psim_has_pair(first) || !psim_has_pair(last))
		return psim_insn_invalid(cs, insn);

	ret = psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);
	if (ret)
		return ret;

	return psim_heap_return(cs, psim_get_pair(cs, first), psim_get_pair(cs, last),
				insn & PSIM_F_FRAG_END);
}

static int psim_op_heap(struct psim_cs *cs, u64 insn, u64 now)
{
	int ret = psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);

	if (ret)
		return ret;

	switch (FIELD_GET(PSIM_F_STATE, insn)) {
	case PSIM_HEAP_VT_START:
	case PSIM_HEAP_VT_END:
	case PSIM_HEAP_FRAG_END:
		return psim_heap_count(cs, FIELD_GET(PSIM_F_STATE, insn));
	default:
		return psim_insn_invalid(cs, insn);
	}
}

static int psim_op_fullscreen(struct psim_cs *cs, u64 insn, u64 now)
{
	u32 dcd = FIELD_GET(PSIM_F_ADDR, insn);

	if (!psim_has_pair(dcd))
		return psim_insn_invalid(cs, insn);

	return psim_run_fullscreen(cs, psim_get_pair(cs, dcd), now);
}

/* Logs each opcode once. */
static int psim_op_unknown(struct psim_cs *cs, u64 insn)
{
	struct psim_base *base = cs->env->base;
	u32 opcode = FIELD_GET(PSIM_F_OPCODE, insn);

	psim_count(base, unknown_insns);
	if (!test_and_set_bit(opcode, base->unknown))
		pr_info("panthor-sim: instruction %u is not implemented (%#llx)\n", opcode, insn);
	return psim_insn_invalid(cs, insn);
}

/* WAIT, the jobs and FINISH_TILING can count as progress. */
static bool psim_increments_progress(u64 insn)
{
	switch (FIELD_GET(PSIM_F_OPCODE, insn)) {
	case PSIM_OP_WAIT ... PSIM_OP_FINISH_TILING:
	case PSIM_OP_RUN_COMPUTE_INDIRECT:
		return insn & PSIM_F_PROGRESS;
	default:
		return false;
	}
}

static int psim_insn_decode(struct psim_cs *cs, u64 insn, u64 now)
{
	u32 dst = FIELD_GET(PSIM_F_DST, insn);
	u32 src = FIELD_GET(PSIM_F_ADDR, insn);
	u32 src2 = FIELD_GET(PSIM_F_DATA, insn);
	u32 *regs = cs->ctx.regs;

	switch (FIELD_GET(PSIM_F_OPCODE, insn)) {
	case PSIM_OP_NOP:
	case PSIM_OP_REQ_RESOURCE:
		return 0;
	case PSIM_OP_MOVE48:
		if (!psim_has_pair(dst))
			break;
		psim_set_pair(cs, dst, FIELD_GET(PSIM_F_IMM48, insn));
		return 0;
	case PSIM_OP_MOVE32:
		if (dst >= PSIM_NUM_REGS)
			break;
		regs[dst] = FIELD_GET(PSIM_F_IMM32, insn);
		return 0;
	case PSIM_OP_WAIT:
		return psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);
	case PSIM_OP_RUN_COMPUTE:
	case PSIM_OP_RUN_COMPUTE_INDIRECT:
		return psim_run_compute(cs, insn, now);
	case PSIM_OP_RUN_IDVS:
		return psim_run_idvs(cs, insn, now);
	case PSIM_OP_RUN_FRAGMENT:
		return psim_run_fragment(cs, insn, now);
	case PSIM_OP_RUN_FULLSCREEN:
		return psim_op_fullscreen(cs, insn, now);
	case PSIM_OP_FINISH_TILING:
		return 0;
	case PSIM_OP_FINISH_FRAGMENT:
		return psim_op_finish_fragment(cs, insn, now);
	case PSIM_OP_ADD_IMM32:
		if (dst >= PSIM_NUM_REGS || src >= PSIM_NUM_REGS)
			break;
		regs[dst] = regs[src] + FIELD_GET(PSIM_F_IMM32, insn);
		return 0;
	case PSIM_OP_ADD_IMM64:
		return psim_op_add64(cs, insn);
	case PSIM_OP_UMIN32:
		if (dst >= PSIM_NUM_REGS || src >= PSIM_NUM_REGS || src2 >= PSIM_NUM_REGS)
			break;
		regs[dst] = min(regs[src], regs[src2]);
		return 0;
	case PSIM_OP_LOAD_MULTIPLE:
	case PSIM_OP_STORE_MULTIPLE:
		return psim_op_load_store(cs, insn,
					  FIELD_GET(PSIM_F_OPCODE, insn) == PSIM_OP_STORE_MULTIPLE);
	case PSIM_OP_BRANCH:
		return psim_op_branch(cs, insn);
	case PSIM_OP_SET_SB_ENTRY:
		cs->ctx.sb_endpoint = FIELD_GET(PSIM_F_SB_ENDPOINT, insn);
		cs->ctx.sb_other = FIELD_GET(PSIM_F_SB_OTHER, insn);
		return 0;
	case PSIM_OP_PROGRESS_WAIT:
		return psim_op_progress_wait(cs, insn);
	case PSIM_OP_PROGRESS_STORE:
		if (!psim_has_pair(src))
			break;
		psim_set_progress(cs, psim_get_pair(cs, src));
		return 0;
	case PSIM_OP_PROGRESS_LOAD:
		if (!psim_has_pair(dst))
			break;
		psim_set_pair(cs, dst, cs->ctx.progress);
		return 0;
	case PSIM_OP_SET_EXCEPTION_HANDLER:
		return psim_op_handler(cs, insn);
	case PSIM_OP_CALL:
		return psim_op_call(cs, insn, false, now);
	case PSIM_OP_JUMP:
		return psim_op_call(cs, insn, true, now);
	case PSIM_OP_FLUSH_CACHE2:
		return psim_op_flush(cs, insn, now);
	case PSIM_OP_SYNC_ADD32:
		return psim_op_sync_write(cs, insn, false, true, now);
	case PSIM_OP_SYNC_SET32:
		return psim_op_sync_write(cs, insn, false, false, now);
	case PSIM_OP_SYNC_WAIT32:
		return psim_op_sync_wait(cs, insn, false);
	case PSIM_OP_STORE_STATE:
		return psim_op_store_state(cs, insn, now);
	case PSIM_OP_ERROR_BARRIER:
		cs->ctx.error = 0;
		return 0;
	case PSIM_OP_HEAP_SET:
		if (!psim_has_pair(src))
			break;
		cs->ctx.heap = psim_get_pair(cs, src);
		return 0;
	case PSIM_OP_HEAP_OPERATION:
		return psim_op_heap(cs, insn, now);
	case PSIM_OP_TRACE_POINT:
		return psim_op_trace(cs, insn, now);
	case PSIM_OP_SYNC_ADD64:
		return psim_op_sync_write(cs, insn, true, true, now);
	case PSIM_OP_SYNC_SET64:
		return psim_op_sync_write(cs, insn, true, false, now);
	case PSIM_OP_SYNC_WAIT64:
		return psim_op_sync_wait(cs, insn, true);
	default:
		return psim_op_unknown(cs, insn);
	}

	return psim_insn_invalid(cs, insn);
}

/**
 * psim_insn_exec() - Execute an instruction
 * @cs: Stream; the lock of its address space is held.
 * @insn: Instruction.
 * @now: Current time.
 *
 * Return: 0 if it retired, PSIM_INSN_FLOW if it retired and set the program
 * counter, PSIM_INSN_MORE if a part of it is done, a negative error if it did not
 * retire. -EAGAIN: it is blocked, -EFAULT: the MMU refused its access, -ENOMEM: the
 * tiler is out of memory, -EINVAL: see &psim_cs.trap.
 */
int psim_insn_exec(struct psim_cs *cs, u64 insn, u64 now)
{
	int ret = psim_insn_decode(cs, insn, now);

	if (!ret && psim_increments_progress(insn))
		psim_set_progress(cs, cs->ctx.progress + 1);
	return ret;
}
