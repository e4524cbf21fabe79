// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "desc.h"

/* @size bytes of zeroes */
static uint32_t *blank(struct bench *bench, size_t offset, size_t size)
{
	return memset(data32(bench, offset), 0, size);
}

static void set64(uint32_t *word, uint64_t value)
{
	word[0] = value;
	word[1] = value >> 32;
}

uint64_t desc_shader(struct bench *bench, size_t offset, uint64_t binary)
{
	uint32_t *desc = blank(bench, offset, 32);

	desc[0] = 8;
	set64(&desc[2], binary);
	return bench->data.va + offset;
}

uint64_t desc_table(struct bench *bench, size_t offset, uint64_t va, uint64_t size)
{
	uint32_t *desc = blank(bench, offset, 16);

	set64(&desc[0], va | 1ULL << 56);
	set64(&desc[2], size);
	return (bench->data.va + offset) | 1;
}

uint64_t desc_draw(struct bench *bench, size_t offset, uint64_t shader, uint32_t mask)
{
	uint32_t *desc = blank(bench, offset, 128);

	desc[1] = mask << 16;
	set64(&desc[26], shader);
	return bench->data.va + offset;
}

uint64_t desc_heap(struct bench *bench, size_t offset, uint64_t chunk, uint32_t size)
{
	uint32_t *desc = blank(bench, offset, 32);

	desc[0] = 9 | 2 << 4;
	desc[1] = size;
	set64(&desc[2], chunk);
	set64(&desc[4], chunk + 64);
	set64(&desc[6], chunk + size);
	return bench->data.va + offset;
}

uint64_t desc_tiler(struct bench *bench, size_t offset, uint64_t heap)
{
	uint32_t *desc = blank(bench, offset, 128);

	set64(&desc[6], heap);
	return bench->data.va + offset;
}

uint64_t desc_frame(struct bench *bench, size_t offset, const struct frame *frame)
{
	uint32_t *desc = blank(bench, offset, 128 + frame->count * 64);

	if (frame->shaders) {
		desc[0] = 1;
		set64(&desc[6], frame->shaders);
	}
	desc[8] = (frame->height - 1) << 16 | (frame->width - 1);
	desc[10] = desc[8];
	desc[11] = (frame->count - 1) << 19;
	set64(&desc[14], frame->tiler);
	for (uint32_t i = 0; i < frame->count; i++) {
		const struct target *target = &frame->targets[i];
		uint32_t *rt = &desc[32 + i * 16];

		rt[0] = target->internal << 26;
		rt[1] = 1 | target->format << 3 | target->block << 8 | target->swizzle << 16 |
			(target->keep ? 0 : 1U << 31);
		set64(&rt[8], target->va);
		rt[10] = target->row_stride;
		for (int j = 12; j < 16; j++)
			rt[j] = target->clear;
	}
	return (bench->data.va + offset) | (frame->count - 1) << 2 | 1;
}
