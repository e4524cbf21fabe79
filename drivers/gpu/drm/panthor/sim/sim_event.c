// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: events
 *
 * What the firmware tells the driver unasked. An event is a bit of ACK that
 * differs from REQ until the driver has acknowledged it. One that it has not
 * acknowledged yet is not raised again: the driver is going to look at what
 * happened after it acknowledged.
 */

#include "sim.h"

/**
 * psim_csg_event() - Tell the driver about an event
 * @csg: Group slot.
 * @event: One bit of CSG_EVT_MASK.
 */
void psim_csg_event(struct psim_csg *csg, u32 event)
{
	u32 ack = READ_ONCE(csg->out->ack);

	if ((READ_ONCE(csg->in->req) ^ ack) & event)
		return;

	WRITE_ONCE(csg->out->ack, ack ^ event);
	if (READ_ONCE(csg->in->ack_irq_mask) & event)
		psim_irq_raise(csg->sim, PSIM_IRQ_JOB, JOB_INT_CSG_IF(csg->id));
}

/**
 * psim_cs_event() - Tell the driver about an event of a stream
 * @cs: Stream.
 * @event: One bit of CS_EVT_MASK.
 */
void psim_cs_event(struct psim_cs *cs, u32 event)
{
	struct psim_csg *csg = cs->csg;
	u32 ack = READ_ONCE(cs->out->ack);
	u32 irq_req = READ_ONCE(csg->out->cs_irq_req);

	if (!((READ_ONCE(cs->in->req) ^ ack) & event))
		WRITE_ONCE(cs->out->ack, ack ^ event);

	if (!((irq_req ^ READ_ONCE(csg->in->cs_irq_ack)) & BIT(cs->id)))
		WRITE_ONCE(csg->out->cs_irq_req, irq_req ^ BIT(cs->id));

	if (READ_ONCE(cs->in->ack_irq_mask) & event)
		psim_irq_raise(csg->sim, PSIM_IRQ_JOB, JOB_INT_CSG_IF(csg->id));
}
