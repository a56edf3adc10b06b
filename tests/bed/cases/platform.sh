# SPDX-License-Identifier: BSD-2-Clause
#
# Devices that are on no bus which tells of them, handed to a guest from the host's device tree. First the host's clock,
# a PL031 (AMBA): the guest's driver finds in it the time that the host has set, which is long ago, and its alarm rings
# in the guest twice, so its level was acknowledged. It comes from the host's own node, and from an overlay's. Then a
# disk behind virtio-mmio (platform bus): registers of less than a page, an interrupt by edge, and DMA to guest RAM that
# is where it is in the host; the guest reads what is in the image. None of these has an IOMMU in front of it. At the
# end both are given back, and the host finds its clock going on.
. "$(dirname "$0")/../case.sh"
only arm64 "vfio-platform"

"$PREPARE/need" device-tree-compiler || skip "no dtc"
mkdir "$TMP/share"
cp "$BINARY" "$TMP/share/postern"
cp "$("$PREPARE/guest-kernel" 6.12-cloud)" "$TMP/share/kernel"
modules "$TMP/ko" 6.12-cloud virtio_mmio virtio_blk || skip "no modules"

cat >"$TMP/init" <<'END2'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
say() {
	echo "guest: $*"
}
# The machine has a clock of its own: which is ours?
clock() {
	for rtc in /sys/class/rtc/rtc*; do
		case $(readlink -f $rtc) in *c000000*) return ;; esac
	done
	rtc=
}
read_clock() {
	clock
	[ -n "$rtc" ] || { say no clock; dmesg | grep -iE 'rtc|pl031|amba' | sed 's/^/guest: /'; return; }
	say "time $(cat $rtc/since_epoch)"
	rings=0
	for i in 1 2; do
		echo +2 >$rtc/wakealarm
		# It is none any more when it has rung.
		for j in 1 2 3 4 5 6 7 8; do
			sleep 1
			[ -n "$(cat $rtc/wakealarm)" ] || { rings=$((rings + 1)); break; }
		done
	done
	say "rings $rings"
	sed -n 's/^ *[0-9]*: .* 144 Level .*rtc-pl031$/guest: &/p' /proc/interrupts
}
read_disk() {
	for ko in /ko/*; do insmod $ko; done
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -b /dev/vda ] || break
		sleep 1
	done
	say "read $(dd if=/dev/vda bs=64k count=64 2>/dev/null | md5sum | cut -d' ' -f1)"
	grep -E 'virtio' /proc/interrupts | sed 's/^/guest: /'
	say "edges $(sed -n 's/^ *[0-9]*: *\([0-9]*\) .* 144 Edge .*virtio0.*/\1/p' /proc/interrupts)"
}
eval "$(tr ' ' '\n' </proc/cmdline | sed -n 's/^do=//p')"
say "complaints $(dmesg | grep -cE 'BUG:|WARNING:|Call Trace')"
poweroff -f
END2
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$TMP/init" "$TMP/ko:/ko"

dtc -@ -q -I dts -O dtb -o "$TMP/share/overlay" - <<'END2'
/dts-v1/;
/plugin/;
&{/} {
	ours: theirs@0 {
		compatible = "arm,pl031", "arm,primecell";
		clocks = <&clk>;
		clock-names = "apb_pclk";
	};
};
END2

cat >"$TMP/inside" <<'END2'
postern=/share/postern
clock=9010000.pl031
# run WHAT DO OPTIONS...: the console is shown if it fails.
run() {
	what=$1 todo=$2
	shift 2
	status=0
	$postern run --memory 192M --once --timeout 600 --kernel /share/kernel --initrd /share/initrd.gz \
		--append "console=ttyAMA0 quiet panic=-1 do=$todo" "$@" >/out 2>/err </dev/null || status=$?
	echo "$what: status $status"
	sed "s/^/$what: /" /err
	tr -d '\r' </out | sed -n "s/^guest: /$what: /p"
	[ $status = 0 ] || tail -n 20 /out
}
cat /sys/class/rtc/rtc0/name
run "not bound" read_clock --noiommu=device-only --vfio-platform $clock
$postern bind $clock 2>&1 | sed 's/^/without: /'
echo Y >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode
$postern bind $clock || exit
$postern devices
devmem 0x9010008 32 1000000000
run "not asked" read_clock --vfio-platform $clock
for iommu in legacy iommufd; do
	run $iommu read_clock --noiommu=device-only --iommu $iommu --vfio-platform $clock
done
run overlay read_clock --noiommu=device-only --vfio-platform $clock,label=ours --dtb-overlay /share/overlay
run unlabelled read_clock --noiommu=device-only --vfio-platform $clock,label=ours
$postern check --noiommu=device-only --try $clock
# Of 32 places for devices, the one with a disk (device id 2) in it.
for disk in /sys/bus/platform/devices/*.virtio_mmio; do
	disk=$(basename $disk)
	at=0x${disk%%.*}
	[ $(($(devmem $((at + 8))))) != 2 ] || break
done
echo 120 >/proc/sys/vm/nr_hugepages
$postern bind $disk || exit
for iommu in legacy iommufd; do
	run "disk $iommu" read_disk --noiommu --iommu $iommu --vfio-platform $disk
done
$postern unbind $clock $disk || exit
echo "host: time $(cat /sys/class/rtc/rtc*/since_epoch)"
echo "host: driver $(basename $(readlink /sys/bus/amba/devices/$clock/driver))"
END2
dd if=/dev/urandom of="$TMP/disk" bs=1M count=4 status=none
status "$BED" --bare --share "$TMP/share" --add "$TMP/inside" --append vfio_platform.reset_required=0 \
	--qemu "-drive file=$TMP/disk,format=raw,if=none,id=flat,cache=unsafe -device virtio-blk-device,drive=flat" \
	--timeout 1800 -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
has "not bound" "^not bound: status 69" "$TMP/out"
has "not bound" "^not bound: .*9010000.pl031: cannot be assigned" "$TMP/out"
has "without" "^without: .*vfio-amba does not take it: it has no IOMMU in front of it" "$TMP/out"
has "devices" "^9010000.pl031 +arm,pl031 .*vfio-amba +noiommu mode" "$TMP/out"
has "not asked" "^not asked: status 69" "$TMP/out"
for way in legacy iommufd overlay; do
	has "$way" "^$way: status 0" "$TMP/out"
	has "$way" "^$way: time 1000000[0-9]{3}$" "$TMP/out"
	has "$way" "^$way: rings 2$" "$TMP/out"
	# More often than it rings: KVM of Linux 7.3 misses the end of one unless the guest left it in the middle of it.
	has "$way" "^$way: +[0-9]+: +([2-9]|[0-9]{2,}) .* 144 Level" "$TMP/out"
	has "$way" "^$way: complaints 0$" "$TMP/out"
	has "$way" "^$way: .*the kernel knows no way to reset it" "$TMP/out"
done
has "unlabelled" "^unlabelled: status 64" "$TMP/out"
has "unlabelled" "^unlabelled: .*no node in the device tree has the label 'ours'" "$TMP/out"
has "check" "^      interrupts: 1$" "$TMP/out"
has "check" "^      can be reset: no$" "$TMP/out"
for iommu in legacy iommufd; do
	has "disk $iommu" "^disk $iommu: status 0" "$TMP/out"
	has "disk $iommu" "^disk $iommu: read $(md5sum <"$TMP/disk" | cut -d' ' -f1)" "$TMP/out"
	has "disk $iommu" "^disk $iommu: edges [1-9]" "$TMP/out"
	has "disk $iommu" "^disk $iommu: complaints 0$" "$TMP/out"
done
has "host" "^host: time 1000000[0-9]{3}$" "$TMP/out"
has "host" "^host: driver rtc-pl031" "$TMP/out"
