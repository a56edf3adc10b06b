/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The node of an assigned platform device in the guest's device tree: what of
 * the host's node stays, clocks, children, nodes that an overlay has brought,
 * and what cannot be made one.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "arm64_tree.h"
#include "capture.h"
#include "devices/vfio/platform_priv.h"
#include "devices/vfio/vfio.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/vm.h"
#include "ways.h"

#define RTC "9010000.pl031"
#define NODE "/pl031@c000000"
#define TREE "/sys/firmware/devicetree/base"
#define SET(name, text) fake_of_node(dev, name, text, sizeof(text))
#define GIC 1

static const struct platform_layout room = {
	.base = 0x0c000000, .size = 0x02000000, .line = 8, .nr_lines = 4,
};
static struct fake_pci *dev;
static uint8_t fdt[64 * KiB];

/* The guest's tree as the board makes it, in a few words. */
static void make_tree(size_t size)
{
	int node;

	CHECK_EQ(fdt_create_empty_tree(fdt, size), 0);
	CHECK_EQ(fdt_setprop_u32(fdt, 0, "#address-cells", 2), 0);
	CHECK_EQ(fdt_setprop_u32(fdt, 0, "#size-cells", 2), 0);
	CHECK_EQ(fdt_setprop_u32(fdt, 0, "interrupt-parent", GIC), 0);
	node = fdt_add_subnode(fdt, 0, "gic");
	CHECK_EQ(fdt_setprop_u32(fdt, node, "phandle", GIC), 0);
	CHECK(fdt_add_subnode(fdt, 0, "__symbols__") > 0);
}

static void cell_at(const char *dir, const char *name, uint32_t val)
{
	fdt32_t cell = cpu_to_fdt32(val);
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fake_blob(path, &cell, sizeof(cell));
}

static void begin_with(const char *spec)
{
	fake_begin();
	memset(&cfg, 0, sizeof(cfg));
	dev = fake_platform(RTC, "amba", 1, "vfio-amba");
	SET("name", "pl031");
	SET("compatible", "arm,pl031\0arm,primecell");
	cfg.vfio_platform[0] = spec;
	cfg.nr_vfio_platform = 1;
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
	make_tree(sizeof(fdt));
}

static void begin(void)
{
	begin_with(RTC);
}

static int put(void)
{
	if (!vm.devices)
		CHECK_EQ(vfio_platform_create_all(&vm, &room), 0);
	return vm.devices->ops->start(vm.devices, fdt);
}

static void end(void)
{
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	fake_end();
}

static void refused(int err, const char *text)
{
	int is;

	CHECK_EQ(vfio_platform_create_all(&vm, &room), 0);
	capture_begin(2);
	is = put();
	capture_end();
	CHECK_EQ(is, err);
	CHECK(said(text));
	end();
}

/* ---- the host's node ---------------------------------------------------- */

TEST(registers_and_interrupts_are_the_guests)
{
	begin();
	SET("reg", "\0\0\0\0\x09\x01\0\0\0\0\0\0\0\0\x10\0");
	SET("interrupts", "\0\0\0\0\0\0\0\x02\0\0\0\x04");
	CHECK_EQ(put(), 0);
	CHECK_EQ(tree_len(fdt, NODE, "reg"), 16);
	CHECK_EQ(tree_cells(fdt, NODE, "reg", 0), 0x0c000000);
	CHECK_EQ(tree_cells(fdt, NODE, "reg", 2), 0x1000);
	CHECK_EQ(tree_len(fdt, NODE, "interrupts"), 12);
	CHECK_EQ(tree_cell(fdt, NODE, "interrupts", 0), 0);
	CHECK_EQ(tree_cell(fdt, NODE, "interrupts", 1), 8);
	CHECK_EQ(tree_cell(fdt, NODE, "interrupts", 2), 4);
	CHECK_EQ(tree_cell(fdt, NODE, "interrupt-parent", 0), GIC);
	CHECK_STR(tree_string(fdt, NODE, "compatible"), "arm,pl031");
	CHECK_EQ(tree_len(fdt, NODE, "compatible"), 24);
	CHECK_EQ(fdt_check_full(fdt, sizeof(fdt)), 0);
	end();
}

TEST(several_of_each_in_the_hosts_order)
{
	begin();
	dev->nr_regions = dev->nr_irqs = 3;
	dev->bars[1].size = 0x20;
	dev->bars[2].size = 0x2000;
	dev->level[0] = false;
	dev->level[1] = true;
	SET("reg-names", "a\0b\0c");
	CHECK_EQ(put(), 0);
	CHECK_EQ(tree_cells(fdt, NODE, "reg", 4), 0x0c010000);
	CHECK_EQ(tree_cells(fdt, NODE, "reg", 6), 0x20);
	CHECK_EQ(tree_cells(fdt, NODE, "reg", 8), 0x0c020000);
	CHECK_EQ(tree_len(fdt, NODE, "interrupts"), 36);
	CHECK_EQ(tree_cell(fdt, NODE, "interrupts", 2), 1);
	CHECK_EQ(tree_cell(fdt, NODE, "interrupts", 4), 9);
	CHECK_EQ(tree_cell(fdt, NODE, "interrupts", 5), 4);
	CHECK_EQ(tree_cell(fdt, NODE, "interrupts", 8), 1);
	CHECK_EQ(tree_len(fdt, NODE, "reg-names"), 6);
	end();
}

TEST(neither_registers_nor_interrupts)
{
	begin();
	dev->nr_regions = dev->nr_irqs = 0;
	CHECK_EQ(put(), 0);
	CHECK(tree_has(fdt, "/pl031", NULL));
	CHECK(!tree_has(fdt, "/pl031", "reg"));
	CHECK(!tree_has(fdt, "/pl031", "interrupts"));
	end();
}

/* What a node may have, and whether the guest gets it. */
TEST(properties)
{
	static const struct {
		const char *name;
		bool kept;
	} table[] = {
		{ "compatible", true }, { "model", true },
		{ "dma-coherent", true }, { "reg-names", true },
		{ "interrupt-names", true }, { "clock-frequency", true },
		{ "arm,primecell-periphid", true }, { "reg-shift", true },
		{ "reg-io-width", true }, { "phy-mode", true },
		{ "local-mac-address", true }, { "mac-address", true },
		{ "max-speed", true }, { "dr_mode", true },
		{ "gpio-controller", true }, { "#gpio-cells", true },
		{ "gpio-line-names", true }, { "ngpios", true },
		{ "snps,nr-gpios", true }, { "interrupt-controller", true },
		{ "#interrupt-cells", true }, { "#address-cells", true },
		{ "#size-cells", true }, { "#clock-cells", true },
		{ "wakeup-source", true }, { "label", true },
		{ "bus-width", true }, { "vendor,supply-mv", true },
		{ "big-endian", true }, { "dma-channels", true },

		{ "reg", false }, { "ranges", false }, { "dma-ranges", false },
		{ "interrupts", false }, { "interrupts-extended", false },
		{ "interrupt-parent", false }, { "interrupt-map", false },
		{ "status", false }, { "name", false }, { "phandle", false },
		{ "linux,phandle", false }, { "clocks", false },
		{ "clock-names", false }, { "assigned-clocks", false },
		{ "assigned-clock-rates", false },
		{ "assigned-clock-parents", false }, { "resets", false },
		{ "reset-names", false }, { "power-domains", false },
		{ "power-domain-names", false }, { "pinctrl-0", false },
		{ "pinctrl-8", false }, { "pinctrl-names", false },
		{ "iommus", false }, { "iommu-map", false },
		{ "iommu-map-mask", false }, { "msi-parent", false },
		{ "msi-map", false }, { "dmas", false },
		{ "dma-names", false }, { "phys", false },
		{ "phy-names", false }, { "phy-handle", false },
		{ "vdd-supply", false }, { "vqmmc-supply", false },
		{ "reset-gpios", false }, { "cd-gpio", false },
		{ "gpios", false }, { "gpio", false },
		{ "interconnects", false }, { "interconnect-names", false },
		{ "memory-region", false }, { "mboxes", false },
		{ "mbox-names", false }, { "hwlocks", false },
		{ "nvmem-cells", false }, { "nvmem-cell-names", false },
		{ "io-channels", false }, { "extcon", false },
		{ "pwms", false }, { "leds", false }, { "backlight", false },
		{ "panel", false }, { "remote-endpoint", false },
		{ "wakeup-parent", false }, { "access-controllers", false },
		{ "operating-points-v2", false }, { "required-opps", false },
		{ "fsl,iomux-syscon", false }, { "sound-dai", false },
		{ "mmc-pwrseq", false }, { "usb-phy", false },
		{ "power-supplies", false }, { "post-init-providers", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		test_note("%s", table[i].name);
		CHECK_EQ(platform_prop_kept(table[i].name), table[i].kept);
	}
}

TEST(what_is_kept_is_kept_byte_for_byte)
{
	begin();
	SET("dma-coherent", "");
	fake_of_node(dev, "dma-coherent", "", 0);
	fake_of_node(dev, "local-mac-address", "\x02\0\0\xff\x10\x20", 6);
	SET("status", "disabled");
	SET("iommus", "\0\0\0\x07\0\0\0\0");
	CHECK_EQ(put(), 0);
	CHECK_EQ(tree_len(fdt, NODE, "dma-coherent"), 0);
	CHECK_EQ(tree_len(fdt, NODE, "local-mac-address"), 6);
	CHECK(!memcmp(tree_string(fdt, NODE, "local-mac-address"),
		      "\x02\0\0\xff\x10\x20", 6));
	CHECK(!tree_has(fdt, NODE, "status"));
	CHECK(!tree_has(fdt, NODE, "iommus"));
	end();
}

TEST(a_property_too_large_is_left_out)
{
	static const uint8_t large[4097];

	begin();
	fake_of_node(dev, "firmware", large, sizeof(large));
	fake_of_node(dev, "just-so", large, 4096);
	capture_begin(2);
	CHECK_EQ(put(), 0);
	capture_end();
	CHECK(said("left out of its device-tree node: firmware"));
	CHECK(!tree_has(fdt, NODE, "firmware"));
	CHECK_EQ(tree_len(fdt, NODE, "just-so"), 4096);
	end();
}

TEST(nodes_within)
{
	begin();
	SET("#address-cells", "\0\0\0\x01");
	SET("mdio/phy@1/reg", "\0\0\0\x01");
	SET("mdio/phy@1/reset-gpios", "\0\0\0\x09");
	SET("mdio/phy@1/max-speed", "\0\0\0\x64");
	SET("ports/port@0/x", "y");
	SET("a/b/c/d/e/f/deep", "y");
	CHECK_EQ(put(), 0);
	CHECK_EQ(tree_cell(fdt, NODE "/mdio/phy@1", "reg", 0), 1);
	CHECK_EQ(tree_cell(fdt, NODE "/mdio/phy@1", "max-speed", 0), 0x64);
	CHECK(!tree_has(fdt, NODE "/mdio/phy@1", "reset-gpios"));
	CHECK(!tree_has(fdt, NODE "/ports", NULL));
	CHECK(tree_has(fdt, NODE "/a/b/c/d", NULL));
	CHECK(!tree_has(fdt, NODE "/a/b/c/d/e", NULL));
	CHECK_EQ(tree_cells(fdt, NODE, "reg", 0), 0x0c000000);
	end();
}

/* They would have registers of the host's. */
TEST(nodes_on_a_bus_within_are_left_out)
{
	begin();
	fake_of_node(dev, "ranges", "", 0);
	SET("usb@1000/reg", "\0\0\x10\0");
	CHECK_EQ(put(), 0);
	CHECK(!tree_has(fdt, NODE "/usb@1000", NULL));
	CHECK(!tree_has(fdt, NODE, "ranges"));
	end();
}

TEST(a_name_of_no_use_is_not_used)
{
	begin();
	fake_of_node(dev, "name", "no-end", 6);
	CHECK_EQ(put(), 0);
	CHECK(tree_has(fdt, "/device@c000000", NULL));
	end();
	begin();
	SET("name", "longer-than-any-name-can-be-in-a-tree-by-the-book");
	CHECK_EQ(put(), 0);
	CHECK(tree_has(fdt, "/device@c000000", NULL));
	end();
}

/* ---- clocks ------------------------------------------------------------- */

static void host_clock(const char *dir, uint32_t phandle, const char *kind,
		       uint32_t cells, uint32_t hz)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/compatible", dir);
	fake_blob(path, kind, strlen(kind) + 1);
	cell_at(dir, "phandle", phandle);
	cell_at(dir, "#clock-cells", cells);
	cell_at(dir, "clock-frequency", hz);
}

static uint32_t clock_hz(unsigned int nth)
{
	int node = fdt_node_offset_by_phandle(fdt, tree_cell(fdt, NODE,
							     "clocks", nth));
	const fdt32_t *hz = fdt_getprop(fdt, node, "clock-frequency", NULL);

	CHECK(node > 0 && hz);
	CHECK_STR((const char *)fdt_getprop(fdt, node, "compatible", NULL),
		  "fixed-clock");
	return fdt32_to_cpu(*hz);
}

TEST(clocks_that_never_change_are_the_guests_too)
{
	begin();
	SET("compatible", "vendor,thing");
	host_clock(TREE "/apb-pclk", 0x8000, "fixed-clock", 0, 24000000);
	host_clock(TREE "/clocks/osc", 0x8001, "fixed-clock", 0, 1000);
	SET("clocks", "\0\0\x80\x01\0\0\x80\0\0\0\x80\x01");
	fake_of_node(dev, "clocks", "\0\0\x80\x01\0\0\x80\0\0\0\x80\x01", 12);
	SET("clock-names", "a\0b\0c");
	CHECK_EQ(put(), 0);
	CHECK_EQ(tree_len(fdt, NODE, "clocks"), 12);
	CHECK_EQ(clock_hz(0), 1000);
	CHECK_EQ(clock_hz(1), 24000000);
	CHECK_EQ(tree_cell(fdt, NODE, "clocks", 0),
		 tree_cell(fdt, NODE, "clocks", 2));
	CHECK_EQ(tree_len(fdt, NODE, "clock-names"), 6);
	CHECK_EQ(fdt_check_full(fdt, sizeof(fdt)), 0);
	end();
}

TEST(a_clock_that_changes_is_not_told_of)
{
	begin();
	SET("compatible", "vendor,thing");
	host_clock(TREE "/osc", 0x8000, "fixed-clock", 0, 24000000);
	host_clock(TREE "/cru", 0x8001, "vendor,cru", 1, 5);
	fake_of_node(dev, "clocks", "\0\0\x80\x01\0\0\0\x07\0\0\x80\0", 12);
	capture_begin(2);
	CHECK_EQ(put(), 0);
	capture_end();
	CHECK(said("its clocks are the host's to run"));
	CHECK(!tree_has(fdt, NODE, "clocks"));
	CHECK(!tree_has(fdt, NODE, "clock-names"));
	end();
}

TEST(a_primecell_has_a_clock_whatever_the_host_says)
{
	begin();
	CHECK_EQ(put(), 0);
	CHECK_EQ(tree_len(fdt, NODE, "clocks"), 4);
	CHECK_EQ(clock_hz(0), 24000000);
	CHECK_STR(tree_string(fdt, NODE, "clock-names"), "apb_pclk");
	end();
	begin();
	/* one found, with an argument; one known; one nowhere */
	host_clock(TREE "/cru", 0x8001, "vendor,cru", 1, 5);
	host_clock(TREE "/osc", 0x8000, "fixed-clock", 0, 48000000);
	fake_of_node(dev, "clocks",
		     "\0\0\x80\x01\0\0\0\x07\0\0\x80\0\0\0\0\x09", 16);
	SET("clock-names", "x\0y\0z\0apb_pclk");
	CHECK_EQ(put(), 0);
	CHECK_EQ(tree_len(fdt, NODE, "clocks"), 16);
	CHECK_EQ(clock_hz(0), 24000000);
	CHECK_EQ(clock_hz(1), 48000000);
	CHECK_EQ(clock_hz(2), 24000000);
	CHECK_EQ(clock_hz(3), 24000000);
	end();
}

TEST(two_devices_share_a_clock)
{
	struct fake_pci *other;

	begin();
	other = fake_platform("9030000.pl061", "amba", 2, "vfio-amba");
	fake_of_node(other, "name", "gpio", 5);
	fake_of_node(other, "compatible", "arm,pl061\0arm,primecell", 24);
	cfg.vfio_platform[1] = "9030000.pl061";
	cfg.nr_vfio_platform = 2;
	CHECK_EQ(put(), 0);
	CHECK_EQ(vm.devices->next->ops->start(vm.devices->next, fdt), 0);
	CHECK_EQ(tree_cell(fdt, "/gpio@c010000", "clocks", 0),
		 tree_cell(fdt, NODE, "clocks", 0));
	CHECK_EQ(tree_cells(fdt, "/gpio@c010000", "reg", 0), 0x0c010000);
	CHECK_EQ(tree_cell(fdt, "/gpio@c010000", "interrupts", 1), 9);
	end();
}

/* ---- other nodes -------------------------------------------------------- */

TEST(a_node_elsewhere_in_the_hosts_tree)
{
	static const char *const specs[] = {
		RTC ",dt=/soc/clock@1", RTC ",dt=" TREE "/soc/clock@1",
		RTC ",dt=/proc/device-tree/soc/clock@1",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(specs); i++) {
		begin_with(specs[i]);
		fake_blob(TREE "/soc/clock@1/compatible", "other", 6);
		fake_blob(TREE "/soc/clock@1/name", "clock", 6);
		CHECK_EQ(put(), 0);
		CHECK_STR(tree_string(fdt, "/clock@c000000", "compatible"),
			  "other");
		end();
	}
	begin_with(RTC ",dt=/soc/none");
	refused(-EDOM, "no " TREE "/soc/none/compatible");
}

TEST(no_node_for_it)
{
	begin();
	fake_remove("/sys/bus/amba/devices/" RTC "/of_node/compatible");
	refused(-ENODEV, "the host's device tree does not say what it is");
	CHECK(said("--dtb-overlay FILE --vfio-platform " RTC ",label=NAME"));
}

static int labelled(const char *path)
{
	int symbols = fdt_path_offset(fdt, "/__symbols__"), bus, node;

	CHECK_EQ(fdt_setprop_string(fdt, symbols, "clock", path), 0);
	bus = fdt_add_subnode(fdt, 0, "bus");
	CHECK_EQ(fdt_setprop_u32(fdt, bus, "#address-cells", 1), 0);
	CHECK_EQ(fdt_setprop_u32(fdt, bus, "#size-cells", 1), 0);
	node = fdt_add_subnode(fdt, bus, "rtc");
	CHECK_EQ(fdt_setprop_string(fdt, node, "compatible", "mine"), 0);
	CHECK_EQ(fdt_setprop_u32(fdt, node, "reg", 5), 0);
	CHECK_EQ(fdt_setprop_u32(fdt, node, "interrupts", 5), 0);
	return fdt_setprop_u32(fdt, node, "iommus", 5);
}

TEST(a_node_of_an_overlay_is_completed)
{
	begin_with(RTC ",label=clock");
	CHECK_EQ(labelled("/bus/rtc"), 0);
	CHECK_EQ(put(), 0);
	CHECK_EQ(tree_len(fdt, "/bus/rtc", "reg"), 8);
	CHECK_EQ(tree_cell(fdt, "/bus/rtc", "reg", 0), 0x0c000000);
	CHECK_EQ(tree_cell(fdt, "/bus/rtc", "reg", 1), 0x1000);
	CHECK_EQ(tree_len(fdt, "/bus/rtc", "interrupts"), 12);
	CHECK_EQ(tree_cell(fdt, "/bus/rtc", "interrupt-parent", 0), GIC);
	/* All else is what the user says it is. */
	CHECK_EQ(tree_cell(fdt, "/bus/rtc", "iommus", 0), 5);
	CHECK(!tree_has(fdt, NODE, NULL));
	end();
}

TEST(labels_that_lead_nowhere)
{
	static const char *const paths[] = { "/bus/none", "/", "", "bus", NULL };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		test_note("'%s'", paths[i] ? paths[i] : "none");
		begin_with(RTC ",label=clock");
		if (paths[i])
			CHECK_EQ(labelled(paths[i]), 0);
		refused(-EDOM, "no node in the device tree has the label 'clock'");
	}
	begin_with(RTC ",label=clock");
	CHECK_EQ(fdt_setprop(fdt, fdt_path_offset(fdt, "/__symbols__"),
			     "clock", "/bus/rtc", 8), 0);
	refused(-EDOM, "has the label 'clock'");
	begin_with(RTC ",label=clock");
	CHECK_EQ(fdt_del_node(fdt, fdt_path_offset(fdt, "/__symbols__")), 0);
	refused(-EDOM, "has the label 'clock'");
}

TEST(a_tree_without_room)
{
	begin();
	make_tree(400);
	refused(-ENOEXEC, "cannot put it into the device tree");
}

/* ---- every call made to fail -------------------------------------------- */

static void build_one(void)
{
	dev = fake_platform(RTC, "amba", 1, "vfio-amba");
	SET("name", "pl031");
	SET("compatible", "arm,pl031\0arm,primecell");
	fake_of_node(dev, "clocks", "\0\0\x80\0", 4);
	SET("child/x", "y");
	host_clock(TREE "/apb-pclk", 0x8000, "fixed-clock", 0, 24000000);
}

static int run_one(void)
{
	int err = fake_vm_create(&vm, &cfg, RAM);

	if (err < 0)
		return err;
	make_tree(sizeof(fdt));
	err = vfio_platform_create_all(&vm, &room);
	if (err >= 0)
		err = vm.devices->ops->start(vm.devices, fdt);
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	return err;
}

static bool survivable(const char *line)
{
	(void)line;
	return true;
}

TEST(every_call_fails_once)
{
	memset(&cfg, 0, sizeof(cfg));
	cfg.vfio_platform[0] = RTC;
	cfg.nr_vfio_platform = 1;
	CHECK(fake_sweep(build_one, run_one, survivable) > 60);
}
