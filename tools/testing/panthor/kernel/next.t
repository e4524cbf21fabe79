#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Our hooks and files with what drm and panthor will be in the next kernel: they
# apply, and the driver compiles without a warning.
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

NEXT=$HERE/kernel/next
dir=$CACHE/next
objects="$PANTHOR/ drivers/gpu/drm/drm_gem.o"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset KDIR ONLY

mkdir -p "$tmp/old"
printf 'kernelversion:\n\t@echo 7.2.1\n' >"$tmp/old/Makefile"
expect "only 7.3 is accepted" 1 "is Linux 7.2.1; expected 7.3" env KDIR="$tmp/old" "$NEXT" "$tmp/new"
expect "the next kernel is created from this one" 0 "^next: created from Linux 7\.3" "$NEXT" "$dir"
if [ -e "$dir/$PANTHOR/panthor_device_io.h" ]; then
	said() { KDIR=$dir ONLY=$objects "$HERE/kernel/build" plain; }
	expect "all hooks apply, and the driver compiles" 0 "^build: Linux 7\.4.*compiled" said
	log=("$CACHE"/7.4.*-plain/build.log)
	expect "it compiles without a warning" 1 "^$" grep -E 'panthor.*warning:' "${log[0]}"
fi
tap_end
