// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "choose.h"
#include "log.h"
#include "number.h"
#include "round.h"

#define MIB (1 << 20)
/* Smallest request */
#define SMALLEST 4096

/* What a request did, from the fdinfo of the clients */
struct effect {
	uint64_t evicted;
	uint64_t written;
	/* BOs evicted and swapped in; one that was both does not change the bytes above */
	uint64_t evictions;
	uint64_t swapins;
	int64_t zram;
	/* fdinfo could be read after the write */
	bool known;
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t gain_of(uint64_t after, uint64_t before)
{
	return after > before ? after - before : 0;
}

/* Memory that was evicted earlier and is written now counts as much as evicted memory */
static uint64_t progress(const struct effect *effect)
{
	return effect->evicted > effect->written ? effect->evicted : effect->written;
}

static void say_premature(struct reclaimd *reclaimd)
{
	const struct look *look = &reclaimd->look;
	char name[4 * COMM_LEN];

	for (unsigned int i = 0; i < look->nr_holds; i++) {
		const struct process *process = &look->processes[look->holds[i].process];
		const struct gpu_client *client = &look->clients[look->holds[i].client];

		if (!history_take_premature(&reclaimd->history, client))
			continue;
		log_say("premature target=%s[%d] device=%s client=%" PRIu64 " backoff=%" PRIu64 "s",
			log_word(process->comm, name, sizeof(name)), process->tgid, client->device,
			client->info.id,
			(uint64_t)(reclaimd->config.premature_backoff_ns / NSEC_PER_SEC));
	}
}

int round_look(struct reclaimd *reclaimd)
{
	struct metrics *metrics = &reclaimd->metrics;
	int err = world_scan(&reclaimd->world, &reclaimd->look);

	if (err)
		return err;
	metrics->premature += history_look(&reclaimd->history, &reclaimd->config, &reclaimd->look,
					   world_now_ns());
	say_premature(reclaimd);
	metrics->clients = reclaimd->look.nr_clients;
	metrics->unreadable = reclaimd->look.unreadable;
	metrics->reclaimable = 0;
	metrics->evicted_now = 0;
	for (unsigned int i = 0; i < reclaimd->look.nr_clients; i++) {
		metrics->reclaimable += reclaimd->look.clients[i].info.reclaimable;
		metrics->evicted_now += reclaimd->look.clients[i].info.evicted;
	}
	return 0;
}

/* Differences for the whole process: they include evictions and swap-ins by others */
static struct effect measure(struct reclaimd *reclaimd, const struct process *process,
			     const char *device, const struct fdinfo *before, uint64_t zram)
{
	struct effect effect = { 0 };
	struct fdinfo after;

	effect.zram = (int64_t)(world_zram(&reclaimd->world) - zram);
	effect.known = world_sum(&reclaimd->world, process, device, &after);
	if (effect.known) {
		effect.evicted = gain_of(after.evicted, before->evicted);
		effect.written = gain_of(after.swap, before->swap);
		effect.evictions = gain_of(after.evictions, before->evictions);
		effect.swapins = gain_of(after.swapins, before->swapins);
	}
	return effect;
}

static void account(struct reclaimd *reclaimd, const struct choice *choice, uint64_t bytes,
		    const struct outcome *outcome, const struct effect *effect, enum result result)
{
	struct metrics *metrics = &reclaimd->metrics;
	uint64_t now = world_now_ns();
	/* After the process exited nothing is known: for the budget, assume that all was written */
	uint64_t written = effect->known || outcome->err ? effect->written : bytes;

	metrics->requests[result]++;
	metrics->requested += bytes;
	metrics->evicted += effect->evicted;
	metrics->written += effect->written;
	metrics->zram += effect->zram > 0 ? effect->zram : 0;
	metrics->blocked_ns += outcome->blocked_ns;
	metrics->unverified += result != RESULT_EXITED && !outcome->verified;
	if (written && world_swap_wears(&reclaimd->world)) {
		budget_spend(&reclaimd->budget, now, written);
		reclaimd->state_changed = true;
	}

	if (progress(effect) || effect->evictions)
		history_evicted(&reclaimd->history, &reclaimd->look, choice->process,
				choice->device, now);
	if (result == RESULT_NO_CLIENT)
		history_not_owner(&reclaimd->history, &reclaimd->look, choice->process,
				  choice->device, now + reclaimd->config.premature_backoff_ns);
	else if (!progress(effect))
		history_back_off(&reclaimd->history, &reclaimd->look, choice->process,
				 choice->device, now + reclaimd->config.backoff_ns);
}

static void say_request(const struct process *process, const struct choice *choice, uint64_t need,
			uint64_t bytes, const struct outcome *outcome, const struct effect *effect,
			enum result result)
{
	double ms = outcome->blocked_ns / 1e6;
	char name[4 * COMM_LEN], cost[48] = "";

	if (progress(effect))
		snprintf(cost, sizeof(cost), " ms-per-mib=%.3f", ms * MIB / progress(effect));
	log_say("request target=%s[%d] device=%s adj=%" PRId64 " frozen=%d need=%" PRIu64
		" requested=%" PRIu64 " result=%s%s%s evicted=%" PRIu64 " written=%" PRIu64
		" evictions=%" PRIu64 " swapins=%" PRIu64 " blocked=%.3fms%s zram=%+" PRId64
		" net=%" PRId64 "%s",
		log_word(process->comm, name, sizeof(name)), process->tgid, choice->device,
		choice->adj, choice->frozen, need, bytes, result_name(result),
		result == RESULT_ERROR ? " errno=" : "",
		result == RESULT_ERROR ? strerrorname_np(-outcome->err) : "", effect->evicted,
		effect->written, effect->evictions, effect->swapins, ms, cost, effect->zram,
		(int64_t)effect->written - effect->zram,
		result != RESULT_EXITED && !outcome->verified ? " unverified=1" : "");
}

/* Dry run: assume that all requested memory was evicted */
static uint64_t dry_run(struct reclaimd *reclaimd, const struct choice *choice, uint64_t need,
			uint64_t bytes)
{
	const struct process *process = &reclaimd->look.processes[choice->process];
	char name[4 * COMM_LEN];

	log_say("dry-run target=%s[%d] device=%s adj=%" PRId64 " frozen=%d need=%" PRIu64
		" requested=%" PRIu64,
		log_word(process->comm, name, sizeof(name)), process->tgid, choice->device,
		choice->adj, choice->frozen, need, bytes);
	/* Or it would be printed every time */
	history_back_off(&reclaimd->history, &reclaimd->look, choice->process, choice->device,
			 world_now_ns() + reclaimd->config.backoff_ns);
	return bytes;
}

/* Bytes evicted or written, or a negative errno if the program cannot continue */
static int64_t request(struct reclaimd *reclaimd, const struct choice *choice, uint64_t need,
		       uint64_t bytes)
{
	struct process *process = &reclaimd->look.processes[choice->process];
	struct fdinfo before;
	struct outcome outcome;
	struct effect effect = { 0 };
	enum result result;
	uint64_t zram;

	process->requested = true;
	if (reclaimd->dry_run)
		return dry_run(reclaimd, choice, need, bytes);

	/* Others may have evicted since the scan: count from here */
	if (!world_sum(&reclaimd->world, process, choice->device, &before))
		before = look_sum(&reclaimd->look, choice->process, choice->device);
	zram = world_zram(&reclaimd->world);
	outcome = world_request(&reclaimd->world, process, choice->device, bytes, &reclaimd->mask);
	result = outcome.err == -ECHILD ? RESULT_EXITED : result_of(outcome.err);
	if (result != RESULT_EXITED)
		effect = measure(reclaimd, process, choice->device, &before, zram);
	account(reclaimd, choice, bytes, &outcome, &effect, result);
	say_request(process, choice, need, bytes, &outcome, &effect, result);
	switch (outcome.err) {
	case -EPERM:
	case -EACCES:
	case -ENOENT:
	case -ENODEV:
		return outcome.err;
	default:
		return progress(&effect);
	}
}

/* Once, until the reason changes or a request is made */
static void say_none(struct reclaimd *reclaimd, uint64_t need, const char *reason)
{
	if (!strcmp(reclaimd->reason, reason))
		return;
	snprintf(reclaimd->reason, sizeof(reclaimd->reason), "%s", reason);
	log_say("none need=%" PRIu64 " %s", need, reason);
}

static uint64_t left_to_write(struct reclaimd *reclaimd)
{
	if (!world_swap_wears(&reclaimd->world))
		return UINT64_MAX;
	return budget_left(&reclaimd->budget, world_now_ns(), reclaimd->config.budget);
}

int round_act(struct reclaimd *reclaimd)
{
	uint64_t available, need, total = 0;
	int err = round_look(reclaimd);

	if (err)
		return err;
	if (!world_available(&reclaimd->world, &available))
		return -EBADMSG;
	need = choose_need(&reclaimd->config, available);
	while (need >= SMALLEST && !*reclaimd->stop) {
		uint64_t left = left_to_write(reclaimd);
		struct passed passed;
		struct choice choice;
		char reason[256];
		int64_t done;

		if (left < SMALLEST) {
			say_none(reclaimd, need, "budget=spent");
			break;
		}
		if (!choose(&reclaimd->config, &reclaimd->look, &reclaimd->history, world_now_ns(),
			    &choice, &passed)) {
			snprintf(reason, sizeof(reason),
				 "clients=%u kept=%u foreground=%u too-small=%u backoff=%u"
				 " premature=%u no-device=%u unreadable=%u unsupported=%u",
				 reclaimd->look.nr_clients, passed.kept, passed.foreground,
				 passed.too_small, passed.backoff, passed.premature,
				 passed.no_device, reclaimd->look.unreadable,
				 reclaimd->look.unsupported);
			say_none(reclaimd, need, reason);
			break;
		}
		*reclaimd->reason = '\0';
		done = request(reclaimd, &choice, need, smaller(smaller(need, choice.gain), left));
		if (done < 0)
			return done;
		total += done;
		need -= smaller(need, done);
		/* Others may have freed memory, too, while the request was blocked */
		if (total >= reclaimd->config.min_per_trigger &&
		    world_available(&reclaimd->world, &available))
			need = smaller(need, gain_of(reclaimd->config.available, available));
	}
	return 0;
}

static void save(const char *path, const char *text, size_t len, bool *failed)
{
	int err = *path ? world_replace(path, text, len) : 0;

	/* Report it once, and continue */
	if (err && !*failed)
		log_error("cannot write %s: %s", path, strerror(-err));
	*failed = err;
}

void round_save(struct reclaimd *reclaimd)
{
	struct metrics *metrics = &reclaimd->metrics;
	char text[8192];

	world_stalled(reclaimd->config.pressure, &metrics->stalled_us);
	metrics->budget = reclaimd->config.budget;
	metrics->budget_left =
		budget_left(&reclaimd->budget, world_now_ns(), reclaimd->config.budget);
	save(reclaimd->config.metrics, text, metrics_text(metrics, text, sizeof(text)),
	     &reclaimd->metrics_failed);
	if (!reclaimd->state_changed)
		return;
	reclaimd->state_changed = false;
	budget_save(&reclaimd->budget, world_now_ns(), time(NULL), text, sizeof(text));
	save(reclaimd->config.state, text, strlen(text), &reclaimd->state_failed);
}

void round_load(struct reclaimd *reclaimd)
{
	const char *path = reclaimd->config.state;
	size_t len;
	char *text;

	if (!*path)
		return;
	text = world_read(path, &len);
	if (!text && errno == ENOENT)
		return;
	/* Rather write too little for an hour than too much */
	if (!text)
		log_error("cannot read %s: %s; assuming that the budget is spent", path,
			  strerror(errno));
	else if (!budget_load(&reclaimd->budget, world_now_ns(), time(NULL), text))
		log_error("%s is damaged; assuming that the budget is spent", path);
	else
		return free(text);
	budget_spend(&reclaimd->budget, world_now_ns(), reclaimd->config.budget);
	free(text);
}

void round_fini(struct reclaimd *reclaimd)
{
	look_clear(&reclaimd->look);
	history_clear(&reclaimd->history);
}
