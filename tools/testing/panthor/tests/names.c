// SPDX-License-Identifier: GPL-2.0
/*
 * Names and labels in events: whatever they hold, the text has one of each field, and no control
 * character. And what is called the same elsewhere: the device, the client, and processes.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

static bool raw_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f ||
		    ((unsigned char)*text >= 0x80 && (unsigned char)*text < 0xa0))
			return true;
	return false;
}

/* How often an event's text has a field of that name */
static int fields_called(const struct event *event, const char *key)
{
	char pattern[64];
	int count = 0;

	snprintf(pattern, sizeof(pattern), " %s=", key);
	for (const char *at = strstr(event->text, pattern); at; at = strstr(at + 1, pattern))
		count++;
	return count;
}

/* Nobody's name can forge a field, or send the terminal a command */
static void test_names(void)
{
	static const char *const names[] = {
		"x result=0 ", " requester_comm=y", "a\\x20\"b",
		"esc\033[31m", "c1\x9b[31m",	    "\xc2\x9b[31m",
	};
	struct bo_spec spec = { .count = 1, .size = 65536, .label = "csi\x9b[31m\033[0m" };
	struct client_config config = { .vms = 1, .specs = &spec, .nr_specs = 1 };
	int forged = 0, raw = 0, labels = 0;
	struct client_error err;
	struct client client;
	char old[16];

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err))
		bail("cannot %s", err.what);
	prctl(PR_GET_NAME, old);
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		struct trace *trace = trace_start("panthor", NULL);

		prctl(PR_SET_NAME, names[n]);
		reclaim(getpid());
		prctl(PR_SET_NAME, old);
		client_fill(&client, CLIENT_CPU, &err);
		trace_stop(trace);
		for (int i = 0; i < trace->nr_events; i++) {
			const struct event *event = &trace->events[i];
			bool bad = raw_controls(event->text);

			raw += bad;
			labels += !!strstr(event->text, " label=csi\\x9b[31m\\x1b[0m");
			if (event_is(event, "panthor_reclaim_begin"))
				bad |= fields_called(event, "result") != 0 ||
				       fields_called(event, "requester_comm") != 1;
			else if (event_is(event, "panthor_reclaim_end"))
				bad |= fields_called(event, "result") != 1;
			forged += bad && !raw_controls(event->text);
			if (bad)
				diag("name %zu: %s:%s", n, event->name, event->text);
		}
		trace_free(trace);
	}
	ok(!forged, "no name forges a field (%d events)", forged);
	ok(!raw, "no name or label sends a control character (%d events)", raw);
	ok(labels >= 6, "the names are still readable (%d)", labels);
	client_fini(&client);
}

/* What fdinfo calls an open file */
static int64_t client_id(const struct gpu *gpu)
{
	long long id = -1;
	char line[256];
	FILE *file;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", gpu->fd);
	file = fopen(line, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "drm-client-id: %lld", &id);
	if (!file || id < 0)
		bail("no drm-client-id");
	fclose(file);
	return id;
}

/* Two files with a BO each, in a VM and in none: whose is it, where fdinfo and sysfs say so? */
static void test_client(void)
{
	static const char *const labels[] = { "first", "second" };
	struct gpu gpus[2];
	struct vm vms[2];
	struct bo bos[2];
	struct trace *trace = trace_start("panthor", NULL);
	int events = 0, wrong = 0, devices = 0, rows = 0;
	struct table *table;
	int64_t ids[2];

	for (int i = 0; i < 2; i++) {
		need(gpu_open(&gpus[i], NULL), "open the device");
		need(vm_create(&gpus[i], &vms[i]), "make a VM");
		need(bo_create(&gpus[i], &bos[i], 65536, 0, NULL), "create a BO");
		need(bo_label(&bos[i], labels[i]), "label it");
		need(bo_map(&bos[i]), "map it");
		ids[i] = client_id(&gpus[i]);
	}
	need(bo_bind(&bos[1], &vms[1]), "bind it");
	memset(bos[0].map, 1, bos[0].size);
	need(reclaim(getpid()), "reclaim");
	table = table_read(device_table());
	for (int i = 0; i < 2; i++)
		memset(bos[i].map, 1, bos[i].size);
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		for (int j = 0; j < 2; j++) {
			if (!event_says(event, "label", labels[j]))
				continue;
			events++;
			wrong += event_value(event, "client_id") != ids[j];
		}
		devices += event_has(event, "dev") && event_says(event, "dev", "panthor");
	}
	for (int row = 0; table && row < table->nr_rows; row++)
		for (int j = 0; j < 2; j++)
			rows += (int64_t)table_value(table, row, "client") == ids[j];
	ok(ids[0] != ids[1] && events == 4 && !wrong,
	   "client_id in events is the drm-client-id of fdinfo (%d of %d are not)", wrong, events);
	ok(rows == 2, "so is client in the table (%d)", rows);
	ok(devices == 4, "a request and a swap-in name the device as sysfs does (%d)", devices);
	table_free(table);
	trace_free(trace);
	for (int i = 0; i < 2; i++) {
		bo_unmap(&bos[i]);
		gpu_close(&gpus[i]);
	}
}

/* A client that is process 1 of a PID namespace, by the number that it has outside */
struct nested {
	pid_t pid;
	int to;
	int from;
};

/*
 * It has got its file from somebody else. It has a BO in a VM, one in none, and one that it shares;
 * each byte has it use them
 */
static void nested_client(struct gpu *gpu, int in, int out)
{
	struct bo bos[3];
	struct vm vm;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	need(vm_create(gpu, &vm), "make a VM");
	for (int i = 0; i < 3; i++) {
		need(bo_create(gpu, &bos[i], 65536, 0, NULL), "create a BO");
		need(bo_map(&bos[i]), "map it");
	}
	need(bo_bind(&bos[0], &vm), "bind it");
	need(bo_export(&bos[2]), "export it");
	do {
		for (int i = 0; i < 3; i++)
			memset(bos[i].map, 1, bos[i].size);
	} while (write(out, "", 1) == 1 && read(in, &byte, 1) == 1);
	_exit(1);
}

static bool nested_use(const struct nested *client)
{
	char byte;

	return write(client->to, "", 1) == 1 && read(client->from, &byte, 1) == 1;
}

static void nested_start(struct nested *client)
{
	int to[2], from[2];
	struct gpu gpu;
	char byte;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		bail("no pipe");
	need(gpu_open(&gpu, NULL), "open the device");
	client->pid = fork();
	if (!client->pid)
		nested_client(&gpu, to[0], from[1]);
	gpu_close(&gpu);
	close(to[0]);
	close(from[1]);
	client->to = to[1];
	client->from = from[0];
	if (client->pid < 0 || read(client->from, &byte, 1) != 1)
		bail("no client");
}

/* Do the client's lines in both files of debugfs have the number that it has outside? */
static bool tables_have(pid_t pid)
{
	struct table *table;
	bool have;
	int row;

	table = device_row(pid, &row);
	if (row < 0)
		return false;
	table_free(table);
	table = table_read(client_table(pid));
	have = table && table->nr_rows;
	for (row = 0; table && row < table->nr_rows; row++)
		have &= (pid_t)table_value(table, row, "tgid") == pid;
	if (table)
		table_free(table);
	return have;
}

/*
 * A requester in the same namespace. It has the shrinker run first, before anybody looks at whose
 * the file is
 */
static int nested_requester(const struct nested *client)
{
	int failed = 0;

	failed += shrink_pages(ALL_PAGES) < 0 || !nested_use(client);
	failed += reclaim(1) || claim(1, 0);
	failed += reclaim(1) || !nested_use(client);
	return failed ? 1 : tables_have(client->pid) ? 0 : 2;
}

/* Does a field of the events have this number, @least times, and no other but 0? */
static void check_number(const struct trace *trace, const char *key, pid_t pid, int least)
{
	int count = 0, wrong = 0;

	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];
		int64_t value = event_has(event, key) ? event_value(event, key) : 0;

		count += value == pid;
		if (value && value != pid && !wrong++)
			diag("%s:%s", event->name, event->text);
	}
	ok(count >= least && !wrong, "%s is the number in the initial namespace (%d of %d are not)",
	   key, wrong, wrong + count);
}

/* Wherever a request comes from: a process has the number by which it is known outside */
static void test_namespace(void)
{
	static const char *const all[] = {
		"panthor_reclaim_begin", "panthor_vm_reclaim_begin", "panthor_bo_evict",
		"panthor_bo_evict_skip", "panthor_vm_reclaim_end",   "panthor_bo_writeback",
		"panthor_reclaim_end",	 "panthor_bo_swapin",
	};
	int home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), status;
	struct nested client;
	struct trace *trace;
	pid_t requester;

	if (home < 0 || unshare(CLONE_NEWPID)) {
		skip("no PID namespaces", "processes have their numbers in the initial one");
		return;
	}
	nested_start(&client);
	trace = trace_start("panthor", NULL);
	requester = fork();
	if (!requester)
		_exit(nested_requester(&client));
	if (requester < 0 || setns(home, CLONE_NEWPID))
		bail("no way back");
	waitpid(requester, &status, 0);
	trace_stop(trace);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!trace_count(trace, all[i], 0))
			bail("no %s", all[i]);
	ok(WIFEXITED(status) && WEXITSTATUS(status) != 1,
	   "in a PID namespace, the client is process 1 to the requester (%#x)", status);
	ok(WIFEXITED(status) && !WEXITSTATUS(status) && tables_have(client.pid),
	   "both files of debugfs have its number in the initial one, also when read there");
	/* The shrinker, three writes: without a target, with one */
	check_number(trace, "requester_tgid", requester, 4);
	check_number(trace, "target_tgid", client.pid, 6);
	check_number(trace, "tgid", client.pid, 1);
	trace_free(trace);
	trace = trace_start("gpu_mem:gpu_mem_total", NULL);
	if (reclaim(client.pid) || !nested_use(&client))
		bail("nothing is evicted and used");
	trace_stop(trace);
	check_number(trace, "pid", client.pid, 1);
	trace_free(trace);
	kill(client.pid, SIGKILL);
	waitpid(client.pid, NULL, 0);
	close(client.to);
	close(client.from);
	close(home);
}

int main(void)
{
	tap_start();
	test_names();
	test_client();
	test_namespace();
	return tap_end();
}
