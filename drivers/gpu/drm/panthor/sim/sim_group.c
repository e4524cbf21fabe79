// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: group slots
 *
 * A group slot follows the state that the driver requests: START, RESUME,
 * SUSPEND and TERMINATE. SUSPEND saves the streams to the group's suspend
 * buffer, from which RESUME restores them, possibly in another slot. Requests
 * are answered at once, between two batches of instructions.
 */

#include <linux/ktime.h>
#include <linux/string.h>

#include "panthor_fw.h"
#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "sim_group.h"
#include "sim_stream.h"

/* Suspend buffers belong to the firmware: address space 0. */
static int psim_csg_save(struct psim_csg *csg, bool save)
{
	struct psim_as *as = csg->env.fw_as;
	u64 va = csg->io.in->suspend_buf;

	guard(spinlock)(&as->lock);
	for (u32 i = 0; i < PSIM_NUM_CS; i++) {
		struct psim_cs_ctx *ctx = &csg->cs[i].ctx;
		int ret;

		if (save)
			ret = psim_as_write(as, va, ctx, sizeof(*ctx));
		else
			ret = psim_as_read(as, va, ctx, sizeof(*ctx));
		if (ret)
			return ret;

		va += sizeof(*ctx);
	}

	return 0;
}

static void psim_csg_start(struct psim_csg *csg, bool resume)
{
	csg->env.as = &csg->mmu->as[READ_ONCE(csg->io.in->config)];
	csg->active = true;
	csg->idle = false;
	csg->idle_reported = false;
	csg->progress_reported = false;

	if (resume) {
		psim_csg_save(csg, false);
		psim_count(csg->env.base, resumes);
	}

	for (u32 i = 0; i < PSIM_NUM_CS; i++) {
		struct psim_cs *cs = &csg->cs[i];
		u32 state = READ_ONCE(cs->io.in->req) & CS_STATE_MASK;

		cs->active = state == CS_STATE_START;
		if (!cs->active)
			continue;
		if (!resume)
			psim_cs_start(cs);
		psim_cs_attach(cs);
	}
}

/**
 * psim_csg_stop() - Remove the group from its slot
 * @csg: Group slot.
 */
void psim_csg_stop(struct psim_csg *csg)
{
	csg->active = false;
	csg->idle = true;
	csg->idle_reported = true;
	for (u32 i = 0; i < PSIM_NUM_CS; i++)
		csg->cs[i].active = false;
}

/**
 * psim_csg_abort() - Abort the accesses that faulted
 * @csg: Group slot.
 */
void psim_csg_abort(struct psim_csg *csg)
{
	for (u32 i = 0; i < PSIM_NUM_CS; i++) {
		if (csg->cs[i].active)
			psim_cs_abort(&csg->cs[i]);
	}
}

/* True if all streams are empty or wait for a sync object. */
static bool psim_csg_is_idle(const struct psim_csg *csg)
{
	for (u32 i = 0; i < PSIM_NUM_CS; i++) {
		if (csg->cs[i].active && !psim_cs_is_idle(&csg->cs[i]))
			return false;
	}

	return true;
}

static void psim_csg_publish_status(struct psim_csg *csg)
{
	for (u32 i = 0; i < PSIM_NUM_CS; i++) {
		if (csg->cs[i].active)
			psim_cs_publish_status(&csg->cs[i]);
	}

	WRITE_ONCE(csg->io.out->status_state, psim_csg_is_idle(csg) ? CSG_STATUS_STATE_IS_IDLE : 0);
}

/* Returns false if the request cannot be served. */
static bool psim_csg_set_state(struct psim_csg *csg, u32 state)
{
	switch (state) {
	case CSG_STATE_START:
	case CSG_STATE_RESUME:
		/* Address space 0 is the firmware's. */
		if (!csg->io.in->config || csg->io.in->config >= PSIM_NUM_AS)
			return false;
		psim_csg_start(csg, state == CSG_STATE_RESUME);
		return true;
	case CSG_STATE_SUSPEND:
		if (csg->active) {
			psim_csg_publish_status(csg);
			for (u32 i = 0; i < PSIM_NUM_CS; i++) {
				if (csg->cs[i].active)
					psim_cs_save(&csg->cs[i]);
			}
			if (csg->io.in->suspend_buf && psim_csg_save(csg, true))
				return false;
			psim_count(csg->env.base, suspends);
		}
		psim_csg_stop(csg);
		return true;
	case CSG_STATE_TERMINATE:
		psim_csg_stop(csg);
		return true;
	default:
		return false;
	}
}

static void psim_csg_set_endpoints(struct psim_csg *csg)
{
	u32 endpoints = READ_ONCE(csg->io.in->endpoint_req);

	csg->priority = CSG_EP_REQ_PRIORITY_GET(endpoints);
	WRITE_ONCE(csg->io.out->status_endpoint_current, endpoints);
	WRITE_ONCE(csg->io.out->status_endpoint_req, endpoints);
}

static u32 psim_csg_doorbells(struct psim_csg *csg)
{
	u32 ack = READ_ONCE(csg->io.out->doorbell_ack);
	u32 rang = READ_ONCE(csg->io.in->doorbell_req) ^ ack;

	WRITE_ONCE(csg->io.out->doorbell_ack, ack ^ rang);
	for (u32 i = 0; i < PSIM_NUM_CS; i++) {
		if (rang & BIT(i))
			psim_cs_doorbell(&csg->cs[i], csg->active);
	}

	return rang;
}

/**
 * psim_csg_request() - Serve the requests to a group slot
 * @csg: Group slot.
 */
void psim_csg_request(struct psim_csg *csg)
{
	u32 req = READ_ONCE(csg->io.in->req);
	u32 changed = (req ^ READ_ONCE(csg->io.out->ack)) & CSG_REQ_MASK;

	if (changed & CSG_ENDPOINT_CONFIG)
		psim_csg_set_endpoints(csg);
	if ((changed & CSG_STATE_MASK) && !psim_csg_set_state(csg, req & CSG_STATE_MASK))
		changed &= ~CSG_STATE_MASK;
	if (changed & CSG_STATUS_UPDATE)
		psim_csg_publish_status(csg);

	psim_csg_doorbells(csg);

	if (!changed)
		return;

	WRITE_ONCE(csg->io.out->ack, READ_ONCE(csg->io.out->ack) ^ changed);
	if (changed & READ_ONCE(csg->io.in->ack_irq_mask))
		psim_irq_raise(csg->io.irqs, PSIM_IRQ_JOB, JOB_INT_CSG_IF(csg->io.slot));
}

/* @worked: a stream executed instructions, even if it is idle again. */
static u64 psim_csg_check_idle(struct psim_csg *csg, u64 hysteresis, bool worked, u64 now)
{
	bool idle = psim_csg_is_idle(csg);

	if (!idle || worked) {
		csg->idle = false;
		csg->idle_reported = false;
	}
	if (!idle)
		return U64_MAX;

	if (!csg->idle) {
		csg->idle = true;
		csg->idle_since = now;
	}

	if (csg->idle_reported)
		return U64_MAX;
	if (now - csg->idle_since < hysteresis)
		return csg->idle_since + hysteresis;

	csg->idle_reported = true;
	psim_count(csg->env.base, idle_events);
	psim_csg_event(&csg->io, CSG_IDLE);
	return U64_MAX;
}

/* The progress timer runs while a stream has work and does not retire any. */
static u64 psim_csg_check_progress(struct psim_csg *csg, u64 timeout, u64 now)
{
	u32 knob = READ_ONCE(csg->env.base->knobs.progress_timeout_ms);
	u64 next = U64_MAX;

	if (knob)
		timeout = (u64)knob * NSEC_PER_MSEC;
	if (!timeout || csg->progress_reported)
		return U64_MAX;

	for (u32 i = 0; i < PSIM_NUM_CS; i++) {
		struct psim_cs *cs = &csg->cs[i];

		if (!cs->active || psim_cs_is_idle(cs) || cs->block == PSIM_BLOCK_FATAL)
			continue;

		if (now >= cs->progress_at + timeout) {
			csg->progress_reported = true;
			psim_count(csg->env.base, progress_events);
			psim_csg_event(&csg->io, CSG_PROGRESS_TIMER_EVENT);
			return U64_MAX;
		}
		next = min(next, cs->progress_at + timeout);
	}

	return next;
}

/**
 * psim_csg_run() - Execute the streams of a group
 * @csg: Group slot, active.
 * @timers: Timers.
 * @now: Current time.
 *
 * Return: When to call again, U64_MAX if not before the engine is kicked.
 */
u64 psim_csg_run(struct psim_csg *csg, const struct psim_timers *timers, u64 now)
{
	u64 next = U64_MAX;
	bool worked = false;

	for (u32 i = 0; i < PSIM_NUM_CS; i++) {
		struct psim_cs *cs = &csg->cs[i];

		if (!cs->active)
			continue;
		next = min(next, psim_cs_run(cs, now));
		worked |= cs->progress_at == now;
	}

	next = min(next, psim_csg_check_idle(csg, timers->idle_ns, worked, now));
	return min(next, psim_csg_check_progress(csg, timers->progress_ns, now));
}
