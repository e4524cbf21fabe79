// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: synchronisation
 *
 * Instructions that synchronise streams with each other and with the driver: cache
 * flushes, sync objects, timestamps.
 */

#include <linux/ktime.h>
#include <linux/mm.h>

#include "sim_insn.h"

enum psim_state {
	PSIM_STATE_TIMESTAMP = 0,
	PSIM_STATE_CYCLES = 1,
	PSIM_STATE_DISJOINT = 2,
	PSIM_STATE_ERROR = 3,
};

/**
 * psim_op_flush() - FLUSH_CACHE2
 * @cs: Stream.
 * @insn: Instruction.
 * @now: Current time.
 *
 * Return: As psim_insn_exec().
 */
int psim_op_flush(struct psim_cs *cs, u64 insn, u64 now)
{
	struct psim_base *base = cs->env->base;
	u32 reg = FIELD_GET(PSIM_F_ADDR, insn), latest, id;
	int ret;

	if (reg >= PSIM_NUM_REGS)
		return psim_insn_invalid(cs, insn);

	ret = psim_wait_sb(cs, FIELD_GET(PSIM_F_MASK, insn), now);
	if (ret)
		return ret;

	/*
	 * Skipped if there was a flush since the id was read; 0 forces one. It begins when it
	 * is executed, which is later than @now if the thread lost its CPU in between.
	 */
	id = cs->ctx.regs[reg];
	latest = READ_ONCE(*(u32 *)page_address(cs->env->gpu->flush_page));
	if (!id || id == latest)
		psim_signal_sb(cs, FIELD_GET(PSIM_F_SIGNAL, insn),
			       READ_ONCE(base->knobs.flush_latency_us) * NSEC_PER_USEC,
			       ktime_get_ns());
	return 0;
}

static int psim_sync_ptr(struct psim_cs *cs, u64 va, u64 status_va, enum psim_access access,
			 void **value, void **status)
{
	int ret = psim_as_ptr(cs->env->as, va, access, value);

	return ret ?: psim_as_ptr(cs->env->as, status_va, access, status);
}

/**
 * psim_op_sync_write() - SYNC_ADD and SYNC_SET
 * @cs: Stream.
 * @insn: Instruction.
 * @is64: True for a sync object of 64 bits.
 * @add: True for SYNC_ADD.
 * @now: Current time.
 *
 * Return: As psim_insn_exec().
 */
int psim_op_sync_write(struct psim_cs *cs, u64 insn, bool is64, bool add, u64 now)
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

	/* The status before the value: a reader of the value reads the status next. */
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

	/* Streams check again; the driver is notified for system scope only. */
	psim_kick_self(&cs->env->base->up);
	if (!FIELD_GET(PSIM_F_SYNC_SCOPE, insn))
		cs->sync_update = true;
	return 0;
}

/**
 * psim_op_sync_wait() - SYNC_WAIT
 * @cs: Stream.
 * @insn: Instruction.
 * @is64: True for a sync object of 64 bits.
 *
 * Return: As psim_insn_exec().
 */
int psim_op_sync_wait(struct psim_cs *cs, u64 insn, bool is64)
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

/**
 * psim_op_store_state() - STORE_STATE
 * @cs: Stream.
 * @insn: Instruction.
 * @now: Current time.
 *
 * Return: As psim_insn_exec().
 */
int psim_op_store_state(struct psim_cs *cs, u64 insn, u64 now)
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
		val = psim_timestamp() + cs->env->gpu->ts_offset;
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

	return psim_as_write(cs->env->as, va, &val, sizeof(val));
}
