// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "pattern.h"

/* Spread a small number over 32 bits, so that neighbours in (seed, word) have nothing in common */
static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x21f0aaad;
	x ^= x >> 15;
	x *= 0x735a2d97;
	x ^= x >> 15;
	return x;
}

uint32_t pattern_word(uint32_t seed, uint32_t page, unsigned int line, unsigned int word)
{
	uint32_t value = mix(mix(seed) + word) + page * PATTERN_PAGE_STEP;

	return word ? value : value + line * PATTERN_LINE_STEP;
}

static void pattern_page(uint32_t *words, uint32_t seed, uint32_t page)
{
	uint32_t first[PATTERN_WORDS];

	for (unsigned int word = 0; word < PATTERN_WORDS; word++)
		first[word] = pattern_word(seed, page, 0, word);

	for (unsigned int line = 0; line < PATTERN_LINES; line++) {
		memcpy(words + line * PATTERN_WORDS, first, sizeof(first));
		first[0] += PATTERN_LINE_STEP;
	}
}

void pattern_fill(void *map, size_t size, uint32_t seed, uint32_t first)
{
	for (size_t at = 0; at < size; at += PATTERN_PAGE)
		pattern_page((uint32_t *)((char *)map + at), seed, first++);
}

size_t pattern_verify(const void *map, size_t size, uint32_t seed, uint32_t first)
{
	uint32_t want[PATTERN_PAGE / 4];

	for (size_t at = 0; at < size; at += PATTERN_PAGE) {
		const char *got = (const char *)map + at;

		pattern_page(want, seed, first++);
		if (!memcmp(got, want, sizeof(want)))
			continue;
		for (size_t i = 0; i < sizeof(want); i++)
			if (got[i] != ((const char *)want)[i])
				return at + i;
	}
	return size;
}
