# SPDX-License-Identifier: BSD-2-Clause
#
# Prints LINES FILE:LINE NAME for each function: the lines between the brace
# in the first column that opens it and the one that closes it.

FNR == 1 { open = 0; name = "" }

/^[a-zA-Z_].*\(/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ \t*]/, "", name)
}

/^\{/ { open = FNR }

/^\}/ && open {
	print FNR - open - 1, FILENAME ":" open, name
	open = 0
}
