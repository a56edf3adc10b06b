/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which way to a DMA space is taken, what is said of it, and what is special
 * to one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "ways.h"

/* ---- mapping by file ---------------------------------------------------- */

static int attach_huge(struct iommu **iommu)
{
	fake_begin();
	build();
	cfg = (struct config){ .hugepages = true };
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
	CHECK_EQ(iommu_create(iommu, &vm, IOMMU_IOMMUFD, DEV), 0);
	return 0;
}

static void run_huge(struct iommu *iommu)
{
	int fd = iommu_attach(iommu, DEV, NULL);

	CHECK(fd >= 0);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

TEST(huge_pages_are_mapped_by_file)
{
	struct iommu *iommu;
	int fd;

	attach_huge(&iommu);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP_FILE iova=0x0 length=0x400000 start=0x0"),
		 1);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP "), 0);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

/* Kernels before 6.13, and files that they can't map. */
TEST(older_kernel_maps_huge_pages_by_address)
{
	static const int errs[] = { ENOTTY, EOPNOTSUPP, EINVAL };
	struct iommu *iommu;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		test_note("errno %d", errs[i]);
		attach_huge(&iommu);
		fake_fail_call("IOMMU_IOAS_MAP_FILE", errs[i]);
		run_huge(iommu);
	}
}

TEST(no_room_is_no_reason_to_map_by_address)
{
	struct iommu *iommu;

	attach_huge(&iommu);
	fake_fail_call("IOMMU_IOAS_MAP_FILE", ENOMEM);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -ENOMEM);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP "), 0);
	iommu_destroy(iommu);
	stop();
}

TEST(small_pages_are_mapped_by_address)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_IOMMUFD, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP_FILE"), 0);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP "), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

/* ---- the choice --------------------------------------------------------- */

/* Opens a space by @choice, and returns the log. */
static const char *choose(enum iommu_choice choice)
{
	struct iommu *iommu;
	const char *log;
	int err;

	capture_begin(2);
	err = iommu_create(&iommu, &vm, choice, DEV);
	log = capture_end();
	CHECK_EQ(err, 0);
	iommu_destroy(iommu);
	return log;
}

#define VFIOS "postern: iommu: container: /dev/vfio/vfio, owned by vfio\n"
#define IOMMUFDS "postern: iommu: container: /dev/vfio/vfio, owned by iommufd\n"

TEST(auto_prefers_iommufd)
{
	start();
	CHECK_STR(choose(IOMMU_AUTO), "postern: iommu: iommufd: /dev/iommu and the "
		  "device's node are there\n");
	CHECK_EQ(fake_count("open /dev/iommu"), 1);
	CHECK_EQ(fake_count("open /dev/vfio/vfio"), 0);
	stop();
}

TEST(auto_without_iommufd_takes_the_container)
{
	start();
	fake_host()->iommufd = false;
	CHECK_STR(choose(IOMMU_AUTO),
		  "postern: iommu: legacy: no /dev/iommu\n" VFIOS);
	stop();
}

TEST(auto_without_device_nodes_takes_the_container)
{
	start();
	fake_host()->cdev = false;
	CHECK_STR(choose(IOMMU_AUTO), "postern: iommu: legacy: the device has no "
		  "node in /dev/vfio/devices/\n" VFIOS);
	stop();
}

TEST(what_is_asked_for_is_taken)
{
	start();
	CHECK_STR(choose(IOMMU_LEGACY),
		  "postern: iommu: legacy: asked for\n" VFIOS);
	CHECK_STR(choose(IOMMU_IOMMUFD),
		  "postern: iommu: iommufd: asked for\n");
	stop();
}

TEST(auto_with_neither_says_what_is_missing)
{
	struct iommu *iommu;

	start();
	fake_host()->iommufd = false;
	fake_host()->legacy = false;
	capture_begin(2);
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_AUTO, DEV), -ENOSYS);
	capture_end();
	CHECK(said("CONFIG_VFIO_CONTAINER"));
	CHECK_EQ(said_lines(), 1);
	stop();
}

TEST(who_owns_the_container_is_said)
{
	way = &compat;
	start();
	CHECK_STR(choose(IOMMU_LEGACY),
		  "postern: iommu: legacy: asked for\n" IOMMUFDS);
	stop();
}

TEST(without_a_container_an_iommufd_is_one)
{
	way = &instead;
	start();
	CHECK_STR(choose(IOMMU_LEGACY), "postern: iommu: legacy: asked for\n"
		  "postern: iommu: container: /dev/iommu, owned by iommufd\n");
	CHECK_EQ(fake_count("open /dev/vfio/vfio"), 0);
	stop();
}

/* But on a host that has no groups it would be of no use. */
TEST(without_groups_an_iommufd_is_no_container)
{
	struct iommu *iommu;

	start();
	fake_host()->legacy = false;
	capture_begin(2);
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_LEGACY, DEV), -ENOSYS);
	capture_end();
	CHECK(said("CONFIG_VFIO_CONTAINER"));
	stop();
}

TEST(auto_with_a_group_and_no_container_takes_iommufd)
{
	way = &by_group;
	start();
	CHECK_STR(choose(IOMMU_AUTO), "postern: iommu: iommufd: /dev/iommu and the "
		  "device's group are there\n");
	stop();
}

TEST(a_named_container_is_taken)
{
	struct iommu *iommu;
	int fd;

	start();
	cfg.container = "/dev/iommu";
	CHECK_STR(choose(IOMMU_AUTO), "postern: iommu: legacy: asked for\n"
		  "postern: iommu: container: /dev/iommu, owned by iommufd\n");
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_LEGACY, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(fake_count("open /dev/vfio/vfio"), 0);
	CHECK_EQ(fake_count("VFIO_IOMMU_MAP_DMA"), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

TEST(a_container_may_be_inherited)
{
	struct iommu *iommu;
	char name[20];
	int fd, given;

	start();
	given = sys_open("/dev/vfio/vfio", O_RDWR, 0);
	snprintf(name, sizeof(name), "fd:%d", given);
	cfg.container = name;
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_AUTO, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	sys_close(given);
	stop();
}

static void bad_container(enum iommu_choice choice, const char *path, int want,
			  const char *text)
{
	struct iommu *iommu;
	int err;

	cfg.container = path;
	capture_begin(2);
	log_quiet();
	err = iommu_create(&iommu, &vm, choice, DEV);
	capture_end();
	test_note("%s", path);
	CHECK_EQ(err, want);
	CHECK(said(text));
}

TEST(a_named_container_that_is_none)
{
	start();
	bad_container(IOMMU_AUTO, "/dev/nowhere", -ENODEV, "/dev/nowhere: not there");
	bad_container(IOMMU_AUTO, "/dev/vfio/1", -EDOM, "/dev/vfio/1: is no container");
	bad_container(IOMMU_IOMMUFD, "/dev/iommu", -EDOM, "--container: ");
	stop();
}

/* A container is of no use without groups, and the user asked for it. */
TEST(a_named_container_on_a_host_without_groups)
{
	struct iommu *iommu;

	start();
	fake_host()->legacy = false;
	cfg.container = "/dev/iommu";
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_AUTO, DEV), 0);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -ENOSYS);
	capture_end();
	CHECK(said("/dev/vfio/1: not there"));
	CHECK(said("CONFIG_VFIO_GROUP"));
	CHECK_EQ(said_lines(), 1);
	iommu_destroy(iommu);
	stop();
}

/* ---- kinds of container ------------------------------------------------- */

TEST(type1_will_do_where_there_is_no_v2)
{
	struct iommu *iommu;
	int fd;

	start();
	fake_host()->type1v2 = false;
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_LEGACY, DEV), 0);
	fd = iommu_attach(iommu, DEV, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(fake_count("VFIO_SET_IOMMU 0x1 -> 0"), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

TEST(v2_is_preferred)
{
	struct iommu *iommu;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_LEGACY, DEV), 0);
	iommu_detach(iommu, iommu_attach(iommu, DEV, NULL));
	CHECK_EQ(fake_count("VFIO_SET_IOMMU 0x3 -> 0"), 1);
	iommu_destroy(iommu);
	stop();
}

TEST(a_power_machines_iommu_is_refused)
{
	struct iommu *iommu;

	start();
	fake_host()->type1v2 = fake_host()->type1 = false;
	fake_host()->spapr = true;
	capture_begin(2);
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_LEGACY, DEV), -ENOSYS);
	capture_end();
	CHECK(said("SPAPR TCE"));
	stop();
}

/* ---- limits ------------------------------------------------------------- */

TEST(more_memory_than_mappings_allowed)
{
	struct iommu *iommu;

	start();
	fake_host()->maps_max = 0;
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_LEGACY, DEV), 0);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV, NULL), -ERANGE);
	capture_end();
	CHECK(said("1 mappings are needed for DMA, 0 are allowed"));
	CHECK(said("dma_entry_limit"));
	CHECK_EQ(fake_count("VFIO_IOMMU_MAP_DMA"), 0);
	iommu_destroy(iommu);
	stop();
}
