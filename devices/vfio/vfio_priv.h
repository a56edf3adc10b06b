/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One assigned PCI device, shared by the files that make it: spec.c and plan.c
 * (what the user wants, and where it goes), vfio_pci.c (its life), config.c
 * and caps.c (config space), bar.c and rom.c (regions), irq.c (MSI, MSI-X and
 * which kind is in use), intx.c (the interrupt pin).
 *
 * Lock: d->lock, taken inside the PCI lock, for all of the interrupt state.
 */
#ifndef DEVICES_VFIO_VFIO_PRIV_H
#define DEVICES_VFIO_VFIO_PRIV_H

#include <pthread.h>

#include "devices/pci/msix.h"
#include "devices/pci/pci.h"
#include "devices/pci/vector.h"
#include "devices/vfio/attach.h"
#include "devices/vfio/spec.h"

#define VFIO_PIECES 8
#define VFIO_EVENTS 2	/* error, request */

struct vfio_region_info;

/* A part of an address range; of a BAR, from its start. */
struct vfio_span {
	uint64_t off;
	uint64_t size;
};

/* A part of a BAR that the guest reaches without us. */
struct vfio_piece {
	struct mem_region mem;	/* its fd: a dma-buf, or -1 */
	uint64_t off;
	bool added;
};

struct vfio_bar {
	uint64_t offset;	/* in the device file */
	uint64_t size;		/* as the device has it */
	uint32_t flags;		/* VFIO_REGION_INFO_FLAG_... */
	struct vfio_span areas[VFIO_PIECES]; /* that the kernel lets mmap */
	unsigned int nr_areas;
	void *reserved;		/* addresses set aside for pieces */
	size_t reserved_size;
	struct vfio_piece pieces[VFIO_PIECES];
	unsigned int nr;
};

/* What the host has set up for a vector. */
struct vfio_vector {
	struct pci_vector way;	/* from the device to the guest */
	bool armed;		/* the device signals its eventfd */
};

/* The interrupt pin: a level, which the host masks when it fires. */
struct vfio_intx {
	unsigned int pin;	/* 1..4, 0: none */
	struct vfio_line line;	/* that it is wired to, gsi -1: nowhere */
	bool watched;		/* resample is on the loop: we unmask it */
	bool warned;
};

struct vfio_irqs {
	struct vfio_intx intx;
	struct msi_cap msi;
	struct msix msix;
	struct vfio_vector *vectors;
	unsigned int nr;	/* of vectors: the larger of both kinds */
	int index;		/* VFIO's of the kind in use, -1: none */
	unsigned int range;	/* vectors that the host set up in one go */
	bool enabled;		/* the host has any */
	bool noresize[2];	/* MSI, MSI-X: only as one set */
	bool warned;
	struct vfio_irq_set *set; /* room for all vectors' eventfds */
};

struct vfio_pci {
	struct device device;
	struct pci_dev pci;
	struct vm *vm;
	struct vfio_spec spec;
	const char *name;	/* spec.addr: "0000:01:00.0" */
	int fd;
	pthread_mutex_t lock;
	bool can_reset;
	uint64_t cfg_offset;	/* of config space in the device file */
	unsigned int cfg_size;
	unsigned int pm;	/* power management capability, 0: none */
	unsigned int express;	/* PCI Express capability, 0: none */
	unsigned int af;	/* advanced features capability, 0: none */
	struct vfio_bar bars[PCI_REGIONS];
	int rom_fd;		/* a file in place of its ROM, or -1 */
	bool rom_warned;
	struct vfio_irqs irqs;
	int events[VFIO_EVENTS]; /* eventfds, -1: none */
	bool low_power;		/* the host has it in a low-power state */
	/* Bits of config space that are the device's own, not cfg[]'s. */
	uint8_t hw[PCI_CFG_SIZE];
	uint8_t initial[PCI_CFG_SIZE];	/* cfg[] after a reset */
};

/*
 * vfio_pci_add - open the device of @spec and put it on the guest's bus; see
 * vfio_pci_create().
 */
int vfio_pci_add(struct vm *vm, struct pci_host *host,
		 const struct vfio_spec *spec);

/* vfio_pci_first - the name of the first device that @cfg has assigned. */
int vfio_pci_first(const struct config *cfg, char name[SYSFS_ADDR]);

/*
 * region_query - what VFIO says of region @index, with all its capabilities;
 * to be freed. -errno silently.
 */
int region_query(const struct vfio_pci *d, unsigned int index,
		 struct vfio_region_info **info);

/* ---- events.c ----------------------------------------------------------- */

/* events_on - hear of what the host has to say; events_off - no more. */
void events_on(struct vfio_pci *d);
void events_off(struct vfio_pci *d);

/* ---- reset.c ------------------------------------------------------------ */

/*
 * hardware_reset - as spec says; the device is quiet. Prints what fails,
 * which is for the next user to care about.
 */
void hardware_reset(struct vfio_pci *d);
/* device_answers - its config space is there and still says who it is. */
bool device_answers(const struct vfio_pci *d);

/* ---- config.c ----------------------------------------------------------- */

/* config_load - the device's config space as it is, into cfg[]. */
int config_load(struct vfio_pci *d);
/*
 * config_build - make of it what the guest sees; BARs are known. Takes up
 * MSI and MSI-X on the way.
 */
int config_build(struct vfio_pci *d);
/* config_reset - the guest's view as config_build() left it. */
void config_reset(struct vfio_pci *d);
/*
 * config_command - write the device's command register: what @bits says, and
 * INTx off if the guest is not to have it.
 */
void config_command(struct vfio_pci *d, uint16_t bits);
/* config_quiet - it is awake, and masters the bus no longer. */
void config_quiet(struct vfio_pci *d);

uint32_t vfio_cfg_read(struct pci_dev *pci, unsigned int off,
		       unsigned int len);
void vfio_cfg_write(struct pci_dev *pci, unsigned int off, uint32_t val,
		    unsigned int len);

/* ---- caps.c ------------------------------------------------------------- */

/*
 * caps_print - to standard output, what of config space @cfg (@size bytes, as
 * the device has it) the guest would see, a line each capability, and why.
 */
int caps_print(const uint8_t *cfg, unsigned int size);
/* caps_build - both capability lists, as the guest sees them. */
int caps_build(struct vfio_pci *d);

/* ---- bar.c -------------------------------------------------------------- */

/* bars_probe - sizes and kinds of all BARs. bars_mmap - map what can be. */
int bars_probe(struct vfio_pci *d);
void bars_mmap(struct vfio_pci *d);
void bars_munmap(struct vfio_pci *d);

/*
 * span_cut - what remains of @areas after taking out the pages that @holes
 * touch, in whole pages of @page bytes, in order, at most @max spans. Returns
 * their number.
 */
unsigned int span_cut(struct vfio_span *out, unsigned int max,
		      const struct vfio_span *areas, unsigned int nr_areas,
		      const struct vfio_span *holes, unsigned int nr_holes,
		      uint64_t page);

uint64_t vfio_bar_read(struct pci_dev *pci, unsigned int bar, uint64_t off,
		       unsigned int len);
void vfio_bar_write(struct pci_dev *pci, unsigned int bar, uint64_t off,
		    uint64_t val, unsigned int len);
void vfio_bar_map(struct pci_dev *pci, unsigned int bar, uint64_t addr,
		  bool on);

/* ---- rom.c -------------------------------------------------------------- */

/*
 * rom_open - make bars[PCI_ROM] of what spec says: the device's own ROM, a
 * file, or none. Fails, with a message, for a file only.
 */
int rom_open(struct vfio_pci *d);
void rom_close(struct vfio_pci *d);
uint64_t rom_read(struct vfio_pci *d, uint64_t off, unsigned int len);

/* ---- irq.c -------------------------------------------------------------- */

/*
 * irqs_msi, irqs_msix - take up the capability at @cap, whose registers in
 * cfg[] are still the device's. 1: done; 0: hide it, the host can't serve it.
 * -ENODEV with a message where it makes no sense.
 */
int irqs_msi(struct vfio_pci *d, unsigned int cap);
int irqs_msix(struct vfio_pci *d, unsigned int cap);
/* vectors_create - room for the vectors of both, which are known now. */
int vectors_create(struct vfio_pci *d);
void vectors_destroy(struct vfio_pci *d);
/*
 * vectors_off - no interrupts from the device, and nothing kept for them;
 * with d->lock held.
 */
void vectors_off(struct vfio_pci *d);
/*
 * irqs_command - the guest has written the command register, on which INTx
 * depends; with d->lock held.
 */
void irqs_command(struct vfio_pci *d);

/* ---- intx.c ------------------------------------------------------------- */

/*
 * intx_probe - whether there is an interrupt pin to offer, and which; cfg[]
 * is still the device's.
 */
void intx_probe(struct vfio_pci *d);
/* intx_wire - the device has its place on the bus, and thereby its line. */
void intx_wire(struct vfio_pci *d);
/* intx_wanted - the guest uses the device and has not disabled the pin. */
bool intx_wanted(const struct vfio_pci *d);
/*
 * intx_on - from now on the pin reaches the guest without us. -errno; what
 * was done by then is undone by intx_off(), which leaves it to the caller to
 * take VFIO's interrupt down before.
 */
int intx_on(struct vfio_pci *d);
void intx_off(struct vfio_pci *d);

#endif
