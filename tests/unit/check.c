/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern check over the fake kernel, where nothing is wrong: what it shows,
 * that looking changes nothing, and attaching lets go.
 */
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "checked.h"
#include "json.h"

/* ---- nothing wrong ------------------------------------------------------ */

TEST(a_host_and_a_device_that_are_well)
{
	struct fake_pci *pci = well_host();

	fake_cfg16(pci, 0x3c, 0x0100);
	well(NULL);
	CHECK(!strstr(text, "devices:\n  - address"));
	well("01:00.0");
	CHECK(in(text, "  capabilities: KVM_CAP_USER_MEMORY, KVM_CAP_IRQCHIP, "));
	CHECK(in(text, "\n  memory slots: 509\n"));
	CHECK(in(text, "  chosen: iommufd\n"
		 "  reason: /dev/iommu and the device's node are there\n"));
	CHECK(in(text, "\n      owner: vfio\n"));
	CHECK(in(text, IS_ENABLED(CONFIG_X86) ?
		 "  units: dmar0 (Intel VT-d)\n  isolates interrupts: yes\n" :
		 "  units: dmar0 (Intel VT-d)\n"
		 "  isolates interrupts: not known\n"));
	CHECK(in(text, "  - address: 0000:01:00.0\n"
		 "    name: 1b36:0010 NVMe controller\n"
		 "    driver: vfio-pci\n    group: 1\n"
		 "    group type: DMA-FQ\n"));
	CHECK(in(text, "    viable: yes\n    iommu: dmar0 (Intel VT-d)\n"));
	CHECK(in(text, "    backend: iommufd\n"));
	CHECK(in(text, "    node: /dev/vfio/devices/vfio0\n"
		 "    interrupts: INTA, 65 MSI-X\n    resets: flr, bus\n"
		 "    bars: 0: 0x4000 bytes of 64-bit memory\n    rom: none\n"
		 "    bars fit: yes\n"));
	CHECK(in(text, "    reserved: 0xfee00000-0xfeefffff msi, "
		 "0x1000000000000-0xffffffffffffffff reserved\n"
		 "    ranges: 0x0-0xfedfffff, 0xfef00000-0xffffffffffff\n"
		 "    holes: 0xfee00000-0xfeefffff, "
		 "0x1000000000000-0xffffffffffffffff\n"));
	CHECK(in(text, "    assignable: yes\n"));
	CHECK(in(json, "\"bars\": [\"0: 0x4000 bytes of 64-bit memory\"]"));
	CHECK(in(json, "\"wanted\": 268435456"));
	fake_end();
}

/* A name in the text has blanks where JSON has underscores. */
TEST(both_ways_have_the_same_words)
{
	static char names[65536];
	const char *name, *at;
	char line[80];
	size_t len;

	well_host();
	fake_pci(BESIDE, 0x8086, 0x1521, 0x020000, 1, "igb");
	how.try_attach = true;
	CHECK_EQ(check(DEV), STATUS_HOST);
	strcpy(names, json_names(json));
	for (name = names; *name; name += len + 1) {
		len = strcspn(name, "\n");
		snprintf(line, sizeof(line), "%.*s:", (int)len, name);
		for (char *c = line; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		CHECK(in(text, line));
	}
	/* And the other way: what begins a line is a name. */
	for (at = text; *at; at += *at == '\n') {
		at += strspn(at, " -");
		len = strcspn(at, ":\n");
		if (at[len] == ':') {
			snprintf(line, sizeof(line), "\n%.*s\n", (int)len, at);
			for (char *c = line; *c; c++)
				*c = *c == ' ' ? '_' : *c;
			CHECK(!strncmp(names, line + 1, len + 1) ||
			      in(names, line));
		}
		at += strcspn(at, "\n");
	}
	fake_end();
}

TEST(kinds_of_iommu)
{
	well_host();
	fake_file("/sys/class/iommu/ivhd0/amd-iommu/cap", "0\n");
	fake_link("/sys/class/iommu/0000:00:05.0/device/driver",
		  "../../../../bus/virtio/drivers/virtio_iommu");
	fake_dir("/sys/class/iommu/strange");
	well(NULL);
	CHECK(in(text, "dmar0 (Intel VT-d)"));
	CHECK(in(text, "ivhd0 (AMD-Vi)"));
	CHECK(in(text, "0000:00:05.0 (virtio_iommu)"));
	CHECK(in(text, "strange (not known)"));
	fake_end();
}

TEST(looking_changes_nothing)
{
	static const char *const never[] = {
		"write ", "mkdir", "unlink", "open /dev/vfio/1",
		"open /dev/vfio/devices", "VFIO_GROUP", "VFIO_SET_IOMMU",
		"VFIO_DEVICE_BIND", "MAP_DMA", "IOMMU_IOAS_MAP",
		"KVM_CREATE_DEVICE type=0x4", "memfd",
	};
	struct fake_pci *pci = well_host();
	size_t i;

	well(DEV);
	for (i = 0; i < ARRAY_SIZE(never); i++) {
		test_note("%s", never[i]);
		CHECK_EQ(fake_count(never[i]), 0);
	}
	CHECK_EQ(pci->opens, 0);
	fake_end();
}

TEST(a_bad_address_is_a_mistake_of_use)
{
	well_host();
	capture_begin(2);
	CHECK_EQ(print(text, "nvme0"), STATUS_USAGE);
	CHECK_STR(text, "");
	fake_end();
}

/* ---- attaching it ------------------------------------------------------- */

TEST(try_attaches_and_lets_go)
{
	struct fake_pci *pci = well_host();
	const char *out;

	pci->msi = 4;
	fake_cap_msi(pci, 4, true, false);
	how.try_attach = true;
	how.iommu = IOMMU_LEGACY;
	well(DEV);
	CHECK_EQ(pci->opens, 2);
	CHECK(!pci->open);
	out = strstr(text, "    attached:\n");
	CHECK(out);
	CHECK(in(out, "      done: yes\n      can be reset: yes\n"));
	CHECK(in(out, "      interrupts: 4 MSI, 65 MSI-X\n"
		 "      page sizes: 4 KiB, 2 MiB, 1 GiB\n"
		 "      coherent: yes\n"
		 "      dirty tracking: the kernel, by what is pinned\n"
		 "      mappings left: 65535\n"
		 "      ranges: 0x0-0xfedfffff, 0xfef00000-0xffffffffffff\n"));
	CHECK_EQ(fake_count("MAP_DMA"), 0);
	how.iommu = IOMMU_IOMMUFD;
	fake_host()->dirty = true;
	well(DEV);
	out = strstr(text, "    attached:\n");
	CHECK(in(out, "      page sizes: 4 KiB, 2 MiB, 1 GiB\n"
		 "      coherent: yes\n      dirty tracking: the IOMMU\n"
		 "      mappings left: no limit\n"
		 "      ranges: 0x0-0xfedfffff, 0xfef00000-0xffffffffffff\n"));
	fake_host()->dirty = false;
	fake_host()->page = 64 * KiB;
	fake_host()->pages = -64ULL * KiB;
	well(DEV);
	CHECK(in(text, "      page sizes: 64 KiB and all above\n"));
	CHECK(in(text, "      dirty tracking: none\n"));
	fake_end();
}

/* What can't be seen from outside. */
TEST(try_finds_what_looking_does_not)
{
	static const enum iommu_choice both[] = { IOMMU_LEGACY,
						  IOMMU_IOMMUFD };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(both); i++) {
		well_host();
		how.iommu = both[i];
		fake_host()->no_coherency = true;
		well(DEV);
		how.try_attach = true;
		refused(DEV, STATUS_HOST, 1);
		CHECK(tells(DEV ": cannot be assigned: the firmware keeps", NULL));
		CHECK(in(text, "      done: no\n"));
		fake_host()->no_coherency = false;
		well(DEV);
		fake_end();
	}
}

TEST(try_does_not_touch_what_can_not_be_assigned)
{
	well_host();
	fake_pci(BESIDE, 0x8086, 0x1521, 0x020000, 1, "igb");
	how.try_attach = true;
	refused(DEV, STATUS_HOST, 1);
	CHECK(in(text, "    attached: none\n"));
	CHECK_EQ(fake_count("open /dev/vfio/devices"), 0);
	fake_end();
}

/* Whichever call fails: it ends with a verdict, and leaves nothing behind. */
static void survives(enum iommu_choice choice)
{
	unsigned int nth;
	bool fired = true;

	for (nth = 1; fired; nth++) {
		well_host();
		how.try_attach = how.json = true;
		how.iommu = choice;
		fake_fail_nth(nth, 0);
		print(json, DEV);
		fired = fake_failed() != NULL;
		test_note("call %u, %s", nth, fired ? fake_failed() : "none");
		CHECK(json_valid(json));
		CHECK(fired || nth > 200);
		CHECK(fired || in(json, "\"status\": 0\n  }\n}\n"));
		fake_end();
	}
}

TEST(every_call_that_fails_is_survived_by_iommufd)
{
	survives(IOMMU_IOMMUFD);
}

TEST(every_call_that_fails_is_survived_by_legacy)
{
	survives(IOMMU_LEGACY);
}

/* Config space of nonsense, and files of nonsense. */
TEST(nonsense_is_survived)
{
	static const char *const nonsense[] = {
		"", "\n\n\n", "0x", "0x1 0x0 0x200\n", "a b c\nd e f\n",
		"0x0 0xffffffffffffffff 0x100200\n",
		"0xffffffffffffffff 0xffffffffffffffff msi\n",
		"0x0 0xffffffffffffffff msi\n0x5 0x6 msi\n",
	};
	static const char *const files[] = {
		"/sys/bus/pci/devices/" DEV "/resource",
		"/sys/bus/pci/devices/" DEV "/config",
		"/sys/bus/pci/devices/" DEV "/reset_method",
		"/sys/kernel/iommu_groups/1/reserved_regions",
		"/sys/kernel/iommu_groups/1/type",
		"/proc/meminfo", "/proc/interrupts",
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		for (j = 0; j < ARRAY_SIZE(nonsense); j++) {
			test_note("%s: '%s'", files[i], nonsense[j]);
			well_host();
			fake_file(files[i], nonsense[j]);
			check(DEV);
			fake_end();
		}
}
