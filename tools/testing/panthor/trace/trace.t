#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What of panthor-trace needs the driver, and the udev rule, in the guest.
SELF=$(cd "$(dirname "$0")" && pwd -P)
[ -n "${KERNEL:-}" ] || [ ! -e "$SELF/../../../../build/kernel/plain/vmlinuz" ] || KERNEL=plain
exec "$SELF/../guest/guest" -k "${KERNEL:-debug}" -m 640 -t "${LIMIT:-1800}" "'$SELF/in-guest'"
