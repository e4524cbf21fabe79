/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_SOURCE_VERSION_H
#define PANTHOR_TRACE_SOURCE_VERSION_H

#include "model/events.h"
#include "model/text.h"

struct tep_event;

/**
 * struct version - how a file's events differ from those that this program was made for
 * @events: how many of our events it describes
 * @has: bit PT_F_x is set if one of them has field x
 * @unknown: names of fields that we do not know
 */
struct version {
	unsigned int events;
	uint64_t has;
	struct pt_text unknown;
};

void version_add(struct version *v, const struct pt_format *fmt, const struct tep_event *event);
/* Names of fields that none of the events has, if all events are there; NULL if none is missing */
char *version_missing(const struct version *v);

#endif
