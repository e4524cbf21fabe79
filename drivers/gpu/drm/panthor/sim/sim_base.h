/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_BASE_H__
#define __PANTHOR_SIM_BASE_H__

#include <linux/atomic.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "sim_upcall.h"

/* Size of the register window. */
#define PSIM_MMIO_SIZE		SZ_2M

/* Rate of the core clock, and of what GPU_TIMESTAMP counts. */
#define PSIM_CLOCK_HZ		500000000UL
#define PSIM_TIMESTAMP_HZ	24000000UL

/* Number of address spaces. */
#define PSIM_NUM_AS		8

/* Instructions per second of one stream, unless the knob says otherwise. */
#define PSIM_DEFAULT_SPEED	500000

/**
 * struct psim_knobs - Behaviour that tests change through debugfs
 */
struct psim_knobs {
	/** @insn_per_sec: Speed of one stream; 0: no limit. */
	u32 insn_per_sec;

	/** @job_latency_us: Additional duration of each call from a ring buffer. */
	u32 job_latency_us;

	/** @flush_latency_us: Time that FLUSH_CACHE2 keeps its scoreboard slot busy. */
	u32 flush_latency_us;

	/** @mmu_delay_us: Time that AS_STATUS stays active after a command. */
	u32 mmu_delay_us;

	/** @hang_locks: Number of LOCK commands that will not complete before a reset. */
	u32 hang_locks;

	/** @irq_delay_us: Delay of interrupts. */
	u32 irq_delay_us;

	/** @irq_lose: Number of interrupts that will be lost. */
	u32 irq_lose;

	/** @progress_timeout_ms: Replaces the driver's progress timeout unless 0. */
	u32 progress_timeout_ms;

	/** @fail_resets: Number of resets that will not complete. */
	u32 fail_resets;

	/** @fail_boots: Number of firmware boots that will not complete. */
	u32 fail_boots;

	/** @hang_jobs: Number of calls from a ring buffer that will never return. */
	u32 hang_jobs;

	/** @pixel_ns: Time that RUN_FRAGMENT takes per pixel. */
	u32 pixel_ns;

	/** @vertex_ns: Time that a draw takes per vertex. */
	u32 vertex_ns;

	/** @item_ns: Time that RUN_COMPUTE takes per work item. */
	u32 item_ns;

	/** @tiler_oom: Number of vertex/tiler starts that will run out of tiler memory. */
	u32 tiler_oom;

	/** @tlb_keep: Number of UNLOCK commands that will not invalidate the TLB. */
	u32 tlb_keep;

	/** @unrecoverable: Number of calls that will end in CS_UNRECOVERABLE. */
	u32 unrecoverable;

	/** @refuse_suspend: Number of system suspends that will fail after the GPU's. */
	u32 refuse_suspend;

	/** @flip_va: Page of a group's address space that @flip_mask applies to. */
	u64 flip_va;

	/** @flip_mask: Bits of the leaf entry of @flip_va that are read inverted. */
	u64 flip_mask;

	/** @flip_memattr: Bits of MEMATTR that are read inverted. */
	u64 flip_memattr;
};

/**
 * struct psim_stats - Counters, also in debugfs
 */
struct psim_stats {
	/** @jobs: Calls from ring buffers that returned. */
	atomic64_t jobs;
	/** @insns: Instructions executed. */
	atomic64_t insns;
	/** @irqs: Interrupts delivered. */
	atomic64_t irqs;
	/** @irqs_lost: Interrupts that a knob lost. */
	atomic64_t irqs_lost;
	/** @translation_faults: Accesses to unmapped (or evicted) addresses. */
	atomic64_t translation_faults;
	/** @permission_faults: Accesses that the mapping does not permit. */
	atomic64_t permission_faults;
	/** @other_faults: Other MMU faults. */
	atomic64_t other_faults;
	/** @stale_tlb: Uses of a TLB entry that does not match the page table. */
	atomic64_t stale_tlb;
	/** @lock_stalls: Accesses that had to wait for an UNLOCK. */
	atomic64_t lock_stalls;
	/** @cs_faults: CS_FAULT events. */
	atomic64_t cs_faults;
	/** @cs_fatals: CS_FATAL events. */
	atomic64_t cs_fatals;
	/** @tiler_ooms: TILER_OOM events. */
	atomic64_t tiler_ooms;
	/** @tiler_exceptions: Calls of the exception handler for lack of tiler memory. */
	atomic64_t tiler_exceptions;
	/** @chunks_taken: Tiler heap chunks taken from the driver or the free list. */
	atomic64_t chunks_taken;
	/** @chunks_filled: Tiler heap chunks that became full. */
	atomic64_t chunks_filled;
	/** @chunks_returned: Lists of tiler heap chunks that were put on a free list. */
	atomic64_t chunks_returned;
	/** @dispatches: RUN_COMPUTE instructions. */
	atomic64_t dispatches;
	/** @draws: RUN_IDVS and RUN_FULLSCREEN instructions. */
	atomic64_t draws;
	/** @frames: RUN_FRAGMENT instructions. */
	atomic64_t frames;
	/** @unknown_insns: Instructions that are not implemented. */
	atomic64_t unknown_insns;
	/** @suspends: Groups suspended. */
	atomic64_t suspends;
	/** @resumes: Groups resumed. */
	atomic64_t resumes;
	/** @idle_events: Idle events of groups. */
	atomic64_t idle_events;
	/** @progress_events: Progress timer events. */
	atomic64_t progress_events;
	/** @pings: Pings answered. */
	atomic64_t pings;
	/** @power_offs: Runtime suspends, which lose all state. */
	atomic64_t power_offs;
	/** @boots: Firmware boots. */
	atomic64_t boots;
	/** @resets: GPU resets. */
	atomic64_t resets;
	/** @flushes: Cache flushes through GPU_CMD. */
	atomic64_t flushes;
	/** @mmu_cmds: Address space commands. */
	atomic64_t mmu_cmds;
	/** @bad_regs: Accesses to registers that do not exist. */
	atomic64_t bad_regs;
};

/**
 * struct psim_base - What all layers share
 */
struct psim_base {
	/** @up: Upcalls. */
	struct psim_upcall up;

	/** @knobs: Behaviour that tests change. */
	struct psim_knobs knobs;

	/** @stats: Counters. */
	struct psim_stats stats;

	/** @unknown: Opcodes that were logged as not implemented. */
	DECLARE_BITMAP(unknown, 256);
};

/* Counts a knob down. Returns false if it is 0. */
static inline bool psim_take(u32 *knob)
{
	u32 left = READ_ONCE(*knob);

	while (left) {
		if (try_cmpxchg(knob, &left, left - 1))
			return true;
	}

	return false;
}

#define psim_count(base, what) atomic64_inc(&(base)->stats.what)

#endif /* __PANTHOR_SIM_BASE_H__ */
