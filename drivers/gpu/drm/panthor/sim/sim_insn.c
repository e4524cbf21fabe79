// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: instructions
 *
 * The interpreter. An instruction either retires (it returns 0 or
 * PSIM_INSN_FLOW) or it returns a negative error and is executed again once what
 * stopped it is gone: instructions change nothing before they know that they can
 * complete. Deferred work (flushes, syncs, loads, stores) is done at once; the
 * scoreboard slot stays busy only as long as a knob wants it to.
 *
 * What is not implemented ends the stream with CS_INSTR_INVALID.
 */

#include <linux/bitfield.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>

#include "sim.h"

enum psim_opcode {
	PSIM_OP_NOP = 0,
	PSIM_OP_MOVE48 = 1,
	PSIM_OP_MOVE32 = 2,
	PSIM_OP_WAIT = 3,
	PSIM_OP_ADD_IMM32 = 16,
	PSIM_OP_ADD_IMM64 = 17,
	PSIM_OP_UMIN32 = 18,
	PSIM_OP_LOAD_MULTIPLE = 20,
	PSIM_OP_STORE_MULTIPLE = 21,
	PSIM_OP_BRANCH = 22,
	PSIM_OP_SET_SB_ENTRY = 23,
	PSIM_OP_CALL = 32,
	PSIM_OP_JUMP = 33,
	PSIM_OP_REQ_RESOURCE = 34,
	PSIM_OP_FLUSH_CACHE2 = 36,
	PSIM_OP_SYNC_ADD32 = 37,
	PSIM_OP_SYNC_SET32 = 38,
	PSIM_OP_SYNC_WAIT32 = 39,
	PSIM_OP_STORE_STATE = 40,
	PSIM_OP_ERROR_BARRIER = 47,
	PSIM_OP_HEAP_SET = 48,
	PSIM_OP_HEAP_OPERATION = 49,
	PSIM_OP_SYNC_ADD64 = 51,
	PSIM_OP_SYNC_SET64 = 52,
	PSIM_OP_SYNC_WAIT64 = 53,
};

enum psim_cond {
	PSIM_COND_LE = 0,
	PSIM_COND_GT = 1,
	PSIM_COND_EQ = 2,
	PSIM_COND_NE = 3,
	PSIM_COND_LT = 4,
	PSIM_COND_GE = 5,
	PSIM_COND_ALWAYS = 6,
};

enum psim_state {
	PSIM_STATE_TIMESTAMP = 0,
	PSIM_STATE_CYCLES = 1,
	PSIM_STATE_DISJOINT = 2,
	PSIM_STATE_ERROR = 3,
};

enum psim_heap_op {
	PSIM_HEAP_VT_START = 0,
	PSIM_HEAP_VT_END = 1,
	PSIM_HEAP_FRAG_END = 3,
};

/* Fields that instructions share. */
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

/* The instruction retired and has set the program counter itself. */
#define PSIM_INSN_FLOW		1

static s32 psim_imm16(u64 insn)
{
	return (s16)FIELD_GET(PSIM_F_IMM16, insn);
}

/* Ends the stream; what an instruction returns that cannot be executed. */
static int psim_insn_fatal(struct psim_cs *cs, u32 type, u64 info)
{
	cs->trap.fatal = true;
	cs->trap.type = type;
	cs->trap.info = info;
	return -EINVAL;
}

static int psim_insn_invalid(struct psim_cs *cs, u64 insn)
{
	return psim_insn_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, insn);
}

/* Ends the job; what an instruction returns that failed. */
static int psim_insn_fault(struct psim_cs *cs, u32 type, u64 info)
{
	cs->trap.fatal = false;
	cs->trap.type = type;
	cs->trap.info = info;
	return -EINVAL;
}

static bool psim_has_regs(u32 reg, u32 count)
{
	return reg + count <= PSIM_NUM_REGS;
}

/* 64-bit operands are pairs of registers that start with an even one. */
static bool psim_has_pair(u32 reg)
{
	return !(reg & 1) && psim_has_regs(reg, 2);
}

static u64 psim_get_pair(const struct psim_cs *cs, u32 reg)
{
	return cs->ctx.regs[reg] | (u64)cs->ctx.regs[reg + 1] << 32;
}

static void psim_set_pair(struct psim_cs *cs, u32 reg, u64 val)
{
	cs->ctx.regs[reg] = lower_32_bits(val);
	cs->ctx.regs[reg + 1] = upper_32_bits(val);
}

/* Blocks until all scoreboard slots in @mask are idle. */
static int psim_wait_sb(struct psim_cs *cs, u32 mask, u64 now)
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

static void psim_signal_sb(struct psim_cs *cs, u32 slot, u32 latency_us, u64 now)
{
	if (latency_us && slot < PSIM_NUM_SB)
		cs->sb_until[slot] = max(cs->sb_until[slot], now + latency_us * NSEC_PER_USEC);
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

	/* Runs of registers are one access each: gaps are not touched. */
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
			ret = psim_as_write(cs->csg->as, va + i * sizeof(u32),
					    &cs->ctx.regs[base + i], run * sizeof(u32));
		else
			ret = psim_as_read(cs->csg->as, va + i * sizeof(u32), &buf[i],
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

	/* The ring buffer has no address to branch to. */
	if (!cs->ctx.depth || reg >= PSIM_NUM_REGS || cond > PSIM_COND_ALWAYS)
		return psim_insn_invalid(cs, insn);

	/* Not past the instruction: the stream does that, at the buffer's end too. */
	if (psim_condition(cs->ctx.regs[reg], cond))
		cs->ctx.pc += (s64)psim_imm16(insn) * (s64)sizeof(u64);
	return 0;
}

/* A call from the ring buffer is the start of a job, where the knobs act. */
static int psim_job_knobs(struct psim_cs *cs, u64 now)
{
	struct psim_knobs *knobs = &cs->csg->sim->knobs;
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
		/* Nothing to execute at the target: as a return. */
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
		/* Where the return goes to, as if the call were its last instruction. */
		ctx->stack[ctx->depth - 1].pc = ctx->pc + sizeof(u64);
		ctx->stack[ctx->depth - 1].end = ctx->end;
	}

	ctx->depth++;
	ctx->pc = pc;
	ctx->end = pc + size;
	return PSIM_INSN_FLOW;
}

static int psim_op_flush(struct psim_cs *cs, u64 insn, u64 now)
{
	struct psim *sim = cs->csg->sim;
	u32 reg = FIELD_GET(PSIM_F_ADDR, insn), latest, id;
	int ret;

	if (reg >= PSIM_NUM_REGS)
		return psim_insn_invalid(cs, insn);

	ret = psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);
	if (ret)
		return ret;

	/* Skipped if there was a flush since the id was read; 0 forces one. */
	id = cs->ctx.regs[reg];
	latest = READ_ONCE(*(u32 *)page_address(sim->flush_page));
	if (!id || id == latest)
		psim_signal_sb(cs, FIELD_GET(PSIM_F_SIGNAL, insn),
			       READ_ONCE(sim->knobs.flush_latency_us), now);
	return 0;
}

static int psim_sync_ptr(struct psim_cs *cs, u64 va, u64 status_va, enum psim_access access,
			 void **value, void **status)
{
	int ret = psim_as_ptr(cs->csg->as, va, access, value);

	return ret ?: psim_as_ptr(cs->csg->as, status_va, access, status);
}

static int psim_op_sync_write(struct psim_cs *cs, u64 insn, bool is64, bool add, u64 now)
{
	u32 addr = FIELD_GET(PSIM_F_ADDR, insn), data = FIELD_GET(PSIM_F_DATA, insn);
	u32 size = is64 ? sizeof(u64) : sizeof(u32);
	void *value, *status;
	u64 va, operand;
	int ret;

	if (!psim_has_pair(addr) || (is64 ? !psim_has_pair(data) : data >= PSIM_NUM_REGS))
		return psim_insn_invalid(cs, insn);

	ret = psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);
	if (ret)
		return ret;

	va = psim_get_pair(cs, addr);
	if (va & (size - 1))
		return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_ADDR_RANGE_FAULT, va);

	ret = psim_sync_ptr(cs, va, va + size, PSIM_WRITE, &value, &status);
	if (ret)
		return ret;

	/* The status comes first: who sees the value may look at it. */
	if ((insn & PSIM_F_SYNC_ERROR) && (cs->ctx.error || !add))
		WRITE_ONCE(*(u32 *)status, !!cs->ctx.error);
	smp_wmb(); /* pairs with psim_op_sync_wait() and the driver */

	operand = is64 ? psim_get_pair(cs, data) : cs->ctx.regs[data];
	if (is64 && add)
		atomic64_add(operand, (atomic64_t *)value);
	else if (is64)
		WRITE_ONCE(*(u64 *)value, operand);
	else if (add)
		atomic_add(operand, (atomic_t *)value);
	else
		WRITE_ONCE(*(u32 *)value, operand);

	/* Streams that wait check again; the driver for system scope only. */
	set_bit(PSIM_WORK_RETRY, &cs->csg->sim->work);
	if (!FIELD_GET(PSIM_F_SYNC_SCOPE, insn))
		cs->sync_update = true;
	return 0;
}

static int psim_op_sync_wait(struct psim_cs *cs, u64 insn, bool is64)
{
	u32 addr = FIELD_GET(PSIM_F_ADDR, insn), data = FIELD_GET(PSIM_F_DATA, insn);
	u32 cond = FIELD_GET(PSIM_F_SYNC_COND, insn);
	u32 size = is64 ? sizeof(u64) : sizeof(u32);
	void *value, *status;
	u64 va, cur, ref;
	int ret;

	if (!psim_has_pair(addr) || (is64 ? !psim_has_pair(data) : data >= PSIM_NUM_REGS) ||
	    cond > PSIM_COND_GT)
		return psim_insn_invalid(cs, insn);

	va = psim_get_pair(cs, addr);
	if (va & (size - 1))
		return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_ADDR_RANGE_FAULT, va);

	ret = psim_sync_ptr(cs, va, va + size, PSIM_READ, &value, &status);
	if (ret)
		return ret;

	cur = is64 ? READ_ONCE(*(u64 *)value) : READ_ONCE(*(u32 *)value);
	ref = is64 ? psim_get_pair(cs, data) : cs->ctx.regs[data];
	if (cond == PSIM_COND_LE ? cur > ref : cur <= ref) {
		cs->wait.va = va;
		cs->wait.ref = ref;
		cs->wait.cond = cond;
		cs->wait.is64 = is64;
		cs->block = PSIM_BLOCK_SYNC;
		return -EAGAIN;
	}

	smp_rmb(); /* pairs with psim_op_sync_write() */
	if ((insn & PSIM_F_SYNC_ERROR) && READ_ONCE(*(u32 *)status))
		return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_CS_INHERIT_FAULT, va);
	return 0;
}

static int psim_op_store_state(struct psim_cs *cs, u64 insn, u64 now)
{
	u32 addr = FIELD_GET(PSIM_F_ADDR, insn);
	u64 va, val;
	int ret;

	if (!psim_has_pair(addr))
		return psim_insn_invalid(cs, insn);

	ret = psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);
	if (ret)
		return ret;

	va = psim_get_pair(cs, addr) + psim_imm16(insn);
	if (va & 7)
		return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_ADDR_RANGE_FAULT, va);

	switch (FIELD_GET(PSIM_F_STATE, insn)) {
	case PSIM_STATE_TIMESTAMP:
		val = psim_timestamp() + cs->csg->sim->gpu.ts_offset;
		break;
	case PSIM_STATE_CYCLES:
		val = psim_cycle_count();
		break;
	case PSIM_STATE_ERROR:
		val = cs->ctx.error;
		break;
	default:
		val = 0;
		break;
	}

	return psim_as_write(cs->csg->as, va, &val, sizeof(val));
}

/* A vertex/tiler job starts: where the tiler would run out of memory. */
static int psim_heap_start(struct psim_cs *cs)
{
	u32 header;

	switch (cs->oom) {
	case PSIM_OOM_NONE:
		cs->ctx.vt_start++;
		if (!psim_take(&cs->csg->sim->knobs.tiler_oom))
			return 0;
		return -ENOMEM;
	case PSIM_OOM_RAISED:
		/* Resumed before the driver answered: ask again. */
		return -ENOMEM;
	case PSIM_OOM_ANSWERED:
		break;
	}

	cs->oom = PSIM_OOM_NONE;
	if (!READ_ONCE(cs->in->heap_start))
		return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_OOM, cs->ctx.heap);

	/* The new chunk must be there. */
	return psim_as_read(cs->csg->as, cs->in->heap_start, &header, sizeof(header));
}

static int psim_op_heap(struct psim_cs *cs, u64 insn, u64 now)
{
	int ret = psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);

	if (ret)
		return ret;

	switch (FIELD_GET(PSIM_F_STATE, insn)) {
	case PSIM_HEAP_VT_START:
		return psim_heap_start(cs);
	case PSIM_HEAP_VT_END:
		cs->ctx.vt_end++;
		break;
	case PSIM_HEAP_FRAG_END:
		cs->ctx.frag_end++;
		break;
	default:
		return psim_insn_invalid(cs, insn);
	}

	return 0;
}

/**
 * psim_insn_exec() - Execute an instruction
 * @cs: Stream; the lock of its address space is held.
 * @insn: Instruction.
 * @now: Current time.
 *
 * Return: 0 if it retired, PSIM_INSN_FLOW if it retired and set the program
 * counter, a negative error if it did not. -EAGAIN: something stopped it,
 * -EFAULT: its access to memory was refused, -ENOMEM: the tiler is out of memory,
 * -EINVAL: see &psim_cs.trap.
 */
int psim_insn_exec(struct psim_cs *cs, u64 insn, u64 now)
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
	case PSIM_OP_SYNC_ADD64:
		return psim_op_sync_write(cs, insn, true, true, now);
	case PSIM_OP_SYNC_SET64:
		return psim_op_sync_write(cs, insn, true, false, now);
	case PSIM_OP_SYNC_WAIT64:
		return psim_op_sync_wait(cs, insn, true);
	}

	return psim_insn_invalid(cs, insn);
}
