# SPDX-License-Identifier: BSD-2-Clause
#
# postern check on a real kernel: it names each problem, its remedy is typed as it says, and then the problem is gone.
# Twice in each case, as text and as JSON. On a host that is well, on one whose interrupts are not isolated, and on one
# without an IOMMU.
. "$(dirname "$0")/../case.sh"

mkdir "$TMP/share"
cat >"$TMP/inside" <<'END'
cd /share
dev=0000:01:00.0
group=0000:02:00.0
beside=0000:02:00.1
n=0
# as_nobody COMMAND...: without privilege.
cat >/bin/as_nobody <<'SCRIPT'
#!/bin/sh
exec su -s /bin/sh -c 'exec "$@"' -- nobody sh "$@"
SCRIPT
chmod 755 / /bin/as_nobody
# try NAME STATUS PATTERN COMMAND...: the status, as text and as JSON, and that a line of the text is so. The remedies
# are left in /remedies.
try() {
	name=$1 wanted=$2 pattern=$3
	shift 3
	n=$((n + 1))
	got=0 again=0
	"$@" >/out 2>/err </dev/null || got=$?
	"$@" --json >$host-$n.json 2>>/err </dev/null || again=$?
	sed "s/^/	/" /out
	sed -n 's/^ *remedy: //p' /out | grep -v '^none$' >/remedies
	if [ $got != $wanted ] || [ $again != $wanted ]; then
		echo "bad $name: status $got and $again, not $wanted"
	elif [ -s /err ]; then
		echo "bad $name: $(cat /err)"
	elif ! grep -qE "$pattern" /out; then
		echo "bad $name: no line like $pattern"
	else
		echo "good $name"
	fi
}
# remedy PATTERN: types the remedy that looks like this.
remedy() {
	line=$(grep -E "$1" /remedies | head -n 1)
	[ -n "$line" ] || echo "bad remedy: none like $1"
	echo "# $line"
	line=${line#as root: }
	line=${line#*trusted: }
	line=${line%%, or *}
	USER=nobody sh -c "$line"
}
state() {
	ls -l /sys/bus/pci/drivers/*/ /sys/bus/pci/devices/*/driver /dev/vfio /dev/vfio/devices /dev/iommu 2>/dev/null
	cat /sys/bus/pci/devices/*/driver_override /proc/sys/vm/nr_hugepages
	# The kernel's own clocks settle when they please.
	dmesg | grep -vE "^(tsc|clocksource):"
}

well() {
	state >/before
	try "host" 0 '^  guests: yes$' postern check
	grep -E 'owner: vfio$' /out && grep -E "units: $units$" /out &&
		grep -E "isolates interrupts: $isolates$" /out && grep '  devices: yes$' /out || echo "bad host"
	try "unbound" 69 "problem: $dev: cannot be assigned: no driver has it" postern check $dev
	state >/after
	diff /before /after && echo "good nothing changed" || echo "bad: looking changed something"
	remedy "^postern bind $dev$"
	try "bound" 0 '^    assignable: yes$' postern check $dev
	grep -E "reserved: .*$reserved" /out || echo "bad reserved regions"
	grep -E 'interrupts: INTA, 1 MSI$' /out && grep -E 'bars: 0: 0x100000 bytes of 32-bit memory$' /out &&
		grep -E 'bars fit: yes$' /out || echo "bad device"
	for iommu in legacy iommufd; do
		try "try $iommu" 0 '^      done: yes$' postern check --try --iommu $iommu $dev
		grep -A9 '^    attached:' /out | grep -E "^      ranges: $ranges" &&
			grep -E '^      page sizes: 4 KiB' /out && grep -E '^      interrupts: 1 INTx, 1 MSI$' /out ||
			echo "bad try $iommu"
	done

	postern bind $group 2>/dev/null
	for iommu in legacy iommufd; do
		try "foreign member" 69 "problem: $group: .*$beside, in the same IOMMU group .* driver e1000e" \
			postern check --try --iommu $iommu $group
	done
	remedy "^postern bind $beside$"
	try "whole group" 0 '^    viable: yes$' postern check --try group:$(basename $(readlink \
		/sys/bus/pci/devices/$group/iommu_group))

	try "KVM not permitted" 77 'problem: kvm: cannot open /dev/kvm: permission denied' as_nobody postern check
	chmod 666 /dev/kvm
	try "not permitted" 77 'problem: /dev/iommu: cannot open: permission denied' as_nobody postern check $dev
	remedy '^as root: chown .USER /dev/iommu$'
	remedy '^as root: chown .USER /dev/vfio/devices/vfio'
	grep -q 'interrupts: INTA, others only root is shown$' /out || echo "bad interrupts of nobody"
	cat >/bin/low <<'SCRIPT'
#!/bin/sh
ulimit -l $1
shift
exec as_nobody "$@"
SCRIPT
	chmod 755 /bin/low
	try "locked memory" 77 'problem: memory: 65536 KiB must be locked for DMA, 1024 KiB' \
		low 1024 postern check --memory 64M $dev
	remedy='ulimit -l 65536'
	grep -q "^as root: $remedy$" /remedies || echo "bad remedy for locked memory"
	try "enough locked memory" 0 '^    assignable: yes$' low 65536 postern check --try --memory 64M $dev

	try "no huge pages" 69 'problem: memory: cannot get 64 MiB' postern check --memory 64M --hugepages
	remedy '^echo 32 > '
	try "huge pages" 0 '^    free: 32$' postern check --memory 64M --hugepages
	try "no KVM" 69 'problem: kvm: cannot open /dev/kvm' \
		sh -c 'mv /dev/kvm /kvm; postern check "$@"; s=$?; mv /kvm /dev/kvm; exit $s' check
	# What was promised: a guest's way to the device is free.
	postern run --quiet --memory 64M --kernel /edu --vfio $dev --once --timeout 60 \
		>/out 2>&1 </dev/null
	echo "run: status $?"
}

unsafe() {
	postern bind $dev
	for iommu in legacy iommufd; do
		try "$iommu not isolated" 77 "problem: $dev: .*cannot isolate its interrupts" \
			postern check --iommu $iommu $dev
		grep -q 'isolates interrupts: no$' /out || echo "bad isolation"
		remedy 'echo Y > /sys/module/'
		try "$iommu allowed" 0 'allows unsafe interrupts: yes$' postern check --try --iommu $iommu $dev
	done
}

none() {
	try "no IOMMU" 69 'problem: iommu: this host has none, or it is off' postern check $dev
	grep "problem: $dev: cannot be assigned: it has no IOMMU group" /out || echo "bad no group"
	try "host without IOMMU" 0 '^  devices: no$' postern check
	try "not without either" 69 "problem: $dev: cannot be assigned without an IOMMU: VFIO is not to have" \
		postern check --noiommu=device-only $dev
	remedy '^echo Y > .*; postern bind '
	try "possible without" 69 '^      possible: yes$' postern check $dev
	for iommu in legacy iommufd; do
		try "without by $iommu" 0 '^      done: yes$' \
			postern check --noiommu=device-only --try --iommu $iommu $dev
	done
	try "no huge pages without" 69 'problem: memory: 32 huge pages of 2048 KiB are needed, the host has 0 free' \
		postern check --noiommu --memory 64M $dev
	remedy '^echo 32 > '
	try "huge pages without" 0 '^    assignable: yes$' postern check --noiommu --memory 64M --try group:0
}

$host
END
guests "$TMP/guest"
case $ARCH in
x86)
	cat <<'END'
units='dmar0 \(Intel VT-d\)'
isolates=yes
reserved='0xfee00000-0xfeefffff msi'
ranges='0x0-0xfedfffff, 0xfef00000-'
END
	;;
arm64)
	cat <<'END'
units='smmu3.0x0*9050000 \(arm-smmu-v3\)'
isolates='not known'
reserved='0x8000000-0x80fffff msi'
ranges='0x0-0x7ffffff, 0x8100000-'
END
	;;
esac >"$TMP/words"

# host NAME TRIES OPTION...: a host on which the function of that name runs, and so many tries are good.
host() {
	name=$1 tries=$2
	shift 2
	status "$BED" --bare --device $edu "$@" --share "$TMP/share" --add "$BINARY:/bin/postern" \
		--add "$TMP/guest/edu" --add "$TMP/inside" --add "$TMP/words" \
		--qemu '-device pcie-root-port,id=two,chassis=9,addr=0x10
			-device edu,bus=two,addr=0.0,multifunction=on -device e1000e,bus=two,addr=0.1' \
		-- "host=$name; . /words; . /inside" >"$TMP/$name" 2>&1
	cat "$TMP/$name"
	equal "the bed's status" 0 "$status"
	! grep -q '^bad' "$TMP/$name" || fail "some are bad on the host '$name'"
	equal "good ones on the host '$name'" "$tries" "$(grep -c '^good ' "$TMP/$name")"
}
host well 16
has "a guest" '^run: status 0' "$TMP/well"
[ "$ARCH" != x86 ] || host unsafe 4 --append intremap=off
# shellcheck disable=SC2046  # two words
host none 8 $(by_arch "--append intel_iommu=off" "--iommu none")

# Not by our own reader alone.
! command -v jq >/dev/null || for file in "$TMP"/share/*.json; do
	jq -e .result.status "$file" >/dev/null || fail "$(basename "$file") is not JSON: $(cat "$file")"
done
equal "reports in JSON" "$(by_arch 27 23)" "$(ls "$TMP"/share/*.json | wc -l)"
