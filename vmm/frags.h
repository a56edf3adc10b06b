/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest RAM that the guest has at the addresses at which it is in the host:
 * huge pages, wherever the host has them, each put at the guest-physical
 * address that is its physical one. What a guest tells a device to do then
 * means the same to the device, without an IOMMU in between.
 */
#ifndef VMM_FRAGS_H
#define VMM_FRAGS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/mem.h"
#include "vmm/util.h"

struct vm;

#define FRAGS_MAX 64

struct frags {
	struct mem_region regions[FRAGS_MAX];	/* ascending */
	unsigned int nr;
	unsigned int added;	/* how many of them vm->mem has */
	bool there;
	int fd;
	void *base;		/* of all regions' memory, NULL: none */
	size_t reserved;
};

struct frags_wish {
	uint64_t size;		/* of RAM, bytes */
	uint64_t low;		/* of that, below 4 GiB if there is any */
	/* Whether the guest can have RAM at [@pa, @pa + @size). */
	bool (*usable)(const struct vm *vm, uint64_t pa, uint64_t size);
	/*
	 * iommu_locate(), of which the core knows nothing. Called without
	 * any pages first, to learn whether it can be done at all.
	 */
	int (*locate)(struct vm *vm, void *hva, uint64_t size, uint64_t page,
		      uint64_t *pa);
};

#if IS_ENABLED(CONFIG_VFIO_NOIOMMU)
/*
 * frags_create - take huge pages from the host until enough of them are where
 * @wish can use them, keep those that make the fewest pieces, give the others
 * back, and add the pieces to guest memory. Prints its errors: -ERANGE where
 * the host has too few, -EDOM where the size is not a multiple of theirs.
 */
int frags_create(struct frags *frags, struct vm *vm,
		 const struct frags_wish *wish);
/*
 * frags_check - check that the host has huge pages for @size bytes, wherever
 * they are: 0 or what frags_create() would return, with its message.
 */
int frags_check(uint64_t size);
/* frags_destroy - of what was created, or of zeroes. */
void frags_destroy(struct frags *frags, struct vm *vm);
/* frags_end - the address above the last piece, 0: there is none. */
uint64_t frags_end(const struct frags *frags);
#else
static inline int frags_create(struct frags *frags, struct vm *vm,
			       const struct frags_wish *wish)
{
	(void)frags;
	(void)vm;
	(void)wish;
	return -ENOSYS;
}

static inline int frags_check(uint64_t size)
{
	(void)size;
	return -ENOSYS;
}

static inline void frags_destroy(struct frags *frags, struct vm *vm)
{
	(void)frags;
	(void)vm;
}

static inline uint64_t frags_end(const struct frags *frags)
{
	(void)frags;
	return 0;
}
#endif

#endif
