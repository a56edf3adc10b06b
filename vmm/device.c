/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of devices; see device.h.
 */
#include "vmm/device.h"
#include "vmm/log.h"
#include "vmm/vm.h"

void device_add(struct vm *vm, struct device *dev, const char *name,
		const struct device_ops *ops)
{
	dev->name = name;
	dev->ops = ops;
	dev->next = vm->devices;
	vm->devices = dev;
}

void device_del(struct vm *vm, struct device *dev)
{
	struct device **at = &vm->devices;

	while (*at != dev)
		at = &(*at)->next;
	*at = dev->next;
	dev->ops->destroy(dev);
}

int devices_run(struct vm *vm)
{
	struct device *dev;
	int err = 0;

	for (dev = vm->devices; dev && err >= 0; dev = dev->next)
		if (dev->ops->run)
			err = dev->ops->run(dev);
	return err;
}

void devices_reset(struct vm *vm)
{
	struct device *dev;

	for (dev = vm->devices; dev; dev = dev->next)
		if (dev->ops->reset)
			dev->ops->reset(dev);
}

void devices_destroy(struct vm *vm)
{
	struct device *dev;

	while ((dev = vm->devices)) {
		vm->devices = dev->next;
		dev->ops->destroy(dev);
	}
}
