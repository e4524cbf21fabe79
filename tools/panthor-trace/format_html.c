// SPDX-License-Identifier: GPL-2.0
/*
 * One HTML file with all there is: the page of html/timeline.html with the
 * document in its middle. Needs no network, no server and no library.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define MARK "@DOCUMENT@"

/* The page, put in by the assembler; TIMELINE_HTML is its path. */
__asm__(".section .rodata\n"
	".global panthor_trace_page\n"
	"panthor_trace_page:\n"
	".incbin \"" TIMELINE_HTML "\"\n"
	".byte 0\n"
	".previous\n");
extern const char panthor_trace_page[];

/* A table as lists of its columns' names, titles and units, and of rows: names only once */
static json_t *compact(const struct table *t)
{
	json_t *columns = json_array(), *units = json_array(), *rows = json_array();
	json_t *titles = json_array(), *shown = json_array();
	static const char *const unit_names[] = {
		[UNIT_TEXT] = "text", [UNIT_COUNT] = "count",	   [UNIT_SIGNED] = "count",
		[UNIT_HEX] = "text",  [UNIT_BYTES] = "bytes",	   [UNIT_NS] = "ns",
		[UNIT_TIME] = "time", [UNIT_PERMILLE] = "percent",
	};

	for (size_t i = 0; i < t->nr_columns; i++) {
		json_array_append_new(columns, json_string(t->columns[i].name));
		json_array_append_new(titles, json_string(t->columns[i].title));
		json_array_append_new(units, json_string(unit_names[t->columns[i].unit]));
		json_array_append_new(shown, json_boolean(t->columns[i].shown));
	}
	for (size_t r = 0; r < t->nr_rows; r++) {
		json_t *row = json_array();

		for (size_t i = 0; i < t->nr_columns; i++)
			json_array_append_new(row, json_cell(&t->rows[r][i], t->columns[i].unit));
		json_array_append_new(rows, row);
	}
	return json_pack("{so so so so so}", "columns", columns, "titles", titles, "units", units,
			 "shown", shown, "rows", rows);
}

/* Inside a script element only "<" can end it; JSON knows another way to write that. */
static void put_escaped(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			fputs("\\u003c", f);
		else
			fputc(*s, f);
	}
}

static int print_doc(FILE *f, const struct doc *doc, const struct print *print)
{
	const char *mark = strstr(panthor_trace_page, MARK);
	json_t *root = json_head(doc), *tables = json_object();
	char *text;

	(void)print;
	for (size_t i = 0; i < doc->nr_tables; i++)
		json_object_set_new(tables, doc->table[i]->name, compact(doc->table[i]));
	json_object_set_new(root, "tables", tables);
	text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(root);
	if (!text)
		return -1;
	fwrite(panthor_trace_page, 1, mark - panthor_trace_page, f);
	put_escaped(f, text);
	fputs(mark + strlen(MARK), f);
	free(text);
	return ferror(f) ? -1 : 0;
}

const struct format format_html = {
	.name = "html",
	.help = "a page with a timeline to zoom and the tables, in one file",
	.print = print_doc,
};
