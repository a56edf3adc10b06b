/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses for BARs: aligned, apart, in the right window, and a clear refusal
 * where there is no room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/pci.h"
#include "test.h"
#include "vmm/util.h"

#define MEM32 0xc8100000ULL
#define MEM32_SIZE 0x10000000ULL
#define MEM64 0x140000000ULL
#define MEM64_MAX 0x10000000000ULL
#define PAGE 4096

static struct pci_layout layout = {
	.ecam = 0xe0000000, .io_base = 0x1000, .io_size = 0xf000,
	.mem32_base = MEM32, .mem32_size = MEM32_SIZE,
	.mem64_min = MEM64, .mem64_max = MEM64_MAX,
};

static const struct pci_dev_ops no_ops;
static struct vm vm;
static struct pci_host *host;
static struct pci_dev devs[PCI_SLOTS];
static unsigned int nr;

static struct pci_dev *dev(void)
{
	struct pci_dev *d = &devs[nr++];

	d->name = "test";
	d->ops = &no_ops;
	return d;
}

enum kind { MEM32_BAR, MEM64_BAR, PREF64_BAR, IO_BAR };

static struct pci_bar *bar(struct pci_dev *d, unsigned int i, enum kind kind,
			   uint64_t size)
{
	struct pci_bar *found = &d->bars[i];

	found->size = size;
	found->io = kind == IO_BAR;
	found->mem64 = kind == MEM64_BAR || kind == PREF64_BAR;
	found->prefetch = kind == PREF64_BAR;
	return found;
}

static int assign(void)
{
	unsigned int i;

	bus_create(&vm.mmio, "mmio");
	bus_create(&vm.pio, "pio");
	CHECK_EQ(pci_host_create(&vm, &layout, &host), 0);
	for (i = 0; i < nr; i++)
		CHECK_EQ(pci_dev_add(host, &devs[i], -1), 0);
	return pci_host_assign(host);
}

static struct desc_range window(unsigned int n)
{
	struct desc desc = { .irq = -1 };

	vm.devices->ops->describe(vm.devices, &desc);
	CHECK(n < desc.nr_ranges);
	return desc.ranges[n];
}

static unsigned int windows(void)
{
	struct desc desc = { .irq = -1 };

	vm.devices->ops->describe(vm.devices, &desc);
	return desc.nr_ranges;
}

static bool within(const struct pci_bar *b, uint64_t base, uint64_t size)
{
	return range_contains(base, size, b->addr, b->size);
}

TEST(each_kind_in_its_window)
{
	struct pci_dev *d = dev();
	struct pci_bar *m32 = bar(d, 0, MEM32_BAR, 0x10000);
	struct pci_bar *m64 = bar(d, 1, MEM64_BAR, 0x4000);
	struct pci_bar *p64 = bar(d, 3, PREF64_BAR, 0x1000000);
	struct pci_bar *io = bar(d, 5, IO_BAR, 0x40);

	CHECK_EQ(assign(), 0);
	CHECK(within(m32, MEM32, MEM32_SIZE));
	CHECK(within(m64, MEM32, MEM32_SIZE));
	CHECK(within(io, 0x1000, 0xf000));
	CHECK_EQ(p64->addr, MEM64);
	CHECK_EQ(window(3).base, MEM64);
	CHECK_EQ(window(3).size, 0x1000000);
	devices_destroy(&vm);
}

TEST(no_64_bit_window_without_need)
{
	bar(dev(), 0, MEM64_BAR, 0x4000);
	CHECK_EQ(assign(), 0);
	CHECK_EQ(windows(), 3);
	devices_destroy(&vm);
}

/* 8 GiB, then small ones: into the gap that its alignment left below it. */
TEST(large_bar_is_aligned_and_the_window_holds_all)
{
	struct pci_bar *big = bar(dev(), 0, PREF64_BAR, 8 * GiB);
	struct pci_bar *small = bar(dev(), 0, PREF64_BAR, 2 * MiB);

	CHECK_EQ(assign(), 0);
	CHECK_EQ(big->addr, 8 * GiB);
	CHECK_EQ(small->addr, MEM64);
	CHECK_EQ(window(3).base, MEM64);
	CHECK_EQ(window(3).size, 16 * GiB - MEM64);
	devices_destroy(&vm);
}

TEST(registers_too_large_for_below_4g_go_above)
{
	struct pci_bar *big = bar(dev(), 0, MEM64_BAR, GiB);

	CHECK_EQ(assign(), 0);
	CHECK(within(big, window(3).base, window(3).size));
	CHECK(IS_ALIGNED(big->addr, GiB));
	devices_destroy(&vm);
}

TEST(prefetchable_goes_below_4g_without_a_window_above)
{
	struct pci_bar *b = bar(dev(), 0, PREF64_BAR, MiB);

	layout.mem64_min = layout.mem64_max = 0;
	CHECK_EQ(assign(), 0);
	CHECK(within(b, MEM32, MEM32_SIZE));
	devices_destroy(&vm);
}

TEST(small_memory_bars_share_no_page)
{
	struct pci_bar *b[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		b[i] = bar(dev(), 0, MEM32_BAR, 16U << i);
	CHECK_EQ(assign(), 0);
	for (i = 1; i < 4; i++)
		CHECK(b[i]->addr / PAGE != b[i - 1]->addr / PAGE);
	devices_destroy(&vm);
}

TEST(too_large_for_32_bits_is_refused)
{
	bar(dev(), 2, MEM32_BAR, GiB);
	CHECK_EQ(assign(), -ERANGE);
	devices_destroy(&vm);
}

TEST(too_large_for_the_address_space_is_refused)
{
	bar(dev(), 0, PREF64_BAR, BIT(52));
	CHECK_EQ(assign(), -ERANGE);
	devices_destroy(&vm);
}

TEST(largest_power_of_two_does_not_wrap)
{
	layout.mem64_max = UINT64_MAX;
	bar(dev(), 0, PREF64_BAR, BIT(63));
	bar(dev(), 0, PREF64_BAR, BIT(63));
	CHECK_EQ(assign(), -ERANGE);
	devices_destroy(&vm);
}

TEST(ports_that_do_not_fit_are_left_out)
{
	struct pci_bar *b = bar(dev(), 0, IO_BAR, 64 * KiB);

	CHECK_EQ(assign(), 0);
	CHECK_EQ(b->addr, 0);
	devices_destroy(&vm);
}

/* Exactly as much as there is room for, the worst order included. */
TEST(window_filled_to_the_brim)
{
	layout.mem32_base = 0xc0000000;
	layout.mem32_size = 16 * PAGE;
	bar(dev(), 0, MEM32_BAR, PAGE);
	bar(dev(), 0, MEM32_BAR, 4 * PAGE);
	bar(dev(), 0, MEM32_BAR, PAGE);
	bar(dev(), 0, MEM32_BAR, 8 * PAGE);
	bar(dev(), 0, MEM32_BAR, 2 * PAGE);
	CHECK_EQ(assign(), 0);
	devices_destroy(&vm);
	bar(dev(), 0, MEM32_BAR, 16);
	CHECK_EQ(assign(), -ERANGE);
	devices_destroy(&vm);
}

static void check_apart(const struct pci_bar *b)
{
	unsigned int i, n;

	CHECK(b->addr != 0);
	CHECK(IS_ALIGNED(b->addr, b->size));
	for (i = 0; i < nr; i++)
		for (n = 0; n < PCI_BARS; n++) {
			const struct pci_bar *o = &devs[i].bars[n];

			CHECK(o == b || !o->size || o->io != b->io ||
			      !ranges_overlap(o->addr, o->size, b->addr,
					      b->size));
		}
}

static void random_bars(struct pci_dev *d)
{
	unsigned int n;

	for (n = 0; n < PCI_BARS; n += 2) {
		enum kind kind = random() % 4;
		unsigned int shift = random() % (kind == IO_BAR ? 6 : 18);

		bar(d, n, kind, 16ULL << shift);
	}
}

TEST(random_sets_are_aligned_and_apart)
{
	unsigned int round, i, n;

	srandom(1);
	for (round = 0; round < 50; round++) {
		test_note("round %u", round);
		nr = 0;
		memset(devs, 0, sizeof(devs));
		for (i = 0; i < 20; i++)
			random_bars(dev());
		CHECK_EQ(assign(), 0);
		for (i = 0; i < nr; i++)
			for (n = 0; n < PCI_BARS; n += 2)
				check_apart(&devs[i].bars[n]);
		devices_destroy(&vm);
	}
}
