/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages that both backends have in common: what an error number from
 * the kernel means for the user, and the remedy. Each prints, and returns the
 * number that leads to the right exit status (vmm/status.h). Private to
 * iommu/.
 */
#ifndef IOMMU_EXPLAIN_H
#define IOMMU_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "iommu/sysfs.h"

/* The files that allow interrupts which can't be told apart. */
#define UNSAFE_TYPE1 \
	"/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define UNSAFE_IOMMUFD "/sys/module/iommufd/parameters/allow_unsafe_interrupts"

/*
 * explain_device - whether @node is a device that can be assigned at all:
 * a device's name, there, with VFIO's driver, in an IOMMU group, or as @noiommu
 * (enum noiommu_choice) says without one. Fills @dev.
 */
int explain_device(const char *node, unsigned int noiommu,
		   struct sysfs_device *dev);

/* explain_name - @text is no name of a device: -EDOM. */
int explain_name(const char *text);

/* explain_no_isolation - no IOMMU is between @dev and the host's memory. */
int explain_no_isolation(const struct sysfs_device *dev);

/*
 * explain_noiommu_off - VFIO's mode for devices without an IOMMU is as @mode
 * says, 1: 0; else -errno, for the device at @addr, or NULL: for any.
 */
int explain_noiommu_off(const char *addr, int mode);

/* explain_no_iommu - the same of the whole host. */
int explain_no_iommu(void);

/* explain_in_use - another process has @dev, named where it can be. */
int explain_in_use(const struct sysfs_device *dev);

/*
 * explain_intruder - check that no driver of the host has another device of
 * @dev's group: 0, or -EBUSY having named it.
 */
int explain_intruder(const struct sysfs_device *dev);

/* explain_unloaded - the node at @path is not there since VFIO is not. */
int explain_unloaded(const char *path);

/* explain_open - the node at @path, of @dev (or NULL), can't be opened. */
int explain_open(const char *path, const struct sysfs_device *dev, int err);

/* explain_owner - the kernel will not give @dev's group to us. */
int explain_owner(const struct sysfs_device *dev, int err);

/*
 * explain_bind - an iommufd will not have @dev, or not in its address space;
 * @param as for explain_isolation().
 */
int explain_bind(const struct sysfs_device *dev, const char *param, int err);

/*
 * explain_token - whether @err is about @dev's VF token: 0 if not, else
 * -errno, printed.
 */
int explain_token(const struct sysfs_device *dev, int err);

/* explain_reserved - its IOMMU keeps addresses that the guest has. */
int explain_reserved(const struct sysfs_device *dev);

/*
 * explain_isolation - the device's interrupts can't be told apart; @param is
 * the file that allows it all the same, of the module that refuses.
 */
int explain_isolation(const struct sysfs_device *dev, const char *param);

/* explain_call - @what was refused for another reason. */
int explain_call(const struct sysfs_device *dev, const char *what, int err);

/*
 * explain_map - memory @name, @size bytes at @iova, can't be mapped; what is
 * locked counts @by_process (memlock.h).
 */
int explain_map(const char *name, uint64_t iova, uint64_t size, int err,
		bool by_process);

#endif
