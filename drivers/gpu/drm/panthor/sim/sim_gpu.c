// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: GPU control
 *
 * Identity, clocks, power, cache flushes, and the microcontroller's registers. Cache
 * flushes and power transitions complete at once; the engine does a reset and the
 * start of the firmware.
 */

#include <linux/bitfield.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/timekeeping.h>

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "sim_gpu.h"

/* Identity of a Mali-G610 as found in an RK3588. */
#define PSIM_GPU_ID		0xa8670005
#define PSIM_CSF_ID		0x040a0412
#define PSIM_L2_FEATURES	0x07120306
#define PSIM_CORE_FEATURES	0x00000000
#define PSIM_TILER_FEATURES	0x00000809
#define PSIM_MEM_FEATURES	0x00000301
#define PSIM_MMU_FEATURES	0x00002830
#define PSIM_THREADS		0x00000800
#define PSIM_WORKGROUP		0x00000400
#define PSIM_BARRIER		0x00000400
#define PSIM_THREAD_FEATURES	0x04010000
#define PSIM_SHADER_PRESENT	0x0000000000050005ULL
#define PSIM_TILER_PRESENT	0x0000000000000001ULL
#define PSIM_L2_PRESENT		0x0000000000000001ULL

/* Opcodes of GPU_CMD. */
#define PSIM_GPU_CMD_RESET	1
#define PSIM_GPU_CMD_FLUSH	4

/* The flush id has 24 bits. 0 is not used: it forces a flush. */
#define PSIM_FLUSH_ID_MASK	GENMASK(23, 0)

static const u32 psim_texture_features[] = { 0xc1ffff9e, 0x00000001, 0x00001801, 0x00000000 };

static const u64 psim_present[] = {
	PSIM_SHADER_PRESENT, PSIM_TILER_PRESENT, PSIM_L2_PRESENT,
};

/**
 * psim_timestamp() - What GPU_TIMESTAMP counts
 *
 * Return: Ticks of the system counter.
 */
u64 psim_timestamp(void)
{
	return mul_u64_u32_div(ktime_get_boottime_ns(), PSIM_TIMESTAMP_HZ, NSEC_PER_SEC);
}

/**
 * psim_cycle_count() - What GPU_CYCLE_COUNT counts
 *
 * Return: Cycles of the core clock.
 */
u64 psim_cycle_count(void)
{
	return div_u64(ktime_get_ns(), NSEC_PER_SEC / PSIM_CLOCK_HZ);
}

static u32 psim_half(u64 val, u32 reg)
{
	return reg & 4 ? upper_32_bits(val) : lower_32_bits(val);
}

static void psim_set_half(u64 *val, u32 reg, u32 half)
{
	if (reg & 4)
		*val = lower_32_bits(*val) | (u64)half << 32;
	else
		*val = (*val & GENMASK_ULL(63, 32)) | half;
}

static u32 *psim_flush_id(struct psim_gpu *gpu)
{
	return page_address(gpu->flush_page);
}

static void psim_flush_caches(struct psim_gpu *gpu)
{
	u32 *id = psim_flush_id(gpu);
	u32 next = (READ_ONCE(*id) + 1) & PSIM_FLUSH_ID_MASK;

	WRITE_ONCE(*id, next ?: 1);
	psim_count(gpu->base, flushes);
	psim_irq_raise(gpu->irqs, PSIM_IRQ_GPU, GPU_IRQ_CLEAN_CACHES_COMPLETED);
}

static void psim_gpu_command(struct psim_gpu *gpu, u32 cmd)
{
	switch (cmd & 0xff) {
	case PSIM_GPU_CMD_RESET:
		psim_kick(&gpu->base->up, PSIM_WORK_RESET);
		break;
	case PSIM_GPU_CMD_FLUSH:
		psim_flush_caches(gpu);
		break;
	}
}

/* PWRON, PWROFF: three blocks, 16 bytes apart; transitions are immediate. */
static void psim_power(struct psim_gpu *gpu, u32 reg, u32 val, bool on)
{
	u32 block = (reg >> 4) & 3;
	u64 mask = reg & 4 ? (u64)val << 32 : val;

	if (block >= ARRAY_SIZE(psim_present))
		return;

	scoped_guard(spinlock_irqsave, &gpu->lock) {
		if (on)
			gpu->ready[block] |= mask & psim_present[block];
		else
			gpu->ready[block] &= ~mask;
	}

	if (mask)
		psim_irq_raise(gpu->irqs, PSIM_IRQ_GPU,
			       GPU_IRQ_POWER_CHANGED | GPU_IRQ_POWER_CHANGED_ALL);
}

static u32 psim_ready(struct psim_gpu *gpu, u32 reg)
{
	u32 block = (reg >> 4) & 3;

	guard(spinlock_irqsave)(&gpu->lock);
	return block < ARRAY_SIZE(psim_present) ? psim_half(gpu->ready[block], reg) : 0;
}

/**
 * psim_gpu_reset() - Reset the GPU control block
 * @gpu: GPU control block.
 */
void psim_gpu_reset(struct psim_gpu *gpu)
{
	scoped_guard(spinlock_irqsave, &gpu->lock) {
		memset(gpu->ready, 0, sizeof(gpu->ready));
		gpu->coherency = GPU_COHERENCY_NONE;
		gpu->l2_config = 0;
		gpu->ts_offset = 0;
		WRITE_ONCE(gpu->fault_status, 0);
	}

	if (!READ_ONCE(*psim_flush_id(gpu)))
		WRITE_ONCE(*psim_flush_id(gpu), 1);
}

/**
 * psim_gpu_init() - Initialise the GPU control block
 * @gpu: GPU control block; @flush_page is set.
 * @base: What all layers share.
 * @irqs: Interrupt lines.
 */
void psim_gpu_init(struct psim_gpu *gpu, struct psim_base *base, struct psim_irqs *irqs)
{
	gpu->base = base;
	gpu->irqs = irqs;
	spin_lock_init(&gpu->lock);
	psim_gpu_reset(gpu);
}

/**
 * psim_gpu_fault() - Report a fault of the GPU as a whole
 * @gpu: GPU control block.
 * @status: GPU_FAULT_STATUS; the exception type is in bits 7:0.
 */
void psim_gpu_fault(struct psim_gpu *gpu, u32 status)
{
	WRITE_ONCE(gpu->fault_status, status);
	psim_irq_raise(gpu->irqs, PSIM_IRQ_GPU, GPU_IRQ_FAULT);
}

/**
 * psim_gpu_read() - Read a register of the GPU control block or the microcontroller
 * @gpu: GPU control block.
 * @reg: Offset in the register window.
 *
 * Return: The register's value, 0 if there is none.
 */
u32 psim_gpu_read(struct psim_gpu *gpu, u32 reg)
{
	switch (reg) {
	case GPU_ID:
		return PSIM_GPU_ID;
	case GPU_L2_FEATURES:
		return PSIM_L2_FEATURES;
	case GPU_CORE_FEATURES:
		return PSIM_CORE_FEATURES;
	case GPU_TILER_FEATURES:
		return PSIM_TILER_FEATURES;
	case GPU_MEM_FEATURES:
		return PSIM_MEM_FEATURES;
	case GPU_MMU_FEATURES:
		return PSIM_MMU_FEATURES;
	case GPU_AS_PRESENT:
		return GENMASK(PSIM_NUM_AS - 1, 0);
	case GPU_CSF_ID:
		return PSIM_CSF_ID;
	case GPU_STATUS:
		return READ_ONCE(gpu->mcu_status) == MCU_STATUS_ENABLED ? GPU_STATUS_ACTIVE : 0;
	case GPU_FAULT_STATUS:
		return READ_ONCE(gpu->fault_status);
	case GPU_CMD:
	case GPU_FAULT_ADDR ... GPU_FAULT_ADDR + 4:
	case GPU_FEATURES ... GPU_FEATURES + 4:
	case GPU_REVID:
	case GPU_COHERENCY_FEATURES:
		return 0;
	case GPU_L2_CONFIG:
		return gpu->l2_config;
	case GPU_COHERENCY_PROTOCOL:
		return gpu->coherency;
	case GPU_TIMESTAMP_OFFSET ... GPU_TIMESTAMP_OFFSET + 4:
		return psim_half(gpu->ts_offset, reg);
	case GPU_CYCLE_COUNT ... GPU_CYCLE_COUNT + 4:
		return psim_half(psim_cycle_count(), reg);
	case GPU_TIMESTAMP ... GPU_TIMESTAMP + 4:
		return psim_half(psim_timestamp() + gpu->ts_offset, reg);
	case GPU_THREAD_MAX_THREADS:
		return PSIM_THREADS;
	case GPU_THREAD_MAX_WORKGROUP_SIZE:
		return PSIM_WORKGROUP;
	case GPU_THREAD_MAX_BARRIER_SIZE:
		return PSIM_BARRIER;
	case GPU_THREAD_FEATURES:
		return PSIM_THREAD_FEATURES;
	case GPU_TEXTURE_FEATURES(0) ... GPU_TEXTURE_FEATURES(3):
		return psim_texture_features[(reg - GPU_TEXTURE_FEATURES(0)) / 4];
	case GPU_SHADER_PRESENT ... GPU_SHADER_PRESENT + 4:
		return psim_half(PSIM_SHADER_PRESENT, reg);
	case GPU_TILER_PRESENT ... GPU_TILER_PRESENT + 4:
		return psim_half(PSIM_TILER_PRESENT, reg);
	case GPU_L2_PRESENT ... GPU_L2_PRESENT + 4:
		return psim_half(PSIM_L2_PRESENT, reg);
	case SHADER_READY ... L2_READY + 4:
		return psim_ready(gpu, reg - SHADER_READY);
	case SHADER_PWRTRANS ... L2_PWRTRANS + 4:
	case SHADER_PWRACTIVE ... L2_PWRACTIVE + 4:
		return 0;
	case MCU_CONTROL_BASE + MCU_CONTROL:
		return READ_ONCE(gpu->mcu_control);
	case MCU_CONTROL_BASE + MCU_STATUS:
		return READ_ONCE(gpu->mcu_status);
	case CSF_GPU_LATEST_FLUSH_ID:
		return READ_ONCE(*psim_flush_id(gpu));
	default:
		psim_count(gpu->base, bad_regs);
		return 0;
	}
}

/**
 * psim_gpu_write() - Write a register of the GPU control block or the microcontroller
 * @gpu: GPU control block.
 * @reg: Offset in the register window.
 * @val: Value.
 */
void psim_gpu_write(struct psim_gpu *gpu, u32 reg, u32 val)
{
	switch (reg) {
	case GPU_CMD:
		psim_gpu_command(gpu, val);
		break;
	case GPU_L2_CONFIG:
		gpu->l2_config = val;
		break;
	case GPU_COHERENCY_PROTOCOL:
		gpu->coherency = val;
		break;
	case GPU_TIMESTAMP_OFFSET ... GPU_TIMESTAMP_OFFSET + 4:
		psim_set_half(&gpu->ts_offset, reg, val);
		break;
	case GPU_PWR_KEY ... GPU_PWR_OVERRIDE1:
		break;
	case SHADER_PWRON ... L2_PWRON + 4:
		psim_power(gpu, reg - SHADER_PWRON, val, true);
		break;
	case SHADER_PWROFF ... L2_PWROFF + 4:
		psim_power(gpu, reg - SHADER_PWROFF, val, false);
		break;
	case MCU_CONTROL_BASE + MCU_CONTROL:
		WRITE_ONCE(gpu->mcu_control, val);
		psim_kick(&gpu->base->up, PSIM_WORK_MCU);
		break;
	default:
		psim_count(gpu->base, bad_regs);
		break;
	}
}
