// SPDX-License-Identifier: LGPL-2.1
/*
 * The shapes. On top of a graph's bar, from above:
 *
 *   a strip   blue: a request, from begin to end, with a line down at either;
 *             red: it failed; gray: its end is not in the trace;
 *             green: a swap-in
 *   a strip   orange: a writeback to swap
 *   ticks     magenta: a BO was evicted; black: a BO was skipped
 *
 * Double click on a request: markers A and B at its begin and end.
 */
#include <algorithm>
#include <cstdlib>
#include <vector>

#include <KsPlugins.hpp>

#include "plugins/kernelshark/spans.h"

/* Of KernelShark; NULL if another program loads the plugin */
void markEntryA(void *window, const kshark_entry *entry) __attribute__((weak));
void markEntryB(void *window, const kshark_entry *entry) __attribute__((weak));

namespace
{
const KsPlot::Color REQUEST(40, 90, 220), FAILED(220, 30, 30), OPEN(130, 130, 130),
	WRITEBACK(255, 150, 0), SWAPIN(20, 150, 60), EVICT(200, 0, 160), SKIP(0, 0, 0);

/* Where strips and ticks are, in hundredths of the graph's height */
struct Lane {
	int top;
	int bottom;
};
const Lane UPPER = { 100, 82 }, MIDDLE = { 78, 62 }, TICKS = { 58, 40 };

void *the_window;

class Strip : public KsPlot::Rectangle
{
	void _doubleClick() const override
	{
		if (!request || !the_window || !markEntryA || !markEntryB)
			return;
		markEntryB(the_window, request->whole.last);
		markEntryA(the_window, request->whole.first);
	}

      public:
	const shark_request *request = nullptr;

	double distance(int x, int y) const override
	{
		int dx = std::max({ pointX(0) - x, 0, x - pointX(2) });
		int dy = std::max({ pointY(0) - y, 0, y - pointY(2) });

		return request ? dx + dy : KsPlot::PlotObject::distance(x, y);
	}
};

class Painter
{
	KsCppArgV *argv;
	const kshark_trace_histo *histo;

	/* One tick a pixel is enough, however many BOs there are */
	std::vector<bool> taken[2];

	int x(int64_t ts) const
	{
		int64_t bin = histo->bin_size ? (ts - histo->min) / histo->bin_size : 0;

		bin = std::max<int64_t>(0, std::min<int64_t>(bin, histo->n_bins - 1));
		return argv->_graph->bin(bin)._base.x();
	}

	int y(int hundredths) const
	{
		return argv->_graph->base() - argv->_graph->height() * hundredths / 100;
	}

	bool outside(int64_t from, int64_t to) const
	{
		return to < histo->min || from > histo->max;
	}

	void line(int at, int top, int bottom, const KsPlot::Color &color)
	{
		auto *line = new KsPlot::Line();

		line->setA(at, y(top));
		line->setB(at, y(bottom));
		line->_color = color;
		line->_size = 1;
		argv->_shapes->push_front(line);
	}

      public:
	explicit Painter(KsCppArgV *a) : argv(a), histo(a->_histo)
	{
		for (auto &t : taken)
			t.resize(histo->n_bins);
	}

	/* False if it is not visible */
	bool strip(int64_t from, int64_t to, const Lane &lane, const KsPlot::Color &color,
		   const shark_request *request = nullptr)
	{
		if (outside(from, to))
			return false;

		auto *strip = new Strip();
		int left = x(from), right = std::max(x(to), left + 1);

		strip->setFill(true);
		strip->setPoint(0, left, y(lane.top));
		strip->setPoint(1, left, y(lane.bottom));
		strip->setPoint(2, right, y(lane.bottom));
		strip->setPoint(3, right, y(lane.top));
		strip->_color = color;
		strip->request = request;
		argv->_shapes->push_front(strip);
		return true;
	}

	void edge(int64_t ts, const KsPlot::Color &color)
	{
		if (!outside(ts, ts))
			line(x(ts), UPPER.top, 0, color);
	}

	void tick(int64_t ts, bool evicted)
	{
		if (outside(ts, ts))
			return;

		size_t bin = histo->bin_size ? (ts - histo->min) / histo->bin_size : 0;

		if (bin < taken[evicted].size() && !taken[evicted][bin]) {
			taken[evicted][bin] = true;
			line(x(ts), TICKS.top, TICKS.bottom, evicted ? EVICT : SKIP);
		}
	}
};

bool visible(const kshark_entry *entry)
{
	return entry->visible & KS_GRAPH_VIEW_FILTER_MASK;
}

void draw_request(Painter &painter, const shark_request &req, bool task, int val)
{
	const KsPlot::Color &color = !req.ended ? OPEN : req.failed ? FAILED : REQUEST;
	extent part = req.whole;
	int64_t from;

	if (!visible(part.first) && !visible(part.last))
		return;
	if (task) {
		if (req.pid != val)
			return;
	} else {
		auto *end = req.cpu + req.nr_cpus;
		auto *cpu = std::find_if(req.cpu, end,
					 [val](const extent &e) { return e.first->cpu == val; });

		if (cpu == end)
			return;
		part = *cpu;
	}
	from = part.first->ts;
	/* No begin event, but the end event has the duration. */
	if (!req.begun && req.ended && part.first == req.whole.first)
		from = std::min(from, req.whole.last->ts - req.duration_ns);
	if (!painter.strip(from, part.last->ts, UPPER, color, &req))
		return;
	painter.edge(from, color);
	painter.edge(part.last->ts, color);
}

void draw_bo(Painter &painter, const shark_bo &bo, bool task, int val)
{
	const kshark_entry *entry = bo.entry;

	if (!visible(entry) || (task ? entry->pid : entry->cpu) != val)
		return;
	if (bo.what == SHARK_WRITEBACK)
		painter.strip(entry->ts - bo.duration_ns, entry->ts, MIDDLE, WRITEBACK);
	else if (bo.what == SHARK_SWAPIN)
		painter.strip(entry->ts - bo.duration_ns, entry->ts, UPPER, SWAPIN);
	else
		painter.tick(entry->ts, bo.what == SHARK_EVICT);
}
} // namespace

void shark_set_window(void *window)
{
	the_window = window;
}

void shark_draw(struct kshark_cpp_argv *argv, const struct shark *shark, int sd, int val,
		int action)
{
	KsCppArgV *cpp = KS_ARGV_TO_CPP(argv);
	bool task = action & KSHARK_TASK_DRAW;
	size_t nr;

	(void)sd;
	if (!(action & (KSHARK_TASK_DRAW | KSHARK_CPU_DRAW)) || cpp->_histo->n_bins < 1 ||
	    cpp->_graph->size() < cpp->_histo->n_bins)
		return;

	Painter painter(cpp);
	const shark_request *req = shark_requests(shark, &nr);

	for (size_t i = 0; i < nr; i++)
		draw_request(painter, req[i], task, val);

	const shark_bo *bo = shark_bos(shark, &nr);

	for (size_t i = 0; i < nr; i++)
		draw_bo(painter, bo[i], task, val);
}
