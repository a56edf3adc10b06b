/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PL011 serial port. Arm DDI 0183, PrimeCell UART (PL011), revision r1p1.
 */
#ifndef DEVICES_PL011_H
#define DEVICES_PL011_H

#include <stdint.h>

struct vm;
struct console;

struct pl011_config {
	const char *name;	/* "UART" */
	uint64_t base;		/* of a page of registers */
	unsigned int irq;	/* line; level */
	struct console *console; /* outlives the port */
};

/* pl011_create - add the port to @vm's devices. Prints its errors. */
int pl011_create(struct vm *vm, const struct pl011_config *config);

#endif
