/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables of the x86 board, made from the descriptions of the VM's
 * devices. ACPI 6.3, chapters 5 and 6; PCI Firmware 3.2, section 4.1 (MCFG)
 * and 4.5 (_OSC).
 */
#ifndef ARCH_X86_ACPI_H
#define ARCH_X86_ACPI_H

#include <stdint.h>

struct vm;

/*
 * acpi_build - place RSDP, XSDT, FADT, FACS, MADT, MCFG (with a PCI host) and
 * DSDT into guest RAM at [@base, @base + @size), RSDP first; @base is 64-byte
 * aligned. After all devices have been added. The MADT lists vm->cfg->cpus
 * processors whose APIC ids count from 0, and says that ISA interrupt 0 is
 * GSI 2. *@rsdp is RSDP's address, for the boot protocol. -ENOSPC where the
 * tables don't fit, -EFAULT where there is no RAM. Prints its errors.
 */
int acpi_build(struct vm *vm, uint64_t base, uint64_t size, uint64_t *rsdp);

#endif
