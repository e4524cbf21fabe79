# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# TAP for the tests that are scripts, and `load` as a coprocess. Source it, make promises, end with tap_end.

tap_count=0
tap_failed=0

# ok STATUS PROMISE... - kept if STATUS is 0
ok()
{
	local status=$1

	shift
	tap_count=$((tap_count + 1))
	if [ "$status" -eq 0 ]; then
		echo "ok $tap_count - $*"
	else
		echo "not ok $tap_count - $*"
		tap_failed=$((tap_failed + 1))
	fi
}

# check PROMISE COMMAND... - kept if COMMAND succeeds
check()
{
	local promise=$1

	shift
	"$@"
	ok $? "$promise"
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $2 # SKIP $1"
}

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

bail()
{
	echo "Bail out! $*"
	exit 1
}

# The log since the last call; fails if the kernel complained
tap_log_lines=$(dmesg | wc -l)
kernel_quiet()
{
	local bad

	bad=$(dmesg | tail -n +$((tap_log_lines + 1)) |
		grep -E 'BUG:|WARNING:|Oops|general protection|possible (circular|recursive) locking|inconsistent lock|suspicious RCU|INFO: task|refcount_t:|corruption|scheduling while atomic|sleeping function|memory leaks|nvalid wait context|held lock freed|bad unlock')
	tap_log_lines=$(dmesg | wc -l)
	[ -z "$bad" ] || { diag "$bad"; return 1; }
}

tap_end()
{
	kernel_quiet
	ok $? "the kernel logs no warning"
	echo "1..$tap_count"
	exit $((tap_failed > 0))
}

# start_load ARGS... - load as a coprocess; its process is $load_pid
start_load()
{
	coproc load_proc { exec load "$@"; }
	load_in=${load_proc[1]} load_out=${load_proc[0]}
	load_answer ready || bail "load is not ready: $load_line"
	load_pid=${load_line#*pid=}
	load_pid=${load_pid%% *}
}

# load_answer WORD - read a line; it must begin with WORD
load_answer()
{
	read -r -t 600 -u "$load_out" load_line || load_line="no answer"
	case $load_line in
	"$1 "*) return 0 ;;
	esac
	diag "load: $load_line"
	return 1
}

# tell_load COMMAND... - fails unless the answer is ok
tell_load()
{
	echo "$*" >&"$load_in"
	load_answer ok
}

stop_load()
{
	echo quit >&"$load_in"
	# shellcheck disable=SC2154 # set by coproc
	wait "$load_pid"
}
