/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the requests of VFIO's groups, and for the one that gives the
 * devices opened through them a place in an iommufd. Linux:
 * include/uapi/linux/vfio.h, include/uapi/linux/iommufd.h.
 */
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "vmm/sysname.h"

#define NAME(word) { .request = word, .name = #word }

const struct sys_word sys_words_group[] = {
	NAME(VFIO_GROUP_GET_STATUS),
	NAME(VFIO_GROUP_SET_CONTAINER),
	NAME(VFIO_GROUP_UNSET_CONTAINER),
	NAME(VFIO_GROUP_GET_DEVICE_FD),
	{
		.request = IOMMU_VFIO_IOAS,
		.name = "IOMMU_VFIO_IOAS",
		.fields = {
			SYS_FIELD(iommu_vfio_ioas, op),
			SYS_FIELD(iommu_vfio_ioas, ioas_id),
		},
	},
	{ .name = NULL },
};
