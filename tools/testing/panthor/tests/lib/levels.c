// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <unistd.h>

#include "levels.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

/* Free pages that a CPU keeps at hand are free, but MemFree does not have them */
static long kept_by_cpus(void)
{
	FILE *file = fopen("/proc/zoneinfo", "r");
	long pages, sum = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %ld", &pages) == 1)
			sum += pages;
	if (!file || ferror(file))
		bail("cannot read /proc/zoneinfo");
	fclose(file);
	return sum * (getpagesize() / 1024);
}

static long zram_takes(void)
{
	FILE *file = fopen("/sys/block/zram0/mm_stat", "r");
	long bytes;

	if (!file || fscanf(file, "%*d %*d %ld", &bytes) != 1)
		bail("cannot read zram0's mm_stat");
	fclose(file);
	return bytes / 1024;
}

struct levels levels(void)
{
	return (struct levels){
		.shmem = meminfo("Shmem"),
		.swap_free = meminfo("SwapFree"),
		.free = meminfo("MemFree") + kept_by_cpus(),
		.swap_cached = meminfo("SwapCached"),
		.zram = zram_takes(),
		.slab = meminfo("Slab"),
	};
}

bool most_of(long kb, uint64_t bytes)
{
	return kb >= (long)(bytes / 1024 * 95 / 100);
}

struct result measured_reclaim(pid_t target, struct levels *before, struct levels *after)
{
	struct trace *trace = trace_start("panthor", NULL);
	struct result result = { .result = 1 };

	*before = levels();
	result.ret = reclaim(target);
	*after = levels();
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (event_is(event, "panthor_bo_evict_skip"))
			result.no_swap_skips += event_says(event, "reason", "no-swap");
		if (!event_is(event, "panthor_reclaim_end") ||
		    !event_says(event, "source", "sysfs"))
			continue;
		result.evicted = event_value(event, "evicted");
		result.written = event_value(event, "written");
		result.freed = event_value(event, "freed");
		result.skipped = event_value(event, "skipped");
		result.unwritten = event_value(event, "unwritten");
		result.evicted_bos = event_value(event, "evicted_bos");
		result.skipped_bos = event_value(event, "skipped_bos");
		result.result = event_value(event, "result");
		result.frees = event_says(event, "writeback", "free");
	}
	trace_free(trace);
	return result;
}

struct result traced_reclaim(pid_t target)
{
	struct levels before, after;

	return measured_reclaim(target, &before, &after);
}
