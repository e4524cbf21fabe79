/* SPDX-License-Identifier: GPL-2.0 */
/* How much to evict, and from which process. Pure. */
#ifndef RECLAIMD_CHOOSE_H
#define RECLAIMD_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "history.h"
#include "look.h"

/* A request to be made: a process and one of the devices that it has open */
struct choice {
	unsigned int process;
	char device[DEVICE_LEN];
	/* What a request could evict or write */
	uint64_t gain;
	/* Of the least eligible holder of its clients */
	int64_t adj;
	bool frozen;
};

/* Excluded processes of a device, by reason */
struct passed {
	unsigned int kept;
	unsigned int foreground;
	unsigned int too_small;
	unsigned int backoff;
	unsigned int premature;
	unsigned int no_device;
};

/* How much to evict, by the memory that is available */
uint64_t choose_need(const struct config *config, uint64_t available);
/*
 * The best candidate of this round: frozen, then highest oom_score_adj, then most reclaimable
 * memory. False: there is none
 */
bool choose(const struct config *config, const struct look *look, const struct history *history,
	    uint64_t now_ns, struct choice *choice, struct passed *passed);

#endif
