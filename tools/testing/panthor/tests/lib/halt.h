/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stop a thread where it enters a function of the kernel, and do something else before it goes on:
 * what two threads seldom do at the same time they do each time.
 *
 * A kprobe wakes a thread of the highest priority on the same CPU, which keeps that CPU busy. No
 * lock may be held there that is needed meanwhile.
 */
#ifndef TESTS_HALT_H
#define TESTS_HALT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/**
 * struct halt - A thread that is stopped at a function
 * @function: the function
 * @main: what the thread does, with @arg
 * @thread: the thread
 * @guard: who keeps its CPU busy
 * @tid: the thread's ID
 * @known: posted when @tid is known
 * @waits: posted when @guard waits for it
 * @start: posted when it may start
 * @reached: posted when it stands, or did not come there
 * @go_on: it may go on
 * @stood: it stood until it was told to go on
 */
struct halt {
	const char *function;
	void (*main)(void *arg);
	void *arg;
	pthread_t thread;
	pthread_t guard;
	pid_t tid;
	sem_t known;
	sem_t waits;
	sem_t start;
	sem_t reached;
	atomic_bool go_on;
	bool stood;
};

/* Can it be done here? If not, why not */
const char *halt_missing(void);
/* Have another thread call @main, until it enters @function. Bails out */
void halt_start(struct halt *halt, const char *function, void (*main)(void *arg), void *arg);
/* Let it go on, and wait for its end. Did it stand at @function all the time? */
bool halt_end(struct halt *halt);

#endif
