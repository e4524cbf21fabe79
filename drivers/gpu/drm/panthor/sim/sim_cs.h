/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_CS_H__
#define __PANTHOR_SIM_CS_H__

#include <linux/types.h>

#include "sim_event.h"
#include "sim_gpu.h"
#include "sim_mmu.h"

struct psim_cs;

#define PSIM_NUM_CS		8
#define PSIM_NUM_REGS		96
#define PSIM_NUM_SB		8
#define PSIM_CALL_DEPTH		8
#define PSIM_CACHE_LINE		64
#define PSIM_LINE_INSNS		(PSIM_CACHE_LINE / sizeof(u64))

/* Why a stream does not execute. */
enum psim_block {
	PSIM_RUNNABLE,
	PSIM_BLOCK_EMPTY,	/* nothing in the ring buffer */
	PSIM_BLOCK_SYNC,	/* SYNC_WAIT, condition not met */
	PSIM_BLOCK_SB,		/* waiting for scoreboard slots */
	PSIM_BLOCK_LOCKED,	/* access to a locked region of the address space */
	PSIM_BLOCK_MMU,		/* access faulted, the driver has not answered yet */
	PSIM_BLOCK_FAULT,	/* CS_FAULT not acknowledged yet */
	PSIM_BLOCK_OOM,		/* TILER_OOM not answered yet */
	PSIM_BLOCK_HEAP,	/* no tiler memory until a fragment job frees some */
	PSIM_BLOCK_PROGRESS,	/* PROGRESS_WAIT, condition not met */
	PSIM_BLOCK_FATAL,	/* CS_FATAL, until the group is terminated */
	PSIM_BLOCK_HUNG,	/* knob hang_jobs */
};

/* State of a TILER_OOM event. */
enum psim_oom {
	PSIM_OOM_NONE,
	PSIM_OOM_RAISED,
	PSIM_OOM_ANSWERED,
	PSIM_OOM_DENIED,
};

/**
 * struct psim_cs_ctx - Architectural state of a stream
 *
 * A group's suspend buffer holds one for each stream.
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

	/** @progress: What PROGRESS_LOAD reads and PROGRESS_WAIT waits for. */
	u64 progress;

	/** @oom_chunk: Tiler heap chunk that the driver provided, until it is used. */
	u64 oom_chunk;

	/** @handler: Exception handler, called if no chunk is available. */
	struct {
		/** @handler.va: Address. */
		u64 va;
		/** @handler.size: Size, 0 if there is none. */
		u32 size;
		/** @handler.called: True from the call until the tiler gets a chunk. */
		bool called;
	} handler;

	/** @tiled: Bytes of tiler memory that the current draw has written. */
	u64 tiled;

	/** @drawn: Steps of the current fragment job that are done. */
	u32 drawn;

	/** @oom: State of the TILER_OOM event of the current instruction. */
	enum psim_oom oom;

	/** @hung: True if a knob hangs the job. */
	u32 hung;

	/** @sb_endpoint: Scoreboard slot of endpoint tasks (SET_SB_ENTRY). */
	u8 sb_endpoint;

	/** @sb_other: Scoreboard slot of other deferred work. */
	u8 sb_other;
};

/**
 * struct psim_env - What the streams of a group share
 */
struct psim_env {
	/** @base: What all layers share. */
	struct psim_base *base;

	/** @gpu: GPU control block: time, latest flush id. */
	struct psim_gpu *gpu;

	/** @fw_as: The firmware's address space, which maps the pages with ring buffer pointers. */
	struct psim_as *fw_as;

	/** @as: Address space of the group. */
	struct psim_as *as;

	/** @cs: Streams of the group, to which PROGRESS_WAIT refers. */
	const struct psim_cs *cs;
};

/**
 * struct psim_cs - A command stream slot
 */
struct psim_cs {
	/** @env: What the streams of the group share. */
	const struct psim_env *env;

	/** @io: The stream's part of the firmware interface. */
	struct psim_cs_io io;

	/** @active: True if the stream is started. */
	bool active;

	/** @block: Why the stream does not execute. */
	enum psim_block block;

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

	/** @insert: Offset of the end of the instructions in the ring buffer. */
	u64 insert;

	/** @line_va: Address of the instructions in @line, 1 if none. */
	u64 line_va;

	/** @line: Prefetched instructions. */
	u64 line[PSIM_LINE_INSNS];

	/** @sb_until: When each scoreboard slot becomes idle (ns). */
	u64 sb_until[PSIM_NUM_SB];

	/** @trap: Exception of an instruction that returned -EINVAL. */
	struct {
		/** @trap.fatal: True for CS_FATAL, false for CS_FAULT. */
		bool fatal;
		/** @trap.type: Exception type. */
		u32 type;
		/** @trap.info: Additional information, an address for instance. */
		u64 info;
	} trap;

	/** @heap: Counters of the heap context of an instruction that returned -ENOMEM. */
	struct {
		/** @heap.vt_start: Vertex/tiler jobs started. */
		u32 vt_start;
		/** @heap.vt_end: Vertex/tiler jobs completed. */
		u32 vt_end;
		/** @heap.frag_end: Fragment jobs completed. */
		u32 frag_end;
	} heap;

	/**
	 * @sync_update: True if an instruction wrote a sync object of system scope: the stream
	 * raises CSG_SYNC_UPDATE.
	 */
	bool sync_update;

	/** @abort_va: Address of the access that faulted. */
	u64 abort_va;

	/** @ready_at: Do not execute before (ns): speed and latency knobs. */
	u64 ready_at;

	/** @sleep_until: When to check again what blocks the stream (ns). */
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

#endif /* __PANTHOR_SIM_CS_H__ */
