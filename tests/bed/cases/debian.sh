# SPDX-License-Identifier: BSD-2-Clause
#
# Debian as it installs itself (tests/prepare/debian-root), with its own kernel, initrd and systemd: it boots from a
# disk to a login prompt, gets an address by DHCP, lets root in, reaches the host, and shuts down so that its file
# system is clean.
. "$(dirname "$0")/../case.sh"

only x86 "nobody has seen arm64's come up yet"
debian=$("$PREPARE/debian-root") || skip "no Debian system to boot: tests/prepare/debian-root says why"
"$PREPARE/need" e2fsprogs || skip "no e2fsprogs"
mkdir "$TMP/share"
cp "$BINARY" "$TMP/share/postern"
cp "$debian/vmlinuz" "$debian/initrd.img" "$TMP/share/"
cp --sparse=always "$debian/root.img" "$TMP/root.img"

cat >"$TMP/inside" <<'END_OF_INSIDE'
say() {
	echo "host: after $(cut -d. -f1 /proc/uptime) s: $*"
}
# await TEXT: until the guest's console shows it, behind what was awaited before.
at=1
await() {
	until tail -c "+$at" /out | tr -d '\r' | grep -q "$1"; do
		kill -0 $guest 2>/dev/null || { say "the guest has ended before '$1'" && return 1; }
		sleep 1
	done
	say "there is '$1'"
	at=$(($(wc -c </out) + 1))
}
# enter LINE: as a user does.
enter() {
	printf '%s\r' "$1" >&5
}
tunctl -t tap0 >/dev/null
ip addr add 10.0.9.1/24 dev tap0
ip link set tap0 up
mkdir -p /var/lib/misc /etc
: >/var/lib/misc/udhcpd.leases
printf '%s\n' 'start 10.0.9.50' 'end 10.0.9.60' 'interface tap0' 'option subnet 255.255.255.0' \
	'option router 10.0.9.1' >/etc/udhcpd.conf
udhcpd -f /etc/udhcpd.conf >/dev/null 2>&1 &
mkfifo /in
: >/out
/share/postern run --kernel /share/vmlinuz --initrd /share/initrd.img --memory 512M --disk /dev/nvme0n1 \
	--net tap=tap0 --append "root=/dev/vda ro console=$console quiet systemd.show_status=1" \
	--once --timeout 1500 </in >/out 2>/err &
guest=$!
exec 5>/in
await 'debian login: ' && enter root && await 'root@debian:~#' &&
	enter 'systemctl is-system-running --wait; systemctl --failed --no-legend; echo settled $((40 + 2))' &&
	await 'settled 42' &&
	enter 'ip addr; ping -c 3 -i 0.2 10.0.9.1; uname -a; echo this is mine >kept; echo looked $((40 + 2))' &&
	await 'looked 42' && enter 'systemctl poweroff'
wait $guest
say "status $?"
cat /err
tr -d '\r' </out | sed 's/^/guest: /'
END_OF_INSIDE
status "$BED" --nvme "$TMP/root.img" --share "$TMP/share" --add "$TMP/inside" --timeout 1800 -- \
	sh /inside >"$TMP/out" 2>&1
cat "$TMP/out"
equal "the bed's status" 0 "$status"
has "a login prompt" "^guest: .*debian login: " "$TMP/out"
has "services" "^guest: .*running$" "$TMP/out"
has "an address by DHCP" "^guest: *inet 10\.0\.9\.5[0-9]/24 .*dynamic" "$TMP/out"
has "the host is reached" "^guest: 3 packets transmitted, 3 received" "$TMP/out"
has "the guest's end" "^host: after .* status 0$" "$TMP/out"
equal "what was written" "this is mine" "$(debugfs -R 'cat /root/kept' "$TMP/root.img" 2>/dev/null)"
dumpe2fs -h "$TMP/root.img" >"$TMP/fs" 2>/dev/null
has "the file system" "^Filesystem state: *clean$" "$TMP/fs"
equal "its journal" "" "$(grep -o needs_recovery "$TMP/fs")"
sed -n 's/^host: after/after/p' "$TMP/out" | figures
