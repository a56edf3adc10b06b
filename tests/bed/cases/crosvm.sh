# SPDX-License-Identifier: BSD-2-Clause
#
# The program that is configured for crosvm's memory map: RAM begins at 2 GiB and the console is a 16550. A stock kernel
# finds what was asked for, an assigned disk is read by either backend, and the guest powers off with status 0.
. "$(dirname "$0")/../case.sh"
only arm64 "the choice of memory map"

config=$O/configs/crosvm
mkdir -p "$config"
(cat "$bed_dir/../../configs/full_defconfig" && echo CONFIG_MAP_CROSVM=y) >"$config/.config"
make -s -C "$bed_dir/../.." ARCH=arm64 O="$config" all || fail "it does not build"
BINARY=$config/postern
guest_files
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
truncate -s 128M "$TMP/disk"
wanted=$(head -c 64M "$TMP/disk" | md5sum)

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
/share/postern bind $dev || exit
# run NAME DO OPTION...
run() {
	name=$1 do=$2
	shift 2
	status=0
	/share/postern run --quiet --kernel /share/kernel --initrd /share/initrd.gz --once --timeout 240 \
		--append "console=ttyS0 quiet panic=-1 do=$do" "$@" >/out 2>/err </dev/null || status=$?
	echo "$name: status $status"
	tr -d '\r' </out | sed -n "s/^guest: /$name: /p"
	sed "s/^/$name: /" /err
	[ $status = 0 ] || cat /out
}
run facts facts --cpus 4 --memory 512M
for iommu in legacy iommufd; do
	run $iommu read --iommu $iommu --vfio $dev --cpus 2 --memory 512M
done
END
status "$BED" --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
has "the guest" '^facts: status 0$' "$TMP/out"
has "its processors" '^facts: cpus 4$' "$TMP/out"
has "its RAM" "^facts: ram $((512 << 20))$" "$TMP/out"
has "its complaints" '^facts: complaints 0$' "$TMP/out"
for iommu in legacy iommufd; do
	has "$iommu" "^$iommu: status 0$" "$TMP/out"
	has "$iommu: what was read" "^$iommu: read ${wanted%% *}$" "$TMP/out"
	has "$iommu: interrupts" "^$iommu: interrupts [1-9]" "$TMP/out"
done
