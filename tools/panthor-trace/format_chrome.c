// SPDX-License-Identifier: GPL-2.0
/*
 * Chrome's trace event format, which Perfetto and chrome://tracing open.
 *
 * Tracks: the writer's thread with its requests, in these the VMs and BOs and
 * write-backs; the client's process with one track a VM; the threads that
 * bring BOs back; counters of resident and evicted memory per client. An arrow
 * leads from each eviction to the swap-in that undid it. Works on the tables
 * of `export`; what is missing there is not drawn.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "map.h"

struct chrome {
	FILE *f;
	bool any;
	struct pt_map names; /* pid -> named already */
	struct pt_map clients; /* client id -> struct client */
};

struct client {
	int64_t tgid;
	uint64_t evicted;
	uint64_t resident;
	bool known; /* @resident is: a request has looked */
	struct pt_map vms; /* VM id + 1 -> uint64_t, what is resident there */
};

/* One row of a table, by names */
struct row {
	const struct table *table;
	const struct cell *cell;
};

static const struct cell *cell(const struct row *row, const char *name)
{
	static const struct cell unknown;
	int at = table_find(row->table, name, strlen(name));

	return at < 0 ? &unknown : &row->cell[at];
}

static uint64_t num(const struct row *row, const char *name)
{
	return cell(row, name)->known ? cell(row, name)->u : 0;
}

static const char *str(const struct row *row, const char *name)
{
	return cell(row, name)->known ? cell(row, name)->s : "";
}

static void put(struct chrome *c, json_t *event)
{
	fputs(c->any ? ",\n" : "\n", c->f);
	c->any = true;
	json_dumpf(event, c->f, JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(event);
}

static double us(uint64_t ns)
{
	return ns / 1000.0;
}

/* All cells of a row, for the details pane */
static json_t *args(const struct row *row)
{
	json_t *object = json_object();

	for (size_t i = 0; i < row->table->nr_columns; i++)
		if (row->cell[i].known)
			json_object_set_new(object, row->table->columns[i].name,
					    json_cell(&row->cell[i], row->table->columns[i].unit));
	return object;
}

static void slice(struct chrome *c, const char *name, const char *cat, uint64_t from, uint64_t to,
		  int64_t pid, int64_t tid, json_t *details)
{
	put(c, json_pack("{ss ss ss sf sf sI sI so}", "name", name, "cat", cat, "ph", "X", "ts",
			 us(from), "dur", us(to - from), "pid", (json_int_t)pid, "tid",
			 (json_int_t)tid, "args", details));
}

static void name_process(struct chrome *c, int64_t pid, const char *name)
{
	if (!*name || pid <= 0 || pt_map_get(&c->names, pid))
		return;
	pt_map_set(&c->names, pid, c);
	put(c, json_pack("{ss ss sI s{ss}}", "name", "process_name", "ph", "M", "pid",
			 (json_int_t)pid, "args", "name", name));
}

static void flow(struct chrome *c, const struct row *row, const char *phase, uint64_t ts,
		 int64_t pid, int64_t tid)
{
	char id[64];

	snprintf(id, sizeof(id), "%llu.%llu", (unsigned long long)num(row, "bo_id"),
		 (unsigned long long)num(row, "evictions"));
	put(c, json_pack("{ss ss ss ss ss sf sI sI}", "name", "back", "cat", "refault", "ph", phase,
			 "bp", "e", "id", id, "ts", us(ts), "pid", (json_int_t)pid, "tid",
			 (json_int_t)tid));
}

static struct client *get_client(struct chrome *c, const struct row *row)
{
	uint64_t id = num(row, "client_id");
	struct client *client = pt_map_get(&c->clients, id);

	if (!client) {
		client = xcalloc(1, sizeof(*client));
		pt_map_set(&c->clients, id, client);
	}
	client->tgid = cell(row, "tgid")->i;
	return client;
}

/* A request says what a VM has when it turns to it; from then on BOs go and come. */
static void set_resident(struct client *client, const struct row *row, int64_t change,
			 bool absolute)
{
	uint64_t key = num(row, "vm_id") + 1;
	uint64_t *vm = pt_map_get(&client->vms, key), *now;
	uint64_t value = change;

	if (!vm && !absolute)
		return;
	if (!vm) {
		vm = xcalloc(1, sizeof(*vm));
		pt_map_set(&client->vms, key, vm);
		client->known = true;
	}
	if (!absolute)
		value = change < 0 && *vm < (uint64_t)-change ? 0 : *vm + change;
	*vm = value;
	client->resident = 0;
	for (size_t i = 0; (now = pt_map_next(&client->vms, &i));)
		client->resident += *now;
}

static void count(struct chrome *c, const struct row *row, const struct client *client, uint64_t ts)
{
	char name[64];
	json_t *values = json_pack("{so}", "evicted", json_uint(client->evicted));

	if (client->known)
		json_object_set_new(values, "resident", json_uint(client->resident));
	snprintf(name, sizeof(name), "client %llu memory",
		 (unsigned long long)num(row, "client_id"));
	put(c, json_pack("{ss ss sf sI so}", "name", name, "ph", "C", "ts", us(ts), "pid",
			 (json_int_t)client->tgid, "args", values));
}

static void draw_request(struct chrome *c, const struct row *row)
{
	int64_t pid = num(row, "writer_tgid"), tid = num(row, "pid");
	uint64_t from = num(row, "time_ns");
	char name[128];

	if (!cell(row, "time_ns")->known || !cell(row, "duration_ns")->known)
		return;
	name_process(c, pid, str(row, "writer_comm"));
	name_process(c, num(row, "target_tgid"), str(row, "target_comm"));
	snprintf(name, sizeof(name), "reclaim #%llu %s", (unsigned long long)num(row, "id"),
		 str(row, "target_comm"));
	slice(c, name, "request", from, from + num(row, "duration_ns"), pid ?: tid, tid, args(row));
}

static void draw_vm(struct chrome *c, const struct row *row)
{
	static const char *const phases[] = { "b", "e" };
	uint64_t time[] = { num(row, "time_ns"), num(row, "end_ns") };
	char id[96], name[64];

	if (cell(row, "size")->known) {
		struct client *client = get_client(c, row);

		set_resident(client, row, num(row, "size"), true);
		count(c, row, client, time[0]);
	}
	if (!time[0] || !time[1])
		return;
	snprintf(name, sizeof(name), "VM %llu", (unsigned long long)num(row, "vm_id"));
	snprintf(id, sizeof(id), "client %llu VM %llu #%llu",
		 (unsigned long long)num(row, "client_id"), (unsigned long long)num(row, "vm_id"),
		 (unsigned long long)num(row, "id"));
	for (int i = 0; i < 2; i++)
		put(c, json_pack("{ss ss ss ss sf sI sI so}", "name", name, "cat", "vm", "ph",
				 phases[i], "id", id, "ts", us(time[i]), "pid",
				 (json_int_t)num(row, "tgid"), "tid", (json_int_t)num(row, "vm_id"),
				 "args", i ? json_object() : args(row)));
}

/* Where the request of a BO ran: its process and thread */
struct where {
	int64_t pid;
	int64_t tid;
	uint64_t free; /* slices of a thread must not overlap: nothing is drawn before this */
};

static void draw_bo(struct chrome *c, const struct row *row, struct where *where)
{
	uint64_t to = num(row, "time_ns"), took = num(row, "duration_ns");
	uint64_t from = to > took ? to - took : 0;
	bool evicted = !strcmp(str(row, "what"), "evicted");
	char name[700];

	if (from < where->free)
		from = where->free < to ? where->free : to;
	where->free = to;
	snprintf(name, sizeof(name), "%s BO %llu %s", evicted ? "evict" : "skip",
		 (unsigned long long)num(row, "bo_id"), str(row, "label"));
	slice(c, name, "bo", from, to, where->pid, where->tid, args(row));
	if (!evicted)
		return;

	flow(c, row, "s", from, where->pid, where->tid);
	if (cell(row, "client_id")->known) {
		struct client *client = get_client(c, row);

		client->evicted += num(row, "size");
		set_resident(client, row, -(int64_t)num(row, "size"), false);
		count(c, row, client, to);
	}
	if (cell(row, "writeback_time_ns")->known) {
		to = num(row, "writeback_time_ns");
		took = num(row, "writeback_ns");
		snprintf(name, sizeof(name), "write back BO %llu %s",
			 (unsigned long long)num(row, "bo_id"), str(row, "label"));
		slice(c, name, "writeback", to > took ? to - took : 0, to, where->pid, where->tid,
		      json_object());
	}
}

static void draw_swapin(struct chrome *c, const struct row *row)
{
	uint64_t to = num(row, "time_ns"), took = num(row, "duration_ns");
	int64_t pid = num(row, "tgid"), tid = num(row, "pid");
	uint64_t from = to > took ? to - took : 0;
	char name[700];

	snprintf(name, sizeof(name), "swap in BO %llu %s", (unsigned long long)num(row, "bo_id"),
		 str(row, "label"));
	slice(c, name, "swapin", from, to, pid ?: tid, tid, args(row));
	flow(c, row, "f", from, pid ?: tid, tid);
	if (cell(row, "client_id")->known && !strcmp(str(row, "result"), "ok")) {
		struct client *client = get_client(c, row);

		client->evicted -= client->evicted < num(row, "size") ? client->evicted
								      : num(row, "size");
		set_resident(client, row, num(row, "size"), false);
		count(c, row, client, to);
	}
}

/* Requests by id, for their BOs */
static void find_writers(const struct table *requests, struct pt_map *map, struct where *where)
{
	for (size_t i = 0; i < requests->nr_rows; i++) {
		struct row row = { requests, requests->rows[i] };

		where[i].tid = num(&row, "pid");
		where[i].pid = num(&row, "writer_tgid") ?: (uint64_t)where[i].tid;
		pt_map_set(map, num(&row, "id"), &where[i]);
	}
}

/* All rows of all tables in the order of time: the counters depend on it. */
struct item {
	enum { REQUEST, VM, BO, SWAPIN, NR_ITEMS } kind;
	uint64_t ts;
	struct row row;
};

static int compare_items(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;

	if (a->ts != b->ts)
		return a->ts < b->ts ? -1 : 1;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	/* rows of one table were allocated one after the other, but that is no order to rely on */
	return (num(&a->row, "id") > num(&b->row, "id")) -
	       (num(&a->row, "id") < num(&b->row, "id"));
}

static struct item *collect(const struct doc *doc, size_t *nr)
{
	static const char *const names[NR_ITEMS] = { "requests", "vms", "bos", "swapins" };
	struct item *items = xcalloc(1, sizeof(*items));

	*nr = 0;
	for (int kind = 0; kind < NR_ITEMS; kind++) {
		const struct table *t = doc_table(doc, names[kind]);

		if (!t)
			continue;
		items = xrealloc(items, (*nr + t->nr_rows) * sizeof(*items));
		for (size_t i = 0; i < t->nr_rows; i++) {
			struct row row = { t, t->rows[i] };

			items[(*nr)++] = (struct item){ kind, num(&row, "time_ns"), row };
		}
	}
	qsort(items, *nr, sizeof(*items), compare_items);
	return items;
}

static void draw(struct chrome *c, const struct item *item, const struct pt_map *writers)
{
	struct where *where;

	switch (item->kind) {
	case REQUEST:
		draw_request(c, &item->row);
		break;
	case VM:
		draw_vm(c, &item->row);
		break;
	case BO:
		where = pt_map_get(writers, num(&item->row, "id"));
		if (where)
			draw_bo(c, &item->row, where);
		break;
	default:
		draw_swapin(c, &item->row);
	}
}

static void free_chrome(struct chrome *c)
{
	struct client *client;
	void *vm;

	for (size_t i = 0; (client = pt_map_next(&c->clients, &i));) {
		for (size_t j = 0; (vm = pt_map_next(&client->vms, &j));)
			free(vm);
		pt_map_free(&client->vms);
		free(client);
	}
	pt_map_free(&c->clients);
	pt_map_free(&c->names);
}

static int print_doc(FILE *f, const struct doc *doc, const struct print *print)
{
	const struct table *requests = doc_table(doc, "requests");
	json_t *head = json_head(doc);
	struct chrome c = { .f = f };
	struct pt_map writers = { 0 };
	struct where *where;
	struct item *items;
	size_t nr;

	(void)print;
	fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":", f);
	json_dumpf(head, f, JSON_COMPACT);
	json_decref(head);
	fputs(",\"traceEvents\":[", f);

	where = xcalloc(requests ? requests->nr_rows : 0, sizeof(*where));
	if (requests)
		find_writers(requests, &writers, where);
	items = collect(doc, &nr);
	for (size_t i = 0; i < nr; i++)
		draw(&c, &items[i], &writers);
	fputs("\n]}\n", f);

	free_chrome(&c);
	pt_map_free(&writers);
	free(items);
	free(where);
	return ferror(f) ? -1 : 0;
}

const struct format format_chrome = {
	.name = "chrome",
	.help = "Chrome JSON, opens in Perfetto and chrome://tracing",
	.print = print_doc,
};
