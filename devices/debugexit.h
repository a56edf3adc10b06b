/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exit device: a port, or as much of memory space, by which a guest ends
 * its machine with a verdict. In a device tree its node is compatible with
 * "postern,exit", and its reg says where it is.
 */
#ifndef DEVICES_DEBUGEXIT_H
#define DEVICES_DEBUGEXIT_H

#include <stdint.h>

#include "vmm/device.h"

struct vm;

/*
 * debugexit_create - a write of n to @base, four bytes in the space that
 * @kind says (DESC_PIO, DESC_MMIO), ends the VM with exit status n. More than
 * 63 counts as 63, so that no guest can imitate the statuses that mean
 * something else (vmm/status.h). Reads give 0. Prints its errors.
 */
int debugexit_create(struct vm *vm, enum desc_kind kind, uint64_t base);

#endif
