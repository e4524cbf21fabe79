// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cs.h"
#include "job.h"
#include "pattern.h"

/* What stands where in jobs->mem */
#define SLOTS 64
#define SLOT_SIZE 256
#define SYNCS_AT (SLOTS * SLOT_SIZE)
#define SYNC_SIZE 32
#define GATE_AT (SYNCS_AT + (SLOTS + 1) * SYNC_SIZE)
#define STREAM_AT (SYNCS_AT + 4096)
#define STREAM_SIZE (128 * 1024)
#define MEM_SIZE (STREAM_AT + STREAM_SIZE)

/* Slot of the synchronous jobs' sync object, after those of the asynchronous ones */
#define SYNC_SLOT SLOTS

/* Pages per job: far from the driver's timeout also where the GPU is a slow simulation */
#define CHUNK 256

/*
 * Jobs behind a gate, and when the oldest may pass. A reclaim does not see the end of the last: it
 * waits for a second
 */
#define GATE_JOBS 16
#define GATE_TURN (DEV_NSEC / 4)

/* Registers */
#define R_FROM 2
#define R_TO 4
#define R_SYNC 6
#define R_DATA 8
#define R_COUNT 9
#define R_PAGE 10
#define R_LINE 16

#define ALL_WORDS 0xffff

/* Offset in a sync object where jobs_check() leaves the number of a bad page */
#define SYNC_PAGE 16

static volatile uint32_t *mem32(struct jobs *jobs, size_t at)
{
	return (volatile uint32_t *)((char *)jobs->mem.map + at);
}

static size_t sync_at(unsigned int slot)
{
	return SYNCS_AT + slot * SYNC_SIZE;
}

/* What a job that ran to its end leaves; never 0, and another one each time a slot is used again */
static uint32_t done_mark(uint64_t point)
{
	return (uint32_t)point | 0x40000000;
}

int jobs_init(struct jobs *jobs, struct vm *vm)
{
	int ret;

	*jobs = (struct jobs){ .gpu = vm->gpu, .vm = vm };

	ret = bo_create(jobs->gpu, &jobs->mem, MEM_SIZE, 0, vm);
	if (ret)
		return ret;

	ret = bo_label(&jobs->mem, "streams");
	if (!ret)
		ret = bo_map(&jobs->mem);
	if (!ret)
		ret = bo_bind(&jobs->mem, vm);
	if (!ret)
		ret = timeline_create(jobs->gpu, &jobs->timeline);
	if (!ret)
		ret = group_create(jobs->gpu, &jobs->group, vm);
	if (ret)
		jobs_fini(jobs);
	return ret;
}

void jobs_fini(struct jobs *jobs)
{
	jobs_open_gate(jobs);
	if (jobs->group.handle)
		group_destroy(&jobs->group);
	if (jobs->timeline)
		timeline_destroy(jobs->gpu, jobs->timeline);
	if (jobs->staging.handle)
		bo_destroy(&jobs->staging);
	if (jobs->mem.handle)
		bo_destroy(&jobs->mem);
	jobs->timeline = 0;
}

int jobs_revive(struct jobs *jobs)
{
	group_destroy(&jobs->group);
	return group_create(jobs->gpu, &jobs->group, jobs->vm);
}

/* The last words of every job: "I am through" */
static void emit_done(struct cs *cs, struct jobs *jobs, unsigned int slot, uint32_t mark)
{
	cs_move48(cs, R_SYNC, jobs->mem.va + sync_at(slot));
	cs_move32(cs, R_DATA, mark);
	cs_sync_set32(cs, R_DATA, R_SYNC);
}

/* A point counts only once its job is on its way: nobody ever waits for one that was refused */
static int submit(struct jobs *jobs, size_t at, const struct cs *cs)
{
	int ret = group_submit(&jobs->group, jobs->mem.va + at, cs_bytes(cs), jobs->timeline,
			       jobs->point + 1);

	if (!ret)
		jobs->point++;
	return ret;
}

static void stream_begin(struct jobs *jobs, struct cs *cs)
{
	cs_init(cs, (char *)jobs->mem.map + STREAM_AT, STREAM_SIZE);
}

static int stream_submit(struct jobs *jobs, struct cs *cs)
{
	if (cs_overflow(cs))
		return -ENOSPC;

	return submit(jobs, STREAM_AT, cs);
}

/* Submit a stream, wait for its end and return the mark it left, or a negative errno */
static int64_t stream_run(struct jobs *jobs, struct cs *cs)
{
	volatile uint32_t *sync = mem32(jobs, sync_at(SYNC_SLOT));
	int ret;

	*sync = 0;
	ret = stream_submit(jobs, cs);
	if (!ret)
		ret = timeline_wait(jobs->gpu, jobs->timeline, jobs->point,
				    dev_now() + JOB_PATIENCE);
	if (ret)
		return ret;
	return *sync ? (int64_t)*sync : -EIO;
}

static int stream_run_to_mark(struct jobs *jobs, struct cs *cs, uint32_t mark)
{
	int64_t got = stream_run(jobs, cs);

	if (got < 0)
		return (int)got;
	return got == mark ? 0 : -EIO;
}

static void emit_fill(struct cs *cs, uint64_t va, uint32_t seed, uint32_t first, uint32_t pages)
{
	size_t top;

	cs_move48(cs, R_TO, va + (uint64_t)first * PATTERN_PAGE);
	cs_move32(cs, R_COUNT, pages);
	for (unsigned int word = 0; word < PATTERN_WORDS; word++)
		cs_move32(cs, R_LINE + word, pattern_word(seed, first, 0, word));

	top = cs_here(cs);
	for (unsigned int line = 0; line < PATTERN_LINES; line++) {
		cs_store(cs, R_LINE, ALL_WORDS, R_TO, line * PATTERN_LINE);
		cs_wait(cs, 1 << CS_SLOT_MEM);
		cs_add32(cs, R_LINE, R_LINE, PATTERN_LINE_STEP);
	}
	cs_add32(cs, R_LINE, R_LINE, PATTERN_PAGE_STEP - PATTERN_LINES * PATTERN_LINE_STEP);
	for (unsigned int word = 1; word < PATTERN_WORDS; word++)
		cs_add32(cs, R_LINE + word, R_LINE + word, PATTERN_PAGE_STEP);
	cs_add32(cs, R_TO, R_TO, PATTERN_PAGE);
	cs_add32(cs, R_COUNT, R_COUNT, -1);
	cs_branch_back(cs, CS_NE, R_COUNT, top);
}

static uint32_t chunk_at(const struct bo *bo, uint32_t first)
{
	uint32_t left = bo->size / PATTERN_PAGE - first;

	return left < CHUNK ? left : CHUNK;
}

int jobs_fill(struct jobs *jobs, const struct bo *bo, uint32_t seed)
{
	uint32_t pages;
	struct cs cs;
	int ret;

	for (uint32_t page = 0; page < bo->size / PATTERN_PAGE; page += pages) {
		uint32_t mark = done_mark(jobs->point + 1);

		pages = chunk_at(bo, page);
		stream_begin(jobs, &cs);
		emit_fill(&cs, bo->va, seed, page, pages);
		emit_done(&cs, jobs, SYNC_SLOT, mark);
		ret = stream_run_to_mark(jobs, &cs, mark);
		if (ret)
			return ret;
	}
	return 0;
}

/* Which line of a page jobs_check() looks at: over the pages, all of them */
static unsigned int checked_line(uint32_t page)
{
	return page * 29 % PATTERN_LINES;
}

/*
 * Compare by subtracting what is expected: what is left is zero or wrong. The place to go if it is
 * wrong is filled in later
 */
static size_t emit_check_page(struct cs *cs, uint64_t va, uint32_t seed, uint32_t page,
			      size_t *wrong)
{
	unsigned int line = checked_line(page);

	cs_move32(cs, R_PAGE, page);
	cs_move48(cs, R_FROM, va + (uint64_t)page * PATTERN_PAGE);
	cs_load(cs, R_LINE, ALL_WORDS, R_FROM, line * PATTERN_LINE);
	cs_wait(cs, 1 << CS_SLOT_MEM);
	for (unsigned int word = 0; word < PATTERN_WORDS; word++) {
		cs_add32(cs, R_LINE + word, R_LINE + word, -pattern_word(seed, page, line, word));
		wrong[word] = cs_branch(cs, CS_NE, R_LINE + word);
	}
	return PATTERN_WORDS;
}

/* Without an error the stream jumps over this */
static void emit_report_page(struct cs *cs, struct jobs *jobs, uint32_t mark)
{
	cs_move48(cs, R_SYNC, jobs->mem.va + sync_at(SYNC_SLOT));
	cs_store(cs, R_PAGE, 1, R_SYNC, SYNC_PAGE);
	cs_wait(cs, 1 << CS_SLOT_MEM);
	cs_move32(cs, R_DATA, mark);
	cs_sync_set32(cs, R_DATA, R_SYNC);
}

static int check_chunk(struct jobs *jobs, const struct bo *bo, uint32_t seed, uint32_t first,
		       uint32_t pages, uint64_t *bad)
{
	uint32_t good_mark = done_mark(jobs->point + 1), bad_mark = good_mark | 0x80000000;
	size_t wrong[CHUNK * PATTERN_WORDS];
	size_t wrongs = 0, over;
	struct cs cs;
	int64_t got;

	stream_begin(jobs, &cs);
	for (uint32_t page = first; page < first + pages; page++)
		wrongs += emit_check_page(&cs, bo->va, seed, page, wrong + wrongs);
	emit_done(&cs, jobs, SYNC_SLOT, good_mark);
	over = cs_branch(&cs, CS_ALWAYS, 0);
	for (size_t i = 0; i < wrongs; i++)
		cs_land(&cs, wrong[i]);
	emit_report_page(&cs, jobs, bad_mark);
	cs_land(&cs, over);

	got = stream_run(jobs, &cs);
	if (got < 0)
		return (int)got;
	if (got == good_mark)
		return 0;
	if (got != bad_mark)
		return -EIO;
	*bad = (uint64_t)*mem32(jobs, sync_at(SYNC_SLOT) + SYNC_PAGE) * PATTERN_PAGE;
	return -EILSEQ;
}

int jobs_check(struct jobs *jobs, const struct bo *bo, uint32_t seed, uint64_t *bad)
{
	uint32_t pages;
	int ret;

	for (uint32_t page = 0; page < bo->size / PATTERN_PAGE; page += pages) {
		pages = chunk_at(bo, page);
		ret = check_chunk(jobs, bo, seed, page, pages, bad);
		if (ret)
			return ret;
	}
	return 0;
}

static int staging_init(struct jobs *jobs)
{
	int ret;

	if (jobs->staging.map)
		return 0;

	ret = bo_create(jobs->gpu, &jobs->staging, CHUNK * PATTERN_PAGE, 0, jobs->vm);
	if (!ret)
		ret = bo_label(&jobs->staging, "staging");
	if (!ret)
		ret = bo_bind(&jobs->staging, jobs->vm);
	if (!ret)
		ret = bo_map(&jobs->staging);
	if (ret && jobs->staging.handle)
		bo_destroy(&jobs->staging);
	return ret;
}

static void emit_copy(struct cs *cs, uint64_t from, uint64_t to, uint32_t pages)
{
	size_t top;

	cs_move48(cs, R_FROM, from);
	cs_move48(cs, R_TO, to);
	cs_move32(cs, R_COUNT, pages);
	top = cs_here(cs);
	for (unsigned int line = 0; line < PATTERN_LINES; line++) {
		cs_load(cs, R_LINE, ALL_WORDS, R_FROM, line * PATTERN_LINE);
		cs_wait(cs, 1 << CS_SLOT_MEM);
		cs_store(cs, R_LINE, ALL_WORDS, R_TO, line * PATTERN_LINE);
		cs_wait(cs, 1 << CS_SLOT_MEM);
	}
	cs_add32(cs, R_FROM, R_FROM, PATTERN_PAGE);
	cs_add32(cs, R_TO, R_TO, PATTERN_PAGE);
	cs_add32(cs, R_COUNT, R_COUNT, -1);
	cs_branch_back(cs, CS_NE, R_COUNT, top);
}

static int read_chunk(struct jobs *jobs, const struct bo *bo, uint32_t seed, uint32_t first,
		      uint32_t pages, uint64_t *bad)
{
	uint32_t mark = done_mark(jobs->point + 1);
	size_t size = (size_t)pages * PATTERN_PAGE, good;
	struct cs cs;
	int ret;

	stream_begin(jobs, &cs);
	emit_copy(&cs, bo->va + (uint64_t)first * PATTERN_PAGE, jobs->staging.va, pages);
	emit_done(&cs, jobs, SYNC_SLOT, mark);
	ret = stream_run_to_mark(jobs, &cs, mark);
	if (ret)
		return ret;

	good = pattern_verify(jobs->staging.map, size, seed, first);
	if (good == size)
		return 0;
	*bad = (uint64_t)first * PATTERN_PAGE + good;
	return -EILSEQ;
}

int jobs_read(struct jobs *jobs, const struct bo *bo, uint32_t seed, uint64_t *bad)
{
	uint32_t pages;
	int ret;

	ret = staging_init(jobs);
	if (ret)
		return ret;

	for (uint32_t page = 0; page < bo->size / PATTERN_PAGE; page += pages) {
		pages = chunk_at(bo, page);
		memset(jobs->staging.map, 0, jobs->staging.size);
		ret = read_chunk(jobs, bo, seed, page, pages, bad);
		if (ret)
			return ret;
	}
	return 0;
}

static void emit_turns(struct cs *cs, uint32_t turns)
{
	size_t top;

	cs_move32(cs, R_COUNT, turns);
	top = cs_here(cs);
	cs_add32(cs, R_COUNT, R_COUNT, -1);
	cs_branch_back(cs, CS_NE, R_COUNT, top);
}

static int time_turns(struct jobs *jobs, uint32_t turns, int64_t *ns)
{
	uint32_t mark = done_mark(jobs->point + 1);
	struct cs cs;
	int ret;

	stream_begin(jobs, &cs);
	emit_turns(&cs, turns);
	emit_done(&cs, jobs, SYNC_SLOT, mark);
	*ns = dev_now();
	ret = stream_run_to_mark(jobs, &cs, mark);
	*ns = dev_now() - *ns;
	return ret;
}

int jobs_calibrate(struct jobs *jobs)
{
	const int64_t enough = 50 * 1000 * 1000;
	int64_t few_ns, many_ns;
	uint32_t turns = 1024;
	int ret;

	/*
	 * The first one wakes the GPU up; the second says what a job costs that does next to
	 * nothing
	 */
	ret = time_turns(jobs, 1, &few_ns);
	if (!ret)
		ret = time_turns(jobs, 1, &few_ns);

	while (!ret) {
		ret = time_turns(jobs, turns, &many_ns);
		if (ret || many_ns - few_ns >= enough || turns > UINT32_MAX / 4)
			break;
		turns *= many_ns - few_ns > enough / 8 ? 2 : 4;
	}
	if (ret)
		return ret;

	jobs->turn_ps = (uint64_t)(many_ns > few_ns ? many_ns - few_ns : 1) * 1000 / turns;
	if (!jobs->turn_ps)
		jobs->turn_ps = 1;
	return 0;
}

/* The slot of the next asynchronous job, once the job that had it before is through */
static int take_slot(struct jobs *jobs, unsigned int *slot)
{
	uint64_t point = jobs->point + 1;

	*slot = point % SLOTS;
	if (point <= SLOTS)
		return 0;

	return timeline_wait(jobs->gpu, jobs->timeline, point - SLOTS, dev_now() + JOB_PATIENCE);
}

static void slot_begin(struct jobs *jobs, struct cs *cs, unsigned int slot)
{
	*mem32(jobs, sync_at(slot)) = 0;
	cs_init(cs, (char *)jobs->mem.map + (size_t)slot * SLOT_SIZE, SLOT_SIZE);
}

static int slot_submit(struct jobs *jobs, struct cs *cs, unsigned int slot)
{
	emit_done(cs, jobs, slot, done_mark(jobs->point + 1));
	if (cs_overflow(cs))
		return -ENOSPC;

	return submit(jobs, (size_t)slot * SLOT_SIZE, cs);
}

static int spin_piece(struct jobs *jobs, uint32_t us, uint64_t touch)
{
	unsigned int slot;
	uint64_t turns;
	struct cs cs;
	int ret;

	ret = take_slot(jobs, &slot);
	if (ret)
		return ret;

	slot_begin(jobs, &cs, slot);
	if (touch) {
		cs_move48(&cs, R_FROM, touch);
		cs_load(&cs, R_LINE, 1, R_FROM, 0);
		cs_wait(&cs, 1 << CS_SLOT_MEM);
	}
	turns = us ? us * 1000000ULL / jobs->turn_ps : 0;
	if (turns)
		emit_turns(&cs, turns < UINT32_MAX ? (uint32_t)turns : UINT32_MAX);
	return slot_submit(jobs, &cs, slot);
}

int jobs_spin(struct jobs *jobs, uint32_t us, uint64_t touch)
{
	int ret = 0;

	if (us > JOB_MAX_US)
		return -EINVAL;
	if (us && !jobs->turn_ps)
		ret = jobs_calibrate(jobs);

	for (; !ret && us > JOB_PIECE_US; us -= JOB_PIECE_US, touch = 0)
		ret = spin_piece(jobs, JOB_PIECE_US, touch);
	return ret ? ret : spin_piece(jobs, us, touch);
}

/* A job that ends when the gate, the point of the last job that may, has come to it */
static int submit_gated(struct jobs *jobs)
{
	unsigned int slot;
	struct cs cs;
	size_t top;
	int ret;

	ret = take_slot(jobs, &slot);
	if (ret)
		return ret;

	slot_begin(jobs, &cs, slot);
	cs_move48(&cs, R_FROM, jobs->mem.va + GATE_AT);
	top = cs_here(&cs);
	cs_load(&cs, R_DATA, 1, R_FROM, 0);
	cs_wait(&cs, 1 << CS_SLOT_MEM);
	cs_add32(&cs, R_DATA, R_DATA, -(uint32_t)(jobs->point + 1));
	cs_branch_back(&cs, CS_LT, R_DATA, top);
	return slot_submit(jobs, &cs, slot);
}

static bool told_to_open(struct jobs *jobs)
{
	int64_t end = dev_now() + GATE_TURN;
	struct timespec ts = { .tv_sec = end / DEV_NSEC, .tv_nsec = end % DEV_NSEC };

	return !sem_clockwait(&jobs->open, CLOCK_MONOTONIC, &ts);
}

/* Whoever waits for the last job sees it fail, too */
static void *keep_gate(void *arg)
{
	struct jobs *jobs = arg;
	int ret = 0;

	while (!ret && !told_to_open(jobs)) {
		ret = submit_gated(jobs);
		++*mem32(jobs, GATE_AT);
	}
	return NULL;
}

int jobs_gate(struct jobs *jobs)
{
	int ret = 0;

	*mem32(jobs, GATE_AT) = (uint32_t)jobs->point;
	for (int i = 0; i < GATE_JOBS && !ret; i++)
		ret = submit_gated(jobs);
	if (!ret) {
		sem_init(&jobs->open, 0, 0);
		ret = -pthread_create(&jobs->gatekeeper, NULL, keep_gate, jobs);
	}
	jobs->gated = !ret;
	if (ret)
		*mem32(jobs, GATE_AT) = (uint32_t)jobs->point;
	return ret;
}

void jobs_open_gate(struct jobs *jobs)
{
	if (!jobs->gated)
		return;
	sem_post(&jobs->open);
	pthread_join(jobs->gatekeeper, NULL);
	sem_destroy(&jobs->open);
	jobs->gated = false;
	*mem32(jobs, GATE_AT) = (uint32_t)jobs->point;
}

int jobs_wait(struct jobs *jobs, uint64_t point, int64_t deadline)
{
	int ret = timeline_wait(jobs->gpu, jobs->timeline, point, deadline);

	/* A slot that a later job has taken over tells nothing any more */
	if (ret || jobs->point - point >= SLOTS)
		return ret;

	return *mem32(jobs, sync_at(point % SLOTS)) == done_mark(point) ? 0 : -EIO;
}

void *jobs_await_end(void *arg)
{
	struct job_end *end = arg;

	end->ret = jobs_wait(end->jobs, end->jobs->point, dev_now() + JOB_PATIENCE);
	end->at = dev_now();
	return NULL;
}
