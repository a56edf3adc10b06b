# SPDX-License-Identifier: BSD-2-Clause
#
# A guest tells its assigned edu device to DMA outside of guest RAM, where the host has a page of secrets at the same
# address: nothing is read, nothing is written, the IOMMU reports each try; and DMA of the guest's own RAM works, before
# and after. With either backend.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
# Host RAM that the host's kernel leaves alone; the emulated machine's is a file, in which it is at the offset.
at=$(by_arch 0x70000000 0xd0000000)
offset=$((at - $(by_arch 0 0x40000000)))
page() {
	dd "$@" bs=4096 count=1 status=none
}
# The word that the guest looks for (SECRET in edu.c), 512 times.
yes "$(printf '\302\136\347\302\136\347\302\136')" | tr -d '\n' | head -c 4096 >"$TMP/secrets"
truncate -s 3G "$TMP/ram"
page if="$TMP/secrets" of="$TMP/ram" seek=$((offset / 4096)) conv=notrunc
cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
postern bind $dev || exit
for iommu in legacy iommufd; do
	dmesg -c >/dev/null
	status=0
	postern run --quiet --iommu $iommu --memory 64M --kernel /edu --vfio $dev --once --timeout 60 \
		--append "outside=$1" >/out 2>&1 </dev/null || status=$?
	tr -d '\r' </out | sed "s/^/$iommu: /"
	echo "$iommu: status $status"
	complaints | sed "s/^/$iommu: /"
done
END
status "$BED" --bare --device $edu --append "$(by_arch 'memmap=1M$0x70000000' mem=2G)" --memory 3G \
	--qemu "-object memory-backend-file,id=ram,size=3G,mem-path=$TMP/ram,share=on -machine memory-backend=ram" \
	--add "$BINARY:/bin/postern" --add "$TMP/guest/edu" --add "$TMP/inside" -- sh /inside $((at)) \
	>"$TMP/out" 2>"$TMP/err"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
page if="$TMP/ram" skip=$((offset / 4096)) | cmp - "$TMP/secrets" || fail "the secrets are not what they were"
# The IOMMU records few faults at a time, so which of the tries are in the log is a matter of luck.
reads=$(by_arch '.*DMA Read.*01:00.0.*fault addr 0x' '.*F_TRANSLATION client: 0000:01:00.0 .*iova: 0xd0000')
writes=$(by_arch '.*DMA Write.*01:00.0.*fault addr 0x' "$reads")
for iommu in legacy iommufd; do
	has "$iommu" "^$iommu: status 0" "$TMP/out"
	has "$iommu" "^$iommu: edu: copied a page of RAM" "$TMP/out"
	has "$iommu" "^$iommu: read at $at: got " "$TMP/out"
	has "$iommu" "^$iommu: write at $at: done" "$TMP/out"
	has "$iommu" "^$iommu: edu: well" "$TMP/out"
	has "$iommu" "^$iommu: $reads" "$TMP/out"
	has "$iommu" "^$iommu: $writes" "$TMP/out"
done
