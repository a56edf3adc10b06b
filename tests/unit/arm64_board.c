/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the arm64 board makes of the command line, over the fake kernel. The
 * machine's life, with each call failing in turn, is in arm64_machine.c.
 */
#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "arch/arm64/board.h"
#include "arch/arm64/fdt.h"
#include "arch/arm64/layout.h"
#include "arm64_tree.h"
#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/arch.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define DEV "0000:01:00.0"
#define IPA_BITS 40
#define PAGE (2 * MiB)
#define KERNEL (ARM64_RAM_BASE + ARM64_KERNEL_OFFSET)

static struct vm vm;
static struct config cfg;

static struct {
	uint32_t code[2];
	uint64_t text_offset, image_size, flags, reserved[3];
	uint32_t magic, pe_offset;
} image;

static void build(void)
{
	image.code[0] = 0x14000000;
	image.image_size = MiB;
	image.magic = 0x644d5241;
	fake_blob("/kernel", &image, sizeof(image));
	fake_file("/initrd", "an initrd");
	fake_file("/proc/meminfo", "MemTotal:       1048576 kB\n");
	fake_pci_nvme(DEV, 1);
	cfg = (struct config){
		.kernel = "/kernel", .initrd = "/initrd", .append = "words",
		.memory = 64 * MiB, .cpus = 2, .vfio = { DEV }, .nr_vfio = 1,
	};
}

static int whole_life(void)
{
	int err = vm_create(&vm, &cfg);

	if (err < 0)
		return err;
	vm_destroy(&vm);
	return 0;
}

static const void *tree(void)
{
	return mem_at(&vm.mem, vm.board->entry.x0, DT_MAX);
}

TEST(the_machine_has_what_the_tree_says)
{
	fake_begin();
	build();
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(vm.board->entry.pc, KERNEL);
	CHECK_EQ(fdt_check_full(tree(), DT_MAX), 0);
	CHECK_STR(tree_string(tree(), "/chosen", "bootargs"), "words");
	CHECK(tree_has(tree(), "/cpus/cpu@1", NULL));
	CHECK(tree_has(tree(), "/gpio-keys", NULL));
	vm_destroy(&vm);
	fake_end();
}

/* The compiler's own checks of the tree, on the map that is built in. */
TEST(dtc_has_nothing_to_say)
{
	static char text[DT_MAX];

	fake_begin();
	build();
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK(tree_dtc("-I dtb -O dts", tree(), fdt_totalsize(tree()), text,
		       sizeof(text)) > 1000);
	vm_destroy(&vm);
	fake_end();
}

TEST(memory_that_cannot_be_is_refused)
{
	fake_begin();
	build();
	fake_file("/proc/meminfo", "MemTotal:       8589934592 kB\n");
	cfg.nr_vfio = 0;
	cfg.memory = BIT(IPA_BITS) - 2 * GiB + 4096;
	capture_begin(2);
	CHECK_EQ(whole_life(), -ERANGE);
	capture_end();
	CHECK(said("--memory: more than this processor can address"));
	CHECK_EQ(fake_count("memfd"), 0);
	cfg.memory = BIT(IPA_BITS - 1);
	CHECK_EQ(whole_life(), 0);
	cfg.memory = 64 * MiB + 1;
	capture_begin(2);
	CHECK_EQ(whole_life(), -EDOM);
	capture_end();
	CHECK(said("--memory: not a multiple of the page size, 4096"));
	cfg.memory = 64 * MiB;
	fake_file("/proc/meminfo", "MemTotal:       32768 kB\n");
	capture_begin(2);
	CHECK_EQ(whole_life(), -ERANGE);
	capture_end();
	CHECK(said("--memory: 64 MiB asked for, the host has 32 MiB"));
	fake_end();
}

/* The doorbell of the host's MSIs, as SMMUs have it. */
TEST(ram_is_out_of_the_doorbells_way)
{
	fake_begin();
	build();
	fake_host()->hole_base = 0x08000000;
	fake_host()->hole_size = MiB;
	CHECK_EQ(whole_life(), 0);
	fake_host()->hole_base = ARM64_RAM_BASE + 16 * MiB;
	capture_begin(2);
	CHECK_EQ(whole_life(), -ERANGE);
	capture_end();
	CHECK(said("is not all within the device's reach: its IOMMU keeps 0x"));
	fake_end();
}

TEST(the_button_reaches_the_gpio_line)
{
	fake_begin();
	build();
	cfg.nr_vfio = 0;
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	bus_write(&vm.mmio, ARM64_GPIO_BASE + 0x40c, 8, 4);
	bus_write(&vm.mmio, ARM64_GPIO_BASE + 0x410, 8, 4);
	fake_journal_clear();
	board_power_button(&vm);
	CHECK_EQ(bus_read(&vm.mmio, ARM64_GPIO_BASE + 0x418, 4), 8);
	CHECK_EQ(fake_count("KVM_IRQ_LINE"), 1);
	vm_destroy(&vm);
	fake_end();
}

TEST(pci_ports_are_in_memory)
{
	fake_begin();
	build();
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(bus_read(&vm.mmio, ARM64_ECAM_BASE, 4), 0x0d578086);
	CHECK_EQ(bus_read(&vm.mmio, ARM64_ECAM_BASE + ARM64_ECAM_SIZE / 32, 4) & 0xffff,
		 fake_cfg_get16(fake_pci_find(DEV), 0));
	CHECK_EQ(bus_read(&vm.mmio, ARM64_PCI_IO_BASE + 0x1000, 4),
		 UINT32_MAX);
	bus_write(&vm.mmio, ARM64_PCI_IO_BASE + 0xffff, 1, 1);
	vm_destroy(&vm);
	fake_end();
}

TEST(a_dump_stops_the_machine_before_it_runs)
{
	fake_begin();
	build();
	cfg.dump_dtb = "/tree";
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(vm.state, VM_STOPPING);
	CHECK_EQ(vm.status, STATUS_OK);
	vm_destroy(&vm);
	CHECK(fake_text("/tree"));
	fake_end();
}

TEST(an_overlay_that_is_none_is_an_image_that_is_none)
{
	fake_begin();
	build();
	fake_file("/overlay", "words, and more than forty of them, all in vain");
	cfg.dtb_overlay[cfg.nr_dtb_overlay++] = "/overlay";
	capture_begin(2);
	CHECK_EQ(status_of(whole_life()), STATUS_IMAGE);
	capture_end();
	CHECK(said("overlay /overlay: not a compiled device tree"));
	cfg.dtb_overlay[0] = "/nowhere";
	capture_begin(2);
	CHECK_EQ(status_of(whole_life()), STATUS_NOFILE);
	capture_end();
	fake_end();
}

/* ---- flash -------------------------------------------------------------- */

static void begin_flash(void)
{
	fake_begin();
	build();
	if (!IS_ENABLED(CONFIG_FLASH_CFI))
		SKIP("no flash on this map");
	fake_file("/firmware", "firmware");
	fake_file("/variables", "variables");
	cfg.flash[0] = "/firmware,ro";
	cfg.flash[1] = "/variables";
	cfg.nr_flash = 2;
}

TEST(without_a_kernel_the_guest_begins_in_flash)
{
	begin_flash();
	cfg.kernel = cfg.initrd = NULL;
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(vm.board->entry.pc, ARM64_FLASH_BASE);
	CHECK_EQ(vm.board->entry.x0, 0);
	CHECK(!memcmp(fake_slot_at(ARM64_FLASH_BASE), "firmware\xff", 9));
	CHECK_EQ(fdt_check_full(mem_at(&vm.mem, ARM64_RAM_BASE, DT_MAX),
				DT_MAX), 0);
	CHECK(fake_order("KVM_CREATE_VCPU", "KVM_SET_ONE_REG", NULL));
	vm_destroy(&vm);
	fake_end();
}

/* As on QEMU's machine, but for a node for each. */
TEST(banks_are_in_the_tree)
{
	begin_flash();
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(vm.board->entry.pc, KERNEL);
	CHECK_STR(tree_string(tree(), "/flash@0", "compatible"), "cfi-flash");
	CHECK_EQ(tree_cell(tree(), "/flash@0", "bank-width", 0), 4);
	CHECK_EQ(tree_cells(tree(), "/flash@0", "reg", 0), ARM64_FLASH_BASE);
	CHECK_EQ(tree_cells(tree(), "/flash@0", "reg", 2), ARM64_FLASH_SIZE);
	CHECK_EQ(tree_cells(tree(), "/flash@4000000", "reg", 0),
		 ARM64_FLASH_BASE + ARM64_FLASH_SIZE);
	CHECK_STR(tree_string(tree(), "/__symbols__", "flash1"),
		  "/flash@4000000");
	vm_destroy(&vm);
	cfg.nr_flash = 1;
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK(tree_has(tree(), "/flash@0", NULL));
	CHECK(!tree_has(tree(), "/flash@4000000", NULL));
	vm_destroy(&vm);
	fake_end();
}

/* Whatever the guest does to it, assigned devices do not reach it. */
TEST(flash_is_not_for_dma)
{
	begin_flash();
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK(fake_dma_at(ARM64_RAM_BASE));
	CHECK(!fake_dma_at(ARM64_FLASH_BASE));
	bus_write(&vm.mmio, ARM64_FLASH_BASE + ARM64_FLASH_SIZE, 0x70, 4);
	CHECK(!fake_slot_at(ARM64_FLASH_BASE + ARM64_FLASH_SIZE));
	bus_write(&vm.mmio, ARM64_FLASH_BASE + ARM64_FLASH_SIZE, 0xff, 4);
	CHECK(fake_slot_at(ARM64_FLASH_BASE + ARM64_FLASH_SIZE));
	CHECK(!fake_dma_at(ARM64_FLASH_BASE + ARM64_FLASH_SIZE));
	vm_destroy(&vm);
	fake_end();
}

TEST(a_bank_that_is_not_there_takes_back_the_one_before)
{
	begin_flash();
	cfg.flash[1] = "/nowhere";
	capture_begin(2);
	CHECK_EQ(status_of(whole_life()), STATUS_NOFILE);
	capture_end();
	CHECK_EQ(said_lines(), 1);
	fake_end();
}

/* ---- without an IOMMU --------------------------------------------------- */

static uint64_t pool[64];
static unsigned int nr_pool;

static void pages(unsigned int nr, uint64_t pa)
{
	for (; nr--; pa += PAGE)
		pool[nr_pool++] = pa;
	fake_huge_pages(pool, nr_pool);
}

static void begin_in_place(void)
{
	fake_begin();
	build();
	nr_pool = 0;
	fake_host()->unsafe_noiommu = true;
	fake_pci("0000:02:00.0", 0x1af4, 1, 0x010802, -1, "vfio-pci");
	cfg.vfio[0] = "0000:02:00.0";
	cfg.noiommu = NOIOMMU_ON;
	cfg.memory = 16 * PAGE;
}

TEST(ram_in_pieces_is_where_it_is_in_the_host)
{
	begin_in_place();
	pages(8, 64 * MiB);		/* where the guest has devices */
	pages(8, 2 * GiB);
	pages(8, 6 * GiB);
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(fake_phys(mem_at(&vm.mem, 2 * GiB, PAGE)), 2 * GiB);
	CHECK_EQ(vm.board->entry.pc, 2 * GiB);
	CHECK_EQ(tree_cells(tree(), "/memory@80000000", "reg", 2), 8 * PAGE);
	CHECK_EQ(tree_cells(tree(), "/memory@180000000", "reg", 2), 8 * PAGE);
	CHECK(!tree_has(tree(), "/memory@40000000", NULL));
	vm_destroy(&vm);
	CHECK_EQ(fake_huge_free(), 24);
	fake_end();
}

TEST(a_piece_that_kvm_refuses_takes_back_those_before)
{
	begin_in_place();
	pages(8, 2 * GiB);
	pages(8, 4 * GiB);
	fake_fail_call("guest_phys_addr=0x100000000 ", EINVAL);
	capture_begin(2);
	CHECK_EQ(vm_create(&vm, &cfg), -EINVAL);
	capture_end();
	CHECK(fake_failed());
	CHECK_EQ(fake_slots(), 0);
	CHECK_EQ(fake_fds(), 0);
	CHECK_EQ(fake_huge_free(), 16);
	fake_end();
}

TEST(firmware_wants_ram_where_it_knows_it)
{
	begin_in_place();
	if (!IS_ENABLED(CONFIG_FLASH_CFI))
		SKIP("no flash on this map");
	pages(16, 2 * GiB);
	fake_file("/firmware", "firmware");
	cfg.kernel = cfg.initrd = NULL;
	cfg.flash[cfg.nr_flash++] = "/firmware";
	capture_begin(2);
	CHECK_EQ(whole_life(), -ERANGE);
	capture_end();
	CHECK(said("flash: firmware wants the device tree at 0x40000000, where no RAM is"));
	fake_end();
}
