// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "choose.h"

uint64_t choose_need(const struct config *config, uint64_t available)
{
	uint64_t need = available < config->available ? config->available - available : 0;

	/* Tasks are stalled: evict something, whatever is available */
	if (need < config->min_per_trigger)
		need = config->min_per_trigger;
	return need < config->max_per_trigger ? need : config->max_per_trigger;
}

enum verdict {
	VERDICT_FINE,
	VERDICT_KEPT,
	VERDICT_FOREGROUND,
	VERDICT_TOO_SMALL,
	VERDICT_BACKOFF,
	VERDICT_PREMATURE,
	VERDICT_NO_DEVICE,
};

/* Which of several holders uses a file is not known: the first, unless history says otherwise */
static bool owns(const struct look *look, const struct past *past, unsigned int process,
		 unsigned int client, uint64_t now_ns)
{
	for (unsigned int i = 0; i < look->nr_holds; i++) {
		unsigned int holder = look->holds[i].process;

		if (look->holds[i].client != client)
			continue;
		if (past && history_is_stranger(past, &look->processes[holder], now_ns))
			continue;
		return holder == process;
	}
	return false;
}

/* Is any holder of @client excluded? Also sets adj and frozen to those of the least eligible. */
static enum verdict ask_holders(const struct config *config, const struct look *look,
				unsigned int client, struct choice *choice)
{
	for (unsigned int i = 0; i < look->nr_holds; i++) {
		const struct process *holder = &look->processes[look->holds[i].process];

		if (look->holds[i].client != client)
			continue;
		if (config_keeps(config, holder->comm))
			return VERDICT_KEPT;
		if (holder->adj < config->min_adj)
			return VERDICT_FOREGROUND;
		if (holder->adj < choice->adj)
			choice->adj = holder->adj;
		choice->frozen &= holder->frozen;
	}
	return VERDICT_FINE;
}

static enum verdict weigh(const struct config *config, const struct look *look,
			  const struct history *history, uint64_t now_ns, struct choice *choice)
{
	const struct process *process = &look->processes[choice->process];
	enum verdict verdict = VERDICT_FINE;

	choice->gain = 0;
	choice->adj = process->adj;
	choice->frozen = process->frozen;
	for (unsigned int i = 0; i < look->nr_holds && !verdict; i++) {
		unsigned int client = look->holds[i].client;
		const struct fdinfo *info = &look->clients[client].info;
		const struct past *past;

		if (look->holds[i].process != choice->process ||
		    strcmp(look->clients[client].device, choice->device))
			continue;
		past = history_find(history, &look->clients[client]);
		if (past && now_ns < past->excluded_until_ns)
			verdict = past->premature ? VERDICT_PREMATURE : VERDICT_BACKOFF;
		if (!verdict)
			verdict = ask_holders(config, look, client, choice);
		/* What is evicted and still in RAM is written by a request, too */
		if (owns(look, past, choice->process, client, now_ns))
			choice->gain += info->reclaimable + info->ram;
	}
	if (verdict)
		return verdict;
	if (!*choice->device)
		return VERDICT_NO_DEVICE;
	return choice->gain && choice->gain >= config->min_reclaimable ? VERDICT_FINE
								       : VERDICT_TOO_SMALL;
}

static bool better(const struct choice *one, const struct choice *other)
{
	if (one->frozen != other->frozen)
		return one->frozen;
	if (one->adj != other->adj)
		return one->adj > other->adj;
	return one->gain > other->gain;
}

/* Does an earlier hold name the same process and device? */
static bool repeats(const struct look *look, unsigned int hold)
{
	const struct hold *this = &look->holds[hold];

	for (unsigned int i = 0; i < hold; i++)
		if (look->holds[i].process == this->process &&
		    !strcmp(look->clients[look->holds[i].client].device,
			    look->clients[this->client].device))
			return true;
	return false;
}

bool choose(const struct config *config, const struct look *look, const struct history *history,
	    uint64_t now_ns, struct choice *choice, struct passed *passed)
{
	bool found = false;

	*passed = (struct passed){ 0 };
	*choice = (struct choice){ 0 };
	for (unsigned int i = 0; i < look->nr_holds; i++) {
		struct choice candidate = { .process = look->holds[i].process };

		if (look->processes[candidate.process].requested || repeats(look, i))
			continue;
		strcpy(candidate.device, look->clients[look->holds[i].client].device);
		switch (weigh(config, look, history, now_ns, &candidate)) {
		case VERDICT_FINE:
			if (!found || better(&candidate, choice))
				*choice = candidate;
			found = true;
			break;
		case VERDICT_KEPT:
			passed->kept++;
			break;
		case VERDICT_FOREGROUND:
			passed->foreground++;
			break;
		case VERDICT_TOO_SMALL:
			passed->too_small++;
			break;
		case VERDICT_BACKOFF:
			passed->backoff++;
			break;
		case VERDICT_PREMATURE:
			passed->premature++;
			break;
		case VERDICT_NO_DEVICE:
			passed->no_device++;
			break;
		}
	}
	return found;
}
