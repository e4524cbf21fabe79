// SPDX-License-Identifier: GPL-2.0
/* The model: what it makes of whole, broken, shuffled and endless traces. */
#include "model/model.h"
#include "unit.h"

#define HAS_ALL (~0ULL)
#define STR(text)                      \
	{                              \
		text, sizeof(text) - 1 \
	}

struct seen {
	struct pt_request last;
	int requests;
	int refaults;
	int order; /* swap-ins that came before their request */
	unsigned int permille[PT_NR_CAUSES];
};

static void on_request(void *context, const struct pt_request *req)
{
	struct seen *seen = context;

	seen->requests++;
	seen->last = *req; /* its pointers are dead after this */
	pt_split(req, seen->permille);
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	struct seen *seen = context;

	seen->refaults++;
	seen->order += !seen->requests;
	assert_non_null(refault->label);
}

static struct pt_model *new_model(struct seen *seen, size_t max_open)
{
	struct pt_model_config config = {
		.request = on_request,
		.refault = on_refault,
		.context = seen,
		.max_open = max_open,
	};

	memset(seen, 0, sizeof(*seen));
	return pt_model_new(&config);
}

static struct pt_event event(enum pt_kind kind, uint64_t id, uint64_t ts)
{
	return (struct pt_event){
		.kind = kind, .id = id, .ts = ts, .pid = 1, .has = HAS_ALL, .dev = STR("panthor")
	};
}

static struct pt_event bo(enum pt_kind kind, uint64_t id, uint64_t ts, uint64_t bo_id,
			  uint64_t size)
{
	struct pt_event ev = event(kind, id, ts);

	ev.bo_id = bo_id;
	ev.size = size;
	ev.client_id = 5;
	ev.vm_id = 1;
	ev.label = (struct pt_str)STR("label");
	return ev;
}

static struct pt_event end(uint64_t id, uint64_t ts, uint64_t bos, uint64_t bytes)
{
	struct pt_event ev = event(PT_RECLAIM_END, id, ts);

	ev.evicted_bos = bos;
	ev.evicted = bytes;
	ev.duration_ns = 100;
	ev.fence_ns = 60;
	ev.unmap_ns = 30;
	return ev;
}

static void feed(struct pt_model *m, struct pt_event ev)
{
	assert_int_equal(pt_model_feed(m, &ev), 0);
}

static void whole_request(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	feed(m, event(PT_RECLAIM_BEGIN, 1, 10));
	feed(m, bo(PT_BO_EVICT, 1, 11, 21, 4096));
	feed(m, bo(PT_BO_EVICT, 1, 12, 22, 8192));
	feed(m, end(1, 20, 2, 12288));
	assert_int_equal(seen.requests, 1);
	assert_int_equal(seen.last.flags, 0);
	assert_int_equal(seen.last.seen.evicted, 12288);
	assert_int_equal(seen.last.cause_ns[PT_OTHER], 10);
	assert_int_equal(seen.permille[PT_FENCE], 600);
	assert_int_equal(pt_model_stats(m)->open, 0);
	pt_model_free(m);
}

static void missing_begin(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	feed(m, bo(PT_BO_EVICT, 1, 11, 21, 4096));
	feed(m, end(1, 20, 1, 4096));
	assert_int_equal(seen.last.flags, PT_REQ_NO_BEGIN);
	assert_int_equal(seen.last.evicted, 4096);
	pt_model_free(m);
}

static void missing_end(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	feed(m, event(PT_RECLAIM_BEGIN, 1, 10));
	feed(m, bo(PT_BO_EVICT, 1, 11, 21, 4096));
	assert_int_equal(seen.requests, 0);
	pt_model_flush(m);
	assert_int_equal(seen.requests, 1);
	assert_int_equal(seen.last.flags, PT_REQ_NO_END);
	assert_int_equal(seen.last.evicted, 4096);
	assert_int_equal(seen.last.evicted_bos, 1);
	pt_model_free(m);
}

static void missing_bo_is_partial(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	feed(m, event(PT_RECLAIM_BEGIN, 1, 10));
	feed(m, bo(PT_BO_EVICT, 1, 11, 21, 4096));
	feed(m, end(1, 20, 2, 12288));
	assert_int_equal(seen.last.flags, PT_REQ_PARTIAL);
	assert_int_equal(seen.last.evicted, 12288);
	assert_int_equal(seen.last.seen.evicted, 4096);
	pt_model_free(m);
}

static void lost_events_are_marked(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	feed(m, event(PT_RECLAIM_BEGIN, 1, 10));
	pt_model_lost(m, 3);
	feed(m, end(1, 20, 2, 12288));
	assert_int_equal(seen.last.flags, PT_REQ_PARTIAL | PT_REQ_LOST);
	feed(m, event(PT_RECLAIM_BEGIN, 2, 30));
	feed(m, end(2, 40, 0, 0));
	assert_int_equal(seen.last.flags, 0);
	assert_int_equal(pt_model_stats(m)->lost, 3);
	pt_model_free(m);
}

static void inconsistencies_are_found(void **state)
{
	struct pt_event ev;
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	/* more BOs than told */
	feed(m, event(PT_RECLAIM_BEGIN, 1, 10));
	feed(m, bo(PT_BO_EVICT, 1, 11, 21, 4096));
	feed(m, end(1, 20, 0, 0));
	assert_int_equal(seen.last.flags, PT_REQ_MISMATCH);
	/* as many BOs, other bytes */
	feed(m, event(PT_RECLAIM_BEGIN, 2, 30));
	feed(m, bo(PT_BO_EVICT, 2, 31, 21, 4096));
	feed(m, end(2, 40, 1, 8192));
	assert_int_equal(seen.last.flags, PT_REQ_MISMATCH);
	/* more time with causes than time */
	feed(m, event(PT_RECLAIM_BEGIN, 3, 50));
	ev = end(3, 60, 0, 0);
	ev.fence_ns = 1000;
	feed(m, ev);
	assert_int_equal(seen.last.flags, PT_REQ_MISMATCH);
	pt_model_free(m);
}

/* The same record twice, as KernelShark draws it */
static void repeated_events_count_once(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	for (int i = 0; i < 3; i++)
		feed(m, event(PT_RECLAIM_BEGIN, 1, 10));
	for (int i = 0; i < 3; i++)
		feed(m, bo(PT_BO_EVICT, 1, 11, 21, 4096));
	feed(m, end(1, 20, 1, 4096));
	assert_int_equal(seen.last.flags, 0);
	assert_int_equal(seen.last.n_bos, 1);
	assert_int_equal(pt_model_stats(m)->repeated, 4);
	pt_model_free(m);
}

/*
 * Whatever the order, the totals are those of the end event, and a list that
 * is not whole says so.
 */
static void any_order_is_consistent(void **state)
{
	struct pt_event events[] = {
		event(PT_RECLAIM_BEGIN, 1, 10),
		bo(PT_BO_EVICT, 1, 11, 21, 4096),
		bo(PT_BO_SKIP, 1, 12, 22, 512),
		bo(PT_BO_WRITEBACK, 1, 13, 21, 4096),
		end(1, 20, 1, 4096),
	};
	static const int sorted[] = { 0, 1, 2, 3, 4 };
	int order[] = { 0, 1, 2, 3, 4 }, n = 5, count[5] = { 0 };

	events[4].skipped_bos = 1;
	events[4].skipped = 512;
	for (int i = 0; i < n;) {
		struct seen seen;
		struct pt_model *m = new_model(&seen, 0);

		for (int k = 0; k < n; k++) {
			feed(m, events[order[k]]);
			if (order[k] != 4)
				continue;
			assert_int_equal(seen.requests, 1);
			assert_int_equal(seen.last.evicted, 4096);
			assert_int_equal(seen.last.flags & PT_REQ_MISMATCH, 0);
			assert_int_equal(!!(seen.last.flags & PT_REQ_PARTIAL),
					 seen.last.seen.evicted_bos + seen.last.seen.skipped_bos <
						 2);
		}
		pt_model_flush(m);
		pt_model_free(m);

		/* Heap's algorithm, next permutation */
		while (i < n && count[i] >= i)
			count[i++] = 0;
		if (i < n) {
			int j = i & 1 ? count[i] : 0, swap = order[j];

			order[j] = order[i];
			order[i] = swap;
			count[i]++;
			i = 0;
			if (!memcmp(order, sorted, sizeof(order)))
				break;
		}
	}
}

static void memory_is_bounded_by_open_requests(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	for (uint64_t id = 1; id <= 100000; id++) {
		feed(m, event(PT_RECLAIM_BEGIN, id, 10 * id));
		feed(m, bo(PT_BO_SKIP, id, 10 * id + 1, 21, 4096));
		feed(m, end(id, 10 * id + 2, 0, 0));
	}
	assert_int_equal(seen.requests, 100000);
	assert_int_equal(pt_model_stats(m)->most_open, 1);
	pt_model_free(m);

	/* begins that never end: the oldest are given up */
	m = new_model(&seen, 16);
	for (uint64_t id = 1; id <= 1000; id++)
		feed(m, event(PT_RECLAIM_BEGIN, id, id));
	assert_int_equal(seen.requests, 984);
	assert_int_equal(seen.last.flags, PT_REQ_NO_END);
	assert_int_equal(pt_model_stats(m)->most_open, 16);
	pt_model_free(m);
}

static void too_many_bos_are_cut_not_lost(void **state)
{
	struct seen seen;
	struct pt_model_config config = { .request = on_request, .context = &seen, .max_bos = 3 };
	struct pt_model *m = pt_model_new(&config);

	memset(&seen, 0, sizeof(seen));
	feed(m, event(PT_RECLAIM_BEGIN, 1, 1));
	for (int i = 0; i < 10; i++)
		feed(m, bo(PT_BO_EVICT, 1, 2 + i, 20 + i, 4096));
	feed(m, end(1, 20, 10, 40960));
	assert_int_equal(seen.last.flags, PT_REQ_CUT);
	assert_int_equal(seen.last.n_bos, 3);
	assert_int_equal(seen.last.seen.evicted_bos, 10);
	pt_model_free(m);
}

/* A BO may be swapped in while the request that evicted it goes on with others. */
static void swapins_follow_their_request(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	feed(m, event(PT_RECLAIM_BEGIN, 1, 10));
	feed(m, bo(PT_BO_EVICT, 1, 11, 21, 4096));
	feed(m, bo(PT_BO_SWAPIN, 1, 15, 21, 4096));
	assert_int_equal(seen.refaults, 0);
	feed(m, end(1, 20, 1, 4096));
	assert_int_equal(seen.refaults, 1);
	/* evicted before the trace began */
	feed(m, bo(PT_BO_SWAPIN, 9, 70, 33, 4096));
	assert_int_equal(seen.refaults, 2);
	assert_int_equal(seen.order, 0);
	pt_model_free(m);
}

/* One event in two buffers: two records, not quite at the same time */
static void two_buffers_count_once(void **state)
{
	struct pt_event events[] = {
		event(PT_RECLAIM_BEGIN, 1, 10000000),
		bo(PT_BO_EVICT, 1, 11000000, 21, 4096),
		bo(PT_BO_SKIP, 1, 12000000, 22, 4096),
		bo(PT_BO_WRITEBACK, 1, 13000000, 21, 4096),
		end(1, 20000000, 1, 4096),
		bo(PT_BO_SWAPIN, 1, 30000000, 21, 4096),
	};
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	events[3].duration_ns = 500;
	events[3].written = 4096;
	events[4].skipped_bos = 1;
	events[4].skipped = 4096;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		feed(m, events[i]);
		/* The task may lose its CPU in between */
		events[i].ts += i & 1 ? 6000000 : 700;
		feed(m, events[i]);
	}
	pt_model_flush(m);
	assert_int_equal(seen.requests, 1);
	assert_int_equal(seen.refaults, 1);
	assert_int_equal(seen.last.flags, 0);
	assert_int_equal(seen.last.begin_ts, 10000000);
	assert_int_equal(seen.last.seen.written, 4096);
	assert_int_equal(pt_model_stats(m)->repeated, 6);
	pt_model_free(m);
}

/* Loaded anew, the driver counts from 1 again: also while a request was open. */
static void ids_may_start_again(void **state)
{
	struct seen seen;
	struct pt_model *m = new_model(&seen, 0);

	feed(m, event(PT_RECLAIM_BEGIN, 1, 10000000));
	feed(m, end(1, 20000000, 0, 0));
	feed(m, event(PT_RECLAIM_BEGIN, 1, 30000000));
	feed(m, event(PT_RECLAIM_BEGIN, 1, 50000000));
	assert_int_equal(seen.requests, 2);
	assert_int_equal(seen.last.flags, PT_REQ_NO_END);
	feed(m, end(1, 60000000, 0, 0));
	assert_int_equal(seen.requests, 3);
	assert_int_equal(seen.last.flags, 0);
	pt_model_free(m);
}

/* BOs as the request callback saw them */
struct writes {
	struct pt_bo bo[8];
	size_t nr;
	unsigned int flags;
};

static void copy_bos(void *context, const struct pt_request *req)
{
	struct writes *w = context;

	w->nr = req->n_bos;
	w->flags = req->flags;
	memcpy(w->bo, req->bos, req->n_bos * sizeof(*req->bos));
}

static struct pt_event writeback(uint64_t ts, uint64_t bo_id, uint64_t duration_ns)
{
	struct pt_event ev = bo(PT_BO_WRITEBACK, 1, ts, bo_id, 4096);

	ev.written = 4096;
	ev.duration_ns = duration_ns;
	return ev;
}

/* The event says when a write began: they may overlap, and be of BOs that others evicted. */
static void writes_have_recorded_times(void **state)
{
	struct writes w = { 0 };
	struct pt_model_config config = { .request = copy_bos, .context = &w };
	struct pt_model *m = pt_model_new(&config);
	struct pt_event first = writeback(500, 21, 300), second = writeback(600, 22, 350);

	first.start_ns = 100;
	second.start_ns = 150;
	feed(m, event(PT_RECLAIM_BEGIN, 1, 100));
	feed(m, bo(PT_BO_EVICT, 1, 110, 21, 4096));
	feed(m, first);
	feed(m, second);
	feed(m, end(1, 700, 1, 4096));
	assert_int_equal(w.flags & PT_REQ_MISMATCH, 0);
	assert_int_equal(w.nr, 2);
	assert_int_equal(w.bo[0].writeback_from, 200);
	assert_int_equal(w.bo[0].writeback_ts, 500);
	assert_int_equal(w.bo[0].lane, 0);
	assert_int_equal(w.bo[1].kind, PT_BO_WRITEBACK);
	assert_int_equal(w.bo[1].writeback_from, 250);
	assert_int_equal(w.bo[1].lane, 1);
	assert_false(w.bo[0].estimated || w.bo[1].estimated);
	pt_model_free(m);
}

/* What a first write left is written again: both count, each record once. */
static void second_writes_add_up(void **state)
{
	struct writes w = { 0 };
	struct pt_model_config config = { .request = copy_bos, .context = &w };
	struct pt_model *m = pt_model_new(&config);
	struct pt_event first = writeback(500, 21, 300), second = writeback(600, 21, 50);

	first.freed = 1024;
	first.start_ns = 100;
	second.written = 0;
	second.freed = 3072;
	second.start_ns = 420;
	feed(m, event(PT_RECLAIM_BEGIN, 1, 100));
	feed(m, bo(PT_BO_EVICT, 1, 110, 21, 4096));
	feed(m, first);
	feed(m, first);
	feed(m, second);
	feed(m, second);
	feed(m, end(1, 700, 1, 4096));
	assert_int_equal(w.nr, 1);
	assert_int_equal(w.bo[0].written, 4096);
	assert_int_equal(w.bo[0].freed, 4096);
	assert_int_equal(w.bo[0].writeback_ns, 350);
	assert_int_equal(w.bo[0].writeback_from, 200);
	assert_int_equal(w.bo[0].writeback_ts, 500);
	pt_model_free(m);
}

/* Older drivers told all writes at the end: one after the other, and marked */
static void old_writes_are_estimated(void **state)
{
	struct writes w = { 0 };
	struct pt_model_config config = { .request = copy_bos, .context = &w };
	struct pt_model *m = pt_model_new(&config);
	struct pt_event events[] = {
		event(PT_RECLAIM_BEGIN, 1, 100),   bo(PT_BO_EVICT, 1, 200, 21, 4096),
		bo(PT_BO_EVICT, 1, 300, 22, 4096), writeback(1000, 21, 400),
		writeback(1001, 22, 200),	   end(1, 1100, 2, 8192),
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		events[i].has &= ~(1ULL << PT_F_start_ns);
		feed(m, events[i]);
	}
	assert_int_equal(w.nr, 2);
	assert_int_equal(w.bo[0].writeback_from, 300);
	assert_int_equal(w.bo[0].writeback_ts, 700);
	assert_int_equal(w.bo[1].writeback_from, 700);
	assert_int_equal(w.bo[1].writeback_ts, 900);
	assert_true(w.bo[0].estimated && w.bo[1].estimated);
	pt_model_free(m);
}

static void shares_sum_to_a_hundred_percent(void **state)
{
	unsigned int seed = 7, permille[PT_NR_CAUSES];
	struct pt_request req = { 0 };

	pt_split(&req, permille);
	for (int i = 0; i < PT_NR_CAUSES; i++)
		assert_int_equal(permille[i], 0);
	for (int round = 0; round < 10000; round++) {
		unsigned int sum = 0;

		for (int i = 0; i < PT_NR_CAUSES; i++)
			req.cause_ns[i] = rand_r(&seed) % 4
						  ? (uint64_t)rand_r(&seed) >> (rand_r(&seed) % 30)
						  : 0;
		req.cause_ns[0] += 1;
		pt_split(&req, permille);
		for (int i = 0; i < PT_NR_CAUSES; i++)
			sum += permille[i];
		assert_int_equal(sum, 1000);
	}
	for (int i = 0; i < PT_NR_CAUSES; i++)
		req.cause_ns[i] = UINT64_MAX;
	pt_split(&req, permille);
	assert_int_equal(permille[0], 200);
}

int test_model(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_request),
		cmocka_unit_test(missing_begin),
		cmocka_unit_test(missing_end),
		cmocka_unit_test(missing_bo_is_partial),
		cmocka_unit_test(lost_events_are_marked),
		cmocka_unit_test(inconsistencies_are_found),
		cmocka_unit_test(repeated_events_count_once),
		cmocka_unit_test(any_order_is_consistent),
		cmocka_unit_test(memory_is_bounded_by_open_requests),
		cmocka_unit_test(too_many_bos_are_cut_not_lost),
		cmocka_unit_test(swapins_follow_their_request),
		cmocka_unit_test(two_buffers_count_once),
		cmocka_unit_test(ids_may_start_again),
		cmocka_unit_test(writes_have_recorded_times),
		cmocka_unit_test(second_writes_add_up),
		cmocka_unit_test(old_writes_are_estimated),
		cmocka_unit_test(shares_sum_to_a_hundred_percent),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
