/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One device's memory in reach of another, over the fake kernel: by address
 * with the container, by dma-buf with iommufd; mapped while the BAR decodes
 * and not a moment longer, since what the kernel revokes stays lost.
 */
#include "assigned.h"
#include "capture.h"
#include "ways.h"

#define BAR 0xc8000000ULL

static struct fake_pci *other;

/* The NVMe disk, and a device with plain memory, in slot 2. */
static void two(unsigned int iommu)
{
	cfg.iommu = iommu;
	begin();
	other = fake_pci("0000:02:00.0", 1, 2, 0x050000, 2, "vfio-pci");
	fake_bar(other, 0, 64 * KiB, false, false, false);
}

static void plug_two(void)
{
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "02:00.0"), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	put(SLOT(2), PCI_BASE_ADDRESS_0, BAR, 4);
}

static void decode(bool on)
{
	put(SLOT(2), PCI_COMMAND, on ? PCI_COMMAND_MEMORY : 0, 2);
}

static void check_mapped_while_decoding(const struct words *w)
{
	two(w->choice);
	host_as(w);
	plug_two();
	CHECK_EQ(fake_maps(), 1);
	CHECK(!fake_dma_at(BAR));
	for (int round = 0; round < 2; round++) {
		decode(true);
		CHECK(fake_dma_at(BAR));
		CHECK(fake_dma_at(BAR + 64 * KiB - 1));
		CHECK(!fake_dma_at(BAR + 64 * KiB));
		decode(false);
		CHECK(!fake_dma_at(BAR));
	}
	/* It moves along. */
	decode(true);
	put(SLOT(2), PCI_BASE_ADDRESS_0, BAR + MiB, 4);
	CHECK(!fake_dma_at(BAR));
	CHECK(fake_dma_at(BAR + MiB));
	devices_reset(&vm);
	CHECK_EQ(fake_maps(), 1);
	put(SLOT(2), PCI_BASE_ADDRESS_0, BAR, 4);
	decode(true);
	CHECK(fake_dma_at(BAR));
	end();
}

TEST(mapped_while_decoding_legacy)
{
	check_mapped_while_decoding(&legacy);
}

TEST(mapped_while_decoding_iommufd)
{
	check_mapped_while_decoding(&iommufd);
}

TEST(mapped_while_decoding_by_group)
{
	check_mapped_while_decoding(&by_group);
}

/* It takes a BAR as a dma-buf alone, and a container's calls know none. */
TEST(an_iommufd_as_container_maps_no_bar)
{
	const struct words *const others[] = { &compat, &instead };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		test_note("%s", way_name(others[i]));
		two(IOMMU_LEGACY);
		host_as(others[i]);
		plug_two();
		capture_begin(2);
		decode(true);
		command(PCI_COMMAND_MEMORY);
		capture_end();
		CHECK(said("devices cannot reach the memory of 0000:02:00.0"));
		CHECK(said("iommufd maps it as a dma-buf only"));
		CHECK_EQ(said_lines(), 2);
		CHECK_EQ(fake_maps(), 1);
		end();
	}
}

TEST(not_the_pages_of_the_msix_table)
{
	uint64_t at;

	two(IOMMU_IOMMUFD);
	plug_two();
	at = bar(SLOT(1), 0);
	command(PCI_COMMAND_MEMORY);
	CHECK(fake_dma_at(at));
	CHECK(!fake_dma_at(at + 0x2000));
	end();
}

static void check_function_reset(unsigned int iommu)
{
	uint64_t at;
	unsigned int exp;

	two(iommu);
	plug_two();
	at = bar(SLOT(1), 0);
	exp = cap(SLOT(1), PCI_CAP_ID_EXP);
	msix_on();
	msix_mask(0, 0);
	CHECK(fake_dma_at(at));
	put(SLOT(1), exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	CHECK_EQ(hw->resets, 1);
	/* As after any reset: nothing decodes, nothing interrupts. */
	CHECK(!fake_dma_at(at));
	CHECK_EQ(get(SLOT(1), PCI_COMMAND, 2), 0);
	CHECK_EQ(fake_irqfds(), 0);
	CHECK(!(fake_cfg_get16(hw, PCI_COMMAND) & PCI_COMMAND_MEMORY));
	CHECK_EQ(get(SLOT(1), cap(SLOT(1), PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS,
		     2), 64);
	command(PCI_COMMAND_MEMORY);
	CHECK(fake_dma_at(at));
	msix_on();
	msix_entry(0, 3);
	msix_mask(0, 0);
	delivers(MSIX, 0, 0xfee00000, 3);
	end();
}

TEST(remade_after_the_guest_resets_the_function_legacy)
{
	check_function_reset(IOMMU_LEGACY);
}

TEST(remade_after_the_guest_resets_the_function_iommufd)
{
	check_function_reset(IOMMU_IOMMUFD);
}

static void check_sleep(unsigned int iommu)
{
	unsigned int pm;
	uint64_t at;

	two(iommu);
	plug_two();
	at = bar(SLOT(1), 0);
	pm = cap(SLOT(1), PCI_CAP_ID_PM);
	command(PCI_COMMAND_MEMORY);
	CHECK(fake_dma_at(at));
	put(SLOT(1), pm + PCI_PM_CTRL, 3, 2);
	CHECK(!fake_dma_at(at));
	/* Not even if told to decode. */
	command(0);
	command(PCI_COMMAND_MEMORY);
	CHECK(!fake_dma_at(at));
	put(SLOT(1), pm + PCI_PM_CTRL, 0, 2);
	CHECK(fake_dma_at(at));
	end();
}

TEST(remade_after_a_sleep_legacy)
{
	check_sleep(IOMMU_LEGACY);
}

TEST(remade_after_a_sleep_iommufd)
{
	check_sleep(IOMMU_IOMMUFD);
}

/* The first device's reset, of its bus, takes the mappings of the second. */
static void check_bus_reset(unsigned int iommu)
{
	struct fake_pci *next;
	uint64_t at[2];

	cfg.iommu = iommu;
	begin();
	next = fake_pci_nvme("0000:01:00.1", 1);
	hw->can_reset = next->can_reset = false;
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "01:00.1"), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	for (int round = 0; round < 2; round++) {
		at[0] = bar(SLOT(1), 0);
		at[1] = bar(SLOT(2), 0);
		command(PCI_COMMAND_MEMORY);
		decode(true);
		CHECK(fake_dma_at(at[0]));
		CHECK(fake_dma_at(at[1]));
		devices_reset(&vm);
		CHECK(hw->bus_resets > 0);
		CHECK_EQ(fake_maps(), 1);
	}
	end();
}

TEST(remade_after_a_neighbours_bus_reset_legacy)
{
	check_bus_reset(IOMMU_LEGACY);
}

TEST(remade_after_a_neighbours_bus_reset_iommufd)
{
	check_bus_reset(IOMMU_IOMMUFD);
}

/* One warning is enough, however many devices and however often. */
TEST(older_kernel_does_without)
{
	two(IOMMU_IOMMUFD);
	fake_host()->dma_buf = false;
	plug_two();
	capture_begin(2);
	command(PCI_COMMAND_MEMORY);
	decode(true);
	decode(false);
	decode(true);
	capture_end();
	CHECK(said("warning: iommu: devices cannot reach the memory of "
		   ADDR ": the kernel gives no dma-buf of it"));
	CHECK(said("hint: if none has to: --p2p off"));
	CHECK_EQ(said_lines(), 2);
	CHECK(!fake_dma_at(BAR));
	CHECK(fake_slot_at(BAR) != NULL);
	devices_reset(&vm);
	CHECK_EQ(vm.state, VM_RUNNING);
	end();
}

TEST(refused_mapping_does_no_harm)
{
	two(IOMMU_LEGACY);
	plug_two();
	fake_fail_call("MAP_DMA", 22);
	decode(true);
	CHECK(!fake_dma_at(BAR));
	CHECK(fake_slot_at(BAR) != NULL);
	decode(false);
	end();
}

TEST(out_of_the_iommus_reach)
{
	two(IOMMU_LEGACY);
	fake_host()->hole_base = BAR;
	fake_host()->hole_size = MiB;
	plug_two();
	decode(true);
	CHECK(!fake_dma_at(BAR));
	CHECK(fake_slot_at(BAR) != NULL);
	end();
}

TEST(off_when_asked)
{
	two(IOMMU_IOMMUFD);
	cfg.p2p = P2P_OFF;
	plug_two();
	decode(true);
	CHECK(!fake_dma_at(BAR));
	CHECK_EQ(fake_count("VFIO_DEVICE_FEATURE"), 0);
	end();
	cfg.p2p = P2P_ON;
}

TEST(one_device_has_nobody_to_talk_to)
{
	cfg.iommu = IOMMU_LEGACY;
	begin();
	plug();
	command(PCI_COMMAND_MEMORY);
	CHECK_EQ(fake_maps(), 1);
	end();
}
