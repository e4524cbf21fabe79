// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "report/ids.h"
#include "report/stall.h"

/* The part of a stall that one request evicted */
struct stall_part {
	uint64_t id;
	uint64_t size;
	uint64_t evicted_ns;
};

struct stalls {
	void (*tell)(void *context, const struct stall *stall);
	void *context;
	struct pt_map open; /* thread -> its stall */
	struct ids requests; /* id -> place in @requester, from 1 */
	struct pt_map places; /* hash -> the same */
	struct requester *requester;
	size_t nr_requesters;
	uint64_t over_ns; /* before that, none of @open is over */
};

static void need(int err)
{
	if (!err)
		return;
	pt_error("out of memory");
	exit(EXIT_FAILED);
}

struct stalls *stalls_new(void (*tell)(void *context, const struct stall *stall), void *context)
{
	struct stalls *s = xcalloc(1, sizeof(*s));

	s->tell = tell;
	s->context = context;
	s->over_ns = UINT64_MAX;
	return s;
}

static uint64_t hash(uint64_t h, const char *text, int64_t number)
{
	while (*text)
		h = (h ^ (unsigned char)*text++) * 0x100000001b3ULL;
	return (h ^ (uint64_t)number) * 0x9e3779b97f4a7c15ULL;
}

static bool same(const struct requester *a, const struct requester *b)
{
	return a->source == b->source && a->requester_tgid == b->requester_tgid &&
	       a->target_tgid == b->target_tgid && a->has_source == b->has_source &&
	       a->has_requester == b->has_requester && a->has_target == b->has_target &&
	       !strcmp(a->requester_comm, b->requester_comm) &&
	       !strcmp(a->target_comm, b->target_comm);
}

/* Its place in the list, where it is put if it is new */
static uint32_t place_of(struct stalls *s, const struct requester *by)
{
	struct requester *new;
	uintptr_t place;
	uint64_t h;

	h = hash(hash(by->source, by->requester_comm, by->requester_tgid), by->target_comm,
		 by->target_tgid);
	/* Two with one hash: use the next free number. */
	while ((place = (uintptr_t)pt_map_get(&s->places, h)) &&
	       !same(&s->requester[place - 1], by))
		h++;
	if (place)
		return place;
	s->requester = xrealloc(s->requester, (s->nr_requesters + 1) * sizeof(*s->requester));
	new = &s->requester[s->nr_requesters++];
	*new = *by;
	new->requester_comm = xstrdup(by->requester_comm);
	new->target_comm = xstrdup(by->target_comm);
	need(pt_map_set(&s->places, h, (void *)(uintptr_t)s->nr_requesters));
	return s->nr_requesters;
}

void stalls_request(struct stalls *s, const struct pt_request *req)
{
	const struct requester by = {
		.source = req->source,
		.requester_comm = req->requester_comm,
		.requester_tgid = req->requester_tgid,
		.target_comm = req->target_comm,
		.target_tgid = req->target_tgid,
		.has_source = pt_req_has(req, source),
		.has_requester = !(req->flags & PT_REQ_NO_BEGIN) && pt_req_has(req, requester_tgid),
		.has_target = pt_req_has(req, target_tgid),
	};

	/* After a reload of the driver, BOs of the previous request with this id do not exist. */
	need(ids_set(&s->requests, req->id, req->evicted_bos ? place_of(s, &by) : 0));
}

bool stalls_knows(const struct stalls *s, uint64_t id)
{
	return ids_get(&s->requests, id);
}

static void free_stall(struct stall *stall)
{
	free(stall->part);
	free(stall->comm);
	free(stall);
}

static void close_stall(struct stalls *s, struct stall *stall)
{
	const struct stall_part *most = stall->part;
	uint32_t place;

	for (size_t i = 1; i < stall->requests; i++)
		if (stall->part[i].size > most->size)
			most = &stall->part[i];
	stall->id = most->id;
	stall->evicted_ns = most->evicted_ns;
	place = ids_get(&s->requests, most->id);
	stall->by = place ? &s->requester[place - 1] : NULL;
	s->tell(s->context, stall);
	pt_map_del(&s->open, stall->pid);
	free_stall(stall);
}

static int by_begin(const void *pa, const void *pb)
{
	const struct stall *a = *(struct stall *const *)pa, *b = *(struct stall *const *)pb;

	return (a->begin_ns > b->begin_ns) - (a->begin_ns < b->begin_ns);
}

/* Those that nothing after @ns can belong to, in order */
static void close_before(struct stalls *s, uint64_t ns)
{
	struct stall **list = xmalloc(s->open.used * sizeof(*list)), *stall;
	size_t n = 0;

	s->over_ns = UINT64_MAX;
	for (size_t i = 0; (stall = pt_map_next(&s->open, &i));) {
		if (stall->end_ns + STALL_GAP_NS < ns)
			list[n++] = stall;
		else if (stall->end_ns + STALL_GAP_NS < s->over_ns)
			s->over_ns = stall->end_ns + STALL_GAP_NS;
	}
	qsort(list, n, sizeof(*list), by_begin);
	for (size_t i = 0; i < n; i++)
		close_stall(s, list[i]);
	free(list);
}

static struct stall *open_stall(struct stalls *s, const struct pt_refault *refault)
{
	struct stall *stall = xcalloc(1, sizeof(*stall));
	const struct pt_event *ev = refault->ev;

	stall->pid = ev->pid;
	stall->tgid = ev->tgid;
	stall->has_tgid = pt_has(ev, tgid);
	stall->comm = refault->comm ? xstrdup(refault->comm) : NULL;
	stall->begin_ns = UINT64_MAX;
	need(pt_map_set(&s->open, ev->pid, stall));
	return stall;
}

static void add_part(struct stall *stall, const struct pt_refault *refault)
{
	const struct pt_event *ev = refault->ev;
	struct stall_part *part = NULL;

	for (size_t i = 0; i < stall->requests && !part; i++)
		if (stall->part[i].id == ev->id)
			part = &stall->part[i];
	if (!part) {
		stall->part = xrealloc(stall->part, (stall->requests + 1) * sizeof(*part));
		part = &stall->part[stall->requests++];
		*part = (struct stall_part){ ev->id, 0, ev->evicted_ns };
	}
	if (ev->evicted_ns < part->evicted_ns)
		part->evicted_ns = ev->evicted_ns;
	if (!ev->result) {
		part->size += ev->size;
		stall->size += ev->size;
	}
}

void stalls_swapin(struct stalls *s, const struct pt_refault *refault)
{
	const struct pt_event *ev = refault->ev;
	uint64_t from = ev->ts > ev->duration_ns ? ev->ts - ev->duration_ns : 0;
	struct stall *stall;

	if (ev->pid < 0)
		return;
	if (from > s->over_ns)
		close_before(s, from);
	stall = pt_map_get(&s->open, ev->pid);
	/* A swap-in that waited for the end of its request may be earlier than the previous one. */
	if (stall &&
	    (from > stall->end_ns + STALL_GAP_NS || ev->ts + STALL_GAP_NS < stall->begin_ns)) {
		close_stall(s, stall);
		stall = NULL;
	}
	if (!stall)
		stall = open_stall(s, refault);
	if (from < stall->begin_ns)
		stall->begin_ns = from;
	if (ev->ts > stall->end_ns)
		stall->end_ns = ev->ts;
	if (stall->end_ns + STALL_GAP_NS < s->over_ns)
		s->over_ns = stall->end_ns + STALL_GAP_NS;
	stall->has_evicted_ns = pt_has(ev, evicted_ns);
	stall->stalled_ns += ev->duration_ns;
	stall->bos++;
	add_part(stall, refault);
}

void stalls_flush(struct stalls *s)
{
	close_before(s, UINT64_MAX);
}

void stalls_free(struct stalls *s)
{
	struct stall *stall;

	if (!s)
		return;
	for (size_t i = 0; (stall = pt_map_next(&s->open, &i));)
		free_stall(stall);
	for (size_t i = 0; i < s->nr_requesters; i++) {
		free(s->requester[i].requester_comm);
		free(s->requester[i].target_comm);
	}
	free(s->requester);
	pt_map_free(&s->places);
	ids_free(&s->requests);
	pt_map_free(&s->open);
	free(s);
}
