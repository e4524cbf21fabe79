/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Swap of a sort that a test needs: small, or slow.
 */
#ifndef TESTS_SWAP_H
#define TESTS_SWAP_H

/* A zram of that size, ready for set_swap(); NULL if there can be none */
const char *small_zram(long kb);
void remove_zram(const char *path);

/*
 * A disk that takes @ms for each request, one after the other, of @kb at most; ready for
 * set_swap(). NULL if there can be none
 */
const char *slow_disk(int ms, int kb);
void remove_slow_disk(void);

#endif
