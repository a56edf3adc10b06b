/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Config space: building it for a test, and what of it VFIO lets a user
 * write. PCI Local Bus 3.0, chapter 6; Linux: drivers/vfio/pci/
 * vfio_pci_config.c's rules as seen from user space.
 */
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_priv.h"

void fake_cfg16(struct fake_pci *pci, unsigned int off, uint16_t value)
{
	pci->cfg[off] = value;
	pci->cfg[off + 1] = value >> 8;
}

void fake_cfg32(struct fake_pci *pci, unsigned int off, uint32_t value)
{
	fake_cfg16(pci, off, value);
	fake_cfg16(pci, off + 2, value >> 16);
}

uint16_t fake_cfg_get16(const struct fake_pci *pci, unsigned int off)
{
	return pci->cfg[off] | pci->cfg[off + 1] << 8;
}

uint32_t fake_cfg_get32(const struct fake_pci *pci, unsigned int off)
{
	return fake_cfg_get16(pci, off) |
		(uint32_t)fake_cfg_get16(pci, off + 2) << 16;
}

static uint32_t bar_flags(const struct fake_pci_bar *bar)
{
	if (bar->io)
		return PCI_BASE_ADDRESS_SPACE_IO;
	return (bar->mem64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
		(bar->prefetch ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
}

void fake_bar(struct fake_pci *pci, unsigned int index, uint64_t size,
	      bool io, bool mem64, bool prefetch)
{
	/* Host addresses that no guest has. */
	uint64_t at = io ? 0xc000 + 0x100 * index :
		mem64 ? (0x38000000000ULL + ((uint64_t)index << 36)) :
		0xc0000000 + ((uint64_t)index << 25);

	pci->bars[index] = (struct fake_pci_bar){ size, io, mem64, prefetch };
	at = ALIGN_DOWN(at, size);
	fake_cfg32(pci, PCI_BASE_ADDRESS_0 + 4 * index,
		   at | bar_flags(&pci->bars[index]));
	if (mem64)
		fake_cfg32(pci, PCI_BASE_ADDRESS_0 + 4 * index + 4, at >> 32);
}

unsigned int fake_cap(struct fake_pci *pci, uint8_t id, unsigned int len)
{
	struct fake_pci_priv *priv = pci->priv;
	unsigned int at = priv->next_cap;

	if (at + len > 256)
		abort();
	pci->cfg[at] = id;
	pci->cfg[priv->last_cap ? priv->last_cap + 1 : PCI_CAPABILITY_LIST] =
		at;
	fake_cfg16(pci, PCI_STATUS, fake_cfg_get16(pci, PCI_STATUS) |
		   PCI_STATUS_CAP_LIST);
	priv->last_cap = at;
	priv->next_cap = ALIGN_UP(at + len, 4);
	return at;
}

unsigned int fake_ecap(struct fake_pci *pci, uint16_t id, uint8_t version,
		       unsigned int len)
{
	struct fake_pci_priv *priv = pci->priv;
	unsigned int at = priv->next_ecap;

	if (at + len > 4096)
		abort();
	fake_cfg32(pci, at, id | version << 16);
	if (priv->last_ecap)
		fake_cfg16(pci, priv->last_ecap + 2,
			   (fake_cfg_get16(pci, priv->last_ecap + 2) & 0xf) |
			   at << 4);
	priv->last_ecap = at;
	priv->next_ecap = ALIGN_UP(at + len, 4);
	return at;
}

unsigned int fake_cap_msi(struct fake_pci *pci, unsigned int vectors,
			  bool addr64, bool maskable)
{
	unsigned int len = 10 + (addr64 ? 4 : 0) + (maskable ? 10 : 0);
	unsigned int at = fake_cap(pci, PCI_CAP_ID_MSI, len), log = 0;

	while (1U << log < vectors)
		log++;
	fake_cfg16(pci, at + PCI_MSI_FLAGS, log << 1 |
		   (addr64 ? PCI_MSI_FLAGS_64BIT : 0) |
		   (maskable ? PCI_MSI_FLAGS_MASKBIT : 0));
	pci->msi = vectors;
	return at;
}

unsigned int fake_cap_msix(struct fake_pci *pci, unsigned int vectors,
			   unsigned int table_bar, uint32_t table_off,
			   unsigned int pba_bar, uint32_t pba_off)
{
	unsigned int at = fake_cap(pci, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);

	fake_cfg16(pci, at + PCI_MSIX_FLAGS, vectors - 1);
	fake_cfg32(pci, at + PCI_MSIX_TABLE, table_off | table_bar);
	fake_cfg32(pci, at + PCI_MSIX_PBA, pba_off | pba_bar);
	pci->msix = vectors;
	return at;
}

unsigned int fake_cap_pcie(struct fake_pci *pci)
{
	unsigned int at = fake_cap(pci, PCI_CAP_ID_EXP, 0x3c);

	fake_cfg16(pci, at + PCI_EXP_FLAGS, 2); /* version 2, an endpoint */
	fake_cfg32(pci, at + PCI_EXP_DEVCAP,
		   PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	fake_cfg32(pci, at + PCI_EXP_LNKCAP, 0x11);
	fake_cfg16(pci, at + PCI_EXP_LNKSTA, 0x11);
	pci->can_reset = true;
	pci->cfg_size = 4096;
	return at;
}

/* ---- what VFIO makes of it ---------------------------------------------- */

static void writable(struct fake_pci *pci, unsigned int off, uint32_t mask,
		     unsigned int len)
{
	if (off + len <= sizeof(pci->priv->wmask))
		memcpy(pci->priv->wmask + off, &mask, len);
}

/* A test may well make a list that points anywhere, or has no end. */
unsigned int config_cap(const struct fake_pci *pci, unsigned int nth)
{
	unsigned int at;

	if (!(fake_cfg_get16(pci, PCI_STATUS) & PCI_STATUS_CAP_LIST) ||
	    nth >= 48)
		return 0;
	at = pci->cfg[PCI_CAPABILITY_LIST] & ~3U;
	while (at >= 0x40 && nth--)
		at = pci->cfg[at + 1] & ~3U;
	return at >= 0x40 ? at : 0;
}

static void start_msi(struct fake_pci *pci, unsigned int at)
{
	uint16_t flags = fake_cfg_get16(pci, at + PCI_MSI_FLAGS);
	unsigned int data = flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 :
		PCI_MSI_DATA_32;

	writable(pci, at + PCI_MSI_FLAGS,
		 PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, 2);
	writable(pci, at + PCI_MSI_ADDRESS_LO, 0xfffffffc, 4);
	if (flags & PCI_MSI_FLAGS_64BIT)
		writable(pci, at + PCI_MSI_ADDRESS_HI, 0xffffffff, 4);
	writable(pci, at + data, 0xffff, 2);
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		writable(pci, at + data + 4, 0xffffffff, 4);
}

/* A test's list may be broken on purpose, a circle for one. */
#define CAPS_MAX 64

/* MSI-X control is VFIO's own: writes to it do nothing. */
static void start_caps(struct fake_pci *pci)
{
	unsigned int at = fake_cfg_get16(pci, PCI_STATUS) &
		PCI_STATUS_CAP_LIST ? pci->cfg[PCI_CAPABILITY_LIST] : 0;
	unsigned int n;

	for (n = 0; at && n < CAPS_MAX; at = pci->cfg[at + 1], n++) {
		switch (pci->cfg[at]) {
		case PCI_CAP_ID_MSI:
			start_msi(pci, at);
			break;
		case PCI_CAP_ID_PM:
			writable(pci, at + PCI_PM_CTRL, 0x3, 2);
			break;
		case PCI_CAP_ID_EXP:
			writable(pci, at + PCI_EXP_DEVCTL, 0xffff, 2);
			break;
		case PCI_CAP_ID_VNDR:
			memset(pci->priv->wmask + at + 3, 0xff,
			       MAX(pci->cfg[at + 2], 3) - 3);
			break;
		}
	}
}

static void start_bar(struct fake_pci *pci, unsigned int i)
{
	const struct fake_pci_bar *bar = &pci->bars[i];
	uint64_t mask = ~(bar->size - 1);

	if (!bar->size)
		return;
	writable(pci, PCI_BASE_ADDRESS_0 + 4 * i, mask, 4);
	if (bar->mem64)
		writable(pci, PCI_BASE_ADDRESS_0 + 4 * i + 4, mask >> 32, 4);
}

/* As VFIO opens it: it decodes, and does not master the bus. */
void config_start(struct fake_pci *pci)
{
	uint16_t command = 0;
	unsigned int i;

	memset(pci->priv->wmask, 0, sizeof(pci->priv->wmask));
	for (i = 0; i < 6; i++) {
		start_bar(pci, i);
		if (pci->bars[i].size)
			command |= pci->bars[i].io ? PCI_COMMAND_IO :
				PCI_COMMAND_MEMORY;
	}
	if (pci->rom_size)
		writable(pci, PCI_ROM_ADDRESS, ~(pci->rom_size - 1) |
			 PCI_ROM_ADDRESS_ENABLE, 4);
	fake_cfg16(pci, PCI_COMMAND, command);
	memcpy(pci->priv->ids, pci->cfg, sizeof(pci->priv->ids));
	writable(pci, PCI_COMMAND, 0x547, 2);
	writable(pci, PCI_CACHE_LINE_SIZE, 0xff, 1);
	writable(pci, PCI_LATENCY_TIMER, 0xff, 1);
	writable(pci, PCI_INTERRUPT_LINE, 0xff, 1);
	start_caps(pci);
}

static unsigned int find_cap(const struct fake_pci *pci, uint8_t id)
{
	unsigned int at = pci->cfg[PCI_CAPABILITY_LIST], n;

	for (n = 0; at && n < CAPS_MAX; at = pci->cfg[at + 1], n++)
		if (pci->cfg[at] == id)
			return at;
	return 0;
}

static bool asleep(const struct fake_pci *pci)
{
	unsigned int at = find_cap(pci, PCI_CAP_ID_PM);

	return at && (pci->cfg[at + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK) == 3;
}

bool config_decodes(const struct fake_pci *pci)
{
	return fake_cfg_get16(pci, PCI_COMMAND) & PCI_COMMAND_MEMORY &&
	       !asleep(pci) && !pci->low_power;
}

/* A function-level reset asked for through config space is one. */
static void check_flr(struct fake_pci *pci)
{
	unsigned int at = find_cap(pci, PCI_CAP_ID_EXP);
	uint16_t ctl;

	if (!at)
		return;
	ctl = fake_cfg_get16(pci, at + PCI_EXP_DEVCTL);
	if (!(ctl & PCI_EXP_DEVCTL_BCR_FLR))
		return;
	fake_cfg16(pci, at + PCI_EXP_DEVCTL, ctl & ~PCI_EXP_DEVCTL_BCR_FLR);
	if (fake_cfg_get32(pci, at + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR)
		function_reset(pci);
}

/*
 * The kernel has a device that saves power asleep in its own way, and wakes
 * it for any access to config space: that shows it in D0.
 */
static void wake(struct fake_pci *pci)
{
	unsigned int at = find_cap(pci, PCI_CAP_ID_PM);

	if (at && pci->low_power)
		pci->cfg[at + PCI_PM_CTRL] &= ~PCI_PM_CTRL_STATE_MASK;
}

void config_read(struct fake_pci *pci, unsigned int off, uint8_t *data,
		 size_t len)
{
	size_t i;

	wake(pci);
	memcpy(data, pci->cfg + off, len);
	/* The kernel's own: they tell nothing of the device. */
	for (i = 0; i < len && off + i < sizeof(pci->priv->ids); i++)
		data[i] = pci->priv->ids[off + i];
}

void config_write(struct fake_pci *pci, unsigned int off, const uint8_t *data,
		  size_t len)
{
	const uint8_t *mask = pci->priv->wmask + off;
	bool was = config_decodes(pci);
	size_t i;

	wake(pci);
	for (i = 0; i < len; i++)
		pci->cfg[off + i] = (pci->cfg[off + i] & ~mask[i]) |
			(data[i] & mask[i]);
	if (was && !config_decodes(pci))
		dma_stop(pci);
	check_flr(pci);
}
