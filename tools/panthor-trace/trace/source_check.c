// SPDX-License-Identifier: GPL-2.0
/*
 * Does a file hold what its own tables say?
 *
 * Asked before libtracecmd opens it: on a truncated or damaged file the
 * library only reports "failed", or crashes. The layout is that of
 * trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5). Compressed sections are not
 * looked into.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "trace/source.h"
#include "trace/source_check.h"

#define MAGIC "\x17\x08\x44tracing"
#define MAGIC_LEN 10
#define MAX_SECTIONS 4096
#define MAX_CPUS 65536

/* A read position, and whether it is beyond the end */
struct cursor {
	const unsigned char *data;
	uint64_t size;
	uint64_t at;
	uint64_t page;
	bool big;
	bool beyond;
	const char *wrong; /* what is wrong, if not just short */
};

static bool skip(struct cursor *c, uint64_t n)
{
	if (c->beyond || n > c->size - c->at) {
		c->beyond = true;
		return false;
	}
	c->at += n;
	return true;
}

static uint64_t number(struct cursor *c, int size)
{
	uint64_t value = 0;
	uint64_t at = c->at;

	if (!skip(c, size))
		return 0;
	for (int i = 0; i < size; i++)
		value |= (uint64_t)c->data[at + i] << 8 * (c->big ? size - 1 - i : i);
	return value;
}

static const char *string(struct cursor *c)
{
	const char *s = (const char *)c->data + c->at;
	const unsigned char *end;

	if (c->beyond)
		return "";
	end = memchr(c->data + c->at, 0, c->size - c->at);
	if (!end) {
		c->beyond = true;
		return "";
	}
	c->at = end + 1 - c->data;
	return s;
}

static void expect(struct cursor *c, const char *text, size_t len)
{
	uint64_t at = c->at;

	if (skip(c, len) && memcmp(c->data + at, text, len))
		c->wrong = "damaged header";
}

static void extent(struct cursor *c, uint64_t offset, uint64_t size)
{
	if (offset > c->size || size > c->size - offset)
		c->beyond = true;
}

static bool fine(const struct cursor *c)
{
	return !c->beyond && !c->wrong;
}

static void cpu_extents(struct cursor *c, uint64_t cpus, bool with_id)
{
	if (cpus > MAX_CPUS)
		c->wrong = "damaged header: too many CPUs";
	for (uint64_t i = 0; i < cpus && fine(c); i++) {
		uint64_t offset, size;

		if (with_id)
			number(c, 4);
		offset = number(c, 8);
		size = number(c, 8);
		if (size)
			extent(c, offset, size);
	}
}

static void options_v6(struct cursor *c)
{
	unsigned int id;

	while (fine(c) && (id = number(c, 2)))
		skip(c, number(c, 4));
}

static void check_v6(struct cursor *c)
{
	uint64_t systems, cpus;

	expect(c, "header_page", 12);
	skip(c, number(c, 8));
	expect(c, "header_event", 13);
	skip(c, number(c, 8));
	for (uint64_t n = number(c, 4); n && fine(c); n--)
		skip(c, number(c, 8));
	for (systems = number(c, 4); systems && fine(c); systems--) {
		string(c);
		for (uint64_t n = number(c, 4); n && fine(c); n--)
			skip(c, number(c, 8));
	}
	skip(c, number(c, 4)); /* kallsyms */
	skip(c, number(c, 4)); /* printk */
	skip(c, number(c, 8)); /* names of threads */
	cpus = number(c, 4);
	if (!fine(c))
		return;
	if (c->size - c->at >= 10 && !memcmp(c->data + c->at, "options  ", 10)) {
		skip(c, 10);
		options_v6(c);
	}
	if (!fine(c) || (c->size - c->at >= 10 && !memcmp(c->data + c->at, "latency  ", 10)))
		return;
	expect(c, "flyrecord", 10);
	cpu_extents(c, cpus, false);
}

enum { OPT_DONE = 0, OPT_BUFFER = 3, OPT_FIRST_SECTION = 16, OPT_LAST_SECTION = 21 };

/* A section's header; leaves the cursor behind it */
static uint64_t section(struct cursor *c, uint64_t offset, bool *compressed)
{
	uint64_t size;

	extent(c, offset, 16);
	if (!fine(c))
		return 0;
	c->at = offset;
	number(c, 2);
	*compressed = number(c, 2) & 1;
	number(c, 4);
	size = number(c, 8);
	extent(c, c->at, size);
	return size;
}

static void option_v7(struct cursor *c, unsigned int id, uint64_t size)
{
	uint64_t end = c->at + size, offset;
	bool compressed;

	if (id == OPT_BUFFER) {
		offset = number(c, 8);
		string(c);
		string(c);
		number(c, 4);
		cpu_extents(c, number(c, 4), true);
		if (fine(c) && offset)
			section(c, offset, &compressed);
	} else if (id >= OPT_FIRST_SECTION && id <= OPT_LAST_SECTION && size == 8) {
		offset = number(c, 8);
		if (fine(c) && offset)
			section(c, offset, &compressed);
	}
	c->at = end;
}

static void check_v7(struct cursor *c)
{
	uint64_t offset, end;
	bool compressed;

	string(c);
	string(c);
	offset = number(c, 8);
	if (fine(c) && !offset)
		c->wrong = "the recording was not completed";

	/* The chain of option sections; a damaged one might be a ring. */
	for (int i = 0; offset && fine(c); i++) {
		if (i == MAX_SECTIONS) {
			c->wrong = "damaged list of options";
			return;
		}
		end = section(c, offset, &compressed);
		end += c->at;
		if (!fine(c) || compressed)
			return;
		for (offset = 0; c->at < end && fine(c);) {
			unsigned int id = number(c, 2);
			uint64_t size = number(c, 4);

			extent(c, c->at, size);
			if (!fine(c))
				return;
			if (id == OPT_DONE) {
				offset = size == 8 ? number(c, 8) : 0;
				break;
			}
			option_v7(c, id, size);
		}
	}
}

static void check(struct cursor *c)
{
	const char *version;

	if (c->size >= 8 && (!memcmp(c->data, "PERFILE2", 8) || !memcmp(c->data, "2ELIFREP", 8))) {
		c->wrong = "a perf.data file; use perf script -i FILE";
		return;
	}
	if (c->size < MAGIC_LEN || memcmp(c->data, MAGIC, MAGIC_LEN)) {
		c->wrong = "not a trace.dat file of panthor-trace record or trace-cmd record";
		return;
	}
	c->at = MAGIC_LEN;
	version = string(c);
	c->big = number(c, 1);
	number(c, 1);
	c->page = number(c, 4);
	if (fine(c) && (c->page < 512 || c->page > 1 << 20 || c->page & (c->page - 1)))
		c->wrong = "damaged header";
	if (!fine(c))
		return;
	if (!strcmp(version, "6"))
		check_v6(c);
	else if (!strcmp(version, "7"))
		check_v7(c);
	else
		c->wrong = "unknown file version; try trace-cmd convert";
}

/* Returns EXIT_OK, with the size of a page of the file in @page, or EXIT_FAILED, and says why. */
int source_check(const char *path, uint64_t *page)
{
	/* A FIFO would wait for a writer. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *name = source_name(path);
	struct cursor c = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		pt_error("cannot open %s: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return EXIT_FAILED;
	}
	if (!S_ISREG(st.st_mode)) {
		pt_error("%s: not a regular file", name);
		close(fd);
		return EXIT_FAILED;
	}

	c.size = st.st_size;
	if (c.size)
		c.data = mmap(NULL, c.size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (c.data == MAP_FAILED) {
		pt_error("cannot read %s: %s", name, strerror(errno));
		return EXIT_FAILED;
	}
	check(&c);
	if (c.size)
		munmap((void *)c.data, c.size);

	if (c.wrong)
		pt_error("%s: %s", name, c.wrong);
	else if (c.beyond)
		pt_error("%s: truncated after %llu bytes; the recording was interrupted, or the "
			 "disk was full",
			 name, (unsigned long long)c.size);
	*page = c.page;
	return fine(&c) ? EXIT_OK : EXIT_FAILED;
}
