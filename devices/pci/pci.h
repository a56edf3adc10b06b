/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI host bridge and what sits on its bus 0: config space by ECAM and
 * 0xcf8/0xcfc, and the windows in which BARs move. With ports (port.h) there
 * is a bus behind each of them, with room for one function. PCI Local Bus 3.0,
 * PCI Express Base 5.0 chapter 7; PCI Firmware 3.2 section 4 (ECAM).
 *
 * Lock: the host's rw lock. It is held for reading around config reads and
 * bar_read/bar_write, and for writing around config writes, bar_map and reset.
 */
#ifndef DEVICES_PCI_PCI_H
#define DEVICES_PCI_PCI_H

#include <pthread.h>
#include <string.h>

#include "vmm/vm.h"

#define PCI_SLOTS 32
#define PCI_FUNCTIONS 256	/* of a bus */
#define PCI_BARS 6
#define PCI_ROM PCI_BARS	/* the expansion ROM, where bars[] is meant */
#define PCI_REGIONS (PCI_BARS + 1)
#define PCI_CFG_SIZE 4096
#define PCI_ECAM_SIZE (PCI_FUNCTIONS * PCI_CFG_SIZE)
#define PCI_CAM_SIZE (PCI_FUNCTIONS * 256)
#define PCI_PORTS 15

/* Where the board puts the bridge. Sizes in bytes; a size of 0: none. */
struct pci_layout {
	uint64_t ecam;			/* 1 MiB a bus */
	unsigned int ports;		/* so many buses beside bus 0 */
	bool cf8;			/* 0xcf8/0xcfc port access (x86) */
	bool cam;			/* 256 bytes a function, not 4096 */
	uint64_t io_base, io_size;
	uint64_t mem32_base, mem32_size;
	uint64_t mem64_min;		/* lowest address of the 64-bit window */
	uint64_t mem64_max;		/* one past the highest */
	/* The lines that interrupt pins are spread over; see pci_intx(). */
	unsigned int intx_first, intx_nr;
};

struct pci_dev;

struct pci_dev_ops {
	/*
	 * Config access after the generic header fields (BARs, command
	 * decode bits) have been dealt with; @len 1, 2 or 4, @off aligned to
	 * it. NULL: plain cfg[] under wmask[], as pci_cfg_put() does it.
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
	 * decode changes and moves: off at the old address, on at the new;
	 * and off and on when bars[].own_page changes.
	 * NULL: bar_read and bar_write are all there is.
	 */
	void (*bar_map)(struct pci_dev *dev, unsigned int bar, uint64_t addr,
			bool on);
};

struct pci_bar {
	uint64_t size;		/* a power of two; 0: not there */
	uint64_t addr;		/* as programmed by the guest */
	bool io;		/* size at least 4; of memory, at least 16 */
	bool mem64;		/* takes the next index too, so not the last */
	bool prefetch;
	bool rom;		/* bars[PCI_ROM]: size at least 2048 */
	bool on;		/* of a ROM: its own enable bit */
	bool decoding;		/* told on to bar_map(), at address @at */
	/*
	 * Told along with it: it is of memory, and nobody else decodes any of
	 * the pages that it lies in, nor does it begin within one.
	 */
	bool own_page;
	bool wanted;		/* about to be: the bridge's scratch */
	uint64_t at;
	uint64_t home;		/* the address after power-on and reset */
};

/* A function on the bus; embedded by its device. */
struct pci_dev {
	const char *name;
	struct pci_host *host;
	uint16_t devfn;		/* from PCI_FUNCTIONS on: behind that port */
	uint8_t decode;		/* command's memory and I/O bits, in force */
	bool asleep;		/* in D3: decodes nothing */
	const struct pci_dev_ops *ops;
	struct pci_bar bars[PCI_REGIONS];
	uint8_t cfg[PCI_CFG_SIZE];	/* what the guest reads */
	uint8_t wmask[PCI_CFG_SIZE];	/* bits that the guest may write */
};

struct pci_host;

/*
 * pci_host_create - an empty bus 0 with the bridge itself at 00:00.0, and its
 * registers on the buses of @vm. Prints its errors.
 */
int pci_host_create(struct vm *vm, const struct pci_layout *layout,
		    struct pci_host **host);

/*
 * pci_dev_add - put @dev, its bars[] sizes and cfg[] filled, at @devfn, or
 * at function 0 of the next free slot with -1. -EEXIST: taken; -ENOSPC: no
 * slot is free. pci_dev_del - take it off again; vCPUs are stopped. At
 * PCI_FUNCTIONS + n it is behind port n, where the guest does not see it
 * before port_show(), nor after port_hide(): then vCPUs may run.
 */
int pci_dev_add(struct pci_host *host, struct pci_dev *dev, int devfn);
void pci_dev_del(struct pci_dev *dev);
/*
 * pci_dev_next - where the next device goes that is added at -1; 0: to the next
 * free slot, as before.
 */
void pci_dev_next(struct pci_host *host, unsigned int devfn);
/* pci_slot_taken - whether any function is there; before vCPUs run. */
bool pci_slot_taken(const struct pci_host *host, unsigned int slot);

/*
 * pci_host_assign - all devices are there: size the 64-bit window from their
 * BARs, claim the windows on the buses, and give every BAR an address, big
 * ones first, naturally aligned and each memory BAR in pages of its own.
 * Decoding stays off, as after a real reset: the guest's driver turns it on.
 * -ERANGE with a message naming the BAR where it does not fit; an I/O BAR
 * or a ROM that does not fit is left without an address, with a warning,
 * since devices work without. After a guest reset the host's own reset puts every
 * BAR back to that address.
 */
int pci_host_assign(struct pci_host *host);

/* pci_rid - where the guest has it: bus << 8 | device << 3 | function. */
unsigned int pci_rid(const struct pci_dev *dev);
/* pci_where - the same as text: "00:01.0". */
#define PCI_WHERE 8
void pci_where(const struct pci_dev *dev, char text[PCI_WHERE]);

/*
 * pci_intx - the line that interrupt pin @pin (1: INTA) of @dev is wired to:
 * level, and shared with other functions. -1: not wired.
 */
int pci_intx(const struct pci_dev *dev, unsigned int pin);

/*
 * pci_dev_reset - decoding off and BARs back to where pci_host_assign() put
 * them; for a device's own reset. vCPUs are stopped. pci_dev_clear - the
 * same, only from within its cfg_write: the guest has it reset.
 */
void pci_dev_reset(struct pci_dev *dev);
void pci_dev_clear(struct pci_dev *dev);

/*
 * pci_dev_sleep - @dev enters or leaves a state in which it decodes nothing.
 * Only from within its cfg_write.
 */
void pci_dev_sleep(struct pci_dev *dev, bool asleep);

/*
 * pci_cfg_put - write cfg[] under wmask[]: what happens for a device without
 * cfg_write. Only from within cfg_write.
 */
void pci_cfg_put(struct pci_dev *dev, unsigned int off, uint32_t val,
		 unsigned int len);

/* Little-endian fields of a config space; every host of ours is such too. */
static inline uint32_t pci_get(const uint8_t *cfg, unsigned int off,
			       unsigned int len)
{
	uint32_t val = 0;

	memcpy(&val, cfg + off, len);
	return val;
}

static inline void pci_put(uint8_t *cfg, unsigned int off, uint32_t val,
			   unsigned int len)
{
	memcpy(cfg + off, &val, len);
}

/*
 * pci_covers - whether an access of @len bytes at @off touches any of the
 * @size bytes at @reg.
 */
static inline bool pci_covers(uint64_t off, unsigned int len, uint64_t reg,
			      uint64_t size)
{
	return off < reg + size && off + len > reg;
}

#endif
