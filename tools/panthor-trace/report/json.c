// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "report/json.h"

/*
 * What is printed is valid UTF-8 without control characters: pt_clean() has
 * seen to it. A "<" could end the script element of a page.
 */
void json_string(FILE *f, const char *s)
{
	putc_unlocked('"', f);
	while (*s) {
		size_t n = strcspn(s, "\"\\<");

		fwrite_unlocked(s, 1, n, f);
		s += n;
		if (*s == '<') {
			fputs_unlocked("\\u003c", f);
			s++;
		} else if (*s) {
			putc_unlocked('\\', f);
			putc_unlocked(*s++, f);
		}
	}
	putc_unlocked('"', f);
}

/*
 * JSON integers end at 2^63 in most readers: what is beyond becomes a string
 * rather than another number.
 */
void json_cell(FILE *f, const struct cell *cell, enum unit unit)
{
	char buf[PT_NUM_LEN];

	if (!cell->known)
		fputs_unlocked("null", f);
	else if (unit == UNIT_TEXT || unit == UNIT_HEX ||
		 (unit != UNIT_SIGNED && unit != UNIT_PERMILLE && cell->u > INT64_MAX))
		json_string(f, cell_plain(cell, unit, buf));
	else
		fputs_unlocked(cell_plain(cell, unit, buf), f);
}

/* In as few pieces as possible: an export consists of these. */
static void member(FILE *f, const struct column *c, const struct cell *cell, bool first)
{
	char piece[128], buf[PT_NUM_LEN], *at = piece;

	*at++ = ',';
	*at++ = '"';
	at = stpcpy(at, c->name);
	*at++ = '"';
	*at++ = ':';
	if (cell->known && c->unit != UNIT_TEXT && c->unit != UNIT_HEX && cell->u <= INT64_MAX) {
		at = stpcpy(at, cell_plain(cell, c->unit, buf));
		fwrite_unlocked(piece + first, 1, at - piece - first, f);
		return;
	}
	fwrite_unlocked(piece + first, 1, at - piece - first, f);
	json_cell(f, cell, c->unit);
}

void json_members(FILE *f, const struct table *t, const struct cell *row, const struct print *print)
{
	for (size_t i = 0; print->all_columns && i < t->nr_columns; i++)
		member(f, &t->columns[i], &row[i], !i);
	for (int i = 0; !print->all_columns && t->shown[i] >= 0; i++)
		member(f, &t->columns[t->shown[i]], &row[t->shown[i]], !i);
}

void json_known(FILE *f, const struct table *t, const struct cell *row)
{
	bool first = true;

	for (size_t i = 0; i < t->nr_columns; i++) {
		if (!row[i].known)
			continue;
		member(f, &t->columns[i], &row[i], first);
		first = false;
	}
}

static void text_member(FILE *f, const char *name, const char *value, const char *space)
{
	char clean[4096];

	pt_clean(clean, sizeof(clean), value, strlen(value));
	fprintf(f, "\"%s\":%s", name, *space ? " " : "");
	json_string(f, clean);
}

void json_head(FILE *f, const struct doc *doc, const char *space)
{
	text_member(f, "schema", "panthor-trace", space);
	fprintf(f, ",%s\"version\":%s%d,%s", space, *space ? " " : "", DOC_VERSION, space);
	text_member(f, "kind", doc->kind, space);
	fprintf(f, ",%s", space);
	text_member(f, "file", doc->file, space);
}

void json_tail(FILE *f, const struct doc *doc, const char *space)
{
	const char *colon = *space ? ": " : ":", *comma = *space ? ", " : ",";

	fprintf(f, "\"trace\"%s{", colon);
	for (size_t i = 0; i < doc->nr_facts; i++)
		fprintf(f, "%s\"%s\"%s%llu", i ? comma : "", doc->fact[i].name, colon,
			(unsigned long long)doc->fact[i].value);
	if (doc->clock) {
		fputs(doc->nr_facts ? comma : "", f);
		text_member(f, "clock", doc->clock, space);
	}
	fprintf(f, "},%s\"problems\"%s[", space, colon);
	for (size_t i = 0; i < doc->nr_problems; i++) {
		char clean[4096];

		pt_clean(clean, sizeof(clean), doc->problems[i], strlen(doc->problems[i]));
		fputs(i ? comma : "", f);
		json_string(f, clean);
	}
	fputc(']', f);
}
