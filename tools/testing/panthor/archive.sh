# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its users use them
#
# The distribution's archive beyond this machine's release and architecture,
# through a package client with a configuration of its own: the machine's stays
# as it is. Sourced after lib.sh.

# Where newer things are; one that an archive does not have (any more) is passed over
NEWER_SUITES="trixie-backports forky sid"

# Archives of the machine's configuration, one "uri<TAB>keyring" a line: those
# that serve the running release, its point or named suite, in either format.
archives()
{
	local codename files

	# shellcheck source=/dev/null
	codename=$(. /etc/os-release; echo "${VERSION_CODENAME:-}")
	eval "$(apt-config shell LIST Dir::Etc::sourcelist/f PARTS Dir::Etc::sourceparts/d)"
	files=$(ls "${LIST:-/etc/apt/sources.list}" "${PARTS:-/etc/apt/sources.list.d}"/*.list \
		   "${PARTS:-/etc/apt/sources.list.d}"/*.sources 2>/dev/null) || true
	# shellcheck disable=SC2086
	[ -z "$files" ] || awk -v suites="$codename stable oldstable testing unstable sid" '
	function flush(	i, j, n, m, u, s)
	{
		n = split(uris, u); m = split(names, s)
		if (types ~ /(^| )deb( |$)/ && enabled !~ /^(no|false|0)/)
			for (i = 1; i <= n; i++)
				for (j = 1; j <= m; j++)
					if (s[j] in want && !seen[u[i]]++)
						print u[i] "\t" key
		types = uris = names = key = enabled = field = ""
	}
	BEGIN { n = split(suites, list); for (i = 1; i <= n; i++) want[list[i]] }
	FNR == 1 { flush() }
	/^[ \t]*#/ { next }
	FILENAME ~ /\.sources$/ {
		if (/^[ \t]*$/) { flush(); next }
		value = $0
		if (/^[^ \t]/) { field = tolower($1); sub(/^[^:]*:[ \t]*/, "", value) }
		if (field ~ /^types:/) types = types " " value
		if (field ~ /^uris:/) uris = uris " " value
		if (field ~ /^suites:/) names = names " " value
		if (field ~ /^signed-by:/) key = key (key ? "\034" : "") value
		if (field ~ /^enabled:/) enabled = value
		next
	}
	$1 == "deb" {
		types = "deb"
		if (match($0, /\[[^]]*\]/)) {
			opts = substr($0, RSTART + 1, RLENGTH - 2)
			$0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
			if (match(opts, /signed-by=[^ \t]*/))
				key = substr(opts, RSTART + 10, RLENGTH - 10)
		}
		uris = $2; names = $3
		flush()
	}
	END { flush() }' $files
}

# private_apt DIR ARCHITECTURE SUITES URI KEYRING - from here on the package client knows that alone
private_apt()
{
	local dir=$1

	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	{
		printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$4" "$3"
		[ -z "$5" ] || printf 'Signed-By: %s\n' "$(tr '\034' '\n' <<<"$5")"
	} >"$dir/panthor.sources"
	cat >"$dir/apt.conf" <<-EOL
	Dir::Etc::sourcelist "$dir/panthor.sources";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::State::lists "$dir/lists";
	Dir::State::status "$dir/status";
	Dir::Cache "$dir/cache";
	Acquire::Languages "none";
	Acquire::Retries "3";
	Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
	APT::Architecture "$2";
	APT::Architectures { "$2"; };
	APT::Install-Recommends "false";
	APT::Sandbox::User "$(id -un)";
	Debug::NoLocking "true";
	EOL
	export APT_CONFIG=$dir/apt.conf
}

# with_archive DIR ARCHITECTURE SUITES COMMAND... - runs COMMAND with each archive until it succeeds
#
# Does not change the package client's configuration. Its output is in DIR/log.
with_archive()
{
	# COMMAND sees these, not its caller's of the same names
	local with_dir=$1 with_arch=$2 with_suites=$3 with_uri with_key

	shift 3
	need apt-get apt-cache dpkg-deb
	archives_tried=
	while IFS=$'\t' read -r with_uri with_key; do
		archives_tried="$archives_tried $with_uri"
		private_apt "$with_dir" "$with_arch" "$with_suites" "$with_uri" "$with_key"
		# A suite that is not there (any more) must not hide the others
		apt-get -qq update >"$with_dir/log" 2>&1 || true
		! "$@" || return 0
	done < <(archives)
	return 1
}

# download_progress DIR - says how far a download into DIR is, until it is killed
download_progress()
{
	local step=30 eol='\n'

	[ ! -t 2 ] || { step=2 eol='\033[K\r'; }
	while sleep $step; do
		printf "%s: %d MiB downloaded$eol" "$PROG" "$(du -sm "$1" | cut -f1)" >&2
	done
}

# unpack_with_dependencies DIR DEST PACKAGE... - these packages and all that they depend on, unpacked into DEST
#
# For with_archive. No script of a package is run; DEST has /bin and its like as Debian has them today.
unpack_with_dependencies()
{
	local dir=$1 dest=$2 deb d reporter rc=0

	shift 2
	rm -f "$dir"/cache/archives/*.deb
	download_progress "$dir/cache/archives" & reporter=$!
	apt-get -qq -y -d install "$@" >>"$dir/log" 2>&1 || rc=$?
	kill $reporter
	wait $reporter 2>/dev/null || true
	[ $rc -eq 0 ] || return 1
	rm -rf "$dest"
	mkdir -p "$dest"
	for d in bin lib lib64 sbin; do
		mkdir -p "$dest/usr/$d"
		ln -s "usr/$d" "$dest/$d"
	done
	say "unpacking $(find "$dir/cache/archives" -name '*.deb' | wc -l) packages"
	for deb in "$dir"/cache/archives/*.deb; do
		# Through tar: dpkg-deb takes a folder for a link to one
		dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$dest" || return 1
	done
	rm -f "$dir"/cache/archives/*.deb
}
