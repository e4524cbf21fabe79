#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015 # A && pass || fail: pass does not fail
# Databases of traces.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
PAGE=$HERE/../../../Documentation/tools/panthor-trace/sql.rst

make_trace two.dat <"$HERE/scripts/two-writes.txt"
make_trace other.dat <<<"requests 3 4"
cp "$HERE/golden/trace.dat" golden.dat
sql() { python3 "$HERE/sql.py" "$@"; }
add() { "$PT" export -F sqlite -o "$@"; }

expect "two traces are added" 0 '^$' sh -c "'$PT' export -F sqlite -o day.db two.dat other.dat; echo"
expect "the database has both" 0 '^2$' sql day.db "SELECT count(*) FROM traces"
expect "another trace is added later" 0 '^3$' sh -c "'$PT' export -F sqlite -o day.db golden.dat && python3 '$HERE/sql.py' day.db 'SELECT count(*) FROM traces'"

# Row by row, what the CSV has
rows() { "$PT" export -F csv -T "$1" -f "$2" two.dat | tail -n +2 | tr -d '"' | tr , '|'; }
for t in requests:id,target_comm,evicted,freed,duration_ns,result vms:id,client_id,evicted,fence_ns swapins:id,bo_id,label,evicted_ns,pid,comm; do
	out=$(diff <(rows "${t%%:*}" "${t##*:}") <(sql day.db "SELECT ${t##*:} FROM ${t%%:*} WHERE id IN (1, 2) AND $(
		[ "${t%%:*}" = vms ] && echo "request IN (SELECT request FROM requests WHERE trace = 1)" || echo "trace = 1")")) &&
		pass "${t%%:*}: as in the CSV" || fail "${t%%:*}: as in the CSV" "$out"
done
bos="JOIN requests r USING (request) WHERE r.trace = 1"
out=$(diff <(rows bos bo_id,what,reason,size) <(sql day.db "SELECT b.bo_id, b.what, b.reason, b.size FROM bos b $bos")) &&
	pass "bos: as in the CSV" || fail "bos: as in the CSV" "$out"
out=$(diff <(rows bos bo_id,written,freed,writeback_start_ns,writeback_end_ns | grep -v '||') \
	<(sql day.db "SELECT w.bo_id, w.written, w.freed, w.writeback_start_ns, w.writeback_end_ns FROM writebacks w $bos")) &&
	pass "writebacks: as in the CSV" || fail "writebacks: as in the CSV" "$out"
expect "a swap-in refers to its request" 0 '^3$' sql day.db "SELECT count(*) FROM swapins s JOIN requests r USING (request) WHERE s.trace = 1 AND s.id = r.id AND r.trace = 1"

# A trace that is in already
complains "a trace is not added twice" 0 'two.dat: already in day.db as trace 1; not added' add day.db two.dat
cp two.dat renamed.dat
complains "a renamed trace is not added twice" 0 'as trace 1; not added' add day.db renamed.dat
if trace-cmd convert -i two.dat -o packed.dat --file-version 7 --compression any >/dev/null 2>&1; then
	complains "a repacked trace is not added twice" 0 'as trace 1; not added' add day.db packed.dat
else
	skip "a repacked trace is not added twice" "this trace-cmd does not convert"
fi
expect "no rows were added" 0 '^3\|7$' sql day.db "SELECT (SELECT count(*) FROM traces), count(*) FROM requests"
sed 's/evictions=2/evictions=3/' "$HERE/scripts/two-writes.txt" | make_trace differs.dat
expect "a trace that differs is added" 0 '^4$' sh -c "'$PT' export -F sqlite -o day.db differs.dat && python3 '$HERE/sql.py' day.db 'SELECT count(*) FROM traces'"

# As a whole, or not at all
head -c $(($(stat -c %s two.dat) - 4096)) two.dat >cut.dat
complains "a damaged trace is reported" 1 'cut.dat: truncated' add some.db cut.dat two.dat
expect "a damaged trace does not keep others out" 0 '^two.dat$' sql some.db "SELECT file FROM traces"
sed '/lost here/d; /id=2.*frame buffers/s/.*/lost 1 7/' "$HERE/scripts/two-writes.txt" | make_trace lost.dat
complains "lost events: status 4" 4 'lost.dat: the trace lost' add some.db lost.dat
expect "lost events: noted in the database" 0 'the trace lost at least [1-9][0-9]* events' sql some.db "SELECT problems FROM traces WHERE file = 'lost.dat'"
make_trace long.dat <<<"requests 8000 20"
for delay in 0.3 1 3; do
	rm -f int.db*
	add int.db two.dat
	"$PT" export -F sqlite -o int.db long.dat 2>int.err & pid=$!
	sleep $delay
	kill -INT $pid
	wait $pid
	rc=$?
	[ "$rc" -eq 0 ] || [ ! -s int.err ] || break
done
if [ "$rc" -eq 0 ]; then
	skip "interrupted: not added" "was too quick"
else
	expect "interrupted: status 130" 0 '^130$' echo "$rc"
	expect "interrupted: reported" 0 'long.dat: interrupted, not added' cat int.err
	expect "interrupted: not added, the others remain" 0 '^two.dat\|2$' sql int.db "SELECT file, (SELECT count(*) FROM requests) FROM traces"
fi
expect "a trace is removed with its rows" 0 '^0\|0\|0$' sql int.db "PRAGMA foreign_keys = ON; DELETE FROM traces; SELECT (SELECT count(*) FROM requests), (SELECT count(*) FROM bos), (SELECT count(*) FROM swapins)"

# Numbers that an INTEGER of SQLite cannot hold
sed 's/id=1 /id=18446744073709551615 /; s/bo_id=11 /bo_id=9223372036854775809 /; s/bo_id=12 /bo_id=9223372036854775810 /' "$HERE/scripts/two-writes.txt" | make_trace large.dat
expect "large numbers are exact" 0 '^9223372036854775809\|18446744073709551615\|18446744073709551615$' sh -c "'$PT' export -F sqlite -o large.db large.dat &&
	python3 '$HERE/sql.py' large.db \"SELECT CAST(s.bo_id AS TEXT), CAST(s.id AS TEXT), CAST(r.id AS TEXT) FROM swapins s JOIN requests r USING (request) JOIN bos b ON b.request = r.request AND b.bo_id = s.bo_id WHERE s.label = 'page tiles'\""

# Nobody else's file
for f in two.dat cut.dat "$HERE/golden/perf.data"; do
	cp "$f" keep
	complains "does not overwrite $(basename "$f")" 1 'keep: file is not a database' add keep other.dat
	cmp -s "$f" keep && pass "$(basename "$f") is as it was" || fail "$(basename "$f") is as it was"
done
sql theirs.db "CREATE TABLE requests (x); INSERT INTO requests VALUES (1)"
complains "a database of another program" 1 'theirs.db: not a database of panthor-trace; not changed' add theirs.db two.dat
cp day.db later.db && sql later.db "PRAGMA user_version = 4"
complains "a database of a later version" 1 'later.db: database version 4, expected 3; not changed' add later.db other.dat
sql taken.db "PRAGMA application_id = 77"
complains "a database of another program, without tables" 1 'taken.db: not a database of panthor-trace; not changed' add taken.db two.dat
expect "that database is unchanged" 0 '^77\|0$' sql taken.db "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id"
expect "a database with one trace" 0 '^$' sh -c "'$PT' export -F sqlite -o full.db two.dat; echo"
complains "a full disk" 1 'full.db: (disk I/O error|database or disk is full)' bash -c "trap '' XFSZ; ulimit -f 100; '$PT' export -F sqlite -o full.db long.dat"
expect "a full disk: the first trace remains" 0 '^two.dat$' sql full.db "SELECT file FROM traces"
complains "the output is a device" 1 '/dev/full: not a regular file' add /dev/full two.dat
mkfifo pipe
complains "the output is a pipe" 1 'pipe: not a regular file' timeout 20 "$PT" export -F sqlite -o pipe two.dat
complains "the output has no name" 2 'sqlite needs --output FILE' add "" two.dat
for name in :memory: 'file:y.db?mode=memory'; do
	expect "a file by the name of $name" 0 '^two.dat$' sh -c "'$PT' export -F sqlite -o '$name' two.dat && mv './$name' named.db && python3 '$HERE/sql.py' named.db 'SELECT file FROM traces'"
done
complains "the directory does not exist" 1 'cannot write /nowhere/x.db' add /nowhere/x.db two.dat
complains "no output file" 2 'sqlite needs --output FILE' "$PT" export -F sqlite two.dat
complains "the output is the trace" 2 'would overwrite the trace' add two.dat other.dat two.dat
complains "sqlite with --pid" 2 'exports whole traces' "$PT" export -F sqlite -o x.db --pid 388 two.dat
complains "sqlite with one table" 2 'exports all tables' "$PT" export -F sqlite -o x.db -T bos two.dat
complains "several traces without sqlite" 2 'only sqlite takes several trace files' "$PT" export two.dat other.dat
for c in report refault 'diff two.dat'; do
	# shellcheck disable=SC2086 # two words
	complains "$c -F sqlite" 2 'only export supports format sqlite' "$PT" $c -F sqlite -o x.db two.dat
done
[ ! -e x.db ] && pass "invalid options create no database" || fail "invalid options create no database"

# What is added within a version
cp day.db older.db && sql older.db "DROP VIEW stalls; ALTER TABLE swapins DROP COLUMN comm; ALTER TABLE traces DROP COLUMN most_open"
sed 's/evictions=2/evictions=4/' "$HERE/scripts/two-writes.txt" | make_trace again.dat
expect "a newer program adds columns and views" 0 '^browser\|browser\|1$' sh -c "'$PT' export -F sqlite -o older.db again.dat &&
	python3 '$HERE/sql.py' older.db \"SELECT s.comm, w.comm, t.most_open FROM swapins s JOIN stalls w USING (trace, pid) JOIN traces t USING (trace) WHERE t.file = 'again.dat' AND s.bo_id = 11\""

# What is computed
expect "outcomes has the efficiency of a request" 0 '^100.0\|378673\|0.0$' sql day.db "SELECT freed_pct, ns_per_mib, premature_pct FROM outcomes WHERE trace = 1 AND id = 1"
expect "outcomes has the target" 0 '^browser\|1\|50397184\|50331648$' sql day.db "SELECT target_comm, count(*), sum(evicted), sum(swapped_in) FROM outcomes WHERE trace = 1 GROUP BY 1 HAVING target_comm = 'browser'"
expect "two swap-ins are one stall" 0 '^browser\|30000000\|50331648\|1\|manager\|3499100000$' sql day.db "SELECT comm, stalled_ns, swapped_in, id, requester_comm, evicted_ns FROM stalls WHERE trace = 1 AND tgid = 388"

out=$(diff <("$PT" export -T stalls -F csv -f time_ns,end_ns,tgid,target_comm,pid,comm,stalled_ns,swapped_in_bos,swapped_in,id,requests,source,requester_comm,requester_tgid,evicted_ns golden.dat |
	tail -n +2 | tr -d '"' | tr , '|' | sort) <(sql day.db "SELECT time_ns, s.end_ns, s.tgid, target_comm, s.pid, comm, stalled_ns, swapped_in_bos, swapped_in, id, s.requests, source, requester_comm, requester_tgid, evicted_ns
	FROM stalls s JOIN traces t USING (trace) WHERE t.file = 'golden.dat'" | sort)) && pass "stalls: as in the CSV" || fail "stalls: as in the CSV" "$out"

# The page says so itself
awk '/^\.\. code-block:: sql/ { on = 1; next } on && /^[^ ]/ { on = 0; print "--" } on { print }' "$PAGE" >questions.sql
expect "the page has five queries" 0 '^5$' grep -c ';$' questions.sql
while IFS= read -r -d ';' question; do
	[ -n "${question//[[:space:]-]/}" ] || continue
	name=$(grep -oE 'FROM [a-z]+' <<<"$question" | head -n 1)
	rc=0
	out=$(sql day.db "$question" 2>&1) || rc=$?
	[ "$rc" -eq 0 ] && [ -n "$out" ] && pass "query: $name" || fail "query: $name" "$question" "$out"
done <questions.sql
for t in $(sql day.db "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"); do
	grep -qE "^$t  " "$PAGE" && pass "the page has $t" || fail "the page has $t"
done
version=$(sed -n 's/^of this description, \([0-9]*\)\..*/\1/p' "$PAGE")
expect "the page has the version of the database" 0 "^1886286952\|$version\$" sql day.db "SELECT (SELECT * FROM pragma_application_id), (SELECT * FROM pragma_user_version)"
end
