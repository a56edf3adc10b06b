/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An iommufd in the place of VFIO's container: the container's calls, which
 * mean its compat address space, and groups that join it. Nothing is looked
 * at before a device is opened. Linux:
 * Documentation/userspace-api/iommufd.rst, drivers/iommu/iommufd/
 * vfio_compat.c's rules as seen from user space.
 */
#include <errno.h>
#include <linux/vfio.h>

#include "tests/fake/fake_priv.h"

int compat_join(struct iommufd *iommufd, bool noiommu)
{
	if (noiommu ? iommufd->compat != NULL : iommufd->noiommu)
		return -EINVAL;
	iommufd->noiommu = noiommu;
	if (!noiommu && !iommufd->compat)
		iommufd->compat = ioas_new(iommufd);
	return 0;
}

int compat_open(struct file *iommufd, struct fake_pci *pci,
		struct ioas **ioas)
{
	int err = iommufd_claim(pci);

	if (err < 0)
		return err;
	*ioas = ((struct iommufd *)iommufd->obj)->compat;
	if (pci->noiommu)
		return 0;
	return *ioas ? dma_attach((*ioas)->space, pci) : -ENODEV;
}

static int check_extension(unsigned long num)
{
	return num == VFIO_TYPE1_IOMMU || num == VFIO_TYPE1v2_IOMMU ||
		num == VFIO_UNMAP_ALL ||
		(num == VFIO_DMA_CC_IOMMU && world->host.snoops) ||
		(num == VFIO_NOIOMMU_IOMMU && world->host.noiommu);
}

/* It may be called at any time, and again. */
static int set_iommu(const struct iommufd *iommufd, unsigned long type)
{
	if (iommufd->noiommu)
		return type != VFIO_NOIOMMU_IOMMU ? -EINVAL :
			world->host.cap_sys_rawio ? 0 : -EPERM;
	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -EINVAL;
	return iommufd->compat ? 0 : -ENODEV;
}

static int map(struct ioas *ioas, const struct vfio_iommu_type1_dma_map *arg)
{
	const uint32_t rw = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;

	if (arg->argsz < sizeof(*arg) || arg->flags & ~rw ||
	    !(arg->flags & rw))
		return -EINVAL;
	return dma_map(ioas->space, arg->iova, arg->size, arg->vaddr, false,
		       false);
}

/* Of a mapping's middle: there is none such, and a hole is no error. */
static int unmap(struct ioas *ioas, struct vfio_iommu_type1_dma_unmap *arg)
{
	uint64_t unmapped;
	int err;

	if (arg->argsz < sizeof(*arg) || arg->flags)
		return -EINVAL;
	if (!range_ok(arg->iova, arg->size))
		return -EOVERFLOW;
	err = dma_unmap(ioas->space, arg->iova, arg->size, &unmapped);
	arg->size = unmapped;
	return err == -ENOENT ? 0 : err == -EINVAL ? -ENOENT : err;
}

int compat_ioctl(struct iommufd *iommufd, unsigned long request, void *arg,
		 unsigned long num)
{
	struct ioas *ioas = iommufd->compat;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return check_extension(num);
	case VFIO_SET_IOMMU:
		return set_iommu(iommufd, num);
	case VFIO_IOMMU_GET_INFO:
		return ioas ? type1_info(arg, ioas->space->attached,
					 UINT32_MAX) : -ENODEV;
	case VFIO_IOMMU_MAP_DMA:
		return ioas ? map(ioas, arg) : -ENODEV;
	case VFIO_IOMMU_UNMAP_DMA:
		return ioas ? unmap(ioas, arg) : -ENODEV;
	}
	return -ENOTTY;
}
