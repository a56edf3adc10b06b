/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host has set up for one vector of MSI or MSI-X: an eventfd, on which
 * whoever raises the interrupt signals, and a GSI that it raises inside the
 * kernel. What the guest asked for is msix.h's; the owner moves this towards
 * that, under his own lock. Linux: Documentation/virt/kvm/api.rst, KVM_IRQFD.
 *
 * Masked, only the irqfd goes: the eventfd stays and holds what arrives, which
 * is the pending bit; attached again, KVM finds it there and delivers it.
 */
#ifndef DEVICES_PCI_VECTOR_H
#define DEVICES_PCI_VECTOR_H

#include <stdbool.h>

#include "vmm/irq.h"

struct pci_vector {
	int fd;			/* eventfd, -1: not used yet */
	int gsi;		/* -1: none */
	bool attached;		/* fd raises gsi inside the kernel */
	bool pending;		/* a signal was taken from fd, undelivered */
	struct msi msg;		/* that gsi delivers */
};

/* vector_live - signals are delivered as @msg; makes the eventfd if need be. */
int vector_live(struct irqs *irqs, struct pci_vector *v,
		const struct msi *msg);
/* vector_raise - signal it, which takes no lock. Has an eventfd. */
void vector_raise(const struct pci_vector *v);
/* vector_mask - signals are kept. */
void vector_mask(struct irqs *irqs, struct pci_vector *v);
/* vector_pending - whether one is; the bit is ours from then on. */
bool vector_pending(struct pci_vector *v);
/* vector_drop - nothing is kept for it: fd and gsi are -1, as at first. */
void vector_drop(struct irqs *irqs, struct pci_vector *v);

#endif
