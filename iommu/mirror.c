/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest RAM, and what devices have of memory, mirrored into DMA spaces as a
 * memory listener each. A region that one space has is shared with the next
 * where the backend can, so that its pages are pinned once.
 */
#include <errno.h>
#include <stdlib.h>

#include "iommu/iommu_priv.h"
#include "iommu/memlock.h"
#include "iommu/survey.h"
#include "vmm/log.h"
#include "vmm/util.h"

static unsigned int bit_of(const struct space *s)
{
	return 1U << (s - s->iommu->spaces);
}

/*
 * The first stretch inside [gpa, gpa + size) that no allowed range covers;
 * false where all is allowed.
 */
static bool find_hole(const struct iommu_range *ranges, unsigned int nr,
		      uint64_t gpa, uint64_t size, struct iommu_range *hole)
{
	uint64_t at = gpa, last = gpa + (size - 1);
	const struct iommu_range *r;

	hole->last = UINT64_MAX;
	for (r = ranges; r < ranges + nr; r++) {
		if (r->last < at)
			continue;
		if (r->first > at) {
			hole->last = r->first - 1;
			break;
		}
		if (r->last >= last)
			return false;
		at = r->last + 1;
	}
	hole->first = at;
	return true;
}

int survey_reach(const struct iommu_range *ranges, unsigned int nr,
		 const struct mem_region *region)
{
	struct iommu_range hole;

	if (!find_hole(ranges, nr, region->gpa, region->size, &hole))
		return 0;
	log_err("memory: %s, 0x%llx-0x%llx, is not all within the device's reach: "
		"its IOMMU keeps 0x%llx-0x%llx",
		region->name, (unsigned long long)region->gpa,
		(unsigned long long)(region->gpa + region->size - 1),
		(unsigned long long)hole.first, (unsigned long long)hole.last);
	return -ERANGE;
}

/*
 * Whether the region begins and ends where the IOMMU's smallest pages do. They
 * are 0 where a container does not say, which will refuse a map then.
 */
static bool in_pages(const struct space *s, const struct mem_region *region)
{
	uint64_t sizes = s->limits.page_sizes;

	return (IS_ENABLED(CONFIG_VFIO_CONTAINER) && !sizes) ||
		!((region->gpa | region->size) & ((sizes & -sizes) - 1));
}

static int check_range(const struct space *s, const struct mem_region *region)
{
	int err = survey_reach(s->limits.ranges, s->limits.nr_ranges, region);

	if (err < 0 || in_pages(s, region))
		return err;
	log_err("memory: %s, 0x%llx-0x%llx, is not made of the IOMMU's pages: "
		"their sizes are the bits of 0x%llx",
		region->name, (unsigned long long)region->gpa,
		(unsigned long long)(region->gpa + region->size - 1),
		(unsigned long long)s->limits.page_sizes);
	return -ERANGE;
}

static struct iommu_map map_of(const struct mem_region *region)
{
	return (struct iommu_map){
		.name = region->name,
		.iova = region->gpa,
		.size = region->size,
		.hva = region->hva,
		.fd = region->fd,
		.fd_offset = region->fd_offset,
		.hugetlb = region->flags & MEM_HUGETLB,
		.readonly = region->flags & MEM_READONLY,
		.device = region->flags & MEM_DEVICE,
	};
}

/* Whether a space that has @map gave it to @s, pins and all. */
static bool ram_share(struct space *s, const struct mem_region *region,
		      const struct iommu_map *map)
{
	struct iommu *iommu = s->iommu;
	struct space *from;
	int err;

	for (from = iommu->spaces; from < iommu->spaces + SPACES_MAX; from++) {
		if (!iommu->backend->copy || !(region->dma & bit_of(from)))
			continue;
		err = iommu->backend->copy(s->handle, from->handle, map);
		trace(TRACE_MEM, "iommu: %s shared with another space: %d",
		      region->name, err);
		return err >= 0;
	}
	return false;
}

static unsigned int noiommu(const struct space *s)
{
	return config_noiommu(s->iommu->vm->cfg);
}

/* @bytes beside @mine; what is not held is not locked either. */
static int check_memlock(const struct space *s, uint64_t bytes, uint64_t mine)
{
	return noiommu(s) && !s->iommu->backend->holds ? 0 :
		memlock_check(bytes, mine, s->limits.by_process);
}

static int ram_add(struct space *s, struct mem_region *region)
{
	const struct iommu_map map = map_of(region);
	struct iommu *iommu = s->iommu;
	int err;

	err = check_range(s, region);
	if (err < 0 || ram_share(s, region, &map))
		return err;
	err = check_memlock(s, region->size, iommu->locked);
	if (err < 0)
		return err;
	err = map.readonly || region->dma ? 0 : mem_prefault(region);
	if (err < 0)
		return err;
	err = iommu->backend->map(s->handle, &map);
	if (err < 0)
		return err;
	if (noiommu(s))
		err = noiommu_check(iommu->backend, s->handle, &map);
	if (err < 0) {
		iommu->backend->unmap(s->handle, map.iova, map.size);
		return err;
	}
	iommu->locked += region->size;
	return 0;
}

/*
 * The BAR of one device, for the others to reach: worth something with two
 * devices or more, and never worth a failure.
 */
static int bar_add(struct space *s, const struct mem_region *region)
{
	const struct iommu_map map = map_of(region);
	struct iommu *iommu = s->iommu;
	struct iommu_range hole;
	int err = -ERANGE;

	if (iommu->nr_devices < 2 || noiommu(s) ||
	    iommu->vm->cfg->p2p == P2P_OFF)
		return -ENOENT;
	if (!find_hole(s->limits.ranges, s->limits.nr_ranges, region->gpa, region->size, &hole) &&
	    in_pages(s, region))
		err = iommu->backend->map(s->handle, &map);
	trace(TRACE_MEM, "p2p: %s at 0x%llx: %d", region->name,
	      (unsigned long long)region->gpa, err);
	if (err < 0 && !iommu->warned) {
		iommu->warned = true;
		log_warn("iommu: devices cannot reach the memory of %s: %s",
			 region->name, err == -EOPNOTSUPP ?
			 "the kernel gives no dma-buf of it" : err == -EFAULT ?
			 "iommufd maps it as a dma-buf only" : err_text(err));
		log_hint("if none has to: --p2p off");
	}
	return err;
}

static int region_add(struct mem_listener *listener, struct mem_region *region)
{
	struct space *s = container_of(listener, struct space, listener);
	bool ram = region->flags & MEM_RAM;
	int err;

	if (region->flags & MEM_NO_DMA)
		return 0;
	err = ram ? ram_add(s, region) : bar_add(s, region);
	if (err >= 0)
		region->dma |= bit_of(s);
	return ram ? err : 0;
}

static void region_del(struct mem_listener *listener, struct mem_region *region)
{
	struct space *s = container_of(listener, struct space, listener);
	struct iommu *iommu = s->iommu;

	if (!(region->dma & bit_of(s)))
		return;
	region->dma &= ~bit_of(s);
	iommu->backend->unmap(s->handle, region->gpa, region->size);
	/* What is shared stays locked until the last lets go. */
	if (region->flags & MEM_RAM && !(iommu->backend->copy && region->dma))
		iommu->locked -= region->size;
}

/* With another device in the space they may have become narrower. */
static int read_limits(struct space *s)
{
	struct iommu_limits limits = { 0 };
	int err;

	err = s->iommu->backend->limits(s->handle, &limits);
	if (err < 0)
		return err;
	free(s->limits.ranges);
	s->limits = limits;
	return 0;
}

/* Of a container's mappings there is a limited number. */
static int check_maps(const struct space *s, uint32_t maps)
{
	if (!IS_ENABLED(CONFIG_VFIO_CONTAINER) || maps <= s->limits.maps)
		return 0;
	log_err("memory: %u mappings are needed for DMA, %u are allowed",
		maps, s->limits.maps);
	log_hint("as root: echo %u > /sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
		 maps);
	return -ERANGE;
}

/* All that can be known to fail, before minutes are spent on mapping. */
static int check_memory(const struct space *s)
{
	const struct iommu *iommu = s->iommu;
	const struct mem_region *region;
	uint64_t bytes = 0;
	uint32_t maps = 0;
	int err;

	for (region = iommu->vm->mem.regions; region; region = region->next) {
		if ((region->flags & (MEM_RAM | MEM_NO_DMA)) != MEM_RAM)
			continue;
		err = check_range(s, region);
		if (err < 0)
			return err;
		if (region->dma & bit_of(s))
			continue;
		maps++;
		if (!region->dma || !iommu->backend->copy)
			bytes += region->size;
	}
	err = check_maps(s, maps);
	return err < 0 ? err : check_memlock(s, bytes, iommu->locked);
}

int mirror_device(struct space *s)
{
	int err;

	if (noiommu(s) == NOIOMMU_DEVICE_ONLY)
		return 0;	/* nothing is mapped */
	err = read_limits(s);
	if (err < 0)
		return err;
	err = check_memory(s);
	if (err < 0 || s->devices)
		return err;
	s->listener = (struct mem_listener){
		.name = "iommu",
		.add = region_add,
		.del = region_del,
	};
	return mem_listen(&s->iommu->vm->mem, &s->listener);
}

void mirror_stop(struct space *s)
{
	mem_unlisten(&s->iommu->vm->mem, &s->listener);
}
