# SPDX-License-Identifier: BSD-2-Clause
#
# Devices of other programs: folders of the host's by Debian's virtiofsd, one of them for reading only, and a disk of a
# qemu-storage-daemon's. A stock guest reads what the host has written and the other way round, before and after a
# reset; the disk's program is killed, which ends neither guest nor VMM; and with the VMM its daemons are gone.
. "$(dirname "$0")/../case.sh"

# programs PACKAGE PROGRAM...: of Debian 13's, into $root, with all libraries of theirs.
root=$TMP/share/root
programs() {
	tree=$("$PREPARE/tree" --arch "$ARCH" --suites trixie "$1") || skip "no package $1"
	shift
	for file in "$@" usr/lib64/ld-* usr/lib/ld-*; do
		(cd "$tree" && for file in $file; do
			[ ! -e "$file" ] || { mkdir -p "$root/${file%/*}" && cp -L "$file" "$root/${file%/*}"; }
		done)
	done
	lib=$(cd "$tree" && echo usr/lib/*-linux-gnu)
	mkdir -p "$root/$lib"
	for file in "$tree/$lib"/*.so*; do
		[ -d "$file" ] || cp -L "$file" "$root/$lib"
	done
}
have_host debian || every_host
programs virtiofsd usr/libexec/virtiofsd
programs qemu-utils usr/bin/qemu-storage-daemon

cp "$BINARY" "$TMP/share/postern"
cp "$("$PREPARE/guest-kernel" 6.12-cloud)" "$TMP/share/kernel"
modules "$TMP/modules" 6.12-cloud virtio_pci virtio_blk virtiofs
cat >"$TMP/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
for file in /modules/*; do
	[ ! -e "$file" ] || insmod "$file"
done
mkdir /files /ro
mount -t virtiofs files /files
mount -t virtiofs other /ro
boot=$(($(cat /files/boots 2>/dev/null || echo 0) + 1))
echo $boot >/files/boots
say() {
	echo "guest: $boot: $*"
}
sum() {
	md5sum | cut -d' ' -f1
}
say mounted "$(grep -c virtiofs /proc/mounts)"
say read "$(sum </files/from-host)"
say other "$(cat /ro/text)"
echo changed 2>/dev/null >/ro/text
say refused $? "$(cat /ro/text)"
dd if=/dev/urandom of=/files/from-guest.$boot bs=64k count=16 2>/dev/null
mkdir /files/folder.$boot && mv /files/from-guest.$boot /files/folder.$boot/file
say wrote "$(sum </files/folder.$boot/file)"
say disk "$(cat /sys/block/vda/size)" "queues=$(ls /sys/block/vda/mq | wc -l)" \
	"$(cat /sys/block/vda/queue/write_cache)"
dd if=/dev/urandom of=/data bs=64k count=16 2>/dev/null
say disk read "$(dd if=/dev/vda bs=64k count=16 iflag=direct 2>/dev/null | sum)"
dd if=/data of=/dev/vda bs=64k seek=$((16 * boot)) oflag=direct conv=fsync 2>/dev/null
say disk wrote "$(sum </data)"
say interrupts "$(grep -c 'PCI-MSIX.*virtio' /proc/interrupts)"
say complaints "$(dmesg | grep -cE 'BUG:|WARNING:|I/O error|Call Trace')"
sync
[ $boot = 2 ] || reboot -f
say kill
tries=0
until [ -e /files/killed ] || [ $((tries += 1)) -gt 600 ]; do usleep 100000; done
say done "$(cat /files/killed)"
poweroff -f
END
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$TMP/init" "$TMP/modules:/modules"

# virtiofsd makes its folder the root, which it cannot in the initial file system.
cat >"$TMP/outside" <<'END'
mkdir /new
mount -t tmpfs none /new
cp -a /bin /etc /share/root/. /new/
ln -s usr/lib /new/lib
ln -s usr/lib64 /new/lib64
cp /inside /new/
for dir in proc sys dev tmp run share; do
	mkdir /new/$dir
	mount -o rbind /$dir /new/$dir
done
exec chroot /new sh /inside
END
cat >"$TMP/inside" <<'END'
cd /
export PATH=$PATH:/usr/bin
mkdir -p /srv/files /srv/other
dd if=/dev/urandom of=/srv/files/from-host bs=64k count=16 2>/dev/null
dd if=/dev/urandom of=/image bs=64k count=64 2>/dev/null
echo words >/srv/other/text
sum() {
	md5sum | cut -d' ' -f1
}
run() {
	exec /share/postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 256M --cpus 2 --timeout 400 \
		--append "console=$console quiet panic=-1" --share /srv/files --share /srv/other/,tag=other,ro \
		--vhost-user blk,socket=/run/disk,queues=2
}
status=0
mv /usr/libexec/virtiofsd /usr/libexec/not
(run) </dev/null || status=$?
echo "host: without virtiofsd: $status"
mv /usr/libexec/not /usr/libexec/virtiofsd

qemu-storage-daemon --blockdev driver=file,node-name=file,filename=/image \
	--blockdev driver=raw,node-name=disk,file=file --export \
	type=vhost-user-blk,id=disk,addr.type=unix,addr.path=/run/disk,node-name=disk,writable=on,num-queues=2 &
daemon=$!
until [ -S /run/disk ]; do
	kill -0 $daemon || exit 1
	usleep 50000
done
echo "host: file $(sum </srv/files/from-host)"
echo "host: disk $(head -c 1048576 /image | sum)"
status=0
(run) >/out 2>/err </dev/null &
guest=$!
until grep -q 'guest: 2: kill' /out; do
	kill -0 $guest || break
	usleep 100000
done
echo "host: daemons $(pidof virtiofsd | wc -w)"
kill -9 $daemon
tries=0
until grep -q 'back end is lost' /err || [ $((tries += 1)) -gt 300 ]; do usleep 100000; done
echo yes >/srv/files/killed
wait $guest || status=$?
echo "host: status $status"
cat /err
tr -d '\r' </out | sed -n '/^guest: /p'
[ $status = 0 ] || tail -n 30 /out
for boot in 1 2; do
	echo "host: file $boot $(sum </srv/files/folder.$boot/file)"
	echo "host: disk $boot $(dd if=/image bs=64k skip=$((16 * boot)) count=16 2>/dev/null | sum)"
done
tries=0
while [ -n "$(pidof virtiofsd)" ] && [ $((tries += 1)) -lt 100 ]; do usleep 100000; done
echo "host: daemons then $(pidof virtiofsd | wc -w)"
echo "host: left in /tmp: $(ls /tmp | wc -l)"
END
value() {
	sed -n "s/^$1 //p" "$TMP/out" | head -n 1
}
status "$BED" --host debian --bare --share "$TMP/share" --add "$TMP/inside" --add "$TMP/outside" \
	-- sh /outside >"$TMP/out" 2>"$TMP/err"
cat "$TMP/out" "$TMP/err"
equal "the bed's status" 0 "$status"
has "missing" "cannot run virtiofsd: no such file" "$TMP/err"
has "missing" "^host: without virtiofsd: 69" "$TMP/out"
has "status" "^host: status 0" "$TMP/out"
for boot in 1 2; do
	has "boot $boot" "^guest: $boot: mounted 2" "$TMP/out"
	equal "file read" "$(value "host: file")" "$(value "guest: $boot: read")"
	has "boot $boot" "^guest: $boot: other words" "$TMP/out"
	has "boot $boot" "^guest: $boot: refused 1 words" "$TMP/out"
	equal "file written" "$(value "guest: $boot: wrote")" "$(value "host: file $boot")"
	has "boot $boot" "^guest: $boot: disk 8192 queues=2 write back" "$TMP/out"
	equal "disk read" "$(value "host: disk")" "$(value "guest: $boot: disk read")"
	equal "disk written" "$(value "guest: $boot: disk wrote")" "$(value "host: disk $boot")"
	has "boot $boot" "^guest: $boot: complaints 0" "$TMP/out"
done
has "killed" "blk,socket=/run/disk,queues=2: the back end is lost: " "$TMP/out"
has "done" "^guest: 2: done yes" "$TMP/out"
has "daemons" "^host: daemons [1-9]" "$TMP/out"
has "daemons" "^host: daemons then 0" "$TMP/out"
has "left" "^host: left in /tmp: 0" "$TMP/out"
every_host
