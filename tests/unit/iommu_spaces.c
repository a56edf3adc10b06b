/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that the kernel will not have in one address space: each way opens
 * another, with the same contents, and shares pins where it can.
 */
#include <errno.h>

#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "ways.h"

#define DEV3 "0000:03:00.0"

/* Pins are shared by iommufd alone, and only by its own calls. */
static bool shares(const struct words *w)
{
	return w->choice == IOMMU_IOMMUFD;
}

static void start_apart(void)
{
	start();
	fake_pci_find(DEV2)->apart = 1;
}

static void kept_apart_in_two_spaces(const struct words *w)
{
	struct iommu *iommu;
	int a, b;

	start_apart();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	capture_begin(2);
	b = iommu_attach(iommu, DEV2, NULL);
	capture_end();
	CHECK(a >= 0 && b >= 0);
	CHECK(said("iommu: " DEV2 ": in another address space"));
	CHECK_EQ(said_lines(), 1);
	CHECK_EQ(fake_maps(), 2);
	CHECK_EQ(fake_count(w->map), shares(w) ? 1 : 2);
	CHECK_EQ(fake_count("IOMMU_IOAS_COPY dst_iova=0x0 length=0x400000"),
		 shares(w));
	/* the first may leave before the second, whose pins stay */
	iommu_detach(iommu, a);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, b);
	CHECK_EQ(fake_maps(), 0);
	/* and both spaces can be used again, by the other ones */
	b = iommu_attach(iommu, DEV2, NULL);
	a = iommu_attach(iommu, DEV, NULL);
	CHECK(a >= 0 && b >= 0);
	CHECK_EQ(fake_maps(), 2);
	iommu_detach(iommu, a);
	iommu_detach(iommu, b);
	iommu_destroy(iommu);
	stop();
}

static void a_third_finds_the_space_that_takes_it(const struct words *w)
{
	struct iommu *iommu;
	int a, b, c;

	start_apart();
	fake_pci_nvme(DEV3, 3)->apart = 1;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	b = iommu_attach(iommu, DEV2, NULL);
	c = iommu_attach(iommu, DEV3, NULL);
	CHECK(a >= 0 && b >= 0 && c >= 0);
	CHECK_EQ(fake_maps(), 2);
	iommu_detach(iommu, b);
	CHECK_EQ(fake_maps(), 2);
	iommu_detach(iommu, c);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, a);
	iommu_destroy(iommu);
	stop();
}

static void later_memory_is_in_both(const struct words *w)
{
	struct mem_region more = {
		.name = "more", .gpa = 4 * GiB, .size = MiB, .fd = -1,
		.flags = MEM_RAM,
	};
	struct iommu *iommu;
	int a, b;

	start_apart();
	more.hva = host_pages(more.size);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	b = iommu_attach(iommu, DEV2, NULL);
	CHECK(a >= 0 && b >= 0);
	CHECK_EQ(mem_add(&vm.mem, &more), 0);
	CHECK_EQ(fake_maps(), 4);
	mem_del(&vm.mem, &more);
	CHECK_EQ(fake_maps(), 2);
	iommu_detach(iommu, b);
	iommu_detach(iommu, a);
	iommu_destroy(iommu);
	sys_munmap(more.hva, more.size);
	stop();
}

/* Pinned twice is locked twice; shared, once. */
static void memlock_of_two_spaces(const struct words *w)
{
	struct iommu *iommu;
	int a, b;

	start_apart();
	fake_host()->cap_ipc_lock = fake_host()->cap_sys_resource = false;
	fake_host()->memlock = 2 * RAM - 1;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	CHECK(a >= 0);
	capture_begin(2);
	log_quiet();
	b = iommu_attach(iommu, DEV2, NULL);
	capture_end();
	if (shares(w)) {
		CHECK(b >= 0);
		iommu_detach(iommu, b);
	} else {
		CHECK_EQ(b, -EPERM);
		CHECK(said("8192 KiB must be locked for DMA, 8191 KiB are"));
		CHECK_EQ(said_lines(), 2);
	}
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, a);
	iommu_destroy(iommu);
	stop();
}

/* Alone it is refused as well: then that is said, and once. */
static void refused_in_any_space(const struct words *w)
{
	struct iommu *iommu;
	int a;

	start_apart();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	CHECK(a >= 0);
	fake_host()->rmrr = true;
	capture_begin(2);
	log_quiet();
	CHECK_EQ(iommu_attach(iommu, DEV2, NULL), -EOPNOTSUPP);
	capture_end();
	CHECK(said("RMRR"));
	CHECK_EQ(said_lines(), 1);
	fake_host()->rmrr = false;
	iommu_detach(iommu, a);
	iommu_destroy(iommu);
	stop();
}

static void a_bus_is_reset_over_two_spaces(const struct words *w)
{
	struct fake_pci *beside;
	struct iommu *iommu;
	int a, b;

	start();
	beside = fake_pci_nvme("0000:01:00.1", 3);
	beside->apart = 1;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	b = iommu_attach(iommu, "0000:01:00.1", NULL);
	CHECK(a >= 0 && b >= 0);
	CHECK_EQ(iommu_bus_reset(iommu, b), 0);
	CHECK_EQ(beside->bus_resets, 1);
	iommu_detach(iommu, a);
	iommu_detach(iommu, b);
	iommu_destroy(iommu);
	stop();
}

ALL(a_bus_is_reset_over_two_spaces)
ALL(kept_apart_in_two_spaces)
ALL(a_third_finds_the_space_that_takes_it)
ALL(later_memory_is_in_both)
ALL(memlock_of_two_spaces)
ALL(refused_in_any_space)

/* Whatever the reason: then it is mapped once more. */
TEST(what_cannot_be_shared_is_mapped)
{
	struct iommu *iommu;
	int a, b;

	way = &iommufd;
	start_apart();
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_IOMMUFD, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	fake_fail_call("IOMMU_IOAS_COPY", EINVAL);
	b = iommu_attach(iommu, DEV2, NULL);
	CHECK(a >= 0 && b >= 0);
	CHECK_EQ(fake_maps(), 2);
	CHECK_EQ(fake_count(iommufd.map), 2);
	iommu_detach(iommu, a);
	iommu_detach(iommu, b);
	iommu_destroy(iommu);
	stop();
}

/* ---- every call fails once ---------------------------------------------- */

static void build_apart(void)
{
	build();
	fake_pci_find(DEV2)->apart = 1;
}

static void two_spaces_survive_every_failing_call(const struct words *w)
{
	CHECK(fake_sweep(build_apart, run_two, way_survives) >= 50);
}

ALL(two_spaces_survive_every_failing_call)
