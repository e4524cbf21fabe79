/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_SWAP_H
#define PANTHOR_TRACE_SWAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/text.h"

/*
 * The block devices that memory is swapped to, from a file like /proc/swaps,
 * as a filter for events of system block: "dev == 265289728 || dev == ...".
 * Returns their number; swap without a known device is reported on standard error.
 */
int swap_filter(FILE *swaps, struct pt_text *filter);

/* RAM that the zram devices among them take, in bytes. False: memory is not swapped to any. */
bool swap_zram(FILE *swaps, uint64_t *bytes);

#endif
