/* SPDX-License-Identifier: BSD-2-Clause */
/* What may be mapped, where, and when. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "gaps.h"

static int try_map(struct space *s)
{
	space_ready(s, EDU);
	return map(s, IOVA, ram(2 * MIB), 2 * MIB);
}

static int try_again(struct space *s)
{
	void *at = ram(2 * MIB);

	space_ready(s, EDU);
	must(s, map(s, IOVA, at, 2 * MIB));
	return map(s, IOVA, at, 2 * MIB);
}

static int try_overlap(struct space *s)
{
	space_ready(s, EDU);
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	return map(s, IOVA + MIB, ram(2 * MIB), 2 * MIB);
}

static int try_unaligned(struct space *s)
{
	space_ready(s, EDU);
	return map(s, IOVA + 0x100, ram(2 * MIB), 2 * MIB);
}

static int try_empty(struct space *s)
{
	space_ready(s, EDU);
	return map(s, IOVA, ram(PAGE), 0);
}

static int try_no_access(struct space *s)
{
	space_ready(s, EDU);
	return map_as(s, IOVA, ram(PAGE), PAGE, 0);
}

static int try_strange_flag(struct space *s)
{
	space_ready(s, EDU);
	return map_as(s, IOVA, ram(PAGE), PAGE, R | W | STRANGE);
}

static int try_no_memory(struct space *s)
{
	void *at = ram(2 * MIB);

	space_ready(s, EDU);
	munmap(at, 2 * MIB);
	return map(s, IOVA, at, 2 * MIB);
}

static int try_read_only(struct space *s)
{
	void *at = ram(2 * MIB);

	space_ready(s, EDU);
	mprotect(at, 2 * MIB, PROT_READ);
	return map(s, IOVA, at, 2 * MIB);
}

static int try_wrap(struct space *s)
{
	space_ready(s, EDU);
	return map(s, -PAGE, ram(2 * PAGE), 2 * PAGE);
}

static int try_reserved(struct space *s)
{
	space_ready(s, EDU);
	return map(s, IOVA_RESERVED, ram(PAGE), PAGE);
}

static int try_beyond(struct space *s)
{
	space_ready(s, EDU);
	return map(s, IOVA_BEYOND, ram(PAGE), PAGE);
}

static int try_before_group(struct space *s)
{
	must(s, space_open(s));
	return map(s, IOVA, ram(2 * MIB), 2 * MIB);
}

/* map_early: memory is mapped, and then the device comes. */
static int map_early(struct space *s, uint64_t iova)
{
	int err;

	must(s, space_open(s));
	if (s->way->by_group) {
		must(s, space_join(s, EDU));
		must(s, space_choose(s, VFIO_TYPE1v2_IOMMU));
	}
	err = map(s, iova, ram(PAGE), PAGE);
	if (err >= 0 && !s->way->by_group)
		err = space_join(s, EDU);
	return where(s, err < 0 ? err : space_device(s, EDU));
}

static int try_before_device(struct space *s)
{
	return map_early(s, IOVA);
}

static int try_reserved_early(struct space *s)
{
	return map_early(s, IOVA_RESERVED);
}

static int try_beyond_early(struct space *s)
{
	return map_early(s, IOVA_BEYOND);
}

static int memory_file(struct space *s, uint64_t size)
{
	int fd = memfd_create("gaps", MFD_CLOEXEC);

	s->call = "memfd_create";
	must(s, fd < 0 || ftruncate(fd, (off_t)size) < 0 ? -errno : 0);
	return fd;
}

static int try_file(struct space *s)
{
	space_ready(s, EDU);
	return map_file(s, IOVA, memory_file(s, 2 * MIB), 2 * MIB);
}

static int try_file_end(struct space *s)
{
	space_ready(s, EDU);
	return map_file(s, IOVA, memory_file(s, MIB), 2 * MIB);
}

/* The same memory in a second space of the same iommufd. */
static int try_copy(struct space *s)
{
	struct iommu_ioas_alloc second = { .size = sizeof(second) };
	struct iommu_ioas_copy arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			IOMMU_IOAS_MAP_WRITEABLE,
		.length = 2 * MIB,
		.dst_iova = IOVA,
		.src_iova = IOVA,
	};

	space_ready(s, EDU);
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	if (s->way->owner != CONTAINER) {
		must(s, space_ioas(s, &arg.src_ioas_id));
		must(s, CALL(s, s->base, IOMMU_IOAS_ALLOC, &second));
		arg.dst_ioas_id = second.out_ioas_id;
	}
	return CALL(s, s->base, IOMMU_IOAS_COPY, &arg);
}

/* --- which addresses there are ----------------------------------------- */

static void add_range(struct space *s, uint64_t start, uint64_t last)
{
	size_t length = strlen(s->text);

	snprintf(s->text + length, sizeof(s->text) - length, "%s%llx-%llx",
		 length ? "," : "", (unsigned long long)start,
		 (unsigned long long)last);
}

static int ranges_of_ioas(struct space *s, uint64_t *alignment)
{
	struct iommu_iova_range ranges[16];
	struct iommu_ioas_iova_ranges arg = {
		.size = sizeof(arg),
		.ioas_id = s->ioas,
		.num_iovas = ARRAY_SIZE(ranges),
		.allowed_iovas = (uintptr_t)ranges,
	};
	int err = CALL(s, s->base, IOMMU_IOAS_IOVA_RANGES, &arg);

	*alignment = arg.out_iova_alignment;
	for (unsigned int i = 0; err >= 0 && i < arg.num_iovas; i++)
		add_range(s, ranges[i].start, ranges[i].last);
	return err;
}

static int ranges_of_group(struct space *s, uint64_t *alignment)
{
	union {
		struct vfio_iommu_type1_info info;
		char room[1024];
	} arg = { .info.argsz = sizeof(arg) };
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	const struct vfio_info_cap_header *header;
	int err = CALL(s, s->base, VFIO_IOMMU_GET_INFO, &arg);
	uint32_t at = err < 0 ? 0 : arg.info.cap_offset;

	*alignment = arg.info.iova_pgsizes & -arg.info.iova_pgsizes;
	for (; at; at = header->next) {
		header = (const void *)(arg.room + at);
		cap = (const void *)header;
		for (unsigned int i = 0;
		     header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE &&
		     i < cap->nr_iovas; i++)
			add_range(s, cap->iova_ranges[i].start,
				  cap->iova_ranges[i].end);
	}
	return err;
}

static int ranges(struct space *s, uint64_t *alignment)
{
	return s->way->by_group ? ranges_of_group(s, alignment) :
		ranges_of_ioas(s, alignment);
}

static int try_ranges_early(struct space *s)
{
	uint64_t alignment;

	must(s, space_open(s));
	if (s->way->by_group) {
		must(s, space_join(s, EDU));
		must(s, space_choose(s, VFIO_TYPE1v2_IOMMU));
	}
	return ranges(s, &alignment);
}

static int try_ranges(struct space *s)
{
	uint64_t alignment;

	space_ready(s, EDU);
	return ranges(s, &alignment);
}

static int try_alignment(struct space *s)
{
	uint64_t alignment;

	space_ready(s, EDU);
	must(s, ranges(s, &alignment));
	return say(s, "%llu", (unsigned long long)alignment);
}

/* --- another process takes the memory over ------------------------------ */

static int change_process(struct space *s)
{
	struct iommu_ioas_change_process arg = { .size = sizeof(arg) };

	return CALL(s, s->base, IOMMU_IOAS_CHANGE_PROCESS, &arg);
}

static int try_move(struct space *s)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_UNMAP_FLAG_VADDR,
		.iova = IOVA,
		.size = 2 * MIB,
	};

	space_ready(s, EDU);
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	if (!s->way->by_group)
		return where(s, change_process(s));
	return where(s, CALL(s, s->base, VFIO_IOMMU_UNMAP_DMA, &arg));
}

static int try_move_file(struct space *s)
{
	if (s->way->owner == CONTAINER)
		return NOT_HERE;
	space_ready(s, EDU);
	must(s, map_file(s, IOVA, memory_file(s, 2 * MIB), 2 * MIB));
	return where(s, change_process(s));
}

const struct scenario map_scenarios[] = {
	{ "map", "map 2 MiB of RAM", SAFE, try_map },
	{ "map-again", "map the same once more", SAFE, try_again },
	{ "map-overlap", "map over a part of a mapping", SAFE, try_overlap },
	{ "map-unaligned", "map at an address within a page", SAFE,
	  try_unaligned },
	{ "map-empty", "map no bytes", SAFE, try_empty },
	{ "map-no-access", "map neither for reading nor for writing", SAFE,
	  try_no_access },
	{ "map-strange-flag", "map with a flag that does not exist", SAFE,
	  try_strange_flag },
	{ "map-no-memory", "map where the process has no memory", SAFE,
	  try_no_memory },
	{ "map-read-only", "map read-only memory for writing", SAFE,
	  try_read_only },
	{ "map-wrap", "map across the end of all addresses", SAFE, try_wrap },
	{ "map-reserved", "map where interrupts are (0xfee00000)", SAFE,
	  try_reserved },
	{ "map-beyond", "map beyond what the IOMMU translates", SAFE,
	  try_beyond },
	{ "map-before-group", "map before any device has joined", SAFE,
	  try_before_group },
	{ "map-before-device", "map before the device is there, then attach",
	  SAFE, try_before_device },
	{ "map-reserved-early", "the same where interrupts are", SAFE,
	  try_reserved_early },
	{ "map-beyond-early", "the same beyond what the IOMMU translates",
	  SAFE, try_beyond_early },
	{ "map-file", "map a memfd by its descriptor (IOAS_MAP_FILE)", SAFE,
	  try_file },
	{ "map-file-end", "the same past the file's end", SAFE, try_file_end },
	{ "copy", "copy a mapping into a second space (IOAS_COPY)", SAFE,
	  try_copy },
	{ "ranges-early", "usable addresses, before the device is there", SAFE,
	  try_ranges_early },
	{ "ranges", "usable addresses", SAFE, try_ranges },
	{ "alignment", "smallest piece that can be mapped", SAFE,
	  try_alignment },
	{ "move", "let another process take memory over", SAFE, try_move },
	{ "move-file", "the same with memory mapped by file", SAFE,
	  try_move_file },
	{ 0 },
};
