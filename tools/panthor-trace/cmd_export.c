// SPDX-License-Identifier: GPL-2.0
/* panthor-trace export: everything that a trace has on reclaim, for other programs. */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "cli.h"
#include "options.h"
#include "view.h"

struct export_job {
	struct file_args file;
	const char *only;
	struct pt_style style;
	struct table *requests;
	struct table *vms;
	struct table *bos;
	struct table *swapins;
};

static const struct argp_option options[] = {
	{ "table", 'T', "NAME", 0,
	  "Only this table: requests, vms, bos or swapins (csv: default requests)", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct export_job *e = state->input;

	switch (key) {
	case 'T':
		e->only = arg;
		if (strcmp(arg, "requests") && strcmp(arg, "vms") && strcmp(arg, "bos") &&
		    strcmp(arg, "swapins"))
			usage_error("--table wants requests, vms, bos or swapins, not \"%s\"", arg);
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &e->file;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { CHILD_FILE, { 0 } };
static const struct argp argp = {
	options,
	parse,
	"[FILE]",
	"Everything that a trace (default: trace.dat) has on reclaim, for other programs. Formats: "
	"json (default), jsonl, csv, chrome (opens in Perfetto), html (a page with a timeline), "
	"table.",
	children,
	NULL,
	NULL,
};

static void on_request(void *context, const struct pt_request *req)
{
	struct export_job *e = context;

	if (!selected(&e->file.sel, req))
		return;
	request_row(table_add(e->requests), req, &e->style);
	for (size_t i = 0; i < req->n_vms; i++)
		vm_row(table_add(e->vms), req, &req->vms[i], e->style.names);
	for (size_t i = 0; i < req->n_bos; i++)
		bo_row(table_add(e->bos), req, &req->bos[i], e->style.names);
}

static void on_refault(void *context, const struct pt_refault *refault)
{
	struct export_job *e = context;

	if (selected_refault(&e->file.sel, refault->ev))
		swapin_row(table_add(e->swapins), refault);
}

static int shape(struct export_job *e, struct doc *doc)
{
	struct table *tables[] = { e->requests, e->vms, e->bos, e->swapins };
	bool csv = !strcmp(e->file.out.format->name, "csv");
	const char *only = e->only
				   ?: csv || e->file.out.fields || e->file.out.sort ? "requests"
										    : NULL;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct table *t = tables[i];

		if (only && strcmp(t->name, e->only ?: only)) {
			table_free(t);
			continue;
		}
		doc_add(doc, t);
		if (only && ((e->file.out.fields && table_choose(t, e->file.out.fields)) ||
			     (e->file.out.sort && table_sort(t, e->file.out.sort))))
			return EXIT_USAGE;
	}
	return EXIT_OK;
}

int cmd_export(int argc, char **argv)
{
	struct export_job e = { .file.out.format = &format_json };
	struct analysis a = { 0 };
	struct doc doc = { .kind = "export" };
	int status = EXIT_OK, printed;

	if (!parse_args(&argp, argc, argv, &e, &status))
		return status;
	if (e.file.out.fields && !strcmp(e.file.out.fields, "help")) {
		columns_help(stdout, "requests:", request_columns, nr_request_columns);
		columns_help(stdout, "\nvms:", vm_columns, nr_vm_columns);
		columns_help(stdout, "\nbos:", bo_columns, nr_bo_columns);
		columns_help(stdout, "\nswapins:", swapin_columns, nr_swapin_columns);
		return EXIT_OK;
	}

	e.requests = table_new("requests", request_columns, nr_request_columns);
	e.vms = table_new("vms", vm_columns, nr_vm_columns);
	e.bos = table_new("bos", bo_columns, nr_bo_columns);
	e.swapins = table_new("swapins", swapin_columns, nr_swapin_columns);
	e.style = (struct pt_style){ .names = &a.source.names, .units = e.file.out.units };

	watch_signals();
	a.source.path = e.file.path;
	a.request = on_request;
	a.refault = on_refault;
	a.context = &e;
	status = analyse(&a, &doc);
	printed = shape(&e, &doc);
	if (!printed && status != EXIT_FAILED && status != EXIT_NOTHING)
		printed = output_print(&e.file.out, &doc);
	doc_free(&doc);
	return worse(status, printed);
}
