#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The packages, without clean roots: of what "make tools" has built, checked with
# lintian, and used where they were put together. All of it: make deb.
# shellcheck disable=SC2016 # for the inner shell
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

for cmd in dh dh_dkms lintian rsync; do
	command -v $cmd >/dev/null || { echo "1..0 # SKIP no $cmd; needs debhelper, dh-dkms, lintian, rsync"; exit; }
done
for tool in panthor-trace reclaimd; do
	make -s -C "$REPO/tools/$tool" OUT="$BUILD/tools" >/dev/null || exit 1
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
(cd "$REPO" && git ls-files -co --exclude-standard | while read -r f; do [ ! -f "$f" ] || echo "$f"; done) |
	rsync -a --files-from=- "$REPO/" "$tmp/src/"
cd "$tmp/src" || exit 1

export DEB_BUILD_OPTIONS="nocheck noautodbgsym" DEB_BUILD_PROFILES=nocheck
[ -e "$BUILD/tools/kernelshark" ] || DEB_BUILD_PROFILES="nocheck pkg.panthor-trace.nokernelshark"
# What is installed and is in no package, or named by a package and not there, is an error
expect "packages: all that is installed, nothing that is missing" 0 "building package 'panthor-reclaim-dkms'" \
	debian/rules binary MAKE_ARGS="OUT=$BUILD/tools PREFIX=/usr"
expect "lintian has no complaint" 0 "^$" lintian --allow-root --fail-on error,warning "$tmp"/*.deb
expect "the pages name packages that there are" 0 "^panthor-trace$" sh -c '
	grep -oh "\./panthor-[a-z-]*_" "$@" | tr -d ./_ | sort -u | while read -r package; do
		grep -qx "Package: $package" debian/control || { echo "no $package"; exit 1; }
		echo "$package"
	done' - README.md Documentation/gpu/panthor-reclaim-board.rst

# packaged COMMAND... - with the programs and the plugin of the packages
packaged()
{
	env AUTOPKGTEST_TMP="$tmp" PATH="$PWD/debian/panthor-trace/usr/bin:$PWD/debian/panthor-reclaimd/usr/sbin:$PATH" \
		TRACEEVENT_PLUGIN_DIR="$(dirname "$PWD"/debian/panthor-trace/usr/lib/*/traceevent/plugins/plugin_panthor.so)" "$@"
}
expect "autopkgtest: report" 0 "panthor_reclaim_end: +#" packaged debian/tests/report
expect "reclaimd accepts its packaged configuration" 0 "" packaged reclaimd --check -c debian/panthor-reclaimd/etc/reclaimd.conf

# DKMS has nothing but the package's files: they have to give what the whole tree gives
dkms=$(echo "$PWD"/debian/panthor-reclaim-dkms/usr/src/panthor-reclaim-*)
export KDIR=${KDIR:-$("$HERE/kernel/fetch")} SIM
for SIM in "" yes; do
	"$HERE/module/assemble" "$KDIR" "$tmp/whole" || exit 1
	mkdir "$tmp/dkms"
	expect "DKMS: the driver's source${SIM:+, with the simulator}" 0 "^panthor-y " sh -c 'cd "$2/dkms" &&
		"$1/tools/testing/panthor/module/dkms-prepare" "$KDIR" "SIM=$SIM" "KDIR=$KDIR" && diff -r ../whole module && cat module/Makefile' \
		- "$dkms" "$tmp"
	rm -rf "$tmp/whole" "$tmp/dkms"
done
tap_end
