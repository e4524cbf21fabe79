/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_MCU_H__
#define __PANTHOR_SIM_MCU_H__

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "sim_group.h"

struct panthor_fw_global_input_iface;
struct panthor_fw_global_output_iface;

/* The GPU's pages of the firmware's shared section that the simulator uses. */
#define PSIM_SHARED_VA		0x04000000UL
#define PSIM_SHARED_PAGES	32

/**
 * struct psim_mcu - The microcontroller and its firmware
 */
struct psim_mcu {
	/** @base: What all layers share. */
	struct psim_base *base;

	/** @irqs: Interrupt lines. */
	struct psim_irqs *irqs;

	/** @mmu: MMU. */
	struct psim_mmu *mmu;

	/** @gpu: GPU control block, which has the microcontroller's registers. */
	struct psim_gpu *gpu;

	/**
	 * @lock: Protects the rest, except @crashed and @doorbells. Interrupts are
	 * off. The locks of address spaces and the interrupt lines nest inside.
	 */
	spinlock_t lock;

	/** @csgs: Group slots. */
	struct psim_csg csgs[PSIM_NUM_CSG];

	/** @running: True while the firmware serves doorbells. */
	bool running;

	/** @crashed: True after the knob crashed the firmware. */
	bool crashed;

	/** @doorbells: Doorbells that rang. */
	atomic_t doorbells;

	/** @shared: The pages of the shared section. */
	void *shared[PSIM_SHARED_PAGES];

	/** @in: Global input interface. */
	struct panthor_fw_global_input_iface *in;

	/** @out: Global output interface. */
	struct panthor_fw_global_output_iface *out;

	/** @timers: Timers of groups. */
	struct psim_timers timers;

	/** @idle_reported: True once the global idle event was raised. */
	bool idle_reported;
};

void psim_mcu_init(struct psim_mcu *mcu, struct psim_base *base, struct psim_irqs *irqs,
		   struct psim_mmu *mmu, struct psim_gpu *gpu);
void psim_mcu_control(struct psim_mcu *mcu);
void psim_mcu_stop(struct psim_mcu *mcu, u32 status);
void psim_mcu_doorbells(struct psim_mcu *mcu);
void psim_mcu_global_idle(struct psim_mcu *mcu);

#endif /* __PANTHOR_SIM_MCU_H__ */
