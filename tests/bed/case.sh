# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# What the cases share; each begins with `. "$(dirname "$0")/../case.sh"`. A case passes by reaching its end with
# status 0, fails with any other status, and skips with `skip REASON`. It runs with `set -eu`, by hand as well as by
# the runner, and has: $BED, the command; $PREPARE, the folder of tests/prepare; $BINARY, the postern under test; $TMP,
# a folder that is gone afterwards; and $ARCH, what the program, its host and its guests are made for, this machine's
# own unless said. In the emulated host there are $console, which is the guest's console, too, and the command
# `complaints`.
set -eu

bed_dir=$(cd "$(dirname "$0")/.." && pwd)
BED=$bed_dir/bed
PREPARE=$(cd "$bed_dir/../prepare" && pwd)
machine=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
ARCH=${ARCH:-$machine}
# As make has it.
[ "$ARCH" = "$machine" ] || O=${O:-build/$ARCH}
O=${O:-build}
case $O in
/*) ;;
*) O=$(cd "$bed_dir/../.." && pwd)/$O ;;
esac
BINARY=${BINARY:-$O/postern}
TMP=$(mktemp -d "${TMPDIR:-/tmp}/case.XXXXXX")
trap 'rm -rf "$TMP"' EXIT
export ARCH BED PREPARE BINARY TMP

# Of itself edu reaches 256 MiB, and arm64 has its RAM above.
edu=edu,dma_mask=0xffffffffffffffff

# guests FOLDER: builds the small guests of tests/guest into it.
guests() {
	make -s -f "$bed_dir/../guest/Makefile" O="$1"
}

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	exit 1
}

# only ARCH WHY: skips on others.
only() {
	[ "$ARCH" = "$1" ] || skip "only $1: $2"
}

# by_arch X86 ARM64: the one of these words that is for $ARCH.
by_arch() {
	case $ARCH in
	x86) echo "$1" ;;
	arm64) echo "$2" ;;
	esac
}

# all_hosts: the emulated host's kernels of $ARCH, by README's names.
all_hosts() {
	by_arch "all legacy cdev compat group-only all-6.12 debian" "all legacy cdev compat debian"
}

# have_host HOST: whether its kernel is to be had, where a mirror may lack it: one of a certain version. What lacks is
# remembered for the end of the case, where every_host skips if not all hosts were met.
have_host() {
	case $1 in
	*-[0-9]* | debian) ;;
	*) return 0 ;;
	esac
	"$BED" --host "$1" --prepare >/dev/null 2>"$TMP/lacks" && return
	[ $? = 69 ] || return 0
	echo "no host $1: $(tail -n 1 "$TMP/lacks")" >>"$TMP/hosts-lacking"
	return 1
}
every_host() {
	[ ! -e "$TMP/hosts-lacking" ] || skip "$(paste -s -d ';' "$TMP/hosts-lacking")"
}

# status COMMAND...: runs it, and sets $status to its exit status.
status() {
	status=0
	"$@" || status=$?
}

# equal WHAT WANTED GOT
equal() {
	[ "$2" = "$3" ] || fail "$1: wanted $2, got $3"
}

# has WHAT PATTERN FILE: some line of FILE matches PATTERN.
has() {
	grep -qE -- "$2" "$3" || {
		cat "$3"
		fail "$1: no line matches $2"
	}
}

# figures: marks what it reads as what the runner shows even if the case passes.
figures() {
	sed 's/^/figures: /'
}

# modules FOLDER KERNEL NAME...: into FOLDER, these modules of a guest's kernel and what they need, by names in the
# order in which they are to be loaded.
modules() {
	modules_to=$1 modules_nr=10
	shift
	modules_list=$("$PREPARE/guest-modules" "$@") || return
	mkdir -p "$modules_to"
	for file in $modules_list; do
		cp "$file" "$modules_to/$modules_nr-$(basename "$file")"
		modules_nr=$((modules_nr + 1))
	done
}

# tool SOURCE PROGRAM: a program of one file for guests and hosts, of $ARCH and linked statically.
tool() {
	tool_cc=${CC:-gcc}
	if [ "$ARCH" != "$machine" ]; then
		"$PREPARE/need" gcc-aarch64-linux-gnu libc6-dev-arm64-cross || skip "no compiler for $ARCH"
		tool_cc=aarch64-linux-gnu-gcc
	fi
	"$tool_cc" -std=gnu11 -O2 -Wall -Wextra -Werror -static "$1" -o "$2"
}

# guest_files: into $TMP/share, the program under test, a stock kernel with an NVMe driver, and an initrd that does what
# the word do= on the kernel's command line says (guest-init).
guest_files() {
	mkdir -p "$TMP/share"
	cp "$BINARY" "$TMP/share/postern"
	cp "$("$PREPARE/guest-kernel" 6.12-cloud)" "$TMP/share/kernel"
	"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$bed_dir/guest-init"
}

# single_backend_files: beside them, the programs that were built with one DMA backend each.
single_backend_files() {
	for config in legacy iommufd; do
		file=$(dirname "$BINARY")/configs/$config/postern
		[ -x "$file" ] || fail "$file: not built (make configs)"
		cp "$file" "$TMP/share/$config"
	done
}
