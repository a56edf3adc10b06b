# SPDX-License-Identifier: BSD-2-Clause
#
# kill -9 of the VMM while its guest is busy with the disk: the host stays healthy, the next run works, and so does
# the host's own driver. With either backend.
. "$(dirname "$0")/../case.sh"

guest_files
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
truncate -s 128M "$TMP/disk"
wanted=$(head -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
/share/postern bind $dev || exit
run() {
	exec /share/postern run --iommu $iommu --kernel /share/kernel --initrd /share/initrd.gz --memory 512M --cpus 2 \
		--vfio $dev --once --timeout 240 --append "console=$console quiet panic=-1 do=$1"
}
for iommu in legacy iommufd; do
	: >/out
	(run endless) >/out </dev/null &
	until grep -q '^guest: busy' /out; do usleep 100000; done
	sleep 2
	kill -9 $!
	wait $!
	echo "$iommu: killed, status $?"
	status=0
	(run read) >/out </dev/null || status=$?
	echo "$iommu: next run, status $status"
	tr -d '\r' </out | sed -n "s/^guest: /$iommu: /p"
done
/share/postern unbind $dev || exit
until [ -b /dev/nvme0n1 ]; do usleep 100000; done
echo "host reads" $(dd if=/dev/nvme0n1 bs=1M count=64 2>/dev/null | md5sum)
complaints
echo "complaints:" $(complaints | wc -l)
END
status "$BED" --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
for iommu in legacy iommufd; do
	has "$iommu" "^$iommu: killed, status 137" "$TMP/out"
	has "$iommu" "^$iommu: next run, status 0" "$TMP/out"
	has "$iommu" "^$iommu: read $wanted" "$TMP/out"
done
has "host" "^host reads $wanted" "$TMP/out"
has "host" "^complaints: 0" "$TMP/out"
