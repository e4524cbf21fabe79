#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The check of the hooks' size finds what it is for.
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# hooks_with N FILE - the hooks as they are, and N lines more in FILE
hooks_with()
{
	rm -rf "$tmp/hooks"
	cp -r "$REPO/$HOOKS" "$tmp/hooks"
	for _ in $(seq "$1"); do echo "+"; done >>"$tmp/hooks/$2"
	"$HERE/lint/hooks" "$tmp/hooks"
}

# Lines that are left
room()
{
	"$HERE/lint/hooks" | awk '/^all: / { print $4 - $2 }'
}

expect "the hooks as they are" 0 "^all: [0-9]+ of 120 lines$" "$HERE/lint/hooks"
expect "as many lines as there may be" 0 "^all: 120 of 120 lines$" hooks_with "$(room)" panthor_gem.c.patch
expect "one more" 1 "^all: 121 of 120 lines$" hooks_with "$(($(room) + 1))" panthor_gem.c.patch
expect "one more, of a file that has no hook yet" 1 "^panthor_new.c.patch: " hooks_with "$(($(room) + 1))" panthor_new.c.patch
expect "a larger fix" 0 "^all: " hooks_with 121 fixes/01-gem-skip-unreclaimable.patch
expect "a larger mm helper" 0 "^all: " hooks_with 121 mm-vmscan.c.patch
tap_end
