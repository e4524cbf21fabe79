// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Included at the end of panthor_mmu.c, whose private structs it needs.
 */

static_assert(PANTHOR_RECLAIM_MAX_VMS >= PANTHOR_MAX_VMS_PER_FILE);

/**
 * panthor_reclaim_vm_fini() - Part a VM that is being freed from its client
 * @vm: VM.
 */
void panthor_reclaim_vm_fini(struct panthor_vm *vm)
{
	panthor_reclaim_client_put(vm->rcl.client);
}

/**
 * panthor_reclaim_of_vm() - The part of a VM that belongs to reclaim
 * @vm: VM.
 *
 * Return: It. Lives as long as the VM.
 */
struct panthor_reclaim_vm *panthor_reclaim_of_vm(struct panthor_vm *vm)
{
	return &vm->rcl;
}

/**
 * panthor_reclaim_vm_lru() - The BOs that are private to a VM
 * @vm: VM.
 *
 * Return: The list, protected by &drm_device.gem_lru_mutex.
 */
struct drm_gem_lru *panthor_reclaim_vm_lru(struct panthor_vm *vm)
{
	return &vm->reclaim.lru;
}

/**
 * panthor_reclaim_file_vms() - The VMs of an open file
 * @pfile: File, which must not go away meanwhile.
 * @vms: Where they go, each with a reference.
 * @max: Room in @vms; %PANTHOR_MAX_VMS_PER_FILE are all there can be.
 *
 * Context: Any but interrupts; takes the pool's xa_lock.
 * Return: Their number.
 */
u32 panthor_reclaim_file_vms(struct panthor_file *pfile, struct panthor_vm **vms, u32 max)
{
	struct panthor_vm *vm;
	unsigned long i;
	u32 nr = 0;

	xa_lock(&pfile->vms->xa);
	xa_for_each(&pfile->vms->xa, i, vm) {
		if (nr == max)
			break;

		vms[nr++] = panthor_vm_get(vm);
	}
	xa_unlock(&pfile->vms->xa);

	return nr;
}

/**
 * panthor_reclaim_bo_va() - Lowest GPU address that a BO is, or was until
 * evicted, mapped to
 * @bo: BO.
 *
 * Context: The BO's gpuva.lock is held.
 * Return: The address, 0 if it is not mapped.
 */
u64 panthor_reclaim_bo_va(struct panthor_gem_object *bo)
{
	struct drm_gpuvm_bo *vm_bo;
	struct drm_gpuva *va;
	u64 lowest = U64_MAX;

	lockdep_assert_held(&bo->base.gpuva.lock);

	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		drm_gpuvm_bo_for_each_va(va, vm_bo)
			lowest = min(lowest, va->va.addr);
	}

	return lowest == U64_MAX ? 0 : lowest;
}

/**
 * panthor_reclaim_bo_within() - Is a BO mapped to VMs of one process only?
 * @bo: BO.
 * @tgid: Process, as panthor_reclaim_client_tgid() gives it.
 *
 * Context: May sleep, takes the BO's gpuva.lock.
 * Return: True if no VM of another process, or of the kernel, maps it.
 */
bool panthor_reclaim_bo_within(struct panthor_gem_object *bo, pid_t tgid)
{
	struct drm_gpuvm_bo *vm_bo;

	guard(mutex)(&bo->base.gpuva.lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		struct panthor_vm *vm = container_of(vm_bo->vm, struct panthor_vm, base);

		if (!vm->rcl.client || vm->rcl.client->tgid != tgid)
			return false;
	}

	return true;
}

/* Mappings that are taken away under one lock of the address space, before others get a turn. */
#define PANTHOR_RECLAIM_UNMAPS 256

/* Is this a mapping of a BO that an explicit request evicts for its VM? */
static bool panthor_reclaim_va_goes(struct panthor_vm *vm, struct drm_gpuva *va)
{
	struct panthor_vma *vma = container_of(va, struct panthor_vma, base);
	struct panthor_gem_object *bo;

	if (vma->evicted || !va->gem.obj || va->gem.obj->resv != panthor_vm_resv(vm))
		return false;

	bo = to_panthor_bo(va->gem.obj);
	return bo->reclaim_state == PANTHOR_GEM_GPU_MAPPED_SINGLE_VM &&
	       !panthor_reclaim_bo_shared(bo);
}

/* From @from on; returns where to go on, 0 when there is nothing left. */
static u64 panthor_reclaim_unmap_some(struct panthor_vm *vm, u64 from)
{
	u64 start = 0, end = 0, limit = vm->base.mm_start + vm->base.mm_range;
	struct drm_gpuva *va;
	u32 nr = 0;

	guard(mutex)(&vm->op_lock);
	drm_gpuvm_for_each_va_range(va, &vm->base, from, limit) {
		if (!panthor_reclaim_va_goes(vm, va))
			continue;

		if (!nr++)
			start = va->va.addr;
		end = va->va.addr + va->va.range;
		if (nr == PANTHOR_RECLAIM_UNMAPS)
			break;
	}

	if (!nr || panthor_vm_lock_region(vm, start, end - start))
		return 0;

	drm_gpuvm_for_each_va_range(va, &vm->base, start, end) {
		if (!panthor_reclaim_va_goes(vm, va))
			continue;

		if (!va->vm_bo->evicted)
			drm_gpuvm_bo_evict(va->vm_bo, true);
		panthor_vm_unmap_pages(vm, va->va.addr, va->va.range);
		container_of(va, struct panthor_vma, base)->evicted = true;
	}
	panthor_vm_unlock_region(vm);

	return nr == PANTHOR_RECLAIM_UNMAPS ? end : 0;
}

/**
 * panthor_reclaim_vm_unmap() - Unmap what is private to an idle VM
 * @vm: VM.
 *
 * Evicting a BO unmaps it by itself, and that ends with the GPU's caches written
 * back. While the VM is on the GPU that costs more than all else there is to do
 * for a small BO, so it is done for many at once, before they are evicted. What
 * is not evicted after all is mapped again by the next job, as after any eviction
 * that failed half way.
 *
 * Context: Process context, sleeps. The VM's reservation lock is held, and all
 * its fences have signaled. Takes op_lock.
 */
void panthor_reclaim_vm_unmap(struct panthor_vm *vm)
{
	u64 from = vm->base.mm_start;

	dma_resv_assert_held(panthor_vm_resv(vm));

	/* A VM that is on no address space of the GPU has nothing in its caches. */
	while (READ_ONCE(vm->as.id) >= 0 && !signal_pending(current)) {
		from = panthor_reclaim_unmap_some(vm, from);
		if (!from)
			break;

		cond_resched();
	}
}
