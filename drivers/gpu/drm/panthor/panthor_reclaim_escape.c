// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Names and labels come from user space. They are escaped before they are printed.
 */

#include <linux/bits.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/types.h>

#include "panthor_reclaim_internal.h"

/* Where a character may stand for itself. */
#define PANTHOR_RECLAIM_IN_LABEL	BIT(0)
#define PANTHOR_RECLAIM_IN_WORD		BIT(1)

#define PANTHOR_RECLAIM_PLAIN	(PANTHOR_RECLAIM_IN_LABEL | PANTHOR_RECLAIM_IN_WORD)

/* All ASCII characters but controls, quotes and backslashes. */
static const u8 panthor_reclaim_plain[256] = {
	[' '] = PANTHOR_RECLAIM_IN_LABEL,
	['!'] = PANTHOR_RECLAIM_PLAIN,
	['#' ... '['] = PANTHOR_RECLAIM_PLAIN,
	[']' ... '~'] = PANTHOR_RECLAIM_PLAIN,
};

/* Length of the character at @src in bytes if it is valid UTF-8 and no control, or 0. */
static size_t panthor_reclaim_utf8(const char *src)
{
	const u8 *s = (const u8 *)src;
	size_t more;

	/* U+0080 to U+009F are control characters. */
	if (s[0] < 0xc2 || (s[0] == 0xc2 && s[1] < 0xa0) || s[0] > 0xf4)
		return 0;

	more = s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	for (size_t i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}

	return 1 + more;
}

/**
 * panthor_reclaim_plain_len() - How much of a label needs no escape
 * @src: Label.
 * @max: Bytes to look at, at most.
 *
 * Return: Length of its first part that only has plain ASCII characters, in bytes.
 */
size_t panthor_reclaim_plain_len(const char *src, size_t max)
{
	size_t len = 0;

	while (len < max && panthor_reclaim_plain[(u8)src[len]] & PANTHOR_RECLAIM_IN_LABEL)
		len++;

	return len;
}

/**
 * panthor_reclaim_escape() - Make a string safe to print
 * @dst: Filled with the escaped string.
 * @src: String.
 * @size: Size of @dst in bytes, at least 1.
 * @word: Escape spaces too, so that the result is one word.
 *
 * Control characters, quotes, backslashes and bytes that are not UTF-8 become
 * \\xNN. The result is truncated at the last character that fits.
 *
 * Return: Length of the result in bytes.
 */
size_t panthor_reclaim_escape(char *dst, const char *src, size_t size, bool word)
{
	u8 plain = word ? PANTHOR_RECLAIM_IN_WORD : PANTHOR_RECLAIM_IN_LABEL;
	const char *end = dst + size - 1;
	const char *start = dst;

	while (*src) {
		size_t len;

		if (panthor_reclaim_plain[(u8)*src] & plain && dst < end) {
			*dst++ = *src++;
			continue;
		}

		len = panthor_reclaim_utf8(src);
		if (end - dst < (len ? len : 4))
			break;

		if (len) {
			memcpy(dst, src, len);
			dst += len;
			src += len;
		} else {
			dst += sprintf(dst, "\\x%02x", (u8)*src++);
		}
	}
	*dst = '\0';

	return dst - start;
}
