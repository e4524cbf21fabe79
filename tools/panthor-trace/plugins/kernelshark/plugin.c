// SPDX-License-Identifier: LGPL-2.1
/*
 * KernelShark plugin: draws requests, writebacks, evictions and swap-ins onto
 * the graphs of tasks and CPUs. The text of table rows comes from the
 * libtraceevent plugin, which KernelShark loads automatically.
 */
#include <stdlib.h>

#include <libkshark.h>
#include <libkshark-tepdata.h>

#include "model/events.h"
#include "plugins/kernelshark/spans.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int KSHARK_PLOT_PLUGIN_INITIALIZER(struct kshark_data_stream *stream);
EXPORT int KSHARK_PLOT_PLUGIN_DEINITIALIZER(struct kshark_data_stream *stream);
EXPORT void *KSHARK_MENU_PLUGIN_INITIALIZER(void *window);

/* One for each trace that is open: the callbacks only get its number. */
struct context {
	struct context *next;
	int sd;
	struct shark *shark;
};

static struct context *contexts;

static struct context **find(int sd)
{
	struct context **at = &contexts;

	while (*at && (*at)->sd != sd)
		at = &(*at)->next;
	return at;
}

static void on_event(struct kshark_data_stream *stream, void *record, struct kshark_entry *entry)
{
	struct context *context = *find(stream->stream_id);

	if (context)
		shark_feed(context->shark, entry, record);
}

static void on_draw(struct kshark_cpp_argv *argv, int sd, int val, int action)
{
	struct context *context = *find(sd);

	if (context)
		shark_draw(argv, context->shark, sd, val, action);
}

/* Returns 1 if the trace has our events. */
int KSHARK_PLOT_PLUGIN_INITIALIZER(struct kshark_data_stream *stream)
{
	struct context *context;

	if (!kshark_is_tep(stream) || *find(stream->stream_id))
		return 0;
	context = calloc(1, sizeof(*context));
	if (!context)
		return 0;
	context->sd = stream->stream_id;
	context->shark = shark_new(kshark_get_tep(stream));
	if (!context->shark) {
		free(context);
		return 0;
	}
	context->next = contexts;
	contexts = context;

	for (int i = 0; i < PT_NR_KINDS; i++)
		if (shark_event_id(context->shark, i) >= 0)
			kshark_register_event_handler(stream, shark_event_id(context->shark, i),
						      on_event);
	kshark_register_draw_handler(stream, on_draw);
	return 1;
}

int KSHARK_PLOT_PLUGIN_DEINITIALIZER(struct kshark_data_stream *stream)
{
	struct context **at = find(stream->stream_id), *context = *at;

	if (!context)
		return 0;
	for (int i = 0; i < PT_NR_KINDS; i++)
		if (shark_event_id(context->shark, i) >= 0)
			kshark_unregister_event_handler(stream, shark_event_id(context->shark, i),
							on_event);
	kshark_unregister_draw_handler(stream, on_draw);
	*at = context->next;
	shark_free(context->shark);
	free(context);
	return 1;
}

/* Called if there is a window. We add no menu, but double clicks need the window. */
void *KSHARK_MENU_PLUGIN_INITIALIZER(void *window)
{
	shark_set_window(window);
	return NULL;
}
