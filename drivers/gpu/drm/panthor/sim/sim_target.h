/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_TARGET_H__
#define __PANTHOR_SIM_TARGET_H__

#include "sim_insn.h"

/* Layouts of pixels in memory. */
enum psim_block_format {
	PSIM_BLOCK_NONE = 0,
	PSIM_BLOCK_TILED = 1,
	PSIM_BLOCK_LINEAR = 2,
	PSIM_BLOCK_AFBC = 12,
	PSIM_BLOCK_AFBC_TILED = 13,
};

/* Each sample has its own surface. */
#define PSIM_MSAA_LAYERED	3

/**
 * struct psim_box - A rectangle of pixels, all bounds inclusive
 */
struct psim_box {
	/** @x0: Left. */
	u32 x0;

	/** @y0: Top. */
	u32 y0;

	/** @x1: Right. */
	u32 x1;

	/** @y1: Bottom. */
	u32 y1;
};

/**
 * struct psim_target - Where a fragment job writes to
 */
struct psim_target {
	/** @base: Address of the first surface; AFBC: of its headers. */
	u64 base;

	/** @row_stride: Bytes between rows of pixels, blocks, or headers. */
	u32 row_stride;

	/** @surface_stride: Bytes between surfaces. */
	u32 surface_stride;

	/** @surfaces: Number of surfaces. */
	u32 surfaces;

	/** @block: Layout. */
	enum psim_block_format block;

	/** @bytes: Bytes per pixel. */
	u32 bytes;

	/** @wide: AFBC: superblocks are 32 x 8, not 16 x 16. */
	bool wide;

	/** @clear: True to write @pixel, false to check only that memory is writable. */
	bool clear;

	/** @pixel: Clear colour. */
	u8 pixel[16];
};

bool psim_target_parse(const u32 *desc, u32 samples, bool preloaded, struct psim_target *t);
u32 psim_target_rows(const struct psim_target *t);
int psim_target_draw(struct psim_cs *cs, const struct psim_target *t, u32 surface,
		     const struct psim_box *box);

#endif /* __PANTHOR_SIM_TARGET_H__ */
