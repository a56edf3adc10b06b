/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paravirtual devices that the command line asks for.
 */
#ifndef DEVICES_VIRTIO_CREATE_H
#define DEVICES_VIRTIO_CREATE_H

#include <errno.h>
#include <stdbool.h>

struct vm;
struct config;
struct pci_host;

#ifdef CONFIG_VIRTIO
/*
 * virtio_create_all - put the devices of vm->cfg->virtio on the bus of @host, in
 * that order; all ports of the console are one device. Prints its errors: -EDOM
 * for an option that makes no sense.
 */
int virtio_create_all(struct vm *vm, struct pci_host *host);
/*
 * virtio_create - one of the kind that option @option makes, with that value.
 * -EDOM, silently: no such kind, or it is one device for all options.
 */
int virtio_create(struct vm *vm, struct pci_host *host, const char *option,
		  const char *value);
#else
static inline int virtio_create(struct vm *vm, struct pci_host *host,
				const char *option, const char *value)
{
	return -EDOM;
}

static inline int virtio_create_all(struct vm *vm, struct pci_host *host)
{
	(void)vm;
	(void)host;
	return 0;
}
#endif

#ifdef CONFIG_VIRTIO_CONSOLE
/* virtio_has_stdio - standard input and output are a port of the console's. */
bool virtio_has_stdio(const struct config *cfg);
#else
static inline bool virtio_has_stdio(const struct config *cfg)
{
	(void)cfg;
	return false;
}
#endif

#endif
