// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define TRACEFS "/sys/kernel/tracing"
#define BUFFER_KB "8192"

/* Where a test makes memory short, a buffer has to wait: for these times at most */
#define PATIENCE 100
#define PAUSE_US 100000

static void put(const struct trace *trace, const char *file, const char *text)
{
	char path[256];
	ssize_t ret;

	snprintf(path, sizeof(path), "%s/%s", trace->dir, file);
	for (int tries = 0; tries < PATIENCE; tries++) {
		ret = write_file(path, text, strlen(text));
		if (ret != -ENOMEM)
			break;
		usleep(PAUSE_US);
	}
	if (ret < 0)
		bail("cannot write %s to %s: %s", text, path, strerror(-ret));
}

static void enable(const struct trace *trace, const char *event)
{
	char file[128];
	const char *colon = strchr(event, ':');

	if (colon)
		snprintf(file, sizeof(file), "events/%.*s/%s/enable", (int)(colon - event), event,
			 colon + 1);
	else
		snprintf(file, sizeof(file), "events/%s/enable", event);
	put(trace, file, "1");
}

struct trace *trace_start(const char *event, ...)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	static int number;
	va_list args;

	if (!trace)
		bail("out of memory");
	snprintf(trace->dir, sizeof(trace->dir), TRACEFS "/instances/test-%d-%d", getpid(),
		 number++);
	for (int tries = 0; mkdir(trace->dir, 0700); tries++) {
		if (errno == ENOMEM && tries < PATIENCE) {
			usleep(PAUSE_US);
			continue;
		}
		bail("cannot make %s: %s", trace->dir, strerror(errno));
	}
	put(trace, "buffer_size_kb", BUFFER_KB);
	put(trace, "trace_clock", "mono");
	va_start(args, event);
	for (; event; event = va_arg(args, const char *))
		enable(trace, event);
	va_end(args);
	return trace;
}

static char *slurp(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (!file || getdelim(&text, &room, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	if (file)
		fclose(file);
	return text;
}

bool trace_wait(const struct trace *trace, const char *name, int count)
{
	int64_t until = now_ns() + 120 * NSEC;
	char path[256], pattern[64];

	snprintf(path, sizeof(path), "%s/trace", trace->dir);
	snprintf(pattern, sizeof(pattern), ": %s: ", name);
	while (now_ns() < until) {
		char *text = slurp(path);
		int seen = 0;

		for (char *at = strstr(text, pattern); at; at = strstr(at + 1, pattern))
			seen++;
		free(text);
		if (seen >= count)
			return true;
		usleep(2000);
	}
	return false;
}

void trace_mark(const struct trace *trace, const char *text)
{
	put(trace, "trace_marker", text);
}

static uint64_t lost_events(const struct trace *trace)
{
	char pattern[256];
	uint64_t lost = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/per_cpu/cpu*/stats", trace->dir);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = slurp(found.gl_pathv[i]), *at;

		at = strstr(text, "overrun: ");
		lost += at ? strtoull(at + 9, NULL, 10) : 0;
		at = strstr(text, "dropped events: ");
		lost += at ? strtoull(at + 16, NULL, 10) : 0;
		free(text);
	}
	globfree(&found);
	return lost;
}

/* "   comm-pid  [cpu] flags  seconds.micros: name: key=value ..." */
static bool parse_event(char *line, struct event *event)
{
	char *bracket, *colon, *name;

	if (*line == '#')
		return false;
	/* A task's name may hold anything but a whole "[nnn]" column with digits alone */
	for (bracket = strstr(line, " ["); bracket; bracket = strstr(bracket + 1, " [")) {
		size_t digits = strspn(bracket + 2, "0123456789");

		if (digits >= 3 && bracket[2 + digits] == ']')
			break;
	}
	if (!bracket)
		return false;
	colon = strstr(bracket, ": ");
	if (!colon)
		return false;
	*colon = '\0';
	name = strrchr(bracket, ' ');
	event->time = name ? strtod(name, NULL) : 0;
	name = colon + 2;
	colon = strstr(name, ": ");
	if (!colon)
		return false;
	*colon = '\0';
	event->name = name;
	event->text = colon + 1;
	return true;
}

void trace_stop(struct trace *trace)
{
	struct event event;
	char path[256], *save = NULL;

	put(trace, "tracing_on", "0");
	trace->lost = lost_events(trace);
	snprintf(path, sizeof(path), "%s/trace", trace->dir);
	trace->text = slurp(path);
	for (char *line = strtok_r(trace->text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!parse_event(line, &event))
			continue;
		trace->events =
			realloc(trace->events, (trace->nr_events + 1) * sizeof(*trace->events));
		if (!trace->events)
			bail("out of memory");
		trace->events[trace->nr_events++] = event;
	}
	put(trace, "events/enable", "0");
	if (rmdir(trace->dir))
		diag("%s stays: %s", trace->dir, strerror(errno));
}

void trace_free(struct trace *trace)
{
	free(trace->events);
	free(trace->text);
	free(trace);
}

static const char *find_value(const struct event *event, const char *key)
{
	char pattern[64];
	const char *at;

	snprintf(pattern, sizeof(pattern), " %s=", key);
	at = strstr(event->text, pattern);
	return at ? at + strlen(pattern) : NULL;
}

bool event_has(const struct event *event, const char *key)
{
	return find_value(event, key);
}

int64_t event_value(const struct event *event, const char *key)
{
	const char *at = find_value(event, key);

	if (!at)
		bail("event %s has no %s:%s", event->name, key, event->text);
	return *at == '-' ? strtoll(at, NULL, 0) : (int64_t)strtoull(at, NULL, 0);
}

bool event_is(const struct event *event, const char *name)
{
	return !strcmp(event->name, name);
}

bool event_says(const struct event *event, const char *key, const char *word)
{
	const char *at = find_value(event, key);
	size_t len = strlen(word);

	return at && !strncmp(at, word, len) && (!at[len] || at[len] == ' ');
}

static const struct event *end_of(const struct trace *trace, const char *source)
{
	for (int i = trace->nr_events - 1; i >= 0; i--)
		if (event_is(&trace->events[i], "panthor_reclaim_end") &&
		    event_says(&trace->events[i], "source", source))
			return &trace->events[i];
	bail("no panthor_reclaim_end of source %s", source);
}

const struct event *trace_end(const struct trace *trace)
{
	return end_of(trace, "sysfs");
}

const struct event *trace_claim_end(const struct trace *trace)
{
	return end_of(trace, "claim");
}

const struct event *trace_marked(const struct trace *trace, const char *text)
{
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "tracing_mark_write") &&
		    !strcmp(trace->events[i].text + 1, text))
			return &trace->events[i];
	bail("no mark \"%s\"", text);
}

int events_between(const char *name, const struct event *from, const struct event *to)
{
	int count = 0;

	for (const struct event *event = from + 1; event < to; event++)
		count += event_is(event, name);
	return count;
}

int trace_count(const struct trace *trace, const char *name, uint64_t id)
{
	int count = 0;

	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], name) &&
		    (!id || (uint64_t)event_value(&trace->events[i], "id") == id))
			count++;
	return count;
}
