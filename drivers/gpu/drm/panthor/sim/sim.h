/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_H__
#define __PANTHOR_SIM_H__

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/ioport.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "panthor_device.h"
#include "panthor_fw.h"
#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"

struct clk_hw;
struct clk_lookup;
struct dentry;
struct platform_device;
struct psim;
struct psim_cs;
struct psim_csg;
struct task_struct;

/* Size of the register window. */
#define PSIM_MMIO_SIZE		SZ_2M

/* Rate of the core clock, and of what GPU_TIMESTAMP counts. */
#define PSIM_CLOCK_HZ		500000000UL
#define PSIM_TIMESTAMP_HZ	24000000UL

#define PSIM_NUM_AS		8
#define PSIM_NUM_CSG		8
#define PSIM_NUM_CS		8
#define PSIM_NUM_REGS		96
#define PSIM_NUM_SB		8
#define PSIM_CALL_DEPTH		8
#define PSIM_TLB_BITS		8
#define PSIM_TLB_SIZE		BIT(PSIM_TLB_BITS)
#define PSIM_CACHE_LINE		64
#define PSIM_LINE_INSNS		(PSIM_CACHE_LINE / sizeof(u64))

/* The GPU's own page, whatever size the kernel's pages have. */
#define PSIM_PAGE_SHIFT		12
#define PSIM_PAGE_SIZE		BIT(PSIM_PAGE_SHIFT)
#define PSIM_PAGE_MASK		(~(u64)(PSIM_PAGE_SIZE - 1))

/* Pages of the firmware's shared section that the simulator uses. */
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

/* Why a stream does not execute. */
enum psim_block {
	PSIM_RUNNABLE,
	PSIM_BLOCK_EMPTY,	/* nothing in the ring buffer */
	PSIM_BLOCK_SYNC,	/* SYNC_WAIT, condition not met */
	PSIM_BLOCK_SB,		/* waiting for scoreboard slots */
	PSIM_BLOCK_LOCKED,	/* access to a locked region of the address space */
	PSIM_BLOCK_MMU,		/* access faulted, the driver has not reacted yet */
	PSIM_BLOCK_FAULT,	/* CS_FAULT not acknowledged yet */
	PSIM_BLOCK_OOM,		/* TILER_OOM not answered yet */
	PSIM_BLOCK_FATAL,	/* CS_FATAL, until the group is terminated */
	PSIM_BLOCK_HUNG,	/* knob: hang */
};

/* Where the answer to a TILER_OOM event stands. */
enum psim_oom {
	PSIM_OOM_NONE,
	PSIM_OOM_RAISED,
	PSIM_OOM_ANSWERED,
};

/**
 * struct psim_cs_ctx - Architectural state of a stream
 *
 * This is what a group's suspend buffer holds, once per stream.
 */
struct psim_cs_ctx {
	/** @regs: Work registers. */
	u32 regs[PSIM_NUM_REGS];

	/** @extract: Offset of the next ring buffer instruction. */
	u64 extract;

	/** @pc: Address of the next instruction of the called buffer. */
	u64 pc;

	/** @end: End of the called buffer. */
	u64 end;

	/** @stack: Return addresses, for calls from called buffers. */
	struct {
		/** @stack.pc: Address of the instruction after the call. */
		u64 pc;
		/** @stack.end: End of the calling buffer. */
		u64 end;
	} stack[PSIM_CALL_DEPTH];

	/** @heap: Heap context address (HEAP_SET). */
	u64 heap;

	/** @depth: Number of open calls. */
	u32 depth;

	/** @error: Exception that SYNC instructions propagate, until ERROR_BARRIER. */
	u32 error;

	/** @vt_start: Vertex/tiler jobs started (HEAP_OPERATION). */
	u32 vt_start;

	/** @vt_end: Vertex/tiler jobs completed. */
	u32 vt_end;

	/** @frag_end: Fragment jobs completed. */
	u32 frag_end;

	/** @oom: True if a TILER_OOM event was not answered when the group was suspended. */
	u32 oom;

	/** @hung: True if the job hangs on request. */
	u32 hung;

	/** @sb_endpoint: Scoreboard slot of endpoint tasks (SET_SB_ENTRY). */
	u8 sb_endpoint;

	/** @sb_other: Scoreboard slot of other deferred work. */
	u8 sb_other;
};

/**
 * struct psim_cs - A command stream slot
 */
struct psim_cs {
	/** @csg: Group slot this stream belongs to. */
	struct psim_csg *csg;

	/** @id: Index in the group. */
	u32 id;

	/** @active: True when started. */
	bool active;

	/** @block: Why the stream does not execute. */
	enum psim_block block;

	/** @oom: State of the instruction that ran out of tiler memory. */
	enum psim_oom oom;

	/** @in: Input interface. */
	struct panthor_fw_cs_input_iface *in;

	/** @out: Output interface. */
	struct panthor_fw_cs_output_iface *out;

	/** @ctx: Architectural state. */
	struct psim_cs_ctx ctx;

	/** @ring: Address of the ring buffer. */
	u64 ring;

	/** @ring_size: Size of the ring buffer. */
	u32 ring_size;

	/** @ring_in: Address of the ring buffer's input page, in AS 0. */
	u64 ring_in;

	/** @ring_out: Address of the ring buffer's output page, in AS 0. */
	u64 ring_out;

	/** @insert: Offset behind the last instruction in the ring buffer. */
	u64 insert;

	/** @line_va: Address of the instructions in @line, 1 if none. */
	u64 line_va;

	/** @line: Prefetched instructions. */
	u64 line[PSIM_LINE_INSNS];

	/** @sb_until: When each scoreboard slot becomes idle (ns). */
	u64 sb_until[PSIM_NUM_SB];

	/** @abort_va: Address of the access that faulted. */
	u64 abort_va;

	/** @ready_at: Do not execute before (ns): speed and latency knobs. */
	u64 ready_at;

	/** @sleep_until: When what blocks the stream is to be checked again (ns). */
	u64 sleep_until;

	/** @progress_at: When the last instruction retired (ns). */
	u64 progress_at;

	/** @wait: What a blocked SYNC_WAIT waits for. */
	struct {
		/** @wait.va: Address of the sync object. */
		u64 va;
		/** @wait.ref: Reference value. */
		u64 ref;
		/** @wait.cond: Condition. */
		u8 cond;
		/** @wait.is64: True for a 64-bit sync object. */
		bool is64;
	} wait;
};

/**
 * struct psim_csg - A command stream group slot
 */
struct psim_csg {
	/** @sim: Owner. */
	struct psim *sim;

	/** @id: Slot number. */
	u32 id;

	/** @active: True between START or RESUME and SUSPEND or TERMINATE. */
	bool active;

	/** @idle: True if all streams are idle. */
	bool idle;

	/** @idle_reported: True once the idle event of this idle period went out. */
	bool idle_reported;

	/** @progress_reported: True once a progress timer event went out. */
	bool progress_reported;

	/** @idle_since: When the group became idle (ns). */
	u64 idle_since;

	/** @priority: Priority, from the endpoint configuration. */
	u32 priority;

	/** @as: Address space of the group. */
	struct psim_as *as;

	/** @in: Input interface. */
	struct panthor_fw_csg_input_iface *in;

	/** @out: Output interface. */
	struct panthor_fw_csg_output_iface *out;

	/** @cs: Streams. */
	struct psim_cs cs[PSIM_NUM_CS];
};

/* Work for the engine, see psim_engine_kick(). */
enum psim_work {
	PSIM_WORK_RESET,	/* GPU_CMD reset */
	PSIM_WORK_MCU,		/* MCU_CONTROL written */
	PSIM_WORK_DOORBELL,	/* a doorbell rang */
	PSIM_WORK_RETRY,	/* an address space was unlocked, a knob changed */
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

	/** @lock: Protects @csgs and @mcu, except MCU_CONTROL, MCU_STATUS and the doorbells. */
	struct mutex lock;

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

#define psim_count(sim, what) atomic64_inc(&(sim)->stats.what)

/* sim_irq.c */
int psim_irq_init(struct psim *sim);
void psim_irq_fini(struct psim *sim);
void psim_irq_raise(struct psim *sim, enum psim_irq_block block, u32 bits);
void psim_irq_clear(struct psim *sim, enum psim_irq_block block, u32 bits);
u32 psim_irq_read(struct psim *sim, enum psim_irq_block block, u32 reg);
void psim_irq_write(struct psim *sim, enum psim_irq_block block, u32 reg, u32 val);

/* sim_regs.c */
u32 psim_reg_read(struct psim *sim, u32 reg);
void psim_reg_write(struct psim *sim, u32 reg, u32 val);
void psim_gpu_reset(struct psim *sim);
void psim_gpu_fault(struct psim *sim, u32 status);
u64 psim_timestamp(void);
u64 psim_cycle_count(void);

/* sim_mmu.c */
void psim_mmu_init(struct psim *sim);
void psim_mmu_reset(struct psim *sim);
u32 psim_mmu_read(struct psim *sim, u32 reg);
void psim_mmu_write(struct psim *sim, u32 reg, u32 val);
int psim_as_ptr(struct psim_as *as, u64 va, enum psim_access access, void **ptr);
int psim_as_read(struct psim_as *as, u64 va, void *buf, size_t len);
int psim_as_write(struct psim_as *as, u64 va, const void *buf, size_t len);

/* sim_mcu.c */
void psim_mcu_control(struct psim *sim);
void psim_mcu_stop(struct psim *sim, u32 status);
void psim_mcu_doorbells(struct psim *sim);
void psim_mcu_global_idle(struct psim *sim);

/* sim_group.c */
void psim_csg_request(struct psim_csg *csg);
void psim_csg_event(struct psim_csg *csg, u32 event);
void psim_csg_stop(struct psim_csg *csg);
u64 psim_csg_run(struct psim_csg *csg, u64 now);
bool psim_csg_is_idle(const struct psim_csg *csg);

/* sim_stream.c */
void psim_cs_start(struct psim_cs *cs);
void psim_cs_attach(struct psim_cs *cs);
u64 psim_cs_run(struct psim_cs *cs, u64 now);
void psim_cs_publish_status(struct psim_cs *cs);
void psim_cs_doorbell(struct psim_cs *cs);
bool psim_cs_is_idle(const struct psim_cs *cs);
u32 psim_cs_sb_busy(const struct psim_cs *cs, u64 now);
void psim_cs_fault(struct psim_cs *cs, u32 type, u32 data, u64 info);
void psim_cs_fatal(struct psim_cs *cs, u32 type, u32 data, u64 info);
void psim_cs_oom(struct psim_cs *cs);
void psim_cs_abort(struct psim_cs *cs);

/* sim_insn.c */
int psim_insn_exec(struct psim_cs *cs, u64 insn, u64 now);

/* sim_engine.c */
int psim_engine_start(struct psim *sim);
void psim_engine_stop(struct psim *sim);
void psim_engine_kick(struct psim *sim, enum psim_work work);
void psim_engine_doorbell(struct psim *sim, u32 doorbell);
void psim_engine_abort(struct psim *sim, struct psim_as *as);

/* sim_debugfs.c */
void psim_debugfs_init(struct psim *sim);
void psim_debugfs_fini(struct psim *sim);

#endif /* __PANTHOR_SIM_H__ */
