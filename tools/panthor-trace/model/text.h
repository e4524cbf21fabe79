/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Text for people: a growing string, numbers with units, names that cannot harm a terminal.
 */
#ifndef PANTHOR_TRACE_TEXT_H
#define PANTHOR_TRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct pt_text - a string that grows
 * @s: the text, terminated; NULL as long as nothing was added
 * @len: its length
 * @size: what is allocated
 * @failed: memory ran out, the text is cut
 */
struct pt_text {
	char *s;
	size_t len;
	size_t size;
	bool failed;
};

/**
 * struct pt_units - how numbers are written
 * @bytes: plain bytes instead of KiB, MiB, …
 * @ns: plain nanoseconds instead of us, ms, s
 */
struct pt_units {
	bool bytes;
	bool ns;
};

void pt_add(struct pt_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pt_add_bytes(struct pt_text *t, uint64_t bytes, const struct pt_units *units);
void pt_add_ns(struct pt_text *t, uint64_t ns, const struct pt_units *units);
void pt_text_reset(struct pt_text *t);
void pt_text_free(struct pt_text *t);

#define PT_NUM_LEN 32

/* In decimal: what printf() does, where that would be most of the time */
const char *pt_decimal(char buf[PT_NUM_LEN], uint64_t value);
const char *pt_bytes(char buf[PT_NUM_LEN], uint64_t bytes, bool exact);
const char *pt_ns(char buf[PT_NUM_LEN], uint64_t ns, bool exact);
size_t pt_clean(char *dst, size_t size, const char *s, size_t len);
const char *pt_errno(int64_t result, char buf[PT_NUM_LEN]);

#endif
