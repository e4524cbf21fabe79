// SPDX-License-Identifier: LGPL-2.1
/*
 * Open addressing with linear probing; deleting moves later entries back, so
 * there are no tombstones.
 */
#include <errno.h>
#include <stdlib.h>

#include "model/map.h"

static size_t home(const struct pt_map *map, uint64_t key)
{
	key ^= key >> 32;
	key *= 0x9e3779b97f4a7c15ULL;
	return (key >> 29) & (map->size - 1);
}

static size_t find(const struct pt_map *map, uint64_t key)
{
	size_t i = home(map, key);

	while (map->entry[i].value && map->entry[i].key != key)
		i = (i + 1) & (map->size - 1);
	return i;
}

void *pt_map_get(const struct pt_map *map, uint64_t key)
{
	return map->size ? map->entry[find(map, key)].value : NULL;
}

static int resize(struct pt_map *map, size_t size)
{
	struct pt_map bigger = { .size = size };

	bigger.entry = calloc(size, sizeof(*bigger.entry));
	if (!bigger.entry)
		return -ENOMEM;

	for (size_t i = 0; i < map->size; i++)
		if (map->entry[i].value)
			bigger.entry[find(&bigger, map->entry[i].key)] = map->entry[i];
	bigger.used = map->used;

	free(map->entry);
	*map = bigger;
	return 0;
}

int pt_map_set(struct pt_map *map, uint64_t key, void *value)
{
	size_t i;

	if (4 * (map->used + 1) > 3 * map->size && resize(map, map->size ? 2 * map->size : 16))
		return -ENOMEM;

	i = find(map, key);
	if (!map->entry[i].value)
		map->used++;
	map->entry[i] = (struct pt_map_entry){ key, value };
	return 0;
}

void *pt_map_del(struct pt_map *map, uint64_t key)
{
	size_t mask = map->size - 1, i, j;
	void *value;

	if (!map->size)
		return NULL;
	i = find(map, key);
	value = map->entry[i].value;
	if (!value)
		return NULL;

	for (j = (i + 1) & mask; map->entry[j].value; j = (j + 1) & mask) {
		/* An entry may move to the gap if that is not before its home. */
		if (((j - home(map, map->entry[j].key)) & mask) >= ((j - i) & mask)) {
			map->entry[i] = map->entry[j];
			i = j;
		}
	}
	map->entry[i].value = NULL;
	map->used--;
	return value;
}

void *pt_map_next(const struct pt_map *map, size_t *i)
{
	while (*i < map->size) {
		void *value = map->entry[(*i)++].value;

		if (value)
			return value;
	}
	return NULL;
}

void pt_map_free(struct pt_map *map)
{
	free(map->entry);
	*map = (struct pt_map){ 0 };
}
