/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_PAGER_H
#define PANTHOR_TRACE_PAGER_H

#include <stdbool.h>

/*
 * From now on standard output, if that is a terminal, goes through $PAGER or
 * less, until the program ends; so do errors that would go to the same screen.
 */
void pager_start(void);
bool pager_runs(void);

#endif
