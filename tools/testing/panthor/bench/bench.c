// SPDX-License-Identifier: GPL-2.0
/*
 * bench-guest [REPETITIONS [NAME...]] - the figures, in the guest; run by ./bench
 *
 * CLIENTS=, BOS=, SIZES= are comma separated lists: how many, how many, how many MiB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "reclaim.h"
#include "tap.h"

static const struct {
	const char *name;
	void (*run)(void);
} benches[] = {
	{ "pageout", bench_pageout },	{ "shrink", bench_shrink }, { "memcg", bench_memcg },
	{ "return", bench_return },	{ "find", bench_find },	    { "writers", bench_writers },
	{ "bos", bench_bos },		{ "disk", bench_disk },	    { "job", bench_job },
	{ "open", bench_open },		{ "device", bench_device }, { "kinds", bench_kinds },
	{ "idle", bench_idle },		{ "submit", bench_submit }, { "events", bench_events },
	{ "evict", bench_evict },	{ "fdinfo", bench_fdinfo }, { "amount", bench_amount },
	{ "populate", bench_populate }, { "claim", bench_claim },   { "cpus", bench_cpus },
	{ "cputime", bench_cputime },
};

#define NR_BENCHES (sizeof(benches) / sizeof(benches[0]))

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc <= 2;
}

int main(int argc, char **argv)
{
	repetitions = argc > 1 ? atoi(argv[1]) : 5;
	if (repetitions < 1 || repetitions > MAX_SAMPLES)
		bail("repetitions: 1 to %d", MAX_SAMPLES);
	for (size_t i = 0; i < NR_BENCHES; i++) {
		int64_t start = now_ns();

		if (!wanted(benches[i].name, argc, argv))
			continue;
		benches[i].run();
		fprintf(stderr, "bench: %s, %.0f s\n", benches[i].name, ms_since(start) / 1000);
	}
	return 0;
}
