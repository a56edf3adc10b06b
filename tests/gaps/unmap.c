/* SPDX-License-Identifier: BSD-2-Clause */
/* What may be unmapped, how much that is, and which pages were written. */
#include <errno.h>
#include <stdlib.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "gaps.h"

/* unmap_bytes, unmap_all_bytes: the outcome is how much there was. */
static int unmap_bytes(struct space *s, uint64_t iova, uint64_t size)
{
	uint64_t done;
	int err = unmap(s, iova, size, &done);

	return err < 0 ? err : say(s, "%llu", (unsigned long long)done);
}

static int unmap_all_bytes(struct space *s)
{
	uint64_t done;
	int err = unmap_all(s, &done);

	return err < 0 ? err : say(s, "%llu", (unsigned long long)done);
}

/* two_mappings: of 1 MiB each, one after the other. */
static void two_mappings(struct space *s)
{
	must(s, map(s, IOVA, ram(MIB), MIB));
	must(s, map(s, IOVA + MIB, ram(MIB), MIB));
}

static int try_unmap(struct space *s)
{
	space_ready(s, EDU);
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	return unmap_bytes(s, IOVA, 2 * MIB);
}

static int try_part(struct space *s)
{
	space_ready(s, EDU);
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	return unmap_bytes(s, IOVA + PAGE, PAGE);
}

/* Of the first version's promise, which was to cut anywhere. */
static int try_part_old(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	must(s, space_open(s));
	must(s, space_join(s, EDU));
	must(s, space_choose(s, VFIO_TYPE1_IOMMU));
	must(s, space_device(s, EDU));
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	return unmap_bytes(s, IOVA + PAGE, PAGE);
}

static int try_both(struct space *s)
{
	space_ready(s, EDU);
	two_mappings(s);
	return unmap_bytes(s, IOVA, 2 * MIB);
}

static int try_wider(struct space *s)
{
	space_ready(s, EDU);
	two_mappings(s);
	return unmap_bytes(s, IOVA - MIB, 4 * MIB);
}

static int try_hole(struct space *s)
{
	space_ready(s, EDU);
	return unmap_bytes(s, IOVA, 2 * MIB);
}

static int try_all(struct space *s)
{
	space_ready(s, EDU);
	two_mappings(s);
	return unmap_all_bytes(s);
}

static int try_all_empty(struct space *s)
{
	space_ready(s, EDU);
	return unmap_all_bytes(s);
}

const struct scenario unmap_scenarios[] = {
	{ "unmap", "unmap 2 MiB", SAFE, try_unmap },
	{ "unmap-part", "unmap a page in the midst of a mapping", SAFE,
	  try_part },
	{ "unmap-part-old", "the same with type1, the first version", SAFE,
	  try_part_old },
	{ "unmap-both", "unmap two mappings at once", SAFE, try_both },
	{ "unmap-wider", "unmap more than there is", SAFE, try_wider },
	{ "unmap-hole", "unmap where nothing is", SAFE, try_hole },
	{ "unmap-all", "unmap everything", SAFE, try_all },
	{ "unmap-all-empty", "unmap everything when there is nothing", SAFE,
	  try_all_empty },
	{ 0 },
};

/* --- dirty pages -------------------------------------------------------- */

/* start_group: the container notes from now on which pages are written. */
static int start_group(struct space *s)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
	};

	return CALL(s, s->base, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

/* start_cdev: a page table of the IOMMU's that notes it. */
static int start_cdev(struct space *s)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.dev_id = s->devid[EDU],
		.pt_id = s->ioas,
	};

	return CALL(s, s->base, IOMMU_HWPT_ALLOC, &arg);
}

static int try_dirty(struct space *s)
{
	space_ready(s, EDU);
	return where(s, s->way->by_group ? start_group(s) : start_cdev(s));
}

/* No device has written; how many pages of 2 MiB count as written all the same? */
static int try_dirty_pages(struct space *s)
{
	uint64_t bitmap[2 * MIB / PAGE / 64] = { 0 };
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} arg = {
		.head.argsz = sizeof(arg),
		.head.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get = { .iova = IOVA, .size = 2 * MIB,
			 .bitmap = { .pgsize = PAGE, .size = sizeof(bitmap),
				     .data = (void *)bitmap } },
	};
	int count = 0;

	if (!s->way->by_group)
		return NOT_HERE;
	space_ready(s, EDU);
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	if (start_group(s) < 0)
		return NOT_HERE;
	must(s, CALL(s, s->base, VFIO_IOMMU_DIRTY_PAGES, &arg));
	for (size_t i = 0; i < ARRAY_SIZE(bitmap); i++)
		count += __builtin_popcountll(bitmap[i]);
	return say(s, "%d", count);
}

static int try_unmap_dirty(struct space *s)
{
	uint64_t bitmap[2 * MIB / PAGE / 64];
	struct {
		struct vfio_iommu_type1_dma_unmap head;
		struct vfio_bitmap bitmap;
	} arg = {
		.head = { .argsz = sizeof(arg),
			  .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			  .iova = IOVA, .size = 2 * MIB },
		.bitmap = { .pgsize = PAGE, .size = sizeof(bitmap),
			    .data = (void *)bitmap },
	};

	if (!s->way->by_group)
		return NOT_HERE;
	space_ready(s, EDU);
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	start_group(s);
	return CALL(s, s->base, VFIO_IOMMU_UNMAP_DMA, &arg);
}

const struct scenario dirty_scenarios[] = {
	{ "dirty", "note which pages a device writes", SAFE, try_dirty },
	{ "dirty-pages", "of 512 idle pages, so many count as written", SAFE,
	  try_dirty_pages },
	{ "unmap-dirty", "unmap, and tell which were written", SAFE,
	  try_unmap_dirty },
	{ 0 },
};
