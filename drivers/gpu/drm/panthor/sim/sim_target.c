// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: render targets
 *
 * Writes the clear colour, which the descriptor has in the format of the tile buffer,
 * to memory: linear, in blocks of 16 x 16 pixels (u-interleaved), or as the headers of
 * AFBC superblocks of one colour, which have no body.
 */

#include <linux/align.h>
#include <linux/math.h>
#include <linux/string.h>

#include "sim_target.h"

/* Width and height of a u-interleaved block, in pixels. */
#define PSIM_BLOCK		16
#define PSIM_BLOCK_PIXELS	(PSIM_BLOCK * PSIM_BLOCK)

/* AFBC: size of a superblock's header, superblocks per row of a tile of headers. */
#define PSIM_AFBC_HEADER	16
#define PSIM_AFBC_TILE		8

/* Words of a render target descriptor. */
#define PSIM_RT_WRITE_ENABLE	BIT(0)
#define PSIM_RT_FORMAT		GENMASK(7, 3)
#define PSIM_RT_BLOCK		GENMASK(11, 8)
#define PSIM_RT_MSAA		GENMASK(13, 12)
#define PSIM_RT_SWIZZLE(i)	(GENMASK(18, 16) << (3 * (i)))
#define PSIM_RT_CLEAN_WRITE	BIT(31)
#define PSIM_RT_INTERNAL	GENMASK(31, 26)
#define PSIM_RT_MODE		GENMASK(3, 0)
#define PSIM_RT_WIDE		BIT(2)
#define PSIM_RT_BASE		8
#define PSIM_RT_ROW_STRIDE	10
#define PSIM_RT_SURFACE_STRIDE	11
#define PSIM_RT_CLEAR		12

/* Component swizzle. */
#define PSIM_SWIZZLE_0		4
#define PSIM_SWIZZLE_1		5

/* A channel of the tile buffer: the value in the upper bits, dithering in the rest. */
struct psim_channel {
	u8 shift;
	u8 value_shift;
	u8 bits;
};

/* Formats of the tile buffer that have channels. */
static const struct psim_channel psim_internal[][4] = {
	[1] = { { 0, 0, 8 }, { 8, 0, 8 }, { 16, 0, 8 }, { 24, 0, 8 } },		/* RGBA8 */
	[2] = { { 0, 0, 10 }, { 10, 0, 10 }, { 20, 0, 10 }, { 30, 0, 2 } },	/* RGB10A2 */
	[3] = { { 0, 2, 8 }, { 10, 2, 8 }, { 20, 2, 8 }, { 30, 0, 2 } },	/* RGB8A2 */
	[4] = { { 0, 4, 4 }, { 8, 4, 4 }, { 16, 4, 4 }, { 24, 4, 4 } },		/* RGBA4 */
	[5] = { { 0, 5, 5 }, { 10, 4, 6 }, { 20, 5, 5 }, { 30, 2, 0 } },	/* R5G6B5 */
	[6] = { { 0, 5, 5 }, { 10, 5, 5 }, { 20, 5, 5 }, { 30, 1, 1 } },	/* RGB5A1 */
};

/* Formats in memory: bytes per pixel, and bits per channel of those with channels. */
static const struct {
	u8 bytes;
	u8 bits[4];
} psim_format[32] = {
	[0] = { 1 }, [1] = { 2 }, [2] = { 3 }, [3] = { 4 },
	[4] = { 6 }, [5] = { 8 }, [6] = { 12 }, [7] = { 16 },
	[16] = { 1, { 8 } },
	[17] = { 2, { 8, 8 } },
	[18] = { 3, { 8, 8, 8 } },
	[19] = { 4, { 8, 8, 8, 8 } },
	[20] = { 2, { 4, 4, 4, 4 } },
	[21] = { 2, { 5, 6, 5 } },
	[22] = { 3, { 8, 8, 8 } },
	[24] = { 4, { 10, 10, 10, 2 } },
	[28] = { 2, { 5, 5, 5, 1 } },
};

static u32 psim_clear_channel(u32 clear, u32 internal, u32 swizzle, u32 bits)
{
	const struct psim_channel *c;
	u32 val;

	if (swizzle == PSIM_SWIZZLE_1)
		return BIT(bits) - 1;
	if (swizzle >= PSIM_SWIZZLE_0)
		return 0;

	c = &psim_internal[internal][swizzle];
	val = clear >> (c->shift + c->value_shift) & (BIT(c->bits) - 1);
	/* If the widths differ, the upper bits are kept. */
	return c->bits > bits ? val >> (c->bits - bits) : val << (bits - c->bits);
}

/* The clear colour as a pixel in memory. */
static void psim_clear_pixel(const u32 *desc, struct psim_target *t)
{
	u32 format = FIELD_GET(PSIM_RT_FORMAT, desc[1]);
	u32 internal = FIELD_GET(PSIM_RT_INTERNAL, desc[0]);
	u32 pixel = 0, shift = 0;

	if (!psim_format[format].bits[0] || !internal || internal >= ARRAY_SIZE(psim_internal)) {
		memcpy(t->pixel, &desc[PSIM_RT_CLEAR], t->bytes);
		return;
	}

	for (u32 i = 0; i < 4; i++) {
		u32 bits = psim_format[format].bits[i];
		u32 swizzle = (desc[1] & PSIM_RT_SWIZZLE(i)) >> (16 + 3 * i);

		if (!bits)
			break;
		pixel |= psim_clear_channel(desc[PSIM_RT_CLEAR], internal, swizzle, bits) << shift;
		shift += bits;
	}

	memcpy(t->pixel, &pixel, t->bytes);
}

/**
 * psim_target_parse() - Parse a render target descriptor
 * @desc: Descriptor.
 * @samples: Number of samples of the frame.
 * @preloaded: True if a frame shader loads the content of the target.
 * @t: Where to store the result.
 *
 * Return: True if the target is written to memory.
 */
bool psim_target_parse(const u32 *desc, u32 samples, bool preloaded, struct psim_target *t)
{
	memset(t, 0, sizeof(*t));
	t->block = FIELD_GET(PSIM_RT_BLOCK, desc[1]);
	t->bytes = psim_format[FIELD_GET(PSIM_RT_FORMAT, desc[1])].bytes;
	t->base = psim_word64(desc, PSIM_RT_BASE);
	t->row_stride = desc[PSIM_RT_ROW_STRIDE];
	t->surface_stride = desc[PSIM_RT_SURFACE_STRIDE];
	t->surfaces = FIELD_GET(PSIM_RT_MSAA, desc[1]) == PSIM_MSAA_LAYERED ? samples : 1;
	t->wide = desc[2] & PSIM_RT_WIDE;
	t->clear = (desc[1] & PSIM_RT_CLEAN_WRITE) && !preloaded;

	/* AFRC: the layout depends on a rate that is not known here. */
	if (FIELD_GET(PSIM_RT_MODE, desc[0])) {
		t->block = PSIM_BLOCK_LINEAR;
		t->bytes = 1;
		t->clear = false;
	}
	if (!t->bytes) {
		t->bytes = 1;
		t->clear = false;
	}

	psim_clear_pixel(desc, t);
	return FIELD_GET(PSIM_RT_MODE, desc[0]) || (desc[1] & PSIM_RT_WRITE_ENABLE);
}

/**
 * psim_target_rows() - Rows of pixels that psim_target_draw() writes per call
 * @t: Target.
 *
 * Return: Number of rows.
 */
u32 psim_target_rows(const struct psim_target *t)
{
	u32 height = t->wide ? 8 : 16;

	switch (t->block) {
	case PSIM_BLOCK_AFBC:
		return height;
	case PSIM_BLOCK_AFBC_TILED:
		return height * PSIM_AFBC_TILE;
	default:
		return PSIM_BLOCK;
	}
}

static int psim_draw_range(struct psim_cs *cs, const struct psim_target *t, u64 va, u64 len)
{
	if (!t->clear)
		return psim_touch(cs, va, len, PSIM_WRITE);

	return psim_as_fill(cs->env->as, va, t->pixel, t->bytes, len);
}

static int psim_draw_linear(struct psim_cs *cs, const struct psim_target *t, u64 surface,
			    const struct psim_box *box)
{
	for (u32 y = box->y0; y <= box->y1; y++) {
		u64 va = surface + (u64)y * t->row_stride + (u64)box->x0 * t->bytes;
		int ret = psim_draw_range(cs, t, va, (u64)(box->x1 - box->x0 + 1) * t->bytes);

		if (ret)
			return ret;
	}

	return 0;
}

/* Bit 2i of the index is bit i of x ^ y, bit 2i + 1 is bit i of y. */
static u32 psim_block_index(u32 x, u32 y)
{
	u32 index = 0;

	for (u32 i = 0; i < 4; i++) {
		u32 xb = x >> i & 1, yb = y >> i & 1;

		index |= (xb ^ yb) << (2 * i) | yb << (2 * i + 1);
	}

	return index;
}

/* A block of which only a part is in the box. */
static int psim_draw_part(struct psim_cs *cs, const struct psim_target *t, u64 va, u32 bx, u32 by,
			  const struct psim_box *box)
{
	for (u32 y = 0; y < PSIM_BLOCK; y++) {
		for (u32 x = 0; x < PSIM_BLOCK; x++) {
			u32 px = bx * PSIM_BLOCK + x, py = by * PSIM_BLOCK + y;
			int ret;

			if (px < box->x0 || px > box->x1 || py < box->y0 || py > box->y1)
				continue;
			ret = psim_draw_range(cs, t, va + psim_block_index(x, y) * t->bytes,
					      t->bytes);
			if (ret)
				return ret;
		}
	}

	return 0;
}

static int psim_draw_blocks(struct psim_cs *cs, const struct psim_target *t, u64 surface,
			    const struct psim_box *box)
{
	u32 size = PSIM_BLOCK_PIXELS * t->bytes;
	u32 by = box->y0 / PSIM_BLOCK;
	bool whole_rows = !(box->y0 % PSIM_BLOCK) && box->y1 % PSIM_BLOCK == PSIM_BLOCK - 1;
	u64 row = surface + (u64)by * t->row_stride;

	for (u32 bx = box->x0 / PSIM_BLOCK; bx <= box->x1 / PSIM_BLOCK; bx++) {
		u32 x0 = bx * PSIM_BLOCK, x1 = x0 + PSIM_BLOCK - 1;
		u64 va = row + (u64)bx * size;
		int ret;

		if (whole_rows && x0 >= box->x0 && x1 <= box->x1)
			ret = psim_draw_range(cs, t, va, size);
		else
			ret = psim_draw_part(cs, t, va, bx, by, box);
		if (ret)
			return ret;
	}

	return 0;
}

/* Superblocks of one colour: the header holds the colour, there is no body. */
static int psim_draw_afbc(struct psim_cs *cs, const struct psim_target *t, u64 surface,
			  const struct psim_box *box)
{
	u32 width = t->wide ? 32 : 16, size = PSIM_AFBC_HEADER;
	u8 header[PSIM_AFBC_HEADER] = {};
	u32 first, last;
	u64 va;

	if (t->block == PSIM_BLOCK_AFBC_TILED) {
		width *= PSIM_AFBC_TILE;
		size *= PSIM_AFBC_TILE * PSIM_AFBC_TILE;
	}

	first = box->x0 / width;
	last = box->x1 / width;
	va = surface + (u64)(box->y0 / psim_target_rows(t)) * t->row_stride + (u64)first * size;
	if (!t->clear)
		return psim_touch(cs, va, (u64)(last - first + 1) * size, PSIM_WRITE);

	for (u32 i = 0; i < sizeof(u64); i++)
		header[sizeof(u64) + i] = t->pixel[i % t->bytes];
	return psim_as_fill(cs->env->as, va, header, sizeof(header),
			    (u64)(last - first + 1) * size);
}

/**
 * psim_target_draw() - Write a part of a render target
 * @cs: Stream.
 * @t: Target.
 * @surface: Number of the surface.
 * @box: Pixels to write, at most psim_target_rows() rows.
 *
 * Return: As psim_as_ptr().
 */
int psim_target_draw(struct psim_cs *cs, const struct psim_target *t, u32 surface,
		     const struct psim_box *box)
{
	u64 base = t->base + (u64)surface * t->surface_stride;

	switch (t->block) {
	case PSIM_BLOCK_TILED:
		return psim_draw_blocks(cs, t, base, box);
	case PSIM_BLOCK_LINEAR:
		return psim_draw_linear(cs, t, base, box);
	case PSIM_BLOCK_AFBC:
	case PSIM_BLOCK_AFBC_TILED:
		return psim_draw_afbc(cs, t, base, box);
	default:
		return 0;
	}
}
