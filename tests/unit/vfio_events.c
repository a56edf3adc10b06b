/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What befalls an assigned device, over the fake kernel: resets of function
 * and bus and whether it lives afterwards, errors, being wanted back, low
 * power.
 */
#include <errno.h>

#include "assigned.h"
#include "capture.h"

/* The disk without a reset of its own, and a neighbour on its bus. */
static struct fake_pci *neighbours(unsigned int iommu)
{
	struct fake_pci *other;

	cfg.iommu = iommu;
	begin();
	hw->can_reset = false;
	other = fake_pci_nvme("0000:01:00.1", 2);
	other->can_reset = false;
	return other;
}

static void plug_spec(const char *spec)
{
	CHECK_EQ(vfio_pci_create(&vm, host, spec), 0);
	CHECK_EQ(pci_host_assign(host), 0);
}

static void check_bus_reset(unsigned int iommu)
{
	struct fake_pci *other = neighbours(iommu);

	CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "01:00.1"), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	devices_reset(&vm);
	CHECK_EQ(hw->bus_resets, 1);
	CHECK_EQ(other->bus_resets, 1);
	devices_reset(&vm);
	CHECK_EQ(hw->bus_resets, 2);
	CHECK_EQ(other->bus_resets, 2);
	CHECK_EQ(hw->resets, 0);
	CHECK_EQ(vm.state, VM_RUNNING);
	end();
}

static void check_last_bus_reset(unsigned int iommu)
{
	struct fake_pci *other = neighbours(iommu);

	CHECK_EQ(vfio_pci_create(&vm, host, ADDR ",reset=bus"), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "01:00.1,reset=bus"), 0);
	capture_begin(2);
	devices_destroy(&vm);
	CHECK_STR(capture_end(), "");
	CHECK_EQ(hw->bus_resets, 1);
	CHECK_EQ(other->bus_resets, 1);
	fake_vm_destroy(&vm);
	fake_end();
}

TEST(bus_is_reset_once_as_its_devices_go_legacy)
{
	check_last_bus_reset(IOMMU_LEGACY);
}

TEST(bus_is_reset_once_as_its_devices_go_iommufd)
{
	check_last_bus_reset(IOMMU_IOMMUFD);
}

static void check_driverless(unsigned int iommu)
{
	cfg.iommu = iommu;
	begin();
	fake_pci("0000:01:00.1", 0x1234, 0x5678, 0x020000, hw->group, NULL);
	plug_spec(ADDR ",reset=bus");
	capture_begin(2);
	devices_reset(&vm);
	capture_end();
	CHECK(said("devices of others share its bus"));
	CHECK_EQ(hw->bus_resets, 0);
	end();
}

TEST(bus_with_a_device_that_no_driver_has_legacy)
{
	check_driverless(IOMMU_LEGACY);
}

TEST(bus_with_a_device_that_no_driver_has_iommufd)
{
	check_driverless(IOMMU_IOMMUFD);
}

TEST(bus_is_reset_when_all_of_it_is_ours_legacy)
{
	check_bus_reset(IOMMU_LEGACY);
}

TEST(bus_is_reset_when_all_of_it_is_ours_iommufd)
{
	check_bus_reset(IOMMU_IOMMUFD);
}

static void check_shared_bus(unsigned int iommu)
{
	neighbours(iommu);
	plug_spec(ADDR);
	capture_begin(2);
	devices_reset(&vm);
	CHECK_STR(capture_end(), "");
	CHECK_EQ(hw->bus_resets, 0);
	CHECK_EQ(fake_count("VFIO_DEVICE_PCI_HOT_RESET"), 0);
	end();
	/* Asked for, that is worth a word. */
	neighbours(iommu);
	plug_spec(ADDR ",reset=bus");
	capture_begin(2);
	devices_reset(&vm);
	capture_end();
	CHECK(said("devices of others share its bus"));
	end();
}

TEST(bus_is_left_alone_when_others_are_there_legacy)
{
	check_shared_bus(IOMMU_LEGACY);
}

TEST(bus_is_left_alone_when_others_are_there_iommufd)
{
	check_shared_bus(IOMMU_IOMMUFD);
}

TEST(reset_as_the_user_says)
{
	cfg.iommu = IOMMU_LEGACY;
	begin();
	plug_spec(ADDR ",reset=bus");
	devices_reset(&vm);
	CHECK_EQ(hw->bus_resets, 1);
	CHECK_EQ(hw->resets, 0);
	end();
	begin();
	plug_spec(ADDR ",reset=none");
	devices_reset(&vm);
	CHECK_EQ(hw->bus_resets + hw->resets, 0);
	end();
	begin();
	hw->can_reset = false;
	plug_spec(ADDR ",reset=flr");
	capture_begin(2);
	devices_reset(&vm);
	capture_end();
	CHECK(said("cannot reset it: it has no reset of its own"));
	CHECK_EQ(hw->bus_resets, 0);
	end();
	begin();
	hw->can_reset = false;
	hw->no_bus_reset = true;
	plug();
	devices_reset(&vm);
	end();
	begin();
	hw->no_bus_reset = true;
	plug_spec(ADDR ",reset=bus");
	capture_begin(2);
	devices_reset(&vm);
	capture_end();
	CHECK(said("cannot reset it: its bus has no reset"));
	end();
}

TEST(reset_that_takes_too_long)
{
	begin();
	plug();
	fake_fail_call("VFIO_DEVICE_RESET", ENOTTY);
	capture_begin(2);
	devices_reset(&vm);
	capture_end();
	CHECK(said("cannot reset it: it was not back in time"));
	end();
}

TEST(dead_after_its_reset)
{
	begin();
	CHECK_EQ(loop_create(&vm.loop), 0);
	plug();
	memset(hw->cfg, 0xff, hw->cfg_size);
	capture_begin(2);
	devices_reset(&vm);
	capture_end();
	CHECK(said("vfio " ADDR ": does not answer after its reset"));
	CHECK_EQ(vm.state, VM_STOPPING);
	CHECK_EQ(vm.status, STATUS_DEVICE_LOST);
	/* That is said once. */
	capture_begin(2);
	devices_destroy(&vm);
	CHECK_STR(capture_end(), "");
	CHECK_EQ(hw->resets, 1);
	loop_destroy(&vm.loop);
	fake_vm_destroy(&vm);
	fake_end();
}

TEST(dead_after_the_last_reset)
{
	begin();
	plug();
	memset(hw->cfg, 0xff, hw->cfg_size);
	capture_begin(2);
	devices_destroy(&vm);
	capture_end();
	CHECK(said("warning: vfio " ADDR ": does not answer after its reset"));
	fake_vm_destroy(&vm);
	fake_end();
}

static void with_events(void)
{
	begin();
	CHECK_EQ(loop_create(&vm.loop), 0);
	hw->err_irq = hw->req_irq = true;
	plug();
}

static void end_events(void)
{
	devices_destroy(&vm);
	loop_destroy(&vm.loop);
	fake_vm_destroy(&vm);
	fake_end();
}

static void end_events_without_reset(void)
{
	devices_destroy(&vm);
	CHECK_EQ(hw->resets, 0);
	loop_destroy(&vm.loop);
	fake_vm_destroy(&vm);
	fake_end();
}

static void happens(unsigned int index)
{
	struct fake_msg msg;

	CHECK_EQ(fake_irq_fire(hw, index, 0, &msg), 0);
	capture_begin(2);
	CHECK_EQ(loop_run(&vm.loop), 0);
	capture_end();
}

TEST(error_stops_the_guest)
{
	with_events();
	happens(VFIO_PCI_ERR_IRQ_INDEX);
	CHECK(said("vfio " ADDR ": the host reports an uncorrectable error of it"));
	CHECK_EQ(vm.state, VM_STOPPING);
	CHECK_EQ(vm.status, STATUS_DEVICE_LOST);
	end_events();
}

static void time_is_up(void *arg)
{
	loop_quit(&((struct vm *)arg)->loop);
}

TEST(error_may_be_ignored)
{
	int timer;

	cfg.on_device_error = ON_ERROR_CONTINUE;
	with_events();
	CHECK_EQ(fake_irq_enabled(hw, VFIO_PCI_ERR_IRQ_INDEX), 1);
	timer = loop_timer(&vm.loop, 100, time_is_up, &vm);
	CHECK_EQ(fake_irq_fire(hw, VFIO_PCI_ERR_IRQ_INDEX, 0,
			       &(struct fake_msg){ 0 }), 0);
	capture_begin(2);
	CHECK_EQ(loop_run(&vm.loop), 0);
	capture_end();
	CHECK(said("goes on"));
	CHECK_EQ(vm.state, VM_RUNNING);
	loop_timer_del(&vm.loop, timer);
	end_events();
	cfg.on_device_error = ON_ERROR_STOP;
}

TEST(host_gets_it_back)
{
	with_events();
	happens(VFIO_PCI_REQ_IRQ_INDEX);
	CHECK(said("vfio " ADDR ": the host wants it back"));
	CHECK_EQ(vm.status, STATUS_DEVICE_LOST);
	/* A reset would wait for the host, which waits for us. */
	end_events_without_reset();
}

TEST(events_that_cannot_be_heard)
{
	begin();
	CHECK_EQ(loop_create(&vm.loop), 0);
	hw->err_irq = true;
	fake_fail_call("SET_IRQS", EIO);
	capture_begin(2);
	plug();
	capture_end();
	CHECK(said("events cannot be heard"));
	end_events();
}

static unsigned int sleeping(const char *spec)
{
	unsigned int pm;

	begin();
	plug_spec(spec);
	command(PCI_COMMAND_MEMORY);
	pm = cap(SLOT(1), PCI_CAP_ID_PM);
	put(SLOT(1), pm + PCI_PM_CTRL, 3, 2);
	return pm;
}

TEST(low_power_when_asked_for_and_asleep)
{
	unsigned int pm = sleeping(ADDR ",power=auto");

	CHECK(hw->low_power);
	put(SLOT(1), pm + PCI_PM_CTRL, 0, 2);
	CHECK(!hw->low_power);
	CHECK_EQ(fake_slots(), 2);
	put(SLOT(1), pm + PCI_PM_CTRL, 3, 2);
	CHECK(hw->low_power);
	/* A reset finds it awake. */
	devices_reset(&vm);
	CHECK(!hw->low_power);
	end();
	sleeping(ADDR);
	CHECK(!hw->low_power);
	end();
}

/* While the host saves power, config space shows what it does, not D3. */
TEST(low_power_is_seen_as_sleep)
{
	unsigned int ctrl = sleeping(ADDR ",power=auto") + PCI_PM_CTRL;

	CHECK_EQ(get(SLOT(1), ctrl, 1), 3);
	CHECK_EQ(get(SLOT(1), ctrl - 2, 4) >> 16, 3);
	CHECK_EQ(get(SLOT(1), ctrl - PCI_PM_CTRL, 1), PCI_CAP_ID_PM);
	CHECK_EQ(fake_slots(), 1);
	/* Told to sleep on, it does. */
	put(SLOT(1), ctrl, 3, 2);
	CHECK(hw->low_power);
	CHECK_EQ(get(SLOT(1), ctrl, 2), 3);
	CHECK_EQ(fake_slots(), 1);
	put(SLOT(1), ctrl, 0, 2);
	CHECK_EQ(get(SLOT(1), ctrl, 2), 0);
	CHECK_EQ(fake_slots(), 2);
	end();
}

TEST(low_power_that_cannot_be_had)
{
	begin();
	plug_spec(ADDR ",power=auto");
	fake_fail_call("VFIO_DEVICE_FEATURE", ENOTTY);
	capture_begin(2);
	put(SLOT(1), cap(SLOT(1), PCI_CAP_ID_PM) + PCI_PM_CTRL, 3, 2);
	capture_end();
	CHECK(said("cannot save power"));
	CHECK(!hw->low_power);
	end();
}
