/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * The panthor driver's reclaim events as C structures.
 *
 * This is the only place that knows how the events are laid out: struct
 * pt_format learns from a file's own description of an event where each field
 * is, pt_decode() turns one record into a struct pt_event. A kernel may have
 * fewer fields than we know (their bit in pt_event.has is 0) or more
 * (they are ignored), in any order, of any integer width.
 *
 * Nothing is copied: the strings of a struct pt_event point into the record
 * and are only valid as long as it is. They are not terminated and may hold
 * anything; see pt_clean().
 */
#ifndef PANTHOR_TRACE_EVENTS_H
#define PANTHOR_TRACE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tep_event;
struct tep_handle;

#define PT_SYSTEM "panthor"

enum pt_kind {
	PT_RECLAIM_BEGIN,
	PT_RECLAIM_END,
	PT_VM_BEGIN,
	PT_VM_END,
	PT_BO_EVICT,
	PT_BO_SKIP,
	PT_BO_WRITEBACK,
	PT_BO_SWAPIN,
	PT_NR_KINDS
};

/*
 * The events' integer fields: name, type. What they mean stands in
 * include/trace/events/panthor_reclaim.h. What is bo_kind here is "kind" there;
 * NAME_kib there is NAME here, in bytes.
 */
/* clang-format off */
#define PT_INTEGERS(X)					\
	X(id,			uint64_t)		\
	X(source,		uint64_t)		\
	X(goal,			uint64_t)		\
	X(requester_tgid,		int64_t)		\
	X(target_tgid,		int64_t)		\
	X(clients,		uint64_t)		\
	X(vms,			uint64_t)		\
	X(result,		int64_t)		\
	X(evicted,		uint64_t)		\
	X(skipped,		uint64_t)		\
	X(unseen,		uint64_t)		\
	X(written,		uint64_t)		\
	X(freed,		uint64_t)		\
	X(remaining,		uint64_t)		\
	X(evicted_bos,		uint64_t)		\
	X(skipped_bos,		uint64_t)		\
	X(remaining_bos,	uint64_t)		\
	X(duration_ns,		uint64_t)		\
	X(fence_ns,		uint64_t)		\
	X(lock_ns,		uint64_t)		\
	X(unmap_ns,		uint64_t)		\
	X(writeback_ns,		uint64_t)		\
	X(writeback,		uint64_t)		\
	X(client_id,		uint64_t)		\
	X(tgid,			int64_t)		\
	X(vm_id,		uint64_t)		\
	X(bos,			uint64_t)		\
	X(size,			uint64_t)		\
	X(fences,		uint64_t)		\
	X(fence_context,	uint64_t)		\
	X(fence_seqno,		uint64_t)		\
	X(bo_id,		uint64_t)		\
	X(va,			uint64_t)		\
	X(wait_ns,		uint64_t)		\
	X(evicted_ns,		uint64_t)		\
	X(state,		uint64_t)		\
	X(reason,		uint64_t)		\
	X(evictions,		uint64_t)		\
	X(lock,			uint64_t)		\
	X(bo_kind,		uint64_t)		\
	X(start_ns,		uint64_t)		\
	X(cut_short,		uint64_t)		\
	X(unwritten,		uint64_t)		\
	X(skipped_busy,		uint64_t)		\
	X(skipped_locked,		uint64_t)		\
	X(skipped_shared,		uint64_t)		\
	X(skipped_pinned,		uint64_t)		\
	X(skipped_no_swap,		uint64_t)		\
	X(skipped_interrupted,	uint64_t)		\
	X(skipped_other,		uint64_t)		\
	X(swapped_in,		uint64_t)		\
	X(swapped_in_bos,	uint64_t)		\
	X(by,			uint64_t)

#define PT_STRINGS(X)		\
	X(dev)			\
	X(requester_comm)		\
	X(target_comm)		\
	X(label)

enum pt_field {
#define X(name, type) PT_F_##name,
	PT_INTEGERS(X)
#undef X
#define X(name) PT_F_##name,
	PT_STRINGS(X)
#undef X
	PT_NR_FIELDS
};

/* clang-format on */

/**
 * struct pt_str - text inside a record
 * @s: first byte, not terminated
 * @len: how many bytes, without a NUL
 */
struct pt_str {
	const char *s;
	size_t len;
};

/**
 * struct pt_event - one decoded event
 * @kind: which
 * @ts: time stamp in ns, 0 if the host program does not pass it (perf)
 * @cpu: CPU it was recorded on
 * @pid: thread it was recorded in, -1 if unknown
 * @has: bit PT_F_x is set if the record had field x; the others are 0 or empty
 *
 * The rest is the event's fields by their own names.
 */
struct pt_event {
	enum pt_kind kind;
	uint64_t ts;
	int cpu;
	int pid;
	uint64_t has;
	/* clang-format off */
#define X(name, type) type name;
	PT_INTEGERS(X)
#undef X
#define X(name) struct pt_str name;
	PT_STRINGS(X)
#undef X
	/* clang-format on */
};

#define pt_has(ev, field) (((ev)->has >> PT_F_##field) & 1)

/* The values of the symbolic fields, as the kernel numbers them today. */
enum pt_source { PT_SYSFS, PT_SHRINKER, PT_KSWAPD, PT_DEBUGFS, PT_CLAIM };
enum pt_writeback { PT_WB_NONE, PT_WB_SWAPCACHE, PT_WB_FREE };

enum pt_symbols {
	PT_SYM_SOURCE,
	PT_SYM_REASON,
	PT_SYM_STATE,
	PT_SYM_WRITEBACK,
	PT_SYM_LOCK,
	PT_SYM_KIND,
	PT_NR_SYMBOLS
};

#define PT_MAX_SYMBOL 32
#define PT_SYMBOL_LEN 24

/**
 * struct pt_names - names of the symbolic fields' values
 * @name: by field and value, empty if there is none
 *
 * Starts as what this program was built with; what the file says about itself
 * (__print_symbolic) replaces that.
 */
struct pt_names {
	char name[PT_NR_SYMBOLS][PT_MAX_SYMBOL][PT_SYMBOL_LEN];
};

/**
 * struct pt_format - where the fields of one event are
 * @kind: which event
 * @pid_offset: of common_pid, -1 if it has none
 * @nr: entries used in @slot
 * @slot: one entry for each field that the file's event has and that we know
 */
struct pt_format {
	enum pt_kind kind;
	int pid_offset;
	int pid_size;
	unsigned int nr;
	struct pt_slot {
		enum pt_field field;
		int offset;
		int size;
		bool dynamic;
		bool relative;
		bool kib;
	} slot[PT_NR_FIELDS];
};

const char *pt_event_name(enum pt_kind kind);
const char *pt_field_name(enum pt_field field);
bool pt_is_field(const char *name, enum pt_field field);
void pt_names_init(struct pt_names *names);
const char *pt_name(const struct pt_names *names, enum pt_symbols which, uint64_t value);
int pt_format_init(struct pt_format *fmt, struct pt_names *names, const struct tep_event *event);
int pt_decode(const struct pt_format *fmt, struct tep_handle *tep, const void *data, int size,
	      struct pt_event *ev);

#endif
