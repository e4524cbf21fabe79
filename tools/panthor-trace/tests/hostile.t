#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015,SC2016,SC2317 # A && pass || fail: pass does not fail; $ is for the inner shell; called by complains
# Odd files, odd surroundings, an impatient user: one line that is right, an exit status, and nothing destroyed.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
export PT

make_trace two.dat <"$HERE/scripts/two-writes.txt"
cp "$HERE/golden/trace.dat" golden.dat
mkfifo fifo
ln -s loop1 loop2
ln -s loop2 loop1
: >empty
sql() { python3 "$HERE/sql.py" "$@"; }

# What is no trace, for every command that reads one
for c in report refault export 'diff two.dat' 'export -F sqlite -o x.db'; do
	for f in fifo /dev/null /dev/zero .; do
		# shellcheck disable=SC2086 # words
		complains "$c: $f" 1 ": $f: not a regular file\$" timeout -k 1 20 "$PT" $c $f
	done
	# shellcheck disable=SC2086 # words
	complains "$c: links in a ring" 1 'cannot open loop1: Too many levels' "$PT" $c loop1
	# shellcheck disable=SC2086 # words
	complains "$c: a name that is too long, and why" 1 'a: File name too long$' "$PT" $c "$(printf 'a%.0s' {1..3000})"
done
for c in report 'diff golden.dat' export; do
	complains "$c: standard input by its name" 1 '^panthor-trace: standard input: not a trace.dat file' sh -c "head -c 3000 '$HERE/cli.t' | '$PT' $c -"
	complains "$c: a file on standard input, too" 1 '^panthor-trace: standard input: not a trace.dat file' sh -c "'$PT' $c - <empty"
done
expect "standard input: in the document, too" 0 '"file": "standard input"' sh -c "'$PT' export - <two.dat"
expect "standard input: in a pipe, too" 0 '^B: standard input$' sh -c "'$PT' diff golden.dat - <two.dat"
complains "standard input twice" 2 'only one of the trace files can be standard input' sh -c "'$PT' export -F sqlite -o x.db two.dat - - <golden.dat"
[ ! -e x.db ] && pass "of all that no database is made" || fail "of all that no database is made"

# Cut and damaged at random places, but the same ones each time
cat >damage.py <<-'END'
	import random, re, subprocess, sys
	random.seed(int(sys.argv[2]))
	whole = open(sys.argv[3], "rb").read()
	commands = [["report", "--bos"], ["refault"], ["export"], ["export", "-F", "html"], ["diff", "two.dat"]]
	bad = []
	for i in range(int(sys.argv[4])):
	    at = random.randrange(len(whole))
	    how = "cut" if i % 2 else random.choice(["change", "double", "gap"])
	    data = bytearray(whole[:at] if how == "cut" else whole)
	    if how == "change":
	        for _ in range(8):
	            data[random.randrange(len(data))] = random.randrange(256)
	    elif how == "double":
	        data += whole[at:]
	    elif how == "gap":
	        del data[at:at + 4096]
	    open("damaged.dat", "wb").write(data)
	    p = subprocess.run([sys.argv[1], *random.choice(commands), "damaged.dat"], capture_output=True, timeout=60)
	    lines = p.stderr.decode(errors="replace").splitlines()
	    good = p.returncode in (0, 1, 3, 4, 5) and all(l.startswith("panthor-trace: ") for l in lines)
	    good = good and (not p.returncode or lines) and (p.returncode != 1 or len(lines) == 1)
	    good = good and (how != "cut" or p.returncode == 1)
	    if not good:
	        bad.append((how, at, p.args[1:], p.returncode, lines[:3]))
	print(len(bad), *bad[:5])
END
# The program as it is installed: a sanitizer would speak of what the library does
expect "a trace cut and damaged in 40 places" 0 '^0$' python3 damage.py "$OUT/panthor-trace" 1 two.dat 40
expect "a compressed one" 0 '^0$' python3 damage.py "$OUT/panthor-trace" 2 golden.dat 40

# Changed while it is read
# Read by the program as it is installed: there is much of it
echo "requests 9000 2" | make_trace whole.dat
"$OUT/panthor-trace" report whole.dat >whole.txt
trace-cmd convert -i whole.dat -o packed.dat --file-version 7 --compression any >/dev/null 2>&1 || rm -f packed.dat
for f in whole packed; do
	[ -e $f.dat ] || { skip "$f: removed while it is read" "this trace-cmd does not convert"; continue; }
	for what in 'rm changing.dat' 'cp two.dat new.dat && mv new.dat changing.dat' 'head -c 9000 /dev/zero >>changing.dat'; do
		cp $f.dat changing.dat
		mkfifo gate
		"$OUT/panthor-trace" report -o gate changing.dat 2>said & pid=$!
		# It has read the beginning, and waits for us
		{ head -c 4096; sh -c "$what"; cat; } <gate >changing.txt
		wait $pid
		rc=$?
		[ $rc -eq 0 ] && [ ! -s said ] && cmp -s changing.txt whole.txt && pass "$f: ${what%% *} while it is read" ||
			fail "$f: ${what%% *} while it is read" "status $rc" "$(cat said)"
		rm gate
	done
done
cp whole.dat changing.dat
mkfifo gate
"$OUT/panthor-trace" report -o gate changing.dat 2>said & pid=$!
{ head -c 4096; truncate -s 100000 changing.dat; cat; } <gate >/dev/null
wait $pid
expect "cut short while it is read: status" 0 '^1$' echo $?
rm gate
expect "cut short while it is read: said" 0 '^panthor-trace: changing.dat: (cut short|changed)' cat said

# Limits of the process are not the fault of the file
for n in 4 5 6; do
	complains "only $n files" 1 '^panthor-trace: cannot open two.dat: Too many open files$' bash -c "ulimit -n $n; '$OUT/panthor-trace' report two.dat"
done
for f in json html perfetto; do
	complains "$f: a limit of file size" 1 'cannot write [^:]*: File too large$' bash -c "ulimit -f 1; '$PT' export -F $f -o limit.out two.dat"
done
cat >asks <<-'END'
	#!/bin/sh
	mask=$(sed -n 's/^SigIgn:[^0-9a-f]*//p' /proc/self/status)
	echo "of SIGPIPE and SIGXFSZ ignored: $((0x$mask & 0x1001000))"
	cat >/dev/null
END
chmod +x asks
expect "commands do not inherit that" 0 'ignored: 0$' sh -c "PAGER=./asks TERM=vt100 script -qec \"'$PT' report two.dat\" /dev/null </dev/null | tr -d '\r'"
echo old >temp.out
complains "a directory for temporary files that is not there" 1 'cannot create a file in /nowhere: .*; set TMPDIR' env TMPDIR=/nowhere "$PT" export -o temp.out two.dat
[ "$(cat temp.out)" = old ] && pass "the output stays as it was" || fail "the output stays as it was" "$(head -c 100 temp.out)"
expect "TMPDIR empty is none" 0 '"evicted":50397184' env TMPDIR= "$PT" export two.dat
if [ "$(id -u)" -eq 0 ] && chmod 755 . && cp "$OUT/panthor-trace" . && setpriv --reuid 65534 --clear-groups ./panthor-trace --version >/dev/null 2>&1; then
	mkdir locked && cp two.dat locked/ && "$PT" export -F sqlite -o locked/day.db golden.dat && chmod 666 locked/day.db && chmod 555 locked
	as_nobody() { setpriv --reuid 65534 --clear-groups ./panthor-trace "$@"; }
	complains "a folder that cannot be written" 1 'cannot write locked/x: Permission denied' as_nobody report -o locked/x two.dat
	complains "a database in it" 1 'locked/day.db: attempt to write a readonly database' as_nobody export -F sqlite -o locked/day.db two.dat
	chmod 600 two.dat
	complains "a file that cannot be read" 1 'cannot open two.dat: Permission denied' as_nobody report two.dat
	chmod 644 two.dat
else
	skip "another user" "needs root"
fi

# One signal is enough, whatever is waited for
for c in 'report' 'refault' 'export -F html' 'export -F perfetto' 'diff two.dat'; do
	# shellcheck disable=SC2086 # words
	complains "interrupted: $c into a FIFO that nobody reads" 130 'cannot write fifo: interrupted' \
		signalled timeout --preserve-status -s INT -k 20 1 "$PT" $c -o fifo two.dat
done
expect "a FIFO with a reader" 0 '^2 requests: ' sh -c "'$PT' report -o fifo two.dat & cat fifo; wait"
"$PT" export -F sqlite -o day.db golden.dat
lock='import sqlite3, sys, time; c = sqlite3.connect("day.db"); c.execute("BEGIN IMMEDIATE"); print(1, flush=True); time.sleep(float(sys.argv[1]))'
python3 -c "$lock" 30 >locked.out & holder=$!
until [ -s locked.out ]; do sleep 0.1; done
complains "interrupted: a database that another one writes" 130 'two.dat: interrupted, not added' signalled timeout --preserve-status -s INT -k 20 1 "$PT" export -F sqlite -o day.db two.dat
kill $holder
python3 -c "$lock" 2 >locked.out & holder=$!
expect "a database that another one has written" 0 '^$' sh -c "'$PT' export -F sqlite -o day.db two.dat; echo"
wait $holder
expect "and what was interrupted is not in it twice" 0 '^1$' sql day.db "SELECT count(*) FROM traces WHERE file = 'two.dat'"
cp day.db old.db && sql old.db "PRAGMA user_version = 1" && cp old.db old.keep
complains "a database of an older version" 1 'old.db: database version 1, expected 3; not changed' "$PT" export -F sqlite -o old.db two.dat
cmp -s old.db old.keep && pass "it is as it was" || fail "it is as it was"
head -c 20000 day.db >cut.db
complains "a database that was cut" 1 '^panthor-trace: cut.db: ' "$PT" export -F sqlite -o cut.db two.dat

# Arguments
for o in --filter= '--filter=id=1,' '--filter=,id=1' '--fields=id,' '--fields=,id' '--sort=id,' '--sort=,'; do
	complains "report $o" 2 'no field ""' "$PT" report "$o" two.dat
done
for c in record reclaim top report refault diff export; do
	complains "$c: no option, and not harmless" 2 '^panthor-trace: unknown option "--x.x1B' "$PT" $c $'--x\033[2J'
	complains "$c: an option without its value" 2 "requires an argument -- 'o'" "$PT" $c -o
done
complains "record: behind a value, too" 2 '^panthor-trace: unknown option "--x.x1B' "$PT" record --out x -b 100 -j $'--x\033[2J'
for c in '-o x' -jox '--output=x'; do
	# shellcheck disable=SC2086 # words
	complains "record $c: what follows COMMAND is its own" 1 '!unknown option' "$PT" record $c printf $'-\033'
done
# After the file, an option's value is not the file
for where in '--limit 5 fpe.dat' 'fpe.dat --limit 5'; do
	awk 'NR > 1' "$HERE/scripts/two-writes.txt" | make_trace fpe.dat
	# A crash of the library, made by hand
	mkfifo gate
	# shellcheck disable=SC2086 # words
	"$OUT/panthor-trace" report -o gate $where 2>said & pid=$!
	until child=$(pgrep -P $pid) && [ -n "$child" ]; do sleep 0.05; done
	sleep 0.5
	kill -FPE "$child"
	wait $pid
	expect "$where: which file the library fell over" 0 '^panthor-trace: fpe.dat: damaged: libtracecmd crashed' cat said
	rm gate
done
expect "a killed reader is not a damaged file" 0 '!damaged' sh -c '
	mkfifo gate; "$OUT/panthor-trace" report -o gate two.dat 2>&1 & pid=$!
	until child=$(pgrep -P $pid) && [ -n "$child" ]; do sleep 0.05; done
	sleep 0.5; kill -XCPU "$child"; wait $pid; [ $? -eq 1 ]'

# The terminal, the language and the time are the user's
expect "nothing in the environment" 0 '^2 requests: ' env -i "$PT" report two.dat
for e in LC_ALL=xx COLUMNS=0 COLUMNS=-5 COLUMNS=abc COLUMNS=99999999999999999999 TERM=dumb HOME= TZ=:/etc/passwd; do
	expect "$e" 0 '^$' sh -c "env $e '$PT' report --bos two.dat | diff - $HERE/expected/report-bos.txt; echo"
done
for n in 1 20 40; do
	expect "COLUMNS=$n" 0 '^columns omitted for width: ' env COLUMNS=$n "$PT" report two.dat
done
for how in '>&-' '>&- 2>&- <&-' '>/dev/full'; do
	for c in 'report two.dat' 'export -F html two.dat' 'diff two.dat two.dat' --help 'report --help'; do
		expect "$c $how" 0 '^1$' bash -c "'$PT' $c $how 2>said; echo \$?"
	done
done
for h in 'head -n 1' 'head -c 1' true; do
	for c in 'report --bos' 'export -F html' 'export -F perfetto' 'report --sort=-blocked' refault; do
		expect "$c | $h" 0 '^0$' bash -c "'$OUT/panthor-trace' $c whole.dat 2>said | $h >/dev/null; echo \${PIPESTATUS[0]}; cat said"
	done
done
end
