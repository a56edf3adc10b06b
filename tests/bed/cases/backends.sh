# SPDX-License-Identifier: BSD-2-Clause
#
# The device of other programs (--vhost-user) with three of Debian's: its file system by virtiofsd, its disk by
# qemu-storage-daemon, its network card by passt. They run on this machine, without the emulated host, and so does the
# driver, which is that of the unit tests (tests/unit/backends.c); a guest of its own is in the case share.
. "$(dirname "$0")/../case.sh"
only "$machine" "the programs run on this machine"

# Where `make check-unit` has it, by the same name, or all would be compiled anew.
root=$(cd "$bed_dir/../.." && pwd)
unit=${O#"$root"/}/unit
make -s -C "$root" O="$unit" HOSTED=y full_defconfig "$unit/backends"
cd "$root"

# program PACKAGE PROGRAM [ARG]...: starts it, of Debian 13, in the background, as $pid.
program() {
	tree=$("$PREPARE/tree" --suites trixie "$1") || skip "no package $1"
	lib=$(echo "$tree"/usr/lib/*-linux-gnu)
	program=$tree/$2
	shift 2
	"$(echo "$lib"/ld-linux-*.so.*)" --library-path "$lib" "$program" "$@" >"$TMP/log" 2>&1 &
	pid=$!
}

# meets TEST SOCKET: runs it once the program is ready.
meets() {
	tries=0
	until [ -S "$2" ] || [ $((tries += 1)) -gt 200 ] || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
	status env POSTERN_SOCKET="$2" "$unit/backends" "$1"
	kill $pid 2>/dev/null || true
	[ $status = 0 ] || cat "$TMP/log"
	equal "$1" 0 $status
}

mkdir "$TMP/files"
program virtiofsd usr/libexec/virtiofsd --socket-path="$TMP/fs" --shared-dir="$TMP/files" --sandbox=none --seccomp=none
meets files "$TMP/fs"

truncate -s 4M "$TMP/image"
program qemu-utils usr/bin/qemu-storage-daemon --blockdev driver=file,node-name=file,filename="$TMP/image" \
	--blockdev driver=raw,node-name=disk,file=file --export \
	"type=vhost-user-blk,id=e,addr.type=unix,addr.path=$TMP/blk,node-name=disk,writable=on,num-queues=2"
meets disk "$TMP/blk"

program passt usr/bin/passt -f -1 --vhost-user -s "$TMP/net" -4 -a 10.0.2.15 -n 24 -g 10.0.2.2 --runas "$(id -u)"
meets network "$TMP/net"
