/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Config space: the two ways in (ECAM, ports 0xcf8/0xcfc) and the generic
 * half of every function's header, its BARs and decode bits. PCI Local Bus
 * 3.0 sections 3.2.2.3 and 6.2.5; PCI Express Base 5.0 section 7.2.2.
 *
 * A guest may access any bytes in any width. They are taken apart into
 * naturally aligned pieces of at most four bytes here, so that nobody below
 * sees an access that crosses a register or a function.
 */
#include <linux/pci_regs.h>

#include "devices/pci/pci_priv.h"
#include "vmm/log.h"

#define DECODE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

/* Ports, as offsets from 0xcf8. */
#define CF8_ADDRESS 0
#define CF8_RESET 1		/* 0xcf9 */
#define CF8_DATA 4		/* 0xcfc */
#define CF8_ENABLE BIT(31)
#define RESET_CPU 4

/* Its header has no BARs. */
static bool is_bridge(const struct pci_dev *dev)
{
	return IS_ENABLED(CONFIG_HOTPLUG) &&
	       dev->cfg[PCI_HEADER_TYPE] == PCI_HEADER_TYPE_BRIDGE;
}

static uint32_t bar_flags(const struct pci_bar *bar)
{
	if (bar->io)
		return PCI_BASE_ADDRESS_SPACE_IO;
	if (bar->rom)
		return bar->on ? PCI_ROM_ADDRESS_ENABLE : 0;
	return (bar->mem64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
	       (bar->prefetch ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
}

/* The BAR that register @reg belongs to, and whether it is its upper half. */
static struct pci_bar *bar_of(struct pci_dev *dev, unsigned int reg, bool *high)
{
	*high = false;
	if (dev->bars[reg].size)
		return &dev->bars[reg];
	*high = true;
	if (reg && reg < PCI_ROM && dev->bars[reg - 1].size && dev->bars[reg - 1].mem64)
		return &dev->bars[reg - 1];
	return NULL;
}

static uint32_t bar_get(struct pci_dev *dev, unsigned int reg)
{
	bool high;
	const struct pci_bar *bar = bar_of(dev, reg, &high);

	if (!bar)
		return 0;
	return high ? bar->addr >> 32 : (uint32_t)bar->addr | bar_flags(bar);
}

static void bar_set(struct pci_dev *dev, unsigned int reg, uint32_t val)
{
	bool high;
	struct pci_bar *bar = bar_of(dev, reg, &high);

	if (!bar)
		return;
	if (high)
		bar->addr = (uint32_t)bar->addr | (uint64_t)val << 32;
	else
		bar->addr = ALIGN_DOWN(bar->addr, BIT(32)) | val;
	bar->addr = ALIGN_DOWN(bar->addr, bar->size);
	bar->on = bar->rom && val & PCI_ROM_ADDRESS_ENABLE;
	trace(TRACE_PCI, "%02x.%x bar %u <- 0x%x: 0x%llx", dev->devfn >> 3,
	      dev->devfn & 7, reg, val, (unsigned long long)bar->addr);
	if (dev->decode)
		window_sync(dev->host);
}

/* The region that the register at @off belongs to, -1: none. */
static int region_of(const struct pci_dev *dev, unsigned int off)
{
	if (is_bridge(dev))
		return -1;
	if (off >= PCI_BASE_ADDRESS_0 && off <= PCI_BASE_ADDRESS_5 + 3)
		return (off - PCI_BASE_ADDRESS_0) / 4;
	return off / 4 == PCI_ROM_ADDRESS / 4 ? PCI_ROM : -1;
}

static uint32_t piece_read(struct pci_dev *dev, unsigned int off,
			   unsigned int len)
{
	int region;

	if (!dev)
		return UINT32_MAX;
	region = region_of(dev, off);
	if (region >= 0)
		return bar_get(dev, region) >> off % 4 * 8;
	if (dev->ops->cfg_read)
		return dev->ops->cfg_read(dev, off, len);
	return pci_get(dev->cfg, off, len);
}

void pci_cfg_put(struct pci_dev *dev, unsigned int off, uint32_t val,
		 unsigned int len)
{
	uint32_t mask = pci_get(dev->wmask, off, len);
	uint32_t old = pci_get(dev->cfg, off, len);

	pci_put(dev->cfg, off, (old & ~mask) | (val & mask), len);
}

static void rest_write(struct pci_dev *dev, unsigned int off, uint32_t val,
		       unsigned int len)
{
	if (dev->ops->cfg_write)
		dev->ops->cfg_write(dev, off, val, len);
	else
		pci_cfg_put(dev, off, val, len);
}

static void set_decode(struct pci_dev *dev, uint8_t decode)
{
	if (dev->decode == decode)
		return;
	dev->decode = decode;
	window_sync(dev->host);
}

/*
 * What is switched off disappears from the guest before the device hears of
 * it, and what is switched on appears after: a mapped BAR is never without a
 * device that decodes it.
 */
static void command_write(struct pci_dev *dev, uint32_t val, unsigned int len)
{
	uint8_t decode = val & dev->wmask[PCI_COMMAND] & DECODE;

	set_decode(dev, dev->decode & decode);
	rest_write(dev, PCI_COMMAND, val, len);
	set_decode(dev, decode);
}

static void piece_write(struct pci_dev *dev, unsigned int off, uint32_t val,
			unsigned int len)
{
	uint8_t reg[4];
	int region;

	if (!dev)
		return;
	region = region_of(dev, off);
	if (region >= 0) {
		pci_put(reg, 0, bar_get(dev, region), 4);
		pci_put(reg, off % 4, val, len);
		bar_set(dev, region, pci_get(reg, 0, 4));
	} else if (off == PCI_COMMAND) {
		command_write(dev, val, len);
	} else {
		rest_write(dev, off, val, len);
	}
}

/* The longest aligned piece of at most four bytes that begins at @addr. */
static unsigned int piece(uint64_t addr, unsigned int len)
{
	unsigned int size = 4;

	while (size > len || addr % size)
		size /= 2;
	return size;
}

static uint32_t mask_of(unsigned int len)
{
	return BIT(len * 8) - 1;
}

static struct pci_dev *function_at(const struct pci_host *host,
				   unsigned int rid)
{
	return rid < PCI_FUNCTIONS ? host->devs[rid] : port_child(host, rid);
}

/* @addr as in ECAM: bus << 20 | devfn << 12 | offset. */
static uint64_t config_read(struct pci_host *host, uint64_t addr,
			    unsigned int len)
{
	unsigned int done, size;
	uint64_t val = 0;

	pthread_rwlock_rdlock(&host->lock);
	for (done = 0; done < len; done += size) {
		unsigned int rid = (addr + done) / PCI_CFG_SIZE;
		unsigned int off = (addr + done) % PCI_CFG_SIZE;

		size = piece(addr + done, len - done);
		val |= (uint64_t)(piece_read(function_at(host, rid), off, size) &
				  mask_of(size)) << done * 8;
	}
	pthread_rwlock_unlock(&host->lock);
	trace(TRACE_PCI, "config read %05llx len=%u -> 0x%llx",
	      (unsigned long long)addr, len, (unsigned long long)val);
	return val;
}

static void config_write(struct pci_host *host, uint64_t addr, uint64_t val,
			 unsigned int len)
{
	unsigned int done, size;

	trace(TRACE_PCI, "config write %05llx len=%u <- 0x%llx",
	      (unsigned long long)addr, len, (unsigned long long)val);
	pthread_rwlock_wrlock(&host->lock);
	for (done = 0; done < len; done += size) {
		unsigned int rid = (addr + done) / PCI_CFG_SIZE;
		unsigned int off = (addr + done) % PCI_CFG_SIZE;

		size = piece(addr + done, len - done);
		piece_write(function_at(host, rid), off,
			    val >> done * 8 & mask_of(size), size);
	}
	pthread_rwlock_unlock(&host->lock);
}

/* What is at @offset, as in ECAM. */
static uint64_t ecam_addr(const struct pci_host *host, uint64_t offset)
{
	return is_cam(host) ? (offset & ~0xffULL) << 4 | (offset & 0xff)
			    : offset;
}

static uint64_t ecam_read(void *owner, uint64_t offset, unsigned int len)
{
	return config_read(owner, ecam_addr(owner, offset), len);
}

static void ecam_write(void *owner, uint64_t offset, uint64_t val,
		       unsigned int len)
{
	config_write(owner, ecam_addr(owner, offset), val, len);
}

static const struct bus_ops ecam_ops = { ecam_read, ecam_write };

/* Where in ECAM the data port leads: -1 for nowhere, the enable bit is clear. */
static int64_t cf8_target(const struct pci_host *host, unsigned int port)
{
	uint32_t address = host->cf8;

	if (!(address & CF8_ENABLE))
		return -1;
	return (address >> 8 & 0xffff) * PCI_CFG_SIZE | (address & 0xfc) |
	       (port - CF8_DATA);
}

/* The address register answers whole dwords only; the rest are other ports. */
static uint64_t cf8_read(void *owner, uint64_t port, unsigned int len)
{
	struct pci_host *host = owner;
	int64_t target;

	if (port == CF8_ADDRESS && len == 4)
		return host->cf8;
	if (port < CF8_DATA)
		return UINT64_MAX;
	target = cf8_target(host, port);
	return target < 0 ? UINT64_MAX : config_read(host, target, len);
}

static void cf8_write(void *owner, uint64_t port, uint64_t val,
		      unsigned int len)
{
	struct pci_host *host = owner;
	int64_t target;

	if (port == CF8_ADDRESS && len == 4)
		host->cf8 = val;
	else if (port == CF8_RESET && len == 1 && val & RESET_CPU)
		vm_reset(host->vm);
	if (port < CF8_DATA)
		return;
	target = cf8_target(host, port);
	if (target >= 0)
		config_write(host, target, val, len);
}

static const struct bus_ops cf8_ops = { cf8_read, cf8_write };

int config_claim(struct pci_host *host)
{
	int err = bus_add(&host->vm->mmio, "pci config", host->layout.ecam,
			  config_size(host), &ecam_ops, host);

	if (err < 0 || !host->layout.cf8)
		return err;
	return bus_add(&host->vm->pio, "pci config", 0xcf8, 8, &cf8_ops, host);
}
