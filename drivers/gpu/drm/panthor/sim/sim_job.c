// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: jobs
 *
 * RUN_COMPUTE, RUN_IDVS and RUN_FULLSCREEN read what the hardware would read, and keep
 * their scoreboard slot busy for the time per work item or vertex that the knobs set. A
 * draw also allocates from the tiler heap.
 */

#include "sim_insn.h"

/* Fields of RUN_COMPUTE; each selects one of four pairs of registers. */
#define PSIM_F_SRT_SELECT	GENMASK_ULL(41, 40)
#define PSIM_F_SPD_SELECT	GENMASK_ULL(43, 42)
#define PSIM_F_TSD_SELECT	GENMASK_ULL(45, 44)
#define PSIM_F_FAU_SELECT	GENMASK_ULL(47, 46)

/* Fields of RUN_IDVS. */
#define PSIM_F_FLAGS		GENMASK_ULL(31, 0)
#define PSIM_F_MALLOC		BIT_ULL(33)
#define PSIM_F_VARY_SRT		BIT_ULL(35)
#define PSIM_F_VARY_FAU		BIT_ULL(36)
#define PSIM_F_VARY_TSD		BIT_ULL(37)
#define PSIM_F_FRAG_SRT		BIT_ULL(38)
#define PSIM_F_FRAG_TSD		BIT_ULL(39)

/* Registers that hold a job's operands. */
#define PSIM_SR_SRT(n)		(0 + 2 * (n))
#define PSIM_SR_FAU(n)		(8 + 2 * (n))
#define PSIM_SR_SPD(n)		(16 + 2 * (n))
#define PSIM_SR_TSD(n)		(24 + 2 * (n))
#define PSIM_SR_WG_SIZE		33
#define PSIM_SR_JOB_SIZE	37
#define PSIM_SR_INDEX_COUNT	33
#define PSIM_SR_INSTANCE_COUNT	34
#define PSIM_SR_INDEX_OFFSET	35
#define PSIM_SR_INDEX_SIZE	39
#define PSIM_SR_TILER		40
#define PSIM_SR_OCCLUSION	46
#define PSIM_SR_VARY_SIZE	48
#define PSIM_SR_BLEND		50
#define PSIM_SR_ZS		52
#define PSIM_SR_INDICES		54
#define PSIM_SR_TILER_FLAGS	56
#define PSIM_SR_DRAW_FLAGS0	57

/* Shaders of RUN_IDVS: numbers of the register pairs. */
#define PSIM_POSITION		0
#define PSIM_VARYING		1
#define PSIM_FRAGMENT		2

/* Bits of PSIM_SR_TILER_FLAGS and PSIM_SR_DRAW_FLAGS0. */
#define PSIM_TILER_INDEX_TYPE	GENMASK(10, 8)
#define PSIM_TILER_SECONDARY	BIT(18)
#define PSIM_DRAW_OCCLUSION	GENMASK(15, 14)

/* Bytes of tiler memory for a vertex, without its varyings. */
#define PSIM_VERTEX_SIZE	16

/* Bytes of tiler memory for RUN_FULLSCREEN. */
#define PSIM_FULLSCREEN_SIZE	64

static int psim_touch_environment(struct psim_cs *cs, u32 srt, u32 fau, u32 tsd)
{
	int ret = psim_touch_resources(cs, psim_get_pair(cs, PSIM_SR_SRT(srt)));

	if (!ret)
		ret = psim_touch_fau(cs, psim_get_pair(cs, PSIM_SR_FAU(fau)));
	if (!ret)
		ret = psim_touch_if(cs, psim_get_pair(cs, PSIM_SR_TSD(tsd)), PSIM_STORAGE_SIZE,
				    PSIM_READ);
	return ret;
}

static u64 psim_work_items(const struct psim_cs *cs)
{
	u32 wg = cs->ctx.regs[PSIM_SR_WG_SIZE];
	const u32 *groups = &cs->ctx.regs[PSIM_SR_JOB_SIZE];
	u64 items = ((wg & 0x3ff) + 1) * ((wg >> 10 & 0x3ff) + 1) * (u64)((wg >> 20 & 0x3ff) + 1);

	for (u32 i = 0; i < 3; i++) {
		if (check_mul_overflow(items, (u64)groups[i], &items))
			return U64_MAX;
	}

	return items;
}

/**
 * psim_run_compute() - RUN_COMPUTE and RUN_COMPUTE_INDIRECT
 * @cs: Stream.
 * @insn: Instruction.
 * @now: Current time.
 *
 * Return: As psim_insn_exec().
 */
int psim_run_compute(struct psim_cs *cs, u64 insn, u64 now)
{
	struct psim_base *base = cs->env->base;
	int ret;

	ret = psim_touch_shader(cs, psim_get_pair(cs,
						  PSIM_SR_SPD(FIELD_GET(PSIM_F_SPD_SELECT, insn))));
	if (!ret)
		ret = psim_touch_environment(cs, FIELD_GET(PSIM_F_SRT_SELECT, insn),
					     FIELD_GET(PSIM_F_FAU_SELECT, insn),
					     FIELD_GET(PSIM_F_TSD_SELECT, insn));
	if (ret)
		return ret;

	psim_count(base, dispatches);
	psim_job_starts(cs, psim_work_items(cs), READ_ONCE(base->knobs.item_ns), now);
	return 0;
}

static int psim_touch_indices(struct psim_cs *cs, u32 flags)
{
	const u32 *regs = cs->ctx.regs;
	u32 type = FIELD_GET(PSIM_TILER_INDEX_TYPE, flags);
	u64 offset, len;

	if (!type)
		return 0;

	/* Types 1, 2 and 3 have indices of 1, 2 and 4 bytes. */
	offset = (u64)regs[PSIM_SR_INDEX_OFFSET] << (type - 1);
	if (offset >= regs[PSIM_SR_INDEX_SIZE])
		return 0;

	len = min((u64)regs[PSIM_SR_INDEX_COUNT] << (type - 1), regs[PSIM_SR_INDEX_SIZE] - offset);
	return psim_touch(cs, psim_get_pair(cs, PSIM_SR_INDICES) + offset, len, PSIM_READ);
}

static int psim_touch_idvs_shader(struct psim_cs *cs, u32 shader, u32 srt, u32 fau, u32 tsd)
{
	u64 program = psim_get_pair(cs, PSIM_SR_SPD(shader));
	int ret;

	if (!program)
		return 0;

	ret = psim_touch_shader(cs, program);
	return ret ?: psim_touch_environment(cs, srt, fau, tsd);
}

/* Operands of a shader: its own if @flag is set, else those of the position shader. */
static u32 psim_select(u64 insn, u64 flag, u32 shader)
{
	return insn & flag ? shader : PSIM_POSITION;
}

static int psim_touch_idvs(struct psim_cs *cs, u64 insn, u32 flags)
{
	int ret;

	ret = psim_touch_idvs_shader(cs, PSIM_POSITION, PSIM_POSITION, PSIM_POSITION,
				     PSIM_POSITION);
	if (!ret && (flags & PSIM_TILER_SECONDARY))
		ret = psim_touch_idvs_shader(cs, PSIM_VARYING,
					     psim_select(insn, PSIM_F_VARY_SRT, PSIM_VARYING),
					     psim_select(insn, PSIM_F_VARY_FAU, PSIM_VARYING),
					     psim_select(insn, PSIM_F_VARY_TSD, PSIM_VARYING));
	if (!ret)
		ret = psim_touch_idvs_shader(cs, PSIM_FRAGMENT,
					     psim_select(insn, PSIM_F_FRAG_SRT, PSIM_FRAGMENT),
					     PSIM_FRAGMENT,
					     psim_select(insn, PSIM_F_FRAG_TSD, PSIM_FRAGMENT));
	if (!ret)
		ret = psim_touch_indices(cs, flags);
	if (!ret)
		ret = psim_touch_blend(cs, psim_get_pair(cs, PSIM_SR_BLEND));
	if (!ret)
		ret = psim_touch_if(cs, psim_get_pair(cs, PSIM_SR_ZS), PSIM_ZS_SIZE, PSIM_READ);
	if (!ret && (cs->ctx.regs[PSIM_SR_DRAW_FLAGS0] & PSIM_DRAW_OCCLUSION))
		ret = psim_touch_if(cs, psim_get_pair(cs, PSIM_SR_OCCLUSION), sizeof(u64),
				    PSIM_WRITE);
	return ret;
}

/**
 * psim_run_idvs() - RUN_IDVS
 * @cs: Stream.
 * @insn: Instruction.
 * @now: Current time.
 *
 * Return: As psim_insn_exec().
 */
int psim_run_idvs(struct psim_cs *cs, u64 insn, u64 now)
{
	const u32 *regs = cs->ctx.regs;
	u32 flags = regs[PSIM_SR_TILER_FLAGS] | FIELD_GET(PSIM_F_FLAGS, insn);
	u64 vertices = (u64)regs[PSIM_SR_INDEX_COUNT] * regs[PSIM_SR_INSTANCE_COUNT];
	u32 size = PSIM_VERTEX_SIZE;
	struct psim_base *base = cs->env->base;
	int ret;

	if (insn & PSIM_F_MALLOC)
		size += regs[PSIM_SR_VARY_SIZE] & 0xffff;

	/* Once per draw, not each time that the tiler continues. */
	if (!cs->ctx.tiled) {
		ret = psim_touch_idvs(cs, insn, flags);
		if (ret)
			return ret;
	}

	ret = psim_tile(cs, psim_get_pair(cs, PSIM_SR_TILER), vertices * size);
	if (ret)
		return ret;

	psim_count(base, draws);
	psim_job_starts(cs, vertices, READ_ONCE(base->knobs.vertex_ns), now);
	return 0;
}

/**
 * psim_run_fullscreen() - RUN_FULLSCREEN
 * @cs: Stream.
 * @dcd: Address of the draw descriptor.
 * @now: Current time.
 *
 * Return: As psim_insn_exec().
 */
int psim_run_fullscreen(struct psim_cs *cs, u64 dcd, u64 now)
{
	struct psim_base *base = cs->env->base;
	u32 targets;
	int ret;

	ret = psim_touch_draw(cs, dcd, &targets);
	if (!ret)
		ret = psim_tile(cs, psim_get_pair(cs, PSIM_SR_TILER), PSIM_FULLSCREEN_SIZE);
	if (ret)
		return ret;

	psim_count(base, draws);
	psim_job_starts(cs, 4, READ_ONCE(base->knobs.vertex_ns), now);
	return 0;
}
