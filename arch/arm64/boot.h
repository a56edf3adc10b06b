/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From files to an entry point: Linux's arm64 boot protocol (Linux:
 * Documentation/arch/arm64/booting.rst), or, without a kernel, what firmware
 * finds on QEMU's machine `virt` (QEMU: docs/system/arm/virt.rst).
 */
#ifndef ARCH_ARM64_BOOT_H
#define ARCH_ARM64_BOOT_H

#include <stdint.h>

#include "vmm/boot.h"

struct vm;

/* How the first vCPU enters the guest, at EL1 with the MMU off. */
struct boot_entry {
	uint64_t pc;
	uint64_t x0;		/* address of the device tree, or 0; x1 to x3 are 0 */
};

/*
 * boot_load - place kernel, initrd and device tree into RAM and fill @entry.
 * Without a kernel, the guest begins where flash does, and has the tree where
 * RAM does. -ENOEXEC for an image that is not usable. Prints its errors.
 */
int boot_load(struct vm *vm, const struct boot_files *files,
	      struct boot_entry *entry);

#endif
