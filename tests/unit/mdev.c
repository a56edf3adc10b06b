/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mediated devices: named by UUID or by their folder, assigned by every way,
 * with or without an IOMMU worth the name, and what is odd about the kernel's
 * sample mtty: short config space, ports, an INTx that has to be unmasked by
 * hand.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "assigned.h"
#include "capture.h"
#include "devices/vfio/command.h"
#include "iommu/iommu.h"
#include "vmm/loop.h"
#include "vmm/status.h"
#include "ways.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define LINE 17			/* INTA in slot 1 */

static const char *const names[] = {
	UUID, "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001",
	"/sys/bus/mdev/devices/" UUID, "/sys/bus/mdev/devices/" UUID "/",
	"/sys/devices/virtual/mtty/mtty/" UUID,
};

static void start_mdev(const struct words *w)
{
	fake_begin();
	if (w)
		host_as(w);
	fake_mdev(UUID, 7);
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
}

static void is_assigned_by_any_name(const struct words *w)
{
	struct iommu *iommu;
	size_t i;
	int fd;

	start_mdev(w);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		test_note("%s", names[i]);
		CHECK_EQ(iommu_create(&iommu, &vm, w->choice, names[i]), 0);
		fd = iommu_attach(iommu, names[i], NULL);
		CHECK(fd >= 0);
		CHECK_EQ(fake_maps(), 1);
		iommu_detach(iommu, fd);
		iommu_destroy(iommu);
	}
	stop();
}

/* There is nothing of its own that interrupts or does DMA. */
static void needs_no_interrupt_remapping(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start_mdev(w);
	fake_host()->intremap = false;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, UUID), 0);
	fd = iommu_attach(iommu, UUID, NULL);
	CHECK(fd >= 0);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

static void shares_a_space_with_a_real_one(const struct words *w)
{
	struct iommu *iommu;
	int a, b;

	start_mdev(w);
	fake_pci_nvme(DEV, 1);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, UUID), 0);
	a = iommu_attach(iommu, UUID, NULL);
	b = iommu_attach(iommu, DEV, NULL);
	CHECK(a >= 0 && b >= 0);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, a);
	iommu_detach(iommu, b);
	iommu_destroy(iommu);
	stop();
}

ALL(is_assigned_by_any_name)
ALL(needs_no_interrupt_remapping)
ALL(shares_a_space_with_a_real_one)

static void refuse(const char *name, int status, const char *text)
{
	struct iommu *iommu;
	int err;

	test_note("%s", name);
	capture_begin(2);
	err = iommu_create(&iommu, &vm, IOMMU_AUTO, name);
	capture_end();
	CHECK(err < 0);
	CHECK_EQ(status_of(err), status);
	CHECK(said(text));
}

TEST(absent_and_malformed)
{
	start_mdev(NULL);
	refuse("83b8f4f2-509f-382f-3c1e-e6bfe0fa1002", STATUS_HOST,
	       "no such device");
	CHECK(said("hint: as root: echo 83b8f4f2-509f-382f-3c1e-e6bfe0fa1002 > "));
	refuse("83b8f4f2-509f-382f-3c1e-e6bfe0fa100", STATUS_USAGE, "not a");
	refuse(UUID "1", STATUS_USAGE, "not a");
	refuse("83b8f4f2-509f-382f-3c1e-e6bfe0fa100g", STATUS_USAGE, "not a");
	refuse("83b8f4f2_509f-382f-3c1e-e6bfe0fa1001", STATUS_USAGE, "not a");
	refuse("-", STATUS_USAGE, "not a");
	refuse("/", STATUS_USAGE, "not a");
	refuse("/sys/bus/mdev/devices", STATUS_USAGE, "not a");
	stop();
}

TEST(a_pci_device_may_be_named_by_its_folder)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_AUTO,
			      "/sys/bus/pci/devices/" DEV), 0);
	fd = iommu_attach(iommu, "/sys/bus/pci/devices/" DEV "/", NULL);
	CHECK(fd >= 0);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

static const char *listed(const struct config *how)
{
	const char *text;

	capture_begin(1);
	CHECK_EQ(command_devices(how, 0, NULL), 0);
	fflush(stdout);
	text = capture_end();
	return text;
}

TEST(it_is_listed_and_not_bound)
{
	static char *args[] = { UUID };
	const struct config json = { .json = true };

	fake_begin();
	fake_mdev(UUID, 7);
	fake_pci_nvme(DEV, 1);
	CHECK(strstr(listed(&cfg), UUID "  mediated device"));
	CHECK(strstr(listed(&cfg), "mtty          assignable"));
	CHECK(strstr(listed(&json), "\"address\": \"" UUID "\", \"name\": "
		     "\"mediated device\""));
	capture_begin(2);
	CHECK_EQ(command_bind(1, args), -EOPNOTSUPP);
	CHECK_EQ(command_unbind(1, args), -EOPNOTSUPP);
	capture_end();
	CHECK(said(UUID ": is a mediated device"));
	CHECK_EQ(said_lines(), 2);
	fake_end();
}

/* ---- what the guest has of it ------------------------------------------- */

static void begin_mtty(void)
{
	fake_begin();
	hw = fake_mdev(UUID, 7);
	machine();
	CHECK_EQ(loop_create(&vm.loop), 0);
}

static void end_mtty(void)
{
	devices_destroy(&vm);
	loop_destroy(&vm.loop);
	fake_vm_destroy(&vm);
	fake_end();
}

TEST(a_serial_port_with_its_ports)
{
	begin_mtty();
	CHECK_EQ(vfio_pci_create(&vm, host, UUID ",slot=3"), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	CHECK_EQ(get(SLOT(3), PCI_VENDOR_ID, 4), 0x32534348);
	CHECK_EQ(get(SLOT(3), PCI_CAPABILITY_LIST, 1), 0);
	CHECK_EQ(get(SLOT(3), 0xf8, 4), 0);
	put(SLOT(3), PCI_COMMAND, PCI_COMMAND_IO, 2);
	bus_write(&vm.pio, bar(SLOT(3), 0) & ~3ULL, 'x', 1);
	CHECK_EQ(hw->bar_mem[0][0], 'x');
	CHECK_EQ(bus_read(&vm.pio, (bar(SLOT(3), 0) & ~3ULL) + 7, 1), 0);
	end_mtty();
}

static int fire(void)
{
	struct fake_msg msg;
	int ret = fake_irq_fire(hw, INTX, 0, &msg);

	return ret == 1 ? (int)msg.gsi : ret;
}


static void time_is_up(void *arg)
{
	loop_quit(&vm.loop);
}

/* The loop for a moment: what is ready is dealt with before the timer. */
static void run_loop_shortly(void)
{
	int timer = loop_timer(&vm.loop, 1, time_is_up, NULL);

	CHECK(timer >= 0);
	CHECK_EQ(loop_run(&vm.loop), 0);
	loop_timer_del(&vm.loop, timer);
}

TEST(its_pin_is_unmasked_by_us)
{
	begin_mtty();
	CHECK_EQ(vfio_pci_create(&vm, host, UUID), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	put(SLOT(1), PCI_COMMAND, PCI_COMMAND_IO, 2);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 1);
	CHECK_EQ(fire(), LINE);
	CHECK_EQ(fire(), -EAGAIN);
	CHECK(!fake_intx_ack(hw, LINE));
	CHECK_EQ(fire(), -EAGAIN);
	run_loop_shortly();
	CHECK_EQ(fire(), LINE);
	/* taken down, nothing is left on the loop */
	CHECK(!fake_intx_ack(hw, LINE));
	put(SLOT(1), PCI_COMMAND, 0, 2);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	run_loop_shortly();
	put(SLOT(1), PCI_COMMAND, PCI_COMMAND_IO, 2);
	CHECK_EQ(fire(), LINE);
	end_mtty();
}

TEST(it_survives_a_reset)
{
	begin_mtty();
	CHECK_EQ(vfio_pci_create(&vm, host, UUID), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	put(SLOT(1), PCI_COMMAND, PCI_COMMAND_IO, 2);
	devices_reset(&vm);
	CHECK_EQ(get(SLOT(1), PCI_VENDOR_ID, 4), 0x32534348);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	end_mtty();
}

TEST(two_are_two_devices)
{
	static const char *const specs[] = {
		UUID, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1000",
	};

	begin_mtty();
	fake_mdev(specs[1], 8);
	cfg.vfio[0] = specs[0];
	cfg.vfio[1] = specs[1];
	cfg.nr_vfio = 2;
	CHECK_EQ(vfio_pci_create_all(&vm, host), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	CHECK_EQ(get(SLOT(1), PCI_VENDOR_ID, 4), 0x32534348);
	CHECK_EQ(get(SLOT(2), PCI_VENDOR_ID, 4), 0x32534348);
	end_mtty();
}
