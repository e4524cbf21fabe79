// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace top: a live table of the clients, from debugfs, and the last
 * requests, from events.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/argument.h"
#include "cmd/cli.h"
#include "model/explain.h"
#include "trace/live.h"
#include "report/number.h"
#include "cmd/options.h"
#include "cmd/screen.h"
#include "report/view.h"

#define NR_LAST 5
#define MIN_INTERVAL_NS 10000000
#define MAX_INTERVAL_NS (100 * 24 * 3600 * NS_PER_SEC)
#define DEBUGFS "/sys/kernel/debug"
#define DEBUGFS_GLOB DEBUGFS "/dri/*/reclaim"

enum {
	T_CLIENT,
	T_TGID,
	T_COMMAND,
	T_BOS,
	T_RESIDENT,
	T_RECLAIMABLE,
	T_PINNED,
	T_SHARED,
	T_EVICTED,
	T_EVICTED_BOS,
	T_EVICTIONS,
	T_SWAPINS,
	T_LAST,
	T_LAST_NS,
	T_TIME,
	NR_T
};

/* Names are those of debugfs. A column that the kernel does not have shows "-". */
static const struct column columns[] = {
	[T_CLIENT] = { "client", "CLIENT", UNIT_COUNT, "client (drm-client-id of fdinfo)", 1 },
	[T_TGID] = { "tgid", "TGID", UNIT_COUNT, "process id", 1 },
	[T_COMMAND] = { "command", "COMMAND", UNIT_TEXT, "process name", 1 },
	[T_BOS] = { "bos", "BOS", UNIT_COUNT, "BOs", 4 },
	[T_RESIDENT] = { "resident", "RESIDENT", UNIT_BYTES, "resident memory", 1 },
	[T_RECLAIMABLE] = { "reclaimable", "RECLAIMABLE", UNIT_BYTES,
			    "resident memory that can be evicted", 1 },
	[T_PINNED] = { "pinned", "PINNED", UNIT_BYTES, "resident memory that cannot be evicted",
		       5 },
	[T_SHARED] = { "shared", "SHARED", UNIT_BYTES, "resident memory that is shared", 5 },
	[T_EVICTED] = { "evicted", "EVICTED", UNIT_BYTES, "memory that is evicted now", 1 },
	[T_EVICTED_BOS] = { "evicted_bos", "#EVICTED", UNIT_COUNT, "BOs that are evicted now", 6 },
	[T_EVICTIONS] = { "evictions", "EVICTIONS", UNIT_COUNT, "evictions so far", 4 },
	[T_SWAPINS] = { "swapins", "SWAPINS", UNIT_COUNT, "swap-ins so far", 3 },
	[T_LAST] = { "last_id", "LAST", UNIT_COUNT, "last request", 3 },
	[T_LAST_NS] = { "last_duration_ns", "BLOCKED", UNIT_NS, "blocked time of the last request",
			2 },
	[T_TIME] = { "time_ns", "TIME", UNIT_TIME, "time of the update, since 1970", 0 },
};

/* Sort keys while it runs, those of top where it has them */
static const struct {
	char key;
	const char *sort;
	const char *help;
} sort_keys[] = {
	{ 'M', "-resident", "resident memory" },
	{ 'A', "-reclaimable", "reclaimable memory" },
	{ 'E', "-evicted", "evicted memory" },
	{ 'S', "-swapins", "swap-ins" },
	{ 'T', "-last_duration_ns", "blocked time" },
	{ 'N', "client", "client" },
	{ 'P', "tgid", "process" },
};

struct top {
	struct output out;
	uint64_t interval_ns;
	unsigned long rounds;
	bool batch;

	struct live *live;
	struct pt_model *model;
	struct pt_names names;
	struct pt_style style;
	char *last[NR_LAST];

	/* content */
	struct table *clients;
	char problem[256];
	uint64_t time_ns;

	/* view, as set by the keys */
	char sort[64];
	size_t first;
	bool help;
};

static const struct argp_option options[] = {
	{ "delay", 'd', "TIME", 0, "Time between updates (default 1s)", 0 },
	{ "iterations", 'n', "N", 0, "Stop after N updates", 0 },
	{ "batch", 'B', NULL, 0, "Print one update after the other, even on a terminal", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top *t = state->input;

	switch (key) {
	case 'd':
		t->interval_ns = want_time("--delay", arg, MIN_INTERVAL_NS, MAX_INTERVAL_NS);
		return 0;
	case 'n':
		t->rounds = want_number("--iterations", arg, 1, UINT32_MAX);
		return 0;
	case 'B':
		t->batch = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &t->out;
		return 0;
	case ARGP_KEY_ARG:
		usage_error("unexpected argument \"%s\"", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { CHILD_OUTPUT, { 0 } };
static const struct argp argp = {
	options,
	parse,
	NULL,
	"Display the resident and evicted GPU memory of all clients, and the last requests, live. "
	"Press q to quit.",
	children,
	NULL,
	NULL,
};

/* A word of debugfs' table as the kernel wrote it: \xNN for what would not be one */
static void unescape(char *word)
{
	unsigned int byte;
	char *to = word;

	while (*word) {
		if (sscanf(word, "\\x%2x", &byte) == 1 && byte) {
			*to++ = byte;
			word += 4;
		} else {
			*to++ = *word++;
		}
	}
	*to = '\0';
}

/* A line of debugfs' table, by the names in its head line */
static void add_row(struct top *t, const int *place, int nr, char *line)
{
	struct cell *row = table_add(t->clients);
	char *save = NULL, *word = strtok_r(line, "\n ", &save), clean[256];

	row[T_TIME] = cell_u(t->time_ns);
	for (int i = 0; i < nr && word; i++, word = strtok_r(NULL, "\n ", &save)) {
		if (place[i] < 0)
			continue;
		if (columns[place[i]].unit == UNIT_TEXT) {
			unescape(word);
			pt_clean(clean, sizeof(clean), word, strlen(word));
			row[place[i]] = cell_s(clean);
		} else {
			row[place[i]] = cell_u(strtoull(word, NULL, 10));
		}
	}
}

static int read_file(struct top *t, const char *path)
{
	int place[64], nr = 0, err = 0;
	char *line = NULL, *save, *word;
	FILE *f = fopen(path, "re");
	size_t size = 0;

	if (!f)
		return errno;
	while (errno = 0, getline(&line, &size, f) > 0) {
		if (*line != '#') {
			add_row(t, place, nr, line);
			continue;
		}
		save = NULL;
		for (nr = 0, word = strtok_r(line + 1, "\n ", &save); word && nr < 64;
		     word = strtok_r(NULL, "\n ", &save))
			place[nr++] = table_find(t->clients, word, strlen(word));
	}
	err = errno;
	free(line);
	fclose(f);
	return err;
}

static void explain_errno(struct top *t, int err)
{
	if (access(DEBUGFS, R_OK | X_OK) && errno == EACCES)
		snprintf(t->problem, sizeof(t->problem), "no permission to read %s; run as root",
			 DEBUGFS);
	else if (err)
		snprintf(t->problem, sizeof(t->problem), "cannot read %s: %s", DEBUGFS_GLOB,
			 strerror(err));
	else
		snprintf(t->problem, sizeof(t->problem),
			 "no %s; mount debugfs, and load the driver (modprobe panthor), built with "
			 "CONFIG_DRM_PANTHOR_RECLAIM",
			 DEBUGFS_GLOB);
}

/*
 * Fills t->clients, or t->problem on error. dri/<device> has aliases by minor:
 * read each real file once.
 */
static bool read_clients(struct top *t)
{
	char real[PATH_MAX], before[PATH_MAX] = "";
	struct timespec now;
	bool found = false;
	int err = 0;
	glob_t paths;

	clock_gettime(CLOCK_REALTIME, &now);
	t->time_ns = now.tv_sec * NS_PER_SEC + now.tv_nsec;
	table_free(t->clients);
	t->clients = table_new("clients", columns, NR_T);
	if (!glob(DEBUGFS_GLOB, 0, NULL, &paths)) {
		for (size_t i = 0; i < paths.gl_pathc; i++) {
			if (strstr(paths.gl_pathv[i], "/client-") ||
			    !realpath(paths.gl_pathv[i], real) || !strcmp(real, before))
				continue;
			strcpy(before, real);
			found = true;
			if (!err)
				err = read_file(t, real);
		}
		globfree(&paths);
	}
	if (found && !err)
		return true;
	explain_errno(t, err);
	return false;
}

static void on_request(void *context, const struct pt_request *req)
{
	struct pt_text text = { 0 };
	struct top *t = context;

	pt_add(&text, "#%llu %s %s[%lld]: ", (unsigned long long)req->id,
	       pt_name(&t->names, PT_SYM_SOURCE, req->source), req->target_comm,
	       (long long)req->target_tgid);
	pt_add(&text, "evicted ");
	pt_add_bytes(&text, req->evicted, &t->style.units);
	pt_add(&text, ", ");
	pt_sentence(&text, req, &t->style);
	free(t->last[NR_LAST - 1]);
	memmove(t->last + 1, t->last, (NR_LAST - 1) * sizeof(t->last[0]));
	t->last[0] = text.s;
}

static void on_event(void *context, const struct pt_event *ev)
{
	struct top *t = context;

	pt_model_feed(t->model, ev);
}

static void on_lost(void *context, uint64_t count)
{
	struct top *t = context;

	pt_model_lost(t->model, count);
}

/* Events depend on the driver being loaded; the table is shown without them. */
static void follow_events(struct top *t, bool driver)
{
	struct pt_model_config config = { .request = on_request, .context = t };

	if (!driver) {
		live_close(t->live);
		t->live = NULL;
		return;
	}
	if (!t->live && !live_problem()) {
		pt_model_free(t->model);
		t->model = pt_model_new(&config);
		t->live = live_open(&t->names);
	}
	if (t->live)
		live_poll(t->live, on_event, on_lost, t);
}

static void add_summary(const struct top *t, struct pt_text *text)
{
	time_t seconds = t->time_ns / NS_PER_SEC;
	uint64_t resident = 0, evicted = 0;
	struct tm local;
	char clock[16];

	for (size_t i = 0; i < t->clients->nr_rows; i++) {
		resident += t->clients->rows[i][T_RESIDENT].u;
		evicted += t->clients->rows[i][T_EVICTED].u;
	}
	strftime(clock, sizeof(clock), "%T", localtime_r(&seconds, &local));
	pt_add(text, "%s  clients: %zu, resident ", clock, t->clients->nr_rows);
	pt_add_bytes(text, resident, &t->out.units);
	pt_add(text, ", evicted ");
	pt_add_bytes(text, evicted, &t->out.units);
	if (!t->clients->nr_rows)
		pt_add(text, "; no process has the GPU open");
}

/* The clients in the format asked for */
static char *render(struct top *t)
{
	struct doc doc = { .kind = "top", .file = "live", .start_ns = t->time_ns };
	size_t rows_unused, len;
	struct sink sink;
	char *text = NULL;

	output_open(&t->out, &sink, &doc);
	sink.to = open_memstream(&text, &len);
	if (screen_is_full()) {
		sink.print.color = false;
		screen_size(&rows_unused, &sink.print.width);
	}
	output_shape(&t->out, t->clients);
	if (*t->sort)
		sort_parse(t->clients, t->sort, &t->clients->sort);
	doc_fact(&doc, "time_ns", t->time_ns);
	doc_add(&doc, t->clients);
	if (!sink.to || sink_close(&sink) || fclose(sink.to)) {
		screen_end();
		exit(EXIT_FAILED);
	}
	doc.nr_tables = 0;
	doc_free(&doc);
	return text;
}

/* One update for a file, a pipe or a script; false: it cannot be written */
static bool print_look(struct top *t, bool first, int *status)
{
	bool good = !first || !t->out.path || output_empty();
	struct pt_text head = { 0 };
	char *text, *body;

	/* First: it is of all clients, and --limit may leave fewer. */
	if (t->out.format == &format_table) {
		add_summary(t, &head);
		printf("%s%s\n", first ? "" : "\n", head.s);
		pt_text_free(&head);
	}
	text = render(t);
	body = text;
	if (t->out.format == &format_csv && !first)
		body += strcspn(body, "\n") + 1;
	fputs(body, stdout);
	for (int i = 0; t->out.format == &format_table && i < NR_LAST && t->last[i]; i++)
		printf("%s%s\n", i ? "" : "\n", t->last[i]);
	free(text);
	errno = 0;
	if (good && !fflush(stdout) && !ferror(stdout))
		return true;
	*status = output_failed(NULL);
	return false;
}

static void add_help(struct pt_text *text)
{
	pt_add(text, "q         quit\nspace     update now\n"
		     "up, down  scroll; page up, page down, home, end too\n"
		     "R         reverse the sort order\n");
	for (size_t i = 0; i < sizeof(sort_keys) / sizeof(sort_keys[0]); i++)
		pt_add(text, "%c         sort by %s\n", sort_keys[i].key, sort_keys[i].help);
	pt_add(text, "h, ?      show or hide this help\n");
}

/* Summary, header, as many clients as fit, and the last requests */
static void add_look(struct top *t, struct pt_text *screen)
{
	size_t rows, columns_unused, nr_last = 0, room;
	char *text = render(t), *line = text;

	screen_size(&rows, &columns_unused);
	while (nr_last < NR_LAST && t->last[nr_last] && nr_last < rows / 4)
		nr_last++;
	room = rows - (rows < 2 ? rows : 2);
	room -= nr_last ? (nr_last + 1 < room ? nr_last + 1 : room) : 0;
	if (t->first + room > t->clients->nr_rows)
		t->first = t->clients->nr_rows > room ? t->clients->nr_rows - room : 0;

	if (t->clients->nr_rows > room && room)
		pt_add(screen, " (%zu to %zu)", t->first + 1, t->first + room);
	if (*t->sort)
		pt_add(screen, ", by %s", t->sort);
	pt_add(screen, "\n");
	for (size_t i = 0; *line; i++) {
		size_t line_len = strcspn(line, "\n");

		if (!i || (i > t->first && i <= t->first + room))
			pt_add(screen, "%.*s\n", (int)line_len, line);
		line += line_len + (line[line_len] == '\n');
	}
	for (size_t i = 0; i < nr_last; i++)
		pt_add(screen, "%s%s\n", i ? "" : "\n", t->last[i]);
	free(text);
}

static void show(struct top *t)
{
	struct pt_text screen = { 0 };

	add_summary(t, &screen);
	if (t->help) {
		pt_add(&screen, "\n\n");
		add_help(&screen);
	} else if (*t->problem) {
		pt_add(&screen, "\n%s\n", t->problem);
	} else {
		add_look(t, &screen);
	}
	screen_show(screen.s);
	pt_text_free(&screen);
}

static void reverse(struct top *t)
{
	if (*t->sort == '-') {
		memmove(t->sort, t->sort + 1, strlen(t->sort));
	} else if (*t->sort && strlen(t->sort) < sizeof(t->sort) - 1) {
		memmove(t->sort + 1, t->sort, strlen(t->sort) + 1);
		*t->sort = '-';
	}
}

static void on_key(struct top *t, int key)
{
	size_t rows, columns_unused;

	screen_size(&rows, &columns_unused);
	switch (key) {
	case SCREEN_UP:
		t->first -= t->first > 0;
		break;
	case SCREEN_DOWN:
		t->first++;
		break;
	case SCREEN_PAGE_UP:
		t->first -= t->first < rows / 2 ? t->first : rows / 2;
		break;
	case SCREEN_PAGE_DOWN:
		t->first += rows / 2;
		break;
	case SCREEN_HOME:
		t->first = 0;
		break;
	case SCREEN_LAST:
		t->first = t->clients->nr_rows;
		break;
	case 'R':
		reverse(t);
		break;
	case 'h':
	case '?':
		t->help = !t->help;
		break;
	default:
		for (size_t i = 0; i < sizeof(sort_keys) / sizeof(sort_keys[0]); i++)
			if (key == sort_keys[i].key)
				strcpy(t->sort, sort_keys[i].sort);
	}
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

/* Wait for the next update; false: exit */
static bool wait_for_time(struct top *t, uint64_t deadline_ns)
{
	for (;;) {
		int event = screen_wait(deadline_ns);

		if (event == SCREEN_TIME || event == ' ' || event == '\n')
			return true;
		if (event == SCREEN_END || event == 'q' || event == 'Q')
			return false;
		if (!screen_is_full())
			continue;
		on_key(t, event);
		show(t);
	}
}

static int run(struct top *t)
{
	int status = EXIT_OK;

	for (unsigned long i = 0;; i++) {
		uint64_t start_ns = monotonic_ns();
		bool good;

		*t->problem = '\0';
		good = read_clients(t);
		follow_events(t, good);
		if (!good && (!screen_is_full() || !i)) {
			screen_end();
			pt_error("%s", t->problem);
			return EXIT_FAILED;
		}
		if (screen_is_full())
			show(t);
		else if (!print_look(t, !i, &status))
			break;
		if (t->rounds && i + 1 == t->rounds) {
			/* Keep the last update visible. */
			if (screen_is_full()) {
				screen_end();
				print_look(t, true, &status);
			}
			break;
		}
		if (!wait_for_time(t, start_ns + t->interval_ns))
			break;
	}
	return status;
}

/* Check all arguments; false: exit with *status */
static bool prepare(struct top *t, int *status)
{
	if (output_wants_help(&t->out)) {
		columns_help(stdout, "Fields of a client:", columns, NR_T);
		return false;
	}
	if (t->out.sort && strlen(t->out.sort) >= sizeof(t->sort))
		usage_error("--sort \"%s\" is too long", t->out.sort);
	strcpy(t->sort, t->out.sort ?: "");
	t->clients = table_new("clients", columns, NR_T);
	*status = output_no_timeline(&t->out) ?: output_shape(&t->out, t->clients);
	if (*status)
		return false;
	if (t->out.format == &format_html)
		usage_error("top does not support format html: a page has one update");
	if (t->out.path && !output_redirect(t->out.path)) {
		*status = EXIT_FAILED;
		return false;
	}
	t->out.path = NULL;
	return true;
}

int cmd_top(int argc, char **argv)
{
	struct top t = { .interval_ns = NS_PER_SEC };
	int status = EXIT_OK;
	bool full;

	if (!parse_args(&argp, argc, argv, 0, &t, &status))
		return status;
	if (prepare(&t, &status)) {
		t.style = (struct pt_style){ .names = &t.names, .units = t.out.units };
		full = !t.batch && t.out.format == &format_table && isatty(STDIN_FILENO) &&
		       isatty(STDOUT_FILENO);
		if (screen_start(full)) {
			status = run(&t);
			screen_end();
		}
		live_close(t.live);
	}
	table_free(t.clients);
	pt_model_free(t.model);
	for (int i = 0; i < NR_LAST; i++)
		free(t.last[i]);
	return status;
}
