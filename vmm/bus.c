/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorted ranges and a binary search; see bus.h.
 */
#include <errno.h>
#include <string.h>

#include "vmm/bus.h"
#include "vmm/log.h"

void bus_create(struct bus *bus, const char *name)
{
	memset(bus, 0, sizeof(*bus));
	bus->name = name;
}

/* The index of the last range that begins at or below @addr, or -1. */
static int bus_search(const struct bus *bus, uint64_t addr)
{
	int low = 0, high = bus->nr;

	while (low < high) {
		int mid = (low + high) / 2;

		if (bus->ranges[mid].base <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low - 1;
}

int bus_add(struct bus *bus, const char *name, uint64_t base, uint64_t size,
	    const struct bus_ops *ops, void *owner)
{
	struct bus_range *r;
	int at;

	if (!range_ok(base, size))
		return -EINVAL;
	if (bus->frozen)
		return -EBUSY;
	if (bus->nr == BUS_RANGES)
		return -ENOSPC;
	at = bus_search(bus, base);
	r = &bus->ranges[at + 1];
	if (at >= 0 && ranges_overlap(r[-1].base, r[-1].size, base, size))
		return -EEXIST;
	if ((unsigned int)(at + 1) < bus->nr &&
	    ranges_overlap(r->base, r->size, base, size))
		return -EEXIST;
	memmove(r + 1, r, (bus->nr - (at + 1)) * sizeof(*r));
	*r = (struct bus_range){ name, base, size, ops, owner };
	bus->nr++;
	return 0;
}

void bus_freeze(struct bus *bus)
{
	bus->frozen = true;
}

static const struct bus_range *bus_find(const struct bus *bus, uint64_t addr,
					unsigned int len)
{
	int at = bus_search(bus, addr);
	const struct bus_range *r;

	if (at < 0)
		return NULL;
	r = &bus->ranges[at];
	return range_contains(r->base, r->size, addr, len) ? r : NULL;
}

static uint64_t ones_of(unsigned int len)
{
	return len < 8 ? BIT(8 * len) - 1 : UINT64_MAX;
}

uint64_t bus_read(const struct bus *bus, uint64_t addr, unsigned int len)
{
	const struct bus_range *r = bus_find(bus, addr, len);
	uint64_t val = ones_of(len);

	if (r && r->ops->read)
		val &= r->ops->read(r->owner, addr - r->base, len);
	trace(TRACE_MMIO, "%s read %s addr=0x%llx len=%u -> 0x%llx", bus->name,
	      r ? r->name : "nobody", (unsigned long long)addr, len,
	      (unsigned long long)val);
	return val;
}

void bus_write(const struct bus *bus, uint64_t addr, uint64_t value,
	       unsigned int len)
{
	const struct bus_range *r = bus_find(bus, addr, len);

	value &= ones_of(len);
	trace(TRACE_MMIO, "%s write %s addr=0x%llx len=%u <- 0x%llx",
	      bus->name, r ? r->name : "nobody", (unsigned long long)addr, len,
	      (unsigned long long)value);
	if (r && r->ops->write)
		r->ops->write(r->owner, addr - r->base, value, len);
}
