/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A watchdog timer with two stages, that of Intel's I/O controller hub 6300ESB:
 * a guest that does not pat it is reset or stopped. Linux:
 * drivers/watchdog/i6300esb.c.
 */
#ifndef DEVICES_I6300ESB_H
#define DEVICES_I6300ESB_H

struct vm;
struct pci_host;

/* i6300esb_create - put it on the bus of @host. Prints its errors. */
int i6300esb_create(struct vm *vm, struct pci_host *host);

#endif
