#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The simulator and the driver come and go: loaded and unloaded in either order,
# bound and unbound with jobs in flight.
#
# RELOADS=N  times the modules are loaded (20)
# REBINDS=N  times the driver is bound (10)
set -u

RELOADS=${RELOADS:-20} REBINDS=${REBINDS:-10}
DRIVER=/sys/bus/platform/drivers/panthor
MODPROBE=${MODPROBE:-modprobe}
n=0

ok()
{
	local status=$?

	n=$((n + 1))
	[ $status -eq 0 ] && echo "ok $n - $*" || echo "not ok $n - $*"
	return $status
}

# Is there a device?
node()
{
	local i

	for i in $(seq 50); do
		set -- /dev/dri/renderD*
		[ -e "$1" ] && return 0
		sleep 0.1
	done
	return 1
}

mark="sim-reload $$"
echo "$mark" >/dev/kmsg

rounds=0
for i in $(seq "$RELOADS"); do
	$MODPROBE -r panthor || break
	$MODPROBE -r panthor_sim || break
	[ ! -e /sys/bus/platform/devices/panthor ] || break
	if [ $((i % 2)) -eq 0 ]; then
		$MODPROBE panthor_sim || break
	fi
	# Needs the simulator's symbols and pulls it in, if it is not there
	$MODPROBE panthor || break
	node || break
	rounds=$i
done
[ "$rounds" -eq "$RELOADS" ]
ok "the modules are unloaded and loaded in either order, $rounds of $RELOADS times"

# With a client that keeps the GPU busy, if we have one. Last, for upstream loses
# the groups whose jobs were in flight when the device went, and their memory with
# them: the module must not be unloaded after that.
busy=${LOAD:-$(command -v load)}
rounds=0
for i in $(seq "$REBINDS"); do
	if [ -n "$busy" ]; then
		exec 9> >(exec "$busy" -b8x64K >/dev/null 2>&1)
		echo "loop 0 2000" >&9
		sleep 0.3
	fi
	echo panthor >$DRIVER/unbind 2>/dev/null || break
	# The client ends when there are no more commands
	exec 9>&-
	echo panthor >$DRIVER/bind 2>/dev/null || break
	node || break
	rounds=$i
done
[ "$rounds" -eq "$REBINDS" ]
ok "the driver is unbound under load and bound again, $rounds of $REBINDS times"

! dmesg | awk -v mark="$mark" 'index($0, mark) { on = 1; next } on' |
	grep -E 'WARNING:|BUG:|Oops|INFO:|refcount_t:|corruption'
ok "the kernel logs no warning"
echo "1..$n"
