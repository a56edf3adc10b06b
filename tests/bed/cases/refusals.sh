# SPDX-License-Identifier: BSD-2-Clause
#
# Every bad input has one clear message, the right exit status, and leaves nothing behind: the device keeps its driver,
# and can be assigned afterwards.
. "$(dirname "$0")/../case.sh"

guest_files
single_backend_files
kernel=$TMP/share/kernel
: >"$TMP/share/empty"
head -c 100000 "$kernel" >"$TMP/share/truncated"
head -c 100000 /dev/urandom >"$TMP/share/noise"
cp "$kernel" "$TMP/share/old"
# What the images' own checks see, of a file that is cut off, is none, or is too old: on x86, boot protocol 2.11, the
# last without a 64-bit entry; on arm64, no size of the image in memory, as before Linux 3.17.
case $ARCH in
x86)
	printf '\013\002' | dd of="$TMP/share/old" bs=1 seek=518 conv=notrunc status=none
	printf '%s\n' 'truncated: 100000 bytes of' 'noise: neither' 'a 32-bit kernel' >"$TMP/images"
	;;
arm64)
	head -c 8 /dev/zero | dd of="$TMP/share/old" bs=1 seek=16 conv=notrunc status=none
	printf '%s\n' 'truncated: the file is truncated: 100000 bytes of' 'noise: not an arm64 Linux Image' \
		'does not say how much' >"$TMP/images"
	;;
esac
dd if=/dev/zero of="$TMP/share/large" bs=1M count=300 status=none

cat >"$TMP/inside" <<'END'
cd /share
dev=0000:01:00.0
# try NAME STATUS PATTERN COMMAND...: the status, and that one message and at most one hint were printed
try() {
	name=$1 wanted=$2 pattern=$3
	shift 3
	got=0
	"$@" >/out 2>/err </dev/null || got=$?
	errors=$(grep -c '^postern: ' /err)
	hints=$(grep -c '^postern: hint: ' /err)
	sed "s/^/	/" /err
	if [ $got != $wanted ]; then
		echo "bad $name: status $got, not $wanted"
	elif [ $((errors - hints)) != 1 ] || [ $hints -gt 1 ]; then
		echo "bad $name: $((errors - hints)) messages, $hints hints"
	elif ! grep -qE "$pattern" /err; then
		echo "bad $name: no message like $pattern"
	else
		echo "good $name"
	fi
}
# as_nobody COMMAND...: without privilege. A script, as some of what calls it is run by another shell.
cat >/bin/as_nobody <<'SCRIPT'
#!/bin/sh
exec su -s /bin/sh -c 'exec "$@"' -- nobody sh "$@"
SCRIPT
chmod 755 / /bin/as_nobody
p=/share/postern
# What should be refused but runs must not run for ever.
run="$p run --quiet --timeout 100 --kernel kernel"
try "no kernel option" 64 'no kernel given' $p run
try "unknown option" 64 'unknown option: --frob' $run --frob
try "no device for no-IOMMU mode" 64 '^postern: --noiommu: no device given' $run --noiommu
try "no-IOMMU mode with a value" 64 "'both': not one of its choices: off.on.device-only" $run --noiommu=both
try "unknown command" 64 'unknown command: frob' $p frob
try "missing kernel" 66 'kernel: cannot open /nowhere: no such file' $p run --kernel /nowhere
try "kernel is a directory" 66 'kernel: cannot open /: is a directory' $p run --kernel /
try "empty kernel" 65 'empty: the file is empty' $p run --kernel empty
try "truncated kernel" 65 "$(sed -n 1p /images)" $p run --kernel truncated
try "not a kernel" 65 "$(sed -n 2p /images)" $p run --kernel noise
try "old kernel" 65 "$(sed -n 3p /images)" $p run --kernel old
try "initrd larger than RAM" 65 'initrd large: 307200 KiB do not fit' $run --initrd large
try "missing initrd" 66 'initrd: cannot open /nowhere' $run --initrd /nowhere
try "memory 0" 64 "memory: '0'" $run --memory 0
try "memory 1" 64 "memory: '1'" $run --memory 1
try "memory not a number" 64 "memory: 'lots'" $run --memory lots
try "memory beyond the host's" 69 'the host has' $run --memory 900G
try "no huge pages" 69 'memory: cannot get 256 MiB' $run --hugepages
try "no KVM" 69 'kvm: cannot open /dev/kvm: no such file' \
	sh -c "mv /dev/kvm /kvm; $run; s=\$?; mv /kvm /dev/kvm; exit \$s"
try "KVM not permitted" 77 'kvm: cannot open /dev/kvm: permission denied' \
	sh -c "chmod 600 /dev/kvm; exec as_nobody $run"
chmod 666 /dev/kvm

try "malformed address" 64 '01:00: not a [pP][cC][iI] address' $run --vfio 01:00
try "absent device" 69 '0000:1f:1f.7.*no such device' $run --vfio 0000:1f:1f.7
try "bound to another driver" 69 "$dev.*nvme" $run --vfio $dev
grep -q "hint: postern bind $dev" /err && echo "good hint to bind" || echo "bad hint to bind"
ls /sys/bus/pci/drivers/nvme | grep -q $dev && echo "good nvme keeps its disk" || echo "bad nvme lost its disk"
try "bind a malformed address" 64 'bind|frob' $p bind frob
try "bind an absent device" 69 'no such device' $p bind 0000:1f:1f.7
$p bind $dev || echo "bad bind"
# A root port is no endpoint, and has a driver of its own.
try "bind a bridge" 69 'bridge' $p bind $(basename $(dirname $(readlink /sys/bus/pci/devices/$dev)))

# Two functions in one group: the other one with a driver of the host's.
$p bind 0000:03:00.0 2>/err
grep -q 'warning: 0000:03:00.0.*0000:03:00.1.*e1000e' /err && echo "good warning of the group" || {
	echo "bad warning of the group"
	cat /err
}
for iommu in legacy iommufd; do
	try "a group shared with another driver ($iommu)" 69 '0000:03:00.1.*e1000e' \
		$run --iommu $iommu --vfio 0000:03:00.0
	grep -q "hint: postern bind 0000:03:00.1" /err && echo "good hint" || echo "bad hint"
done
$p unbind 0000:03:00.0

chmod 666 /dev/vfio/[0-9]* /dev/vfio/vfio /dev/vfio/devices/* /dev/iommu
for iommu in legacy iommufd; do
	try "in use ($iommu)" 69 "$dev.*(in use|busy)" sh -c "
		: >/busy
		$run --iommu $iommu --vfio $dev --initrd initrd.gz --append 'console=$console do=endless' \
			>>/busy 2>&1 &
		until grep -q '^guest: busy' /busy; do kill -0 \$! || exit; usleep 100000; done
		$run --iommu $iommu --vfio $dev
		s=\$?
		kill -9 \$!
		wait \$!
		exit \$s"
	try "MEMLOCK too low ($iommu)" 77 'memory.* (needs|needed|allowed|limit)|MEMLOCK' \
		sh -c "ulimit -l 1024; exec as_nobody $run --iommu $iommu --vfio $dev"
done
chmod 600 /dev/vfio/[0-9]* /dev/vfio/devices/*
try "group not permitted" 77 'permission denied' as_nobody $run --iommu legacy --vfio $dev
try "cdev not permitted" 77 'permission denied' as_nobody $run --iommu iommufd --vfio $dev
try "no container" 69 'CONFIG_VFIO_CONTAINER' \
	sh -c "mv /dev/vfio/vfio /vfio; mv /dev/iommu /iommu; ./legacy run -q --kernel kernel --vfio $dev; s=\$?
		mv /vfio /dev/vfio/vfio; mv /iommu /dev/iommu; exit \$s"
try "no iommufd" 69 'CONFIG_IOMMUFD' \
	sh -c "mv /dev/iommu /iommu; ./iommufd run -q --kernel kernel --vfio $dev; s=\$?
		mv /iommu /dev/iommu; exit \$s"
try "no-IOMMU mode behind an IOMMU" 64 "^postern: --noiommu: $dev has an IOMMU in front of it" \
	$run --vfio $dev --noiommu
try "an option of another program" 64 'unknown option: --iommu' ./legacy run --kernel kernel --iommu auto

$run --vfio $dev --initrd initrd.gz --append "console=$console quiet do=read" --memory 512M >/out 2>&1 </dev/null
echo "afterwards: status $?"
tr -d '\r' </out | sed -n 's/^guest: /afterwards: /p'
$p unbind $dev && ls /sys/bus/pci/drivers/nvme | grep -q $dev && echo "good unbind" || echo "bad unbind"
END
truncate -s 64M "$TMP/disk"
status "$BED" --nvme "$TMP/disk" --share "$TMP/share" --add "$TMP/inside" --add "$TMP/images" \
	--qemu '-device pcie-root-port,id=two,chassis=9,addr=0x10
		-device edu,bus=two,addr=0.0,multifunction=on -device e1000e,bus=two,addr=0.1' \
	-- sh /inside >"$TMP/out" 2>&1
cat "$TMP/out"
equal "the bed's status" 0 "$status"
! grep -q '^bad ' "$TMP/out" || fail "some are bad"
[ "$(grep -c '^good ' "$TMP/out")" -ge 35 ] || fail "only $(grep -c '^good ' "$TMP/out") were tried"
has "afterwards" '^afterwards: status 0' "$TMP/out"
has "afterwards" '^afterwards: read [0-9a-f]' "$TMP/out"
