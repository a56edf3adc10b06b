/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arm64 machine, written down: small, and with the memory map of one that
 * guests know. Addresses and lines are in layout.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "arch/arm64/board.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/vcpu.h"
#include "devices/debugexit.h"
#include "devices/flash.h"
#include "devices/hotplug.h"
#include "devices/pci/pci.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/serial.h"
#include "devices/vfio/vfio.h"
#include "devices/virtio/create.h"
#include "vmm/arch.h"
#include "vmm/console.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define PCI_IO_MIN 0x1000	/* below, Linux gives no addresses to devices */

/* A GiB at the end is for BARs. */
int board_check_memory(const struct vm *vm)
{
	return mem_check_size(vm->cfg->memory, BIT(vm_ipa_bits(vm)) -
			      ARM64_RAM_BASE - GiB);
}

/* Where the host has it nobody knows before it was asked for it. */
unsigned int board_ram(const struct config *cfg, struct mem_region *ram)
{
	bool in_place = config_noiommu(cfg) == NOIOMMU_ON;

	ram[0] = (struct mem_region){
		.name = "ram",
		.gpa = ARM64_RAM_BASE,
		.size = in_place ? 0 : cfg->memory,
	};
	ram[1] = (struct mem_region){ .name = NULL };
	return in_place ? 0 : 1;
}

static void destroy_ram(struct vm *vm)
{
	struct board *board = vm->board;

	frags_destroy(&board->frags, vm);
	if (!board->ram.size)
		return;
	mem_del(&vm->mem, &board->ram);
	mem_ram_destroy(&vm->mem);
}

static int create_ram(struct vm *vm)
{
	struct mem_region ram[BOARD_RAM_MAX], *r = &vm->board->ram;
	int err;

	err = board_check_memory(vm);
	if (err < 0)
		return err;
	if (!board_ram(vm->cfg, ram))
		return board_frags_create(vm);
	err = mem_ram_create(&vm->mem, vm->cfg->memory, vm->cfg->hugepages);
	if (err < 0)
		return err;
	*r = ram[0];
	r->hva = vm->mem.ram_hva;
	r->fd = vm->mem.ram_fd;
	r->flags = MEM_RAM | (vm->cfg->hugepages ? MEM_HUGETLB : 0);
	err = mem_add(&vm->mem, r);
	if (err < 0) {
		r->size = 0;
		mem_ram_destroy(&vm->mem);
	}
	return err;
}

void board_pci(const struct vm *vm, struct pci_layout *layout)
{
	struct mem_region ram[BOARD_RAM_MAX];

	board_ram(vm->cfg, ram);
	*layout = (struct pci_layout){
		.ecam = ARM64_ECAM_BASE,
		.ports = config_ports(vm->cfg),
		.cam = IS_ENABLED(CONFIG_PCI_CAM),
		.io_base = PCI_IO_MIN,
		.io_size = ARM64_PCI_IO_SIZE ? ARM64_PCI_IO_SIZE - PCI_IO_MIN
					     : 0,
		.mem32_base = ARM64_MEM32_BASE,
		.mem32_size = ARM64_MEM32_SIZE,
		.mem64_min = ALIGN_UP(MAX(ram[0].gpa + ram[0].size,
					  frags_end(&vm->board->frags)), GiB),
		.mem64_max = BIT(vm_ipa_bits(vm)),
		.intx_first = ARM64_PCI_LINE,
		.intx_nr = ARM64_PCI_LINES,
	};
}

/* PCI's ports are in memory space. */
static uint64_t ports_read(void *owner, uint64_t offset, unsigned int len)
{
	struct vm *vm = owner;

	return bus_read(&vm->pio, offset, len);
}

static void ports_write(void *owner, uint64_t offset, uint64_t value,
			unsigned int len)
{
	struct vm *vm = owner;

	bus_write(&vm->pio, offset, value, len);
}

static const struct bus_ops ports_ops = { ports_read, ports_write };

static int create_ports(struct vm *vm)
{
	int err;

	if (!ARM64_PCI_IO_SIZE)
		return 0;
	err = bus_add(&vm->mmio, "pci ports", ARM64_PCI_IO_BASE,
		      ARM64_PCI_IO_SIZE, &ports_ops, vm);
	if (err < 0)
		log_err("pci: cannot claim its ports: %s", err_text(err));
	return err;
}

static int create_pci(struct vm *vm)
{
	struct pci_layout layout;
	int err = create_ports(vm);

	if (err < 0)
		return err;
	board_pci(vm, &layout);
	err = pci_host_create(vm, &layout, &vm->board->pci);
	if (!err)
		err = vfio_pci_create_all(vm, vm->board->pci);
	if (!err)
		err = virtio_create_all(vm, vm->board->pci);
	if (!err)
		err = hotplug_create(vm, vm->board->pci);
	return err ? err : pci_host_assign(vm->board->pci);
}

static int create_pl011(struct vm *vm)
{
	struct pl011_config uart = {
		.name = "serial",
		.base = ARM64_UART_BASE,
		.irq = ARM64_UART_LINE,
		.console = vm->board->console,
	};

	return pl011_create(vm, &uart);
}

static int create_8250(struct vm *vm)
{
	struct serial_config uart = {
		.name = "serial",
		.kind = DESC_MMIO,
		.base = ARM64_UART_BASE,
		.irq = ARM64_UART_LINE,
		.console = vm->board->console,
	};

	return serial_create(vm, &uart);
}

static int create_flash(struct vm *vm)
{
	struct flash_config flash = {
		.base = ARM64_FLASH_BASE,
		.size = ARM64_FLASH_SIZE,
	};
	int err = 0;

	for (; flash.index < vm->cfg->nr_flash && !err; flash.index++) {
		flash.spec = vm->cfg->flash[flash.index];
		err = flash_create(vm, &flash);
		flash.base += flash.size;
	}
	return err;
}

static int create_platform(struct vm *vm)
{
	static const struct platform_layout layout = {
		.base = ARM64_PLATFORM_BASE,
		.size = ARM64_PLATFORM_SIZE,
		.line = ARM64_PLATFORM_LINE,
		.nr_lines = ARM64_PLATFORM_LINES,
	};

	return vfio_platform_create_all(vm, &layout);
}

/* The parts list. */
static int create_devices(struct vm *vm)
{
	int err = 0;

	if (IS_ENABLED(CONFIG_FLASH_CFI))
		err = create_flash(vm);
	if (!err && IS_ENABLED(CONFIG_SERIAL_PL011))
		err = create_pl011(vm);
	if (!err && IS_ENABLED(CONFIG_SERIAL_8250))
		err = create_8250(vm);
	if (!err && IS_ENABLED(CONFIG_RTC_PL031))
		err = pl031_create(vm, ARM64_RTC_BASE, ARM64_RTC_LINE);
	if (!err && IS_ENABLED(CONFIG_GPIO_PL061))
		err = pl061_create(vm, ARM64_GPIO_BASE, ARM64_GPIO_LINE,
				   ARM64_POWER_PIN, &vm->board->gpio);
	if (!err && IS_ENABLED(CONFIG_DEBUGEXIT))
		err = debugexit_create(vm, DESC_MMIO, ARM64_EXIT_BASE);
	if (!err && IS_ENABLED(CONFIG_PCI))
		err = create_pci(vm);
	if (!err && IS_ENABLED(CONFIG_VFIO_PLATFORM))
		err = create_platform(vm);
	return err;
}

int board_create(struct vm *vm)
{
	bool stdio = !virtio_has_stdio(vm->cfg);
	struct board *board = vm->board;
	int err;

	err = boot_files_open(vm, &board->files);
	if (err < 0)
		return err;
	err = create_ram(vm);
	if (err < 0)
		goto close_files;
	err = console_create(vm, stdio ? STDIN_FILENO : -1,
			     stdio ? STDOUT_FILENO : -1, &board->console);
	if (err < 0)
		goto destroy_ram;
	err = create_devices(vm);
	if (err < 0)
		goto destroy_devices;
	return 0;

destroy_devices:
	devices_destroy(vm);
	console_destroy(board->console);
destroy_ram:
	destroy_ram(vm);
close_files:
	boot_files_close(&board->files);
	return err;
}

void board_destroy(struct vm *vm)
{
	struct board *board = vm->board;

	devices_destroy(vm);
	console_destroy(board->console);
	destroy_ram(vm);
	boot_files_close(&board->files);
	free(board->tree);
	board->tree = NULL;
}

/* A guest reset finds RAM as the guest left it, as on real hardware. */
int board_load(struct vm *vm)
{
	struct board *board = vm->board;

	return boot_load(vm, &board->files, &board->entry);
}

void board_power_button(struct vm *vm)
{
	if (IS_ENABLED(CONFIG_GPIO_PL061) && vm->board->gpio)
		pl061_power_button(vm->board->gpio);
}
