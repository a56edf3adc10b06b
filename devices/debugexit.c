/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exit device; see debugexit.h. It is as small as a device can be: to
 * write a new one, start from a copy of this file.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/debugexit.h"
#include "vmm/log.h"
#include "vmm/vm.h"

/* So that a guest may write 8, 16 or 32 bits. */
#define EXIT_SIZE 4

struct debugexit {
	struct device dev;
	struct vm *vm;
	struct desc_range where;
};

static uint64_t debugexit_read(void *owner, uint64_t offset, unsigned int len)
{
	return 0;
}

static void debugexit_write(void *owner, uint64_t offset, uint64_t value,
			    unsigned int len)
{
	struct debugexit *d = owner;

	vm_stop(d->vm, MIN(value, STATUS_GUEST_MAX));
}

static const struct bus_ops debugexit_bus_ops = {
	.read = debugexit_read,
	.write = debugexit_write,
};

/* Of use in a device tree only: ACPI has no name for such a thing. */
static void debugexit_describe(const struct device *dev, struct desc *desc)
{
	const struct debugexit *d = container_of(dev, struct debugexit, dev);

	desc->name = "exit";
	desc->compatible = "postern,exit";
	desc->ranges[desc->nr_ranges++] = d->where;
}

static void debugexit_destroy(struct device *dev);

/* It has no state to reset. */
static const struct device_ops debugexit_ops = {
	.destroy = debugexit_destroy,
	.describe = debugexit_describe,
};

int debugexit_create(struct vm *vm, enum desc_kind kind, uint64_t base)
{
	struct bus *bus = kind == DESC_PIO ? &vm->pio : &vm->mmio;
	struct debugexit *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	if (!d)
		goto report;
	d->vm = vm;
	d->where = (struct desc_range){ kind, base, EXIT_SIZE, false };
	err = bus_add(bus, "exit", base, EXIT_SIZE, &debugexit_bus_ops, d);
	if (err < 0)
		goto free_debugexit;
	device_add(vm, &d->dev, "exit", &debugexit_ops);
	return 0;

free_debugexit:
	free(d);
report:
	log_err("exit device: cannot be set up: %s", err_text(err));
	return err;
}

static void debugexit_destroy(struct device *dev)
{
	free(container_of(dev, struct debugexit, dev));
}
