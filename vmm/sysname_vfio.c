/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the requests of a VFIO device's file, which are the same however
 * it was opened, and for the one that whatever holds it is asked first: how
 * locked memory counts. Linux: include/uapi/linux/vfio.h,
 * include/uapi/linux/iommufd.h.
 */
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "vmm/sysname.h"

const struct sys_word sys_words_vfio[] = {
	{
		.request = VFIO_DEVICE_GET_INFO,
		.name = "VFIO_DEVICE_GET_INFO",
	},
	{
		.request = VFIO_DEVICE_GET_REGION_INFO,
		.name = "VFIO_DEVICE_GET_REGION_INFO",
		.fields = {
			SYS_FIELD(vfio_region_info, argsz),
			SYS_FIELD(vfio_region_info, index),
		},
	},
	{
		.request = VFIO_DEVICE_GET_IRQ_INFO,
		.name = "VFIO_DEVICE_GET_IRQ_INFO",
		.fields = { SYS_FIELD(vfio_irq_info, index) },
	},
	{
		.request = VFIO_DEVICE_SET_IRQS,
		.name = "VFIO_DEVICE_SET_IRQS",
		.fields = {
			SYS_FIELD(vfio_irq_set, flags),
			SYS_FIELD(vfio_irq_set, index),
			SYS_FIELD(vfio_irq_set, start),
			SYS_FIELD(vfio_irq_set, count),
		},
	},
	{
		.request = VFIO_DEVICE_RESET,
		.name = "VFIO_DEVICE_RESET",
	},
	{
		.request = VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
		.name = "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO",
	},
	{
		.request = VFIO_DEVICE_PCI_HOT_RESET,
		.name = "VFIO_DEVICE_PCI_HOT_RESET",
		.fields = { SYS_FIELD(vfio_pci_hot_reset, count) },
	},
	{
		.request = VFIO_DEVICE_FEATURE,
		.name = "VFIO_DEVICE_FEATURE",
		.fields = { SYS_FIELD(vfio_device_feature, flags) },
	},
	{
		.request = IOMMU_OPTION,
		.name = "IOMMU_OPTION",
		.fields = {
			SYS_FIELD(iommu_option, op),
			SYS_FIELD(iommu_option, val64),
		},
	},
	{ .name = NULL },
};
