// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

#define MAX_BOS 65536

int parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *value < min || *value > max)
		return -EINVAL;
	return 0;
}

static int parse_size(const char *text, const char **end, uint64_t *size)
{
	char *suffix;
	unsigned int shift = 0;

	errno = 0;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	*size = strtoull(text, &suffix, 10);
	if (*suffix && strchr("KMG", *suffix))
		shift = *suffix == 'K' ? 10 : *suffix == 'M' ? 20 : 30, suffix++;
	*end = suffix;
	if (errno || !*size || *size > UINT64_MAX >> 20 >> shift)
		return -EINVAL;
	*size <<= shift;
	return 0;
}

static int parse_kind(const char *text, size_t len, enum bo_kind *kind)
{
	for (int i = 0; i < BO_KINDS; i++)
		if (strlen(bo_kind_names[i]) == len && !strncmp(text, bo_kind_names[i], len)) {
			*kind = i;
			return 0;
		}
	return -EINVAL;
}

int parse_spec(const char *text, struct bo_spec *spec)
{
	char *end;
	size_t len;

	*spec = (struct bo_spec){};
	errno = 0;
	spec->count = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || !spec->count || spec->count > MAX_BOS ||
	    *end != 'x')
		return -EINVAL;
	if (parse_size(end + 1, &text, &spec->size))
		return -EINVAL;
	if (!*text)
		return 0;
	if (*text++ != ':')
		return -EINVAL;

	len = strcspn(text, ":");
	if (parse_kind(text, len, &spec->kind))
		return -EINVAL;
	if (text[len])
		spec->label = text + len + 1;
	return 0;
}

int parse_how(const char *text, bool check, enum client_how *how)
{
	if (!strcmp(text, "cpu"))
		*how = CLIENT_CPU;
	else if (!strcmp(text, "gpu"))
		*how = CLIENT_GPU;
	else if (check && !strcmp(text, "check"))
		*how = CLIENT_CHECK;
	else
		return -EINVAL;
	return 0;
}
