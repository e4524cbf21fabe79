// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

static struct past *find(const struct history *history, const struct gpu_client *client)
{
	for (unsigned int i = 0; i < history->count; i++)
		if (history->pasts[i].id == client->info.id &&
		    !strcmp(history->pasts[i].device, client->device))
			return &history->pasts[i];
	return NULL;
}

const struct past *history_find(const struct history *history, const struct gpu_client *client)
{
	return find(history, client);
}

static struct past *find_or_add(struct history *history, const struct gpu_client *client)
{
	struct past *past = find(history, client);

	if (past)
		return past;
	past = realloc(history->pasts, (history->count + 1) * sizeof(*past));
	if (!past)
		abort();
	history->pasts = past;
	past += history->count++;
	*past = (struct past){ .id = client->info.id };
	snprintf(past->device, sizeof(past->device), "%s", client->device);
	return past;
}

static const struct gpu_client *seen(const struct look *look, const struct past *past)
{
	for (unsigned int i = 0; i < look->nr_clients; i++)
		if (look->clients[i].info.id == past->id &&
		    !strcmp(look->clients[i].device, past->device))
			return &look->clients[i];
	return NULL;
}

unsigned int history_look(struct history *history, const struct config *config,
			  const struct look *look, uint64_t now_ns)
{
	unsigned int premature = 0, kept = 0;

	for (unsigned int i = 0; i < history->count; i++) {
		struct past *past = &history->pasts[i];
		const struct gpu_client *client = seen(look, past);

		if (!client)
			continue;
		if (past->evicted_ns && client->info.swapins > past->swapins) {
			past->evicted_ns = 0;
			past->excluded_until_ns = now_ns + config->premature_backoff_ns;
			past->premature = true;
			past->unreported = true;
			premature++;
		} else if (past->evicted_ns && now_ns >= past->evicted_ns + config->premature_ns) {
			past->evicted_ns = 0;
		}
		history->pasts[kept++] = *past;
	}
	history->count = kept;
	return premature;
}

bool history_take_premature(struct history *history, const struct gpu_client *client)
{
	struct past *past = find(history, client);
	bool unreported = past && past->unreported;

	if (unreported)
		past->unreported = false;
	return unreported;
}

bool history_is_stranger(const struct past *past, const struct process *process, uint64_t now_ns)
{
	for (unsigned int i = 0; i < past->nr_strangers && i < STRANGERS; i++)
		if (past->strangers[i].tgid == process->tgid &&
		    past->strangers[i].start == process->start &&
		    now_ns < past->strangers[i].until_ns)
			return true;
	return false;
}

static struct past *past_of_hold(struct history *history, const struct look *look,
				 unsigned int hold, unsigned int process, const char *device)
{
	const struct gpu_client *client = &look->clients[look->holds[hold].client];

	if (look->holds[hold].process != process || strcmp(client->device, device))
		return NULL;
	return find_or_add(history, client);
}

void history_evicted(struct history *history, const struct look *look, unsigned int process,
		     const char *device, uint64_t now_ns)
{
	for (unsigned int i = 0; i < look->nr_holds; i++) {
		struct past *past = past_of_hold(history, look, i, process, device);

		if (!past)
			continue;
		past->evicted_ns = now_ns;
		past->swapins = look->clients[look->holds[i].client].info.swapins;
	}
}

void history_back_off(struct history *history, const struct look *look, unsigned int process,
		      const char *device, uint64_t until_ns)
{
	for (unsigned int i = 0; i < look->nr_holds; i++) {
		struct past *past = past_of_hold(history, look, i, process, device);

		if (!past || past->excluded_until_ns >= until_ns)
			continue;
		past->excluded_until_ns = until_ns;
		past->premature = false;
	}
}

void history_not_owner(struct history *history, const struct look *look, unsigned int process,
		       const char *device, uint64_t until_ns)
{
	for (unsigned int i = 0; i < look->nr_holds; i++) {
		struct past *past = past_of_hold(history, look, i, process, device);
		unsigned int at;

		if (!past)
			continue;
		/* The oldest makes room */
		at = past->nr_strangers++ % STRANGERS;
		past->strangers[at].tgid = look->processes[process].tgid;
		past->strangers[at].start = look->processes[process].start;
		past->strangers[at].until_ns = until_ns;
	}
}

uint64_t history_due(const struct history *history, const struct config *config)
{
	uint64_t due = UINT64_MAX;

	for (unsigned int i = 0; i < history->count; i++) {
		const struct past *past = &history->pasts[i];

		if (past->evicted_ns && past->evicted_ns + config->premature_ns < due)
			due = past->evicted_ns + config->premature_ns;
	}
	return due;
}

void history_clear(struct history *history)
{
	free(history->pasts);
	*history = (struct history){ 0 };
}
