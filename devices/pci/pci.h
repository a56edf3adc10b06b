/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI host bridge and what sits on its bus 0: config space by ECAM and
 * 0xcf8/0xcfc, and the windows in which BARs move. PCI Local Bus 3.0,
 * PCI Express Base 5.0 chapter 7; PCI Firmware 3.2 section 4 (ECAM).
 *
 * Lock: the host's rw lock. It is held for reading around bar_read/bar_write
 * and for writing around config writes, bar_map and reset.
 */
#ifndef DEVICES_PCI_PCI_H
#define DEVICES_PCI_PCI_H

#include <pthread.h>

#include "vmm/vm.h"

#define PCI_SLOTS 32
#define PCI_BARS 6
#define PCI_CFG_SIZE 4096

/* Where the board puts the bridge. Sizes in bytes; a size of 0: none. */
struct pci_layout {
	uint64_t ecam;			/* bus 0 only: 1 MiB */
	bool cf8;			/* 0xcf8/0xcfc port access (x86) */
	uint64_t io_base, io_size;
	uint64_t mem32_base, mem32_size;
	uint64_t mem64_min;		/* lowest address of the 64-bit window */
	uint64_t mem64_max;		/* one past the highest */
};

struct pci_dev;

struct pci_dev_ops {
	/*
	 * Config access after the generic header fields (BARs, command
	 * decode bits) have been dealt with; @len 1, 2 or 4, @off aligned to
	 * it. NULL: plain cfg[] under wmask[].
	 */
	uint32_t (*cfg_read)(struct pci_dev *dev, unsigned int off,
			     unsigned int len);
	void (*cfg_write)(struct pci_dev *dev, unsigned int off, uint32_t val,
			  unsigned int len);
	/* A guest access inside a BAR that no memory region serves. */
	uint64_t (*bar_read)(struct pci_dev *dev, unsigned int bar,
			     uint64_t off, unsigned int len);
	void (*bar_write)(struct pci_dev *dev, unsigned int bar, uint64_t off,
			  uint64_t val, unsigned int len);
	/*
	 * BAR @bar now decodes at @addr (@on) or no longer does. Called with
	 * decode changes and moves: off at the old address, on at the new.
	 */
	void (*bar_map)(struct pci_dev *dev, unsigned int bar, uint64_t addr,
			bool on);
};

struct pci_bar {
	uint64_t size;		/* a power of two; 0: not there */
	uint64_t addr;		/* as programmed by the guest */
	bool io;
	bool mem64;		/* takes the next index too */
	bool prefetch;
	bool decoding;		/* told on to bar_map() */
};

/* A function on the bus; embedded by its device. */
struct pci_dev {
	const char *name;
	struct pci_host *host;
	uint8_t devfn;
	const struct pci_dev_ops *ops;
	struct pci_bar bars[PCI_BARS];
	uint8_t cfg[PCI_CFG_SIZE];	/* what the guest reads */
	uint8_t wmask[PCI_CFG_SIZE];	/* bits that the guest may write */
};

struct pci_host;

/* pci_host_create - an empty bus 0 with the bridge itself at 00:00.0. */
int pci_host_create(struct vm *vm, const struct pci_layout *layout,
		    struct pci_host **host);

/*
 * pci_dev_add - put @dev, its bars[] sizes and cfg[] filled, at @devfn, or
 * at the next free slot with -1. pci_dev_del - take it off again.
 */
int pci_dev_add(struct pci_host *host, struct pci_dev *dev, int devfn);
void pci_dev_del(struct pci_dev *dev);

/*
 * pci_host_assign - all devices are there: size the 64-bit window from their
 * BARs, claim the windows on the buses, and give every BAR an address, big
 * ones first, naturally aligned. -ERANGE with a message naming the BAR where
 * it does not fit. After a guest reset pci_host's own reset repeats the
 * assignment.
 */
int pci_host_assign(struct pci_host *host);

#endif
