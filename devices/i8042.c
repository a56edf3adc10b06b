/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reset line of the keyboard controller; see i8042.h. Status always reads
 * as "nothing to read, ready for a command", so that who waits for either
 * does not wait for long. It is in no table: Linux then does not probe it,
 * but still resets through it (reboot=k).
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/i8042.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define DATA_PORT	0x60
#define COMMAND_PORT	0x64
#define COMMAND_RESET	0xfe

struct i8042 {
	struct device dev;
	struct vm *vm;
};

static uint64_t i8042_read(void *owner, uint64_t offset, unsigned int len)
{
	return 0;
}

static void command_write(void *owner, uint64_t offset, uint64_t value,
			  unsigned int len)
{
	struct i8042 *i = owner;

	if (value == COMMAND_RESET)
		vm_reset(i->vm);
}

static const struct bus_ops data_ops = { .read = i8042_read };
static const struct bus_ops command_ops = {
	.read = i8042_read,
	.write = command_write,
};

static void i8042_destroy(struct device *dev);

static const struct device_ops i8042_ops = {
	.destroy = i8042_destroy,
};

int i8042_create(struct vm *vm)
{
	struct i8042 *i = calloc(1, sizeof(*i));
	int err = -ENOMEM;

	if (!i)
		goto report;
	i->vm = vm;
	err = bus_add(&vm->pio, "i8042 data", DATA_PORT, 1, &data_ops, i);
	if (err < 0)
		goto free_i8042;
	err = bus_add(&vm->pio, "i8042", COMMAND_PORT, 1, &command_ops, i);
	if (err < 0)
		goto free_i8042;
	device_add(vm, &i->dev, "i8042", &i8042_ops);
	return 0;

free_i8042:
	free(i);
report:
	log_err("i8042: cannot be set up: %s", err_text(err));
	return err;
}

static void i8042_destroy(struct device *dev)
{
	free(container_of(dev, struct i8042, dev));
}
