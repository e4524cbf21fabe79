// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "cmd/cli.h"
#include "report/number.h"
#include "model/text.h"

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

uint64_t want_number(const char *option, const char *arg, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (parse_count(arg, strlen(arg), &value) && value >= min && value <= max)
		return value;
	if (max == UINT64_MAX)
		usage_error("%s wants a number from %llu, not \"%s\"", option,
			    (unsigned long long)min, arg);
	usage_error("%s wants a number from %llu to %llu, not \"%s\"", option,
		    (unsigned long long)min, (unsigned long long)max, arg);
}

uint64_t want_time(const char *option, const char *arg, uint64_t min_ns, uint64_t max_ns)
{
	char from[PT_NUM_LEN], to[PT_NUM_LEN];
	uint64_t ns;

	if ((parse_seconds(arg, strlen(arg), &ns) ||
	     (!isdigit((unsigned char)arg[*arg ? strlen(arg) - 1 : 0]) &&
	      parse_ns(arg, strlen(arg), &ns))) &&
	    ns >= min_ns && ns <= max_ns)
		return ns;
	usage_error("%s wants a time from %s to %s, like 2 (seconds) or 500ms, not \"%s\"", option,
		    min_ns ? pt_ns(from, min_ns, false) : "0", pt_ns(to, max_ns, false), arg);
}

int64_t want_pid(const char *option, const char *arg)
{
	uint64_t value;

	if (parse_count(arg, strlen(arg), &value) && value && value <= INT_MAX)
		return value;
	usage_error("%s wants a process id, not \"%s\"", option, arg);
}
