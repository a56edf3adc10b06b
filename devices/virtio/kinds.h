/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The constructors of the paravirtual devices, each in a file of its own. @spec
 * is the option's value; errors are printed, -EDOM for a bad one.
 */
#ifndef DEVICES_VIRTIO_KINDS_H
#define DEVICES_VIRTIO_KINDS_H

struct vm;
struct pci_host;

int rng_create(struct vm *vm, struct pci_host *host, const char *spec);
/*
 * ports_create - the console, with a port for each of the options; asked to for
 * the first of them. @spec is not looked at.
 */
int ports_create(struct vm *vm, struct pci_host *host, const char *spec);
int disk_create(struct vm *vm, struct pci_host *host, const char *spec);
int net_create(struct vm *vm, struct pci_host *host, const char *spec);
int balloon_create(struct vm *vm, struct pci_host *host, const char *spec);
int vsock_create(struct vm *vm, struct pci_host *host, const char *spec);
int vhost_user_create(struct vm *vm, struct pci_host *host, const char *spec);
int share_create(struct vm *vm, struct pci_host *host, const char *spec);

#endif
