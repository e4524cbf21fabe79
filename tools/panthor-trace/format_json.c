// SPDX-License-Identifier: GPL-2.0
/* One JSON object for the whole document; the schema stands in panthor-trace-export(1). */
#include <string.h>

#include "json.h"

/*
 * JSON integers end at 2^63 in most readers: what is beyond becomes a string
 * rather than another number.
 */
json_t *json_uint(uint64_t value)
{
	char buf[PT_NUM_LEN];

	if (value <= INT64_MAX)
		return json_integer(value);
	snprintf(buf, sizeof(buf), "%llu", (unsigned long long)value);
	return json_string(buf);
}

json_t *json_cell(const struct cell *cell, enum unit unit)
{
	char buf[PT_NUM_LEN];

	if (!cell->known)
		return json_null();
	switch (unit) {
	case UNIT_TEXT:
		return json_string(cell->s);
	case UNIT_SIGNED:
		return json_integer(cell->i);
	case UNIT_PERMILLE:
		return json_real(cell->i / 10.0);
	case UNIT_HEX:
		return json_string(cell_plain(cell, unit, buf));
	default:
		return json_uint(cell->u);
	}
}

json_t *json_row(const struct table *t, size_t row, const struct print *print)
{
	json_t *object = json_object();

	if (print->all_columns) {
		for (size_t i = 0; i < t->nr_columns; i++)
			json_object_set_new(object, t->columns[i].name,
					    json_cell(&t->rows[row][i], t->columns[i].unit));
		return object;
	}
	for (int i = 0; t->shown[i] >= 0; i++) {
		const struct column *c = &t->columns[t->shown[i]];

		json_object_set_new(object, c->name,
				    json_cell(&t->rows[row][t->shown[i]], c->unit));
	}
	return object;
}

/* All but the tables */
json_t *json_head(const struct doc *doc)
{
	json_t *head = json_object(), *facts = json_object(), *problems = json_array();
	char name[4096];

	pt_clean(name, sizeof(name), doc->file, strlen(doc->file));
	json_object_set_new(head, "schema", json_string("panthor-trace"));
	json_object_set_new(head, "version", json_integer(DOC_VERSION));
	json_object_set_new(head, "kind", json_string(doc->kind));
	json_object_set_new(head, "file", json_string(name));
	for (size_t i = 0; i < doc->nr_facts; i++)
		json_object_set_new(facts, doc->fact[i].name, json_uint(doc->fact[i].value));
	json_object_set_new(head, "trace", facts);
	for (size_t i = 0; i < doc->nr_problems; i++)
		json_array_append_new(problems, json_string(doc->problems[i]));
	json_object_set_new(head, "problems", problems);
	return head;
}

static int print_doc(FILE *f, const struct doc *doc, const struct print *print)
{
	json_t *root = json_head(doc);
	int ret;

	for (size_t i = 0; i < doc->nr_tables; i++) {
		json_t *rows = json_array();

		for (size_t r = 0; r < doc->table[i]->nr_rows; r++)
			json_array_append_new(rows, json_row(doc->table[i], r, print));
		json_object_set_new(root, doc->table[i]->name, rows);
	}
	ret = json_dumpf(root, f, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	fputc('\n', f);
	json_decref(root);
	return ret;
}

const struct format format_json = {
	.name = "json",
	.help = "one JSON object, all fields, exact numbers",
	.print = print_doc,
};
