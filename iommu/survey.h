/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be known of this host and of a device before anything is assigned,
 * in the words that a failing iommu_create() or iommu_attach() would use.
 * Nothing is changed: nodes that belong to no device are opened and closed
 * again, all else is read from sysfs and /proc. Linux:
 * Documentation/ABI/testing/sysfs-kernel-iommu_groups, sysfs-class-iommu.
 */
#ifndef IOMMU_SURVEY_H
#define IOMMU_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "iommu/iommu.h"
#include "iommu/sysfs.h"
#include "vmm/config.h"

struct mem_region;

/* Addresses that a group's devices may not use, and what they are for. */
struct iommu_reserved {
	struct iommu_range range;
	char kind[24];		/* "msi", "reserved", "direct", ... */
};

/* ---- the host ----------------------------------------------------------- */

/*
 * survey_backend - what there is to say of the @i-th backend built in, in
 * order of preference, for @dev or, with NULL, for a device that lacks
 * nothing; false: there are not so many.
 */
struct survey_backend {
	const char *name;	/* as --iommu takes it */
	const char *node;	/* its own, not a device's */
	const char *owner;	/* who in the kernel answers there, or NULL */
	const char *unsafe;	/* the file that allows unsafe interrupts */
	int unsafe_on;		/* what it says: 1, 0; -errno: can't be read */
	bool by_process;	/* locked memory counts so, else by user */
	bool holds;		/* and locks it without an IOMMU, too */
	int err;		/* of opening the node: -errno, and printed */
};
bool survey_backend(const struct config *cfg, const struct sysfs_device *dev,
		    unsigned int i, struct survey_backend *backend);

/*
 * survey_choice - which of them is taken for @dev, or, with NULL, for a device
 * that lacks nothing. *@why: the reason, or NULL where none has all it needs.
 * NULL, with a message, where what @cfg asks for is not to be had.
 */
const char *survey_choice(const struct config *cfg,
			  const struct sysfs_device *dev, const char **why);

/*
 * survey_iommus - call @each with the name of every IOMMU in use.
 * survey_iommu_kind - what kind that is, or the name of its driver.
 */
int survey_iommus(int (*each)(void *arg, const char *name), void *arg);
void survey_iommu_kind(const char *name, char *kind, size_t size);

/* survey_isolation - whether the host tells devices' interrupts apart. */
enum isolation { ISOLATION_UNKNOWN, ISOLATION_NO, ISOLATION_YES };
enum isolation survey_isolation(void);

/*
 * survey_host - what of this stands in the way of assigning any device by
 * backend @chosen, with messages and remedies. 0 or -errno.
 */
int survey_host(const struct config *cfg, const struct survey_backend *chosen);

/* survey_noiommu - whether VFIO is in noiommu mode; -errno: it has none. */
int survey_noiommu(void);

/* survey_memlock - check that @bytes may be locked for DMA. */
int survey_memlock(uint64_t bytes, bool by_process);

/* ---- a device ----------------------------------------------------------- */

/*
 * survey_device - all that stands in the way of assigning the device at @addr,
 * each with its message and remedy. Returns the first's -errno, or 0.
 */
int survey_device(const struct config *cfg, const char *addr);
/* survey_name - sysfs_name() of @text, with a message. */
int survey_name(const char *text, char addr[SYSFS_ADDR]);
/* survey_driver - check that VFIO's driver is there to take @dev. */
int survey_driver(const struct sysfs_device *dev);
/* survey_node - the node that is opened to assign it; "" where none is. */
void survey_node(const struct config *cfg, const struct sysfs_device *dev,
		 char path[SYSFS_PATH]);

/*
 * survey_reserved - what IOMMU group @group keeps of its devices' addresses,
 * at most @max, ascending. Returns how many, or -errno.
 */
int survey_reserved(int group, struct iommu_reserved *out, unsigned int max);
/* survey_free - what that leaves; at most @nr + 1. Returns how many. */
unsigned int survey_free(const struct iommu_reserved *reserved,
			 unsigned int nr, struct iommu_range *out);
/* survey_reach - check that @region lies within @ranges: 0 or -ERANGE. */
int survey_reach(const struct iommu_range *ranges, unsigned int nr,
		 const struct mem_region *region);

#endif
