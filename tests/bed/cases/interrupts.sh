# SPDX-License-Identifier: BSD-2-Clause
#
# An assigned device's interrupts reach the guest without us: 200 of each kind (pin, MSI, MSI-X), with either backend,
# and not once does KVM_RUN return or another thread of ours wake up. That the counts can tell is seen right after, when
# the guest does 25 accesses which leave for user space, and the main thread gets a signal. Prints the figures.
. "$(dirname "$0")/../case.sh"

count=200
traps=25
guests "$TMP/guest"
cat >"$TMP/inside" <<'END'
count=$1 traps=$2
. /meet
# signals DEVICE: how often the host's VFIO was interrupted by the device so far.
signals() {
	awk -v name="($1)" '/vfio-/ && index($0, name) { n += $2 + $3 } END { print n + 0 }' /proc/interrupts
}
# writable: how many bytes of the program's own file are mapped for writing.
writable() {
	sum=0
	for range in $(sed -n 's,^\([^ ]*\) rw.*/postern$,\1,p' /proc/$pid/maps); do
		sum=$((sum + 0x${range#*-} - 0x${range%-*}))
	done
	echo $sum
}
# measure KIND DEVICE BACKEND
measure() {
	begin_guest --kernel /interrupts --iommu "$3" --vfio "$2" --append "$1 count=$count traps=$traps" || return
	reached 1 || return
	signals=$(signals "$2") exits=$(exits) wakes=$(wakes)
	go 1
	reached 2 || return
	signals2=$(signals "$2") exits2=$(exits) wakes2=$(wakes)
	go 2
	reached 3 || return
	trapped=$(($(exits) - exits2))
	echo "writable: $(writable)"
	# Signals are the main thread's to take.
	kill -HUP $pid
	until [ "$(wakes)" -gt "$wakes2" ]; do
		kill -0 $pid || return
		usleep 20000
	done
	go 3
	wait $pid
	status=$?
	came=$(tr -d '\r' </out | sed -n 's/^interrupts \([0-9]*\),.*/\1/p')
	echo "measured: $1 $3 $came $((signals2 - signals)) $((exits2 - exits)) $((wakes2 - wakes)) $trapped $status"
}
edu=0000:01:00.0
igb=0000:02:00.0
postern bind $edu $igb || exit
for backend in legacy iommufd; do
	measure intx $edu $backend
	measure msi $edu $backend
	measure msix $igb $backend
done
END
status "$BED" --bare --device edu --device igb --add "$BINARY:/bin/postern" --add "$TMP/guest/interrupts" \
	--add "$bed_dir/meet" --add "$TMP/inside" -- sh /inside $count $traps >"$TMP/out"
equal "the bed's status" 0 "$status"
grep '^measured: ' "$TMP/out" >"$TMP/figures" || {
	cat "$TMP/out"
	fail "no figures"
}
awk 'BEGIN { print "kind  backend  interrupts  exits-to-user-space  per-interrupt  other-threads-woken" }
	{ printf "%-4s  %-7s  %10d  %19d  %13g  %19d\n", $2, $3, $4, $6, $4 ? $6 / $4 : 0, $7 }' "$TMP/figures" |
	figures
[ "$(grep -c '^writable: [48][0-9]*$' "$TMP/out")" = 6 ] || {
	grep '^writable' "$TMP/out"
	fail "more than two pages of the program's file can be written"
}
[ "$(wc -l <"$TMP/figures")" = 6 ] || {
	cat "$TMP/out"
	fail "a run gave no figures"
}
while read -r _ kind backend came signals exits wakes trapped end; do
	what="$kind, $backend"
	equal "$what: the guest's status" 0 "$end"
	equal "$what: interrupts that the guest took" $count "$came"
	[ "$signals" -ge $count ] || fail "$what: the host's VFIO heard of $signals interrupts only"
	equal "$what: exits to user space" 0 "$exits"
	equal "$what: wake-ups of other threads" 0 "$wakes"
	equal "$what: exits to user space of $traps accesses that trap" $traps "$trapped"
done <"$TMP/figures"
