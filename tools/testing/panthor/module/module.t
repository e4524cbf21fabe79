#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module alone: built for the guest's kernel, with and without the kernel's
# mm helper, and loaded there; and what ./module refuses.
# shellcheck disable=SC2016 # for the inner shell
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

MODULE=$HERE/module/module
flavour=${KERNEL:-plain}
[ -e "$BUILD/kernel/$flavour/vmlinuz" ] || flavour=debug
obj=$(readlink -f "$BUILD/kernel/$flavour/obj")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export KVER=test-$flavour KBUILD=$obj KDIR
KDIR=${KDIR:-$("$HERE/kernel/fetch")} || exit 1

for writeback in free swapcache; do
	[ $writeback = free ] || export NO_MM_HELPER=1
	expect "the module is built: $writeback" 0 "panthor.ko" "$MODULE"
	"$HERE/guest/guest" -k "$flavour" -t 1800 "'$HERE/module/in-guest' '$BUILD/module/$KVER/panthor' $writeback" >"$tmp/out" 2>&1
	rc=$?
	expect "it is loaded, and a request succeeds: $writeback" 0 "." cat "$tmp/out"
	expect "each test in the guest passes: $writeback" 0 "^1\.\." \
		sh -c '[ '$rc' -eq 0 ] && ! grep "^not ok\|^Bail" "$0"/out && cat "$0/out"' "$tmp"
	sed 's/^/# | /' "$tmp/out"
done
unset NO_MM_HELPER
# As on a board, in folders of its own
dkms=(dkms --dkmstree "$tmp/dkms" --sourcetree "$tmp/src" --installtree "$tmp/modules")
mkdir "$tmp/dkms" "$tmp/src" "$tmp/modules"
if command -v dkms >/dev/null && [ "$(id -u)" -eq 0 ]; then
	version=$(make -s -C "$obj" kernelversion)
	expect "dkms adds the sources" 0 "." "${dkms[@]}" add "$BUILD/module/$KVER/dkms"
	expect "dkms builds them" 0 "." "${dkms[@]}" build "panthor-reclaim/$version" \
		-k "$version" --kernelsourcedir "$obj"
	expect "dkms has the module" 0 "panthor.ko" find "$tmp/dkms/panthor-reclaim/$version/$version" -name '*.ko*'
	expect "dkms skips a kernel of another series" 77 "BUILD_EXCLUSIVE" \
		"${dkms[@]}" build "panthor-reclaim/$version" -k 6.12.1 --kernelsourcedir "$obj"
else
	expect "dkms # SKIP needs dkms, and root" 0 "." echo -
fi
expect "no headers" 1 "no headers of Linux 1.2.3 in $tmp/none; install them" env KVER=1.2.3 KBUILD="$tmp/none" "$MODULE"
expect "headers without a build" 1 "has no Module.symvers" env KBUILD="$KDIR" "$MODULE"
expect "an unknown KDIR" 1 "KDIR=$tmp/none: no such folder" env KDIR="$tmp/none" "$MODULE"
rm -rf "${BUILD:?}/module/$KVER"
tap_end
