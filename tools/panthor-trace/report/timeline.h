/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is drawn where, for formats that are timelines: rows become slices on
 * tracks, names of processes and threads, and counters. A format is a painter
 * that writes these down.
 *
 * Rows come as requests end, so slices are not in the order of time; readers
 * sort them. Slices of one track never overlap, unless one lies within the
 * other. Counters are in the order of time.
 */
#ifndef PANTHOR_TRACE_TIMELINE_H
#define PANTHOR_TRACE_TIMELINE_H

#include "report/sink.h"

enum track_kind {
	TRACK_THREAD, /* what a thread did: requests, BOs, swap-ins */
	TRACK_WRITES, /* what it wrote to swap meanwhile */
	TRACK_VM, /* what it did to one VM of a process */
};

/**
 * struct track - where slices are drawn
 * @pid: process that it belongs to
 * @tid: thread; of TRACK_VM the requester's: a VM may have several at a time
 * @client, @vm: TRACK_VM only
 * @lane: TRACK_WRITES only: of the writes at the same time
 */
struct track {
	enum track_kind kind;
	int64_t pid;
	int64_t tid;
	uint64_t client;
	uint64_t vm;
	uint64_t lane;
};

/**
 * struct slice - something that took time
 * @flow: an arrow leads from the slice that begins it to the one that ends it; 0: none
 * @row: the details, of @table; NULL: another slice has them
 */
struct slice {
	struct track track;
	const char *name;
	const char *category;
	uint64_t from;
	uint64_t to;
	uint64_t flow;
	bool ends_flow;
	const struct table *table;
	const struct cell *row;
};

/* A client's memory at a point in time */
struct memory {
	uint64_t ts;
	int64_t pid;
	uint64_t client;
	uint64_t evicted;
	uint64_t resident;
	bool resident_known;
};

/**
 * struct painter - how a format writes it down
 * @process, @thread: called once for each, before it is used; @name is "" if not known
 */
struct painter {
	void (*process)(struct sink *sink, int64_t pid, const char *name);
	void (*thread)(struct sink *sink, int64_t pid, int64_t tid, const char *name);
	void (*slice)(struct sink *sink, const struct slice *slice);
	void (*memory)(struct sink *sink, const struct memory *memory);
};

struct timeline;

struct timeline *timeline_new(struct sink *sink, const struct painter *painter);
void timeline_row(struct timeline *tl, const struct table *table, const struct cell *row);
/* Paints what was held back, and frees it */
void timeline_end(struct timeline *tl);

/* What a row says of a client's memory */
struct change {
	uint64_t ts;
	uint64_t serial; /* private: of changes at the same time */
	uint64_t client;
	uint64_t vm;
	int64_t pid;
	uint64_t size;
	enum { SEEN, EVICTED, SWAPPED_IN } what;
};

struct counters;

struct counters *counters_new(void (*paint)(void *context, const struct memory *memory),
			      void *context);
void counters_add(struct counters *counters, struct change change);
/* Paints the changes that were held back, and frees it */
void counters_end(struct counters *counters);

#endif
