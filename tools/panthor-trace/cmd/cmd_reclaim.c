// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace reclaim PID: write mem_reclaim, and report the request from its
 * trace events.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/argument.h"
#include "cmd/cli.h"
#include "model/explain.h"
#include "trace/live.h"
#include "trace/swap.h"
#include "cmd/options.h"
#include "report/view.h"

/* How often the kernel's buffers are emptied while the write runs */
#define DRAIN_NS 50000000

struct reclaim {
	char pid[PT_NUM_LEN];
	const char *device;
	bool quiet;
	struct output out;

	struct live *live;
	struct pt_model *model;
	struct pt_names names;
	struct pt_style style;
	struct doc doc;
	struct table *requests;
	struct table *bos;
	uint64_t lost;
	unsigned int flags;
	bool found;
	uint64_t freed;
	uint64_t zram_before; /* RAM that zram takes, if @has_zram */
	uint64_t zram_after;
	bool has_zram;
};

/* The account, unless another format or a table of BOs is selected */
static bool as_account(const struct reclaim *r)
{
	return r->out.format == &format_table && !r->out.fields && !r->out.sort;
}

static const struct argp_option options[] = {
	{ "device", 'd', "NAME", 0, "Device to use, if there is more than one", 0 },
	{ "quiet", 'q', NULL, 0, "Write only; do not trace, print nothing", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct reclaim *r = state->input;

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
			usage_error("too many arguments; reclaim takes one process id");
		/* Pass the parsed value: for the kernel, 010 is 8. */
		snprintf(r->pid, sizeof(r->pid), "%lld", (long long)want_pid("PID", arg));
		return 0;
	case ARGP_KEY_END:
		if (!*r->pid && !output_wants_help(&r->out))
			usage_error("missing process id; usage: panthor-trace reclaim PID");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { CHILD_OUTPUT, { 0 } };
static const struct argp argp = {
	options,  parse, "PID", "Evict the GPU memory of a process and report the result.",
	children, NULL,	 NULL,
};

/* Other requests may run at the same time: ours is the one of this thread. */
static void on_request(void *context, const struct pt_request *req)
{
	struct reclaim *r = context;
	struct pt_text doubts = { 0 };

	if (req->source != PT_SYSFS || req->pid != live_tid(r->live))
		return;
	r->found = true;
	r->flags = req->flags;
	r->freed = req->freed;
	pt_doubts(&doubts, req);
	if (doubts.len)
		doc_problem(&r->doc, "request #%llu: %s", (unsigned long long)req->id, doubts.s);
	pt_text_free(&doubts);
	if (as_account(r)) {
		pt_account(&r->doc.footer, req, &r->style);
		return;
	}
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

	r->lost += count;
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
		{ EACCES, "no permission to write mem_reclaim; run as root, or as a member of "
			  "the group in the udev rule" },
		{ EPERM, "not permitted; another process needs CAP_SYS_RESOURCE" },
		{ ESRCH, "does not exist, or does not have the device open" },
		{ EINTR, "interrupted; memory evicted until then remains evicted" },
		{ EBUSY, "nothing evicted: all BOs were busy" },
		{ ENOSPC, "nothing evicted: no swap space" },
		{ ENODEV, "the device was removed" },
		{ ERANGE, "not a process id" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].err == err) {
			pt_error("process %s: %s", r->pid, known[i].words);
			return;
		}
	}
	pt_error("cannot write %s to %s: %s", r->pid, path, strerror(err));
}

/* A thread that empties the buffers, as the events of a long write may not fit */
struct drain {
	struct live *live;
	pthread_t thread;
	atomic_bool stop;
	bool runs;
};

static void *drain(void *context)
{
	const struct timespec pause = { .tv_nsec = DRAIN_NS };
	struct drain *d = context;

	while (!atomic_load(&d->stop)) {
		nanosleep(&pause, NULL);
		live_drain(d->live);
	}
	return NULL;
}

/* Signals go to the thread that writes: they interrupt the write. */
static void start_drain(struct drain *d)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	d->runs = !pthread_create(&d->thread, NULL, drain, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void stop_drain(struct drain *d)
{
	atomic_store(&d->stop, true);
	if (d->runs)
		pthread_join(d->thread, NULL);
}

static bool zram_takes(uint64_t *bytes)
{
	FILE *swaps = fopen("/proc/swaps", "re");
	bool ok = swaps && swap_zram(swaps, bytes);

	if (swaps)
		fclose(swaps);
	return ok;
}

/* Returns 0 or an errno. */
static int write_traced(struct reclaim *r, const char *path)
{
	struct drain d = { .live = r->live };
	int err;

	r->has_zram = zram_takes(&r->zram_before);
	start_drain(&d);
	err = write_pid(path, r->pid);
	stop_drain(&d);
	r->has_zram = r->has_zram && zram_takes(&r->zram_after);
	live_poll(r->live, on_event, on_lost, r);
	pt_model_flush(r->model);
	return err;
}

/* Not in any event: what the device says before and after, whoever else swaps meanwhile */
static void say_zram(struct reclaim *r)
{
	bool more = r->zram_after >= r->zram_before;
	uint64_t change = more ? r->zram_after - r->zram_before : r->zram_before - r->zram_after;
	const struct pt_units *u = &r->out.units;
	struct pt_text *t = &r->doc.footer;

	doc_fact(&r->doc, "zram_before", r->zram_before);
	doc_fact(&r->doc, "zram_after", r->zram_after);
	if (!as_account(r))
		return;
	pt_add(t, "zram     takes ");
	pt_add_bytes(t, change, u);
	pt_add(t, more ? " more" : " less");
	if (more && r->freed > change) {
		pt_add(t, "; net ");
		pt_add_bytes(t, r->freed - change, u);
		pt_add(t, " freed");
	}
	pt_add(t, "\n");
}

static int print(struct reclaim *r)
{
	int status = EXIT_OK;

	if (r->found && r->has_zram)
		say_zram(r);
	if (r->lost)
		doc_problem(&r->doc, "the trace lost %llu events", (unsigned long long)r->lost);
	if (!r->found)
		doc_problem(&r->doc, "the trace does not have this request");
	for (size_t i = 0; i < r->doc.nr_problems; i++)
		pt_warn("%s", r->doc.problems[i]);
	if (r->doc.nr_problems)
		status = r->flags & PT_REQ_MISMATCH ? EXIT_MISMATCH : EXIT_INCOMPLETE;
	return worse(status, output_print(&r->out, &r->doc));
}

/* Check all arguments before anything is evicted; false: exit with *status */
static bool prepare(struct reclaim *r, int *status)
{
	if (output_wants_help(&r->out)) {
		columns_help(stdout, "Fields of a BO:", bo_columns, nr_bo_columns);
		return false;
	}
	r->requests = table_new("requests", request_columns, nr_request_columns);
	r->bos = table_new("bos", bo_columns, nr_bo_columns);
	doc_add(&r->doc, r->requests);
	doc_add(&r->doc, r->bos);
	*status = output_no_timeline(&r->out) ?: output_shape(&r->out, r->bos);
	if (*status)
		return false;
	if (r->out.path && !can_write(r->out.path)) {
		*status = EXIT_FAILED;
		return false;
	}
	return true;
}

static int run(struct reclaim *r, const char *path)
{
	struct pt_model_config config = { .request = on_request, .context = r };
	const char *problem = r->quiet ? NULL : live_problem();
	int status = EXIT_OK, err;

	/* Reclaim works without tracing; only the account is missing. */
	if (problem)
		pt_warn("%s; reporting only the result", problem);
	else if (!r->quiet)
		r->live = live_open(&r->names);

	watch_signals();
	if (r->live) {
		r->style = (struct pt_style){
			.names = &r->names, .units = r->out.units, .bos = true, .indent = ""
		};
		r->model = pt_model_new(&config);
		err = write_traced(r, path);
		pt_model_free(r->model);
		live_close(r->live);
		/* If the write failed before the request began, there are no events. */
		if (r->found || !err)
			status = print(r);
	} else {
		err = write_pid(path, r->pid);
	}
	if (!err)
		return status;
	explain_errno(r, path, err);
	return err == EINTR ? EXIT_INTERRUPTED : EXIT_FAILED;
}

int cmd_reclaim(int argc, char **argv)
{
	struct reclaim r = { .doc = { .kind = "reclaim", .file = "live" } };
	int status = EXIT_OK;
	char *path;

	if (!parse_args(&argp, argc, argv, 0, &r, &status))
		return status;
	if (prepare(&r, &status)) {
		path = live_reclaim_file(r.device);
		status = path ? run(&r, path) : EXIT_FAILED;
		free(path);
	}
	doc_free(&r.doc);
	return status;
}
