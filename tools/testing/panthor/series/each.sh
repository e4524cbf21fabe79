# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # base, version, tree, final, tmp: the series'
#
# What ./series does with the tree after each patch: compile what the patch can
# touch, in two configurations, and run the tests that apply.

# Of the kernel, apart from what patches touch: what can see it
DIRS="mm/ $PANTHOR/"
# full: the guest's, with all that we have options for. lean: nothing that is optional
CONFIGS='full lean'
LEAN='DEBUG_FS FTRACE SWAP MEMCG DAMON ZRAM TRANSPARENT_HUGEPAGE PERF_EVENTS BPF_SYSCALL KPROBES UPROBE_EVENTS
      BLK_DEV_IO_TRACE DRM_PANTHOR_SIM'

each_dir=$CACHE/series-$version

each_make()
{
	local config=$1

	shift
	make -C "$each_dir/source" O="$each_dir/$config" ARCH=x86 CC="ccache gcc" KBUILD_BUILD_TIMESTAMP=2026-01-01 \
		KBUILD_BUILD_USER=panthor KBUILD_BUILD_HOST=guest "$@"
}

# configured CONFIG - as the kernel's options are by now
configured()
{
	local obj=$each_dir/$1 option log=$each_dir/$1/build.log

	mkdir -p "$obj"
	cat "$HERE"/kernel/{base,x86}.config >"$obj/wanted.config"
	[ "$1" = full ] || for option in $LEAN; do
		sed -i "/^CONFIG_$option=/d" "$obj/wanted.config"
	done
	each_make "$1" -s KCONFIG_ALLCONFIG="$obj/wanted.config" allnoconfig >"$log" 2>&1 &&
		grep -qx CONFIG_DRM_PANTHOR=m "$obj/.config" || { tail -n 5 "$log" >&2; die "$1: cannot be configured"; }
	[ "$1" = full ] || ! grep -E '^CONFIG_(DEBUG_FS|TRACEPOINTS|SWAP|DRM_PANTHOR_SIM)=y' "$obj/.config" >&2 ||
		die "$1: an option is enabled that must be disabled"
}

# warnings FILE - what the compiler and kernel-doc said, without the numbers of lines
warnings()
{
	sed -nE 's/^([^:]*\.[chS]):[0-9:]+ (warning: .*)/\1: \2/p
		 s/^(WARNING|Warning): ([^: ]*):[0-9]+/\1: \2/p; t
		 /^(WARNING|Warning):/p' "$1" | sort -u
}

# compile_each [SUBJECT] - what has changed with a patch; before the first, what upstream says itself
compile_each()
{
	local config log rc file

	[ -n "${BUILD_EACH:-}" ] || return 0
	if [ $# -eq 0 ]; then
		need ccache rsync
		need_space "$CACHE" 2500
		use_ccache
		mkdir -p "$each_dir"
		copy_tree "$base" "$each_dir/source" --link-dest="$base"
	else
		rsync -rcq --no-times --exclude=.git "$tree/" "$each_dir/source/"
		# A header alone: somebody has to read it
		[ -e "$tree/$PANTHOR/panthor_reclaim.c" ] || [ ! -e "$tree/include/trace/events/panthor_reclaim.h" ] ||
			printf '%s\n' '#define CREATE_TRACE_POINTS' '#include <trace/events/panthor_reclaim.h>' \
				>"$each_dir/source/$PANTHOR/try_events.c"
	fi
	for config in $CONFIGS; do
		log=$each_dir/$config/build.log
		configured "$config"
		if [ $# -eq 0 ]; then
			# What is newer than its source may still be of a patched one
			rm -rf "${each_dir:?}/$config"/{mm,$PANTHOR}
			[ "$(head -n 1 "$each_dir/$config.upstream" 2>/dev/null)" != "$base $version" ] || continue
		fi
		file=
		[ ! -e "$each_dir/source/$PANTHOR/try_events.c" ] || file=$PANTHOR/try_events.o
		# shellcheck disable=SC2086 # several
		each_make "$config" -j"${JOBS:-$(nproc)}" W=1 $DIRS $file >"$log" 2>&1 ||
			{ grep -m 5 -E 'error:|\*\*\*' "$log" >&2; die "$config: does not build${1:+ after \"$1\"}; the log is $log"; }
		warnings "$log" >"$tmp/warnings"
		if [ $# -eq 0 ]; then
			{ echo "$base $version"; cat "$tmp/warnings"; } >"$each_dir/$config.upstream"
		elif grep -vxFf "$each_dir/$config.upstream" "$tmp/warnings" >&2; then
			die "$config: warnings after \"$1\""
		fi
		# The driver's objects know each other
		file=$each_dir/$config/$PANTHOR
		nm "$file"/panthor.o $(find "$file" -name panthor_sim.o) | awk '
			NF == 2 && $1 == "U" && $2 ~ /^_*panthor_/ { want[$2] } NF == 3 && $2 ~ /[TDBRV]/ { have[$3] }
			END { for (s in want) if (!(s in have)) { print "undefined: " s; bad = 1 } exit bad }' >&2 ||
			die "$config: does not link${1:+ after \"$1\"}"
		say "  $config: $(grep -cE '^  (CC|LD) ' "$log") objects${1:+, no warning that upstream has not}"
	done
	rm -f "$each_dir/source/$PANTHOR/try_events.c"
}

# test_each TEST... - with the driver as it is now, in the guest; before there is a simulator, it is put next to it
test_each()
{
	local kernel=$BUILD/kernel/plain dir=$tmp/module staged=$tmp/kernel rel test

	[ -n "${TEST_EACH:-}" ] || return 0
	[ "$(make -s -C "$kernel/source" kernelversion 2>/dev/null)" = "$version" ] ||
		die "TEST_EACH: $kernel is not Linux $version; run make kernel (KDIR=$base) first"
	rm -rf "$dir" "$staged"
	mkdir -p "$dir"
	cp -r "$base/$PANTHOR/." "$dir/"
	cp -r "$tree/$PANTHOR/." "$dir/"
	find "$dir" -name '*.o' -delete
	cp -r "$final/$PANTHOR/sim" "$dir/"
	cp "$final/$PANTHOR/Makefile" "$dir/"
	[ ! -d "$tree/include/trace" ] || { mkdir -p "$dir/include" && cp -r "$tree/include/trace" "$dir/include/"; }
	# shellcheck disable=SC2016 # for make
	printf '\nccflags-y += -I$(src)/include\n' >>"$dir/Makefile"
	make -C "$(readlink -f "$kernel/obj")" M="$dir" modules >"$tmp/log" 2>&1 ||
		{ grep -m 5 -E 'error:|ERROR' "$tmp/log" >&2; die "the module does not build"; }
	rel=$(ls "$kernel/lib/modules")
	cp -r "$kernel" "$staged"
	cp "$dir/panthor.ko" "$staged/lib/modules/$rel/kernel/$PANTHOR/"
	cp "$dir/sim/panthor_sim.ko" "$staged/lib/modules/$rel/kernel/$PANTHOR/sim/"
	for test; do
		[ -x "$BUILD/tools/tests/$test" ] || die "TEST_EACH: no test $test; run make clients first"
	done
	"$HERE/guest/guest" -K "$staged" -m 1536 -t 900 "$HERE/check/run-tests" -k 300 "${@/#/$BUILD/tools/tests/}" |
		"$HERE/check/tally" | sed 's/^/  /' >&2 || die "tests fail"
}
