// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: events
 *
 * What the firmware reports to the driver without a request. An event is pending
 * while its bit of ACK differs from REQ, which is until the driver acknowledges it.
 * A pending event is not raised again: the driver reads what happened after it
 * acknowledges.
 */

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/spinlock.h>

#include "panthor_fw.h"
#include "panthor_fw_regs.h"
#include "sim_event.h"

/**
 * psim_csg_event() - Raise an event of a group slot
 * @io: The group slot's part of the firmware interface.
 * @event: One bit of CSG_EVT_MASK.
 *
 * &psim_mcu.lock is held.
 */
void psim_csg_event(struct psim_csg_io *io, u32 event)
{
	u32 ack = READ_ONCE(io->out->ack);

	if ((READ_ONCE(io->in->req) ^ ack) & event)
		return;

	WRITE_ONCE(io->out->ack, ack ^ event);
	if (READ_ONCE(io->in->ack_irq_mask) & event)
		psim_irq_raise(io->irqs, PSIM_IRQ_JOB, JOB_INT_CSG_IF(io->slot));
}

/**
 * psim_cs_event() - Raise an event of a stream
 * @io: The stream's part of the firmware interface.
 * @event: One bit of CS_EVT_MASK.
 *
 * &psim_mcu.lock is held.
 */
void psim_cs_event(struct psim_cs_io *io, u32 event)
{
	struct psim_csg_io *csg = io->csg;
	u32 ack = READ_ONCE(io->out->ack);
	u32 irq_req = READ_ONCE(csg->out->cs_irq_req);

	if (!((READ_ONCE(io->in->req) ^ ack) & event))
		WRITE_ONCE(io->out->ack, ack ^ event);

	if (!((irq_req ^ READ_ONCE(csg->in->cs_irq_ack)) & BIT(io->index)))
		WRITE_ONCE(csg->out->cs_irq_req, irq_req ^ BIT(io->index));

	if (READ_ONCE(io->in->ack_irq_mask) & event)
		psim_irq_raise(csg->irqs, PSIM_IRQ_JOB, JOB_INT_CSG_IF(csg->slot));
}
