# SPDX-License-Identifier: BSD-2-Clause
#
# A device's BAR of 256 bytes: accesses to it leave for user space only while the guest has it within a page, or in one
# with another device's; where they go is right at each place, in each width. With either backend.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
cat >"$TMP/inside" <<'END'
. /meet
a=0000:01:00.0 b=0000:02:00.0
postern bind $a $b || exit
for backend in legacy iommufd; do
	begin_guest --kernel /smallbar --iommu $backend --vfio $a --vfio $b --append accesses=100 || exit
	counts=
	for n in 0 1 2 3 4 5 6 7 8 9; do
		reached $n || exit
		counts="$counts $(exits)"
		go $n
	done
	wait $pid
	status=$?
	set -- $counts
	echo "$backend: status $status exits $(($2 - $1)) $(($4 - $3)) $(($6 - $5)) $(($8 - $7)) $((${10} - $9))"
	cat /err
done
END
status "$BED" --bare --device rtl8139 --device rtl8139 --add "$BINARY:/bin/postern" \
	--add "$TMP/guest/smallbar" --add "$bed_dir/meet" --add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
for backend in legacy iommufd; do
	# At home; within the page; back at home; both in one page; each in its own.
	has "$backend" "^$backend: status 0 exits 0 100 0 200 0\$" "$TMP/out"
	if grep "cannot" "$TMP/out"; then fail "$backend: it complains"; fi
done
