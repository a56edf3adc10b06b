# SPDX-License-Identifier: BSD-2-Clause
#
# A host that cannot remap interrupts: an assignment is refused, with the parameter of the module that refuses, by the
# container, by an iommufd in its place, and by iommufd itself; each is allowed by its own parameter and not by the
# other, and then works.
. "$(dirname "$0")/../case.sh"
only x86 "elsewhere the interrupt controller isolates"

guests "$TMP/guest"
cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
type1=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
iommufd=/sys/module/iommufd/parameters/allow_unsafe_interrupts
postern bind $dev || exit
# try NAME OPTION...
try() {
	name=$1
	shift
	status=0
	postern run "$@" --quiet --memory 64M --kernel /edu --vfio $dev --once --timeout 60 \
		>/out 2>&1 </dev/null || status=$?
	tr -d '\r' </out | sed "s/^/$name: /"
	echo "$name: status $status"
}
all() {
	try "$1 container" --iommu legacy
	try "$1 instead" --container /dev/iommu
	try "$1 iommufd" --iommu iommufd
}
all neither
echo Y >$type1
all type1
echo N >$type1
echo Y >$iommufd
all iommufd
END
status "$BED" --bare --device edu,dma_mask=0xffffffffffffffff --append intremap=off \
	--add "$BINARY:/bin/postern" --add "$TMP/guest/edu" --add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
refused() {
	has "$1" "^$1: status 77" "$TMP/out"
	has "$1" "^$1: postern: 0000:01:00.0: .*cannot isolate its interrupts" "$TMP/out"
	has "$1" "^$1: postern: hint: .*/sys/module/$2/parameters/allow_unsafe_interrupts" "$TMP/out"
}
allowed() {
	has "$1" "^$1: edu: well" "$TMP/out"
	has "$1" "^$1: status 0" "$TMP/out"
}
for name in neither iommufd; do
	refused "$name container" vfio_iommu_type1
done
for name in neither type1; do
	refused "$name instead" iommufd
	refused "$name iommufd" iommufd
done
allowed "type1 container"
allowed "iommufd instead"
allowed "iommufd iommufd"
