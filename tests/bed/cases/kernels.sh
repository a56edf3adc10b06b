# SPDX-License-Identifier: BSD-2-Clause
#
# Debian's own kernels, as packaged, boot to a busybox init and power off with status 0; the guest sees the memory and
# the processors that were asked for, and its kernel complains of nothing. By default each kernel, each number of
# processors and each size of memory is met; with KERNELS=all, every combination.
. "$(dirname "$0")/../case.sh"

mkdir "$TMP/share"
"$PREPARE/initrd" "$TMP/share/initrd.gz" --init "$bed_dir/guest-init"
cp "$BINARY" "$TMP/share/postern"

combinations() {
	if [ "${KERNELS:-}" = all ]; then
		for kernel in 6.1-cloud 6.1-generic 6.12-cloud 6.12-generic; do
			for cpus in 1 2 4; do
				for memory in 128M 1G 3584M 6G; do
					echo $kernel $cpus $memory
				done
			done
		done
	elif [ "$ARCH" = arm64 ]; then
		cat <<-END
			6.1-cloud 1 256M
			6.1-cloud 4 4G
			6.12-cloud 4 256M
			6.12-cloud 1 4G
			6.12-generic 2 1G
		END
	else
		cat <<-END
			6.1-cloud 1 128M
			6.1-generic 2 1G
			6.12-cloud 4 6G
			6.12-generic 2 3584M
			6.12-generic 1 128M
		END
	fi
}
combinations >"$TMP/combinations"
for kernel in $(cut -d ' ' -f 1 "$TMP/combinations" | sort -u); do
	cp "$("$PREPARE/guest-kernel" "$kernel")" "$TMP/share/$kernel"
done
# Packed, as some distributions have them.
[ "$ARCH" != arm64 ] || gzip -1 <"$("$PREPARE/guest-kernel" 6.12-generic)" >"$TMP/share/6.12-generic"

cat >"$TMP/inside" <<'END'
while read -r kernel cpus memory; do
	status=0
	/share/postern run --quiet --kernel /share/$kernel --initrd /share/initrd.gz --memory $memory --cpus $cpus \
		--append "console=$console quiet panic=-1 do=facts" --once --timeout 240 >/out 2>&1 </dev/null ||
		status=$?
	echo "$kernel $cpus $memory: status $status" $(tr -d '\r' </out | sed -n 's/^guest: //p')
	[ $status = 0 ] || cat /out
done </combinations
END
status "$BED" --bare --memory 9G --timeout 1800 --share "$TMP/share" --add "$TMP/combinations" \
	--add "$TMP/inside" -- sh /inside >"$TMP/out"
cat "$TMP/out"
equal "the bed's status" 0 "$status"
while read -r kernel cpus memory; do
	case $memory in
	*G) mib=$((${memory%G} * 1024)) ;;
	*) mib=${memory%M} ;;
	esac
	# All of RAM but, on a PC, the hole between 639 KiB and 1 MiB.
	ram=$((mib * 1048576 - $(by_arch $(((1024 - 639) * 1024)) 0)))
	seen="kernel ${kernel%-*}\\..* cpus $cpus memory .* ram $ram .* complaints 0 done"
	has "$kernel, $cpus CPUs, $memory" "^$kernel $cpus $memory: status 0 $seen" "$TMP/out"
done <"$TMP/combinations"
