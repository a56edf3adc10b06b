/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest says when it panics: QEMU's device of that name on PCI,
 * docs/specs/pvpanic.rst there. Linux: drivers/misc/pvpanic/pvpanic-pci.c.
 */
#ifndef DEVICES_PVPANIC_H
#define DEVICES_PVPANIC_H

struct vm;
struct pci_host;

/* pvpanic_create - put it on the bus of @host. Prints its errors. */
int pvpanic_create(struct vm *vm, struct pci_host *host);

#endif
