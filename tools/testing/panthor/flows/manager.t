#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The code of Documentation/gpu/panthor-reclaim-manager.rst, C and shell, run in the
# guest as the page shows it. KERNEL=plain|debug; default: plain if there is one
SELF=$(cd "$(dirname "$0")" && pwd -P)
OUT=$SELF/../../../../build/tools
mkdir -p "$OUT/.flows" && OUT=$(cd "$OUT" && pwd -P)
"$SELF/page" -v lang=c "$SELF/../../../../Documentation/gpu/panthor-reclaim-manager.rst" |
	sed '/^#--$/d' >"$OUT/.flows/page.h" || exit 1
gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -I "$OUT/.flows" -o "$OUT/manager-page" "$SELF/manager.c" || exit 1
[ -n "${KERNEL:-}" ] || [ ! -e "$OUT/../kernel/plain/vmlinuz" ] || KERNEL=plain
exec "$SELF/../guest/guest" -k "${KERNEL:-debug}" -m 640 -t "${LIMIT:-900}" "'$SELF/manager'"
