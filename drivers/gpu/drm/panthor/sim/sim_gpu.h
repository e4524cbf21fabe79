/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_GPU_H__
#define __PANTHOR_SIM_GPU_H__

#include <linux/spinlock.h>
#include <linux/types.h>

#include "sim_irq.h"

struct page;

/**
 * struct psim_gpu - The GPU control block and the microcontroller's registers
 */
struct psim_gpu {
	/** @base: What all layers share. */
	struct psim_base *base;

	/** @irqs: Interrupt lines. */
	struct psim_irqs *irqs;

	/** @flush_page: Page with the latest flush id, which user space maps. */
	struct page *flush_page;

	/** @lock: Protects what follows, except the microcontroller's registers. */
	spinlock_t lock;

	/** @ready: Powered cores: shader, tiler, L2. */
	u64 ready[3];

	/** @coherency: COHERENCY_PROTOCOL. */
	u32 coherency;

	/** @l2_config: L2_CONFIG. */
	u32 l2_config;

	/** @ts_offset: TIMESTAMP_OFFSET. */
	u64 ts_offset;

	/** @fault_status: GPU_FAULT_STATUS. */
	u32 fault_status;

	/** @mcu_control: MCU_CONTROL, as the driver wrote it. */
	u32 mcu_control;

	/** @mcu_status: MCU_STATUS, as the firmware sets it. */
	u32 mcu_status;
};

void psim_gpu_init(struct psim_gpu *gpu, struct psim_base *base, struct psim_irqs *irqs);
u32 psim_gpu_read(struct psim_gpu *gpu, u32 reg);
void psim_gpu_write(struct psim_gpu *gpu, u32 reg, u32 val);
void psim_gpu_reset(struct psim_gpu *gpu);
void psim_gpu_fault(struct psim_gpu *gpu, u32 status);
u64 psim_timestamp(void);
u64 psim_cycle_count(void);

#endif /* __PANTHOR_SIM_GPU_H__ */
