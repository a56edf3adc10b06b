# SPDX-License-Identifier: BSD-2-Clause
#
# Prints FILE:LINE:CODE for each line of C, comments and what stands in
# strings taken out, so that a search finds code only. Include lines are left
# as they are.

FNR == 1 { comment = 0 }

!comment && /^[ \t]*#[ \t]*include/ { print FILENAME ":" FNR ":" $0; next }

{
	code = ""
	rest = $0
	while (rest != "") {
		if (comment) {
			end = index(rest, "*/")
			rest = end ? substr(rest, end + 2) : ""
			comment = !end
		} else if (match(rest, /^[^\/"']+/)) {
			code = code substr(rest, 1, RLENGTH)
			rest = substr(rest, RLENGTH + 1)
		} else if (match(rest, /^"([^"\\]|\\.)*"/) ||
			   match(rest, /^'([^'\\]|\\.)*'/)) {
			code = code substr(rest, 1, 1) substr(rest, 1, 1)
			rest = substr(rest, RLENGTH + 1)
		} else if (rest ~ /^\/\//) {
			rest = ""
		} else if (rest ~ /^\/\*/) {
			comment = 1
			rest = substr(rest, 3)
		} else {
			code = code substr(rest, 1, 1)
			rest = substr(rest, 2)
		}
	}
	print FILENAME ":" FNR ":" code
}
