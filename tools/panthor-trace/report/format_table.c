// SPDX-License-Identifier: GPL-2.0
/*
 * Tables: aligned columns, units, notes below.
 *
 * The first rows determine the width of the columns and, on a terminal, which
 * of them fit; further rows are printed as they come. libsmartcols is not used:
 * it needs all rows before it prints the first, and would escape escaped text
 * again.
 */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "report/sink.h"

#define HEAD_ROWS 1000
/* Do not truncate text below this width. */
#define MIN_TEXT 12

struct place {
	int column;
	bool text;
	bool used; /* has more than nothing in it */
	bool hidden; /* no room for it */
	size_t width;
	size_t limit; /* cut text to this; 0: do not */
};

struct grid {
	size_t nr; /* columns that may be printed */
	struct place *place;
	char ***waiting; /* the first rows */
	size_t nr_waiting;
	bool laid_out;
};

/* Columns of a terminal that text takes */
static size_t text_width(const char *s)
{
	wchar_t wide[1024];
	size_t n, len = 0;
	int width;

	while (s[len] > 0)
		len++;
	if (!s[len])
		return len;
	n = mbstowcs(wide, s, sizeof(wide) / sizeof(*wide));
	if (n == (size_t)-1 || n == sizeof(wide) / sizeof(*wide))
		return strlen(s);
	width = wcswidth(wide, n);
	return width < 0 ? n : (size_t)width;
}

/* As much of @s as fits into @width columns, with a mark where it was cut */
static char *shorten(const char *s, size_t width)
{
	size_t len = strlen(s);
	char *cut = xmalloc(len + 2);

	memcpy(cut, s, len + 1);
	while (len && text_width(cut) >= width) {
		do
			len--;
		while (len && ((unsigned char)cut[len] & 0xc0) == 0x80);
		cut[len] = '\0';
	}
	strcpy(cut + len, "+");
	return cut;
}

static const char *title(const struct part *p, const struct place *place)
{
	return p->table->columns[place->column].title;
}

static struct grid *grid_new(const struct part *p)
{
	struct grid *g = xcalloc(1, sizeof(*g));
	const int *shown = p->table->shown;

	while (shown[g->nr] >= 0)
		g->nr++;
	g->place = xcalloc(g->nr, sizeof(*g->place));
	for (size_t i = 0; i < g->nr; i++) {
		struct place *place = &g->place[i];

		place->column = shown[i];
		place->text = p->table->columns[shown[i]].unit == UNIT_TEXT;
		/* A column of remarks is left out if there are none, unless one asked for it. */
		place->used = p->table->chosen || !place->text;
		place->width = text_width(title(p, place));
	}
	g->waiting = xcalloc(HEAD_ROWS, sizeof(*g->waiting));
	return g;
}

static size_t total_width(const struct grid *g)
{
	size_t sum = 0;

	for (size_t i = 0; i < g->nr; i++) {
		const struct place *place = &g->place[i];

		if (place->used && !place->hidden)
			sum += 1 + (place->text && place->width > MIN_TEXT && !place->limit
					    ? MIN_TEXT
					    : place->width);
	}
	return sum ? sum - 1 : 0;
}

/* Leave out what is least worth the room, then share what is left among the texts. */
static void fit(struct grid *g, const struct part *p, size_t width)
{
	size_t left;

	while (!p->table->chosen && total_width(g) > width) {
		struct place *least = NULL;

		for (size_t i = 0; i < g->nr; i++) {
			struct place *place = &g->place[i];
			unsigned char rank = p->table->columns[place->column].shown;

			if (place->used && !place->hidden && rank > 1 &&
			    (!least || rank >= p->table->columns[least->column].shown))
				least = place;
		}
		if (!least)
			break;
		least->hidden = true;
	}
	left = total_width(g) < width ? width - total_width(g) : 0;
	for (size_t i = 0; i < g->nr; i++) {
		struct place *place = &g->place[i];
		size_t more;

		if (!place->used || place->hidden || !place->text || place->width <= MIN_TEXT)
			continue;
		more = place->width - MIN_TEXT < left ? place->width - MIN_TEXT : left;
		left -= more;
		place->limit = MIN_TEXT + more;
		place->width = place->limit;
	}
}

static void put(FILE *f, const char *s, size_t width, bool right, bool last)
{
	size_t pad = right || !last ? text_width(s) : width;

	pad = pad < width ? width - pad : 0;
	if (right)
		for (; pad; pad--)
			putc_unlocked(' ', f);
	fputs_unlocked(s, f);
	for (pad = right || last ? 0 : pad; pad; pad--)
		putc_unlocked(' ', f);
}

/* The cells of a line, or the titles */
static void print_line(FILE *f, const struct grid *g, const struct part *p, const char *const *text,
		       const char *before, const char *after)
{
	bool any = false;
	size_t last = 0;

	for (size_t i = 0; i < g->nr; i++)
		if (g->place[i].used && !g->place[i].hidden)
			last = i;
	for (size_t i = 0; i < g->nr; i++) {
		const struct place *place = &g->place[i];
		const char *s = text ? text[i] : title(p, place);
		char *cut = NULL;

		if (!place->used || place->hidden)
			continue;
		if (any)
			putc_unlocked(' ', f);
		any = true;
		if (place->limit && text_width(s) > place->limit) {
			cut = shorten(s, place->limit);
			s = cut;
		}
		fputs_unlocked(before, f);
		put(f, s, place->width, !place->text, i == last);
		fputs_unlocked(after, f);
		free(cut);
	}
	putc_unlocked('\n', f);
}

static void print_title(const struct sink *s, const struct grid *g, const struct part *p)
{
	print_line(p->f, g, p, NULL, s->print.color ? "\033[1m" : "",
		   s->print.color ? "\033[0m" : "");
}

/* Take note of how wide the cells of a row are; true: it has a column that was not used so far. */
static bool measure(struct grid *g, const char *const *text)
{
	bool more = false;

	for (size_t i = 0; i < g->nr; i++) {
		struct place *place = &g->place[i];
		size_t width = text_width(text[i]);

		if (!place->used && strcmp(text[i], "-")) {
			place->used = true;
			more = true;
		}
		if (width > place->width && !place->limit)
			place->width = width;
	}
	return more;
}

static void lay_out(const struct sink *s, struct grid *g, const struct part *p)
{
	if (g->laid_out)
		return;
	g->laid_out = true;
	if (s->print.width)
		fit(g, p, s->print.width);
	if (g->nr_waiting)
		print_title(s, g, p);
	for (size_t i = 0; i < g->nr_waiting; i++) {
		print_line(p->f, g, p, (const char *const *)g->waiting[i], "", "");
		for (size_t k = 0; k < g->nr; k++)
			free(g->waiting[i][k]);
		free(g->waiting[i]);
	}
	free(g->waiting);
}

static void wait_for_layout(const struct sink *s, struct grid *g, const struct part *p,
			    const char *const *text)
{
	char **copy = xcalloc(g->nr, sizeof(*copy));

	for (size_t i = 0; i < g->nr; i++)
		copy[i] = xstrdup(text[i]);
	measure(g, text);
	g->waiting[g->nr_waiting++] = copy;
	if (g->nr_waiting == HEAD_ROWS)
		lay_out(s, g, p);
}

static void row(struct sink *s, struct part *p, const struct cell *cells)
{
	char buf[MAX_COLUMNS][PT_NUM_LEN];
	const char *text[MAX_COLUMNS];
	struct grid *g = p->state;

	if (!g) {
		g = grid_new(p);
		p->state = g;
	}
	for (size_t i = 0; i < g->nr; i++) {
		int c = g->place[i].column;

		text[i] = cell_text(&cells[c], p->table->columns[c].unit, &s->print, buf[i]);
		/* An empty cell would shift the columns for scripts. */
		if (!*text[i])
			text[i] = "-";
	}
	if (!g->laid_out) {
		wait_for_layout(s, g, p, text);
		return;
	}
	if (measure(g, text)) {
		fputc('\n', p->f);
		print_title(s, g, p);
	}
	print_line(p->f, g, p, text, "", "");
}

static void flush(struct sink *s, struct part *p)
{
	struct grid *g = p->state;
	bool any = false;

	if (!g)
		return;
	lay_out(s, g, p);
	for (size_t i = 0; i < g->nr; i++) {
		if (!g->place[i].hidden)
			continue;
		fprintf(p->f, any ? ", %s" : "columns omitted for width: %s",
			title(p, &g->place[i]));
		any = true;
	}
	if (any)
		fputs(" (select with --fields)\n", p->f);
	free(g->place);
	free(g);
	p->state = NULL;
}

/* A blank line between what there is */
static void head(struct sink *s, struct part *p)
{
	if (s->state && p->rows)
		fputc('\n', s->f);
}

static void tail(struct sink *s, struct part *p)
{
	if (p->rows)
		s->state = s;
}

static void end(struct sink *s)
{
	if (s->doc->footer.len)
		fprintf(s->f, "%s%s", s->state ? "\n" : "", s->doc->footer.s);
}

const struct format format_table = {
	.name = "table",
	.head = head,
	.row = row,
	.flush = flush,
	.tail = tail,
	.end = end,
};
