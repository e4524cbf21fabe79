# SPDX-License-Identifier: GPL-2.0
"""Is the SQL package right? Its statements run in SQLite, which is what trace_processor is made of, on a table of events as trace_processor
has them, filled from trace-cmd report -R on stdin; what comes out is compared with panthor-trace's own export.
Names of numbers are those of events.c. Usage: perfettosql.py reclaim.sql EXPORT.json events.c"""
import json
import re
import sqlite3
import sys

db = sqlite3.connect(":memory:")
fields = {}
db.create_function("extract_arg", 2, lambda at, key: fields[at].get(key))
db.execute("CREATE TABLE ftrace_event(name TEXT, ts INTEGER, utid INTEGER, arg_set_id INTEGER)")
for line in sys.stdin:
    event = re.match(r"\s*(.*)-(\d+)\s+\[\d+\]\s.*?(\d+)\.(\d{9}): (panthor_\w+):\s+(.*)", line)
    if not event:
        continue
    # There may be anything in a label
    label = re.search(r" label=(.*) id=\d+ bo_id=\d+ ", event[6])
    text = event[6].rstrip() if not label else event[6][:label.start(0)] + event[6].rstrip()[label.end(1):]
    parts = re.split(r"(?:^| )(\w+)=", text)[1:]
    values = dict(zip(parts[::2], parts[1::2]), **({"label": label[1]} if label else {}))
    fields[len(fields)] = {k: int(v, 0) if re.fullmatch(r"-?\d+|0x[0-9a-f]+", v) and not k.endswith(("comm", "label", "dev")) else v
                           for k, v in values.items()}
    db.execute("INSERT INTO ftrace_event VALUES (?, ?, ?, ?)", (event[5], int(event[3]) * 10**9 + int(event[4]), int(event[2]), len(fields) - 1))

bad = 0
sql = re.sub("--[^\n]*", "", open(sys.argv[1]).read())
for statement in filter(str.strip, sql.split(";")):
    name, columns, query = re.fullmatch(r"\s*CREATE PERFETTO TABLE (\w+)\((.*?)\n\)\s*AS\s*(SELECT.*)", statement, re.S).groups()
    db.execute("CREATE TABLE %s AS %s" % (name, query))
    declared = [c.split()[0] for c in columns.split(",\n")]
    made = [row[1] for row in db.execute("PRAGMA table_info(%s)" % name)]
    if declared != made:
        bad += 1
        print(name, "declares", declared, "and has", made)

symbols = open(sys.argv[3]).read()
for which in "source", "state", "reason":
    ours = re.findall('"([^"]+)"', re.search(r'{ "%s",\s*{(.*?)}' % which, symbols, re.S)[1])
    for case in re.findall(r"CASE (?:iif\([^,]*, )?extract_arg\(\w*\.?arg_set_id, '%s'\)(.*?)END AS" % which, sql, re.S):
        if re.findall("WHEN ([0-9]+) THEN '([^']+)'", case) != [(str(i), name) for i, name in enumerate(ours)]:
            bad += 1
            print("other names of", which, "than", ours)

export = json.load(open(sys.argv[2]))


def same(what, table, ours, where=lambda row: True):
    """Columns: of the table, of the export"""
    global bad
    mine = sorted(map(str, db.execute("SELECT %s FROM %s" % (", ".join(table[1]), table[0]))))
    theirs = sorted(str(tuple(row[c] for c in ours[1])) for row in export[ours[0]] if where(row))
    if mine != theirs or not mine:
        bad += 1
        print("not the same:", what, [row for row in mine if row not in theirs][:3], [row for row in theirs if row not in mine][:3])
    print(what, len(mine))


numbers = ["target_tgid", "target_comm", "requester_comm", "source", "evicted", "evicted_bos", "skipped", "written", "freed", "remaining",
           "fence_ns", "lock_ns", "unmap_ns", "writeback_ns", "other_ns"]
same("requests", ("panthor_request", ["request_id", "ts", "dur", "utid"] + numbers), ("requests", ["id", "time_ns", "duration_ns", "pid"] + numbers))
numbers = ["client_id", "tgid", "vm_id", "evicted", "skipped", "evicted_bos", "duration_ns", "fence_ns", "reason"]
same("VMs", ("panthor_vm", ["request_id", "ts"] + numbers), ("vms", ["id", "end_ns"] + numbers))
numbers = ["what", "bo_id", "label", "size", "client_id", "tgid", "vm_id", "state", "reason", "duration_ns", "evictions"]
same("BOs", ("panthor_bo", ["request_id", "ts"] + numbers), ("bos", ["id", "time_ns"] + numbers), lambda row: row["what"] != "written")
same("writes", ("panthor_writeback", ["request_id", "bo_id", "written", "freed", "duration_ns"]),
     ("bos", ["id", "bo_id", "written", "freed", "writeback_ns"]), lambda row: row["writeback_end_ns"] is not None)
numbers = ["bo_id", "label", "size", "client_id", "tgid", "evicted_ns", "duration_ns", "evictions"]
same("swap-ins", ("panthor_swapin", ["request_id", "ts", "utid"] + numbers), ("swapins", ["id", "time_ns", "pid"] + numbers))
print("evictions of swap-ins:", db.execute("SELECT count(evict_ts) FROM panthor_swapin").fetchone()[0])
print("bad:", bad)
