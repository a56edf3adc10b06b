# SPDX-License-Identifier: BSD-2-Clause
#
# The port, in short: the program built for arm64, on an emulated arm64 host, with the smoke test of that host, an NVMe
# disk by either backend, and the count of what leaves the guest. `make ARCH=arm64 check` has the rest.
. "$(dirname "$0")/../case.sh"
[ "$ARCH" != arm64 ] || skip "what this runs are cases of their own here"

unset BINARY
export ARCH=arm64 O="$O/arm64" NVME_ROUNDS=1
(cd "$bed_dir/../.." && make -s all configs-legacy configs-iommufd) || fail "it does not build"
echo "the program has $(stat -c %s "$O/postern") bytes" | figures
"$bed_dir/run" bed-smoke nvme exits >"$TMP/out" || status=$?
grep -v ' passed, ' "$TMP/out" | figures
equal "status" 0 "${status:-0}"
