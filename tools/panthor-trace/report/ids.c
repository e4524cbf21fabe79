// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "report/ids.h"

#define IDS_BLOCK 64

uint32_t ids_get(const struct ids *ids, uint64_t id)
{
	const uint32_t *block = pt_map_get(&ids->blocks, id / IDS_BLOCK);

	return block ? block[id % IDS_BLOCK] : 0;
}

int ids_set(struct ids *ids, uint64_t id, uint32_t number)
{
	uint32_t *block = pt_map_get(&ids->blocks, id / IDS_BLOCK);

	if (!block && !number)
		return 0;
	if (!block) {
		block = calloc(IDS_BLOCK, sizeof(*block));
		if (!block)
			return -ENOMEM;
		if (pt_map_set(&ids->blocks, id / IDS_BLOCK, block)) {
			free(block);
			return -ENOMEM;
		}
	}
	block[id % IDS_BLOCK] = number;
	return 0;
}

void ids_free(struct ids *ids)
{
	uint32_t *block;

	for (size_t i = 0; (block = pt_map_next(&ids->blocks, &i));)
		free(block);
	pt_map_free(&ids->blocks);
}
