// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-trace record: trace-cmd with the right events and buffers, after a
 * look whether the kernel has them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tracefs/tracefs.h>

#include "cli.h"
#include "live.h"
#include "swap.h"

#define MAX_ARGS 96
#define MIN_BUFFER_KB 1024
#define MAX_BUFFER_KB 65536

/* What need not be quoted in a shell */
#define SHELL_SAFE                                                       \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"%+,-./:=@_"

struct record {
	const char *output;
	unsigned long buffer_kb;
	bool jobs;
	bool mm;
	bool dry_run;
	char **command;
	int nr_command;
};

/* A preset is a list of systems or events; what is optional may be missing. */
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

/* The kernel has no events of swapping itself: what is read and written there shows it. */
static const struct wanted swap_events[] = {
	{ "block", "block_bio_queue", true },
	{ "block", "block_bio_complete", true },
	{ NULL, NULL, false },
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Trace file (default: trace.dat)", 0 },
	{ "buffer", 'b', "KIB", 0, "Buffer per CPU (default: by RAM, 1 to 64 MiB)", 0 },
	{ "jobs", 'j', NULL, 0, "Also jobs and fences: dma_fence, gpu_scheduler", 0 },
	{ "mm", 'm', NULL, 0,
	  "Also the kernel's own reclaim and swap: vmscan, OOM kills, I/O of swap devices", 0 },
	{ "dry-run", 'n', NULL, 0, "Only print the trace-cmd line", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record *r = state->input;
	char *end;

	switch (key) {
	case 'o':
		r->output = arg;
		return 0;
	case 'b':
		r->buffer_kb = strtoul(arg, &end, 10);
		if (*end || !r->buffer_kb)
			usage_error("--buffer wants a number of KiB, not \"%s\"", arg);
		return 0;
	case 'j':
		r->jobs = true;
		return 0;
	case 'm':
		r->mm = true;
		return 0;
	case 'n':
		r->dry_run = true;
		return 0;
	case ARGP_KEY_ARG:
		/* The rest belongs to the command. */
		r->command = state->argv + state->next - 1;
		r->nr_command = state->argc - state->next + 1;
		state->next = state->argc;
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

/*
 * A 16th of RAM for all CPUs together: bursts of ten thousand BOs fit, and a
 * small machine is not hurt.
 */
static unsigned long default_buffer_kb(void)
{
	unsigned long long ram_kb =
		(unsigned long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 1024;
	unsigned long kb = ram_kb / 16 / sysconf(_SC_NPROCESSORS_ONLN);

	return kb < MIN_BUFFER_KB ? MIN_BUFFER_KB : kb > MAX_BUFFER_KB ? MAX_BUFFER_KB : kb;
}

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

struct line {
	char *arg[MAX_ARGS];
	int nr;
};

static void add(struct line *line, const char *arg)
{
	if (line->nr < MAX_ARGS - 1)
		line->arg[line->nr++] = xstrdup(arg);
}

/* @filter: only such events, or NULL */
static int add_events(struct line *line, const struct wanted *w, const char *filter)
{
	char name[128];

	for (; w->system; w++) {
		snprintf(name, sizeof(name), "%s%s%s", w->system, w->event ? ":" : "",
			 w->event ?: "");
		if (exists(w)) {
			add(line, "-e");
			add(line, name);
			if (filter) {
				add(line, "-f");
				add(line, filter);
			}
		} else if (w->optional) {
			pt_warn("the kernel has no events \"%s\"; going on without", name);
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
		pt_warn("no swap is in use: nothing can be evicted, and there is no I/O to record");
	if (swaps)
		fclose(swaps);
	pt_text_free(&filter);
	return ret;
}

static int build(struct line *line, const struct record *r)
{
	char number[32];

	add(line, "trace-cmd");
	add(line, "record");
	snprintf(number, sizeof(number), "%lu", r->buffer_kb ?: default_buffer_kb());
	add(line, "-b");
	add(line, number);
	add(line, "-o");
	add(line, r->output);
	if (add_events(line, reclaim_events, NULL) ||
	    (r->jobs && add_events(line, job_events, NULL)) ||
	    (r->mm && (add_events(line, mm_events, NULL) || add_swap(line))))
		return -1;
	if (r->nr_command + line->nr >= MAX_ARGS - 1) {
		pt_error("the command has more than %d words; put it into a script",
			 MAX_ARGS - 2 - line->nr);
		return -1;
	}
	for (int i = 0; i < r->nr_command; i++)
		add(line, r->command[i]);
	return 0;
}

/* As a shell would read it again */
static void print_line(const struct line *line)
{
	for (int i = 0; i < line->nr; i++) {
		const char *arg = line->arg[i];

		if (i)
			putchar(' ');
		if (*arg && !arg[strspn(arg, SHELL_SAFE)]) {
			fputs(arg, stdout);
			continue;
		}
		putchar('\'');
		for (; *arg; arg++) {
			if (*arg == '\'')
				fputs("'\\'", stdout);
			putchar(*arg);
		}
		putchar('\'');
	}
	putchar('\n');
}

int cmd_record(int argc, char **argv)
{
	struct record r = { .output = "trace.dat" };
	struct line line = { 0 };
	int status = EXIT_OK;
	const char *problem;

	argp_err_exit_status = EXIT_USAGE;
	/* In order: what follows COMMAND is not for us. */
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &r))
		return EXIT_USAGE;

	problem = live_problem();
	if (problem) {
		pt_error("%s", problem);
		return EXIT_FAILED;
	}
	if (build(&line, &r)) {
		status = EXIT_FAILED;
	} else if (r.dry_run) {
		print_line(&line);
	} else {
		execvp(line.arg[0], line.arg);
		pt_error("cannot run trace-cmd: %s%s", strerror(errno),
			 errno == ENOENT ? "; on Debian: apt-get install trace-cmd" : "");
		status = EXIT_FAILED;
	}
	for (int i = 0; i < line.nr; i++)
		free(line.arg[i]);
	return status;
}
