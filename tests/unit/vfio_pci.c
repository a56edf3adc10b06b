/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An assigned device from its creation to its end, over the fake kernel:
 * BARs in the guest's memory, interrupts as the guest masks and unmasks them,
 * reset, and the order in which it is all taken down.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/pci.h"
#include "devices/vfio/vfio.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define ADDR "0000:01:00.0"
#define ECAM 0xe0000000ULL
#define SLOT(n) ((n) << 3)
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define MSI VFIO_PCI_MSI_IRQ_INDEX

static const struct pci_layout layout = {
	.ecam = ECAM, .cf8 = true, .io_base = 0x1000, .io_size = 0xf000,
	.mem32_base = 0xc0000000, .mem32_size = 0x10000000,
	.mem64_min = 0x100000000, .mem64_max = 0x10000000000,
};

static struct config cfg;
static struct vm vm;
static struct pci_host *host;
static struct fake_pci *hw;

static void machine(void)
{
	CHECK_EQ(fake_vm_create(&vm, &cfg, 64 * MiB), 0);
	CHECK_EQ(pci_host_create(&vm, &layout, &host), 0);
}

static void begin(void)
{
	fake_begin();
	hw = fake_pci_nvme(ADDR, 1);
	machine();
}

static void plug(void)
{
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
	CHECK_EQ(pci_host_assign(host), 0);
}

static void end(void)
{
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	fake_end();
}

static uint32_t get(unsigned int devfn, unsigned int off, unsigned int len)
{
	return bus_read(&vm.mmio, ECAM + devfn * 4096 + off, len);
}

static void put(unsigned int devfn, unsigned int off, uint32_t val,
		unsigned int len)
{
	bus_write(&vm.mmio, ECAM + devfn * 4096 + off, val, len);
}

static unsigned int cap(unsigned int devfn, uint8_t id)
{
	unsigned int at = get(devfn, PCI_CAPABILITY_LIST, 1);

	while (at && get(devfn, at, 1) != id)
		at = get(devfn, at + 1, 1);
	return at;
}

static uint64_t bar(unsigned int devfn, unsigned int n)
{
	uint64_t addr = get(devfn, PCI_BASE_ADDRESS_0 + 4 * n, 4);

	if (addr & PCI_BASE_ADDRESS_MEM_TYPE_64)
		addr |= (uint64_t)get(devfn, PCI_BASE_ADDRESS_0 + 4 * n + 4,
				      4) << 32;
	return addr & ~15ULL;
}

static void command(uint16_t val)
{
	put(SLOT(1), PCI_COMMAND, val, 2);
}

/* ---- being named -------------------------------------------------------- */

TEST(bad_specs_are_usage_errors)
{
	static const char *const bad[] = {
		"", "x", "01:00", "01:00.8", "01:20.0", "0000:01:00.0x",
		"0000:01:00.0,", "0000:01:00.0,rom", "0000:01:00.0,rom=off",
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

/* ---- interrupts --------------------------------------------------------- */

static uint64_t table;	/* of MSI-X, in the guest's memory */

static void msix_on(void)
{
	unsigned int at = cap(SLOT(1), PCI_CAP_ID_MSIX);
	uint32_t where = get(SLOT(1), at + PCI_MSIX_TABLE, 4);

	command(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	table = bar(SLOT(1), where & 7) + (where & ~7U);
	put(SLOT(1), at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

static void msix_off(void)
{
	put(SLOT(1), cap(SLOT(1), PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 0, 2);
}

static void msix_mask(unsigned int v, unsigned int masked)
{
	bus_write(&vm.mmio, table + v * 16 + 12, masked, 4);
}

static void msix_entry(unsigned int v, uint32_t data)
{
	bus_write(&vm.mmio, table + v * 16, 0xfee00000 + v * 0x1000, 8);
	bus_write(&vm.mmio, table + v * 16 + 8, data, 4);
}

static void delivers(unsigned int index, unsigned int v, uint64_t address,
		     uint32_t data)
{
	struct fake_msg msg;

	CHECK_EQ(fake_irq_fire(hw, index, v, &msg), 1);
	CHECK(!msg.pin);
	CHECK_EQ(msg.address, address);
	CHECK_EQ(msg.data, data);
}

TEST(vectors_come_when_unmasked)
{
	unsigned int routes;

	begin();
	plug();
	routes = fake_routes();
	msix_on();
	CHECK_EQ(fake_irq_enabled(hw, MSIX), 0);
	msix_entry(3, 0x43);
	msix_entry(0, 0x40);
	CHECK_EQ(fake_irqfds(), 0);
	msix_mask(3, 0);
	CHECK_EQ(fake_irqfds(), 1);
	delivers(MSIX, 3, 0xfee03000, 0x43);
	msix_mask(0, 0);
	CHECK_EQ(fake_irqfds(), 2);
	CHECK_EQ(fake_routes(), routes + 2);
	delivers(MSIX, 0, 0xfee00000, 0x40);
	delivers(MSIX, 3, 0xfee03000, 0x43);
	end();
}

TEST(masked_vector_pends_and_is_delivered_later)
{
	struct fake_msg msg;
	uint64_t pba;
	int fd;

	begin();
	plug();
	msix_on();
	pba = table + 0x1000;
	msix_entry(1, 7);
	msix_mask(1, 0);
	CHECK_EQ(bus_read(&vm.mmio, pba, 8), 0);
	msix_mask(1, 1);
	CHECK_EQ(fake_irqfds(), 0);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 1, &msg), 0);
	CHECK_EQ(bus_read(&vm.mmio, pba, 8), 2);
	CHECK_EQ(bus_read(&vm.mmio, pba, 8), 2);
	/* Unmasked, it is in the eventfd again, where KVM finds it. */
	fake_journal_clear();
	msix_mask(1, 0);
	CHECK_EQ(fake_irqfds(), 1);
	CHECK_EQ(fake_count("write eventfd"), 1);
	CHECK_EQ(bus_read(&vm.mmio, pba, 8), 0);
	fd = fake_irq_fd(hw, MSIX, 1);
	CHECK(fd >= 0);
	delivers(MSIX, 1, 0xfee01000, 7);
	/* Without a look at the pending bits nothing has to be put back. */
	msix_mask(1, 1);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 1, &msg), 0);
	fake_journal_clear();
	msix_mask(1, 0);
	CHECK_EQ(fake_count("write eventfd"), 0);
	CHECK_EQ(fake_irq_fd(hw, MSIX, 1), fd);
	end();
}

TEST(message_changes_while_masked_and_while_live)
{
	begin();
	plug();
	msix_on();
	msix_entry(2, 1);
	msix_mask(2, 0);
	msix_mask(2, 1);
	msix_entry(2, 99);
	msix_mask(2, 0);
	delivers(MSIX, 2, 0xfee02000, 99);
	bus_write(&vm.mmio, table + 2 * 16 + 8, 100, 4);
	delivers(MSIX, 2, 0xfee02000, 100);
	end();
}

TEST(function_mask_covers_all)
{
	unsigned int at;

	begin();
	plug();
	msix_on();
	at = cap(SLOT(1), PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS;
	msix_mask(0, 0);
	msix_mask(1, 0);
	put(SLOT(1), at, 0xc000, 2);
	CHECK_EQ(fake_irqfds(), 0);
	put(SLOT(1), at, 0x8000, 2);
	CHECK_EQ(fake_irqfds(), 2);
	end();
}

TEST(switched_off_nothing_remains)
{
	unsigned int routes, fds;

	begin();
	plug();
	fds = fake_fds();
	routes = fake_routes();
	for (int round = 0; round < 3; round++) {
		msix_on();
		msix_mask(0, 0);
		msix_mask(64, 0);
		CHECK_EQ(fake_irqfds(), 2);
		msix_off();
		CHECK_EQ(fake_irqfds(), 0);
		CHECK_EQ(fake_irq_enabled(hw, MSIX), 0);
		CHECK_EQ(fake_fds(), fds);
	}
	/* The routes themselves go with the next change. */
	msix_mask(64, 1);
	msix_on();
	CHECK_EQ(fake_routes(), routes + 1);
	end();
}

TEST(vectors_one_by_one_where_the_kernel_can)
{
	unsigned int v;

	begin();
	plug();
	msix_on();
	for (v = 0; v < 65; v++)
		msix_mask(v, 0);
	CHECK_EQ(fake_count("DATA_NONE"), 0);
	CHECK_EQ(fake_irqfds(), 65);
	end();
}

TEST(vectors_as_a_set_where_it_cannot)
{
	unsigned int v;

	begin();
	hw->noresize = true;
	plug();
	msix_on();
	for (v = 0; v < 65; v++) {
		msix_entry(v, v);
		msix_mask(v, 0);
	}
	for (v = 0; v < 65; v++)
		delivers(MSIX, v, 0xfee00000 + v * 0x1000, v);
	/* From 1 to 65 by doubling. */
	CHECK_EQ(fake_irq_enabled(hw, MSIX), 65);
	CHECK_EQ(fake_violations(), 0);
	end();
}

TEST(set_is_made_again_with_what_was_lost)
{
	begin();
	hw->noresize = true;
	plug();
	msix_on();
	msix_mask(0, 0);
	fake_journal_clear();
	msix_mask(5, 0);
	CHECK_EQ(fake_count("write eventfd"), 1);
	CHECK_EQ(fake_irq_enabled(hw, MSIX), 6);
	end();
}

TEST(fewer_vectors_than_asked_for)
{
	struct fake_msg msg;
	unsigned int v;

	begin();
	hw->noresize = true;
	hw->msix_limit = 3;
	plug();
	msix_on();
	for (v = 0; v < 5; v++) {
		msix_entry(v, v);
		msix_mask(v, 0);
	}
	for (v = 0; v < 3; v++)
		delivers(MSIX, v, 0xfee00000 + v * 0x1000, v);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 3, &msg), -ENOENT);
	end();
}

TEST(fewer_vectors_one_by_one)
{
	struct fake_msg msg;

	begin();
	hw->msix_limit = 2;
	plug();
	msix_on();
	msix_mask(0, 0);
	msix_mask(1, 0);
	msix_mask(2, 0);
	msix_entry(0, 5);
	delivers(MSIX, 0, 0xfee00000, 5);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 2, &msg), -ENOENT);
	end();
}

/* A device with MSI of so many vectors beside MSI-X. */
static unsigned int with_msi(unsigned int vectors, bool maskable)
{
	unsigned int at;

	begin();
	fake_cap_msi(hw, vectors, true, maskable);
	plug();
	at = cap(SLOT(1), PCI_CAP_ID_MSI);
	put(SLOT(1), at + PCI_MSI_ADDRESS_LO, 0xfee0a000, 4);
	put(SLOT(1), at + PCI_MSI_DATA_64, 0x4060, 2);
	return at;
}

TEST(msi_with_several_vectors)
{
	unsigned int at = with_msi(8, false), v;

	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | 2 << 4, 2);
	CHECK_EQ(fake_irq_enabled(hw, MSI), 4);
	for (v = 0; v < 4; v++)
		delivers(MSI, v, 0xfee0a000, 0x4060 + v);
	put(SLOT(1), at + PCI_MSI_FLAGS, 0, 2);
	CHECK_EQ(fake_irq_enabled(hw, MSI), 0);
	CHECK_EQ(fake_irqfds(), 0);
	end();
}

TEST(msi_with_fewer_than_asked_for)
{
	unsigned int at = with_msi(8, false);

	hw->msix_limit = 2;
	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | 3 << 4, 2);
	CHECK_EQ(fake_irq_enabled(hw, MSI), 2);
	delivers(MSI, 1, 0xfee0a000, 0x4061);
	end();
}

TEST(msi_masked_and_pending)
{
	unsigned int at = with_msi(4, true);
	struct fake_msg msg;

	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | 1 << 4, 2);
	put(SLOT(1), at + PCI_MSI_MASK_64, 2, 4);
	CHECK_EQ(fake_irq_fire(hw, MSI, 1, &msg), 0);
	CHECK_EQ(get(SLOT(1), at + PCI_MSI_MASK_64 + 4, 4), 2);
	put(SLOT(1), at + PCI_MSI_MASK_64, 0, 4);
	CHECK_EQ(get(SLOT(1), at + PCI_MSI_MASK_64 + 4, 4), 0);
	delivers(MSI, 1, 0xfee0a000, 0x4061);
	end();
}

TEST(from_msi_to_msix_and_back)
{
	unsigned int at = with_msi(1, false);

	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	delivers(MSI, 0, 0xfee0a000, 0x4060);
	/* Both at once: MSI-X it is. */
	msix_on();
	CHECK_EQ(fake_irq_enabled(hw, MSI), 0);
	msix_entry(0, 1);
	msix_mask(0, 0);
	delivers(MSIX, 0, 0xfee00000, 1);
	msix_off();
	CHECK_EQ(fake_irq_enabled(hw, MSIX), 0);
	delivers(MSI, 0, 0xfee0a000, 0x4060);
	put(SLOT(1), at + PCI_MSI_FLAGS, 0, 2);
	CHECK_EQ(fake_irqfds(), 0);
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
	}
	devices_destroy(&vm);
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
		/* What sysfs says is a help; unmapping can't be refused. */
		"CHECK_EXTENSION", "/sys/", "UNMAP", "DETACH",
		"UNSET_CONTAINER",
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
