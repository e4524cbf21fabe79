// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "parse.h"

/* The start of the next line, or the end of the text */
static const char *next_line(const char *at)
{
	const char *end = strchr(at, '\n');

	return end ? end + 1 : at + strlen(at);
}

/* The value after "KEY:" in the line at @at, without white space around it */
static bool value_of(const char *at, const char *key, const char **value, size_t *len)
{
	size_t key_len = strlen(key);

	if (strncmp(at, key, key_len) || at[key_len] != ':')
		return false;
	at += key_len + 1;
	at += strspn(at, " \t");
	*value = at;
	*len = strcspn(at, "\n");
	while (*len && strchr(" \t\r", at[*len - 1]))
		(*len)--;
	return true;
}

static bool find_value(const char *text, const char *key, const char **value, size_t *len)
{
	for (; *text; text = next_line(text))
		if (value_of(text, key, value, len))
			return true;
	return false;
}

static bool find_count(const char *text, const char *key, uint64_t *count)
{
	const char *value;
	size_t len;

	return find_value(text, key, &value, &len) && number_count(value, len, count);
}

/* "N", "N KiB", "N MiB" and /proc/meminfo's "N kB" */
static bool find_bytes(const char *text, const char *key, uint64_t *bytes)
{
	static const struct {
		const char *name;
		unsigned int shift;
	} units[] = { { "", 0 }, { "KiB", 10 }, { "kB", 10 }, { "MiB", 20 } };
	size_t len, word, gap;
	const char *value;
	uint64_t count;

	if (!find_value(text, key, &value, &len))
		return false;
	word = strspn(value, "0123456789");
	if (!number_count(value, word, &count))
		return false;
	gap = strspn(value + word, " \t");
	/* Blanks at the end of the line are not of the value */
	gap = word + gap > len ? len - word : gap;
	value += word + gap;
	len -= word + gap;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) != len || strncmp(value, units[i].name, len))
			continue;
		if (count > UINT64_MAX >> units[i].shift)
			return false;
		*bytes = count << units[i].shift;
		return true;
	}
	return false;
}

enum fdinfo_kind parse_fdinfo(const char *text, struct fdinfo *info)
{
	const char *value;
	size_t len;

	*info = (struct fdinfo){ 0 };
	if (!find_value(text, "drm-driver", &value, &len) || len != strlen("panthor") ||
	    strncmp(value, "panthor", len))
		return FDINFO_OTHER;
	if (!find_count(text, "drm-client-id", &info->id))
		return FDINFO_UNSUPPORTED;
	/* A platform device has none */
	if (find_value(text, "drm-pdev", &value, &len))
		snprintf(info->pdev, sizeof(info->pdev), "%.*s", (int)len, value);
	find_count(text, "ino", &info->ino);
	if (!find_bytes(text, "panthor-reclaimable-memory", &info->reclaimable) ||
	    !find_bytes(text, "panthor-evicted-memory", &info->evicted) ||
	    !find_bytes(text, "panthor-evicted-swap", &info->swap) ||
	    !find_bytes(text, "panthor-evicted-ram", &info->ram) ||
	    !find_count(text, "panthor-evictions", &info->evictions) ||
	    !find_count(text, "panthor-swapins", &info->swapins))
		return FDINFO_UNSUPPORTED;
	return FDINFO_CLIENT;
}

bool parse_meminfo(const char *text, const char *key, uint64_t *bytes)
{
	return find_bytes(text, key, bytes);
}

bool parse_psi(const char *text, uint64_t *some_us)
{
	for (; *text; text = next_line(text)) {
		const char *total;

		if (strncmp(text, "some ", 5))
			continue;
		total = strstr(text, " total=");
		if (!total || total > next_line(text))
			return false;
		total += strlen(" total=");
		return number_count(total, strcspn(total, "\n "), some_us);
	}
	return false;
}

bool parse_stat(const char *text, uint64_t *start)
{
	/* The name may have blanks and parentheses in it; the rest has not */
	const char *at = strrchr(text, ')');

	/* From the state, which is field 3, to field 22 */
	for (int field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return at && number_count(at, strcspn(at, "\n "), start);
}

bool parse_cgroup(const char *text, char *path, size_t size)
{
	for (; *text; text = next_line(text)) {
		size_t len;

		if (strncmp(text, "0::/", 4))
			continue;
		len = strcspn(text + 3, "\n");
		if (len >= size)
			return false;
		memcpy(path, text + 3, len);
		path[len] = '\0';
		return true;
	}
	return false;
}

bool parse_frozen(const char *text)
{
	for (; *text; text = next_line(text))
		if (!strncmp(text, "frozen 1\n", 9))
			return true;
	return false;
}

bool parse_mm_stat(const char *text, uint64_t *used)
{
	/* orig_data_size compr_data_size mem_used_total ... */
	for (int field = 0; field < 2; field++) {
		text += strspn(text, " ");
		text += strcspn(text, "\n ");
	}
	text += strspn(text, " ");
	return number_count(text, strcspn(text, "\n "), used);
}

bool parse_swap(const char **at, char *path, size_t size)
{
	while (**at) {
		const char *line = *at;
		size_t len = strcspn(line, " \t\n");

		*at = next_line(line);
		if (*line != '/' || len >= size)
			continue;
		memcpy(path, line, len);
		path[len] = '\0';
		return true;
	}
	return false;
}
