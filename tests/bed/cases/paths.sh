# SPDX-License-Identifier: BSD-2-Clause
#
# Every host kernel that can be built, times every program: with containers, iommufd in a container's place, groups,
# device nodes, or some of them only, a guest has its assigned device copy RAM and interrupt; or it is said what is
# missing, with the right status. Where interrupts are not remapped, what would work is refused until the kernel is told
# that it may. Ends with a table of it all.
#
# PATHS_HOSTS names some of the kernels, PATHS_IOMMUS other IOMMUs than intel or smmuv3: intel-noir, virtio, none. With
# PATHS_NVME=1 it is a Linux guest that reads all of an NVMe disk, which takes ten times as long.
. "$(dirname "$0")/../case.sh"

if [ "${PATHS_NVME:-}" ]; then
	guest_files
	dd if=/dev/urandom of="$TMP/disk" bs=1M count=64 status=none
	wanted=$(md5sum <"$TMP/disk" | cut -d' ' -f1)
	set -- --nvme "$TMP/disk" --share "$TMP/share"
	echo '--kernel /share/kernel --initrd /share/initrd.gz --memory 512M --cpus 2' >"$TMP/options"
	echo 'quiet panic=-1 do=read' >"$TMP/append"
else
	guests "$TMP/guest"
	set -- --device edu,dma_mask=0xffffffffffffffff --add "$TMP/guest/edu"
	echo '--kernel /edu --memory 64M' >"$TMP/options"
	: >"$TMP/append"
fi
for config in legacy iommufd full; do
	file=$(dirname "$BINARY")/configs/$config/postern
	[ -x "$file" ] || fail "$file: not built (make configs)"
	cp "$file" "$TMP/$config"
done

cat >"$TMP/inside" <<'END'
dev=0000:01:00.0
full bind $dev
# try PREFIX: what each program says
try() {
	for program in legacy iommufd full; do
		status=0
		$program run $(cat /options) --append "console=$console $(cat /append)" --vfio $dev --once \
			--timeout 240 >/out 2>&1 </dev/null || status=$?
		tr -d '\r' </out | sed "s/^/$1$program: /"
		echo "$1$program: status $status"
	done
}
try ""
[ -e /unsafe ] || exit 0
for module in vfio_iommu_type1 iommufd; do
	echo Y >/sys/module/$module/parameters/allow_unsafe_interrupts
done 2>/dev/null
try "unsafe "
END

# expect PROGRAM PATTERN...: lines that PROGRAM said on the host.
expect() {
	program=$1
	shift
	for pattern; do
		has "$program on $host, $iommu" "^$program: $pattern" "$TMP/out.$host"
	done
}
# note PROGRAM OUTCOME: for the table.
note() {
	echo "$iommu $host $1 $2" >>"$TMP/table"
}
# runs PROGRAM PATTERN: it has the guest use the device.
runs() {
	if [ "${PATHS_NVME:-}" ]; then
		expect "$1" "guest: read $wanted" 'guest: interrupts [1-9]' 'status 0' "$2"
	else
		expect "$1" 'edu: copied a page of RAM' 'edu: 3 interrupts' 'edu: well' 'status 0' "$2"
	fi
}
# works PROGRAM PATTERN: it does, if the IOMMU lets it.
works() {
	case $ARCH-$iommu in
	x86-intel | arm64-smmuv3 | arm64-virtio)
		runs "$@"
		note "$1" works
		;;
	*-none)
		expect "$1" 'status 69' 'postern: 0000:01:00.0: cannot be assigned'
		note "$1" "69 (no IOMMU)"
		;;
	*)
		expect "$1" 'status 77' 'postern: 0000:01:00.0: .*cannot isolate its interrupts' "$2"
		runs "unsafe $1" "$2"
		note "$1" "77, then works"
		;;
	esac
}
# lacks PROGRAM SYMBOL: the host's kernel was built without what it needs.
lacks() {
	expect "$1" 'status 69'
	[ "$iommu" = none ] || expect "$1" "postern: .*$2"
	note "$1" "69 ($2)"
}
vfios='postern: iommu: container: /dev/vfio/vfio, owned by vfio'
iommufds='postern: iommu: container: /dev/vfio/vfio, owned by iommufd'
instead='postern: iommu: container: /dev/iommu, owned by iommufd'
only='postern: iommu: iommufd: the only one built in'

one() {
	status "$BED" --host "$host" --iommu "$iommu" --bare "$@" --add "$TMP/options" --add "$TMP/append" \
		--add "$TMP/inside" --add "$TMP/legacy:/bin/legacy" --add "$TMP/iommufd:/bin/iommufd" \
		--add "$TMP/full:/bin/full" -- sh /inside >"$TMP/out.$host"
	sed "s/^/$iommu, $host: /" "$TMP/out.$host"
	equal "the bed's status on $host, $iommu" 0 "$status"
	case $host in
	all | all-*)
		works legacy "$vfios"
		works iommufd "$only"
		works full "postern: iommu: iommufd: .*node are there"
		;;
	legacy | debian)
		works legacy "$vfios"
		lacks iommufd CONFIG_IOMMUFD
		works full "$vfios"
		;;
	cdev)
		lacks legacy CONFIG_VFIO_CONTAINER
		works iommufd "$only"
		works full "postern: iommu: iommufd: .*node are there"
		;;
	compat)
		works legacy "$iommufds"
		works iommufd "$only"
		works full "$iommufds"
		;;
	group-only)
		works legacy "$instead"
		works iommufd "$only"
		works full "postern: iommu: iommufd: .*group are there"
		;;
	esac
}
: >"$TMP/table"
for iommu in ${PATHS_IOMMUS:-$(by_arch intel smmuv3)}; do
	for host in ${PATHS_HOSTS:-$(all_hosts)}; do
		have_host "$host" || continue
		case $ARCH-$iommu in
		x86-intel | *-none | arm64-*) one "$@" ;;
		*) : >"$TMP/unsafe" && one "$@" --add "$TMP/unsafe" ;;
		esac
	done
done
awk '
	function cell(text) { return sprintf(" %-26s", text) }
	BEGIN { print "IOMMU      kernel     " cell("legacy") cell("iommufd") "full" }
	{
		key = sprintf("%-10s %-11s", $1, $2)
		program = $3
		sub(/^[^ ]+ [^ ]+ [^ ]+ /, "")
		out[key, program] = $0
		if (program == "full")
			print key cell(out[key, "legacy"]) cell(out[key, "iommufd"]) out[key, "full"]
	}' "$TMP/table" | figures
every_host
