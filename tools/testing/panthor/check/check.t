#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The runner itself: what must make a test fail does.
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

CHECK=$HERE/check
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# program NAME SHELL - a test program
program()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$tmp/$1"
	chmod +x "$tmp/$1"
}

run() { "$CHECK/run-tests" 2 "$@" | "$CHECK/tally"; }

program good 'echo ok 1; echo ok 2; echo 1..2'
program bad 'echo 1..2; echo ok 1; echo not ok 2 - promise; echo "# why"'
program short 'echo 1..2; echo ok 1'
program silent ':'
program status 'echo 1..1; echo ok 1; exit 3'
program slow 'echo 1..1; echo ok 1; sleep 60'
program skips 'echo 1..2; echo ok 1; echo "ok 2 # SKIP no hardware"'
expect "all tests pass" 0 "^2 passed, 0 failed$" run "$tmp/good"
expect "a failed test is reported with its output" 1 "FAIL bad: promise" run "$tmp/bad"
expect "the last line has the totals" 1 "^3 passed, 1 failed$" run "$tmp/good" "$tmp/bad"
expect "fewer tests than planned" 1 "planned 2 tests and ran 1" run "$tmp/short"
expect "no plan" 1 "no plan" run "$tmp/silent"
expect "exit status" 1 "exit status 3" run "$tmp/status"
expect "time limit" 1 "FAIL slow: time limit" run "$tmp/slow"
expect "^C ends it, and the running test" 0 "^status 130" interrupted 2 "$CHECK/run-tests" 120 "$tmp/slow"
expect "skipped tests are counted" 0 "^1 passed, 0 failed, 1 skipped$" run "$tmp/skips"
expect "no tests: failure" 1 "^0 passed, 0 failed$" "$CHECK/tally" </dev/null
expect "a guest that dies" 1 "FAIL x: the guest died: status 125" \
	"$CHECK/tally" <<<$'@begin x\n@died x status 125'

# In the guest: what the kernel says counts, and ends the boot
in_guest() { "$HERE/guest/guest" -k debug -t 1800 -n "$CHECK/run-tests" -k 120 "$@" | "$CHECK/tally"; }

program warns 'echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT; echo ok 1; echo 1..1'
program leaks 'modprobe kmemleak-test; rmmod kmemleak-test; echo ok 1; echo 1..1'
warned=$(in_guest "$tmp/good" "$tmp/warns" "$tmp/good" 2>&1)
status=$?
again() { printf '%s\n' "$warned"; return $status; }
expect "a WARN fails the running test" 1 "FAIL warns: the kernel's log: .*WARNING" again
expect "the stack of the WARN is shown" 1 "^ +# .*lkdtm_do_action" again
# says NAME LINE... - a program meanwhile the kernel says that
says()
{
	local name=$1

	shift
	program "$name" "for line in ${*@Q}; do
		echo \"\$line\" >/dev/kmsg
	done
	echo ok 1; echo 1..1"
}

says cgroup-full 'hog invoked oom-killer: gfp_mask=0x1' 'Call Trace:' \
	'memory: usage 8192kB, limit 8192kB, failcnt 9'
says guest-full 'hog invoked oom-killer: gfp_mask=0x1' 'Call Trace:' 'Mem-Info:'
expect "an OOM kill in a cgroup passes, one of the guest fails" 1 \
	"FAIL guest-full: the kernel's log: .*Call Trace" in_guest "$tmp/cgroup-full" "$tmp/guest-full"
stall=('hog: page allocation stall for 10 secs: order:0' 'Call Trace:' 'Mem-Info:')
says stalls "${stall[@]}"
says stalls-and-more "${stall[@]}" 'Call Trace:'
expect "an allocation that takes long passes, what comes after it does not" 1 \
	"FAIL stalls-and-more: the kernel's log: .*Call Trace" in_guest "$tmp/stalls" "$tmp/stalls-and-more"
# shellcheck disable=SC2016 # for the program's shell
program swaps 'n=$(cat /sys/class/zram-control/hot_add); echo 8M >/sys/block/zram$n/disksize
	mkswap /dev/zram$n >/dev/null && swapon /dev/zram$n && echo ok 1; echo 1..1'
expect "swap that a test leaves on ends the boot" 0 "^1 passed, 0 failed$" in_guest "$tmp/swaps" "$tmp/good"
expect "a memory leak is found" 1 "FAIL kmemleak: no memory lost" in_guest "$tmp/leaks"

tap_end
