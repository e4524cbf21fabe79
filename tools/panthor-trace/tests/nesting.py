# SPDX-License-Identifier: GPL-2.0
"""Chrome JSON on stdin, as strictly as Perfetto's importer takes it. It sorts by time and else leaves the order as it is. Slices of a track,
be it a thread's or one of a process' own, must lie within each other or apart; every arrow must start and end inside of a slice and have a
hexadecimal id; counters must be numbers. What is on a track that is no thread's names no thread, or the importer makes one, and has an id
that is local to its process, or it belongs to none. Every process and thread has a name, and a thread belongs to one process."""
import json
import re
import sys

threads = {}
flows = {}
spans = {}
names = {}
owner = {}
used = set()
counters = 0
bad = 0


def complain(*words):
    global bad
    bad += 1
    print(*words)


events = json.load(sys.stdin)["traceEvents"]
for event in sorted(events, key=lambda e: e["ts"]):
    phase, ts, pid, tid = event["ph"], event["ts"], event.get("pid"), event.get("tid")
    if phase == "M":
        names[event["name"], pid if event["name"] == "process_name" else tid] = event["args"]["name"]
        continue
    if not isinstance(pid, int) or pid <= 0:
        complain("no process:", event)
    used.add(("process_name", pid))
    if phase in "Xsf":
        if not isinstance(tid, int) or tid <= 0:
            complain("no thread:", event)
        used.add(("thread_name", tid))
        if owner.setdefault(tid, pid) != pid:
            complain("thread", tid, "of two processes:", pid, owner[tid])
    elif tid is not None:
        complain("names a thread:", event)
    if phase == "X":
        threads.setdefault((pid, tid), []).append((ts, ts + event["dur"], event["name"]))
    elif phase in "sf":
        if not re.fullmatch("(0x)?[0-9a-f]+", event["id"]) or int(event["id"], 16) >= 1 << 64:
            complain("not an id of an arrow:", event["id"])
        if phase in flows.setdefault(event["id"], {}):
            complain("two arrows with one id:", event["id"])
        flows[event["id"]][phase] = (pid, tid), ts
    elif phase in "be":
        if "id" in event or list(event.get("id2", {})) != ["local"]:
            complain("on no track of its process:", event)
            continue
        track = spans.setdefault((pid, event["cat"], event["id2"]["local"]), {"open": [], "spans": 0})
        if phase == "b":
            track["open"].append((event["name"], ts))
            track["spans"] += 1
        elif not track["open"] or track["open"].pop()[0] != event["name"]:
            complain("overlaps another one on its track:", event)
    elif phase == "C":
        counters += 1
        if not event["args"] or any(type(v) not in (int, float) or v < 0 for v in event["args"].values()):
            complain("not a counter:", event)
    else:
        complain("what is that?", event)

for track, span in spans.items():
    for name, ts in span["open"]:
        complain("never ends:", track, name, ts)
for track, slices in threads.items():
    stack = []
    for start, end, name in slices:
        while stack and stack[-1] <= start:
            stack.pop()
        if stack and end > stack[-1] + 1e-6:
            complain("does not nest:", track, name, start, end)
        stack.append(end)
for name, ends in flows.items():
    for track, ts in ends.values():
        if not any(s[0] <= ts <= s[1] for s in threads.get(track, [])):
            complain("arrow in the air:", name)
for which in sorted(used - set(names)):
    complain("no name:", which)
print("slices:", sum(map(len, threads.values())), "arrows:", sum(len(f) == 2 for f in flows.values()), "spans:",
      sum(s["spans"] for s in spans.values()), "counters:", counters, "names:", len(names), "bad:", bad)
