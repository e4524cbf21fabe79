/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The running kernel: its reclaim events through a trace instance of our own,
 * that nobody else's tracing notices, and the driver's files.
 */
#ifndef PANTHOR_TRACE_LIVE_H
#define PANTHOR_TRACE_LIVE_H

#include "events.h"

struct live;

/* Prints what is missing and returns NULL. @names is kept up to date and must outlive it. */
struct live *live_open(struct pt_names *names);
/* What happened since the last call, in the order of time */
int live_poll(struct live *live, void (*event)(void *context, const struct pt_event *ev),
	      void (*lost)(void *context, uint64_t count), void *context);
void live_close(struct live *live);

/*
 * Path of the device's mem_reclaim, to be freed. @device may be NULL if there
 * is only one. Prints what is wrong.
 */
char *live_reclaim_file(const char *device);
/* Why tracing does not work here, or NULL if it does */
const char *live_problem(void);

#endif
