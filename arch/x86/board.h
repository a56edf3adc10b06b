/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The x86 board's own state; private to arch/x86.
 */
#ifndef ARCH_X86_BOARD_H
#define ARCH_X86_BOARD_H

#include <linux/kvm.h>

#include "arch/x86/boot.h"
#include "vmm/mem.h"

/* The in-kernel interrupt controllers as they were at power-on. */
struct irqchips {
	struct kvm_irqchip chip[3];	/* PIC master, PIC slave, IOAPIC */
	struct kvm_pit_state2 pit;
};

struct board {
	struct mem_region low;		/* from 0 to the 32-bit hole */
	struct mem_region high;		/* from 4 GiB; size 0: none */
	struct irqchips chips;
	struct boot_files files;
	struct boot_entry entry;	/* of vCPU 0, from board_load() */
	struct console *console;
	struct pci_host *pci;
	struct pm *pm;
};

#endif
