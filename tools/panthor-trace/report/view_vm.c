// SPDX-License-Identifier: GPL-2.0
/* What requests did to VMs, as rows. */
#include "report/view.h"

const struct column vm_columns[] = {
	[VM_TIME] = { "time_ns", "TIME", UNIT_TIME, "when work on the VM began", 1 },
	[VM_END] = { "end_ns", "END", UNIT_TIME, "when work on the VM ended", 0 },
	[VM_ID] = { "id", "ID", UNIT_COUNT, "request", 1 },
	[VM_CLIENT] = { "client_id", "CLIENT", UNIT_COUNT, "client that owns it", 1 },
	[VM_TGID] = { "tgid", "TGID", UNIT_SIGNED, "process id of the client", 2 },
	[VM_VM] = { "vm_id", "VM", UNIT_COUNT, "the VM; 0: BOs without a VM", 1 },
	[VM_BOS] = { "bos", "BOS", UNIT_COUNT, "candidate BOs", 3 },
	[VM_SIZE] = { "size", "SIZE", UNIT_BYTES, "memory of the candidates", 1 },
	[VM_EV_BOS] = { "evicted_bos", "#EVICTED", UNIT_COUNT, "evicted BOs", 5 },
	[VM_EV] = { "evicted", "EVICTED", UNIT_BYTES, "evicted memory", 1 },
	[VM_SK_BOS] = { "skipped_bos", "#SKIPPED", UNIT_COUNT, "skipped BOs", 5 },
	[VM_SK] = { "skipped", "SKIPPED", UNIT_BYTES, "skipped memory", 1 },
	[VM_UNSEEN] = { "unseen", "UNSEEN", UNIT_BYTES, "memory that was not scanned", 0 },
	[VM_REASON] = { "reason", "REASON", UNIT_TEXT, "why the whole VM was skipped", 1 },
	[VM_DURATION] = { "duration_ns", "DURATION", UNIT_NS, "time spent on the VM", 1 },
	[VM_FENCE] = { "fence_ns", "FENCE", UNIT_NS, "time waiting for fences of jobs", 3 },
	[VM_LOCK] = { "lock_ns", "LOCK", UNIT_NS, "time waiting for locks", 4 },
	[VM_UNMAP] = { "unmap_ns", "UNMAP", UNIT_NS, "time unmapping and releasing pages", 4 },
	[VM_FENCES] = { "fences", "FENCES", UNIT_COUNT, "fences waited for", 0 },
	[VM_CONTEXT] = { "fence_context", "CONTEXT", UNIT_COUNT,
			 "context of the last fence, as in dma_fence events", 0 },
	[VM_SEQNO] = { "fence_seqno", "SEQNO", UNIT_COUNT,
		       "seqno of the last fence, as in dma_fence events", 0 },
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
