/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract between iommu.c and the two backends, private to iommu/. A
 * backend owns one DMA address space (its @space) and puts devices into it.
 * Attach is part of the contract because it is where the two differ most.
 * Backends print their errors, each with the remedy; iommu.c does not.
 */
#ifndef IOMMU_BACKEND_H
#define IOMMU_BACKEND_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommu/iommu.h"
#include "iommu/sysfs.h"
#include "vmm/config.h"

struct kvm;
struct survey_backend;

/* What a space takes, with the devices that are in it. */
struct iommu_limits {
	struct iommu_range *ranges;	/* ascending; the caller frees them */
	int nr_ranges;
	uint64_t page_sizes;	/* as bits, 0: the kernel does not say */
	uint32_t maps;		/* that may be added, UINT32_MAX: any number */
	bool by_process;	/* how locked memory counts, see memlock.h */
};

struct iommu_map {
	const char *name;	/* of the memory, for messages */
	uint64_t iova;
	uint64_t size;
	void *hva;
	int fd;			/* the file behind hva, or -1 */
	uint64_t fd_offset;
	bool hugetlb;
	bool readonly;
	bool device;		/* memory of another device: not pinned */
};

struct iommu_backend {
	const char *name;	/* as --iommu takes it */
	const char *offer;	/* why it is chosen, when nothing is missing */
	bool holds;		/* and locks memory without an IOMMU, too */
	/*
	 * What the host lacks to put @dev into such a space, in words ("no
	 * /dev/x"), or NULL. Opens nothing.
	 */
	const char *(*lacks)(const struct sysfs_device *dev);
	/*
	 * If nothing has all it wants: why this could serve @dev all the
	 * same, or NULL. Opens nothing.
	 */
	const char *(*fallback)(const struct sysfs_device *dev);

	/*
	 * An empty space, for @dev first; another one than @beside, or NULL.
	 * Without an IOMMU, as @cfg may say, a mapping is no more than a hold
	 * on the memory. -ENOSYS names the kernel symbol that is missing.
	 */
	int (*open)(void **space, void *beside, const struct config *cfg,
		    const struct sysfs_device *dev);
	void (*close)(void *space);

	/*
	 * Put @dev into the space; returns its device fd, with KVM told
	 * before it was opened. Detach closes @device_fd and what it was
	 * opened through; KVM is told in between. -EXDEV, with no message:
	 * not together with the devices that are in the space already, but
	 * perhaps in another one.
	 */
	int (*attach)(void *space, struct kvm *kvm,
		      const struct sysfs_device *dev);
	void (*detach)(void *space, struct kvm *kvm, int device_fd);

	/*
	 * The open file of IOMMU group @id, which proves that it is ours, or
	 * -1. NULL for a backend that opens no groups.
	 */
	int (*group_fd)(void *space, int id);

	/* Valid while a device is attached. Prints its errors. */
	int (*limits)(void *space, struct iommu_limits *limits);

	/*
	 * For survey.h, NULL: not built in. What there is to say of an open
	 * space. The node that is opened to attach @dev; says why there is
	 * none.
	 */
	const char *home;	/* the node behind open(), as a rule */
	void (*about)(void *space, struct survey_backend *about);
	int (*node)(const struct sysfs_device *dev, char path[SYSFS_PATH]);

	/* For iommu_caps(): what limits() does not say. NULL: not built in. */
	void (*caps)(void *space, struct iommu_caps *caps);

	/*
	 * One mapping, pinned when map returns; unmap takes exactly what was
	 * mapped. For a device's memory map prints nothing: who wants it can
	 * do without. It lasts until the device stops decoding there.
	 */
	int (*map)(void *space, const struct iommu_map *map);
	void (*unmap)(void *space, uint64_t iova, uint64_t size);
	/*
	 * The same mapping as in @from, sharing its pins. Silently -errno;
	 * NULL: a space shares nothing.
	 */
	int (*copy)(void *space, void *from, const struct iommu_map *map);

	/*
	 * Where byte @off of what was mapped as @map, with a device attached,
	 * is in the host's memory, and how many bytes from there on, *@len
	 * at most, are in one piece. For spaces without an IOMMU.
	 */
	int (*physical)(void *space, const struct iommu_map *map, uint64_t off,
			uint64_t *pa, uint64_t *len);
};

/*
 * backend_choose - the one for @dev that @choice and the host leave, and why
 * (NULL: what is missing will be said). NULL with a message.
 */
const struct iommu_backend *backend_choose(const struct config *cfg,
					   enum iommu_choice choice,
					   const struct sysfs_device *dev,
					   const char **why);

/* backend_nr - the @i-th that is built in, the preferred first, or NULL. */
const struct iommu_backend *backend_nr(unsigned int i);

#if IS_ENABLED(CONFIG_VFIO_NOIOMMU)
/*
 * noiommu_check - whether all of @map, just mapped, is in the host's memory
 * where the guest has it. -EFAULT with a message.
 */
int noiommu_check(const struct iommu_backend *backend, void *space,
		  const struct iommu_map *map);
/*
 * pagemap_lookup - iommu_backend.physical of memory at @at, for any process
 * that may know. Prints its errors: -EPERM.
 */
int pagemap_lookup(const void *at, uint64_t *pa, uint64_t *len);
#else
static inline int noiommu_check(const struct iommu_backend *backend,
				void *space, const struct iommu_map *map)
{
	(void)backend;
	(void)space;
	(void)map;
	return 0;
}

static inline int pagemap_lookup(const void *at, uint64_t *pa, uint64_t *len)
{
	(void)at;
	(void)pa;
	(void)len;
	return -ENOSYS;
}
#endif

extern const struct iommu_backend iommu_legacy;
extern const struct iommu_backend iommu_iommufd;

#endif
