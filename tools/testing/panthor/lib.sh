# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its users use them
#
# What the scripts below this folder share: where things are, how to speak to
# the user, and how a kernel's build tree becomes something a guest can boot.

PROG=${0##*/}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
REPO=$(cd "$HERE/../../.." && pwd -P)
BUILD=$REPO/build
# Not set by cron or cloud-init
: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/panthor-trace
PANTHOR=drivers/gpu/drm/panthor
HOOKS=$PANTHOR/hooks

# A make that runs this script must not affect the makes that it starts
unset MAKEFLAGS MFLAGS MAKELEVEL

say()
{
	printf '%s: %s\n' "$PROG" "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

# guest_failed WHAT LOG - the last lines about something that failed in a guest: what the
# kernel said, where its log is, what to try
guest_failed()
{
	local what=$1 log=$2 bad advice

	bad=$(grep -m 1 -E 'Kernel panic|BUG:|Oops|WARNING:|INFO: task .* blocked|Out of memory|job timeout' "$log" 2>/dev/null |
	      tr -d '\r') || true
	case $bad in
	*"Out of memory"*) advice="try again with more memory: MEM=2048" ;;
	*"job timeout"* | *"blocked for more than"*) advice="this machine may be too busy; try again with less load" ;;
	"") advice="make guest starts a shell in the same guest" ;;
	*) advice="the kernel or the driver has a bug; KERNEL=debug reports more about it" ;;
	esac
	say "$what failed in the guest${bad:+; its kernel said: ${bad#*] }}"
	say "the kernel's log: $log"
	say "$advice"
}

# end_with_us PID... - ^C does not reach background jobs: end them, then this script
end_with_us()
{
	local signal

	for signal in INT TERM HUP; do
		# shellcheck disable=SC2064 # now
		trap "kill $* 2>/dev/null; wait $*; trap - $signal; kill -$signal \$BASHPID" $signal
	done
}

# need COMMAND... - stop with one line when a command is missing
need()
{
	local cmd missing=()

	for cmd; do
		command -v "$cmd" >/dev/null || missing+=("$cmd")
	done
	[ ${#missing[@]} -eq 0 ] ||
		die "missing: ${missing[*]}; run $HERE/packages, or install what provides them"
}

# need_space DIR MIB - stop with one line when DIR's file system is too full
need_space()
{
	local free

	mkdir -p "$1" || die "cannot write to $1; set XDG_CACHE_HOME to a folder that you own"
	free=$(($(df -Pk "$1" | awk 'NR == 2 { print $4 }') / 1024))
	[ "$free" -ge "$2" ] ||
		die "no space: $1 has $free MiB free, $2 MiB are needed; free some or set XDG_CACHE_HOME"
}

# progress - one updating line on a terminal, else one line every 30 seconds
#
# Counts lines on stdin; $1 says what they are.
progress()
{
	local n=0 t0=$SECONDS last=$SECONDS step=30 eol='\n'

	[ ! -t 2 ] || { step=1 eol='\033[K\r'; }
	while read -r _; do
		n=$((n + 1))
		[ $((SECONDS - last)) -lt $step ] || {
			last=$SECONDS
			printf "%s: %d $1, %d:%02d$eol" "$PROG" $n $(((last - t0) / 60)) $(((last - t0) % 60)) >&2
		}
	done
	[ $n -eq 0 ] || say "$n $1, $(((SECONDS - t0) / 60)):$(printf %02d $(((SECONDS - t0) % 60)))"
}

# hooks - what changes files of the kernel, in the order in which it applies: fixes of upstream's faults first
hooks()
{
	local hook

	for hook in "$REPO/$HOOKS"/fixes/*.patch "$REPO/$HOOKS"/*.patch; do
		[ ! -e "$hook" ] || printf '%s\n' "$hook"
	done
}

# hooked_files - what the hooks change that stdin names
hooked_files()
{
	xargs -r -d '\n' sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' | sort -u
}

# apply_hook PATCH DIR TREE - to the files in DIR, which are those of TREE
apply_hook()
{
	local said

	said=$(patch -s -p1 --fuzz=0 --no-backup-if-mismatch -r - -d "$2" <"$1" 2>&1) || {
		printf '%s\n' "$said" >&2
		die "hook ${1#"$REPO/$HOOKS/"} does not apply to $3; it was made for 7.2 and later"
	}
}

# copy_tree FROM TO [RSYNC OPTIONS] - the source of a kernel without what was built in it
copy_tree()
{
	rsync -aq --delete "${@:3}" --exclude=.git --exclude='/.config*' --exclude='*.o' --exclude='*.ko' \
		--exclude='*.a' --exclude='.*.cmd' --exclude=/include/config --exclude=/include/generated \
		--exclude='/arch/*/include/generated' --exclude=/vmlinux "$1/" "$2/"
}

# use_ccache - what all builds of kernels share
use_ccache()
{
	export CCACHE_DEPEND=1 CCACHE_DIR=$CACHE/ccache CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$CACHE CCACHE_MAXSIZE=6G
}

# host_arch - this machine's architecture, by Debian's name
host_arch()
{
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}

# arch_names ARCH - sets arch, kernel_arch, triplet and, unless it is this machine's, cross, the compiler's prefix
arch_names()
{
	case $1 in
	amd64 | x86 | x86_64 | x86-64) arch=amd64 kernel_arch=x86 triplet=x86_64-linux-gnu ;;
	arm64 | aarch64) arch=arm64 kernel_arch=arm64 triplet=aarch64-linux-gnu ;;
	*) die "ARCH: expected arm64 or amd64, not \"$1\"" ;;
	esac
	cross=
	[ "$arch" = "$(host_arch)" ] || cross=$triplet-
}

# tools_of ARCH - the folder of what was built for it
tools_of()
{
	[ "$1" = "$(host_arch)" ] && echo "$BUILD/tools" || echo "$BUILD/$1/tools"
}

# kernel_image BUILDDIR - the image of a build tree that is booted
kernel_image()
{
	local image

	for image in "$1"/arch/x86/boot/bzImage "$1"/arch/arm64/boot/Image; do
		[ ! -e "$image" ] || { echo "$image"; return; }
	done
	echo "$1/vmlinux"
}

# stage_kernel BUILDDIR DEST - DEST gets vmlinuz and a module folder for modprobe -d
stage_kernel()
{
	local obj=$1 dest=$2 rel mods ko

	rel=$(cat "$obj/include/config/kernel.release")
	mods=$dest/lib/modules/$rel
	rm -rf "${dest:?}/lib"
	mkdir -p "$mods"
	while read -r ko; do
		install -D -m 644 "$obj/${ko%.o}.ko" "$mods/kernel/${ko%.o}.ko"
	done < <(sed 's/\.ko$/.o/' "$obj/modules.order")
	cp "$obj/modules.order" "$obj/modules.builtin" "$obj/modules.builtin.modinfo" "$mods/"
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$dest" "$rel"
	cp "$obj/.config" "$dest/config"
	cp "$(kernel_image "$obj")" "$dest/vmlinuz"
}
