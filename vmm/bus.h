/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bus: the sorted ranges of one address space and who answers in each. The
 * same type serves memory-mapped and port I/O. It is frozen before the first
 * vCPU runs and so needs no lock; what moves at run time (BARs) moves inside
 * the PCI host bridge, which owns its windows for good.
 */
#ifndef VMM_BUS_H
#define VMM_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * @offset counts from the range's base; @len is 1, 2, 4 or 8 and the access
 * lies inside the range. Values are in the low @len bytes; bits above are 0
 * on write and ignored on read. Called from vCPU threads.
 */
struct bus_ops {
	uint64_t (*read)(void *owner, uint64_t offset, unsigned int len);
	void (*write)(void *owner, uint64_t offset, uint64_t value,
		      unsigned int len);
};

struct bus_range {
	const char *name;
	uint64_t base;
	uint64_t size;
	const struct bus_ops *ops;
	void *owner;
};

#define BUS_RANGES 64

struct bus {
	const char *name;	/* "mmio", "pio" */
	struct bus_range ranges[BUS_RANGES];	/* sorted by base */
	unsigned int nr;
	bool frozen;
};

void bus_create(struct bus *bus, const char *name);

/*
 * bus_add - claim [@base, @base + @size). -EINVAL: empty or wrapping;
 * -EEXIST: overlaps another; -ENOSPC: table full; -EBUSY: frozen.
 */
int bus_add(struct bus *bus, const char *name, uint64_t base, uint64_t size,
	    const struct bus_ops *ops, void *owner);
void bus_freeze(struct bus *bus);

/*
 * bus_read, bus_write - one guest access. Where nobody answers, and where an
 * access straddles a range's end, reads give all ones and writes vanish.
 */
uint64_t bus_read(const struct bus *bus, uint64_t addr, unsigned int len);
void bus_write(const struct bus *bus, uint64_t addr, uint64_t value,
	       unsigned int len);

#endif
