/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI Express root ports, each with a slot in which a device may come and go
 * while the guest runs (native hotplug). PCI Express Base 5.0 sections 6.7 and
 * 7.5.3; PCI-to-PCI Bridge 1.2 section 3.2 (the header).
 *
 * A slot has an attention button, by which the guest is asked to let go of the
 * device, and a power indicator, which it turns off when it has; neither power
 * controller nor latch. It sends one MSI, and has no pin. What the guest makes
 * of windows and bus numbers decides where config space is found and nothing
 * else: BARs decode as on bus 0. A reset of the bus behind is not passed on.
 *
 * All but what pci_ports_create() adds is for the main thread, while vCPUs run.
 */
#ifndef DEVICES_PCI_PORT_H
#define DEVICES_PCI_PORT_H

#include "devices/pci/pci.h"

/*
 * pci_ports_create - as many as the host's layout says, in the next free slots of
 * bus 0, with all slots empty. @fd is an eventfd of the caller's, signalled
 * when port_left() may say something new of any. Prints its errors.
 */
int pci_ports_create(struct vm *vm, struct pci_host *host, int fd);

/*
 * port_show - what was put behind port @n by pci_dev_add() is there from now
 * on: the guest is told, and sees its config space. port_hide - it is there no
 * longer: nothing of it answers or decodes, and pci_dev_del() may follow.
 */
void port_show(struct pci_host *host, unsigned int n);
void port_hide(struct pci_host *host, unsigned int n);

/*
 * port_ask - ask the guest to let go of it; again is as once. port_unask - no
 * more. Who does not use the device, so that it cannot do DMA, and has the
 * power indicator off, has let go before.
 */
void port_ask(struct pci_host *host, unsigned int n);
void port_unask(struct pci_host *host, unsigned int n);
/* port_left - whether the guest, being asked, has; or was reset. */
bool port_left(struct pci_host *host, unsigned int n);

#endif
