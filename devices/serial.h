/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550A serial port. National Semiconductor PC16550D data sheet (1995).
 */
#ifndef DEVICES_SERIAL_H
#define DEVICES_SERIAL_H

#include <stdint.h>

#include "vmm/device.h"

struct console;

struct serial_config {
	const char *name;	/* "COM1" */
	enum desc_kind kind;	/* DESC_PIO or DESC_MMIO */
	uint64_t base;		/* of eight registers, a byte each */
	unsigned int irq;	/* line; edge */
	struct console *console; /* outlives the port */
};

/* serial_create - add the port to its bus and @vm's devices. Prints errors. */
int serial_create(struct vm *vm, const struct serial_config *config);

#endif
