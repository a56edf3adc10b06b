# SPDX-License-Identifier: BSD-2-Clause
#
# Assign, run, stop, fifty times in a loop, with kill -9 while the devices are at work in every third: nothing is left
# behind on the host, by a table of what it had before and after. The two backends take turns. ROUNDS for another
# number of times.
. "$(dirname "$0")/../case.sh"

guests "$TMP/guest"
echo "rounds=${ROUNDS:-50}" >"$TMP/inside"
cat >>"$TMP/inside" <<'END'
edu=0000:02:00.0
nvme=0000:01:00.0

# value FILE NAME: the number beside a name in a file of /proc.
value() {
	awk -v name="$2" '$1 == name || $1 == name ":" { n = $2 } END { print n + 0 }' "$1"
}

# links PATTERN: open files of all processes whose name matches.
links() {
	ls -l /proc/[0-9]*/fd 2>/dev/null | grep -cE -- "-> $1"
}

# look: a line for each thing that can leak, its name and how much of it there is.
look() {
	# What the kernel frees later, after a grace period, is freed.
	sleep 2
	echo "processes $(ls -l /proc/[0-9]*/exe 2>/dev/null | grep -c -- '-> /bin/postern')"
	echo "vfio-files $(links '/dev/(vfio|iommu)')"
	echo "anonymous-files $(links 'anon_inode:(kvm|\[?eventfd|vfio|\[?iommufd)')"
	echo "open-files $(cut -f 1 /proc/sys/fs/file-nr)"
	echo "virtual-machines $(ls -d /sys/kernel/debug/kvm/*-* 2>/dev/null | wc -l)"
	echo "interrupts $(grep -c vfio /proc/interrupts)"
	echo "pinned-pages $(($(value /proc/vmstat nr_foll_pin_acquired) - $(value /proc/vmstat nr_foll_pin_released)))"
	echo "iommu-pages $(value /proc/vmstat nr_iommu_pages)"
	echo "unevictable-kB $(value /proc/meminfo Unevictable)"
	echo "shared-kB $(value /proc/meminfo Shmem)"
	echo "bus-masters $(for dev in $edu $nvme; do
		od -An -tx1 -j4 -N1 /sys/bus/pci/devices/$dev/config; done | grep -c '[4-7c-f]$')"
}

begin() {
	postern run --quiet --once --iommu $1 --kernel /edu --memory 64M --cpus 2 --vfio $nvme --vfio $edu \
		--timeout 60 --append "msix $2" >/out 2>/err </dev/null &
}

postern bind $edu || exit
postern bind $nvme || exit
# Once each, for what the kernel makes at first use and keeps.
for iommu in legacy iommufd; do
	begin $iommu
	wait $! || cat /out /err
done
look >/before
round=1
good=0
killed=0
start=$(cut -d . -f 1 /proc/uptime)
while [ $round -le $rounds ]; do
	iommu=legacy
	[ $((round % 2)) = 0 ] || iommu=iommufd
	if [ $((round % 3)) = 0 ]; then
		begin $iommu endless
		i=0
		until grep -q 'edu: well' /out || [ $i -gt 300 ]; do
			usleep 20000
			i=$((i + 1))
		done
		if [ $round = 3 ]; then
			look >/during
		fi
		kill -9 $!
		wait $!
		status=$?
		[ $status = 137 ] && [ $i -le 300 ] && killed=$((killed + 1))
	else
		begin $iommu
		wait $!
		status=$?
		[ $status = 0 ] && grep -q 'edu: well' /out && good=$((good + 1))
	fi
	case $status in 0 | 137) ;; *) echo "round $round: status $status"; cat /out /err ;; esac
	echo "round $round of $rounds: $iommu, status $status, at $(cut -d . -f 1 /proc/uptime) s"
	round=$((round + 1))
done
echo "rounds $good ended $killed killed in $(($(cut -d . -f 1 /proc/uptime) - start)) s"
look >/after
paste /before /during /after | awk 'BEGIN { print "table what before running after" }
	{ print "table", $1, $2, $4, $6 }'
complaints | sed 's/^/complaint /'
END
# On a busy machine a round takes ten times as long as on an idle one.
status "$BED" --timeout 1200 --add "$BINARY:/bin/postern" --add "$TMP/guest/edu" --add "$TMP/inside" -- sh /inside \
	>"$TMP/out" 2>"$TMP/err"
cat "$TMP/out" "$TMP/err"
equal "the bed's status" 0 "$status"
rounds=${ROUNDS:-50}
has "all rounds" "^rounds $((rounds - rounds / 3)) ended $((rounds / 3)) killed" "$TMP/out"
! grep -q '^complaint' "$TMP/out" || fail "the host complains"
# What is counted over all of the host goes up and down a bit without us; a leak is at least one a kill.
sed -n 's/^table //p' "$TMP/out" | sed 1d >"$TMP/table"
[ "$(wc -l <"$TMP/table")" = 11 ] || fail "no whole table"
while read -r what before running after; do
	slack=0
	case $what in open-files | iommu-pages) slack=8 ;; unevictable-kB | shared-kB) slack=64 ;; esac
	[ "$((after - before))" -le $slack ] || fail "$what: $before before, $after after"
	# Else it would not be seen either if it leaked. The kernel need not count pinned pages as unevictable.
	[ "$running" -gt "$before" ] || [ "$what" = unevictable-kB ] || fail "$what: no more than before while one runs"
done <"$TMP/table"
sed -n 's/^table //p' "$TMP/out" | awk '{ printf "%-18s %8s %14s %8s\n", $1, $2, $3, $4 }' | figures
