/* SPDX-License-Identifier: GPL-2.0 OR MIT */

#ifndef __PANTHOR_RECLAIM_CLAIM_H__
#define __PANTHOR_RECLAIM_CLAIM_H__

/*
 * What the two files of a claim share: _claim calls _read_claim.
 */

#include <linux/types.h>
#include <linux/workqueue.h>

#include "panthor_reclaim_internal.h"

/* Reads ahead at a time. */
#define PANTHOR_RECLAIM_READS		4

/**
 * struct panthor_reclaim_ahead - Part of a BO that is read ahead
 */
struct panthor_reclaim_ahead {
	/** @work: Reads it. */
	struct work_struct work;

	/** @bo: BO, referenced by the set; NULL if there is nothing to read. */
	struct panthor_gem_object *bo;

	/** @start: First page. */
	pgoff_t start;

	/** @end: Page after the last one. */
	pgoff_t end;

	/** @stop: The claim is there itself. */
	bool stop;
};

/**
 * struct panthor_reclaim_reader - Reads the BOs of a claim from swap
 */
struct panthor_reclaim_reader {
	/** @set: Set of the target. */
	struct panthor_reclaim_set *set;

	/** @sorted: Which items to read. The last one comes first. */
	const struct panthor_reclaim_key *sorted;

	/** @nr: Number of items from the current one on, which is @sorted[@nr - 1]. */
	u32 nr;

	/** @ahead_nr: As @nr, of the item that is to be read ahead next. */
	u32 ahead_nr;

	/** @ahead_start: Its first page that is not read ahead yet. */
	pgoff_t ahead_start;

	/** @want: Bytes to swap in from the current item on, 0 for all. */
	u64 want;

	/** @slow: Reading sleeps. It pays to read ahead. */
	bool slow;

	/** @ahead: What is being read ahead. */
	struct panthor_reclaim_ahead ahead[PANTHOR_RECLAIM_READS];
};

bool panthor_reclaim_is_evicted(struct panthor_gem_object *bo);
void panthor_reclaim_reader_init(struct panthor_reclaim_reader *reader,
				 struct panthor_reclaim_set *set,
				 const struct panthor_reclaim_key *sorted, u32 nr);
int panthor_reclaim_read(struct panthor_reclaim_reader *reader);
void panthor_reclaim_reader_next(struct panthor_reclaim_reader *reader);
void panthor_reclaim_reader_stop(struct panthor_reclaim_reader *reader);

#endif /* __PANTHOR_RECLAIM_CLAIM_H__ */
