# SPDX-License-Identifier: BSD-2-Clause
#
# The kernel's sample mediated devices: to mtty, a serial port, a guest sends words, has an interrupt for each byte, and
# reads them back; it paints on mdpy and mbochs, two displays. Named by UUID or by folder, through the container, an
# iommufd in its place, and iommufd; on a host with an IOMMU, and on one without any.
. "$(dirname "$0")/../case.sh"
only x86 "the samples are built into its kernel alone"

guests "$TMP/guest"
cat >"$TMP/inside" <<'END'
uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
mdpy=83b8f4f2-509f-382f-3c1e-e6bfe0fa1002
mbochs=83b8f4f2-509f-382f-3c1e-e6bfe0fa1003
# try NAME GUEST OPTION...
try() {
	name=$1 guest=$2
	shift 2
	status=0
	postern run "$@" --memory 64M --kernel /$guest --once --timeout 120 >/out 2>&1 </dev/null || status=$?
	tr -d '\r' </out | sed "s/^/$name: /"
	echo "$name: status $status"
}
try absent mtty --vfio $uuid
echo $uuid >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create || exit
echo $mdpy >/sys/class/mdev_bus/mdpy/mdev_supported_types/mdpy-vga/create || exit
echo $mbochs >/sys/class/mdev_bus/mbochs/mdev_supported_types/mbochs-small/create || exit
postern devices
try container mtty --iommu legacy --vfio $uuid
try instead mtty --container /dev/iommu --vfio $uuid
try iommufd mtty --iommu iommufd --vfio /sys/bus/mdev/devices/$uuid/
try container-screens screens --iommu legacy --vfio $mdpy --vfio $mbochs
try instead-screens screens --container /dev/iommu --vfio $mdpy --vfio $mbochs
try iommufd-screens screens --iommu iommufd --vfio $mdpy --vfio $mbochs
END
for where in with-iommu without; do
	options=
	[ $where = with-iommu ] || options='--append intel_iommu=off'
	# shellcheck disable=SC2086  # two words, or none
	status "$BED" --host mdev --bare $options --add "$BINARY:/bin/postern" --add "$TMP/guest/mtty" \
		--add "$TMP/guest/screens" \
		--add "$TMP/inside" -- sh /inside >"$TMP/out"
	sed "s/^/$where: /" "$TMP/out"
	equal "the bed's status $where" 0 "$status"
	has "$where" '^absent: status 69' "$TMP/out"
	has "$where" '^83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 .*mediated device.*assignable' "$TMP/out"
	for name in container instead iommufd; do
		has "$where" "^$name: status 0" "$TMP/out"
		has "$where" "^$name: mtty: A mediated device says this." "$TMP/out"
		has "$where" "^$name-screens: status 0" "$TMP/out"
		has "$where" "^$name-screens: screens: 64 pages of each" "$TMP/out"
		has "$where" "^$name: mtty: 29 bytes, (29|[3-9][0-9]) interrupts" "$TMP/out"
	done
done
