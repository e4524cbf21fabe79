/* SPDX-License-Identifier: LGPL-2.1 */
/* One request, for the model alone. */
#ifndef PANTHOR_TRACE_MODEL_REQUEST_H
#define PANTHOR_TRACE_MODEL_REQUEST_H

#include "model/model.h"

struct pt_request *pt_request_new(const struct pt_event *ev);
void pt_request_free(struct pt_request *req);
int pt_request_feed(struct pt_request *req, const struct pt_event *ev, size_t max_bos);
/* Was @ev recorded before, in another buffer or by a program that reads a record twice? */
bool pt_same_time(uint64_t a, uint64_t b);
void pt_place_writebacks(struct pt_request *req);
void pt_settle(struct pt_request *req);

/* Safe to print, to be freed; NULL: no memory */
char *pt_copy_clean(const struct pt_str *str);

#endif
