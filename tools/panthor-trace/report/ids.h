/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small number for each id: for the ids of requests, which follow one another. 4.5 bytes
 * each then, where a map takes up to 64; but 300 if each is far from the others.
 */
#ifndef PANTHOR_TRACE_IDS_H
#define PANTHOR_TRACE_IDS_H

#include "model/map.h"

struct ids {
	struct pt_map blocks; /* id / IDS_BLOCK -> the numbers of so many ids */
};

/* 0: none was set */
uint32_t ids_get(const struct ids *ids, uint64_t id);
/* 0, or -ENOMEM and nothing is changed */
int ids_set(struct ids *ids, uint64_t id, uint32_t number);
void ids_free(struct ids *ids);

#endif
