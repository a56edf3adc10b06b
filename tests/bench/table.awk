# SPDX-License-Identifier: BSD-2-Clause
#
# The table, of the rows and of `VMM ROW VALUE` lines, in this order:
#
#	awk -f table.awk rows figures
#
# Of several rounds the median counts. A column is empty where there is no
# such peer; `ahead` is how many times as good Postern is as the best other.

function median(key,   i, j, n, v, t) {
	n = split(values[key], v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n ? v[int((n + 1) / 2)] + 0 : ""
}

function ahead(   i, v, best, less) {
	best = ""
	less = way[row] == "less"
	for (i = 2; i <= nr_vmms; i++) {
		v = median(vmms[i] " " row)
		if (v != "" && (best == "" || (less ? v < best : v > best)))
			best = v
	}
	v = median("postern " row)
	if (best == "" || v == "" || !best || !v)
		return ""
	return sprintf("%.2f", less ? best / v : v / best)
}

FILENAME == ARGV[1] && /^[^#\t]/ {
	split($0, part, "\t")
	rows[++nr_rows] = part[1]
	unit[part[1]] = part[2]
	scale[part[1]] = part[3]
	way[part[1]] = part[4]
	title[part[1]] = part[5]
}
FILENAME == ARGV[1] && /^\t/ {
	note[rows[nr_rows]] = note[rows[nr_rows]] "\n   " substr($0, 2)
}
FILENAME == ARGV[2] {
	values[$1 " " $2] = values[$1 " " $2] " " $3
}

END {
	nr_vmms = split("postern kvmtool microvm", vmms, " ")
	printf "%-52s %-10s %12s %12s %12s %6s\n", "", "", "Postern", "kvmtool", "QEMU microvm", "ahead"
	for (i = 1; i <= nr_rows; i++) {
		row = rows[i]
		printf "%-52s %-10s", title[row], unit[row]
		for (j = 1; j <= nr_vmms; j++) {
			v = median(vmms[j] " " row)
			printf " %12s", v == "" ? "" : sprintf("%.*f", scale[row] > 1 ? 1 : 0, v / scale[row])
		}
		printf " %6s\n", ahead()
		if (note[row] != "")
			print substr(note[row], 2)
	}
}
