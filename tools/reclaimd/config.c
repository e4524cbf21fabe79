// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "number.h"

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define HOUR (3600 * NSEC_PER_SEC)

enum kind {
	KIND_PATH,
	KIND_BYTES,
	KIND_BUDGET,
	KIND_TIME,
	KIND_ADJ,
	KIND_NAME,
};

#define SIZE "a size such as 4096, 64K, 16M or 1G"
#define SIZE_4K "a size of at least 4K, such as 4096, 64K, 16M or 1G"
#define DAY "a time of at most 24h, such as 500ms, 10s or 5min"

#define FIELD(name) offsetof(struct config, name)

/* In the order of the man page. @expected: what the error message for an invalid number expects */
static const struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t min, max;
	const char *expected;
} keys[] = {
	{ "pressure", KIND_PATH, FIELD(pressure), 1, 0, NULL },
	{ "stall", KIND_TIME, FIELD(stall_ns), NSEC_PER_MSEC, 10 * NSEC_PER_SEC,
	  "a time from 1ms to 10s" },
	{ "window", KIND_TIME, FIELD(window_ns), 500 * NSEC_PER_MSEC, 10 * NSEC_PER_SEC,
	  "a time from 500ms to 10s" },
	{ "available", KIND_BYTES, FIELD(available), 0, UINT64_MAX, SIZE },
	{ "min-per-trigger", KIND_BYTES, FIELD(min_per_trigger), 4 * KIB, UINT64_MAX, SIZE_4K },
	{ "max-per-trigger", KIND_BYTES, FIELD(max_per_trigger), 4 * KIB, UINT64_MAX, SIZE_4K },
	{ "min-reclaimable", KIND_BYTES, FIELD(min_reclaimable), 0, UINT64_MAX, SIZE },
	{ "oom-score-adj", KIND_ADJ, FIELD(min_adj), 0, 0, NULL },
	{ "keep", KIND_NAME, FIELD(kept), 0, 0, NULL },
	{ "premature", KIND_TIME, FIELD(premature_ns), 0, 24 * HOUR, DAY },
	{ "premature-backoff", KIND_TIME, FIELD(premature_backoff_ns), 0, 24 * HOUR, DAY },
	{ "backoff", KIND_TIME, FIELD(backoff_ns), 0, 24 * HOUR, DAY },
	{ "budget", KIND_BUDGET, FIELD(budget), 0, UINT64_MAX, NULL },
	{ "metrics", KIND_PATH, FIELD(metrics), 0, 0, NULL },
	{ "state", KIND_PATH, FIELD(state), 0, 0, NULL },
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

struct parser {
	struct config *config;
	config_report *report;
	void *arg;
	unsigned int line;
	unsigned int errors;
	/* Where each key was given, 0: nowhere */
	unsigned int given[NR_KEYS];
};

void config_init(struct config *config)
{
	*config = (struct config){
		.pressure = "/proc/pressure/memory",
		.stall_ns = 100 * NSEC_PER_MSEC,
		.window_ns = NSEC_PER_SEC,
		.available = 64 * MIB,
		.min_per_trigger = 4 * MIB,
		.max_per_trigger = 64 * MIB,
		.min_reclaimable = MIB,
		.min_adj = 0,
		.premature_ns = 10 * NSEC_PER_SEC,
		.premature_backoff_ns = 60 * NSEC_PER_SEC,
		.backoff_ns = 10 * NSEC_PER_SEC,
		.budget = UINT64_MAX,
	};
}

static void __attribute__((format(printf, 3, 4)))
complain(struct parser *parser, unsigned int line, const char *format, ...)
{
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	parser->errors++;
	parser->report(parser->arg, line, message);
}

/* A printable copy, for messages */
static const char *shown(const char *text, size_t len, char *to, size_t size)
{
	size_t n = 0;

	while (n < len && n < size - 1) {
		to[n] = isprint((unsigned char)text[n]) ? text[n] : '?';
		n++;
	}
	to[n] = '\0';
	return to;
}

static bool copy_text(char *to, size_t size, const char *text, size_t len)
{
	if (len >= size || memchr(text, '\0', len))
		return false;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static bool in_range(const struct key *key, uint64_t value)
{
	return value >= key->min && value <= key->max;
}

/* What is wrong with the value, or NULL */
static const char *set(struct config *config, const struct key *key, const char *text, size_t len)
{
	void *field = (char *)config + key->offset;
	uint64_t value = 0;
	int64_t adj;

	switch (key->kind) {
	case KIND_PATH:
		if (!len && !key->min)
			return *(char *)field = '\0', NULL;
		if (!len || *text != '/' || !copy_text(field, CONFIG_PATH, text, len))
			return "an absolute path of at most 255 characters";
		return NULL;
	case KIND_BYTES:
		if (!number_bytes(text, len, &value) || !in_range(key, value))
			return key->expected;
		*(uint64_t *)field = value;
		return NULL;
	case KIND_BUDGET:
		if (len == strlen("unlimited") && !strncmp(text, "unlimited", len))
			value = UINT64_MAX;
		else if (!number_bytes(text, len, &value))
			return "a size such as 64K, 512M or 2G, or unlimited";
		*(uint64_t *)field = value;
		return NULL;
	case KIND_TIME:
		if (!number_time(text, len, &value) || !in_range(key, value))
			return key->expected;
		*(uint64_t *)field = value;
		return NULL;
	case KIND_ADJ:
		if (!number_signed(text, len, &adj) || adj < -1000 || adj > 1000)
			return "a number from -1000 to 1000";
		*(int64_t *)field = adj;
		return NULL;
	case KIND_NAME:
		if (config->nr_kept == CONFIG_KEPT)
			return "at most 32 names";
		if (!len || !copy_text(config->kept[config->nr_kept], COMM_LEN, text, len))
			return "a process name of at most 15 characters";
		config->nr_kept++;
		return NULL;
	}
	return "another value";
}

static const struct key *find_key(const char *text, size_t len)
{
	for (size_t i = 0; i < NR_KEYS; i++)
		if (strlen(keys[i].name) == len && !strncmp(keys[i].name, text, len))
			return &keys[i];
	return NULL;
}

static void trim(const char **text, size_t *len)
{
	while (*len && isspace((unsigned char)**text))
		(*text)++, (*len)--;
	while (*len && isspace((unsigned char)(*text)[*len - 1]))
		(*len)--;
}

static void parse_line(struct parser *parser, const char *text, size_t len)
{
	const char *equals, *value, *wrong;
	size_t key_len, value_len;
	const struct key *key;
	unsigned int *given;
	char word[64];

	trim(&text, &len);
	if (!len || *text == '#')
		return;
	equals = memchr(text, '=', len);
	if (!equals) {
		complain(parser, parser->line, "expected \"key = value\", not \"%s\"",
			 shown(text, len, word, sizeof(word)));
		return;
	}
	key_len = equals - text;
	value = equals + 1;
	value_len = len - key_len - 1;
	trim(&text, &key_len);
	trim(&value, &value_len);

	key = find_key(text, key_len);
	if (!key) {
		complain(parser, parser->line, "unknown key \"%s\"",
			 shown(text, key_len, word, sizeof(word)));
		return;
	}
	given = &parser->given[key - keys];
	if (*given && key->kind != KIND_NAME) {
		complain(parser, parser->line, "%s is already set in line %u", key->name, *given);
		return;
	}
	*given = parser->line;
	wrong = set(parser->config, key, value, value_len);
	if (wrong)
		complain(parser, parser->line, "%s: expected %s, not \"%s\"", key->name, wrong,
			 shown(value, value_len, word, sizeof(word)));
}

/* The line to report when two settings contradict each other: the later one */
static unsigned int later(const struct parser *parser, const char *one, const char *other)
{
	unsigned int a = parser->given[find_key(one, strlen(one)) - keys];
	unsigned int b = parser->given[find_key(other, strlen(other)) - keys];

	return a > b ? a : b;
}

static void check_together(struct parser *parser)
{
	const struct config *config = parser->config;

	if (config->stall_ns > config->window_ns)
		complain(parser, later(parser, "stall", "window"),
			 "stall must not be longer than window");
	if (config->min_per_trigger > config->max_per_trigger)
		complain(parser, later(parser, "min-per-trigger", "max-per-trigger"),
			 "min-per-trigger must not be larger than max-per-trigger");
	if (*config->metrics && !strcmp(config->metrics, config->state))
		complain(parser, later(parser, "metrics", "state"),
			 "metrics and state must be different files");
}

unsigned int config_parse(struct config *config, const char *text, size_t len,
			  config_report *report, void *arg)
{
	struct parser parser = { .config = config, .report = report, .arg = arg };
	const char *end = text + len;

	while (text < end) {
		const char *line_end = memchr(text, '\n', end - text);

		if (!line_end)
			line_end = end;
		parser.line++;
		parse_line(&parser, text, line_end - text);
		text = line_end + 1;
	}
	if (!parser.errors)
		check_together(&parser);
	return parser.errors;
}

bool config_keeps(const struct config *config, const char *comm)
{
	for (unsigned int i = 0; i < config->nr_kept; i++)
		if (!strcmp(config->kept[i], comm))
			return true;
	return false;
}
