# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For scripts in the guest that run Mesa and its clients. Sourced.

COUNTERS=/sys/kernel/debug/panthor-sim/counters
PATIENCE=900	# seconds; for what hangs, not for a slow machine
# What the GPU must never have said
FAULTS='translation_faults permission_faults other_faults stale_tlb cs_faults cs_fatals resets'

export XDG_RUNTIME_DIR=/run/user MESA_SHADER_CACHE_DIR=/run/shaders
mkdir -p $XDG_RUNTIME_DIR $MESA_SHADER_CACHE_DIR
chmod 700 $XDG_RUNTIME_DIR

faults()
{
	local f sum=0

	for f in $FAULTS; do sum=$((sum + $(cat "$COUNTERS/$f"))); done
	echo "$sum"
}

# drawing N PID - waits until the GPU has drawn N frames from now on, or PID has ended
drawing()
{
	local want=$(($(cat "$COUNTERS/frames") + $1))

	for _ in $(seq $((PATIENCE * 5))); do
		[ "$(cat "$COUNTERS/frames")" -lt "$want" ] || return 0
		kill -0 "$2" 2>/dev/null || break
		sleep 0.2
	done
	return 1
}

# compositor RENDERER SOCKET LOG - weston without a screen, which is $weston
compositor()
{
	weston --backend=headless --renderer="$1" --socket="$2" --width=640 --height=480 \
		--idle-time=0 --no-config >"$3" 2>&1 &
	weston=$!
	for _ in $(seq 300); do
		[ ! -S $XDG_RUNTIME_DIR/"$2" ] || return 0
		kill -0 $weston 2>/dev/null || break
		sleep 0.1
	done
	return 1
}
