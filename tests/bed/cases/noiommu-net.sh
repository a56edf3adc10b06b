# SPDX-License-Identifier: BSD-2-Clause
#
# On a host without an IOMMU, whose RAM is all below 4 GiB, a guest with an NVMe disk and a network card, an e1000e, has
# a file from the host and sends it back, reads 64 MiB and writes 64 MiB: all of it what it should be, through device
# nodes and through groups.
. "$(dirname "$0")/../case.sh"
only x86 "where RAM is and how much of it is free is told of its hosts; the case platform goes without an IOMMU, too"

mkdir -p "$TMP/share"
cp "$BINARY" "$TMP/share/postern"
cp "$("$PREPARE/guest-kernel" 6.12-generic)" "$TMP/share/kernel"
modules "$TMP/modules" 6.12-generic nvme e1000e
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$bed_dir/guest-init" "$TMP/modules:/modules"
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
truncate -s 128M "$TMP/disk"
wanted=$(head -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)

cat >"$TMP/inside" <<'END2'
disk=0000:01:00.0
card=0000:02:00.0
mkdir /www
dd if=/dev/urandom of=/www/data bs=1M count=8 2>/dev/null
echo "file: $(md5sum </www/data | cut -d' ' -f1)"
httpd -p 80 -h /www
net=$(ls /sys/bus/virtio/drivers/virtio_net/virtio*/net)
ip addr add 10.0.1.1/24 dev $net
ip link set $net up
mkfifo /hold
/share/postern bind $disk $card || exit
for iommu in iommufd legacy; do
	: >/sent
	(nc -l -p 1000 <>/hold | md5sum | cut -d' ' -f1 >/sent) &
	status=0
	/share/postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 256M --cpus 2 --noiommu \
		--iommu $iommu --vfio $disk --vfio $card --append "console=$console quiet panic=-1 do=net" --once \
		--timeout 400 >/out 2>/err </dev/null || status=$?
	echo "$iommu: status $status"
	sed "s/^/$iommu: /" /err
	tr -d '\r' </out | sed -n "s/^guest: /$iommu: /p"
	[ $status = 0 ] || tail -n 30 /out
	tries=0
	until [ -s /sent ] || [ $((tries += 1)) -gt 30 ]; do usleep 200000; done
	echo "$iommu: host got $(cat /sent)"
done
/share/postern unbind $disk || exit
until [ -b /dev/nvme0n1 ]; do usleep 100000; done
echo "host finds" $(dd if=/dev/nvme0n1 bs=1M skip=64 count=64 2>/dev/null | md5sum)
END2
status "$BED" --iommu none --bare --nvme "$TMP/disk" --memory 2G --timeout 1200 --device e1000e,netdev=card \
	--qemu '-netdev hubport,hubid=1,id=card -netdev hubport,hubid=1,id=host
		-device virtio-net-pci,netdev=host,romfile=' \
	--append 'vfio.enable_unsafe_noiommu_mode=1 hugepages=160' --share "$TMP/share" --add "$TMP/inside" -- \
	sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
file=$(sed -n 's/^file: //p' "$TMP/out")
for iommu in iommufd legacy; do
	has "$iommu" "^$iommu: status 0" "$TMP/out"
	has "$iommu" "^$iommu: .*memory: 256 MiB in .* from 0x[0-9a-f]{1,8} on" "$TMP/out"
	has "$iommu" "^$iommu: fetched ${file:-nothing}" "$TMP/out"
	has "$iommu" "^$iommu: host got ${file:-nothing}" "$TMP/out"
	has "$iommu" "^$iommu: .* [1-9][0-9]* interrupts" "$TMP/out"
	has "$iommu" "^$iommu: read $wanted" "$TMP/out"
done
wrote=$(sed -n 's/^legacy: wrote //p' "$TMP/out")
has "the host" "^host finds ${wrote:-nothing written}" "$TMP/out"
equal "the image" "$wrote" "$(tail -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)"
