/* SPDX-License-Identifier: GPL-2.0 */
/* --filter: "duration_ns>100ms,source=sysfs" on the rows of a table. */
#ifndef PANTHOR_TRACE_FILTER_H
#define PANTHOR_TRACE_FILTER_H

#include "table.h"

#define FILTER_HELP "TERM[,TERM…]: FIELD, one of = != < <= > >= ~ (contains), VALUE with unit"

struct filter;

/*
 * Terms may speak of either table's fields; a name that both have is of the
 * first. Prints what is wrong and returns NULL. The tables are only looked at
 * for their columns.
 */
struct filter *filter_parse(const char *text, const struct table *first,
			    const struct table *second);
bool filter_match(const struct filter *filter, int which, const struct cell *row);
bool filter_speaks_of(const struct filter *filter, int which);
void filter_free(struct filter *filter);

/* "100.5" seconds, "3ms": to ns; "4MiB", "4096": to bytes. False if it is no such thing. */
bool parse_seconds(const char *text, size_t len, uint64_t *ns);
bool parse_ns(const char *text, size_t len, uint64_t *ns);
bool parse_bytes(const char *text, size_t len, uint64_t *bytes);

#endif
