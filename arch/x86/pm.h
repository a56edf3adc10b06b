/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI fixed hardware: PM1 event and control registers, the power management
 * timer, the power button, and the reset register. ACPI 6.3, section 4.8.
 */
#ifndef ARCH_X86_PM_H
#define ARCH_X86_PM_H

#include <stdint.h>

struct vm;
struct pm;

/* Registers, by offset from X86_PM_PORT; FADT in acpi.c says the same. */
#define PM1_STS		0	/* 2 bytes, write 1 to clear */
#define PM1_EN		2	/* 2 bytes */
#define PM1_CNT		4	/* 2 bytes */
#define PM_TMR		8	/* 4 bytes, 3.579545 MHz, 32 bits */
#define PM_RESET	12	/* 1 byte: PM_RESET_VALUE resets */
#define PM_SIZE		16

#define PM_RESET_VALUE	0x06
#define PM_SLP_TYP_S5	5	/* of \_S5 in DSDT */

/*
 * pm_create - the registers at X86_PM_PORT, the SCI at X86_SCI_IRQ. Always in
 * ACPI mode (SCI_EN stays set, there is no SMI). The timer's overflow sets no
 * status bit. Prints its errors.
 */
int pm_create(struct vm *vm, struct pm **pm);

/*
 * pm_power_button - the button is pressed: PWRBTN_STS, and SCI if the guest
 * has enabled it, now or later. Any thread.
 */
void pm_power_button(struct pm *pm);

#endif
