#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015 # A && pass || fail: pass does not fail
# What panthor-trace prints, and how it ends.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
S=$HERE/scripts

make_trace two.dat <"$S/two-writes.txt"
make_trace big.dat -b -l 8 <"$S/two-writes.txt"
make_trace big32.dat -b -l 4 <"$S/two-writes.txt"
make_trace little32.dat -l 4 <"$S/two-writes.txt"

# The formats were printed by a kernel: they must have the fields of today's header, all of them and in its order
header=$HERE/../../../include/trace/events/panthor_reclaim.h
awk '
	/^(TRACE_EVENT|DECLARE_EVENT_CLASS)\(/ { sub(/^[A-Z_]*\(/, ""); sub(/,.*/, ""); event = $0; class[event] = "" }
	/^DEFINE_EVENT\(/ { sub(/^[A-Z_]*\(/, ""); split($0, n, /[, ]+/); class[n[2]] = class[n[1]] }
	match($0, /__string\([a-z_]+/) { class[event] = class[event] " " substr($0, RSTART + 9, RLENGTH - 9) }
	match($0, /__field\([a-z0-9]+, [a-z_]+/) { f = substr($0, RSTART, RLENGTH); sub(/.* /, "", f); class[event] = class[event] " " f }
	END { for (e in class) if (e != "panthor_reclaim_bo") print e class[e] }' "$header" | sort >header.fields
for f in "$HERE"/formats/panthor_*.format; do
	sed -n '/common_pid/,/^print/s/.*field:[^;]* \([a-z_]*\);.*/\1/p' "$f" | grep -v common_pid |
		tr '\n' ' ' | sed "s/^/$(basename "$f" .format) /; s/ $//"
	echo
done | sort >format.fields
[ -s header.fields ] && out=$(diff header.fields format.fields) && pass "formats are those of the header" ||
	fail "formats are those of the header" "$out"

# Every view, as text and for scripts
same "report" report.txt "$PT" report two.dat
same "report --bos" report-bos.txt "$PT" report --bos two.dat
same "report --by client" report-by-client.txt "$PT" report --by client two.dat
same "report --by vm" report-by-vm.txt "$PT" report --by vm two.dat
same "report --by label" report-by-label.txt "$PT" report --by label two.dat
same "report --by reason" report-by-reason.txt "$PT" report --by reason two.dat
same "report --by state" report-by-state.txt "$PT" report --by state two.dat
same "report -P -H" report-spread.txt "$PT" report -P -H two.dat
same "report --worst" report-worst.txt "$PT" report --worst 1 two.dat
same "report exact" report-exact.txt "$PT" report --bytes --ns two.dat
same "report as JSON" report.json "$PT" report --bos -F json two.dat
same "report as CSV" report.csv "$PT" report -F csv two.dat
same "report as JSON lines" report.jsonl "$PT" report -F jsonl two.dat
same "refault" refault.txt "$PT" refault --bos two.dat
same "refault as JSON" refault.json "$PT" refault -F json two.dat
same "diff" diff.txt "$PT" diff two.dat two.dat
same "diff as JSON" diff.json "$PT" diff -F json two.dat two.dat
same "export as JSON" export.json "$PT" export two.dat
same "export as Chrome JSON" export-chrome.json "$PT" export -F chrome two.dat
same "export as CSV" export-bos.csv "$PT" export -F csv -T bos two.dat
same "fields of a report" fields.txt "$PT" report --fields=help

# One trace, four machines: the same text
for f in big big32 little32; do
	cp "$f.dat" other.dat
	if diff <("$PT" report --bos two.dat 2>&1) <("$PT" report --bos other.dat 2>&1) >diff.out; then
		pass "$f: same report as little-endian 64 bit"
	else
		fail "$f: same report as little-endian 64 bit" "$(cat diff.out)"
	fi
done

# Recorded in the guest: two clients, one idle and one busy
cp "$HERE/golden/trace.dat" golden.dat
same "golden trace: report" golden-report.txt "$PT" report --bos golden.dat
same "golden trace: refault" golden-refault.txt "$PT" refault --bos golden.dat
same "golden trace: export" golden-export.json "$PT" export golden.dat
for size in 100 5000 12000 15000; do
	head -c $size golden.dat >cut.dat
	complains "golden trace truncated to $size bytes" 1 '^panthor-trace: cut.dat: ' "$PT" report cut.dat
done

# Choosing
expect "filter by time" 0 '^ *101\.0.* game' "$PT" report --filter 'duration_ns>100ms' two.dat
expect "filter leaves out" 0 '!browser' "$PT" report --filter 'duration_ns>100ms' two.dat
expect "filter by BO" 0 '1 request:' "$PT" report --filter 'label~texture' two.dat
expect "filter of both kinds" 0 '0 requests' "$PT" report --filter 'label~texture,source=kswapd' two.dat
expect "time range" 0 '1 request:' "$PT" report --time 100.5, two.dat
expect "pid" 0 '1 request:' "$PT" report --pid 388 two.dat
expect "writer's pid" 0 '2 requests:' "$PT" report --pid 412 two.dat
expect "client" 0 '1 request:' "$PT" report --client 6 two.dat
expect "sorting down" 0 '^2$' sh -c "'$PT' report --sort=-duration_ns -F csv --fields id two.dat | sed -n 2p"
expect "fields in their order" 0 '^writer_comm,id$' "$PT" report -F csv --fields writer_comm,id two.dat
expect "sum of shares is 100" 0 '^100.0$' sh -c "'$PT' report -F csv --fields fence_pct,lock_pct,unmap_pct,writeback_pct,other_pct two.dat | tail -n +2 | awk -F, '{ printf \"%.1f\n\", \$1 + \$2 + \$3 + \$4 + \$5 }' | sort -u"
expect "the sentence" 0 'worst #2 at 101.000000: blocked 412 ms: 97.0 % waiting for job fences of VM 2, client 6 of game\[401\] \(3 fences, last 17:2041\)$' "$PT" report two.dat
expect "what was premature is named" 0 'game .* premature$' "$PT" refault --soon 3s two.dat
expect "colour only if asked for" 0 '!'$'\033' "$PT" report two.dat
expect "colour when asked for" 0 $'\033' "$PT" report --color always two.dat
expect "HTML page is one file" 0 '!(src=|href=|https?://)' "$PT" export -F html two.dat
expect "HTML page has the data" 0 '^.*"page tiles".*\]$' "$PT" export -F html two.dat

# Wrong calls: one line, status 2
complains "no command" 2 'Usage: panthor-trace COMMAND' "$PT"
complains "unknown command" 2 '^panthor-trace: no command "rport"' "$PT" rport
complains "unknown field" 2 'no field "nme"' "$PT" report --fields nme two.dat
complains "unknown sort key" 2 'cannot sort by "nme"' "$PT" report --sort nme two.dat
complains "unknown filter field" 2 'filter: no field "nme"' "$PT" report --filter 'nme=1' two.dat
complains "filter without operator" 2 'filter: after "id"' "$PT" report --filter id two.dat
complains "filter with a bad value" 2 'filter: "soon" does not fit' "$PT" report --filter 'duration_ns>soon' two.dat
complains "unknown format" 2 'no format "xml"; there are table, json' "$PT" report -F xml two.dat
complains "bad time range" 2 'time wants FROM,TO' "$PT" report --time 5 two.dat
complains "unknown group" 2 'cannot group by "colour"' "$PT" report --by colour two.dat
complains "two files" 2 'one trace file' "$PT" report two.dat two.dat
complains "diff of one" 2 'two trace files wanted' "$PT" diff two.dat
complains "reclaim of a word" 2 '"game" is not a process id' "$PT" reclaim game

# Honesty: a line on stderr and a status
complains "no file" 1 'cannot open nothing.dat: No such file' "$PT" report nothing.dat
complains "a folder" 1 'not a regular file' "$PT" report .
complains "not a trace" 1 'not a trace.dat file' "$PT" report "$S/two-writes.txt"
complains "not writable" 1 'cannot write /nowhere/x' "$PT" report -o /nowhere/x two.dat
: >empty.dat
complains "empty file" 1 'not a trace.dat file' "$PT" report empty.dat
make_trace none.dat <<<'0 1.0 1 sched_switch prev_pid=1'
complains "none of our events" 3 'none of the driver' "$PT" report none.dat
mkdir foreign && cp "$HERE"/formats/sched* foreign/
"$OUT/tests/mktrace" -f foreign foreign.dat <<<'0 1.0 1 sched_switch prev_pid=1'
complains "a kernel without our events" 3 'has none of the driver.s reclaim events; record with' "$PT" report foreign.dat

sed '/lost here/d; /id=2.*frame buffers/s/.*/lost 1 7/' "$S/two-writes.txt" | make_trace lost.dat
complains "lost events: status" 4 'warning: lost.dat: the trace lost [1-9][0-9]* events or more' "$PT" report lost.dat
expect "lost events: the request says so" 4 'game .*the trace lost events meanwhile, only 1 of 1 evicted and 1 of 2 skipped BOs were seen' "$PT" report lost.dat
grep -v 'panthor_reclaim_begin.*id=1' "$S/two-writes.txt" | make_trace nobegin.dat
expect "no begin" 4 'its begin was not seen' "$PT" report nobegin.dat
grep -v 'panthor_reclaim_end.*id=2' "$S/two-writes.txt" | make_trace noend.dat
expect "no end" 4 'its end was not seen' "$PT" report noend.dat
expect "no end: no time is made up" 4 '^2,,$' "$PT" report -F csv --fields id,duration_ns,result noend.dat
grep -v 'panthor_bo' "$S/two-writes.txt" | make_trace nobos.dat
complains "recorded without BO events" 4 'recorded without the BO events' "$PT" report nobos.dat
grep -v 'bo_id=13.*evictions' "$S/two-writes.txt" | make_trace missing.dat
complains "a BO missing though nothing was lost" 5 'contradict themselves' "$PT" report missing.dat
sed 's/evicted=50397184/evicted=50397185/' "$S/two-writes.txt" | make_trace wrong.dat
expect "totals that do not add up" 5 'its end event contradicts the others' "$PT" report wrong.dat
expect "the same in JSON" 5 '"mismatch": [1-9]' "$PT" report -F json wrong.dat
head -c $(($(stat -c %s two.dat) - 4096)) two.dat >cut.dat
complains "truncated in the data" 1 'truncated' "$PT" report cut.dat
for size in 11 40 300 3000 9000; do
	head -c $size two.dat >cut.dat
	complains "truncated to $size bytes" 1 '^panthor-trace: cut.dat: ' "$PT" report cut.dat
done

mkdir older newer
cp "$HERE"/formats/*.format older
cp "$HERE"/formats/*.format newer
sed -i '/ freed;/d; s/ freed=%llu//; s/ REC->freed,//; s/, REC->freed//' older/*.format
"$OUT/tests/mktrace" -f older older.dat <"$S/two-writes.txt"
complains "an older driver" 4 'older driver, whose events do not have: freed$' "$PT" report older.dat
expect "an older driver: not known is not 0" 4 '^1,$' "$PT" report -F csv --fields id,freed older.dat
sed -i 's/^\(.*\)field:s32 tgid;\toffset:\([0-9]*\);.*/&\n\tfield:u8 mood;\toffset:\2;\tsize:1;\tsigned:0;/' newer/panthor_bo_evict.format
"$OUT/tests/mktrace" -f newer newer.dat <"$S/two-writes.txt"
complains "a newer driver" 0 'newer driver; left out: panthor_bo_evict.mood$' "$PT" report newer.dat

# Escaping: what stands in a label, in every format
make_trace evil.dat <<'END'
0 1.0 7 panthor_reclaim_begin dev=panthor id=1 writer_tgid=7 target_tgid=8 writer_comm="\x1b[2J<b>" target_comm="a,\"
0 1.1 7 panthor_bo_evict dev=panthor id=1 bo_id=1 client_id=2 tgid=8 vm_id=1 state=2 size=4096 duration_ns=5 evictions=1 label="</script><script>alert(1)</script>\x1b]0;x\x07\x22,\xff"
0 1.2 7 panthor_reclaim_end dev=panthor id=1 target_tgid=8 evicted_bos=1 evicted=4096 duration_ns=200000000
END
for f in table json jsonl csv chrome html; do
	"$PT" export -F $f evil.dat >evil.out 2>evil.err || fail "$f of evil labels" "$(cat evil.err)"
	if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f-\x9f]' evil.out && [ $f != html ]; then
		fail "$f: no control characters" "$(cat -v evil.out)"
	elif [ $f = html ] && [ "$(grep -c '<script>alert' evil.out)" -ne 0 ]; then
		fail "html: a label cannot start a script"
	else
		pass "$f: nothing raw comes through"
	fi
done
expect "JSON of evil labels parses" 0 '^ok$' sh -c "'$PT' export evil.dat | python3 -c 'import json, sys; json.load(sys.stdin); print(\"ok\")'"
expect "Chrome JSON parses" 0 '^ok$' sh -c "'$PT' export -F chrome evil.dat | python3 -c 'import json, sys; json.load(sys.stdin); print(\"ok\")'"
for f in two golden; do
	expect "$f: Chrome slices nest" 0 'arrows: [1-9][0-9]* spans: [1-9][0-9]* counters: [1-9][0-9]* bad: 0$' sh -c "'$PT' export -F chrome $f.dat | python3 '$HERE/nesting.py'"
done
expect "evil CSV has one record a row" 0 '^\[2, 1\]$' sh -c "'$PT' export -F csv -T bos evil.dat | python3 -c 'import csv, sys; r = list(csv.reader(sys.stdin)); print([len(r), len({len(x) for x in r})])'"

# Interrupted, it prints what it has
(cat "$S/two-writes.txt"; echo "noise 0 104 130 3000000") | make_trace long.dat
"$PT" report long.dat >int.out 2>int.err & pid=$!
sleep 0.3
kill -INT $pid
wait $pid
rc=$?
if [ $rc -eq 130 ] && grep -q ' browser ' int.out; then
	pass "interrupted: prints what it has, status 130"
elif [ $rc -eq 0 ]; then
	skip "interrupted" "was too quick"
else
	fail "interrupted: prints what it has, status 130" "status $rc" "$(cat int.out int.err)"
fi

# A reader that goes away is no error
expect "head of a report" 0 '^0$' bash -c "'$PT' report two.dat | head -n 1 >/dev/null; echo \${PIPESTATUS[0]}"
end
