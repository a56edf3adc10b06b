/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM where the host has it, for devices without an IOMMU: anywhere above what
 * the board has of its own.
 */
#include "arch/arm64/board.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/vcpu.h"
#include "devices/vfio/vfio.h"
#include "vmm/vm.h"

#define WANTED_LOW (256 * MiB)	/* for devices of 32 bits */

static bool can_be_ram(const struct vm *vm, uint64_t pa, uint64_t size)
{
	return pa >= ARM64_RAM_BASE && pa + size <= BIT(vm_ipa_bits(vm)) - GiB;
}

int board_frags_create(struct vm *vm)
{
	const struct frags_wish wish = {
		.size = vm->cfg->memory,
		.low = WANTED_LOW,
		.usable = can_be_ram,
		.locate = vfio_locate,
	};

	return frags_create(&vm->board->frags, vm, &wish);
}
