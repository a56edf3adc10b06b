/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI and MSI-X as the guest sees them: every layout of table and pending
 * bits, every access width, and what the owner is told.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/msix.h"
#include "test.h"
#include "vmm/util.h"

#define CAP 0x60

static struct pci_dev dev = { .devfn = 0x18 };
static unsigned int updates[MSIX_VECTORS_MAX];
static bool has_arrived[MSIX_VECTORS_MAX];
static unsigned int total;

static void on_update(void *owner, unsigned int vector)
{
	CHECK(owner == &dev);
	CHECK(vector < MSIX_VECTORS_MAX);
	updates[vector]++;
	total++;
}

static bool on_pending(void *owner, unsigned int vector)
{
	CHECK(owner == &dev);
	return has_arrived[vector];
}

static const struct msi_ops ops = { on_update, on_pending };

static void put(unsigned int off, uint32_t val, unsigned int len)
{
	uint32_t mask = pci_get(dev.wmask, off, len);
	uint32_t old = pci_get(dev.cfg, off, len);

	pci_put(dev.cfg, off, (old & ~mask) | (val & mask), len);
}

/* ---- MSI-X -------------------------------------------------------------- */

static struct msix x;

static void create(unsigned int nr, unsigned int table_bar, uint64_t table,
		   unsigned int pba_bar, uint64_t pba)
{
	struct msix_place t = { .bar = table_bar, .off = table };
	struct msix_place p = { .bar = pba_bar, .off = pba };

	CHECK_EQ(msix_create(&x, &dev, CAP, nr, &t, &p, &ops, &dev), 0);
}

static void control(uint16_t val)
{
	put(CAP + PCI_MSIX_FLAGS, val, 2);
	msix_cfg_written(&x, CAP + PCI_MSIX_FLAGS, 2);
}

static void entry(unsigned int bar, uint64_t at, uint64_t addr, uint32_t data,
		  uint32_t ctrl)
{
	msix_write(&x, bar, at, addr, 8);
	msix_write(&x, bar, at + 8, data, 4);
	msix_write(&x, bar, at + 12, ctrl, 4);
}

TEST(capability_says_where_things_are)
{
	create(65, 0, 0x2000, 4, 0x3008);
	CHECK_EQ(pci_get(dev.cfg, CAP + PCI_MSIX_FLAGS, 2), 64);
	CHECK_EQ(pci_get(dev.cfg, CAP + PCI_MSIX_TABLE, 4), 0x2000);
	CHECK_EQ(pci_get(dev.cfg, CAP + PCI_MSIX_PBA, 4), 0x300c);
	put(CAP + PCI_MSIX_FLAGS, 0xffff, 2);
	CHECK_EQ(pci_get(dev.cfg, CAP + PCI_MSIX_FLAGS, 2), 0xc040);
	msix_destroy(&x);
}

TEST(vectors_start_masked)
{
	struct msi msg;
	unsigned int i;

	create(3, 0, 0, 0, 0x800);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(msix_read(&x, 0, i * 16, 8), 0);
		CHECK_EQ(msix_read(&x, 0, i * 16 + 12, 4), 1);
		CHECK_EQ(msix_want(&x, i, &msg), MSI_OFF);
	}
	control(PCI_MSIX_FLAGS_ENABLE);
	CHECK_EQ(msix_want(&x, 0, &msg), MSI_MASKED);
	CHECK_EQ(msix_want(&x, 3, &msg), MSI_OFF);
	msix_destroy(&x);
}

TEST(unmasked_vector_is_live_with_its_message)
{
	struct msi msg;

	create(4, 2, 0x1000, 2, 0x2000);
	entry(2, 0x1010, 0x1fee01003ULL, 0x4041, 0);
	CHECK_EQ(msix_want(&x, 1, &msg), MSI_OFF);
	control(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	CHECK_EQ(msix_want(&x, 1, &msg), MSI_MASKED);
	control(PCI_MSIX_FLAGS_ENABLE);
	CHECK_EQ(msix_want(&x, 1, &msg), MSI_LIVE);
	CHECK_EQ(msg.address, 0x1fee01000);
	CHECK_EQ(msg.data, 0x4041);
	CHECK_EQ(msg.devid, 0x18);
	CHECK_EQ(msix_want(&x, 0, &msg), MSI_MASKED);
	msix_destroy(&x);
}

TEST(owner_hears_of_each_change)
{
	create(4, 0, 0, 0, 0x800);
	msix_write(&x, 0, 2 * 16 + 12, 0, 4);
	CHECK_EQ(updates[2], 1);
	CHECK_EQ(total, 1);
	control(PCI_MSIX_FLAGS_ENABLE);
	CHECK_EQ(total, 5);
	control(PCI_MSIX_FLAGS_ENABLE);
	CHECK_EQ(total, 5);
	/* Another byte of config space is none of its business. */
	msix_cfg_written(&x, CAP + 4, 4);
	msix_cfg_written(&x, CAP - 4, 4);
	CHECK_EQ(total, 5);
	control(0);
	CHECK_EQ(total, 9);
	/* Eight bytes that lie in two entries. */
	msix_write(&x, 0, 16 + 12, 0, 8);
	CHECK_EQ(updates[1], 3);
	CHECK_EQ(updates[2], 4);
	msix_destroy(&x);
}

TEST(table_reads_back_in_every_width)
{
	unsigned int len, off;

	create(2, 0, 0x100, 0, 0x200);
	entry(0, 0x110, 0x8877665544332210ULL, 0xddccbbaa, 0xffffffff);
	CHECK_EQ(msix_read(&x, 0, 0x11c, 4), 1);
	for (len = 1; len <= 8; len++)
		for (off = 0; off + len <= 8; off++) {
			uint64_t want = 0x8877665544332210ULL >> off * 8;

			if (len < 8)
				want &= BIT(len * 8) - 1;
			CHECK_EQ(msix_read(&x, 0, 0x110 + off, len), want);
		}
	CHECK_EQ(msix_read(&x, 0, 0x118, 8), 0x00000001ddccbbaaLL);
	msix_write(&x, 0, 0x119, 0x12, 1);
	CHECK_EQ(msix_read(&x, 0, 0x118, 4), 0xddcc12aa);
	msix_destroy(&x);
}

TEST(access_over_the_edges)
{
	create(1, 0, 0x100, 0, 0x110);
	CHECK(!msix_touches(&x, 0, 0xf8, 8));
	CHECK(msix_touches(&x, 0, 0xf9, 8));
	CHECK(msix_touches(&x, 0, 0x117, 1));
	CHECK(!msix_touches(&x, 0, 0x118, 8));
	CHECK(!msix_touches(&x, 1, 0x100, 8));
	CHECK_EQ(msix_read(&x, 0, 0xfe, 4), 0x0000ffff);
	msix_write(&x, 0, 0xfe, 0xffffffff, 4);
	CHECK_EQ(msix_read(&x, 0, 0x100, 4), 0xfffc);
	has_arrived[0] = true;
	/* The table's last bytes and the pending bits in one. */
	CHECK_EQ(msix_read(&x, 0, 0x10c, 8), 0x0000000100000001LL);
	/* Pending bits can't be written. */
	msix_write(&x, 0, 0x110, 0, 8);
	CHECK_EQ(msix_read(&x, 0, 0x110, 8), 1);
	msix_destroy(&x);
}

/* Every size with every relation of table and pending bits. */
TEST(all_layouts)
{
	static const unsigned int sizes[] = {
		1, 2, 31, 32, 63, 64, 65, 127, 128, 255, 256, 1024, 2047, 2048,
	};
	static const struct { unsigned int tb, pb; uint64_t to, po; } at[] = {
		{ 0, 0, 0x2000, 0x3000 + 0x8000 },	/* pages of their own */
		{ 0, 0, 0x18, 0x8100 },		/* among registers */
		{ 0, 0, 0x800, 0 },		/* pending bits first */
		{ 1, 4, 0, 0 },			/* in different BARs */
		{ 5, 3, 0xfffffff8 - 0x8000, 0xfffffff8 - 0x100 },
	};
	unsigned int s, l, v;

	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		for (l = 0; l < ARRAY_SIZE(at); l++) {
			unsigned int nr = sizes[s];
			struct msi msg;

			test_note("%u vectors, layout %u", nr, l);
			create(nr, at[l].tb, at[l].to, at[l].pb, at[l].po);
			control(PCI_MSIX_FLAGS_ENABLE);
			for (v = 0; v < nr; v++)
				entry(at[l].tb, at[l].to + v * 16,
				      0xfee00000 + v * 4096, v, 0);
			for (v = 0; v < nr; v++) {
				CHECK_EQ(msix_want(&x, v, &msg), MSI_LIVE);
				CHECK_EQ(msg.data, v);
				CHECK_EQ(msg.address, 0xfee00000 + v * 4096);
			}
			CHECK(!msix_touches(&x, at[l].tb,
					    at[l].to + nr * 16, 4) ||
			      at[l].tb == at[l].pb);
			has_arrived[nr - 1] = true;
			CHECK_EQ(msix_read(&x, at[l].pb,
					   at[l].po + (nr - 1) / 64 * 8, 8),
				 BIT((nr - 1) % 64));
			has_arrived[nr - 1] = false;
			msix_destroy(&x);
		}
}

TEST(reset_masks_and_forgets)
{
	struct msi msg;

	create(2, 0, 0, 0, 0x800);
	control(PCI_MSIX_FLAGS_ENABLE);
	entry(0, 0, 0xfee00000, 1, 0);
	total = 0;
	msix_reset(&x);
	CHECK_EQ(total, 0);
	CHECK(!msix_enabled(&x));
	CHECK_EQ(msix_read(&x, 0, 0, 8), 0);
	control(PCI_MSIX_FLAGS_ENABLE);
	CHECK_EQ(total, 2);
	CHECK_EQ(msix_want(&x, 0, &msg), MSI_MASKED);
	msix_destroy(&x);
}

TEST(device_without_msix)
{
	struct msi msg;

	memset(&x, 0, sizeof(x));
	CHECK(!msix_enabled(&x));
	CHECK_EQ(msix_want(&x, 7, &msg), MSI_OFF);
	CHECK(!msix_touches(&x, 0, 0, 8));
	msix_cfg_written(&x, 0, 4);
	msix_reset(&x);
	msix_destroy(&x);
}

/* ---- MSI ---------------------------------------------------------------- */

static struct msi_cap m;

static void msi_control(uint16_t val)
{
	put(CAP + PCI_MSI_FLAGS, val, 2);
	msi_cfg_written(&m, CAP + PCI_MSI_FLAGS, 2);
}

TEST(msi_sizes)
{
	CHECK_EQ(msi_size(false, false), 10);
	CHECK_EQ(msi_size(true, false), 14);
	CHECK_EQ(msi_size(false, true), 20);
	CHECK_EQ(msi_size(true, true), 24);
}

TEST(msi_of_each_form)
{
	unsigned int form;
	struct msi msg;

	for (form = 0; form < 4; form++) {
		bool wide = form & 1, maskable = form & 2;
		unsigned int data = CAP + (wide ? 12 : 8);

		memset(&dev.cfg, 0xee, sizeof(dev.cfg));
		memset(&dev.wmask, 0, sizeof(dev.wmask));
		msi_init(&m, &dev, CAP, 4, wide, maskable, &ops, &dev);
		CHECK_EQ(pci_get(dev.cfg, CAP + 2, 2),
			 2 << 1 | (wide ? 0x80 : 0) | (maskable ? 0x100 : 0));
		CHECK_EQ(dev.cfg[CAP], 0xee);
		put(CAP + 4, 0xfee01003, 4);
		put(CAP + 8, wide ? 0x12 : 0x4abf, wide ? 4 : 2);
		put(data, 0x4abf, 2);
		CHECK_EQ(msi_want(&m, 0, &msg), MSI_OFF);
		/* Two of four. */
		msi_control(PCI_MSI_FLAGS_ENABLE | 1 << 4);
		CHECK_EQ(msi_enabled(&m), 2);
		CHECK_EQ(msi_want(&m, 1, &msg), MSI_LIVE);
		CHECK_EQ(msg.address, wide ? 0x12fee01000 : 0xfee01000);
		CHECK_EQ(msg.data, 0x4abf);
		CHECK_EQ(msi_want(&m, 0, &msg), MSI_LIVE);
		CHECK_EQ(msg.data, 0x4abe);
		CHECK_EQ(msi_want(&m, 2, &msg), MSI_OFF);
	}
}

TEST(msi_takes_no_more_than_offered)
{
	struct msi msg;

	msi_init(&m, &dev, CAP, 3, true, false, &ops, &dev);
	CHECK_EQ(m.nr, 2);
	msi_control(PCI_MSI_FLAGS_ENABLE | 7 << 4);
	CHECK_EQ(msi_enabled(&m), 2);
	CHECK_EQ(msi_want(&m, 2, &msg), MSI_OFF);
	msi_init(&m, &dev, CAP, 32, true, true, &ops, &dev);
	CHECK_EQ(m.nr, 32);
	msi_init(&m, &dev, CAP, 1, true, true, &ops, &dev);
	CHECK_EQ(m.nr, 1);
}

TEST(msi_mask_and_pending)
{
	struct msi msg;

	msi_init(&m, &dev, CAP, 4, true, true, &ops, &dev);
	put(CAP + 16, 0xffffffff, 4);
	CHECK_EQ(pci_get(dev.cfg, CAP + 16, 4), 0xf);
	put(CAP + 16, 2, 4);
	msi_control(PCI_MSI_FLAGS_ENABLE | 2 << 4);
	CHECK_EQ(msi_want(&m, 0, &msg), MSI_LIVE);
	CHECK_EQ(msi_want(&m, 1, &msg), MSI_MASKED);
	has_arrived[1] = true;
	msi_cfg_read(&m, CAP + 16, 4);
	CHECK_EQ(pci_get(dev.cfg, CAP + 20, 4), 0);
	msi_cfg_read(&m, CAP + 20, 4);
	CHECK_EQ(pci_get(dev.cfg, CAP + 20, 4), 2);
	put(CAP + 20, 0, 4);
	CHECK_EQ(pci_get(dev.cfg, CAP + 20, 4), 2);
	total = 0;
	put(CAP + 16, 0, 1);
	msi_cfg_written(&m, CAP + 16, 1);
	CHECK_EQ(total, 4);
	msi_cfg_written(&m, CAP + 24, 4);
	msi_cfg_written(&m, CAP, 2);
	CHECK_EQ(total, 4);
}
