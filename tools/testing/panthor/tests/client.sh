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
	check "load $args: exits with a usage line and status 2" bad_arguments $args
done

load --device /dev/null </dev/null | grep -q '^error start .*No such device'
ok $? "a device of another driver: the error says so"

# Every kind of buffer, two VMs, all ways to fill and to verify
start_load -v2 -b4x64K -b2x1M:private:big-%i -b4x64K:shared -b2x64K:mmap -b2x64K:unused
for how in cpu gpu; do
	check "fill $how succeeds" tell_load fill $how
	for look in cpu gpu check; do
		check "data filled by $how is verified by $look" tell_load verify $look
	done
done
check "submit 3 1000 succeeds" tell_load submit 3 1000
check "submit 1 200000 succeeds" tell_load submit 1 200000
diag "$load_line"
ms=${load_line##* ms=} ms=${ms%%.*}
# Two VMs at once on one GPU may run side by side or one after the other. How much work that is was
# measured before, perhaps while the host was slower
[ "$ms" -ge 50 ] && [ "$ms" -le 2000 ]
ok $? "it takes about 200 ms ($ms ms)"
check "hold succeeds" tell_load hold
# The driver gives up on a queue in which no job ends for 5 s
sleep 7
check "release succeeds" tell_load release
check "loop succeeds" tell_load loop 50 2000
check "verify succeeds during the loop" tell_load verify check
check "stop succeeds" tell_load stop
diag "$load_line"
check "unbind succeeds" tell_load unbind
check "bind succeeds" tell_load bind
check "the data is intact" tell_load verify gpu
check "destroy-vm succeeds" tell_load destroy-vm 1
check "verify gpu reads the buffers without a VM by CPU" tell_load verify gpu
tell_load destroy-vm 1
ok $((!$?)) "destroy-vm of a destroyed VM is an error"
tell_load nonsense
ok $((!$?)) "an unknown command is an error"
stop_load
ok $((!$?)) "after an error the exit status is not 0"

# What a script would do
out=$(load -s1 -b1x64K -e 'verify cpu' -e 'verify check' -e 'verify gpu' </dev/null)
[ "$(grep -c '^ok verify' <<<"$out")" -eq 3 ]
ok $? "three --exec verify in three ways"

# Several processes, each with the same
out=$(printf 'verify gpu\nsubmit 2 100\n' | load -p3 -b4x64K)
[ "$(grep -c '^ready ' <<<"$out")" -eq 3 ] && [ "$(grep -c '^ok submit' <<<"$out")" -eq 3 ] &&
	[ "$(grep -o 'pid=[0-9]*' <<<"$out" | sort -u | wc -l)" -eq 3 ]
ok $? "each of three processes answers"

# Commands through a FIFO, by more than one writer
fifo=$TMPDIR/load.$$
load -c "$fifo" -b1x4K >"$fifo.out" &
while ! grep -q ^ready "$fifo.out"; do sleep 0.1; done
echo 'verify cpu' >"$fifo"
while ! grep -q '^ok verify' "$fifo.out"; do sleep 0.1; done
echo quit >"$fifo"
wait $!
ok $? "a FIFO takes commands of two writers"
rm -f "$fifo" "$fifo.out"

tap_end
