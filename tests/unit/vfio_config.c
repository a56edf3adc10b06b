/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Config space of an assigned device as the guest sees it: what is passed,
 * made up and hidden; and devices whose config space lies, down to random
 * bytes, which must end in a refusal or a device, never in a crash.
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
#include "vmm/log.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define ADDR "0000:01:00.0"
#define ECAM 0xe0000000ULL
#define DEV 8

static const struct pci_layout layout = {
	.ecam = ECAM, .cf8 = true, .io_base = 0x1000, .io_size = 0xf000,
	.mem32_base = 0xc0000000, .mem32_size = 0x10000000,
	.mem64_min = 0x100000000, .mem64_max = 0x10000000000,
};

static struct config cfg;
static struct vm vm;
static struct pci_host *host;
static struct fake_pci *hw;

/* A device with a BAR of 64 KiB and no capability yet. */
static void begin(void)
{
	fake_begin();
	hw = fake_pci(ADDR, 0x1234, 0x5678, 0xff0000, 1, "vfio-pci");
	fake_bar(hw, 0, 64 * KiB, false, false, false);
}

static int plug(void)
{
	CHECK_EQ(fake_vm_create(&vm, &cfg, 16 * MiB), 0);
	CHECK_EQ(pci_host_create(&vm, &layout, &host), 0);
	return vfio_pci_create(&vm, host, ADDR);
}

static void end(void)
{
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	fake_end();
}

static uint32_t get(unsigned int off, unsigned int len)
{
	return bus_read(&vm.mmio, ECAM + DEV * 4096 + off, len);
}

static void put(unsigned int off, uint32_t val, unsigned int len)
{
	bus_write(&vm.mmio, ECAM + DEV * 4096 + off, val, len);
}

/* Where the guest finds capability @id, 0: nowhere; its list must end. */
static unsigned int cap(uint8_t id)
{
	unsigned int at = get(PCI_CAPABILITY_LIST, 1), n;

	for (n = 0; at && get(at, 1) != id; n++) {
		CHECK(n < 48);
		CHECK(at >= 0x40);
		at = get(at + 1, 1);
	}
	return at;
}

static unsigned int ecap(uint16_t id)
{
	unsigned int at = 0x100, n;

	for (n = 0; at; n++) {
		uint32_t header = get(at, 4);

		CHECK(n < 480);
		CHECK(at >= 0x100);
		if ((header & 0xffff) == id)
			return at;
		at = header >> 20;
	}
	return 0;
}

TEST(header_is_the_devices_but_for_what_is_ours)
{
	begin();
	hw->cfg[PCI_HEADER_TYPE] = 0x80;
	hw->cfg[PCI_REVISION_ID] = 5;
	hw->cfg[PCI_INTERRUPT_PIN] = 1;
	hw->cfg[PCI_INTERRUPT_LINE] = 11;
	hw->cfg[PCI_BIST] = 0x80;
	fake_cfg32(hw, PCI_SUBSYSTEM_VENDOR_ID, 0xabcd4321);
	fake_cfg32(hw, PCI_ROM_ADDRESS, 0xfe000001);
	fake_cfg32(hw, PCI_CARDBUS_CIS, 0x99);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(get(0, 4), 0x56781234);
	CHECK_EQ(get(PCI_CLASS_REVISION, 4), 0xff000005);
	CHECK_EQ(get(PCI_SUBSYSTEM_VENDOR_ID, 4), 0xabcd4321);
	CHECK_EQ(get(PCI_HEADER_TYPE, 1), 0);
	CHECK_EQ(get(PCI_BIST, 1), 0);
	CHECK_EQ(get(PCI_ROM_ADDRESS, 4), 0);
	CHECK_EQ(get(PCI_CARDBUS_CIS, 4), 0);
	CHECK_EQ(get(PCI_INTERRUPT_LINE, 2), 0);
	CHECK_EQ(get(PCI_BASE_ADDRESS_0, 4), 0);
	put(PCI_INTERRUPT_LINE, 0xffff, 2);
	CHECK_EQ(get(PCI_INTERRUPT_LINE, 2), 0xff);
	put(0, 0, 4);
	CHECK_EQ(get(0, 4), 0x56781234);
	end();
}

TEST(command_reaches_the_device_without_intx)
{
	begin();
	CHECK_EQ(plug(), 0);
	CHECK_EQ(fake_cfg_get16(hw, PCI_COMMAND), PCI_COMMAND_INTX_DISABLE);
	put(PCI_COMMAND, 0xffff, 2);
	CHECK_EQ(fake_cfg_get16(hw, PCI_COMMAND), PCI_COMMAND_INTX_DISABLE |
		 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
		 PCI_COMMAND_SERR);
	/* No ports, so no I/O bit. */
	CHECK_EQ(get(PCI_COMMAND, 2) & 7, 6);
	put(PCI_COMMAND, 0, 1);
	CHECK_EQ(get(PCI_COMMAND, 2) & 0xff, 0);
	CHECK(!(fake_cfg_get16(hw, PCI_COMMAND) & 7));
	end();
}

TEST(status_is_the_devices_without_intx)
{
	begin();
	fake_cap(hw, PCI_CAP_ID_PM, 8);
	CHECK_EQ(plug(), 0);
	fake_cfg16(hw, PCI_STATUS, 0xa2a8);
	CHECK_EQ(get(PCI_STATUS, 2), 0xa2b0);
	end();
}

TEST(no_list_without_capabilities)
{
	begin();
	hw->cfg[PCI_CAPABILITY_LIST] = 0x40;
	hw->cfg[0x40] = PCI_CAP_ID_PM;
	CHECK_EQ(plug(), 0);
	CHECK_EQ(get(PCI_CAPABILITY_LIST, 1), 0);
	CHECK(!(get(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST));
	end();
}

TEST(registers_nobody_describes_are_passed)
{
	begin();
	fake_cfg32(hw, 0xf0, 0x12345678);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(get(0xf0, 4), 0x12345678);
	fake_cfg32(hw, 0xf0, 0x5555aaaa);
	CHECK_EQ(get(0xf1, 2), 0x55aa);
	end();
}

TEST(capabilities_by_verdict)
{
	unsigned int vendor, ht, msi;

	begin();
	fake_cap(hw, PCI_CAP_ID_PM, 8);
	ht = fake_cap(hw, PCI_CAP_ID_HT, 4);
	fake_cfg16(hw, ht + 2, 0xa801);
	vendor = fake_cap(hw, PCI_CAP_ID_VNDR, 16);
	hw->cfg[vendor + 2] = 16;
	fake_cap(hw, PCI_CAP_ID_EA, 4);
	fake_cap(hw, 0x7e, 4);
	msi = fake_cap_msi(hw, 4, true, true);
	fake_cap(hw, PCI_CAP_ID_AF, 6);
	CHECK_EQ(plug(), 0);
	CHECK(cap(PCI_CAP_ID_PM) != 0);
	CHECK_EQ(cap(PCI_CAP_ID_VNDR), vendor);
	CHECK_EQ(cap(PCI_CAP_ID_MSI), msi);
	CHECK(cap(PCI_CAP_ID_AF) != 0);
	CHECK_EQ(cap(PCI_CAP_ID_HT), 0);
	CHECK_EQ(cap(PCI_CAP_ID_EA), 0);
	CHECK_EQ(cap(0x7e), 0);
	CHECK_EQ(get(ht, 4), 0);
	/* Vendor's registers reach the device, links and ids do not. */
	put(vendor + 8, 0xcafebabe, 4);
	CHECK_EQ(fake_cfg_get32(hw, vendor + 8), 0xcafebabe);
	put(vendor, 0, 4);
	CHECK_EQ(cap(PCI_CAP_ID_VNDR), vendor);
	/* MSI is ours: nothing of it reaches the device. */
	put(msi + PCI_MSI_ADDRESS_LO, 0xfee00000, 4);
	CHECK_EQ(get(msi + PCI_MSI_ADDRESS_LO, 4), 0xfee00000);
	CHECK_EQ(fake_cfg_get32(hw, msi + PCI_MSI_ADDRESS_LO), 0);
	end();
}

TEST(express_endpoint_becomes_integrated)
{
	unsigned int at;

	begin();
	at = fake_cap_pcie(hw);
	fake_cfg32(hw, at + PCI_EXP_DEVCAP2, 0xffffffff);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(cap(PCI_CAP_ID_EXP), at);
	CHECK_EQ(get(at + PCI_EXP_FLAGS, 2), 0x92);
	CHECK_EQ(get(at + PCI_EXP_LNKCAP, 4), 0);
	CHECK_EQ(get(at + PCI_EXP_LNKSTA, 2), 0);
	CHECK(get(at + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	CHECK_EQ(get(at + PCI_EXP_DEVCAP2, 4) & (PCI_EXP_DEVCAP2_LTR |
						 PCI_EXP_DEVCAP2_OBFF_MASK), 0);
	/* A function-level reset by the guest reaches the device. */
	put(at + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	CHECK_EQ(hw->resets, 1);
	end();
}

TEST(extended_capabilities_by_verdict)
{
	unsigned int dsn;

	begin();
	fake_cap_pcie(hw);
	fake_ecap(hw, PCI_EXT_CAP_ID_SRIOV, 1, 0x40);
	fake_ecap(hw, PCI_EXT_CAP_ID_ATS, 1, 8);
	dsn = fake_ecap(hw, PCI_EXT_CAP_ID_DSN, 1, 12);
	fake_cfg32(hw, dsn + 4, 0x01020304);
	fake_ecap(hw, PCI_EXT_CAP_ID_REBAR, 1, 16);
	fake_ecap(hw, PCI_EXT_CAP_ID_ERR, 2, 0x48);
	CHECK_EQ(plug(), 0);
	/* The first is hidden, so an empty one leads the list. */
	CHECK_EQ(get(0x100, 2), 0);
	CHECK_EQ(ecap(PCI_EXT_CAP_ID_DSN), dsn);
	CHECK_EQ(get(dsn + 4, 4), 0x01020304);
	CHECK(ecap(PCI_EXT_CAP_ID_ERR) != 0);
	CHECK_EQ(ecap(PCI_EXT_CAP_ID_SRIOV), 0);
	CHECK_EQ(ecap(PCI_EXT_CAP_ID_ATS), 0);
	CHECK_EQ(ecap(PCI_EXT_CAP_ID_REBAR), 0);
	CHECK_EQ(get(0x110, 4), 0);
	end();
}

TEST(first_extended_capability_shown_in_its_place)
{
	begin();
	fake_cap_pcie(hw);
	fake_ecap(hw, PCI_EXT_CAP_ID_DSN, 1, 12);
	fake_ecap(hw, PCI_EXT_CAP_ID_PRI, 1, 16);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(get(0x100, 4), PCI_EXT_CAP_ID_DSN | 1 << 16);
	end();
}

TEST(no_extended_space_without_express)
{
	begin();
	hw->cfg_size = 4096;
	fake_ecap(hw, PCI_EXT_CAP_ID_DSN, 1, 12);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(get(0x100, 4), 0);
	end();
}

/* ---- lies --------------------------------------------------------------- */

static void raw_cap(unsigned int at, uint8_t id, uint8_t next)
{
	fake_cfg16(hw, PCI_STATUS, PCI_STATUS_CAP_LIST);
	hw->cfg[at] = id;
	hw->cfg[at + 1] = next;
}

TEST(capability_list_in_a_circle)
{
	begin();
	hw->cfg[PCI_CAPABILITY_LIST] = 0x40;
	raw_cap(0x40, PCI_CAP_ID_PM, 0x50);
	raw_cap(0x50, PCI_CAP_ID_AF, 0x40);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(cap(PCI_CAP_ID_AF), 0x50);
	CHECK_EQ(cap(0), 0);
	end();
}

TEST(capability_that_links_to_itself)
{
	begin();
	hw->cfg[PCI_CAPABILITY_LIST] = 0x42;
	raw_cap(0x40, PCI_CAP_ID_PM, 0x41);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(cap(PCI_CAP_ID_PM), 0x40);
	CHECK_EQ(cap(0), 0);
	end();
}

TEST(capabilities_that_overlap)
{
	begin();
	hw->cfg[PCI_CAPABILITY_LIST] = 0x40;
	raw_cap(0x40, PCI_CAP_ID_VNDR, 0x48);
	hw->cfg[0x42] = 32;
	raw_cap(0x48, PCI_CAP_ID_PM, 0x80);
	raw_cap(0x80, PCI_CAP_ID_AF, 0);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(cap(PCI_CAP_ID_VNDR), 0x40);
	CHECK_EQ(cap(PCI_CAP_ID_PM), 0);
	end();
}

TEST(capability_in_the_header)
{
	begin();
	hw->cfg[PCI_CAPABILITY_LIST] = 0x10;
	fake_cfg16(hw, PCI_STATUS, PCI_STATUS_CAP_LIST);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(get(PCI_CAPABILITY_LIST, 1), 0);
	end();
}

TEST(capabilities_that_leave_config_space)
{
	static const uint8_t ids[] = {
		PCI_CAP_ID_PM, PCI_CAP_ID_MSI, PCI_CAP_ID_MSIX, PCI_CAP_ID_EXP,
		PCI_CAP_ID_VNDR, PCI_CAP_ID_AF, 0, 0x55, 0xff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		test_note("id 0x%x", ids[i]);
		begin();
		hw->cfg[PCI_CAPABILITY_LIST] = 0xfc;
		raw_cap(0xfc, ids[i], 0);
		hw->cfg[0xfe] = 0xff;
		hw->msi = 8;
		hw->msix = 8;
		CHECK_EQ(plug(), 0);
		CHECK_EQ(get(PCI_CAPABILITY_LIST, 1), 0);
		end();
	}
}

TEST(extended_list_in_a_circle)
{
	begin();
	fake_cap_pcie(hw);
	fake_cfg32(hw, 0x100, PCI_EXT_CAP_ID_DSN | 1 << 16 | 0x200 << 20);
	fake_cfg32(hw, 0x200, PCI_EXT_CAP_ID_ERR | 1 << 16 | 0x100 << 20);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(ecap(PCI_EXT_CAP_ID_ERR), 0x200);
	CHECK_EQ(ecap(0x7777), 0);
	end();
}

TEST(extended_capabilities_that_leave_config_space)
{
	begin();
	fake_cap_pcie(hw);
	fake_cfg32(hw, 0x100, PCI_EXT_CAP_ID_VNDR | 1 << 16 | 0xffcU << 20);
	fake_cfg32(hw, 0x104, 0xffffffff);
	fake_cfg32(hw, 0xffc, PCI_EXT_CAP_ID_DVSEC | 1 << 16 | 0x40 << 20);
	CHECK_EQ(plug(), 0);
	CHECK_EQ(ecap(PCI_EXT_CAP_ID_VNDR), 0);
	CHECK_EQ(ecap(PCI_EXT_CAP_ID_DVSEC), 0);
	end();
}

TEST(msix_tables_that_make_no_sense)
{
	static const struct { unsigned int nr, tb; uint32_t to; } bad[] = {
		{ 1, 6, 0 }, { 1, 7, 0 },	/* no such BAR */
		{ 1, 1, 0 }, { 1, 3, 0 },	/* not there; ports */
		{ 1, 5, 0 },			/* upper half of another */
		{ 1, 0, 0x10000 }, { 2, 0, 0xfff0 }, { 2048, 0, 0x8008 },
		{ 2048, 0, 0xfffffff8 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad) * 2; i++) {
		unsigned int n = i / 2;
		bool pba = i % 2;

		/* For so few vectors the pending bits do fit there. */
		if (pba && bad[n].to == 0xfff0)
			continue;
		test_note("case %u, %s", n, pba ? "pending bits" : "table");
		begin();
		fake_bar(hw, 3, 32, true, false, false);
		fake_bar(hw, 4, 64 * KiB, false, true, false);
		if (pba)
			fake_cap_msix(hw, 1, 0, 0, bad[n].tb,
				      bad[n].to | (bad[n].to == 0x8008) * ~7U);
		else
			fake_cap_msix(hw, bad[n].nr, bad[n].tb, bad[n].to, 0, 0);
		CHECK_EQ(plug(), -ENODEV);
		CHECK(!vm.iommu);
		end();
	}
}

TEST(bars_that_make_no_sense)
{
	static const struct { unsigned int n; struct fake_pci_bar bar; } bad[] = {
		{ 1, { 4 * GiB, false, false, false } },
		{ 2, { 128 * KiB, true, false, false } },
		{ 5, { 64 * KiB, false, true, true } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		test_note("case %u", i);
		begin();
		fake_bar(hw, bad[i].n, bad[i].bar.size, bad[i].bar.io,
			 bad[i].bar.mem64, bad[i].bar.prefetch);
		CHECK_EQ(plug(), -ENODEV);
		CHECK(!vm.iommu);
		end();
	}
}

TEST(bar_of_an_odd_size_is_rounded_up)
{
	uint64_t at;

	begin();
	hw->bars[0].size = 3 * 4096;
	CHECK_EQ(plug(), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	put(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	at = get(PCI_BASE_ADDRESS_0, 4);
	put(PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	CHECK_EQ(get(PCI_BASE_ADDRESS_0, 4), 0xffffc000);
	put(PCI_BASE_ADDRESS_0, at, 4);
	CHECK(fake_slot_at(at + 0x2fff) != NULL);
	CHECK(fake_slot_at(at + 0x3000) == NULL);
	CHECK_EQ(bus_read(&vm.mmio, at + 0x3000, 4), UINT32_MAX);
	bus_write(&vm.mmio, at + 0x3ff8, 1, 8);
	end();
}

TEST(bridge_and_silent_device_are_refused)
{
	begin();
	hw->cfg[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	CHECK_EQ(plug(), -ENODEV);
	end();
	begin();
	memset(hw->cfg, 0xff, sizeof(hw->cfg));
	CHECK_EQ(plug(), -ENODEV);
	end();
}

TEST(config_space_that_ends_early)
{
	begin();
	hw->cfg_size = 64;
	CHECK_EQ(plug(), -ENODEV);
	end();
}

/* All that a guest can do to it, at random. */
static void guest(unsigned int accesses)
{
	while (accesses--) {
		unsigned int off = random() % 0x140, len = 1U << random() % 4;
		uint64_t at = get(PCI_BASE_ADDRESS_0 + random() % 6 * 4, 4);

		if (random() % 4 == 0)
			put(PCI_COMMAND, random(), 2);
		put(off, random() << 1 ^ random(), len);
		get(off, len);
		at = (at & ~15ULL) + random() % 0x10000;
		bus_write(&vm.mmio, at, random(), len);
		bus_read(&vm.mmio, at, len);
	}
}

TEST(random_guest)
{
	unsigned int seed;

	for (seed = 0; seed < 20; seed++) {
		test_note("seed %u", seed);
		srandom(seed);
		begin();
		fake_cap_pcie(hw);
		fake_cap(hw, PCI_CAP_ID_PM, 8);
		fake_cap_msi(hw, 1U << seed % 6, seed & 1, seed & 2);
		fake_cap_msix(hw, 1 + seed * 7, 0, 0x1000, 0, 0x800);
		hw->noresize = seed & 4;
		hw->msix_limit = seed & 8 ? 3 : 0;
		CHECK_EQ(plug(), 0);
		CHECK_EQ(pci_host_assign(host), 0);
		guest(2000);
		devices_reset(&vm);
		guest(500);
		end();
	}
}

static void random_config(unsigned int seed)
{
	static const uint8_t ids[] = {
		PCI_CAP_ID_PM, PCI_CAP_ID_MSI, PCI_CAP_ID_MSIX, PCI_CAP_ID_EXP,
		PCI_CAP_ID_VNDR, PCI_CAP_ID_AF, PCI_CAP_ID_HT,
	};
	unsigned int i;

	srandom(seed);
	for (i = 0x34; i < 4096; i++)
		if (i >= 0x100 || i < 0x38 || i >= 0x40)
			hw->cfg[i] = random();
	fake_cfg16(hw, PCI_STATUS, PCI_STATUS_CAP_LIST);
	/* Make it likely that something comes of it. */
	for (i = 0x40; i < 0x100; i += 4)
		if (random() % 2)
			hw->cfg[i] = ids[random() % ARRAY_SIZE(ids)];
	for (i = 0x100; i < 4096; i += 4)
		if (random() % 2)
			fake_cfg16(hw, i, random() % 0x30);
	hw->cfg_size = 4096;
	hw->msi = 1U << random() % 6;
	hw->msix = 1 + random() % 2048;
}

TEST(random_config_space)
{
	unsigned int seed, good = 0;

	log_quiet();
	for (seed = 0; seed < 300; seed++) {
		int err;

		test_note("seed %u", seed);
		begin();
		random_config(seed);
		err = plug();
		CHECK(err == 0 || err == -ENODEV);
		if (!err) {
			good++;
			CHECK_EQ(pci_host_assign(host), 0);
			cap(0);
			ecap(0x7777);
			guest(200);
		}
		end();
	}
	CHECK(good > 30 && good < 300);
}
