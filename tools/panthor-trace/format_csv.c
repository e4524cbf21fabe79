// SPDX-License-Identifier: GPL-2.0
/*
 * Comma-separated values (RFC 4180) with a head line: exactly one table, the
 * last of the document.
 */
#include "table.h"

static void put_text(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void put_cell(FILE *f, const struct cell *cell, enum unit unit)
{
	char buf[PT_NUM_LEN];

	if (unit == UNIT_TEXT && cell->known)
		put_text(f, cell->s);
	else
		fputs(cell_plain(cell, unit, buf), f);
}

static int print_doc(FILE *f, const struct doc *doc, const struct print *print)
{
	const struct table *t;
	size_t n = 0;

	if (!doc->nr_tables)
		return 0;
	t = doc->table[doc->nr_tables - 1];
	if (print->all_columns)
		n = t->nr_columns;
	else
		while (t->shown[n] >= 0)
			n++;

	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? "," : "",
			t->columns[print->all_columns ? (int)i : t->shown[i]].name);
	fputs("\n", f);
	for (size_t r = 0; r < t->nr_rows; r++) {
		for (size_t i = 0; i < n; i++) {
			int column = print->all_columns ? (int)i : t->shown[i];

			if (i)
				fputc(',', f);
			put_cell(f, &t->rows[r][column], t->columns[column].unit);
		}
		fputs("\n", f);
	}
	return ferror(f) ? -1 : 0;
}

const struct format format_csv = {
	.name = "csv",
	.help = "comma-separated values of the last table",
	.print = print_doc,
};
