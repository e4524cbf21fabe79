// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "filter.h"
#include "options.h"

#define OPT_BYTES 0x200
#define OPT_NS 0x201
#define OPT_COLOR 0x202
#define OPT_CLIENT 0x203

static const struct argp_option selection_options[] = {
	{ "time", 't', "FROM,TO", 0,
	  "Only what began in this range, in seconds as the trace has them; either may be left out",
	  0 },
	{ "pid", 'p', "PID", 0, "Only requests by or against this process", 0 },
	{ "client", OPT_CLIENT, "ID", 0, "Only requests that touched this client (drm-client-id)",
	  0 },
	{ 0 }
};

static error_t parse_time(struct selection *sel, const char *arg)
{
	const char *comma = strchr(arg, ',');

	sel->to_ns = UINT64_MAX;
	if (!comma || (comma > arg && !parse_seconds(arg, comma - arg, &sel->from_ns)) ||
	    (comma[1] && !parse_seconds(comma + 1, strlen(comma + 1), &sel->to_ns)) ||
	    sel->from_ns > sel->to_ns)
		usage_error("--time wants FROM,TO in seconds, not \"%s\"", arg);
	return 0;
}

static error_t parse_selection(int key, char *arg, struct argp_state *state)
{
	struct selection *sel = state->input;
	char *end;

	switch (key) {
	case 't':
		return parse_time(sel, arg);
	case 'p':
		sel->pid = strtoll(arg, &end, 10);
		if (*end || sel->pid <= 0)
			usage_error("--pid wants a process id, not \"%s\"", arg);
		return 0;
	case OPT_CLIENT:
		sel->client = strtoull(arg, &end, 10);
		sel->by_client = true;
		if (*end || !*arg)
			usage_error("--client wants a number, not \"%s\"", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp selection_argp = { .options = selection_options, .parser = parse_selection };

bool selected(const struct selection *sel, const struct pt_request *req)
{
	uint64_t when = req->flags & PT_REQ_NO_BEGIN ? req->end_ts : req->begin_ts;
	bool found = !sel->by_client;

	if (sel->to_ns && (when < sel->from_ns || when > sel->to_ns))
		return false;
	if (sel->pid && req->writer_tgid != sel->pid && req->target_tgid != sel->pid)
		return false;
	for (size_t i = 0; !found && i < req->n_vms; i++)
		found = req->vms[i].client_id == sel->client;
	for (size_t i = 0; !found && i < req->n_bos; i++)
		found = req->bos[i].client_id == sel->client;
	return found;
}

bool selected_refault(const struct selection *sel, const struct pt_event *ev)
{
	if (sel->to_ns && (ev->ts < sel->from_ns || ev->ts > sel->to_ns))
		return false;
	if (sel->pid && ev->tgid != sel->pid)
		return false;
	return !sel->by_client || ev->client_id == sel->client;
}

static const struct argp_option output_options[] = {
	{ "format", 'F', "FORMAT", 0, "table, json, jsonl, csv, chrome or html", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE instead of standard output", 0 },
	{ "fields", 'f', "LIST", 0,
	  "Show these fields, separated by commas; +LIST: these too; help: list them", 0 },
	{ "sort", 's', "LIST", 0, "Sort by these fields; -FIELD: downwards", 0 },
	{ "bytes", OPT_BYTES, NULL, 0, "Memory in plain bytes", 0 },
	{ "ns", OPT_NS, NULL, 0, "Time in plain nanoseconds", 0 },
	{ "color", OPT_COLOR, "WHEN", 0, "auto (default: on a terminal), never or always", 0 },
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
			usage_error("--color wants auto, never or always, not \"%s\"", arg);
		return 0;
	case ARGP_KEY_INIT:
		out->format = out->format ?: &format_table;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp output_argp = { .options = output_options, .parser = parse_output };

static error_t parse_file(int key, char *arg, struct argp_state *state)
{
	struct file_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		args->path = "trace.dat";
		state->child_inputs[0] = &args->sel;
		state->child_inputs[1] = &args->out;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			usage_error("one trace file at a time; diff compares two");
		args->path = arg;
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

const struct argp file_argp = { .parser = parse_file, .children = file_children };

int output_print(const struct output *out, const struct doc *doc)
{
	FILE *f = out->path ? fopen(out->path, "w") : stdout;
	struct print print = {
		.units = out->units,
		.all_columns = !out->fields,
	};
	int err;

	if (!f) {
		pt_error("cannot write %s: %s", out->path, strerror(errno));
		return EXIT_FAILED;
	}
	print.color = out->color == COLOR_ALWAYS ||
		      (out->color == COLOR_AUTO && isatty(fileno(f)) && !getenv("NO_COLOR"));

	errno = 0;
	err = out->format->print(f, doc, &print) || ferror(f);
	if (out->path)
		err |= fclose(f);
	else
		err |= fflush(f);
	if (err) {
		/* Whoever closed the pipe has seen enough. */
		if (errno == EPIPE)
			return EXIT_OK;
		pt_error("cannot write %s: %s", out->path ?: "the output",
			 strerror(errno ?: ENOMEM));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}
