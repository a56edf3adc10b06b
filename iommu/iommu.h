/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DMA space of a VM's assigned devices: guest RAM mirrored into an IOMMU
 * address space, through whichever backend Kconfig and the user chose. From
 * the device fd on, no code knows which backend it was.
 */
#ifndef IOMMU_IOMMU_H
#define IOMMU_IOMMU_H

#include <errno.h>

#include "vmm/vm.h"

/* Addresses a device may use, both ends included. */
struct iommu_range {
	uint64_t first;
	uint64_t last;
};

/*
 * iommu_create - choose the backend (@choice, logged with the reason) for the
 * first device @node and open it. Nothing is mapped yet. Prints its errors.
 * @node is a device's name, as sysfs_name() takes it ("0000:01:00.0").
 */
int iommu_create(struct iommu **iommu, struct vm *vm, enum iommu_choice choice,
		 const char *node);
/* iommu_destroy - every device detached before. */
void iommu_destroy(struct iommu *iommu);

/*
 * iommu_attach - put the device into the DMA space and return its fd, which
 * then speaks the VFIO device ioctls. With the first device all RAM regions
 * are checked against the allowed IOVA ranges (-ERANGE names both),
 * prefaulted and mapped, one call each; later regions follow by the memory
 * listener. @token is the VF token, a UUID in Linux's writing, that the users
 * of a physical function and its virtual ones share; NULL: none. Prints its
 * errors, each with the remedy.
 */
int iommu_attach(struct iommu *iommu, const char *node, const char *token);
/*
 * iommu_detach - the device was quiesced and reset; the last one unmaps RAM
 * first. Closes @device_fd, then what it was opened through.
 */
void iommu_detach(struct iommu *iommu, int device_fd);
/* iommu_devices - how many are attached. */
unsigned int iommu_devices(const struct iommu *iommu);

#if IS_ENABLED(CONFIG_VFIO_NOIOMMU)
/*
 * iommu_locate - where huge pages of @page bytes are in the host's memory:
 * @pa[] takes an address for each of the @size bytes from @hva on, all of them
 * there; with a @size of 0 all that is learnt is that it can be done. Opens
 * the device @node for as long as it takes, since it is through a device
 * without an IOMMU that the kernel tells. The pages may move afterwards;
 * iommu_attach() with NOIOMMU_ON sees whether they have. Prints its errors.
 */
int iommu_locate(struct vm *vm, const char *node, void *hva, uint64_t size,
		 uint64_t page, uint64_t *pa);
#else
static inline int iommu_locate(struct vm *vm, const char *node, void *hva,
			       uint64_t size, uint64_t page, uint64_t *pa)
{
	(void)vm;
	(void)node;
	(void)hva;
	(void)size;
	(void)page;
	(void)pa;
	return -ENOSYS;
}
#endif

/*
 * iommu_bus_reset - reset the bus or slot that the device is on, with all
 * that is there, unless that was done since for another device on it, and
 * this one has not been told yet. All must be attached here: -EBUSY if not.
 * Other errors are the kernel's (-ENODEV: there is no such reset). Prints
 * nothing.
 */
int iommu_bus_reset(struct iommu *iommu, int device_fd);

/* What a DMA space is and can, for people to read. */
struct iommu_caps {
	const char *backend;	/* "legacy", "iommufd" */
	const char *owner;	/* of the container: "vfio", "iommufd"; NULL: none */
	const struct iommu_range *ranges; /* until a device comes or goes */
	int nr_ranges;
	uint64_t page_sizes;	/* as bits, 0: unknown */
	uint32_t maps;		/* that may be added, UINT32_MAX: any number */
	bool by_process;	/* locked memory counts so, else by user */
	bool coherent;		/* enforced, whatever a device asks for */
	const char *dirty;	/* who tracks what devices write; NULL: nobody */
};

/*
 * iommu_caps - of the address space that the first device is in. Only in a
 * program with the commands about devices (CONFIG_DEVCMD); -ENODEV while no
 * device is attached.
 */
int iommu_caps(struct iommu *iommu, struct iommu_caps *caps);

#endif
