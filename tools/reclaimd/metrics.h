/* SPDX-License-Identifier: GPL-2.0 */
/* What was done so far, as OpenMetrics text. Pure. */
#ifndef RECLAIMD_METRICS_H
#define RECLAIMD_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum result {
	RESULT_OK,
	RESULT_BUSY,
	RESULT_NO_SWAP,
	RESULT_NO_CLIENT,
	RESULT_EXITED,
	RESULT_INTERRUPTED,
	RESULT_ERROR,
	NR_RESULTS
};

struct metrics {
	uint64_t triggers;
	uint64_t requests[NR_RESULTS];
	uint64_t requested;
	uint64_t evicted;
	uint64_t written;
	uint64_t zram;
	uint64_t blocked_ns;
	uint64_t premature;
	/* The process had exited when the write returned: the target is not certain */
	uint64_t unverified;
	/* As PSI has it: since the system was booted, or the cgroup made */
	uint64_t stalled_us;
	/* As of the last scan */
	uint64_t clients;
	uint64_t reclaimable;
	uint64_t evicted_now;
	uint64_t unreadable;
	/* UINT64_MAX: there is no budget, and no line about it */
	uint64_t budget;
	uint64_t budget_left;
};

/* "ok", "busy", ... */
const char *result_name(enum result result);
/* Of a write's errno, 0 or negative */
enum result result_of(int err);
/* The length, which is more than @size if it was too small */
size_t metrics_text(const struct metrics *metrics, char *text, size_t size);

#endif
