// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: interrupts
 *
 * The three interrupt lines behave as level interrupts: a line is asserted as
 * long as RAWSTAT & MASK is not zero. That is evaluated whenever a bit is raised
 * and whenever MASK is written. Both can happen with locks of the driver held
 * that its handlers take, so an irq_work delivers the interrupt.
 */

#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/slab.h>

#include "panthor_device.h"
#include "sim_irq.h"

static bool psim_irq_asserted(struct psim_irq *irq)
{
	guard(spinlock_irqsave)(&irq->lock);
	return irq->raw & irq->mask;
}

static void psim_irq_deliver(struct irq_work *work)
{
	struct psim_irq *irq = container_of(work, struct psim_irq, work);

	/*
	 * handle_simple_irq() drops an interrupt that arrives while another
	 * CPU still handles the previous one: one at a time.
	 */
	guard(spinlock)(&irq->deliver_lock);
	if (!psim_irq_asserted(irq))
		return;

	psim_count(irq->base, irqs);
	generic_handle_irq(irq->virq);
}

static enum hrtimer_restart psim_irq_timer(struct hrtimer *timer)
{
	struct psim_irq *irq = container_of(timer, struct psim_irq, timer);

	irq_work_queue(&irq->work);
	return HRTIMER_NORESTART;
}

/* Delivers the interrupt, unless a knob delays or drops it. */
static void psim_irq_trigger(struct psim_irq *irq)
{
	struct psim_knobs *knobs = &irq->base->knobs;
	u32 delay = READ_ONCE(knobs->irq_delay_us);

	if (psim_take(&knobs->irq_lose)) {
		psim_count(irq->base, irqs_lost);
		return;
	}

	if (!delay)
		irq_work_queue(&irq->work);
	else if (!hrtimer_active(&irq->timer))
		hrtimer_start(&irq->timer, us_to_ktime(delay), HRTIMER_MODE_REL);
}

/**
 * psim_irq_raise() - Set bits in RAWSTAT
 * @irqs: Interrupt lines.
 * @block: Block that raises.
 * @bits: Bits to set.
 */
void psim_irq_raise(struct psim_irqs *irqs, enum psim_irq_block block, u32 bits)
{
	struct psim_irq *irq = &irqs->irq[block];
	bool asserted;

	scoped_guard(spinlock_irqsave, &irq->lock) {
		irq->raw |= bits;
		asserted = irq->raw & irq->mask;
	}

	if (asserted)
		psim_irq_trigger(irq);
}

/**
 * psim_irq_clear() - Clear bits in RAWSTAT
 * @irqs: Interrupt lines.
 * @block: Block.
 * @bits: Bits to clear.
 */
void psim_irq_clear(struct psim_irqs *irqs, enum psim_irq_block block, u32 bits)
{
	struct psim_irq *irq = &irqs->irq[block];

	guard(spinlock_irqsave)(&irq->lock);
	irq->raw &= ~bits;
}

/**
 * psim_irq_reset() - Reset the registers of all blocks, as power-on does
 * @irqs: Interrupt lines.
 */
void psim_irq_reset(struct psim_irqs *irqs)
{
	for (u32 i = 0; i < PSIM_IRQ_COUNT; i++) {
		struct psim_irq *irq = &irqs->irq[i];

		guard(spinlock_irqsave)(&irq->lock);
		irq->raw = 0;
		irq->mask = 0;
	}
}

/**
 * psim_irq_read() - Read one of the four registers of a block
 * @irqs: Interrupt lines.
 * @block: Block.
 * @reg: Register, relative to the block.
 *
 * Return: The register's value.
 */
u32 psim_irq_read(struct psim_irqs *irqs, enum psim_irq_block block, u32 reg)
{
	struct psim_irq *irq = &irqs->irq[block];

	guard(spinlock_irqsave)(&irq->lock);
	switch (reg) {
	case INT_RAWSTAT:
		return irq->raw;
	case INT_MASK:
		return irq->mask;
	case INT_STAT:
		return irq->raw & irq->mask;
	default:
		return 0;
	}
}

/**
 * psim_irq_write() - Write one of the four registers of a block
 * @irqs: Interrupt lines.
 * @block: Block.
 * @reg: Register, relative to the block.
 * @val: Value.
 */
void psim_irq_write(struct psim_irqs *irqs, enum psim_irq_block block, u32 reg, u32 val)
{
	struct psim_irq *irq = &irqs->irq[block];
	bool asserted = false;

	scoped_guard(spinlock_irqsave, &irq->lock) {
		switch (reg) {
		case INT_RAWSTAT:
			irq->raw |= val;
			asserted = irq->raw & irq->mask;
			break;
		case INT_CLEAR:
			irq->raw &= ~val;
			break;
		case INT_MASK:
			irq->mask = val;
			asserted = irq->raw & irq->mask;
			break;
		}
	}

	if (asserted)
		psim_irq_trigger(irq);
}

/**
 * psim_irq_init() - Allocate the interrupt lines
 * @irqs: Interrupt lines.
 * @base: What all layers share.
 *
 * Return: 0 on success, a negative error code otherwise.
 */
int psim_irq_init(struct psim_irqs *irqs, struct psim_base *base)
{
	int virq = irq_alloc_descs(-1, 1, PSIM_IRQ_COUNT, NUMA_NO_NODE);

	if (virq < 0)
		return virq;

	for (u32 i = 0; i < PSIM_IRQ_COUNT; i++) {
		struct psim_irq *irq = &irqs->irq[i];

		irq->base = base;
		irq->virq = virq + i;
		spin_lock_init(&irq->lock);
		spin_lock_init(&irq->deliver_lock);
		init_irq_work(&irq->work, psim_irq_deliver);
		hrtimer_setup(&irq->timer, psim_irq_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
		irq_set_chip_and_handler(irq->virq, &dummy_irq_chip, handle_simple_irq);
		irq_modify_status(irq->virq, IRQ_NOREQUEST | IRQ_NOAUTOEN, IRQ_NOPROBE);
	}

	return 0;
}

/**
 * psim_irq_fini() - Free the interrupt lines
 * @irqs: Interrupt lines.
 *
 * The driver must have freed its interrupts.
 */
void psim_irq_fini(struct psim_irqs *irqs)
{
	for (u32 i = 0; i < PSIM_IRQ_COUNT; i++) {
		hrtimer_cancel(&irqs->irq[i].timer);
		irq_work_sync(&irqs->irq[i].work);
		irq_set_chip_and_handler(irqs->irq[i].virq, NULL, NULL);
	}

	irq_free_descs(irqs->irq[0].virq, PSIM_IRQ_COUNT);
}
