// SPDX-License-Identifier: LGPL-2.1
#include <stdlib.h>

#include <libkshark.h>
#include <traceevent/event-parse.h>

#include "model/events.h"
#include "model/map.h"
#include "plugins/kernelshark/spans.h"

struct shark {
	struct tep_handle *tep;
	int id[PT_NR_KINDS]; /* of the events, -1 if the trace does not have one */
	struct pt_format fmt[PT_NR_KINDS];

	struct shark_request *request;
	size_t nr_requests;
	struct pt_map by_id; /* id of a request -> its position + 1 */
	struct shark_bo *bo;
	size_t nr_bos;
};

struct shark *shark_new(struct tep_handle *tep)
{
	struct shark *shark = calloc(1, sizeof(*shark));
	bool any = false;

	if (!shark)
		return NULL;
	shark->tep = tep;
	for (int i = 0; i < PT_NR_KINDS; i++) {
		const struct tep_event *event =
			tep_find_event_by_name(tep, PT_SYSTEM, pt_event_name(i));

		shark->id[i] = -1;
		if (!event || pt_format_init(&shark->fmt[i], NULL, event))
			continue;
		shark->id[i] = event->id;
		any = true;
	}
	if (any)
		return shark;
	free(shark);
	return NULL;
}

void shark_free(struct shark *shark)
{
	if (!shark)
		return;
	for (size_t i = 0; i < shark->nr_requests; i++)
		free(shark->request[i].cpu);
	free(shark->request);
	free(shark->bo);
	pt_map_free(&shark->by_id);
	free(shark);
}

int shark_event_id(const struct shark *shark, int kind)
{
	return shark->id[kind];
}

/* Room for one more at the end of an array whose length doubles; NULL: no memory */
static void *grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return realloc(array, (nr ? 2 * nr : 1) * size);
}

static struct shark_request *get_request(struct shark *shark, uint64_t id)
{
	uintptr_t at = (uintptr_t)pt_map_get(&shark->by_id, id);
	struct shark_request *req;

	if (at)
		return &shark->request[at - 1];
	req = grow(shark->request, shark->nr_requests, sizeof(*req));
	if (!req)
		return NULL;
	shark->request = req;
	if (pt_map_set(&shark->by_id, id, (void *)(uintptr_t)(shark->nr_requests + 1)))
		return NULL;
	req = &shark->request[shark->nr_requests++];
	memset(req, 0, sizeof(*req));
	return req;
}

static void extend(struct extent *extent, const struct kshark_entry *entry)
{
	if (!extent->first || entry->ts < extent->first->ts)
		extent->first = entry;
	if (!extent->last || entry->ts > extent->last->ts)
		extent->last = entry;
}

static void extend_request(struct shark_request *req, const struct kshark_entry *entry)
{
	struct extent *cpu;

	req->pid = entry->pid;
	extend(&req->whole, entry);
	for (size_t i = 0; i < req->nr_cpus; i++) {
		if (req->cpu[i].first->cpu == entry->cpu) {
			extend(&req->cpu[i], entry);
			return;
		}
	}
	cpu = grow(req->cpu, req->nr_cpus, sizeof(*cpu));
	if (!cpu)
		return;
	req->cpu = cpu;
	req->cpu[req->nr_cpus++] = (struct extent){ entry, entry };
}

static void add_bo(struct shark *shark, enum shark_what what, const struct pt_event *ev,
		   const struct kshark_entry *entry)
{
	struct shark_bo *bo = grow(shark->bo, shark->nr_bos, sizeof(*bo));

	if (!bo)
		return;
	shark->bo = bo;
	shark->bo[shark->nr_bos++] = (struct shark_bo){ what, (int64_t)ev->duration_ns, entry };
}

/* Events that cannot be decoded, or allocated, are not drawn. */
void shark_feed(struct shark *shark, const struct kshark_entry *entry,
		const struct tep_record *record)
{
	static const int what[PT_NR_KINDS] = {
		[PT_BO_EVICT] = SHARK_EVICT + 1,
		[PT_BO_SKIP] = SHARK_SKIP + 1,
		[PT_BO_WRITEBACK] = SHARK_WRITEBACK + 1,
		[PT_BO_SWAPIN] = SHARK_SWAPIN + 1,
	};
	struct shark_request *req;
	struct pt_event ev;
	int kind = 0;

	while (kind < PT_NR_KINDS && shark->id[kind] != entry->event_id)
		kind++;
	if (kind == PT_NR_KINDS ||
	    pt_decode(&shark->fmt[kind], shark->tep, record->data, record->size, &ev))
		return;

	if (what[kind])
		add_bo(shark, what[kind] - 1, &ev, entry);
	/* The request id of a swap-in is that of the earlier eviction. */
	if (kind == PT_BO_SWAPIN)
		return;
	req = get_request(shark, ev.id);
	if (!req)
		return;
	extend_request(req, entry);
	if (kind == PT_RECLAIM_BEGIN)
		req->begun = true;
	if (kind == PT_RECLAIM_END) {
		req->ended = true;
		req->failed = ev.result < 0;
		req->duration_ns = ev.duration_ns;
	}
}

const struct shark_request *shark_requests(const struct shark *shark, size_t *nr)
{
	*nr = shark->nr_requests;
	return shark->request;
}

const struct shark_bo *shark_bos(const struct shark *shark, size_t *nr)
{
	*nr = shark->nr_bos;
	return shark->bo;
}
