// SPDX-License-Identifier: GPL-2.0
/*
 * One HTML file with all there is: the page of report/html/timeline.html with the
 * document in its middle. Needs no network, no server and no library.
 */
#include <string.h>

#include "report/json.h"
#include "report/sink.h"

#define MARK "@DOCUMENT@"

/* The page, put in by the assembler; TIMELINE_HTML is its path. */
__asm__(".section .rodata\n"
	".global panthor_trace_page\n"
	"panthor_trace_page:\n"
	".incbin \"" TIMELINE_HTML "\"\n"
	".byte 0\n"
	".previous\n");
extern const char panthor_trace_page[];

static void begin(struct sink *s)
{
	fwrite(panthor_trace_page, 1, strstr(panthor_trace_page, MARK) - panthor_trace_page, s->f);
	fputc('{', s->f);
	json_head(s->f, s->doc, "");
	fputs(",\"tables\":{", s->f);
}

/* A table as lists of its columns' names, titles and units, and of rows: names only once */
static void head(struct sink *s, struct part *p)
{
	static const char *const unit_names[] = {
		[UNIT_TEXT] = "text", [UNIT_COUNT] = "count", [UNIT_SIGNED] = "count",
		[UNIT_HEX] = "text",  [UNIT_BYTES] = "bytes", [UNIT_BYTE_S] = "bytes_s",
		[UNIT_NS] = "ns",     [UNIT_TIME] = "time",   [UNIT_PERMILLE] = "percent",
	};
	const struct table *t = p->table;
	bool first = t == s->doc->table[0];

	fprintf(s->f, "%s\"%s\":{\"columns\":[", first ? "" : ",", t->name);
	for (size_t i = 0; i < t->nr_columns; i++)
		fprintf(s->f, "%s\"%s\"", i ? "," : "", t->columns[i].name);
	fputs("],\"titles\":[", s->f);
	for (size_t i = 0; i < t->nr_columns; i++)
		fprintf(s->f, "%s\"%s\"", i ? "," : "", t->columns[i].title);
	fputs("],\"units\":[", s->f);
	for (size_t i = 0; i < t->nr_columns; i++)
		fprintf(s->f, "%s\"%s\"", i ? "," : "", unit_names[t->columns[i].unit]);
	fputs("],\"shown\":[", s->f);
	for (size_t i = 0; i < t->nr_columns; i++)
		fprintf(s->f, "%s%d", i ? "," : "", t->columns[i].shown);
	fputs("],\"rows\":[", s->f);
}

static void row(struct sink *s, struct part *p, const struct cell *cells)
{
	(void)s;
	putc_unlocked(p->rows ? ',' : '\n', p->f);
	for (size_t i = 0; i < p->table->nr_columns; i++) {
		putc_unlocked(i ? ',' : '[', p->f);
		json_cell(p->f, &cells[i], p->table->columns[i].unit);
	}
	fputs_unlocked("]\n", p->f);
}

static void tail(struct sink *s, struct part *p)
{
	(void)p;
	fputs("]}", s->f);
}

static void end(struct sink *s)
{
	fputs("},", s->f);
	json_tail(s->f, s->doc, "");
	fputc('}', s->f);
	fputs(strstr(panthor_trace_page, MARK) + strlen(MARK), s->f);
}

const struct format format_html = {
	.name = "html",
	.begin = begin,
	.head = head,
	.row = row,
	.tail = tail,
	.end = end,
};
