# SPDX-License-Identifier: GPL-2.0
"""Chrome JSON on stdin, as far as Perfetto's importer is strict: complete slices of a thread must nest, every arrow must
start and end inside of a slice and have a hexadecimal id, what begins asynchronously must end before the next begins on the same track, counters must
be numbers."""
import json
import re
import sys

threads = {}
flows = {}
spans = {}
counters = 0
bad = 0
for event in json.load(sys.stdin)["traceEvents"]:
    track = event.get("pid"), event.get("tid")
    if event["ph"] == "X":
        threads.setdefault(track, []).append((event["ts"], event["ts"] + event["dur"], event["name"]))
    elif event["ph"] in "sf":
        if not re.fullmatch("(0x)?[0-9a-f]+", event["id"]):
            print("not an id of an arrow:", event["id"])
            bad += 1
        flows.setdefault(event["id"], {})[event["ph"]] = track, event["ts"]
    elif event["ph"] in "be":
        spans.setdefault((event["cat"], event["id"]), []).append((event["ts"], event["ph"]))
    elif event["ph"] == "C":
        counters += 1
        if not event["args"] or any(type(v) not in (int, float) or v < 0 for v in event["args"].values()):
            print("not a counter:", event)
            bad += 1

for name, ends in spans.items():
    # An end and a begin may be at the same time
    if [phase for _, phase in sorted(ends, key=lambda e: e[0])] != ["b", "e"] * (len(ends) // 2):
        print("begin and end do not match:", name, ends)
        bad += 1
for track, slices in threads.items():
    stack = []
    for start, end, name in sorted(slices, key=lambda s: (s[0], -s[1])):
        while stack and stack[-1] <= start:
            stack.pop()
        if stack and end > stack[-1] + 1e-6:
            print("does not nest:", track, name, start, end)
            bad += 1
        stack.append(end)
for name, ends in flows.items():
    for track, ts in ends.values():
        if not any(s[0] <= ts <= s[1] for s in threads.get(track, [])):
            print("arrow in the air:", name)
            bad += 1
print("slices:", sum(map(len, threads.values())), "arrows:", sum(len(f) == 2 for f in flows.values()), "spans:", len(spans), "counters:",
      counters, "bad:", bad)
