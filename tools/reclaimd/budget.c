// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "budget.h"
#include "number.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define FORMAT "reclaimd-budget 1 "

/* Forget what is older than an hour */
static void advance(struct budget *budget, uint64_t now_ns)
{
	uint64_t minute = now_ns / MINUTE;

	for (int i = 0; budget->now < minute && i < BUDGET_MINUTES; i++)
		budget->spent[++budget->now % BUDGET_MINUTES] = 0;
	if (budget->now < minute)
		budget->now = minute;
}

static void add(uint64_t *sum, uint64_t bytes)
{
	*sum = bytes > UINT64_MAX - *sum ? UINT64_MAX : *sum + bytes;
}

void budget_spend(struct budget *budget, uint64_t now_ns, uint64_t bytes)
{
	advance(budget, now_ns);
	add(&budget->spent[budget->now % BUDGET_MINUTES], bytes);
}

uint64_t budget_spent(struct budget *budget, uint64_t now_ns)
{
	uint64_t sum = 0;

	advance(budget, now_ns);
	for (int i = 0; i < BUDGET_MINUTES; i++)
		add(&sum, budget->spent[i]);
	return sum;
}

uint64_t budget_left(struct budget *budget, uint64_t now_ns, uint64_t limit)
{
	uint64_t spent = budget_spent(budget, now_ns);

	if (limit == UINT64_MAX)
		return limit;
	return spent < limit ? limit - spent : 0;
}

void budget_save(struct budget *budget, uint64_t now_ns, uint64_t wall_s, char *text, size_t size)
{
	size_t len;

	advance(budget, now_ns);
	len = snprintf(text, size, FORMAT "%" PRIu64 "\n", wall_s);
	for (uint64_t ago = 0; ago < BUDGET_MINUTES && len < size; ago++) {
		uint64_t bytes =
			budget->spent[(budget->now + BUDGET_MINUTES - ago) % BUDGET_MINUTES];

		if (bytes)
			len += snprintf(text + len, size - len, "%" PRIu64 " %" PRIu64 "\n", ago,
					bytes);
	}
}

bool budget_load(struct budget *budget, uint64_t now_ns, uint64_t wall_s, const char *text)
{
	uint64_t saved_s, since = 0, ago, bytes;
	struct budget loaded = { 0 };
	size_t len = strlen(FORMAT);

	loaded.now = now_ns / MINUTE;
	if (strncmp(text, FORMAT, len))
		return false;
	text += len;
	len = strcspn(text, "\n");
	if (!number_count(text, len, &saved_s) || text[len] != '\n')
		return false;
	if (wall_s > saved_s)
		since = (wall_s - saved_s) / 60;
	for (text += len + 1; *text; text += len + 1) {
		len = strcspn(text, " ");
		if (!number_count(text, len, &ago) || text[len] != ' ' || ago >= BUDGET_MINUTES)
			return false;
		text += len + 1;
		len = strcspn(text, "\n");
		if (!number_count(text, len, &bytes) || text[len] != '\n')
			return false;
		if (since < BUDGET_MINUTES - ago)
			add(&loaded.spent[(loaded.now + BUDGET_MINUTES - ago - since) %
					  BUDGET_MINUTES],
			    bytes);
	}
	*budget = loaded;
	return true;
}
