// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdinfo.h"
#include "tap.h"

#define MAX_CLIENTS 64

enum key { RECLAIMABLE, EVICTED, IN_SWAP, IN_RAM, EVICTIONS, SWAPINS, KEYS };

static const struct {
	const char *name, *unit;
} keys[KEYS] = {
	[RECLAIMABLE] = { "panthor-reclaimable-memory", "KiB" },
	[EVICTED] = { "panthor-evicted-memory", "KiB" },
	[IN_SWAP] = { "panthor-evicted-swap", "KiB" },
	[IN_RAM] = { "panthor-evicted-ram", "KiB" },
	[EVICTIONS] = { "panthor-evictions", "" },
	[SWAPINS] = { "panthor-swapins", "" },
};

/* One file of fdinfo */
struct one {
	char driver[32];
	uint64_t client;
	uint64_t values[KEYS];
	bool found[KEYS];
	bool has_resident;
	uint64_t resident;
};

static uint64_t kib(uint64_t value, const char *unit)
{
	return !strcmp(unit, "MiB") ? value << 10 : !strcmp(unit, "KiB") ? value : value >> 10;
}

static void read_line(struct one *one, const char *line)
{
	char name[64], unit[8] = "";
	unsigned long long value;

	if (sscanf(line, "drm-driver: %31s", one->driver) == 1)
		return;
	if (sscanf(line, "%63[^:]: %llu %7s", name, &value, unit) < 2)
		return;
	if (!strcmp(name, "drm-client-id"))
		one->client = value;
	if (!strcmp(name, "drm-resident-memory")) {
		one->has_resident = true;
		one->resident = kib(value, unit);
	}
	for (int k = 0; k < KEYS; k++) {
		/* In another unit it is not the key that is promised */
		if (strcmp(name, keys[k].name) || strcmp(unit, keys[k].unit))
			continue;
		if (one->found[k])
			bail("fdinfo has two lines of %s", name);
		one->values[k] = value;
		one->found[k] = true;
	}
}

static bool read_one(const char *path, struct one *one)
{
	FILE *file = fopen(path, "r");
	char line[256];

	*one = (struct one){};
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		read_line(one, line);
	fclose(file);
	return !strcmp(one->driver, "panthor");
}

static void add(struct fdinfo *sum, const struct one *one)
{
	sum->clients++;
	for (int k = 0; k < KEYS; k++)
		sum->missing += !one->found[k];
	sum->reclaimable += one->values[RECLAIMABLE];
	sum->evicted += one->values[EVICTED];
	sum->in_swap += one->values[IN_SWAP];
	sum->in_ram += one->values[IN_RAM];
	sum->evictions += one->values[EVICTIONS];
	sum->swapins += one->values[SWAPINS];
	sum->has_resident |= one->has_resident;
	sum->resident += one->resident;
}

struct fdinfo fdinfo_of(pid_t tgid)
{
	uint64_t seen[MAX_CLIENTS];
	struct fdinfo sum = {};
	struct dirent *entry;
	struct one one;
	char path[320];
	DIR *dir;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", tgid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", tgid, entry->d_name);
		if (!read_one(path, &one))
			continue;
		for (i = 0; i < sum.clients && seen[i] != one.client; i++)
			;
		if (i < sum.clients || i == MAX_CLIENTS)
			continue;
		seen[i] = one.client;
		add(&sum, &one);
	}
	if (dir)
		closedir(dir);
	return sum;
}

struct fdinfo fdinfo_of_fd(int fd)
{
	struct fdinfo sum = {};
	struct one one;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_one(path, &one))
		add(&sum, &one);
	return sum;
}
