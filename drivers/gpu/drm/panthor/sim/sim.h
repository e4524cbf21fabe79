/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_H__
#define __PANTHOR_SIM_H__

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/ioport.h>
#include <linux/irq_work.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "panthor_device.h"
#include "panthor_fw.h"
#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"

#include "sim_cs.h"

struct clk_hw;
struct clk_lookup;
struct dentry;
struct platform_device;
struct psim;

/* Size of the register window. */
#define PSIM_MMIO_SIZE		SZ_2M

/* Rate of the core clock, and of what GPU_TIMESTAMP counts. */
#define PSIM_CLOCK_HZ		500000000UL
#define PSIM_TIMESTAMP_HZ	24000000UL

#define PSIM_NUM_AS		8
#define PSIM_TLB_BITS		8
#define PSIM_TLB_SIZE		BIT(PSIM_TLB_BITS)

/* The GPU's own page, whatever size the kernel's pages have. */
#define PSIM_PAGE_SHIFT		12
#define PSIM_PAGE_SIZE		BIT(PSIM_PAGE_SHIFT)
#define PSIM_PAGE_MASK		(~(u64)(PSIM_PAGE_SIZE - 1))

/* The GPU's pages of the firmware's shared section that the simulator uses. */
#define PSIM_SHARED_VA		0x04000000UL
#define PSIM_SHARED_PAGES	32

/* Instructions that a stream executes before others get their turn. */
#define PSIM_BATCH		256

/* Instructions per second of one stream, unless the knob says otherwise. */
#define PSIM_DEFAULT_SPEED	500000

/* Raw status bits of the blocks that interrupt. */
enum psim_irq_block {
	PSIM_IRQ_JOB,
	PSIM_IRQ_MMU,
	PSIM_IRQ_GPU,
	PSIM_IRQ_COUNT,
};

/**
 * struct psim_irq - One interrupt line and its four registers
 */
struct psim_irq {
	/** @sim: Owner. */
	struct psim *sim;

	/** @virq: Linux interrupt number. */
	unsigned int virq;

	/** @lock: Protects @raw and @mask. */
	spinlock_t lock;

	/** @raw: RAWSTAT. */
	u32 raw;

	/** @mask: MASK. */
	u32 mask;

	/** @work: Delivers the interrupt in hard interrupt context. */
	struct irq_work work;

	/** @deliver_lock: Keeps two CPUs from delivering at the same time. */
	spinlock_t deliver_lock;

	/** @timer: Delays the delivery (knob irq_delay_us). */
	struct hrtimer timer;
};

/* Kind of a memory access, encoded as in AS_FAULTSTATUS. */
enum psim_access {
	PSIM_ATOMIC = 0,
	PSIM_EXEC = 1,
	PSIM_READ = 2,
	PSIM_WRITE = 3,
};

/**
 * struct psim_tlb_entry - A translation as the hardware would cache it
 */
struct psim_tlb_entry {
	/** @vpn: Virtual page number, in pages of the GPU. */
	u64 vpn;

	/** @pte: Leaf entry that was found. */
	u64 pte;

	/** @level: Level of the leaf, 0 for an unused entry. */
	u8 level;
};

/**
 * struct psim_as - One address space of the MMU
 */
struct psim_as {
	/** @sim: Owner. */
	struct psim *sim;

	/** @id: Number of the address space. */
	u32 id;

	/**
	 * @lock: Held while a batch of instructions accesses memory, and by
	 * AS_COMMAND: a command takes effect between two batches.
	 */
	spinlock_t lock;

	/** @transtab: Last value written to TRANSTAB. */
	u64 transtab;

	/** @memattr: Last value written to MEMATTR. */
	u64 memattr;

	/** @transcfg: Last value written to TRANSCFG. */
	u64 transcfg;

	/** @lockaddr: Last value written to LOCKADDR. */
	u64 lockaddr;

	/** @live: The values that UPDATE latched. */
	struct {
		/** @live.transtab: TRANSTAB. */
		u64 transtab;
		/** @live.memattr: MEMATTR. */
		u64 memattr;
		/** @live.enabled: True if translation through tables is on. */
		bool enabled;
	} live;

	/** @locked: True between LOCK and UNLOCK. */
	bool locked;

	/** @lock_start: First address of the locked region. */
	u64 lock_start;

	/** @lock_last: Last address of the locked region. */
	u64 lock_last;

	/** @faulted: True between a fault and the UPDATE that answers it. */
	bool faulted;

	/** @abort_va: Address of the last access that was refused. */
	u64 abort_va;

	/** @busy_until: AS_STATUS reads ACTIVE until then (ns). */
	u64 busy_until;

	/** @faultstatus: FAULTSTATUS. */
	u32 faultstatus;

	/** @faultaddr: FAULTADDRESS. */
	u64 faultaddr;

	/** @tlb: Direct-mapped TLB. */
	struct psim_tlb_entry tlb[PSIM_TLB_SIZE];
};

/* Work for the engine, see psim_kick(). */
enum psim_work {
	PSIM_WORK_RESET,	/* GPU_CMD reset */
	PSIM_WORK_MCU,		/* MCU_CONTROL written */
	PSIM_WORK_RETRY,	/* a doorbell rang, an address space was unlocked, a knob changed */
};

/**
 * struct psim_mcu - The microcontroller and its firmware
 */
struct psim_mcu {
	/** @control: MCU_CONTROL. */
	u32 control;

	/** @status: MCU_STATUS. */
	u32 status;

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

	/** @idle_ns: Idle hysteresis, from the global idle timer. */
	u64 idle_ns;

	/** @progress_ns: Progress timeout, from the global progress timer. */
	u64 progress_ns;

	/** @idle_reported: True once the global idle event went out. */
	bool idle_reported;
};

/**
 * struct psim_knobs - What debugfs lets a test change
 */
struct psim_knobs {
	/** @insn_per_sec: Speed of one stream; 0: as fast as the machine can. */
	u32 insn_per_sec;

	/** @job_latency_us: Time that every call from a ring buffer takes in addition. */
	u32 job_latency_us;

	/** @flush_latency_us: Time that FLUSH_CACHE2 keeps its scoreboard slot busy. */
	u32 flush_latency_us;

	/** @mmu_delay_us: Time that AS_STATUS stays active after a command. */
	u32 mmu_delay_us;

	/** @irq_delay_us: Delay of interrupts. */
	u32 irq_delay_us;

	/** @irq_lose: Number of interrupts still to be lost. */
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

	/** @tiler_oom: Number of vertex/tiler starts that run out of tiler memory. */
	u32 tiler_oom;

	/** @tlb_keep: Number of UNLOCK commands that forget to invalidate the TLB. */
	u32 tlb_keep;

	/** @unrecoverable: Number of calls that end in CS_UNRECOVERABLE. */
	u32 unrecoverable;

	/** @refuse_suspend: Number of system suspends that fail once the GPU is down. */
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
	/** @irqs_lost: Interrupts lost on request. */
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
	/** @tiler_exceptions: Exception handlers called because the tiler got no memory. */
	atomic64_t tiler_exceptions;
	/** @chunks_taken: Tiler heap chunks that came from the driver or the free list. */
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
 * struct psim - The simulated GPU
 */
struct psim {
	/** @parent: Stands for the bus that the GPU is on. */
	struct platform_device *parent;

	/** @pdev: Platform device. */
	struct platform_device *pdev;

	/** @res: Stands for the register window towards the driver. */
	struct resource res;

	/** @irqs: Interrupt lines. */
	struct psim_irq irqs[PSIM_IRQ_COUNT];

	/** @as: Address spaces. */
	struct psim_as as[PSIM_NUM_AS];

	/**
	 * @lock: Protects @csgs and @mcu, except MCU_CONTROL, MCU_STATUS and the
	 * doorbells. Interrupts are off.
	 */
	spinlock_t lock;

	/** @csgs: Group slots. */
	struct psim_csg csgs[PSIM_NUM_CSG];

	/** @mcu: Microcontroller. */
	struct psim_mcu mcu;

	/** @gpu: State of the GPU control block. */
	struct {
		/** @gpu.lock: Protects the rest. */
		spinlock_t lock;
		/** @gpu.ready: Powered cores: shader, tiler, L2. */
		u64 ready[3];
		/** @gpu.coherency: COHERENCY_PROTOCOL. */
		u32 coherency;
		/** @gpu.l2_config: L2_CONFIG. */
		u32 l2_config;
		/** @gpu.ts_offset: TIMESTAMP_OFFSET. */
		u64 ts_offset;
		/** @gpu.fault_status: GPU_FAULT_STATUS. */
		u32 fault_status;
	} gpu;

	/** @flush_page: Page that the driver maps to user space. */
	struct page *flush_page;

	/** @engine: Thread that plays the microcontroller and the streams. */
	struct task_struct *engine;

	/** @work: Bitmap of &enum psim_work. */
	unsigned long work;

	/** @knobs: Behaviour that tests can change. */
	struct psim_knobs knobs;

	/** @stats: Counters. */
	struct psim_stats stats;

	/** @unknown: Opcodes that were met and are not implemented. */
	DECLARE_BITMAP(unknown, 256);

	/** @last_fault: Last MMU fault, for debugfs; protected by @lock. */
	char last_fault[96];

	/** @last_stale: Last stale TLB use, for debugfs; protected by @lock. */
	char last_stale[128];

	/** @debugfs: Directory. */
	struct dentry *debugfs;

	/** @clk: Core clock. */
	struct clk_hw *clk;

	/** @clkdev: Look-up entry of @clk. */
	struct clk_lookup *clkdev;
};

/* Uses up one of what a knob still has to give. */
static inline bool psim_take(u32 *knob)
{
	u32 left = READ_ONCE(*knob);

	while (left) {
		if (try_cmpxchg(knob, &left, left - 1))
			return true;
	}

	return false;
}

/* Wakes the engine, which does @work. From any context. */
static inline void psim_kick(struct psim *sim, enum psim_work work)
{
	set_bit(work, &sim->work);
	if (sim->engine)
		wake_up_process(sim->engine);
}

#define psim_count(sim, what) atomic64_inc(&(sim)->stats.what)

/*
 * Each file calls those below it only; what happens below and concerns somebody
 * above is a return value, or psim_kick().
 */

/* sim_regs.c */
u32 psim_reg_read(struct psim *sim, u32 reg);
void psim_reg_write(struct psim *sim, u32 reg, u32 val);

/* sim_debugfs.c */
void psim_debugfs_init(struct psim *sim);
void psim_debugfs_fini(struct psim *sim);

/* sim_engine.c */
int psim_engine_start(struct psim *sim);
void psim_engine_stop(struct psim *sim);
void psim_engine_doorbell(struct psim *sim, u32 doorbell);
void psim_engine_abort(struct psim *sim, struct psim_as *as);
void psim_engine_power_off(struct psim *sim);

/* sim_mcu.c */
void psim_mcu_control(struct psim *sim);
void psim_mcu_stop(struct psim *sim, u32 status);
void psim_mcu_doorbells(struct psim *sim);
void psim_mcu_global_idle(struct psim *sim);

/* sim_group.c */
void psim_csg_request(struct psim_csg *csg);
void psim_csg_stop(struct psim_csg *csg);
void psim_csg_abort(struct psim_csg *csg);
u64 psim_csg_run(struct psim_csg *csg, u64 now);

/* sim_stream.c */
void psim_cs_start(struct psim_cs *cs);
void psim_cs_attach(struct psim_cs *cs);
void psim_cs_save(struct psim_cs *cs);
u64 psim_cs_run(struct psim_cs *cs, u64 now);
void psim_cs_publish_status(struct psim_cs *cs);
void psim_cs_doorbell(struct psim_cs *cs);
bool psim_cs_is_idle(const struct psim_cs *cs);
void psim_cs_abort(struct psim_cs *cs);

/* sim_event.c */
void psim_csg_event(struct psim_csg *csg, u32 event);
void psim_cs_event(struct psim_cs *cs, u32 event);

/* sim_insn.c */
int psim_insn_exec(struct psim_cs *cs, u64 insn, u64 now);

/* sim_gpu.c */
u32 psim_gpu_read(struct psim *sim, u32 reg);
void psim_gpu_write(struct psim *sim, u32 reg, u32 val);
void psim_gpu_reset(struct psim *sim);
void psim_gpu_fault(struct psim *sim, u32 status);
u64 psim_timestamp(void);
u64 psim_cycle_count(void);

/* sim_mmu.c */
void psim_mmu_init(struct psim *sim);
void psim_mmu_reset(struct psim *sim);
u32 psim_mmu_read(struct psim *sim, u32 reg);
struct psim_as *psim_mmu_write(struct psim *sim, u32 reg, u32 val);
int psim_as_ptr(struct psim_as *as, u64 va, enum psim_access access, void **ptr);
int psim_as_read(struct psim_as *as, u64 va, void *buf, size_t len);
int psim_as_write(struct psim_as *as, u64 va, const void *buf, size_t len);
int psim_as_fill(struct psim_as *as, u64 va, const u8 *pattern, u32 size, u64 len);

/* sim_irq.c */
int psim_irq_init(struct psim *sim);
void psim_irq_fini(struct psim *sim);
void psim_irq_raise(struct psim *sim, enum psim_irq_block block, u32 bits);
void psim_irq_clear(struct psim *sim, enum psim_irq_block block, u32 bits);
void psim_irq_reset(struct psim *sim);
u32 psim_irq_read(struct psim *sim, enum psim_irq_block block, u32 reg);
void psim_irq_write(struct psim *sim, enum psim_irq_block block, u32 reg, u32 val);

#endif /* __PANTHOR_SIM_H__ */
