// SPDX-License-Identifier: GPL-2.0 OR MIT

/*
 * Names and labels come from user space. What is printed of them is escaped here.
 */

#include <linux/ctype.h>
#include <linux/sprintf.h>
#include <linux/string.h>

#include "panthor_reclaim_internal.h"

/* Bytes of the character at @src if that may be printed, else 0. */
static size_t panthor_reclaim_printable(const char *src, bool word)
{
	const u8 *s = (const u8 *)src;
	size_t more;

	if (s[0] < 0x80)
		return !iscntrl(s[0]) && s[0] != '"' && s[0] != '\\' && !(word && s[0] == ' ');

	/* U+0080 to U+009F are control characters, too. */
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
 * panthor_reclaim_escape() - Make a name safe to print
 * @dst: Where it goes.
 * @src: Name.
 * @size: Room in @dst, at least 1.
 * @word: Escape blanks too, so that it stays one word.
 *
 * Control characters, quotes, backslashes and bytes that are not UTF-8 become
 * \\xNN. Cut at the last character that fits.
 */
void panthor_reclaim_escape(char *dst, const char *src, size_t size, bool word)
{
	const char *end = dst + size - 1;

	while (*src) {
		size_t len;

		/* Most are letters and digits, and this is done for each event. */
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
