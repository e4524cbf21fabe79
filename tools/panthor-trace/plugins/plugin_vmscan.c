// SPDX-License-Identifier: LGPL-2.1
/*
 * Since Linux 7.3 the vmscan events' text uses `REC->ent.pid`, which no
 * released libtraceevent parses: it prints "[FAILED TO PARSE]" and hex. Events
 * that it does parse are left to it.
 */
#include <traceevent/event-parse.h>
#include <traceevent/trace-seq.h>

#include "plugins/plugin_vmscan.h"

#define MAX_FIELDS 12

enum how { DEC, UNS, HEX, FUNC };

struct vmscan_event {
	const char *name;
	struct {
		const char *label;
		const char *field;
		enum how how;
	} field[MAX_FIELDS];
};

#define BEGIN_FIELDS                                                                   \
	{                                                                              \
		{ "order", "order", DEC }, { "gfp_flags", "gfp_flags", HEX },          \
			{ "pid", "common_pid", DEC }, { "memcg_id", "memcg_id", UNS }, \
	}
#define END_FIELDS                                                                     \
	{                                                                              \
		{ "nr_reclaimed", "nr_reclaimed", UNS }, { "pid", "common_pid", DEC }, \
			{ "memcg_id", "memcg_id", UNS },                               \
	}

/* clang-format off */
static const struct vmscan_event events[] = {
	{ "mm_vmscan_direct_reclaim_begin", BEGIN_FIELDS },
	{ "mm_vmscan_direct_reclaim_end", END_FIELDS },
	{ "mm_vmscan_memcg_reclaim_begin", BEGIN_FIELDS },
	{ "mm_vmscan_memcg_reclaim_end", END_FIELDS },
	{ "mm_vmscan_memcg_softlimit_reclaim_begin", BEGIN_FIELDS },
	{ "mm_vmscan_memcg_softlimit_reclaim_end", END_FIELDS },
	{ "mm_vmscan_node_reclaim_end", END_FIELDS },
	{ "mm_shrink_slab_start", {
		{ "shrinker", "shrink", FUNC },
		{ "nid", "nid", DEC },
		{ "pid", "common_pid", DEC },
		{ "memcg_id", "memcg_id", UNS },
		{ "objects_to_shrink", "nr_objects_to_shrink", DEC },
		{ "gfp_flags", "gfp_flags", HEX },
		{ "cache_items", "cache_items", UNS },
		{ "delta", "delta", UNS },
		{ "total_scan", "total_scan", UNS },
		{ "priority", "priority", DEC },
	} },
	{ "mm_shrink_slab_end", {
		{ "shrinker", "shrink", FUNC },
		{ "nid", "nid", DEC },
		{ "pid", "common_pid", DEC },
		{ "memcg_id", "memcg_id", UNS },
		{ "unused_scan", "unused_scan", DEC },
		{ "new_scan", "new_scan", DEC },
		{ "total_scan", "total_scan", DEC },
		{ "retval", "retval", DEC },
	} },
};

/* clang-format on */

#define NR_EVENTS (sizeof(events) / sizeof(events[0]))

static void print_field(struct trace_seq *s, struct tep_event *event, const char *label,
			const struct tep_format_field *field, enum how how, const void *data)
{
	unsigned long long value = tep_read_number(event->tep, data, field->size);
	const char *func = how == FUNC ? tep_find_function(event->tep, value) : NULL;

	if (func)
		trace_seq_printf(s, "%s=%s", label, func);
	else if (how == HEX || how == FUNC)
		trace_seq_printf(s, "%s=0x%llx", label, value);
	else if (how == UNS)
		trace_seq_printf(s, "%s=%llu", label, value);
	else
		trace_seq_printf(s, "%s=%lld", label,
				 field->size == 4 ? (int)value : (long long)value);
}

static int handle(struct trace_seq *s, struct tep_record *record, struct tep_event *event,
		  void *context)
{
	const struct vmscan_event *known = context;
	const char *sep = "";

	if (!(event->flags & TEP_EVENT_FL_FAILED))
		return 1;

	for (int i = 0; i < MAX_FIELDS && known->field[i].label; i++) {
		const struct tep_format_field *field =
			tep_find_any_field(event, known->field[i].field);

		if (!field || field->offset < 0 || field->size <= 0 || field->size > 8 ||
		    field->offset > record->size - field->size)
			continue;
		trace_seq_puts(s, sep);
		print_field(s, event, known->field[i].label, field, known->field[i].how,
			    (const char *)record->data + field->offset);
		sep = " ";
	}
	return 0;
}

void pt_vmscan_register(struct tep_handle *tep)
{
	for (size_t i = 0; i < NR_EVENTS; i++)
		tep_register_event_handler(tep, -1, "vmscan", events[i].name, handle,
					   (void *)&events[i]);
}

void pt_vmscan_unregister(struct tep_handle *tep)
{
	for (size_t i = 0; i < NR_EVENTS; i++)
		tep_unregister_event_handler(tep, -1, "vmscan", events[i].name, handle,
					     (void *)&events[i]);
}
