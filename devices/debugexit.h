/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exit device: a port by which a guest ends its machine with a verdict.
 */
#ifndef DEVICES_DEBUGEXIT_H
#define DEVICES_DEBUGEXIT_H

#include <stdint.h>

struct vm;

/*
 * debugexit_create - a write of n to port @port ends the VM with exit status
 * n. More than 63 counts as 63, so that no guest can imitate the statuses that
 * mean something else (vmm/status.h). Reads give 0. Prints its errors.
 */
int debugexit_create(struct vm *vm, uint64_t port);

#endif
