// SPDX-License-Identifier: GPL-2.0
/*
 * Names and labels in events: whatever they hold, the text has one of each field, and no control
 * character. And what is called the same elsewhere: the device, and the client.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
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

int main(void)
{
	tap_start();
	test_names();
	test_client();
	return tap_end();
}
