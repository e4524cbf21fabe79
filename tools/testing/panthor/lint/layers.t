#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The check of the simulator's layers finds what it is for.
set -uo pipefail

. "$(dirname "$0")/../lib.sh"
. "$HERE/check/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# with FILE TEXT - the simulator's source, but FILE ends with TEXT
with()
{
	rm -rf "$tmp/sim"
	cp -r "$REPO/$PANTHOR/sim" "$tmp/sim"
	printf '%s\n' "$2" >>"$tmp/sim/$1"
	"$HERE/lint/layers" "$tmp/sim"
}

# A call that a compiler sees, too: the MMU's file wakes nobody by name
compiled()
{
	rm -rf "$tmp/sim"
	mkdir "$tmp/sim"
	for f in "$REPO/$PANTHOR"/sim/sim_*.c; do
		f=$(basename "$f" .c)
		echo "void psim_of_$f(void) {}" >"$tmp/sim/$f.c"
	done
	echo 'void psim_of_sim_engine(void); void psim_up(void); void psim_up(void) { psim_of_sim_engine(); }' >>"$tmp/sim/sim_mmu.c"
	(cd "$tmp/sim" && gcc -c sim_*.c) && "$HERE/lint/layers" "$REPO/$PANTHOR/sim" "$tmp/sim"
}

expect "the simulator has no violation" 0 "" "$HERE/lint/layers"
expect "an include of a higher layer" 1 '^sim_mmu.c:[0-9]+: includes sim_group.h, which is not below' \
	with sim_mmu.c '#include "sim_group.h"'
expect "an include of the same layer" 1 '^sim_gpu.h:[0-9]+: includes sim_mmu.h' with sim_gpu.h '#include "sim_mmu.h"'
expect "a call to a higher layer" 1 '^sim_tiler.c:[0-9]+: uses psim_cs_abort\(\) of sim_stream.c' \
	with sim_tiler.c "$(printf 'static void up(struct psim_cs *cs)\n{\n\tpsim_cs_abort(cs);\n}')"
expect "a pointer to a higher layer" 1 '^sim_irq.c:[0-9]+: uses psim_reg_read\(\) of sim_regs.c' \
	with sim_irq.c "$(printf 'static const void *up[] = {\n\tpsim_reg_read,\n};')"
expect "a comment about a higher layer is allowed" 0 "" with sim_mmu.c '/* As psim_reg_read() wants it. */'
expect "a file without a layer" 1 '^sim_new.c: has no layer' with sim_new.c ''
expect "a symbol in an object file" 1 '^sim_mmu.c: uses psim_of_sim_engine\(\) of sim_engine.c' compiled
echo "1..$TAP_N"
