# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The list of devices, read into a folder per device with a file per key, and what QEMU needs for each besides.

# read_list LIST FOLDER
read_list() {
	local key value name=
	rm -rf "$2"
	while read -r key value; do
		case $key in
		'' | '#'*) ;;
		device) name=$value && mkdir -p "$2/$name" && echo "$name" >>"$2/names" ;;
		spec | part | also | modules | host | work | irq | cant | alone)
			echo "$value" >>"$2/${name:?}/$key" ;;
		*) die 64 "list: unknown key $key" ;;
		esac
	done <"$1"
}

names() {
	cat "$work/list/names"
}

# get NAME KEY [DEFAULT]
get() {
	if [ -e "$work/list/$1/$2" ]; then cat "$work/list/$1/$2"; else echo "${3:-}"; fi
}

# fill NAME TEXT: the placeholders filled in.
fill() {
	echo "$2" | sed "s|%n|$1|g; s|%s|$dir/$1|g"
}

# cable NAME N: a line whose other end is a virtio port of the host.
cable() {
	extra="$extra -chardev socket,id=$1.c$2,path=$dir/$1/c$2,server=on,wait=off
		-chardev socket,id=$1.h$2,path=$dir/$1/c$2
		-device virtserialport,bus=bed.0,chardev=$1.h$2,name=$1.$2"
}

# supply NAME INDEX: images, networks, cables and files, by the kind of work.
supply() {
	local kind a b n
	read -r kind a b < <(get "$1" work) || true
	case $kind in
	disk)
		a=${a:-8}
		head -c "${a}M" /dev/urandom >"$dir/$1/img"
		md5sum <"$dir/$1/img" | cut -d' ' -f1 >"$dir/$1/sum"
		truncate -s $((a * 4))M "$dir/$1/img"
		extra="$extra -drive file=$dir/$1/img,format=raw,if=none,id=$1.d,cache=unsafe" ;;
	net)
		n=$(printf %02x "$2")
		extra="$extra -netdev hubport,hubid=$2,id=$1.n -netdev hubport,hubid=$2,id=$1.p"
		extra="$extra -device virtio-net-pci,netdev=$1.p,mac=52:54:00:5a:01:$n,romfile=" ;;
	echo)
		for ((n = 1; n <= ${b:-1}; n++)); do cable "$1" $n; done ;;
	sound)
		extra="$extra -audiodev wav,id=$1.a,path=$dir/$1/$1.wav,out.frequency=$a" ;;
	rng)
		head -c 4M /dev/zero | tr '\0' Z >"$dir/$1/zed" ;;
	doorbell)
		"$work/here" serve "$dir/$1/server" "$dir/$1/shm" &
		servers+=($!)
		while [ ! -S "$dir/$1/server" ]; do sleep 0.1; done ;;
	esac
}

servers=()
stop_servers() {
	local pid
	for pid in "${servers[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	servers=()
}

# build_work: the helper for what a shell can't do, if it is older than its sources: work for inside, here for outside.
build_work() {
	local file
	for file in "$HERE"/work/*.[ch]; do
		[ "$work/work" -nt "$file" ] || break
		file=
	done
	[ -n "$file" ] || return 0
	set -- -std=gnu11 -O2 -Wall -Wextra -Werror -static "$HERE"/work/*.c
	"${CC:-gcc}" "$@" -o "$work/here"
	if [ "$(debian_arch "${ARCH:-x86}")" = "$(dpkg --print-architecture)" ]; then
		cp "$work/here" "$work/work"
	else
		"$PREPARE/need" gcc-aarch64-linux-gnu libc6-dev-arm64-cross || exit 69
		aarch64-linux-gnu-gcc "$@" -o "$work/work"
	fi
}
