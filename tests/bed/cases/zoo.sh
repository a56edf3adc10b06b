# SPDX-License-Identifier: BSD-2-Clause
#
# The zoo's short form: one device of each kind of interrupt and BAR does its work with both backends, and ZOO.md, which
# has a row for every device of the list, says of these what was seen now. nvme: MSI-X. ahci: MSI, ports. e1000: INTx,
# ports, a ROM. pci-testdev: a small BAR, ports. ivshmem-8g: a big one.
# On arm64: rtl8139 and e1000, INTx; e1000e: MSI-X; also on hosts without a container, or where an iommufd poses as it.
. "$(dirname "$0")/../case.sh"

# shellcheck disable=SC2046  # a list
"$bed_dir/../zoo/run" --compare $(by_arch "nvme ahci e1000 pci-testdev ivshmem-8g" "nvme ahci e1000 e1000e rtl8139")
[ "$ARCH" = arm64 ] || exit 0
"$bed_dir/../zoo/run" --host cdev --iommu iommufd nvme e1000e rtl8139
"$bed_dir/../zoo/run" --host compat nvme e1000e rtl8139
