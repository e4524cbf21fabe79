/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client that does not know what it wants: ioctls whose arguments are mostly right, in any order.
 */
#ifndef TESTS_FUZZER_H
#define TESTS_FUZZER_H

#include <stdint.h>

/**
 * struct fuzz_stats - What clients did, in memory that they share
 * @ioctls: ioctls
 * @refused: those of them that were refused
 * @verified: bytes of buffers that nobody but the client writes to, and that were as it left them
 * @wrong: buffers that were not
 */
struct fuzz_stats {
	_Atomic uint64_t ioctls;
	_Atomic uint64_t refused;
	_Atomic uint64_t verified;
	_Atomic uint64_t wrong;
};

/*
 * Be such a client for @steps steps, or until it is killed. The same @seed asks for the same things
 * in the same order. @exchange: a socket by which dma-bufs come from other clients, and go there
 */
void fuzz_client(uint64_t seed, uint32_t steps, int exchange, struct fuzz_stats *stats);

#endif
