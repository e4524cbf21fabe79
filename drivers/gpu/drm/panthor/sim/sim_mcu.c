// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: firmware
 *
 * The global part of the firmware interface: boot, halt, global requests and
 * doorbells. The interface lives in the section that the firmware image
 * declares at PSIM_SHARED_VA; the image has no code, this file is the firmware.
 */

#include <linux/bitfield.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "panthor_fw.h"
#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "sim_mcu.h"

#define PSIM_FW_VERSION		0x01050000

/* Layout of the shared section. */
#define PSIM_GROUP_CONTROL	0x1000
#define PSIM_GROUP_STRIDE	0x0200
#define PSIM_STREAM_CONTROL	0x0040
#define PSIM_STREAM_STRIDE	0x0010
#define PSIM_GLOBAL_INPUT	0x4000
#define PSIM_GLOBAL_OUTPUT	0x5000
#define PSIM_GROUP_IO		0x8000
#define PSIM_GROUP_IO_STRIDE	0x2000
#define PSIM_GROUP_OUTPUT	0x1000
#define PSIM_STREAM_IO		0x0100
#define PSIM_STREAM_IO_STRIDE	0x0100

static_assert(PSIM_GROUP_CONTROL + PSIM_NUM_CSG * PSIM_GROUP_STRIDE <= PSIM_GLOBAL_INPUT);
static_assert(PSIM_STREAM_CONTROL + PSIM_NUM_CS * PSIM_STREAM_STRIDE <= PSIM_GROUP_STRIDE);
static_assert(PSIM_STREAM_IO + PSIM_NUM_CS * PSIM_STREAM_IO_STRIDE <= PSIM_GROUP_OUTPUT);
static_assert(PSIM_GROUP_IO + PSIM_NUM_CSG * PSIM_GROUP_IO_STRIDE <=
	      PSIM_SHARED_PAGES * PSIM_PAGE_SIZE);
static_assert(sizeof(struct panthor_fw_csg_input_iface) <= PSIM_STREAM_IO);
static_assert(sizeof(struct panthor_fw_csg_output_iface) <= PSIM_STREAM_IO);
static_assert(sizeof(struct panthor_fw_cs_input_iface) <= PSIM_STREAM_IO_STRIDE);
static_assert(sizeof(struct panthor_fw_cs_output_iface) <= PSIM_STREAM_IO_STRIDE);

/* Timers count units of 1024 cycles. */
#define PSIM_TIMER_SHIFT	10

/**
 * psim_mcu_init() - Initialise the microcontroller
 * @mcu: Microcontroller.
 * @base: What all layers share.
 * @irqs: Interrupt lines.
 * @mmu: MMU.
 * @gpu: GPU control block.
 */
void psim_mcu_init(struct psim_mcu *mcu, struct psim_base *base, struct psim_irqs *irqs,
		   struct psim_mmu *mmu, struct psim_gpu *gpu)
{
	mcu->base = base;
	mcu->irqs = irqs;
	mcu->mmu = mmu;
	mcu->gpu = gpu;
	spin_lock_init(&mcu->lock);
}

static void *psim_shared(struct psim_mcu *mcu, u32 offset)
{
	return mcu->shared[offset >> PSIM_PAGE_SHIFT] + (offset & ~PSIM_PAGE_MASK);
}

static int psim_mcu_map_shared(struct psim_mcu *mcu)
{
	struct psim_as *as = &mcu->mmu->as[0];

	guard(spinlock)(&as->lock);
	for (u32 i = 0; i < PSIM_SHARED_PAGES; i++) {
		int ret = psim_as_ptr(as, PSIM_SHARED_VA + i * PSIM_PAGE_SIZE, PSIM_WRITE,
				      &mcu->shared[i]);

		if (ret)
			return ret;
	}

	return 0;
}

static void psim_mcu_init_stream(struct psim_mcu *mcu, struct psim_csg *csg, u32 j)
{
	u32 ctrl = PSIM_GROUP_CONTROL + csg->io.slot * PSIM_GROUP_STRIDE +
		   PSIM_STREAM_CONTROL + j * PSIM_STREAM_STRIDE;
	u32 io = PSIM_GROUP_IO + csg->io.slot * PSIM_GROUP_IO_STRIDE +
		 PSIM_STREAM_IO + j * PSIM_STREAM_IO_STRIDE;
	struct panthor_fw_cs_control_iface *control = psim_shared(mcu, ctrl);
	struct psim_cs *cs = &csg->cs[j];

	control->features = FIELD_PREP(GENMASK(7, 0), PSIM_NUM_REGS - 1) |
			    FIELD_PREP(GENMASK(15, 8), PSIM_NUM_SB) |
			    CS_FEATURES_COMPUTE | CS_FEATURES_FRAGMENT | CS_FEATURES_TILER;
	control->input_va = PSIM_SHARED_VA + io;
	control->output_va = PSIM_SHARED_VA + io + PSIM_GROUP_OUTPUT;

	cs->env = &csg->env;
	cs->active = false;
	cs->io.csg = &csg->io;
	cs->io.index = j;
	cs->io.in = psim_shared(mcu, io);
	cs->io.out = psim_shared(mcu, io + PSIM_GROUP_OUTPUT);
}

static void psim_mcu_init_group(struct psim_mcu *mcu, u32 i)
{
	u32 io = PSIM_GROUP_IO + i * PSIM_GROUP_IO_STRIDE;
	struct panthor_fw_csg_control_iface *control =
		psim_shared(mcu, PSIM_GROUP_CONTROL + i * PSIM_GROUP_STRIDE);
	struct psim_csg *csg = &mcu->csgs[i];

	control->features = 0;
	control->input_va = PSIM_SHARED_VA + io;
	control->output_va = PSIM_SHARED_VA + io + PSIM_GROUP_OUTPUT;
	control->suspend_size = ALIGN(PSIM_NUM_CS * sizeof(struct psim_cs_ctx), PSIM_PAGE_SIZE);
	control->protm_suspend_size = PSIM_PAGE_SIZE;
	control->stream_num = PSIM_NUM_CS;
	control->stream_stride = PSIM_STREAM_STRIDE;

	csg->active = false;
	csg->mmu = mcu->mmu;
	csg->env.base = mcu->base;
	csg->env.gpu = mcu->gpu;
	csg->env.fw_as = &mcu->mmu->as[0];
	csg->env.cs = csg->cs;
	csg->io.irqs = mcu->irqs;
	csg->io.slot = i;
	csg->io.in = psim_shared(mcu, io);
	csg->io.out = psim_shared(mcu, io + PSIM_GROUP_OUTPUT);

	for (u32 j = 0; j < PSIM_NUM_CS; j++)
		psim_mcu_init_stream(mcu, csg, j);
}

static void psim_mcu_boot(struct psim_mcu *mcu)
{
	struct panthor_fw_global_control_iface *control;

	if (psim_take(&mcu->base->knobs.fail_boots) || psim_mcu_map_shared(mcu)) {
		WRITE_ONCE(mcu->gpu->mcu_status, MCU_STATUS_FATAL);
		return;
	}

	control = psim_shared(mcu, 0);
	control->version = PSIM_FW_VERSION;
	control->features = 0;
	control->input_va = PSIM_SHARED_VA + PSIM_GLOBAL_INPUT;
	control->output_va = PSIM_SHARED_VA + PSIM_GLOBAL_OUTPUT;
	control->group_num = PSIM_NUM_CSG;
	control->group_stride = PSIM_GROUP_STRIDE;
	control->perfcnt_size = 0;
	control->instr_features = 0;

	mcu->in = psim_shared(mcu, PSIM_GLOBAL_INPUT);
	mcu->out = psim_shared(mcu, PSIM_GLOBAL_OUTPUT);
	mcu->out->halt_status = PANTHOR_FW_HALT_OK;

	for (u32 i = 0; i < PSIM_NUM_CSG; i++)
		psim_mcu_init_group(mcu, i);

	atomic_set(&mcu->doorbells, 0);
	mcu->idle_reported = true;
	WRITE_ONCE(mcu->crashed, false);
	mcu->running = true;
	WRITE_ONCE(mcu->gpu->mcu_status, MCU_STATUS_ENABLED);
	psim_count(mcu->base, boots);
	psim_irq_raise(mcu->irqs, PSIM_IRQ_JOB, JOB_INT_GLOBAL_IF);
}

/**
 * psim_mcu_stop() - Stop the firmware
 * @mcu: Microcontroller.
 * @status: New value of MCU_STATUS.
 *
 * After that, the firmware does not access the interface memory.
 */
void psim_mcu_stop(struct psim_mcu *mcu, u32 status)
{
	mcu->running = false;
	for (u32 i = 0; i < PSIM_NUM_CSG; i++)
		psim_csg_stop(&mcu->csgs[i]);

	WRITE_ONCE(mcu->gpu->mcu_status, status);
}

/**
 * psim_mcu_control() - Serve a write of MCU_CONTROL
 * @mcu: Microcontroller.
 */
void psim_mcu_control(struct psim_mcu *mcu)
{
	switch (READ_ONCE(mcu->gpu->mcu_control)) {
	case MCU_CONTROL_DISABLE:
		psim_mcu_stop(mcu, MCU_STATUS_DISABLED);
		break;
	case MCU_CONTROL_ENABLE:
	case MCU_CONTROL_AUTO:
		if (!mcu->running)
			psim_mcu_boot(mcu);
		break;
	}
}

static u64 psim_timer_ns(u32 ticks)
{
	return mul_u64_u32_div((u64)ticks << PSIM_TIMER_SHIFT, NSEC_PER_SEC / USEC_PER_SEC,
			       PSIM_CLOCK_HZ / USEC_PER_SEC);
}

static void psim_mcu_set_timers(struct psim_mcu *mcu)
{
	u32 idle = READ_ONCE(mcu->in->idle_timer);
	u32 progress = READ_ONCE(mcu->in->progress_timer);

	mcu->timers.idle_ns = psim_timer_ns(GLB_TIMER_VAL(idle));
	mcu->timers.progress_ns = psim_timer_ns(progress);
}

/* Acknowledges the global requests. Returns false if the firmware halted. */
static bool psim_mcu_global_requests(struct psim_mcu *mcu)
{
	u32 req = READ_ONCE(mcu->in->req);
	u32 ack = READ_ONCE(mcu->out->ack);
	u32 new_ack, changed;

	if (req & GLB_HALT) {
		WRITE_ONCE(mcu->out->ack, ack | GLB_HALT);
		psim_mcu_stop(mcu, MCU_STATUS_HALT);
		return false;
	}

	if ((req ^ ack) & GLB_PING)
		psim_count(mcu->base, pings);
	if ((req ^ ack) & (GLB_CFG_PROGRESS_TIMER | GLB_IDLE_EN | GLB_CFG_ALLOC_EN))
		psim_mcu_set_timers(mcu);

	new_ack = (req & GLB_REQ_MASK) | (ack & GLB_EVT_MASK);
	changed = new_ack ^ ack;
	if (!changed)
		return true;

	WRITE_ONCE(mcu->out->ack, new_ack);
	if (changed & READ_ONCE(mcu->in->ack_irq_mask))
		psim_irq_raise(mcu->irqs, PSIM_IRQ_JOB, JOB_INT_GLOBAL_IF);
	return true;
}

/**
 * psim_mcu_doorbells() - Serve the doorbells that rang
 * @mcu: Microcontroller.
 */
void psim_mcu_doorbells(struct psim_mcu *mcu)
{
	u32 doorbells = atomic_xchg(&mcu->doorbells, 0);
	u32 groups;

	if (!mcu->running || READ_ONCE(mcu->crashed))
		return;

	/*
	 * The doorbells of user queues need no action here: the engine runs, and
	 * the streams compare INSERT with EXTRACT.
	 */
	if (!(doorbells & BIT(CSF_GLB_DOORBELL_ID)))
		return;

	if (!psim_mcu_global_requests(mcu))
		return;

	groups = READ_ONCE(mcu->in->doorbell_req) ^ READ_ONCE(mcu->out->doorbell_ack);
	WRITE_ONCE(mcu->out->doorbell_ack, READ_ONCE(mcu->out->doorbell_ack) ^ groups);
	for (u32 i = 0; i < PSIM_NUM_CSG; i++) {
		if (groups & BIT(i))
			psim_csg_request(&mcu->csgs[i]);
	}
}

/**
 * psim_mcu_global_idle() - Report when all groups are idle
 * @mcu: Microcontroller.
 */
void psim_mcu_global_idle(struct psim_mcu *mcu)
{
	u32 req, ack;

	if (READ_ONCE(mcu->crashed))
		return;

	for (u32 i = 0; i < PSIM_NUM_CSG; i++) {
		struct psim_csg *csg = &mcu->csgs[i];

		if (csg->active && !csg->idle_reported) {
			mcu->idle_reported = false;
			return;
		}
	}

	req = READ_ONCE(mcu->in->req);
	ack = READ_ONCE(mcu->out->ack);
	if (mcu->idle_reported || !(req & GLB_IDLE_EN) || ((req ^ ack) & GLB_IDLE))
		return;

	mcu->idle_reported = true;
	WRITE_ONCE(mcu->out->ack, ack ^ GLB_IDLE);
	psim_irq_raise(mcu->irqs, PSIM_IRQ_JOB, JOB_INT_GLOBAL_IF);
}
