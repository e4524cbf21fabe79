// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: fragment jobs
 *
 * RUN_FRAGMENT reads the framebuffer descriptor and what it points to: depth/stencil
 * and render target descriptors, the tiler context and the chunks behind it, the
 * shaders that run before and after a frame. Then it writes one row of tiles at a time,
 * so that other streams get their turn in between.
 *
 * A render target is cleared if its descriptor has all tiles written and no frame
 * shader loads its content. Nothing else is drawn: other targets, depth and stencil
 * keep their content, but the job fails if the MMU refuses to write them.
 */

#include "sim_target.h"

/* Registers. */
#define PSIM_SR_FBD		40
#define PSIM_SR_BOX_MIN		42
#define PSIM_SR_BOX_MAX		43
#define PSIM_SR_TILE_MAP	44

/* Fields of RUN_FRAGMENT and of the pointer to the descriptor. */
#define PSIM_F_TILE_MAP		BIT_ULL(0)
#define PSIM_FBD_ADDR		GENMASK_ULL(63, 6)

/* Framebuffer descriptor: size and words; depth/stencil and targets follow it. */
#define PSIM_FBD_SIZE		128
#define PSIM_FBD_FRAME_MODES	0
#define PSIM_FBD_SAMPLES	4
#define PSIM_FBD_FRAME_SHADERS	6
#define PSIM_FBD_FRAME_SIZE	8
#define PSIM_FBD_BOUND_MIN	9
#define PSIM_FBD_BOUND_MAX	10
#define PSIM_FBD_FLAGS		11
#define PSIM_FBD_ZS_FLAGS	12
#define PSIM_FBD_TILER		14
#define PSIM_FBD_SAMPLE_COUNT	GENMASK(2, 0)
#define PSIM_FBD_TARGET_COUNT	GENMASK(22, 19)
#define PSIM_FBD_STENCIL_WRITE	BIT(8)
#define PSIM_FBD_DEPTH_WRITE	BIT(18)
#define PSIM_FBD_ZS_EXTENSION	BIT(21)

/* Depth/stencil extension. */
#define PSIM_EXT_SIZE		64
#define PSIM_EXT_DEPTH_FORMAT	GENMASK(3, 0)
#define PSIM_EXT_DEPTH_BLOCK	GENMASK(7, 4)
#define PSIM_EXT_STENCIL_FORMAT	GENMASK(19, 16)
#define PSIM_EXT_STENCIL_BLOCK	GENMASK(23, 20)
#define PSIM_EXT_DEPTH		8
#define PSIM_EXT_STENCIL	12

#define PSIM_RT_SIZE		64

/* Shaders that run before a frame (two) and after it; each has a mode of three bits. */
#define PSIM_FRAME_SHADERS	3
#define PSIM_FRAME_INTERSECT	2	/* mode */
#define PSIM_FRAME_PRE		2
#define PSIM_FRAME_STRIDE	128

/* Sample locations are pairs of 16 bits, 64 of them. */
#define PSIM_LOCATIONS_SIZE	256

/* A frame: its descriptors, and the progress of the job. */
struct psim_frame {
	struct psim_cs *cs;
	u32 fbd[PSIM_FBD_SIZE / sizeof(u32)];
	struct psim_box box;
	u32 preloaded;	/* bitmap of the targets that a frame shader loads */
	u32 step;	/* next step */
	u64 budget;	/* bytes left to write in this turn */
};

/* The rectangle of the registers, clipped to that of the descriptor. */
static void psim_frame_box(struct psim_frame *f)
{
	const u32 *regs = f->cs->ctx.regs;
	u32 width = (f->fbd[PSIM_FBD_FRAME_SIZE] & 0xffff) + 1;
	u32 height = (f->fbd[PSIM_FBD_FRAME_SIZE] >> 16) + 1;
	u32 min = f->fbd[PSIM_FBD_BOUND_MIN], max = f->fbd[PSIM_FBD_BOUND_MAX];

	f->box.x0 = max(regs[PSIM_SR_BOX_MIN] & 0xffff, min & 0xffff);
	f->box.y0 = max(regs[PSIM_SR_BOX_MIN] >> 16, min >> 16);
	f->box.x1 = min3(regs[PSIM_SR_BOX_MAX] & 0xffff, max & 0xffff, width - 1);
	f->box.y1 = min3(regs[PSIM_SR_BOX_MAX] >> 16, max >> 16, height - 1);
}

static bool psim_frame_is_empty(const struct psim_frame *f)
{
	return f->box.x0 > f->box.x1 || f->box.y0 > f->box.y1;
}

static int psim_frame_shaders(struct psim_frame *f)
{
	u64 va = psim_word64(f->fbd, PSIM_FBD_FRAME_SHADERS);

	f->preloaded = 0;
	for (u32 i = 0; i < PSIM_FRAME_SHADERS; i++) {
		u32 mode = f->fbd[PSIM_FBD_FRAME_MODES] >> (3 * i) & 7;
		u32 targets;
		int ret;

		/*
		 * INTERSECT is for tiles that geometry intersects. There are none if Mesa
		 * leaves the pointer NULL, and geometry is not computed here.
		 */
		if (!mode || (mode == PSIM_FRAME_INTERSECT && !va))
			continue;
		ret = psim_touch_draw(f->cs, va + i * PSIM_FRAME_STRIDE, &targets);
		if (ret)
			return ret;
		if (i < PSIM_FRAME_PRE)
			f->preloaded |= targets;
	}

	return 0;
}

static int psim_frame_read(struct psim_frame *f, u64 fbd)
{
	struct psim_cs *cs = f->cs;
	u64 tiler;
	int ret;

	ret = psim_as_read(cs->env->as, fbd, f->fbd, sizeof(f->fbd));
	if (ret)
		return ret;

	psim_frame_box(f);
	ret = psim_frame_shaders(f);
	if (!ret)
		ret = psim_touch_if(cs, psim_word64(f->fbd, PSIM_FBD_SAMPLES), PSIM_LOCATIONS_SIZE,
				    PSIM_READ);
	tiler = psim_word64(f->fbd, PSIM_FBD_TILER);
	if (!ret && tiler)
		ret = psim_tiler_read(cs, tiler);
	return ret;
}

/* Writes a target, as far as the budget goes. */
static int psim_frame_target(struct psim_frame *f, const struct psim_target *t)
{
	u32 rows = psim_target_rows(t);

	for (u32 surface = 0; surface < t->surfaces; surface++) {
		for (u32 y = f->box.y0; y <= f->box.y1; y = round_down(y, rows) + rows) {
			struct psim_box box = f->box;
			int ret;

			if (f->step++ < f->cs->ctx.drawn)
				continue;
			if (!f->budget)
				return PSIM_INSN_MORE;

			box.y0 = y;
			box.y1 = min(round_down(y, rows) + rows - 1, f->box.y1);
			ret = psim_target_draw(f->cs, t, surface, &box);
			if (ret)
				return ret;

			f->cs->ctx.drawn = f->step;
			f->budget -= min(f->budget, (u64)(box.x1 - box.x0 + 1) *
						    (box.y1 - box.y0 + 1) * t->bytes);
		}
	}

	return 0;
}

static u32 psim_depth_bytes(u32 format)
{
	switch (format) {
	case 1:		/* D16 */
		return 2;
	case 2:		/* D24 */
		return 3;
	default:
		return 4;
	}
}

/* Depth or stencil: not written, but it has to be writable. */
static int psim_frame_zs(struct psim_frame *f, const u32 *ext, u32 word, u32 block, u32 bytes)
{
	struct psim_target t = {
		.base = psim_word64(ext, word),
		.row_stride = ext[word + 2],
		.surface_stride = ext[word + 3],
		.surfaces = 1,
		.block = block,
		.bytes = bytes,
	};

	return t.base ? psim_frame_target(f, &t) : 0;
}

static int psim_frame_extension(struct psim_frame *f, u64 va)
{
	u32 flags = f->fbd[PSIM_FBD_ZS_FLAGS];
	u32 ext[PSIM_EXT_SIZE / sizeof(u32)];
	int ret;

	ret = psim_as_read(f->cs->env->as, va, ext, sizeof(ext));
	if (!ret && (flags & PSIM_FBD_DEPTH_WRITE))
		ret = psim_frame_zs(f, ext, PSIM_EXT_DEPTH, FIELD_GET(PSIM_EXT_DEPTH_BLOCK, ext[0]),
				    psim_depth_bytes(FIELD_GET(PSIM_EXT_DEPTH_FORMAT, ext[0])));
	if (!ret && (flags & PSIM_FBD_STENCIL_WRITE))
		ret = psim_frame_zs(f, ext, PSIM_EXT_STENCIL,
				    FIELD_GET(PSIM_EXT_STENCIL_BLOCK, ext[0]),
				    FIELD_GET(PSIM_EXT_STENCIL_FORMAT, ext[0]) == 1 ? 1 : 4);
	return ret;
}

static int psim_frame_targets(struct psim_frame *f, u64 va)
{
	u32 count = FIELD_GET(PSIM_FBD_TARGET_COUNT, f->fbd[PSIM_FBD_FLAGS]) + 1;
	u32 samples = BIT(FIELD_GET(PSIM_FBD_SAMPLE_COUNT, f->fbd[PSIM_FBD_FLAGS]));

	for (u32 i = 0; i < count; i++, va += PSIM_RT_SIZE) {
		u32 desc[PSIM_RT_SIZE / sizeof(u32)];
		struct psim_target t;
		int ret;

		ret = psim_as_read(f->cs->env->as, va, desc, sizeof(desc));
		if (!ret && psim_target_parse(desc, samples, f->preloaded & BIT(i), &t))
			ret = psim_frame_target(f, &t);
		if (ret)
			return ret;
	}

	return 0;
}

/**
 * psim_run_fragment() - RUN_FRAGMENT
 * @cs: Stream.
 * @insn: Instruction.
 * @now: Current time.
 *
 * Return: As psim_insn_exec().
 */
int psim_run_fragment(struct psim_cs *cs, u64 insn, u64 now)
{
	u64 va = psim_get_pair(cs, PSIM_SR_FBD) & PSIM_FBD_ADDR;
	struct psim_frame f = { .cs = cs, .budget = PSIM_SLICE };
	struct psim_base *base = cs->env->base;
	u64 pixels = 0;
	int ret;

	ret = psim_frame_read(&f, va);
	if (!ret && (insn & PSIM_F_TILE_MAP))
		ret = psim_touch_if(cs, psim_get_pair(cs, PSIM_SR_TILE_MAP), sizeof(u64),
				    PSIM_READ);
	if (ret)
		return ret;

	if (!psim_frame_is_empty(&f)) {
		va += PSIM_FBD_SIZE;
		if (f.fbd[PSIM_FBD_ZS_FLAGS] & PSIM_FBD_ZS_EXTENSION) {
			ret = psim_frame_extension(&f, va);
			va += PSIM_EXT_SIZE;
		}
		ret = ret ?: psim_frame_targets(&f, va);
		if (ret)
			return ret;
		pixels = (u64)(f.box.x1 - f.box.x0 + 1) * (f.box.y1 - f.box.y0 + 1);
	}

	cs->ctx.drawn = 0;
	psim_count(base, frames);
	psim_job_starts(cs, pixels, READ_ONCE(base->knobs.pixel_ns), now);
	return 0;
}
