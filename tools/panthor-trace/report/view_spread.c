// SPDX-License-Identifier: GPL-2.0
/* How the blocked time of the requests is spread: percentiles and a log2 histogram. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/view.h"

enum { P_WHAT, P_COUNT, P_MIN, P_P50, P_P90, P_P99, P_MAX, P_MEAN, P_SUM, NR_P };

static const struct column percentile_columns[] = {
	[P_WHAT] = { "what", "WHAT", UNIT_TEXT, "name of the time", 1 },
	[P_COUNT] = { "count", "COUNT", UNIT_COUNT, "requests", 1 },
	[P_MIN] = { "min_ns", "MIN", UNIT_NS, "shortest", 1 },
	[P_P50] = { "p50_ns", "P50", UNIT_NS, "50th percentile", 1 },
	[P_P90] = { "p90_ns", "P90", UNIT_NS, "90th percentile", 1 },
	[P_P99] = { "p99_ns", "P99", UNIT_NS, "99th percentile", 1 },
	[P_MAX] = { "max_ns", "MAX", UNIT_NS, "longest", 1 },
	[P_MEAN] = { "mean_ns", "MEAN", UNIT_NS, "mean", 1 },
	[P_SUM] = { "sum_ns", "SUM", UNIT_NS, "sum", 1 },
};

enum { H_FROM, H_TO, H_COUNT, H_BAR, NR_H };

static const struct column histogram_columns[] = {
	[H_FROM] = { "from_ns", "FROM", UNIT_NS, "lower bound", 1 },
	[H_TO] = { "to_ns", "TO", UNIT_NS, "upper bound", 1 },
	[H_COUNT] = { "count", "COUNT", UNIT_COUNT, "requests", 1 },
	[H_BAR] = { "bar", "BAR", UNIT_TEXT, "bar", 1 },
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest value that at least percent of all do not exceed (nearest rank) */
static uint64_t rank(const uint64_t *sorted, size_t n, unsigned int percent)
{
	size_t at = (n * percent + 99) / 100;

	return sorted[at ? at - 1 : 0];
}

static const int measured[] = { REQ_DURATION, REQ_FENCE, REQ_LOCK, REQ_UNMAP, REQ_WB, REQ_OTHER };

#define NR_MEASURED (sizeof(measured) / sizeof(measured[0]))

struct spread {
	struct values {
		uint64_t *value;
		size_t nr;
	} values[NR_MEASURED];
	uint64_t slot[64]; /* requests that took from 2^i to 2^(i+1) ns */
};

struct spread *spread_new(void)
{
	return xcalloc(1, sizeof(struct spread));
}

void spread_add(struct spread *s, const struct cell *row)
{
	uint64_t duration = row[REQ_DURATION].u;

	for (size_t i = 0; i < NR_MEASURED; i++) {
		struct values *v = &s->values[i];

		if (!row[measured[i]].known)
			continue;
		if (!(v->nr & (v->nr - 1)))
			v->value = xrealloc(v->value, (v->nr ? 2 * v->nr : 1) * sizeof(*v->value));
		v->value[v->nr++] = row[measured[i]].u;
	}
	if (row[REQ_DURATION].known)
		s->slot[duration ? 63 - __builtin_clzll(duration) : 0]++;
}

struct table *percentile_table(void)
{
	return table_new("percentiles", percentile_columns, NR_P);
}

void percentile_fill(struct spread *s, struct table *t)
{
	for (size_t i = 0; i < NR_MEASURED; i++) {
		struct values *v = &s->values[i];
		uint64_t sum = 0;
		struct cell *row;

		if (!v->nr)
			continue;
		qsort(v->value, v->nr, sizeof(*v->value), compare);
		for (size_t k = 0; k < v->nr; k++)
			sum += v->value[k];
		row = table_add(t);
		row[P_WHAT] = cell_s(request_columns[measured[i]].name);
		row[P_COUNT] = cell_u(v->nr);
		row[P_MIN] = cell_u(v->value[0]);
		row[P_P50] = cell_u(rank(v->value, v->nr, 50));
		row[P_P90] = cell_u(rank(v->value, v->nr, 90));
		row[P_P99] = cell_u(rank(v->value, v->nr, 99));
		row[P_MAX] = cell_u(v->value[v->nr - 1]);
		row[P_MEAN] = cell_u(sum / v->nr);
		row[P_SUM] = cell_u(sum);
	}
}

struct table *histogram_table(void)
{
	return table_new("histogram", histogram_columns, NR_H);
}

void histogram_fill(const struct spread *s, struct table *t)
{
	int first = 64, last = -1;
	uint64_t most = 0;

	for (int i = 0; i < 64; i++) {
		if (!s->slot[i])
			continue;
		first = i < first ? i : first;
		last = i;
		most = s->slot[i] > most ? s->slot[i] : most;
	}
	for (int i = first; i <= last; i++) {
		struct cell *row = table_add(t);
		char bar[41];
		int len = (s->slot[i] * 40 + most - 1) / most;

		memset(bar, '#', len);
		bar[len] = '\0';
		row[H_FROM] = cell_u(i ? 1ULL << i : 0);
		row[H_TO] = cell_if(i < 63, 2ULL << i);
		row[H_COUNT] = cell_u(s->slot[i]);
		row[H_BAR] = cell_s(bar);
	}
}

void spread_free(struct spread *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < NR_MEASURED; i++)
		free(s->values[i].value);
	free(s);
}
