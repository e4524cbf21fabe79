/* SPDX-License-Identifier: GPL-2.0 */
/* How much, and of whom. Pure. */
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
	/* What a request could give */
	uint64_t gain;
	/* Of the holders of its clients, the one that is least willing */
	int64_t adj;
	bool frozen;
};

/* Why the others were not chosen: processes on a device */
struct passed {
	unsigned int kept;
	unsigned int foreground;
	unsigned int little;
	unsigned int resting;
	unsigned int premature;
	unsigned int no_device;
};

/* What is to be evicted when that much memory is available */
uint64_t choose_need(const struct config *config, uint64_t available);
/*
 * The best, of those that had no turn: frozen ones first, of these the one with the highest
 * oom_score_adj, of these the one with most to give. False: there is none
 */
bool choose(const struct config *config, const struct look *look, const struct history *history,
	    uint64_t now_ns, struct choice *choice, struct passed *passed);

#endif
