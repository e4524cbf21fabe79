// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "report/filter.h"
#include "report/view.h"

#define MAX_ERRNO 4096

enum op { EQ, NE, LT, LE, GT, GE, HAS };

struct filter {
	size_t nr;
	struct term {
		int table;
		int column;
		const struct column *of;
		enum unit unit;
		enum op op;
		int64_t i;
		uint64_t u;
		char *s;
	} term[16];
};

static bool parse_value(struct term *term, const char *text, size_t len)
{
	switch (term->unit) {
	case UNIT_TEXT:
		term->s = strndup(text, len);
		return term->s;
	case UNIT_BYTES:
	case UNIT_BYTE_S:
		return parse_bytes(text, len, &term->u);
	case UNIT_NS:
		return parse_ns(text, len, &term->u);
	case UNIT_TIME:
		return parse_seconds(text, len, &term->u);
	case UNIT_PERMILLE:
		return parse_percent(text, len, &term->u);
	case UNIT_SIGNED:
		return parse_signed(text, len, &term->i);
	default:
		return parse_count(text, len, &term->u);
	}
}

static const char *parse_op(const char *p, enum op *op)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = { { "!=", NE }, { "<=", LE }, { ">=", GE }, { "==", EQ },
		    { "=", EQ },  { "<", LT },	{ ">", GT },  { "~", HAS } };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		size_t len = strlen(ops[i].text);

		if (!strncmp(p, ops[i].text, len)) {
			*op = ops[i].op;
			return p + len;
		}
	}
	return NULL;
}

/* Names first: one table may have a title that is the other's name. */
static bool find_column(const struct table *const tables[2], const char *name, size_t len,
			struct term *term)
{
	for (int title = 0; title < 2; title++) {
		for (term->table = 0; term->table < 2; term->table++) {
			if (!tables[term->table])
				continue;
			term->column = table_find_text(tables[term->table], name, len, title);
			if (term->column >= 0)
				return true;
		}
	}
	return false;
}

struct filter *filter_parse(const char *text, const struct table *first, const struct table *second)
{
	const struct table *tables[] = { first, second };
	struct filter *f = xcalloc(1, sizeof(*f));
	size_t len;

	for (const char *p = text; p; p = *p ? p + 1 : NULL) {
		struct term *term = &f->term[f->nr];
		const char *value;

		if (f->nr == sizeof(f->term) / sizeof(f->term[0])) {
			pt_error("--filter: more than %zu terms", f->nr);
			goto fail;
		}
		len = strcspn(p, "=!<>~,");
		if (!find_column(tables, p, len, term)) {
			pt_error("--filter: no field \"%.*s\"; see --fields=help", (int)len, p);
			goto fail;
		}
		term->of = &tables[term->table]->columns[term->column];
		term->unit = term->of->unit;
		value = parse_op(p + len, &term->op);
		if (!value) {
			pt_error("--filter: expected one of = != < <= > >= ~ after \"%.*s\"",
				 (int)len, p);
			goto fail;
		}
		len = strcspn(value, ",");
		if ((term->op == HAS && term->unit != UNIT_TEXT) ||
		    !parse_value(term, value, len)) {
			pt_error("--filter: \"%.*s\" is not a value of field %s", (int)len, value,
				 term->of->name);
			goto fail;
		}
		f->nr++;
		p = value + len;
	}
	return f;
fail:
	filter_free(f);
	return NULL;
}

static enum pt_symbols symbols_of(const struct column *column)
{
	return (column->word - SYMBOL_WORD) % PT_NR_SYMBOLS;
}

/* The @i-th word of a column, NULL at the end; @buf is used if needed */
static const char *word(const struct column *column, const struct pt_names *names, unsigned int i,
			char buf[PT_NUM_LEN])
{
	switch (column->word) {
	case LISTED_WORD:
		return column->words[i];
	case ERROR_WORD:
		return i < MAX_ERRNO ? pt_errno(-(int64_t)i, buf) : NULL;
	default:
		i += column->word >= NONZERO_WORD;
		return i < PT_MAX_SYMBOL ? names->name[symbols_of(column)][i] : NULL;
	}
}

/* A value without a name is shown as a number, in one way. */
static bool shown_number(const struct column *column, const struct pt_names *names,
			 const char *text)
{
	char buf[PT_NUM_LEN];
	uint64_t value;
	int64_t error;

	if (column->word == ERROR_WORD)
		return parse_signed(text, strlen(text), &error) &&
		       !strcmp(pt_errno(error, buf), text);
	return column->word != LISTED_WORD && parse_count(text, strlen(text), &value) &&
	       !strcmp(view_symbol(names, symbols_of(column), value, buf), text);
}

static bool is_word(const struct term *term, const struct pt_names *names)
{
	char buf[PT_NUM_LEN];
	const char *one;

	for (unsigned int i = 0; (one = word(term->of, names, i, buf)); i++)
		if (term->op == HAS ? !!strstr(one, term->s) : *one && !strcmp(one, term->s))
			return true;
	return false;
}

static bool may_hold(const struct term *term, const struct pt_names *names)
{
	const struct column *column = term->of;
	struct pt_names ours;

	/* What a later driver may say is not an error in a trace of an earlier one. */
	pt_names_init(&ours);
	if (is_word(term, names) || is_word(term, &ours))
		return true;
	if (term->op == HAS)
		return column->word != LISTED_WORD && !term->s[strspn(term->s, "0123456789")];
	return shown_number(column, names, term->s);
}

static void say_words(const struct term *term, const struct pt_names *names)
{
	struct pt_text list = { 0 };
	char buf[PT_NUM_LEN];
	const char *one;

	if (term->of->word == ERROR_WORD)
		pt_add(&list, " ok, or the name of an error");
	else
		for (unsigned int i = 0; (one = word(term->of, names, i, buf)); i++)
			if (*one)
				pt_add(&list, "%s %s", list.len ? "," : "", one);
	pt_error("--filter: \"%s\" is not %s of field %s; expected%s", term->s,
		 term->op == HAS ? "part of a value" : "a value", term->of->name, list.s ?: "");
	pt_text_free(&list);
}

bool filter_check(const struct filter *f, const struct doc *doc, const struct pt_names *names)
{
	for (size_t i = 0; f && i < f->nr; i++) {
		const struct term *term = &f->term[i];

		if (term->unit == UNIT_TIME && doc->no_seconds) {
			pt_error("%s: --filter: %s needs a clock of seconds; this is \"%s\"",
				 doc->file, term->of->name, doc->clock);
			return false;
		}
		if (term->of->word == ANY_WORD || may_hold(term, names))
			continue;
		say_words(term, names);
		return false;
	}
	return true;
}

static bool compare(const struct term *term, const struct cell *cell)
{
	int order;

	/* An unknown value matches only !=. */
	if (!cell->known)
		return term->op == NE;
	if (term->op == HAS)
		return strstr(cell->s, term->s);
	if (term->unit == UNIT_TEXT)
		order = strcmp(cell->s, term->s);
	else if (term->unit == UNIT_SIGNED)
		order = (cell->i > term->i) - (cell->i < term->i);
	else
		order = (cell->u > term->u) - (cell->u < term->u);

	switch (term->op) {
	case EQ:
		return !order;
	case NE:
		return order;
	case LT:
		return order < 0;
	case LE:
		return order <= 0;
	case GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

bool filter_match(const struct filter *f, int which, const struct cell *row)
{
	for (size_t i = 0; f && i < f->nr; i++)
		if (f->term[i].table == which && !compare(&f->term[i], &row[f->term[i].column]))
			return false;
	return true;
}

bool filter_speaks_of(const struct filter *f, int which)
{
	for (size_t i = 0; f && i < f->nr; i++)
		if (f->term[i].table == which)
			return true;
	return false;
}

void filter_free(struct filter *f)
{
	for (size_t i = 0; f && i < f->nr; i++)
		free(f->term[i].s);
	free(f);
}
