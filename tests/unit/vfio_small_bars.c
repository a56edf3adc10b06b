/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BARs smaller than a page, over the fake kernel: mapped while they have a
 * page to themselves in the guest as they have in the host, passed on when
 * the guest puts something beside them; and what is passed on, in every width.
 */
#include <errno.h>
#include <stdlib.h>

#include "assigned.h"
#include "capture.h"

#define HOME 0xc8000000ULL
#define OTHER 0xc8001000ULL
#define SIZE 256
#define OTHER_SIZE 512

/* BAR 0 and BAR 3 small, BAR 2 of two pages. */
static void build(void)
{
	fake_begin();
	hw = fake_pci(ADDR, 0x1234, 0x11e8, 0xff0000, 1, "vfio-pci");
	fake_bar(hw, 0, SIZE, false, false, false);
	fake_bar(hw, 2, 8 * KiB, false, false, false);
	fake_bar(hw, 3, OTHER_SIZE, false, false, false);
	hw->small_mmap = true;
}

static void place(unsigned int n, uint32_t addr)
{
	put(SLOT(1), PCI_BASE_ADDRESS_0 + 4 * n, addr, 4);
}

static void start(void)
{
	machine();
	plug();
	place(0, HOME);
	place(3, OTHER);
	command(PCI_COMMAND_MEMORY);
}

static void begin_small(void)
{
	build();
	start();
}

static uint64_t ones(unsigned int len)
{
	return len == 8 ? UINT64_MAX : BIT(len * 8) - 1;
}

/* The guest's access to @at ends up at @off of BAR @n, in every width. */
static void check_trapped(unsigned int n, uint64_t at, unsigned int off)
{
	unsigned int len;
	uint64_t val;

	CHECK(!fake_slot_at(at));
	for (len = 1; len <= 8; len *= 2) {
		test_note("BAR %u + 0x%x, %u bytes", n, off, len);
		val = 0x8877665544332211ULL + len;
		memset(hw->bar_mem[n] + off, 0xee, 16);
		bus_write(&vm.mmio, at, val, len);
		CHECK(!memcmp(hw->bar_mem[n] + off, &val, len));
		CHECK_EQ(hw->bar_mem[n][off + len], 0xee);
		CHECK_EQ(bus_read(&vm.mmio, at, len), val & ones(len));
	}
}

static void check_mapped(unsigned int n, uint64_t at)
{
	uint8_t *p = fake_slot_at(at);

	CHECK(p != NULL);
	hw->bar_mem[n][7] = 0x5a + n;
	CHECK_EQ(p[7], 0x5a + n);
}

TEST(small_bar_is_mapped_with_its_page)
{
	build();
	machine();
	plug();
	/* Where we have put them, that is so from the beginning. */
	command(PCI_COMMAND_MEMORY);
	check_mapped(0, bar(SLOT(1), 0));
	check_mapped(2, bar(SLOT(1), 2));
	check_mapped(3, bar(SLOT(1), 3));
	CHECK_EQ(fake_slots(), 4);
	command(0);
	CHECK_EQ(fake_slots(), 1);
	end();
}

TEST(small_bars_in_one_page_are_passed_on)
{
	begin_small();
	check_mapped(0, HOME);
	check_mapped(3, OTHER);
	place(3, HOME + OTHER_SIZE);
	check_trapped(0, HOME, 0);
	check_trapped(0, HOME + 0xe8, 0xe8);
	check_trapped(3, HOME + OTHER_SIZE, 0);
	check_trapped(3, HOME + OTHER_SIZE + 0x1e8, 0x1e8);
	/* Between and behind them there is nobody. */
	CHECK_EQ(bus_read(&vm.mmio, HOME + SIZE, 4), UINT32_MAX);
	CHECK_EQ(bus_read(&vm.mmio, HOME + 2 * OTHER_SIZE, 4), UINT32_MAX);
	place(3, OTHER);
	check_mapped(0, HOME);
	check_mapped(3, OTHER);
	end();
}

TEST(small_bar_within_a_page_is_passed_on)
{
	begin_small();
	place(0, HOME + SIZE);
	check_trapped(0, HOME + SIZE, 0);
	CHECK(!fake_slot_at(HOME));
	CHECK_EQ(bus_read(&vm.mmio, HOME, 4), UINT32_MAX);
	place(0, HOME + 4 * KiB - SIZE);
	check_trapped(0, HOME + 4 * KiB - SIZE, 0);
	place(0, HOME);
	check_mapped(0, HOME);
	end();
}

TEST(another_devices_bar_in_the_page)
{
	struct fake_pci *other;

	build();
	other = fake_pci("0000:02:00.0", 1, 2, 0xff0000, 2, "vfio-pci");
	fake_bar(other, 0, 1 * KiB, false, false, false);
	machine();
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "02:00.0"), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	place(0, HOME);
	place(3, OTHER);
	put(SLOT(2), PCI_BASE_ADDRESS_0, HOME + 1 * KiB, 4);
	command(PCI_COMMAND_MEMORY);
	/* It does not decode yet. */
	check_mapped(0, HOME);
	put(SLOT(2), PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	check_trapped(0, HOME, 0);
	bus_write(&vm.mmio, HOME + 1 * KiB, 0xcafe, 2);
	CHECK_EQ(other->bar_mem[0][1], 0xca);
	put(SLOT(2), PCI_COMMAND, 0, 2);
	check_mapped(0, HOME);
	end();
}

TEST(small_bar_with_the_msix_table_is_passed_on)
{
	build();
	hw->msix = 2;
	fake_cap_msix(hw, 2, 0, 0x40, 0, 0x80);
	start();
	CHECK(!fake_slot_at(HOME));
	check_mapped(3, OTHER);
	check_trapped(0, HOME, 0);
	/* The table itself is ours. */
	bus_write(&vm.mmio, HOME + 0x40, UINT32_MAX, 4);
	CHECK_EQ(hw->bar_mem[0][0x40], 0);
	end();
}

/* An older kernel, or a BAR that the host has put within a page. */
TEST(kernel_that_offers_no_page)
{
	build();
	hw->small_mmap = false;
	start();
	CHECK_EQ(fake_slots(), 2);
	check_trapped(0, HOME, 0);
	check_trapped(3, OTHER, 0);
	end();
}

/* More was asked for than it had promised: that is nothing to warn of. */
TEST(kernel_that_refuses_the_page)
{
	build();
	machine();
	fake_fail_call("mmap VFIO device " ADDR " len=0x1000", EINVAL);
	capture_begin(2);
	plug();
	CHECK(!strstr(capture_end(), "cannot map"));
	CHECK_EQ(fake_count("mmap VFIO"), 3);
	place(0, HOME);
	place(3, OTHER);
	command(PCI_COMMAND_MEMORY);
	check_trapped(0, HOME, 0);
	check_mapped(3, OTHER);
	end();
}

TEST(small_bar_is_no_target_of_dma)
{
	const char *log;
	unsigned int iommu;

	for (iommu = IOMMU_LEGACY; iommu <= IOMMU_IOMMUFD; iommu++) {
		cfg.iommu = iommu;
		build();
		fake_pci_nvme("0000:02:00.0", 2);
		machine();
		CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
		CHECK_EQ(vfio_pci_create(&vm, host, "02:00.0"), 0);
		CHECK_EQ(pci_host_assign(host), 0);
		place(0, HOME);
		capture_begin(2);
		command(PCI_COMMAND_MEMORY);
		log = capture_end();
		check_mapped(0, HOME);
		CHECK(!fake_dma_at(HOME));
		CHECK(fake_dma_at(bar(SLOT(1), 2)));
		CHECK_STR(log, "");
		end();
	}
	cfg.iommu = IOMMU_AUTO;
}

/* Across its end, an access is nobody's. */
TEST(trapped_accesses_end_with_the_bar)
{
	unsigned int len;

	build();
	hw->no_mmap = true;
	start();
	for (len = 2; len <= 8; len *= 2) {
		test_note("%u bytes", len);
		memset(hw->bar_mem[0], 0x11, 4 * KiB);
		bus_write(&vm.mmio, HOME + SIZE - len / 2, 0, len);
		CHECK_EQ(hw->bar_mem[0][SIZE - 1], 0x11);
		CHECK_EQ(hw->bar_mem[0][SIZE], 0x11);
		CHECK_EQ(bus_read(&vm.mmio, HOME + SIZE - len / 2, len),
			 ones(len));
		check_trapped(0, HOME + SIZE - 16, SIZE - 16);
	}
	end();
}

/* Wherever two of them are, what is mapped and what is not agree. */
TEST(random_moves)
{
	uint64_t at[2], other;
	unsigned int round, i;

	begin_small();
	srandom(11);
	for (round = 0; round < 2000; round++) {
		i = random() % 2;
		test_note("round %u", round);
		place(i ? 3 : 0, HOME + random() % 48 * SIZE);
		for (i = 0; i < 2; i++) {
			unsigned int n = i ? 3 : 0;
			unsigned int size = i ? OTHER_SIZE : SIZE;
			uint64_t osize = i ? SIZE : OTHER_SIZE;
			bool over, alone;

			at[i] = bar(SLOT(1), n);
			other = bar(SLOT(1), i ? 0 : 3);
			over = ranges_overlap(at[i], size, other, osize);
			alone = IS_ALIGNED(at[i], 4 * KiB) &&
				(over || !ranges_overlap(at[i], 4 * KiB, other,
							 osize));
			if (over && n)	/* BAR 0 wins */
				continue;
			if (alone)
				check_mapped(n, at[i]);
			else
				check_trapped(n, at[i], 0);
		}
	}
	end();
}
