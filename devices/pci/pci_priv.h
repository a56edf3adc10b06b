/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the host bridge share: host.c holds it together, config.c
 * answers config space, window.c decodes BARs, assign.c gives them addresses,
 * port.c has the ports.
 */
#ifndef DEVICES_PCI_PCI_PRIV_H
#define DEVICES_PCI_PCI_PRIV_H

#include <stdatomic.h>

#include "devices/pci/pci.h"

/* A part of an address space that the bridge passes on to BARs. */
struct pci_window {
	struct pci_host *host;
	uint64_t base;
	uint64_t size;		/* 0: not there */
	bool io;
};

enum { PCI_WINDOW_IO, PCI_WINDOW_MEM32, PCI_WINDOW_MEM64, PCI_WINDOWS };

struct pci_host {
	struct device device;
	struct pci_dev self;
	struct vm *vm;
	struct pci_layout layout;
	pthread_rwlock_t lock;
	struct pci_window windows[PCI_WINDOWS];
	_Atomic uint32_t cf8;		/* the address register at 0xcf8 */
	struct pci_dev *devs[PCI_FUNCTIONS + PCI_PORTS]; /* by devfn */
	struct pci_dev *list[PCI_FUNCTIONS + PCI_PORTS]; /* the same, packed */
	unsigned int nr;			/* of list */
	struct pci_port *ports;			/* NULL: none */
	unsigned int nr_ports;
	unsigned int next;			/* pci_dev_next() */
};

/*
 * port_of - the port that @dev is behind, NULL: none. port_child - the function
 * that answers at @rid, which is not on bus 0, or NULL.
 */
#if IS_ENABLED(CONFIG_HOTPLUG)
struct pci_dev *port_of(const struct pci_dev *dev);
struct pci_dev *port_child(const struct pci_host *host, unsigned int rid);
#else
static inline struct pci_dev *port_of(const struct pci_dev *dev)
{
	return NULL;
}

static inline struct pci_dev *port_child(const struct pci_host *host,
					 unsigned int rid)
{
	return NULL;
}
#endif

/*
 * host_bar - BAR number @n of the bus, counted through all functions in order
 * of their address, and whose it is; NULL behind the last. BARs that are not
 * there (size 0) are counted too.
 */
static inline struct pci_bar *host_bar(const struct pci_host *host,
				       unsigned int n, struct pci_dev **dev)
{
	if (n >= host->nr * PCI_REGIONS)
		return NULL;
	*dev = host->list[n / PCI_REGIONS];
	return &(*dev)->bars[n % PCI_REGIONS];
}

/* is_cam - whether config space in memory is that of PCI before PCI Express. */
static inline bool is_cam(const struct pci_host *host)
{
	return IS_ENABLED(CONFIG_PCI_CAM) && host->layout.cam;
}

/* config_size - of config space in memory, in bytes. */
static inline uint64_t config_size(const struct pci_host *host)
{
	return (is_cam(host) ? PCI_CAM_SIZE : PCI_ECAM_SIZE) *
	       (1ULL + host->layout.ports);
}

/* config_claim - put ECAM and the ports at 0xcf8 on the buses. */
int config_claim(struct pci_host *host);

/*
 * window_claim - put the windows on the buses.
 * window_sync - after any change of a BAR or of decoding: tell devices which
 * BARs decode where. With the host's lock held for writing.
 */
int window_claim(struct pci_host *host);
void window_sync(struct pci_host *host);

#endif
