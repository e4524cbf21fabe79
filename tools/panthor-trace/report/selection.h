/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_SELECTION_H
#define PANTHOR_TRACE_SELECTION_H

#include "model/model.h"

/* Which requests; zero means any. */
struct selection {
	uint64_t from_ns;
	uint64_t to_ns;
	int64_t pid;
	uint64_t client;
	bool by_client;
};

bool selection_any(const struct selection *sel);
bool selected(const struct selection *sel, const struct pt_request *req);

#endif
