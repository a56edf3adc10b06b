/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arm64 board's own state; private to arch/arm64.
 */
#ifndef ARCH_ARM64_BOARD_H
#define ARCH_ARM64_BOARD_H

#include <errno.h>

#include "arch/arm64/boot.h"
#include "arch/arm64/gic.h"
#include "vmm/frags.h"
#include "vmm/mem.h"

struct board {
	uint32_t features;		/* of vCPUs, as KVM_ARM_VCPU_INIT has them */
	struct gic gic;			/* from arch_vm_create() on */
	struct mem_region ram;		/* all of it; size 0: none */
	struct frags frags;		/* with --noiommu, instead */
	struct boot_files files;
	struct boot_entry entry;	/* of vCPU 0, from board_load() */
	void *tree;			/* the device tree, likewise */
	struct console *console;
	struct pci_host *pci;
	struct pl061 *gpio;		/* with the power button, or NULL */
};

/* board_frags_create - all of RAM, where the host has it. Prints its errors. */
#if IS_ENABLED(CONFIG_VFIO_NOIOMMU)
int board_frags_create(struct vm *vm);
#else
static inline int board_frags_create(struct vm *vm)
{
	(void)vm;
	return -ENOSYS;
}
#endif

#endif
