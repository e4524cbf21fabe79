// SPDX-License-Identifier: GPL-2.0
#include "report/selection.h"

bool selection_any(const struct selection *sel)
{
	return sel->to_ns || sel->pid || sel->by_client;
}

bool selected(const struct selection *sel, const struct pt_request *req)
{
	bool found = !sel->by_client;
	uint64_t when;

	if (!pt_request_begin(req, &when))
		when = req->end_ts;
	if (sel->to_ns && (when < sel->from_ns || when > sel->to_ns))
		return false;
	if (sel->pid && req->requester_tgid != sel->pid && req->target_tgid != sel->pid)
		return false;
	for (size_t i = 0; !found && i < req->n_vms; i++)
		found = req->vms[i].client_id == sel->client;
	for (size_t i = 0; !found && i < req->n_bos; i++)
		found = req->bos[i].client_id == sel->client;
	return found;
}
