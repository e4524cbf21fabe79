/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Command-stream emitter: one function an instruction, nothing else. It knows no device: a stream
 * is a buffer of 64-bit words that whoever owns it places where the GPU can call it.
 */
#ifndef LOAD_CS_H
#define LOAD_CS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct cs - A command stream under construction
 * @words: where instructions go
 * @len: instructions emitted so far
 * @max: room in @words, in instructions
 *
 * A stream that outgrows @max keeps counting in @len and writes no more: ask cs_overflow() once,
 * when it is complete.
 */
struct cs {
	uint64_t *words;
	size_t len;
	size_t max;
};

/* Branch conditions: a register, as a signed number, against zero */
enum cs_cond {
	CS_LE,
	CS_GT,
	CS_EQ,
	CS_NE,
	CS_LT,
	CS_GE,
	CS_ALWAYS,
};

/* Loads and stores land on this scoreboard slot unless a stream chooses another */
#define CS_SLOT_MEM 0

void cs_init(struct cs *cs, void *words, size_t bytes);
bool cs_overflow(const struct cs *cs);
size_t cs_bytes(const struct cs *cs);

void cs_nop(struct cs *cs);
/* Registers @reg and @reg + 1 take a 48-bit number, mostly an address */
void cs_move48(struct cs *cs, unsigned int reg, uint64_t value);
void cs_move32(struct cs *cs, unsigned int reg, uint32_t value);
void cs_add32(struct cs *cs, unsigned int dst, unsigned int src, uint32_t value);
void cs_wait(struct cs *cs, unsigned int slots);
/*
 * Registers @reg.. named in @mask from or to the address in the pair @addr, plus @offset; complete
 * after a cs_wait()
 */
void cs_load(struct cs *cs, unsigned int reg, unsigned int mask, unsigned int addr, int16_t offset);
void cs_store(struct cs *cs, unsigned int reg, unsigned int mask, unsigned int addr,
	      int16_t offset);
/*
 * The status word of the sync object at @addr becomes register @data, and whoever waits for it is
 * told
 */
void cs_sync_set32(struct cs *cs, unsigned int data, unsigned int addr);
/* Stall until the sync object at @addr is greater than register @data */
void cs_sync_wait32_gt(struct cs *cs, unsigned int data, unsigned int addr);

/*
 * Branches: back to a place that cs_here() named, or forward to where cs_land() is called with what
 * cs_branch() gave
 */
size_t cs_here(const struct cs *cs);
void cs_branch_back(struct cs *cs, enum cs_cond cond, unsigned int reg, size_t target);
size_t cs_branch(struct cs *cs, enum cs_cond cond, unsigned int reg);
void cs_land(struct cs *cs, size_t branch);

#endif
