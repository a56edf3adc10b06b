/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PL031 real-time clock. Arm DDI 0224, PrimeCell Real Time Clock (PL031).
 */
#ifndef DEVICES_PL031_H
#define DEVICES_PL031_H

#include <stdint.h>

struct vm;

/*
 * pl031_create - a page of registers at @base; line @irq, level, is raised
 * when the clock reaches the match register, once that was written. The clock
 * starts with the host's seconds since 1970; what the guest sets stays until
 * the VM ends, across guest resets. Prints its errors.
 */
int pl031_create(struct vm *vm, uint64_t base, unsigned int irq);

#endif
