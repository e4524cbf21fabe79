// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace record: runs trace-cmd with the right events and buffers, after
 * checking that the kernel has the events.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tracefs/tracefs.h>

#include "cmd/argument.h"
#include "cmd/cli.h"
#include "trace/live.h"
#include "report/number.h"
#include "trace/recorder.h"
#include "trace/swap.h"

#define MIN_BUFFER_KB 1024
#define MAX_BUFFER_KB 65536
/* How often to check whether a request was blocked too long */
#define LOOK_MS 100
#define MAX_LIMIT_NS (24 * 3600 * NS_PER_SEC)
#define MAX_KIB (1 << 30)
#define MIN_MAX_KIB 16
#define OPT_MM 0x100
#define OPT_STOP 0x101
#define OPT_SNAPSHOT 0x102

/**
 * struct record - what is recorded, and until when
 * @limit_ns: limit of the blocked time, as text in @limit; 0: none
 * @snapshot: write the buffer to a file then, instead of stopping
 */
struct record {
	const char *output;
	unsigned long buffer_kb;
	unsigned long max_kb;
	uint64_t limit_ns;
	const char *limit;
	bool snapshot;
	bool jobs;
	bool mm;
	bool dry_run;
	char **command;

	struct tracefs_instance *instance;
	struct recorder recorder;
	int signals;
	pid_t pid; /* of COMMAND */
	int status;
	bool failed;
	unsigned int nr_files;
};

/* A preset is a list of systems or events; optional ones may be missing. */
struct wanted {
	const char *system;
	const char *event; /* NULL: all */
	bool optional;
};

static const struct wanted reclaim_events[] = {
	{ "panthor", NULL, false },
	{ "gpu_mem", NULL, true },
	{ NULL, NULL, false },
};

static const struct wanted job_events[] = {
	{ "dma_fence", NULL, false },
	{ "gpu_scheduler", NULL, true },
	{ NULL, NULL, false },
};

static const struct wanted mm_events[] = {
	{ "vmscan", NULL, false },
	{ "oom", "mark_victim", true },
	{ NULL, NULL, false },
};

/* The kernel has no events for swapping: record the I/O of the swap devices. */
static const struct wanted swap_events[] = {
	{ "block", "block_bio_queue", true },
	{ "block", "block_bio_complete", true },
	{ NULL, NULL, false },
};

/*
 * 1/16 of RAM for all CPUs together: enough for bursts of ten thousand BOs, and
 * small enough for small machines. At most @limit, unless that is 0.
 */
static unsigned long default_buffer_kb(unsigned long limit)
{
	unsigned long long ram_kb =
		(unsigned long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 1024;
	unsigned long kb = ram_kb / 16 / sysconf(_SC_NPROCESSORS_ONLN);

	kb = kb < MIN_BUFFER_KB ? MIN_BUFFER_KB : kb > MAX_BUFFER_KB ? MAX_BUFFER_KB : kb;
	return limit && limit < kb ? limit : kb;
}

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Trace file (default: trace.dat)", 0 },
	{ "buffer", 'b', "KIB", 0, "Buffer size per CPU (default: by RAM, 1 to 64 MiB)", 0 },
	{ "max-size", 'm', "KIB", 0,
	  "Limit the file to this size per CPU; it keeps the newest events", 0 },
	{ "jobs", 'j', NULL, 0, "Record jobs and fences, too: dma_fence, gpu_scheduler", 0 },
	{ "mm", OPT_MM, NULL, 0,
	  "Record the kernel's own reclaim, too: vmscan, OOM kills, I/O of swap devices", 0 },
	{ "stop", OPT_STOP, "TIME", 0, "Stop after a request that was blocked longer than this",
	  0 },
	{ "snapshot", OPT_SNAPSHOT, "TIME", 0,
	  "Record to memory; after each request that was blocked longer than this, write the buffer "
	  "to FILE.1, FILE.2, ...",
	  0 },
	{ "dry-run", 'n', NULL, 0, "Print the trace-cmd command line; do not run it", 0 },
	{ 0 }
};

static void parse_limit(struct record *r, const char *option, const char *arg)
{
	if (r->limit_ns)
		usage_error("--stop and --snapshot: only one of them, and only once");
	r->limit_ns = want_time(option, arg, 1, MAX_LIMIT_NS);
	r->limit = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record *r = state->input;

	switch (key) {
	case 'o':
		r->output = arg;
		return 0;
	case 'b':
		r->buffer_kb = want_number("--buffer", arg, 1, MAX_KIB);
		return 0;
	case 'm':
		r->max_kb = want_number("--max-size", arg, MIN_MAX_KIB, MAX_KIB);
		return 0;
	case 'j':
		r->jobs = true;
		return 0;
	case OPT_MM:
		r->mm = true;
		return 0;
	case OPT_STOP:
		parse_limit(r, "--stop", arg);
		return 0;
	case OPT_SNAPSHOT:
		parse_limit(r, "--snapshot", arg);
		r->snapshot = true;
		return 0;
	case 'n':
		r->dry_run = true;
		return 0;
	case ARGP_KEY_ARG:
		/* The rest belongs to the command. */
		r->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (r->snapshot && r->max_kb)
			usage_error("--snapshot does not take --max-size; use --buffer");
		if (r->max_kb && r->buffer_kb >= r->max_kb)
			usage_error("--max-size must be larger than --buffer");
		if (!r->buffer_kb)
			r->buffer_kb = default_buffer_kb(r->max_kb / 2);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	options,
	parse,
	"[COMMAND [ARG...]]",
	"Record reclaim of GPU memory while COMMAND runs, or until Ctrl-C.",
	NULL,
	NULL,
	NULL,
};

static bool exists(const struct wanted *w)
{
	char *path, *dir = tracefs_get_tracing_file("events");
	bool found = false;

	if (dir && asprintf(&path, "%s/%s/%s", dir, w->system, w->event ?: "enable") >= 0) {
		found = !access(path, F_OK);
		free(path);
	}
	tracefs_put_tracing_file(dir);
	return found;
}

/* @filter: only such events, or NULL */
static int add_events(struct line *line, const struct wanted *w, const char *filter)
{
	char name[128];

	for (; w->system; w++) {
		snprintf(name, sizeof(name), "%s%s%s", w->system, w->event ? ":" : "",
			 w->event ?: "");
		if (exists(w)) {
			line_add(line, "-e");
			line_add(line, name);
			if (filter) {
				line_add(line, "-f");
				line_add(line, filter);
			}
		} else if (w->optional) {
			pt_warn("the kernel has no events \"%s\"; recording without them", name);
		} else {
			pt_error("the kernel has no events \"%s\"", name);
			return -1;
		}
	}
	return 0;
}

static int add_swap(struct line *line)
{
	FILE *swaps = fopen("/proc/swaps", "re");
	struct pt_text filter = { 0 };
	int ret = 0;

	if (swaps && swap_filter(swaps, &filter))
		ret = add_events(line, swap_events, filter.s);
	else
		pt_warn("no swap is in use: nothing can be evicted, no swap I/O to record");
	if (swaps)
		fclose(swaps);
	pt_text_free(&filter);
	return ret;
}

/* The kernel stops tracing when such a request ends, so its events are not overwritten. */
static void add_limit(struct line *line, uint64_t limit_ns)
{
	char trigger[64];

	snprintf(trigger, sizeof(trigger), "traceoff if duration_ns > %llu",
		 (unsigned long long)limit_ns);
	line_add(line, "-e");
	line_add(line, "panthor:panthor_reclaim_end");
	line_add(line, "-R");
	line_add(line, trigger);
}

static const char *number(char buf[PT_NUM_LEN], unsigned long value)
{
	snprintf(buf, PT_NUM_LEN, "%lu", value);
	return buf;
}

static int build(struct line *line, const struct record *r)
{
	char buf[PT_NUM_LEN];

	line_add(line, "trace-cmd");
	line_add(line, r->snapshot ? "start" : "record");
	if (r->snapshot) {
		line_add(line, "-B");
		line_add(line, r->instance ? tracefs_instance_get_name(r->instance) : "panthor");
	}
	line_add(line, "-b");
	line_add(line, number(buf, r->buffer_kb));
	/* The content of the buffer at the end is added to the file. */
	if (r->max_kb) {
		line_add(line, "-m");
		line_add(line, number(buf, r->max_kb - r->buffer_kb));
	}
	if (!r->snapshot) {
		line_add(line, "-o");
		line_add(line, r->output);
	}
	if (add_events(line, reclaim_events, NULL) ||
	    (r->jobs && add_events(line, job_events, NULL)) ||
	    (r->mm && (add_events(line, mm_events, NULL) || add_swap(line))))
		return -1;
	if (r->limit_ns)
		add_limit(line, r->limit_ns);
	return 0;
}

/* Write the buffers of the instance to the next file. */
static void write_snapshot(struct record *r)
{
	struct line line = { 0 };
	char *path;
	int status;

	if (asprintf(&path, "%s.%u", r->output, ++r->nr_files) < 0)
		return;
	line_add(&line, "trace-cmd");
	line_add(&line, "extract");
	line_add(&line, "-B");
	line_add(&line, tracefs_instance_get_name(r->instance));
	line_add(&line, "-o");
	line_add(&line, path);
	status = line_run(&line);
	if (status) {
		pt_error("cannot write %s: trace-cmd exited with status %d", path, status);
		r->failed = true;
	} else {
		pt_warn("a request was blocked longer than %s: wrote %s", r->limit, path);
	}
	line_free(&line);
	free(path);
}

static void stop(struct record *r)
{
	int status;

	if (!r->recorder.pid)
		return;
	status = recorder_stop(&r->recorder);
	if (status) {
		pt_error("%s may be incomplete: trace-cmd exited with status %d", r->output,
			 status);
		r->failed = true;
	}
}

/* In an instance of its own, which trace-cmd extract removes */
static int start_in_memory(struct record *r)
{
	struct line line = { 0 };
	int status = EXIT_FAILED;

	if (r->instance)
		instance_free(r->instance);
	r->instance = instance_new();
	if (r->instance && !build(&line, r)) {
		status = line_run(&line);
		if (status)
			pt_error("not recording: trace-cmd exited with status %d", status);
	}
	line_free(&line);
	return status;
}

/* False: stop checking */
static bool look(struct record *r)
{
	if (tracefs_trace_is_on(r->instance))
		return true;
	if (r->snapshot) {
		write_snapshot(r);
		r->failed = r->failed || start_in_memory(r);
		return !r->failed;
	}
	pt_warn("a request was blocked longer than %s: stopped recording to %s", r->limit,
		r->output);
	stop(r);
	return false;
}

/* Not waited for: recorder_stop() does that. */
static bool recorder_ended(const struct record *r)
{
	siginfo_t dead = { 0 };

	return r->recorder.pid &&
	       !waitid(P_PID, r->recorder.pid, &dead, WEXITED | WNOHANG | WNOWAIT) && dead.si_pid;
}

/* False: COMMAND ended, or without COMMAND a signal or the end of trace-cmd */
static bool on_signal(struct record *r)
{
	struct signalfd_siginfo info;
	int status;

	if (read(r->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	if (!r->pid)
		return info.ssi_signo == SIGCHLD && !recorder_ended(r);
	if (info.ssi_signo != SIGCHLD) {
		/* From a terminal it reaches COMMAND by itself. */
		if (info.ssi_code != SI_KERNEL)
			kill(r->pid, info.ssi_signo);
		return true;
	}
	if (waitpid(r->pid, &status, WNOHANG) != r->pid)
		return true;
	r->status = shell_status(status);
	return false;
}

/* While COMMAND runs, or until a signal */
static int watch(struct record *r)
{
	struct pollfd in = { .fd = r->signals, .events = POLLIN };
	bool looking = r->limit_ns, go_on = true;

	while (go_on) {
		if (poll(&in, 1, looking ? LOOK_MS : -1) > 0) {
			go_on = on_signal(r);
		} else if (looking) {
			looking = look(r);
			go_on = looking || r->pid;
		}
	}
	/* It may have been the last request. */
	if (looking && !tracefs_trace_is_on(r->instance)) {
		if (r->snapshot)
			write_snapshot(r);
		else
			look(r);
	}
	stop(r);
	return r->status ?: r->failed ? EXIT_FAILED : EXIT_OK;
}

static void take_signals(struct record *r)
{
	static const int ours[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
				    SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&set, ours[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(struct record *r)
{
	struct line line = { 0 };
	int status = EXIT_FAILED;

	take_signals(r);
	if (r->snapshot)
		status = start_in_memory(r);
	else if (!build(&line, r))
		status = recorder_start(&r->recorder, &line);
	line_free(&line);
	if (status)
		return EXIT_FAILED;
	if (r->command)
		status = line_start(r->command, &r->pid);
	else
		fputs("panthor-trace: recording; press Ctrl-C to stop\n", stderr);
	return status ?: watch(r);
}

/* The command line, without the pipe and the name of the instance */
static int print_line(struct record *r)
{
	struct line line = { 0 };
	int status = build(&line, r);

	for (char **arg = r->command; !status && arg && *arg; arg++)
		line_add(&line, *arg);
	if (!status)
		line_print(&line);
	line_free(&line);
	return status ? EXIT_FAILED : EXIT_OK;
}

int cmd_record(int argc, char **argv)
{
	struct record r = { .output = "trace.dat" };
	const char *problem;
	int status;

	/* Options after COMMAND are not ours. */
	if (!parse_args(&argp, argc, argv, ARGP_IN_ORDER, &r, &status))
		return status;

	problem = live_problem();
	if (problem) {
		pt_error("%s", problem);
		return EXIT_FAILED;
	}
	if (!can_write(r.output))
		return EXIT_FAILED;
	status = r.dry_run ? print_line(&r) : run(&r);
	if (r.instance)
		instance_free(r.instance);
	return status;
}
