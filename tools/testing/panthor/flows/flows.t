#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The recipes of Documentation/gpu/panthor-reclaim.rst, run in the guest as the
# page shows them. KERNEL=plain|debug; default: plain if there is one, it is quicker
SELF=$(cd "$(dirname "$0")" && pwd -P)
OUT=$SELF/../../../../build/tools
mkdir -p "$OUT" && OUT=$(cd "$OUT" && pwd -P)
make -s -C "$SELF/../../../reclaimd" OUT="$OUT" >/dev/null || exit 1
[ -n "${KERNEL:-}" ] || [ ! -e "$OUT/../kernel/plain/vmlinuz" ] || KERNEL=plain
exec "$SELF/../guest/guest" -k "${KERNEL:-debug}" -m 640 -t "${LIMIT:-1800}" "SHOW=${SHOW:-} '$SELF/in-guest'"
