#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The client itself: what the other tests rely on.
# shellcheck source=lib/tap.sh disable=SC2317
. "$(dirname "$0")/lib/tap.sh"

bad_arguments()
{
	local out status

	out=$(load "$@" 2>&1 </dev/null)
	status=$?
	[ "$status" -eq 2 ] && [ -n "$out" ] && ! grep -q ^ready <<<"$out"
}

for args in '--bo 3' '--bo 0x4K' '--bo 1x0' '--bo 1x4Q' '--bo 1x4K:odd' '--vms 0' '--vms 33' \
	'--procs x' '--fill maybe' '--seed -1' 'leftover' '--no-such-option'; do
	# shellcheck disable=SC2086
	check "load $args: a usage line and status 2" bad_arguments $args
done

load --device /dev/null </dev/null | grep -q '^error start .*No such device'
ok $? "a device that is not panthor's: an error that says so"

# Every kind of buffer, two VMs, all ways to fill and to verify
start_load -v2 -b4x64K -b2x1M:private:big-%i -b4x64K:shared -b2x64K:mmap -b2x64K:unused
for how in cpu gpu; do
	check "fill $how" tell_load fill $how
	for look in cpu gpu check; do
		check "filled by $how, verified by $look" tell_load verify $look
	done
done
check "jobs run" tell_load submit 3 1000
check "a job of 200 ms" tell_load submit 1 200000
diag "$load_line"
ms=${load_line##* ms=} ms=${ms%%.*}
# Two VMs at once on one GPU may run side by side or one after the other. How much work that is was
# measured before, perhaps while the host was slower
[ "$ms" -ge 50 ] && [ "$ms" -le 2000 ]
ok $? "takes about that long ($ms ms)"
check "hold" tell_load hold
# The driver gives up on a queue in which no job ends for 5 s
sleep 7
check "release" tell_load release
check "loop" tell_load loop 50 2000
check "and verify meanwhile" tell_load verify check
check "stop" tell_load stop
diag "$load_line"
check "unbind" tell_load unbind
check "bind" tell_load bind
check "still there" tell_load verify gpu
check "destroy a VM" tell_load destroy-vm 1
check "what was in it is still there for the CPU, the rest for the GPU" tell_load verify gpu
tell_load destroy-vm 1
ok $((!$?)) "a VM that is gone: an error"
tell_load nonsense
ok $((!$?)) "a command that there is not: an error"
stop_load
ok $((!$?)) "and errors show in the exit status"

# What a script would do
out=$(load -s1 -b1x64K -e 'verify cpu' -e 'verify check' -e 'verify gpu' </dev/null)
[ "$(grep -c '^ok verify' <<<"$out")" -eq 3 ]
ok $? "three ways to verify, one after the other"

# Several processes, each with the same
out=$(printf 'verify gpu\nsubmit 2 100\n' | load -p3 -b4x64K)
[ "$(grep -c '^ready ' <<<"$out")" -eq 3 ] && [ "$(grep -c '^ok submit' <<<"$out")" -eq 3 ] &&
	[ "$(grep -o 'pid=[0-9]*' <<<"$out" | sort -u | wc -l)" -eq 3 ]
ok $? "three processes, each answers for itself"

# Commands through a FIFO, by more than one writer
fifo=$TMPDIR/load.$$
load -c "$fifo" -b1x4K >"$fifo.out" &
while ! grep -q ^ready "$fifo.out"; do sleep 0.1; done
echo 'verify cpu' >"$fifo"
while ! grep -q '^ok verify' "$fifo.out"; do sleep 0.1; done
echo quit >"$fifo"
wait $!
ok $? "a FIFO that is written to twice"
rm -f "$fifo" "$fifo.out"

tap_end
