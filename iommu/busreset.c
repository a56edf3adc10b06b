/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resetting the bus that a device is on, which takes proof that all devices
 * there are ours. Linux: include/uapi/linux/vfio.h,
 * VFIO_DEVICE_PCI_HOT_RESET.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommu/iommu_priv.h"
#include "iommu/uapi.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define BUS_DEVICES_MAX 256

/* Who is on the device's bus: asked twice, the first time for the number. */
static int bus_devices(int device_fd, struct vfio_pci_hot_reset_info **out)
{
	struct vfio_pci_hot_reset_info first = { .argsz = sizeof(first) };
	struct vfio_pci_hot_reset_info *info;
	size_t size;
	int err;

	err = sys_ioctl(device_fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &first);
	if (err < 0 && err != -ENOSPC)
		return err;
	if (first.count > BUS_DEVICES_MAX)
		return -ENOSPC;
	size = sizeof(*info) + first.count * sizeof(info->devices[0]);
	info = calloc(1, size);
	if (!info)
		return -ENOMEM;
	info->argsz = size;
	err = sys_ioctl(device_fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	if (err >= 0 && info->count > first.count)
		err = -EAGAIN;	/* somebody was plugged in */
	if (err < 0)
		free(info);
	else
		*out = info;
	return err;
}

struct bus_reset {
	struct vfio_pci_hot_reset reset;
	int32_t fds[CONFIG_VFIO_MAX];
};

static int group_fd(const struct iommu *iommu, int id)
{
	const struct space *s;
	int fd = -1;

	for (s = iommu->spaces; s < iommu->spaces + SPACES_MAX && fd < 0; s++)
		if (s->handle)
			fd = iommu->backend->group_fd(s->handle, id);
	return fd;
}

/*
 * The groups' files, each once; -EBUSY where one is not ours. Only for what
 * was opened through its group: of others the kernel says itself whose they
 * are.
 */
static int prove_groups(const struct iommu *iommu,
			const struct vfio_pci_hot_reset_info *info,
			struct bus_reset *arg)
{
	unsigned int i, n;
	int fd;

	if (!iommu->backend->group_fd)
		return -EBUSY;
	for (i = 0; i < info->count; i++) {
		fd = group_fd(iommu, info->devices[i].group_id);
		for (n = 0; n < arg->reset.count && arg->fds[n] != fd; n++)
			;
		if (fd < 0 || n == CONFIG_VFIO_MAX)
			return -EBUSY;
		arg->fds[n] = fd;
		arg->reset.count = MAX(arg->reset.count, n + 1);
	}
	return 0;
}

static int ask_reset(const struct iommu *iommu, int device_fd,
		     const struct vfio_pci_hot_reset_info *info)
{
	struct bus_reset arg = { .reset.argsz = sizeof(arg) };
	int err = 0;

	if (!(info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID))
		err = prove_groups(iommu, info, &arg);
	else if (!(info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED))
		err = -EBUSY;
	if (err >= 0)
		err = sys_ioctl(device_fd, VFIO_DEVICE_PCI_HOT_RESET, &arg);
	/* One that belongs to the group may be without VFIO's driver. */
	return err == -EINVAL ? -EBUSY : err;
}

static void note_reset(struct iommu *iommu,
		       const struct vfio_pci_hot_reset_info *info)
{
	const struct vfio_pci_dependent_device *dev;
	char addr[SYSFS_ADDR];
	unsigned int i;

	for (dev = info->devices; dev < info->devices + info->count; dev++) {
		snprintf(addr, sizeof(addr), "%04x:%02x:%02x.%x", dev->segment,
			 dev->bus, dev->devfn >> 3, dev->devfn & 7);
		for (i = 0; i < ARRAY_SIZE(iommu->devices); i++)
			if (!strcmp(iommu->devices[i].addr, addr))
				iommu->devices[i].reset = true;
	}
}

/*
 * Whose turn it is when another's reset has met it already has had its own:
 * a bus of eight functions takes one, which is long enough. At exit, too, the
 * other may have been given back by now, and the bus is not ours any more.
 */
int iommu_bus_reset(struct iommu *iommu, int device_fd)
{
	struct vfio_pci_hot_reset_info *info;
	int i = iommu_find(iommu, device_fd), err = 0;

	if (!iommu->devices[i].reset) {
		err = bus_devices(device_fd, &info);
		if (err < 0)
			return err;
		err = ask_reset(iommu, device_fd, info);
		if (err >= 0)
			note_reset(iommu, info);
		free(info);
	}
	iommu->devices[i].reset = false;
	return err;
}
