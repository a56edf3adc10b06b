/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the requests of /dev/iommu, and for those that put a VFIO device
 * into its care. Linux: Documentation/userspace-api/iommufd.rst.
 */
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "vmm/sysname.h"

#define NAME(word) { .request = word, .name = #word }

const struct sys_word sys_words_iommufd[] = {
	NAME(IOMMU_DESTROY),
	NAME(IOMMU_IOAS_ALLOC),
	NAME(IOMMU_IOAS_IOVA_RANGES),
	NAME(IOMMU_GET_HW_INFO),
	{
		.request = IOMMU_IOAS_MAP,
		.name = "IOMMU_IOAS_MAP",
		.fields = {
			SYS_FIELD(iommu_ioas_map, iova),
			SYS_FIELD(iommu_ioas_map, length),
			SYS_FIELD(iommu_ioas_map, flags),
		},
	},
	{
		.request = IOMMU_IOAS_MAP_FILE,
		.name = "IOMMU_IOAS_MAP_FILE",
		.fields = {
			SYS_FIELD(iommu_ioas_map_file, iova),
			SYS_FIELD(iommu_ioas_map_file, length),
			SYS_FIELD(iommu_ioas_map_file, start),
			SYS_FIELD(iommu_ioas_map_file, flags),
		},
	},
	{
		.request = IOMMU_IOAS_COPY,
		.name = "IOMMU_IOAS_COPY",
		.fields = {
			SYS_FIELD(iommu_ioas_copy, dst_iova),
			SYS_FIELD(iommu_ioas_copy, length),
			SYS_FIELD(iommu_ioas_copy, dst_ioas_id),
			SYS_FIELD(iommu_ioas_copy, src_ioas_id),
		},
	},
	{
		.request = IOMMU_IOAS_UNMAP,
		.name = "IOMMU_IOAS_UNMAP",
		.fields = {
			SYS_FIELD(iommu_ioas_unmap, iova),
			SYS_FIELD(iommu_ioas_unmap, length),
		},
	},
	{
		.request = IOMMU_IOAS_NOIOMMU_GET_PA,
		.name = "IOMMU_IOAS_NOIOMMU_GET_PA",
		.fields = {
			SYS_FIELD(iommu_ioas_noiommu_get_pa, iova),
			SYS_FIELD(iommu_ioas_noiommu_get_pa, length),
			SYS_FIELD(iommu_ioas_noiommu_get_pa, out_phys),
		},
	},
	{
		.request = VFIO_DEVICE_BIND_IOMMUFD,
		.name = "VFIO_DEVICE_BIND_IOMMUFD",
	},
	{
		.request = VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		.name = "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
		.fields = {
			SYS_FIELD(vfio_device_attach_iommufd_pt, pt_id),
		},
	},
	{
		.request = VFIO_DEVICE_DETACH_IOMMUFD_PT,
		.name = "VFIO_DEVICE_DETACH_IOMMUFD_PT",
	},
	{ .name = NULL },
};
