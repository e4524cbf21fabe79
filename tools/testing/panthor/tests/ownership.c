// SPDX-License-Identifier: GPL-2.0
/*
 * What belongs to the target: a buffer for each way in which the target, a second file of it and
 * another process can have a part in one, a single write for all of them, and the rules of the ABI
 * on who loses what. Then the others let go, and a second write takes what is left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev.h"
#include "party.h"
#include "pattern.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define SIZE 4096

enum mapping {
	UNMAPPED,
	OWN_VM,
	OWN_VMS, /* of one file */
	OWN_FILES_VMS, /* one of each file */
	FOREIGN_VM,
	OWN_AND_FOREIGN_VM,
	MAPPINGS
};

static const char *const mapping_names[MAPPINGS] = {
	[UNMAPPED] = "mapped by none",
	[OWN_VM] = "mapped by one own VM",
	[OWN_VMS] = "mapped by two own VMs",
	[OWN_FILES_VMS] = "mapped by VMs of two own files",
	[FOREIGN_VM] = "mapped by a foreign VM",
	[OWN_AND_FOREIGN_VM] = "mapped by an own VM and a foreign one",
};

/* Files, and which of them have a handle: a set. Two are the target's */
enum file { OWN_FILE, SECOND_FILE, FOREIGN_FILE, FILES };

#define OWN (1 << OWN_FILE)
#define SECOND (1 << SECOND_FILE)
#define FOREIGN (1 << FOREIGN_FILE)
#define HANDLE_SETS (1 << FILES)

/*
 * What is left of a dma-buf, besides handles. Without one, files have got their handles by name
 */
enum export { NOT_EXPORTED, FD_OPEN, FD_CLOSED, DMABUF_MMAPPED, EXPORTS };

static const char *const export_names[EXPORTS] = {
	[NOT_EXPORTED] = "not exported",
	[FD_OPEN] = "exported, fd open",
	[FD_CLOSED] = "exported, fd closed",
	[DMABUF_MMAPPED] = "dma-buf mmapped, fd closed",
};

/* @fd, @dmabuf: the dma-buf in our own hands, -1 and NULL if it is not */
struct row {
	enum file creator;
	bool exclusive;
	enum mapping mapping;
	unsigned int handles;
	enum export export;
	int fd;
	void *dmabuf;
};

enum outcome {
	IS_EVICTED,
	SHARED, /* skipped with this reason */
	NOT_TOLD, /* none of the target's business: nothing happens to it, and no event tells */
	OTHER
};

static const char *const outcome_names[] = {
	[IS_EVICTED] = "evicted",
	[SHARED] = "skipped as shared",
	[NOT_TOLD] = "not told",
	[OTHER] = "something else",
};

static struct row rows[PARTY_BOS];
static unsigned int nr_rows;
static struct party *parties[FILES];

/* Files with a VM that maps the buffer, a set */
static unsigned int files_mapping(const struct row *row)
{
	static const unsigned int files[MAPPINGS] = {
		[OWN_VM] = OWN,
		[OWN_VMS] = OWN,
		[OWN_FILES_VMS] = OWN | SECOND,
		[FOREIGN_VM] = FOREIGN,
		[OWN_AND_FOREIGN_VM] = OWN | FOREIGN,
	};

	return files[row->mapping];
}

/* The rules, and nothing else */
static enum outcome by_the_rules(const struct row *row)
{
	bool handles_are_own = !(row->handles & FOREIGN);
	bool nobody_has_dmabuf = row->export == NOT_EXPORTED || row->export == FD_CLOSED;
	bool vms_are_own = !(files_mapping(row) & FOREIGN);

	if (handles_are_own && nobody_has_dmabuf && vms_are_own)
		return IS_EVICTED;
	return (row->handles | files_mapping(row)) & (OWN | SECOND) ? SHARED : NOT_TOLD;
}

static bool can_exist(const struct row *row)
{
	bool held = row->handles || row->mapping != UNMAPPED || row->export == FD_OPEN ||
		    row->export == DMABUF_MMAPPED;
	enum mapping only = row->creator == FOREIGN_FILE ? FOREIGN_VM : OWN_VM;

	/* The driver exports no exclusive buffer, and binds it to no second VM */
	if (row->exclusive &&
	    (row->export != NOT_EXPORTED || (row->mapping != UNMAPPED && row->mapping != only)))
		return false;
	return held;
}

static void add_rows(enum file creator, bool exclusive, enum mapping mapping)
{
	for (unsigned int handles = 0; handles < HANDLE_SETS; handles++)
		for (enum export state = 0; state < EXPORTS; state++) {
			struct row row = {
				.creator = creator,
				.exclusive = exclusive,
				.mapping = mapping,
				.handles = handles,
				.export = state,
				.fd = -1,
			};

			if (can_exist(&row))
				rows[nr_rows++] = row;
		}
}

static void make_table(void)
{
	for (int creator = 0; creator < FILES; creator += FOREIGN_FILE)
		for (int exclusive = 1; exclusive >= 0; exclusive--)
			for (enum mapping mapping = 0; mapping < MAPPINGS; mapping++)
				add_rows(creator, exclusive, mapping);
}

static int hand_over(const struct row *row, unsigned int bo, enum file to)
{
	if (row->fd >= 0)
		return party_import(parties[to], bo, row->fd, SIZE);
	return party_pass(parties[row->creator], parties[to], bo);
}

static int bind_all(const struct row *row, unsigned int bo)
{
	unsigned int files = files_mapping(row);
	int ret = 0;

	for (enum file file = 0; file < FILES && !ret; file++)
		if (files & 1 << file)
			ret = party_bind(parties[file], bo, 0);
	if (!ret && row->mapping == OWN_VMS)
		ret = party_bind(parties[OWN_FILE], bo, 1);
	return ret;
}

/* The creator's mapping by the CPU stays in all rows: it says nothing about who has a part */
static int set_up(struct row *row, unsigned int bo)
{
	unsigned int needed = row->handles | files_mapping(row);
	struct party *creator = parties[row->creator];
	char label[32];
	int ret;

	snprintf(label, sizeof(label), "row %u", bo);
	ret = party_create(creator, bo, SIZE, row->exclusive, label);
	if (!ret)
		ret = party_fill(creator, bo);
	if (!ret && row->export != NOT_EXPORTED) {
		row->fd = party_export(creator, bo);
		ret = row->fd < 0 ? row->fd : 0;
	}
	for (enum file file = 0; file < FILES && !ret; file++)
		if (file != row->creator && needed & 1 << file)
			ret = hand_over(row, bo, file);
	if (!ret)
		ret = bind_all(row, bo);
	if (!ret && row->export == DMABUF_MMAPPED) {
		row->dmabuf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, row->fd, 0);
		ret = row->dmabuf == MAP_FAILED ? -errno : 0;
	}
	if (row->fd >= 0 && row->export != FD_OPEN) {
		close(row->fd);
		row->fd = -1;
	}
	for (enum file file = 0; file < FILES; file++)
		if (!(row->handles & 1 << file))
			party_close(parties[file], bo);
	return ret;
}

static void describe(const struct row *row, char *text, size_t size)
{
	snprintf(text, size, "created by %s, %s, %s, handles:%s%s%s%s, %s",
		 row->creator == FOREIGN_FILE ? "another" : "the target",
		 row->exclusive ? "exclusive" : "not exclusive", mapping_names[row->mapping],
		 row->handles ? "" : " none", row->handles & OWN ? " own" : "",
		 row->handles & SECOND ? " second" : "", row->handles & FOREIGN ? " foreign" : "",
		 export_names[row->export]);
}

static void set_up_all(void)
{
	char text[256];

	for (unsigned int i = 0; i < nr_rows; i++) {
		int ret = set_up(&rows[i], i);

		if (!ret)
			continue;
		describe(&rows[i], text, sizeof(text));
		bail("%s: cannot be set up: %s", text, strerror(-ret));
	}
}

/* The row that an event is about, or -1 */
static int event_row(const struct event *event)
{
	const char *label = strstr(event->text, " label=row ");

	return label ? atoi(label + strlen(" label=row ")) : -1;
}

static enum outcome event_outcome(const struct event *event)
{
	if (event_is(event, "panthor_bo_evict"))
		return IS_EVICTED;
	return event_says(event, "reason", "shared") ? SHARED : OTHER;
}

/* One write; what the events say of each row */
static void write_once(enum outcome *said)
{
	struct trace *trace =
		trace_start("panthor:panthor_bo_evict", "panthor:panthor_bo_evict_skip", NULL);
	int ret = reclaim(getpid());

	trace_stop(trace);
	ok(!ret && !trace->lost, "a write succeeds, no event of it is lost (%d)", ret);
	for (unsigned int i = 0; i < nr_rows; i++)
		said[i] = NOT_TOLD;
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];
		int row = event_row(event);

		if (row < 0)
			continue;
		/* Told twice is wrong whatever it says */
		said[row] = said[row] == NOT_TOLD ? event_outcome(event) : OTHER;
		if (said[row] == OTHER)
			diag("%s:%s", event->name, event->text);
	}
	trace_free(trace);
}

/* The driver's own count of the evictions of each row, -1 where the buffer is gone */
static void count_evictions(int *evictions)
{
	struct gem *list;
	int count = gems(0, &list), row;

	for (unsigned int i = 0; i < nr_rows; i++)
		evictions[i] = -1;
	for (int i = 0; i < count; i++)
		if (sscanf(list[i].label, "row %d", &row) == 1)
			evictions[row] = list[i].evictions;
	free(list);
}

/* Who created a buffer may be told that it is shared by now, even if no part of it is left */
static bool right(const struct row *row, enum outcome want, enum outcome said)
{
	return said == want || (want == NOT_TOLD && said == SHARED && row->creator != FOREIGN_FILE);
}

static bool fails(const struct row *row, enum outcome want, enum outcome said, bool evicted)
{
	bool want_evicted = want == IS_EVICTED;
	char text[256];

	if (right(row, want, said) && evicted == want_evicted)
		return false;
	describe(row, text, sizeof(text));
	diag("%s: %s, expected: %s%s", text, outcome_names[said], outcome_names[want],
	     evicted == (said == IS_EVICTED) ? "" : "; the driver's own count says otherwise");
	return true;
}

static bool same_group(const struct row *a, const struct row *b)
{
	return a->creator == b->creator && a->exclusive == b->exclusive && a->mapping == b->mapping;
}

/* A line for each creator, kind and mapping: rows of a group are side by side */
static void test_rules(void)
{
	static int before[PARTY_BOS], after[PARTY_BOS];
	static enum outcome said[PARTY_BOS];
	unsigned int first, next;
	int bad;

	count_evictions(before);
	write_once(said);
	count_evictions(after);
	for (first = 0; first < nr_rows; first = next) {
		bad = 0;
		for (next = first; next < nr_rows && same_group(&rows[first], &rows[next]); next++)
			bad += fails(&rows[next], by_the_rules(&rows[next]), said[next],
				     after[next] != before[next]);
		ok(!bad, "created by %s, %s, %s: evicted by the rules in %u cases",
		   rows[first].creator == FOREIGN_FILE ? "another" : "the target",
		   rows[first].exclusive ? "exclusive" : "not exclusive",
		   mapping_names[rows[first].mapping], next - first);
	}
}

/* Through each VM of the files in @files that maps it */
static int check_row(const struct row *row, unsigned int bo, unsigned int files)
{
	int ret = 0;

	for (enum file file = 0; file < FILES && !ret; file++)
		if (files_mapping(row) & files & 1 << file)
			ret = party_check(parties[file], bo, 0);
	if (!ret && row->mapping == OWN_VMS)
		ret = party_check(parties[OWN_FILE], bo, 1);
	return ret;
}

static void test_bytes(unsigned int files, const char *when)
{
	int by_cpu = 0, by_gpu = 0;
	char text[256];

	for (unsigned int i = 0; i < nr_rows; i++) {
		const struct row *row = &rows[i];
		int cpu = 0, gpu = check_row(row, i, files);

		if (files & 1 << row->creator)
			cpu = party_verify(parties[row->creator], i);
		if (row->dmabuf && pattern_verify(row->dmabuf, SIZE, i + 1, 0) != SIZE)
			cpu = -EILSEQ;
		by_cpu += cpu != 0;
		by_gpu += gpu != 0;
		if (!cpu && !gpu)
			continue;
		describe(row, text, sizeof(text));
		diag("%s: CPU: %s, GPU: %s", text, strerror(-cpu), strerror(-gpu));
	}
	ok(!by_cpu, "%s: the data is intact, read by the CPU", when);
	ok_jobs(!by_gpu, "%s: and for the GPU, by way of each VM", when);
}

/* The other process is gone, and no dma-buf is left: who still has a part is the target alone */
static void test_let_go(void)
{
	static enum outcome said[PARTY_BOS];
	int bad = 0, left = 0;
	char text[256];

	party_end(parties[FOREIGN_FILE]);
	for (unsigned int i = 0; i < nr_rows; i++) {
		if (rows[i].fd >= 0)
			close(rows[i].fd);
		if (rows[i].dmabuf)
			munmap(rows[i].dmabuf, SIZE);
		rows[i].dmabuf = NULL;
	}
	write_once(said);
	for (unsigned int i = 0; i < nr_rows; i++) {
		const struct row *row = &rows[i];

		if (!((row->handles | files_mapping(row)) & (OWN | SECOND)))
			continue;
		left++;
		if (said[i] == IS_EVICTED)
			continue;
		bad++;
		describe(row, text, sizeof(text));
		diag("%s: %s", text, outcome_names[said[i]]);
	}
	ok(left > 0 && !bad,
	   "once all others have closed them, the %d BOs of the target are evicted", left);
	test_bytes(OWN | SECOND, "all others have let go");
}

/*
 * What a process without any privilege could do to another: create a buffer, have the other import
 * and bind it, close its own handle, and reclaim itself
 */
static void test_given_away(void)
{
	struct party *giver = party_fork(NULL, 1), *taker = party_fork(NULL, 1);
	struct gem_sum sum;
	int fd, ret;

	ret = party_create(giver, 0, SIZE, false, "given away");
	if (!ret)
		ret = party_fill(giver, 0);
	fd = party_export(giver, 0);
	if (ret || fd < 0 || party_import(taker, 0, fd, SIZE) || party_bind(taker, 0, 0))
		bail("cannot give a buffer away");
	close(fd);
	party_close(taker, 0);
	party_unmap(giver, 0);
	party_close(giver, 0);
	ret = party_reclaim_self(giver);
	sum = gem_sum(0, "given away");
	ok(!ret && sum.bos == 1 && !sum.evictions,
	   "a process that gave a buffer away cannot evict it (%d, %llu evictions)", ret,
	   (unsigned long long)sum.evictions);
	ok(!party_check(taker, 0, 0), "its data is intact");
	party_end(taker);
	party_end(giver);
}

int main(void)
{
	char card[64];
	struct gpu gpu;

	tap_start();
	/* Names are for card nodes */
	if (gpu_open(&gpu, NULL) || gpu_node(&gpu, true, card, sizeof(card)))
		bail("no card node");
	gpu_close(&gpu);
	test_given_away();
	parties[FOREIGN_FILE] = party_fork(card, 1);
	parties[OWN_FILE] = party_open(card, 2);
	parties[SECOND_FILE] = party_open(card, 1);

	make_table();
	set_up_all();
	diag("%u combinations", nr_rows);
	test_rules();
	test_bytes(OWN | SECOND | FOREIGN, "afterwards");
	test_let_go();
	party_end(parties[SECOND_FILE]);
	party_end(parties[OWN_FILE]);
	return tap_end();
}
