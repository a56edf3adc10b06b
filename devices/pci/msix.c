/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI and MSI-X as the guest sees them; see msix.h. The registers themselves
 * are the state: cfg[] under wmask[] for the capabilities, entries[] for the
 * table. Pending bits are never stored, but asked for when they are read.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "devices/pci/msix.h"
#include "vmm/util.h"

/* ---- MSI ---------------------------------------------------------------- */

/* Offsets from the capability; those behind the address depend on its size. */
static unsigned int msi_data_at(const struct msi_cap *msi)
{
	return msi->cap + (msi->addr64 ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);
}

static unsigned int msi_mask_at(const struct msi_cap *msi)
{
	return msi->cap + (msi->addr64 ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

static unsigned int msi_pending_at(const struct msi_cap *msi)
{
	return msi_mask_at(msi) + 4;
}

unsigned int msi_size(bool addr64, bool maskable)
{
	return (addr64 ? 14 : 10) + (maskable ? 10 : 0);
}

static uint32_t ones(unsigned int n)
{
	return BIT(n) - 1;
}

void msi_init(struct msi_cap *msi, struct pci_dev *dev, unsigned int cap,
	      unsigned int nr, bool addr64, bool maskable,
	      const struct msi_ops *ops, void *owner)
{
	unsigned int log2 = 0;

	while (log2 < 5 && 2U << log2 <= nr)
		log2++;
	*msi = (struct msi_cap){
		.dev = dev, .ops = ops, .owner = owner, .cap = cap,
		.nr = 1U << log2, .addr64 = addr64, .maskable = maskable,
	};
	memset(dev->cfg + cap + 2, 0, msi_size(addr64, maskable) - 2);
	pci_put(dev->cfg, cap + PCI_MSI_FLAGS,
		log2 << 1 | (addr64 ? PCI_MSI_FLAGS_64BIT : 0) |
		(maskable ? PCI_MSI_FLAGS_MASKBIT : 0), 2);
	pci_put(dev->wmask, cap + PCI_MSI_FLAGS,
		PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, 2);
	pci_put(dev->wmask, cap + PCI_MSI_ADDRESS_LO, ~3U, 4);
	if (addr64)
		pci_put(dev->wmask, cap + PCI_MSI_ADDRESS_HI, UINT32_MAX, 4);
	pci_put(dev->wmask, msi_data_at(msi), UINT16_MAX, 2);
	if (maskable)
		pci_put(dev->wmask, msi_mask_at(msi), ones(msi->nr), 4);
}

unsigned int msi_enabled(const struct msi_cap *msi)
{
	uint32_t flags, nr;

	if (!msi->cap)
		return 0;
	flags = pci_get(msi->dev->cfg, msi->cap + PCI_MSI_FLAGS, 2);
	if (!(flags & PCI_MSI_FLAGS_ENABLE))
		return 0;
	nr = 1U << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4);
	return MIN(nr, msi->nr);
}

enum msi_want msi_want(const struct msi_cap *msi, unsigned int vector,
		       struct msi *msg)
{
	unsigned int nr = msi_enabled(msi);
	const uint8_t *cfg;

	if (vector >= nr)
		return MSI_OFF;
	cfg = msi->dev->cfg;
	msg->devid = pci_rid(msi->dev);
	msg->address = pci_get(cfg, msi->cap + PCI_MSI_ADDRESS_LO, 4);
	if (msi->addr64)
		msg->address |= (uint64_t)pci_get(cfg,
				msi->cap + PCI_MSI_ADDRESS_HI, 4) << 32;
	/* The device varies the low bits, as many as there are vectors. */
	msg->data = (pci_get(cfg, msi_data_at(msi), 2) & ~(nr - 1)) | vector;
	if (msi->maskable && pci_get(cfg, msi_mask_at(msi), 4) >> vector & 1)
		return MSI_MASKED;
	return MSI_LIVE;
}

void msi_cfg_read(struct msi_cap *msi, unsigned int off, unsigned int len)
{
	uint32_t pending = 0;
	unsigned int i;

	if (!msi->cap || !msi->maskable ||
	    !pci_covers(off, len, msi_pending_at(msi), 4))
		return;
	for (i = 0; i < msi_enabled(msi); i++)
		if (msi->ops->pending(msi->owner, i))
			pending |= 1U << i;
	pci_put(msi->dev->cfg, msi_pending_at(msi), pending, 4);
}

void msi_cfg_written(struct msi_cap *msi, unsigned int off, unsigned int len)
{
	unsigned int i;

	if (!msi->cap || !pci_covers(off, len, msi->cap + 2,
				     msi_size(msi->addr64, msi->maskable) - 2))
		return;
	for (i = 0; i < msi->nr; i++)
		msi->ops->update(msi->owner, i);
}

/* ---- MSI-X -------------------------------------------------------------- */

uint64_t msix_table_size(unsigned int nr)
{
	return (uint64_t)nr * MSIX_ENTRY_SIZE;
}

uint64_t msix_pba_size(unsigned int nr)
{
	return (nr + 63) / 64 * 8;
}

int msix_create(struct msix *msix, struct pci_dev *dev, unsigned int cap,
		unsigned int nr, const struct msix_place *table,
		const struct msix_place *pba, const struct msi_ops *ops,
		void *owner)
{
	*msix = (struct msix){
		.dev = dev, .ops = ops, .owner = owner, .cap = cap, .nr = nr,
		.table = { table->bar, table->off, msix_table_size(nr) },
		.pba = { pba->bar, pba->off, msix_pba_size(nr) },
	};
	msix->entries = malloc(msix->table.size);
	if (!msix->entries)
		return -ENOMEM;
	pci_put(dev->cfg, cap + PCI_MSIX_TABLE, table->off | table->bar, 4);
	pci_put(dev->cfg, cap + PCI_MSIX_PBA, pba->off | pba->bar, 4);
	pci_put(dev->wmask, cap + PCI_MSIX_FLAGS,
		PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	msix_reset(msix);
	return 0;
}

void msix_destroy(struct msix *msix)
{
	free(msix->entries);
	msix->entries = NULL;
	msix->cap = 0;
}

void msix_reset(struct msix *msix)
{
	unsigned int i;

	if (!msix->cap)
		return;
	msix->control = 0;
	pci_put(msix->dev->cfg, msix->cap + PCI_MSIX_FLAGS, msix->nr - 1, 2);
	memset(msix->entries, 0, msix->table.size);
	for (i = 0; i < msix->nr; i++)
		pci_put(msix->entries + i * MSIX_ENTRY_SIZE,
			PCI_MSIX_ENTRY_VECTOR_CTRL,
			PCI_MSIX_ENTRY_CTRL_MASKBIT, 4);
}

bool msix_enabled(const struct msix *msix)
{
	return msix->cap &&
	       pci_get(msix->dev->cfg, msix->cap + PCI_MSIX_FLAGS, 2) &
	       PCI_MSIX_FLAGS_ENABLE;
}

enum msi_want msix_want(const struct msix *msix, unsigned int vector,
			struct msi *msg)
{
	const uint8_t *entry;

	if (!msix_enabled(msix) || vector >= msix->nr)
		return MSI_OFF;
	entry = msix->entries + vector * MSIX_ENTRY_SIZE;
	msg->devid = pci_rid(msix->dev);
	msg->address = pci_get(entry, PCI_MSIX_ENTRY_LOWER_ADDR, 4) |
		(uint64_t)pci_get(entry, PCI_MSIX_ENTRY_UPPER_ADDR, 4) << 32;
	msg->data = pci_get(entry, PCI_MSIX_ENTRY_DATA, 4);
	if (pci_get(entry, PCI_MSIX_ENTRY_VECTOR_CTRL, 4) &
	    PCI_MSIX_ENTRY_CTRL_MASKBIT ||
	    pci_get(msix->dev->cfg, msix->cap + PCI_MSIX_FLAGS, 2) &
	    PCI_MSIX_FLAGS_MASKALL)
		return MSI_MASKED;
	return MSI_LIVE;
}

void msix_cfg_written(struct msix *msix, unsigned int off, unsigned int len)
{
	unsigned int i;
	uint16_t control;

	if (!msix->cap || !pci_covers(off, len, msix->cap + PCI_MSIX_FLAGS, 2))
		return;
	control = pci_get(msix->dev->cfg, msix->cap + PCI_MSIX_FLAGS, 2);
	if (control == msix->control)
		return;
	msix->control = control;
	for (i = 0; i < msix->nr; i++)
		msix->ops->update(msix->owner, i);
}

/* Whether byte @off of BAR @bar lies in @place; then *@at is where there. */
static bool inside(const struct msix_place *place, unsigned int bar,
		   uint64_t off, uint64_t *at)
{
	*at = off - place->off;
	return bar == place->bar && off >= place->off && *at < place->size;
}

bool msix_touches(const struct msix *msix, unsigned int bar, uint64_t off,
		  unsigned int len)
{
	const struct msix_place *table = &msix->table, *pba = &msix->pba;

	return msix->cap &&
	       ((bar == table->bar &&
		 pci_covers(off, len, table->off, table->size)) ||
		(bar == pba->bar && pci_covers(off, len, pba->off, pba->size)));
}

static uint8_t pba_byte(struct msix *msix, uint64_t at)
{
	unsigned int i;
	uint8_t bits = 0;

	for (i = 0; i < 8 && at * 8 + i < msix->nr; i++)
		if (msix->ops->pending(msix->owner, at * 8 + i))
			bits |= 1U << i;
	return bits;
}

uint64_t msix_read(struct msix *msix, unsigned int bar, uint64_t off,
		   unsigned int len)
{
	uint64_t val = 0, at;
	unsigned int i;

	for (i = 0; i < len; i++) {
		uint8_t byte = UINT8_MAX;

		if (inside(&msix->table, bar, off + i, &at))
			byte = msix->entries[at];
		else if (inside(&msix->pba, bar, off + i, &at))
			byte = pba_byte(msix, at);
		val |= (uint64_t)byte << i * 8;
	}
	return val;
}

/* Bits of the table's byte @at that hold something. */
static uint8_t entry_mask(uint64_t at)
{
	switch (at % MSIX_ENTRY_SIZE) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		return 0xfc;
	case PCI_MSIX_ENTRY_VECTOR_CTRL:
		return PCI_MSIX_ENTRY_CTRL_MASKBIT;
	case PCI_MSIX_ENTRY_VECTOR_CTRL + 1:
	case PCI_MSIX_ENTRY_VECTOR_CTRL + 2:
	case PCI_MSIX_ENTRY_VECTOR_CTRL + 3:
		return 0;
	default:
		return 0xff;
	}
}

void msix_write(struct msix *msix, unsigned int bar, uint64_t off,
		uint64_t val, unsigned int len)
{
	unsigned int i, first = UINT32_MAX, last = 0;
	uint64_t at;

	for (i = 0; i < len; i++, val >>= 8) {
		if (!inside(&msix->table, bar, off + i, &at))
			continue;
		msix->entries[at] = val & entry_mask(at);
		last = at / MSIX_ENTRY_SIZE;
		first = MIN(first, last);
	}
	for (i = first; i <= last; i++)
		msix->ops->update(msix->owner, i);
}
