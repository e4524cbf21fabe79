/* SPDX-License-Identifier: GPL-2.0 */
/* A round: look, choose, request, account, and say so; until there is enough, or nobody to ask. */
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
	/* Why nobody was asked last: said once */
	char reason[256];
	/* Flash is not to be worn out by the file that keeps what is spent of it */
	bool state_changed;
	bool metrics_failed, state_failed;
};

/* Looks at all clients, and who of them swapped in too soon; 0 or a negative errno */
int round_look(struct reclaimd *reclaimd);
/* 0, or the negative errno that makes it no use to go on */
int round_act(struct reclaimd *reclaimd);
/* Writes the metrics to their file and, if it changed, what is spent of the budget */
void round_save(struct reclaimd *reclaimd);
void round_load(struct reclaimd *reclaimd);
void round_fini(struct reclaimd *reclaimd);

#endif
