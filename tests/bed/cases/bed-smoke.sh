# SPDX-License-Identifier: BSD-2-Clause
#
# The bed itself: the emulated host boots, has KVM, an IOMMU and the VFIO nodes, gives a disk to vfio-pci and back;
# output, standard error and exit status reach us unmixed, files go in and come out; and what hangs or dies is stopped
# and told of.
. "$(dirname "$0")/../case.sh"

# A disk that can be recognized, and a file for the way in and out.
truncate -s 8M "$TMP/disk"
echo "the bed's disk" | dd of="$TMP/disk" conv=notrunc status=none
mkdir "$TMP/shared"
echo in >"$TMP/shared/in"

cat >"$TMP/inside" <<'END'
set -e
dev=0000:01:00.0
sys=/sys/bus/pci/devices/$dev
echo kvm: $(stat -c %t,%T /dev/kvm)
echo container: $(ls /dev/vfio/vfio) $(ls /dev/iommu)
echo alone: $(ls $sys/iommu_group/devices)
echo disk: $(head -n 1 /dev/nvme0n1)
echo vfio-pci >$sys/driver_override
echo $dev >$sys/driver/unbind
echo $dev >/sys/bus/pci/drivers_probe
echo group: $(ls /dev/vfio | grep -x "$(basename "$(readlink $sys/iommu_group)")" | wc -l)
echo node: /dev/vfio/devices/$(ls $sys/vfio-dev)
echo $dev >$sys/driver/unbind
echo >$sys/driver_override
echo $dev >/sys/bus/pci/drivers_probe
until [ -b /dev/nvme0n1 ]; do usleep 100000; done
echo again: $(head -n 1 /dev/nvme0n1)
printf changed | dd of=/dev/nvme0n1 conv=fsync 2>/dev/null
cat /shared/in >/shared/out
echo added: $(cat /added)
echo to standard error >&2
exit 7
END
echo added >"$TMP/added"
status "$BED" --nvme "$TMP/disk" --share "$TMP/shared" --add "$TMP/added" \
	--add "$TMP/inside:/inside" -- sh /inside \
	>"$TMP/out" 2>"$TMP/err"
cat "$TMP/out" "$TMP/err"
equal "exit status" 7 "$status"
has "kvm node" '^kvm: a,e8$' "$TMP/out"
has "vfio nodes" '^container: /dev/vfio/vfio /dev/iommu$' "$TMP/out"
has "iommu group" '^alone: 0000:01:00.0$' "$TMP/out"
has "disk" "^disk: the bed's disk$" "$TMP/out"
has "group node" '^group: 1$' "$TMP/out"
has "device node" '^node: /dev/vfio/devices/vfio0$' "$TMP/out"
has "disk given back" "^again: the bed's disk$" "$TMP/out"
has "added file" '^added: added$' "$TMP/out"
has "standard error" '^to standard error$' "$TMP/err"
equal "lines of output" 8 "$(wc -l <"$TMP/out")"
equal "image afterwards" changed "$(head -c 7 "$TMP/disk")"
equal "file from inside" in "$(cat "$TMP/shared/out")"

# Output is passed as it is, all of it, to a reader that takes its time; what still holds it open does not matter.
"$BED" --bare -- 'sleep 1000 & seq 1 200000' | (sleep 8; cat) >"$TMP/many"
equal "long output" "$(seq 1 200000 | md5sum)" "$(md5sum <"$TMP/many")"

# What hangs is stopped, what was said before is kept, and the status says so. On a busy machine a host may still be
# coming up when the time is over: then it is given more.
for seconds in 25 250; do
	status "$BED" --bare --timeout $seconds -- 'echo before; sleep 1000' \
		>"$TMP/out" 2>"$TMP/err"
	[ ! -s "$TMP/out" ] || break
done
equal "status of a timeout" 124 "$status"
has "output before a timeout" '^before$' "$TMP/out"
has "message of a timeout" "^bed: no end after $seconds s" "$TMP/err"

# A host that dies is not taken for a success.
status "$BED" --bare -- 'echo c >/proc/sysrq-trigger; poweroff -f; sleep 60' \
	>"$TMP/out" 2>"$TMP/err"
equal "status of a dead host" 70 "$status"
has "message of a dead host" '^bed: the host ended before' "$TMP/err"

# A host that does not come up in time is started again, three times in all.
status env BED_BOOT_TIME=1 "$BED" --bare -- 'echo early' >"$TMP/out" 2>"$TMP/err"
equal "exit status of a host that is too slow" 70 "$status"
equal "times it was started again" 2 "$(grep -c 'starting it again' "$TMP/err")"
