// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace reclaim PID: write mem_reclaim, and say what the kernel did,
 * from the trace of that one request.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "explain.h"
#include "live.h"
#include "options.h"
#include "view.h"

struct reclaim {
	const char *pid;
	const char *device;
	bool quiet;
	struct output out;

	struct pt_model *model;
	struct pt_names names;
	struct pt_style style;
	struct table *requests;
	struct table *bos;
	struct pt_text text;
	bool found;
};

static const struct argp_option options[] = {
	{ "device", 'd', "NAME", 0, "Device, if there is more than one", 0 },
	{ "quiet", 'q', NULL, 0, "Write only; do not trace, do not print", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct reclaim *r = state->input;
	char *end;

	switch (key) {
	case 'd':
		r->device = arg;
		return 0;
	case 'q':
		r->quiet = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->out;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			usage_error("one process at a time");
		r->pid = arg;
		if (strtoll(arg, &end, 10) <= 0 || *end)
			usage_error("\"%s\" is not a process id", arg);
		return 0;
	case ARGP_KEY_END:
		if (!r->pid)
			usage_error("which process?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { CHILD_OUTPUT, { 0 } };
static const struct argp argp = {
	options,  parse,
	"PID",	  "Push the GPU memory of a process out to swap now, and say what that did.",
	children, NULL,
	NULL,
};

/* Others may ask for memory at the same time: ours is the one that this process wrote. */
static void on_request(void *context, const struct pt_request *req)
{
	struct reclaim *r = context;

	if (req->source != PT_SYSFS || req->pid != getpid())
		return;
	r->found = true;
	pt_account(&r->text, req, &r->style);
	request_row(table_add(r->requests), req, &r->style);
	for (size_t i = 0; i < req->n_bos; i++)
		bo_row(table_add(r->bos), req, &req->bos[i], &r->names);
}

static void on_event(void *context, const struct pt_event *ev)
{
	struct reclaim *r = context;

	pt_model_feed(r->model, ev);
}

static void on_lost(void *context, uint64_t count)
{
	struct reclaim *r = context;

	pt_model_lost(r->model, count);
}

/* Returns 0 or an errno. */
static int write_pid(const char *path, const char *pid)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, pid, strlen(pid)) < 0)
		err = errno;
	close(fd);
	return err;
}

static void explain_errno(const struct reclaim *r, const char *path, int err)
{
	static const struct {
		int err;
		const char *words;
	} known[] = {
		{ EACCES, "no permission to write it; be root, or in the group of the udev rule" },
		{ EPERM, "another process may only be reclaimed with CAP_SYS_RESOURCE" },
		{ ESRCH, "this process does not have the device open" },
		{ EINTR, "interrupted; what was evicted until then stays evicted" },
		{ EBUSY, "nothing was evicted: everything was busy" },
		{ ENOSPC, "nothing was evicted: there is no swap space" },
		{ ENODEV, "the device is gone" },
		{ ERANGE, "that is no process id" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].err == err) {
			pt_error("process %s: %s", r->pid, known[i].words);
			return;
		}
	}
	pt_error("cannot write %s to %s: %s", r->pid, path, strerror(err));
}

static int print(struct reclaim *r)
{
	struct doc doc = { .kind = "reclaim", .file = "live" };
	int status;

	if (!r->found) {
		pt_warn("the trace does not show this request");
		return EXIT_INCOMPLETE;
	}
	if (r->out.format == &format_table && !r->out.fields) {
		fputs(r->text.s, stdout);
		return EXIT_OK;
	}
	doc_add(&doc, r->requests);
	doc_add(&doc, r->bos);
	if (r->out.fields && table_choose(r->bos, r->out.fields))
		status = EXIT_USAGE;
	else
		status = output_print(&r->out, &doc);
	/* the tables are freed by our caller */
	doc.nr_tables = 0;
	doc_free(&doc);
	return status;
}

int cmd_reclaim(int argc, char **argv)
{
	struct reclaim r = { 0 };
	struct pt_model_config config = { .request = on_request, .context = &r };
	struct live *live = NULL;
	int status = EXIT_OK, err;
	const char *problem;
	char *path;

	if (!parse_args(&argp, argc, argv, &r, &status))
		return status;
	path = live_reclaim_file(r.device);
	if (!path)
		return EXIT_FAILED;

	/* Reclaim does not depend on tracing: without it there is only less to say. */
	problem = r.quiet ? NULL : live_problem();
	if (problem)
		pt_warn("%s: only the result can be told", problem);
	else if (!r.quiet)
		live = live_open(&r.names);

	watch_signals();
	err = write_pid(path, r.pid);
	if (live) {
		r.style = (struct pt_style){
			.names = &r.names, .units = r.out.units, .bos = true, .indent = ""
		};
		r.requests = table_new("requests", request_columns, nr_request_columns);
		r.bos = table_new("bos", bo_columns, nr_bo_columns);
		r.model = pt_model_new(&config);
		live_poll(live, on_event, on_lost, &r);
		pt_model_flush(r.model);
		/* An error before the request began leaves nothing in the trace. */
		if (r.found || !err)
			status = print(&r);
		pt_model_free(r.model);
		table_free(r.requests);
		table_free(r.bos);
		pt_text_free(&r.text);
		live_close(live);
	}
	if (err) {
		explain_errno(&r, path, err);
		status = err == EINTR ? EXIT_INTERRUPTED : EXIT_FAILED;
	}
	free(path);
	return status;
}
