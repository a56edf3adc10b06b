# SPDX-License-Identifier: BSD-2-Clause
#
# A host without an IOMMU. By default its disk is not assigned, and messages say why and what is missing. With
# --noiommu, through the device's node (iommufd) and through its group (legacy), a guest whose RAM is where it is in the
# host reads 64 MiB whose checksum is the image's and writes 64 MiB that the host then finds; RAM is above 4 GiB in one
# piece, and then in many. With --noiommu=device-only a guest uses a device that does no DMA: the host's memory where it
# was told to write is as it was.
#
# NOIOMMU_HOST=cdev, compat: another host's kernel, and the way that it has.
. "$(dirname "$0")/../case.sh"
only x86 "where RAM is and how much of it is free is told of its hosts; the case platform goes without an IOMMU, too"

guest_files
guests "$TMP/guest"
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
truncate -s 128M "$TMP/disk"
wanted=$(head -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)

cat >"$TMP/inside" <<'END2'
disk=0000:01:00.0
edu=0000:02:00.0
pool=/sys/kernel/mm/hugepages/hugepages-2048kB
postern=/share/postern
at=$((0x70000000))
# run WHAT OPTIONS...
run() {
	what=$1
	shift
	status=0
	$postern run --memory 192M --cpus 2 --once --timeout 240 "$@" >/out 2>/err </dev/null || status=$?
	echo "$what: status $status"
	sed "s/^/$what: /" /err
	tr -d '\r' </out | sed -n "s/^guest: /$what: /p; s/^nodma: /$what: /p"
	[ $status = 0 ] || tail -n 20 /out
}
linux() {
	what=$1
	shift
	run "$what" --kernel /share/kernel --initrd /share/initrd.gz --vfio $disk \
		--append "console=$console quiet panic=-1 do=write" "$@"
}
secrets() {
	dd if=/dev/mem bs=4096 skip=$((at / 4096)) count=1 2>/dev/null | md5sum
}
# found WHAT: what the host finds where the guest has written.
found() {
	$postern unbind $disk || exit
	until [ -b /dev/nvme0n1 ]; do usleep 100000; done
	echo "$1: host reads" $(dd if=/dev/nvme0n1 bs=1M count=64 2>/dev/null | md5sum)
	echo "$1: host finds" $(dd if=/dev/nvme0n1 bs=1M skip=64 count=64 2>/dev/null | md5sum)
}
# Every other one of the next 100 huge pages is somebody else's.
spread() {
	for i in $(seq 100); do
		fallocate -l 2097152 /dev/hugepages/$i
	done
	for i in $(seq 1 2 99); do
		rm /dev/hugepages/$i
	done
}

linux "by default"
status=0
$postern bind $disk 2>/err || status=$?
sed "s/^/bind: status $status: /" /err
echo Y >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode
$postern bind $disk $edu || exit
linux "without asking"
linux "too few" --noiommu
echo 170 >$pool/nr_hugepages
for iommu in $(cat /ways); do
	[ $iommu != legacy ] || spread
	linux $iommu --noiommu --iommu $iommu
	echo "$iommu: free $(cat $pool/free_hugepages)"
	found $iommu
	$postern bind $disk || exit
done
rm -f /dev/hugepages/*

dd if=/dev/urandom of=/dev/mem bs=4096 seek=$((at / 4096)) count=1 conv=notrunc 2>/dev/null
echo "secrets: $(secrets)"
for iommu in $(cat /ways); do
	run "$iommu device-only" --noiommu=device-only --iommu $iommu --kernel /nodma --vfio $edu \
		--append "outside=$at"
	echo "$iommu device-only: secrets $(secrets)"
done
$postern unbind $disk $edu || exit
END2
host=${NOIOMMU_HOST:-all}
case $host in
compat) ways=legacy ;;
cdev) ways=iommufd ;;
*) ways="iommufd legacy" ;;
esac
echo "$ways" >"$TMP/ways"
status "$BED" --host "$host" --iommu none --bare --nvme "$TMP/disk" --device edu,dma_mask=0xffffffffffffffff \
	--append 'memmap=1M$0x70000000' --share "$TMP/share" --add "$TMP/guest/nodma" --add "$TMP/inside" \
	--add "$TMP/ways" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
has "by default" "^by default: status 69" "$TMP/out"
has "bind" "^bind: status 69: .*vfio-pci does not take it: it has no IOMMU in front of it" "$TMP/out"
has "bind" "^bind: status 69: .*echo Y > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode" "$TMP/out"
has "without asking" "^without asking: status 69" "$TMP/out"
has "without asking" "^without asking: .*nothing would keep it out of the host's memory" "$TMP/out"
has "too few" "^too few: .* 96 huge pages of 2048 KiB are needed, the host has 0 free" "$TMP/out"
for iommu in $ways; do
	case $iommu in
	iommufd) where='.* from 0x1[0-9a-f]{8} on' free=170 ;;
	legacy) where='[1-6][0-9] pieces' free=120 ;;
	esac
	has "$iommu" "^$iommu: .*memory: 192 MiB in $where" "$TMP/out"
	has "$iommu: all pages are free again" "^$iommu: free $free" "$TMP/out"
	has "$iommu" "^$iommu: .*warning: noiommu: all of this host's memory is open to the guest" "$TMP/out"
	has "$iommu" "^$iommu: status 0" "$TMP/out"
	has "$iommu" "^$iommu: interrupts [1-9]" "$TMP/out"
	has "$iommu" "^$iommu: read $wanted" "$TMP/out"
	wrote=$(sed -n "s/^$iommu: wrote //p" "$TMP/out")
	has "$iommu" "^$iommu: host reads $wanted" "$TMP/out"
	has "$iommu" "^$iommu: host finds ${wrote:-nothing written}" "$TMP/out"
	has "$iommu device-only" "^$iommu device-only: status 0" "$TMP/out"
	has "$iommu device-only" "^$iommu device-only: 3 interrupts by pin" "$TMP/out"
	has "$iommu device-only" "^$iommu device-only: well" "$TMP/out"
	secrets=$(sed -n 's/^secrets: //p' "$TMP/out")
	has "$iommu device-only: the page" "^$iommu device-only: secrets $secrets" "$TMP/out"
done
equal "the image" "$wrote" "$(tail -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)"
