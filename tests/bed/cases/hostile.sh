# SPDX-License-Identifier: BSD-2-Clause
#
# A guest that writes nonsense over everything of its assigned devices, seeded, for some seconds: the VMM neither ends
# nor hangs, the guest ends by itself with its status, and each device works for the next guest. Alone and two at a
# time, with either backend. SECONDS_EACH makes it longer, SEEDS names others.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
mkdir "$TMP/share"
cp "$("$PREPARE/guest-kernel" 6.12-cloud)" "$TMP/share/kernel"
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$bed_dir/guest-init"
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
truncate -s 128M "$TMP/disk"
wanted=$(head -c 64M "$TMP/disk" | md5sum | cut -d' ' -f1)
for seed in ${SEEDS:-1 2}; do
	echo "legacy $seed nvme"
	echo "legacy $seed edu"
	echo "iommufd $seed nvme"
	echo "iommufd $seed both"
done >"$TMP/rounds"

echo "seconds=${SECONDS_EACH:-5}" >"$TMP/inside"
cat >>"$TMP/inside" <<'END'
nvme=0000:01:00.0
edu=0000:02:00.0
postern bind $nvme || exit
postern bind $edu || exit
run() {
	status=0
	postern run --quiet --once "$@" >/out 2>/err </dev/null || status=$?
}
while read -r iommu seed which; do
	name="$iommu $seed $which"
	case $which in
	nvme) devices="--vfio $nvme" ;;
	edu) devices="--vfio $edu" ;;
	both) devices="--vfio $nvme --vfio $edu" ;;
	esac
	run --iommu $iommu --kernel /hostile --memory 64M $devices --append "seed=$seed seconds=$seconds" \
		--timeout $((seconds * 10 + 60))
	echo "$name: hostile status $status:" $(tr -d '\r' </out)
	sed "s/^/$name: /" /err
	run --iommu $iommu --kernel /edu --memory 64M --vfio $edu --timeout 60
	echo "$name: edu status $status:" $(tr -d '\r' </out | tail -n 1)
done </rounds
run --kernel /share/kernel --initrd /share/initrd.gz --memory 512M --cpus 2 --vfio $nvme --timeout 240 \
	--append "console=$console quiet panic=-1 do=read"
echo "nvme status $status"
tr -d '\r' </out | sed -n 's/^guest: /nvme /p'
# What the IOMMU reports is the guest's nonsense.
echo "complaints: $(complaints | grep -vcE 'fault|arm-smmu.*event')"
END
status "$BED" --nvme "$TMP/disk" --share "$TMP/share" --add "$BINARY:/bin/postern" --add "$TMP/guest/hostile" \
	--add "$TMP/guest/edu" --add "$TMP/rounds" --add "$TMP/inside" -- sh /inside >"$TMP/out" 2>"$TMP/err"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
while read -r name; do
	has "$name" "^$name: hostile status 0: .* [1-9][0-9]*00 pieces of nonsense" "$TMP/out"
	has "$name" "^$name: edu status 0: edu: well" "$TMP/out"
done <"$TMP/rounds"
has "nvme" "^nvme status 0" "$TMP/out"
has "nvme" "^nvme read $wanted" "$TMP/out"
has "host" "^complaints: 0" "$TMP/out"
