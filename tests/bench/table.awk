# SPDX-License-Identifier: BSD-2-Clause
#
# The table, of the rows and of `VMM ROW VALUE` lines:
#
#	awk -f table.awk rows figures
#
# Of several rounds the median counts. Behind a peer's figure is how many times as good Postern's is, below a row where
# that is less than once, why, unless its own rounds differ by more. A peer that is not there has an empty column.

# sorted KEY: its values into the array v; returns how many.
function sorted(key,   i, j, n, t) {
	n = split(values[key], v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n
}

# median KEY: of an even number, the lower one of the middle two.
function median(key,   n) {
	n = sorted(key)
	return n ? v[int((n + 1) / 2)] + 0 : ""
}

# noise KEY: how many times its least value the greatest is.
function noise(key,   n) {
	n = sorted(key)
	return n && v[1] ? v[n] / v[1] : 1
}

# times ROW PEER: how many times as good as it Postern is, or nothing.
function times(row, peer,   own, other) {
	own = median("postern " row)
	other = median(peer " " row)
	if (!own || !other)
		return ""
	return sprintf("%.2f", way[row] == "less" ? other / own : own / other)
}

function cell(row, vmm,   value) {
	value = median(vmm " " row)
	return value == "" ? "" : sprintf("%.*f", scale[row] > 1 ? 1 : 0, value / scale[row])
}

# reason ROW RATIO: why Postern is only that good.
function reason(row, ratio,   n) {
	n = noise("postern " row)
	if (n * ratio > 1)
		return sprintf("    within the noise: Postern's own rounds differ by %.0f %%", (n - 1) * 100)
	return note[row] == "" ? "    behind, and no reason known" : substr(note[row], 2)
}

BEGIN { FS = "\t" }
/^#/ { next }
FILENAME == ARGV[1] && /^[^\t]/ {
	rows[++nr_rows] = $1
	unit[$1] = $2
	scale[$1] = $3
	way[$1] = $4
	title[$1] = $5
}
FILENAME == ARGV[1] && /^\t/ {
	note[rows[nr_rows]] = note[rows[nr_rows]] "\n    " $2
}
FILENAME == ARGV[2] && split($0, part, " ") == 3 {
	values[part[1] " " part[2]] = values[part[1] " " part[2]] " " part[3]
}

END {
	printf "%-56s %-6s %10s %19s %19s\n", "", "", "Postern", "kvmtool", "QEMU microvm"
	for (i = 1; i <= nr_rows; i++) {
		row = rows[i]
		printf "%-56s %-6s %10s", title[row], unit[row], cell(row, "postern")
		worst = 1
		for (j = split("kvmtool microvm", peers, " "); j; j--) {
			t[j] = times(row, peers[j])
			if (t[j] != "" && t[j] + 0 < worst)
				worst = t[j] + 0
			t[j] = t[j] == "" ? "" : " (" t[j] ")"
		}
		printf " %10s%9s %10s%9s\n", cell(row, "kvmtool"), t[1], cell(row, "microvm"), t[2]
		if (worst < 1)
			print reason(row, worst)
	}
}
