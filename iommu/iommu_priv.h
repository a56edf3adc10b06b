/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of a VM's DMA space share: iommu.c (its life, and who is in
 * it), mirror.c (what is mapped), busreset.c.
 *
 * It is one address space for all devices, unless the kernel will not have
 * some of them in one; then there are several, all with the same contents.
 */
#ifndef IOMMU_IOMMU_PRIV_H
#define IOMMU_IOMMU_PRIV_H

#include "iommu/backend.h"
#include "iommu/iommu.h"
#include "vmm/config.h"

#define SPACES_MAX 4

struct space {
	struct iommu *iommu;
	void *handle;			/* the backend's, NULL: not open */
	unsigned int devices;
	struct mem_listener listener;	/* joined while it has devices */
	struct iommu_limits limits;	/* of all its devices */
};

struct iommu {
	struct vm *vm;
	const struct iommu_backend *backend;
	struct space spaces[SPACES_MAX];
	struct {
		int fd;			/* -1: free */
		char addr[SYSFS_ADDR];
		bool reset;		/* with its bus, for another one */
		struct space *space;
	} devices[CONFIG_VFIO_MAX];
	unsigned int nr_devices;
	uint64_t locked;		/* bytes of RAM, for DMA */
	bool warned;			/* that devices don't reach others */
};

/* iommu_find - the index of device fd @fd, or -1; for -1, of a free entry. */
int iommu_find(const struct iommu *iommu, int fd);

/* ---- mirror.c ----------------------------------------------------------- */

/*
 * mirror_device - a device has joined @s: read what the space takes now, and
 * check all of RAM against it; with the first device RAM is mapped. Prints
 * its errors. mirror_stop - the last one leaves: all is unmapped.
 */
int mirror_device(struct space *s);
void mirror_stop(struct space *s);

#endif
