// SPDX-License-Identifier: GPL-2.0
/*
 * load - a client of the panthor driver, controlled by commands
 *
 * The command line declares its buffers and VMs. Each command gets an answer of one line.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"
#include "client.h"

#define MAX_SPECS 16
#define MAX_PROCS 256
#define MAX_VMS 32
#define MAX_ARGS 4
#define USAGE_STATUS 2

static const char doc[] =
	"A client of the panthor driver: allocates labelled buffers, fills them with a pattern, runs jobs, verifies.\v"
	"SPEC is COUNTxSIZE[:KIND[:LABEL]]. SIZE is in bytes, or ends in K, M or G. KIND is private (bound to one VM; COUNT in "
	"each VM), shared (bound to every VM), mmap (mapped by the CPU only) or unused (not mapped). %i in LABEL is replaced by "
	"the number of the buffer. The default is 16x64K:private.\n"
	"\n"
	"When its buffers are ready, each process prints \"ready pid=PID bos=N bytes=N vms=N\". It then reads commands, one per "
	"line, and answers each with one line, \"ok COMMAND pid=PID ...\" or \"error COMMAND pid=PID ...\":\n"
	"  fill [cpu|gpu]          write a new pattern to every buffer\n"
	"  verify [cpu|gpu|check]  compare every byte, through mappings or through jobs that read it; check: jobs compare one line "
	"of each page\n"
	"  calibrate               measure how fast the GPU loops (done once, at the first use)\n"
	"  submit N US             submit N jobs of US microseconds in each VM, and wait for them\n"
	"  hold, release           keep the GPU busy until release\n"
	"  loop HZ US, stop        submit jobs of US microseconds HZ times a second (0: without pause), until stop\n"
	"  unbind, bind            unbind the buffers from their VMs, and bind them again\n"
	"  destroy-vm [N]          destroy VM N (0)\n"
	"  sleep MS                wait\n"
	"  quit                    exit, as at the end of input\n"
	"\n"
	"Exit status: 0 if all commands succeeded, 1 if one failed, 2 for invalid arguments.";

static const struct argp_option options[] = {
	{ "bo", 'b', "SPEC", 0, "Buffers; may be given several times", 0 },
	{ "vms", 'v', "N", 0, "VMs per process (1)", 0 },
	{ "procs", 'p', "N", 0, "Number of identical processes (1: load itself, without fork)", 0 },
	{ "fill", 'f', "HOW", 0, "First fill: cpu, gpu or none (cpu)", 0 },
	{ "seed", 's', "N", 0, "Seed of the pattern (process id)", 0 },
	{ "control", 'c', "FIFO", 0,
	  "Read commands from FIFO, which is created if missing, instead of standard input", 0 },
	{ "exec", 'e', "COMMAND", 0, "Run COMMAND first; may be given several times", 0 },
	{ "keep", 'k', NULL, 0, "Keep the buffers after the end of input, until killed", 0 },
	{ "name", 'n', "NAME", 0, "Process name, as ps and the driver show it", 0 },
	{ "device", 'd', "PATH", 0, "Device node (the first render node of panthor)", 0 },
	{ 0 }
};

#define MAX_EXECS 32

struct load {
	struct client_config config;
	struct bo_spec specs[MAX_SPECS];
	const char *execs[MAX_EXECS];
	unsigned int nr_execs;
	unsigned int procs;
	const char *control;
	const char *name;
	bool keep;
	bool fill;
	bool seed_given;
	enum client_how fill_how;
	bool failed;
};

static unsigned long number_arg(struct argp_state *state, const char *option, const char *text,
				unsigned long min, unsigned long max)
{
	unsigned long value = 0;

	if (parse_number(text, min, max, &value))
		argp_error(state, "%s: expected a number from %lu to %lu, not \"%s\"", option, min,
			   max, text);
	return value;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct load *load = state->input;
	struct client_config *config = &load->config;

	switch (key) {
	case 'b':
		if (config->nr_specs == MAX_SPECS)
			argp_error(state, "--bo: at most %d are possible", MAX_SPECS);
		if (parse_spec(arg, &load->specs[config->nr_specs]))
			argp_error(state, "--bo: expected COUNTxSIZE[:KIND[:LABEL]], not \"%s\"",
				   arg);
		config->nr_specs++;
		break;
	case 'v':
		config->vms = number_arg(state, "--vms", arg, 1, MAX_VMS);
		break;
	case 'p':
		load->procs = number_arg(state, "--procs", arg, 1, MAX_PROCS);
		break;
	case 'f':
		load->fill = strcmp(arg, "none");
		if (load->fill && parse_how(arg, false, &load->fill_how))
			argp_error(state, "--fill: expected cpu, gpu or none, not \"%s\"", arg);
		break;
	case 's':
		config->seed = number_arg(state, "--seed", arg, 0, 4095);
		load->seed_given = true;
		break;
	case 'c':
		load->control = arg;
		break;
	case 'e':
		if (load->nr_execs == MAX_EXECS)
			argp_error(state, "--exec: at most %d are possible", MAX_EXECS);
		load->execs[load->nr_execs++] = arg;
		break;
	case 'k':
		load->keep = true;
		break;
	case 'n':
		load->name = arg;
		break;
	case 'd':
		config->device = arg;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* One line in one write: lines of several processes never mix */
static void __attribute__((format(printf, 1, 2))) answer(const char *format, ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	if (write(STDOUT_FILENO, line, len) != len)
		exit(1);
}

static void answer_error(struct load *load, const char *command, const struct client_error *err,
			 int ret)
{
	char where[128] = "";

	load->failed = true;
	if (err->bo)
		snprintf(where, sizeof(where), " bo=%s offset=%llu", err->bo->label,
			 (unsigned long long)err->offset);
	answer("error %s pid=%d errno=%d%s cannot %s: %s", command, getpid(), -ret, where,
	       err->what, ret == -EILSEQ ? "wrong data" : strerror(-ret));
}

/* What a command prints after "ok NAME pid=PID" */
struct answer {
	char text[256];
};

struct command {
	const char *name;
	int min_args, max_args;
	int (*run)(struct client *client, int argc, char **argv, struct answer *answer,
		   struct client_error *err);
};

static int bad_argument(struct client_error *err)
{
	*err = (struct client_error){ .what = "understand the argument" };
	return -EINVAL;
}

static double ms_since(int64_t start)
{
	return (dev_now() - start) / 1e6;
}

static int run_fill(struct client *client, int argc, char **argv, struct answer *answer,
		    struct client_error *err)
{
	enum client_how how = CLIENT_CPU;
	int64_t start = dev_now();
	int ret;

	if (argc && parse_how(argv[0], false, &how))
		return bad_argument(err);
	ret = client_fill(client, how, err);
	snprintf(answer->text, sizeof(answer->text), "bos=%u ms=%.3f", client->nr_bos,
		 ms_since(start));
	return ret;
}

static int run_verify(struct client *client, int argc, char **argv, struct answer *answer,
		      struct client_error *err)
{
	enum client_how how = CLIENT_CPU;
	int64_t start = dev_now();
	uint64_t bytes;
	int ret;

	if (argc && parse_how(argv[0], true, &how))
		return bad_argument(err);
	ret = client_verify(client, how, &bytes, err);
	snprintf(answer->text, sizeof(answer->text), "bos=%u bytes=%llu ms=%.3f", client->nr_bos,
		 (unsigned long long)bytes, ms_since(start));
	return ret;
}

static int run_calibrate(struct client *client, int argc, char **argv, struct answer *answer,
			 struct client_error *err)
{
	int ret = client_calibrate(client, err);

	(void)argc;
	(void)argv;
	snprintf(answer->text, sizeof(answer->text), "turn_ps=%llu",
		 (unsigned long long)client->jobs[0].turn_ps);
	return ret;
}

static int run_submit(struct client *client, int argc, char **argv, struct answer *answer,
		      struct client_error *err)
{
	unsigned long count, us;
	int64_t start;
	int ret;

	(void)argc;
	if (parse_number(argv[0], 1, 100000, &count) || parse_number(argv[1], 0, JOB_MAX_US, &us))
		return bad_argument(err);
	ret = us ? client_calibrate(client, err) : 0;
	start = dev_now();
	if (!ret)
		ret = client_submit(client, count, us, err);
	snprintf(answer->text, sizeof(answer->text), "jobs=%lu us=%lu ms=%.3f", count, us,
		 ms_since(start));
	return ret;
}

static int run_hold(struct client *client, int argc, char **argv, struct answer *answer,
		    struct client_error *err)
{
	(void)argc;
	(void)argv;
	(void)answer;
	return client_hold(client, err);
}

static int run_release(struct client *client, int argc, char **argv, struct answer *answer,
		       struct client_error *err)
{
	(void)argc;
	(void)argv;
	(void)answer;
	return client_release(client, err);
}

static int run_loop(struct client *client, int argc, char **argv, struct answer *answer,
		    struct client_error *err)
{
	unsigned long hz, us;

	(void)argc;
	if (parse_number(argv[0], 0, 10000, &hz) || parse_number(argv[1], 0, JOB_MAX_US, &us))
		return bad_argument(err);
	snprintf(answer->text, sizeof(answer->text), "hz=%lu us=%lu", hz, us);
	return client_loop_start(client, hz, us, err);
}

static int run_stop(struct client *client, int argc, char **argv, struct answer *answer,
		    struct client_error *err)
{
	uint64_t frames = 0, late = 0;
	int ret = client_loop_stop(client, &frames, &late, err);

	(void)argc;
	(void)argv;
	snprintf(answer->text, sizeof(answer->text), "frames=%llu late=%llu",
		 (unsigned long long)frames, (unsigned long long)late);
	return ret;
}

static int run_bind(struct client *client, int argc, char **argv, struct answer *answer,
		    struct client_error *err)
{
	(void)argc;
	(void)argv;
	(void)answer;
	return client_bind(client, true, err);
}

static int run_unbind(struct client *client, int argc, char **argv, struct answer *answer,
		      struct client_error *err)
{
	(void)argc;
	(void)argv;
	(void)answer;
	return client_bind(client, false, err);
}

static int run_destroy_vm(struct client *client, int argc, char **argv, struct answer *answer,
			  struct client_error *err)
{
	unsigned long vm = 0;

	if (argc && parse_number(argv[0], 0, MAX_VMS - 1, &vm))
		return bad_argument(err);
	snprintf(answer->text, sizeof(answer->text), "vm=%lu", vm);
	return client_destroy_vm(client, vm, err);
}

static int run_sleep(struct client *client, int argc, char **argv, struct answer *answer,
		     struct client_error *err)
{
	unsigned long ms;

	(void)client;
	(void)argc;
	(void)answer;
	if (parse_number(argv[0], 0, 3600000, &ms))
		return bad_argument(err);
	usleep(ms * 1000);
	return 0;
}

static const struct command commands[] = {
	{ "fill", 0, 1, run_fill },
	{ "verify", 0, 1, run_verify },
	{ "calibrate", 0, 0, run_calibrate },
	{ "submit", 2, 2, run_submit },
	{ "hold", 0, 0, run_hold },
	{ "release", 0, 0, run_release },
	{ "loop", 2, 2, run_loop },
	{ "stop", 0, 0, run_stop },
	{ "bind", 0, 0, run_bind },
	{ "unbind", 0, 0, run_unbind },
	{ "destroy-vm", 0, 1, run_destroy_vm },
	{ "sleep", 1, 1, run_sleep },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Run one line; false if it was the last */
static bool run_line(struct load *load, struct client *client, char *line)
{
	struct client_error err = { .what = "do that" };
	struct answer result = {};
	const struct command *command;
	char *argv[MAX_ARGS + 1];
	int argc = 0, ret;
	char *name;

	name = strtok(line, " \t\r\n");
	if (!name || *name == '#')
		return true;
	while (argc <= MAX_ARGS && (argv[argc] = strtok(NULL, " \t\r\n")))
		argc++;
	if (!strcmp(name, "quit"))
		return false;

	command = find_command(name);
	if (!command || argc < command->min_args || argc > command->max_args) {
		load->failed = true;
		answer("error %s pid=%d errno=%d %s; see load --help", name, getpid(), EINVAL,
		       command ? "wrong number of arguments" : "unknown command");
		return true;
	}

	ret = command->run(client, argc, argv, &result, &err);
	if (ret)
		answer_error(load, name, &err, ret);
	else
		answer("ok %s pid=%d%s%s", name, getpid(), *result.text ? " " : "", result.text);
	return true;
}

static uint64_t client_bytes(const struct client *client)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < client->nr_bos; i++)
		bytes += client->bos[i].bo.size;
	return bytes;
}

static bool run_execs(struct load *load, struct client *client)
{
	for (unsigned int i = 0; i < load->nr_execs; i++) {
		char line[256];

		snprintf(line, sizeof(line), "%s", load->execs[i]);
		if (!run_line(load, client, line))
			return false;
	}
	return true;
}

static void run_input(struct load *load, struct client *client, FILE *input)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, input) >= 0)
		if (!run_line(load, client, line))
			goto out;
	while (load->keep)
		pause();
out:
	free(line);
}

static int run_client(struct load *load, FILE *input)
{
	struct client_error err;
	struct client client;
	int ret;

	if (load->name)
		prctl(PR_SET_NAME, load->name);
	if (!load->seed_given)
		load->config.seed = getpid() & 0xfff;

	ret = client_init(&client, &load->config, &err);
	if (ret) {
		answer_error(load, "start", &err, ret);
		return 1;
	}
	ret = load->fill ? client_fill(&client, load->fill_how, &err) : 0;
	if (ret) {
		answer_error(load, "fill", &err, ret);
	} else {
		answer("ready pid=%d bos=%u bytes=%llu vms=%u", getpid(), client.nr_bos,
		       (unsigned long long)client_bytes(&client), client.nr_vms);
		if (run_execs(load, &client))
			run_input(load, &client, input);
	}
	client_fini(&client);
	return load->failed;
}

struct child {
	pid_t pid;
	FILE *commands;
};

static int start_child(struct load *load, struct child *children, unsigned int index)
{
	int pipefd[2];
	FILE *input;

	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	children[index].pid = fork();
	if (children[index].pid < 0)
		return -errno;
	if (!children[index].pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pipefd[1]);
		/* An older sibling's pipe must end when the parent closes it */
		for (unsigned int i = 0; i < index; i++)
			close(fileno(children[i].commands));
		input = fdopen(pipefd[0], "r");
		load->config.seed += index;
		exit(input ? run_client(load, input) : 1);
	}
	close(pipefd[0]);
	children[index].commands = fdopen(pipefd[1], "w");
	return children[index].commands ? 0 : -errno;
}

/* Several processes: each gets each command, none of them is this one */
static int run_children(struct load *load, FILE *input)
{
	struct child children[MAX_PROCS] = {};
	unsigned int count = 0;
	char *line = NULL;
	size_t size = 0;
	int status, failed = 0, ret;

	signal(SIGPIPE, SIG_IGN);
	for (; count < load->procs; count++) {
		ret = start_child(load, children, count);
		if (ret) {
			fprintf(stderr, "load: cannot start process %u: %s\n", count,
				strerror(-ret));
			failed = 1;
			break;
		}
	}

	while (!failed && getline(&line, &size, input) >= 0)
		for (unsigned int i = 0; i < count; i++) {
			fputs(line, children[i].commands);
			fflush(children[i].commands);
		}
	for (unsigned int i = 0; i < count; i++)
		fclose(children[i].commands);
	for (unsigned int i = 0; i < count; i++)
		if (waitpid(children[i].pid, &status, 0) < 0 || status)
			failed = 1;
	free(line);
	return failed;
}

/* Opened for writing too: a script that writes a line and closes is not the end of input */
static FILE *open_control(const char *path)
{
	int fd;

	if (mkfifo(path, 0600) && errno != EEXIST)
		return NULL;
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? NULL : fdopen(fd, "r");
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, NULL, doc, NULL, NULL, NULL };
	static struct load load;
	FILE *input = stdin;

	load.procs = 1;
	load.fill = true;
	load.config.vms = 1;
	load.config.specs = load.specs;
	argp_err_exit_status = USAGE_STATUS;
	if (argp_parse(&argp, argc, argv, 0, NULL, &load))
		return USAGE_STATUS;
	if (!load.config.nr_specs)
		parse_spec("16x64K", &load.specs[load.config.nr_specs++]);

	if (load.control) {
		input = open_control(load.control);
		if (!input) {
			fprintf(stderr, "load: cannot read commands from %s: %s\n", load.control,
				strerror(errno));
			return 1;
		}
	}
	return load.procs == 1 ? run_client(&load, input) : run_children(&load, input);
}
