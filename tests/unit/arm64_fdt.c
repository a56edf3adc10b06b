/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arm64 board's device tree, as a kernel reads it.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arm64/board.h"
#include "arch/arm64/fdt.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/vcpu.h"
#include "arm64_tree.h"
#include "capture.h"
#include "devices/debugexit.h"
#include "devices/pci/pci.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/console.h"
#include "vmm/vm.h"

#define GIC "/interrupt-controller@8000000"
#define ITS GIC "/msi-controller@8080000"

static struct config cfg;
static struct vcpu_cache caches[VCPU_CACHES];
static unsigned int nr_caches;
static bool has_pmu;
static struct vcpu vcpus[ARM64_CPUS_MAX];
static struct board board;
static struct mem_region ram;
static void *built;
static struct pci_host *pci;
static unsigned int ports;
static struct vm vm;

uint64_t vcpu_mpidr(const struct vcpu *vcpu)
{
	unsigned int n = vcpu - vcpus;

	return n % 16 | n / 16 << 8;
}

unsigned int vcpu_caches(const struct vcpu *vcpu, struct vcpu_cache *list)
{
	memcpy(list, caches, sizeof(caches));
	return nr_caches;
}

bool vm_has_pmu(const struct vm *v)
{
	return has_pmu;
}

void console_connect(struct console *con, const struct console_ops *ops,
		     void *owner)
{
}

int console_getc(struct console *con)
{
	return -1;
}

bool console_putc(struct console *con, uint8_t c)
{
	return true;
}

void vm_stop(struct vm *v, int status)
{
}

void vm_reset(struct vm *v)
{
}

static void create_devices(void)
{
	struct pl011_config uart = {
		.name = "serial", .base = ARM64_UART_BASE,
		.irq = ARM64_UART_LINE,
	};
	struct pci_layout layout = {
		.ports = ports,
		.ecam = ARM64_ECAM_BASE,
		.io_base = 0x1000, .io_size = 0xf000,
		.mem32_base = ARM64_MEM32_BASE,
		.mem32_size = ARM64_MEM32_SIZE,
		.mem64_min = 2 * GiB, .mem64_max = BIT(40),
		.intx_first = ARM64_PCI_LINE, .intx_nr = ARM64_PCI_LINES,
	};

	CHECK_EQ(pl011_create(&vm, &uart), 0);
	CHECK_EQ(pl031_create(&vm, ARM64_RTC_BASE, ARM64_RTC_LINE), 0);
	CHECK_EQ(pl061_create(&vm, ARM64_GPIO_BASE, ARM64_GPIO_LINE,
			      ARM64_POWER_PIN, &board.gpio), 0);
	CHECK_EQ(debugexit_create(&vm, DESC_MMIO, ARM64_EXIT_BASE), 0);
	CHECK_EQ(pci_host_create(&vm, &layout, &pci), 0);
	CHECK_EQ(pci_host_assign(pci), 0);
}

static void begin(unsigned int cpus)
{
	fake_begin();
	cfg = (struct config){ .append = "" };
	vm = (struct vm){
		.cfg = &cfg, .board = &board, .vcpus = vcpus,
		.nr_vcpus = cpus,
	};
	board.gic = (struct gic){
		.version = 3,
		.dist = { ARM64_GIC_DIST, ARM64_GIC_DIST_SIZE },
		.cpu = { ARM64_GIC_REDIST(cpus), cpus * ARM64_GIC_REDIST_SIZE },
		.its = { ARM64_GIC_ITS, ARM64_GIC_ITS_SIZE },
	};
	bus_create(&vm.mmio, "mmio");
	bus_create(&vm.pio, "pio");
	ram = (struct mem_region){
		.name = "ram", .gpa = ARM64_RAM_BASE, .size = GiB, .fd = -1,
		.flags = MEM_RAM,
	};
	mem_create(&vm.mem);
	CHECK_EQ(mem_add(&vm.mem, &ram), 0);
	create_devices();
}

static void end(void)
{
	free(built);
	built = NULL;
	devices_destroy(&vm);
	mem_del(&vm.mem, &ram);
	mem_destroy(&vm.mem);
	fake_end();
}

static void *tree_build(const struct dt_boot *b)
{
	free(built);
	built = NULL;
	CHECK_EQ(dt_build(&vm, b, &built), 0);
	CHECK_EQ(fdt_check_full(built, DT_MAX), 0);
	return built;
}

static const struct dt_boot boot = {
	.append = "some words", .initrd = 0x48000000, .initrd_size = 0x1234,
};

TEST(chosen_has_what_the_user_said)
{
	const void *t;

	begin(1);
	t = tree_build(&boot);
	CHECK_STR(tree_string(t, "/chosen", "bootargs"), "some words");
	CHECK_EQ(tree_cells(t, "/chosen", "linux,initrd-start", 0), 0x48000000);
	CHECK_EQ(tree_cells(t, "/chosen", "linux,initrd-end", 0), 0x48001234);
	CHECK_STR(tree_string(t, "/chosen", "stdout-path"), "/serial@9000000");
	CHECK_STR(tree_string(t, "/aliases", "serial0"), "/serial@9000000");
	t = tree_build(&(struct dt_boot){ .append = "" });
	CHECK(!tree_has(t, "/chosen", "linux,initrd-start"));
	CHECK_EQ(tree_len(t, "/chosen", "bootargs"), 1);
	end();
}

/* A guest that is reset is not to find what it had before. */
TEST(seeds_are_fresh_each_time)
{
	uint8_t was[64];
	uint64_t kaslr;
	const void *t;

	begin(1);
	t = tree_build(&boot);
	CHECK_EQ(tree_len(t, "/chosen", "rng-seed"), sizeof(was));
	memcpy(was, tree_string(t, "/chosen", "rng-seed"), sizeof(was));
	kaslr = tree_cells(t, "/chosen", "kaslr-seed", 0);
	t = tree_build(&boot);
	CHECK(memcmp(was, tree_string(t, "/chosen", "rng-seed"), sizeof(was)));
	CHECK(kaslr != tree_cells(t, "/chosen", "kaslr-seed", 0));
	end();
}

/* Then there is nothing left that could be opened: the sandbox. */
TEST(a_reset_has_the_same_tree_with_fresh_seeds)
{
	static const char *const seeds[] = { "rng-seed", "kaslr-seed" };
	int node, len, i;
	void *was;

	begin(1);
	tree_build(&boot);
	was = malloc(fdt_totalsize(built));
	memcpy(was, built, fdt_totalsize(built));
	cfg.dtb_overlay[0] = "/gone";
	cfg.nr_dtb_overlay = 1;
	CHECK_EQ(dt_build(&vm, &boot, &built), 0);
	CHECK_EQ(fdt_totalsize(built), fdt_totalsize(was));
	node = fdt_path_offset(was, "/chosen");
	for (i = 0; i < 2; i++) {
		const void *now = fdt_getprop(built, node, seeds[i], &len);

		CHECK(memcmp(now, fdt_getprop(was, node, seeds[i], NULL), len));
		fdt_setprop_inplace(was, node, seeds[i], now, len);
	}
	CHECK(!memcmp(built, was, fdt_totalsize(was)));
	free(was);
	end();
}

TEST(no_random_numbers_no_tree)
{
	void *tree = NULL;

	begin(1);
	fake_fail_call("random", 38);
	capture_begin(2);
	CHECK(dt_build(&vm, &boot, &tree) < 0);
	capture_end();
	CHECK(said("device tree: no random numbers: "));
	CHECK(!tree);
	end();
}

TEST(memory_is_in_as_many_nodes_as_pieces)
{
	struct mem_region more = {
		.name = "more", .gpa = 8 * GiB, .size = 3 * MiB, .fd = -1,
		.flags = MEM_RAM,
	};
	const void *t;

	begin(1);
	CHECK_EQ(mem_add(&vm.mem, &more), 0);
	t = tree_build(&boot);
	CHECK_STR(tree_string(t, "/memory@40000000", "device_type"), "memory");
	CHECK_EQ(tree_cells(t, "/memory@40000000", "reg", 0), GiB);
	CHECK_EQ(tree_cells(t, "/memory@40000000", "reg", 2), GiB);
	CHECK_EQ(tree_cells(t, "/memory@200000000", "reg", 0), 8 * GiB);
	CHECK_EQ(tree_cells(t, "/memory@200000000", "reg", 2), 3 * MiB);
	mem_del(&vm.mem, &more);
	end();
}

TEST(processors_are_started_by_psci)
{
	const void *t;

	begin(18);
	t = tree_build(&boot);
	CHECK_EQ(tree_cell(t, "/cpus/cpu@0", "reg", 0), 0);
	CHECK_EQ(tree_cell(t, "/cpus/cpu@101", "reg", 0), 0x101);
	CHECK(!tree_has(t, "/cpus/cpu@102", NULL));
	CHECK_STR(tree_string(t, "/cpus/cpu@f", "enable-method"), "psci");
	CHECK_STR(tree_string(t, "/cpus/cpu@f", "device_type"), "cpu");
	CHECK_STR(tree_string(t, "/psci", "method"), "hvc");
	CHECK_STR(tree_string(t, "/psci", "compatible"), "arm,psci-1.0");
	CHECK_EQ(tree_cell(t, "/cpus/cpu-map/cluster0/core17", "cpu", 0),
		 tree_cell(t, "/cpus/cpu@101", "phandle", 0));
	CHECK(!tree_has(t, "/cpus/cpu-map/cluster0/core18", NULL));
	CHECK(!tree_has(t, "/cpus/cpu@0", "next-level-cache"));
	end();
}

TEST(the_upper_caches_are_shared)
{
	static const struct vcpu_cache list[] = {
		{ 1, VCPU_CACHE_INSTRUCTION, 0x10000, 64, 256 },
		{ 1, VCPU_CACHE_DATA, 0x8000, 64, 128 },
		{ 2, VCPU_CACHE_UNIFIED, 0x80000, 64, 1024 },
		{ 3, VCPU_CACHE_UNIFIED, 0x400000, 128, 2048 },
	};
	const void *t;

	begin(2);
	memcpy(caches, list, sizeof(list));
	nr_caches = ARRAY_SIZE(list);
	t = tree_build(&boot);
	CHECK_EQ(tree_cell(t, "/cpus/cpu@1", "i-cache-size", 0), 0x10000);
	CHECK_EQ(tree_cell(t, "/cpus/cpu@1", "d-cache-sets", 0), 128);
	CHECK_EQ(tree_cell(t, "/cpus/cpu@1", "d-cache-line-size", 0), 64);
	CHECK_EQ(tree_cell(t, "/cpus/cpu@1", "next-level-cache", 0),
		 tree_cell(t, "/cpus/cpu@1/l2-cache", "phandle", 0));
	CHECK(tree_cell(t, "/cpus/cpu@0/l2-cache", "phandle", 0) !=
	      tree_cell(t, "/cpus/cpu@1/l2-cache", "phandle", 0));
	CHECK_EQ(tree_cell(t, "/cpus/cpu@1/l2-cache", "cache-size", 0),
		 0x80000);
	CHECK_EQ(tree_cell(t, "/cpus/cpu@1/l2-cache", "cache-level", 0), 2);
	CHECK(tree_has(t, "/cpus/cpu@1/l2-cache", "cache-unified"));
	CHECK_EQ(tree_cell(t, "/cpus/cpu@1/l2-cache", "next-level-cache", 0),
		 tree_cell(t, "/cpus/l3-cache", "phandle", 0));
	CHECK_EQ(tree_cell(t, "/cpus/l3-cache", "cache-sets", 0), 2048);
	CHECK(!tree_has(t, "/cpus/l3-cache", "next-level-cache"));
	end();
}

TEST(gicv3_and_its)
{
	const void *t;

	begin(3);
	t = tree_build(&boot);
	CHECK_STR(tree_string(t, GIC, "compatible"), "arm,gic-v3");
	CHECK_EQ(tree_cells(t, GIC, "reg", 0), 0x08000000);
	CHECK_EQ(tree_cells(t, GIC, "reg", 4), 0x080a0000);
	CHECK_EQ(tree_cells(t, GIC, "reg", 6), 3 * 0x20000);
	CHECK_STR(tree_string(t, ITS, "compatible"), "arm,gic-v3-its");
	CHECK_EQ(tree_cells(t, ITS, "reg", 0), 0x08080000);
	CHECK_EQ(tree_cell(t, "/", "interrupt-parent", 0),
		 tree_cell(t, GIC, "phandle", 0));
	CHECK_EQ(tree_cell(t, "/pcie@3f000000", "msi-map", 1),
		 tree_cell(t, ITS, "phandle", 0));
	CHECK_EQ(tree_cell(t, "/timer", "interrupts", 0), 1);
	CHECK_EQ(tree_cell(t, "/timer", "interrupts", 7), 11);
	CHECK_EQ(tree_cell(t, "/timer", "interrupts", 8), 4);
	CHECK(tree_has(t, "/timer", "always-on"));
	CHECK(!tree_has(t, "/pmu", NULL));
	has_pmu = true;
	t = tree_build(&boot);
	CHECK_EQ(tree_cell(t, "/pmu", "interrupts", 1), 7);
	end();
}

TEST(gicv2_and_v2m)
{
	struct gic *gic;
	const void *t;

	begin(3);
	gic = &board.gic;
	gic->version = 2;
	gic->cpu = (struct gic_range){ ARM64_GIC_CPU, ARM64_GIC_CPU_SIZE };
	gic->its.size = 0;
	gic->v2m = (struct gic_range){ ARM64_GIC_V2M, ARM64_GIC_V2M_SIZE };
	gic->v2m_line = 48;
	gic->v2m_lines = 64;
	t = tree_build(&boot);
	CHECK_STR(tree_string(t, GIC, "compatible"), "arm,cortex-a15-gic");
	CHECK_EQ(tree_cells(t, GIC, "reg", 4), 0x08010000);
	CHECK(!tree_has(t, ITS, NULL));
	CHECK_STR(tree_string(t, GIC "/v2m@8020000", "compatible"),
		  "arm,gic-v2m-frame");
	CHECK_EQ(tree_cell(t, GIC "/v2m@8020000", "arm,msi-base-spi", 0), 80);
	CHECK_EQ(tree_cell(t, GIC "/v2m@8020000", "arm,msi-num-spis", 0), 64);
	CHECK_EQ(tree_cell(t, "/timer", "interrupts", 2), 0x704);
	CHECK_EQ(tree_cell(t, "/pcie@3f000000", "msi-map", 1),
		 tree_cell(t, GIC "/v2m@8020000", "phandle", 0));
	end();
}

static void check_primecell(const void *t, const char *path,
			    const char *compatible, unsigned int line)
{
	const char *words = tree_string(t, path, "compatible");
	unsigned int len = tree_len(t, path, "clocks");

	CHECK_STR(words, compatible);
	CHECK_STR(words + strlen(words) + 1, "arm,primecell");
	CHECK_EQ(tree_cell(t, path, "clocks", len / 4 - 1),
		 tree_cell(t, "/apb-pclk", "phandle", 0));
	CHECK_EQ(tree_cell(t, path, "interrupts", 0), 0);
	CHECK_EQ(tree_cell(t, path, "interrupts", 1), line);
	CHECK_EQ(tree_cell(t, path, "interrupts", 2), 4);
	CHECK_EQ(tree_cells(t, path, "reg", 2), 0x1000);
}

TEST(small_devices_are_where_qemu_has_them)
{
	const void *t;

	begin(1);
	t = tree_build(&boot);
	check_primecell(t, "/serial@9000000", "arm,pl011", 1);
	CHECK_STR(tree_string(t, "/serial@9000000", "clock-names"), "uartclk");
	check_primecell(t, "/rtc@9010000", "arm,pl031", 2);
	CHECK_STR(tree_string(t, "/rtc@9010000", "clock-names"), "apb_pclk");
	check_primecell(t, "/gpio@9030000", "arm,pl061", 7);
	CHECK_EQ(tree_cell(t, "/gpio-keys/power-button", "gpios", 0),
		 tree_cell(t, "/gpio@9030000", "phandle", 0));
	CHECK_EQ(tree_cell(t, "/gpio-keys/power-button", "gpios", 1), 3);
	CHECK_EQ(tree_cell(t, "/gpio-keys/power-button", "linux,code", 0), 116);
	CHECK_STR(tree_string(t, "/exit@90f0000", "compatible"),
		  "postern,exit");
	CHECK_EQ(tree_cells(t, "/exit@90f0000", "reg", 2), 4);
	CHECK(!tree_has(t, "/exit@90f0000", "interrupts"));
	end();
}

#define PCI "/pcie@3f000000"

TEST(pci_has_its_windows)
{
	const void *t;

	begin(1);
	t = tree_build(&boot);
	CHECK_STR(tree_string(t, PCI, "compatible"), "pci-host-ecam-generic");
	CHECK_EQ(tree_cells(t, PCI, "reg", 0), 0x3f000000);
	CHECK_EQ(tree_cells(t, PCI, "reg", 2), MiB);
	CHECK_EQ(tree_cells(t, PCI, "bus-range", 0), 0);
	CHECK(tree_has(t, PCI, "dma-coherent"));
	CHECK_EQ(tree_cell(t, PCI, "ranges", 0), 0x01000000);
	CHECK_EQ(tree_cells(t, PCI, "ranges", 1), 0);
	CHECK_EQ(tree_cells(t, PCI, "ranges", 3), 0x3eff0000);
	CHECK_EQ(tree_cells(t, PCI, "ranges", 5), 0x10000);
	CHECK_EQ(tree_cell(t, PCI, "ranges", 7), 0x02000000);
	CHECK_EQ(tree_cells(t, PCI, "ranges", 8), 0x10000000);
	CHECK_EQ(tree_cells(t, PCI, "ranges", 10), 0x10000000);
	CHECK_EQ(tree_cells(t, PCI, "ranges", 12), 0x2eff0000);
	end();
}

/* Each port has a bus, and each bus its configuration space. */
TEST(pci_has_buses_for_its_ports)
{
	const void *t;

	ports = 3;
	begin(1);
	t = tree_build(&boot);
	CHECK_EQ(tree_cells(t, PCI, "reg", 2), 4 * MiB);
	CHECK_EQ(tree_cells(t, PCI, "bus-range", 0), 3);
	end();
}

/* As Linux walks it: slot 5's INTB is that of slot 1, and one line up. */
TEST(pins_are_wired_as_pci_intx_says)
{
	struct pci_dev dev = { .devfn = 0 };
	unsigned int slot, pin, at;
	const void *t;

	begin(1);
	t = tree_build(&boot);
	CHECK_EQ(tree_cell(t, PCI, "interrupt-map-mask", 0), 0x1800);
	CHECK_EQ(tree_cell(t, PCI, "interrupt-map-mask", 3), 7);
	CHECK_EQ(tree_len(t, PCI, "interrupt-map"), 16 * 40);
	dev.host = pci;
	for (slot = 0; slot < 32; slot++)
		for (pin = 1; pin <= 4; pin++) {
			dev.devfn = slot << 3;
			at = (slot % 4 * 4 + pin - 1) * 10;
			CHECK_EQ(tree_cell(t, PCI, "interrupt-map", at),
				 slot % 4 << 11);
			CHECK_EQ(tree_cell(t, PCI, "interrupt-map", at + 3),
				 pin);
			CHECK_EQ(tree_cell(t, PCI, "interrupt-map", at + 4),
				 tree_cell(t, GIC, "phandle", 0));
			CHECK_EQ(tree_cell(t, PCI, "interrupt-map", at + 8),
				 pci_intx(&dev, pin));
		}
	end();
}

TEST(every_label_leads_to_a_node_with_a_phandle)
{
	int symbols, prop, node, nr = 0;
	const char *label, *path;
	const void *t;

	begin(64);
	t = tree_build(&boot);
	symbols = tree_node(t, "/__symbols__");
	fdt_for_each_property_offset(prop, t, symbols) {
		path = fdt_getprop_by_offset(t, prop, &label, NULL);
		node = tree_node(t, path);
		test_note("%s", label);
		CHECK(fdt_get_phandle(t, node));
		CHECK_EQ(fdt_node_offset_by_phandle(t,
				fdt_get_phandle(t, node)), node);
		nr++;
	}
	CHECK(nr >= 64 + 10);
	CHECK_STR(tree_string(t, "/__symbols__", "gic"), GIC);
	CHECK_STR(tree_string(t, "/__symbols__", "pcie"), PCI);
	end();
}

/* The compiler's own checks: units, references, ranges, PCI, names. */
TEST(dtc_has_nothing_to_say)
{
	static char text[DT_MAX];
	const void *t;

	begin(4);
	has_pmu = true;
	t = tree_build(&boot);
	CHECK(tree_dtc("-I dtb -O dts", t, fdt_totalsize(t), text,
		       sizeof(text)) > 1000);
	end();
}
