# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests that are a list of promises: name, expected status, text that must
# appear (an extended regular expression), command.

TAP_N=0

# expect NAME STATUS TEXT COMMAND...
expect()
{
	local name=$1 status=$2 text=$3 out rc=0

	shift 3
	out=$("$@" 2>&1) || rc=$?
	TAP_N=$((TAP_N + 1))
	if [ "$rc" -eq "$status" ] && grep -qE -- "$text" <<<"$out"; then
		echo "ok $TAP_N - $name"
	else
		echo "not ok $TAP_N - $name"
		echo "# $*"
		echo "# status $rc, expected $status with: $text"
		printf '%s\n' "$out" | tail -n 20 | sed 's/^/# | /'
	fi
}

tap_end()
{
	echo "1..$TAP_N"
}
