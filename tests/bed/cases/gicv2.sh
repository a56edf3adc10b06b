# SPDX-License-Identifier: BSD-2-Clause
#
# A host with a GICv2, which has no ITS: the guest has a GICv2, too, with a v2m frame for the MSIs of its assigned disk.
# Such a host does not isolate interrupts, so VFIO must be told that this is well.
. "$(dirname "$0")/../case.sh"
only arm64 "the GIC"

guest_files
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
truncate -s 128M "$TMP/disk"
wanted=$(head -c 64M "$TMP/disk" | md5sum)

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
/share/postern bind $dev || exit
# run NAME OPTION...
run() {
	name=$1
	shift
	status=0
	/share/postern run --quiet --kernel /share/kernel --initrd /share/initrd.gz --memory 512M --once --timeout 240 \
		"$@" >/out 2>/err </dev/null || status=$?
	echo "$name: status $status"
	tr -d '\r' </out | sed -n "s/^guest: /$name: /p"
	sed "s/^/$name: /" /err
	[ $status = 0 ] || cat /out
}
run facts --cpus 4 --append "console=$console quiet panic=-1 do=facts"
run "nine processors" --cpus 9 --append "console=$console quiet panic=-1 do=facts"
for iommu in legacy iommufd; do
	echo N >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
	echo N >/sys/module/iommufd/parameters/allow_unsafe_interrupts
	run "not isolated, $iommu" --iommu $iommu --vfio $dev --append "console=$console quiet panic=-1 do=read"
	echo Y >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
	echo Y >/sys/module/iommufd/parameters/allow_unsafe_interrupts
	run $iommu --iommu $iommu --vfio $dev --cpus 2 --append "console=$console quiet panic=-1 do=read"
done
END
status "$BED" --qemu "-machine gic-version=2" --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" -- \
	sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
has "the guest" '^facts: status 0$' "$TMP/out"
has "its processors" '^facts: cpus 4$' "$TMP/out"
has "its complaints" '^facts: complaints 0$' "$TMP/out"
has "more than a GICv2 has" '^nine processors: status 69$' "$TMP/out"
has "more than a GICv2 has" "^nine processors: .*this host's KVM has at most 8$" "$TMP/out"
for iommu in legacy iommufd; do
	has "$iommu, not isolated" "^not isolated, $iommu: status 77$" "$TMP/out"
	has "$iommu" "^$iommu: status 0$" "$TMP/out"
	has "$iommu: what was read" "^$iommu: read ${wanted%% *}$" "$TMP/out"
	has "$iommu: interrupts" "^$iommu: interrupts [1-9]" "$TMP/out"
done
