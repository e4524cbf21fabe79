/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is remembered of clients between scans: evictions, premature swap-ins, exclusions, and which
 * process does not use a client although it has it open. Pure: the time is an argument.
 */
#ifndef RECLAIMD_HISTORY_H
#define RECLAIMD_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "look.h"

#define STRANGERS 4

struct past {
	char device[DEVICE_LEN];
	uint64_t id;
	/* Time of our last eviction, 0: none, or long ago; and its swap-ins before that */
	uint64_t evicted_ns;
	uint64_t swapins;
	/* Excluded until this time, and why */
	uint64_t excluded_until_ns;
	bool premature;
	/* Premature, and not reported yet */
	bool unreported;
	/* They hold it, but until this time another process is assumed to use it */
	struct {
		pid_t tgid;
		uint64_t start;
		uint64_t until_ns;
	} strangers[STRANGERS];
	unsigned int nr_strangers;
};

struct history {
	struct past *pasts;
	unsigned int count;
};

/* After a scan: drops clients that closed; returns the number of premature evictions */
unsigned int history_look(struct history *history, const struct config *config,
			  const struct look *look, uint64_t now_ns);
/* Was @client found to be premature? True once */
bool history_take_premature(struct history *history, const struct gpu_client *client);
/* NULL: nothing is remembered */
const struct past *history_find(const struct history *history, const struct gpu_client *client);
bool history_is_stranger(const struct past *past, const struct process *process, uint64_t now_ns);

/* What a request to @process did to its clients on @device: evicted from them */
void history_evicted(struct history *history, const struct look *look, unsigned int process,
		     const char *device, uint64_t now_ns);
/* Evicted nothing: exclude them until then */
void history_back_off(struct history *history, const struct look *look, unsigned int process,
		      const char *device, uint64_t until_ns);
/* It uses none of them, although it holds them */
void history_not_owner(struct history *history, const struct look *look, unsigned int process,
		       const char *device, uint64_t until_ns);
/* When the next scan for premature swap-ins is due; UINT64_MAX: never */
uint64_t history_due(const struct history *history, const struct config *config);
void history_clear(struct history *history);

#endif
