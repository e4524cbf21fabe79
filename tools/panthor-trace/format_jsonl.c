// SPDX-License-Identifier: GPL-2.0
/* JSON lines: first what is to be said of the trace, then one object a row, each with a "type". */
#include "json.h"

static int print_line(FILE *f, const char *type, json_t *object)
{
	int ret;

	json_object_set_new(object, "type", json_string(type));
	ret = json_dumpf(object, f, JSON_COMPACT | JSON_REAL_PRECISION(6));
	fputc('\n', f);
	json_decref(object);
	return ret;
}

static int print_doc(FILE *f, const struct doc *doc, const struct print *print)
{
	if (print_line(f, "head", json_head(doc)))
		return -1;
	for (size_t i = 0; i < doc->nr_tables; i++)
		for (size_t r = 0; r < doc->table[i]->nr_rows; r++)
			if (print_line(f, doc->table[i]->name, json_row(doc->table[i], r, print)))
				return -1;
	return 0;
}

const struct format format_jsonl = {
	.name = "jsonl",
	.help = "JSON lines: a head, then one object a row",
	.print = print_doc,
};
