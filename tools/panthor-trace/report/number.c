// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "report/number.h"

struct suffix {
	const char *name;
	uint64_t factor;
};

/* Digits up to the first that is none; false: none at all, or too many */
static bool digits(const char **text, const char *end, unsigned int base, uint64_t *value)
{
	const char *p = *text;

	for (*value = 0; p < end; p++) {
		int c = tolower((unsigned char)*p);
		unsigned int digit = isdigit(c)		    ? c - '0'
				     : c >= 'a' && c <= 'f' ? c - 'a' + 10
							    : 16;

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit, value))
			return false;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

bool parse_count(const char *text, size_t len, uint64_t *value)
{
	const char *end = text + len;
	bool hex = len > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';

	text += hex ? 2 : 0;
	return digits(&text, end, hex ? 16 : 10, value) && text == end;
}

bool parse_signed(const char *text, size_t len, int64_t *value)
{
	bool minus = len && *text == '-';
	uint64_t u;

	if (!parse_count(text + minus, len - minus, &u) || u > INT64_MAX)
		return false;
	*value = minus ? -(int64_t)u : (int64_t)u;
	return true;
}

/* A decimal with one of @suffixes, which end with a NULL; the result has to be whole. */
static bool scaled(const char *text, size_t len, const struct suffix *suffixes, uint64_t *value)
{
	unsigned __int128 whole, part;
	const char *end = text + len;
	uint64_t fraction = 0, unit = 1, n;

	if (!digits(&text, end, 10, &n))
		return false;
	if (text < end && *text == '.') {
		const char *from = ++text;

		/* Zeros at the end say nothing, and there is room for 18 digits. */
		if (!digits(&text, end, 10, &fraction) || text - from > 18)
			return false;
		for (; from < text; from++)
			unit *= 10;
	}
	while (text < end && *text == ' ')
		text++;
	for (; suffixes->name; suffixes++)
		if (strlen(suffixes->name) == (size_t)(end - text) &&
		    !strncasecmp(suffixes->name, text, end - text))
			break;
	if (!suffixes->name)
		return false;
	whole = (unsigned __int128)n * suffixes->factor;
	part = (unsigned __int128)fraction * suffixes->factor;
	if (part % unit || whole + part / unit > UINT64_MAX)
		return false;
	*value = whole + part / unit;
	return true;
}

bool parse_bytes(const char *text, size_t len, uint64_t *bytes)
{
	static const struct suffix suffixes[] = {
		{ "", 1 },	     { "B", 1 },
		{ "K", 1 << 10 },    { "KiB", 1 << 10 },
		{ "M", 1 << 20 },    { "MiB", 1 << 20 },
		{ "G", 1 << 30 },    { "GiB", 1 << 30 },
		{ "T", 1ULL << 40 }, { "TiB", 1ULL << 40 },
		{ NULL, 0 },
	};

	return scaled(text, len, suffixes, bytes);
}

bool parse_ns(const char *text, size_t len, uint64_t *ns)
{
	static const struct suffix suffixes[] = {
		{ "", 1 },	   { "ns", 1 },		{ "us", 1000 },
		{ "ms", 1000000 }, { "s", NS_PER_SEC }, { NULL, 0 },
	};

	return scaled(text, len, suffixes, ns);
}

bool parse_seconds(const char *text, size_t len, uint64_t *ns)
{
	static const struct suffix suffixes[] = {
		{ "", NS_PER_SEC },
		{ "s", NS_PER_SEC },
		{ NULL, 0 },
	};

	return scaled(text, len, suffixes, ns);
}

bool parse_percent(const char *text, size_t len, uint64_t *permille)
{
	static const struct suffix suffixes[] = { { "", 10 }, { "%", 10 }, { NULL, 0 } };

	return scaled(text, len, suffixes, permille);
}
