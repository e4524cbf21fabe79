// SPDX-License-Identifier: GPL-2.0
/* Was a trace recorded by an older or by a newer driver? */
#include <string.h>

#include <traceevent/event-parse.h>

#include "trace/source_version.h"

static bool known(const struct pt_format *fmt, const struct tep_format_field *field)
{
	for (unsigned int i = 0; i < fmt->nr; i++)
		if (pt_is_field(field->name, fmt->slot[i].field))
			return true;
	return false;
}

void version_add(struct version *v, const struct pt_format *fmt, const struct tep_event *event)
{
	const struct tep_format_field *f;

	v->events++;
	for (unsigned int i = 0; i < fmt->nr; i++)
		v->has |= 1ULL << fmt->slot[i].field;
	for (f = event->format.fields; f; f = f->next) {
		char name[128];

		if (!f->name || known(fmt, f))
			continue;
		pt_clean(name, sizeof(name), f->name, strlen(f->name));
		pt_add(&v->unknown, "%s%s.%s", v->unknown.len ? ", " : "", pt_event_name(fmt->kind),
		       name);
	}
}

/* Optional: without these fields the reports are correct, but have less detail. */
static bool detail(int field)
{
	return field >= PT_F_lock && field <= PT_F_by;
}

char *version_missing(const struct version *v)
{
	struct pt_text t = { 0 };

	/* Recorded without some of the events: then fields are missing for that. */
	if (v->events < PT_NR_KINDS)
		return NULL;
	for (int i = 0; i < PT_NR_FIELDS; i++)
		if (!(v->has >> i & 1) && !detail(i))
			pt_add(&t, "%s%s", t.len ? ", " : "", pt_field_name(i));
	return t.s;
}
