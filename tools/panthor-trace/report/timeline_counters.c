// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of a timeline: the resident and the evicted memory of each
 * client. Rows come as requests end, counters need the order of time: changes
 * are kept in a heap until it is full.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "model/map.h"
#include "report/timeline.h"

#define MAX_CHANGES 65536

struct client {
	int64_t pid;
	uint64_t evicted;
	uint64_t resident;
	bool known; /* @resident is: a request has looked */
	struct pt_map vms; /* VM id + 1 -> uint64_t, what is resident there */
};

struct counters {
	void (*paint)(void *context, const struct memory *memory);
	void *context;
	struct pt_map clients; /* client id -> struct client */
	struct change *heap;
	size_t nr_changes;
	uint64_t serial;
};

struct counters *counters_new(void (*paint)(void *context, const struct memory *memory),
			      void *context)
{
	struct counters *c = xcalloc(1, sizeof(*c));

	c->paint = paint;
	c->context = context;
	c->heap = xmalloc(MAX_CHANGES * sizeof(*c->heap));
	return c;
}

static bool before(const struct change *a, const struct change *b)
{
	return a->ts != b->ts ? a->ts < b->ts : a->serial < b->serial;
}

static void swap_changes(struct change *a, struct change *b)
{
	struct change c = *a;

	*a = *b;
	*b = c;
}

static struct change take_first(struct counters *c)
{
	struct change first = c->heap[0];
	size_t at = 0;

	c->heap[0] = c->heap[--c->nr_changes];
	for (size_t least = 0;; at = least) {
		for (size_t i = 2 * at + 1; i <= 2 * at + 2 && i < c->nr_changes; i++)
			if (before(&c->heap[i], &c->heap[least]))
				least = i;
		if (least == at)
			break;
		swap_changes(&c->heap[at], &c->heap[least]);
	}
	return first;
}

static struct client *get_client(struct counters *c, uint64_t id)
{
	struct client *client = pt_map_get(&c->clients, id);

	if (!client) {
		client = xcalloc(1, sizeof(*client));
		pt_map_set(&c->clients, id, client);
	}
	return client;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* A request says what a VM has when it turns to it; from then on BOs are evicted and swapped in. */
static void set_resident(struct client *client, const struct change *change)
{
	uint64_t *vm = pt_map_get(&client->vms, change->vm + 1), old;

	if (!vm) {
		if (change->what != SEEN)
			return;
		vm = xcalloc(1, sizeof(*vm));
		pt_map_set(&client->vms, change->vm + 1, vm);
		client->known = true;
	}
	old = *vm;
	*vm = change->what == SEEN	? change->size
	      : change->what == EVICTED ? less(old, change->size)
					: old + change->size;
	client->resident += *vm - old;
}

static void count(struct counters *c, const struct change *change)
{
	struct client *client = get_client(c, change->client);

	client->pid = change->pid;
	if (change->what == EVICTED)
		client->evicted += change->size;
	else if (change->what == SWAPPED_IN)
		client->evicted = less(client->evicted, change->size);
	set_resident(client, change);
	c->paint(c->context, &(struct memory){ .ts = change->ts,
					       .pid = client->pid,
					       .client = change->client,
					       .evicted = client->evicted,
					       .resident = client->resident,
					       .resident_known = client->known });
}

void counters_add(struct counters *c, struct change change)
{
	size_t at;

	if (c->nr_changes == MAX_CHANGES) {
		struct change first = take_first(c);

		count(c, &first);
	}
	change.serial = c->serial++;
	at = c->nr_changes++;
	c->heap[at] = change;
	while (at && before(&c->heap[at], &c->heap[(at - 1) / 2])) {
		swap_changes(&c->heap[at], &c->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

void counters_end(struct counters *c)
{
	struct client *client;
	void *vm;

	while (c->nr_changes) {
		struct change first = take_first(c);

		count(c, &first);
	}
	for (size_t i = 0; (client = pt_map_next(&c->clients, &i));) {
		for (size_t j = 0; (vm = pt_map_next(&client->vms, &j));)
			free(vm);
		pt_map_free(&client->vms);
		free(client);
	}
	pt_map_free(&c->clients);
	free(c->heap);
	free(c);
}
