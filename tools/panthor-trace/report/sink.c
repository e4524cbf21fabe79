// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "report/number.h"
#include "report/sink.h"

/* How often to look for the reader of a FIFO */
#define FIFO_MS 20
/* A trace clock in ns that says so much counts from 1970. */
#define WALL_NS (1000000000 * NS_PER_SEC)

/* Nothing more can be written: there is no use in reading on. */
static void give_up(const struct sink *s, int err)
{
	errno = err;
	exit(output_failed(s->path));
}

bool sink_stopped(const struct sink *s)
{
	return s->stop && s->stop();
}

/* A FIFO opens when it has a reader. Ask for one, as a signal does not end open(). */
static FILE *open_path(const struct sink *s)
{
	const struct timespec pause = { .tv_nsec = FIFO_MS * 1000000L };
	struct stat st;
	int fd = -1;

	if (stat(s->path, &st) || !S_ISFIFO(st.st_mode))
		return fopen(s->path, "we");
	while (!sink_stopped(s)) {
		fd = open(s->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 || errno != ENXIO)
			break;
		nanosleep(&pause, NULL);
	}
	if (fd < 0 || fcntl(fd, F_SETFL, O_WRONLY))
		return NULL;
	return fdopen(fd, "w");
}

static bool open_file(struct sink *s)
{
	static char buffer[1 << 16];

	if (s->pager && !s->path && !s->to)
		s->pager();
	s->f = s->path ? open_path(s) : s->to ?: stdout;
	if (!s->f && sink_stopped(s)) {
		pt_error("cannot write %s: interrupted", s->path);
		s->status = EXIT_INTERRUPTED;
		return false;
	}
	if (!s->f) {
		pt_error("cannot write %s: %s", s->path, strerror(errno));
		s->status = EXIT_FAILED;
		return false;
	}
	if (!s->to)
		setvbuf(s->f, buffer, _IOFBF, sizeof(buffer));
	return true;
}

/* The first table is written as it comes, the others after it. */
static bool open_spools(struct sink *s)
{
	for (size_t i = 1; i < s->doc->nr_tables && !s->format->mixed; i++) {
		s->part[i].f = spool_open();
		if (!s->part[i].f) {
			s->status = EXIT_FAILED;
			return false;
		}
	}
	return true;
}

static bool begin(struct sink *s)
{
	struct doc *doc = s->doc;

	if (s->open || s->status)
		return !s->status;

	s->print.no_seconds = doc->no_seconds;
	s->print.start_ns = doc->start_ns;
	if (s->print.time == TIME_WALL && (doc->no_seconds || doc->start_ns < WALL_NS)) {
		pt_error("%s: --times wall needs a trace with the time of day; record with "
			 "trace-cmd record -C tai or --date",
			 doc->file);
		s->status = EXIT_FAILED;
		return false;
	}
	if (s->format->timeline && doc->no_seconds) {
		pt_error("%s: no timeline: the clock \"%s\" does not count seconds", doc->file,
			 doc->clock);
		s->status = EXIT_FAILED;
		return false;
	}
	/* In this order: what is in the file stays if there is no room for temporary ones. */
	if (!s->format->database && (!open_spools(s) || !open_file(s)))
		return false;
	s->open = true;
	errno = 0;
	if (s->format->begin)
		s->format->begin(s);
	if (s->f && ferror(s->f))
		give_up(s, errno);
	return true;
}

static struct part *get_part(struct sink *s, const struct table *table)
{
	struct part *part = s->part;
	size_t i = 0;

	while (s->doc->table[i] != table)
		i++;
	part += i;
	if (part->table)
		return part;
	part->table = table;
	part->f = part->f ?: s->f;
	if (part->f == s->f && s->format->head)
		s->format->head(s, part);
	return part;
}

static void print_row(struct sink *s, const struct table *table, const struct cell *row)
{
	const struct doc *doc = s->doc;
	struct part *part;

	if (s->format->last_only && table != doc->table[doc->nr_tables - 1])
		return;
	if (!begin(s))
		return;
	part = get_part(s, table);
	if (s->status || (table->limit && part->rows == table->limit))
		return;
	errno = 0;
	s->format->row(s, part, row);
	part->rows++;
	if (s->f && ferror_unlocked(s->f))
		give_up(s, errno);
}

static void keep_row(struct table *t, struct cell *row)
{
	struct cell *kept = table_add(t);

	memcpy(kept, row, t->nr_columns * sizeof(*row));
	memset(row, 0, t->nr_columns * sizeof(*row));
	/* Of the best N, no more than twice as many are kept. */
	if (t->limit && t->nr_rows >= 2 * t->limit + 64)
		table_order(t);
}

void sink_row(struct sink *s, struct table *t, struct cell *row)
{
	if (t->sort.nr) {
		keep_row(t, row);
		return;
	}
	print_row(s, t, row);
	row_clear(t, row);
}

static void copy_back(struct sink *s, FILE *from)
{
	char buf[65536];
	size_t n;

	fflush(from);
	if (ferror(from) || fseek(from, 0, SEEK_SET)) {
		pt_error("cannot write a temporary file: %s", strerror(errno));
		s->status = EXIT_FAILED;
	}
	while ((n = fread(buf, 1, sizeof(buf), from)))
		fwrite(buf, 1, n, s->f);
	fclose(from);
}

static void finish_part(struct sink *s, size_t i)
{
	struct table *t = s->doc->table[i];
	struct part *part;

	if (s->format->last_only && i + 1 < s->doc->nr_tables)
		return;
	part = get_part(s, t);
	if (s->status)
		return;
	if (s->format->flush)
		s->format->flush(s, part);
	if (part->f != s->f) {
		if (s->format->head)
			s->format->head(s, part);
		copy_back(s, part->f);
		part->f = s->f;
	}
	if (s->format->tail)
		s->format->tail(s, part);
}

int sink_close(struct sink *s)
{
	struct doc *doc = s->doc;
	int err;

	for (size_t i = 0; i < doc->nr_tables; i++) {
		struct table *t = doc->table[i];

		table_order(t);
		for (size_t r = 0; r < t->nr_rows; r++)
			print_row(s, t, t->rows[r]);
	}
	errno = 0;
	if (begin(s)) {
		for (size_t i = 0; i < doc->nr_tables; i++)
			finish_part(s, i);
		if (s->format->end)
			s->format->end(s);
	}
	if (!s->f)
		return s->status;

	err = ferror(s->f);
	if (s->path)
		err |= fclose(s->f);
	else
		err |= fflush(s->f);
	if (err)
		give_up(s, errno);
	return s->status;
}

void sink_cancel(struct sink *s)
{
	if (s->open && s->format->cancel)
		s->format->cancel(s);
}
