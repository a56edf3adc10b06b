# SPDX-License-Identifier: BSD-2-Clause
#
# An NVMe disk comes and goes while a stock guest runs: 4 times, or HOTPLUG_ROUNDS times, with either backend, from
# within the sandbox; and once on a host with Landlock, which is Debian's. Each time the guest reads what is in the
# image, lets go of it when asked, and the disk is as it was before: nobody has its group or node open, guest RAM is not
# pinned, and the process has the descriptors that it had after the first round. (From then on there is KVM's VFIO
# device.) Then a paravirtual disk comes, whose file the machine itself cannot open, and where the host has taps an
# interface; they go.
. "$(dirname "$0")/../case.sh"

mkdir -p "$TMP/share"
cp "$BINARY" "$TMP/share/postern"
cp "$("$PREPARE/guest-kernel" 6.12-cloud)" "$TMP/share/kernel"
modules "$TMP/modules" 6.12-cloud virtio_blk virtio_net
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$bed_dir/guest-init" "$TMP/modules:/modules"
dd if=/dev/urandom of="$TMP/disk" bs=1M count=4 status=none
wanted=$(md5sum <"$TMP/disk" | cut -d' ' -f1)
yes something | head -c 1M >"$TMP/share/image"
rounds=${HOTPLUG_ROUNDS:-4}

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
postern=/share/postern
ctl() {
	$postern ctl /control "$@" 2>&1
}
# state ROUND: what the process holds
state() {
	echo "$iommu $1: fds $(ls /proc/$pid/fd | wc -l) locked" $(sed -n 's/^Vm\(Lck\|Pin\): *//p' /proc/$pid/status)
}
# hear PATTERN: till the guest has said so
hear() {
	until grep -q "^guest: $1" /out || ! kill -0 $pid; do usleep 300000; done
}
$postern bind $dev || exit
cp /share/image /image
nic=
[ ! -e /dev/net/tun ] || nic=eth0
rounds=$1
shift
for iommu; do
	$postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 512M --cpus 2 --iommu $iommu \
		--hotplug 3 --control /control --events /events --once --timeout 1400 \
		--append "console=$console quiet panic=-1 do=hotplug rounds=$rounds nic=$nic" >/out 2>/err </dev/null &
	pid=$!
	hear slots
	state 0
	round=0
	while [ $((round += 1)) -le $rounds ]; do
		echo "$iommu $round: add: $(ctl add vfio=$dev)"
		hear "$round "
		[ $round != 1 ] || state in
		echo "$iommu $round: remove: $(ctl remove 1 120)"
		state $round
		hear "gone $round"
	done
	hear others
	echo "$iommu: disk: $(ctl add disk=/image,ro)"
	[ -z "$nic" ] || echo "$iommu: net: $(ctl add net=tap=tap0,mac=02:00:00:00:00:07)"
	hear nic
	echo "$iommu: slots $(ctl status)"
	echo "$iommu: disk removed: $(ctl remove disk 120)"
	[ -z "$nic" ] || echo "$iommu: net removed: $(ctl remove net 120)"
	status=0
	wait $pid || status=$?
	echo "$iommu: status $status"
	tr -d '\r' </out | sed -n "s/^guest: /$iommu guest: /p"
	[ $status = 0 ] || tail -n 40 /out
	sed "s/^/$iommu err: /" /err
	sed "s/^/$iommu event: /" /events
	rm /events
	echo "$iommu: driver $(basename "$(readlink /sys/bus/pci/devices/$dev/driver)")"
done
$postern unbind $dev
until [ -b /dev/nvme0n1 ]; do usleep 100000; done
echo "host reads" $(dd if=/dev/nvme0n1 bs=1M count=4 2>/dev/null | md5sum)
END
# on HOST ROUNDS IOMMU...
on() {
	host=$1
	shift
	status "$BED" --host "$host" --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" --timeout 3000 -- \
		sh /inside "$@" >"$TMP/out"
	cat "$TMP/out"
	equal "the bed's status" 0 "$status"
	rounds=$1
	shift
	for iommu; do
		passed "$iommu"
	done
	has "the host" "^host reads $wanted" "$TMP/out"
}
passed() {
	has "$iommu" "^$iommu: status 0" "$TMP/out"
	has "$iommu" "^$iommu guest: slots 3" "$TMP/out"
	has "$iommu" "^$iommu guest: complaints 0" "$TMP/out"
	before=$(sed -n "s/^$iommu 1: fds //p" "$TMP/out")
	equal "$iommu: locked" "$(sed -n "s/^$iommu 0: .*locked //p" "$TMP/out")" "${before#*locked }"
	for round in $(seq "$rounds"); do
		has "$iommu $round" "^$iommu $round: add: {\"ok\": true, \"slot\": 1}" "$TMP/out"
		has "$iommu $round" "^$iommu guest: $round 0000:01:00.0 $wanted" "$TMP/out"
		has "$iommu $round" "^$iommu $round: remove: {\"ok\": true}" "$TMP/out"
		equal "$iommu $round" "$before" "$(sed -n "s/^$iommu $round: fds //p" "$TMP/out")"
	done
	# While it was there, it was not so.
	others=disk
	[ "$host" = debian ] || others="disk net"
	for device in $others; do
		has "$iommu" "^$iommu: $device: {\"ok\": true" "$TMP/out"
		has "$iommu" "^$iommu: $device removed: {\"ok\": true}" "$TMP/out"
	done
	has "$iommu" "^$iommu: slots {.*\"slots\": {\"1\": \"disk\", \"2\": (\"net\"|null), \"3\": null}" "$TMP/out"
	has "$iommu" "^$iommu guest: vda $(md5sum <"$TMP/share/image" | cut -d' ' -f1)" "$TMP/out"
	[ "$others" = disk ] || has "$iommu" "^$iommu guest: nic 02:00:00:00:00:07" "$TMP/out"
	! grep -qF "$iommu in: fds $before" "$TMP/out" || fail "$iommu: nothing was held"
	equal "$iommu: devices that came" "$rounds" "$(grep -c "^$iommu event: .*\"device\"" "$TMP/out")"
	equal "$iommu: and went" "$((rounds + $(echo "$others" | wc -w)))" \
		"$(grep -c "^$iommu event: .*\"removed\"" "$TMP/out")"
	has "$iommu" "^$iommu: driver vfio-pci" "$TMP/out"
}
on all "$rounds" legacy iommufd
! have_host debian || on debian 1 legacy
every_host
