// SPDX-License-Identifier: GPL-2.0
/*
 * --by: what happened, summed up by client, VM, label, reason or state. Memory
 * grows with the groups.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "report/view.h"

enum { G_KEY, G_REQUESTS, G_EV_BOS, G_EV, G_SK_BOS, G_SK, G_WRITTEN, G_FREED, G_TIME, G_WB, NR_G };

const struct column group_columns[] = {
	[G_KEY] = { "key", "KEY", UNIT_TEXT, "client, VM, label, reason or state", 1 },
	[G_REQUESTS] = { "requests", "REQUESTS", UNIT_COUNT, "requests that looked at it", 1 },
	[G_EV_BOS] = { "evicted_bos", "#EVICTED", UNIT_COUNT, "evictions", 1 },
	[G_EV] = { "evicted", "EVICTED", UNIT_BYTES, "evicted memory", 1 },
	[G_SK_BOS] = { "skipped_bos", "#SKIPPED", UNIT_COUNT, "skips of BOs", 1 },
	[G_SK] = { "skipped", "SKIPPED", UNIT_BYTES, "skipped memory", 1 },
	[G_WRITTEN] = { "written", "WRITTEN", UNIT_BYTES, "memory written to swap", 3 },
	[G_FREED] = { "freed", "FREED", UNIT_BYTES, "RAM freed by that", 2 },
	[G_TIME] = { "duration_ns", "DURATION", UNIT_NS,
		     "time spent on its VMs (by client, vm) or BOs (others)", 1 },
	[G_WB] = { "writeback_ns", "WRITEBACK", UNIT_NS, "time spent writing its BOs to swap", 1 },
};

const size_t nr_group_columns = NR_G;

struct group {
	struct group *next; /* in order of appearance */
	char *key;
	uint64_t request; /* serial of the last one counted */
	uint64_t sum[NR_G];
};

struct groups {
	enum group_by by;
	struct group *first;
	struct group **last;
	struct pt_map map; /* hash of the key -> group */
};

int group_find(const char *name)
{
	static const char *const names[] = {
		[BY_CLIENT] = "client", [BY_VM] = "vm",	      [BY_LABEL] = "label",
		[BY_REASON] = "reason", [BY_STATE] = "state",
	};

	for (int i = BY_CLIENT; i <= BY_STATE; i++)
		if (!strcmp(name, names[i]))
			return i;
	pt_error("--by: expected client, vm, label, reason or state, not \"%s\"", name);
	return -1;
}

struct groups *groups_new(enum group_by by)
{
	struct groups *g = xcalloc(1, sizeof(*g));

	g->by = by;
	g->last = &g->first;
	return g;
}

static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	while (*s)
		h = (h ^ (unsigned char)*s++) * 0x100000001b3ULL;
	return h;
}

static struct group *get(struct groups *g, const char *key, uint64_t request)
{
	uint64_t h = hash(key);
	struct group *group;

	/* Two keys with one hash: use the next free number. */
	while ((group = pt_map_get(&g->map, h)) && strcmp(group->key, key))
		h++;
	if (!group) {
		group = xcalloc(1, sizeof(*group));
		group->key = xstrdup(key);
		*g->last = group;
		g->last = &group->next;
		if (pt_map_set(&g->map, h, group)) {
			pt_error("out of memory");
			exit(EXIT_FAILED);
		}
	}
	if (group->request != request)
		group->sum[G_REQUESTS]++;
	group->request = request;
	return group;
}

static void vm_key(struct pt_text *key, const struct groups *g, uint64_t client, int64_t tgid,
		   uint64_t vm)
{
	pt_text_reset(key);
	pt_add(key, "client %llu [%lld]", (unsigned long long)client, (long long)tgid);
	if (g->by == BY_VM)
		pt_add(key, " VM %llu", (unsigned long long)vm);
}

/* Where the attributes of a label begin: " format=r8g8b8a8_unorm extent=640x480x1 ..." */
static size_t name_length(const char *label)
{
	const char *word = label, *end;

	while ((word = strchr(word, ' '))) {
		word++;
		end = word + strcspn(word, " ");
		if (memchr(word, '=', end - word))
			return word - 1 - label;
	}
	return strlen(label);
}

/*
 * Labels that differ in attributes or numbers only are one kind: "tile 1" and
 * "tile 2" are both "tile #".
 */
static void label_key(struct pt_text *key, const char *label)
{
	const char *end = label + name_length(label);

	if (label == end)
		pt_add(key, "(no label)");
	while (label < end) {
		size_t n = strcspn(label, "0123456789");

		if (n > (size_t)(end - label))
			n = end - label;
		pt_add(key, "%.*s", (int)n, label);
		label += n;
		if (label == end)
			break;
		if (!strncmp(label, "0x", 2) && isxdigit((unsigned char)label[2]))
			label += 2 + strspn(label + 2, "0123456789abcdefABCDEF");
		else
			label += strspn(label, "0123456789");
		pt_add(key, "#");
	}
}

static void bo_key(struct pt_text *key, const struct groups *g, const struct pt_bo *bo,
		   const struct pt_names *names)
{
	pt_text_reset(key);
	switch (g->by) {
	case BY_LABEL:
		label_key(key, bo->label);
		break;
	case BY_REASON:
		pt_add(key, "%s",
		       bo->kind == PT_BO_SKIP ? pt_name(names, PT_SYM_REASON, bo->reason)
					      : "(evicted)");
		break;
	case BY_STATE:
		pt_add(key, "%s", pt_name(names, PT_SYM_STATE, bo->state));
		break;
	default:
		vm_key(key, g, bo->client_id, bo->tgid, bo->vm_id);
	}
}

/* A BO that an earlier request evicted has neither label nor state here. */
static bool fits(const struct groups *g, const struct pt_bo *bo)
{
	return bo->kind != PT_BO_WRITEBACK || g->by == BY_CLIENT || g->by == BY_VM;
}

void groups_add(struct groups *g, const struct pt_request *req, const struct pt_names *names,
		bool (*wanted)(void *context, const struct pt_bo *bo), void *context)
{
	/* The time spent on a VM cannot be attributed to some of its BOs. */
	bool by_vm = (g->by == BY_CLIENT || g->by == BY_VM) && !wanted;
	struct pt_text key = { 0 };

	for (size_t i = 0; i < req->n_bos; i++) {
		const struct pt_bo *bo = &req->bos[i];
		uint64_t *sum;

		if (!fits(g, bo) || (wanted && !wanted(context, bo)))
			continue;
		bo_key(&key, g, bo, names);
		sum = get(g, key.s, req->serial)->sum;
		if (bo->kind == PT_BO_EVICT) {
			sum[G_EV_BOS]++;
			sum[G_EV] += bo->size;
		} else if (bo->kind == PT_BO_SKIP) {
			sum[G_SK_BOS]++;
			sum[G_SK] += bo->size;
		}
		sum[G_WRITTEN] += bo->written;
		sum[G_FREED] += bo->freed;
		sum[G_WB] += bo->writeback_ns;
		if (!by_vm)
			sum[G_TIME] += bo->duration_ns;
	}
	for (size_t i = 0; by_vm && i < req->n_vms; i++) {
		vm_key(&key, g, req->vms[i].client_id, req->vms[i].tgid, req->vms[i].vm_id);
		get(g, key.s, req->serial)->sum[G_TIME] += req->vms[i].duration_ns;
	}
	pt_text_free(&key);
}

void groups_fill(const struct groups *g, struct table *t)
{
	for (const struct group *group = g->first; group; group = group->next) {
		struct cell *row = table_add(t);

		row[G_KEY] = cell_s(group->key);
		for (int i = G_REQUESTS; i < NR_G; i++)
			row[i] = cell_u(group->sum[i]);
	}
}

void groups_free(struct groups *g)
{
	struct group *next;

	if (!g)
		return;
	for (; g->first; g->first = next) {
		next = g->first->next;
		free(g->first->key);
		free(g->first);
	}
	pt_map_free(&g->map);
	free(g);
}
