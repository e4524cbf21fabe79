#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The device goes away, and the driver with it, while reclaims run.
#
# ROUNDS=N times that it does (3)
# shellcheck source=lib/tap.sh disable=SC2317
. "$(dirname "$0")/lib/tap.sh"

DEVICE=/sys/bus/platform/devices/panthor
DRIVER=/sys/bus/platform/drivers/panthor
FILE=$DEVICE/mem_reclaim

[ -e "$FILE" ] || bail "no $FILE"

# Writes for as long as there is a file to write to; what the writes said ends up in $1
storm()
{
	local said

	while [ -e "$TMPDIR/storm" ]; do
		said=$( { echo "$load_pid" >"$FILE"; } 2>&1) || echo "${said##*: }"
	done >"$1"
}

start_storm()
{
	: >"$TMPDIR/storm"
	storm "$TMPDIR/said.1" &
	storm_pids=$!
	storm "$TMPDIR/said.2" &
	storm_pids="$storm_pids $!"
}

# Nothing but what the ABI names, and what a file says that is not there
stop_storm()
{
	local odd

	rm -f "$TMPDIR/storm"
	# shellcheck disable=SC2086
	wait $storm_pids
	odd=$(sort "$TMPDIR/said.1" "$TMPDIR/said.2" | uniq -c |
		grep -vE 'No such device|No such file|No such process|Device or resource busy|Permission denied')
	[ -z "$odd" ] || { diag "$odd"; return 1; }
}

put()
{
	echo "$1" >"$2"
}

wait_for()
{
	local tries=0

	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || return 1
		sleep 0.1
	done
}

# last_id TGID - of the last request for that process, by the table in debugfs
last_id()
{
	awk -v tgid="$1" '
		NR == 1 { sub(/^# */, ""); for (i = 1; i <= NF; i++) at[$i] = i }
		$at["tgid"] == tgid { print $at["last_id"] }' /sys/kernel/debug/dri/panthor/reclaim
}

# device_goes_and_comes WHAT - with a client that holds buffers and runs commands
device_goes_and_comes()
{
	start_storm
	sleep 1
	check "$1: the driver is unbound during requests" put panthor $DRIVER/unbind
	[ ! -e $FILE ]
	ok $? "$1: mem_reclaim is removed"
	check "$1: each write returns a documented result" stop_storm
	kill -9 "$load_pid"
	wait "$load_pid" 2>/dev/null
	check "$1: the kernel logs no warning" kernel_quiet
	check "$1: the driver is bound again" put panthor $DRIVER/bind
	check "$1: mem_reclaim exists again" wait_for test -e $FILE
	start_load -b8x64K
	check "$1: a write succeeds" put "$load_pid" $FILE
	check "$1: the data is intact" tell_load verify gpu
	stop_load
}

for round in $(seq "${ROUNDS:-3}"); do
	start_load -b64x64K -v2 -b4x64K:shared -b4x64K:mmap -b4x64K:unused
	device_goes_and_comes "round $round"
	[ -e /dev/dri/renderD128 ]
	ok $? "round $round: the device has its old name: the previous one is freed"
done

start_load -b64x64K
start_storm
sleep 0.5
modprobe -r panthor 2>/dev/null
ok $((!$?)) "the module cannot be unloaded while a client has the device open"
check "each write returns a documented result" stop_storm
check "the data is intact" tell_load verify cpu
stop_load

load_pid=$$
start_storm
check "the module can be unloaded without a client, during writes" wait_for modprobe -r panthor
check "each write returns a documented result during the unload" stop_storm
check "the module is loaded again" modprobe panthor
check "mem_reclaim exists again" wait_for test -e $FILE
start_load -b8x64K
check "a write succeeds" put "$load_pid" $FILE
check "it is the first request since then: its id is 1" [ "$(last_id "$load_pid")" = 1 ]
check "the data is intact after the reload" tell_load verify gpu
stop_load

# Is anything left behind? Twice, for what was allocated during the first scan
leaks=/sys/kernel/debug/kmemleak
if [ -w $leaks ]; then
	sleep 6
	echo scan >$leaks
	sleep 1
	echo scan >$leaks
	found=$(grep -E 'panthor' $leaks)
	[ -z "$found" ] || diag "$(head -40 $leaks)"
	[ -z "$found" ]
	ok $? "the driver leaks no memory"
else
	skip "no kmemleak" "the driver leaks no memory"
fi

# Last, for it leaves something behind, with or without reclaim: once the device is unplugged the driver's scheduler takes no
# group off the GPU any more, so that one which was on it stays, and with it the old device's memory and minor number.
start_load -b64x64K -v2 -b4x64K:shared
tell_load loop 0 2000 || bail "no loop"
device_goes_and_comes "with jobs in flight"

tap_end
