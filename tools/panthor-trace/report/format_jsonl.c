// SPDX-License-Identifier: GPL-2.0
/*
 * JSON lines: a header, one object per row as soon as it is complete, and a trailer with the data
 * of the trace as a whole. Each has a "type".
 */
#include "report/json.h"
#include "report/sink.h"

static void begin(struct sink *s)
{
	fputs("{\"type\":\"head\",", s->f);
	json_head(s->f, s->doc, "");
	fputs("}\n", s->f);
}

static void row(struct sink *s, struct part *p, const struct cell *cells)
{
	fprintf(p->f, "{\"type\":\"%s\",", p->table->name);
	json_members(p->f, p->table, cells, &s->print);
	fputs("}\n", p->f);
}

static void end(struct sink *s)
{
	fputs("{\"type\":\"end\",", s->f);
	json_tail(s->f, s->doc, "");
	fputs("}\n", s->f);
}

const struct format format_jsonl = {
	.name = "jsonl",
	.mixed = true,
	.begin = begin,
	.row = row,
	.end = end,
};
