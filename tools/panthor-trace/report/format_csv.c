// SPDX-License-Identifier: GPL-2.0
/*
 * Comma-separated values (RFC 4180) with a head line: exactly one table, the
 * last of the document.
 */
#include <string.h>

#include "report/sink.h"

/*
 * A spreadsheet takes text that starts like a formula for one. An apostrophe
 * in front makes it text; text that has one itself gets one more, so that a
 * reader who removes it has the original text.
 */
static void put_text(FILE *f, const char *s)
{
	putc_unlocked('"', f);
	if (*s && strchr("=+-@'", *s))
		putc_unlocked('\'', f);
	for (; *s; s++) {
		if (*s == '"')
			putc_unlocked('"', f);
		putc_unlocked(*s, f);
	}
	putc_unlocked('"', f);
}

static int column(const struct sink *s, const struct part *p, size_t i)
{
	if (!s->print.all_columns)
		return p->table->shown[i];
	return i < p->table->nr_columns ? (int)i : -1;
}

static void head(struct sink *s, struct part *p)
{
	int c;

	for (size_t i = 0; (c = column(s, p, i)) >= 0; i++)
		fprintf(s->f, "%s%s", i ? "," : "", p->table->columns[c].name);
	fputc('\n', s->f);
}

static void row(struct sink *s, struct part *p, const struct cell *cells)
{
	char buf[PT_NUM_LEN];
	int c;

	for (size_t i = 0; (c = column(s, p, i)) >= 0; i++) {
		if (i)
			putc_unlocked(',', p->f);
		if (p->table->columns[c].unit == UNIT_TEXT && cells[c].known)
			put_text(p->f, cells[c].s);
		else
			fputs_unlocked(cell_plain(&cells[c], p->table->columns[c].unit, buf), p->f);
	}
	putc_unlocked('\n', p->f);
}

const struct format format_csv = {
	.name = "csv",
	.mixed = true,
	.last_only = true,
	.head = head,
	.row = row,
};
