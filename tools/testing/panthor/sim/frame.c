// SPDX-License-Identifier: GPL-2.0
/*
 * Conformance of fragment jobs: the clear colour comes out in every format and layout, where it has
 * to and nowhere else, also in a target that was evicted; what cannot be read or written faults.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desc.h"
#include "reclaim.h"

#define D bench.data.va
#define MEDIUM PANTHOR_GROUP_PRIORITY_MEDIUM
#define MAP DRM_PANTHOR_VM_BIND_OP_TYPE_MAP
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP

#define ALIAS 0x70000000ULL
#define FRAME 0x1000
#define SHADER 0x2000
#define DRAW 0x2100
#define TILER 0x2200
#define EXTENSION 0x3000

#define IMAGE_SIZE 0x40000
#define UNTOUCHED 0x5a5a5a5a
#define WIDTH 100
#define HEIGHT 40

static struct bench bench;
/* The render target. Its CPU mapping is there only while it is looked at, for eviction */
static struct bo image;

static uint32_t *look(void)
{
	if (bo_map(&image))
		bail("cannot map the image");
	return image.map;
}

static void blank(void)
{
	memset(look(), 0x5a, IMAGE_SIZE);
	bo_unmap(&image);
}

static int render_frame(const struct frame *frame)
{
	uint64_t fbd = desc_frame(&bench, FRAME, frame);

	return RUN(&bench, FRAME_SR(fbd, WIDTH, HEIGHT), RUN_FRAGMENT, WAIT(0xff));
}

static int render(const struct target *target, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1)
{
	struct frame frame = { .width = WIDTH, .height = HEIGHT, .targets = target, .count = 1 };
	uint64_t fbd = desc_frame(&bench, FRAME, &frame);

	return RUN(&bench, MOVE48(40, fbd), MOVE32(42, y0 << 16 | x0), MOVE32(43, y1 << 16 | x1),
		   RUN_FRAGMENT, WAIT(0xff));
}

static int render_all(const struct target *target)
{
	return render(target, 0, 0, WIDTH - 1, HEIGHT - 1);
}

/* Every pixel of 32 bits in the rectangle is @pixel, every other word is as blank() left it */
static bool linear_is(uint32_t pixel, uint32_t stride, uint32_t x0, uint32_t y0, uint32_t x1,
		      uint32_t y1)
{
	const uint32_t *words = look();
	bool good = true;

	for (uint32_t i = 0; i < IMAGE_SIZE / 4; i++) {
		uint32_t x = i * 4 % stride / 4, y = i * 4 / stride;
		bool inside = x >= x0 && x <= x1 && y >= y0 && y <= y1;

		if (words[i] != (inside ? pixel : UNTOUCHED) && good) {
			diag("%u, %u: %#x", x, y, words[i]);
			good = false;
		}
	}
	bo_unmap(&image);
	return good;
}

static void formats(void)
{
	static const struct {
		const char *name;
		uint32_t internal, format, swizzle, clear, pixel;
	} cases[] = {
		{ "RGBA8", TIB_RGBA8, MEM_RGBA8, RGBA, 0x44332211, 0x44332211 },
		{ "BGRA8", TIB_RGBA8, MEM_RGBA8, BGRA, 0x44332211, 0x44112233 },
		{ "BGRX8", TIB_RGBA8, MEM_RGBA8, SWIZZLE(2, 1, 0, 5), 0x44332211, 0xff112233 },
		{ "RGB10A2", TIB_RGB10A2, MEM_RGB10A2, RGBA, 0xc0f00801, 0xc0f00801 },
		{ "RAW32", TIB_RAW32, MEM_RAW32, RGBA, 0xdeadbeef, 0xdeadbeef },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target target = {
			.va = image.va,
			.row_stride = 512,
			.block = BLOCK_LINEAR,
			.internal = cases[i].internal,
			.format = cases[i].format,
			.swizzle = cases[i].swizzle,
			.clear = cases[i].clear,
		};

		blank();
		ok(!render_all(&target) &&
			   linear_is(cases[i].pixel, 512, 0, 0, WIDTH - 1, HEIGHT - 1),
		   "linear %s is cleared, and nothing else", cases[i].name);
	}
}

static void small_format(void)
{
	/* 5, 6 and 5 bits, each with bits for dithering below: 0x15, 0x2a, 0x0b */
	struct target target = {
		.va = image.va,
		.row_stride = 256,
		.block = BLOCK_LINEAR,
		.internal = TIB_R5G6B5,
		.format = MEM_R5G6B5,
		.swizzle = RGBA,
		.clear = 0x15 << 5 | 0x2a << (10 + 4) | 0x0b << (20 + 5),
	};
	const uint32_t pixel = 0x15 | 0x2a << 5 | 0x0b << 11;

	blank();
	ok(!render_all(&target) &&
		   linear_is(pixel | pixel << 16, 256, 0, 0, WIDTH / 2 - 1, HEIGHT - 1),
	   "linear R5G6B5 is cleared, the dithering bits are dropped");
}

static void bounds(void)
{
	struct target target = TARGET_RGBA8(image.va, 512, .clear = 1);

	blank();
	ok(!render(&target, 17, 3, 40, 33) && linear_is(1, 512, 17, 3, 40, 33),
	   "the registers limit the written area");
	blank();
	ok(!render(&target, 90, 30, 500, 500) && linear_is(1, 512, 90, 30, WIDTH - 1, HEIGHT - 1),
	   "the descriptor limits the written area");
	blank();
	ok(!render(&target, 50, 3, 40, 33) && linear_is(1, 512, 1, 1, 0, 0),
	   "an empty frame writes nothing");
}

/* The order of pixels in a block of 4 x 4, which blocks of 8 and of 16 repeat */
static const uint8_t order[4][4] = {
	{ 0, 1, 4, 5 },
	{ 3, 2, 7, 6 },
	{ 12, 13, 8, 9 },
	{ 15, 14, 11, 10 },
};

static uint32_t tiled_offset(uint32_t x, uint32_t y, uint32_t stride)
{
	uint32_t low = order[y & 3][x & 3], high = order[y >> 2 & 3][x >> 2 & 3];

	return y / 16 * stride + x / 16 * 1024 + (high * 16 + low) * 4;
}

static bool tiled_is(uint32_t pixel, uint32_t stride, uint32_t x0, uint32_t y0, uint32_t x1,
		     uint32_t y1)
{
	const uint32_t *words = look();
	uint32_t inside = 0, right = 0, all = 0;

	for (uint32_t y = y0; y <= y1; y++) {
		for (uint32_t x = x0; x <= x1; x++) {
			inside++;
			right += words[tiled_offset(x, y, stride) / 4] == pixel;
		}
	}
	for (uint32_t i = 0; i < IMAGE_SIZE / 4; i++)
		all += words[i] != UNTOUCHED;
	bo_unmap(&image);
	if (right != inside || all != inside)
		diag("%u of %u are right, %u were written", right, inside, all);
	return right == inside && all == inside;
}

static void layouts(void)
{
	struct target target = {
		.va = image.va,
		.row_stride = 8 * 1024,
		.block = BLOCK_TILED,
		.internal = TIB_RGBA8,
		.format = MEM_RGBA8,
		.swizzle = BGRA,
		.clear = 0x44332211,
	};
	const uint32_t *words;
	bool good = true;

	blank();
	ok(!render_all(&target) && tiled_is(0x44112233, 8192, 0, 0, WIDTH - 1, HEIGHT - 1),
	   "u-interleaved blocks are cleared, and nothing else");
	blank();
	ok(!render(&target, 13, 7, 70, 21) && tiled_is(0x44112233, 8192, 13, 7, 70, 21),
	   "parts of u-interleaved blocks are cleared, and nothing else");

	target.block = BLOCK_AFBC;
	target.row_stride = 256;
	blank();
	ok(!render_all(&target), "AFBC is cleared");
	words = look();
	for (uint32_t row = 0; row < 4; row++) {
		for (uint32_t col = 0; col < 16; col++) {
			const uint32_t *header = &words[row * 64 + col * 4];
			bool inside = row < 3 && col < 7;

			for (int i = 0; i < 4; i++)
				good &= header[i] == (!inside ? UNTOUCHED : i < 2 ? 0 : 0x44112233);
		}
	}
	bo_unmap(&image);
	ok(good, "each superblock has one colour and no body");
}

static void kept(void)
{
	struct target target = TARGET_RGBA8(image.va, 512, .clear = 7, .keep = true);
	struct frame frame = { .width = WIDTH, .height = HEIGHT, .targets = &target, .count = 1 };

	blank();
	ok(!render_all(&target) && linear_is(7, 512, 1, 1, 0, 0),
	   "a target without the clear flag keeps its data");
	target.keep = false;
	desc_shader(&bench, SHADER, bench.code.va);
	frame.shaders = desc_draw(&bench, DRAW, D + SHADER, 1);
	ok(!render_frame(&frame) && linear_is(7, 512, 1, 1, 0, 0),
	   "a target that a frame shader loads keeps its data");
	frame.shaders = desc_draw(&bench, DRAW, D + SHADER, 2);
	ok(!render_frame(&frame) && linear_is(7, 512, 0, 0, WIDTH - 1, HEIGHT - 1),
	   "a target does not if the shader is for another one");

	/* Mode 2: where geometry is, and Mesa names no shader if there is none */
	frame.shaders = 0;
	desc_frame(&bench, FRAME, &frame);
	*data32(&bench, FRAME) = 2;
	ok(!RUN(&bench, FRAME_SR(D + FRAME + 1, WIDTH, HEIGHT), RUN_FRAGMENT, WAIT(0xff)),
	   "a frame without geometry needs no shader for tiles with geometry");
}

static void several(void)
{
	struct target targets[] = {
		TARGET_RGBA8(image.va, 512, .clear = 1),
		{ .va = image.va + 0x8000,
		  .row_stride = 512,
		  .block = BLOCK_LINEAR,
		  .internal = TIB_RAW32,
		  .format = MEM_RAW32,
		  .clear = 2 },
	};
	struct frame frame = { .width = WIDTH, .height = HEIGHT, .targets = targets, .count = 2 };
	uint64_t fbd = desc_frame(&bench, FRAME, &frame), frames = counter("frames");
	const uint32_t *words;
	int64_t t0;
	bool good;

	blank();
	set_knob("pixel_ns", 20000);
	t0 = dev_now();
	good = !RUN(&bench, SET_SB_ENTRY(5, 0), FRAME_SR(fbd, WIDTH, HEIGHT), RUN_FRAGMENT,
		    WAIT(1 << 5));
	ok(good && dev_now() - t0 >= WIDTH * HEIGHT * 20000LL,
	   "a frame takes the time per pixel that the knob sets");
	set_knob("pixel_ns", 0);
	words = look();
	ok(words[0] == 1 && words[0x2000] == 2 && words[39 * 128 + 99] == 1 &&
		   words[0x2000 + 39 * 128 + 99] == 2,
	   "both targets of the frame are cleared");
	bo_unmap(&image);
	ok(counter("frames") == frames + 1, "the frame is counted once");
}

static void faults(const char *what, uint64_t va, uint32_t type, uint32_t access, int ret)
{
	bench_fault(&bench, ret, va, type, access, "%s faults", what);
}

static void missing(void)
{
	struct target target = TARGET_RGBA8(ALIAS, 512, .clear = 1);
	struct frame frame = { .width = WIDTH, .height = HEIGHT, .targets = &target, .count = 1 };
	uint32_t *ext;

	/* So that the page tables of that place are there: level 3 */
	bench_bind(&bench, image.handle, 0, ALIAS + 0x100000, 4096, MAP);
	faults("a target that is not mapped", ALIAS, TRANSLATION_0 + 3, WRITE, render_all(&target));
	target.keep = true;
	faults("even if it is to be kept", ALIAS, TRANSLATION_0 + 3, WRITE, render_all(&target));
	target.keep = false;

	bench_bind(&bench, image.handle, 0, ALIAS, 4096, MAP);
	faults("a target of which only the first page is mapped", ALIAS + 4096, TRANSLATION_0 + 3,
	       WRITE, render_all(&target));
	bench_bind(&bench, 0, 0, ALIAS, 4096, UNMAP);
	bench_bind(&bench, image.handle, 0, ALIAS, IMAGE_SIZE,
		   MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY);
	faults("a target that must not be written", ALIAS, PERMISSION_0 + 3, WRITE,
	       render_all(&target));
	bench_bind(&bench, 0, 0, ALIAS, IMAGE_SIZE, UNMAP);

	faults("a framebuffer descriptor that is not mapped", ALIAS, TRANSLATION_0 + 3, READ,
	       RUN(&bench, FRAME_SR(ALIAS | 1, WIDTH, HEIGHT), RUN_FRAGMENT));
	frame.tiler = ALIAS;
	faults("a tiler context that is not mapped", ALIAS, TRANSLATION_0 + 3, READ,
	       render_frame(&frame));
	frame.tiler = desc_tiler(&bench, TILER, 0);
	*data64(&bench, TILER) = ALIAS + 0x40;
	faults("a polygon list that is not mapped", ALIAS + 0x40, TRANSLATION_0 + 3, READ,
	       render_frame(&frame));
	frame.tiler = 0;
	frame.shaders = ALIAS;
	faults("a frame shader that is not mapped", ALIAS, TRANSLATION_0 + 3, READ,
	       render_frame(&frame));

	/* A depth buffer, whose descriptor is between the frame's and the target's */
	frame.shaders = 0;
	frame.count = 0;
	target.va = image.va;
	desc_frame(&bench, FRAME,
		   &(struct frame){
			   .width = WIDTH, .height = HEIGHT, .targets = &target, .count = 1 });
	memmove(data32(&bench, FRAME + 192), data32(&bench, FRAME + 128), 64);
	ext = data32(&bench, FRAME + 128);
	memset(ext, 0, 64);
	ext[0] = 14 | BLOCK_LINEAR << 4;
	ext[8] = ALIAS;
	ext[10] = 512;
	*data32(&bench, FRAME + 48) = 1 << 21 | 1 << 18;
	faults("a depth buffer that is not mapped", ALIAS, TRANSLATION_0 + 3, WRITE,
	       RUN(&bench, FRAME_SR((D + FRAME) | 3, WIDTH, HEIGHT), RUN_FRAGMENT));
}

/* Each frame has a colour of its own, and goes to a target that was evicted meanwhile */
static void evicted(void)
{
	struct target target = TARGET_RGBA8(image.va, 512);
	uint64_t faults = counter("translation_faults"), gone = 0;
	uint32_t good = 0, rounds = 20;

	if (access(RECLAIM_FILE, W_OK)) {
		skip("no mem_reclaim in this kernel", "eviction");
		return;
	}
	blank();
	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t before = gem_sum(getpid(), "image").evictions;

		target.clear = 0x01010101 * (i + 1);
		reclaim(getpid());
		gone += gem_sum(getpid(), "image").evictions - before;
		good += !render_all(&target) &&
			linear_is(target.clear, 512, 0, 0, WIDTH - 1, HEIGHT - 1);
	}
	ok(gone == rounds, "a target is evicted before each of %u frames", rounds);
	ok(good == rounds, "each frame is correct, the memory around it is unchanged");
	ok(counter("translation_faults") == faults && !counter("stale_tlb"),
	   "no fault, no stale TLB entry");
}

int main(void)
{
	tap_start();
	bench_open(&bench, 2, MEDIUM);
	set_number(COUNTERS "stale_tlb", 0);
	if (bo_create(&bench.gpu, &image, IMAGE_SIZE, 0, &bench.vm) || bo_bind(&image, &bench.vm) ||
	    bo_label(&image, "image"))
		bail("no image");
	formats();
	small_format();
	bounds();
	layouts();
	kept();
	several();
	missing();
	evicted();
	bench_close(&bench);
	return tap_end();
}
