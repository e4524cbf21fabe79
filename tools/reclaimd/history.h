/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is remembered of clients from one look to the next: whom we evicted from, who swapped in too
 * soon after that, who is to be left alone, and which process a client does not belong to although
 * it has it open. Pure: the time is an argument.
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
	/* Evicted then, 0: not, or that was long ago; with so many swap-ins before */
	uint64_t evicted_ns;
	uint64_t swapins;
	/* Left alone until then, and why */
	uint64_t leave_ns;
	bool premature;
	/* Premature, and nobody was told yet */
	bool news;
	/* They hold it, but until then another is taken for the one that uses it */
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

/* After a look: forgets who is gone; the number of evictions found to be premature */
unsigned int history_look(struct history *history, const struct config *config,
			  const struct look *look, uint64_t now_ns);
/* Was @client found to be premature? True once */
bool history_take_news(struct history *history, const struct gpu_client *client);
/* NULL: nothing is remembered */
const struct past *history_find(const struct history *history, const struct gpu_client *client);
bool history_is_stranger(const struct past *past, const struct process *process, uint64_t now_ns);

/* What a request to @process did to its clients on @device: evicted from them */
void history_evicted(struct history *history, const struct look *look, unsigned int process,
		     const char *device, uint64_t now_ns);
/* Nothing of it: leave them alone for a while */
void history_rest(struct history *history, const struct look *look, unsigned int process,
		  const char *device, uint64_t until_ns);
/* It has none of them, whatever it holds */
void history_not_owner(struct history *history, const struct look *look, unsigned int process,
		       const char *device, uint64_t until_ns);
/* When the next look is due, to tell what is premature; UINT64_MAX: never */
uint64_t history_due(const struct history *history, const struct config *config);
void history_clear(struct history *history);

#endif
