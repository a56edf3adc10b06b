/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI transport, shared by the files that make it: pci.c (its life, config
 * space, the BAR), common.c (the common configuration), irq.c (MSI-X, or the
 * interrupt pin). VIRTIO 1.2 section 4.1.
 */
#ifndef DEVICES_VIRTIO_VIRTIO_PRIV_H
#define DEVICES_VIRTIO_VIRTIO_PRIV_H

#include "devices/pci/msix.h"
#include "devices/pci/pci.h"
#include "devices/pci/vector.h"
#include "devices/virtio/virtio.h"

/* The pin, for drivers that cannot use MSI-X. */
struct virtio_pin {
	int gsi;		/* -1: not wired */
	int trigger;		/* eventfd that raises it, -1: never was on */
	int resample;		/* eventfd: the guest has acknowledged it */
	_Atomic bool on;
};

struct virtio_pci {
	struct device device;
	struct pci_dev pci;
	struct virtio *v;
	pthread_mutex_t lock;
	unsigned int access;	/* the PCI configuration access capability */

	uint32_t feature_word, driver_word;	/* which 32 bits are shown */
	uint64_t driver_features;
	uint16_t queue;		/* selected */
	_Atomic uint8_t generation;

	struct msix msix;
	struct pci_vector *vectors;	/* with their eventfds, all the time */
	unsigned int nr_vectors;
	_Atomic bool msix_on;
	_Atomic uint16_t cfg_vector;
	_Atomic uint8_t isr;
	struct virtio_pin pin;
};

/* ---- common.c ----------------------------------------------------------- */

/* With the lock held. */
uint64_t common_read(struct virtio_pci *p, unsigned int off, unsigned int len);
void common_write(struct virtio_pci *p, unsigned int off, uint64_t val,
		  unsigned int len);
/*
 * common_reset - the driver's reset: nothing is done for it any more, and
 * nothing of it is remembered.
 */
void common_reset(struct virtio_pci *p);

/* ---- irq.c -------------------------------------------------------------- */

/* virtio_irqs_create - eventfds for all vectors; on failure, destroy still. */
int virtio_irqs_create(struct virtio_pci *p);
void virtio_irqs_destroy(struct virtio_pci *p);
int virtio_msix_create(struct virtio_pci *p, unsigned int cap,
		       const struct msix_place *table,
		       const struct msix_place *pba);
/* virtio_irqs_wire - it has its place on the bus, and thereby its line. */
void virtio_irqs_wire(struct virtio_pci *p);
/* virtio_irqs_reset - as after power-on. With the lock held. */
void virtio_irqs_reset(struct virtio_pci *p);
/* virtio_irqs_sync - the guest may want another kind. With the lock held. */
void virtio_irqs_sync(struct virtio_pci *p);
/* virtio_isr_read - and clear, which withdraws the pin. */
uint8_t virtio_isr_read(struct virtio_pci *p);

#endif
