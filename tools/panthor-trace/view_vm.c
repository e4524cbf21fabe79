// SPDX-License-Identifier: GPL-2.0
/* What requests did to VMs, as rows. */
#include "view.h"

enum vm_column {
	VM_TIME,
	VM_END,
	VM_ID,
	VM_CLIENT,
	VM_TGID,
	VM_VM,
	VM_BOS,
	VM_SIZE,
	VM_EV_BOS,
	VM_EV,
	VM_SK_BOS,
	VM_SK,
	VM_UNSEEN,
	VM_REASON,
	VM_DURATION,
	VM_FENCE,
	VM_LOCK,
	VM_UNMAP,
	VM_FENCES,
	VM_CONTEXT,
	VM_SEQNO,
	NR_VM_COLUMNS
};

const struct column vm_columns[] = {
	[VM_TIME] = { "time_ns", "TIME", UNIT_TIME, "when the request turned to it", true },
	[VM_END] = { "end_ns", "END", UNIT_TIME, "when it was done with it", false },
	[VM_ID] = { "id", "ID", UNIT_COUNT, "request", true },
	[VM_CLIENT] = { "client_id", "CLIENT", UNIT_COUNT, "open file it belongs to", true },
	[VM_TGID] = { "tgid", "PID", UNIT_SIGNED, "process of that", true },
	[VM_VM] = { "vm_id", "VM", UNIT_COUNT, "the VM; 0: BOs in no VM", true },
	[VM_BOS] = { "bos", "BOS", UNIT_COUNT, "BOs it had to offer", true },
	[VM_SIZE] = { "size", "SIZE", UNIT_BYTES, "memory of these", true },
	[VM_EV_BOS] = { "evicted_bos", "BOS", UNIT_COUNT, "BOs evicted", true },
	[VM_EV] = { "evicted", "EVICTED", UNIT_BYTES, "memory of these", true },
	[VM_SK_BOS] = { "skipped_bos", "BOS", UNIT_COUNT, "BOs that stayed", true },
	[VM_SK] = { "skipped", "SKIPPED", UNIT_BYTES, "memory of these", true },
	[VM_UNSEEN] = { "unseen", "UNSEEN", UNIT_BYTES, "passed over without a look", false },
	[VM_REASON] = { "reason", "REASON", UNIT_TEXT, "why the VM as a whole was left", true },
	[VM_DURATION] = { "duration_ns", "TOOK", UNIT_NS, "time spent on it", true },
	[VM_FENCE] = { "fence_ns", "FENCE", UNIT_NS, "time waiting for jobs", true },
	[VM_LOCK] = { "lock_ns", "LOCK", UNIT_NS, "time waiting for locks", true },
	[VM_UNMAP] = { "unmap_ns", "UNMAP", UNIT_NS,
		       "time tearing down mappings and releasing pages", true },
	[VM_FENCES] = { "fences", "FENCES", UNIT_COUNT, "job fences waited for", false },
	[VM_CONTEXT] = { "fence_context", "CONTEXT", UNIT_COUNT,
			 "the last of these, as dma_fence events name it", false },
	[VM_SEQNO] = { "fence_seqno", "SEQNO", UNIT_COUNT,
		       "the last of these, as dma_fence events name it", false },
};

const size_t nr_vm_columns = NR_VM_COLUMNS;

void vm_row(struct cell *row, const struct pt_request *req, const struct pt_vm *vm,
	    const struct pt_names *names)
{
	bool ended = vm->end_ts;
	char buf[PT_NUM_LEN];

	row[VM_TIME] = cell_if(vm->begin_ts, vm->begin_ts);
	row[VM_END] = cell_if(ended, vm->end_ts);
	row[VM_ID] = cell_u(req->id);
	row[VM_CLIENT] = cell_u(vm->client_id);
	row[VM_TGID] = cell_i(vm->tgid);
	row[VM_VM] = cell_u(vm->vm_id);
	row[VM_BOS] = cell_if(vm->begin_ts, vm->bos);
	row[VM_SIZE] = cell_if(vm->begin_ts, vm->size);
	if (!ended)
		return;
	row[VM_EV_BOS] = cell_u(vm->evicted_bos);
	row[VM_EV] = cell_u(vm->evicted);
	row[VM_SK_BOS] = cell_u(vm->skipped_bos);
	row[VM_SK] = cell_u(vm->skipped);
	row[VM_UNSEEN] = cell_if(pt_req_has(req, unseen), vm->unseen);
	if (pt_req_has(req, reason))
		row[VM_REASON] = cell_s(view_symbol(names, PT_SYM_REASON, vm->reason, buf));
	row[VM_DURATION] = cell_u(vm->duration_ns);
	row[VM_FENCE] = cell_u(vm->fence_ns);
	row[VM_LOCK] = cell_u(vm->lock_ns);
	row[VM_UNMAP] = cell_u(vm->unmap_ns);
	row[VM_FENCES] = cell_u(vm->fences);
	row[VM_CONTEXT] = cell_if(vm->fences, vm->fence_context);
	row[VM_SEQNO] = cell_if(vm->fences, vm->fence_seqno);
}
