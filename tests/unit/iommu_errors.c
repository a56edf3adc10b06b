/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said when a device can't be assigned: one message, a hint where
 * there is a remedy, the right exit status, and nothing left behind.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "iommu/iommu.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/log.h"
#include "vmm/status.h"
#include "vmm/util.h"
#include "ways.h"

#define BESIDE "0000:01:00.1"

#define LEGACY_UNSAFE \
	"/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define IOMMUFD_UNSAFE \
	"/sys/module/iommufd/parameters/allow_unsafe_interrupts"

/* A host without devices: each test has its own. */
static void begin_as(const struct words *w)
{
	fake_begin();
	if (w)
		host_as(w);
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
}

/* Create a space for @node and attach it: 0 or the first -errno. */
static int assign(enum iommu_choice choice, const char *node)
{
	struct iommu *iommu;
	int fd;

	fd = iommu_create(&iommu, &vm, choice, node);
	if (fd < 0)
		return fd;
	fd = iommu_attach(iommu, node, NULL);
	if (fd >= 0)
		iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	return fd < 0 ? fd : 0;
}

/* That it fails with exit status @status, and lines of message and hint. */
static void refuse(enum iommu_choice choice, const char *node, int status,
		   unsigned int lines)
{
	unsigned int maps = fake_maps();
	int err;

	capture_begin(2);
	log_quiet();
	err = assign(choice, node);
	capture_end();
	CHECK(err < 0);
	CHECK_EQ(status_of(err), status);
	CHECK_EQ(said_lines(), lines);
	CHECK_EQ(fake_maps(), maps);
}

#define FOR_ALL(w) \
	for (const struct words *const *w = ways; *w && \
	     (test_note("%s", way_name(*w)), true); w++)

TEST(malformed_address)
{
	static const char *const wrong[] = {
		"", "nvme0", "0000:01:00", "0000:01:00.8", "0000:01:20.0",
		"0000:1:00.0", "0000:01:00.0 ", " 0000:01:00.0", "000:01:00.0",
		"0000:01:00.00", "0x00:01:00.0", "0000:01:00.-1", "-1:01:00.0",
		"0000:0000:01:00.0", "123456789:01:00.0", "01:00", ":01:00.0",
		"0000:01:00.0/../..", "0000:01:00,0",
	};
	char message[100];
	size_t i;

	begin_as(NULL);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		test_note("'%s'", wrong[i]);
		refuse(IOMMU_AUTO, wrong[i], STATUS_USAGE, 1);
		snprintf(message, sizeof(message),
			 "postern: %s: not a PCI address", wrong[i]);
		CHECK(said(message));
	}
	stop();
}

TEST(short_and_capital_addresses_are_understood)
{
	begin_as(NULL);
	fake_pci_nvme("0000:0a:00.0", 1);
	CHECK_EQ(assign(IOMMU_AUTO, "0a:00.0"), 0);
	CHECK_EQ(assign(IOMMU_AUTO, "0A:00.0"), 0);
	CHECK_EQ(assign(IOMMU_AUTO, "0000:0A:00.0"), 0);
	stop();
}

TEST(absent_device)
{
	begin_as(NULL);
	refuse(IOMMU_AUTO, DEV, STATUS_HOST, 2);
	CHECK(said(DEV ": no such device"));
	CHECK(said("hint: postern devices"));
	stop();
}

TEST(bound_to_another_driver)
{
	begin_as(NULL);
	fake_pci(DEV, 0x1b36, 0x10, 0x010802, 1, "nvme");
	refuse(IOMMU_AUTO, "01:00.0", STATUS_HOST, 2);
	CHECK(said(DEV ": cannot be assigned: it is bound to the driver nvme"));
	CHECK(said("hint: postern bind " DEV));
	stop();
}

TEST(bound_to_nothing)
{
	begin_as(NULL);
	fake_pci(DEV, 0x1b36, 0x10, 0x010802, 1, NULL);
	refuse(IOMMU_AUTO, DEV, STATUS_HOST, 2);
	CHECK(said("no driver has it"));
	CHECK(said("hint: postern bind " DEV));
	stop();
}

TEST(in_a_group_with_another_drivers_device)
{
	FOR_ALL(w) {
		begin_as(*w);
		fake_pci_nvme(DEV, 7);
		fake_pci(BESIDE, 0x8086, 0x1521, 0x020000, 7, "igb");
		refuse((*w)->choice, DEV, STATUS_HOST, 2);
		CHECK(said(DEV));
		CHECK(said(BESIDE));
		CHECK(said("group 7"));
		CHECK(said("bound to the driver igb"));
		CHECK(said("hint: postern bind " BESIDE));
		stop();
	}
}

TEST(in_a_group_with_harmless_devices)
{
	FOR_ALL(w) {
		begin_as(*w);
		fake_pci_nvme(DEV, 7);
		fake_pci("0000:00:01.0", 0x8086, 1, 0x060400, 7, "pcieport");
		fake_pci(BESIDE, 0x8086, 2, 0x020000, 7, NULL);
		fake_pci("0000:01:00.2", 0x8086, 2, 0x020000, 7, "vfio-pci");
		CHECK_EQ(assign((*w)->choice, DEV), 0);
		stop();
	}
}

/* Another process: its files are in /proc, its hold in the kernel. */
static void held_by_qemu(enum iommu_choice choice, struct iommu **theirs,
			 int *fd)
{
	fake_link("/proc/4242/fd/9", choice == IOMMU_LEGACY ?
		  "/dev/vfio/1" : "/dev/vfio/devices/vfio0");
	fake_link("/proc/4242/fd/0", "/dev/null");
	fake_file("/proc/4242/comm", "qemu\n");
	log_quiet();
	CHECK_EQ(iommu_create(theirs, &vm, choice, DEV), 0);
	*fd = iommu_attach(*theirs, DEV, NULL);
	CHECK(*fd >= 0);
}

TEST(in_use_by_another_process)
{
	static const enum iommu_choice pairs[][2] = {
		{ IOMMU_LEGACY, IOMMU_LEGACY },
		{ IOMMU_IOMMUFD, IOMMU_IOMMUFD },
		{ IOMMU_LEGACY, IOMMU_IOMMUFD },
		{ IOMMU_IOMMUFD, IOMMU_LEGACY },
	};
	struct iommu *theirs, *ours;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		test_note("pair %zu", i);
		begin_as(NULL);
		fake_pci_nvme(DEV, 1);
		held_by_qemu(pairs[i][0], &theirs, &fd);
		CHECK_EQ(iommu_create(&ours, &vm, pairs[i][1], DEV), 0);
		capture_begin(2);
		CHECK_EQ(iommu_attach(ours, DEV, NULL), -EBUSY);
		capture_end();
		CHECK(said(DEV ": already in use: by process 4242 (qemu)"));
		CHECK_EQ(said_lines(), 1);
		iommu_destroy(ours);
		iommu_detach(theirs, fd);
		iommu_destroy(theirs);
		stop();
	}
}

/* Not root: others' files in /proc are not ours to see. */
TEST(in_use_by_somebody)
{
	struct iommu *theirs;
	int fd;

	begin_as(NULL);
	fake_pci_nvme(DEV, 1);
	held_by_qemu(IOMMU_LEGACY, &theirs, &fd);
	fake_remove("/proc/4242/fd/9");
	refuse(IOMMU_LEGACY, DEV, STATUS_HOST, 1);
	CHECK(said("already in use"));
	iommu_detach(theirs, fd);
	iommu_destroy(theirs);
	stop();
}

TEST(kernel_without_the_container)
{
	begin_as(NULL);
	fake_pci_nvme(DEV, 1);
	fake_host()->legacy = false;
	refuse(IOMMU_LEGACY, DEV, STATUS_HOST, 1);
	CHECK(said("/dev/vfio/vfio"));
	CHECK(said("CONFIG_VFIO_CONTAINER"));
	stop();
}

TEST(kernel_without_iommufd)
{
	begin_as(NULL);
	fake_pci_nvme(DEV, 1);
	fake_host()->iommufd = false;
	refuse(IOMMU_IOMMUFD, DEV, STATUS_HOST, 1);
	CHECK(said("kernel has no iommufd (CONFIG_IOMMUFD)"));
	stop();
}

TEST(kernel_without_device_nodes)
{
	begin_as(NULL);
	fake_pci_nvme(DEV, 1);
	fake_host()->cdev = false;
	fake_host()->legacy = false;	/* nor groups */
	refuse(IOMMU_IOMMUFD, DEV, STATUS_HOST, 1);
	CHECK(said("CONFIG_VFIO_DEVICE_CDEV"));
	stop();
}

TEST(not_permitted)
{
	begin_as(NULL);
	fake_pci_nvme(DEV, 1);
	fake_host()->root = false;
	refuse(IOMMU_LEGACY, DEV, STATUS_PERMISSION, 2);
	CHECK(said("/dev/vfio/vfio: cannot open: "));
	CHECK(said("hint: "));
	refuse(IOMMU_IOMMUFD, DEV, STATUS_PERMISSION, 2);
	CHECK(said("/dev/iommu: cannot open: "));
	fake_host()->root = true;
	stop();
}

TEST(the_node_alone_is_not_permitted)
{
	begin_as(NULL);
	fake_pci_nvme(DEV, 3);
	fake_fail_call("open /dev/vfio/3", EACCES);
	refuse(IOMMU_LEGACY, DEV, STATUS_PERMISSION, 2);
	CHECK(said("/dev/vfio/3: cannot open: permission denied"));
	CHECK(said("chown $USER /dev/vfio/3"));
	fake_fail_call("open /dev/vfio/devices/vfio0", EACCES);
	refuse(IOMMU_IOMMUFD, DEV, STATUS_PERMISSION, 2);
	CHECK(said("/dev/vfio/devices/vfio0: cannot open: permission denied"));
	stop();
}

/* Each hint names the module that refused, and helps with that alone. */
TEST(interrupts_not_isolated)
{
	const char *file, *other;

	FOR_ALL(w) {
		file = (*w)->path == LEGACY ? LEGACY_UNSAFE : IOMMUFD_UNSAFE;
		other = (*w)->path == LEGACY ? IOMMUFD_UNSAFE : LEGACY_UNSAFE;
		begin_as(*w);
		fake_pci_nvme(DEV, 1);
		fake_host()->intremap = false;
		fake_file(other, "Y\n");
		refuse((*w)->choice, DEV, STATUS_PERMISSION, 2);
		CHECK(said("cannot isolate its interrupts"));
		CHECK(said("echo Y > "));
		CHECK(said(file));
		fake_file(file, "Y\n");
		CHECK_EQ(assign((*w)->choice, DEV), 0);
		stop();
	}
}

/* iommufd finds out only as the device is opened. */
TEST(another_kernel_driver_has_the_iommu)
{
	FOR_ALL(w) {
		begin_as(*w);
		fake_pci_nvme(DEV, 1);
		fake_host()->busy_domain = true;
		refuse((*w)->choice, DEV, STATUS_HOST, 1);
		CHECK(said(DEV ": already in use"));
		stop();
	}
}

TEST(firmware_keeps_memory)
{
	FOR_ALL(w) {
		begin_as(*w);
		fake_pci_nvme(DEV, 1);
		fake_host()->rmrr = true;
		refuse((*w)->choice, DEV, STATUS_HOST, 1);
		CHECK(said("RMRR"));
		stop();
	}
}

TEST(no_iommu_on_the_host)
{
	begin_as(NULL);
	fake_pci(DEV, 0x1b36, 0x10, 0x010802, -1, "nvme");
	refuse(IOMMU_AUTO, DEV, STATUS_HOST, 2);
	CHECK(said("bound to the driver nvme"));
	stop();
}

TEST(noiommu_group_is_refused)
{
	FOR_ALL(w) {
		begin_as(*w);
		fake_pci_nvme(DEV, 0);
		fake_file("/sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
		refuse((*w)->choice, DEV, STATUS_HOST, 2);
		CHECK(said("noiommu mode"));
		CHECK_EQ(fake_count("open /dev/vfio"), 0);
		stop();
	}
}

TEST(kvm_refuses_the_file)
{
	FOR_ALL(w) {
		begin_as(*w);
		fake_pci_nvme(DEV, 1);
		fake_fail_call("KVM_SET_DEVICE_ATTR", EINVAL);
		refuse((*w)->choice, DEV, STATUS_KERNEL, 1);
		CHECK(said(DEV ": KVM refuses"));
		stop();
	}
}
