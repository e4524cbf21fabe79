/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions as words, spelled out bit by bit: what these tests check must not depend on
 * anybody's emitter.
 */
#ifndef SIM_INSN_H
#define SIM_INSN_H

#include <stdint.h>

/* clang-format off */
#define OP(op)			((uint64_t)(op) << 56)
#define DST(reg)		((uint64_t)(reg) << 48)
#define ADDR(reg)		((uint64_t)(reg) << 40)
#define DATA(reg)		((uint64_t)(reg) << 32)
#define MASK(mask)		((uint64_t)(mask) << 16)
#define IMM16(imm)		((uint64_t)(uint16_t)(imm))
#define IMM32(imm)		((uint64_t)(uint32_t)(imm))

#define NOP			OP(0)
#define MOVE48(reg, imm)	(OP(1) | DST(reg) | ((imm) & 0xffffffffffffULL))
#define MOVE32(reg, imm)	(OP(2) | DST(reg) | IMM32(imm))
#define WAIT(mask)		(OP(3) | MASK(mask))
#define RUN_COMPUTE(sel)	(OP(4) | (uint64_t)(sel) << 40 | 1)
#define RUN_IDVS(flags)		(OP(6) | 1ULL << 38 | 1ULL << 33 | (flags))
#define RUN_FRAGMENT		OP(7)
#define RUN_FULLSCREEN(dcd)	(OP(8) | ADDR(dcd))
#define FINISH_TILING		OP(9)
#define FINISH_FRAGMENT(first, last, end) (OP(11) | ADDR(first) | DATA(last) | (end))
#define ADD32(dst, src, imm)	(OP(16) | DST(dst) | ADDR(src) | IMM32(imm))
#define ADD64(dst, src, imm)	(OP(17) | DST(dst) | ADDR(src) | IMM32(imm))
#define UMIN32(dst, a, b)	(OP(18) | DST(dst) | ADDR(a) | DATA(b))
#define LOAD(reg, mask, addr, off)	(OP(20) | DST(reg) | ADDR(addr) | MASK(mask) | IMM16(off))
#define STORE(reg, mask, addr, off)	(OP(21) | DST(reg) | ADDR(addr) | MASK(mask) | IMM16(off))
#define BRANCH(cond, reg, off)	(OP(22) | ADDR(reg) | (uint64_t)(cond) << 28 | IMM16(off))
#define SET_SB_ENTRY(ep, other)	(OP(23) | (other) << 4 | (ep))
#define PROGRESS_WAIT(reg, queue)	(OP(24) | ADDR(reg) | (queue))
#define SET_EXCEPTION_HANDLER(addr, len)	(OP(25) | ADDR(addr) | DATA(len) | 2)
#define CALL(addr, len)		(OP(32) | ADDR(addr) | DATA(len))
#define JUMP(addr, len)		(OP(33) | ADDR(addr) | DATA(len))
#define REQ_RESOURCE		(OP(34) | 1)
#define FLUSH(id, wait, slot)	(OP(36) | DST(slot) | ADDR(id) | MASK(wait) | 0x233)
#define SYNC_ADD32(data, addr, flags)	(OP(37) | ADDR(addr) | DATA(data) | (flags))
#define SYNC_SET32(data, addr, flags)	(OP(38) | ADDR(addr) | DATA(data) | (flags))
#define SYNC_WAIT32(data, addr, cond, flags) \
	(OP(39) | ADDR(addr) | DATA(data) | (uint64_t)(cond) << 28 | (flags))
#define STORE_STATE(addr, state, off)	(OP(40) | ADDR(addr) | DATA(state) | IMM16(off))
#define PROGRESS_STORE(reg)	(OP(42) | ADDR(reg))
#define PROGRESS_LOAD(reg)	(OP(43) | DST(reg))
#define RUN_COMPUTE_INDIRECT(sel)	(OP(44) | (uint64_t)(sel) << 40 | 1)
#define ERROR_BARRIER		OP(47)
#define HEAP_SET(addr)		(OP(48) | ADDR(addr))
#define HEAP_OPERATION(op)	(OP(49) | DATA(op))
#define TRACE_POINT(reg, count)	(OP(50) | ADDR(count) | DATA(reg))
#define SYNC_ADD64(data, addr, flags)	(OP(51) | ADDR(addr) | DATA(data) | (flags))
#define SYNC_SET64(data, addr, flags)	(OP(52) | ADDR(addr) | DATA(data) | (flags))
#define SYNC_WAIT64(data, addr, cond, flags) \
	(OP(53) | ADDR(addr) | DATA(data) | (uint64_t)(cond) << 28 | (flags))
/* clang-format on */

/* Count as progress: WAIT, RUN_*, FINISH_TILING */
#define PROGRESS (1ULL << 32)

/* Conditions of branches; the first two also of SYNC_WAIT */
enum { LE, GT, EQ, NE, LT, GE, ALWAYS };

/* Flags of SYNC instructions: propagate or reject errors, scope of a group */
#define SYNC_ERROR 1ULL
#define SYNC_GROUP (2ULL << 1)

/* States of STORE_STATE, operations of HEAP_OPERATION */
enum { STATE_TIME, STATE_CYCLES };
enum { HEAP_VT_START, HEAP_VT_END, HEAP_FRAG_END = 3 };

#endif
