# SPDX-License-Identifier: BSD-2-Clause
#
# Devices by which a guest and its host get along, in a stock guest. Sockets: 1 MiB either way, on Debian's host, which
# has vhost-vsock; no two guests have the same number. The balloon: what the guest has freed, the host has again, the
# guest's memory shrinks when it is told to, and comes back; and with an assigned device, the host keeps what it has
# and says so. A panic is told, and ends the guest; one that does not pat its watchdog is reset, and knows afterwards,
# or is stopped.
. "$(dirname "$0")/../case.sh"

mkdir -p "$TMP/share"
cp "$BINARY" "$TMP/share/postern"
# On arm64, Debian's kernels know no panic device, and the one for clouds no watchdog.
kernel=$(by_arch 6.12-cloud 6.12-generic)
panics=$(by_arch pvpanic-pci "")
cp "$("$PREPARE/guest-kernel" "$kernel")" "$TMP/share/kernel"
# shellcheck disable=SC2086
modules "$TMP/modules" "$kernel" virtio_pci virtio_balloon vmw_vsock_virtio_transport $panics i6300esb
[ -z "$panics" ] || touch "$TMP/share/panics"
modules "$TMP/share/vhost" 6.12-generic vhost_vsock
tool "$bed_dir/vsock.c" "$TMP/share/vsock"
cat >"$TMP/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
for file in /modules/*; do
	case $file in
	*i6300esb*) insmod "$file" heartbeat=4 ;;
	*) insmod "$file" ;;
	esac
done
say() {
	echo "guest: $*"
}
free() {
	awk '/^MemFree:/ { print int($2 / 1024) }' /proc/meminfo
}
fill() {
	dd if=/dev/zero of=/filled bs=1M count=100 2>/dev/null
}
do_vsock() {
	dd if=/dev/urandom of=/data bs=1M count=1 2>/dev/null
	say sent "$(md5sum </data)"
	/vsock send 2 1000 </data
	/vsock serve 2000 >/data
	say got "$(md5sum </data)"
}
do_balloon() {
	fill
	say filled
	sleep 10
	rm /filled
	sleep 10
	say "free $(free)"
	until [ "$(free)" -lt 80 ]; do sleep 1; done
	say "shrunk, free $(free)"
	until [ "$(free)" -gt 120 ]; do sleep 1; done
	fill
	say "filled again, free $(free)"
	sleep 1000
}
do_panic() {
	echo c >/proc/sysrq-trigger
	sleep 100
}
do_watchdog() {
	status=$(cat /sys/class/watchdog/watchdog0/bootstatus)
	say "was $status"
	[ "$status" = 0 ] || return 0
	exec 3>/dev/watchdog
	echo >&3
	sleep 1000
}
do_$(sed 's/.*do=//' /proc/cmdline)
poweroff -f
END
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$TMP/init" "$TMP/modules:/modules" "$TMP/share/vsock:/vsock"

cat >"$TMP/lib" <<'END'
run() {
	todo=$1
	shift
	exec /share/postern run --kernel /share/kernel --initrd /share/initrd.gz --memory 256M --timeout 400 \
		--append "console=$console quiet panic=60 do=$todo" "$@"
}
# start DO OPTIONS...: in the background.
start() {
	what=$1
	: >/out
	(run "$@") >/out 2>/err </dev/null &
	guest=$!
}
ended() {
	status=0
	wait $guest || status=$?
	echo "$what: status $status"
	sed "s/^/$what: /" /err
	tr -d '\r' </out | sed -n "s/^guest: /$what: /p"
}
# heard TEXT: until the guest has said so.
heard() {
	until grep -q "^guest: $1" /out; do
		kill -0 $guest || { cat /out /err && exit 1; }
		sleep 0.2
	done
}
stat() {
	/share/postern ctl /ctl stats | sed "s/.*\"$1\": \([0-9]*\).*/\1/"
}
rss() {
	awk '/^RssShmem:/ { print int($2 / 1024) }' /proc/$guest/status
}
# balloon MIB: tell it, and until the guest has done so.
balloon() {
	/share/postern ctl /ctl balloon ${1}M
	tries=0
	until [ "$(stat balloon_bytes)" = $(($1 << 20)) ] || [ $((tries += 1)) -gt 300 ]; do sleep 0.3; done
	echo "$what: balloon $(($(stat balloon_bytes) >> 20))"
}
END
cat "$TMP/lib" - >"$TMP/vsock" <<'END'
for file in /share/vhost/*; do insmod $file; done
start vsock --once --vsock 42
/share/vsock serve 1000 >/data
echo "host: got $(md5sum </data)"
(run vsock --vsock 42) >/other 2>&1 </dev/null
echo "other: status $?: $(cat /other)"
dd if=/dev/urandom of=/data bs=1M count=1 2>/dev/null
/share/vsock send 42 2000 </data
echo "host: sent $(md5sum </data)"
ended
END
cat "$TMP/lib" - >"$TMP/others" <<'END'
start balloon --balloon --control /ctl
heard filled
echo "balloon: rss filled $(rss)"
heard free
echo "balloon: rss freed $(rss)"
balloon 128
heard shrunk
echo "balloon: discarded $(($(stat discarded_bytes) >> 20))"
stat free_bytes >/dev/null
sleep 2
echo "balloon: told $(($(stat free_bytes) >> 20)) of $(($(stat total_bytes) >> 20))"
/share/postern ctl /ctl stats --prometheus | sed -n 's/^postern_/balloon: &/p' | head -n 12
balloon 0
heard "filled again"
echo "balloon: rss again $(rss)"
/share/postern ctl /ctl kill
ended

/share/postern bind 0000:01:00.0
start balloon --balloon --control /ctl --vfio 0000:01:00.0
what=assigned
heard free
balloon 128
echo "assigned: discarded $(stat discarded_bytes), rss $(rss)"
/share/postern ctl /ctl kill
ended

if [ -e /share/panics ]; then
	start panic --pvpanic --events /events
	ended
	sed 's/^/panic: /' /events
	rm /events
fi
start watchdog --watchdog --events /events
ended
sed 's/^/watchdog: /' /events
start watchdog --watchdog --once
what=once
ended
END
if have_host debian; then
	status "$BED" --host debian --share "$TMP/share" --add "$TMP/vsock" -- sh /vsock >"$TMP/out" 2>&1
	cat "$TMP/out"
	equal "sockets: the bed's status" 0 "$status"
	has sockets "^vsock: status 0" "$TMP/out"
	has sockets "^other: status 69: .*--vsock: 42: another guest has this number" "$TMP/out"
	equal "from the guest" "$(sed -n 's/^vsock: sent //p' "$TMP/out")" "$(sed -n 's/^host: got //p' "$TMP/out")"
	equal "from the host" "$(sed -n 's/^host: sent //p' "$TMP/out")" "$(sed -n 's/^vsock: got //p' "$TMP/out")"
fi
status "$BED" --share "$TMP/share" --add "$TMP/others" --timeout 1800 -- sh /others >"$TMP/out" 2>&1
cat "$TMP/out"
equal "the bed's status" 0 "$status"
number() {
	sed -n "s/^$1 \([0-9]*\).*/\1/p" "$TMP/out" | head -n 1
}
# more A B WHAT
more() {
	[ "$1" -gt "$2" ] || fail "$3: $1 is not more than $2"
}
filled=$(number "balloon: rss filled")
more "$filled" 100 "memory of a guest that uses it"
more $((filled - 60)) "$(number "balloon: rss freed")" "what it has freed"
more "$(number "balloon: discarded")" 127 "what was given back"
more "$(number "balloon: rss again")" $((filled - 30)) "once it is used again"
has balloon "^balloon: balloon 128" "$TMP/out"
has balloon "^balloon: balloon 0" "$TMP/out"
has balloon "^balloon: shrunk, free" "$TMP/out"
has balloon "^balloon: told [1-9][0-9]* of 2[0-9]+" "$TMP/out"
has balloon "^balloon: postern_balloon_bytes 134217728" "$TMP/out"
has balloon "^balloon: status 137" "$TMP/out"
has assigned "^assigned: balloon 128" "$TMP/out"
has assigned "^assigned: discarded 0, rss 25[0-9]" "$TMP/out"
has assigned "^assigned: .*what the guest gives back stays with it: a device can reach it by DMA" "$TMP/out"
if [ -n "$panics" ]; then
	has panic "^panic: status 81" "$TMP/out"
	has panic '^panic: .*"event": "panic"' "$TMP/out"
	has panic '^panic: .*"reason": "panic", "status": 81' "$TMP/out"
fi
has watchdog "^watchdog: status 0" "$TMP/out"
has watchdog "^watchdog: was 0" "$TMP/out"
has watchdog "^watchdog: was 32" "$TMP/out"
has watchdog '^watchdog: .*"event": "watchdog"' "$TMP/out"
has watchdog '^watchdog: .*"event": "reset"' "$TMP/out"
has once "^once: status 82" "$TMP/out"
every_host
