# SPDX-License-Identifier: BSD-2-Clause
#
# Every host kernel that can be built, times every program: with containers, iommufd in a container's place, groups,
# device nodes, or some of them only, a guest has its assigned device copy RAM and interrupt; or it is said what is
# missing, with the right status. PATHS_HOSTS names some of the kernels; with PATHS_NVME=1 it is a Linux guest that
# reads all of an NVMe disk, which takes ten times as long.
. "$(dirname "$0")/../case.sh"

if [ "${PATHS_NVME:-}" ]; then
	guest_files
	dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
	wanted=$(md5sum <"$TMP/disk" | cut -d' ' -f1)
	set -- --nvme "$TMP/disk" --share "$TMP/share"
	echo '--kernel /share/kernel --initrd /share/initrd.gz --memory 512M --cpus 2' >"$TMP/options"
	echo 'console=ttyS0 quiet panic=-1 do=read' >"$TMP/append"
else
	guests "$TMP/guest"
	set -- --device edu,dma_mask=0xffffffffffffffff --add "$TMP/guest/edu.elf"
	echo '--kernel /edu.elf --memory 64M' >"$TMP/options"
	: >"$TMP/append"
fi
for config in legacy iommufd full; do
	file=$(dirname "$BINARY")/configs/$config/postern
	[ -x "$file" ] || fail "$file: not built (make configs)"
	cp "$file" "$TMP/$config"
done

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
full bind $dev || exit
for program in legacy iommufd full; do
	status=0
	$program run $(cat /options) --append "$(cat /append)" --vfio $dev --once --timeout 240 \
		>/out 2>&1 </dev/null || status=$?
	tr -d '\r' </out | sed "s/^/$program: /"
	echo "$program: status $status"
done
END

# expect HOST PROGRAM PATTERN...: lines that PROGRAM said on HOST.
expect() {
	host=$1 program=$2
	shift 2
	for pattern; do
		has "$program on $host" "^$program: $pattern" "$TMP/out.$host"
	done
}
works() {
	if [ "${PATHS_NVME:-}" ]; then
		expect "$1" "$2" "guest: read $wanted" 'guest: interrupts [1-9]' 'status 0' "$3"
	else
		expect "$1" "$2" 'edu: copied a page of RAM' 'edu: 3 interrupts' 'edu: well' 'status 0' "$3"
	fi
}
vfios='postern: iommu: container: /dev/vfio/vfio, owned by vfio'
iommufds='postern: iommu: container: /dev/vfio/vfio, owned by iommufd'
instead='postern: iommu: container: /dev/iommu, owned by iommufd'
only='postern: iommu: iommufd: the only one built in'

for host in ${PATHS_HOSTS:-all legacy cdev compat group-only all-6.12 debian}; do
	have_host "$host" || continue
	status "$BED" --host "$host" --bare "$@" --add "$TMP/options" --add "$TMP/append" --add "$TMP/inside" \
		--add "$TMP/legacy:/bin/legacy" --add "$TMP/iommufd:/bin/iommufd" --add "$TMP/full:/bin/full" \
		-- sh /inside >"$TMP/out.$host"
	sed "s/^/$host: /" "$TMP/out.$host"
	equal "the bed's status on $host" 0 "$status"
	case $host in
	all | all-*)
		works "$host" legacy "$vfios"
		works "$host" iommufd "$only"
		works "$host" full "postern: iommu: iommufd: .*node are there"
		;;
	legacy | debian)
		works "$host" legacy "$vfios"
		expect "$host" iommufd 'status 69' 'postern: .*CONFIG_IOMMUFD'
		works "$host" full "$vfios"
		;;
	cdev)
		expect cdev legacy 'status 69' 'postern: .*CONFIG_VFIO_CONTAINER'
		works cdev iommufd "$only"
		works cdev full "postern: iommu: iommufd: .*node are there"
		;;
	compat)
		works compat legacy "$iommufds"
		works compat iommufd "$only"
		works compat full "$iommufds"
		;;
	group-only)
		works group-only legacy "$instead"
		works group-only iommufd "$only"
		works group-only full "postern: iommu: iommufd: .*group are there"
		;;
	esac
done
every_host
