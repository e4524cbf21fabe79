#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Options, configuration file, exit statuses, and that the pages say what there is.
set -u

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
SRC=$HERE/..
n=0 failed=0

# expect NAME STATUS PATTERN COMMAND... - that status, and a line that matches
expect()
{
	local name=$1 want=$2 pattern=$3 out rc=0

	shift 3
	out=$("$@" 2>&1 </dev/null) || rc=$?
	n=$((n + 1))
	if [ "$rc" -eq "$want" ] && grep -qE -- "$pattern" <<<"$out"; then
		echo "ok $n - $name"
	else
		failed=$((failed + 1))
		echo "not ok $n - $name"
		printf '%s\n' "status $rc, not $want; or no line has: $pattern" "$out" | sed 's/^/# /'
	fi
}

skip()
{
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

R=$OUT/reclaimd
expect "help" 0 '^usage: reclaimd' "$R" --help
expect "--help to a full device" 1 "cannot write standard output: No space" sh -c "'$R' --help >/dev/full"
expect "an unknown option" 2 '^usage: reclaimd' "$R" --colour
expect "an unexpected argument" 2 'unexpected argument "now"' "$R" now
expect "a file that does not exist" 2 "cannot read nowhere: No such file" "$R" --check -c nowhere
expect "a directory" 2 "cannot read .*: Is a directory" "$R" --check -c "$WORK"
printf 'backoff = 1s\nstall = never\n\nhurry = yes\n' >bad.conf
expect "an error has file and line" 2 '^reclaimd: bad.conf:2: stall: expected .*, not "never"$' "$R" --check -c bad.conf
expect "all errors are reported" 2 '^reclaimd: bad.conf:4: unknown key "hurry"$' "$R" --check -c bad.conf
expect "--once does nothing with errors" 2 bad.conf:2 "$R" --once -c bad.conf
: >empty.conf
expect "an empty file is valid" 0 '^$' "$R" --check -c empty.conf
expect "the installed file is valid" 0 '^$' "$R" --check -c "$SRC/reclaimd.conf"
printf '# x\0\nhurry = yes\n' >zero.conf
expect "text after a zero byte is read" 2 'zero.conf:2: unknown key "hurry"' "$R" --check -c zero.conf
expect "an endless file" 2 'cannot read /dev/zero: File too large' "$R" --check -c /dev/zero
# What is off in it, too
sed 's/^#\([a-z-]* =\)/\1/' "$SRC/reclaimd.conf" >all.conf
expect "the installed file with all its examples is valid" 0 '^$' "$R" --check -c all.conf
[ -e /sys/bus/platform/drivers/panthor ] ||
	expect "no device with mem_reclaim" 3 'no device with mem_reclaim' "$R" --once -c empty.conf

keys=$(grep -oE '\{ "[a-z-]+", KIND_' "$SRC/config.c" | cut -d'"' -f2)
expect "the source has 15 keys" 0 '^15$' sh -c "echo '$keys' | wc -w"
for key in $keys; do
	expect "reclaimd.8 has $key" 0 . grep -xF ".BR ${key//-/\\-}" "$SRC/reclaimd.8"
	expect "reclaimd.conf has $key" 0 . grep -E "^#?$key = " "$SRC/reclaimd.conf"
done
for option in $("$R" --help | grep -oE -- '--[a-z-]+'); do
	expect "reclaimd.8 has $option" 0 . grep -F -- "${option//-/\\-}" "$SRC/reclaimd.8"
done
if command -v man >/dev/null; then
	expect "reclaimd.8 is well-formed" 0 '^$' sh -c "LC_ALL=C.UTF-8 man --warnings -l '$SRC/reclaimd.8' 2>&1 >/dev/null"
else
	skip "reclaimd.8 is well-formed" "no man"
fi

unset MAKEFLAGS MFLAGS MAKELEVEL
make -s -C "$SRC" OUT="$WORK/out" >/dev/null 2>&1
expect "install" 0 '^$' make -s -C "$SRC" OUT="$WORK/out" DESTDIR="$WORK/de st" PREFIX=/usr install
expect "all files are installed" 0 '^4$' sh -c "find 'de st' -type f | wc -l"
if command -v systemd-analyze >/dev/null; then
	# It looks for what is started at the path that the unit has
	sed "s,^ExecStart=\"/usr/sbin,ExecStart=\"$WORK/out," "de st/usr/lib/systemd/system/reclaimd.service" >reclaimd.service
	expect "the unit is valid" 0 '^$' sh -c 'systemd-analyze verify --man=no ./reclaimd.service 2>&1 | grep reclaimd || true'
	expect "the unit is sandboxed" 0 'exposure level.* (OK|SAFE)|exposure level for reclaimd.service: [01]\.' \
		systemd-analyze security --offline=yes --threshold=18 ./reclaimd.service
else
	skip "the unit is valid" "no systemd-analyze"
	skip "the unit is sandboxed" "no systemd-analyze"
fi
echo '# mine' >"de st/etc/reclaimd.conf"
expect "a second install keeps the configuration" 0 '^# mine$' \
	sh -c "make -s -C '$SRC' OUT='$WORK/out' DESTDIR='$WORK/de st' PREFIX=/usr install && cat 'de st/etc/reclaimd.conf'"
expect "uninstall keeps the configuration only" 0 '^de st/etc/reclaimd.conf$' \
	sh -c "make -s -C '$SRC' OUT='$WORK/out' DESTDIR='$WORK/de st' PREFIX=/usr uninstall && find 'de st' -type f"
PREFIX="/opt/it's mine"
expect "blanks and quotes in directory names" 0 "^ExecStart=\"$PREFIX/sbin/reclaimd\" \"--config=$PREFIX/etc/reclaimd.conf\"$" \
	sh -c "make -s -C '$SRC' OUT='$WORK/out' DESTDIR='$WORK/d' PREFIX=\"$PREFIX\" install && cat d\"$PREFIX\"/lib/systemd/system/reclaimd.service"
expect "uninstall removes all files there" 0 '^0$' \
	sh -c "make -s -C '$SRC' OUT='$WORK/out' DESTDIR='$WORK/d' PREFIX=\"$PREFIX\" uninstall && find d -type f | wc -l"
echo "1..$n"
[ $failed -eq 0 ]
