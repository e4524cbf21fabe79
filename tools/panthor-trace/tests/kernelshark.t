#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015 # A && pass || fail: pass does not fail
# Both plugins in KernelShark, by its libraries: no display is needed.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
S=$HERE/scripts

if [ ! -x "$OUT/tests/kshark" ]; then
	skip "KernelShark" "no libkshark-dev, libjson-c-dev or libglut-dev here"
	end
fi
# kshark_add_stream() does not give back a name, in 2.2.1
echo leak:kshark_add_stream >suppressions
export LSAN_OPTIONS=suppressions=$WORK/suppressions:print_suppressions=0
export TRACEEVENT_PLUGIN_DIR=$WORK/plugins
mkdir plugins && cp "$OUT/plugin_panthor.so" plugins/
make_trace two.dat <"$S/two-writes.txt"
cp "$HERE/golden/trace.dat" .

draw() { "$OUT/tests/kshark" "$@" 2>&1 | grep -v '^loading plugin'; return "${PIPESTATUS[0]}"; }
shapes() { local file=${!#}; draw "${@:1:$#-1}" "$OUT/tests/plugin-panthor.so" "$file"; }

extra=$(nm -D --defined-only "$OUT/kernelshark/plugin-panthor.so" | awk '$2 == "T" { print $3 }' | grep -v '^kshark_')
[ -z "$extra" ] && pass "the plugin exports KernelShark's entry points only" || fail "the plugin exports KernelShark's entry points only" "$extra"
extra=$(readelf -d "$OUT/kernelshark/plugin-panthor.so" | grep -E 'NEEDED.*(Qt|kshark-gui)')
[ -z "$extra" ] && pass "the plugin needs no Qt" || fail "the plugin needs no Qt" "$extra"

# Where KernelShark looks for plugins by their name
dir=$(echo KS_PLUGIN_INSTALL_PREFIX | cpp -P -include /usr/include/kernelshark/KsCmakeDef.hpp | tr -d '"' | tail -n 1)
make -s -C "$HERE/.." OUT="$OUT" DESTDIR="$WORK/dest" PREFIX=/usr install >make.out 2>&1
[ -f "dest$dir/plugin-panthor.so" ] && pass "the plugin is installed where KernelShark looks" ||
	fail "the plugin is installed where KernelShark looks" "$dir" "$(find dest)" "$(cat make.out)"
make -s -C "$HERE/.." OUT="$OUT" DESTDIR="$WORK/dest" PREFIX=/usr uninstall >make.out 2>&1
[ -z "$(find dest -type f)" ] && pass "the plugin is uninstalled" || fail "the plugin is uninstalled" "$(find dest -type f)"

same "golden trace, all of it" kernelshark-golden.txt shapes trace.dat
same "golden trace, the first request" kernelshark-golden-zoom.txt shapes -b 2000 -t 18.27,18.4 trace.dat
# Each event of the trace has its shape, if there are pixels enough
for kind in evict:panthor_bo_evict writeback:panthor_bo_writeback swapin:panthor_bo_swapin skip:panthor_bo_evict_skip; do
	drawn=$(shapes -b 4000000 trace.dat | grep '^task' | grep -oE " ${kind%:*}( \([0-9]+ px\))? x[0-9]+" | awk -Fx '{ n += $NF } END { print n + 0 }')
	events=$(trace-cmd report -N -i trace.dat 2>/dev/null | grep -c " ${kind#*:}:")
	[ "$drawn" -eq "$events" ] && pass "$drawn shapes for $events ${kind#*:}" || fail "$drawn shapes for $events ${kind#*:}"
done
same "two writes" kernelshark.txt shapes two.dat
make_trace other.dat -b -l 4 <"$S/two-writes.txt"
cmp -s <(shapes two.dat) <(shapes other.dat) && pass "big-endian, 32 bit: the same" || fail "big-endian, 32 bit: the same"
[ -z "$(shapes -t 102,103 two.dat)" ] && pass "nothing is drawn where nothing happened" || fail "nothing is drawn where nothing happened"
expect "one pixel has both requests" 0 'task 412: .*request \(1 px\) x2' shapes -b 1 two.dat

# What a trace may lack
grep -v 'panthor_reclaim_end.*id=2' "$S/two-writes.txt" | make_trace noend.dat
expect "a request without its end has its own shape" 0 'task 412: .* request \([0-9]+ px\) x1 .*unended \(1[0-9]+ px\) x1' shapes noend.dat
grep -v 'panthor_.*reclaim_begin.*id=2' "$S/two-writes.txt" | make_trace nobegin.dat
cmp -s <(shapes two.dat) <(shapes nobegin.dat) && pass "a missing begin is taken from the end" ||
	fail "a missing begin is taken from the end" "$(diff <(shapes two.dat) <(shapes nobegin.dat))"
sed 's/^1 \(101.41.*\)/0 \1/' "$S/two-writes.txt" | make_trace moved.dat
expect "a request that moved to another CPU is drawn on both" 0 '^cpu 0: .*request .*x2 ' shapes moved.dat
expect "it is drawn once on its task" 0 '^task 412: .*request \([0-9]+ px\) x1 request \([0-9]+ px\) x1 ' shapes moved.dat
expect "it is drawn once on the CPU that it left" 0 '^cpu 1: .* request \([0-9]+ px\) x1 ' shapes moved.dat
mkdir foreign && cp "$HERE"/formats/sched* foreign/
"$OUT/tests/mktrace" -f foreign foreign.dat <<<'0 1.0 1 sched_switch prev_pid=1'
expect "a trace without the events is refused" 3 'has nothing to do with it' shapes foreign.dat
many_bos 10000 | make_trace many.dat
expect "10,000 BOs: one mark per pixel" 0 'task 412: evict x50[01] ' shapes many.dat

# The table's rows, which our libtraceevent plugin writes: always one line, or KernelShark shows some line of many
info() { draw -i "$OUT/tests/plugin-panthor.so" "$1"; }
info trace.dat >rows
expect "rows have the text of the plugin" 0 'panthor_reclaim_end: #2 .* blocked 1\.11 s, cut short: busy = fence 91\.2 %' cat rows
expect "each row is one line" 0 "^$(trace-cmd report -N -i trace.dat 2>/dev/null | grep -c '\]')\$" wc -l -- <rows
expect "each event is parsed" 0 '!FAILED TO PARSE' cat rows
expect "vmscan of Linux 7.3" 0 'mm_vmscan_direct_reclaim_end: nr_reclaimed=33' info two.dat
end
