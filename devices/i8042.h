/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As much of the PC's keyboard controller as is needed to reset the machine.
 */
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

struct vm;

/*
 * i8042_create - ports 0x60 and 0x64: an idle controller without keyboard or
 * mouse, whose command 0xfe resets the machine. Prints its errors.
 */
int i8042_create(struct vm *vm);

#endif
