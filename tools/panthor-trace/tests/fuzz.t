#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015 # A && pass || fail: pass does not fail
# Each fuzz target for FUZZ_SECONDS, from the corpus; what it finds on the way stays out of the tree.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
# The file target has options of its own.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
for target in model file; do
	if [ ! -x "$OUT/tests/fuzz_$target" ]; then
		skip "fuzz $target" "no clang"
		continue
	fi
	limits=(-rss_limit_mb=2048)
	if [ $target = file ]; then
		# It forks. What watches the size is a thread, which may hold the allocator's lock at that moment, and the
		# child then waits for it until its alarm.
		limits=(-rss_limit_mb=0 -malloc_limit_mb=2048)
		complains "a division by zero in a library is no failure" 0 . "$OUT/tests/fuzz_file" "${limits[@]}" "$HERE/corpus/file/fpe"
		complains "a division by zero in a callback is a failure" 77 'deadly signal' env FUZZ_FAULT=1 "$OUT/tests/fuzz_file" "${limits[@]}" "$HERE/corpus/file/small"
	fi
	mkdir "$target"
	if "$OUT/tests/fuzz_$target" -max_total_time="${FUZZ_SECONDS:-30}" -timeout=20 "${limits[@]}" -max_len=65536 \
		-print_final_stats=1 -verbosity=0 "$target" "$HERE/corpus/$target" >log 2>&1; then
		pass "fuzz $target: $(awk '/number_of_executed_units/ { print $2 }' log) inputs"
	else
		fail "fuzz $target" "$(tail -n 40 log)"
	fi
done
end
