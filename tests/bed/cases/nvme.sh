# SPDX-License-Identifier: BSD-2-Clause
#
# An NVMe disk, assigned through either backend by a program that has only that one: the guest reads 64 MiB whose
# checksum is the image's and writes 64 MiB that are in the image afterwards; the disk goes back to the host's own
# driver and works. Three times in a row on the same host, or NVME_ROUNDS times.
. "$(dirname "$0")/../case.sh"

guest_files
single_backend_files
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
truncate -s 128M "$TMP/disk"
wanted=$(head -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)
rounds=$(seq "${NVME_ROUNDS:-3}")

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
driver() {
	basename "$(readlink /sys/bus/pci/devices/$dev/driver)"
}
for round; do
	for config in legacy iommufd; do
		postern=/share/$config
		$postern bind $dev || exit
		echo "$round $config: bound to $(driver)"
		status=0
		$postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 512M --cpus 2 --vfio $dev \
			--append "console=$console quiet panic=-1 do=write" --once --timeout 240 \
			>/out </dev/null || status=$?
		echo "$round $config: status $status"
		tr -d '\r' </out | sed -n "s/^guest: /$round $config: /p"
		[ $status = 0 ] || cat /out
		$postern unbind $dev || exit
		until [ -b /dev/nvme0n1 ]; do usleep 100000; done
		echo "$round $config: back to $(driver)"
		echo "$round $config: host reads" $(dd if=/dev/nvme0n1 bs=1M count=64 2>/dev/null | md5sum)
		echo "$round $config: host finds" $(dd if=/dev/nvme0n1 bs=1M skip=64 count=64 2>/dev/null | md5sum)
	done
done
END
# shellcheck disable=SC2086  # a list
status "$BED" --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" -- sh /inside $rounds >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
for round in $rounds; do
	for config in legacy iommufd; do
		has "$round $config" "^$round $config: bound to vfio-pci" "$TMP/out"
		has "$round $config" "^$round $config: status 0" "$TMP/out"
		has "$round $config" "^$round $config: disk QEMU NVMe Ctrl +bed0" "$TMP/out"
		has "$round $config" "^$round $config: interrupts [1-9]" "$TMP/out"
		has "$round $config" "^$round $config: read $wanted" "$TMP/out"
		has "$round $config" "^$round $config: back to nvme" "$TMP/out"
		has "$round $config" "^$round $config: host reads $wanted" "$TMP/out"
		wrote=$(sed -n "s/^$round $config: wrote //p" "$TMP/out")
		has "$round $config" "^$round $config: host finds ${wrote:-nothing written}" "$TMP/out"
	done
done
# What the last guest wrote is in the image outside.
equal "the image" "$wrote" "$(tail -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)"
