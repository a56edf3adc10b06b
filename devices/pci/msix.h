/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message-signalled interrupts as the guest sees them: the MSI capability
 * (with or without 64-bit addresses and mask bits), the MSI-X capability, its
 * table and its pending bits. PCI Local Bus 3.0 sections 6.8.1 and 6.8.2.
 *
 * Here is only what the guest asked for. Each change of it is told to the
 * owner by update(vector), who then moves what he has towards msi_want() or
 * msix_want(); being told more than once does no harm.
 *
 * Nothing here locks. Config space comes under the PCI lock; the owner takes
 * his own lock around the calls from bar_read and bar_write, and around
 * whatever he does in update().
 */
#ifndef DEVICES_PCI_MSIX_H
#define DEVICES_PCI_MSIX_H

#include "devices/pci/pci.h"

#define MSI_VECTORS_MAX 32
#define MSIX_VECTORS_MAX 2048
#define MSIX_ENTRY_SIZE 16

enum msi_want {
	MSI_OFF,	/* the guest does not use it at all */
	MSI_MASKED,	/* keep an interrupt that arrives pending */
	MSI_LIVE,	/* deliver it by the message */
};

struct msi_ops {
	/* What the guest wants of @vector may have changed. */
	void (*update)(void *owner, unsigned int vector);
	/*
	 * Whether an interrupt has arrived at @vector while it was not live
	 * and is not delivered yet.
	 */
	bool (*pending)(void *owner, unsigned int vector);
};

struct msi_cap {
	struct pci_dev *dev;
	const struct msi_ops *ops;
	void *owner;
	unsigned int cap;	/* offset in config space, 0: no MSI */
	unsigned int nr;	/* vectors offered, a power of two */
	bool addr64;
	bool maskable;
};

/*
 * msi_init - write the capability's registers, at @cap of @dev's cfg[] (its
 * id and link are left alone), offering @nr vectors (1..32, rounded down to a
 * power of two). msi_size - the bytes it takes.
 */
void msi_init(struct msi_cap *msi, struct pci_dev *dev, unsigned int cap,
	      unsigned int nr, bool addr64, bool maskable,
	      const struct msi_ops *ops, void *owner);
unsigned int msi_size(bool addr64, bool maskable);

/* msi_enabled - vectors that the guest has enabled, 0 when MSI is off. */
unsigned int msi_enabled(const struct msi_cap *msi);

/* msi_want - what the guest wants of @vector; fills @msg unless MSI_OFF. */
enum msi_want msi_want(const struct msi_cap *msi, unsigned int vector,
		       struct msi *msg);

/*
 * msi_cfg_read - bring the pending bits in cfg[] up to date if the access
 * covers them; msi_cfg_written - cfg[] has changed there. Both may be called
 * for any access.
 */
void msi_cfg_read(struct msi_cap *msi, unsigned int off, unsigned int len);
void msi_cfg_written(struct msi_cap *msi, unsigned int off, unsigned int len);

/* Where a table lies. */
struct msix_place {
	unsigned int bar;
	uint64_t off;
	uint64_t size;
};

struct msix {
	struct pci_dev *dev;
	const struct msi_ops *ops;
	void *owner;
	unsigned int cap;	/* offset in config space, 0: no MSI-X */
	unsigned int nr;	/* vectors, 1..2048 */
	struct msix_place table, pba;
	uint16_t control;	/* as the last update() calls knew it */
	uint8_t *entries;	/* the table */
};

/*
 * msix_create - write the capability's registers at @cap of @dev's cfg[] (id
 * and link left alone) for @nr vectors, with the table and the pending bits
 * at these BAR offsets, multiples of 8 and below 4 GiB. -ENOMEM.
 */
int msix_create(struct msix *msix, struct pci_dev *dev, unsigned int cap,
		unsigned int nr, const struct msix_place *table,
		const struct msix_place *pba, const struct msi_ops *ops,
		void *owner);
void msix_destroy(struct msix *msix);
/*
 * msix_reset - all vectors masked and zero, the function off; calls nobody:
 * the owner has taken his interrupts down.
 */
void msix_reset(struct msix *msix);

/* msix_table_size, msix_pba_size - bytes that @nr vectors need. */
uint64_t msix_table_size(unsigned int nr);
uint64_t msix_pba_size(unsigned int nr);

bool msix_enabled(const struct msix *msix);
/* msix_want - as msi_want(). */
enum msi_want msix_want(const struct msix *msix, unsigned int vector,
			struct msi *msg);

/* msix_cfg_written - cfg[] has changed there; may be called for any access. */
void msix_cfg_written(struct msix *msix, unsigned int off, unsigned int len);

/*
 * msix_touches - whether an access to a BAR covers a byte of the table or the
 * pending bits. msix_read, msix_write - such an access, of any alignment;
 * bytes of it that lie outside read as ones and take no write.
 */
bool msix_touches(const struct msix *msix, unsigned int bar, uint64_t off,
		  unsigned int len);
uint64_t msix_read(struct msix *msix, unsigned int bar, uint64_t off,
		   unsigned int len);
void msix_write(struct msix *msix, unsigned int bar, uint64_t off,
		uint64_t val, unsigned int len);

#endif
