# SPDX-License-Identifier: BSD-2-Clause
#
# While a guest reads 64 MiB from its assigned disk nothing of it leaves for user space, by KVM's own counters; and
# guest RAM is mapped with one call per region, from hugetlb pages and with iommufd by file.
. "$(dirname "$0")/../case.sh"

guest_files
truncate -s 128M "$TMP/disk"

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
/share/postern bind $dev || exit
# run NAME OPTION...: a guest in the background, its console in /out.NAME
run() {
	name=$1
	shift
	/share/postern run --kernel /share/kernel --initrd /share/initrd.gz --vfio $dev --once --timeout 240 "$@" \
		>/out.$name 2>/err.$name </dev/null
	echo "$name: status $?"
}
# value NAME...: the sum of KVM's counters of these names, of which an architecture has one or none.
value() {
	for name; do cat /sys/kernel/debug/kvm/*-*/$name; done 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'
}
# count: the exits of all guests to user space so far, and the disk's interrupts
count() {
	echo $(value mmio_exits mmio_exit_user) $(value io_exits) \
		$(awk '/vfio-msix/ { n += $2 + $3 } END { print n + 0 }' /proc/interrupts)
}
run quiet --memory 512M --cpus 2 --append "console=$console quiet do=quiet" &
until grep -q '^guest: quiet' /out.quiet; do usleep 100000; done
sleep 1
before=$(count)
latest=$before
# The last count that is surely before the guest speaks again.
while ! grep -q '^guest: loud' /out.quiet; do
	settled=$latest
	latest=$(count)
	sleep 1
done
wait
echo "before: mmio, port I/O, interrupts: $before"
echo "after: mmio, port I/O, interrupts: $settled"

run legacy --iommu legacy --memory 4G --trace sys --append "console=$console quiet do=read"
run iommufd --iommu iommufd --memory 4G --trace sys --append "console=$console quiet do=read"
echo 320 >/proc/sys/vm/nr_hugepages
run huge --iommu iommufd --hugepages --memory 512M --trace sys --append "console=$console quiet do=read"
for name in legacy iommufd huge; do
	grep -E '(VFIO_IOMMU|IOMMU_IOAS)_(MAP|UNMAP)[A-Z_]* ' /err.$name | sed "s/.*ioctl/$name: map: ioctl/"
	tr -d '\r' </out.$name | sed -n "s/^guest: /$name: /p"
done
END
status "$BED" --memory 8G --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
has "quiet" '^quiet: status 0' "$TMP/out"
# shellcheck disable=SC2046
set -- $(sed -n 's/^before: .*: //p; s/^after: .*: //p' "$TMP/out")
[ $# = 6 ] || fail "no counts"
equal "exits for memory-mapped I/O" "$1" "$4"
equal "exits for port I/O" "$2" "$5"
[ "$6" -gt "$3" ] || fail "the disk has not interrupted"
for name in legacy iommufd huge; do
	has "$name" "^$name: status 0" "$TMP/out"
	has "$name" "^$name: read [0-9a-f]" "$TMP/out"
done
maps() {
	grep -cE "^$1: map: .*$2 .*-> 0" "$TMP/out" || true
}
# A PC's RAM has a hole below 4 GiB.
regions=$(by_arch 2 1)
equal "legacy map calls" "$regions" "$(maps legacy VFIO_IOMMU_MAP_DMA)"
equal "iommufd map calls" "$regions" "$(maps iommufd IOMMU_IOAS_MAP)"
equal "hugetlb map calls by file for one region" 1 "$(maps huge IOMMU_IOAS_MAP_FILE)"
equal "hugetlb map calls by address" 0 "$(maps huge IOMMU_IOAS_MAP)"
