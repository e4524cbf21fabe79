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

# run COMMAND...: its standard output and error in $WORK/out and $WORK/err, its exit status in $rc
run()
{
	rc=0
	"$@" >"$WORK/out" 2>"$WORK/err" || rc=$?
}

# signalled COMMAND...: for what gets a signal twice: as one of its group and from its parent, or from its terminal and its shell.
# LeakSanitizer hangs if the second comes while it stops the process
signalled()
{
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 "$@"
}

# check_line NAME STATUS REGEX FILE COMMAND...: of what run() left
check_line()
{
	local name=$1 status=$2 regex=$3 file=$4 found=0

	shift 4
	grep -qE -- "${regex#!}" "$file" && found=1
	[ "${regex#!}" = "$regex" ] || found=$((!found))
	if [ "$rc" -eq "$status" ] && [ "$found" -eq 1 ]; then
		pass "$name"
	else
		fail "$name" "$*" "status $rc, expected $status and: $regex" "$(cat "$WORK/out" "$WORK/err")"
	fi
}

# expect NAME STATUS REGEX COMMAND...: exit status, and a line of standard output that matches; !REGEX: none does
expect()
{
	local rc

	run "${@:4}"
	check_line "$1" "$2" "$3" "$WORK/out" "${@:4}"
}

# complains NAME STATUS REGEX COMMAND...: the same for standard error; who could not do it at all says nothing else
complains()
{
	local rc

	run "${@:4}"
	if [ "$2" -ge 1 ] && [ "$2" -le 3 ] && [ -s "$WORK/out" ]; then
		fail "$1" "${*:4}" "has something to say on standard output:" "$(cat "$WORK/out")"
		return
	fi
	check_line "$1" "$2" "$3" "$WORK/err" "${@:4}"
}

# same NAME FILE COMMAND...: status 0, stdout is exactly what expected/FILE has, nothing on stderr; UPDATE=1 writes the file
same()
{
	local name=$1 file=$HERE/expected/$2 out rc

	run "${@:3}"
	[ -z "${UPDATE:-}" ] || cp "$WORK/out" "$file"
	if out=$(diff -u "$file" "$WORK/out") && [ "$rc" -eq 0 ] && [ ! -s "$WORK/err" ]; then
		pass "$name"
	else
		fail "$name" "${*:3} (status $rc)" "$(cat "$WORK/err")" "$out"
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
		print "comm 412 manager\n0 1.0 412 panthor_reclaim_begin dev=panthor id=1 source=0 requester_tgid=412 target_tgid=388 requester_comm=manager target_comm=browser"
		for (i = 1; i <= n; i++)
			printf "0 %.6f 412 panthor_bo_evict id=1 bo_id=%d client_id=5 tgid=388 vm_id=1 state=2 size=4096 duration_ns=5000 evictions=1 label=\"tile %d\"\n", 1 + i / n, i, i
		for (i = 1; i <= n; i++)
			printf "0 %.6f 412 panthor_bo_writeback id=1 bo_id=%d size=4096 written=4096 freed=4096 duration_ns=50000\n", 2 + i / n, i
		printf "0 3.000001 412 panthor_reclaim_end dev=panthor id=1 source=0 target_tgid=388 evicted_bos=%d evicted=%d written=%d freed=%d writeback=2 duration_ns=2000001000 unmap_ns=900000000 writeback_ns=1000000000 target_comm=browser\n", n, n * 4096, n * 4096, n * 4096
	}'
}

end()
{
	echo "1..$N"
	exit "$BAD"
}
