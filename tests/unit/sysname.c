/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for kernel calls, above all for numbers that mean two things.
 */
#include <linux/kvm.h>
#include <string.h>

#include "iommu/uapi.h"
#include "test.h"
#include "vmm/sysname.h"

static const char *name(unsigned long request, const void *arg)
{
	static char buf[200];

	sys_name(buf, sizeof(buf), request, arg);
	return buf;
}

TEST(a_call_with_its_numbers)
{
	struct iommu_ioas_map map = {
		.iova = 0x1000, .length = 0x2000, .flags = 7,
	};

	CHECK_STR(name(IOMMU_IOAS_MAP, &map),
		  "IOMMU_IOAS_MAP iova=0x1000 length=0x2000 flags=0x7");
	CHECK_STR(name(IOMMU_IOAS_MAP, NULL), "IOMMU_IOAS_MAP");
	CHECK_STR(name(KVM_CREATE_VM, NULL), "KVM_CREATE_VM");
	CHECK_STR(name(0x12345, &map), "0x12345");
}

TEST(numbers_that_mean_two_things)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .iova = 0x1000, .size = 0x2000,
		.flags = 3,
	};
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) + 48 };
	struct vfio_pci_hot_reset_info list = { .argsz = sizeof(list) + 8 };
	struct vfio_pci_hot_reset reset = { .argsz = sizeof(reset) };

	CHECK_STR(name(VFIO_IOMMU_MAP_DMA, &map),
		  "VFIO_IOMMU_MAP_DMA iova=0x1000 size=0x2000 flags=0x3");
	CHECK_STR(name(VFIO_DEVICE_PCI_HOT_RESET, &reset),
		  "VFIO_DEVICE_PCI_HOT_RESET count=0x0");
	CHECK(!strncmp(name(VFIO_IOMMU_GET_INFO, &info),
		       "VFIO_IOMMU_GET_INFO argsz=0x", 28));
	CHECK_STR(name(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &list),
		  "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO");
}

TEST(never_more_than_fits)
{
	struct iommu_ioas_map map = { .iova = UINT64_MAX };
	char buf[24];
	size_t size;

	for (size = 1; size <= sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		sys_name(buf, size, IOMMU_IOAS_MAP, &map);
		CHECK_EQ(strlen(buf), size - 1);
	}
}
