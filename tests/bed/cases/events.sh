# SPDX-License-Identifier: BSD-2-Clause
#
# What the host does to an assigned device while the guest runs, with either backend: it reports an error of it (AER),
# which stops the guest or does not, as the user says; it wants the device back, by removal or from its driver, and
# gets it; it loses it without a word; and it saves power while the guest has the device asleep, if it may, and the
# device is as before when woken.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
cat >"$TMP/inside" <<'END'
nic=0000:01:00.0
rng=0000:02:00.0
edu=0000:03:00.0
for dir in /sys/class/virtio-ports/*; do
	[ "$(cat "$dir/name")" != monitor ] || monitor=/dev/${dir##*/}
done
bind() {
	postern bind $1 2>>/bound || echo "cannot bind $1"
}
# pull DEVICE: its slot has no power any more, which nobody was told before
pull() {
	port=$(dirname "$(readlink -f /sys/bus/pci/devices/$1)")
	printf '\300\007' | dd of=$port/config bs=2 seek=$((0x6c / 2)) conv=notrunc 2>/dev/null
}
# begin NAME OPTION...: a guest in the background, which has said that it is alive when this returns
begin() {
	name="$1 $iommu"
	shift
	: >/out
	postern run --iommu $iommu --memory 64M --kernel /functions --timeout 300 --trace sys "$@" \
		>/out 2>/err </dev/null &
	pid=$!
	lives 2
}
# lives N: it has said so N times more
lives() {
	wanted=$(($(grep -c alive /out) + $1))
	until [ "$(grep -c alive /out)" -ge $wanted ] || ! kill -0 $pid 2>/dev/null; do usleep 100000; done
}
stop() {
	kill $pid
	until grep -q SIGTERM /err || ! kill -0 $pid 2>/dev/null; do usleep 100000; done
	kill $pid
	end
}
end() {
	status=0
	wait $pid || status=$?
	echo "$name: status $status"
	tr -d '\r' </out | grep -v alive | sed "s/^/$name: guest: /"
	grep '^postern: ' /err | sed "s/^postern:/$name:/"
	grep 'VFIO_DEVICE_FEATURE flags=0x2' /err | sed "s/.*VFIO_DEVICE_FEATURE /$name: power: /"
}
bind $nic
bind $rng
for iommu in legacy iommufd; do
	begin fatal --vfio $nic --vfio $rng --append wait
	echo "pcie_aer_inject_error rng MALF_TLP" >$monitor
	end
	begin continue --vfio $rng --on-device-error continue --append wait
	echo "pcie_aer_inject_error rng COMP_ABORT" >$monitor
	until grep -q hint: /err || ! kill -0 $pid; do usleep 100000; done
	lives 2
	stop

	begin remove --vfio $nic --append wait
	echo 1 >/sys/bus/pci/devices/$nic/remove
	end
	[ -e /sys/bus/pci/devices/$nic ] || echo "$name: gone"
	echo 1 >/sys/bus/pci/rescan
	bind $nic
	begin unbind --vfio $nic --vfio $rng --append wait
	echo $rng >/sys/bus/pci/drivers/vfio-pci/unbind
	end
	[ -e /sys/bus/pci/devices/$rng/driver ] || echo "$name: free"
	postern unbind $rng 2>/dev/null
	bind $rng

	bind $edu
	begin pulled --vfio $edu --append "wait=40 reset"
	pull $edu
	end
	edu=0000:04:00.0

	begin awake --vfio $nic --append sleep
	end
	begin asleep --vfio $nic,power=auto --append sleep
	end
	begin dozing --vfio $nic,power=auto --append "doze wait"
	echo "$name: host:" $(cat /sys/bus/pci/devices/$nic/power/runtime_status /sys/bus/pci/devices/$nic/power_state)
	stop
	begin reset --vfio $nic,power=auto --append "doze reset"
	end
done
complaints | sed 's/^/complaint /'
END
status "$BED" --bare --monitor --timeout 500 --add "$BINARY:/bin/postern" --add "$TMP/guest/functions" \
	--device e1000e --device virtio-rng-pci,id=rng,aer=on,iommu_platform=on --device $edu --device $edu \
	--add "$TMP/inside" -- sh /inside >"$TMP/out" 2>"$TMP/err"
cat "$TMP/out" "$TMP/err"
equal "the bed's status" 0 "$status"
! grep -qE '^(complaint|cannot)' "$TMP/out" || fail "the host complains"

# lost NAME DEVICE WHAT: the guest was stopped for it
lost() {
	has "$1" "^$1: status 85" "$TMP/out"
	has "$1" "^$1: vfio $2: $3" "$TMP/out"
	! grep -q "^$1: warning" "$TMP/out" || fail "$1: warnings"
}
# asleep NAME N: the network card was asleep and is as it was, N times
asleep() {
	has "$1" "^$1: status 0" "$TMP/out"
	equal "$1: sleeps" "$2" \
		"$(grep -c "^$1: guest: 1.0 asleep in D3, silent, awake in D0, marked, marked" "$TMP/out")"
}
# saves NAME N: the host was let to save power N times, and told that it is over as often
saves() {
	equal "$1: low power" "$2" "$(grep -c "^$1: power: flags=0x20003 -> 0" "$TMP/out")"
	equal "$1: end of low power" "$2" "$(grep -c "^$1: power: flags=0x20005 -> 0" "$TMP/out")"
}
nic=0000:01:00.0
rng=0000:02:00.0
edu=0000:03:00.0
for iommu in legacy iommufd; do
	lost "fatal $iommu" $rng "the host reports an uncorrectable error of it; see dmesg"
	! grep -q "^fatal $iommu: vfio $nic: the host" "$TMP/out" || fail "$iommu: the wrong device has an error"
	has "$iommu" "^continue $iommu: vfio $rng: the host reports an uncorrectable error" "$TMP/out"
	has "$iommu" "^continue $iommu: hint: the guest goes on" "$TMP/out"
	has "$iommu" "^continue $iommu: status 143" "$TMP/out"
	lost "remove $iommu" $nic "the host wants it back"
	has "$iommu" "^remove $iommu: gone" "$TMP/out"
	lost "unbind $iommu" $rng "the host wants it back"
	has "$iommu" "^unbind $iommu: free" "$TMP/out"
	lost "pulled $iommu" $edu "does not answer after its reset"
	edu=0000:04:00.0
	asleep "awake $iommu" 2
	saves "awake $iommu" 0
	asleep "asleep $iommu" 2
	saves "asleep $iommu" 2
	has "$iommu" "^dozing $iommu: host: suspended D3hot" "$TMP/out"
	saves "dozing $iommu" 1
	# A guest that begins anew finds it awake.
	has "$iommu" "^reset $iommu: guest: start 1" "$TMP/out"
	has "$iommu" "^reset $iommu: status 0" "$TMP/out"
	saves "reset $iommu" 2
done
