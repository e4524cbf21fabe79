/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_H__
#define __PANTHOR_SIM_H__

#include <linux/types.h>

#include "sim_mcu.h"

struct dentry;

/**
 * struct psim - The simulated GPU: its layers, from the bottom up
 */
struct psim {
	/** @base: What all layers share. */
	struct psim_base base;

	/** @irqs: Interrupt lines. */
	struct psim_irqs irqs;

	/** @mmu: Address spaces. */
	struct psim_mmu mmu;

	/** @gpu: GPU control block. */
	struct psim_gpu gpu;

	/** @mcu: Microcontroller, its firmware and the group slots. */
	struct psim_mcu mcu;
};

/* sim_debugfs.c */
struct dentry *psim_debugfs_init(struct psim *sim);
void psim_debugfs_fini(struct dentry *root);

/* sim_regs.c */
u32 psim_reg_read(struct psim *sim, u32 reg);
void psim_reg_write(struct psim *sim, u32 reg, u32 val);

/* sim_engine.c */
int psim_engine_start(struct psim *sim);
void psim_engine_stop(struct psim *sim);
void psim_engine_doorbell(struct psim *sim, u32 doorbell);
void psim_engine_abort(struct psim *sim, struct psim_as *as);
void psim_engine_power_off(struct psim *sim);

#endif /* __PANTHOR_SIM_H__ */
