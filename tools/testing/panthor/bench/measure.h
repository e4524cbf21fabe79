/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Samples, and how they leave the guest: one JSON object a line, which ./bench makes a table of.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "peer.h"

#define MAX_SAMPLES 64

struct series {
	double value[MAX_SAMPLES];
	int nr;
	/* Of a ratio: least by least, which the machine's noise touches least */
	double best;
};

void series_add(struct series *series, double value);
/* a[i] / b[i]: what was measured next to each other is compared with each other */
struct series series_ratio(const struct series *a, const struct series *b);

/*
 * One line of the table. @parameter: what @name was measured at ("" if there is one only); @goal: a
 * number that the median must not exceed, 0 if there is none; @format: what the figure means
 */
void emit(const char *name, const char *parameter, const char *unit, double goal,
	  const struct series *series, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

extern int repetitions;
double ms_since(int64_t start);
/* Keep this CPU as busy as a request does */
void spin_ms(double ms);

/* What a write for @tgid takes, in milliseconds; it must succeed */
double timed_reclaim(pid_t tgid);
/* The same by one thread: a niced requester has no workers */
double timed_reclaim_alone(pid_t tgid);
/* The same where it may be too busy: 0 or a negative errno */
int try_reclaim(pid_t tgid, double *ms);
/* A client in this process, filled, and used by a job */
void start_client(struct client *client, unsigned int bos, uint64_t size);
/* New data in it, on the GPU again */
void use_client(struct client *client);
/* The same for another process */
void use_peer(struct peer *peer);

/* The numbers in a comma separated list of the environment, or what it is without */
int numbers(const char *name, const char *otherwise, long *to, int max);

/* cost.c: against other ways to take memory */
void bench_pageout(void);
void bench_shrink(void);
void bench_memcg(void);
void bench_return(void);
/* scale.c: how it grows, and whom it holds up */
void bench_find(void);
void bench_writers(void);
void bench_bos(void);
void bench_disk(void);
void bench_job(void);
void bench_open(void);
/* cpus.c: on several CPUs */
void bench_cpus(void);
void bench_cputime(void);
/* core.c: what the core promises */
void bench_device(void);
void bench_kinds(void);
void bench_idle(void);
void bench_submit(void);
/* manager.c: what a resource manager does */
void bench_fdinfo(void);
void bench_amount(void);
void bench_populate(void);
void bench_claim(void);
/* events.c: what looking costs */
void bench_events(void);
void bench_evict(void);

#endif
