#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The series as it is written now: applies, gives what the repository has, and
# has no complaint of checkpatch; and what ./series refuses.
# shellcheck disable=SC2016 # for the inner shell
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

SERIES=$HERE/series/series
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset BUILD_EACH TEST_EACH
export GIT_AUTHOR_NAME=tests GIT_AUTHOR_EMAIL=tests@localhost.localdomain
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

version=$(make -s -C "${KDIR:-$("$HERE/kernel/fetch")}" kernelversion)
expect "the series applies and is checkpatch --strict clean" 0 "checkpatch --strict: clean" "$SERIES"
expect "it has a cover letter" 0 "^Subject: .PATCH 0+/[0-9]+. drm/panthor" \
	cat "$BUILD/series/$version/0000-cover-letter.patch"
expect "the cover letter names the place of the tools" 0 "tools/testing/panthor, at commit [0-9a-f]{12}[.]$" \
	cat "$BUILD/series/$version/0000-cover-letter.patch"
expect "the patches change the kernel only" 1 "^$" \
	sh -c 'grep -hE "^diff --git a/(tools|debian)/" "$0"/*.patch' "$BUILD/series/$version"
fixes_first()
{
	local fixes=("$REPO/$HOOKS"/fixes/*.patch) fix

	for fix in $(seq ${#fixes[@]}); do
		grep -lE '^Fixes: [0-9a-f]{12} \("' "$(printf '%s/series/%s/%04d' "$BUILD" "$1" "$fix")"-*.patch || return
	done
	# And none later
	! grep -l '^Fixes: ' "$BUILD/series/$1"/*.patch | sed "1,${#fixes[@]}d" | grep .
}
expect "the fixes are first, each with a Fixes: tag" 0 "/0001-" fixes_first "$version"
expect "a missing user.name" 1 "git has no user.name or user.email" env GIT_AUTHOR_NAME= "$SERIES"
expect "an unknown KDIR" 1 "KDIR=$tmp/none: no such folder" env KDIR="$tmp/none" "$SERIES"
expect "KDIR without Linux" 1 "not a Linux tree" env KDIR="$tmp" "$SERIES"
tap_end
