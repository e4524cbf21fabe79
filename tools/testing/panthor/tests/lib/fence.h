/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fence of another driver, which no job of the GPU is needed for.
 */
#ifndef TESTS_FENCE_H
#define TESTS_FENCE_H

#include "dev.h"

/* Not in every kernel */
#define SW_SYNC "/sys/kernel/debug/sync/sw_sync"

/* Has everybody wait for @bo until the end of the file that comes back; or a negative errno */
int fence_block(struct bo *bo);
/* Closes it, and ends the waiting even if a child has the file, too */
void fence_end(int fence);

#endif
