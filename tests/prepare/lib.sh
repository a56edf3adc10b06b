# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# What the scripts of this folder and of tests/bed share: where the cache is, how they speak, and how two of them
# that want the same thing at once wait for each other. To be sourced, after ME is set to the script's name.

CACHE=${POSTERN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/postern}
PREPARE=${PREPARE:-$(cd "$(dirname "$0")" && pwd)}

# Messages go to stderr: stdout carries the paths that were asked for.
say() {
	echo "$ME: $*" >&2
}

# die STATUS MESSAGE: the statuses are those of postern itself.
die() {
	_status=$1
	shift
	say "$*"
	exit "$_status"
}

# hold NAME: waits for, and keeps until the script ends, the lock NAME in the cache.
hold() {
	mkdir -p "$CACHE/locks" || die 73 "can't make $CACHE"
	exec 9>"$CACHE/locks/$1"
	flock -n 9 && return
	say "waiting for another run that prepares $1"
	flock 9
}

# Debian's name of an architecture that postern calls x86 or arm64.
debian_arch() {
	case $1 in
	x86 | amd64) echo amd64 ;;
	arm64) echo arm64 ;;
	*) die 64 "$1: no such architecture: x86 or arm64" ;;
	esac
}
