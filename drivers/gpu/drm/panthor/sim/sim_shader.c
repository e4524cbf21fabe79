// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: shaders
 *
 * Shaders are not executed. What the hardware reads before it starts one is read: the
 * program descriptor, the beginning of the binary (an access of type execute), the
 * resource tables and the descriptors that they point to, uniforms, thread storage.
 * What a shader itself would read or write is not known.
 */

#include "sim_insn.h"

/* Type of a descriptor, in the low bits of its first word. */
#define PSIM_DESC_TYPE		GENMASK(3, 0)
#define PSIM_DESC_SHADER	8

/* Shader program descriptor. */
#define PSIM_PROGRAM_SIZE	32
#define PSIM_PROGRAM_BINARY	2

/* Smallest binary. Hardware prefetches what follows, and a prefetch does not fault. */
#define PSIM_BINARY_SIZE	8

/* Pointer to a table of resources, and its entries. */
#define PSIM_TABLE_COUNT	GENMASK_ULL(5, 0)
#define PSIM_RESOURCE_SIZE	16
#define PSIM_RESOURCE_ADDR	GENMASK_ULL(55, 0)

/* Pointer to uniforms (fast access uniforms), which are pairs of 32 bits. */
#define PSIM_FAU_ADDR		GENMASK_ULL(47, 0)
#define PSIM_FAU_COUNT		GENMASK_ULL(63, 56)

/* Draw descriptor, as frame shaders and RUN_FULLSCREEN use it: words. */
#define PSIM_DRAW_SIZE		128
#define PSIM_DRAW_FLAGS1	1
#define PSIM_DRAW_ZS		10
#define PSIM_DRAW_BLEND		12
#define PSIM_DRAW_FAU_COUNT	17
#define PSIM_DRAW_RESOURCES	24
#define PSIM_DRAW_SHADER	26
#define PSIM_DRAW_STORAGE	28
#define PSIM_DRAW_FAU		30
#define PSIM_DRAW_TARGETS	GENMASK(23, 16)

/* Pages at the beginning of a long range that are accessed; its last page is, too. */
#define PSIM_TOUCH_PAGES	16

/**
 * psim_touch() - Access memory, ignoring its content
 * @cs: Stream.
 * @va: Address.
 * @len: Number of bytes.
 * @access: Kind of access.
 *
 * Return: As psim_as_ptr().
 */
int psim_touch(struct psim_cs *cs, u64 va, u64 len, enum psim_access access)
{
	u64 last = va + len - 1;
	u64 page = va & PSIM_PAGE_MASK;
	void *ptr;
	int ret = 0;

	if (!len)
		return 0;
	if (last < va)
		last = U64_MAX;

	for (u32 i = 0; !ret && i < PSIM_TOUCH_PAGES && page <= last; i++) {
		ret = psim_as_ptr(cs->env->as, max(page, va), access, &ptr);
		page += PSIM_PAGE_SIZE;
	}
	if (!ret && page <= last)
		ret = psim_as_ptr(cs->env->as, last, access, &ptr);

	return ret;
}

/**
 * psim_touch_if() - Access memory behind a pointer that can be NULL
 * @cs: Stream.
 * @va: Address, or 0.
 * @len: Number of bytes.
 * @access: Kind of access.
 *
 * Return: As psim_as_ptr().
 */
int psim_touch_if(struct psim_cs *cs, u64 va, u64 len, enum psim_access access)
{
	return va ? psim_touch(cs, va, len, access) : 0;
}

/**
 * psim_touch_shader() - Fetch a shader program
 * @cs: Stream.
 * @va: Address of the shader program descriptor.
 *
 * Return: As psim_insn_exec().
 */
int psim_touch_shader(struct psim_cs *cs, u64 va)
{
	u32 desc[PSIM_PROGRAM_SIZE / sizeof(u32)];
	int ret = psim_as_read(cs->env->as, va, desc, sizeof(desc));

	if (ret)
		return ret;
	if (FIELD_GET(PSIM_DESC_TYPE, desc[0]) != PSIM_DESC_SHADER)
		return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_DATA_INVALID_FAULT, va);

	return psim_touch(cs, psim_word64(desc, PSIM_PROGRAM_BINARY), PSIM_BINARY_SIZE, PSIM_EXEC);
}

/**
 * psim_touch_resources() - Fetch resource tables and their descriptors
 * @cs: Stream.
 * @table: Address of the tables, with their number in the low bits.
 *
 * Return: As psim_insn_exec().
 */
int psim_touch_resources(struct psim_cs *cs, u64 table)
{
	u32 count = FIELD_GET(PSIM_TABLE_COUNT, table);
	u64 va = table & ~PSIM_TABLE_COUNT;

	for (u32 i = 0; i < count; i++, va += PSIM_RESOURCE_SIZE) {
		u64 entry[PSIM_RESOURCE_SIZE / sizeof(u64)];
		int ret = psim_as_read(cs->env->as, va, entry, sizeof(entry));

		if (!ret)
			ret = psim_touch_if(cs, entry[0] & PSIM_RESOURCE_ADDR, entry[1], PSIM_READ);
		if (ret)
			return ret;
	}

	return 0;
}

/**
 * psim_touch_fau() - Fetch uniforms
 * @cs: Stream.
 * @fau: Address, with the number of pairs in the high bits.
 *
 * Return: As psim_insn_exec().
 */
int psim_touch_fau(struct psim_cs *cs, u64 fau)
{
	return psim_touch_if(cs, fau & PSIM_FAU_ADDR, FIELD_GET(PSIM_FAU_COUNT, fau) * sizeof(u64),
			     PSIM_READ);
}

/**
 * psim_touch_blend() - Fetch blend descriptors
 * @cs: Stream.
 * @blend: Address, with the number of descriptors in the low bits.
 *
 * Return: As psim_insn_exec().
 */
int psim_touch_blend(struct psim_cs *cs, u64 blend)
{
	return psim_touch_if(cs, blend & ~0xfULL, (blend & 0xf) * 16, PSIM_READ);
}

/**
 * psim_touch_draw() - Fetch a draw descriptor and what it needs
 * @cs: Stream.
 * @va: Address of the draw descriptor.
 * @targets: Where to store the render targets that it writes, as a bitmap.
 *
 * Return: As psim_insn_exec().
 */
int psim_touch_draw(struct psim_cs *cs, u64 va, u32 *targets)
{
	u32 draw[PSIM_DRAW_SIZE / sizeof(u32)];
	u64 shader;
	int ret;

	ret = psim_as_read(cs->env->as, va, draw, sizeof(draw));
	if (ret)
		return ret;

	*targets = FIELD_GET(PSIM_DRAW_TARGETS, draw[PSIM_DRAW_FLAGS1]);
	shader = psim_word64(draw, PSIM_DRAW_SHADER);
	if (shader)
		ret = psim_touch_shader(cs, shader);
	if (!ret)
		ret = psim_touch_resources(cs, psim_word64(draw, PSIM_DRAW_RESOURCES));
	if (!ret)
		ret = psim_touch_if(cs, psim_word64(draw, PSIM_DRAW_STORAGE), PSIM_STORAGE_SIZE,
				    PSIM_READ);
	if (!ret)
		ret = psim_touch_if(cs, psim_word64(draw, PSIM_DRAW_FAU),
				    (draw[PSIM_DRAW_FAU_COUNT] & 0xff) * sizeof(u64), PSIM_READ);
	if (!ret)
		ret = psim_touch_blend(cs, psim_word64(draw, PSIM_DRAW_BLEND));
	if (!ret)
		ret = psim_touch_if(cs, psim_word64(draw, PSIM_DRAW_ZS), PSIM_ZS_SIZE, PSIM_READ);
	return ret;
}
