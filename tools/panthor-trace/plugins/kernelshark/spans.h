/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * What to draw of one trace in KernelShark: requests, evictions, skips, writes
 * and swap-ins of BOs. KernelShark loads one CPU after the other, so events are
 * not in order of time; nothing here depends on it.
 */
#ifndef PANTHOR_TRACE_KERNELSHARK_SPANS_H
#define PANTHOR_TRACE_KERNELSHARK_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kshark_entry;
struct kshark_cpp_argv;
struct tep_event;
struct tep_handle;
struct tep_record;

/* From one entry to another: KernelShark may move their times, so no copies of these are kept. */
struct extent {
	const struct kshark_entry *first;
	const struct kshark_entry *last;
};

/**
 * struct shark_request - one request
 * @pid: thread that it ran in
 * @begun: its begin event was seen
 * @ended: its end event was seen
 * @failed: it ended with an error
 * @duration_ns: what its end event says
 * @whole: its first and its last event
 * @nr_cpus: number of @cpu
 * @cpu: the same for each CPU that it was seen on
 */
struct shark_request {
	int pid;
	bool begun;
	bool ended;
	bool failed;
	int64_t duration_ns;
	struct extent whole;
	size_t nr_cpus;
	struct extent *cpu;
};

enum shark_what { SHARK_EVICT, SHARK_SKIP, SHARK_WRITEBACK, SHARK_SWAPIN, NR_SHARK };

/* One event of a BO: a point in time, or the end of @duration_ns */
struct shark_bo {
	enum shark_what what;
	int64_t duration_ns;
	const struct kshark_entry *entry;
};

struct shark;

struct shark *shark_new(struct tep_handle *tep);
void shark_free(struct shark *shark);
/* Id of one of our events (enum pt_kind), -1 if the trace does not have it */
int shark_event_id(const struct shark *shark, int kind);
void shark_feed(struct shark *shark, const struct kshark_entry *entry,
		const struct tep_record *record);
const struct shark_request *shark_requests(const struct shark *shark, size_t *nr);
const struct shark_bo *shark_bos(const struct shark *shark, size_t *nr);

/* draw.cpp */
void shark_draw(struct kshark_cpp_argv *argv, const struct shark *shark, int sd, int val,
		int action);
void shark_set_window(void *window);

#ifdef __cplusplus
}
#endif

#endif
