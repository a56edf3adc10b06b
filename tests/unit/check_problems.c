/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What postern check finds wrong over the fake kernel: each problem before
 * and after its remedy, for people and for programs.
 */
#include <errno.h>
#include <string.h>

#include "capture.h"
#include "checked.h"
#include "devices/vfio/command.h"

#define LEGACY_UNSAFE \
	"/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define IOMMUFD_UNSAFE \
	"/sys/module/iommufd/parameters/allow_unsafe_interrupts"

TEST(a_device_that_is_not_bound)
{
	struct fake_pci *pci = well_host();

	fake_pci_bind(pci, "nvme");
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells(DEV ": cannot be assigned: it is bound to the driver nvme",
		    "postern bind " DEV));
	CHECK(in(text, "    backend: none\n    reason: not bound to vfio-pci\n"));
	fake_pci_bind(pci, NULL);
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells(DEV ": cannot be assigned: no driver has it",
		    "postern bind " DEV));
	shell(command_bind, DEV);
	well(DEV);
	fake_end();
}

TEST(another_member_of_the_group_has_a_driver)
{
	well_host();
	fake_pci(BESIDE, 0x8086, 0x1521, 0x020000, 1, "igb");
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells(DEV ": cannot be assigned: " BESIDE ", in the same IOMMU "
		    "group 1, is bound to the driver igb",
		    "postern bind " BESIDE));
	CHECK(in(text, "    viable: no\n"));
	CHECK(in(text, "      - address: " BESIDE "\n"
		 "        name: 8086:1521 Ethernet controller\n"
		 "        driver: igb\n"));
	/* Even where the device itself is not bound yet. */
	shell(command_unbind, DEV);
	refused(DEV, STATUS_HOST, 2);
	shell(command_bind, DEV);
	shell(command_bind, BESIDE);
	well(DEV);
	fake_end();
}

/* postern bind takes no bridges, so that nobody may be sent there. */
TEST(a_bridge_is_not_to_be_bound)
{
	struct fake_pci *pci = well_host();

	fake_pci("0000:00:1c.0", 0x8086, 0x10, 0x060400, 2, "pcieport");
	refused("0000:00:1c.0", STATUS_HOST, 1);
	CHECK(tells("0000:00:1c.0: cannot be assigned: it is a bridge", NULL));
	/* Nor one that is in the device's way: it can do without a driver. */
	pci->group = 2;
	well(DEV);
	fake_pci_bind(fake_pci_find("0000:00:1c.0"), "shpchp");
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells(DEV ": cannot be assigned: 0000:00:1c.0, in the same IOMMU "
		    "group 2, is bound to the driver shpchp",
		    "as root: echo 0000:00:1c.0 > "
		    "/sys/bus/pci/drivers/shpchp/unbind"));
	CHECK(!strstr(text, "postern bind"));
	fake_pci_bind(fake_pci_find("0000:00:1c.0"), NULL);
	well(DEV);
	fake_end();
}

TEST(memlock_too_low)
{
	well_host();
	fake_host()->cap_ipc_lock = false;
	CHECK_EQ(check(DEV), STATUS_PERMISSION);
	CHECK_EQ(problems(), 1);
	CHECK(tells("memory: 262144 KiB must be locked for DMA, 8192 KiB are "
		    "allowed (RLIMIT_MEMLOCK, counted for this process)",
		    "as root: ulimit -l 262144"));
	CHECK(in(text, "\nlocked memory:\n  wanted: 256 MiB\n"
		 "  limit: 8 MiB\n"));
	/* Guests without devices need none. */
	CHECK_EQ(check(NULL), STATUS_OK);
	CHECK(in(text, "  guests: yes\n  devices: no\n"));
	fake_host()->memlock = 256 * MiB;
	well(DEV);
	how.memory = 257 * MiB;
	CHECK_EQ(check(DEV), STATUS_PERMISSION);
	/* iommufd counts otherwise, unless it can be told. */
	fake_host()->cap_sys_resource = false;
	CHECK_EQ(check(DEV), STATUS_PERMISSION);
	CHECK(in(text, "counted for all processes of the user)"));
	CHECK(in(text, "      locked memory counted for: the user\n"));
	fake_end();
}

TEST(modules_that_are_not_loaded)
{
	struct fake_pci *pci = well_host();

	fake_pci_bind(pci, "nvme");
	fake_host()->vfio = fake_host()->vfio_pci = false;
	refused(DEV, STATUS_HOST, 3);
	CHECK(tells("/dev/vfio/vfio: not there: VFIO is not loaded",
		    "modprobe vfio-pci"));
	CHECK(tells(DEV ": cannot be bound: the driver vfio-pci is not loaded",
		    "modprobe vfio-pci"));
	fake_host()->vfio = fake_host()->vfio_pci = true;
	shell(command_bind, DEV);
	well(DEV);
	fake_end();
}

TEST(type_1_is_not_loaded)
{
	well_host();
	how.iommu = IOMMU_LEGACY;
	fake_host()->type1 = fake_host()->type1v2 = false;
	CHECK_EQ(check(NULL), STATUS_OK);
	CHECK(tells("/dev/vfio/vfio: cannot be used: API version 0, without "
		    "type 1 IOMMU", "modprobe vfio_iommu_type1"));
	CHECK(in(text, "  guests: yes\n  devices: no\n"));
	fake_host()->type1 = fake_host()->type1v2 = true;
	well(DEV);
	fake_end();
}

TEST(kernels_that_lack_a_way)
{
	well_host();
	fake_host()->legacy = fake_host()->iommufd = false;
	CHECK_EQ(check(DEV), STATUS_HOST);
	CHECK(tells("/dev/vfio/vfio: not there: this kernel has no VFIO "
		    "container (CONFIG_VFIO_CONTAINER)", NULL));
	CHECK(in(text, "  chosen: legacy\n  reason: none has all"));
	CHECK(in(text, "reason: /dev/iommu: not there: this kernel has no "
		 "iommufd (CONFIG_IOMMUFD)"));
	/* One is enough, and what the other lacks is no problem. */
	fake_host()->legacy = true;
	well(DEV);
	CHECK(in(text, "  chosen: legacy\n  reason: no /dev/iommu\n"));
	CHECK(in(text, "    node: /dev/vfio/1\n"));
	fake_host()->legacy = false;
	fake_host()->iommufd = true;
	well(DEV);
	/* iommufd without nodes: no way is left for this one. */
	fake_host()->cdev = false;
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells("/dev/vfio/vfio: not there: this kernel has no VFIO "
		    "container (CONFIG_VFIO_CONTAINER)", NULL));
	CHECK(in(text, "    lacks: a backend that can be used\n"));
	how.iommu = IOMMU_IOMMUFD;
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells(DEV ": cannot be assigned: this kernel gives VFIO devices "
		    "no nodes of their own (CONFIG_VFIO_DEVICE_CDEV)", NULL));
	fake_end();
}

TEST(who_answers_at_the_containers_node)
{
	well_host();
	fake_host()->compat = true;
	fake_host()->cdev = false;
	well(DEV);
	CHECK(in(text, "      owner: iommufd\n"));
	CHECK(in(text, "    backend: legacy\n"));
	CHECK(in(json, "\"owner\": \"iommufd\""));
	fake_end();
}

TEST(devices_by_their_groups_alone)
{
	well_host();
	fake_host()->legacy = fake_host()->cdev = false;
	fake_host()->groups = true;
	well(DEV);
	CHECK(in(text, "    backend: iommufd\n    reason: /dev/iommu and the "
		 "device's group are there\n    node: /dev/vfio/1\n"));
	how.iommu = IOMMU_LEGACY;
	how.try_attach = true;
	well(DEV);
	CHECK(in(text, "      node: /dev/iommu\n      usable: yes\n"
		 "      owner: iommufd\n"));
	CHECK(in(text, "      done: yes\n"));
	fake_end();
}

TEST(the_backend_that_was_asked_for)
{
	well_host();
	how.iommu = IOMMU_LEGACY;
	well(DEV);
	CHECK(in(text, "    backend: legacy\n    reason: asked for\n"));
	how.iommu = IOMMU_IOMMUFD;
	fake_host()->iommufd = false;
	CHECK_EQ(check(DEV), STATUS_HOST);
	CHECK(tells("/dev/iommu: not there: this kernel has no iommufd", NULL));
	fake_end();
}

TEST(not_permitted)
{
	well_host();
	fake_host()->root = false;
	CHECK_EQ(check(DEV), STATUS_PERMISSION);
	CHECK(tells("kvm: cannot open /dev/kvm: permission denied",
		    "be root, or join the group"));
	CHECK(tells("/dev/iommu: cannot open: permission denied",
		    "as root: chown $USER /dev/iommu"));
	CHECK(tells("/dev/vfio/devices/vfio0: cannot open: permission denied",
		    "as root: chown $USER /dev/vfio/devices/vfio0"));
	CHECK(in(text, "    interrupts: 65 MSI-X") == false);
	CHECK(in(text, "others only root is shown"));
	CHECK_EQ(check(NULL), STATUS_PERMISSION);
	fake_host()->root = true;
	well(DEV);
	fake_end();
}

TEST(no_kvm)
{
	well_host();
	fake_host()->kvm = false;
	CHECK_EQ(check(NULL), STATUS_HOST);
	CHECK(tells("kvm: cannot open /dev/kvm: no such file",
		    IS_ENABLED(CONFIG_X86) ? "modprobe kvm" : "boot a kernel"));
	CHECK(in(text, "  guests: no\n  devices: no\n"));
	fake_host()->kvm = true;
	fake_host()->kvm_irqchip = false;
	CHECK_EQ(check(NULL), STATUS_HOST);
	CHECK(tells("kvm: this host's KVM lacks KVM_CAP_IRQCHIP", NULL));
	fake_host()->kvm_irqchip = true;
	well(NULL);
	fake_end();
}

TEST(no_iommu)
{
	well_host();
	fake_pci_find(DEV)->present = false;
	fake_pci("0000:02:00.0", 0x1b36, 0x10, 0x010802, -1, "nvme");
	refused("0000:02:00.0", STATUS_HOST, 3);
	CHECK(tells("iommu: this host has none, or it is off",
		    "switch the IOMMU on"));
	CHECK(tells("0000:02:00.0: cannot be assigned: it has no IOMMU group",
		    "switch the IOMMU on"));
	fake_end();
}

TEST(a_noiommu_group)
{
	well_host();
	fake_file("/sys/kernel/iommu_groups/1/name", "vfio-noiommu\n");
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells(DEV ": cannot be assigned: it is in VFIO's noiommu mode",
		    "switch the IOMMU on"));
	CHECK(in(text, "    noiommu mode: yes\n"));
	fake_end();
}

#define PARAM "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

/* A host with one device and no IOMMU; @unsafe: VFIO may have it all the same. */
static struct fake_pci *host_without(bool unsafe)
{
	static uint64_t pool[128];
	struct fake_pci *pci;
	unsigned int i;

	well_host();
	fake_pci_find(DEV)->present = false;
	for (i = 0; i < ARRAY_SIZE(pool); i++)
		pool[i] = 6 * GiB + i * 2 * MiB;
	fake_huge_pages(pool, ARRAY_SIZE(pool));
	fake_host()->unsafe_noiommu = unsafe;
	pci = fake_pci_nvme("0000:02:00.0", -1);
	if (!unsafe)
		fake_pci_bind(pci, "nvme");
	return pci;
}

#define ALONE "0000:02:00.0"

/* What --noiommu would do is said without it, too. */
TEST(a_device_that_could_do_without_an_iommu)
{
	host_without(false);
	CHECK_EQ(check(ALONE), STATUS_HOST);
	CHECK(in(text, "    without an iommu:\n      possible: no\n"
		 "      reason: " ALONE ": cannot be assigned without an IOMMU: "
		 "VFIO is not to have such devices\n"
		 "      remedy: echo Y > " PARAM "; postern bind " ALONE "\n"));
	fake_host()->unsafe_noiommu = true;
	shell(command_bind, ALONE);
	CHECK_EQ(check(ALONE), STATUS_HOST);
	CHECK(in(text, "    without an iommu:\n      possible: yes\n"));
	CHECK(in(json, "\"without_an_iommu\": {"));
	fake_host()->cap_sys_rawio = false;
	CHECK_EQ(check(ALONE), STATUS_HOST);
	CHECK(in(text, "      possible: no\n      reason: " ALONE ": cannot be "
		 "assigned without an IOMMU: that takes the superuser"));
	fake_end();
	/* One that has an IOMMU has no use for it. */
	well_host();
	well(DEV);
	CHECK(in(text, "    without an iommu: none\n"));
	fake_end();
}

TEST(check_with_noiommu)
{
	static const enum iommu_choice both[] = { IOMMU_LEGACY,
						  IOMMU_IOMMUFD };
	size_t i;

	host_without(false);
	how.noiommu = NOIOMMU_ON;
	refused(ALONE, STATUS_HOST, 2);
	CHECK(tells("devices: cannot be assigned without an IOMMU: VFIO is not "
		    "to have such devices", "echo Y > " PARAM));
	CHECK(tells(ALONE ": cannot be assigned without an IOMMU",
		    "echo Y > " PARAM "; postern bind " ALONE));
	fake_host()->unsafe_noiommu = true;
	shell(command_bind, ALONE);
	for (i = 0; i < ARRAY_SIZE(both); i++) {
		how.iommu = both[i];
		how.try_attach = false;
		well(ALONE);
		how.try_attach = true;
		well(ALONE);
		CHECK(in(text, "      done: yes\n"));
		CHECK(in(text, "warning: noiommu: all of this host's memory"));
	}
	/* RAM is huge pages then. */
	how.memory = 512 * MiB;
	CHECK_EQ(check(ALONE), STATUS_HOST);
	CHECK(tells("memory: 256 huge pages of 2048 KiB are needed, the host has "
		    "128 free", "echo 256 > "));
	how.noiommu = NOIOMMU_DEVICE_ONLY;
	fake_host()->cap_ipc_lock = false;
	well(ALONE);
	fake_end();
	/* And it is refused where there is an IOMMU. */
	well_host();
	fake_host()->unsafe_noiommu = true;
	how.noiommu = NOIOMMU_DEVICE_ONLY;
	refused(DEV, STATUS_USAGE, 1);
	CHECK(tells("--noiommu: " DEV " has an IOMMU in front of it",
		    "leave out --noiommu"));
	fake_end();
}

TEST(a_group_by_its_number)
{
	well_host();
	fake_pci("0000:00:1c.0", 0x8086, 0x10, 0x060400, 1, "pcieport");
	fake_pci(BESIDE, 0x8086, 0x1521, 0x020000, 1, "vfio-pci");
	well("group:1");
	CHECK(in(text, "  - address: " DEV "\n    name: 1b36:0010"));
	CHECK(in(text, "  - address: " BESIDE "\n    name: 8086:1521"));
	CHECK(!strstr(text, "\n  - address: 0000:00:1c.0"));
	fake_pci_bind(fake_pci_find(BESIDE), "igb");
	refused("group:1", STATUS_HOST, 2);
	CHECK(tells(BESIDE ": cannot be assigned: it is bound to the driver igb",
		    "postern bind " BESIDE));
	refused("group:7", STATUS_HOST, 1);
	CHECK(in(text, "  - address: group:7\n"));
	CHECK(tells("vfio: group 7: no such group, or no device in it",
		    "postern devices"));
	capture_begin(2);
	CHECK_EQ(print(text, "group:x"), STATUS_USAGE);
	fake_end();
}

TEST(interrupts_that_are_not_isolated)
{
	well_host();
	fake_host()->intremap = false;
	if (!IS_ENABLED(CONFIG_X86)) {	/* nobody tells before it is tried */
		well(DEV);
		fake_end();
		return;
	}
	refused(DEV, STATUS_PERMISSION, 2);
	CHECK(tells(DEV ": cannot be assigned: this host cannot isolate its "
		    "interrupts", "if the guest is trusted: echo Y > "
		    IOMMUFD_UNSAFE));
	CHECK(in(text, "  isolates interrupts: no\n"));
	/* Each backend has a parameter of its own. */
	fake_file(LEGACY_UNSAFE, "Y\n");
	fake_file(IOMMUFD_UNSAFE, "N\n");
	refused(DEV, STATUS_PERMISSION, 2);
	how.iommu = IOMMU_LEGACY;
	well(DEV);
	/* An iommufd in the container's place goes by its own. */
	fake_host()->legacy = false;
	fake_host()->compat = true;
	refused(DEV, STATUS_PERMISSION, 2);
	fake_host()->legacy = true;
	fake_host()->compat = false;
	how.iommu = IOMMU_AUTO;
	fake_file(IOMMUFD_UNSAFE, "Y\n");
	well(DEV);
	CHECK(in(text, "      allows unsafe interrupts: yes\n"));
	fake_end();
}

TEST(what_is_not_known_is_no_problem)
{
	well_host();
	fake_host()->intremap = false;
	fake_fail_call("open /proc/interrupts", EACCES);
	CHECK_EQ(print(text, NULL), STATUS_OK);
	CHECK(in(text, "  isolates interrupts: not known\n"));
	fake_end();
}

TEST(a_device_in_use)
{
	well_host();
	fake_link("/proc/77/fd/5", "/dev/vfio/1");
	/* A name may be of any bytes. */
	fake_file("/proc/77/comm", "q\"\\\xff\x01u\n");
	refused(DEV, STATUS_HOST, 1);
	CHECK(in(json, DEV ": already in use: by process 77 "
		 "(q\\\"\\\\\\u00ff\\u0001u)"));
	fake_remove("/proc/77/fd/5");
	well(DEV);
	fake_end();
}

TEST(a_device_that_is_not_there)
{
	well_host();
	refused("0000:09:00.0", STATUS_HOST, 1);
	CHECK(tells("0000:09:00.0: no such device on this host",
		    "postern devices"));
	fake_end();
}

TEST(firmware_keeps_memory)
{
	well_host();
	fake_host()->rmrr = true;
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells(DEV ": cannot be assigned: the firmware keeps a part of "
		    "memory for it (RMRR)", NULL));
	CHECK(in(text, "    reserved: 0x7a000000-0x7affffff direct, "));
	fake_end();
}

#define RAM (IS_ENABLED(CONFIG_X86) ? 0 : GiB)	/* where it begins */

TEST(guest_ram_in_a_hole)
{
	well_host();
	fake_host()->hole_base = RAM + 128 * MiB;
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells(IS_ENABLED(CONFIG_X86) ?
		    "memory: ram-low, 0x0-0xfffffff, is not all within the "
		    "device's reach: its IOMMU keeps 0x8000000-0x80fffff" :
		    "memory: ram, 0x40000000-0x4fffffff, is not all within the "
		    "device's reach: its IOMMU keeps 0x48000000-0x480fffff",
		    NULL));
	how.memory = 64 * MiB;
	well(DEV);
	fake_end();
}

/* What may be relaxed is not kept. */
TEST(a_hole_that_is_none)
{
	well_host();
	fake_file("/sys/kernel/iommu_groups/1/reserved_regions",
		  "0x0000000000100000 0x00000000001fffff direct-relaxable\n"
		  "nonsense\n\n"
		  "0xffffffffffffff00 0xffffffffffffffff reserved\n");
	well(DEV);
	CHECK(in(text, "    ranges: 0x0-0xfffffffffffffeff\n"
		 "    holes: 0xffffffffffffff00-0xffffffffffffffff\n"));
	fake_end();
}

TEST(bars_that_do_not_fit)
{
	struct fake_pci *pci = well_host();

	/* As much as the processor can address, RAM included. */
	fake_bar(pci, 2, BIT(FAKE_PHYS_BITS), false, true, true);
	refused(DEV, STATUS_HOST, 1);
	CHECK(tells("pci: " DEV ": bar 2 does not fit: no room for "
		    "0x10000000000 bytes of 64-bit memory", NULL));
	CHECK(in(text, "    bars fit: no\n"));
	pci->bars[2].size = 16 * GiB;
	well(DEV);
	CHECK(in(text, "2: 0x400000000 bytes of 64-bit memory that can be "
		 "prefetched"));
	fake_end();
}

/* Each would fit alone. */
TEST(bars_that_do_not_fit_together)
{
	char a[] = DEV, b[] = "0000:02:00.0", *addrs[] = { a, b };

	fake_bar(well_host(), 2, BIT(FAKE_PHYS_BITS - 1), false, true, true);
	fake_bar(fake_pci_nvme(b, 2), 2, BIT(FAKE_PHYS_BITS - 1), false, true,
		 true);
	well(a);
	well(b);
	capture_begin(1);
	CHECK_EQ(command_check(&how, 2, addrs), STATUS_HOST);
	capture_end();
	CHECK(said("pci: 0000:02:00.0: bar 2 does not fit"));
	CHECK(said("address: " DEV));
	fake_end();
}

TEST(huge_pages_that_are_not_there)
{
	well_host();
	how.hugepages = true;
	well(NULL);
	CHECK(in(text, "  huge pages:\n    size: 2 MiB\n    reserved: 256\n"
		 "    free: 128\n    wanted: yes\n"));
	fake_fail_call("mmap memfd:guest-ram", ENOMEM);
	CHECK_EQ(print(text, NULL), STATUS_HOST);
	CHECK(in(text, "problem: memory: cannot get 256 MiB: out of memory\n"
		 "      remedy: echo 128 > /proc/sys/vm/nr_hugepages\n"));
	fake_end();
}

TEST(more_memory_than_there_is)
{
	well_host();
	how.memory = 8 * GiB;
	CHECK_EQ(check(NULL), STATUS_HOST);
	CHECK(tells("--memory: 8192 MiB asked for, the host has 4096 MiB",
		    NULL));
	/* Less than that, but others have it. */
	fake_host()->hole_size = 0;
	how.memory = 3500 * MiB;
	CHECK_EQ(check(DEV), STATUS_OK);
	CHECK(in(text, "warning: memory: 3500 MiB wanted, 3072 MiB available"));
	fake_end();
}

TEST(a_device_without_a_reset)
{
	struct fake_pci *pci = well_host();

	pci->can_reset = false;
	pci->no_bus_reset = true;
	CHECK_EQ(check(DEV), STATUS_OK);
	CHECK(in(text, "    resets: none\n"));
	CHECK(in(text, "warning: " DEV ": the kernel knows no way to reset it"));
	CHECK(in(text, "    assignable: yes\n"));
	fake_end();
}

/* A permission that is missing does not hide that it can't be done at all. */
TEST(of_several_problems_the_worst_counts)
{
	well_host();
	fake_pci(BESIDE, 0x8086, 0x1521, 0x020000, 1, "igb");
	fake_host()->cap_ipc_lock = false;
	CHECK_EQ(check(DEV), STATUS_HOST);
	CHECK_EQ(problems(), 2);
	fake_end();
}
