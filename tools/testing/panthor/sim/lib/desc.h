/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors, word by word, as a Mesa driver writes them for a Mali-G610: what jobs read. Each
 * function writes one into the bench's data at @offset and returns its GPU address.
 */
#ifndef SIM_DESC_H
#define SIM_DESC_H

#include "bench.h"

/* Layouts of render targets */
enum { BLOCK_TILED = 1, BLOCK_LINEAR = 2, BLOCK_AFBC = 12 };
/* Formats of a render target: in the tile buffer, and in memory */
enum { TIB_RGBA8 = 1, TIB_RGB10A2 = 2, TIB_R5G6B5 = 5, TIB_RAW32 = 34 };
enum { MEM_RAW32 = 3, MEM_RGBA8 = 19, MEM_R5G6B5 = 21, MEM_RGB10A2 = 24 };
/* Component swizzles */
#define SWIZZLE(r, g, b, a) ((r) | (g) << 3 | (b) << 6 | (a) << 9)
#define RGBA SWIZZLE(0, 1, 2, 3)
#define BGRA SWIZZLE(2, 1, 0, 3)

/**
 * struct target - A render target
 * @va: where
 * @row_stride: bytes
 * @block: layout
 * @internal: format in the tile buffer
 * @format: format in memory
 * @swizzle: of its components
 * @clear: clear colour, in the format of the tile buffer
 * @keep: whatever is not drawn keeps what it has
 */
struct target {
	uint64_t va;
	uint32_t row_stride;
	uint32_t block;
	uint32_t internal;
	uint32_t format;
	uint32_t swizzle;
	uint32_t clear;
	bool keep;
};

/* A linear target of RGBA8, as an initialiser, with more fields if there are */
#define TARGET_RGBA8(address, stride, ...)                                                 \
	{                                                                                  \
		.va = (address), .row_stride = (stride), .block = BLOCK_LINEAR,            \
		.internal = TIB_RGBA8, .format = MEM_RGBA8, .swizzle = RGBA, ##__VA_ARGS__ \
	}

/**
 * struct frame - What a framebuffer descriptor says
 * @width: pixels
 * @height: pixels
 * @tiler: its tiler context or 0
 * @shaders: draw descriptor of a shader that runs before the frame, or 0
 * @targets: render targets
 * @count: how many
 */
struct frame {
	uint32_t width;
	uint32_t height;
	uint64_t tiler;
	uint64_t shaders;
	const struct target *targets;
	uint32_t count;
};

/* A shader program of which @binary is the code */
uint64_t desc_shader(struct bench *bench, size_t offset, uint64_t binary);
/* A table with one resource: @size bytes of descriptors at @va. What a register holds */
uint64_t desc_table(struct bench *bench, size_t offset, uint64_t va, uint64_t size);
/* A draw descriptor that writes render targets @mask with @shader */
uint64_t desc_draw(struct bench *bench, size_t offset, uint64_t shader, uint32_t mask);
/* A heap descriptor whose current chunk, of @size bytes, is @chunk */
uint64_t desc_heap(struct bench *bench, size_t offset, uint64_t chunk, uint32_t size);
/* A tiler context */
uint64_t desc_tiler(struct bench *bench, size_t offset, uint64_t heap);
/* A framebuffer descriptor and its targets. What a register holds */
uint64_t desc_frame(struct bench *bench, size_t offset, const struct frame *frame);

/* Instructions that set a fragment job's registers to @fbd and to all of @width x @height */
#define FRAME_SR(fbd, width, height) \
	MOVE48(40, fbd), MOVE32(42, 0), MOVE32(43, ((uint32_t)(height) << 16 | (width)) - 0x10001)

#endif
