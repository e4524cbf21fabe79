// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"

struct table *table_new(const char *name, const struct column *columns, size_t nr)
{
	struct table *t = xcalloc(1, sizeof(*t));
	int n = 0;

	t->name = name;
	t->columns = columns;
	t->nr_columns = nr;
	t->shown = xcalloc(nr + 1, sizeof(*t->shown));
	for (size_t i = 0; i < nr; i++)
		if (columns[i].shown)
			t->shown[n++] = i;
	t->shown[n] = -1;
	return t;
}

struct cell *table_add(struct table *t)
{
	if (t->nr_rows == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->rows = xrealloc(t->rows, t->room * sizeof(*t->rows));
	}
	return t->rows[t->nr_rows++] = xcalloc(t->nr_columns, sizeof(struct cell));
}

int table_find(const struct table *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->nr_columns; i++)
		if (strlen(t->columns[i].name) == len && !strncmp(t->columns[i].name, name, len))
			return i;
	return -1;
}

/* "a,b,c" shows these, "+a" adds to what is shown. */
int table_choose(struct table *t, const char *fields)
{
	bool add = *fields == '+';
	int n = 0;

	fields += add;
	if (add)
		while (t->shown[n] >= 0)
			n++;

	/* Each comma could name a column once more than there are. */
	for (const char *p = fields; *p; p += *p == ',') {
		size_t len = strcspn(p, ",");
		int at = table_find(t, p, len), i = 0;

		if (at < 0) {
			pt_error("%s have no field \"%.*s\"; --fields=help lists them", t->name,
				 (int)len, p);
			return -1;
		}
		while (i < n && t->shown[i] != at)
			i++;
		if (i == n)
			t->shown[n++] = at;
		p += len;
	}
	t->shown[n] = -1;
	return 0;
}

struct sort_keys {
	const struct table *table;
	struct {
		int column;
		bool down;
	} key[8];
	int nr;
};

static int compare_cells(const struct cell *a, const struct cell *b, enum unit unit)
{
	if (!a->known || !b->known)
		return a->known - b->known;
	if (unit == UNIT_TEXT)
		return strcmp(a->s, b->s);
	if (unit == UNIT_SIGNED || unit == UNIT_PERMILLE)
		return (a->i > b->i) - (a->i < b->i);
	return (a->u > b->u) - (a->u < b->u);
}

static int compare_rows(const void *pa, const void *pb, void *arg)
{
	const struct cell *a = *(struct cell *const *)pa, *b = *(struct cell *const *)pb;
	const struct sort_keys *keys = arg;

	for (int i = 0; i < keys->nr; i++) {
		int column = keys->key[i].column;
		int order =
			compare_cells(&a[column], &b[column], keys->table->columns[column].unit);

		if (order)
			return keys->key[i].down ? -order : order;
	}
	return 0;
}

/* qsort_r() may swap equal rows; a merge sort keeps their order. */
static void merge_sort(struct cell **rows, struct cell **tmp, size_t n, struct sort_keys *keys)
{
	size_t half = n / 2, i = 0, j = half;

	if (n < 2)
		return;
	merge_sort(rows, tmp, half, keys);
	merge_sort(rows + half, tmp, n - half, keys);
	for (size_t k = 0; k < n; k++) {
		if (j == n || (i < half && compare_rows(&rows[i], &rows[j], keys) <= 0))
			tmp[k] = rows[i++];
		else
			tmp[k] = rows[j++];
	}
	memcpy(rows, tmp, n * sizeof(*rows));
}

/* "a,-b": by a, and where that is equal by b downwards */
int table_sort(struct table *t, const char *words)
{
	struct sort_keys keys = { .table = t };
	struct cell **tmp;

	for (const char *p = words; *p; p += *p == ',') {
		size_t len;

		keys.key[keys.nr].down = *p == '-';
		p += *p == '-';
		len = strcspn(p, ",");
		keys.key[keys.nr].column = table_find(t, p, len);
		if (keys.key[keys.nr].column < 0) {
			pt_error("cannot sort by \"%.*s\": no such field; --fields=help lists them",
				 (int)len, p);
			return -1;
		}
		if (++keys.nr == 8)
			break;
		p += len;
	}
	tmp = xmalloc(t->nr_rows * sizeof(*tmp));
	merge_sort(t->rows, tmp, t->nr_rows, &keys);
	free(tmp);
	return 0;
}

static void free_row(struct table *t, struct cell *row)
{
	for (size_t i = 0; i < t->nr_columns; i++)
		if (t->columns[i].unit == UNIT_TEXT && row[i].known)
			free(row[i].s);
	free(row);
}

void table_cut(struct table *t, size_t rows)
{
	while (t->nr_rows > rows)
		free_row(t, t->rows[--t->nr_rows]);
}

void table_free(struct table *t)
{
	if (!t)
		return;
	table_cut(t, 0);
	free(t->rows);
	free(t->shown);
	free(t);
}

void columns_help(FILE *out, const char *title, const struct column *columns, size_t nr)
{
	fprintf(out, "%s\n", title);
	for (size_t i = 0; i < nr; i++)
		fprintf(out, "  %-16s %s\n", columns[i].name, columns[i].help);
}

struct cell cell_s(const char *text)
{
	return (struct cell){ .known = text, .s = text ? xstrdup(text) : NULL };
}

static const char *time_text(uint64_t ns, char buf[PT_NUM_LEN])
{
	snprintf(buf, PT_NUM_LEN, "%llu.%06llu", (unsigned long long)ns / 1000000000,
		 (unsigned long long)ns / 1000 % 1000000);
	return buf;
}

static const char *number(const struct cell *cell, enum unit unit, char buf[PT_NUM_LEN])
{
	if (unit == UNIT_SIGNED)
		snprintf(buf, PT_NUM_LEN, "%lld", (long long)cell->i);
	else if (unit == UNIT_HEX)
		snprintf(buf, PT_NUM_LEN, "0x%llx", (unsigned long long)cell->u);
	else if (unit == UNIT_PERMILLE)
		snprintf(buf, PT_NUM_LEN, "%s%llu.%llu", cell->i < 0 ? "-" : "",
			 (unsigned long long)llabs(cell->i) / 10,
			 (unsigned long long)llabs(cell->i) % 10);
	else
		snprintf(buf, PT_NUM_LEN, "%llu", (unsigned long long)cell->u);
	return buf;
}

const char *cell_text(const struct cell *cell, enum unit unit, const struct print *print,
		      char buf[PT_NUM_LEN])
{
	if (!cell->known)
		return "-";
	switch (unit) {
	case UNIT_TEXT:
		return cell->s;
	case UNIT_BYTES:
		return pt_bytes(buf, cell->u, print->units.bytes);
	case UNIT_NS:
		return pt_ns(buf, cell->u, print->units.ns);
	case UNIT_TIME:
		return print->units.ns ? number(cell, unit, buf) : time_text(cell->u, buf);
	default:
		return number(cell, unit, buf);
	}
}

const char *cell_plain(const struct cell *cell, enum unit unit, char buf[PT_NUM_LEN])
{
	if (!cell->known)
		return "";
	return unit == UNIT_TEXT ? cell->s : number(cell, unit, buf);
}

void doc_add(struct doc *doc, struct table *table)
{
	if (doc->nr_tables < DOC_MAX_TABLES)
		doc->table[doc->nr_tables++] = table;
}

const struct table *doc_table(const struct doc *doc, const char *name)
{
	for (size_t i = 0; i < doc->nr_tables; i++)
		if (!strcmp(doc->table[i]->name, name))
			return doc->table[i];
	return NULL;
}

void doc_fact(struct doc *doc, const char *name, uint64_t value)
{
	if (doc->nr_facts < sizeof(doc->fact) / sizeof(doc->fact[0]))
		doc->fact[doc->nr_facts++] = (struct fact){ name, value };
}

void doc_problem(struct doc *doc, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	doc->problems = xrealloc(doc->problems, (doc->nr_problems + 1) * sizeof(char *));
	doc->problems[doc->nr_problems++] = text;
}

void doc_free(struct doc *doc)
{
	for (size_t i = 0; i < doc->nr_tables; i++)
		table_free(doc->table[i]);
	for (size_t i = 0; i < doc->nr_problems; i++)
		free(doc->problems[i]);
	free(doc->problems);
	pt_text_free(&doc->footer);
	memset(doc, 0, sizeof(*doc));
}
