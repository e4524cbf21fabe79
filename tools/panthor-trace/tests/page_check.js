// SPDX-License-Identifier: GPL-2.0
/*
 * Put at the end of an exported page: uses it as a person would, with the
 * wheel, the pointer and the keyboard, and leaves what came of it in the
 * attribute data-check of <html>, for chromium --dump-dom. What it calls is
 * the page's own.
 */
"use strict";
(() => {
  const found = {};
  const pixels = name => {
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    probe.fillStyle = css(name);
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
    let n = 0;
    for (let i = 0; i < data.length; i += 4)
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b) n++;
    return n;
  };
  const pointer = (type, px, py) => {
    const box = canvas.getBoundingClientRect();
    canvas.dispatchEvent(new PointerEvent(type, { clientX: box.left + px, clientY: box.top + py, pointerId: 1, bubbles: true }));
  };
  /* The pointer of a script is none that could be captured. */
  canvas.setPointerCapture = () => {};

  found.lanes = drawn.length;
  found.bars = drawn.reduce((n, l) => n + l.bars.length, 0);
  const start = performance.now();
  draw();
  ctx.getImageData(0, 0, 1, 1);
  found.quick = performance.now() - start < 1000;
  for (const name of ["fence", "writeback", "evict", "skip", "swapin"]) found[name] = pixels(name) > 0;

  const lane = drawn.findIndex(l => l.bars[0].o.table === "requests");
  const bars = drawn[lane].bars, longest = bars.reduce((a, b) => b.to - b.from > a.to - a.from ? b : a);
  const where = () => [Math.round((x(longest.from, canvas.clientWidth) + x(longest.to, canvas.clientWidth)) / 2), HEAD + LANE * (lane + 0.5)];
  const span = view[1] - view[0];
  canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -100, clientX: where()[0] + canvas.getBoundingClientRect().left, cancelable: true }));
  found.zoomed = view[1] - view[0] < span && view[0] < longest.to && view[1] > longest.from;
  pointer("pointermove", ...where());
  found.hover = byId("tip").style.display === "block" && byId("tip").textContent.split("\n").includes("id: " + longest.o.id);
  pointer("pointerdown", ...where());
  pointer("pointerup", ...where());
  found.clicked = !!document.querySelector("tr.hit") && current === "requests";
  const tab = [...byId("tabs").children].find(b => b.dataset.name === "bos");
  tab.click();
  found.bos = doc.tables.bos.rows.length;
  found.rows = document.querySelector("tbody").rows.length;
  document.querySelector("tbody").rows[0].click();
  found.gone = selected.o.table === "bos" && view[1] - view[0] < span;
  byId("find").value = "no such thing";
  byId("find").dispatchEvent(new Event("input"));
  found.filtered = document.querySelector("tbody").rows.length <= 1;
  byId("find").value = "";
  byId("find").dispatchEvent(new Event("input"));
  byId("all").click();
  found.whole = view[1] - view[0] === span;
  document.documentElement.dataset.check = Object.entries(found).map(([k, v]) => k + "=" + v).join(" ");
})();
