// SPDX-License-Identifier: LGPL-2.1
/*
 * libtraceevent plugin for the panthor driver's reclaim events.
 *
 * Prints each event as a readable line, and after each panthor_reclaim_end
 * what that request did. The same binary serves trace-cmd, perf and
 * KernelShark, so it may call only what perf exports (the build checks that),
 * cannot rely on timestamps (perf passes 0) nor on order (KernelShark draws
 * rows as the user scrolls): each line depends only on its own event, and
 * the summary of a request says which events are missing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <traceevent/event-parse.h>
#include <traceevent/trace-seq.h>

#include "model/explain.h"
#include "plugins/plugin_vmscan.h"

#define ENV "PANTHOR_TRACE_PLUGIN"

#define EXPORT __attribute__((visibility("default")))

EXPORT int TEP_PLUGIN_LOADER(struct tep_handle *tep);
EXPORT void TEP_PLUGIN_UNLOADER(struct tep_handle *tep);

enum { OPT_SUMMARY, OPT_BOS, OPT_UNITS, OPT_MIN_BLOCKED, NR_OPTS };

/*
 * Not named tep_plugin_options: libtraceevent would register that on its own
 * once more and toggle the switches twice.
 */
static struct tep_plugin_option options[NR_OPTS + 1] = {
	[OPT_SUMMARY] = {
		.name = "summary",
		.plugin_alias = "panthor",
		.description = "Summary of the request after each end event (default: on)",
		.set = 1,
	},
	[OPT_BOS] = {
		.name = "bos",
		.plugin_alias = "panthor",
		.description = "List the BOs in the summary (default: on)",
		.set = 1,
	},
	[OPT_UNITS] = {
		.name = "units",
		.plugin_alias = "panthor",
		.description = "auto: KiB, MiB, us, ms; exact: bytes and nanoseconds",
		.value = "auto",
	},
	[OPT_MIN_BLOCKED] = {
		.name = "min_blocked",
		.plugin_alias = "panthor",
		.description = "Summarize only requests blocked for at least this many ms",
		.value = "0",
	},
};

/* One for each tep handle that the plugin was loaded for */
struct state {
	struct state *next;
	struct tep_handle *tep;
	struct pt_model *model;
	struct pt_names names;
	struct pt_style style;
	struct pt_text text;
	struct handler {
		struct state *state;
		bool known;
		struct pt_format fmt;
		const struct tep_event *event;
	} handler[PT_NR_KINDS];
};

/*
 * The loader is only given the handle, so there has to be a list of states to
 * find the right one again.
 */
static struct state *states;
static char *env_values;

static void set_option(char *word)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	for (int i = 0; i < NR_OPTS; i++) {
		if (strcmp(word, options[i].name))
			continue;
		if (options[i].value)
			options[i].value = value ? value : options[i].value;
		else
			options[i].set = !value || !strchr("0nNfF", *value);
	}
}

/* perf has no way to set options of a plugin. What the host program sets comes later and wins. */
static void read_env(void)
{
	const char *env = getenv(ENV);
	char *save = NULL, *word;

	if (!env || env_values)
		return;
	env_values = strdup(env);
	if (!env_values)
		return;
	for (word = strtok_r(env_values, ", ", &save); word; word = strtok_r(NULL, ", ", &save))
		set_option(word);
}

/* KernelShark's library; NULL in any other host program */
extern bool kshark_instance(void *context) __attribute__((weak));

static bool exact_units(void)
{
	return options[OPT_UNITS].value && !strcmp(options[OPT_UNITS].value, "exact");
}

/* An invalid number is reported once, and then ignored. */
static uint64_t min_blocked_ns(void)
{
	static const char *refused;
	const char *value = options[OPT_MIN_BLOCKED].value;
	char *end;
	double ms = value ? strtod(value, &end) : 0;

	if (!value || (end != value && !*end && ms >= 0 && ms < 1e12))
		return ms * 1e6;
	if (refused != value)
		fprintf(stderr, "plugin_panthor: min_blocked: expected milliseconds\n");
	refused = value;
	return 0;
}

static void on_request(void *context, const struct pt_request *req)
{
	struct state *st = context;

	/* Dropped from the model without an end event: no summary. */
	if (!options[OPT_SUMMARY].set || req->flags & PT_REQ_NO_END)
		return;
	if (req->duration_ns < min_blocked_ns())
		return;
	/* KernelShark shows only one line of several in a row: print one. */
	if (kshark_instance) {
		pt_causes(&st->text, req, &st->style);
		return;
	}
	pt_add(&st->text, "\n");
	pt_account(&st->text, req, &st->style);
}

static int handle(struct trace_seq *s, struct tep_record *record, struct tep_event *event,
		  void *context)
{
	struct handler *h = context;
	struct state *st = h->state;
	struct pt_event ev;

	if (!h->known || h->event != event) {
		if (pt_format_init(&h->fmt, &st->names, event))
			return 1;
		h->event = event;
		h->known = true;
	}
	if (pt_decode(&h->fmt, event->tep, record->data, record->size, &ev))
		return 1;
	ev.ts = record->ts;
	ev.cpu = record->cpu;

	st->style.units.bytes = exact_units();
	st->style.units.ns = exact_units();
	st->style.bos = options[OPT_BOS].set;
	pt_text_reset(&st->text);
	pt_line(&st->text, &ev, &st->style);
	if (options[OPT_SUMMARY].set)
		pt_model_feed(st->model, &ev);

	if (!st->text.s)
		return 1;
	while (st->text.len && st->text.s[st->text.len - 1] == '\n')
		st->text.s[--st->text.len] = '\0';
	trace_seq_puts(s, st->text.s);
	return 0;
}

static struct state *new_state(struct tep_handle *tep)
{
	struct state *st = calloc(1, sizeof(*st));
	struct pt_model_config config = {
		.request = on_request,
		.context = st,
		.max_open = 64,
		.max_bos = 1 << 16,
	};

	if (!st)
		return NULL;
	st->tep = tep;
	st->model = pt_model_new(&config);
	if (!st->model) {
		free(st);
		return NULL;
	}
	pt_names_init(&st->names);
	st->style.names = &st->names;
	st->style.indent = "        ";
	return st;
}

int TEP_PLUGIN_LOADER(struct tep_handle *tep)
{
	struct state *st = new_state(tep);

	if (!st)
		return -1;

	/* The options are shared: the first handle adds them, the last removes them. */
	if (!states) {
		read_env();
		tep_plugin_add_options("panthor", options);
	}
	st->next = states;
	states = st;

	for (int i = 0; i < PT_NR_KINDS; i++) {
		st->handler[i].state = st;
		tep_register_event_handler(tep, -1, PT_SYSTEM, pt_event_name(i), handle,
					   &st->handler[i]);
	}
	pt_vmscan_register(tep);
	return 0;
}

void TEP_PLUGIN_UNLOADER(struct tep_handle *tep)
{
	struct state **at = &states, *st;

	while (*at && (*at)->tep != tep)
		at = &(*at)->next;
	st = *at;
	if (!st)
		return;

	for (int i = 0; i < PT_NR_KINDS; i++)
		tep_unregister_event_handler(tep, -1, PT_SYSTEM, pt_event_name(i), handle,
					     &st->handler[i]);
	pt_vmscan_unregister(tep);

	*at = st->next;
	pt_model_free(st->model);
	pt_text_free(&st->text);
	free(st);

	if (!states) {
		tep_plugin_remove_options(options);
		options[OPT_SUMMARY].set = 1;
		options[OPT_BOS].set = 1;
		options[OPT_UNITS].value = "auto";
		options[OPT_MIN_BLOCKED].value = "0";
		free(env_values);
		env_values = NULL;
	}
}
