// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: memory management unit
 *
 * Every access of the firmware and of the streams goes through the page table
 * that the driver installed: AArch64 stage 1 with a 4 KiB granule, four levels,
 * pages at level 3 and blocks at levels 2 and 1. Accesses to a region that is
 * locked stall until UNLOCK.
 *
 * The TLB only checks the driver. Each access walks the table and compares the
 * result with the TLB entry. If they differ, the driver changed the table without
 * invalidating the entry, and hardware would have used the stale one. That is
 * counted and reported. The access uses the table's entry, so that the bug does not
 * corrupt the kernel's memory.
 */

#include <linux/bitfield.h>
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include "panthor_device.h"
#include "panthor_mmu_regs.h"
#include "sim_mmu.h"

#define PSIM_VA_BITS		48
#define PSIM_LEVELS		4
#define PSIM_PTE_TYPE_MASK	GENMASK_ULL(1, 0)
#define PSIM_PTE_BLOCK		1
#define PSIM_PTE_TABLE		3
#define PSIM_PTE_PAGE		3
#define PSIM_PTE_ATTR_MASK	GENMASK_ULL(4, 2)
#define PSIM_PTE_RDONLY		BIT_ULL(7)
#define PSIM_PTE_AF		BIT_ULL(10)
#define PSIM_PTE_XN		BIT_ULL(54)
#define PSIM_PTE_ADDR_MASK	GENMASK_ULL(47, 12)
#define PSIM_TRANSTAB_MASK	GENMASK_ULL(47, 12)
#define PSIM_TRANSCFG_MODE	GENMASK_ULL(3, 0)
#define PSIM_MEMATTR_FAULT	0xc0

static u32 psim_level_shift(u32 level)
{
	return PSIM_PAGE_SHIFT + 9 * (PSIM_LEVELS - 1 - level);
}

static void psim_tlb_flush(struct psim_as *as)
{
	memset(as->tlb, 0, sizeof(as->tlb));
}

static void psim_tlb_flush_region(struct psim_as *as)
{
	u64 first = as->lock_start & PSIM_PAGE_MASK;

	for (u32 i = 0; i < PSIM_TLB_SIZE; i++) {
		u64 va = as->tlb[i].vpn << PSIM_PAGE_SHIFT;

		if (as->tlb[i].level && va >= first && va <= as->lock_last)
			as->tlb[i].level = 0;
	}
}

static void psim_tlb_check(struct psim_as *as, u64 va, u64 pte, u32 level)
{
	u64 vpn = va >> PSIM_PAGE_SHIFT;
	struct psim_tlb_entry *entry = &as->tlb[hash_64(vpn, PSIM_TLB_BITS)];

	/* A fault at level 0 must not look like an unused entry. */
	if (entry->level && entry->vpn == vpn) {
		if (entry->pte == pte)
			return;

		psim_count(as->base, stale_tlb);
		scnprintf(as->mmu->last_stale, sizeof(as->mmu->last_stale),
			  "as=%u va=%#llx cached=%#llx table=%#llx", as->id, va, entry->pte, pte);
		pr_warn_ratelimited("panthor-sim: stale TLB entry used: %s\n",
				    as->mmu->last_stale);
	}

	entry->vpn = vpn;
	entry->pte = pte;
	entry->level = pte ? level : 0;
}

static void psim_as_fault(struct psim_as *as, u64 va, u32 type, enum psim_access access)
{
	struct psim_base *base = as->base;
	struct psim_mmu *mmu = as->mmu;

	if (type >= DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0 &&
	    type <= DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_4)
		psim_count(base, translation_faults);
	else if (type >= DRM_PANTHOR_EXCEPTION_PERM_FAULT_0 &&
		 type <= DRM_PANTHOR_EXCEPTION_PERM_FAULT_3)
		psim_count(base, permission_faults);
	else
		psim_count(base, other_faults);

	scnprintf(mmu->last_fault, sizeof(mmu->last_fault), "as=%u va=%#llx type=%#x access=%u",
		  as->id, va, type, access);

	as->abort_va = va;
	WRITE_ONCE(as->faulted, as->live.enabled);

	/* The registers keep the first fault until the driver has cleared it. */
	if (psim_irq_read(mmu->irqs, PSIM_IRQ_MMU, INT_RAWSTAT) & BIT(as->id))
		return;

	WRITE_ONCE(as->faultaddr, va);
	WRITE_ONCE(as->faultstatus, type | access << 8);
	psim_irq_raise(mmu->irqs, PSIM_IRQ_MMU, BIT(as->id));
}

/* Walks the table. Returns 0 and the leaf, or the exception type. */
static u32 psim_walk(struct psim_as *as, u64 va, u64 *leaf, u32 *leaf_level)
{
	u64 table = as->live.transtab & PSIM_TRANSTAB_MASK;

	for (u32 level = 0; level < PSIM_LEVELS; level++) {
		u32 index = (va >> psim_level_shift(level)) & 511;
		u64 pte, type;

		if (!pfn_valid(table >> PAGE_SHIFT))
			return DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_OUT0 + level;

		pte = READ_ONCE(((u64 *)phys_to_virt(table))[index]);
		type = pte & PSIM_PTE_TYPE_MASK;
		if (!(type & 1))
			return DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0 + level;

		if ((level == PSIM_LEVELS - 1 && type == PSIM_PTE_PAGE) ||
		    (level && level < PSIM_LEVELS - 1 && type == PSIM_PTE_BLOCK)) {
			*leaf = pte;
			*leaf_level = level;
			return 0;
		}

		if (level == PSIM_LEVELS - 1 || type != PSIM_PTE_TABLE)
			return DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0 + level;

		table = pte & PSIM_PTE_ADDR_MASK;
	}

	return DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_3;
}

/*
 * Knobs: bits of a leaf entry that a walk reads inverted, as if memory had failed.
 * They do not count as a stale TLB entry, and the firmware's tables are exempt.
 */
static u64 psim_flipped_bits(struct psim_as *as, u64 va)
{
	struct psim_knobs *knobs = &as->base->knobs;

	if (!as->id || (va ^ READ_ONCE(knobs->flip_va)) & PSIM_PAGE_MASK)
		return 0;

	return READ_ONCE(knobs->flip_mask);
}

static u64 psim_memattr(struct psim_as *as)
{
	return as->live.memattr ^ (as->id ? READ_ONCE(as->base->knobs.flip_memattr) : 0);
}

/* Checks a leaf. Returns 0 or the exception type. */
static u32 psim_check_leaf(struct psim_as *as, u64 pte, u32 level, enum psim_access access)
{
	u32 attr = FIELD_GET(PSIM_PTE_ATTR_MASK, pte);

	if (!(pte & 1))
		return DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0 + level;
	if (((psim_memattr(as) >> (attr * 8)) & PSIM_MEMATTR_FAULT) == PSIM_MEMATTR_FAULT)
		return DRM_PANTHOR_EXCEPTION_MEM_ATTR_FAULT_0 + level;
	if (!(pte & PSIM_PTE_AF))
		return DRM_PANTHOR_EXCEPTION_ACCESS_FLAG_1 + level - 1;
	if ((access == PSIM_WRITE || access == PSIM_ATOMIC) && (pte & PSIM_PTE_RDONLY))
		return DRM_PANTHOR_EXCEPTION_PERM_FAULT_0 + level;
	if (access == PSIM_EXEC && (pte & PSIM_PTE_XN))
		return DRM_PANTHOR_EXCEPTION_PERM_FAULT_0 + level;
	return 0;
}

/**
 * psim_as_ptr() - Translate a GPU address
 * @as: Address space.
 * @va: Address.
 * @access: Kind of access.
 * @ptr: Where to store the kernel address on success; valid up to the end of the GPU's
 * page, and as long as the lock of @as is held.
 *
 * The lock of @as and &psim_mcu.lock are held.
 *
 * Return: 0 on success, -EAGAIN if the address is in a locked region, -EFAULT
 * if the MMU refused the access and raised its interrupt.
 */
int psim_as_ptr(struct psim_as *as, u64 va, enum psim_access access, void **ptr)
{
	u64 pte = 0, pa;
	u32 level = 0, fault;

	lockdep_assert_held(&as->lock);

	if (as->locked && va >= as->lock_start && va <= as->lock_last) {
		psim_count(as->base, lock_stalls);
		return -EAGAIN;
	}

	if (!as->live.enabled)
		fault = DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0;
	else if (va >> PSIM_VA_BITS)
		fault = DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_IN;
	else
		fault = psim_walk(as, va, &pte, &level);

	if (as->live.enabled)
		psim_tlb_check(as, va, fault ? 0 : pte, level);

	if (!fault) {
		pte ^= psim_flipped_bits(as, va);
		fault = psim_check_leaf(as, pte, level, access);
	}

	if (!fault) {
		pa = pte & PSIM_PTE_ADDR_MASK;
		pa |= va & (BIT_ULL(psim_level_shift(level)) - 1);
		if (pfn_valid(pa >> PAGE_SHIFT)) {
			*ptr = phys_to_virt(pa);
			return 0;
		}
		fault = DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_OUT0 + level;
	}

	psim_as_fault(as, va, fault, access);
	return -EFAULT;
}

static int psim_as_copy(struct psim_as *as, u64 va, void *buf, size_t len, enum psim_access access)
{
	while (len) {
		size_t chunk = min_t(size_t, len, PSIM_PAGE_SIZE - (va & ~PSIM_PAGE_MASK));
		void *ptr;
		int ret = psim_as_ptr(as, va, access, &ptr);

		if (ret)
			return ret;

		if (access == PSIM_WRITE)
			memcpy(ptr, buf, chunk);
		else
			memcpy(buf, ptr, chunk);

		va += chunk;
		buf += chunk;
		len -= chunk;
	}

	return 0;
}

/**
 * psim_as_read() - Read GPU memory
 * @as: Address space.
 * @va: Address.
 * @buf: Destination.
 * @len: Number of bytes.
 *
 * Return: As psim_as_ptr(); @buf may be filled partially on failure.
 */
int psim_as_read(struct psim_as *as, u64 va, void *buf, size_t len)
{
	return psim_as_copy(as, va, buf, len, PSIM_READ);
}

/**
 * psim_as_write() - Write GPU memory
 * @as: Address space.
 * @va: Address.
 * @buf: Source.
 * @len: Number of bytes.
 *
 * Return: As psim_as_ptr(); some bytes may have been written on failure.
 */
int psim_as_write(struct psim_as *as, u64 va, const void *buf, size_t len)
{
	return psim_as_copy(as, va, (void *)buf, len, PSIM_WRITE);
}

/* Fills memory with a pattern, from its byte @phase on; fast if @size divides 16. */
static void psim_fill(u8 *dst, size_t len, const u8 *pattern, u32 size, u32 phase)
{
	u64 words[2];
	u8 *bytes = (u8 *)words;
	size_t i = 0;

	if (!(sizeof(words) % size)) {
		for (u32 j = 0; j < sizeof(words); j++)
			bytes[j] = pattern[(phase + j) % size];
		for (; i + sizeof(words) <= len; i += sizeof(words))
			memcpy(dst + i, words, sizeof(words));
	}

	for (; i < len; i++)
		dst[i] = pattern[(phase + i) % size];
}

/**
 * psim_as_fill() - Fill GPU memory with a pattern
 * @as: Address space.
 * @va: Address.
 * @pattern: Pattern; its first byte goes to @va.
 * @size: Bytes of the pattern.
 * @len: Number of bytes.
 *
 * Return: As psim_as_ptr(); some bytes may have been written on failure.
 */
int psim_as_fill(struct psim_as *as, u64 va, const u8 *pattern, u32 size, u64 len)
{
	u32 phase = 0;

	while (len) {
		size_t chunk = min_t(u64, len, PSIM_PAGE_SIZE - (va & ~PSIM_PAGE_MASK));
		void *ptr;
		int ret = psim_as_ptr(as, va, PSIM_WRITE, &ptr);

		if (ret)
			return ret;

		psim_fill(ptr, chunk, pattern, size, phase);
		phase = (phase + chunk) % size;
		va += chunk;
		len -= chunk;
	}

	return 0;
}

/* LOCKADDR: the size is 2 ^ (low six bits + 1) bytes, the address aligned to it. */
static void psim_as_set_region(struct psim_as *as)
{
	u32 shift = (as->lockaddr & GENMASK_ULL(5, 0)) + 1;

	if (shift >= 64) {
		as->lock_start = 0;
		as->lock_last = U64_MAX;
		return;
	}

	as->lock_start = as->lockaddr & ~(BIT_ULL(shift) - 1);
	as->lock_last = as->lock_start + (BIT_ULL(shift) - 1);
}

/* Returns true if the command answers a fault. */
static bool psim_as_command(struct psim_as *as, u32 cmd)
{
	struct psim_base *base = as->base;
	u32 delay = READ_ONCE(base->knobs.mmu_delay_us);
	bool abort = false, hang = false;

	scoped_guard(spinlock_irqsave, &as->lock) {
		switch (cmd) {
		case AS_COMMAND_UPDATE:
			as->live.transtab = as->transtab;
			as->live.memattr = as->memattr;
			as->live.enabled = FIELD_GET(PSIM_TRANSCFG_MODE, as->transcfg) ==
					   AS_TRANSCFG_ADRMODE_AARCH64_4K;
			psim_tlb_flush(as);
			abort = as->faulted;
			WRITE_ONCE(as->faulted, false);
			break;
		case AS_COMMAND_LOCK:
			psim_as_set_region(as);
			/*
			 * The firmware's own address space does not stall: its
			 * interface memory is never remapped, and the firmware
			 * has to answer while the driver maps something else.
			 */
			as->locked = as->id != 0;
			hang = as->locked && psim_take(&base->knobs.hang_locks);
			break;
		case AS_COMMAND_UNLOCK:
			if (!psim_take(&base->knobs.tlb_keep))
				psim_tlb_flush_region(as);
			as->locked = false;
			break;
		case AS_COMMAND_FLUSH_PT:
		case AS_COMMAND_FLUSH_MEM:
			psim_as_set_region(as);
			psim_tlb_flush_region(as);
			break;
		}

		if (hang)
			WRITE_ONCE(as->busy_until, U64_MAX);
		else if (delay)
			WRITE_ONCE(as->busy_until, ktime_get_ns() + delay * NSEC_PER_USEC);
	}

	psim_count(base, mmu_cmds);
	if (cmd == AS_COMMAND_UNLOCK || cmd == AS_COMMAND_UPDATE)
		psim_kick(&base->up, PSIM_WORK_RETRY);
	return abort;
}

static u32 psim_as_status(struct psim_as *as)
{
	u64 until = READ_ONCE(as->busy_until);

	return until && ktime_get_ns() < until ? AS_STATUS_AS_ACTIVE : 0;
}

/**
 * psim_mmu_read() - Read a register of an address space
 * @mmu: MMU.
 * @reg: Offset from the first address space.
 *
 * Return: The register's value.
 */
u32 psim_mmu_read(struct psim_mmu *mmu, u32 reg)
{
	struct psim_as *as = &mmu->as[reg >> MMU_AS_SHIFT];

	switch (reg & (BIT(MMU_AS_SHIFT) - 1)) {
	case AS_TRANSTAB(0):
		return lower_32_bits(as->transtab);
	case AS_TRANSTAB(0) + 4:
		return upper_32_bits(as->transtab);
	case AS_MEMATTR(0):
		return lower_32_bits(as->memattr);
	case AS_MEMATTR(0) + 4:
		return upper_32_bits(as->memattr);
	case AS_LOCKADDR(0):
		return lower_32_bits(as->lockaddr);
	case AS_LOCKADDR(0) + 4:
		return upper_32_bits(as->lockaddr);
	case AS_FAULTSTATUS(0):
		return READ_ONCE(as->faultstatus);
	case AS_FAULTADDRESS(0):
		return lower_32_bits(READ_ONCE(as->faultaddr));
	case AS_FAULTADDRESS(0) + 4:
		return upper_32_bits(READ_ONCE(as->faultaddr));
	case AS_STATUS(0):
		return psim_as_status(as);
	case AS_TRANSCFG(0):
		return lower_32_bits(as->transcfg);
	case AS_TRANSCFG(0) + 4:
		return upper_32_bits(as->transcfg);
	default:
		return 0;
	}
}

static void psim_set_lo(u64 *reg, u32 val)
{
	*reg = (*reg & GENMASK_ULL(63, 32)) | val;
}

static void psim_set_hi(u64 *reg, u32 val)
{
	*reg = lower_32_bits(*reg) | (u64)val << 32;
}

/**
 * psim_mmu_write() - Write a register of an address space
 * @mmu: MMU.
 * @reg: Offset from the first address space.
 * @val: Value.
 *
 * Return: The address space if the write answers a fault, NULL otherwise. The caller
 * then aborts the accesses that faulted.
 */
struct psim_as *psim_mmu_write(struct psim_mmu *mmu, u32 reg, u32 val)
{
	struct psim_as *as = &mmu->as[reg >> MMU_AS_SHIFT];

	switch (reg & (BIT(MMU_AS_SHIFT) - 1)) {
	case AS_TRANSTAB(0):
		psim_set_lo(&as->transtab, val);
		break;
	case AS_TRANSTAB(0) + 4:
		psim_set_hi(&as->transtab, val);
		break;
	case AS_MEMATTR(0):
		psim_set_lo(&as->memattr, val);
		break;
	case AS_MEMATTR(0) + 4:
		psim_set_hi(&as->memattr, val);
		break;
	case AS_LOCKADDR(0):
		psim_set_lo(&as->lockaddr, val);
		break;
	case AS_LOCKADDR(0) + 4:
		psim_set_hi(&as->lockaddr, val);
		break;
	case AS_COMMAND(0):
		return psim_as_command(as, val) ? as : NULL;
	case AS_TRANSCFG(0):
		psim_set_lo(&as->transcfg, val);
		break;
	case AS_TRANSCFG(0) + 4:
		psim_set_hi(&as->transcfg, val);
		break;
	default:
		psim_count(as->base, bad_regs);
		break;
	}

	return NULL;
}

/**
 * psim_mmu_reset() - Reset all address spaces
 * @mmu: MMU.
 */
void psim_mmu_reset(struct psim_mmu *mmu)
{
	for (u32 i = 0; i < PSIM_NUM_AS; i++) {
		struct psim_as *as = &mmu->as[i];

		guard(spinlock_irqsave)(&as->lock);
		as->transtab = 0;
		as->memattr = 0;
		as->transcfg = AS_TRANSCFG_ADRMODE_UNMAPPED;
		as->lockaddr = 0;
		memset(&as->live, 0, sizeof(as->live));
		as->locked = false;
		WRITE_ONCE(as->faulted, false);
		as->busy_until = 0;
		as->faultstatus = 0;
		as->faultaddr = 0;
		psim_tlb_flush(as);
	}
}

/**
 * psim_mmu_init() - Initialise the address spaces
 * @mmu: MMU.
 * @base: What all layers share.
 * @irqs: Interrupt lines.
 */
void psim_mmu_init(struct psim_mmu *mmu, struct psim_base *base, struct psim_irqs *irqs)
{
	mmu->irqs = irqs;
	for (u32 i = 0; i < PSIM_NUM_AS; i++) {
		mmu->as[i].base = base;
		mmu->as[i].mmu = mmu;
		mmu->as[i].id = i;
		/* Two lock classes: streams write to address space 0 with their own locked. */
		if (i)
			spin_lock_init(&mmu->as[i].lock);
		else
			spin_lock_init(&mmu->as[i].lock);
	}

	psim_mmu_reset(mmu);
}
