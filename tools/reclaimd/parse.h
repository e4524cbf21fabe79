/* SPDX-License-Identifier: GPL-2.0 */
/* Parsers for files of the kernel. Pure: text in, numbers out; false: wrong format. */
#ifndef RECLAIMD_PARSE_H
#define RECLAIMD_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An open file of the driver's, in bytes */
struct fdinfo {
	uint64_t id;
	char pdev[32];
	uint64_t ino;
	uint64_t reclaimable;
	uint64_t evicted;
	uint64_t swap;
	uint64_t ram;
	uint64_t evictions;
	uint64_t swapins;
};

enum fdinfo_kind {
	/* Not the driver's */
	FDINFO_OTHER,
	/* Of a driver that does not report reclaimable memory */
	FDINFO_UNSUPPORTED,
	FDINFO_CLIENT,
};

enum fdinfo_kind parse_fdinfo(const char *text, struct fdinfo *info);
/* /proc/meminfo and its like: "KEY:   N kB" */
bool parse_meminfo(const char *text, const char *key, uint64_t *bytes);
/* /proc/pressure/memory: how long some task was stalled so far */
bool parse_psi(const char *text, uint64_t *some_us);
/* /proc/PID/stat: when the process started, which with its number is the process */
bool parse_stat(const char *text, uint64_t *start);
/* /proc/PID/cgroup: its place in the unified hierarchy */
bool parse_cgroup(const char *text, char *path, size_t size);
/* cgroup.events */
bool parse_frozen(const char *text);
/* /sys/block/zramN/mm_stat: RAM that it takes */
bool parse_mm_stat(const char *text, uint64_t *used);
/* /proc/swaps: the next device or file from *@at on */
bool parse_swap(const char **at, char *path, size_t size);

#endif
