# SPDX-License-Identifier: BSD-2-Clause
#
# fio at a guest's disk, for LONG_SECONDS (600): four jobs write at random, flush now and then, and read back what they
# wrote. Then it writes one slice of the disk after the other, each flushed in the end, until the VMM is killed amid
# that: a second guest has fio look at each slice that was said to be flushed. The disk is a block device of the host,
# past its cache, by io_uring.
. "$(dirname "$0")/../case.sh"

LONG_SECONDS=${LONG_SECONDS:-600}
only x86 "a guest's programs are packed on a machine of their kind"
[ "$machine" = x86 ] || skip "only on x86: a guest's programs are packed on a machine of their kind"
have_host debian || every_host
tree=$("$PREPARE/tree" fio) || skip "no fio"
"$PREPARE/need" e2fsprogs || skip "no e2fsprogs"
mkdir -p "$TMP/share"
"$PREPARE/pack" "$tree" "$tree/usr/bin/fio" "$TMP/tools"
# fio comes with the libraries of all that it can read from: a disk, of which the guest reads what it needs.
truncate -s 256M "$TMP/tools.img"
mke2fs -q -t ext4 -d "$TMP/tools" "$TMP/tools.img"
cp "$BINARY" "$TMP/share/postern"
cp "$("$PREPARE/guest-kernel" 6.12-cloud)" "$TMP/share/kernel"
modules "$TMP/modules" 6.12-cloud virtio_blk
cat >"$TMP/init" <<'END_OF_INIT'
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
word() {
	tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"
}
fio() {
	/mnt/run --filename=/dev/vda --rw=randwrite --bs=4k --direct=1 --ioengine=libaio --iodepth=8 --verify=crc32c \
		--verify_fatal=1 --group_reporting --thread "$@" >/log 2>&1 || {
		sed 's/^/guest: /' /log
		say "fio: status $?"
		poweroff -f
	}
}
# slice N OPTION...: four jobs' MiB each of 4 MiB behind the first half.
slice() {
	n=$1
	shift
	fio --name=slice --numjobs=4 --offset=$((256 + n * 4))M --offset_increment=1M --size=1M --end_fsync=1 \
		--randseed=$((n + 1)) "$@"
}
until [ -b /dev/vdb ]; do usleep 100000; done
mount -r -t ext4 /dev/vdb /mnt
case $(word do) in
write)
	say "starts"
	# Each has 16 MiB, which it writes and then reads back, again and again.
	fio --name=verify --numjobs=4 --offset_increment=64M --size=16M --fdatasync=64 --time_based \
		--runtime="$(word seconds)"
	grep -E 'err=|read:|write:' /log | sed 's/^ */guest: /'
	say "verified"
	for n in $(seq 0 63); do
		slice $n --do_verify=0
		say "flushed $n"
	done ;;
verify)
	for n in $(seq 0 "$(word last)"); do
		slice $n --verify_only
		say "whole $n"
	done ;;
esac
say complaints "$(dmesg | grep -cE 'BUG:|WARNING:|I/O error|Call Trace|blocked for more')"
say done
poweroff -f
END_OF_INIT
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$TMP/init" "$TMP/modules:/modules"

cat >"$TMP/inside" <<END_OF_INSIDE
run() {
	exec /share/postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 256M --cpus 2 --once \\
		--disk /dev/nvme0n1,direct,queues=2 --disk /dev/nvme1n1,ro --timeout $((LONG_SECONDS + 1800)) \\
		--append "console=\$console quiet panic=-1 \$*"
}
last() {
	tr -d '\\r' </out | sed -n 's/^guest: flushed //p' | tail -n 1
}
(run do=write seconds=$LONG_SECONDS) >/out 2>&1 </dev/null &
guest=\$!
until [ "\$(last)" ] && [ "\$(last)" -ge 5 ]; do
	kill -0 \$guest || break
	usleep 100000
done
usleep 700000
kill -9 \$guest
wait \$guest
echo "host: writer: status \$?"
tr -d '\\r' </out
last=\$(last)
echo "host: flushed \$last"
(run do=verify last=\${last:-0}) 2>&1 </dev/null | tr -d '\\r' | sed 's/^guest: /guest: again: /'
END_OF_INSIDE
truncate -s 512M "$TMP/disk"
status "$BED" --host debian --nvme "$TMP/disk" --nvme "$TMP/tools.img" --share "$TMP/share" --add "$TMP/inside" \
	--timeout $((LONG_SECONDS + 3600)) -- sh /inside >"$TMP/out" 2>&1
cat "$TMP/out"
equal "the bed's status" 0 "$status"
has "written" "^guest: write: IOPS" "$TMP/out"
has "read back" "^guest: read: IOPS" "$TMP/out"
has "the end of that" "^guest: verified" "$TMP/out"
has "fio's errors" "^guest: verify: .*err= 0:" "$TMP/out"
has "killed meanwhile" "^host: writer: status 137" "$TMP/out"
last=$(sed -n 's/^host: flushed //p' "$TMP/out")
has "all that was flushed" "^guest: again: whole $last" "$TMP/out"
has "the second guest's end" "^guest: again: done" "$TMP/out"
has "its complaints" "^guest: again: complaints 0" "$TMP/out"
{
	sed -n 's/^guest: \(read\|write\): */\1 /p' "$TMP/out"
	echo "killed behind slice $last, all $((last + 1)) of which are whole"
} | figures
