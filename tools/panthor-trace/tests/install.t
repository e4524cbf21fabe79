#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015,SC2016 # A && pass || fail: pass does not fail; $ is for make
# Installing: where, from where, with what a distribution sets, and nothing is left by uninstall.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
# Not what the make above us was told
unset MAKEFLAGS MFLAGS MAKELEVEL

# files DIR WHAT...: DIR has a file that ends in each
files()
{
	local name=$1 dir=$2 found

	shift 2
	found=$(find "$dir" -type f)
	for f; do
		grep -qE -- "$f\$" <<<"$found" || { fail "$name: $f" "$found" "$(cat make.out)"; return; }
	done
	pass "$name"
}

# none DIR...: they have no files
none()
{
	local name=$1 found

	shift
	found=$(find "$@" -type f 2>/dev/null)
	[ -z "$found" ] && pass "$name" || fail "$name" "$found" "$(cat make.out)"
}

tools() { make -s -C "$HERE/.." OUT="$OUT" "$@" >make.out 2>&1; }

tools DESTDIR="$WORK/dest" PREFIX=/usr install
files "below DESTDIR" dest/usr bin/panthor-trace share/man/man1/panthor-trace-report.1 udev/rules.d/70-panthor-reclaim.rules \
	bash-completion/completions/panthor-trace traceevent/plugins/plugin_panthor.so \
	share/panthor-trace/perfetto/reclaim.pbtxt share/panthor-trace/perfetto/panthor/reclaim.sql
tools DESTDIR="$WORK/dest" PREFIX=/usr uninstall
none "uninstall leaves no files" dest

mkdir home
HOME=$WORK/home tools PREFIX="$WORK/home/.local" install
files "below the home directory" home/.local bin/panthor-trace lib/traceevent/plugins/plugin_panthor.so
make_trace trace.dat <"$HERE/scripts/two-writes.txt"
HOME=$WORK/home trace-cmd report -i trace.dat 2>&1 | grep -q 'blocked  412 ms' && pass "trace-cmd finds the plugin there" ||
	fail "trace-cmd finds the plugin there"

# cron and cloud-init set no HOME; the root of some containers has / there
for home in -u\ HOME HOME=/ HOME=; do
	rm -rf dest
	# shellcheck disable=SC2086 # two words
	env $home make -s -C "$HERE/.." OUT="$OUT" DESTDIR="$WORK/dest" PREFIX=/usr/local install >make.out 2>&1
	[ ! -e dest/.local ] && files "env $home" dest "$(gcc -print-multiarch)/traceevent/plugins/plugin_panthor.so" ||
		fail "env $home: nothing in /.local" "$(find dest)"
done

# From a checkout whose path has blanks, to such places, built as distributions do
mkdir -p "a b/tools"
cp -r "$HERE/.." "a b/tools/panthor-trace"
[ ! -e "$HERE/../../reclaimd" ] || cp -r "$HERE/../../reclaimd" "a b/tools/"
rm -rf "a b/tools/panthor-trace/build" "a b/tools/reclaimd/build"
top=$HERE/../../../Makefile
grep -qs '^install uninstall:' "$top" && cp "$top" "a b/" || printf 'install uninstall:\n\t$(MAKE) -C tools/panthor-trace $@\n' >"a b/Makefile"
flags=(CPPFLAGS=-D_FORTIFY_SOURCE=2 CFLAGS='-O1 -fPIE -fstack-protector-strong -fstack-clash-protection -Werror=format-security'
	LDFLAGS='-Wl,-z,relro -Wl,-z,now -Wl,-z,defs -Wl,--as-needed')
make -s -C "a b" "${flags[@]}" DESTDIR="$WORK/de st" PREFIX="/opt/it's mine" install >make.out 2>&1
files "blanks in the names of folders" "de st" "/opt/it's mine/bin/panthor-trace" "/opt/it's mine/share/man/man1/panthor-trace.1" \
	traceevent/plugins/plugin_panthor.so
expect "hardened: the program runs" 0 '^2 requests' "de st/opt/it's mine/bin/panthor-trace" report trace.dat
plugins=$(dirname "$(find "de st" -name plugin_panthor.so)")
TRACEEVENT_PLUGIN_DIR=$WORK/$plugins trace-cmd report -i trace.dat 2>&1 | grep -q 'blocked  412 ms' &&
	pass "hardened: the plugin loads" || fail "hardened: the plugin loads"
make -s -C "a b" DESTDIR="$WORK/de st" PREFIX="/opt/it's mine" uninstall >make.out 2>&1
none "uninstall leaves nothing there" "de st"
end
