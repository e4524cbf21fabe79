/* SPDX-License-Identifier: GPL-2.0 */
/* --filter: "duration_ns>100ms,source=sysfs" on the rows of a table. */
#ifndef PANTHOR_TRACE_FILTER_H
#define PANTHOR_TRACE_FILTER_H

#include "report/number.h"
#include "report/table.h"

struct filter;

/*
 * Terms may speak of either table's fields; a name that both have is of the
 * first. Prints what is wrong and returns NULL. The tables are only looked at
 * for their columns.
 */
struct filter *filter_parse(const char *text, const struct table *first,
			    const struct table *second);
/*
 * Are the words in it such as the trace may hold, and its timestamps those of a clock that counts
 * seconds? Known only when the trace is open. Prints which one is not, and returns false.
 */
bool filter_check(const struct filter *filter, const struct doc *doc, const struct pt_names *names);
bool filter_match(const struct filter *filter, int which, const struct cell *row);
bool filter_speaks_of(const struct filter *filter, int which);
void filter_free(struct filter *filter);

#endif
