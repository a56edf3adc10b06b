# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The counterproof for a device that does not work: the guest's kernel, driver and work in the emulated host's place,
# with no Postern and no virtual machine in it; once behind the emulated IOMMU that the host has, once without.

# bare_run NAME IOMMU: prints what came of the work.
bare_run() {
	local args=() out=$dir/bare.$2
	[ "$2" = without ] || args=(-device "intel-iommu,intremap=on,caching-mode=on")
	eval "args+=(-device pcie-root-port,id=root,chassis=1,addr=4 \
		-device $(fill "$1" "$(get "$1" spec)"),id=$1,bus=root $extra)"
	timeout --foreground 300 "$HERE/../bed/qemu" x86 -accel tcg,thread=multi -M q35,kernel-irqchip=split -cpu max \
		-m 1G -nodefaults -no-user-config -display none -monitor none -no-reboot "${args[@]}" \
		-serial "file:$out" -kernel "$kernel" -initrd "$dir/initrd/1" \
		-append "console=ttyS0 quiet panic=-1 intel_iommu=on no_timer_check tsc=reliable \
			zoo.run=1 zoo.at=0000:01:00.0" \
		</dev/null >&2 || true
	tr -d '\r' <"$out" | sed -n "s/^zoo: $1 /$1 bare /p" >"$dir/out"
	if grep -q ' done$' "$dir/out"; then
		echo "ok"
	else
		echo "fails: $(failure "$1" bare)"
		tr -d '\r' <"$out" | grep -vE '^zoo: [^ ]* (read|wrote)' | tail -n 15 | sed 's/^/  /' >&2
	fi
}

# bare NAME: both, on one line.
bare() {
	local specs=() extra= job
	dir=$(mktemp -d "${TMPDIR:-/tmp}/zoo.XXXXXX")
	mkdir -p "$dir/initrd"
	host "$1"
	echo "$1 unassigned: behind the IOMMU $(bare_run "$1" with); without an IOMMU $(bare_run "$1" without)"
	rm -rf "$dir"
}
