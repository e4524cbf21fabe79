// SPDX-License-Identifier: GPL-2.0
/* Clients as rows: efficiency of evicting their memory. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "report/view.h"

enum {
	C_CLIENT,
	C_TARGET,
	C_TGID,
	C_REQUESTS,
	C_EVICTED_BOS,
	C_EVICTED,
	C_WRITTEN,
	C_FREED,
	C_FREED_PCT,
	C_DURATION,
	C_PER_MIB,
	C_SWAPPED_IN,
	C_SWAPIN,
	C_PREMATURE,
	C_PREMATURE_PCT,
	NR_C
};

const struct column client_columns[] = {
	[C_CLIENT] = { "client_id", "CLIENT", UNIT_COUNT, "client that owns the memory", 1 },
	[C_TARGET] = { "target_comm", "TARGET", UNIT_TEXT, "process name", 1 },
	[C_TGID] = { "tgid", "TGID", UNIT_SIGNED, "process id", 2 },
	[C_REQUESTS] = { "requests", "REQUESTS", UNIT_COUNT, "requests that evicted memory of it",
			 3 },
	[C_EVICTED_BOS] = { "evicted_bos", "#EVICTED", UNIT_COUNT, "evictions", 4 },
	[C_EVICTED] = { "evicted", "EVICTED", UNIT_BYTES, "evicted memory", 1 },
	[C_WRITTEN] = { "written", "WRITTEN", UNIT_BYTES, "memory written to swap", 4 },
	[C_FREED] = { "freed", "FREED", UNIT_BYTES, "RAM freed by that", 1 },
	[C_FREED_PCT] = { "freed_pct", "%FREED", UNIT_PERMILLE, "freed share of the evicted memory",
			  1 },
	[C_DURATION] = { "duration_ns", "BLOCKED", UNIT_NS,
			 "blocked time of requesters, in proportion to the evicted memory", 2 },
	[C_PER_MIB] = { "ns_per_mib", "PER-MIB", UNIT_NS, "blocked time per MiB evicted", 1 },
	[C_SWAPPED_IN] = { "swapped_in", "SWAPPED-IN", UNIT_BYTES, "memory that was swapped in",
			   1 },
	[C_SWAPIN] = { "swapin_ns", "SWAPIN", UNIT_NS, "time spent on swap-ins", 2 },
	[C_PREMATURE] = { "premature", "PREMATURE", UNIT_BYTES,
			  "premature memory: swapped in within --soon", 3 },
	[C_PREMATURE_PCT] = { "premature_pct", "%PREMATURE", UNIT_PERMILLE,
			      "premature share of the evicted memory", 1 },
};

const size_t nr_client_columns = NR_C;

struct client {
	struct client *next; /* in order of appearance */
	uint64_t id;
	int64_t tgid;
	bool has_tgid;
	bool has_freed;
	bool untimed; /* it is not known when what was swapped in had been evicted */
	char *comm; /* NULL: not known */
	uint64_t request; /* serial of the last one counted */
	uint64_t share; /* of what that evicted */
	uint64_t sum[NR_C];
};

struct clients {
	uint64_t soon_ns;
	struct client *first;
	struct client **last;
	struct pt_map map; /* id -> client */
};

struct clients *clients_new(uint64_t soon_ns)
{
	struct clients *c = xcalloc(1, sizeof(*c));

	c->soon_ns = soon_ns;
	c->last = &c->first;
	return c;
}

static struct client *get(struct clients *c, uint64_t id)
{
	struct client *client = pt_map_get(&c->map, id);

	if (client)
		return client;
	client = xcalloc(1, sizeof(*client));
	client->id = id;
	*c->last = client;
	c->last = &client->next;
	if (pt_map_set(&c->map, id, client)) {
		pt_error("out of memory");
		exit(EXIT_FAILED);
	}
	return client;
}

static void add_bo(struct client *client, const struct pt_request *req, const struct pt_bo *bo)
{
	client->sum[C_WRITTEN] += bo->written;
	client->sum[C_FREED] += bo->freed;
	client->has_freed |= pt_req_has(req, freed);
	if (bo->kind != PT_BO_EVICT)
		return;
	client->tgid = bo->tgid;
	client->has_tgid = pt_req_has(req, tgid);
	if (!client->comm && req->target_tgid == bo->tgid && *req->target_comm)
		client->comm = xstrdup(req->target_comm);
	client->sum[C_REQUESTS] += client->request != req->serial;
	client->request = req->serial;
	client->sum[C_EVICTED_BOS]++;
	client->sum[C_EVICTED] += bo->size;
	client->share += bo->size;
}

void clients_request(struct clients *c, const struct pt_request *req)
{
	uint64_t evicted = 0;

	for (size_t i = 0; i < req->n_bos; i++) {
		if (req->bos[i].kind == PT_BO_SKIP)
			continue;
		add_bo(get(c, req->bos[i].client_id), req, &req->bos[i]);
		evicted += req->bos[i].kind == PT_BO_EVICT ? req->bos[i].size : 0;
	}
	for (size_t i = 0; evicted && i < req->n_bos; i++) {
		struct client *client = get(c, req->bos[i].client_id);

		client->sum[C_DURATION] += (double)req->duration_ns * client->share / evicted;
		client->share = 0;
	}
}

void clients_swapin(struct clients *c, const struct pt_refault *refault)
{
	const struct pt_event *ev = refault->ev;
	struct client *client;

	if (ev->result)
		return;
	client = get(c, ev->client_id);
	client->sum[C_SWAPPED_IN] += ev->size;
	client->sum[C_SWAPIN] += ev->duration_ns;
	client->untimed |= !pt_has(ev, evicted_ns);
	if (!client->untimed && ev->evicted_ns <= c->soon_ns)
		client->sum[C_PREMATURE] += ev->size;
}

struct cell cell_share(uint64_t part, uint64_t whole)
{
	return cell_if(whole, whole ? part * 1000.0 / whole + 0.5 : 0);
}

struct cell cell_per_mib(uint64_t ns, uint64_t bytes)
{
	return cell_if(bytes, bytes ? (double)ns * (1 << 20) / bytes : 0);
}

void clients_fill(const struct clients *c, struct table *t)
{
	for (const struct client *client = c->first; client; client = client->next) {
		const uint64_t *sum = client->sum;
		struct cell *row = table_add(t);

		for (int i = C_REQUESTS; i < NR_C; i++)
			row[i] = cell_u(sum[i]);
		row[C_CLIENT] = cell_u(client->id);
		row[C_TARGET] = cell_s(client->comm);
		row[C_TGID] = (struct cell){ .known = client->has_tgid, .i = client->tgid };
		row[C_FREED].known = client->has_freed;
		row[C_FREED_PCT] = cell_share(sum[C_FREED], client->has_freed ? sum[C_EVICTED] : 0);
		row[C_PER_MIB] = cell_per_mib(sum[C_DURATION], sum[C_EVICTED]);
		row[C_PREMATURE].known = !client->untimed;
		row[C_PREMATURE_PCT] =
			cell_share(sum[C_PREMATURE], client->untimed ? 0 : sum[C_EVICTED]);
	}
}

void clients_free(struct clients *c)
{
	struct client *next;

	if (!c)
		return;
	for (; c->first; c->first = next) {
		next = c->first->next;
		free(c->first->comm);
		free(c->first);
	}
	pt_map_free(&c->map);
	free(c);
}
