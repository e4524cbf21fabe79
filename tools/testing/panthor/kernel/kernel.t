#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What ./build and ./fetch promise when something is wrong, and where they look.
# shellcheck disable=SC2016 # for the inner shell
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

BUILD_SH=$HERE/kernel/build
FETCH=$HERE/kernel/fetch
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export XDG_CACHE_HOME=$tmp/cache
unset KDIR UPDATE

# tree DIR VERSION [FILE...] - something that looks like a Linux tree
tree()
{
	local dir=$1 version=$2 f

	shift 2
	mkdir -p "$dir"
	printf 'kernelversion:\n\t@echo %s\n' "$version" >"$dir/Makefile"
	for f; do
		mkdir -p "$dir/${f%/*}"
		echo "not what the hooks know" >"$dir/$f"
	done
}

tree "$tmp/none" 7.3.1
tree "$tmp/old" 6.12.0 $PANTHOR/panthor_drv.c
tree "$tmp/nofile" 7.3.1 $PANTHOR/panthor_drv.c
# shellcheck disable=SC2046
tree "$tmp/other" 7.9.0 $PANTHOR/panthor_drv.c \
	$(hooks | hooked_files)

expect "an unknown KDIR" 1 "^build: KDIR=$tmp/x: no such folder" env KDIR="$tmp/x" "$BUILD_SH"
expect "KDIR without the driver" 1 "^build: .*has no drivers/gpu/drm/panthor" env KDIR="$tmp/none" "$BUILD_SH"
expect "KDIR too old" 1 "^build: .* is Linux 6.12.0; 7.2 or newer" env KDIR="$tmp/old" "$BUILD_SH"
expect "a file to patch is missing" 1 "^build: hook for .*, but Linux 7.3.1 has no such file" \
	env KDIR="$tmp/nofile" "$BUILD_SH"
expect "a hook that does not apply is named" 1 "^build: hook .*\.patch does not apply to Linux 7.9.0" \
	env KDIR="$tmp/other" "$BUILD_SH"
expect "KDIR is not written to" 0 "^not what the hooks know$" \
	sh -c 'sort -u $(find "$0" -type f ! -path "$0/Makefile")' "$tmp/other"
expect "KDIR with the distribution's kernel" 1 "^distro: KERNEL=distro uses a prebuilt kernel" \
	env KDIR="$tmp/other" "$BUILD_SH" distro
for kernel in purple x86 base arm64 arm64-32k-plain arm64-4k- arm64-4k-x86 amd64-16k-plain; do
	expect "an unknown flavour: $kernel" 2 "^usage" "$BUILD_SH" $kernel
done
for kernel in plain debug amd64-4k-plain arm64-4k-debug arm64-64k-plain; do
	expect "a known flavour: $kernel" 1 "^build: (.*has no $PANTHOR|missing:.* (aarch64|x86_64)-linux-gnu-gcc)" \
		env KDIR="$tmp/none" "$BUILD_SH" $kernel
done
make_n() { env -u MAKEFLAGS make -s -n -C "$REPO" "$@"; }
expect "ARCH= alone" 0 "/kernel/prebuilt arm64 16k$" make_n clients ARCH=arm64 PAGES=16k
expect "ARCH= and KERNEL=" 0 "/kernel/build arm64-64k-debug$" make_n clients ARCH=aarch64 PAGES=64k KERNEL=debug
expect "ARCH= and KERNEL= for all tests" 0 "^KERNELS='arm64-4k-plain arm64-16k-plain arm64-64k-plain' " \
	make_n check ARCH=arm64 KERNEL=plain
expect "the cache cannot be written" 1 "cannot write to /proc/" env XDG_CACHE_HOME=/proc/1/x "$FETCH"
mkdir "$tmp/bin"
printf '#!/bin/sh\necho; echo x 1 1 1024 1%%\n' >"$tmp/bin/df"
chmod +x "$tmp/bin/df"
expect "no space" 1 "^fetch: no space: .* has 1 MiB free, [0-9]+ MiB are needed" env PATH="$tmp/bin:$PATH" "$FETCH"
expect "a missing tool is named" 1 "^build: missing: .*ccache" \
	env -i HOME="$tmp" KDIR="$tmp/other" PATH="$(
		mkdir "$tmp/few"
		for c in bash dirname sed cat env make uname; do ln -s "$(command -v $c)" "$tmp/few/"; done
		echo "$tmp/few")" bash "$BUILD_SH"

# The machine's own configuration, in both formats
mkdir -p "$tmp/etc/list.d"
cat >"$tmp/etc/list" <<-EOL
	# deb http://comment.example/debian sid main
	deb [arch=amd64 signed-by=/k/one.gpg] http://one.example/debian sid main contrib
	deb-src http://source.example/debian sid main
	deb http://security.example/debian-security bookworm-security main
	deb http://vendor.example/apt nodistro main
EOL
cat >"$tmp/etc/list.d/a.sources" <<-EOL
	Types: deb deb-src
	# URIs: http://comment.example/debian
	URIs: http://two.example/debian
	  http://three.example/debian
	Suites: testing testing-updates
	Components: main
	Signed-By: /k/two.gpg

	Enabled: no
	Types: deb
	URIs: http://off.example/debian
	Suites: sid
	Components: main
EOL
cat >"$tmp/etc/apt.conf" <<-EOL
	Dir::Etc::sourcelist "$tmp/etc/list";
	Dir::Etc::sourceparts "$tmp/etc/list.d";
EOL
ask() { APT_CONFIG=$tmp/etc/apt.conf "$FETCH" "$@"; }
one_line() { ask -a | tr '\t\n' ' ;'; }
expect "archives and keyrings of both formats" 0 \
	"^http://one.example/debian /k/one.gpg;http://two.example/debian /k/two.gpg;http://three.example/debian /k/two.gpg;$" \
	one_line
echo 'deb http://127.0.0.1:9/debian sid main' >"$tmp/etc/list"
rm "$tmp/etc/list.d/a.sources"
expect "no network" 1 "^fetch: no linux-source-7.x in http://127.0.0.1:9/debian .*network.*KDIR=" ask
: >"$tmp/etc/list"
expect "no archive at all" 1 "^fetch: no Debian archive .*KDIR=" ask

tap_end
