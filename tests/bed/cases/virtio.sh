# SPDX-License-Identifier: BSD-2-Clause
#
# Paravirtual devices in a stock guest: its console and a named port, entropy, a disk that is a block device of the
# host's (past the cache, two queues), one that is a file, and one that cannot be written. What is read has the image's
# checksum, and what is written and flushed is in the image afterwards. On a host kernel without io_uring, and on
# Debian's, which has it.
. "$(dirname "$0")/../case.sh"

mkdir -p "$TMP/share"
cp "$BINARY" "$TMP/share/postern"
cp "$("$PREPARE/guest-kernel" 6.12-cloud)" "$TMP/share/kernel"
modules "$TMP/modules" 6.12-cloud virtio_pci virtio_console virtio_blk virtio-rng
cat >"$TMP/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
for file in /modules/*; do
	insmod "$file"
done
say() {
	echo "guest: $*"
}
sum() {
	dd if="/dev/$1" bs=1M skip="$2" count="$3" iflag=direct 2>/dev/null | md5sum | cut -d' ' -f1
}
tries=0
until [ -b /dev/vdc ] || [ $((tries += 1)) -gt 600 ]; do usleep 100000; done
say console "$(cat /sys/class/tty/console/active)"
say entropy "$(cat /sys/class/misc/hw_random/rng_current)" "$(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c)"
for disk in vda vdb vdc; do
	say $disk "$(cat /sys/block/$disk/serial)" "$(cat /sys/block/$disk/size)" "ro=$(cat /sys/block/$disk/ro)" \
		"queues=$(ls /sys/block/$disk/mq | wc -l)" "$(cat /sys/block/$disk/queue/write_cache)"
done
dd if=/dev/urandom of=/data bs=1M count=8 2>/dev/null
for disk in vda vdb; do
	say $disk read "$(sum $disk 0 8)"
	dd if=/data of=/dev/$disk bs=1M seek=8 oflag=direct conv=fsync 2>/dev/null
	say $disk wrote "$(sum $disk 8 8)"
	blkdiscard -o 16777216 -l 4194304 /dev/$disk 2>/dev/null
	say $disk discarded $?
done
say vdc read "$(sum vdc 0 8)"
dd if=/data of=/dev/vdc bs=1M count=1 2>/dev/null
say vdc refused $?
say interrupts "$(grep -c 'PCI-MSIX.*virtio' /proc/interrupts)"
for port in /sys/class/virtio-ports/*; do
	[ "$(cat "$port/name")" != org.example.port ] || port_dev=/dev/${port##*/}
done
head -c 65536 /data >"$port_dev"
say port "$(head -c 65536 /data | md5sum | cut -d' ' -f1)"
say complaints "$(dmesg | grep -cE 'BUG:|WARNING:|I/O error|Call Trace')"
say done
poweroff -f
END
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$TMP/init" "$TMP/modules:/modules"

cat >"$TMP/inside" <<'END'
sum() {
	dd if="$1" bs=1M skip="$2" count=8 2>/dev/null | md5sum | cut -d' ' -f1
}
dd if=/dev/urandom of=/image bs=1M count=32 2>/dev/null
dd if=/dev/urandom of=/dev/nvme0n1 bs=1M count=32 2>/dev/null
sync
echo "host: vda had $(sum /dev/nvme0n1 0)"
echo "host: vdb had $(sum /image 0)"
cp /image /other
status=0
/share/postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 256M --cpus 2 --rng \
	--console stdio --console file=/port,name=org.example.port \
	--disk /dev/nvme0n1,direct,queues=2,serial=block --disk /image,serial=file --disk /other,ro,serial=ro \
	--append "console=hvc0 quiet panic=-1" --once --timeout 400 >/out 2>/err </dev/null || status=$?
echo "host: status $status"
cat /err
tr -d '\r' </out | sed -n '/^guest: /p'
[ $status = 0 ] || tail -n 30 /out
echo 3 >/proc/sys/vm/drop_caches
echo "host: vda has $(sum /dev/nvme0n1 8)"
echo "host: vdb has $(sum /image 8)"
echo "host: port $(md5sum </port | cut -d' ' -f1)"
END
value() {
	sed -n "s/^$1 //p" "$TMP/out" | head -n 1
}
for host in all debian; do
	have_host $host || continue
	status "$BED" --host $host --share "$TMP/share" --add "$TMP/inside" -- sh /inside >"$TMP/out" 2>"$TMP/err"
	cat "$TMP/out" "$TMP/err"
	equal "$host: the bed's status" 0 "$status"
	has "$host" "^host: status 0" "$TMP/out"
	has "$host" "^guest: console hvc0" "$TMP/out"
	has "$host" "^guest: entropy virtio_rng.0 64" "$TMP/out"
	has "$host" "^guest: vda block 131072 ro=0 queues=2 write back" "$TMP/out"
	has "$host" "^guest: vdb file 65536 ro=0 queues=1 write back" "$TMP/out"
	has "$host" "^guest: vdc ro 65536 ro=1 queues=1" "$TMP/out"
	for disk in vda vdb; do
		equal "$host: $disk read" "$(value "host: $disk had")" "$(value "guest: $disk read")"
		equal "$host: $disk written" "$(value "guest: $disk wrote")" "$(value "host: $disk has")"
		has "$host" "^guest: $disk discarded 0" "$TMP/out"
	done
	has "$host" "^guest: vdc refused 1" "$TMP/out"
	equal "$host: vdc read" "$(value "host: vdb had")" "$(value "guest: vdc read")"
	equal "$host: port" "$(value "guest: port")" "$(value "host: port")"
	has "$host" "^guest: complaints 0" "$TMP/out"
	has "$host" "^guest: done" "$TMP/out"
done
every_host
