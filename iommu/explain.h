/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages that both backends have in common: what an error number from
 * the kernel means for the user, and the remedy. Each prints, and returns the
 * number that leads to the right exit status (vmm/status.h). Private to
 * iommu/.
 */
#ifndef IOMMU_EXPLAIN_H
#define IOMMU_EXPLAIN_H

#include <stdint.h>

#include "iommu/sysfs.h"

/*
 * explain_device - whether @node is a device that can be assigned at all:
 * a PCI address, there, with VFIO's driver, in an IOMMU group, or as @noiommu
 * (enum noiommu_choice) says without one. Fills @dev.
 */
int explain_device(const char *node, unsigned int noiommu,
		   struct sysfs_device *dev);

/* explain_noiommu_off - VFIO is not to have devices without an IOMMU. */
int explain_noiommu_off(const char *addr);

/* explain_open - the node at @path, of @dev (or NULL), can't be opened. */
int explain_open(const char *path, const struct sysfs_device *dev, int err);

/* explain_owner - the kernel will not give @dev's group to us. */
int explain_owner(const struct sysfs_device *dev, int err);

/*
 * explain_isolation - the device's interrupts can't be told apart; @param is
 * the file that allows it all the same.
 */
int explain_isolation(const struct sysfs_device *dev, const char *param);

/* explain_call - @what was refused for another reason. */
int explain_call(const struct sysfs_device *dev, const char *what, int err);

/*
 * explain_memlock - check that @bytes may be locked: 0, or -EPERM having said
 * how many are needed and how many are allowed.
 */
int explain_memlock(uint64_t bytes);

/* explain_map - memory @name, @size bytes at @iova, can't be mapped. */
int explain_map(const char *name, uint64_t iova, uint64_t size, int err);

#endif
