/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the requests of VFIO's container. Linux:
 * include/uapi/linux/vfio.h, Documentation/driver-api/vfio.rst.
 *
 * Two of the container's numbers are a device's too, for other purposes;
 * the size that the argument begins with tells them apart.
 */
#include <linux/vfio.h>

#include "vmm/sysname.h"

#define NAME(word) { .request = word, .name = #word }

static bool is_map(uint32_t argsz)
{
	return argsz == sizeof(struct vfio_iommu_type1_dma_map);
}

/* A chain of capabilities in units of 8; a hot reset's list: 12 + 8n. */
static bool is_info(uint32_t argsz)
{
	return argsz % 8 == 0;
}

const struct sys_word sys_words_container[] = {
	NAME(VFIO_GET_API_VERSION),
	NAME(VFIO_CHECK_EXTENSION),
	NAME(VFIO_SET_IOMMU),
	{
		.request = VFIO_IOMMU_MAP_DMA,
		.name = "VFIO_IOMMU_MAP_DMA",
		.fits = is_map,
		.fields = {
			SYS_FIELD(vfio_iommu_type1_dma_map, iova),
			SYS_FIELD(vfio_iommu_type1_dma_map, size),
			SYS_FIELD(vfio_iommu_type1_dma_map, flags),
		},
	},
	{
		.request = VFIO_IOMMU_UNMAP_DMA,
		.name = "VFIO_IOMMU_UNMAP_DMA",
		.fields = {
			SYS_FIELD(vfio_iommu_type1_dma_unmap, iova),
			SYS_FIELD(vfio_iommu_type1_dma_unmap, size),
		},
	},
	{
		.request = VFIO_IOMMU_GET_INFO,
		.name = "VFIO_IOMMU_GET_INFO",
		.fits = is_info,
		.fields = { SYS_FIELD(vfio_iommu_type1_info, argsz) },
	},
	{ .name = NULL },
};
