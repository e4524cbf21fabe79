// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Sort BOs that are nearly sorted already: handles, mappings and LRU lists follow the
 * order in which the BOs were created, but for a few. So merge what is in order as it
 * is, which takes one pass if there are two such runs, and never more than any merge
 * sort.
 */

#include <linux/minmax.h>

#include "panthor_reclaim_internal.h"

/* The end of the run that starts at @start. */
static u32 panthor_reclaim_run_end(const struct panthor_reclaim_key *keys, u32 start, u32 nr)
{
	u32 end = start + 1;

	while (end < nr && keys[end - 1].key <= keys[end].key)
		end++;

	return min(end, nr);
}

static void panthor_reclaim_merge_runs(struct panthor_reclaim_key *to,
				       const struct panthor_reclaim_key *from, u32 start, u32 mid,
				       u32 end)
{
	for (u32 i = start, j = mid, at = start; at < end; at++) {
		if (j == end || (i < mid && from[i].key <= from[j].key))
			to[at] = from[i++];
		else
			to[at] = from[j++];
	}
}

/**
 * panthor_reclaim_sort() - Sort keys in ascending order
 * @keys: Keys. Equal ones keep their order.
 * @spare: Room for as many keys.
 * @nr: Their number.
 *
 * Return: The sorted keys: @keys or @spare.
 */
struct panthor_reclaim_key *panthor_reclaim_sort(struct panthor_reclaim_key *keys,
						 struct panthor_reclaim_key *spare, u32 nr)
{
	while (panthor_reclaim_run_end(keys, 0, nr) < nr) {
		for (u32 start = 0, mid, end; start < nr; start = end) {
			mid = panthor_reclaim_run_end(keys, start, nr);
			end = mid < nr ? panthor_reclaim_run_end(keys, mid, nr) : nr;
			panthor_reclaim_merge_runs(spare, keys, start, mid, end);
		}
		swap(keys, spare);
	}

	return keys;
}
