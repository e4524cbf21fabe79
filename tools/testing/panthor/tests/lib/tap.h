/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TAP, as far as these tests need it, and the watch over the kernel's log: a test during which the
 * kernel complains has failed, whatever it saw itself.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>

#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* First thing in main(): starts the watch, too */
void tap_start(void);
/* A promise; returns whether it was kept */
bool ok(bool kept, const char *promise, ...) printf_like(2, 3);
/*
 * A promise that jobs end well. The driver gives up on a GPU that takes longer than 100 ms to
 * change its mind, and on a job that takes longer than 5 s; a simulated one may do that on a busy
 * machine
 */
bool ok_jobs(bool kept, const char *promise, ...) printf_like(2, 3);
/* A promise that cannot be tried here, and why */
void skip(const char *why, const char *promise, ...) printf_like(2, 3);
/* What a reader needs to know about the last promise */
void diag(const char *text, ...) printf_like(1, 2);
/* The test itself cannot go on */
void bail(const char *why, ...) printf_like(1, 2) __attribute__((noreturn));
/* Bails out if @ret is a negative errno: "cannot WHAT: reason" */
void need(int ret, const char *what);
/* Prints the plan; the exit status of main() */
int tap_end(void);

/*
 * A number from the environment, or what it is without: how long soak runs take is no business of
 * the test
 */
long knob(const char *name, long otherwise);

/* Did the kernel complain since tap_start() or the last call? Prints what it said */
bool kernel_complained(void);
/* Did the driver give up on the GPU since tap_start()? */
bool gpu_too_slow(void);

#endif
