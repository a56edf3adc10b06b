/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --noiommu=device-only: a device without an IOMMU, and without DMA. What the
 * guest writes, the bus master bit stays off, and no MSI is offered, which
 * would be a bus master's write.
 */
#include <string.h>

#include "assigned.h"

static const enum iommu_choice both[] = { IOMMU_LEGACY, IOMMU_IOMMUFD };

static void build(void)
{
	fake_host()->unsafe_noiommu = true;
	hw = fake_pci_nvme(ADDR, -1);
	hw->intx = true;
	hw->cfg[PCI_INTERRUPT_PIN] = 1;
	cfg.noiommu = NOIOMMU_DEVICE_ONLY;
}

static void start(enum iommu_choice choice)
{
	test_note("%s", choice == IOMMU_LEGACY ? "legacy" : "iommufd");
	fake_begin();
	build();
	cfg.iommu = choice;
	machine();
	plug();
}

static bool masters(void)
{
	return fake_cfg_get16(hw, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

TEST(it_never_masters_the_bus)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(both); i++) {
		start(both[i]);
		CHECK(!masters());
		command(0xffff);
		CHECK(!masters());
		CHECK(fake_cfg_get16(hw, PCI_COMMAND) & PCI_COMMAND_MEMORY);
		CHECK(!(get(SLOT(1), PCI_COMMAND, 2) & PCI_COMMAND_MASTER));
		put(SLOT(1), PCI_COMMAND, PCI_COMMAND_MASTER, 1);
		CHECK(!masters());
		put(SLOT(1), PCI_COMMAND, UINT32_MAX, 4);
		CHECK(!masters());
		devices_reset(&vm);
		command(PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
		CHECK(!masters());
		end();
	}
}

TEST(no_memory_is_mapped_for_it)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(both); i++) {
		start(both[i]);
		CHECK_EQ(fake_maps(), 0);
		CHECK_EQ(fake_count("MAP_DMA"), 0);
		CHECK_EQ(fake_count("IOAS_MAP"), 0);
		CHECK(!fake_dma_at(0));
		end();
	}
}

TEST(interrupts_come_by_the_pin_alone)
{
	struct fake_msg msg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(both); i++) {
		start(both[i]);
		CHECK(!cap(SLOT(1), PCI_CAP_ID_MSI));
		CHECK(!cap(SLOT(1), PCI_CAP_ID_MSIX));
		CHECK(cap(SLOT(1), PCI_CAP_ID_EXP));
		command(PCI_COMMAND_MEMORY);
		CHECK_EQ(fake_irq_fire(hw, INTX, 0, &msg), 1);
		CHECK(msg.pin);
		end();
	}
}

static int run(void)
{
	int err = fake_vm_create(&vm, &cfg, 4 * MiB);

	if (err < 0)
		return err;
	err = pci_host_create(&vm, &layout, &host);
	if (err >= 0)
		err = vfio_pci_create(&vm, host, ADDR);
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	return err;
}

/* As of a device that does all it can. */
static bool survivable(const char *line)
{
	static const char *const words[] = {
		"mmap VFIO", "mmap anonymous len=0x8000", "madvise", "pwrite",
		"SET_IRQS", "GET_IRQ_INFO", "VFIO_DEVICE_RESET", "/sys/",
		"VFIO_DEVICE_FEATURE", "CHECK_EXTENSION",
		"GET_REGION_INFO argsz=0x20 index=0x6", "DETACH",
		"stat /dev/vfio/", "IOMMU_OPTION", "IOMMU_VFIO_IOAS op=0x0",
		/* whether it lives after its last reset */
		"pread VFIO device " ADDR " len=4 offset=0x70000000000",
		"pread VFIO device " ADDR " len=4 offset=0x70000000008",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

TEST(every_call_fails_once)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(both); i++) {
		cfg.iommu = both[i];
		CHECK(fake_sweep(build, run, survivable) > 30);
	}
}
