/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DSDT's AML: \_S5 and, below \_SB, every device that describes itself
 * with an ACPI id. ACPI 6.3, chapter 6; PCI Firmware 3.2, section 4.5 (_OSC).
 */
#ifndef ARCH_X86_DSDT_H
#define ARCH_X86_DSDT_H

#include <stdbool.h>

#include "arch/x86/aml.h"
#include "vmm/device.h"

/* dsdt_build - append it all to @aml; aml_ok() afterwards tells if it fits. */
void dsdt_build(struct vm *vm, struct aml *aml);

/* dsdt_pci_ecam - the configuration space of @vm's PCI host, if it has one. */
bool dsdt_pci_ecam(struct vm *vm, struct desc_range *ecam);

#endif
