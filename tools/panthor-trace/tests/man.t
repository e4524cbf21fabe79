#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015,SC2317 # A && pass || fail: pass does not fail; examples call panthor-trace
# The man pages say what the program does, and their examples run as they stand.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
for f in trace before after; do make_trace $f.dat <"$HERE/scripts/two-writes.txt"; done
panthor-trace() { "$PT" "$@"; }

for page in "$HERE"/../man/*.1; do
	name=$(basename "$page" .1)
	if ! command -v man >/dev/null; then
		skip "$name: well-formed" "no man"
	elif out=$(LC_ALL=C.UTF-8 man --warnings -l "$page" 2>&1 >/dev/null) && [ -z "$out" ]; then
		pass "$name: well-formed"
	else
		fail "$name: well-formed" "$out"
	fi
	# Examples: what needs the kernel may fail for want of it (1), but never be a wrong call (2)
	while IFS= read -r line; do
		eval "$line" >out 2>&1 </dev/null
		rc=$?
		case $line in
		*" record"* | *" top"* | *" reclaim"*) [ $rc -le 1 ] ;;
		*) [ $rc -eq 0 ] ;;
		esac && pass "$name: $line" || fail "$name: $line" "status $rc" "$(cat out)"
	done < <(sed -n '/^\.EX/,/^\.EE/{/^\./d;s/\\-/-/g;p}' "$page")

	command=${name#panthor-trace}
	command=${command#-}
	[ -n "$command" ] || continue
	missing=
	for option in $("$PT" "$command" --help | grep -oE -- '--[a-z-]+' | sort -u); do
		case $option in --help | --usage | --version) continue ;; esac
		sed 's/\\-/-/g' "$page" | grep -qF -- "$option" || missing="$missing $option"
	done
	[ -z "$missing" ] && pass "$name: has every option" || fail "$name: has every option" "missing:$missing"
done

version=$(sed -n '/^\.B version$/{n;s/\..*//p}' "$HERE/../man/panthor-trace-export.1")
expect "the page has the version of the JSON" 0 "^  \"version\": $version,\$" "$PT" export trace.dat
missing=
for key in $("$PT" export trace.dat | jq -r '.trace | keys[]'); do
	sed -n '/^\.B trace$/,/^\.TP/p' "$HERE/../man/panthor-trace-export.1" | grep -qw "$key" || missing="$missing $key"
done
[ -z "$missing" ] && pass "the page has every figure of the trace" || fail "the page has every figure of the trace" "missing:$missing"

end
