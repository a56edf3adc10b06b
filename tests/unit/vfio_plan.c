/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which devices the words of --vfio mean and where the guest finds them, over
 * the fake kernel: functions of one device, virtual functions, whole groups.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "assigned.h"

static void add(const char *addr, int group)
{
	struct fake_pci *pci = fake_pci(addr, 0x1234, 0x5678, 0x020000, group,
					"vfio-pci");

	fake_bar(pci, 0, 4 * KiB, false, false, false);
	/* Tells the devices apart: their address. */
	fake_cfg16(pci, PCI_SUBSYSTEM_ID, (addr[5] - '0') << 12 |
		   (addr[6] - '0') << 8 | (addr[8] - '0') << 4 |
		   (addr[11] - '0'));
}

static void begin_empty(void)
{
	fake_begin();
	cfg.nr_vfio = 0;
	machine();
}

static int create(const char *a, const char *b, const char *c)
{
	cfg.vfio[0] = a;
	cfg.vfio[1] = b;
	cfg.vfio[2] = c;
	cfg.nr_vfio = !!a + !!b + !!c;
	return vfio_pci_create_all(&vm, host);
}

static unsigned int who(unsigned int slot, unsigned int function)
{
	return get(SLOT(slot) | function, PCI_SUBSYSTEM_ID, 2);
}

static bool multi(unsigned int slot, unsigned int function)
{
	return get(SLOT(slot) | function, PCI_HEADER_TYPE, 1) == 0x80;
}

TEST(functions_stay_together_in_any_order)
{
	begin_empty();
	add("0000:01:00.0", 1);
	add("0000:01:00.1", 2);
	add("0000:01:00.3", 3);
	CHECK_EQ(create("01:00.3", "01:00.0", "01:00.1"), 0);
	CHECK_EQ(who(1, 0), 0x0100);
	CHECK_EQ(who(1, 1), 0x0101);
	CHECK_EQ(who(1, 3), 0x0103);
	CHECK(multi(1, 0) && multi(1, 1) && multi(1, 3));
	CHECK_EQ(who(2, 0), UINT16_MAX);
	end();
}

TEST(function_without_function_0_has_a_slot_of_its_own)
{
	begin_empty();
	add("0000:01:00.1", 2);
	add("0000:01:00.2", 3);
	CHECK_EQ(create("01:00.1", "01:00.2", NULL), 0);
	CHECK_EQ(who(1, 0), 0x0101);
	CHECK_EQ(who(2, 0), 0x0102);
	CHECK(!multi(1, 0));
	end();
}

TEST(functions_follow_a_slot_or_go_elsewhere)
{
	begin_empty();
	add("0000:01:00.0", 1);
	add("0000:01:00.1", 2);
	add("0000:01:00.2", 3);
	CHECK_EQ(create("01:00.0,slot=7", "01:00.1,slot=9", "01:00.2"), 0);
	CHECK_EQ(who(7, 0), 0x0100);
	CHECK_EQ(who(9, 0), 0x0101);
	CHECK_EQ(who(7, 2), 0x0102);
	end();
}

TEST(asked_for_slots_are_kept_free)
{
	begin_empty();
	add("0000:01:00.0", 1);
	add("0000:02:00.0", 2);
	add("0000:03:00.0", 3);
	CHECK_EQ(create("01:00.0", "02:00.0", "03:00.0,slot=1"), 0);
	CHECK_EQ(who(1, 0), 0x0300);
	CHECK_EQ(who(2, 0), 0x0100);
	CHECK_EQ(who(3, 0), 0x0200);
	end();
}

TEST(virtual_functions_are_devices_of_their_own)
{
	begin_empty();
	add("0000:01:00.0", 1);
	add("0000:01:00.1", 2);
	fake_link("/sys/bus/pci/devices/0000:01:00.1/physfn",
		  "../0000:01:00.0");
	CHECK_EQ(create("01:00.0", "01:00.1", NULL), 0);
	CHECK_EQ(who(1, 0), 0x0100);
	CHECK_EQ(who(2, 0), 0x0101);
	CHECK(!multi(1, 0));
	end();
}

TEST(group_is_all_its_devices)
{
	begin_empty();
	add("0000:02:00.0", 5);
	add("0000:01:00.1", 5);
	add("0000:01:00.0", 5);
	add("0000:03:00.0", 6);
	fake_pci("0000:00:04.0", 1, 2, 0x060400, 5, "pcieport");
	for (int i = 0; i < 2; i++) {
		cfg.iommu = i ? IOMMU_LEGACY : IOMMU_IOMMUFD;
		CHECK_EQ(create("group:5,slot=4", NULL, NULL), 0);
		CHECK_EQ(who(4, 0), 0x0100);
		CHECK_EQ(who(4, 1), 0x0101);
		CHECK_EQ(who(1, 0), 0x0200);
		CHECK_EQ(who(2, 0), UINT16_MAX);
		devices_destroy(&vm);
		fake_vm_destroy(&vm);
		machine();
	}
	cfg.iommu = IOMMU_AUTO;
	end();
}

TEST(groups_that_cannot_be)
{
	begin_empty();
	fake_pci("0000:00:04.0", 1, 2, 0x060400, 5, "pcieport");
	add("0000:01:00.0", 6);
	fake_pci("0000:01:00.1", 1, 2, 0x020000, 6, "e1000e");
	CHECK_EQ(create("group:4", NULL, NULL), -ENODEV);
	CHECK_EQ(create("group:5", NULL, NULL), -ENODEV);
	/* Its other device has a driver. */
	CHECK_EQ(create("group:6", NULL, NULL), -EBUSY);
	CHECK_EQ(create("group:6", "01:00.0", NULL), -EBUSY);
	end();
}

TEST(given_twice)
{
	begin_empty();
	add("0000:01:00.0", 6);
	CHECK_EQ(create("01:00.0", "group:6", NULL), -EDOM);
	end();
}

TEST(no_more_than_32)
{
	char addr[32][16];
	unsigned int i;

	begin_empty();
	for (i = 0; i < 32; i++) {
		snprintf(addr[i], sizeof(addr[i]), "0000:%02u:00.0", i + 1);
		add(addr[i], i + 1);
		cfg.vfio[i] = addr[i];
	}
	add("0000:40:00.0", 1);
	cfg.nr_vfio = 31;
	CHECK_EQ(vfio_pci_create_all(&vm, host), 0);
	CHECK_EQ(who(31, 0), 0x3100);
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	machine();
	/* There is one slot less. */
	cfg.nr_vfio = 32;
	CHECK_EQ(vfio_pci_create_all(&vm, host), -EDOM);
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	machine();
	cfg.vfio[0] = "group:1";
	CHECK_EQ(vfio_pci_create_all(&vm, host), -EDOM);
	end();
}
