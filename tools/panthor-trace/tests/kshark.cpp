// SPDX-License-Identifier: GPL-2.0
/*
 * Opens a trace with libkshark as KernelShark does, and says what a plugin
 * would draw on each row, without a display: the shapes are made, not shown.
 *
 * usage: kshark [-i] [-b BINS] [-t FROM,TO] PLUGIN TRACE
 *
 *   -i   instead: the text of each row of the table
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include <unistd.h>

#include <KsPlugins.hpp>
#include <libkshark-tepdata.h>

static const std::map<int, const char *> shape_names = {
	{ 0x285adc, "request" },   { 0xdc1e1e, "failed" }, { 0x828282, "unended" },
	{ 0xff9600, "writeback" }, { 0x14963c, "swapin" }, { 0xc800a0, "evict" },
	{ 0x000000, "skip" },
};

struct scene {
	kshark_context *kshark;
	kshark_data_stream *stream;
	kshark_trace_histo histo;
};

static void draw_row(scene &s, const std::string &name, int val, int action)
{
	KsPlot::ColorTable bins, ensembles;
	KsPlot::Graph graph(&s.histo, &bins, &ensembles);
	std::map<std::string, int> count;
	KsPlot::PlotObjList shapes;
	KsCppArgV argv;

	graph.setBase(100);
	graph.setHeight(50);
	argv._histo = &s.histo;
	argv._graph = &graph;
	argv._shapes = &shapes;
	for (auto *h = s.stream->draw_handlers; h; h = h->next)
		h->draw_func(argv.toC(), s.stream->stream_id, val, action);

	for (const auto *object : shapes) {
		auto *shape = dynamic_cast<const KsPlot::Shape *>(object);
		const KsPlot::Color &c = object->_color;
		auto known = shape_names.find(c.r() << 16 | c.g() << 8 | c.b());
		std::string what = known == shape_names.end() ? "?" : known->second;

		/* A request's two edges are lines, a mark is one too */
		if (shape && shape->pointCount() == 4)
			what += " (" + std::to_string(shape->pointX(2) - shape->pointX(0)) + " px)";
		else if (what != "evict" && what != "skip")
			what += " edge";
		count[what]++;
		delete object;
	}
	if (count.empty())
		return;
	printf("%s:", name.c_str());
	for (const auto &c : count)
		printf(" %s x%d", c.first.c_str(), c.second);
	putchar('\n');
}

static void draw(scene &s, kshark_entry **rows, ssize_t nr, int bins, int64_t from, int64_t to)
{
	int *pids;

	ksmodel_init(&s.histo);
	ksmodel_set_bining(&s.histo, bins, from < 0 ? rows[0]->ts : from,
			   to < 0 ? rows[nr - 1]->ts : to);
	ksmodel_fill(&s.histo, rows, nr);
	for (int i = 0; i < s.stream->n_cpus; i++)
		draw_row(s, "cpu " + std::to_string(i), i, KSHARK_CPU_DRAW);
	nr = kshark_get_task_pids(s.kshark, s.stream->stream_id, &pids);
	std::sort(pids, pids + nr);
	for (ssize_t i = 0; i < nr; i++)
		draw_row(s, "task " + std::to_string(pids[i]), pids[i], KSHARK_TASK_DRAW);
	free(pids);
	ksmodel_clear(&s.histo);
}

static void print_info(kshark_entry **rows, ssize_t nr)
{
	for (ssize_t i = 0; i < nr; i++) {
		char *event = kshark_get_event_name(rows[i]), *info = kshark_get_info(rows[i]);

		printf("%s: %s\n", event, info);
		free(event);
		free(info);
	}
}

static int open_trace(scene &s, const char *plugin, const char *trace)
{
	kshark_plugin_list *registered;
	int sd;

	if (!kshark_instance(&s.kshark))
		return 1;
	registered = kshark_register_plugin(s.kshark, "panthor", plugin);
	if (!registered || !registered->process_interface) {
		fprintf(stderr, "%s: not a plugin of KernelShark\n", plugin);
		return 1;
	}
	sd = kshark_open(s.kshark, trace);
	if (sd < 0) {
		fprintf(stderr, "%s: KernelShark cannot open it\n", trace);
		return 1;
	}
	s.stream = kshark_get_data_stream(s.kshark, sd);
	kshark_register_plugin_to_stream(s.stream, registered->process_interface, true);
	if (kshark_handle_all_dpis(s.stream, KSHARK_PLUGIN_INIT) != 1) {
		fprintf(stderr, "%s: the plugin has nothing to do with it\n", trace);
		return 3;
	}
	return 0;
}

int main(int argc, char **argv)
{
	double from = -1, to = -1;
	kshark_entry **rows = nullptr;
	bool info = false;
	int bins = 1000, status, c;
	scene s = {};
	ssize_t nr;

	while ((c = getopt(argc, argv, "ib:t:")) != -1) {
		if (c == 'i')
			info = true;
		else if (c == 'b')
			bins = atoi(optarg);
		else if (c != 't' || sscanf(optarg, "%lf,%lf", &from, &to) != 2)
			return 2;
	}
	if (argc - optind != 2)
		return 2;

	status = open_trace(s, argv[optind], argv[optind + 1]);
	nr = status ? 0 : kshark_load_entries(s.kshark, s.stream->stream_id, &rows);
	if (nr > 0 && info)
		print_info(rows, nr);
	else if (nr > 0)
		draw(s, rows, nr, bins, from < 0 ? -1 : from * 1e9, to < 0 ? -1 : to * 1e9);

	/* As when a window is closed: everything is to be given back. */
	for (ssize_t i = 0; i < nr; i++)
		free(rows[i]);
	free(rows);
	if (s.kshark) {
		kshark_close_all(s.kshark);
		kshark_free(s.kshark);
	}
	return status;
}
