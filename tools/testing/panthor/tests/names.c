// SPDX-License-Identifier: GPL-2.0
/*
 * Names and labels in events: whatever they hold, the text has one of each field, and no control
 * character.
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

int main(void)
{
	tap_start();
	test_names();
	return tap_end();
}
