#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # layers() is called by expect()
# The layers use each other in one direction, each under its licence, and what holds that sees the contrary.
# shellcheck source=lib.sh
. "$HERE/lib.sh"
cd "$WORK" || exit 1
layers() { "$HERE/layers" "$@" "$OUT/obj/panthor-trace" "$OUT/obj/plugin_panthor" "$OUT/obj/kernelshark" 2>&1; }

expect "each layer uses lower layers only" 0 '!.' layers "$HERE/.."

# copy - the sources, to be spoiled
copy()
{
	rm -rf source objects
	mkdir source objects
	cp -r "$HERE"/../{model,plugins,base,trace,report,cmd} source/
}

copy
for arrow in model:cmd/cli.h plugins:base/error.h base:trace/source.h trace:report/table.h report:trace/source.h report:cmd/options.h; do
	from=${arrow%%:*} to=${arrow#*:}
	printf '/* SPDX-License-Identifier: GPL-2.0 */\n#include "%s"\n' "$to" >"source/$from/up.h"
	expect "an include of $to in $from is found" 1 "^$from/up.h: $from/ may not include \"$to\"\$" layers source
	rm "source/$from/up.h"
done

for arrow in model:pt_error:base trace:doc_fact:report report:source_read:trace report:pager_start:cmd; do
	from=${arrow%%:*} to=${arrow##*:} symbol=${arrow#*:}
	symbol=${symbol%:*}
	copy
	mkdir "objects/$from"
	printf 'void %s(void);\nvoid up(void);\nvoid up(void) { %s(); }\n' "$symbol" "$symbol" |
		tee "source/$from/up.c" | "${CC:-cc}" -x c -c -o "objects/$from/up.o" -
	expect "a call of $symbol() in $from is found" 1 "^$from/ may not use $symbol of $to/\$" layers source objects
done

copy
sed -i '1s/LGPL-2.1/GPL-2.0/' source/model/text.c
expect "another licence is found" 1 '^model/text.c: is not under the LGPL-2.1' layers source
copy
mkdir source/util && touch source/util/util.c
expect "a directory that is not a layer is found" 1 '^util/ is no layer' layers source
end
