# SPDX-License-Identifier: BSD-2-Clause
#
# The contract of the DMA backends on real kernels: the tests that run over the fake one (tests/unit/contract.c), by
# every way that a host kernel has. CONFORMANCE_HOSTS names some of the kernels.
. "$(dirname "$0")/../case.sh"

(cd "$bed_dir/../.." && make -s O="$O" conformance) || fail "the tests do not build"

# ways HOST: what tests/unit/ways.h calls the ways that it has.
ways() {
	case $1 in
	all | all-*) echo legacy instead iommufd ;;
	legacy | debian) echo legacy ;;
	cdev) echo iommufd ;;
	compat) echo compat instead by_group ;;
	group-only) echo instead by_group ;;
	esac
}

total=0
for host in ${CONFORMANCE_HOSTS:-$(all_hosts)}; do
	have_host "$host" || continue
	ways=$(ways "$host")
	status "$BED" --host "$host" --bare --device edu,dma_mask=0xffffffffffffffff \
		--add "$O/conformance:/bin/conformance" --add "$BINARY:/bin/postern" -- \
		"postern bind 0000:01:00.0 && CONTRACT_DEVICE=0000:01:00.0 CONTRACT_WAYS='$ways' conformance" \
		>"$TMP/out" 2>"$TMP/err"
	grep -v '^SKIP\|^not in CONTRACT_WAYS' "$TMP/out" | sed "s/^/$host: /"
	[ "$status" = 0 ] || cat "$TMP/err"
	equal "the bed's status on $host" 0 "$status"
	for way in $ways; do
		passed=$(grep -c "^PASS conformance: ${way}_" "$TMP/out" || true)
		total=$((total + passed))
		[ "$passed" -ge 14 ] || fail "$way on $host: only $passed passed"
	done
done
echo "$total passed on real kernels"
every_host
