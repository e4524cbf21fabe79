#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What Documentation/tools/panthor-trace/perfetto.rst shows under "Record", in the
# guest as the page shows it, with the archive's perfetto.
set -uo pipefail

. "$(dirname "$0")/../lib.sh"

root=$("$HERE/flows/perfetto")
rc=$?
[ $rc -ne 77 ] || { echo "1..0 # SKIP the archive has no perfetto"; exit 0; }
[ $rc -eq 0 ] || { echo "Bail out! no perfetto"; exit 1; }
[ -n "${KERNEL:-}" ] || [ ! -e "$BUILD/kernel/plain/vmlinuz" ] || KERNEL=plain
exec "$HERE/guest/guest" -k "${KERNEL:-debug}" -m 640 -t "${LIMIT:-1800}" "'$HERE/flows/perfetto-in-guest' '$root'"
