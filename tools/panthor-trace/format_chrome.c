// SPDX-License-Identifier: GPL-2.0
/*
 * Chrome's trace event format, which Perfetto and chrome://tracing open.
 *
 * Tracks: the requester's thread with its requests and in these the BOs; the
 * writes of a process, side by side where they overlap; the client's process
 * with one track a VM; the threads that swap BOs in; counters of resident and
 * evicted memory per client. An arrow leads from each eviction to the swap-in
 * that undid it.
 *
 * Rows come as requests end; readers sort them. Only the counters need the
 * order of time: their changes are kept back in a heap, and come out of it when
 * it is full.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "map.h"
#include "sink.h"
#include "view.h"

#define MAX_CHANGES 65536

/* What a row says of a client's memory */
struct change {
	uint64_t ts;
	uint64_t serial; /* of changes at the same time */
	uint64_t client;
	uint64_t vm;
	int64_t tgid;
	uint64_t size;
	enum { SEEN, EVICTED, SWAPPED_IN } what;
};

struct client {
	int64_t tgid;
	uint64_t evicted;
	uint64_t resident;
	bool known; /* @resident is: a request has looked */
	struct pt_map vms; /* VM id + 1 -> uint64_t, what is resident there */
};

struct chrome {
	FILE *f;
	bool any;
	struct pt_map names; /* pid -> named already */
	struct pt_map clients; /* client id -> struct client */
	struct change *heap;
	size_t nr_changes;
	uint64_t serial;
	/* the request whose rows come now */
	uint64_t id;
	int64_t pid;
	int64_t tid;
	uint64_t free; /* slices of a thread must not overlap: no BO is drawn before this */
};

static void put(struct chrome *c, const char *s)
{
	fputs_unlocked(s, c->f);
}

static void put_number(struct chrome *c, const char *key, uint64_t value)
{
	char buf[PT_NUM_LEN];

	put(c, key);
	put(c, pt_decimal(buf, value));
}

/* In microseconds, which is what the format counts in */
static void put_us(struct chrome *c, const char *key, uint64_t ns)
{
	char fraction[] = { '.', '0' + ns / 100 % 10, '0' + ns / 10 % 10, '0' + ns % 10, '\0' };

	put_number(c, key, ns / 1000);
	put(c, fraction);
}

/* {"ph":"X","ts":1.000,"pid":1: the caller goes on */
static void event(struct chrome *c, const char *phase, uint64_t ts, int64_t pid)
{
	put(c, c->any ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
	c->any = true;
	put(c, phase);
	put_us(c, "\",\"ts\":", ts);
	put_number(c, ",\"pid\":", pid > 0 ? pid : 0);
}

static void text(struct chrome *c, const char *key, const char *value)
{
	put(c, key);
	json_string(c->f, value);
}

/* All that is known of a row, for the details pane */
static void args(struct chrome *c, const struct table *t, const struct cell *row)
{
	put(c, ",\"args\":{");
	if (row)
		json_known(c->f, t, row);
	put(c, "}}");
}

static void slice(struct chrome *c, const char *name, const char *cat, uint64_t from, uint64_t to,
		  int64_t pid, int64_t tid, const struct table *t, const struct cell *row)
{
	uint64_t took = to > from ? to - from : 0;

	event(c, "X", from, pid);
	put_number(c, ",\"tid\":", tid);
	put_us(c, ",\"dur\":", took);
	text(c, ",\"name\":", name);
	text(c, ",\"cat\":", cat);
	args(c, t, row);
}

/* From and to on a track of its own */
static void span(struct chrome *c, const char *name, const char *cat, const char *id, uint64_t from,
		 uint64_t to, int64_t pid, const struct table *t, const struct cell *row)
{
	for (int i = 0; i < 2; i++) {
		event(c, i ? "e" : "b", i ? to : from, pid);
		text(c, ",\"name\":", name);
		text(c, ",\"cat\":", cat);
		text(c, ",\"id\":", id);
		args(c, t, i ? NULL : row);
	}
}

static void name_process(struct chrome *c, int64_t pid, const char *name)
{
	if (!*name || pid <= 0 || pt_map_get(&c->names, pid))
		return;
	pt_map_set(&c->names, pid, c);
	event(c, "M", 0, pid);
	text(c, ",\"name\":\"process_name\",\"args\":{\"name\":", name);
	put(c, "}}");
}

static void flow(struct chrome *c, uint64_t bo, uint64_t evictions, const char *phase, uint64_t ts,
		 int64_t pid, int64_t tid)
{
	event(c, phase, ts, pid);
	put_number(c, ",\"tid\":", tid);
	fprintf(c->f,
		",\"name\":\"swap in\",\"cat\":\"refault\",\"bp\":\"e\",\"id\":\"0x%llx%06llx\"}",
		(unsigned long long)bo, (unsigned long long)(evictions & 0xffffff));
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

static struct change take_first(struct chrome *c)
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

static struct client *get_client(struct chrome *c, uint64_t id)
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

static void count(struct chrome *c, const struct change *change)
{
	struct client *client = get_client(c, change->client);

	client->tgid = change->tgid;
	if (change->what == EVICTED)
		client->evicted += change->size;
	else if (change->what == SWAPPED_IN)
		client->evicted = less(client->evicted, change->size);
	set_resident(client, change);

	event(c, "C", change->ts, client->tgid);
	put_number(c, ",\"name\":\"client ", change->client);
	put_number(c, " memory\",\"args\":{\"evicted\":", client->evicted);
	if (client->known)
		put_number(c, ",\"resident\":", client->resident);
	put(c, "}}");
}

static void add_change(struct chrome *c, struct change change)
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

static uint64_t num(const struct cell *cell)
{
	return cell->known ? cell->u : 0;
}

static const char *str(const struct cell *cell)
{
	return cell->known ? cell->s : "";
}

static void draw_request(struct chrome *c, const struct table *t, const struct cell *row)
{
	uint64_t from = num(&row[REQ_TIME]);
	char name[128];

	c->id = row[REQ_ID].u;
	c->tid = num(&row[REQ_PID]);
	c->pid = num(&row[REQ_WRITER_TGID]) ?: (uint64_t)c->tid;
	c->free = 0;
	if (!row[REQ_TIME].known || !row[REQ_DURATION].known)
		return;
	name_process(c, num(&row[REQ_WRITER_TGID]), str(&row[REQ_WRITER]));
	name_process(c, num(&row[REQ_TARGET_TGID]), str(&row[REQ_TARGET]));
	snprintf(name, sizeof(name), "reclaim #%llu %s", (unsigned long long)c->id,
		 str(&row[REQ_TARGET]));
	slice(c, name, "request", from, from + row[REQ_DURATION].u, c->pid, c->tid, t, row);
}

static void draw_vm(struct chrome *c, const struct table *t, const struct cell *row)
{
	int64_t tgid = num(&row[VM_TGID]);
	char id[96], name[64];

	if (row[VM_SIZE].known)
		add_change(c, (struct change){ .ts = num(&row[VM_TIME]),
					       .client = num(&row[VM_CLIENT]),
					       .vm = num(&row[VM_VM]),
					       .tgid = tgid,
					       .size = row[VM_SIZE].u,
					       .what = SEEN });
	if (!row[VM_TIME].known || !row[VM_END].known)
		return;
	snprintf(name, sizeof(name), "VM %llu", (unsigned long long)num(&row[VM_VM]));
	snprintf(id, sizeof(id), "client %llu VM %llu #%llu",
		 (unsigned long long)num(&row[VM_CLIENT]), (unsigned long long)num(&row[VM_VM]),
		 (unsigned long long)num(&row[VM_ID]));
	span(c, name, "vm", id, row[VM_TIME].u, row[VM_END].u, tgid, t, row);
}

static void draw_writeback(struct chrome *c, const struct table *t, const struct cell *row)
{
	char id[64], name[700];

	if (!row[BO_WB_START].known)
		return;
	snprintf(name, sizeof(name), "write BO %llu %s", (unsigned long long)num(&row[BO_BO_ID]),
		 str(&row[BO_LABEL]));
	snprintf(id, sizeof(id), "%lld write %llu", (long long)c->pid,
		 (unsigned long long)num(&row[BO_WB_LANE]));
	/* The details are with the BO's own slice, if it has one. */
	span(c, name, "writeback", id, row[BO_WB_START].u, row[BO_WB_TIME].u, c->pid, t,
	     *row[BO_WHAT].s == 'w' || *row[BO_WB_HOW].s == 'p' ? row : NULL);
}

static void draw_bo(struct chrome *c, const struct table *t, const struct cell *row)
{
	uint64_t to = num(&row[BO_TIME]), from = less(to, num(&row[BO_DURATION]));
	bool evicted = *str(&row[BO_WHAT]) == 'e', written = *str(&row[BO_WHAT]) == 'w';
	char name[700];

	/* Rows of BOs come after that of their request. */
	if (row[BO_ID].u != c->id)
		return;
	draw_writeback(c, t, row);
	if (written)
		return;
	if (from < c->free)
		from = c->free < to ? c->free : to;
	c->free = to;
	snprintf(name, sizeof(name), "%s BO %llu %s", evicted ? "evict" : "skip",
		 (unsigned long long)num(&row[BO_BO_ID]), str(&row[BO_LABEL]));
	slice(c, name, "bo", from, to, c->pid, c->tid, t, row);
	if (!evicted)
		return;
	flow(c, num(&row[BO_BO_ID]), num(&row[BO_EVICTIONS]), "s", from, c->pid, c->tid);
	if (row[BO_CLIENT].known)
		add_change(c, (struct change){ .ts = to,
					       .client = row[BO_CLIENT].u,
					       .vm = num(&row[BO_VM]),
					       .tgid = num(&row[BO_TGID]),
					       .size = num(&row[BO_SIZE]),
					       .what = EVICTED });
}

static void draw_swapin(struct chrome *c, const struct table *t, const struct cell *row)
{
	uint64_t to = num(&row[SW_TIME]), from = less(to, num(&row[SW_DURATION]));
	int64_t tid = num(&row[SW_PID]), pid = num(&row[SW_TGID]) ?: (uint64_t)tid;
	char name[700];

	snprintf(name, sizeof(name), "swap in BO %llu %s", (unsigned long long)num(&row[SW_BO]),
		 str(&row[SW_LABEL]));
	slice(c, name, "swapin", from, to, pid, tid, t, row);
	flow(c, num(&row[SW_BO]), num(&row[SW_EVICTIONS]), "f", from, pid, tid);
	if (row[SW_CLIENT].known && !strcmp(str(&row[SW_RESULT]), "ok"))
		add_change(c, (struct change){ .ts = to,
					       .client = row[SW_CLIENT].u,
					       .vm = num(&row[SW_VM]),
					       .tgid = num(&row[SW_TGID]),
					       .size = num(&row[SW_SIZE]),
					       .what = SWAPPED_IN });
}

static void begin(struct sink *s)
{
	struct chrome *c = s->state = xcalloc(1, sizeof(*c));

	c->f = s->f;
	c->heap = xmalloc(MAX_CHANGES * sizeof(*c->heap));
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", s->f);
}

static void row(struct sink *s, struct part *p, const struct cell *cells)
{
	const struct table *t = p->table;

	if (t->columns == request_columns)
		draw_request(s->state, t, cells);
	else if (t->columns == vm_columns)
		draw_vm(s->state, t, cells);
	else if (t->columns == bo_columns)
		draw_bo(s->state, t, cells);
	else
		draw_swapin(s->state, t, cells);
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
	free(c->heap);
	free(c);
}

static void end(struct sink *s)
{
	struct chrome *c = s->state;

	while (c->nr_changes) {
		struct change first = take_first(c);

		count(c, &first);
	}
	fputs("\n],\"otherData\":{", s->f);
	json_head(s->f, s->doc, "");
	fputc(',', s->f);
	json_tail(s->f, s->doc, "");
	fputs("}}\n", s->f);
	free_chrome(c);
}

const struct format format_chrome = {
	.name = "chrome",
	.mixed = true,
	.timeline = true,
	.begin = begin,
	.row = row,
	.end = end,
};
