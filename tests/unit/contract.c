/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of iommu/backend.h, for every way to a DMA space: what may be
 * mapped and what not, by which error number; that memory is pinned exactly
 * while it is mapped; and what the two kernel interfaces differ in and must
 * not show. It runs over the fake kernel as a unit test, and on real ones in
 * the bed (tests/bed/cases/conformance.sh).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "capture.h"
#include "contract.h"
#include "iommu/backend.h"
#include "test.h"
#include "vmm/config.h"
#include "vmm/sys.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define AT (16 * MiB)
#define SIZE (2 * MiB)
#define NR 2

static const struct iommu_backend *backend;
static struct sysfs_device device;
static struct config config;
static struct iommu_limits limits;
static struct vm machine;
static void *space;
static char *memory;		/* NR * SIZE bytes */
static int fd;

static void attach(void)
{
	fd = backend->attach(space, &machine.kvm, &device);
	CHECK(fd >= 0);
	CHECK_EQ(backend->limits(space, &limits), 0);
}

static void detach(void)
{
	free(limits.ranges);
	backend->detach(space, &machine.kvm, fd);
}

static void begin(const char *way)
{
	const char *addr = world_begin(way, &machine);
	void *at;

	backend = !strcmp(way, "iommufd") || !strcmp(way, "by_group") ?
		&iommu_iommufd : &iommu_legacy;
	config.container = !strcmp(way, "instead") ? "/dev/iommu" : NULL;
	CHECK_EQ(sys_mmap(&at, NULL, NR * SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 0);
	memory = at;
	memset(memory, 1, NR * SIZE);
	CHECK_EQ(sysfs_device(addr, &device), 0);
	CHECK_EQ(backend->open(&space, NULL, &config, &device), 0);
	attach();
	CHECK_EQ(world_pinned(), 0);
}

static void end(void)
{
	detach();
	backend->close(space);
	CHECK_EQ(world_pinned(), 0);
	sys_munmap(memory, NR * SIZE);
	world_end(&machine);
}

/* What it prints is for other tests. */
static int map(uint64_t iova, uint64_t size, void *hva)
{
	const struct iommu_map arg = {
		.name = "memory", .iova = iova, .size = size, .hva = hva,
		.fd = -1,
	};
	int err;

	capture_begin(2);
	err = backend->map(space, &arg);
	capture_end();
	return err;
}

static void unmap(uint64_t iova, uint64_t size)
{
	backend->unmap(space, iova, size);
}

static void pinned_exactly_while_mapped(const char *way)
{
	begin(way);
	CHECK_EQ(map(AT, SIZE, memory), 0);
	CHECK_EQ(world_pinned(), SIZE);
	CHECK_EQ(map(AT + SIZE, SIZE, memory + SIZE), 0);
	CHECK_EQ(world_pinned(), 2 * SIZE);
	unmap(AT, SIZE);
	CHECK_EQ(world_pinned(), SIZE);
	unmap(AT + SIZE, SIZE);
	CHECK_EQ(world_pinned(), 0);
	CHECK_EQ(map(AT, SIZE, memory), 0);
	unmap(AT, SIZE);
	end();
}

static void overlaps_are_refused_and_do_no_harm(const char *way)
{
	begin(way);
	CHECK_EQ(map(AT, SIZE, memory), 0);
	CHECK_EQ(map(AT, SIZE, memory), -EEXIST);
	CHECK_EQ(map(AT + SIZE / 2, SIZE, memory + SIZE), -EEXIST);
	CHECK_EQ(map(AT - SIZE / 2, SIZE, memory + SIZE), -EEXIST);
	CHECK_EQ(map(AT + SIZE / 2, 4 * KiB, memory), -EEXIST);
	CHECK_EQ(world_pinned(), SIZE);
	unmap(AT, SIZE);
	CHECK_EQ(world_pinned(), 0);
	CHECK_EQ(map(AT + SIZE / 2, SIZE, memory), 0);
	unmap(AT + SIZE / 2, SIZE);
	end();
}

/* The same memory may be at two addresses. */
static void memory_may_be_mapped_twice(const char *way)
{
	begin(way);
	CHECK_EQ(map(AT, SIZE, memory), 0);
	CHECK_EQ(map(2 * AT, SIZE, memory), 0);
	unmap(AT, SIZE);
	unmap(2 * AT, SIZE);
	end();
}

static void what_the_iommu_keeps_is_refused(const char *way)
{
	const struct iommu_range *r;
	int i;

	begin(way);
	CHECK(limits.nr_ranges > 0);
	for (i = 0, r = limits.ranges; i < limits.nr_ranges; i++, r++) {
		CHECK(r->first <= r->last);
		CHECK(!i || r->first > r[-1].last + 1);
		test_note("after 0x%llx", (unsigned long long)r->last);
		if (r->last == UINT64_MAX)
			continue;
		CHECK_EQ(map(r->last + 1, 4 * KiB, memory), -EINVAL);
		CHECK_EQ(map(r->last + 1 - 4 * KiB, 8 * KiB, memory), -EINVAL);
		CHECK_EQ(map(r->last + 1 - 4 * KiB, 4 * KiB, memory), 0);
		unmap(r->last + 1 - 4 * KiB, 4 * KiB);
	}
	CHECK_EQ(world_pinned(), 0);
	end();
}

/* Where messages are written to. Where else would nobody look for it? */
static void the_msi_window_is_kept(const char *way)
{
	uint64_t msi = world_msi();
	int i;

	begin(way);
	for (i = 0; i < limits.nr_ranges; i++)
		CHECK(limits.ranges[i].last < msi ||
		      limits.ranges[i].first >= msi + MiB);
	CHECK_EQ(map(msi, 4 * KiB, memory), -EINVAL);
	end();
}

static void pages_are_whole(const char *way)
{
	uint64_t page;
	int error;

	begin(way);
	page = limits.page_sizes & -limits.page_sizes;
	CHECK(page && page <= 4 * KiB);
	CHECK_EQ(map(AT + 512, 4 * KiB, memory + 512), -EINVAL);
	CHECK_EQ(map(AT, 512, memory), -EINVAL);
	CHECK_EQ(map(AT, 0, memory), -EINVAL);
	/* The container of Linux 6.12 says EINVAL, that of 7.3 EOVERFLOW. */
	error = map(-4 * KiB, 8 * KiB, memory);
	CHECK(error == -EOVERFLOW || error == -EINVAL);
	CHECK_EQ(world_pinned(), 0);
	end();
}

static void memory_must_be_there(const char *way)
{
	void *gone;

	begin(way);
	CHECK_EQ(sys_mmap(&gone, NULL, SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 0);
	sys_munmap(gone, SIZE);
	CHECK_EQ(map(AT, SIZE, gone), -EFAULT);
	CHECK_EQ(world_pinned(), 0);
	CHECK_EQ(map(AT, SIZE, memory), 0);
	unmap(AT, SIZE);
	end();
}

/* ENOENT for one, nothing for the other: nobody hears of it. */
static void unmapping_a_hole_is_silent(const char *way)
{
	begin(way);
	CHECK_EQ(map(AT, SIZE, memory), 0);
	capture_begin(2);
	unmap(4 * AT, SIZE);
	unmap(AT + SIZE, SIZE);
	capture_end();
	CHECK_EQ(said_lines(), 0);
	CHECK_EQ(world_pinned(), SIZE);
	unmap(AT, SIZE);
	end();
}

static void no_more_is_locked_than_may_be(const char *way)
{
	begin(way);
	world_memlock(SIZE);
	CHECK_EQ(map(AT, 2 * SIZE, memory), -ENOMEM);
	CHECK_EQ(world_pinned(), 0);
	CHECK_EQ(map(AT, SIZE, memory), 0);
	CHECK_EQ(map(2 * AT, SIZE, memory + SIZE), -ENOMEM);
	CHECK_EQ(world_pinned(), SIZE);
	unmap(AT, SIZE);
	CHECK_EQ(map(2 * AT, SIZE, memory + SIZE), 0);
	unmap(2 * AT, SIZE);
	end();
}

/* Only VFIO's own container has a number of them, and tells how many remain. */
static void mappings_are_counted(const char *way)
{
	uint32_t before;

	begin(way);
	before = limits.maps;
	CHECK_EQ(map(AT, SIZE, memory), 0);
	free(limits.ranges);
	CHECK_EQ(backend->limits(space, &limits), 0);
	if (strcmp(way, "legacy"))
		CHECK_EQ(limits.maps, UINT32_MAX);
	else
		CHECK_EQ(limits.maps, before - 1);
	unmap(AT, SIZE);
	end();
}

static void a_space_can_be_used_again(const char *way)
{
	int i;

	begin(way);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(map(AT, SIZE, memory), 0);
		unmap(AT, SIZE);
		detach();
		CHECK_EQ(world_pinned(), 0);
		attach();
	}
	end();
}

/* What is left mapped goes with the space, and no later. */
static void closing_lets_go_of_memory(const char *way)
{
	begin(way);
	CHECK_EQ(map(AT, SIZE, memory), 0);
	CHECK_EQ(world_pinned(), SIZE);
	end();
}

/* Pages are pinned for whoever has them, once, and while anybody has. */
static void a_copy_shares_pins(const char *way)
{
	const struct iommu_map arg = { .name = "copy", .iova = AT,
				       .size = SIZE, .fd = -1 };
	void *first, *second;

	begin(way);
	CHECK_EQ(!backend->copy, backend == &iommu_legacy);
	if (backend->copy) {
		CHECK_EQ(map(AT, SIZE, memory), 0);
		first = space;
		CHECK_EQ(backend->open(&second, first, &config, &device), 0);
		CHECK_EQ(backend->copy(second, first, &arg), 0);
		CHECK_EQ(backend->copy(second, first, &arg), -EEXIST);
		CHECK_EQ(world_pinned(), SIZE);
		detach();
		backend->unmap(first, AT, SIZE);
		CHECK_EQ(world_pinned(), 0);
		/* the other has it still, and the device with it */
		space = second;
		attach();
		CHECK_EQ(world_pinned(), SIZE);
		backend->unmap(second, AT, SIZE);
		CHECK_EQ(world_pinned(), 0);
		backend->close(first);
	}
	end();
}

/* With the right to it all ways count by process. */
static void locked_memory_counts_by_process(const char *way)
{
	begin(way);
	CHECK(limits.by_process);
	end();
}

#define ONE(way, name) TEST(way##_##name) { name(#way); }
#define ALL(name) \
	ONE(legacy, name) ONE(compat, name) ONE(instead, name) \
	ONE(iommufd, name) ONE(by_group, name)

ALL(pinned_exactly_while_mapped)
ALL(overlaps_are_refused_and_do_no_harm)
ALL(memory_may_be_mapped_twice)
ALL(what_the_iommu_keeps_is_refused)
ALL(the_msi_window_is_kept)
ALL(pages_are_whole)
ALL(memory_must_be_there)
ALL(unmapping_a_hole_is_silent)
ALL(no_more_is_locked_than_may_be)
ALL(mappings_are_counted)
ALL(a_space_can_be_used_again)
ALL(closing_lets_go_of_memory)
ALL(a_copy_shares_pins)
ALL(locked_memory_counts_by_process)
