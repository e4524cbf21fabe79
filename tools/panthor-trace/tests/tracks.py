# SPDX-License-Identifier: GPL-2.0
"""What protoc --decode=pftrace.Trace makes of an export on stdin, checked as Perfetto's importer takes it: it sorts packets by time and else
leaves their order as it is, an end belongs to the slice that began last on its track. Usage: tracks.py [foreign]: there may be packets of
others, too."""
import re
import sys

SEQUENCE = 0x70616e74
foreign = "foreign" in sys.argv
bad = 0


def complain(*words):
    global bad
    bad += 1
    print(*words)


def parse(lines):
    """A message: name -> list of values, each a string or a message"""
    message = {}
    for line in lines:
        line = line.strip()
        if line == "}":
            break
        if line.endswith("{"):
            message.setdefault(line[:-1].strip(), []).append(parse(lines))
        else:
            name, value = line.split(": ", 1)
            message.setdefault(name, []).append(value)
    return message


def one(message, name, default=None):
    values = message.get(name, [default])
    if len(values) != 1:
        complain("more than one", name, message)
    return values[0]


packets = parse(iter(sys.stdin)).get("packet", [])
ours = [p for p in packets if one(p, "trusted_packet_sequence_id") == str(SEQUENCE)]
if not foreign and len(ours) != len(packets):
    complain("packets of nobody:", len(packets) - len(ours))

names, tracks, events = {}, {}, []
for packet in ours:
    if one(packet, "sequence_flags") == "1":
        names = {one(n, "iid"): one(n, "name") for n in packet["interned_data"][0]["debug_annotation_names"]}
    elif not names:
        complain("before the names:", packet)
    for desc in packet.get("track_descriptor", []):
        uuid = one(desc, "uuid")
        if tracks.setdefault(uuid, desc) != desc:
            complain("two tracks with one number:", desc, tracks[uuid])
        if "parent_uuid" in desc and one(desc, "parent_uuid") not in tracks:
            complain("no parent:", desc)
        if "process" in desc and list(desc["process"][0]) != ["pid"]:
            complain("more than the number of a process:", desc)
        if "thread" in desc and not desc["thread"][0].get("thread_name"):
            complain("no name:", desc)
    for event in packet.get("track_event", []):
        if one(event, "track_uuid") not in tracks:
            complain("on no track:", event)
        for note in event.get("debug_annotations", []):
            if one(note, "name_iid") not in names:
                complain("no name of a detail:", note)
        events.append((int(one(packet, "timestamp")), event))

stacks, flows, slices, counters, spans, problems = {}, {}, 0, 0, 0, 0
for ts, event in sorted(events, key=lambda e: e[0]):
    uuid, kind = one(event, "track_uuid"), one(event, "type")
    track = tracks.get(uuid, {})
    stack = stacks.setdefault(uuid, [])
    if kind == "TYPE_SLICE_BEGIN":
        stack.append((one(event, "name"), ts))
        slices += "thread" in track
        spans += "thread" not in track
        for flow in event.get("flow_ids", []):
            flows.setdefault(flow, []).append("from")
        for flow in event.get("terminating_flow_ids", []):
            flows.setdefault(flow, []).append("to")
    elif kind == "TYPE_SLICE_END":
        if stack:
            stack.pop()
        else:
            complain("ends without a begin:", track, ts)
    elif kind == "TYPE_COUNTER":
        counters += 1
        if one(track.get("counter", [{}])[0], "unit") != "UNIT_SIZE_BYTES" or not re.fullmatch("[0-9]+", one(event, "counter_value")):
            complain("no counter of bytes:", track, event)
    elif kind == "TYPE_INSTANT":
        problems += 1
        print("problem:", one(event, "name"))
for uuid, stack in stacks.items():
    if stack:
        complain("never ends:", tracks[uuid], stack)
for flow, ends in flows.items():
    if ends not in (["from", "to"], ["from"], ["to"]):
        complain("an arrow that is none:", flow, ends)
print("slices:", slices, "arrows:", sum(len(f) == 2 for f in flows.values()), "spans:", spans, "counters:", counters, "problems:", problems,
      "bad:", bad)
