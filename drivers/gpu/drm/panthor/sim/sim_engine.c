// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: engine
 *
 * One kernel thread runs the microcontroller and all streams. It sleeps until it is
 * kicked or the next deadline (speed knob, timers, polls) passes. It is part of the
 * signalling path of the driver's fences and never allocates memory.
 *
 * Whoever rings a doorbell serves the requests to the firmware: the driver resets the
 * GPU if the firmware does not answer within 100 ms, and on an overloaded virtual
 * machine the thread may not get a CPU that soon. The driver can ring from any context,
 * an interrupt handler for instance, so &psim_mcu.lock is a spinlock with interrupts
 * off. The thread holds it for no more than one turn of one group.
 */

#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "sim.h"

/**
 * psim_engine_doorbell() - Ring a doorbell
 * @sim: Simulator.
 * @doorbell: Number of the doorbell.
 *
 * Can be called from any context.
 */
void psim_engine_doorbell(struct psim *sim, u32 doorbell)
{
	atomic_or(BIT(doorbell), &sim->mcu.doorbells);

	scoped_guard(spinlock_irqsave, &sim->mcu.lock)
		psim_mcu_doorbells(&sim->mcu);

	/* For the streams. */
	psim_kick(&sim->base.up, PSIM_WORK_RETRY);
}

/**
 * psim_engine_abort() - Abort the accesses that faulted
 * @sim: Simulator.
 * @as: Address space that was just reprogrammed.
 *
 * Done before the register write returns: the driver then checks which streams have a
 * fatal fault. Can be called from any context.
 */
void psim_engine_abort(struct psim *sim, struct psim_as *as)
{
	guard(spinlock_irqsave)(&sim->mcu.lock);
	for (u32 i = 0; i < PSIM_NUM_CSG; i++) {
		struct psim_csg *csg = &sim->mcu.csgs[i];

		if (csg->active && csg->env.as == as)
			psim_csg_abort(csg);
	}
}

/* All state is lost, what was running does not complete. */
static void psim_engine_stop_all(struct psim *sim)
{
	psim_mcu_stop(&sim->mcu, MCU_STATUS_DISABLED);
	WRITE_ONCE(sim->mcu.crashed, false);
	psim_mmu_reset(&sim->mmu);
	psim_gpu_reset(&sim->gpu);
}

static void psim_engine_reset(struct psim *sim)
{
	psim_engine_stop_all(sim);
	psim_irq_clear(&sim->irqs, PSIM_IRQ_JOB, ~0);
	psim_irq_clear(&sim->irqs, PSIM_IRQ_MMU, ~0);
	psim_count(&sim->base, resets);

	if (!psim_take(&sim->base.knobs.fail_resets))
		psim_irq_raise(&sim->irqs, PSIM_IRQ_GPU, GPU_IRQ_RESET_COMPLETED);
}

/**
 * psim_engine_power_off() - Lose all state
 * @sim: Simulator.
 *
 * As at a runtime suspend: the driver has to save what it needs.
 */
void psim_engine_power_off(struct psim *sim)
{
	guard(spinlock_irqsave)(&sim->mcu.lock);
	sim->base.up.work = 0;
	psim_engine_stop_all(sim);
	WRITE_ONCE(sim->gpu.mcu_control, MCU_CONTROL_DISABLE);
	psim_irq_reset(&sim->irqs);
	psim_count(&sim->base, power_offs);
}

/* Of the groups that are not in @done yet, the one with the highest priority. */
static struct psim_csg *psim_engine_next_group(struct psim *sim, u32 done)
{
	struct psim_csg *best = NULL;

	for (u32 i = 0; i < PSIM_NUM_CSG; i++) {
		struct psim_csg *csg = &sim->mcu.csgs[i];

		if (csg->active && !(done & BIT(i)) && (!best || csg->priority > best->priority))
			best = csg;
	}

	return best;
}

/* Gives each group its turn. Returns when to do it again. */
static u64 psim_engine_run_groups(struct psim *sim)
{
	u64 next = U64_MAX, now = ktime_get_ns();
	u32 done = 0;

	/* Between two turns, the lock is free for register writes. */
	for (;;) {
		struct psim_csg *csg;

		guard(spinlock_irqsave)(&sim->mcu.lock);
		if (!sim->mcu.running || READ_ONCE(sim->mcu.crashed))
			return U64_MAX;

		csg = psim_engine_next_group(sim, done);
		if (!csg) {
			psim_mcu_global_idle(&sim->mcu);
			return next;
		}

		done |= BIT(csg->io.slot);
		next = min(next, psim_csg_run(csg, &sim->mcu.timers, now));
	}
}

/* Does all pending work. Returns when to do it again. */
static u64 psim_engine_pass(struct psim *sim)
{
	scoped_guard(spinlock_irqsave, &sim->mcu.lock) {
		clear_bit(PSIM_WORK_RETRY, &sim->base.up.work);
		if (test_and_clear_bit(PSIM_WORK_RESET, &sim->base.up.work))
			psim_engine_reset(sim);
		if (test_and_clear_bit(PSIM_WORK_MCU, &sim->base.up.work))
			psim_mcu_control(&sim->mcu);
	}

	return psim_engine_run_groups(sim);
}

static void psim_engine_sleep(struct psim *sim, u64 until)
{
	ktime_t expires = ns_to_ktime(until);

	set_current_state(TASK_IDLE);
	if (!READ_ONCE(sim->base.up.work) && !kthread_should_stop())
		schedule_hrtimeout_range(until == U64_MAX ? NULL : &expires, 10 * NSEC_PER_USEC,
					 HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

static int psim_engine_thread(void *data)
{
	struct psim *sim = data;

	set_user_nice(current, MIN_NICE / 2);

	while (!kthread_should_stop()) {
		u64 next = psim_engine_pass(sim);

		if (next > ktime_get_ns())
			psim_engine_sleep(sim, next);
		else
			cond_resched();
	}

	scoped_guard(spinlock_irqsave, &sim->mcu.lock)
		psim_mcu_stop(&sim->mcu, MCU_STATUS_DISABLED);
	return 0;
}

/**
 * psim_engine_start() - Start the engine
 * @sim: Simulator.
 *
 * Return: 0 on success, a negative error code otherwise.
 */
int psim_engine_start(struct psim *sim)
{
	struct task_struct *task = kthread_run(psim_engine_thread, sim, "panthor-sim");

	if (IS_ERR(task))
		return PTR_ERR(task);

	sim->base.up.engine = task;
	return 0;
}

/**
 * psim_engine_stop() - Stop the engine
 * @sim: Simulator.
 */
void psim_engine_stop(struct psim *sim)
{
	kthread_stop(sim->base.up.engine);
	sim->base.up.engine = NULL;
}
