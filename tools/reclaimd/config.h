/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration file: "key = value" lines, '#' begins a comment. Pure: text in, settings and
 * errors out.
 */
#ifndef RECLAIMD_CONFIG_H
#define RECLAIMD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_PATH 256
#define CONFIG_KEPT 32
/* A name as the kernel has it: 15 characters and the end */
#define COMM_LEN 16

struct config {
	/* When to act: tasks are stalled for that long within a window */
	char pressure[CONFIG_PATH];
	uint64_t stall_ns;
	uint64_t window_ns;
	/* How much: what is missing from @available, within these limits */
	uint64_t available;
	uint64_t min_per_trigger;
	uint64_t max_per_trigger;
	/* Excluded processes */
	uint64_t min_reclaimable;
	int64_t min_adj;
	char kept[CONFIG_KEPT][COMM_LEN];
	unsigned int nr_kept;
	/* Premature within this time, and how long to exclude a process */
	uint64_t premature_ns;
	uint64_t premature_backoff_ns;
	uint64_t backoff_ns;
	/* Bytes that may be written to swap on storage, per hour; UINT64_MAX: no budget */
	uint64_t budget;
	/* Files to write; empty: none */
	char metrics[CONFIG_PATH];
	char state[CONFIG_PATH];
};

/* Called for each error, with its line number */
typedef void config_report(void *arg, unsigned int line, const char *message);

void config_init(struct config *config);
/* The number of errors; with any, @config is not to be used */
unsigned int config_parse(struct config *config, const char *text, size_t len,
			  config_report *report, void *arg);
bool config_keeps(const struct config *config, const char *comm);

#endif
