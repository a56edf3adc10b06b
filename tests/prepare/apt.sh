# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# apt, run with a configuration and a state of its own in the cache, for packages of suites that the machine need not
# have in its sources. Its only source is the mirror that the machine's own Debian entry names, checked against
# Debian's keys; the machine's apt is asked for that entry, and never changed. To be sourced after lib.sh, with $arch
# set to a Debian architecture.
#
# shellcheck disable=SC2016,SC2154

# The machine's Debian entry, as apt itself reads its sources, in either format: prints URI|FILE:NUMBER. Before the
# first apt-get update apt does not know the origin, and then the archive's usual path must do.
apt_entry() {
	apt-get indextargets --format \
		'$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(SOURCESENTRY)' \
		'Created-By: Packages' 2>/dev/null | awk -F '|' '
		$2 != "main" || $3 ~ /security/ || $3 ~ /^(cdrom|file):/ { next }
		$1 == "Debian" { print $3 "|" $4; found = 1; exit }
		$3 ~ /\/debian\/?$/ && guess == "" { guess = $3 "|" $4 }
		END { if (!found && guess != "") print guess }'
}

# apt_keys URI FILE: the key files named with URI in FILE, a .sources or a .list, and Debian's own keyring.
apt_keys() {
	local found own=/usr/share/keyrings/debian-archive-keyring.gpg
	case $2 in
	*.sources)
		found=$(awk -v uri="${1%/}" 'BEGIN { RS = ""; FS = "\n" }
			index($0, uri) {
				for (i = 1; i <= NF; i++)
					if (tolower($i) ~ /^signed-by:/) {
						sub(/^[^:]*:[ \t]*/, "", $i)
						print $i
						exit
					}
			}' "$2") ;;
	*)
		found=$(grep -F "${1%/}" "$2" |
			sed -n 's/^deb .*\[.*signed-by=\([^] ]*\).*/\1/p' |
			head -n 1 | tr ',' ' ') ;;
	esac
	for key in $found $own; do
		[ -r "$key" ] && echo "$key"
	done | sort -u | paste -s -d ' '
}

# apt_options SUITES: sets the array apt for one set of suites, which has a state of its own.
apt_options() {
	local dir=$CACHE/apt/$arch-${1// /+}
	apt=(-q -o "Dir::Etc::sourcelist=$dir/none"
		-o "Dir::Etc::sourceparts=$dir/sources.d"
		-o "Dir::Etc::preferences=$dir/none"
		-o "Dir::Etc::preferencesparts=$dir/none.d"
		-o "Dir::State=$dir/state" -o "Dir::State::status=$dir/status"
		-o "Dir::Cache=$dir/cache" -o "Dir::Log=$dir"
		-o "APT::Architecture=$arch" -o "APT::Architectures=$arch"
		-o "APT::Sandbox::User=$(id -un)"
		-o Acquire::Languages=none)
	[ -e "$dir/status" ] && return
	mkdir -p "$dir/sources.d" "$dir/none.d" "$dir/state/lists/partial" \
		"$dir/cache/archives/partial"
	: >"$dir/status"
}

# apt_open SUITES: brings the indexes of the suites up to date; one hour old is good enough. Fails where the mirror
# lacks one of them.
apt_open() {
	local dir=$CACHE/apt/$arch-${1// /+} mirror file signed
	apt_options "$1"
	if [ -e "$dir/fresh" ] &&
		[ -n "$(find "$dir/fresh" -mmin -60)" ]; then
		return
	fi
	mirror=$(apt_entry)
	[ -n "$mirror" ] ||
		die 69 "no Debian archive among this machine's apt sources"
	file=${mirror#*|}
	file=${file%:*}
	signed=$(apt_keys "${mirror%|*}" "$file")
	printf '%s\n' "Types: deb" "URIs: ${mirror%|*}" "Suites: $1" \
		"Components: main" ${signed:+"Signed-By: $signed"} \
		>"$dir/sources.d/debian.sources"
	say "reading the index of $1 ($arch)"
	if apt-get "${apt[@]}" -o APT::Update::Error-Mode=any update \
		>"$dir/log" 2>&1; then
		touch "$dir/fresh"
	elif [ -e "$dir/fresh" ]; then
		say "can't refresh the index of $1, the one from" \
			"$(date -r "$dir/fresh" +%F) is used"
	else
		say "$1: not to be had:" \
			"$(grep -m 1 '^[EW]:' "$dir/log" || echo 'see '"$dir/log")"
		return 1
	fi
}
