/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An assigned device from its creation to its end, over the fake kernel:
 * BARs in the guest's memory, reset, the order in which it is all taken down,
 * and every call made to fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assigned.h"

/* ---- being named -------------------------------------------------------- */

TEST(bad_specs_are_usage_errors)
{
	static const char *const bad[] = {
		"", "x", "01:00", "01:00.8", "01:20.0", "0000:01:00.0x",
		"0000:01:00.0,", "0000:01:00.0,rom", "0000:01:00.0,rom=", "0000:01:00.0,reset=hard",
		"0000:01:00.0,power=off", "group:", "group:1x", "group:-1",
		"0000:01:00.0,slot=", "0000:01:00.0,slot=0",
		"0000:01:00.0,slot=32", "0000:01:00.0,slot=-1",
		"0000:01:00.0,slot=1x", "0000:01:00.0,slot=2,,",
		"0000:01:00.0,slot= 2", "00000000000000000000000:01:00.0",
	};
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		test_note("\"%s\"", bad[i]);
		CHECK_EQ(vfio_pci_create(&vm, host, bad[i]), -EDOM);
	}
	CHECK_EQ(fake_count("VFIO"), 0);
	end();
}

TEST(short_address_and_slot)
{
	begin();
	CHECK_EQ(vfio_pci_create(&vm, host, "01:00.0,slot=9"), 0);
	CHECK_EQ(get(SLOT(9), 0, 4), 0x00101b36);
	CHECK_EQ(get(SLOT(1), 0, 4), UINT32_MAX);
	end();
}

TEST(slot_taken)
{
	begin();
	fake_pci_nvme("0000:02:00.0", 2);
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR ",slot=9"), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "0000:02:00.0,slot=9"), -EDOM);
	CHECK_EQ(vfio_pci_create(&vm, host, "0000:02:00.0"), 0);
	end();
}

TEST(absent_device)
{
	begin();
	CHECK(vfio_pci_create(&vm, host, "0000:07:00.0") < 0);
	CHECK(!vm.iommu);
	end();
}

/* ---- BARs --------------------------------------------------------------- */

TEST(bar_is_mapped_but_for_the_msix_pages)
{
	uint64_t at;
	uint8_t *p;

	begin();
	plug();
	at = bar(SLOT(1), 0);
	CHECK(at != 0);
	CHECK_EQ(fake_slots(), 1);
	command(PCI_COMMAND_MEMORY);
	CHECK_EQ(fake_slots(), 2);
	hw->bar_mem[0][0x1008] = 0x5a;
	p = fake_slot_at(at + 0x1008);
	CHECK(p != NULL);
	CHECK_EQ(*p, 0x5a);
	CHECK(fake_slot_at(at + 0x1fff) != NULL);
	CHECK(fake_slot_at(at + 0x2000) == NULL);
	CHECK(fake_slot_at(at + 0x3000) == NULL);
	/* Host and guest addresses agree, for large pages. */
	CHECK(IS_ALIGNED(p - 0x1008, 16 * KiB));
	command(0);
	CHECK_EQ(fake_slots(), 1);
	end();
}

TEST(registers_beside_the_table_are_passed_on)
{
	uint64_t at;

	begin();
	plug();
	at = bar(SLOT(1), 0);
	command(PCI_COMMAND_MEMORY);
	hw->bar_mem[0][0x2800] = 0x77;
	CHECK_EQ(bus_read(&vm.mmio, at + 0x2800, 1), 0x77);
	bus_write(&vm.mmio, at + 0x2808, 0x1122334455667788, 8);
	CHECK_EQ(hw->bar_mem[0][0x280f], 0x11);
	/* The table itself never reaches the device. */
	bus_write(&vm.mmio, at + 0x2000, UINT64_MAX, 8);
	CHECK_EQ(hw->bar_mem[0][0x2000], 0);
	end();
}

TEST(bar_moves_with_its_memory)
{
	begin();
	plug();
	command(PCI_COMMAND_MEMORY);
	hw->bar_mem[0][0] = 0x42;
	put(SLOT(1), PCI_BASE_ADDRESS_0, 0xc8000000, 4);
	put(SLOT(1), PCI_BASE_ADDRESS_1, 0, 4);
	CHECK(fake_slot_at(0xc8000000) != NULL);
	CHECK_EQ(*(uint8_t *)fake_slot_at(0xc8000000), 0x42);
	CHECK_EQ(fake_slots(), 2);
	end();
}

TEST(rom_is_shown)
{
	uint64_t at;

	begin();
	hw->rom_size = 6 * KiB;
	plug();
	at = get(SLOT(1), PCI_ROM_ADDRESS, 4);
	CHECK(at != 0);
	put(SLOT(1), PCI_ROM_ADDRESS, UINT32_MAX & ~1U, 4);
	CHECK_EQ(get(SLOT(1), PCI_ROM_ADDRESS, 4), 0xffffe000);
	put(SLOT(1), PCI_ROM_ADDRESS, at, 4);
	/* It wants both: its own bit and the command's. */
	command(PCI_COMMAND_MEMORY);
	CHECK_EQ(bus_read(&vm.mmio, at, 2), UINT16_MAX);
	put(SLOT(1), PCI_ROM_ADDRESS, at | 1, 4);
	CHECK_EQ(get(SLOT(1), PCI_ROM_ADDRESS, 4), at | 1);
	CHECK_EQ(bus_read(&vm.mmio, at, 2), 0xaa55);
	bus_write(&vm.mmio, at, 0, 4);
	CHECK_EQ(bus_read(&vm.mmio, at + 5 * KiB, 1),
		 fake_rom_byte(5 * KiB));
	CHECK_EQ(bus_read(&vm.mmio, at + 6 * KiB, 4), UINT32_MAX);
	command(0);
	CHECK_EQ(bus_read(&vm.mmio, at, 2), UINT16_MAX);
	devices_reset(&vm);
	CHECK_EQ(get(SLOT(1), PCI_ROM_ADDRESS, 4), at);
	end();
}

TEST(rom_can_be_left_out)
{
	begin();
	hw->rom_size = 64 * KiB;
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR ",rom=off"), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	put(SLOT(1), PCI_ROM_ADDRESS, UINT32_MAX, 4);
	CHECK_EQ(get(SLOT(1), PCI_ROM_ADDRESS, 4), 0);
	end();
}

TEST(rom_of_a_file)
{
	uint64_t at;

	begin();
	hw->rom_size = 64 * KiB;
	fake_blob("/roms/net.rom", "\x55\xaa hello", 8);
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR ",slot=1,rom=/roms/net.rom"),
		 0);
	CHECK_EQ(pci_host_assign(host), 0);
	at = get(SLOT(1), PCI_ROM_ADDRESS, 4);
	put(SLOT(1), PCI_ROM_ADDRESS, at | 1, 4);
	command(PCI_COMMAND_MEMORY);
	CHECK_EQ(bus_read(&vm.mmio, at, 4), 0x6820aa55);
	/* It ends here. */
	CHECK_EQ(bus_read(&vm.mmio, at + 6, 4), 0xffff6f6c);
	CHECK_EQ(bus_read(&vm.mmio, at + 2047, 1), 0xff);
	end();
}

TEST(rom_files_that_are_none)
{
	begin();
	fake_blob("/roms/empty", "", 0);
	CHECK(vfio_pci_create(&vm, host, ADDR ",rom=/roms/empty") < 0);
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR ",rom=/roms/none"), -ENOENT);
	CHECK(!vm.iommu);
	end();
}

TEST(rom_that_cannot_be_read_reads_ones)
{
	uint64_t at;

	begin();
	hw->rom_size = 4 * KiB;
	plug();
	at = get(SLOT(1), PCI_ROM_ADDRESS, 4);
	put(SLOT(1), PCI_ROM_ADDRESS, at | 1, 4);
	command(PCI_COMMAND_MEMORY);
	fake_fail_call("pread VFIO", EIO);
	CHECK_EQ(bus_read(&vm.mmio, at, 4), UINT32_MAX);
	CHECK_EQ(bus_read(&vm.mmio, at, 2), 0xaa55);
	end();
}

static void small_bars(void)
{
	fake_begin();
	hw = fake_pci(ADDR, 0x1234, 0x11e8, 0xff0000, 1, "vfio-pci");
	fake_bar(hw, 0, 256, false, false, false);
	fake_bar(hw, 1, 32, true, false, false);
	fake_bar(hw, 2, 8 * KiB, false, true, true);
}

TEST(small_and_port_bars_are_trapped)
{
	uint64_t at;

	small_bars();
	machine();
	plug();
	command(PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	CHECK_EQ(fake_slots(), 2);
	at = bar(SLOT(1), 0);
	bus_write(&vm.mmio, at + 0xfc, 0xcafe, 4);
	CHECK_EQ(hw->bar_mem[0][0xfd], 0xca);
	at = get(SLOT(1), PCI_BASE_ADDRESS_1, 4);
	CHECK_EQ(at & 3, 1);
	bus_write(&vm.pio, (at & ~3ULL) + 31, 0x99, 1);
	CHECK_EQ(hw->bar_mem[1][31], 0x99);
	CHECK(bar(SLOT(1), 2) >= layout.mem64_min);
	end();
}

TEST(bars_that_cannot_be_mmapped_work)
{
	begin();
	hw->no_mmap = true;
	plug();
	command(PCI_COMMAND_MEMORY);
	CHECK_EQ(fake_slots(), 1);
	hw->bar_mem[0][4] = 0x31;
	CHECK_EQ(bus_read(&vm.mmio, bar(SLOT(1), 0) + 4, 1), 0x31);
	end();
}

TEST(asleep_it_has_no_memory)
{
	unsigned int pm;

	begin();
	plug();
	command(PCI_COMMAND_MEMORY);
	pm = cap(SLOT(1), PCI_CAP_ID_PM);
	CHECK(pm != 0);
	put(SLOT(1), pm + PCI_PM_CTRL, 3, 2);
	CHECK_EQ(fake_slots(), 1);
	CHECK_EQ(hw->cfg[pm + PCI_PM_CTRL] & 3, 3);
	put(SLOT(1), pm + PCI_PM_CTRL, 0, 2);
	CHECK_EQ(fake_slots(), 2);
	end();
}

/* ---- reset and end ------------------------------------------------------ */

TEST(guest_reset_makes_it_new)
{
	uint64_t home;
	unsigned int at;

	begin();
	plug();
	home = bar(SLOT(1), 0);
	at = cap(SLOT(1), PCI_CAP_ID_MSIX);
	msix_on();
	msix_mask(0, 0);
	put(SLOT(1), PCI_BASE_ADDRESS_0, 0xc8000000, 4);
	put(SLOT(1), PCI_INTERRUPT_LINE, 11, 1);
	fake_journal_clear();
	devices_reset(&vm);
	CHECK(fake_order("pwrite", "VFIO_DEVICE_SET_IRQS", "KVM_IRQFD",
			 "VFIO_DEVICE_RESET", NULL));
	CHECK_EQ(hw->resets, 1);
	CHECK_EQ(get(SLOT(1), PCI_COMMAND, 2), 0);
	CHECK_EQ(fake_cfg_get16(hw, PCI_COMMAND), PCI_COMMAND_INTX_DISABLE);
	CHECK_EQ(bar(SLOT(1), 0), home);
	CHECK_EQ(get(SLOT(1), at + PCI_MSIX_FLAGS, 2), 64);
	CHECK_EQ(get(SLOT(1), PCI_INTERRUPT_LINE, 1), 0);
	CHECK_EQ(fake_irqfds(), 0);
	CHECK_EQ(fake_slots(), 1);
	/* And works again. */
	msix_on();
	msix_entry(0, 9);
	msix_mask(0, 0);
	delivers(MSIX, 0, 0xfee00000, 9);
	end();
}

TEST(end_is_quiet_reset_unmap_close)
{
	begin();
	plug();
	msix_on();
	msix_mask(0, 0);
	fake_journal_clear();
	devices_destroy(&vm);
	CHECK(fake_order("pwrite", "VFIO_DEVICE_SET_IRQS", "KVM_IRQFD",
			 "VFIO_DEVICE_RESET", "KVM_SET_USER_MEMORY_REGION",
			 "munmap", "UNMAP", NULL));
	CHECK(fake_order("VFIO_DEVICE_RESET", "UNMAP", "close", NULL));
	CHECK_EQ(hw->resets, 1);
	CHECK(!hw->open);
	CHECK(!vm.iommu);
	CHECK(!(fake_cfg_get16(hw, PCI_COMMAND) & PCI_COMMAND_MASTER));
	fake_vm_destroy(&vm);
	fake_end();
}

TEST(busy_reset_is_tried_again)
{
	begin();
	plug();
	fake_journal_clear();
	fake_fail_call("VFIO_DEVICE_RESET", EAGAIN);
	devices_destroy(&vm);
	CHECK(fake_order("VFIO_DEVICE_RESET", "sleep", "VFIO_DEVICE_RESET",
			 NULL));
	CHECK_EQ(fake_count("VFIO_DEVICE_RESET"), 2);
	CHECK_EQ(hw->resets, 1);
	fake_vm_destroy(&vm);
	fake_end();
}

TEST(device_without_reset_is_not_asked_for_one)
{
	begin();
	hw->can_reset = false;
	plug();
	devices_destroy(&vm);
	CHECK_EQ(fake_count("VFIO_DEVICE_RESET"), 0);
	fake_vm_destroy(&vm);
	fake_end();
}

TEST(last_device_closes_the_dma_space)
{
	unsigned int maps;

	begin();
	fake_pci_nvme("0000:02:00.0", 2);
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "02:00.0"), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	maps = fake_maps();
	CHECK(maps > 0);
	/* The newest goes; the other still has its memory. */
	struct device *newest = vm.devices;

	vm.devices = newest->next;
	newest->ops->destroy(newest);
	CHECK(vm.iommu != NULL);
	CHECK_EQ(fake_maps(), maps);
	devices_destroy(&vm);
	CHECK(!vm.iommu);
	fake_vm_destroy(&vm);
	fake_end();
}

TEST(failed_device_leaves_the_others_alone)
{
	begin();
	fake_pci_nvme("0000:02:00.0", 2)->cfg[0] = 0xff;
	fake_pci_find("0000:02:00.0")->cfg[1] = 0xff;
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "02:00.0"), -ENODEV);
	CHECK(vm.iommu != NULL);
	CHECK_EQ(get(SLOT(1), 0, 4), 0x00101b36);
	CHECK_EQ(get(SLOT(2), 0, 4), UINT32_MAX);
	end();
}

/* ---- every call made to fail -------------------------------------------- */

static void build(void)
{
	hw = fake_pci_nvme(ADDR, 1);
}

static int run(void)
{
	int err = fake_vm_create(&vm, &cfg, 16 * MiB);

	if (err < 0)
		return err;
	err = loop_create(&vm.loop);
	if (err < 0) {
		fake_vm_destroy(&vm);
		return err;
	}
	err = pci_host_create(&vm, &layout, &host);
	if (err >= 0)
		err = vfio_pci_create(&vm, host, ADDR);
	if (err >= 0)
		err = pci_host_assign(host);
	if (err >= 0) {
		msix_on();
		msix_mask(0, 0);
		msix_mask(0, 1);
		msix_mask(0, 0);
		msix_off();
		devices_reset(&vm);
		err = vm.state == VM_STOPPING ? -ENODEV : 0;
	}
	devices_destroy(&vm);
	loop_destroy(&vm.loop);
	fake_vm_destroy(&vm);
	return err;
}

/*
 * Once the guest runs nothing ends it; and on the way there, a BAR that can't
 * be mmapped is trapped, and interrupts that can't be told are not offered.
 */
static bool survivable(const char *line)
{
	static const char *const words[] = {
		"mmap VFIO", "mmap anonymous", "madvise", "pwrite",
		"SET_IRQS", "GET_IRQ_INFO", "KVM_IRQFD",
		"KVM_SET_GSI_ROUTING", "eventfd",
		"KVM_SET_USER_MEMORY_REGION", "VFIO_DEVICE_RESET",
		"VFIO_DEVICE_FEATURE", "IOMMU_OPTION", "op=0x0", "stat /dev/",
		/* What sysfs says is a help; unmapping can't be refused. */
		"CHECK_EXTENSION", "/sys/",
		"GET_REGION_INFO argsz=0x20 index=0x6", "UNMAP", "DETACH",
		"UNSET_CONTAINER",
		/* Whether it answers, which at exit is only said. */
		"pread VFIO device " ADDR " len=4 ",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

TEST(every_call_fails_once_legacy)
{
	cfg.iommu = IOMMU_LEGACY;
	CHECK(fake_sweep(build, run, survivable) > 30);
}

TEST(every_call_fails_once_iommufd)
{
	cfg.iommu = IOMMU_IOMMUFD;
	CHECK(fake_sweep(build, run, survivable) > 30);
}
