// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: register file
 *
 * The accessors are called from any context, with spinlocks held and interrupts
 * off: nothing that they call sleeps.
 */

#include <linux/build_bug.h>
#include <linux/sizes.h>

#include "panthor_device.h"
#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"
#include "sim.h"

/* Doorbells: 1 page of 64 KiB each, up to the end of the window. */
#define PSIM_NUM_DOORBELLS	((PSIM_MMIO_SIZE - CSF_DOORBELL(0)) / SZ_64K)

static bool psim_is_irq_reg(u32 reg, u32 base)
{
	return reg >= base && reg <= base + INT_STAT;
}

/**
 * psim_reg_read() - Read a register
 * @sim: Simulator.
 * @reg: Offset in the register window.
 *
 * Return: The register's value, 0 if there is none.
 */
u32 psim_reg_read(struct psim *sim, u32 reg)
{
	if (psim_is_irq_reg(reg, JOB_INT_BASE))
		return psim_irq_read(&sim->irqs, PSIM_IRQ_JOB, reg - JOB_INT_BASE);
	if (psim_is_irq_reg(reg, MMU_INT_BASE))
		return psim_irq_read(&sim->irqs, PSIM_IRQ_MMU, reg - MMU_INT_BASE);
	if (psim_is_irq_reg(reg, GPU_INT_BASE))
		return psim_irq_read(&sim->irqs, PSIM_IRQ_GPU, reg - GPU_INT_BASE);
	if (reg >= MMU_AS_BASE && reg < MMU_AS_BASE + MMU_AS(PSIM_NUM_AS))
		return psim_mmu_read(&sim->mmu, reg - MMU_AS_BASE);

	return psim_gpu_read(&sim->gpu, reg);
}

/* If the write answers a fault, the accesses that faulted are aborted before it returns. */
static void psim_as_write_reg(struct psim *sim, u32 reg, u32 val)
{
	struct psim_as *abort = psim_mmu_write(&sim->mmu, reg, val);

	if (abort)
		psim_engine_abort(sim, abort);
}

/**
 * psim_reg_write() - Write a register
 * @sim: Simulator.
 * @reg: Offset in the register window.
 * @val: Value.
 */
void psim_reg_write(struct psim *sim, u32 reg, u32 val)
{
	if (psim_is_irq_reg(reg, JOB_INT_BASE))
		psim_irq_write(&sim->irqs, PSIM_IRQ_JOB, reg - JOB_INT_BASE, val);
	else if (psim_is_irq_reg(reg, MMU_INT_BASE))
		psim_irq_write(&sim->irqs, PSIM_IRQ_MMU, reg - MMU_INT_BASE, val);
	else if (psim_is_irq_reg(reg, GPU_INT_BASE))
		psim_irq_write(&sim->irqs, PSIM_IRQ_GPU, reg - GPU_INT_BASE, val);
	else if (reg >= MMU_AS_BASE && reg < MMU_AS_BASE + MMU_AS(PSIM_NUM_AS))
		psim_as_write_reg(sim, reg - MMU_AS_BASE, val);
	else if (reg >= CSF_DOORBELL(0) && !(reg & (SZ_64K - 1)))
		psim_engine_doorbell(sim, (reg - CSF_DOORBELL(0)) / SZ_64K);
	else
		psim_gpu_write(&sim->gpu, reg, val);
}

static_assert(PSIM_NUM_DOORBELLS <= 32, "doorbells do not fit struct psim_mcu");
static_assert(PSIM_NUM_CSG < PSIM_NUM_DOORBELLS, "fewer doorbells than groups");
