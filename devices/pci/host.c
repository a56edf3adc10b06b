/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host bridge as a device: its life, the functions on its bus, and what
 * it is in neutral words. See pci.h for the contract.
 *
 * It shows itself as 8086:0d57, the identity that Intel set aside for the
 * host bridge of virtual machines and that other small monitors show as well:
 * no driver and no quirk of Linux looks for it, while a chipset's number
 * would bring that chipset's workarounds along.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/pci/pci_priv.h"
#include "vmm/log.h"

#define BRIDGE_VENDOR 0x8086
#define BRIDGE_DEVICE 0x0d57
#define BRIDGE_CLASS 0x0600

static const struct pci_dev_ops plain_ops;
static const struct device_ops host_ops;

static void bridge_fill(struct pci_dev *self)
{
	self->name = "host bridge";
	self->ops = &plain_ops;
	pci_put(self->cfg, PCI_VENDOR_ID, BRIDGE_VENDOR, 2);
	pci_put(self->cfg, PCI_DEVICE_ID, BRIDGE_DEVICE, 2);
	pci_put(self->cfg, PCI_CLASS_DEVICE, BRIDGE_CLASS, 2);
}

static void window_set(struct pci_host *host, unsigned int which,
		       uint64_t base, uint64_t size)
{
	host->windows[which] = (struct pci_window){
		.host = host,
		.base = base,
		.size = size,
		.io = which == PCI_WINDOW_IO,
	};
}

int pci_host_create(struct vm *vm, const struct pci_layout *layout,
		    struct pci_host **out)
{
	struct pci_host *host = calloc(1, sizeof(*host));
	int err;

	if (!host)
		return -ENOMEM;
	host->vm = vm;
	host->layout = *layout;
	window_set(host, PCI_WINDOW_IO, layout->io_base, layout->io_size);
	window_set(host, PCI_WINDOW_MEM32, layout->mem32_base,
		   layout->mem32_size);
	window_set(host, PCI_WINDOW_MEM64, 0, 0);
	pthread_rwlock_init(&host->lock, NULL);
	bridge_fill(&host->self);
	pci_dev_add(host, &host->self, 0);
	err = config_claim(host);
	if (err < 0) {
		log_err("pci: cannot claim config space: %s", err_text(err));
		pthread_rwlock_destroy(&host->lock);
		free(host);
		return err;
	}
	device_add(vm, &host->device, "pci", &host_ops);
	*out = host;
	return 0;
}

static void host_destroy(struct device *device)
{
	struct pci_host *host = container_of(device, struct pci_host, device);

	pthread_rwlock_destroy(&host->lock);
	free(host);
}

static void host_reset(struct device *device)
{
	struct pci_host *host = container_of(device, struct pci_host, device);
	unsigned int i;

	host->cf8 = 0;
	for (i = 0; i < host->nr; i++)
		pci_dev_reset(host->list[i]);
}

static void desc_add(struct desc *desc, enum desc_kind kind, uint64_t base,
		     uint64_t size)
{
	if (!size)
		return;
	desc->ranges[desc->nr_ranges++] = (struct desc_range){
		.kind = kind,
		.base = base,
		.size = size,
	};
}

/*
 * ECAM comes first. No window says "prefetchable": in one that does, Linux
 * accepts prefetchable BARs only, and a 64-bit BAR need not be that.
 */
static void host_describe(const struct device *device, struct desc *desc)
{
	const struct pci_host *host =
		container_of(device, struct pci_host, device);
	unsigned int i;

	desc->name = "PCI0";
	desc->compatible = is_cam(host) ? "pci-host-cam-generic"
					: "pci-host-ecam-generic";
	desc->acpi_hid = "PNP0A08";
	desc->acpi_cid = "PNP0A03";
	desc->intx_first = host->layout.intx_first;
	desc->intx_nr = host->layout.intx_nr;
	desc->last_bus = host->layout.ports;
	desc_add(desc, DESC_MMIO, host->layout.ecam, config_size(host));
	if (host->layout.cf8)
		desc_add(desc, DESC_PIO, 0xcf8, 8);
	for (i = 0; i < PCI_WINDOWS; i++) {
		const struct pci_window *w = &host->windows[i];

		desc_add(desc, w->io ? DESC_PIO_WINDOW : DESC_MMIO_WINDOW,
			 w->base, w->size);
	}
}

static const struct device_ops host_ops = {
	.reset = host_reset,
	.destroy = host_destroy,
	.describe = host_describe,
};

/* list[] is devs[] without the gaps. */
static void pack(struct pci_host *host)
{
	unsigned int i;

	host->nr = 0;
	for (i = 0; i < ARRAY_SIZE(host->devs); i++)
		if (host->devs[i])
			host->list[host->nr++] = host->devs[i];
}

bool pci_slot_taken(const struct pci_host *host, unsigned int slot)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (host->devs[slot * 8 + i])
			return true;
	return false;
}

static int next_slot(const struct pci_host *host)
{
	unsigned int slot;

	for (slot = 1; slot < PCI_SLOTS; slot++)
		if (!pci_slot_taken(host, slot))
			return slot * 8;
	return -ENOSPC;
}

void pci_dev_next(struct pci_host *host, unsigned int devfn)
{
	host->next = devfn;
}

int pci_dev_add(struct pci_host *host, struct pci_dev *dev, int devfn)
{
	unsigned int i;

	if (devfn < 0)
		devfn = host->next ? (int)host->next : next_slot(host);
	if (devfn < 0)
		return devfn;
	if (devfn >= PCI_FUNCTIONS + (int)host->nr_ports || host->devs[devfn])
		return -EEXIST;
	dev->host = host;
	dev->devfn = devfn;
	for (i = 0; i < PCI_REGIONS; i++)
		if (dev->bars[i].size)
			dev->wmask[PCI_COMMAND] |= dev->bars[i].io ?
				PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	pthread_rwlock_wrlock(&host->lock);
	host->devs[devfn] = dev;
	pack(host);
	pthread_rwlock_unlock(&host->lock);
	return 0;
}

void pci_dev_del(struct pci_dev *dev)
{
	struct pci_host *host = dev->host;

	pthread_rwlock_wrlock(&host->lock);
	dev->decode = 0;
	window_sync(host);
	host->devs[dev->devfn] = NULL;
	pack(host);
	pthread_rwlock_unlock(&host->lock);
}

unsigned int pci_rid(const struct pci_dev *dev)
{
	const struct pci_dev *port = port_of(dev);

	return port ? port->cfg[PCI_SECONDARY_BUS] << 8 : dev->devfn;
}

void pci_where(const struct pci_dev *dev, char text[PCI_WHERE])
{
	unsigned int rid = pci_rid(dev);

	snprintf(text, PCI_WHERE, "%02x:%02x.%x", rid >> 8 & 0xff,
		 rid >> 3 & 31, rid & 7);
}

/*
 * Neighbouring slots get lines of their own, as the usual swizzle of bridges
 * has it. PCI Local Bus 3.0 section 2.2.6, note on binding. Behind a port is
 * device 0, whose pins are the port's.
 */
int pci_intx(const struct pci_dev *dev, unsigned int pin)
{
	const struct pci_layout *layout = &dev->host->layout;
	const struct pci_dev *port = port_of(dev);

	if (!layout->intx_nr || !pin)
		return -1;
	return layout->intx_first +
	       (((port ? port : dev)->devfn >> 3) + pin - 1) % layout->intx_nr;
}

void pci_dev_clear(struct pci_dev *dev)
{
	unsigned int i;

	dev->decode = 0;
	dev->asleep = false;
	dev->cfg[PCI_COMMAND] &= ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	window_sync(dev->host);
	for (i = 0; i < PCI_REGIONS; i++)
		dev->bars[i].addr = dev->bars[i].home;
	dev->bars[PCI_ROM].on = false;
}

void pci_dev_reset(struct pci_dev *dev)
{
	pthread_rwlock_wrlock(&dev->host->lock);
	pci_dev_clear(dev);
	pthread_rwlock_unlock(&dev->host->lock);
}

void pci_dev_sleep(struct pci_dev *dev, bool asleep)
{
	if (dev->asleep == asleep)
		return;
	dev->asleep = asleep;
	window_sync(dev->host);
}
