/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_IRQ_H__
#define __PANTHOR_SIM_IRQ_H__

#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "sim_base.h"

/* Blocks that interrupt. */
enum psim_irq_block {
	PSIM_IRQ_JOB,
	PSIM_IRQ_MMU,
	PSIM_IRQ_GPU,
	PSIM_IRQ_COUNT,
};

/**
 * struct psim_irq - One interrupt line and its four registers
 */
struct psim_irq {
	/** @base: What all layers share. */
	struct psim_base *base;

	/** @virq: Linux interrupt number. */
	unsigned int virq;

	/** @lock: Protects @raw and @mask. */
	spinlock_t lock;

	/** @raw: RAWSTAT. */
	u32 raw;

	/** @mask: MASK. */
	u32 mask;

	/** @work: Delivers the interrupt in hard interrupt context. */
	struct irq_work work;

	/** @deliver_lock: Keeps two CPUs from delivering at the same time. */
	spinlock_t deliver_lock;

	/** @timer: Delays the delivery (knob irq_delay_us). */
	struct hrtimer timer;
};

/**
 * struct psim_irqs - All interrupt lines
 */
struct psim_irqs {
	/** @irq: One for each &enum psim_irq_block. */
	struct psim_irq irq[PSIM_IRQ_COUNT];
};

int psim_irq_init(struct psim_irqs *irqs, struct psim_base *base);
void psim_irq_fini(struct psim_irqs *irqs);
void psim_irq_raise(struct psim_irqs *irqs, enum psim_irq_block block, u32 bits);
void psim_irq_clear(struct psim_irqs *irqs, enum psim_irq_block block, u32 bits);
void psim_irq_reset(struct psim_irqs *irqs);
u32 psim_irq_read(struct psim_irqs *irqs, enum psim_irq_block block, u32 reg);
void psim_irq_write(struct psim_irqs *irqs, enum psim_irq_block block, u32 reg, u32 val);

#endif /* __PANTHOR_SIM_IRQ_H__ */
