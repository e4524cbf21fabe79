/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * A hash map from 64-bit keys to pointers. Key and value are the caller's; the
 * map owns only its table.
 */
#ifndef PANTHOR_TRACE_MAP_H
#define PANTHOR_TRACE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct pt_map_entry {
	uint64_t key;
	void *value; /* NULL: free */
};

struct pt_map {
	struct pt_map_entry *entry;
	size_t size; /* a power of two, or 0 */
	size_t used;
};

void *pt_map_get(const struct pt_map *map, uint64_t key);
int pt_map_set(struct pt_map *map, uint64_t key, void *value);
void *pt_map_del(struct pt_map *map, uint64_t key);
void pt_map_free(struct pt_map *map);

/* for (size_t i = 0; (value = pt_map_next(map, &i)); ) */
void *pt_map_next(const struct pt_map *map, size_t *i);

#endif
