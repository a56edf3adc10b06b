/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that come and go, over the fake kernel: what a port shows, guests
 * that drive it as Linux does and guests that do not, and that nothing is left
 * of what went.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "capture.h"
#include "slots.h"

/* ---- a port ------------------------------------------------------------- */

TEST(a_port_is_a_bridge_with_an_empty_slot)
{
	unsigned int n;

	slots_begin();
	for (n = 1; n <= 2; n++) {
		CHECK_EQ(get(PORT(n), PCI_HEADER_TYPE, 1),
			 PCI_HEADER_TYPE_BRIDGE);
		CHECK_EQ(get(PORT(n), PCI_CLASS_DEVICE, 2), 0x0604);
		CHECK_EQ(get(PORT(n), PCI_PRIMARY_BUS, 4), n << 8 | n << 16);
		CHECK_EQ(get(PORT(n), slot_reg(n, PCI_EXP_FLAGS), 2), 0x142);
		CHECK_EQ(get(PORT(n), slot_reg(n, PCI_EXP_SLTCAP), 4) >> 19, n);
		CHECK_EQ(slot_status(n), 0);
		CHECK(!slot_link(n));
		CHECK_EQ(slot_vendor(n), 0xffff);
		/* It has windows, closed, and no BARs. */
		CHECK(get(PORT(n), PCI_MEMORY_BASE, 2) >
		      get(PORT(n), PCI_MEMORY_LIMIT, 2));
		put(PORT(n), PCI_BASE_ADDRESS_0, ~0U, 4);
		CHECK_EQ(get(PORT(n), PCI_BASE_ADDRESS_0, 4), 0);
		put(PORT(n), PCI_IO_BASE, ~0U, 4);
		CHECK_EQ(get(PORT(n), PCI_IO_BASE, 4), 0xf0f0);
		put(PORT(n), PCI_PREF_MEMORY_BASE, 0, 4);
		CHECK_EQ(get(PORT(n), PCI_PREF_MEMORY_BASE, 4), 0x00010001);
	}
	devices_reset(&vm);
	CHECK_EQ(get(PORT(1), PCI_IO_BASE, 2), 0x00f0);
	slots_end();
}

/* The three ways in agree: no bus is beyond the last. */
TEST(buses_are_found_by_port_as_well)
{
	slots_begin();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	bus_write(&vm.pio, 0xcf8, 0x80010000, 4);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 2), 0x1b36);
	bus_write(&vm.pio, 0xcf8, 0x80010800, 4);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 2), 0xffff);
	bus_write(&vm.pio, 0xcf8, 0x80ffff00, 4);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 4), 0xffffffff);
	bus_write(&vm.pio, 0xcfc, 0, 4);
	CHECK_EQ(get(BUS(2), 0, 4), 0xffffffff);
	CHECK_EQ(get(BUS(3), 0, 4), 0xffffffff);
	slots_end();
}

/* ---- come and go -------------------------------------------------------- */

static void come_and_go(unsigned int round)
{
	CHECK_EQ(insert("vfio=" ADDR), 1);
	CHECK_EQ(slot_status(1), PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_PDC |
		 PCI_EXP_SLTSTA_DLLSC);
	CHECK(slot_link(1));
	CHECK_EQ(slot_vendor(1), 0x1b36);
	CHECK(fake_pinned() >= 64 * MiB);
	slot_use(1, 0xc0100000);
	CHECK_EQ(get(BUS(1), PCI_BASE_ADDRESS_0, 4), 0xc0100004);
	CHECK(fake_slot_at(0xc0100000));
	delivers(MSIX, 0, 0xfee00000, 0x77);
	CHECK_EQ(take(round & 1 ? "1" : ADDR), 1);
	slot_let_go(1);
	CHECK_EQ(slot_status(1), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	slot_clear(1, EVENTS);
	CHECK_EQ(slot_status(1), 0);
	CHECK(!fake_slot_at(0xc0100000));
	CHECK(!hw->open);
	CHECK_EQ(fake_pinned(), 0);
	CHECK_EQ(fake_maps(), 0);
}

static void check_rounds(unsigned int iommu)
{
	unsigned int round, fds, irqfds, slots, resets;

	cfg.iommu = iommu;
	slots_begin();
	slot_listen(1);
	come_and_go(0);
	fds = fake_fds();
	irqfds = fake_irqfds();
	slots = fake_slots();
	resets = hw->resets;
	for (round = 1; round < 20; round++) {
		test_note("round %u", round);
		come_and_go(round);
		CHECK_EQ(fake_fds(), fds);
		CHECK_EQ(fake_irqfds(), irqfds);
		CHECK_EQ(fake_slots(), slots);
		CHECK_EQ(hw->resets, (round + 1) * resets);
	}
	slots_end();
}

TEST(a_disk_comes_and_goes_legacy)
{
	check_rounds(IOMMU_LEGACY);
}

TEST(a_disk_comes_and_goes_iommufd)
{
	check_rounds(IOMMU_IOMMUFD);
}

/* What the guest could reach goes first, RAM last. */
TEST(it_leaves_in_the_order_of_the_exit)
{
	slots_begin();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	slot_use(1, 0xc0100000);
	CHECK_EQ(take("1"), 1);
	fake_journal_clear();
	slot_let_go(1);
	CHECK(fake_order("KVM_SET_USER_MEMORY_REGION", "VFIO_DEVICE_SET_IRQS",
			 "VFIO_DEVICE_RESET", "IOMMU_IOAS_UNMAP", NULL));
	slots_end();
}

TEST(two_share_what_is_mapped)
{
	uint64_t pinned;

	slots_begin();
	fake_pci_nvme(SECOND, 2);
	CHECK_EQ(insert("vfio=" ADDR), 1);
	pinned = fake_pinned();
	CHECK_EQ(insert("vfio=02:00.0"), 2);
	CHECK_EQ(fake_pinned(), pinned);
	slot_use(2, 0xc0200000);
	slot_use(1, 0xc0100000);
	CHECK_EQ(take("1"), 1);
	slot_let_go(1);
	CHECK_EQ(slot_vendor(2), 0x1b36);
	CHECK_EQ(fake_pinned(), pinned);
	/* The other sees the room that it left. */
	CHECK_EQ(insert("vfio=" ADDR), 1);
	CHECK_EQ(take(SECOND), 2);
	slot_let_go(2);
	CHECK_EQ(slot_vendor(1), 0x1b36);
	slots_end();
}

/* The kernel keeps the second apart: it has what the first has, pinned once. */
TEST(two_apart_share_the_pins)
{
	uint64_t pinned;

	cfg.iommu = IOMMU_IOMMUFD;
	slots_begin();
	fake_pci_nvme(SECOND, 2)->apart = 1;
	CHECK_EQ(insert("vfio=" ADDR), 1);
	pinned = fake_pinned();
	CHECK_EQ(insert("vfio=" SECOND), 2);
	CHECK_EQ(fake_pinned(), pinned);
	slot_use(1, 0xc0100000);
	CHECK_EQ(take("1"), 1);
	slot_let_go(1);
	CHECK_EQ(fake_pinned(), pinned);
	slots_end();
}

TEST(interrupts_are_for_what_is_listened_to)
{
	slots_begin();
	slot_listen(1);
	CHECK_EQ(fake_irqfds(), 1);
	fake_journal_clear();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	CHECK_EQ(fake_count("write eventfd"), 1);
	/* There is cause already. */
	slot_clear(1, PCI_EXP_SLTSTA_PDC);
	CHECK_EQ(take("1"), 1);
	CHECK_EQ(fake_count("write eventfd"), 2); /* the port's to the loop */
	slots_end();
}

/* ---- guests that do not do as they should ------------------------------- */

TEST(who_does_not_let_go_keeps_it)
{
	slots_begin();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	slot_use(1, 0xc0100000);
	CHECK_EQ(take("1"), 1);
	capture_begin(2);
	turn(1100);
	capture_end();
	CHECK(said("slot 1: the guest has not let go of " ADDR));
	delivers(MSIX, 0, 0xfee00000, 0x77);
	/* Now it comes too late, and means nothing. */
	slot_control(1, ENABLE | OFF);
	turn(10);
	CHECK_EQ(slot_vendor(1), 0x1b36);
	/* But the next time it is known. */
	put(BUS(1), PCI_COMMAND, 0, 2);
	CHECK_EQ(take("1"), 1);
	turn(10);
	CHECK_EQ(slot_vendor(1), 0xffff);
	slots_end();
}

/* A press of the button in between would mean the opposite. */
TEST(the_button_waits_until_the_guest_is_done_with_the_last)
{
	slots_begin();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	slot_use(1, 0xc0100000);
	slot_control(1, ENABLE | BLINK);
	CHECK_EQ(take("1"), 1);
	CHECK_EQ(take("1"), 1);
	CHECK(!(slot_status(1) & PCI_EXP_SLTSTA_ABP));
	slot_control(1, ENABLE | ON);
	CHECK(slot_status(1) & PCI_EXP_SLTSTA_ABP);
	slot_clear(1, EVENTS);
	slot_control(1, ENABLE | BLINK);
	slot_control(1, ENABLE | ON);
	CHECK(!(slot_status(1) & PCI_EXP_SLTSTA_ABP));
	slot_control(1, ENABLE | OFF);
	turn(10);
	CHECK_EQ(slot_vendor(1), 0xffff);
	slots_end();
}

TEST(a_slot_that_is_off_keeps_what_nobody_asked_for)
{
	slots_begin();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	slot_use(1, 0xc0100000);
	slot_control(1, ENABLE | OFF);
	slot_control(1, ENABLE | BLINK);
	slot_control(1, ENABLE | OFF);
	turn(10);
	CHECK_EQ(slot_vendor(1), 0x1b36);
	/* It may still do DMA: the guest is asked all the same. */
	CHECK_EQ(take("1"), 1);
	turn(10);
	CHECK_EQ(slot_vendor(1), 0x1b36);
	CHECK(slot_status(1) & PCI_EXP_SLTSTA_ABP);
	slots_end();
}

TEST(buses_are_as_the_guest_numbers_them)
{
	struct fake_msg msg;

	slots_begin();
	fake_pci_nvme(SECOND, 2);
	CHECK_EQ(insert("vfio=" ADDR), 1);
	CHECK_EQ(insert("vfio=" SECOND), 2);
	slot_use(1, 0xc0100000);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 0, &msg), 1);
	/* Two of one number, and of none. */
	put(PORT(1), PCI_SECONDARY_BUS, 2, 1);
	CHECK_EQ(slot_vendor(1), 0xffff);
	CHECK_EQ(get(BUS(2), PCI_COMMAND, 2),
		 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	put(PORT(1), PCI_SECONDARY_BUS, 0, 1);
	CHECK_EQ(get(BUS(2), PCI_COMMAND, 2), 0);
	CHECK_EQ(get(0, PCI_CLASS_DEVICE, 2), 0x0600);
	put(PORT(1), PCI_SECONDARY_BUS, 0xff, 1);
	CHECK_EQ(slot_vendor(1), 0xffff);
	bus_write(&vm.pio, 0xcf8, 0x80ff0000, 4);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 2), 0x1b36);
	CHECK_EQ(take("1"), 1);
	slot_control(1, ENABLE | OFF);
	turn(10);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 2), 0xffff);
	devices_reset(&vm);
	CHECK_EQ(slot_vendor(1), 0xffff);
	CHECK_EQ(slot_vendor(2), 0x1b36);
	slots_end();
}

static _Atomic bool over;

/* All it can think of, in all registers of both ports and what is behind. */
static void *hostile(void *arg)
{
	unsigned int seed = 1;

	while (!over) {
		unsigned int rid = rand_r(&seed) % 4 ? PORT(1 + rand_r(&seed) % 2) :
			BUS(rand_r(&seed) % 3);
		uint64_t at = 0xe0000000 + rid * 4096 + rand_r(&seed) % 0xa0;

		(bus_write)(&vm.mmio, at, rand_r(&seed), 1U << rand_r(&seed) % 3);
		(bus_read)(&vm.mmio, at, 4);
		(bus_write)(&vm.mmio, 0xc0100000 + rand_r(&seed) % 0x4000,
			    rand_r(&seed), 4);
	}
	return NULL;
}

TEST(a_hostile_guest_meanwhile)
{
	unsigned int n, gone = 0;
	pthread_t guest;

	slots_begin();
	slot_listen(1);
	capture_begin(2);
	CHECK_EQ(pthread_create(&guest, NULL, hostile, NULL), 0);
	for (n = 0; n < 100; n++) {
		/* Full after a while, unless it lets go by chance. */
		if (insert("vfio=" ADDR) < 0)
			CHECK_EQ(take("1"), 1);
		turn(5);
		gone += !hw->open;
	}
	over = true;
	pthread_join(guest, NULL);
	capture_end();
	CHECK(gone);
	slots_end();
}

/* ---- resets and ends ---------------------------------------------------- */

TEST(a_reset_finds_it_in_its_slot)
{
	slots_begin();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	slot_use(1, 0xc0100000);
	devices_reset(&vm);
	CHECK_EQ(slot_vendor(1), 0x1b36);
	CHECK(slot_link(1));
	CHECK_EQ(slot_status(1), PCI_EXP_SLTSTA_PDS);
	CHECK_EQ(get(PORT(1), slot_reg(1, PCI_EXP_SLTCTL), 2), ON);
	CHECK_EQ(get(PORT(2), slot_reg(2, PCI_EXP_SLTCTL), 2), OFF);
	CHECK_EQ(get(BUS(1), PCI_BASE_ADDRESS_0, 4), 4);
	CHECK_EQ(fake_irqfds(), 0);
	turn(10);
	CHECK_EQ(slot_vendor(1), 0x1b36);
	slots_end();
}

TEST(a_reset_is_an_answer)
{
	slots_begin();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	slot_use(1, 0xc0100000);
	CHECK_EQ(take("1"), 1);
	devices_reset(&vm);
	CHECK_EQ(slot_vendor(1), 0x1b36);
	turn(10);
	CHECK_EQ(slot_vendor(1), 0xffff);
	slots_end();
}

TEST(the_end_with_a_device_that_is_asked_for)
{
	slots_begin();
	CHECK_EQ(insert("vfio=" ADDR), 1);
	slot_use(1, 0xc0100000);
	CHECK_EQ(take("1"), 1);
	slots_end();
}
