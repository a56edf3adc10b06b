/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assigned platform and AMBA devices over the fake kernel: by every way to
 * guest memory and without an IOMMU, registers mapped or trapped, interrupts
 * to the guest and back, reset, and what is refused.
 */
#include <errno.h>
#include <libfdt.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "devices/vfio/vfio.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/status.h"
#include "vmm/vm.h"
#include "ways.h"

#define GPIO "9030000.pl061"
#define NIC "a000000.ethernet"
#define BASE 0x0c000000ULL
#define LINE 8

static const struct platform_layout room = {
	.base = BASE, .size = 0x02000000, .line = LINE, .nr_lines = 4,
};
static struct fake_pci *dev;
static uint8_t fdt[64 * KiB];

static void begin_as(const struct words *w, const char *bus, int group)
{
	fake_begin();
	if (w)
		host_as(w);
	memset(&cfg, 0, sizeof(cfg));
	cfg.iommu = w ? w->choice : IOMMU_AUTO;
	dev = fake_platform(GPIO, bus, group,
			    !strcmp(bus, "amba") ? "vfio-amba" :
			    "vfio-platform");
	fake_of_node(dev, "compatible", "some,thing", 11);
	cfg.vfio_platform[0] = GPIO;
	cfg.nr_vfio_platform = 1;
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
}

static void begin(void)
{
	begin_as(NULL, "amba", 1);
}

/* What the board does when the guest is about to start. */
static int start_all(void)
{
	struct device *device;
	int err = fdt_create_empty_tree(fdt, sizeof(fdt));

	CHECK_EQ(err, 0);
	CHECK(fdt_add_subnode(fdt, 0, "__symbols__") > 0);
	for (device = vm.devices; device && err >= 0; device = device->next)
		err = device->ops->start(device, fdt);
	return err;
}

static int create(void)
{
	int err = vfio_platform_create_all(&vm, &room);

	return err < 0 ? err : start_all();
}

static void reset(void)
{
	devices_reset(&vm);
	CHECK_EQ(start_all(), 0);
}

static void end(void)
{
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	fake_end();
}

static void other_device(void)
{
	struct fake_pci *pci = fake_platform(NIC, "platform", 2,
					     "vfio-platform");

	fake_of_node(pci, "compatible", "other,thing", 12);
}

static void refused(int err, const char *text)
{
	int is;

	capture_begin(2);
	is = create();
	capture_end();
	CHECK_EQ(is, err);
	CHECK(said(text));
	end();
}

/* The line that interrupt @index reaches; or -errno, 0: none. */
static int fire(unsigned int index)
{
	struct fake_msg msg;
	int ret = fake_irq_fire(dev, index, 0, &msg);

	return ret == 1 ? (int)msg.gsi : ret;
}

/* ---- what works --------------------------------------------------------- */

static void is_assigned_and_given_back(const struct words *w)
{
	static const char *const buses[] = { "amba", "platform" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(buses); i++) {
		test_note("%s", buses[i]);
		begin_as(w, buses[i], 1);
		CHECK_EQ(create(), 0);
		CHECK(dev->open);
		CHECK_EQ(fake_maps(), 1);
		CHECK(fake_slot_at(BASE) != NULL);
		fake_journal_clear();
		devices_destroy(&vm);
		CHECK(fake_order("VFIO_DEVICE_SET_IRQS", "VFIO_DEVICE_RESET",
				 "munmap", w->unmap, "close VFIO device",
				 NULL));
		CHECK_EQ(dev->resets, 1);
		CHECK(!dev->open);
		end();
	}
}

ALL(is_assigned_and_given_back)

TEST(registers_are_the_devices_own)
{
	uint32_t *mapped;

	begin();
	CHECK_EQ(create(), 0);
	mapped = fake_slot_at(BASE + 0x400);
	CHECK(mapped);
	*mapped = 0x12345678;
	CHECK(!memcmp(dev->bar_mem[0] + 0x400, mapped, 4));
	/* Nobody else's: no device is let to them, no access comes here. */
	CHECK(!fake_dma_at(BASE));
	CHECK_EQ(bus_read(&vm.mmio, BASE + 0x400, 4), UINT32_MAX);
	end();
}

TEST(registers_of_less_than_a_page_are_passed_on)
{
	begin();
	dev->bars[0].size = 0x20;
	CHECK_EQ(create(), 0);
	CHECK(!fake_slot_at(BASE));
	bus_write(&vm.mmio, BASE + 0x1c, 0xa5a5, 2);
	CHECK_EQ(dev->bar_mem[0][0x1c], 0xa5);
	CHECK_EQ(dev->bar_mem[0][0x1e], 0);
	CHECK_EQ(bus_read(&vm.mmio, BASE + 0x1d, 1), 0xa5);
	CHECK_EQ(bus_read(&vm.mmio, BASE + 0x18, 8), 0xa5a5ULL << 32);
	CHECK_EQ(bus_read(&vm.mmio, BASE + 0x1e, 8), UINT64_MAX);
	CHECK_EQ(bus_read(&vm.mmio, BASE + 0x20, 4), UINT32_MAX);
	end();
}

TEST(registers_that_cannot_be_mapped_are_passed_on)
{
	begin();
	fake_fail_call("mmap VFIO", ENODEV);
	capture_begin(2);
	CHECK_EQ(create(), 0);
	capture_end();
	CHECK(said("cannot map region 0, which will be slow"));
	bus_write(&vm.mmio, BASE, 7, 4);
	CHECK_EQ(dev->bar_mem[0][0], 7);
	end();
	begin();
	dev->no_mmap = true;
	CHECK_EQ(create(), 0);
	CHECK_EQ(bus_read(&vm.mmio, BASE, 4), 0);
	end();
}

TEST(registers_that_are_only_read)
{
	begin();
	dev->readonly = true;
	CHECK_EQ(create(), 0);
	CHECK(fake_slot_at(BASE));
	bus_write(&vm.mmio, BASE, 7, 4);
	CHECK_EQ(dev->bar_mem[0][0], 0);
	end();
	begin();
	dev->readonly = true;
	dev->bars[0].size = 8;
	CHECK_EQ(create(), 0);
	bus_write(&vm.mmio, BASE, 7, 4);
	CHECK_EQ(bus_read(&vm.mmio, BASE, 4), 0);
	end();
}

/* Each in a page of its own, however large the guest's are. */
TEST(regions_and_devices_lie_apart)
{
	begin();
	dev->nr_regions = 3;
	dev->bars[1].size = 0x10;
	dev->bars[2].size = 3 * MiB;
	other_device();
	cfg.vfio_platform[1] = "/sys/bus/platform/devices/" NIC "/";
	cfg.nr_vfio_platform = 2;
	CHECK_EQ(create(), 0);
	CHECK(fake_slot_at(BASE));
	CHECK(!fake_slot_at(BASE + 0x1000));
	CHECK_EQ(bus_read(&vm.mmio, BASE + 64 * KiB, 4), 0);
	CHECK(fake_slot_at(BASE + 2 * MiB));
	CHECK(fake_slot_at(BASE + 5 * MiB - 1));
	CHECK(fake_slot_at(BASE + 5 * MiB));
	CHECK(!fake_slot_at(BASE + 5 * MiB + 4096));
	end();
}

TEST(a_level_reaches_the_guest_and_comes_back)
{
	begin();
	CHECK_EQ(create(), 0);
	CHECK_EQ(fire(0), LINE);
	CHECK_EQ(fire(0), -EAGAIN);
	CHECK(!fake_intx_ack(dev, LINE + 1));
	CHECK(fake_intx_ack(dev, LINE));
	CHECK_EQ(fire(0), LINE);
	end();
}

TEST(an_edge_needs_no_acknowledgement)
{
	begin();
	dev->level[0] = false;
	CHECK_EQ(create(), 0);
	CHECK_EQ(fake_count("action=UNMASK"), 0);
	CHECK_EQ(fire(0), LINE);
	CHECK_EQ(fire(0), LINE);
	CHECK(!fake_intx_ack(dev, LINE));
	end();
}

TEST(each_interrupt_has_a_line)
{
	begin();
	dev->nr_irqs = 3;
	dev->level[0] = false;
	dev->level[2] = true;
	CHECK_EQ(create(), 0);
	CHECK_EQ(fire(0), LINE);
	CHECK_EQ(fire(1), LINE + 1);
	CHECK_EQ(fire(2), LINE + 2);
	CHECK_EQ(fire(2), -EAGAIN);
	CHECK(fake_intx_ack(dev, LINE + 2));
	CHECK_EQ(fire(2), LINE + 2);
	end();
}

/* The host has it masked since it fired, and keeps that in mind. */
TEST(guest_reset_in_the_middle_of_an_interrupt)
{
	begin();
	CHECK_EQ(create(), 0);
	dev->bar_mem[0][0] = 1;
	CHECK_EQ(fire(0), LINE);
	fake_journal_clear();
	reset();
	CHECK(fake_order("VFIO_DEVICE_SET_IRQS", "VFIO_DEVICE_RESET",
			 "VFIO_DEVICE_SET_IRQS", NULL));
	CHECK_EQ(dev->bar_mem[0][0], 0);
	CHECK_EQ(fire(0), LINE);
	CHECK(fake_intx_ack(dev, LINE));
	CHECK_EQ(fire(0), LINE);
	CHECK_EQ(fake_irqfds(), 1);
	end();
}

TEST(no_reset_is_said_and_survived)
{
	begin();
	dev->can_reset = false;
	capture_begin(2);
	CHECK_EQ(create(), 0);
	capture_end();
	CHECK(said("the kernel knows no way to reset it"));
	reset();
	CHECK_EQ(fire(0), LINE);
	CHECK_EQ(fake_count("VFIO_DEVICE_RESET"), 0);
	end();
}

TEST(a_reset_that_fails_is_said)
{
	begin();
	CHECK_EQ(create(), 0);
	fake_fail_call("VFIO_DEVICE_RESET", EIO);
	capture_begin(2);
	reset();
	capture_end();
	CHECK(said("warning: vfio " GPIO ": cannot reset it"));
	CHECK_EQ(fire(0), LINE);
	end();
}

TEST(interrupts_lost_at_reset_end_the_guest)
{
	begin();
	CHECK_EQ(create(), 0);
	dev->shared_irqs = true;
	capture_begin(2);
	reset();
	capture_end();
	CHECK(said("has lost its interrupts"));
	CHECK_EQ(vm.status, STATUS_DEVICE_LOST);
	dev->shared_irqs = false;
	end();
}

TEST(a_device_without_anything)
{
	begin();
	dev->nr_regions = dev->nr_irqs = 0;
	CHECK_EQ(create(), 0);
	CHECK_EQ(fake_irqfds(), 0);
	end();
}

/* Its interrupt is its own: no IOMMU is asked whether it isolates it. */
static void without_an_iommu(enum iommu_choice choice, unsigned int mode)
{
	fake_begin();
	memset(&cfg, 0, sizeof(cfg));
	fake_host()->unsafe_noiommu = true;
	fake_host()->intremap = false;
	cfg.noiommu = mode;
	cfg.iommu = choice;
	dev = fake_platform(GPIO, "amba", -1, "vfio-amba");
	fake_of_node(dev, "compatible", "some,thing", 11);
	cfg.vfio_platform[0] = GPIO;
	cfg.nr_vfio_platform = 1;
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
}

TEST(noiommu_by_either_backend)
{
	static const enum iommu_choice both[] = {
		IOMMU_LEGACY, IOMMU_IOMMUFD,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(both); i++) {
		without_an_iommu(both[i], NOIOMMU_DEVICE_ONLY);
		capture_begin(2);
		CHECK_EQ(create(), 0);
		capture_end();
		CHECK(said(GPIO ": no bus keeps it from DMA"));
		CHECK_EQ(fake_maps(), 0);
		CHECK_EQ(fire(0), LINE);
		CHECK(fake_intx_ack(dev, LINE));
		end();
	}
}

TEST(noiommu_must_be_asked_for)
{
	without_an_iommu(IOMMU_AUTO, NOIOMMU_OFF);
	refused(-EOPNOTSUPP, "noiommu mode");
}

TEST(noiommu_asks_it_where_memory_is)
{
	uint64_t pa;

	without_an_iommu(IOMMU_LEGACY, NOIOMMU_ON);
	CHECK_EQ(vfio_locate(&vm, NULL, 0, 2 * MiB, &pa), 0);
	CHECK_EQ(fake_count("open /dev/vfio/noiommu-"), 1);
	end();
}

/* ---- what is refused ---------------------------------------------------- */

TEST(bad_words)
{
	static const struct {
		const char *text;
		const char *says;
	} table[] = {
		{ "", "not the name of a platform device" },
		{ ".", "not the name" },
		{ "..", "not the name" },
		{ "a b", "not the name" },
		{ "a\nb", "not the name" },
		{ "-x", "not the name" },
		{ "/", "not the name" },
		{ "psci", "not the name" },
		{ "0000:1:00.0", "not the name" },
		{ "01:00.8", "not the name" },
		{ "0000:01:00.0", "--vfio is for it" },
		{ "01:00.0", "--vfio is for it" },
		{ "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "--vfio is for it" },
		{ GPIO ",", "unknown key" },
		{ GPIO ",slot=1", "unknown key" },
		{ GPIO ",dt=", "dt is the path" },
		{ GPIO ",dt=x", "dt is the path" },
		{ GPIO ",dt=/", "dt is the path" },
		{ GPIO ",label=", "label is that" },
		{ GPIO ",dt=/x,label=x", "either dt or label" },
	};
	char text[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		test_note("'%s'", table[i].text);
		begin();
		cfg.vfio_platform[0] = table[i].text;
		refused(-EDOM, table[i].says);
	}
	for (i = 64; i < sizeof(text); i += 100) {
		memset(text, '.', sizeof(text));
		text[0] = 'x';
		text[i] = '\0';
		begin();
		cfg.vfio_platform[0] = text;
		refused(-EDOM, i < 160 ? "not the name" : "too long");
		memcpy(text, GPIO ",dt=/", strlen(GPIO ",dt=/"));
		begin();
		cfg.vfio_platform[0] = text;
		if (i >= 160)
			refused(-EDOM, "dt is too long");
		else
			end();
	}
}

TEST(not_there_or_not_given_away)
{
	begin();
	cfg.vfio_platform[0] = "9999000.pl061";
	refused(-ENODEV, "9999000.pl061: no such device on this host");
	begin();
	fake_pci_bind(dev, "pl061_gpio");
	refused(-EBUSY, "bound to the driver pl061_gpio, not to vfio-amba");
	CHECK(said("hint: postern bind " GPIO));
	begin();
	fake_pci_bind(dev, NULL);
	refused(-EBUSY, "no driver has it, vfio-amba must");
	begin();
	cfg.vfio_platform[1] = GPIO;
	cfg.nr_vfio_platform = 2;
	refused(-EDOM, "given twice");
}

TEST(a_pci_device_by_a_platform_devices_name)
{
	begin();
	dev->odd_flags = VFIO_DEVICE_FLAGS_PCI;
	refused(-ENODEV, "is not a platform device");
}

TEST(hostile_numbers)
{
	static const uint64_t sizes[] = {
		0x02000001, 4 * GiB, BIT(63), UINT64_MAX, UINT64_MAX - 4095,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		begin();
		dev->bars[0].size = sizes[i];
		refused(-ERANGE, "no room for region 0");
	}
	begin();
	dev->bars[0].size = 0;
	refused(-ENODEV, "region 0 makes no sense");
	begin();
	dev->nr_regions = 17;
	refused(-ENODEV, "17 regions");
	begin();
	dev->nr_regions = UINT32_MAX;
	refused(-ENODEV, "regions");
	begin();
	dev->nr_irqs = 65;
	refused(-ENODEV, "65 interrupts");
	begin();
	dev->nr_irqs = UINT32_MAX;
	refused(-ENODEV, "interrupts");
	begin();
	dev->nr_irqs = 5;
	refused(-ERANGE, "no line is free for interrupt 4");
	begin();
	dev->odd_count = UINT32_MAX;
	refused(-ENODEV, "interrupt 0 makes no sense");
	begin();
	dev->shared_irqs = true;
	refused(-EBUSY, "cannot wire interrupt 0");
}

TEST(all_of_the_room_and_no_more)
{
	begin();
	dev->bars[0].size = room.size;
	CHECK_EQ(create(), 0);
	CHECK(fake_slot_at(BASE + room.size - 1));
	end();
	begin();
	dev->bars[0].size = room.size;
	other_device();
	cfg.vfio_platform[1] = NIC;
	cfg.nr_vfio_platform = 2;
	refused(-ERANGE, NIC ": no room for region 0, 0x1000 bytes");
}

/* ---- every call made to fail -------------------------------------------- */

static void build_two(void)
{
	if (way)
		host_as(way);
	dev = fake_platform(GPIO, "amba", 1, "vfio-amba");
	dev->nr_regions = 2;
	dev->nr_irqs = 2;
	dev->bars[1].size = 8;
	fake_of_node(dev, "compatible", "some,thing", 11);
	other_device();
}

static int run_both(void)
{
	int err = fake_vm_create(&vm, &cfg, RAM);

	if (err < 0)
		return err;
	err = create();
	if (err >= 0) {
		bus_write(&vm.mmio, BASE + 64 * KiB, 1, 4);
		bus_read(&vm.mmio, BASE + 64 * KiB, 4);
		devices_reset(&vm);
		err = start_all();
	}
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	return err;
}

static bool survivable(const char *line)
{
	(void)line;
	return true;
}

static void every_call_fails_once(const struct words *w)
{
	memset(&cfg, 0, sizeof(cfg));
	cfg.iommu = w->choice;
	cfg.vfio_platform[0] = GPIO;
	cfg.vfio_platform[1] = NIC;
	cfg.nr_vfio_platform = 2;
	CHECK(fake_sweep(build_two, run_both, survivable) > 60);
}

RUN(legacy, every_call_fails_once)
RUN(iommufd, every_call_fails_once)
