#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015 # A && pass || fail: pass does not fail
# The exported page in a browser without a display: that it draws, and does what it says. SHOTS=dir keeps the pictures.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1

# A day of 4,000 requests, each of 5 ms, and one that waits for 391 ms; without a browser
day()
{
	awk 'BEGIN {
		print "comm 412 manager"
		for (i = 1; i <= 4000; i++) {
			t = 1000 + 21.6 * i
			ns = i == 2777 ? 391000000 : 5000000
			printf "0 %.6f 412 panthor_reclaim_begin dev=panthor id=%d requester_tgid=412 target_tgid=388 requester_comm=manager target_comm=browser\n", t, i
			printf "0 %.6f 412 panthor_reclaim_end dev=panthor id=%d target_tgid=388 duration_ns=%d %s=%d target_comm=browser\n", t + ns / 1e9, i,
				ns, i == 2777 ? "fence_ns" : "writeback_ns", ns
		}
	}'
}
if command -v node >/dev/null; then
	day | make_trace day.dat
	"$PT" export -F html -o day.html day.dat
	for width in 400 1400 3000; do
		expect "a stall in a day of requests, $width pixels: it has its color" 0 '^worst_color=fence$' node "$HERE/page.js" day.html $width
		expect "its bar has full height" 0 '^worst_height=17$' node "$HERE/page.js" day.html $width
		expect "the other bars are low" 0 '^others_height=4$' node "$HERE/page.js" day.html $width
		expect "the pointer finds it" 0 '^hover=worst$' node "$HERE/page.js" day.html $width
	done
	"$PT" export -F html -o names.html "$HERE/golden/trace.dat"
	expect "the lanes have the names of processes" 0 '^lanes=.*, browser\[[0-9]+\] client [0-9]+ VM 1, .*: swapped in' node "$HERE/page.js" names.html
else
	skip "what the page draws" "no node here"
fi

browser=$(command -v chromium chromium-browser google-chrome | head -n 1)
if [ -z "$browser" ]; then
	skip "the page in a browser" "no chromium here"
	end
fi
chrome()
{
	timeout 120 "$browser" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
		--user-data-dir="$WORK/profile" --window-size=1400,900 "$@" 2>chrome.err
}

# page NAME TRACE - what the browser makes of it: NAME.check, NAME.png
page()
{
	"$PT" export -F html -o "$1.html" "$2" || return 1
	{ cat "$1.html"; echo '<script>'; cat "$HERE/page_check.js"; echo '</script>'; } >"$1-check.html"
	chrome --dump-dom "file://$WORK/$1-check.html" | grep -oE 'data-check="[^"]*"' >"$1.check"
	chrome --screenshot="$WORK/$1.png" "file://$WORK/$1.html" >/dev/null
	[ -z "${SHOTS:-}" ] || cp "$1.png" "$SHOTS/"
	[ -s "$1.check" ] && return
	fail "$1: the page runs to its end" "$(tail -n 5 chrome.err)"
}

# Lines of pixels that differ from each other: a blank page has one or two
lines_drawn()
{
	python3 - "$1" <<-'END'
	import struct, sys, zlib
	data, at, idat = open(sys.argv[1], "rb").read(), 8, b""
	while at < len(data):
	    size, kind = struct.unpack(">I4s", data[at:at + 8])
	    if kind == b"IHDR":
	        width, height, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
	    if kind == b"IDAT":
	        idat += data[at + 8:at + 8 + size]
	    at += size + 12
	raw, line = zlib.decompress(idat), width * {2: 3, 6: 4}[colour] * depth // 8 + 1
	print(len({raw[i:i + line] for i in range(0, len(raw), line)}))
	END
}

# has NAME WORD... - of what the page told
has()
{
	local name=$1 word missing=

	shift
	for word; do
		grep -qE "[ \"]${word}[ \"]" "$name.check" || missing="$missing $word"
	done
	[ -z "$missing" ] && pass "$name: $*" || fail "$name: $*" "not:$missing" "$(cat "$name.check")"
}

cp "$HERE/golden/trace.dat" .
make_trace two.dat <"$HERE/scripts/two-writes.txt"
many_bos 10000 | make_trace many.dat
for name in trace two many; do
	page $name $name.dat
	lines=$(lines_drawn $name.png)
	[ "${lines:-0}" -gt 150 ] && pass "$name: the picture is not blank" || fail "$name: the picture is not blank" "$lines lines differ"
	has $name zoomed=true hover=true clicked=true gone=true filtered=true whole=true quick=true
done
# 2 requests, 30 BOs, 15 writebacks, 5 turns to a VM, 10 swap-ins, 4 stalls
has trace lanes=26 bars=66 fence=true writeback=true swapin=true
has two fence=true evict=true writeback=true swapin=true
has many bars=20001 bos=10000 rows=500 evict=true
end
