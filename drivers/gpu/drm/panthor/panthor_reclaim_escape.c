// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Names and labels come from user space. They are escaped before they are printed.
 */

#include <linux/ctype.h>
#include <linux/sprintf.h>
#include <linux/string.h>

#include "panthor_reclaim_internal.h"

/* Length of the character at @src in bytes, 0 if it must not be printed. */
static size_t panthor_reclaim_printable(const char *src, bool word)
{
	const u8 *s = (const u8 *)src;
	size_t more;

	if (s[0] < 0x80)
		return !iscntrl(s[0]) && s[0] != '"' && s[0] != '\\' && !(word && s[0] == ' ');

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
 * panthor_reclaim_escape() - Make a string safe to print
 * @dst: Filled with the escaped string.
 * @src: String.
 * @size: Size of @dst in bytes, at least 1.
 * @word: Escape spaces too, so that the result is one word.
 *
 * Control characters, quotes, backslashes and bytes that are not UTF-8 become
 * \\xNN. The result is truncated at the last character that fits.
 */
void panthor_reclaim_escape(char *dst, const char *src, size_t size, bool word)
{
	const char *end = dst + size - 1;

	while (*src) {
		size_t len;

		/* The fast path: this runs for each event. */
		if (isascii(*src) && isalnum(*src) && dst < end) {
			*dst++ = *src++;
			continue;
		}

		len = panthor_reclaim_printable(src, word);
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
}
