# SPDX-License-Identifier: BSD-2-Clause
#
# Every host kernel that can be built, times every program: with containers, iommufd in a container's place, groups,
# device nodes, or some of them only, a guest has its assigned device copy RAM and interrupt; or it is said what is
# missing, with the right status. PATHS_HOSTS names some of the kernels.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
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
	$program run --memory 64M --kernel /edu.elf --vfio $dev --once --timeout 60 >/out 2>&1 </dev/null || status=$?
	tr -d '\r' </out | sed "s/^/$program: /"
	echo "$program: status $status"
done
END

# expect HOST PROGRAM PATTERN...: lines that PROGRAM said on HOST.
expect() {
	host=$1 program=$2
	shift 2
	for pattern; do
		has "$program on $host" "^$program: $pattern" "$TMP/$host"
	done
}
works() {
	expect "$1" "$2" 'edu: copied a page of RAM' 'edu: 3 interrupts' 'edu: well' 'status 0' "$3"
}
vfios='postern: iommu: container: /dev/vfio/vfio, owned by vfio'
iommufds='postern: iommu: container: /dev/vfio/vfio, owned by iommufd'
instead='postern: iommu: container: /dev/iommu, owned by iommufd'
only='postern: iommu: iommufd: the only one built in'

for host in ${PATHS_HOSTS:-all legacy cdev compat group-only}; do
	status "$BED" --host "$host" --bare --device edu,dma_mask=0xffffffffffffffff --add "$TMP/guest/edu.elf" \
		--add "$TMP/legacy:/bin/legacy" --add "$TMP/iommufd:/bin/iommufd" --add "$TMP/full:/bin/full" \
		--add "$TMP/inside" -- sh /inside >"$TMP/$host"
	sed "s/^/$host: /" "$TMP/$host"
	equal "the bed's status on $host" 0 "$status"
	case $host in
	all)
		works all legacy "$vfios"
		works all iommufd "$only"
		works all full "postern: iommu: iommufd: .*node are there"
		;;
	legacy)
		works legacy legacy "$vfios"
		expect legacy iommufd 'status 69' 'postern: .*CONFIG_IOMMUFD'
		works legacy full "$vfios"
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
