// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/error.h"
#include "report/sink.h"

/* All output formats. A new one is a file of its own and a line here. */
static const struct format *const formats[] = {
	&format_table,	&format_json,	  &format_jsonl, &format_csv,
	&format_chrome, &format_perfetto, &format_html,	 &format_sqlite,
};

const struct format *find_format(const char *name)
{
	struct pt_text all = { 0 };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!strcmp(name, formats[i]->name)) {
			pt_text_free(&all);
			return formats[i];
		}
		pt_add(&all, "%s%s", i ? ", " : "", formats[i]->name);
	}
	pt_error("unknown format \"%s\"; expected one of %s", name, all.s);
	pt_text_free(&all);
	return NULL;
}
