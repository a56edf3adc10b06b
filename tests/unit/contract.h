/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world in which a DMA backend keeps its contract: the fake kernel, or the
 * real one, where the program is run as root beside a device that vfio-pci
 * has. See contract.c.
 */
#ifndef TESTS_UNIT_CONTRACT_H
#define TESTS_UNIT_CONTRACT_H

#include <stddef.h>
#include <stdint.h>

struct vm;

/*
 * world_begin - a host that offers @way ("legacy", "compat", "instead",
 * "iommufd", "by_group"; ways.h), or the test is skipped; @vm is made. Returns
 * the address of a device. world_end - all must be as before.
 */
const char *world_begin(const char *way, struct vm *vm);
void world_end(struct vm *vm);
/* world_pinned - bytes that are pinned for devices. */
uint64_t world_pinned(void);
/* world_msi - the first address of the MiB that its IOMMU keeps for messages. */
uint64_t world_msi(void);
/* world_memlock - from now on no more than @bytes may be locked. */
void world_memlock(uint64_t bytes);

#endif
