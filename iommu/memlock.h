/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may be locked for DMA, and who counts it: VFIO's container counts what
 * a process locks, iommufd all that a user's processes lock together, unless
 * it was told to do as the other. Private to iommu/. Linux:
 * Documentation/userspace-api/iommufd.rst (IOMMU_OPTION_RLIMIT_MODE).
 */
#ifndef IOMMU_MEMLOCK_H
#define IOMMU_MEMLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * memlock_by_process - have what is mapped through @fd, a container or an
 * iommufd which is unused so far, counted for this process alone. Returns
 * whether it will be; to ask for it takes CAP_SYS_RESOURCE.
 */
bool memlock_by_process(int fd);

/*
 * memlock_check - check that @bytes may be locked beside @mine, which are
 * locked already and known of: 0, or -EPERM having said how many are needed,
 * how many are allowed, and what counts.
 */
int memlock_check(uint64_t bytes, uint64_t mine, bool by_process);

/* memlock_hint - after -ENOMEM: the limit, if it may be why. */
void memlock_hint(bool by_process);

#endif
