#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2016,SC2094 # $ is for the inner shell; the table is written first
# panthor-trace top, on a terminal and for scripts, with a table where debugfs would have it.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
export PT HERE
table()
{
	echo "# client     tgid command          vm    bos     resident  reclaimable       pinned       shared      evicted evicted_bos evictions  swapins  last_id last_duration_ns"
	for ((i = 1; i <= $1; i++)); do
		printf '%s\n' "$i $((100 + i)) my\x20app$i all 10 $((i << 20)) 4096 4096 0 $((i << 12)) 1 2 3 4 1000000"
	done
}

# with N COMMAND...: where debugfs has N clients
with()
{
	local n=$1

	shift
	table "$n" >table
	unshare -m sh -c 'mount -t tmpfs none /sys/kernel/debug && mkdir -p /sys/kernel/debug/dri/panthor &&
		cp table /sys/kernel/debug/dri/panthor/reclaim && exec "$@"' sh "$@"
}

if ! with 1 true 2>/dev/null; then
	skip "top" "no mount namespaces here, or no /sys/kernel/debug"
	end
fi
for test in fits keys signals stop closed fault once; do
	expect "on a terminal: $test" 0 '^ok$' signalled with 40 timeout 120 python3 "$HERE/top.py" "$PT" $test
done
expect "batch: two updates" 0 '^2$' with 3 sh -c '"$PT" top -B -n 2 -d 0.02 | grep -cE "3 +103 my app3 "'
expect "batch: CSV has one header" 0 '^1 5$' with 2 sh -c 'echo "$("$PT" top -n 2 -d 0.02 -F csv | grep -c ^client) $("$PT" top -n 2 -d 0.02 -F csv | wc -l)"'
expect "batch: JSON lines" 0 '^"my app2"$' with 2 sh -c '"$PT" top -n 1 -F jsonl | jq "select(.tgid == 102).command"'
expect "batch: no clients are reported" 0 'clients: 0, .*no process has the GPU open' with 0 "$PT" top -n 1
expect "batch: ends when its reader ends" 0 '^0 2$' with 2 timeout 20 bash -c '"$PT" top -d 10ms | head -n 2 >two; echo "${PIPESTATUS[0]} $(wc -l <two)"'
expect "batch: ends at once when its reader ends" 0 '^0$' with 2 timeout 20 bash -c '"$PT" top -d 900s | true; echo "${PIPESTATUS[0]}"'
expect "batch: the file has all updates" 0 '^9$' with 2 sh -c '"$PT" top -n 2 -d 0.02 -o looks && wc -l <looks'
for sig in HUP INT TERM QUIT USR1; do
	expect "batch: SIG$sig ends it" 0 '^0$' with 2 timeout 20 sh -c 'rm -f looks; "$PT" top >looks & until [ -s looks ]; do sleep 0.1; done; kill -'$sig' $!; wait $!; echo $?'
done
expect "batch: the summary is of all clients" 0 'clients: 3, resident 6 MiB, evicted 24 KiB$' with 3 "$PT" top -n 1 --limit 1
complains "a full output device" 1 'cannot write .*No space left' with 2 sh -c '"$PT" top -n 1 >/dev/full'
complains "a closed output" 1 'cannot write .*Bad file descriptor' with 2 sh -c '"$PT" top -n 1 >&-'
complains "an output that cannot be written" 1 'cannot write /nowhere/x' with 2 "$PT" top -n 1 -o /nowhere/x
complains "an unsupported format" 2 'only export supports format chrome' with 2 "$PT" top -n 1 -F chrome
complains "a page for each update" 2 'top does not support format html' with 2 "$PT" top -n 1 -F html
complains "an invalid delay" 2 'delay: expected a time' with 2 "$PT" top -d 0
complains "unknown sort key" 2 '--sort: no field "nme"' with 2 "$PT" top --sort nme
complains "no driver" 1 'no /sys/kernel/debug.*CONFIG_DRM_PANTHOR_RECLAIM' with 2 sh -c 'rm -r /sys/kernel/debug/dri; "$PT" top'
complains "not root" 1 'no permission to read /sys/kernel/debug; run as root' with 2 sh -c 'chmod 700 /sys/kernel/debug; cp "$PT" /tmp/top.$$ && chmod 755 /tmp/top.$$; setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/top.$$ top -n 1; rc=$?; rm /tmp/top.$$; exit $rc'
end
