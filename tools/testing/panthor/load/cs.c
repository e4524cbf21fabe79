// SPDX-License-Identifier: GPL-2.0
#include "cs.h"

/* clang-format off */
enum cs_op {
	CS_OP_NOP		= 0,
	CS_OP_MOVE48		= 1,
	CS_OP_MOVE32		= 2,
	CS_OP_WAIT		= 3,
	CS_OP_ADD_IMM32		= 16,
	CS_OP_LOAD_MULTIPLE	= 20,
	CS_OP_STORE_MULTIPLE	= 21,
	CS_OP_BRANCH		= 22,
	CS_OP_SYNC_SET32	= 38,
	CS_OP_SYNC_WAIT32	= 39,
};

/* clang-format on */

/* Scope of a sync operation: visible to the whole system */
#define CS_SCOPE_SYSTEM 1

/* Condition of a sync wait: the object's value is greater than the register */
#define CS_SYNC_GT 1

void cs_init(struct cs *cs, void *words, size_t bytes)
{
	cs->words = words;
	cs->len = 0;
	cs->max = bytes / sizeof(*cs->words);
}

bool cs_overflow(const struct cs *cs)
{
	return cs->len > cs->max;
}

size_t cs_bytes(const struct cs *cs)
{
	return cs->len * sizeof(*cs->words);
}

static void emit(struct cs *cs, enum cs_op op, uint64_t operands)
{
	if (cs->len < cs->max)
		cs->words[cs->len] = (uint64_t)op << 56 | operands;
	cs->len++;
}

/* Most instructions name registers in the same two places */
static uint64_t regs(unsigned int at48, unsigned int at40)
{
	return (uint64_t)at48 << 48 | (uint64_t)at40 << 40;
}

void cs_nop(struct cs *cs)
{
	emit(cs, CS_OP_NOP, 0);
}

void cs_move48(struct cs *cs, unsigned int reg, uint64_t value)
{
	emit(cs, CS_OP_MOVE48, regs(reg, 0) | (value & 0xffffffffffffULL));
}

void cs_move32(struct cs *cs, unsigned int reg, uint32_t value)
{
	emit(cs, CS_OP_MOVE32, regs(reg, 0) | value);
}

void cs_add32(struct cs *cs, unsigned int dst, unsigned int src, uint32_t value)
{
	emit(cs, CS_OP_ADD_IMM32, regs(dst, src) | value);
}

void cs_wait(struct cs *cs, unsigned int slots)
{
	emit(cs, CS_OP_WAIT, (uint64_t)slots << 16);
}

void cs_load(struct cs *cs, unsigned int reg, unsigned int mask, unsigned int addr, int16_t offset)
{
	emit(cs, CS_OP_LOAD_MULTIPLE, regs(reg, addr) | (uint64_t)mask << 16 | (uint16_t)offset);
}

void cs_store(struct cs *cs, unsigned int reg, unsigned int mask, unsigned int addr, int16_t offset)
{
	emit(cs, CS_OP_STORE_MULTIPLE, regs(reg, addr) | (uint64_t)mask << 16 | (uint16_t)offset);
}

void cs_sync_set32(struct cs *cs, unsigned int data, unsigned int addr)
{
	emit(cs, CS_OP_SYNC_SET32, regs(0, addr) | (uint64_t)data << 32 | CS_SCOPE_SYSTEM << 1);
}

void cs_sync_wait32_gt(struct cs *cs, unsigned int data, unsigned int addr)
{
	emit(cs, CS_OP_SYNC_WAIT32, regs(0, addr) | (uint64_t)data << 32 | CS_SYNC_GT << 28);
}

size_t cs_here(const struct cs *cs)
{
	return cs->len;
}

static uint64_t branch_operands(enum cs_cond cond, unsigned int reg, long offset)
{
	return regs(0, reg) | (uint64_t)cond << 28 | (uint16_t)offset;
}

void cs_branch_back(struct cs *cs, enum cs_cond cond, unsigned int reg, size_t target)
{
	emit(cs, CS_OP_BRANCH, branch_operands(cond, reg, (long)target - (long)cs->len - 1));
}

size_t cs_branch(struct cs *cs, enum cs_cond cond, unsigned int reg)
{
	emit(cs, CS_OP_BRANCH, branch_operands(cond, reg, 0));
	return cs->len - 1;
}

void cs_land(struct cs *cs, size_t branch)
{
	if (branch < cs->max)
		cs->words[branch] |= (uint16_t)(cs->len - branch - 1);
}
