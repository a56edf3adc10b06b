# SPDX-License-Identifier: BSD-2-Clause
#
# The gap map is what a fresh run on all kernels and IOMMUs of the bed says, each difference in it has its sentence,
# and each sentence a difference.
. "$(dirname "$0")/../case.sh"
only x86 "GAPS.md is of its IOMMUs"

O=$TMP "$bed_dir/../gaps/run" --compare
