// SPDX-License-Identifier: LGPL-2.1
/*
 * libtraceevent record -> struct pt_event.
 *
 * Uses nothing of libtraceevent but tep_read_number() and public structures,
 * and of struct tep_event only the members before `system`: that is what
 * perf's own copy of the library has in common with the shared one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <traceevent/event-parse.h>

#include "model/events.h"

static const char *const kind_names[PT_NR_KINDS] = {
	[PT_RECLAIM_BEGIN] = "panthor_reclaim_begin", [PT_RECLAIM_END] = "panthor_reclaim_end",
	[PT_VM_BEGIN] = "panthor_vm_reclaim_begin",   [PT_VM_END] = "panthor_vm_reclaim_end",
	[PT_BO_EVICT] = "panthor_bo_evict",	      [PT_BO_SKIP] = "panthor_bo_evict_skip",
	[PT_BO_WRITEBACK] = "panthor_bo_writeback",   [PT_BO_SWAPIN] = "panthor_bo_swapin",
};

static const struct {
	const char *name;
	size_t at;
	bool sign;
	bool string;
} fields[PT_NR_FIELDS] = {
/* clang-format off */
#define X(n, type) [PT_F_##n] = { #n, offsetof(struct pt_event, n), (type)(-1) < (type)1, false },
	PT_INTEGERS(X)
#undef X
#define X(n) [PT_F_##n] = { #n, offsetof(struct pt_event, n), false, true },
	PT_STRINGS(X)
#undef X
	/* clang-format on */
};

static const struct {
	const char *field;
	const char *names[PT_MAX_SYMBOL];
} symbols[PT_NR_SYMBOLS] = {
	[PT_SYM_SOURCE] = { "source", { "sysfs", "shrinker", "kswapd", "debugfs", "claim" } },
	[PT_SYM_REASON] = { "reason",
			    { "none", "busy", "locked", "changed", "mmu-error", "pinned", "shared",
			      "no-swap", "interrupted", "no-memory" } },
	[PT_SYM_STATE] = { "state",
			   { "unused", "mmapped", "private", "multi-vm", "unreclaimable" } },
	[PT_SYM_WRITEBACK] = { "writeback", { "none", "swapcache", "free" } },
	[PT_SYM_LOCK] = { "lock", { "none", "resv", "vm-resv", "gpuva", "vm-op" } },
	[PT_SYM_KIND] = { "kind", { "user", "user-nommap", "kernel" } },
};

const char *pt_event_name(enum pt_kind kind)
{
	return kind < PT_NR_KINDS ? kind_names[kind] : "?";
}

static void set_name(struct pt_names *names, int which, unsigned long value, const char *text)
{
	char *name;
	size_t i;

	if (value >= PT_MAX_SYMBOL)
		return;

	/* These come from the file: escape what could control a terminal or break a CSV. */
	name = names->name[which][value];
	for (i = 0; i < PT_SYMBOL_LEN - 1 && text[i]; i++)
		name[i] = text[i] > ' ' && text[i] < 0x7f && !strchr(",\"'\\<>&", text[i]) ? text[i]
											   : '_';
	name[i] = '\0';
}

void pt_names_init(struct pt_names *names)
{
	memset(names, 0, sizeof(*names));
	for (int s = 0; s < PT_NR_SYMBOLS; s++)
		for (int v = 0; v < PT_MAX_SYMBOL && symbols[s].names[v]; v++)
			set_name(names, s, v, symbols[s].names[v]);
}

/* Never NULL: an unknown value has the name "?". */
const char *pt_name(const struct pt_names *names, enum pt_symbols which, uint64_t value)
{
	if (value >= PT_MAX_SYMBOL || !names->name[which][value][0])
		return "?";
	return names->name[which][value];
}

const char *pt_field_name(enum pt_field field)
{
	if (field == PT_F_bo_kind)
		return "kind";
	return field < PT_NR_FIELDS ? fields[field].name : "?";
}

static bool is_number(const char *text)
{
	return text && *text >= '0' && *text <= '9';
}

/* __print_symbolic(REC->source, { 0, "sysfs" }, …) */
static void learn_names(struct pt_names *names, const struct tep_print_arg *arg)
{
	for (; arg; arg = arg->next) {
		const struct tep_print_flag_sym *sym;
		const struct tep_print_arg *field;

		if (arg->type != TEP_PRINT_SYMBOL)
			continue;
		field = arg->symbol.field;
		while (field && field->type == TEP_PRINT_TYPE)
			field = field->typecast.item;
		if (!field || field->type != TEP_PRINT_FIELD || !field->field.name)
			continue;

		for (int s = 0; s < PT_NR_SYMBOLS; s++) {
			if (strcmp(field->field.name, symbols[s].field))
				continue;
			sym = arg->symbol.symbols;
			if (!sym || !is_number(sym->value))
				continue;
			memset(names->name[s], 0, sizeof(names->name[s]));
			for (; sym; sym = sym->next)
				if (sym->str && is_number(sym->value))
					set_name(names, s, strtoul(sym->value, NULL, 0), sym->str);
		}
	}
}

static bool usable(const struct tep_format_field *f, bool string)
{
	if (f->offset < 0 || f->size <= 0)
		return false;
	if (string)
		return f->flags & (TEP_FIELD_IS_DYNAMIC | TEP_FIELD_IS_ARRAY) &&
		       !(f->flags & TEP_FIELD_IS_DYNAMIC && f->size != 4);
	return !(f->flags & (TEP_FIELD_IS_DYNAMIC | TEP_FIELD_IS_ARRAY)) &&
	       (f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);
}

/* Memory that a record has in KiB: that saves bytes in the ring buffer. */
#define KIB_SUFFIX "_kib"

/**
 * pt_is_field - is this what an event calls one of our fields?
 * @name: name of a field of the event, or NULL
 * @field: ours. Its memory may be in KiB there.
 */
bool pt_is_field(const char *name, enum pt_field field)
{
	const char *ours = pt_field_name(field);
	size_t len = strlen(ours);

	return name && !strncmp(name, ours, len) && (!name[len] || !strcmp(name + len, KIB_SUFFIX));
}

static void add_slot(struct pt_format *fmt, const struct tep_format_field *f, unsigned int field)
{
	for (unsigned int i = 0; i < fmt->nr; i++)
		if (fmt->slot[i].field == field)
			return;

	fmt->slot[fmt->nr++] = (struct pt_slot){
		.field = field,
		.offset = f->offset,
		.size = f->size,
		.dynamic = f->flags & TEP_FIELD_IS_DYNAMIC,
		.relative = f->flags & TEP_FIELD_IS_RELATIVE,
		.kib = strcmp(f->name, pt_field_name(field)),
	};
}

/**
 * pt_format_init - read the layout of one of our events
 * @fmt: filled in
 * @names: the symbolic names of the event are added here; may be NULL
 * @event: the description in the file. Its system is ignored.
 *
 * Return: 0, or -ENOENT if it is not an event of the driver.
 */
int pt_format_init(struct pt_format *fmt, struct pt_names *names, const struct tep_event *event)
{
	const struct tep_format_field *f;
	unsigned int kind, i;

	for (kind = 0; kind < PT_NR_KINDS; kind++)
		if (event->name && !strcmp(event->name, kind_names[kind]))
			break;
	if (kind == PT_NR_KINDS)
		return -ENOENT;

	memset(fmt, 0, sizeof(*fmt));
	fmt->kind = kind;
	fmt->pid_offset = -1;

	for (f = event->format.common_fields; f; f = f->next) {
		if (f->name && !strcmp(f->name, "common_pid") && usable(f, false)) {
			fmt->pid_offset = f->offset;
			fmt->pid_size = f->size;
		}
	}
	for (f = event->format.fields; f; f = f->next)
		for (i = 0; i < PT_NR_FIELDS; i++)
			if (pt_is_field(f->name, i) && usable(f, fields[i].string))
				add_slot(fmt, f, i);

	if (names)
		learn_names(names, event->print_fmt.args);

	return 0;
}

static bool read_string(const struct pt_slot *slot, struct tep_handle *tep, const char *data,
			size_t size, struct pt_str *str)
{
	size_t at = slot->offset, len = slot->size;

	if (slot->dynamic) {
		unsigned long long loc = tep_read_number(tep, data + slot->offset, 4);

		at = loc & 0xffff;
		len = (loc >> 16) & 0xffff;
		if (slot->relative)
			at += slot->offset + slot->size;
	}
	if (at > size || len > size - at)
		return false;

	str->s = data + at;
	str->len = strnlen(str->s, len);
	return true;
}

/**
 * pt_decode - decode one record
 * @fmt: from pt_format_init() for this event
 * @tep: the file's handle (byte order)
 * @data: the record
 * @size: its size in bytes
 * @ev: filled in, except @ev->ts and @ev->cpu, which are not in the record
 *
 * Fields beyond the end of the record count as missing.
 *
 * Return: 0, or -EINVAL if the fields that join events are missing.
 */
int pt_decode(const struct pt_format *fmt, struct tep_handle *tep, const void *data, int size,
	      struct pt_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->kind = fmt->kind;
	ev->pid = -1;
	if (size < 0)
		return -EINVAL;

	if (fmt->pid_offset >= 0 && fmt->pid_offset <= size - fmt->pid_size)
		ev->pid = (int)tep_read_number(tep, (const char *)data + fmt->pid_offset,
					       fmt->pid_size);

	for (unsigned int i = 0; i < fmt->nr; i++) {
		const struct pt_slot *slot = &fmt->slot[i];
		void *dst = (char *)ev + fields[slot->field].at;
		uint64_t value;

		if (slot->offset > size - slot->size)
			continue;
		if (fields[slot->field].string) {
			if (!read_string(slot, tep, data, size, dst))
				continue;
		} else {
			value = tep_read_number(tep, (const char *)data + slot->offset, slot->size);
			if (fields[slot->field].sign && slot->size < 8) {
				int shift = 64 - 8 * slot->size;

				value = (uint64_t)((int64_t)(value << shift) >> shift);
			}
			value <<= slot->kib ? 10 : 0;
			memcpy(dst, &value, sizeof(value));
		}
		ev->has |= 1ULL << slot->field;
	}

	if (!pt_has(ev, id))
		return -EINVAL;
	if (ev->kind >= PT_BO_EVICT && !pt_has(ev, bo_id))
		return -EINVAL;

	return 0;
}
