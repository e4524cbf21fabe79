#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What ./guest promises: status, streams, folders, limits, and how it fails.
# shellcheck disable=SC2016 # for the inner shell
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

flavour=${KERNEL:-debug}
guest() { "$HERE/guest/guest" -k "$flavour" -t 1800 "$@"; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/share dir"
echo seen >"$tmp/file"

# One boot for all that one boot can show
inside='
	echo "to stdout"; echo "to stderr" >&2
	id -u; cat '"$tmp/file"'; touch '"$tmp"'/x 2>/dev/null || echo "host is read-only"
	echo written >"'"$tmp"'/share dir/out"; touch /run/x /var/tmp/x "$TMPDIR/x" && echo "tmpfs ok"
	[ -c /dev/dri/renderD128 ] && [ -d /sys/kernel/debug/dri ] && [ -e /sys/kernel/tracing/events/panthor ] && echo "driver up"
	grep -q zram0 /proc/swaps && echo "swap on"; echo "path $PATH"; pwd; sleep 1000 & exit 37'
cd "$tmp" || exit 1
kept() { guest "$@" >stdout 2>stderr; local s=$?; cat stdout stderr; return $s; }
expect "status of CMD" 37 . \
	kept -s "$tmp/share dir" "$inside"
expect "its stdout and nothing else" 0 "^to stdout 0 seen host is read-only tmpfs ok driver up swap on path $REPO/build/tools:" \
	sh -c 'tr "\n" " " <"$0/stdout"' "$tmp"
expect "CMD runs in the caller's directory" 0 "^$tmp$" tail -n 1 "$tmp/stdout"
expect "its stderr and nothing else" 0 "^to stderr$" cat "$tmp/stderr"
expect "only one line on stderr" 0 "^1 " sh -c 'echo $(wc -l <"$0/stderr") lines' "$tmp"
expect "the shared directory is written" 0 "^written$" cat "$tmp/share dir/out"

expect "a panic is status 125, and shown" 125 "Kernel panic.*sysrq" \
	kept -n 'echo c >/proc/sysrq-trigger; sleep 100'
expect "its stack is shown, without registers and leftovers" 0 "^[1-9][0-9]* 0$" \
	sh -c 'echo "$(grep -c "\] .*sysrq_handle_crash+" "$0/stderr") $(grep -cE "\] +\? |\] R[AS][XP]: " "$0/stderr")"' "$tmp"
expect "the last lines have the error, the log and advice" 0 \
	"its kernel said: .*sysrq.* guest: the kernel's log: /.*log guest: .*KERNEL=debug" \
	sh -c 'tail -n 3 "$0/stderr" | tr "\n" " "' "$tmp"
expect "^C leaves nothing running" 0 "^status 130" interrupted 15 "$HERE/guest/guest" -k "$flavour" -n 'sleep 1000'
expect "time limit" 124 "time limit of 25 s" guest -t 25 -n 'sleep 1000'
expect "an unknown kernel" 125 "no kernel in $tmp/none" guest -K "$tmp/none" true
expect "an unknown directory to share" 125 "-s $tmp/none: no such folder" guest -s "$tmp/none" true
expect "an invalid number" 2 '-m: expected a number, not "lots"' guest -m lots true
expect "an unknown option" 2 "unknown option -z" guest -z true

tap_end
