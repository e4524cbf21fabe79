/* SPDX-License-Identifier: GPL-2.0 */
/* A round: scan, choose, request, account, log; until enough is evicted or no candidate is left. */
#ifndef RECLAIMD_ROUND_H
#define RECLAIMD_ROUND_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "budget.h"
#include "config.h"
#include "history.h"
#include "metrics.h"
#include "look.h"
#include "world.h"

struct reclaimd {
	struct config config;
	struct world world;
	struct look look;
	struct history history;
	struct budget budget;
	struct metrics metrics;
	bool dry_run;
	/* Signals that are blocked during a write */
	sigset_t mask;
	/* Set by a signal: make no other request */
	const volatile sig_atomic_t *stop;
	/* Why no request was made last: printed once */
	char reason[256];
	/* Write the state file only if it changed, to limit wear of flash */
	bool state_changed;
	bool metrics_failed, state_failed;
};

/* Scans all clients for premature swap-ins; 0 or a negative errno */
int round_look(struct reclaimd *reclaimd);
/* 0, or a negative errno if the program cannot continue */
int round_act(struct reclaimd *reclaimd);
/* Writes the metrics and, if it changed, the spent budget to their files */
void round_save(struct reclaimd *reclaimd);
void round_load(struct reclaimd *reclaimd);
void round_fini(struct reclaimd *reclaimd);

#endif
