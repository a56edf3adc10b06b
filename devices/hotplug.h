/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slots of --hotplug, and what is put into them; what the control socket
 * asks of it is in vmm/hotplug.h.
 */
#ifndef DEVICES_HOTPLUG_H
#define DEVICES_HOTPLUG_H

#include "vmm/util.h"

struct vm;
struct pci_host;

#if IS_ENABLED(CONFIG_HOTPLUG)
/*
 * hotplug_create - with --hotplug, a port for each slot on @host's bus, after
 * all devices that are there from the start. Prints its errors.
 */
int hotplug_create(struct vm *vm, struct pci_host *host);
#else
static inline int hotplug_create(struct vm *vm, struct pci_host *host)
{
	return 0;
}
#endif

#endif
