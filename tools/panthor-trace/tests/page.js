// SPDX-License-Identifier: GPL-2.0
/*
 * An exported page without a browser: its own script runs on elements that only remember, and the test looks at what it drew.
 *
 * usage: node page.js PAGE.html [WIDTH]      prints one line a promise, "name=value"
 */
"use strict";
const fs = require("fs"), vm = require("vm");
const html = fs.readFileSync(process.argv[2], "utf8"), width = Number(process.argv[3] || 1400);
const document_text = html.match(/<script id="document"[^>]*>([^]*?)<\/script>/)[1];
const script = html.match(/<script>([^]*?)<\/script>/)[1];

let rects = [];
const canvas = new Proxy({ fillRect(x, y, w, h) { rects.push({ color: this.fillStyle, x, y, w, h }); } },
  { get: (o, k) => k in o ? o[k] : () => {}, set: (o, k, v) => { o[k] = v; return true; } });
function element(extra) {
  const rows = [];
  const self = { style: {}, dataset: {}, children: [], rows, clientWidth: width, scrollWidth: 0, textContent: "", value: "",
    append(...c) { self.children.push(...c); }, replaceChildren() { rows.length = 0; self.children.length = 0; },
    insertRow() { const r = element(); rows.push(r); return r; }, insertCell() { const c = element(); self.children.push(c); return c; },
    addEventListener() {}, setAttribute() {}, getContext: () => canvas, ...extra };
  return self;
}
const elements = {};
const find = name => elements[name] = elements[name] || element();
elements.document = element({ textContent: document_text });
const page = {
  document: { getElementById: find, querySelector: find, createElement: () => element(), documentElement: element() },
  window: { devicePixelRatio: 1 }, matchMedia: () => ({}), console,
  getComputedStyle: () => ({ getPropertyValue: name => name.slice(2) }),
};
/* Its constants are its own; the last line hands out what is looked at. */
const of = vm.runInNewContext(script + "\n({ drawn, whole, draw, x, HEAD, LANE, LEFT, barAt, view: v => { view = v; } })", page);

rects = [];
of.draw();
const lane = of.drawn.findIndex(l => l.bars[0].o.table === "requests"), bars = of.drawn[lane].bars;
const top = of.HEAD + lane * of.LANE, longest = bars.reduce((a, b) => b.to - b.from > a.to - a.from ? b : a);
/* The bars of that lane; the last one of it is the ground of its name */
const ticks = rects.filter(r => r.y >= top && r.y + r.h <= top + of.LANE && r.x >= of.LEFT);
const at = Math.round(of.x(longest.from, width)), tick = ticks.find(r => r.x <= at && r.x + r.w > at) || {};
const say = (name, value) => console.log(name + "=" + value);
say("bars", bars.length);
say("ticks", ticks.length);
say("worst_color", tick.color);
say("worst_height", Math.round(tick.h));
say("others_height", Math.round(Math.max(...ticks.filter(r => r !== tick).map(r => r.h))));
say("hover", of.barAt(at, top + 5) === longest ? "worst" : "another");
say("lanes", of.drawn.map(l => l.name).join(", "));
