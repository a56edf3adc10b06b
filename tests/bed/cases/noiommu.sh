# SPDX-License-Identifier: BSD-2-Clause
#
# A host without an IOMMU. By default its disk is not assigned, and a message says why. With --noiommu, through the
# device's node (iommufd) and through its group (legacy), a guest whose RAM is where it is in the host reads 64 MiB
# whose checksum is the image's and writes 64 MiB that are in the image afterwards; RAM is above 4 GiB at first, then
# below as well, then in many pieces. With --noiommu=device-only the guest finds the disk, and no DMA happens.
. "$(dirname "$0")/../case.sh"

guest_files
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
truncate -s 128M "$TMP/disk"
wanted=$(head -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)

cat >"$TMP/inside" <<'END2'
dev=0000:01:00.0
pool=/sys/kernel/mm/hugepages/hugepages-2048kB
postern=/share/postern
run() {
	what=$1
	shift
	status=0
	$postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 192M --cpus 2 --vfio $dev \
		--append "console=ttyS0 quiet panic=-1 do=write" --once --timeout 240 "$@" >/out 2>/err </dev/null ||
		status=$?
	echo "$what: status $status"
	sed "s/^/$what: /" /err
	tr -d '\r' </out | sed -n "s/^guest: /$what: /p"
	[ $status = 0 ] || [ ! -s /out ] || cat /out
}
echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode
$postern bind $dev || exit
run default
run "few pages" --noiommu
echo 110 >$pool/nr_hugepages
for iommu in iommufd legacy; do
	run "$iommu" --noiommu --iommu $iommu
	echo "$iommu: free $(cat $pool/free_hugepages) of $(cat $pool/nr_hugepages)"
done
$postern unbind $dev || exit
until [ -b /dev/nvme0n1 ]; do usleep 100000; done
echo "host reads" $(dd if=/dev/nvme0n1 bs=1M count=64 2>/dev/null | md5sum)
echo "host finds" $(dd if=/dev/nvme0n1 bs=1M skip=64 count=64 2>/dev/null | md5sum)
END2
status "$BED" --iommu none --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
