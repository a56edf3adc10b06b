/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every emulated or assigned device is to the core: something that can
 * be reset, taken down, and described in neutral words.
 *
 * A device embeds struct device. Its constructor does all that can fail and
 * calls device_add() last, so nothing half-built is ever seen. Teardown and
 * reset walk the list newest first.
 */
#ifndef VMM_DEVICE_H
#define VMM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/util.h"

struct vm;
struct device;

enum desc_kind {
	DESC_MMIO,	/* registers in memory space */
	DESC_PIO,	/* registers in port space */
	DESC_MMIO_WINDOW, /* memory space that a bridge passes on */
	DESC_PIO_WINDOW, /* port space that a bridge passes on */
};

struct desc_range {
	enum desc_kind kind;
	uint64_t base;
	uint64_t size;
	bool prefetch;	/* of a window */
};

#define DESC_RANGES 6

/*
 * A device in words that belong to no architecture: arch/x86/acpi.c makes
 * tables of them, arch/arm64/fdt.c tree nodes.
 */
struct desc {
	const char *name;	/* in ACPI four letters at most: "COM1" */
	const char *compatible;	/* device tree, or NULL */
	const char *acpi_hid;	/* "PNP0501", or NULL: not in the tables */
	const char *acpi_cid;
	struct desc_range ranges[DESC_RANGES];
	unsigned int nr_ranges;
	int irq;		/* line, or -1 */
	bool irq_level;		/* else edge */
	bool primecell;		/* one of Arm's: says itself what it is */
	uint32_t clock_hz;	/* of the clock that it counts by, 0: none */
	unsigned int index;	/* among those of its name */
	unsigned int bank_width; /* of flash, in bytes; 0: it is none */
	/* Of a GPIO controller: its lines, and which is the power button. */
	unsigned int gpios;
	unsigned int power_gpio;
	/*
	 * Of a PCI bridge: pin p (0: INTA) of slot s is line
	 * intx_first + (s + p) % intx_nr, level. 0 as intx_nr: not wired.
	 */
	unsigned int intx_first;
	unsigned int intx_nr;
	unsigned int last_bus;	/* beyond bus 0: devices come and go there */
};

struct device_ops {
	/* back to power-on state; vCPUs are stopped. May be NULL. */
	void (*reset)(struct device *dev);
	/* undo create; vCPUs are stopped for good. */
	void (*destroy)(struct device *dev);
	/*
	 * The vCPUs are to run, for the first time, and the sandbox is closed
	 * behind the main thread: threads of the device's own may start now.
	 * Prints its errors. May be NULL.
	 */
	int (*run)(struct device *dev);
	/* fill @desc, which comes zeroed with irq -1. May be NULL. */
	void (*describe)(const struct device *dev, struct desc *desc);
#if IS_ENABLED(CONFIG_LIBFDT)
	/*
	 * The guest is about to start, for the first time or after a reset:
	 * interrupts can be wired from now on. The first time, what no words
	 * of struct desc can say is added to the device tree @fdt, which has
	 * all else; it stays, so later @fdt is NULL. Prints its errors. May be
	 * NULL.
	 */
	int (*start)(struct device *dev, void *fdt);
#endif
};

struct device {
	const char *name;
	const struct device_ops *ops;
	struct device *next;	/* the one added before */
};

/* device_add - publish @dev; its constructor's last act. */
void device_add(struct vm *vm, struct device *dev, const char *name,
		const struct device_ops *ops);
/* device_del - take @dev off the list and destroy it. */
void device_del(struct vm *vm, struct device *dev);
/* devices_run - let all run; the first error. */
int devices_run(struct vm *vm);
/* devices_reset, devices_destroy - walk the list, newest first. */
void devices_reset(struct vm *vm);
void devices_destroy(struct vm *vm);

#endif
