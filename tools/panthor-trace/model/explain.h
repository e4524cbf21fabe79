/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Events and requests in words. Shared by the plugin and panthor-trace, so
 * that both say the same.
 */
#ifndef PANTHOR_TRACE_EXPLAIN_H
#define PANTHOR_TRACE_EXPLAIN_H

#include "model/model.h"
#include "model/text.h"

/**
 * struct pt_style - how to write
 * @names: names of the symbolic values
 * @units: units of numbers
 * @bos: list the BOs of a request
 * @indent: put in front of each line of an account
 */
struct pt_style {
	const struct pt_names *names;
	struct pt_units units;
	bool bos;
	const char *indent;
};

void pt_add_who(struct pt_text *t, const char *comm, int64_t tgid);
void pt_add_vm(struct pt_text *t, uint64_t vm_id, uint64_t client_id, int64_t tgid);
void pt_line(struct pt_text *t, const struct pt_event *ev, const struct pt_style *style);
void pt_causes(struct pt_text *t, const struct pt_request *req, const struct pt_style *style);
void pt_account(struct pt_text *t, const struct pt_request *req, const struct pt_style *style);
void pt_sentence(struct pt_text *t, const struct pt_request *req, const struct pt_style *style);
void pt_doubts(struct pt_text *t, const struct pt_request *req);

#endif
