# SPDX-License-Identifier: BSD-2-Clause
#
# A guest that resets its machine finds its assigned disk as new, three times over, with either backend; then SIGTERM
# presses a power button that nobody listens to, and a second one stops the guest.
. "$(dirname "$0")/../case.sh"

guest_files
dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
wanted=$(md5sum <"$TMP/disk" | cut -d' ' -f1)

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
/share/postern bind $dev || exit
# once BACKEND: one guest, until it has read its disk three times.
once() {
	: >/out
	/share/postern run --iommu $1 --kernel /share/kernel --initrd /share/initrd.gz --memory 512M --cpus 2 \
		--vfio $dev --timeout 240 --append "console=$console quiet panic=-1 do=reread" >/out 2>/err </dev/null &
	until [ "$(grep -c '^guest: read' /out)" -ge 3 ] || ! kill -0 $!; do usleep 200000; done
	kill $!
	sleep 1
	kill $!
	wait $!
	status=$?
}
for iommu in legacy iommufd; do
	# The emulator has a guest die of a triple fault now and then (tests/bed/run), and here are many.
	for try in 1 2 3; do
		once $iommu
		grep -q "triple fault" /err || break
		echo "$iommu: again, a triple fault"
	done
	echo "$iommu: status $status"
	tr -d '\r' </out | sed -n "s/^guest: /$iommu: /p"
	sed "s/^/$iommu: /" /err
	! grep -q fault /err || tail -n 5 /out
done
/share/postern unbind $dev || exit
until [ -b /dev/nvme0n1 ]; do usleep 100000; done
echo "host reads" $(dd if=/dev/nvme0n1 bs=1M count=64 2>/dev/null | md5sum)
END
status "$BED" --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
for iommu in legacy iommufd; do
	has "$iommu" "^$iommu: status 143" "$TMP/out"
	[ "$(grep -c "^$iommu: read $wanted" "$TMP/out")" -ge 3 ] || fail "$iommu: fewer than three good readings"
	has "$iommu" "^$iommu: postern: SIGTERM: asking the guest to power off" "$TMP/out"
done
has "host" "^host reads $wanted" "$TMP/out"
