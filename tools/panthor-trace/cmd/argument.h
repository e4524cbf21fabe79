/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_ARGUMENT_H
#define PANTHOR_TRACE_ARGUMENT_H

#include <stdint.h>

/*
 * The argument of an option, or a usage error that says what was expected. A time
 * without a unit is in seconds, as in sleep(1) and top(1).
 */
uint64_t want_number(const char *option, const char *arg, uint64_t min, uint64_t max);
uint64_t want_time(const char *option, const char *arg, uint64_t min_ns, uint64_t max_ns);
int64_t want_pid(const char *option, const char *arg);

#endif
