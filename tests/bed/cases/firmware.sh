# SPDX-License-Identifier: BSD-2-Clause
#
# Stock firmware from flash: Debian's U-Boot for QEMU's machine runs in bank 0, finds its device tree, stops at its
# prompt, and is told by its console to write to bank 1: its own variables, and a sector by hand. Bank 0 is read-only
# and says so. After it has powered off, the file has what was written, and the next run knows it. Then it is killed
# while it erases and writes one sector again and again: all others are as they were. At last a kernel is booted that
# has flash as a device beside it. U-Boot takes the bank for one of 16 bits, here as in QEMU, and half a sector for one.
. "$(dirname "$0")/../case.sh"
only arm64 "the board with flash"

deb=$("$PREPARE/deb" u-boot-qemu) || skip "no U-Boot"
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$TMP" ./usr/lib/u-boot/qemu_arm64/u-boot.bin
mkdir "$TMP/share"
cp "$TMP/usr/lib/u-boot/qemu_arm64/u-boot.bin" "$TMP/share/"
cp "$BINARY" "$TMP/share/postern"
guests "$TMP/guests"
cp "$TMP/guests/hello" "$TMP/share/"
# Of four sectors, the first is U-Boot's for its variables, the second ours to play with.
dd if=/dev/urandom of="$TMP/share/vars" bs=256k count=4 status=none
cp "$TMP/share/vars" "$TMP/vars"

cat >"$TMP/inside" <<'END2'
# Where the guest writes to it is not over 9p, whose caching is nobody's business here.
cp /share/vars /vars
mkfifo /in
begin() {
	/share/postern run --flash /share/u-boot.bin,ro --flash /vars --memory 128M --once --timeout 800 "$@" \
		</in >/out 2>/err &
	pid=$!
	exec 3>/in
	seen=0
}
# await PATTERN: the guest says it, after all that it had said when the last one came.
await() {
	while ! tail -c +$((seen + 1)) /out | grep -q "$1"; do
		kill -0 $pid 2>/dev/null || { echo "ended before it said: $1"; tail -n 30 /out; return 1; }
		usleep 300000
	done
	seen=$(stat -c %s /out)
}
# tell COMMAND: at the prompt, and waits for the next one.
tell() {
	printf '%s\r' "$1" >&3
	await '=> $'
}
prompt() {
	await 'Hit any key' && tell ''
}
end() {
	status=0
	wait $pid || status=$?
	exec 3>&-
	echo "$1: status $status"
	sed "s/^/$1: /" /err
	tr -d '\r' </out | sed "s/^/$1: /"
	echo
}

begin
prompt || exit
start=$(cut -d. -f1 /proc/uptime)
tell 'setenv x 42'
tell 'saveenv'
echo "saving took $(($(cut -d. -f1 /proc/uptime) - start)) s"
tell 'mw.l 42000000 cafe1234 400'
tell 'protect off 4040000 +40000'
tell 'erase 4040000 +40000'
tell 'cp.b 42000000 4040000 1000'
tell 'cmp.b 42000000 4040000 1000'
tell 'md.l 4040ff0 8'
tell 'cp.b 42000000 200000 10'
printf 'poweroff\r' >&3
end first
cp /vars /share/after

begin
prompt || exit
tell 'printenv x'
tell 'mw.l 42000000 12345678 4000'
tell 'protect off 4040000 +40000'
printf 'while true; do erase 4040000 +40000; cp.b 42000000 4040000 10000; done\r' >&3
await 'Erased.*' && await 'Erased.*' && await 'Erased.*'
sleep 1
kill -9 $pid
end killed
cp /vars /share/killed

begin
prompt || exit
tell 'printenv x'
printf 'reset\r' >&3
end third

/share/postern run --quiet --kernel /share/hello --flash /share/u-boot.bin,ro --memory 64M </dev/null >/out 2>&1
echo "kernel: status $?: $(head -n 1 /out)"
complaints
echo "complaints: $(complaints | wc -l)"
END2
status "$BED" --bare --share "$TMP/share" --add "$TMP/inside" --timeout 1800 -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
has "first" "^first: status 0" "$TMP/out"
has "first" "^first: U-Boot 20" "$TMP/out"
has "first" "^first: Flash: +64 MiB" "$TMP/out"
has "first" "^first: .*Total of 4096 byte\(s\) were the same" "$TMP/out"
has "first" "^first: 04040ff0: cafe1234 cafe1234 cafe1234 cafe1234" "$TMP/out"
has "first" "^first: 04041000: ffffffff ffffffff ffffffff ffffffff" "$TMP/out"
has "first" "^first: .*Can't write to protected Flash sectors" "$TMP/out"
grep -h '^saving took' "$TMP/out" | figures

# sectors FILE FIRST COUNT: what is in them.
sectors() {
	dd if="$1" bs=256k skip="$2" count="$3" status=none | md5sum
}
equal "size of what was written" 1048576 "$(stat -c %s "$TMP/share/after")"
dd if="$TMP/share/after" bs=256k count=1 status=none | tr '\0' '\n' >"$TMP/variables"
has "variables" "^x=42$" "$TMP/variables"
printf '\064\022\376\312' >"$TMP/word"
equal "sector written by hand" "$(for i in $(seq 1024); do cat "$TMP/word"; done | md5sum)" \
	"$(dd if="$TMP/share/after" bs=4k skip=64 count=1 status=none | md5sum)"
equal "the rest of it" "$(head -c 258048 /dev/zero | tr '\0' '\377' | md5sum)" \
	"$(dd if="$TMP/share/after" bs=4k skip=65 count=63 status=none | md5sum)"
equal "sectors not written" "$(sectors "$TMP/vars" 2 2)" "$(sectors "$TMP/share/after" 2 2)"

has "killed" "^killed: status 137" "$TMP/out"
has "killed" "^killed: x=42" "$TMP/out"
equal "variables after a kill" "$(sectors "$TMP/share/after" 0 1)" "$(sectors "$TMP/share/killed" 0 1)"
equal "others after a kill" "$(sectors "$TMP/vars" 2 2)" "$(sectors "$TMP/share/killed" 2 2)"
equal "size after a kill" 1048576 "$(stat -c %s "$TMP/share/killed")"
has "third" "^third: x=42" "$TMP/out"
has "third" "^third: status 80" "$TMP/out"
has "kernel" "^kernel: status 0: hello from an Image" "$TMP/out"
has "host" "^complaints: 0" "$TMP/out"
