// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "number.h"

struct unit {
	const char *name;
	uint64_t scale;
};

static const struct unit byte_units[] = {
	{ "", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 }, { "G", 1ULL << 30 }, { NULL, 0 },
};

static const struct unit time_units[] = {
	{ "ms", NSEC_PER_MSEC },      { "s", NSEC_PER_SEC }, { "min", 60 * NSEC_PER_SEC },
	{ "h", 3600 * NSEC_PER_SEC }, { NULL, 0 },
};

static size_t digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

bool number_count(const char *text, size_t len, uint64_t *value)
{
	uint64_t sum = 0;

	if (!len || digits(text, len) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned int digit = text[i] - '0';

		if (sum > (UINT64_MAX - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*value = sum;
	return true;
}

bool number_signed(const char *text, size_t len, int64_t *value)
{
	bool minus = len && *text == '-';
	uint64_t size;

	if (!number_count(text + minus, len - minus, &size) || size > INT64_MAX)
		return false;
	*value = minus ? -(int64_t)size : (int64_t)size;
	return true;
}

static bool with_unit(const char *text, size_t len, const struct unit *unit, uint64_t *value)
{
	size_t n = digits(text, len);
	uint64_t count;

	if (!number_count(text, n, &count))
		return false;
	for (; unit->name; unit++) {
		if (strlen(unit->name) != len - n || strncmp(unit->name, text + n, len - n))
			continue;
		if (count > UINT64_MAX / unit->scale)
			return false;
		*value = count * unit->scale;
		return true;
	}
	return false;
}

bool number_bytes(const char *text, size_t len, uint64_t *bytes)
{
	return with_unit(text, len, byte_units, bytes);
}

bool number_time(const char *text, size_t len, uint64_t *ns)
{
	return with_unit(text, len, time_units, ns);
}
