// SPDX-License-Identifier: GPL-2.0
/* How the blocked time of the requests is spread: percentiles and a log2 histogram. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "view.h"

enum { P_WHAT, P_COUNT, P_MIN, P_P50, P_P90, P_P99, P_MAX, P_MEAN, P_SUM, NR_P };

static const struct column percentile_columns[] = {
	[P_WHAT] = { "what", "TIME", UNIT_TEXT, "which time", true },
	[P_COUNT] = { "count", "COUNT", UNIT_COUNT, "requests", true },
	[P_MIN] = { "min_ns", "MIN", UNIT_NS, "shortest", true },
	[P_P50] = { "p50_ns", "P50", UNIT_NS, "half took no longer", true },
	[P_P90] = { "p90_ns", "P90", UNIT_NS, "nine in ten took no longer", true },
	[P_P99] = { "p99_ns", "P99", UNIT_NS, "99 in 100 took no longer", true },
	[P_MAX] = { "max_ns", "MAX", UNIT_NS, "longest", true },
	[P_MEAN] = { "mean_ns", "MEAN", UNIT_NS, "mean", true },
	[P_SUM] = { "sum_ns", "SUM", UNIT_NS, "sum", true },
};

enum { H_FROM, H_TO, H_COUNT, H_BAR, NR_H };

static const struct column histogram_columns[] = {
	[H_FROM] = { "from_ns", "FROM", UNIT_NS, "at least", true },
	[H_TO] = { "to_ns", "BELOW", UNIT_NS, "less than", true },
	[H_COUNT] = { "count", "COUNT", UNIT_COUNT, "requests", true },
	[H_BAR] = { "bar", "", UNIT_TEXT, "that as a bar", true },
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

static size_t collect(const struct table *requests, int column, uint64_t *values)
{
	size_t n = 0;

	for (size_t i = 0; i < requests->nr_rows; i++)
		if (requests->rows[i][column].known)
			values[n++] = requests->rows[i][column].u;
	qsort(values, n, sizeof(*values), compare);
	return n;
}

struct table *percentile_table(const struct table *requests)
{
	static const int which[] = {
		REQ_DURATION, REQ_FENCE, REQ_LOCK, REQ_UNMAP, REQ_WB, REQ_OTHER
	};
	uint64_t *values = xmalloc(requests->nr_rows * sizeof(*values));
	struct table *t = table_new("percentiles", percentile_columns, NR_P);

	for (size_t w = 0; w < sizeof(which) / sizeof(which[0]); w++) {
		size_t n = collect(requests, which[w], values);
		uint64_t sum = 0;
		struct cell *row;

		if (!n)
			continue;
		for (size_t i = 0; i < n; i++)
			sum += values[i];
		row = table_add(t);
		row[P_WHAT] = cell_s(requests->columns[which[w]].name);
		row[P_COUNT] = cell_u(n);
		row[P_MIN] = cell_u(values[0]);
		row[P_P50] = cell_u(rank(values, n, 50));
		row[P_P90] = cell_u(rank(values, n, 90));
		row[P_P99] = cell_u(rank(values, n, 99));
		row[P_MAX] = cell_u(values[n - 1]);
		row[P_MEAN] = cell_u(sum / n);
		row[P_SUM] = cell_u(sum);
	}
	free(values);
	return t;
}

struct table *histogram_table(const struct table *requests)
{
	struct table *t = table_new("histogram", histogram_columns, NR_H);
	uint64_t count[64] = { 0 }, most = 0;
	int first = 64, last = -1;

	for (size_t i = 0; i < requests->nr_rows; i++) {
		const struct cell *c = &requests->rows[i][REQ_DURATION];
		int slot;

		if (!c->known)
			continue;
		slot = c->u ? 63 - __builtin_clzll(c->u) : 0;
		if (++count[slot] > most)
			most = count[slot];
		first = slot < first ? slot : first;
		last = slot > last ? slot : last;
	}
	for (int i = first; i <= last; i++) {
		struct cell *row = table_add(t);
		char bar[41];
		int len = (count[i] * 40 + most - 1) / most;

		memset(bar, '#', len);
		bar[len] = '\0';
		row[H_FROM] = cell_u(i ? 1ULL << i : 0);
		row[H_TO] = cell_if(i < 63, 2ULL << i);
		row[H_COUNT] = cell_u(count[i]);
		row[H_BAR] = cell_s(bar);
	}
	return t;
}
