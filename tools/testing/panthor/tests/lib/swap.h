/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Swap of a sort that a test needs: small, slow, or broken.
 */
#ifndef TESTS_SWAP_H
#define TESTS_SWAP_H

#include <stdbool.h>

/* A zram of that size, ready for set_swap(); NULL if there can be none */
const char *small_zram(long kb);
void remove_zram(const char *path);

/*
 * A disk that takes @ms for each request, one after the other, of @kb at most; ready for
 * set_swap(). NULL if there can be none
 */
const char *slow_disk(int ms, int kb);
void remove_slow_disk(void);

/*
 * A disk of @mib MiB that does many requests at a time, and fails all while it is told to; ready
 * for set_swap(). NULL if there can be none. There is this one or a slow one
 */
const char *failing_disk(unsigned int mib);
void disk_fails(bool fails);
void remove_failing_disk(void);

/*
 * Without the mm helper, what was written to swap stays in RAM, too, where a swap-in finds it,
 * until somebody wants memory. The driver's shrinker is asked then, as well
 */
void free_swap_cache(void);

#endif
