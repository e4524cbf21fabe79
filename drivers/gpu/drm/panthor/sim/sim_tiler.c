// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: tiler
 *
 * Draws allocate from the tiler heap that the tiler context refers to. The heap
 * descriptor holds the address of the current chunk and the free space in it. A full
 * chunk is added to the tiler context's list of completed chunks. The next chunk is,
 * in this order: the one that the full chunk's header points to, one from the free
 * list of the heap context (HEAP_SET), one that the driver provides when TILER_OOM is
 * raised. FINISH_FRAGMENT puts completed chunks on the free list.
 *
 * If the driver provides none, the tiler waits for fragment jobs in flight. If there
 * are none, or if they free no chunk, the exception handler is called, which renders
 * what was tiled so far and completes chunks that way; then the draw continues.
 * Without a handler, or if the handler freed nothing, the draw faults.
 *
 * All of this is in GPU memory, accessed through the page tables. Only the firmware
 * accesses the heap context, which has 32 bytes; its layout here is our own.
 */

#include "sim_insn.h"

/* Tiler context: bytes, and the words used here. */
#define PSIM_TILER_SIZE		128
#define PSIM_TILER_POLYGONS	0
#define PSIM_TILER_HEAP		6
#define PSIM_TILER_TOP		10
#define PSIM_TILER_BOTTOM	12

/* The polygon list starts with what is written next. */
#define PSIM_POLYGONS_NEXT	BIT_ULL(0)

/* A chunk: its address, with the size in pages in the low bits; 0 if there is none. */
#define PSIM_CHUNK_PAGES	GENMASK_ULL(11, 0)
#define PSIM_CHUNK_HEADER	64

/* Chunks that are filled or read before others get their turn. */
#define PSIM_CHUNK_BATCH	64

/* Tiler heap descriptor. */
struct psim_heap_desc {
	u32 type;
	u32 size;
	u64 base;
	u64 bottom;
	u64 top;
};

/* Heap context. */
struct psim_heap_ctx {
	u64 free;
	u32 vt_start;
	u32 vt_end;
	u32 frag_end;
	u32 unused[3];
};

static_assert(sizeof(struct psim_heap_desc) == 32);
static_assert(sizeof(struct psim_heap_ctx) == 32);

static int psim_heap_read(struct psim_cs *cs, struct psim_heap_ctx *heap)
{
	return psim_as_read(cs->env->as, cs->ctx.heap, heap, sizeof(*heap));
}

static int psim_heap_write(struct psim_cs *cs, const struct psim_heap_ctx *heap)
{
	return psim_as_write(cs->env->as, cs->ctx.heap, heap, sizeof(*heap));
}

static int psim_chunk_next(struct psim_cs *cs, u64 chunk, u64 *next)
{
	return psim_as_read(cs->env->as, chunk & ~PSIM_CHUNK_PAGES, next, sizeof(*next));
}

static int psim_chunk_link(struct psim_cs *cs, u64 chunk, u64 next)
{
	return psim_as_write(cs->env->as, chunk & ~PSIM_CHUNK_PAGES, &next, sizeof(next));
}

/* Raises TILER_OOM. */
static int psim_heap_ask(struct psim_cs *cs, const struct psim_heap_ctx *heap)
{
	cs->heap.vt_start = heap->vt_start;
	cs->heap.vt_end = heap->vt_end;
	cs->heap.frag_end = heap->frag_end;
	return -ENOMEM;
}

/* Calls the exception handler, which returns to the instruction that ran out of memory. */
static int psim_heap_exception(struct psim_cs *cs)
{
	struct psim_cs_ctx *ctx = &cs->ctx;

	ctx->oom = PSIM_OOM_NONE;
	if (!ctx->handler.size || ctx->handler.called || !ctx->depth)
		return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_OOM, ctx->heap);
	if (ctx->depth == PSIM_CALL_DEPTH)
		return psim_insn_fatal(cs, DRM_PANTHOR_EXCEPTION_CS_CALL_STACK_OVERFLOW,
				       ctx->handler.va);

	ctx->handler.called = true;
	ctx->stack[ctx->depth - 1].pc = ctx->pc;
	ctx->stack[ctx->depth - 1].end = ctx->end;
	ctx->depth++;
	ctx->pc = ctx->handler.va;
	ctx->end = ctx->pc + ctx->handler.size;
	psim_count(cs->env->base, tiler_exceptions);
	return PSIM_INSN_FLOW;
}

/* The driver provided no chunk: wait for fragment jobs, or call the handler. */
static int psim_heap_denied(struct psim_cs *cs, const struct psim_heap_ctx *heap)
{
	if ((s32)(heap->vt_end - heap->frag_end) <= 0)
		return psim_heap_exception(cs);

	cs->ctx.oom = PSIM_OOM_DENIED;
	cs->block = PSIM_BLOCK_HEAP;
	return -EAGAIN;
}

/* Takes the chunk that the driver provided, or one from the free list. */
static int psim_heap_take(struct psim_cs *cs, u64 *chunk)
{
	struct psim_cs_ctx *ctx = &cs->ctx;
	struct psim_heap_ctx heap;
	int ret;

	ret = psim_heap_read(cs, &heap);
	if (ret)
		return ret;

	if (ctx->oom == PSIM_OOM_ANSWERED && ctx->oom_chunk) {
		*chunk = ctx->oom_chunk;
		ret = psim_chunk_link(cs, *chunk, 0);
	} else if (heap.free) {
		*chunk = heap.free;
		ret = psim_chunk_next(cs, *chunk, &heap.free);
		ret = ret ?: psim_chunk_link(cs, *chunk, 0);
		ret = ret ?: psim_heap_write(cs, &heap);
	} else if (ctx->oom == PSIM_OOM_ANSWERED || ctx->oom == PSIM_OOM_DENIED) {
		return psim_heap_denied(cs, &heap);
	} else {
		return psim_heap_ask(cs, &heap);
	}
	if (ret)
		return ret;

	ctx->oom = PSIM_OOM_NONE;
	ctx->oom_chunk = 0;
	ctx->handler.called = false;
	psim_count(cs->env->base, chunks_taken);
	return 0;
}

/* Adds the full chunk to the completed ones; @next is the chunk that it was linked to. */
static int psim_chunk_complete(struct psim_cs *cs, u64 tiler, struct psim_heap_desc *desc,
			       u64 *next)
{
	u64 chunk = desc->base | (desc->size >> PSIM_PAGE_SHIFT & PSIM_CHUNK_PAGES);
	struct psim_as *as = cs->env->as;
	u64 list[2];	/* top, bottom */
	int ret;

	ret = psim_chunk_next(cs, chunk, next);
	ret = ret ?: psim_as_read(as, tiler + PSIM_TILER_TOP * sizeof(u32), list, sizeof(list));
	ret = ret ?: psim_chunk_link(cs, chunk, list[0]);
	if (ret)
		return ret;

	list[0] = chunk;
	if (!list[1])
		list[1] = chunk;
	return psim_as_write(as, tiler + PSIM_TILER_TOP * sizeof(u32), list, sizeof(list));
}

static void psim_chunk_begin(struct psim_heap_desc *desc, u64 chunk)
{
	desc->base = chunk & ~PSIM_CHUNK_PAGES;
	desc->size = FIELD_GET(PSIM_CHUNK_PAGES, chunk) << PSIM_PAGE_SHIFT;
	desc->bottom = chunk ? desc->base + PSIM_CHUNK_HEADER : 0;
	desc->top = desc->base + desc->size;
}

/* Replaces a full chunk, or gets the first one. */
static int psim_heap_advance(struct psim_cs *cs, u64 tiler, u64 desc_va,
			     struct psim_heap_desc *desc)
{
	u64 chunk = 0;
	int ret;

	if (desc->base) {
		ret = psim_chunk_complete(cs, tiler, desc, &chunk);
		if (ret)
			return ret;
		psim_count(cs->env->base, chunks_filled);
		psim_chunk_begin(desc, chunk);
		ret = psim_as_write(cs->env->as, desc_va, desc, sizeof(*desc));
		if (ret || chunk)
			return ret;
	}

	ret = psim_heap_take(cs, &chunk);
	if (ret)
		return ret;

	psim_chunk_begin(desc, chunk);
	return psim_as_write(cs->env->as, desc_va, desc, sizeof(*desc));
}

/* Marks each page that the tiler writes. */
static int psim_tile_write(struct psim_cs *cs, u64 va, u64 len)
{
	const u64 end = va + len;

	while (va < end) {
		u64 mark[] = { va, cs->ctx.tiled };
		int ret = psim_as_write(cs->env->as, va, mark, min(sizeof(mark), end - va));

		if (ret)
			return ret;
		va = (va & PSIM_PAGE_MASK) + PSIM_PAGE_SIZE;
	}

	return 0;
}

/* A tiler context without a polygon list is new: what else is in it does not count. */
static int psim_tiler_begin(struct psim_cs *cs, u64 tiler, u64 polygons)
{
	const u64 list[2] = {};	/* top, bottom */
	int ret;

	ret = psim_as_write(cs->env->as, tiler + PSIM_TILER_TOP * sizeof(u32), list, sizeof(list));
	return ret ?: psim_as_write(cs->env->as, tiler, &polygons, sizeof(polygons));
}

/**
 * psim_tile() - Allocate tiler memory for a draw
 * @cs: Stream.
 * @tiler: Address of the tiler context.
 * @bytes: Bytes that the draw needs.
 *
 * Return: As psim_insn_exec(); 0 once the draw has got all.
 */
int psim_tile(struct psim_cs *cs, u64 tiler, u64 bytes)
{
	u32 ctx[PSIM_TILER_SIZE / sizeof(u32)];
	struct psim_as *as = cs->env->as;
	struct psim_heap_desc desc;
	u64 desc_va, polygons, budget = PSIM_SLICE;
	int ret;

	ret = psim_as_read(as, tiler, ctx, sizeof(ctx));
	if (ret)
		return ret;

	bytes = ALIGN(bytes, sizeof(u64) * 2);
	desc_va = psim_word64(ctx, PSIM_TILER_HEAP);
	ret = psim_as_read(as, desc_va, &desc, sizeof(desc));
	if (ret)
		return ret;

	polygons = psim_word64(ctx, PSIM_TILER_POLYGONS);
	if (!polygons) {
		polygons = desc_va | PSIM_POLYGONS_NEXT;
		ret = psim_tiler_begin(cs, tiler, polygons);
		if (ret)
			return ret;
	}

	for (u32 i = 0; cs->ctx.tiled < bytes; i++) {
		u64 len = min(bytes - cs->ctx.tiled, budget);

		if (!budget || i == PSIM_CHUNK_BATCH)
			return PSIM_INSN_MORE;

		if (!desc.base || desc.bottom >= desc.top) {
			ret = psim_heap_advance(cs, tiler, desc_va, &desc);
			if (ret)
				return ret;
			continue;
		}

		len = min(len, desc.top - desc.bottom);
		ret = psim_tile_write(cs, desc.bottom, len);
		if (!ret && (polygons & PSIM_POLYGONS_NEXT)) {
			polygons = desc.bottom;
			ret = psim_as_write(as, tiler, &polygons, sizeof(polygons));
		}
		desc.bottom += len;
		ret = ret ?: psim_as_write(as, desc_va, &desc, sizeof(desc));
		if (ret)
			return ret;

		cs->ctx.tiled += len;
		budget -= len;
	}

	cs->ctx.tiled = 0;
	return 0;
}

/**
 * psim_tiler_read() - Read what the tiler wrote, for a fragment job
 * @cs: Stream.
 * @tiler: Address of the tiler context.
 *
 * Return: As psim_insn_exec().
 */
int psim_tiler_read(struct psim_cs *cs, u64 tiler)
{
	u32 ctx[PSIM_TILER_SIZE / sizeof(u32)];
	u64 chunk, polygons;
	int ret;

	ret = psim_as_read(cs->env->as, tiler, ctx, sizeof(ctx));
	if (ret)
		return ret;

	polygons = psim_word64(ctx, PSIM_TILER_POLYGONS);
	if (!polygons)
		return 0;

	ret = psim_touch(cs, polygons, sizeof(u64), PSIM_READ);
	chunk = psim_word64(ctx, PSIM_TILER_TOP);
	for (u32 i = 0; !ret && chunk && i < PSIM_CHUNK_BATCH; i++) {
		u64 len = FIELD_GET(PSIM_CHUNK_PAGES, chunk) << PSIM_PAGE_SHIFT;

		ret = psim_touch(cs, chunk & ~PSIM_CHUNK_PAGES, len, PSIM_READ);
		ret = ret ?: psim_chunk_next(cs, chunk, &chunk);
	}

	return ret;
}

/* A vertex/tiler job starts. A knob makes the tiler run out of memory here. */
static int psim_heap_start(struct psim_cs *cs, struct psim_heap_ctx *heap)
{
	struct psim_cs_ctx *ctx = &cs->ctx;
	u64 chunk = ctx->oom_chunk;
	int ret;

	switch (ctx->oom) {
	case PSIM_OOM_ANSWERED:
		ctx->oom = PSIM_OOM_NONE;
		if (!chunk)
			return psim_insn_fault(cs, DRM_PANTHOR_EXCEPTION_OOM, ctx->heap);
		ret = psim_chunk_link(cs, chunk, heap->free);
		if (ret)
			return ret;
		heap->free = chunk;
		ctx->oom_chunk = 0;
		return psim_heap_write(cs, heap);
	case PSIM_OOM_NONE:
		heap->vt_start++;
		ret = psim_heap_write(cs, heap);
		if (ret || !psim_take(&cs->env->base->knobs.tiler_oom))
			return ret;
		break;
	default:
		/* Resumed before the driver answered: TILER_OOM is raised again. */
		break;
	}

	return psim_heap_ask(cs, heap);
}

/**
 * psim_heap_count() - HEAP_OPERATION
 * @cs: Stream.
 * @op: Counter.
 *
 * Return: As psim_insn_exec().
 */
int psim_heap_count(struct psim_cs *cs, enum psim_heap_op op)
{
	struct psim_heap_ctx heap;
	int ret;

	ret = psim_heap_read(cs, &heap);
	if (ret)
		return ret;

	switch (op) {
	case PSIM_HEAP_VT_START:
		return psim_heap_start(cs, &heap);
	case PSIM_HEAP_VT_END:
		heap.vt_end++;
		break;
	case PSIM_HEAP_FRAG_END:
		heap.frag_end++;
		break;
	}

	return psim_heap_write(cs, &heap);
}

/**
 * psim_heap_return() - FINISH_FRAGMENT
 * @cs: Stream.
 * @first: First chunk of the list to free, 0 if there is none.
 * @last: Last chunk of that list.
 * @frag_end: True to count a fragment job as completed.
 *
 * Return: As psim_insn_exec().
 */
int psim_heap_return(struct psim_cs *cs, u64 first, u64 last, bool frag_end)
{
	struct psim_heap_ctx heap;
	int ret;

	ret = psim_heap_read(cs, &heap);
	if (ret)
		return ret;

	if (first && last) {
		ret = psim_chunk_link(cs, last, heap.free);
		if (ret)
			return ret;
		heap.free = first;
		psim_count(cs->env->base, chunks_returned);
	}
	heap.frag_end += frag_end;

	/* For streams that wait for memory. */
	psim_kick_self(&cs->env->base->up);
	return psim_heap_write(cs, &heap);
}
