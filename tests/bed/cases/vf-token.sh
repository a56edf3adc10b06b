# SPDX-License-Identifier: BSD-2-Clause
#
# vfio-pci has a physical function that makes a virtual one. Who uses the first chooses a token; the second is assigned
# to who gives the same one, and to nobody else, in a machine of its own or with the first; by either backend.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
cat >"$TMP/inside" <<'END'
pf=0000:01:00.0
sys=/sys/bus/pci/devices/$pf
first=01234567-89ab-cdef-0f1e-2d3c4b5a6978
other=01234567-89ab-cdef-0f1e-2d3c4b5a6979
echo Y >/sys/module/vfio_pci/parameters/enable_sriov
postern bind $pf 0000:02:00.0 || exit
echo 1 >$sys/sriov_numvfs
vf=$(basename "$(readlink $sys/virtfn0)")
# run NAME OPTION...: a guest; what it and we say
run() {
	name="$iommu $1"
	shift
	status=0
	postern run --quiet --iommu $iommu --memory 64M --kernel /functions --timeout 300 "$@" \
		>/out 2>&1 </dev/null || status=$?
	echo "$name: status $status"
	tr -d '\r' </out | sed "s/^/$name: /"
}
for iommu in legacy iommufd; do
	run physical --vfio $pf,vf-token=$first
	run virtual --vfio $vf,vf-token=$first
	run lacking --vfio $vf
	run wrong --vfio $vf,vf-token=$other
	run both --vfio $pf,vf-token=$other --vfio $vf,vf-token=$other
	run useless --vfio 0000:02:00.0,vf-token=$first
done
END
status "$BED" --bare --device igb --device $edu --add "$BINARY:/bin/postern" --add "$TMP/guest/functions" \
	--add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
refused() {
	has "$1" "^$1: status $2" "$TMP/out"
	has "$1" "^$1: postern: $3" "$TMP/out"
}
for iommu in legacy iommufd; do
	for name in physical virtual both; do
		has "$iommu $name" "^$iommu $name: status 0" "$TMP/out"
	done
	has "$iommu physical" "^$iommu physical: 1.0 is 10c98086" "$TMP/out"
	has "$iommu virtual" "^$iommu virtual: 1.0 is 10ca8086" "$TMP/out"
	has "$iommu both" "^$iommu both: 2.0 is 10ca8086" "$TMP/out"
	refused "$iommu lacking" 77 'hint: --vfio 0000:01:10.0,vf-token=UUID'
	refused "$iommu wrong" 77 '.*the VF token is not that of its physical function'
	refused "$iommu useless" 64 '.*vf-token: it takes none'
done
