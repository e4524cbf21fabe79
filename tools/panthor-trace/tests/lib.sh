# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For tests that are a list of promises. WORK is a folder of the test's own.

N=0
BAD=0
WORK=$(mktemp -d "${TMPDIR:-/tmp}/panthor-trace.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
# shellcheck disable=SC2034 # for those who read this
PT=$OUT/tests/panthor-trace

pass()
{
	N=$((N + 1))
	echo "ok $N - $1"
}

fail()
{
	N=$((N + 1))
	BAD=1
	echo "not ok $N - $1"
	shift
	printf '%s\n' "$@" | head -n 40 | sed 's/^/# /'
}

skip()
{
	N=$((N + 1))
	echo "ok $N - $1 # SKIP $2"
}

# expect NAME STATUS REGEX COMMAND...: exit status, and a line (stdout or stderr) that matches; !REGEX: none does
expect()
{
	local name=$1 status=$2 regex=$3 out rc=0 found=0

	shift 3
	out=$("$@" 2>&1) || rc=$?
	grep -qE -- "${regex#!}" <<<"$out" && found=1
	[ "${regex#!}" = "$regex" ] || found=$((!found))
	if [ "$rc" -eq "$status" ] && [ "$found" -eq 1 ]; then
		pass "$name"
	else
		fail "$name" "$*" "status $rc, expected $status and: $regex" "$out"
	fi
}

# same NAME FILE COMMAND...: stdout is exactly what expected/FILE has; UPDATE=1 writes it
same()
{
	local name=$1 file=$HERE/expected/$2 out rc=0

	shift 2
	"$@" >"$WORK/same" 2>&1 || rc=$?
	[ -z "${UPDATE:-}" ] || cp "$WORK/same" "$file"
	if out=$(diff -u "$file" "$WORK/same"); then
		pass "$name"
	else
		fail "$name" "$* (status $rc)" "$out"
	fi
}

# make_trace FILE [mktrace options] < script
make_trace()
{
	local file=$1

	shift
	"$OUT/tests/mktrace" -f "$HERE/formats" "$@" "$file"
}

end()
{
	echo "1..$N"
	exit "$BAD"
}
