# SPDX-License-Identifier: BSD-2-Clause
#
# GAPS.md of what there is to try (`gaps list`), what came out (VARIANT IOMMU
# SCENARIO PATH OUTCOME, a line each) and the sentences, in this order:
#
#	awk -v variants="all legacy ..." -f table.awk list outcomes sentences
#
# A sentence about what does not differ counts as wrong only if there are
# outcomes of all variants.
#
# What is wrong with them goes to stderr, and makes the status 1.

function wrong(text) {
	print "gaps: " text >"/dev/stderr"
	bad = 1
}

FILENAME == ARGV[1] {
	split($0, part, "\t")
	if (part[1] != sections[nr_sections])
		sections[++nr_sections] = part[1]
	names[nr_sections, ++count[nr_sections]] = part[2]
	title[part[2]] = part[3]
	next
}

FILENAME == ARGV[2] {
	if (!($3 in title))
		wrong($3 ": an outcome of what is not in the list")
	if ($5 ~ /^broken/)
		wrong($1 ", " $2 ", " $3 ", " $4 ": " $5)
	column = $1 (($4 == "host") ? "" : " " $4)
	if (!(($2, column) in known)) {
		known[$2, column] = 1
		columns[$2, ++nr_columns[$2]] = column
	}
	if (!($2 in known_iommu)) {
		known_iommu[$2] = 1
		iommus[++nr_iommus] = $2
	}
	cells[$2, column, $3] = $5
	tried[$3] = 1
	run[$1] = 1
	next
}

/^#/ || /^$/ { next }
/^[^\t]/ {
	head = $0
	paragraphs[++nr_paragraphs] = head
	n = split(head, part, " ")
	for (i = 1; i <= n; i++) {
		if (!(part[i] in title))
			wrong(part[i] ": a sentence about what is not in the list")
		paragraph[part[i]] = head
	}
	next
}
{
	sub(/^\t/, "")
	text[head] = text[head] (text[head] == "" ? "" : "\n") $0
}

# What a reader sees: the call in brackets.
function shown(outcome) {
	if (outcome == "")
		return " "
	if (outcome ~ /^E[A-Z0-9]+@/) {
		sub(/@/, " (", outcome)
		outcome = outcome ")"
	}
	gsub(/,/, ", ", outcome)
	return outcome
}

# has(SECTION, IOMMU, COLUMN): any outcome of the section there.
function has(section, iommu, column,   i) {
	for (i = 1; i <= count[section]; i++)
		if ((iommu, column, names[section, i]) in cells)
			return 1
	return 0
}

# row(IOMMU, SCENARIO): a line of the table; notes whether its cells differ.
function row(iommu, name,   i, line, cell, first, seen) {
	line = "| `" name "` | " title[name] " |"
	for (i = 1; i <= nr; i++) {
		cell = cells[iommu, used[i], name]
		line = line " " shown(cell) " |"
		if (cell == "-" || cell == "")
			continue
		seen = 1
		if (first == "")
			first = cell
		if (cell != first)
			differs[name] = 1
	}
	if (seen || line ~ / - \|/)
		print line
}

# table(SECTION, IOMMU): nothing if nothing was tried there.
function table(section, iommu,   i, head, rule) {
	nr = 0
	for (i = 1; i <= nr_columns[iommu]; i++)
		if (has(section, iommu, columns[iommu, i]))
			used[++nr] = columns[iommu, i]
	if (!nr)
		return
	head = "| scenario | |"
	rule = "|---|---|"
	for (i = 1; i <= nr; i++) {
		head = head " " used[i] " |"
		rule = rule "---|"
	}
	print "IOMMU: " iommu_name[iommu] ".\n\n" head "\n" rule
	for (i = 1; i <= count[section]; i++)
		row(iommu, names[section, i])
	print ""
}

# notes(SECTION): the sentences about its scenarios, each once.
function notes(section,   i, n, part, list, j) {
	for (i = 1; i <= nr_paragraphs; i++) {
		n = split(paragraphs[i], part, " ")
		if (!ours(section, part[1]))
			continue
		list = "`" part[1] "`"
		for (j = 2; j <= n; j++)
			list = list ", `" part[j] "`"
		print list ":\n" text[paragraphs[i]] "\n"
	}
}

function ours(section, name,   i) {
	for (i = 1; i <= count[section]; i++)
		if (names[section, i] == name)
			return 1
	return 0
}

END {
	iommu_name["intel"] = "intel-iommu"
	iommu_name["intel-noir"] = "intel-iommu without interrupt remapping"
	iommu_name["virtio"] = "virtio-iommu"
	iommu_name["none"] = "none"
	for (s = 1; s <= nr_sections; s++) {
		print "## " sections[s] "\n"
		for (i = 1; i <= nr_iommus; i++)
			table(s, iommus[i])
		notes(s)
	}
	complete = 1
	n = split(variants, part, " ")
	for (i = 1; i <= n; i++)
		complete = complete && part[i] in run
	for (name in title) {
		if (!(name in tried))
			wrong(name ": not tried anywhere")
		if (differs[name] && !(name in paragraph))
			wrong(name ": differs, and nobody says what that means (sentences)")
		if (complete && !differs[name] && name in paragraph)
			wrong(name ": does not differ, and there is a sentence about it")
	}
	exit bad
}
