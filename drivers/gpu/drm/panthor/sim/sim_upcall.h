/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_UPCALL_H__
#define __PANTHOR_SIM_UPCALL_H__

/**
 * DOC: upcalls
 *
 * Each layer calls the layers below it. What happens below and concerns a layer
 * above, or the driver, takes one of these ways and no other:
 *
 * Kick
 *	Work for the engine that a register write, an instruction or a knob found:
 *	psim_kick() and psim_kick_self(), below.
 *
 * Fault
 *	An error code, when an access to memory or an instruction returns. Of memory:
 *	-EAGAIN, the region is locked; -EFAULT, the MMU refused the access and raised
 *	its interrupt. Of instructions also: -ENOMEM, TILER_OOM has to be raised;
 *	-EINVAL, the exception is in &psim_cs.trap. The stream reports it to the
 *	driver, from the engine's thread, with &psim_mcu.lock and the lock of the
 *	address space held. The answer to an MMU fault is a register write:
 *	psim_mmu_write() returns the address space, and the caller, which holds none
 *	of these locks, has the streams' accesses aborted.
 *
 * Event
 *	A bit of the firmware interface that the driver reads: psim_csg_event() and
 *	psim_cs_event(), with &psim_mcu.lock held. An instruction does not raise
 *	events: it sets &psim_cs.sync_update, and its stream does.
 *
 * Interrupt
 *	psim_irq_raise(), from any context, with any lock but the lines' own held.
 *	The driver's handler runs from an irq_work, in hard interrupt context,
 *	without any of the simulator's locks that register accesses take.
 */

#include <linux/bitops.h>
#include <linux/sched.h>

/**
 * enum psim_work - What the engine is kicked for
 */
enum psim_work {
	/** @PSIM_WORK_RESET: GPU_CMD requested a reset. */
	PSIM_WORK_RESET,

	/** @PSIM_WORK_MCU: MCU_CONTROL was written. */
	PSIM_WORK_MCU,

	/**
	 * @PSIM_WORK_RETRY: Something that streams wait for may have changed: a
	 * doorbell rang, an address space was unlocked or updated, a sync object or
	 * a progress counter was written, tiler memory was freed, a knob was written.
	 */
	PSIM_WORK_RETRY,
};

/**
 * struct psim_upcall - Where the layers below the engine leave work for it
 */
struct psim_upcall {
	/** @work: Bitmap of &enum psim_work; atomic, no lock protects it. */
	unsigned long work;

	/**
	 * @engine: Thread to wake. Set before the device exists, cleared after it
	 * is gone.
	 */
	struct task_struct *engine;
};

/**
 * psim_kick() - Leave work for the engine and wake it
 * @up: Upcalls.
 * @work: Kind of work.
 *
 * From any context, with any lock held: it takes none of the simulator's, and the
 * engine does the work later, in its thread.
 */
static inline void psim_kick(struct psim_upcall *up, enum psim_work work)
{
	set_bit(work, &up->work);
	if (up->engine)
		wake_up_process(up->engine);
}

/**
 * psim_kick_self() - Have the engine run all streams again before it sleeps
 * @up: Upcalls.
 *
 * For instructions: in the engine's thread, which is awake, with &psim_mcu.lock and
 * the lock of the address space held.
 */
static inline void psim_kick_self(struct psim_upcall *up)
{
	set_bit(PSIM_WORK_RETRY, &up->work);
}

#endif /* __PANTHOR_SIM_UPCALL_H__ */
