#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The native architecture in short: the distribution's arm64 kernel with the module
# alone, our client on it, and two of Mesa's that are reclaimed from while they run.
# make check ARCH=arm64 has the rest.
# shellcheck disable=SC2016 # for the inner shell
set -uo pipefail

. "$(dirname "$0")/../lib.sh"

# needs COMMAND... - or all is skipped, with the reason; 77 is what the archive does not have
needs()
{
	local out rc=0

	out=$("$@" 2>&1) || rc=$?
	[ $rc -ne 0 ] || return 0
	out=$(grep -v '^$' <<<"$out" | tail -n 1)
	[ $rc -ne 77 ] || { echo "1..0 # SKIP $out"; exit 0; }
	echo "Bail out! $out"
	exit 1
}

out=$("$HERE/packages" foreign 2>&1) || { echo "1..0 # SKIP ${out##*$'\n'}"; exit 0; }
needs "$HERE/kernel/prebuilt" arm64 4k
needs "$HERE/rootfs/image" arm64
needs "$HERE/rootfs/programs" arm64 "$BUILD/kernel/arm64-4k/source"
exec "$HERE/guest/guest" -k arm64-4k -m 1536 -t 400 "SECONDS_EACH=2 '$HERE/rootfs/clients' load images vkmark"
