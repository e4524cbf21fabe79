/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_MMU_H__
#define __PANTHOR_SIM_MMU_H__

#include <linux/bits.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "sim_irq.h"

struct psim_mmu;

#define PSIM_TLB_BITS		8
#define PSIM_TLB_SIZE		BIT(PSIM_TLB_BITS)

/* The GPU's own page, whatever size the kernel's pages have. */
#define PSIM_PAGE_SHIFT		12
#define PSIM_PAGE_SIZE		BIT(PSIM_PAGE_SHIFT)
#define PSIM_PAGE_MASK		(~(u64)(PSIM_PAGE_SIZE - 1))

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
	/** @base: What all layers share. */
	struct psim_base *base;

	/** @mmu: MMU that this address space belongs to. */
	struct psim_mmu *mmu;

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
		/** @live.enabled: True if translation is enabled. */
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

	/** @abort_va: Address of the last access that faulted. */
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

/**
 * struct psim_mmu - All address spaces
 */
struct psim_mmu {
	/** @irqs: Interrupt lines. */
	struct psim_irqs *irqs;

	/** @as: Address spaces; the first one is the firmware's. */
	struct psim_as as[PSIM_NUM_AS];

	/** @last_fault: Last fault, for debugfs; protected by &psim_mcu.lock. */
	char last_fault[96];

	/** @last_stale: Last use of a stale TLB entry, as @last_fault. */
	char last_stale[128];
};

void psim_mmu_init(struct psim_mmu *mmu, struct psim_base *base, struct psim_irqs *irqs);
void psim_mmu_reset(struct psim_mmu *mmu);
u32 psim_mmu_read(struct psim_mmu *mmu, u32 reg);
struct psim_as *psim_mmu_write(struct psim_mmu *mmu, u32 reg, u32 val);
int psim_as_ptr(struct psim_as *as, u64 va, enum psim_access access, void **ptr);
int psim_as_read(struct psim_as *as, u64 va, void *buf, size_t len);
int psim_as_write(struct psim_as *as, u64 va, const void *buf, size_t len);
int psim_as_fill(struct psim_as *as, u64 va, const u8 *pattern, u32 size, u64 len);

#endif /* __PANTHOR_SIM_MMU_H__ */
