// SPDX-License-Identifier: LGPL-2.1
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/text.h"

static bool grow(struct pt_text *t, size_t more)
{
	size_t size = t->size ? t->size : 256;
	char *s;

	while (size - t->len <= more)
		size *= 2;
	if (size == t->size)
		return true;

	s = realloc(t->s, size);
	if (!s) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->size = size;
	return true;
}

void pt_add(struct pt_text *t, const char *fmt, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (!grow(t, 1))
		return;

	room = t->size - t->len;
	va_start(ap, fmt);
	n = vsnprintf(t->s + t->len, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= room) {
		if (!grow(t, n)) {
			t->s[t->len] = '\0';
			return;
		}
		va_start(ap, fmt);
		vsnprintf(t->s + t->len, t->size - t->len, fmt, ap);
		va_end(ap);
	}
	t->len += n;
}

void pt_text_reset(struct pt_text *t)
{
	t->len = 0;
	if (t->s)
		t->s[0] = '\0';
}

void pt_text_free(struct pt_text *t)
{
	free(t->s);
	memset(t, 0, sizeof(*t));
}

/*
 * Three digits that matter: 1.23, 12.3, 123. Rounding must not turn 999.6 into
 * 1000 or 9.996 into 10.00.
 */
static const char *scaled(char buf[PT_NUM_LEN], double v, const char *unit)
{
	int digits = v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;

	snprintf(buf, PT_NUM_LEN, "%.*f %s", digits, v, unit);
	return buf;
}

const char *pt_decimal(char buf[PT_NUM_LEN], uint64_t value)
{
	char *s = &buf[PT_NUM_LEN - 1];

	*s = '\0';
	do {
		s--;
		*s = '0' + value % 10;
		value /= 10;
	} while (value);
	return s;
}

const char *pt_bytes(char buf[PT_NUM_LEN], uint64_t bytes, bool exact)
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = bytes / 1024.0;
	size_t i = 0;

	if (exact) {
		snprintf(buf, PT_NUM_LEN, "%llu", (unsigned long long)bytes);
		return buf;
	}
	if (bytes < 1024) {
		snprintf(buf, PT_NUM_LEN, "%llu B", (unsigned long long)bytes);
		return buf;
	}
	while (v >= 1023.5 && i < sizeof(unit) / sizeof(unit[0]) - 1) {
		v /= 1024;
		i++;
	}
	/* 64 KiB reads better than 64.0 KiB */
	if (v == (uint64_t)v && v < 1000) {
		snprintf(buf, PT_NUM_LEN, "%.0f %s", v, unit[i]);
		return buf;
	}
	return scaled(buf, v, unit[i]);
}

const char *pt_ns(char buf[PT_NUM_LEN], uint64_t ns, bool exact)
{
	if (exact || ns < 1000) {
		snprintf(buf, PT_NUM_LEN, "%llu%s", (unsigned long long)ns,
			 exact ? ""
			 : ns  ? " ns"
			       : "");
		return buf;
	}
	if (ns < 999500)
		return scaled(buf, ns / 1e3, "us");
	if (ns < 999500000)
		return scaled(buf, ns / 1e6, "ms");
	return scaled(buf, ns / 1e9, "s");
}

void pt_add_bytes(struct pt_text *t, uint64_t bytes, const struct pt_units *units)
{
	char buf[PT_NUM_LEN];

	pt_add(t, "%s%s", pt_bytes(buf, bytes, units->bytes), units->bytes ? " bytes" : "");
}

void pt_add_ns(struct pt_text *t, uint64_t ns, const struct pt_units *units)
{
	char buf[PT_NUM_LEN];

	pt_add(t, "%s%s", pt_ns(buf, ns, units->ns), units->ns ? " ns" : "");
}

/* Invisible, or changes the text direction: two names could look the same. */
static bool invisible(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{ 0x80, 0x9f }, /* C1 controls */
		{ 0xad, 0xad },	      { 0x34f, 0x34f },	     { 0x61c, 0x61c },
		{ 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },    { 0x180b, 0x180f },
		{ 0x200b, 0x200f },   { 0x2028, 0x202e },    { 0x2060, 0x206f },
		{ 0x2800, 0x2800 },   { 0x3164, 0x3164 },    { 0xe000, 0xf8ff }, /* private use */
		{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },    { 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfffc },   { 0xfffe, 0xffff },    { 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* Length of the printable UTF-8 character at @s, 0 if there is none. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	size_t n, i;
	uint32_t c;

	if (s[0] < 0x80)
		return s[0] >= ' ' && s[0] != 0x7f;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > len)
		return 0;

	c = s[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* overlong, surrogates, beyond Unicode */
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || (c >= 0xd800 && c < 0xe000) ||
	    c > 0x10ffff)
		return 0;
	return invisible(c) ? 0 : n;
}

/**
 * pt_clean - make text safe to print anywhere
 * @dst: gets valid UTF-8 without control characters, terminated
 * @size: room in @dst; 4 * @len + 1 is always enough
 * @s: the text
 * @len: its length
 *
 * Other bytes become \xNN, as the kernel writes them in labels.
 *
 * Return: length of @dst.
 */
size_t pt_clean(char *dst, size_t size, const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t out = 0, i = 0;

	while (i < len) {
		size_t n = utf8_len(u + i, len - i);

		if (out + (n ? n : 4) >= size)
			break;
		if (n) {
			memcpy(dst + out, u + i, n);
			out += n;
			i += n;
		} else {
			snprintf(dst + out, size - out, "\\x%02X", u[i]);
			out += 4;
			i++;
		}
	}
	dst[out] = '\0';
	return out;
}

/* The result of a request: "ok", "EINTR" */
const char *pt_errno(int64_t result, char buf[PT_NUM_LEN])
{
	const char *name;

	if (!result)
		return "ok";
	/* Kernel-internal, not in libc */
	if (result == -512)
		return "ERESTARTSYS";
	name = result < 0 && result > -4096 ? strerrorname_np(-result) : NULL;
	if (name)
		return name;
	snprintf(buf, PT_NUM_LEN, "%lld", (long long)result);
	return buf;
}
