# SPDX-License-Identifier: BSD-2-Clause
#
# A guest tells its assigned edu device to DMA outside of guest RAM, where the host has a page of secrets at the same
# address: nothing is read, nothing is written, the IOMMU reports each try; and DMA of the guest's own RAM works, before
# and after. With either backend.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
# Host RAM that the host's kernel leaves alone.
cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
at=$((0x70000000))
page() {
	dd "$@" bs=4096 count=1 2>/dev/null
}
printf '\302\056\354\165\302\056\354\165' >/word
i=0
while [ $i -lt 512 ]; do
	cat /word
	i=$((i + 1))
done >/secrets
page if=/secrets of=/dev/mem seek=$((at / 4096)) conv=notrunc
echo "secrets: $(md5sum </secrets)"
echo "before: $(page if=/dev/mem skip=$((at / 4096)) | md5sum)"
postern bind $dev || exit
for iommu in legacy iommufd; do
	dmesg -c >/dev/null
	status=0
	postern run --quiet --iommu $iommu --memory 64M --kernel /edu --vfio $dev --once --timeout 60 \
		--append "outside=$at" >/out 2>&1 </dev/null || status=$?
	tr -d '\r' </out | sed "s/^/$iommu: /"
	echo "$iommu: status $status"
	echo "$iommu: page $(page if=/dev/mem skip=$((at / 4096)) | md5sum)"
	dmesg | grep 'DMAR:.*fault addr' | sed "s/^/$iommu: /"
done
END
status "$BED" --bare --device edu,dma_mask=0xffffffffffffffff --append 'memmap=1M$0x70000000' \
	--add "$BINARY:/bin/postern" --add "$TMP/guest/edu" --add "$TMP/inside" -- sh /inside \
	>"$TMP/out" 2>"$TMP/err"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
secrets=$(sed -n 's/^secrets: //p' "$TMP/out")
has "the secrets are there" "^before: $secrets" "$TMP/out"
for iommu in legacy iommufd; do
	has "$iommu" "^$iommu: status 0" "$TMP/out"
	has "$iommu" "^$iommu: edu: copied a page of RAM" "$TMP/out"
	has "$iommu" "^$iommu: read at 0x70000000: got " "$TMP/out"
	has "$iommu" "^$iommu: write at 0x70000000: done" "$TMP/out"
	has "$iommu" "^$iommu: edu: well" "$TMP/out"
	has "$iommu: the page is as it was" "^$iommu: page $secrets" "$TMP/out"
	# The IOMMU records few faults at a time, so which of the tries are in the log is a matter of luck.
	has "$iommu" "^$iommu: .*DMA Read.*01:00.0.*fault addr 0x" "$TMP/out"
	has "$iommu" "^$iommu: .*DMA Write.*01:00.0.*fault addr 0x" "$TMP/out"
done
