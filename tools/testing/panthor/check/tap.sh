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

# interrupted SECONDS COMMAND... - what a terminal does at ^C: SIGINT to all of the command that is in the
# foreground. Says what is left of it.
interrupted()
{
	local seconds=$1 leader

	shift
	# Not ignored, as it is for what runs in the background
	perl -e 'use POSIX; setsid; $SIG{INT} = "DEFAULT"; exec @ARGV' "$@" >/dev/null 2>&1 &
	leader=$!
	sleep "$seconds"
	kill -INT -- -$leader
	wait $leader
	echo "status $?"
	# Whatever left the group is of the same session
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		ps -o pid= --sid $leader >/dev/null || return 0
		sleep 1
	done
	ps -o args= --sid $leader
	return 1
}

tap_end()
{
	echo "1..$TAP_N"
}
