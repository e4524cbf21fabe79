// SPDX-License-Identifier: GPL-2.0
/* One JSON object for the whole document; the schema is in panthor-trace-export(1). */
#include "report/json.h"
#include "report/sink.h"

#define INDENT "\n  "

static void begin(struct sink *s)
{
	fputs("{" INDENT, s->f);
	json_head(s->f, s->doc, INDENT);
}

static void head(struct sink *s, struct part *p)
{
	fprintf(s->f, "," INDENT "\"%s\": [", p->table->name);
}

static void row(struct sink *s, struct part *p, const struct cell *cells)
{
	fputs(p->rows ? ",\n    {" : "\n    {", p->f);
	json_members(p->f, p->table, cells, &s->print);
	fputc('}', p->f);
}

static void tail(struct sink *s, struct part *p)
{
	fputs(p->rows ? INDENT "]" : "]", s->f);
}

static void end(struct sink *s)
{
	fputs("," INDENT, s->f);
	json_tail(s->f, s->doc, INDENT);
	fputs("\n}\n", s->f);
}

const struct format format_json = {
	.name = "json",
	.begin = begin,
	.head = head,
	.row = row,
	.tail = tail,
	.end = end,
};
