/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOMMU groups by their nodes below /dev/vfio: each is opened once, however
 * many of its devices are assigned, and put into a container, which is
 * VFIO's own or an iommufd in its place. Private to iommu/. Linux:
 * Documentation/driver-api/vfio.rst.
 *
 * VFIO's container takes a group, and finds fault with it, as it joins. An
 * iommufd takes anything then, and a device only as it is opened.
 */
#ifndef IOMMU_GROUP_H
#define IOMMU_GROUP_H

#include <stdbool.h>

#include "iommu/sysfs.h"
#include "vmm/config.h"
#include "vmm/util.h"

struct kvm;

struct group {
	int fd;
	int id;
	unsigned int devices;	/* open; 0: the entry is free */
};

struct groups {
	int container;		/* the file that all of them join */
	bool late;		/* it is an iommufd */
	const char *unsafe;	/* parameter of its module, see explain.h */
	struct group groups[CONFIG_VFIO_MAX];
	struct {
		int fd;
		struct group *group;	/* NULL: the entry is free */
	} devices[CONFIG_VFIO_MAX];
};

#if IS_ENABLED(CONFIG_VFIO_GROUP)
/*
 * groups_attach - the fd of @dev, opened through its group, which joins the
 * container with its first device; KVM is told before. @ready, unless NULL,
 * is called with @arg when the group has joined: what it refuses is taken
 * back. Prints its errors, but for -EXDEV unless @alone: with the devices that
 * share its address space it cannot be, perhaps in another.
 */
int groups_attach(struct groups *g, struct kvm *kvm,
		  const struct sysfs_device *dev, bool alone,
		  int (*ready)(void *arg, const struct sysfs_device *dev),
		  void *arg);
/*
 * groups_detach - close @device_fd and, after the last of its group, the
 * group. False: it was not opened here.
 */
bool groups_detach(struct groups *g, struct kvm *kvm, int device_fd);
/* groups_in_use - how many have devices open. */
unsigned int groups_in_use(const struct groups *g);
/* groups_fd - the open file of group @id, or -1. */
int groups_fd(const struct groups *g, int id);
/* groups_node - write the path of @dev's group to @path; whether it is there. */
bool groups_node(const struct sysfs_device *dev, char path[SYSFS_PATH]);
#else
static inline int groups_attach(struct groups *g, struct kvm *kvm,
				const struct sysfs_device *dev, bool alone,
				int (*ready)(void *arg,
					     const struct sysfs_device *dev),
				void *arg)
{
	return -1;
}

static inline bool groups_detach(struct groups *g, struct kvm *kvm,
				 int device_fd)
{
	return false;
}

static inline int groups_fd(const struct groups *g, int id)
{
	return -1;
}

static inline bool groups_node(const struct sysfs_device *dev,
			       char path[SYSFS_PATH])
{
	return false;
}
#endif

#endif
