// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/argument.h"
#include "cmd/cli.h"
#include "report/number.h"
#include "cmd/options.h"
#include "cmd/pager.h"
#include "trace/source.h"

#define OPT_BYTES 0x200
#define OPT_NS 0x201
#define OPT_COLOR 0x202
#define OPT_CLIENT 0x203
#define OPT_TIMES 0x204
#define OPT_LIMIT 0x205
#define OPT_NO_PAGER 0x206

static const struct argp_option selection_options[] = {
	{ "time", 't', "FROM,TO", 0,
	  "Only requests that began in this range, in seconds of the trace's clock; FROM or TO may be "
	  "empty",
	  0 },
	{ "pid", 'p', "PID", 0, "Only requests whose requester or target is this process", 0 },
	{ "client", OPT_CLIENT, "ID", 0,
	  "Only requests that looked at BOs of this client (drm-client-id)", 0 },
	{ 0 }
};

static error_t parse_time(struct selection *sel, const char *arg)
{
	const char *comma = strchr(arg, ',');

	sel->to_ns = UINT64_MAX;
	if (!comma || (comma > arg && !parse_seconds(arg, comma - arg, &sel->from_ns)) ||
	    (comma[1] && !parse_seconds(comma + 1, strlen(comma + 1), &sel->to_ns)) ||
	    sel->from_ns > sel->to_ns)
		usage_error("--time: expected FROM,TO in seconds, not \"%s\"", arg);
	return 0;
}

static error_t parse_selection(int key, char *arg, struct argp_state *state)
{
	struct selection *sel = state->input;

	switch (key) {
	case 't':
		return parse_time(sel, arg);
	case 'p':
		sel->pid = want_pid("--pid", arg);
		return 0;
	case OPT_CLIENT:
		sel->client = want_number("--client", arg, 0, UINT64_MAX);
		sel->by_client = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp selection_argp = { .options = selection_options, .parser = parse_selection };

static const struct argp_option output_options[] = {
	{ "format", 'F', "FORMAT", 0,
	  "table, json, jsonl, csv or html; for export also chrome, perfetto and sqlite", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE instead of standard output", 0 },
	{ "fields", 'f', "LIST", 0,
	  "Show these fields, separated by commas; +LIST adds fields; help lists them", 0 },
	{ "sort", 's', "LIST", 0, "Sort by these fields; -FIELD in descending order", 0 },
	{ "limit", OPT_LIMIT, "N", 0, "Print only the first N rows, after sorting", 0 },
	{ "times", OPT_TIMES, "HOW", 0,
	  "Timestamps: trace (default: as recorded), relative (to the first event) or wall (time of "
	  "day, if the trace has it)",
	  0 },
	{ "bytes", OPT_BYTES, NULL, 0, "Print sizes in bytes", 0 },
	{ "ns", OPT_NS, NULL, 0, "Print times in nanoseconds", 0 },
	{ "color", OPT_COLOR, "WHEN", 0,
	  "When to use color: auto (default: on a terminal), never or always", 0 },
	{ 0 }
};

static error_t parse_output(int key, char *arg, struct argp_state *state)
{
	struct output *out = state->input;

	switch (key) {
	case 'F':
		out->format = find_format(arg);
		if (!out->format)
			exit(EXIT_USAGE);
		return 0;
	case 'o':
		out->path = arg;
		return 0;
	case 'f':
		out->fields = arg;
		return 0;
	case 's':
		out->sort = arg;
		return 0;
	case OPT_LIMIT:
		out->limit = want_number("--limit", arg, 1, UINT64_MAX);
		return 0;
	case OPT_TIMES:
		if (!strcmp(arg, "trace"))
			out->time = TIME_TRACE;
		else if (!strcmp(arg, "relative"))
			out->time = TIME_RELATIVE;
		else if (!strcmp(arg, "wall"))
			out->time = TIME_WALL;
		else
			usage_error("--times: expected trace, relative or wall, not \"%s\"", arg);
		return 0;
	case OPT_BYTES:
		out->units.bytes = true;
		return 0;
	case OPT_NS:
		out->units.ns = true;
		return 0;
	case OPT_COLOR:
		if (!strcmp(arg, "auto"))
			out->color = COLOR_AUTO;
		else if (!strcmp(arg, "never"))
			out->color = COLOR_NEVER;
		else if (!strcmp(arg, "always"))
			out->color = COLOR_ALWAYS;
		else
			usage_error("--color: expected auto, never or always, not \"%s\"", arg);
		return 0;
	case ARGP_KEY_INIT:
		out->format = out->format ?: &format_table;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp output_argp = { .options = output_options, .parser = parse_output };

static const struct argp_option file_options[] = {
	{ "no-pager", OPT_NO_PAGER, NULL, 0, "Do not use $PAGER or less for tables on a terminal",
	  2 },
	{ 0 }
};

static error_t parse_file(int key, char *arg, struct argp_state *state)
{
	struct file_args *args = state->input;

	switch (key) {
	case OPT_NO_PAGER:
		args->out.pager = false;
		return 0;
	case ARGP_KEY_INIT:
		args->path = "trace.dat";
		args->out.pager = true;
		state->child_inputs[0] = &args->sel;
		state->child_inputs[1] = &args->out;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num && !args->many)
			usage_error("too many arguments; expected one trace file");
		if (!state->arg_num)
			args->path = arg;
		if (!args->many)
			return 0;
		args->paths = xrealloc(args->paths, (args->nr_paths + 1) * sizeof(*args->paths));
		args->paths[args->nr_paths++] = arg;
		return 0;
	case ARGP_KEY_END:
		for (size_t i = 0; i < args->nr_paths; i++)
			args->paths[i] = source_path(args->paths[i]);
		args->path = args->nr_paths ? args->paths[0] : source_path(args->path);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child file_children[] = {
	CHILD_SELECTION,
	CHILD_OUTPUT,
	{ 0 },
};

const struct argp file_argp = { file_options, parse_file, .children = file_children };

bool output_wants_help(const struct output *out)
{
	return out->fields && !strcmp(out->fields, "help");
}

int output_spare(const struct output *out, const char *input)
{
	struct stat in, to;

	if (stat(input, &in) || !S_ISREG(in.st_mode) ||
	    (out->path ? stat(out->path, &to) : fstat(STDOUT_FILENO, &to)) ||
	    in.st_dev != to.st_dev || in.st_ino != to.st_ino)
		return EXIT_OK;
	if (out->path)
		pt_error("--output %s would overwrite the trace", out->path);
	else
		pt_error("standard output is the trace and would overwrite it");
	return EXIT_USAGE;
}

int output_no_timeline(const struct output *out)
{
	if (!out->format->timeline && !out->format->database)
		return EXIT_OK;
	pt_error("only export supports format %s", out->format->name);
	return EXIT_USAGE;
}

int output_shape(const struct output *out, struct table *t)
{
	t->limit = out->limit;
	if ((out->fields && table_choose(t, out->fields)) ||
	    (out->sort && sort_parse(t, out->sort, &t->sort)))
		return EXIT_USAGE;
	return EXIT_OK;
}

/* Width to fit tables to, 0 if there is none */
static size_t output_width(const struct output *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (out->path)
		return 0;
	if (columns && parse_count(columns, strlen(columns), &width) && width && width < 100000)
		return width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !isatty(STDOUT_FILENO))
		return 0;
	return size.ws_col;
}

void output_open(const struct output *out, struct sink *sink, struct doc *doc)
{
	*sink = (struct sink){
		.format = out->format,
		.path = out->path,
		.stop = interrupted,
		.doc = doc,
		.pager = out->pager && out->format == &format_table ? pager_start : NULL,
		.print = {
			.units = out->units,
			.all_columns = !out->fields,
			.color = out->color == COLOR_ALWAYS ||
				 (out->color == COLOR_AUTO && !out->path && isatty(STDOUT_FILENO) &&
				  !getenv("NO_COLOR")),
			.time = out->time,
			.width = output_width(out),
		},
	};
}

int output_print(const struct output *out, struct doc *doc)
{
	struct sink sink;

	output_open(out, &sink, doc);
	return output_no_timeline(out) ?: sink_close(&sink);
}
