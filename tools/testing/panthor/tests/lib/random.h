/* SPDX-License-Identifier: GPL-2.0 */
/*
 * xorshift64*: the same numbers for the same seed, wherever it runs.
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline void random_seed(struct random *random, uint64_t seed)
{
	/* Neighbours shall not be alike, and 0 would stay 0 */
	random->state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
}

static inline uint32_t random_u32(struct random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return (uint32_t)((random->state * 0x2545f4914f6cdd1dULL) >> 32);
}

static inline uint32_t random_below(struct random *random, uint32_t below)
{
	return random_u32(random) % below;
}

static inline bool one_in(struct random *random, uint32_t n)
{
	return !random_below(random, n);
}

#endif
