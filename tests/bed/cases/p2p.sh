# SPDX-License-Identifier: BSD-2-Clause
#
# Peer-to-peer with data: in a guest, the assigned edu device writes into another device's memory and reads from it,
# also after the guest has had that device stop decoding, move, reset its function and sleep, and after the guest has
# reset its machine; with either backend. The other device is shared memory, whose file is compared outside with what
# it should have become, byte for byte; then an NVMe controller's memory buffer, which has resets and power states. With
# --p2p off nothing passes, the IOMMU tells of it, and the guest notices nothing else.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
size=16M
truncate -s $size "$TMP/shared" "$TMP/wanted"
cat >"$TMP/inside" <<'END'
shared=0000:01:00.0
buffer=0000:02:00.0
edu=0000:03:00.0
for dev in $shared $buffer $edu; do
	postern bind $dev || exit
done
# run NAME PAGE DEVICE ID [OPTION]...: a guest with DEVICE and edu, whose work begins at that page
# No --timeout: on a busy machine the clock of the emulated host has run six times too fast.
run() {
	name=$1 page=$2 dev=$3 id=$4
	shift 4
	# The kernel tells of ten faults in five seconds; here it has to.
	[ -z "$word" ] || sleep 6
	dmesg -c >/dev/null
	status=0
	postern run --memory 64M --kernel /p2p --vfio $dev --vfio $edu "$@" \
		--append "page=$page target=$((id)) $word" >/out 2>/err </dev/null || status=$?
	tr -d '\r' </out | sed "s/^/$name: /"
	sed "s/^/$name: /" /err
	complaints | sed "s/^/$name: /"
	echo "$name: status $status"
}
word=
run "legacy shared" 0 $shared 0x11101af4 --iommu legacy
run "iommufd shared" 64 $shared 0x11101af4 --iommu iommufd
run "legacy buffer" 0 $buffer 0x00101b36 --iommu legacy
run "iommufd buffer" 64 $buffer 0x00101b36 --iommu iommufd
word=off
run "legacy off" 128 $shared 0x11101af4 --iommu legacy --p2p off
run "iommufd off" 130 $shared 0x11101af4 --iommu iommufd --p2p off
END
status "$BED" --timeout 300 --bare \
	--qemu "-object memory-backend-file,id=shared,mem-path=$TMP/shared,share=on,size=$size" \
	--device ivshmem-plain,memdev=shared --device nvme,serial=buffer,cmb_size_mb=1 \
	--device $edu \
	--add "$BINARY:/bin/postern" --add "$TMP/guest/p2p" --add "$TMP/inside" -- sh /inside \
	>"$TMP/out" 2>"$TMP/err"
cat "$TMP/out" "$TMP/err"
equal "the bed's status" 0 "$status"

fault=$(by_arch '.*DMA Write.*03:00.0.*fault addr 0x' '.*smmuv3: event: F_TRANSLATION client: 0000:03:00.0 ')
for iommu in legacy iommufd; do
	for device in shared buffer; do
		name="$iommu $device"
		has "$name" "^$name: status 0" "$TMP/out"
		# The guest has checked each by the processor.
		for round in "at first" "decodes again" elsewhere "back again"; do
			equal "$name: $round" 2 "$(grep -c "^$name: $round: written and read" "$TMP/out")"
		done
		has "$name" "^$name: boot 1: all is through" "$TMP/out"
		! grep -q "^$name: .*cannot reach" "$TMP/out" || fail "$name: a warning"
	done
	for round in "after its reset" "after its sleep"; do
		equal "$iommu: $round" 2 "$(grep -c "^$iommu buffer: $round: written and read" "$TMP/out")"
	done
	has "$iommu off" "^$iommu off: status 0" "$TMP/out"
	has "$iommu off" "^$iommu off: nothing passes" "$TMP/out"
	has "$iommu off" "^$iommu off: $fault" "$TMP/out"
done
! grep -E ': .*(BUG|WARNING)' "$TMP/out" || fail "the host complains"

# page NUMBER LETTER: as the guest fills it, in the file that is wanted.
page() {
	seq -f "$2 %05.0f" 0 511 | dd of="$TMP/wanted" bs=4096 seek="$1" conv=notrunc status=none
}
for base in 0 64; do
	at=$base
	for letters in A:a B:b C:c D:d; do
		page $at "${letters%:*}"
		page $((at + 1)) "${letters#*:}"
		at=$((at + 2))
	done
	at=$((base + 16))
	for letters in I:i J:j K:k L:l; do
		page $at "${letters%:*}"
		page $((at + 1)) "${letters#*:}"
		at=$((at + 2))
	done
done
for at in 128 130; do
	page $at -
	page $((at + 1)) +
done
cmp "$TMP/shared" "$TMP/wanted" || fail "the shared memory is not what it should have become"
