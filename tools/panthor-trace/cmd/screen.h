/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Main loop of a program that updates periodically: signals and keys as events,
 * and a terminal that is restored in all cases.
 */
#ifndef PANTHOR_TRACE_SCREEN_H
#define PANTHOR_TRACE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum screen_event {
	SCREEN_TIME, /* the time is over */
	SCREEN_REDRAW, /* another size, or back from being stopped */
	SCREEN_END, /* a signal, or the reader closed the pipe */
	SCREEN_UP = 0x100, /* keys; the others are their characters */
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_LAST,
};

/*
 * From now on signals are events. @full: take the terminal, its other screen
 * and its keys, if standard input and output are one.
 * Returns false if the terminal cannot be had.
 */
bool screen_start(bool full);
/* True if screen_start() took the terminal */
bool screen_is_full(void);
void screen_size(size_t *rows, size_t *columns);
/* Fills the screen with the lines of @text, cut to its size. */
void screen_show(const char *text);
/* The next event, SCREEN_TIME at @deadline_ns of CLOCK_MONOTONIC */
int screen_wait(uint64_t deadline_ns);
void screen_end(void);

#endif
