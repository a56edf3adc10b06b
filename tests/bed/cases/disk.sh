# SPDX-License-Identifier: BSD-2-Clause
#
# A guest's disk when things go wrong: the VMM is killed amid writes, and each write that a flush had reported is in the
# image; the host's file system is full, and the guest is told so, by an I/O error, and keeps what was flushed before;
# one image is not for two guests at once. With the page cache and past it.
. "$(dirname "$0")/../case.sh"

mkdir -p "$TMP/share"
cp "$BINARY" "$TMP/share/postern"
cp "$("$PREPARE/guest-kernel" 6.12-cloud)" "$TMP/share/kernel"
modules "$TMP/modules" 6.12-cloud virtio_pci virtio_blk
cat >"$TMP/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
for file in /modules/*; do
	insmod "$file"
done
say() {
	echo "guest: $*"
}
block() {
	yes "block $1" | head -c 4096
}
# put N: the status of writing and flushing it.
put() {
	block $1 | dd of=/dev/vda bs=4096 seek=$1 conv=fsync 2>/dev/null
}
tries=0
until [ -b /dev/vda ] || [ $((tries += 1)) -gt 600 ]; do usleep 100000; done
n=0
while put $n; do
	say flushed $n
	n=$((n + 1))
done
say refused $n
poweroff -f
END
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$TMP/init" "$TMP/modules:/modules"

cat >"$TMP/inside" <<'END'
run() {
	exec /share/postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 256M --once --timeout 400 \
		--append "console=$console quiet panic=-1" "$@"
}
said() {
	tr -d '\r' </out | sed -n "s/^guest: $1 //p"
}
# whole IMAGE N: how many of its first N blocks are as the guest has written them.
whole() {
	for i in $(seq 0 $2); do
		yes "block $i" | head -c 4096 >/block
		dd if=$1 bs=4096 skip=$i count=1 2>/dev/null | cmp -s - /block && echo
	done | wc -l
}
# start IMAGE: a guest in the background that writes to it.
start() {
	: >/out
	(run --disk $1$keys) >/out 2>/err </dev/null &
	guest=$!
}
for way in cached direct; do
	keys=$([ $way = cached ] || echo ,direct)
	mkdir /disk.$way /full.$way
	mount -t tmpfs -o size=16M none /disk.$way
	mount -t tmpfs -o size=160k none /full.$way
	truncate -s 64M /disk.$way/image /full.$way/image

	start /disk.$way/image
	until [ "$(said flushed | wc -l)" -gt 30 ]; do
		kill -0 $guest || { cat /out /err && exit 1; }
		usleep 50000
	done
	(run --disk /disk.$way/image$keys) >/other 2>&1 </dev/null
	echo "$way: other: status $?: $(grep '^postern: ' /other)"
	kill -9 $guest
	wait $guest
	last=$(said flushed | tail -n 1)
	echo "$way: killed: $(said flushed | wc -l) flushed, $(($(whole /disk.$way/image $last) - last - 1)) too many"

	start /full.$way/image
	wait $guest
	echo "$way: full: status $?"
	refused=$(said refused)
	echo "$way: full: $(said flushed | wc -l) flushed, refused the one after $refused," \
		"$(whole /full.$way/image $((refused - 1))) whole"
	cat /err
	sed "s/^/$way: /" /out
done
END
status "$BED" --share "$TMP/share" --add "$TMP/inside" -- sh /inside >"$TMP/out" 2>&1
cat "$TMP/out"
equal "the bed's status" 0 "$status"
for way in cached direct; do
	has "$way" "^$way: other: status 69: postern: .*another program uses it" "$TMP/out"
	has "$way" "^$way: killed: [1-9][0-9]+ flushed, 0 too many" "$TMP/out"
	has "$way" "^$way: full: status 0" "$TMP/out"
	has "$way" "^$way: full: ([1-9][0-9]*) flushed, refused the one after \1, \1 whole" "$TMP/out"
done
