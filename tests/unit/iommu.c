/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DMA space over the fake kernel: every way to one through the same tests,
 * and every call made to fail once.
 */
#include <errno.h>
#include <string.h>

#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/sys.h"
#include "ways.h"

/* ---- the contract, for each way --------------------------------------------- */

static void attach_maps_ram_once(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	CHECK_EQ(fake_maps(), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(fake_maps(), 1);
	CHECK_EQ(fake_count(w->map), 1);
	CHECK_EQ(fake_count(w->whole_map), 1);
	iommu_detach(iommu, fd);
	CHECK_EQ(fake_maps(), 0);
	CHECK_EQ(fake_count(w->unmap), 1);
	iommu_destroy(iommu);
	stop();
}

static void kvm_is_told_first_and_last(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK(fake_order(w->open, "KVM_SET_DEVICE_ATTR group=0x1 attr=0x1",
			 w->use, w->map, NULL));
	fake_journal_clear();
	iommu_detach(iommu, fd);
	CHECK(w->path != CDEV ?
	      fake_order(w->unmap, "close VFIO device " DEV,
			 "KVM_SET_DEVICE_ATTR group=0x1 attr=0x2",
			 "close /dev/vfio/1", NULL) :
	      fake_order(w->unmap, "VFIO_DEVICE_DETACH_IOMMUFD_PT",
			 "KVM_SET_DEVICE_ATTR group=0x1 attr=0x2",
			 "close VFIO device " DEV, NULL));
	iommu_destroy(iommu);
	stop();
}

static void two_devices_share_one_space(const struct words *w)
{
	struct iommu *iommu;
	int a, b;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	b = iommu_attach(iommu, DEV2, NULL);
	CHECK(a >= 0 && b >= 0 && a != b);
	CHECK_EQ(fake_count(w->map), 1);
	iommu_detach(iommu, a);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, b);
	CHECK_EQ(fake_maps(), 0);
	/* and the space can be used again */
	a = iommu_attach(iommu, DEV2, NULL);
	CHECK(a >= 0);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, a);
	iommu_destroy(iommu);
	stop();
}

static void two_devices_of_one_group(const struct words *w)
{
	struct iommu *iommu;
	int a, b;

	start();
	fake_pci_nvme("0000:01:00.1", 1);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	b = iommu_attach(iommu, "0000:01:00.1", NULL);
	CHECK(a >= 0 && b >= 0);
	iommu_detach(iommu, a);
	iommu_detach(iommu, b);
	iommu_destroy(iommu);
	stop();
}

static void same_device_twice(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, "01:00.0", NULL), -EDOM);
	capture_end();
	CHECK(said(DEV ": given twice"));
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

/* Memory that comes later follows; a device's own memory does not. */
static void later_memory_follows(const struct words *w)
{
	struct mem_region more = {
		.name = "more", .gpa = 4 * GiB, .size = MiB, .fd = -1,
		.flags = MEM_RAM,
	}, bar = {
		.name = "bar", .gpa = 5 * GiB, .size = MiB, .fd = -1,
		.flags = MEM_DEVICE,
	};
	struct iommu *iommu;
	int fd;

	start();
	more.hva = host_pages(more.size);
	bar.hva = host_pages(bar.size);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(mem_add(&vm.mem, &bar), 0);
	CHECK_EQ(fake_maps(), 1);
	CHECK_EQ(mem_add(&vm.mem, &more), 0);
	CHECK_EQ(fake_maps(), 2);
	CHECK_EQ(fake_slots(), 3);
	mem_del(&vm.mem, &bar);
	CHECK_EQ(fake_maps(), 2);
	mem_del(&vm.mem, &more);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	sys_munmap(more.hva, more.size);
	sys_munmap(bar.hva, bar.size);
	stop();
}

/* A region that the IOMMU refuses is in no memory slot either. */
static void refused_region_is_taken_back(const struct words *w)
{
	struct mem_region more = {
		.name = "high", .gpa = 0xfed00000, .size = 4 * MiB, .fd = -1,
		.flags = MEM_RAM,
	};
	struct iommu *iommu;
	int fd;

	start();
	more.hva = host_pages(more.size);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	capture_begin(2);
	CHECK_EQ(mem_add(&vm.mem, &more), -ERANGE);
	capture_end();
	CHECK(said("high, 0xfed00000-0xff0fffff"));
	CHECK(said("keeps 0xfee00000-0xfeefffff"));
	CHECK_EQ(fake_slots(), 1);
	CHECK_EQ(fake_maps(), 1);
	/* with no device attached there is no such limit */
	iommu_detach(iommu, fd);
	CHECK_EQ(mem_add(&vm.mem, &more), 0);
	/* but the next device finds it */
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -ERANGE);
	capture_end();
	CHECK(said("high"));
	CHECK_EQ(said_lines(), 1);
	mem_del(&vm.mem, &more);
	iommu_destroy(iommu);
	sys_munmap(more.hva, more.size);
	stop();
}

static void reach_ends_below_memory(const struct words *w)
{
	struct iommu *iommu;

	start();
	fake_host()->hole_size = 0;
	fake_host()->iova_last = RAM - 1;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	iommu_detach(iommu, iommu_attach(iommu, DEV, NULL));
	fake_host()->iova_last = RAM / 2 - 1;
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -ERANGE);
	capture_end();
	CHECK(said("0x0-0x3fffff"));
	CHECK(said("keeps 0x200000-0xffffffffffffffff"));
	iommu_destroy(iommu);
	stop();
}

/* A container that does not say which pages it has is no reason to refuse. */
TEST(container_tells_no_page_sizes)
{
	struct iommu *iommu;
	int fd;

	way = &legacy;
	start();
	fake_host()->no_pgsizes = true;
	CHECK_EQ(iommu_create(&iommu, &vm, way->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

static void memlock_is_checked_first(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	fake_host()->cap_ipc_lock = false;
	fake_host()->memlock = RAM - 1;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -EPERM);
	capture_end();
	CHECK(said("memory: 4096 KiB must be locked for DMA, 4095 KiB are allowed"));
	CHECK(said("hint: "));
	CHECK(said("ulimit -l 4096"));
	CHECK_EQ(said_lines(), 2);
	CHECK_EQ(fake_count(w->map), 0);
	CHECK_EQ(fake_count("madvise len=0x400000 advice=23"), 0);
	fake_host()->memlock = RAM;
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

/* Enough for us, but others of the same user have used it up. */
static void memlock_used_up(const struct words *w)
{
	struct iommu *iommu;

	start();
	fake_host()->cap_ipc_lock = false;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fake_fail_call(w->map, ENOMEM);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -ENOMEM);
	capture_end();
	CHECK(said("cannot map ram, 0x0-0x3fffff, for DMA: "));
	CHECK(said("now 8192 KiB"));
	iommu_destroy(iommu);
	stop();
}

/* By the owner's mode, by asking for it, or not at all. */
static void memlock_says_who_counts(const struct words *w)
{
	struct iommu *iommu;

	start();
	fake_host()->cap_ipc_lock = fake_host()->cap_sys_resource = false;
	fake_host()->memlock = RAM - 1;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -EPERM);
	capture_end();
	CHECK(said(w->by_process ? "counted for this process" :
		   "counted for all processes of the user"));
	iommu_destroy(iommu);
	/* with the right to, it is always by process */
	fake_host()->cap_sys_resource = true;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -EPERM);
	capture_end();
	CHECK(said("counted for this process"));
	iommu_destroy(iommu);
	stop();
}

/* What the process has locked by other means counts too, where it counts. */
static void memlock_adds_what_is_locked(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	fake_host()->cap_ipc_lock = fake_host()->cap_sys_resource = false;
	fake_host()->memlock = RAM + MiB;
	fake_host()->mlocked = 2 * MiB;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	capture_begin(2);
	fd = iommu_attach(iommu, DEV, NULL);
	capture_end();
	if (w->by_process) {
		CHECK_EQ(fd, -EPERM);
		CHECK(said("6144 KiB must be locked for DMA, 5120 KiB are"));
		CHECK_EQ(fake_count(w->map), 0);
	} else {
		CHECK(fd >= 0);
		iommu_detach(iommu, fd);
	}
	iommu_destroy(iommu);
	stop();
}

/* Overlaps, holes and ends are the backend's to hide; what is left is this. */
static void what_is_mapped_can_be_unmapped_and_mapped(const struct words *w)
{
	struct mem_region more = {
		.name = "more", .gpa = 4 * GiB, .size = MiB, .fd = -1,
		.flags = MEM_RAM,
	};
	struct mem_region same = more;
	struct iommu *iommu;
	int fd, i;

	start();
	same.hva = more.hva = host_pages(more.size);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(mem_add(&vm.mem, &more), 0);
		CHECK(fake_dma_at(4 * GiB));
		CHECK_EQ(mem_add(&vm.mem, &same), -EEXIST);
		mem_del(&vm.mem, &more);
		CHECK(!fake_dma_at(4 * GiB));
		CHECK(fake_dma_at(0));
	}
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	sys_munmap(more.hva, more.size);
	stop();
}

/* The IOMMU's pages may be larger than the host's. */
static void not_made_of_the_iommus_pages(const struct words *w)
{
	struct mem_region more = {
		.name = "odd", .gpa = 4 * GiB + 4 * KiB, .size = 64 * KiB,
		.fd = -1, .flags = MEM_RAM,
	};
	struct iommu *iommu;
	int fd;

	start();
	fake_host()->page = 64 * KiB;
	more.hva = host_pages(more.size);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	capture_begin(2);
	CHECK_EQ(mem_add(&vm.mem, &more), -ERANGE);
	capture_end();
	CHECK(said("odd, 0x100001000-0x100010fff, is not made of the IOMMU's "
		   "pages"));
	CHECK_EQ(said_lines(), 1);
	more.gpa = 4 * GiB;
	CHECK_EQ(mem_add(&vm.mem, &more), 0);
	mem_del(&vm.mem, &more);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	sys_munmap(more.hva, more.size);
	stop();
}

/* By groups' files, or by what the kernel says of the devices. */
static void a_bus_is_reset_if_all_on_it_are_ours(const struct words *w)
{
	struct fake_pci *beside;
	struct iommu *iommu;
	int a, b;

	start();
	beside = fake_pci_nvme("0000:01:00.1", 3);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV, NULL);
	CHECK(a >= 0);
	CHECK_EQ(iommu_bus_reset(iommu, a), -EBUSY);
	b = iommu_attach(iommu, "0000:01:00.1", NULL);
	CHECK(b >= 0);
	CHECK_EQ(iommu_bus_reset(iommu, a), 0);
	CHECK_EQ(beside->bus_resets, 1);
	iommu_detach(iommu, a);
	iommu_detach(iommu, b);
	iommu_destroy(iommu);
	stop();
}

static void tells_what_it_is(const struct words *w)
{
	struct iommu_caps caps;
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	CHECK_EQ(iommu_caps(iommu, &caps), -ENODEV);
	fake_host()->dirty = true;
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(iommu_caps(iommu, &caps), 0);
	CHECK_STR(caps.backend, w->choice == IOMMU_LEGACY ? "legacy" :
		  "iommufd");
	if (w->choice == IOMMU_LEGACY)
		CHECK_STR(caps.owner, w->path == LEGACY ? "vfio" : "iommufd");
	else
		CHECK(!caps.owner);
	CHECK_EQ(caps.nr_ranges, 2);
	CHECK_EQ(caps.ranges[0].last, 0xfedfffff);
	CHECK_EQ(caps.page_sizes, 4 * KiB | 2 * MiB | GiB);
	CHECK_EQ(caps.maps, w->path == LEGACY ? 65535 : UINT32_MAX);
	CHECK(caps.by_process);
	CHECK(caps.coherent);
	/* of a device opened by its group iommufd does not say */
	CHECK_EQ(!caps.dirty, w->path != LEGACY && w->path != CDEV);
	fake_host()->dirty = fake_host()->snoops = false;
	CHECK_EQ(iommu_caps(iommu, &caps), 0);
	CHECK(!caps.coherent);
	CHECK_EQ(!caps.dirty, w->path != LEGACY);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

ALL(attach_maps_ram_once)
ALL(tells_what_it_is)
ALL(not_made_of_the_iommus_pages)
ALL(a_bus_is_reset_if_all_on_it_are_ours)
ALL(kvm_is_told_first_and_last)
ALL(two_devices_share_one_space)
ALL(two_devices_of_one_group)
ALL(same_device_twice)
ALL(later_memory_follows)
ALL(refused_region_is_taken_back)
ALL(reach_ends_below_memory)
ALL(memlock_is_checked_first)
ALL(memlock_used_up)
ALL(memlock_says_who_counts)
ALL(memlock_adds_what_is_locked)
ALL(what_is_mapped_can_be_unmapped_and_mapped)

/* ---- every call fails once ---------------------------------------------- */

static void sweep(const struct words *w, unsigned int at_least)
{
	int n;

	way = w;
	n = fake_sweep(build, run_two, way_survives);
	CHECK(n >= (int)at_least);
}

TEST(legacy_survives_every_failing_call)
{
	sweep(&legacy, 50);
}

TEST(iommufd_survives_every_failing_call)
{
	sweep(&iommufd, 50);
}

TEST(compat_survives_every_failing_call)
{
	sweep(&compat, 50);
}

TEST(instead_survives_every_failing_call)
{
	sweep(&instead, 50);
}

TEST(by_group_survives_every_failing_call)
{
	sweep(&by_group, 50);
}
