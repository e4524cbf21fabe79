// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace top: a live table of the clients, from debugfs, and the last
 * requests, from events.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "explain.h"
#include "filter.h"
#include "live.h"
#include "options.h"
#include "view.h"

#define NR_LAST 5
#define DEBUGFS_GLOB "/sys/kernel/debug/dri/*/reclaim"

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
	NR_T
};

/* Names are those of debugfs: a column that the kernel does not have shows "-". */
static const struct column columns[] = {
	[T_CLIENT] = { "client", "CLIENT", UNIT_COUNT, "open file (drm-client-id)", true },
	[T_TGID] = { "tgid", "PID", UNIT_COUNT, "its process", true },
	[T_COMMAND] = { "command", "COMMAND", UNIT_TEXT, "name of that", true },
	[T_BOS] = { "bos", "BOS", UNIT_COUNT, "BOs", true },
	[T_RESIDENT] = { "resident", "RESIDENT", UNIT_BYTES, "memory that it has", true },
	[T_RECLAIMABLE] = { "reclaimable", "RECLAIMABLE", UNIT_BYTES, "of that may go", true },
	[T_PINNED] = { "pinned", "PINNED", UNIT_BYTES, "of that may not go", true },
	[T_SHARED] = { "shared", "SHARED", UNIT_BYTES, "of that is shared", true },
	[T_EVICTED] = { "evicted", "EVICTED", UNIT_BYTES, "memory that is evicted now", true },
	[T_EVICTED_BOS] = { "evicted_bos", "BOS", UNIT_COUNT, "BOs that are evicted now", true },
	[T_EVICTIONS] = { "evictions", "EVICTIONS", UNIT_COUNT, "evictions so far", true },
	[T_SWAPINS] = { "swapins", "SWAPINS", UNIT_COUNT, "swap-ins so far", true },
	[T_LAST] = { "last_id", "LAST", UNIT_COUNT, "its last request", true },
	[T_LAST_NS] = { "last_duration_ns", "BLOCKED", UNIT_NS, "how long that blocked", true },
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
	struct termios old;
	bool raw;
};

static const struct argp_option options[] = {
	{ "delay", 'd', "TIME", 0, "Time between two looks (default 1s)", 0 },
	{ "iterations", 'n', "N", 0, "Stop after N looks", 0 },
	{ "batch", 'B', NULL, 0, "Print one table after the other, as to a file", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top *t = state->input;
	char *end;

	switch (key) {
	case 'd':
		if (!parse_ns(arg, strlen(arg), &t->interval_ns) || t->interval_ns < 10000000)
			usage_error("--delay wants a time of at least 10ms, not \"%s\"", arg);
		return 0;
	case 'n':
		t->rounds = strtoul(arg, &end, 10);
		if (*end || !t->rounds)
			usage_error("--iterations wants a number, not \"%s\"", arg);
		return 0;
	case 'B':
		t->batch = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &t->out;
		return 0;
	case ARGP_KEY_ARG:
		usage_error("no arguments wanted");
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
	"A live table of the clients of the GPU: what they have, what is evicted, the last "
	"requests. q quits.",
	children,
	NULL,
	NULL,
};

/* A line of debugfs' table, by the names in its head line */
static void add_row(struct table *t, const int *place, int nr, char *line)
{
	struct cell *row = table_add(t);
	char *save = NULL, *word = strtok_r(line, "\n ", &save), clean[256];

	for (int i = 0; i < nr && word; i++, word = strtok_r(NULL, "\n ", &save)) {
		if (place[i] < 0)
			continue;
		if (columns[place[i]].unit == UNIT_TEXT) {
			pt_clean(clean, sizeof(clean), word, strlen(word));
			row[place[i]] = cell_s(clean);
		} else {
			row[place[i]] = cell_u(strtoull(word, NULL, 10));
		}
	}
}

static int read_file(struct table *t, const char *path)
{
	int place[64], nr = 0;
	char *line = NULL, *save, *word;
	FILE *f = fopen(path, "r");
	size_t size = 0;

	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		if (*line != '#') {
			add_row(t, place, nr, line);
			continue;
		}
		save = NULL;
		for (nr = 0, word = strtok_r(line + 1, "\n ", &save); word && nr < 64;
		     word = strtok_r(NULL, "\n ", &save))
			place[nr++] = table_find(t, word, strlen(word));
	}
	free(line);
	fclose(f);
	return 0;
}

/* dri/<device> has aliases by minor: each real file once */
static struct table *read_clients(void)
{
	struct table *t = table_new("clients", columns, NR_T);
	char real[PATH_MAX], before[PATH_MAX] = "";
	int err = -ENOENT;
	glob_t found;

	if (glob(DEBUGFS_GLOB, 0, NULL, &found)) {
		found.gl_pathc = 0;
		found.gl_pathv = NULL;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (strstr(found.gl_pathv[i], "/client-") || !realpath(found.gl_pathv[i], real) ||
		    !strcmp(real, before))
			continue;
		strcpy(before, real);
		err = read_file(t, real);
	}
	if (found.gl_pathv)
		globfree(&found);
	if (!err)
		return t;
	pt_error("cannot read %s: %s; it takes root, debugfs and a driver with "
		 "CONFIG_DRM_PANTHOR_RECLAIM",
		 DEBUGFS_GLOB, strerror(-err));
	table_free(t);
	return NULL;
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

static int show(struct top *t)
{
	struct doc doc = { .kind = "top", .file = "live" };
	struct table *clients = read_clients();
	int status = EXIT_USAGE;

	if (!clients)
		return EXIT_FAILED;
	if (t->live)
		live_poll(t->live, on_event, on_lost, t);
	for (int i = 0; i < NR_LAST && t->last[i]; i++)
		pt_add(&doc.footer, "%s\n", t->last[i]);
	doc_add(&doc, clients);
	/* home, clear: the screen is ours */
	if (t->raw)
		fputs("\033[H\033[2J", stdout);
	if (t->raw && !clients->nr_rows)
		puts("no client has the GPU open");
	if (!(t->out.fields && table_choose(clients, t->out.fields)) &&
	    !(t->out.sort && table_sort(clients, t->out.sort)))
		status = output_print(&t->out, &doc);
	doc_free(&doc);
	return status;
}

static void take_terminal(struct top *t)
{
	struct termios raw;

	if (t->batch || t->out.path || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &t->old))
		return;
	raw = t->old;
	raw.c_lflag &= ~(ICANON | ECHO);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		return;
	t->raw = true;
	/* other screen, no cursor */
	fputs("\033[?1049h\033[?25l", stdout);
}

static void give_terminal_back(struct top *t)
{
	if (!t->raw)
		return;
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &t->old);
	t->raw = false;
}

/* False: time to go */
static bool wait_for_key(const struct top *t)
{
	struct pollfd in = { .fd = t->raw ? STDIN_FILENO : -1, .events = POLLIN };
	char key;

	if (poll(&in, 1, t->interval_ns / 1000000) <= 0)
		return true;
	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q';
}

int cmd_top(int argc, char **argv)
{
	struct top t = { .interval_ns = 1000000000 };
	struct pt_model_config config = { .request = on_request, .context = &t };
	int status = EXIT_OK;

	if (!parse_args(&argp, argc, argv, &t, &status))
		return status;
	if (t.out.fields && !strcmp(t.out.fields, "help")) {
		columns_help(stdout, "Fields of a client:", columns, NR_T);
		return EXIT_OK;
	}
	t.style = (struct pt_style){ .names = &t.names, .units = t.out.units };
	t.model = pt_model_new(&config);
	/* Without events there is still the table. */
	if (!live_problem())
		t.live = live_open(&t.names);

	watch_signals();
	take_terminal(&t);
	for (unsigned long i = 0; !interrupted() && (!t.rounds || i < t.rounds); i++) {
		if (i && !wait_for_key(&t))
			break;
		status = interrupted() ? EXIT_OK : show(&t);
		if (status)
			break;
		fflush(stdout);
	}
	give_terminal_back(&t);

	live_close(t.live);
	pt_model_free(t.model);
	for (int i = 0; i < NR_LAST; i++)
		free(t.last[i]);
	return status;
}
