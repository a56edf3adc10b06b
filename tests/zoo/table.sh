# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# ZOO.md: written from results, and read again to compare with. A row is | device | work | interrupts | reset |
# legacy | iommufd |, the last two the result with that backend.

# describe NAME: the work, in words.
describe() {
	local kind a b
	read -r kind a b < <(get "$1" work) || true
	case $kind in
	disk) echo "${a:-8} MiB read, ${a:-8} MiB written, both compared with the image" ;;
	net) echo "10 MiB each way, checksums compared with the peer's" ;;
	rng) echo "64 KiB, all of them from the source outside" ;;
	echo) echo "5.5 KB out and back through ${b:-1} port(s)" ;;
	sound) echo "1024 frames at $a Hz, found again in the file" ;;
	edu) echo "registers, DMA both ways, both kinds of interrupts" ;;
	testdev) echo "accesses counted, in memory and in ports" ;;
	shm) echo "64 words all over $a MiB, compared outside" ;;
	doorbell) echo "a peer rung with two vectors, and ringing back" ;;
	screen) echo "a picture painted, every point compared outside" ;;
	watchdog) echo "started, and left to fire" ;;
	esac
}

# cell NAME COLUMN: of the table that is there.
cell() {
	[ ! -e "$HERE/ZOO.md" ] ||
		awk -F ' *[|] *' -v name="$1" -v n="$2" '$2 == name { print $n }' "$HERE/ZOO.md"
}

# result NAME BACKEND COLUMN: of the runs just made: 3 interrupts, 4 reset, 5 result.
result() {
	awk -F '|' -v name="$1" -v backend="$2" -v n="$3" '$1 == name && $2 == backend { print $n }' "$work/results"
}

# verdict NAME BACKEND COLUMN: the newer of the two.
newer() {
	local got
	got=$(result "$1" "$2" 5)
	got=${got:-$(cell "$1" "$3")}
	echo "${got:-not seen yet}"
}

row() {
	local irq reset
	irq=$(result "$1" iommufd 3)
	irq=${irq:-$(result "$1" legacy 3)}
	reset=$(result "$1" iommufd 4)
	reset=${reset:-$(result "$1" legacy 4)}
	irq=${irq:-$(cell "$1" 4)}
	reset=${reset:-$(cell "$1" 5)}
	echo "| $1 | $(describe "$1") | ${irq:-?} | ${reset:-?} |" \
		"$(newer "$1" legacy 6) | $(newer "$1" iommufd 7) |"
}

write_table() {
	local name
	{
		cat "$HERE/preface"
		echo "| device | work in the guest | interrupts | resets | legacy | iommufd |"
		echo "|---|---|---|---|---|---|"
		for name in $(names); do
			row "$name"
		done
	} >"$work/table"
	cp "$work/table" "$HERE/ZOO.md"
}

# compare_table: what was seen just now is what ZOO.md says.
compare_table() {
	local name backend irq reset got column
	while IFS='|' read -r name backend irq reset got; do
		column=6
		[ "$backend" = legacy ] || column=7
		[ "$irq, $reset, $got" = "$(cell "$name" 4), $(cell "$name" 5), $(cell "$name" $column)" ] && continue
		say "$name, $backend: ZOO.md says $(cell "$name" 4), $(cell "$name" 5), $(cell "$name" $column)," \
			"but now it is $irq, $reset, $got"
		stale=y
	done <"$work/results"
}

# check_table: each animal has a row, each row an animal, and no cell is empty.
check_table() {
	local rows
	rows=$(awk -F ' *[|] *' '/^[|] [a-zA-Z0-9]/ && $2 != "device" { print $2 }' "$HERE/ZOO.md")
	if [ "$rows" != "$(names)" ]; then
		say "ZOO.md and the list differ:"
		diff <(echo "$rows") <(names) >&2 || true
		stale=y
	fi
	if grep -n '|  *|' "$HERE/ZOO.md" >&2; then
		say "ZOO.md has empty cells"
		stale=y
	fi
}
