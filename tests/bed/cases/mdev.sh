# SPDX-License-Identifier: BSD-2-Clause
#
# The kernel's sample mediated device mtty, a serial port: a guest sends it words, has an interrupt for each byte, and
# reads them back; named by UUID or by its folder, through the container, an iommufd in its place, and iommufd; on a
# host with an IOMMU, and on one without any.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
cat >"$TMP/inside" <<'END'
uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
# try NAME OPTION...
try() {
	name=$1
	shift
	status=0
	postern run "$@" --memory 64M --kernel /mtty.elf --once --timeout 120 >/out 2>&1 </dev/null || status=$?
	tr -d '\r' </out | sed "s/^/$name: /"
	echo "$name: status $status"
}
try absent --vfio $uuid
echo $uuid >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create || exit
postern devices
try container --iommu legacy --vfio $uuid
try instead --container /dev/iommu --vfio $uuid
try iommufd --iommu iommufd --vfio /sys/bus/mdev/devices/$uuid/
END
for where in with-iommu without; do
	options=
	[ $where = with-iommu ] || options='--append intel_iommu=off'
	# shellcheck disable=SC2086  # two words, or none
	status "$BED" --host mdev --bare $options --add "$BINARY:/bin/postern" --add "$TMP/guest/mtty.elf" \
		--add "$TMP/inside" -- sh /inside >"$TMP/out"
	sed "s/^/$where: /" "$TMP/out"
	equal "the bed's status $where" 0 "$status"
	has "$where" '^absent: status 69' "$TMP/out"
	has "$where" '^83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 .*mediated device.*assignable' "$TMP/out"
	for name in container instead iommufd; do
		has "$where" "^$name: status 0" "$TMP/out"
		has "$where" "^$name: mtty: A mediated device says this." "$TMP/out"
		has "$where" "^$name: mtty: 29 bytes, (29|[3-9][0-9]) interrupts" "$TMP/out"
	done
done
