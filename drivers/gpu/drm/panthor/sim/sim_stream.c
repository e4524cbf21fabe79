// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: streams
 *
 * A stream executes the instructions between EXTRACT and INSERT of its ring
 * buffer, and the buffers called from there, in batches, with the lock of the
 * group's address space held. Between two batches the other streams get their
 * turn and the firmware answers requests.
 *
 * What blocks a stream is a &enum psim_block. The blocked instruction is executed
 * again once nothing blocks it any more.
 */

#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "panthor_fw.h"
#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "sim_insn.h"
#include "sim_stream.h"

/* Instructions that a stream executes per turn. */
#define PSIM_BATCH		256

/* Marks the prefetched line as empty: no line has an odd address. */
#define PSIM_NO_LINE		1

/* A stream that falls behind its speed catches up by no more than this. */
#define PSIM_CATCH_UP_NS	(5 * NSEC_PER_MSEC)

/* Interval at which memory is polled that others write. */
#define PSIM_SYNC_POLL_NS	(1 * NSEC_PER_MSEC)

/* Writes EXTRACT and ACTIVE of the ring buffer's output page. */
static void psim_cs_publish(struct psim_cs *cs)
{
	struct psim_as *as = cs->env->fw_as;
	struct panthor_fw_ringbuf_output_iface *out;
	void *ptr;

	guard(spinlock)(&as->lock);
	if (psim_as_ptr(as, cs->ring_out, PSIM_WRITE, &ptr))
		return;

	out = ptr;
	WRITE_ONCE(out->extract, cs->ctx.extract);
	WRITE_ONCE(out->active, cs->ctx.depth || cs->ctx.extract != cs->insert);
}

/* Reads INSERT, and with @start the initial EXTRACT. */
static void psim_cs_read_pointers(struct psim_cs *cs, bool start)
{
	struct psim_as *as = cs->env->fw_as;
	struct panthor_fw_ringbuf_input_iface *in;
	void *ptr;

	guard(spinlock)(&as->lock);
	if (psim_as_ptr(as, cs->ring_in, PSIM_READ, &ptr))
		return;

	in = ptr;
	if (start)
		cs->ctx.extract = READ_ONCE(in->extract);
	cs->insert = READ_ONCE(in->insert);
	/* Pairs with the driver's barrier between instructions and INSERT. */
	smp_rmb();
}

/*
 * Reports a recoverable fault. Once the driver has acknowledged it, the stream leaves
 * the called buffers and continues in the ring buffer. SYNC instructions propagate the
 * error up to ERROR_BARRIER.
 */
static void psim_cs_fault(struct psim_cs *cs, u32 type, u64 info)
{
	cs->block = PSIM_BLOCK_FAULT;
	cs->ctx.error = type;
	cs->io.out->fault = type;
	cs->io.out->fault_info = info;
	psim_count(cs->env->base, cs_faults);
	psim_cs_publish(cs);
	psim_cs_event(&cs->io, CS_FAULT);
}

/* Reports a fault that ends the stream. */
static void psim_cs_fatal(struct psim_cs *cs, u32 type, u64 info)
{
	cs->block = PSIM_BLOCK_FATAL;
	cs->io.out->fatal = type;
	cs->io.out->fatal_info = info;
	psim_count(cs->env->base, cs_fatals);
	psim_cs_publish(cs);
	psim_cs_event(&cs->io, CS_FATAL);
}

/* Asks the driver for a tiler heap chunk. */
static void psim_cs_oom(struct psim_cs *cs)
{
	cs->block = PSIM_BLOCK_OOM;
	cs->ctx.oom = PSIM_OOM_RAISED;
	cs->io.out->heap_vt_start = cs->heap.vt_start;
	cs->io.out->heap_vt_end = cs->heap.vt_end;
	cs->io.out->heap_frag_end = cs->heap.frag_end;
	cs->io.out->heap_address = cs->ctx.heap;
	psim_count(cs->env->base, tiler_ooms);
	psim_cs_publish(cs);
	psim_cs_event(&cs->io, CS_TILER_OOM);
}

/**
 * psim_cs_start() - Set the initial state of a stream
 * @cs: Stream.
 */
void psim_cs_start(struct psim_cs *cs)
{
	memset(&cs->ctx, 0, sizeof(cs->ctx));
	cs->ring_in = cs->io.in->ringbuf_input;
	psim_cs_read_pointers(cs, true);
}

/**
 * psim_cs_attach() - Bind a started or resumed stream to its slot
 * @cs: Stream.
 */
void psim_cs_attach(struct psim_cs *cs)
{
	u64 now = ktime_get_ns();

	cs->ring = cs->io.in->ringbuf_base;
	cs->ring_size = cs->io.in->ringbuf_size;
	cs->ring_in = cs->io.in->ringbuf_input;
	cs->ring_out = cs->io.in->ringbuf_output;
	cs->insert = cs->ctx.extract;
	cs->block = PSIM_RUNNABLE;
	cs->line_va = PSIM_NO_LINE;
	cs->ready_at = now;
	cs->sleep_until = U64_MAX;
	cs->progress_at = now;
	memset(cs->sb_until, 0, sizeof(cs->sb_until));

	/* Of the slot's previous stream. */
	cs->io.out->fault = 0;
	cs->io.out->fatal = 0;
	cs->io.out->fault_info = 0;
	cs->io.out->fatal_info = 0;
	WRITE_ONCE(cs->io.out->ack, (READ_ONCE(cs->io.out->ack) & CS_EVT_MASK) |
				    (READ_ONCE(cs->io.in->req) & CS_REQ_MASK));

	if (cs->ctx.hung)
		cs->block = PSIM_BLOCK_HUNG;
	if (cs->ctx.depth > PSIM_CALL_DEPTH)
		psim_cs_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_CONFIG_FAULT, cs->ctx.depth);
	psim_cs_read_pointers(cs, false);
}

/* Bitmap of the scoreboard slots that are not idle. */
static u32 psim_cs_sb_busy(const struct psim_cs *cs, u64 now)
{
	u32 busy = 0;

	for (u32 i = 0; i < PSIM_NUM_SB; i++) {
		if (cs->sb_until[i] > now)
			busy |= BIT(i);
	}

	return busy;
}

/**
 * psim_cs_is_idle() - Tell if a stream has nothing to do
 * @cs: Stream.
 *
 * Return: True if the ring buffer is empty or the stream waits for a sync object, as
 * far as the driver counts that as idle.
 */
bool psim_cs_is_idle(const struct psim_cs *cs)
{
	u32 req = READ_ONCE(cs->io.in->req);

	return (cs->block == PSIM_BLOCK_EMPTY && (req & CS_IDLE_EMPTY)) ||
	       (cs->block == PSIM_BLOCK_SYNC && (req & CS_IDLE_SYNC_WAIT));
}

/**
 * psim_cs_publish_status() - Fill the status part of the output interface
 * @cs: Stream.
 */
void psim_cs_publish_status(struct psim_cs *cs)
{
	struct panthor_fw_cs_output_iface *out = cs->io.out;
	u32 busy = psim_cs_sb_busy(cs, ktime_get_ns());
	u32 wait = 0, reason = CS_STATUS_BLOCKED_REASON_UNBLOCKED;

	switch (cs->block) {
	case PSIM_BLOCK_SYNC:
		reason = CS_STATUS_BLOCKED_REASON_SYNC_WAIT;
		wait = CS_STATUS_WAIT_SYNC |
		       (cs->wait.cond ? CS_STATUS_WAIT_SYNC_COND_GT : CS_STATUS_WAIT_SYNC_COND_LE) |
		       (cs->wait.is64 ? CS_STATUS_WAIT_SYNC_64B : 0);
		out->status_wait_sync_ptr = cs->wait.va;
		out->status_wait_sync_value = lower_32_bits(cs->wait.ref);
		out->status_wait_sync_value_hi = upper_32_bits(cs->wait.ref);
		break;
	case PSIM_BLOCK_SB:
		reason = CS_STATUS_BLOCKED_REASON_SB_WAIT;
		wait = CS_STATUS_WAIT_SB_SRC_WAIT | (busy & CS_STATUS_WAIT_SB_MASK);
		break;
	case PSIM_BLOCK_OOM:
	case PSIM_BLOCK_HEAP:
		reason = CS_STATUS_BLOCKED_REASON_RESOURCE;
		break;
	default:
		break;
	}

	out->status_cmd_ptr = cs->ctx.depth ? cs->ctx.pc :
			      cs->ring + (cs->ctx.extract & (cs->ring_size - 1));
	out->status_wait = wait;
	out->status_req_resource = 0;
	out->status_scoreboards = busy;
	out->status_blocked_reason = reason;
	psim_cs_publish(cs);
}

/**
 * psim_cs_abort() - Abort an access that faulted
 * @cs: Stream.
 *
 * The driver does not resolve faults: it disables the address space, and the access
 * ends in a bus fault.
 */
void psim_cs_abort(struct psim_cs *cs)
{
	if (cs->block == PSIM_BLOCK_MMU)
		psim_cs_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_BUS_FAULT, cs->abort_va);
}

/**
 * psim_cs_doorbell() - Serve the requests to a stream
 * @cs: Stream.
 * @active: True if its group is active.
 */
void psim_cs_doorbell(struct psim_cs *cs, bool active)
{
	u32 req = READ_ONCE(cs->io.in->req);
	u32 ack = READ_ONCE(cs->io.out->ack);
	u32 changed = (req ^ ack) & CS_REQ_MASK;

	if (changed & CS_STATE_MASK) {
		bool start = (req & CS_STATE_MASK) == CS_STATE_START;

		if (start && active && !cs->active) {
			psim_cs_start(cs);
			psim_cs_attach(cs);
		}
		cs->active = start && active;
	}

	if (changed) {
		WRITE_ONCE(cs->io.out->ack, READ_ONCE(cs->io.out->ack) ^ changed);
		if (changed & READ_ONCE(cs->io.in->ack_irq_mask))
			psim_irq_raise(cs->io.csg->irqs, PSIM_IRQ_JOB,
				       JOB_INT_CSG_IF(cs->io.csg->slot));
	}
}

static bool psim_cs_acked(struct psim_cs *cs, u32 event)
{
	return !((READ_ONCE(cs->io.in->req) ^ READ_ONCE(cs->io.out->ack)) & event);
}

/* The driver has acknowledged TILER_OOM, and provided a chunk or none. */
static void psim_cs_answered(struct psim_cs *cs)
{
	cs->ctx.oom = PSIM_OOM_ANSWERED;
	cs->ctx.oom_chunk = READ_ONCE(cs->io.in->heap_start);
}

/**
 * psim_cs_save() - Complete a stream's state before it leaves the slot
 * @cs: Stream.
 *
 * A chunk that the driver provided at the last moment must not get lost. If it has not
 * acknowledged TILER_OOM yet, the event is raised again after the group is resumed.
 */
void psim_cs_save(struct psim_cs *cs)
{
	if (cs->block == PSIM_BLOCK_OOM && psim_cs_acked(cs, CS_TILER_OOM))
		psim_cs_answered(cs);
}

/* Moves to the next instruction, returning from called buffers at their end. */
static void psim_cs_advance(struct psim_cs *cs)
{
	struct psim_cs_ctx *ctx = &cs->ctx;

	if (!ctx->depth) {
		ctx->extract += sizeof(u64);
		return;
	}

	ctx->pc += sizeof(u64);
	while (ctx->depth && ctx->pc >= ctx->end) {
		ctx->depth--;
		if (!ctx->depth) {
			ctx->extract += sizeof(u64);
			psim_count(cs->env->base, jobs);
			return;
		}
		ctx->pc = ctx->stack[ctx->depth - 1].pc;
		ctx->end = ctx->stack[ctx->depth - 1].end;
	}
}

/* The driver has acknowledged a CS_FAULT: back to the ring buffer. */
static void psim_cs_recover(struct psim_cs *cs)
{
	cs->ctx.depth = 0;
	cs->ctx.extract += sizeof(u64);
	cs->ctx.tiled = 0;
	cs->ctx.drawn = 0;
	cs->ctx.handler.called = false;
	cs->ctx.oom = PSIM_OOM_NONE;
	cs->block = PSIM_RUNNABLE;
}

static int psim_cs_fetch(struct psim_cs *cs, u64 *insn)
{
	u64 va = cs->ctx.pc, line;

	if (!cs->ctx.depth)
		va = cs->ring + (cs->ctx.extract & (cs->ring_size - 1));

	line = round_down(va, PSIM_CACHE_LINE);
	if (line != cs->line_va) {
		int ret = psim_as_read(cs->env->as, line, cs->line, sizeof(cs->line));

		if (ret)
			return ret;
		cs->line_va = line;
	}

	*insn = cs->line[(va - line) / sizeof(u64)];
	return 0;
}

/* An instruction did not retire. */
static void psim_cs_stopped(struct psim_cs *cs, int error)
{
	switch (error) {
	case -EAGAIN:
		if (cs->block == PSIM_RUNNABLE)
			cs->block = PSIM_BLOCK_LOCKED;
		break;
	case -EFAULT:
		cs->block = PSIM_BLOCK_MMU;
		cs->abort_va = cs->env->as->abort_va;
		break;
	case -ENOMEM:
		psim_cs_oom(cs);
		break;
	default:
		if (cs->trap.fatal)
			psim_cs_fatal(cs, cs->trap.type, cs->trap.info);
		else
			psim_cs_fault(cs, cs->trap.type, cs->trap.info);
		break;
	}
}

/* Executes up to @count instructions. Returns how many were. */
static u32 psim_cs_batch(struct psim_cs *cs, u32 count, u64 now)
{
	u32 done;

	guard(spinlock)(&cs->env->as->lock);
	cs->line_va = PSIM_NO_LINE;
	cs->block = PSIM_RUNNABLE;
	cs->sleep_until = U64_MAX;

	for (done = 0; done < count; done++) {
		u64 insn;
		int ret;

		if (!cs->ctx.depth && cs->ctx.extract == cs->insert) {
			cs->block = PSIM_BLOCK_EMPTY;
			break;
		}

		ret = psim_cs_fetch(cs, &insn);
		if (!ret)
			ret = psim_insn_exec(cs, insn, now);
		if (cs->sync_update) {
			cs->sync_update = false;
			psim_csg_event(cs->io.csg, CSG_SYNC_UPDATE);
		}
		if (ret < 0) {
			psim_cs_stopped(cs, ret);
			break;
		}
		/* Other streams get their turn before the rest of it. */
		if (ret == PSIM_INSN_MORE)
			return done + 1;
		if (!ret)
			psim_cs_advance(cs);
		/* A knob makes the instruction take time. */
		if (cs->ready_at > now)
			return done + 1;
	}

	return done;
}

/* Applies the speed knob. Returns when the stream may continue. */
static u64 psim_cs_charge(struct psim_cs *cs, u32 done, u64 now)
{
	u32 rate = READ_ONCE(cs->env->base->knobs.insn_per_sec);

	if (rate)
		cs->ready_at = max(cs->ready_at, now - PSIM_CATCH_UP_NS) +
			       div_u64((u64)done * NSEC_PER_SEC, rate);

	return cs->ready_at;
}

/**
 * psim_cs_run() - Execute a batch of instructions
 * @cs: Stream, active.
 * @now: Current time.
 *
 * Return: When to call again, U64_MAX if not before the engine is kicked.
 */
u64 psim_cs_run(struct psim_cs *cs, u64 now)
{
	u32 rate = READ_ONCE(cs->env->base->knobs.insn_per_sec);
	u32 count = PSIM_BATCH, done;

	switch (cs->block) {
	case PSIM_BLOCK_FATAL:
	case PSIM_BLOCK_HUNG:
		return U64_MAX;
	case PSIM_BLOCK_MMU:
		if (!READ_ONCE(cs->env->as->faulted))
			psim_cs_abort(cs);
		return U64_MAX;
	case PSIM_BLOCK_FAULT:
		if (!psim_cs_acked(cs, CS_FAULT))
			return U64_MAX;
		psim_cs_recover(cs);
		break;
	case PSIM_BLOCK_OOM:
		if (!psim_cs_acked(cs, CS_TILER_OOM))
			return U64_MAX;
		psim_cs_answered(cs);
		break;
	default:
		break;
	}

	psim_cs_read_pointers(cs, false);
	if (!cs->ctx.depth && cs->ctx.extract == cs->insert) {
		cs->block = PSIM_BLOCK_EMPTY;
		return U64_MAX;
	}

	/* Idle time does not count: the stream does not catch up for it. */
	if (cs->block == PSIM_BLOCK_EMPTY) {
		cs->progress_at = now;
		cs->ready_at = max(cs->ready_at, now);
		cs->block = PSIM_RUNNABLE;
	}

	if (cs->ready_at > now)
		return cs->ready_at;

	if (rate)
		count = clamp(rate / MSEC_PER_SEC, 1, PSIM_BATCH);

	done = psim_cs_batch(cs, count, now);
	psim_cs_publish(cs);
	if (done) {
		cs->progress_at = now;
		atomic64_add(done, &cs->env->base->stats.insns);
	}

	psim_cs_charge(cs, done, now);
	if (cs->block == PSIM_BLOCK_MMU && !READ_ONCE(cs->env->as->faulted))
		psim_cs_abort(cs);
	if (cs->block == PSIM_RUNNABLE)
		return cs->ready_at;
	if (cs->block == PSIM_BLOCK_SYNC || cs->block == PSIM_BLOCK_HEAP)
		return now + PSIM_SYNC_POLL_NS;
	return cs->sleep_until;
}
