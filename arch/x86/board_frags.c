/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM where the host has it, for devices without an IOMMU. A PC needs memory
 * below 1 MiB to start from, which is the host's own: what the guest has there
 * is elsewhere, so no device may be told of it.
 */
#include "arch/x86/board.h"
#include "arch/x86/cpuid.h"
#include "arch/x86/layout.h"
#include "devices/vfio/vfio.h"
#include "vmm/vm.h"

#define WANTED_LOW (256 * MiB)	/* for devices of 32 bits */

/* RAM between low memory and the hole, or above 4 GiB. */
static bool can_be_ram(const struct vm *vm, uint64_t pa, uint64_t size)
{
	if (pa < X86_HIGH_RAM_BASE)
		return pa >= X86_EXTENDED_RAM &&
		       pa + size <= X86_LOW_RAM_END;
	return pa + size <= BIT(cpuid_phys_bits(vm)) - GiB;
}

static int add_low(struct vm *vm, struct mem_region *low)
{
	int err = mem_ram_create(&vm->mem, X86_EXTENDED_RAM, false);

	if (err < 0)
		return err;
	*low = (struct mem_region){
		.name = "ram-low",
		.size = X86_EXTENDED_RAM,
		.hva = vm->mem.ram_hva,
		.fd = vm->mem.ram_fd,
		.flags = MEM_RAM | MEM_NO_DMA,
	};
	err = mem_add(&vm->mem, low);
	if (err < 0) {
		low->size = 0;
		mem_ram_destroy(&vm->mem);
	}
	return err;
}

int board_frags_create(struct vm *vm)
{
	const struct frags_wish wish = {
		.size = vm->cfg->memory,
		.low = WANTED_LOW,
		.usable = can_be_ram,
		.locate = vfio_locate,
	};
	struct board *board = vm->board;
	int err = add_low(vm, &board->low);

	if (err < 0)
		return err;
	err = frags_create(&board->frags, vm, &wish);
	if (err < 0) {
		mem_del(&vm->mem, &board->low);
		board->low.size = 0;
		mem_ram_destroy(&vm->mem);
	}
	return err;
}
