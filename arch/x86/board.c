/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The x86 machine, written down: q35-like and small. The memory map and the
 * port numbers are in layout.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arch/x86/acpi.h"
#include "arch/x86/board.h"
#include "arch/x86/cpuid.h"
#include "arch/x86/layout.h"
#include "arch/x86/pm.h"
#include "devices/debugexit.h"
#include "devices/i8042.h"
#include "devices/hotplug.h"
#include "devices/pci/pci.h"
#include "devices/rtc.h"
#include "devices/serial.h"
#include "devices/vfio/vfio.h"
#include "devices/virtio/create.h"
#include "vmm/arch.h"
#include "vmm/console.h"
#include "vmm/vm.h"

int board_check_memory(const struct vm *vm)
{
	return mem_check_size(vm->cfg->memory,
			      BIT(cpuid_phys_bits(vm)) - GiB);
}

/* Where the host has it nobody knows before it was asked for it. */
unsigned int board_ram(const struct config *cfg, struct mem_region *ram)
{
	bool in_place = config_noiommu(cfg) == NOIOMMU_ON;
	uint64_t low = in_place ? 0 : MIN(cfg->memory, X86_LOW_RAM_END);

	ram[0] = (struct mem_region){ .name = "ram-low", .size = low };
	ram[1] = (struct mem_region){
		.name = "ram-high",
		.gpa = X86_HIGH_RAM_BASE,
		.size = in_place ? 0 : cfg->memory - low,
	};
	return in_place ? 0 : ram[1].size ? 2 : 1;
}

static int add_ram(struct vm *vm, struct mem_region *r,
		   const struct mem_region *where, uint64_t offset)
{
	*r = (struct mem_region){
		.name = where->name,
		.gpa = where->gpa,
		.size = where->size,
		.hva = (char *)vm->mem.ram_hva + offset,
		.fd = vm->mem.ram_fd,
		.fd_offset = offset,
		.flags = MEM_RAM | (vm->cfg->hugepages ? MEM_HUGETLB : 0),
	};
	return mem_add(&vm->mem, r);
}

static void destroy_ram(struct vm *vm)
{
	struct board *board = vm->board;

	frags_destroy(&board->frags, vm);
	if (board->high.size)
		mem_del(&vm->mem, &board->high);
	if (board->low.size)
		mem_del(&vm->mem, &board->low);
	mem_ram_destroy(&vm->mem);
}

static int create_ram(struct vm *vm)
{
	struct mem_region ram[BOARD_RAM_MAX];
	struct board *board = vm->board;
	unsigned int nr = board_ram(vm->cfg, ram);
	int err;

	err = board_check_memory(vm);
	if (err < 0)
		return err;
	if (config_noiommu(vm->cfg) == NOIOMMU_ON)
		return board_frags_create(vm);
	err = mem_ram_create(&vm->mem, vm->cfg->memory, vm->cfg->hugepages);
	if (err < 0)
		return err;
	err = add_ram(vm, &board->low, &ram[0], 0);
	if (err < 0) {
		board->low.size = 0;
		goto destroy;
	}
	if (nr == 1)
		return 0;
	err = add_ram(vm, &board->high, &ram[1], ram[0].size);
	if (err < 0) {
		board->high.size = 0;
		goto destroy;
	}
	return 0;

destroy:
	destroy_ram(vm);
	return err;
}

void board_pci(const struct vm *vm, struct pci_layout *layout)
{
	struct mem_region ram[BOARD_RAM_MAX];

	board_ram(vm->cfg, ram);
	*layout = (struct pci_layout){
		.ecam = X86_ECAM_BASE,
		.ports = config_ports(vm->cfg),
		.cf8 = true,
		.io_base = X86_PCI_IO_BASE,
		.io_size = X86_PCI_IO_SIZE,
		.mem32_base = X86_MEM32_BASE,
		.mem32_size = X86_MEM32_SIZE,
		.mem64_min = ALIGN_UP(MAX(ram[1].gpa + ram[1].size,
					  frags_end(&vm->board->frags)), GiB),
		.mem64_max = BIT(cpuid_phys_bits(vm)),
		.intx_first = X86_PCI_IRQ,
		.intx_nr = X86_IRQ_PINS - X86_PCI_IRQ,
	};
}

static int create_pci(struct vm *vm)
{
	struct pci_layout layout;
	int err;

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

static int create_serial(struct vm *vm)
{
	struct serial_config com1 = {
		.name = "COM1",
		.kind = DESC_PIO,
		.base = X86_COM1_PORT,
		.irq = X86_COM1_IRQ,
		.console = vm->board->console,
	};

	return serial_create(vm, &com1);
}

/* The parts list. */
static int create_devices(struct vm *vm)
{
	int err = pm_create(vm, &vm->board->pm);

	if (!err)
		err = i8042_create(vm);
	if (!err && IS_ENABLED(CONFIG_RTC_CMOS))
		err = rtc_create(vm, X86_RTC_PORT);
	if (!err && IS_ENABLED(CONFIG_SERIAL_8250))
		err = create_serial(vm);
	if (!err && IS_ENABLED(CONFIG_DEBUGEXIT))
		err = debugexit_create(vm, DESC_PIO, X86_EXIT_PORT);
	if (!err && IS_ENABLED(CONFIG_PCI))
		err = create_pci(vm);
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
}

/*
 * A guest reset finds RAM as the guest left it, as on real hardware; only the
 * memory below 1 MiB, which firmware would have set up anew, is cleared.
 */
int board_load(struct vm *vm)
{
	struct board *board = vm->board;
	uint64_t rsdp = 0;
	int err;

	memset(mem_at(&vm->mem, 0, X86_EXTENDED_RAM), 0, X86_EXTENDED_RAM);
	err = acpi_build(vm, X86_ACPI_BASE, X86_ACPI_SIZE, &rsdp);
	if (err < 0)
		return err;
	return boot_load(vm, &board->files, rsdp, &board->entry);
}

void board_power_button(struct vm *vm)
{
	pm_power_button(vm->board->pm);
}
