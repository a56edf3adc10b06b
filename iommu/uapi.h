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

/* Linux 7.3: where memory of an address space without an IOMMU is. */
#ifndef IOMMU_IOAS_NOIOMMU_GET_PA
struct iommu_ioas_noiommu_get_pa {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 out_phys;
};
#define IOMMU_IOAS_NOIOMMU_GET_PA _IO(';', 0x95)
#endif

/*
 * Linux 6.17: the argument of VFIO_DEVICE_BIND_IOMMUFD, which had ended before
 * the token.
 */
#ifndef VFIO_DEVICE_BIND_FLAG_TOKEN
#define VFIO_DEVICE_BIND_FLAG_TOKEN (1 << 0)
#endif
struct bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
	__aligned_u64 token_uuid_ptr;
};

/* Linux 6.19: a part of a region as a dma-buf. */
#ifndef VFIO_DEVICE_FEATURE_DMA_BUF
#define VFIO_DEVICE_FEATURE_DMA_BUF 11

struct vfio_region_dma_range {
	__u64 offset;
	__u64 length;
};

struct vfio_device_feature_dma_buf {
	__u32 region_index;
	__u32 open_flags;
	__u32 flags;
	__u32 nr_ranges;
	struct vfio_region_dma_range dma_ranges[];
};
#endif

#endif
