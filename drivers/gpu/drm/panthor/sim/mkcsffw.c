// SPDX-License-Identifier: GPL-2.0
/*
 * mkcsffw - write a firmware image for the simulated Mali CSF GPU
 *
 * The image has the format that the Panthor driver parses, and one section: the
 * memory that driver and firmware share. There is no code in it, the simulator
 * is the firmware.
 */

#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAGIC		0xc3f13a6eu
#define HEADER_SIZE		20

#define ENTRY_IFACE		0u
#define ENTRY_BUILD_INFO	6u
#define ENTRY_OPTIONAL		0x80000000u

#define SECTION_READ		0x1u
#define SECTION_WRITE		0x2u
#define SECTION_COHERENT	0x10u
#define SECTION_SHARED		0x40000000u
#define SECTION_ZERO		0x80000000u

#define SHARED_START		0x04000000u
#define SHARED_SIZE		0x00040000u

#define MAX_IMAGE		512

#define SEARCHED		"The driver looks for arm/mali/arch10.8/mali_csffw.bin."

const char *argp_program_version = "mkcsffw 1";

struct image {
	unsigned char data[MAX_IMAGE];
	size_t size;
};

struct arguments {
	const char *output;
	const char *revision;
};

static const struct argp_option options[] = {
	{ "revision", 'r', "TEXT", 0, "revision that the driver prints (default: panthor-sim)", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case 'r':
		if (!*arg || strlen(arg) > 64)
			argp_error(state, "revision must have 1 to 64 characters");
		args->revision = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (args->output)
			argp_error(state, "more than one FILE");
		args->output = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->output)
			argp_error(state, "no FILE given, \"-\" is standard output");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "FILE",
	.doc = "Write a firmware image for the simulated Mali CSF GPU.\v" SEARCHED,
};

static void put8(struct image *img, unsigned char val)
{
	if (img->size == MAX_IMAGE)
		abort();
	img->data[img->size++] = val;
}

static void put32(struct image *img, uint32_t val)
{
	for (int i = 0; i < 4; i++)
		put8(img, val >> (8 * i));
}

/* Stores a value at @offset, once it is known. */
static void patch32(struct image *img, size_t offset, uint32_t val)
{
	for (int i = 0; i < 4; i++)
		img->data[offset + i] = val >> (8 * i);
}

/* Returns the offset of the total size. */
static size_t put_header(struct image *img)
{
	put32(img, HEADER_MAGIC);
	put8(img, 0);			/* minor */
	put8(img, 0);			/* major */
	put8(img, 0);
	put8(img, 0);
	put32(img, 0);			/* version hash */
	put32(img, 0);
	put32(img, 0);			/* total size */
	return HEADER_SIZE - 4;
}

static void put_shared_section(struct image *img)
{
	put32(img, ENTRY_IFACE | 24u << 8);
	put32(img, SECTION_READ | SECTION_WRITE | SECTION_COHERENT | SECTION_SHARED | SECTION_ZERO);
	put32(img, SHARED_START);
	put32(img, SHARED_START + SHARED_SIZE);
	put32(img, 0);			/* no data */
	put32(img, 0);
}

/* Returns the offset of the start of the build info data. */
static size_t put_build_info(struct image *img, uint32_t size)
{
	put32(img, ENTRY_OPTIONAL | ENTRY_BUILD_INFO | 12u << 8);
	put32(img, 0);			/* start */
	put32(img, size);
	return img->size - 8;
}

static void build(struct image *img, const char *revision)
{
	char info[128];
	size_t total, start, len;

	len = (size_t)snprintf(info, sizeof(info), "git_sha: %s", revision) + 1;

	total = put_header(img);
	put_shared_section(img);
	start = put_build_info(img, len);

	/* The total covers the entries only; data follows them. */
	patch32(img, total, img->size);
	patch32(img, start, img->size);
	for (size_t i = 0; i < len; i++)
		put8(img, info[i]);
}

int main(int argc, char **argv)
{
	struct arguments args = { .revision = "panthor-sim" };
	struct image img = { .size = 0 };
	FILE *out = stdout;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	build(&img, args.revision);

	if (strcmp(args.output, "-")) {
		out = fopen(args.output, "wb");
		if (!out) {
			fprintf(stderr, "mkcsffw: cannot create %s: %s\n", args.output,
				strerror(errno));
			return EXIT_FAILURE;
		}
	}

	if (fwrite(img.data, img.size, 1, out) != 1 || fclose(out)) {
		fprintf(stderr, "mkcsffw: cannot write %s: %s\n", args.output, strerror(errno));
		return EXIT_FAILURE;
	}

	return EXIT_SUCCESS;
}
