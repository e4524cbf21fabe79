// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/alloc.h"
#include "base/error.h"
#include "report/number.h"
#include "report/table.h"

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

int table_find_text(const struct table *t, const char *name, size_t len, bool title)
{
	int found = -1;

	for (size_t i = 0; i < t->nr_columns; i++) {
		const char *text = title ? t->columns[i].title : t->columns[i].name;

		if (strlen(text) != len || strncasecmp(text, name, len))
			continue;
		if (found >= 0)
			return -2;
		found = i;
	}
	return found;
}

int table_find(const struct table *t, const char *name, size_t len)
{
	int found = table_find_text(t, name, len, false);

	if (found == -1)
		found = table_find_text(t, name, len, true);
	return found < 0 ? -1 : found;
}

/* "a,b,c" shows these, "+a" adds to what is shown. */
int table_choose(struct table *t, const char *fields)
{
	bool add = *fields == '+';
	int n = 0;

	fields += add;
	if (!*fields) {
		pt_error("--fields: no field given; see --fields=help");
		return -1;
	}
	if (add)
		while (t->shown[n] >= 0)
			n++;

	/* Each comma could name a column once more than there are. */
	for (const char *p = fields; p; p = *p ? p + 1 : NULL) {
		size_t len = strcspn(p, ",");
		int at = table_find(t, p, len), i = 0;

		if (at < 0) {
			pt_error("%s have no field \"%.*s\"; see --fields=help", t->name, (int)len,
				 p);
			return -1;
		}
		while (i < n && t->shown[i] != at)
			i++;
		if (i == n)
			t->shown[n++] = at;
		p += len;
	}
	t->shown[n] = -1;
	t->chosen = true;
	return 0;
}

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

static int compare_rows(const struct table *t, const struct cell *a, const struct cell *b)
{
	for (int i = 0; i < t->sort.nr; i++) {
		const struct sort_key *key = &t->sort.key[i];
		int order = compare_cells(&a[key->column], &b[key->column],
					  t->columns[key->column].unit);

		if (order)
			return key->down ? -order : order;
	}
	return 0;
}

/* qsort_r() may swap equal rows; a merge sort keeps their order. */
static void merge_sort(const struct table *t, struct cell **rows, struct cell **tmp, size_t n)
{
	size_t half = n / 2, i = 0, j = half;

	if (n < 2)
		return;
	merge_sort(t, rows, tmp, half);
	merge_sort(t, rows + half, tmp, n - half);
	for (size_t k = 0; k < n; k++) {
		if (j == n || (i < half && compare_rows(t, rows[i], rows[j]) <= 0))
			tmp[k] = rows[i++];
		else
			tmp[k] = rows[j++];
	}
	memcpy(rows, tmp, n * sizeof(*rows));
}

/* "a,-b": by a, and where that is equal by b downwards */
int sort_parse(const struct table *t, const char *words, struct sort *sort)
{
	sort->nr = 0;
	for (const char *p = *words ? words : NULL; p; p = *p ? p + 1 : NULL) {
		struct sort_key *key = &sort->key[sort->nr];
		size_t len;

		if (sort->nr == MAX_SORT_KEYS) {
			pt_error("--sort: more than %d fields", MAX_SORT_KEYS);
			return -1;
		}
		key->down = *p == '-';
		p += key->down;
		len = strcspn(p, ",");
		key->column = table_find(t, p, len);
		if (key->column < 0) {
			pt_error("--sort: no field \"%.*s\"; see --fields=help", (int)len, p);
			return -1;
		}
		sort->nr++;
		p += len;
	}
	if (sort->nr)
		return 0;
	pt_error("--sort: no field given; see --fields=help");
	return -1;
}

/* Sort the rows by @t->sort and truncate them to @t->limit. */
void table_order(struct table *t)
{
	struct cell **tmp;

	if (t->sort.nr) {
		tmp = xmalloc(t->nr_rows * sizeof(*tmp));
		merge_sort(t, t->rows, tmp, t->nr_rows);
		free(tmp);
	}
	if (t->limit)
		table_cut(t, t->limit);
}

int table_sort(struct table *t, const char *words)
{
	if (sort_parse(t, words, &t->sort))
		return -1;
	table_order(t);
	return 0;
}

void row_clear(const struct table *t, struct cell *row)
{
	for (size_t i = 0; i < t->nr_columns; i++)
		if (t->columns[i].unit == UNIT_TEXT && row[i].known)
			free(row[i].s);
	memset(row, 0, t->nr_columns * sizeof(*row));
}

static void free_row(const struct table *t, struct cell *row)
{
	row_clear(t, row);
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
		fprintf(out, "  %-18s %-13s %s\n", columns[i].name, columns[i].title,
			columns[i].help);
}

struct cell cell_s(const char *text)
{
	return (struct cell){ .known = text, .s = text ? xstrdup(text) : NULL };
}

static const char *time_text(uint64_t ns, const struct print *print, char buf[PT_NUM_LEN])
{
	bool before = print->time == TIME_RELATIVE && ns < print->start_ns;
	time_t second;
	struct tm tm;
	size_t len;

	if (print->time == TIME_RELATIVE)
		ns = before ? print->start_ns - ns : ns - print->start_ns;
	if (print->time == TIME_WALL) {
		second = ns / NS_PER_SEC;
		len = localtime_r(&second, &tm)
			      ? strftime(buf, PT_NUM_LEN, "%Y-%m-%dT%H:%M:%S", &tm)
			      : 0;
		snprintf(buf + len, PT_NUM_LEN - len, ".%06u",
			 (unsigned int)(ns % NS_PER_SEC / 1000));
		return buf;
	}
	snprintf(buf, PT_NUM_LEN, "%s%llu.%06llu", before ? "-" : "",
		 (unsigned long long)(ns / NS_PER_SEC), (unsigned long long)(ns / 1000 % 1000000));
	return buf;
}

static const char *number(const struct cell *cell, enum unit unit, char buf[PT_NUM_LEN])
{
	if (unit == UNIT_SIGNED && cell->i < 0)
		snprintf(buf, PT_NUM_LEN, "%lld", (long long)cell->i);
	else if (unit == UNIT_HEX)
		snprintf(buf, PT_NUM_LEN, "0x%llx", (unsigned long long)cell->u);
	else if (unit == UNIT_PERMILLE)
		snprintf(buf, PT_NUM_LEN, "%s%llu.%llu", cell->i < 0 ? "-" : "",
			 (unsigned long long)llabs(cell->i) / 10,
			 (unsigned long long)llabs(cell->i) % 10);
	else
		return pt_decimal(buf, cell->u);
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
	case UNIT_BYTE_S:
		pt_bytes(buf, cell->u, print->units.bytes);
		return print->units.bytes ? buf : strcat(buf, " s");
	case UNIT_NS:
		return pt_ns(buf, cell->u, print->units.ns);
	case UNIT_TIME:
		return print->units.ns || print->no_seconds ? number(cell, unit, buf)
							    : time_text(cell->u, print, buf);
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
