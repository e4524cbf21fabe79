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

# many_bos N: a request of 2 s that evicts N BOs, for make_trace
many_bos()
{
	awk -v n="$1" 'BEGIN {
		print "comm 412 manager\n0 1.0 412 panthor_reclaim_begin dev=panthor id=1 source=0 writer_tgid=412 target_tgid=388 writer_comm=manager target_comm=browser"
		for (i = 1; i <= n; i++)
			printf "0 %.6f 412 panthor_bo_evict dev=panthor id=1 bo_id=%d client_id=5 tgid=388 vm_id=1 state=2 size=4096 duration_ns=5000 evictions=1 label=\"tile %d\"\n", 1 + i / n, i, i
		for (i = 1; i <= n; i++)
			printf "0 %.6f 412 panthor_bo_writeback dev=panthor id=1 bo_id=%d size=4096 written=4096 freed=4096 duration_ns=50000\n", 2 + i / n, i
		printf "0 3.000001 412 panthor_reclaim_end dev=panthor id=1 source=0 target_tgid=388 evicted_bos=%d evicted=%d written=%d freed=%d writeback=2 duration_ns=2000001000 unmap_ns=900000000 writeback_ns=1000000000 target_comm=browser\n", n, n * 4096, n * 4096, n * 4096
	}'
}

end()
{
	echo "1..$N"
	exit "$BAD"
}
