/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PL061, eight lines of general-purpose input and output, of which one is
 * the power button. Arm DDI 0190, PrimeCell GPIO (PL061).
 */
#ifndef DEVICES_PL061_H
#define DEVICES_PL061_H

#include <stdint.h>

struct vm;
struct pl061;

/*
 * pl061_create - a page of registers at @base, line @irq, level. All inputs
 * are low; that of @button goes high while the power button is down. Prints
 * its errors.
 */
int pl061_create(struct vm *vm, uint64_t base, unsigned int irq,
		 unsigned int button, struct pl061 **pl061);

/*
 * pl061_power_button - press it; it is let go a tenth of a second later. A
 * press before the guest listens is not remembered. From the main thread.
 */
void pl061_power_button(struct pl061 *pl061);

#endif
