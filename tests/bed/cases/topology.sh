# SPDX-License-Identifier: BSD-2-Clause
#
# Where devices sit, and how they are reset there, with either backend: the functions of one device stay together and
# are reset as the user says, by their bus where all of it is ours; devices that share an IOMMU group by their bridge
# are assigned one by one or all together, unless the host uses one of them; and 32 devices, virtual functions among
# them, find their places in one guest, say which, and share one DMA space.
. "$(dirname "$0")/../case.sh"
only x86 "behind a bridge to conventional PCI, Linux's driver of the SMMU takes one device"

guests "$TMP/guest"
# Bus 1: a device of three functions, of which the third has no reset of its own. Bus 2: one with virtual functions. Bus
# 4, behind a bridge: conventional devices. Buses 5 and 6: a device of eight functions each.
port() {
	echo "-device pcie-root-port,id=port$1,chassis=$1,addr=$2"
}
eight() {
	echo "-device $edu,bus=port$1,addr=0.0,multifunction=on"
	for f in 1 2 3 4 5 6 7; do echo "-device $edu,bus=port$1,addr=0.$f"; done
}
hardware() {
	port 1 0x10
	echo "-device e1000e,bus=port1,addr=0.0,multifunction=on"
	echo "-device e1000e,bus=port1,addr=0.1 -device $edu,bus=port1,addr=0.2"
	port 2 0x11
	echo "-device igb,bus=port2"
	port 3 0x12
	echo "-device pcie-pci-bridge,id=bridge,bus=port3 -device virtio-rng-pci,bus=bridge,addr=b"
	for n in 1 2 3 4 5 6 7 8 9 a; do echo "-device $edu,bus=bridge,addr=$n"; done
	port 4 0x13
	eight 4
	port 5 0x14
	eight 5
}

cat >"$TMP/inside" <<'END'
# run NAME OPTION...: a guest; what it and we say
run() {
	name=$1
	shift
	status=0
	postern run --memory 64M --kernel /functions --timeout 300 --trace sys "$@" >/out 2>/err </dev/null ||
		status=$?
	echo "$name: status $status"
	tr -d '\r' </out | sed "s/^/$name: guest: /"
	grep '^postern: ' /err | sed "s/^postern:/$name:/"
	grep -E '(RESET|MAP_DMA|IOAS_MAP|IOAS_ALLOC|SET_CONTAINER|DEVICE_FD|ATTACH_IOMMUFD_PT) ' /err |
		sed "s/.*sys: ioctl fd=[0-9]*/$name: call:/"
}
bind() {
	for dev in "$@"; do postern bind "$dev" 2>>/bound || echo "cannot bind $dev"; done
}
group() {
	echo "group:$(basename "$(readlink /sys/bus/pci/devices/0000:$1/iommu_group)")"
}
bind 01:00.0 01:00.1 01:00.2
all() {
	echo "--vfio 01:00.2,reset=$1 --vfio 01:00.0,reset=$1 --vfio 01:00.1,reset=$1"
}
run flr --iommu legacy $(all flr) --append reset
run none --iommu iommufd $(all none) --append reset
for iommu in legacy iommufd; do
	for how in auto bus; do
		run "$how $iommu" --iommu $iommu $(all $how) --append reset
	done
	# Where the rest of the group is ours, but not used.
	run "one $iommu" --iommu $iommu --vfio 01:00.0,reset=bus --append reset
done
postern unbind 01:00.2 2>/dev/null
for iommu in legacy iommufd; do
	run "driverless $iommu" --iommu $iommu --vfio 01:00.0,reset=bus --append reset
done
bind 01:00.2

bind 04:01.0
for iommu in legacy iommufd; do
	run "shared $iommu" --iommu $iommu --vfio 04:01.0
	run "shared group $iommu" --iommu $iommu --vfio $(group 04:01.0)
done
bind 04:0b.0
run "one of a group legacy" --iommu legacy --vfio 04:01.0

echo 2 >/sys/bus/pci/devices/0000:02:00.0/sriov_numvfs
bind 02:10.0 02:10.2 04:02.0 04:03.0 04:04.0 04:05.0 04:06.0 04:07.0 04:08.0 04:09.0 04:0a.0
for n in 0 1 2 3 4 5 6 7; do bind 05:00.$n 06:00.$n; done
for iommu in legacy iommufd; do
	run "many $iommu" --iommu $iommu --p2p off --vfio $(group 05:00.0),slot=5 \
		--vfio 06:00.0,slot=20 --vfio 06:00.1 --vfio 06:00.2,slot=3 --vfio 06:00.3 --vfio 06:00.4 \
		--vfio 06:00.5 --vfio 06:00.6 --vfio 06:00.7 \
		--vfio $(group 04:01.0) --vfio 02:10.0,reset=bus --vfio 02:10.2 --vfio $(group 01:00.0) --append reset
done
complaints | sed 's/^/complaint /'
END
status "$BED" --bare --timeout 400 --qemu "$(hardware | tr '\n' ' ')" --add "$BINARY:/bin/postern" \
	--add "$TMP/guest/functions" --add "$TMP/inside" -- sh /inside >"$TMP/out" 2>"$TMP/err"
cat "$TMP/out" "$TMP/err"
equal "the bed's status" 0 "$status"
! grep -q '^complaint' "$TMP/out" || fail "the host complains"

# calls NAME PATTERN: how many were made and went well
calls() {
	grep -cE "^$1: call: $2.*-> 0" "$TMP/out" || true
}
# Twice each: as the guest is reset, and as it ends.
together() {
	has "$1" "^$1: status 0" "$TMP/out"
	has "$1" "^$1: vfio 0000:01:00.2: 1234:11e8 at guest 00:01.2" "$TMP/out"
	has "$1" "^$1: guest: start 1" "$TMP/out"
	equal "$1: functions, in both lives" 6 "$(grep -c "^$1: guest: 1.[012] is .*, one of several" "$TMP/out")"
	equal "$1: the third function's work" 2 "$(grep -c "^$1: guest: 1.2 .* works" "$TMP/out")"
	equal "$1: resets of the bus" "$2" "$(calls "$1" 'VFIO_DEVICE_PCI_HOT_RESET')"
	equal "$1: resets of a function" "$3" "$(calls "$1" 'VFIO_DEVICE_RESET')"
}
found_new() {
	[ "$(sed -n "/^$1: guest: start 1/,\$p" "$TMP/out" | grep -c "^$1: guest: 1.[01] .*, new")" = "$2" ] ||
		fail "$1: after the reset the functions are not as new"
}
together flr 0 4
equal "warnings of the function without a reset" 2 \
	"$(grep -c '^flr: warning: vfio 0000:01:00.2: cannot reset it: it has no reset of its own' "$TMP/out")"
together none 0 0
found_new none 0
for iommu in legacy iommufd; do
	# Proven by the group's file, or by being of one iommufd.
	count=0
	[ $iommu = iommufd ] || count=1
	together "auto $iommu" 2 4
	together "bus $iommu" 2 0
	equal "$iommu: files given along" 4 \
		"$(calls "(auto|bus) $iommu" "VFIO_DEVICE_PCI_HOT_RESET count=0x$count ")"
	found_new "bus $iommu" 2
	has "$iommu" "^one $iommu: status 0" "$TMP/out"
	equal "$iommu: resets with a neighbour that is not used" 2 \
		"$(calls "one $iommu" VFIO_DEVICE_PCI_HOT_RESET)"
	found_new "one $iommu" 1
	has "$iommu" "^driverless $iommu: status 0" "$TMP/out"
	has "$iommu" "^driverless $iommu: warning: vfio 0000:01:00.0: cannot reset it: devices of others share" \
		"$TMP/out"
done

for iommu in legacy iommufd; do
	for name in "shared $iommu" "shared group $iommu"; do
		has "$name" "^$name: status 69" "$TMP/out"
		has "$name" "^$name: 0000:04:0[12].0: cannot be assigned: " "$TMP/out"
		has "$name" "^$name: hint: postern bind 0000:04:0" "$TMP/out"
	done
	has "$iommu" "^shared $iommu: .*0000:04:0b.0, in the same IOMMU group [0-9]*, is bound to the driver virtio-" \
		"$TMP/out"
done
has "one of a group" '^one of a group legacy: status 0' "$TMP/out"
has "one of a group" '^one of a group legacy: guest: 1.0 is 11e81234, works' "$TMP/out"

# The first free slots are for those without a wish, in the order given; groups are in order.
{
	for n in 0 1 2 3 4 5 6 7; do echo "05:00.$n 5.$n 11e81234"; done
	for n in 0 1 3 4 5 6 7; do echo "06:00.$n 20.$n 11e81234"; done
	echo "06:00.2 3.0 11e81234"
	slot=0
	for n in 1 2 3 4 5 6 7 8 9 a; do
		slot=$((slot + 1))
		while [ $slot = 3 ] || [ $slot = 5 ]; do slot=$((slot + 1)); done
		echo "04:0$n.0 $slot.0 11e81234"
	done
	echo "04:0b.0 13.0 10051af4"
	printf '%s 10ca8086\n' "02:10.0 14.0" "02:10.2 15.0"
	printf '%s\n' "01:00.0 16.0 10d38086" "01:00.1 16.1 10d38086" "01:00.2 16.2 11e81234"
} >"$TMP/places"
for iommu in legacy iommufd; do
	name="many $iommu"
	has "$name" "^$name: status 0" "$TMP/out"
	while read -r dev place id; do
		at=$(printf '00:%02x.%s' "${place%.*}" "${place#*.}")
		has "$name" "^$name: vfio 0000:$dev: ${id#????}:${id%????} at guest $at, " "$TMP/out"
		equal "$name: $dev in both lives" 2 "$(grep -c "^$name: guest: $place is $id" "$TMP/out")"
		[ "$id" != 11e81234 ] || equal "$name: $dev at work in both lives" 2 \
			"$(grep -c "^$name: guest: $place is .* works" "$TMP/out")"
	done <"$TMP/places"
	equal "$name: devices" 32 "$(grep -c "^$name: vfio 0000:.* at guest " "$TMP/out")"
	# Of the four buses that are ours; the virtual functions' is not.
	equal "$name: resets of buses" 8 "$(calls "$name" VFIO_DEVICE_PCI_HOT_RESET)"
	has "$name" "^$name: warning: vfio 0000:02:10.0: cannot reset it: devices of others share its bus" "$TMP/out"
done
equal "legacy: containers' groups" 6 "$(calls "many legacy" VFIO_GROUP_SET_CONTAINER)"
equal "legacy: mappings" 1 "$(calls "many legacy" VFIO_IOMMU_MAP_DMA)"
equal "iommufd: address spaces" 1 "$(calls "many iommufd" IOMMU_IOAS_ALLOC)"
equal "iommufd: devices in it" 32 "$(calls "many iommufd" VFIO_DEVICE_ATTACH_IOMMUFD_PT)"
equal "iommufd: mappings" 1 "$(calls "many iommufd" IOMMU_IOAS_MAP)"
