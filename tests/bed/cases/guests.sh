# SPDX-License-Identifier: BSD-2-Clause
#
# The guest tier inside the emulated host, for machines whose own /dev/kvm can't run it. It stays on one processor:
# of guests that do nothing but write to a port, about one in twenty triple-faulted while their thread was moved
# between emulated processors, and none in thirty when it was not. Why is not known.
. "$(dirname "$0")/../case.sh"

make -s -f "$bed_dir/../guest/Makefile" O="$TMP/guests" >&2
status "$BED" --bare --timeout 900 --add "$BINARY:/bin/postern" --add "$TMP/guests:/guests" \
	--add "$bed_dir/../guest/run:/guests-run" -- \
	LIMIT=120 taskset 1 sh /guests-run --binary /bin/postern --guests /guests >"$TMP/out"
sed 's/^[0-9]* passed/sum: &/' "$TMP/out"
equal "the runner's status" 0 "$status"
has "all that ran" '^[1-9][0-9]* passed, 0 failed, 0 skipped$' "$TMP/out"
