/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The x86 board's own state; private to arch/x86.
 */
#ifndef ARCH_X86_BOARD_H
#define ARCH_X86_BOARD_H

#include <errno.h>
#include <linux/kvm.h>

#include "arch/x86/boot.h"
#include "vmm/frags.h"
#include "vmm/mem.h"

/* The in-kernel interrupt controllers as they were at power-on. */
struct irqchips {
	struct kvm_irqchip chip[3];	/* PIC master, PIC slave, IOAPIC */
	struct kvm_pit_state2 pit;
};

/*
 * tsc_use_current - give the VM, or the vCPU, behind @fd the host's TSC
 * frequency as it is known now.
 *
 * By default KVM gives vCPUs the frequency that was known when its module was
 * loaded. Where the kernel has refined it since and the processor cannot scale
 * TSCs, KVM is left with a scaling ratio of 0, and the guest's timers fire as
 * late as the host has been up. The VM is told for the sake of the TSC's
 * offset, each vCPU in case the kernel refines it in between. A kernel before
 * 5.16 has no such call for a VM.
 */
void tsc_use_current(int fd);

struct board {
	struct mem_region low;		/* from 0 to the 32-bit hole */
	struct mem_region high;		/* from 4 GiB; size 0: none */
	struct frags frags;		/* with --noiommu, instead of both */
	struct irqchips chips;
	struct kvm_cpuid2 *cpuid;	/* what KVM supports */
	struct boot_files files;
	struct boot_entry entry;	/* of vCPU 0, from board_load() */
	struct console *console;
	struct pci_host *pci;
	struct pm *pm;
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
