/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every number that a user types is read here: the whole text, in range, and
 * exact. What would have to be rounded is refused.
 */
#ifndef PANTHOR_TRACE_NUMBER_H
#define PANTHOR_TRACE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_SEC 1000000000ULL

/* Plain digits, or 0x and hexadecimal ones */
bool parse_count(const char *text, size_t len, uint64_t *value);
/* The same with a sign */
bool parse_signed(const char *text, size_t len, int64_t *value);
/* "100.5", "100.5s": a point in time, in seconds as the trace has them */
bool parse_seconds(const char *text, size_t len, uint64_t *ns);
/* "3ms", "1.5 s"; without a unit: ns */
bool parse_ns(const char *text, size_t len, uint64_t *ns);
/* "4MiB", "4096" */
bool parse_bytes(const char *text, size_t len, uint64_t *bytes);
/* "12.5", "12.5%": in thousandths */
bool parse_percent(const char *text, size_t len, uint64_t *permille);

#endif
