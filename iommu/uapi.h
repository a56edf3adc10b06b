/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel calls that are newer than the kernel headers this may be built
 * with. Each says since which kernel it is there; an older kernel answers
 * ENOTTY.
 */
#ifndef IOMMU_UAPI_H
#define IOMMU_UAPI_H

#include <linux/iommufd.h>
#include <linux/types.h>
#include <linux/vfio.h>

/* Linux 6.13: map by file and offset instead of by address. */
#ifndef IOMMU_IOAS_MAP_FILE
struct iommu_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 iova;
};
#define IOMMU_IOAS_MAP_FILE _IO(';', 0x8f)
#endif

#endif
