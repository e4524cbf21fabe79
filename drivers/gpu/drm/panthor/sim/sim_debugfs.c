// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: debugfs
 *
 * /sys/kernel/debug/panthor-sim/ holds the knobs (one file each), the counters
 * (one file each under counters/), and three files that are read-only: state,
 * last_fault and last_stale.
 */

#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/string_choices.h>

#include "sim.h"

#define PSIM_KNOB(name) { #name, offsetof(struct psim_knobs, name) }
#define PSIM_COUNTER(name) { #name, offsetof(struct psim_stats, name) }

struct psim_file {
	const char *name;
	size_t offset;
};

static const struct psim_file psim_knob_files[] = {
	PSIM_KNOB(insn_per_sec),
	PSIM_KNOB(job_latency_us),
	PSIM_KNOB(flush_latency_us),
	PSIM_KNOB(mmu_delay_us),
	PSIM_KNOB(hang_locks),
	PSIM_KNOB(irq_delay_us),
	PSIM_KNOB(irq_lose),
	PSIM_KNOB(progress_timeout_ms),
	PSIM_KNOB(fail_resets),
	PSIM_KNOB(fail_boots),
	PSIM_KNOB(hang_jobs),
	PSIM_KNOB(pixel_ns),
	PSIM_KNOB(vertex_ns),
	PSIM_KNOB(item_ns),
	PSIM_KNOB(tiler_oom),
	PSIM_KNOB(tlb_keep),
	PSIM_KNOB(unrecoverable),
	PSIM_KNOB(refuse_suspend),
};

/* Knobs of 64 bits. */
static const struct psim_file psim_mask_files[] = {
	PSIM_KNOB(flip_va),
	PSIM_KNOB(flip_mask),
	PSIM_KNOB(flip_memattr),
};

static const struct psim_file psim_counter_files[] = {
	PSIM_COUNTER(jobs),
	PSIM_COUNTER(insns),
	PSIM_COUNTER(irqs),
	PSIM_COUNTER(irqs_lost),
	PSIM_COUNTER(translation_faults),
	PSIM_COUNTER(permission_faults),
	PSIM_COUNTER(other_faults),
	PSIM_COUNTER(stale_tlb),
	PSIM_COUNTER(lock_stalls),
	PSIM_COUNTER(cs_faults),
	PSIM_COUNTER(cs_fatals),
	PSIM_COUNTER(tiler_ooms),
	PSIM_COUNTER(tiler_exceptions),
	PSIM_COUNTER(chunks_taken),
	PSIM_COUNTER(chunks_filled),
	PSIM_COUNTER(chunks_returned),
	PSIM_COUNTER(dispatches),
	PSIM_COUNTER(draws),
	PSIM_COUNTER(frames),
	PSIM_COUNTER(unknown_insns),
	PSIM_COUNTER(suspends),
	PSIM_COUNTER(resumes),
	PSIM_COUNTER(idle_events),
	PSIM_COUNTER(progress_events),
	PSIM_COUNTER(pings),
	PSIM_COUNTER(power_offs),
	PSIM_COUNTER(boots),
	PSIM_COUNTER(resets),
	PSIM_COUNTER(flushes),
	PSIM_COUNTER(mmu_cmds),
	PSIM_COUNTER(bad_regs),
};

static int psim_counter_get(void *data, u64 *val)
{
	*val = atomic64_read(data);
	return 0;
}

static int psim_counter_set(void *data, u64 val)
{
	atomic64_set(data, val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(psim_counter_fops, psim_counter_get, psim_counter_set, "%llu\n");

/* Writing a number other than 0 crashes the firmware until the next reset. */
static int psim_crash_get(void *data, u64 *val)
{
	struct psim *sim = data;

	*val = READ_ONCE(sim->mcu.crashed);
	return 0;
}

static int psim_crash_set(void *data, u64 val)
{
	struct psim *sim = data;

	WRITE_ONCE(sim->mcu.crashed, !!val);
	psim_kick(&sim->base.up, PSIM_WORK_RETRY);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(psim_crash_fops, psim_crash_get, psim_crash_set, "%llu\n");

/* Writing a status makes the GPU report a fault with it. */
static int psim_gpu_fault_get(void *data, u64 *val)
{
	struct psim *sim = data;

	*val = READ_ONCE(sim->gpu.fault_status);
	return 0;
}

static int psim_gpu_fault_set(void *data, u64 val)
{
	struct psim *sim = data;

	psim_gpu_fault(&sim->gpu, val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(psim_gpu_fault_fops, psim_gpu_fault_get, psim_gpu_fault_set, "%#llx\n");

static const char * const psim_block_names[] = {
	[PSIM_RUNNABLE] = "runnable",
	[PSIM_BLOCK_EMPTY] = "empty",
	[PSIM_BLOCK_SYNC] = "sync-wait",
	[PSIM_BLOCK_SB] = "scoreboard",
	[PSIM_BLOCK_LOCKED] = "as-locked",
	[PSIM_BLOCK_MMU] = "mmu-fault",
	[PSIM_BLOCK_FAULT] = "fault",
	[PSIM_BLOCK_OOM] = "tiler-oom",
	[PSIM_BLOCK_HEAP] = "heap",
	[PSIM_BLOCK_PROGRESS] = "progress-wait",
	[PSIM_BLOCK_FATAL] = "fatal",
	[PSIM_BLOCK_HUNG] = "hung",
};

static int psim_state_show(struct seq_file *m, void *unused)
{
	struct psim *sim = m->private;

	guard(spinlock_irqsave)(&sim->mcu.lock);
	seq_printf(m, "mcu status=%u running=%s crashed=%s\n", READ_ONCE(sim->gpu.mcu_status),
		   str_yes_no(sim->mcu.running), str_yes_no(READ_ONCE(sim->mcu.crashed)));

	for (u32 i = 0; i < PSIM_NUM_AS; i++) {
		struct psim_as *as = &sim->mmu.as[i];

		guard(spinlock)(&as->lock);
		if (as->live.enabled)
			seq_printf(m, "as id=%u transtab=%#llx locked=%s region=%#llx-%#llx\n", i,
				   as->live.transtab, str_yes_no(as->locked), as->lock_start,
				   as->lock_last);
	}

	for (u32 i = 0; i < PSIM_NUM_CSG; i++) {
		struct psim_csg *csg = &sim->mcu.csgs[i];

		if (!csg->active)
			continue;

		seq_printf(m, "group slot=%u as=%u priority=%u idle=%s\n", i, csg->env.as->id,
			   csg->priority, str_yes_no(csg->idle));
		for (u32 j = 0; j < PSIM_NUM_CS; j++) {
			struct psim_cs *cs = &csg->cs[j];

			if (cs->active)
				seq_printf(m,
					   "stream slot=%u.%u state=%s ring=%#llx extract=%llu insert=%llu depth=%u pc=%#llx\n",
					   i, j, psim_block_names[cs->block], cs->ring,
					   cs->ctx.extract, cs->insert, cs->ctx.depth, cs->ctx.pc);
		}
	}

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(psim_state);

static int psim_last_fault_show(struct seq_file *m, void *unused)
{
	struct psim *sim = m->private;

	guard(spinlock_irqsave)(&sim->mcu.lock);
	seq_printf(m, "%s\n", sim->mmu.last_fault);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(psim_last_fault);

static int psim_last_stale_show(struct seq_file *m, void *unused)
{
	struct psim *sim = m->private;

	guard(spinlock_irqsave)(&sim->mcu.lock);
	seq_printf(m, "%s\n", sim->mmu.last_stale);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(psim_last_stale);

/**
 * psim_debugfs_init() - Create the debugfs files
 * @sim: Simulator.
 *
 * Return: The directory.
 */
struct dentry *psim_debugfs_init(struct psim *sim)
{
	struct dentry *root = debugfs_create_dir("panthor-sim", NULL);
	struct dentry *counters = debugfs_create_dir("counters", root);

	for (u32 i = 0; i < ARRAY_SIZE(psim_knob_files); i++)
		debugfs_create_u32(psim_knob_files[i].name, 0600, root,
				   (void *)&sim->base.knobs + psim_knob_files[i].offset);

	for (u32 i = 0; i < ARRAY_SIZE(psim_mask_files); i++)
		debugfs_create_x64(psim_mask_files[i].name, 0600, root,
				   (void *)&sim->base.knobs + psim_mask_files[i].offset);

	for (u32 i = 0; i < ARRAY_SIZE(psim_counter_files); i++)
		debugfs_create_file_unsafe(psim_counter_files[i].name, 0600, counters,
					   (void *)&sim->base.stats + psim_counter_files[i].offset,
					   &psim_counter_fops);

	debugfs_create_file_unsafe("crash", 0600, root, sim, &psim_crash_fops);
	debugfs_create_file_unsafe("gpu_fault", 0600, root, sim, &psim_gpu_fault_fops);
	debugfs_create_file("state", 0400, root, sim, &psim_state_fops);
	debugfs_create_file("last_fault", 0400, root, sim, &psim_last_fault_fops);
	debugfs_create_file("last_stale", 0400, root, sim, &psim_last_stale_fops);
	return root;
}

/**
 * psim_debugfs_fini() - Remove the debugfs files
 * @root: The directory.
 */
void psim_debugfs_fini(struct dentry *root)
{
	debugfs_remove(root);
}
