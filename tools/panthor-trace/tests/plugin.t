#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015 # A && pass || fail: pass does not fail
# plugin_panthor.so in the programs that load it.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
export TRACEEVENT_PLUGIN_DIR=$WORK/plugins
mkdir plugins && cp "$OUT/plugin_panthor.so" plugins/
S=$HERE/scripts
make_trace two.dat <"$S/two-writes.txt"

# What Debian 12's perf exports; a plugin that needs more is refused by it
cat >allowed <<'END'
tep_find_any_field
tep_find_field
tep_find_function
tep_find_function_address
tep_get_field_raw
tep_get_field_val
tep_get_long_size
tep_is_file_bigendian
tep_is_local_bigendian
tep_plugin_add_options
tep_plugin_remove_options
tep_print_func_field
tep_print_num_field
tep_read_number
tep_read_number_field
tep_register_comm
tep_register_event_handler
tep_register_print_function
tep_unregister_event_handler
tep_unregister_print_function
trace_seq_printf
trace_seq_putc
trace_seq_puts
trace_seq_terminate
END
extra=$(nm -D --undefined-only plugins/plugin_panthor.so | awk '{ print $2 }' | grep -E '^(tep|trace_seq|tracecmd|kbuffer)_' |
	sort -u | comm -23 - allowed)
[ -z "$extra" ] && pass "the plugin needs only symbols that perf exports" || fail "the plugin needs only symbols that perf exports" "$extra"
extra=$(nm -D --undefined-only plugins/plugin_panthor.so | awk '$1 == "U" { print $2 }' | grep -vE '@GLIBC|^tep_|^trace_seq_')
[ -z "$extra" ] && pass "the plugin needs no other library" || fail "the plugin needs no other library" "$extra"
extra=$(nm -D --defined-only plugins/plugin_panthor.so | awk '{ print $3 }' | grep -vxE 'tep_plugin_(un)?loader')
[ -z "$extra" ] && pass "the plugin exports loader and unloader only" || fail "the plugin exports loader and unloader only" "$extra"

report() { trace-cmd report -i "$@" 2>&1; }
same "trace-cmd report" plugin.txt report two.dat
for o in '-b -l 8' '-b -l 4' '-l 4'; do
	# shellcheck disable=SC2086 # options
	make_trace other.dat $o <"$S/two-writes.txt"
	cmp -s <(report two.dat) <(report other.dat) && pass "mktrace $o: the same" || fail "mktrace $o: the same"
done
expect "trace-cmd lists the options" 0 'min_blocked' trace-cmd options
expect "summary=0" 0 '!blocked  ' report two.dat -O panthor:summary=0
expect "bos=0" 0 '!evicted  BO' report two.dat -O panthor:bos=0
expect "units=exact" 0 'blocked  412300000 ns' report two.dat -O panthor:units=exact
expect "min_blocked omits a shorter request" 0 '!request  #1 ' report two.dat -O panthor:min_blocked=100
expect "min_blocked prints a longer request" 0 'request  #2 ' report two.dat -O panthor:min_blocked=100
expect "an invalid min_blocked is reported" 0 'min_blocked: expected milliseconds' report two.dat -O panthor:min_blocked=soon
expect "an invalid min_blocked omits nothing" 0 'request  #1 ' report two.dat -O panthor:min_blocked=soon
make_trace buffers.dat -2 <"$S/two-writes.txt"
expect "in two buffers: each request is printed once" 0 '^2$' sh -c "trace-cmd report -i buffers.dat 2>&1 | grep -c '^ *request  #'"
expect "in two buffers: nothing is inconsistent" 0 '!caution' report buffers.dat
expect "options from the environment" 0 '!blocked  ' env PANTHOR_TRACE_PLUGIN=summary=0,units=exact trace-cmd report -i two.dat
expect "units from the environment" 0 'blocked  412300000 ns' env PANTHOR_TRACE_PLUGIN=units=exact trace-cmd report -i two.dat
expect "vmscan of Linux 7.3" 0 'mm_vmscan_direct_reclaim_end: nr_reclaimed=33 pid=388 memcg_id=12' report two.dat
make_trace goal.dat <<'END'
comm 412 manager
comm 388 browser
0 1.0 412 panthor_reclaim_begin dev=panthor id=1 source=sysfs requester_tgid=412 target_tgid=388 clients=1 vms=1 goal=16777216 requester_comm=manager target_comm=browser
0 2.0 412 panthor_reclaim_begin dev=panthor id=2 source=claim requester_tgid=412 target_tgid=388 clients=1 vms=1 goal=8388608 requester_comm=manager target_comm=browser
END
expect "the goal of a request" 0 '#1 .*: evict 16 MiB, 1 client' report goal.dat
expect "the goal of a claim" 0 '#2 .*: swap in 8 MiB, 1 client' report goal.dat

grep -v 'bo_id=12.*evictions' "$S/two-writes.txt" | make_trace missing.dat
expect "a missing BO is reported" 0 'caution  events of only 2 of 3 evicted' report missing.dat
grep -v 'panthor_reclaim_begin' "$S/two-writes.txt" | make_trace nobegin.dat
expect "a missing begin is reported" 0 'caution  no begin event' report nobegin.dat
grep 'panthor_reclaim_end' "$S/two-writes.txt" | make_trace ends.dat
expect "an end event alone has its totals" 0 'blocked  412 ms = fence 97.0 %' report ends.dat

# Recorded in the guest: two clients, one idle and one busy
cp "$HERE/golden/trace.dat" "$HERE/golden/perf.data" .
same "golden trace" plugin-golden.txt report trace.dat
if command -v perf >/dev/null && perf version 2>/dev/null | grep -q ' 6\.1'; then
	perf script -i perf.data >perf.out 2>perf.err
	same "perf script, golden" perf-golden.txt sed 's/ *$//' perf.out
	PANTHOR_TRACE_PLUGIN=summary=0 perf script -i perf.data >perf.out 2>perf.err
	expect "perf script, summary off by the environment" 0 '!blocked  ' cat perf.out
else
	skip "perf script" "no perf 6.1 here"
fi

# Without time stamps, as under perf: all times 0
sed -E 's/^([01]) [0-9.]+/\1 0.0/' "$S/two-writes.txt" | make_trace zero.dat
expect "without timestamps no event counts as repeated" 0 '!caution' report zero.dat
end
