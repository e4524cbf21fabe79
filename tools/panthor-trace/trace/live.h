/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The running kernel: its reclaim events through a trace instance of its
 * own, which does not affect other tracing, and the driver's files.
 */
#ifndef PANTHOR_TRACE_LIVE_H
#define PANTHOR_TRACE_LIVE_H

#include <sys/types.h>

#include "model/events.h"

struct tracefs_instance;
struct live;

/*
 * A trace instance that ends with this process: what processes that exited
 * left behind is removed by the next call. Prints what is wrong and returns NULL.
 */
struct tracefs_instance *instance_new(void);
void instance_free(struct tracefs_instance *instance);

/* Prints what is missing and returns NULL. @names is kept up to date and must outlive it. */
struct live *live_open(struct pt_names *names);
/* Empty the kernel's buffers. Another thread may do this while live_poll() is not called. */
void live_drain(struct live *live);
/* What happened since the last call, in the order of time */
void live_poll(struct live *live, void (*event)(void *context, const struct pt_event *ev),
	       void (*lost)(void *context, uint64_t count), void *context);
/*
 * This thread, as events name it: in a PID namespace that is not gettid().
 * Known after it called live_poll().
 */
pid_t live_tid(const struct live *live);
void live_close(struct live *live);

/*
 * Path of the device's mem_reclaim, to be freed. @device may be NULL if there
 * is only one. Prints what is wrong.
 */
char *live_reclaim_file(const char *device);
/* Why tracing does not work here, or NULL if it does */
const char *live_problem(void);

#endif
