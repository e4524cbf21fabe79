// SPDX-License-Identifier: GPL-2.0
/* For people: aligned columns, units, problems and remarks below. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "cli.h"
#include "table.h"

static int column_flags(enum unit unit)
{
	return unit == UNIT_TEXT ? 0 : SCOLS_FL_RIGHT;
}

/* A column of remarks is left out if there are none, unless one asked for it. */
static bool worth_showing(const struct table *t, int column, const struct print *print)
{
	if (!print->all_columns || t->columns[column].unit != UNIT_TEXT)
		return true;
	for (size_t r = 0; r < t->nr_rows; r++)
		if (t->rows[r][column].known && *t->rows[r][column].s)
			return true;
	return false;
}

static int add_rows(struct libscols_table *out, const struct table *t, const struct print *print)
{
	char buf[PT_NUM_LEN];

	for (size_t r = 0; r < t->nr_rows; r++) {
		struct libscols_line *line = scols_table_new_line(out, NULL);

		if (!line)
			return -1;
		for (int i = 0, n = 0; t->shown[i] >= 0; i++) {
			int column = t->shown[i];

			if (!worth_showing(t, column, print))
				continue;
			if (scols_line_set_data(line, n++,
						cell_text(&t->rows[r][column],
							  t->columns[column].unit, print, buf)))
				return -1;
		}
	}
	return 0;
}

static int print_table(FILE *f, const struct table *t, const struct print *print)
{
	struct libscols_table *out = scols_new_table();
	int ret = -1;

	if (!out)
		return -1;
	scols_table_set_stream(out, f);
	/* Lines are cut nowhere: what does not fit wraps, as in any log. */
	scols_table_set_termwidth(out, 4096);
	scols_table_set_termforce(out, SCOLS_TERMFORCE_ALWAYS);
	scols_table_enable_colors(out, print->color);

	for (int i = 0; t->shown[i] >= 0; i++) {
		const struct column *c = &t->columns[t->shown[i]];
		struct libscols_column *column;

		if (!worth_showing(t, t->shown[i], print))
			continue;
		column = scols_table_new_column(out, c->title, 0, column_flags(c->unit));
		if (!column)
			goto out;
		scols_cell_set_color(scols_column_get_header(column), "bold");
	}
	ret = add_rows(out, t, print) ?: scols_print_table(out);
out:
	scols_unref_table(out);
	return ret;
}

static int print_doc(FILE *f, const struct doc *doc, const struct print *print)
{
	bool first = true;

	for (size_t i = 0; i < doc->nr_tables; i++) {
		if (!doc->table[i]->nr_rows)
			continue;
		if (!first)
			fputc('\n', f);
		first = false;
		if (print_table(f, doc->table[i], print))
			return -1;
	}
	if (doc->footer.len)
		fprintf(f, "%s%s", first ? "" : "\n", doc->footer.s);
	return 0;
}

const struct format format_table = {
	.name = "table",
	.help = "aligned columns with units, for people (default)",
	.print = print_doc,
};
