#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# reclaimd.service as installed, under this machine's systemd, in the guest.
# KERNEL=plain|debug; default: plain if there is one
set -uo pipefail

. "$(dirname "$0")/../lib.sh"

for program in /lib/systemd/systemd /bin/systemctl /bin/journalctl; do
	[ -x $program ] || { echo "1..0 # SKIP no $program on this machine; it is in the package systemd"; exit; }
done
dest=$BUILD/systemd
rm -rf "$dest"
make -s -C "$REPO/tools/reclaimd" OUT="$BUILD/tools" DESTDIR="$dest" install >/dev/null || exit 1
install -D -m 644 -t "$dest/usr/local/lib/udev/rules.d" "$REPO/tools/panthor-trace/udev/70-panthor-reclaim.rules" || exit 1
[ -n "${KERNEL:-}" ] || [ ! -e "$BUILD/kernel/plain/vmlinuz" ] || KERNEL=plain
exec "$HERE/guest/guest" -k "${KERNEL:-debug}" -m 640 -t "${LIMIT:-1800}" "'$HERE/systemd/in-guest' '$dest'"
