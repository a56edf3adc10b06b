/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The windows: which BARs decode where, and the accesses that end up in one.
 * PCI Local Bus 3.0 section 6.2.5; see pci.h.
 *
 * A BAR decodes while the function's command bit is set, the function is
 * awake, all of it lies inside one window, and no BAR before it on the bus
 * (lower function, then lower index) decodes any of its addresses. So what a
 * guest gets for overlapping BARs depends on where they are only, never on
 * the order in which they came there; and the all-ones of sizing, outside of
 * every window, maps nothing.
 *
 * A BAR smaller than a page may be mapped with all of that page as long as it
 * begins it and no other BAR decodes any of it (own_page). Windows are made of
 * whole pages, so nobody else has a part in it.
 */
#include <linux/pci_regs.h>

#include "devices/pci/pci_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

static bool in_window(const struct pci_host *host, const struct pci_bar *bar)
{
	unsigned int i;

	for (i = 0; i < PCI_WINDOWS; i++) {
		const struct pci_window *w = &host->windows[i];

		if (w->io == bar->io &&
		    range_contains(w->base, w->size, bar->addr, bar->size))
			return true;
	}
	return false;
}

static bool enabled(const struct pci_dev *dev, const struct pci_bar *bar)
{
	uint8_t bit = bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

	return bar->size && dev->decode & bit && !dev->asleep &&
	       (!bar->rom || bar->on);
}

/* Whether a BAR before number @n wants any address of @bar. */
static bool taken(const struct pci_host *host, unsigned int n,
		  const struct pci_bar *bar)
{
	struct pci_dev *dev;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct pci_bar *other = host_bar(host, i, &dev);

		if (other->wanted && other->io == bar->io &&
		    ranges_overlap(other->addr, other->size, bar->addr,
				   bar->size))
			return true;
	}
	return false;
}

static bool own_page(const struct pci_host *host, unsigned int n)
{
	uint64_t page = sys_page_size();
	const struct pci_bar *bar, *other;
	struct pci_dev *dev;
	unsigned int i;

	bar = host_bar(host, n, &dev);
	if (bar->io || bar->size >= page)
		return !bar->io;
	if (!IS_ALIGNED(bar->addr, page))
		return false;
	for (i = 0; (other = host_bar(host, i, &dev)); i++)
		if (i != n && other->wanted && !other->io &&
		    ranges_overlap(other->addr, other->size, bar->addr, page))
			return false;
	return true;
}

static bool stays(const struct pci_host *host, unsigned int n)
{
	struct pci_dev *dev;
	const struct pci_bar *bar = host_bar(host, n, &dev);

	return bar->wanted && bar->at == bar->addr &&
	       bar->own_page == own_page(host, n);
}

static void tell(struct pci_dev *dev, struct pci_bar *bar, bool on)
{
	unsigned int index = bar - dev->bars;

	trace(TRACE_PCI, "%02x.%x bar %u %s 0x%llx", dev->devfn >> 3,
	      dev->devfn & 7, index, on ? "decodes at" : "leaves",
	      (unsigned long long)bar->at);
	bar->decoding = on;
	if (dev->ops->bar_map)
		dev->ops->bar_map(dev, index, bar->at, on);
}

void window_sync(struct pci_host *host)
{
	struct pci_bar *bar;
	struct pci_dev *dev;
	unsigned int n;

	for (n = 0; (bar = host_bar(host, n, &dev)); n++)
		bar->wanted = enabled(dev, bar) && in_window(host, bar) &&
			      !taken(host, n, bar);
	for (n = 0; (bar = host_bar(host, n, &dev)); n++)
		if (bar->decoding && !stays(host, n))
			tell(dev, bar, false);
	for (n = 0; (bar = host_bar(host, n, &dev)); n++)
		if (bar->wanted && !bar->decoding) {
			bar->at = bar->addr;
			bar->own_page = own_page(host, n);
			tell(dev, bar, true);
		}
}

/* The BAR that decodes all of the access, or NULL. */
static struct pci_bar *find(const struct pci_host *host, bool io,
			    uint64_t addr, unsigned int len,
			    struct pci_dev **dev)
{
	struct pci_bar *bar;
	unsigned int n;

	for (n = 0; (bar = host_bar(host, n, dev)); n++)
		if (bar->decoding && bar->io == io &&
		    range_contains(bar->at, bar->size, addr, len))
			return bar;
	return NULL;
}

static uint64_t window_read(void *owner, uint64_t offset, unsigned int len)
{
	const struct pci_window *w = owner;
	uint64_t addr = w->base + offset, val = UINT64_MAX;
	const struct pci_bar *bar;
	struct pci_dev *dev;

	pthread_rwlock_rdlock(&w->host->lock);
	bar = find(w->host, w->io, addr, len, &dev);
	if (bar)
		val = dev->ops->bar_read(dev, bar - dev->bars, addr - bar->at,
					 len);
	pthread_rwlock_unlock(&w->host->lock);
	return val;
}

static void window_write(void *owner, uint64_t offset, uint64_t val,
			 unsigned int len)
{
	const struct pci_window *w = owner;
	uint64_t addr = w->base + offset;
	const struct pci_bar *bar;
	struct pci_dev *dev;

	pthread_rwlock_rdlock(&w->host->lock);
	bar = find(w->host, w->io, addr, len, &dev);
	if (bar)
		dev->ops->bar_write(dev, bar - dev->bars, addr - bar->at, val,
				    len);
	pthread_rwlock_unlock(&w->host->lock);
}

static const struct bus_ops window_ops = { window_read, window_write };

int window_claim(struct pci_host *host)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < PCI_WINDOWS && err >= 0; i++) {
		struct pci_window *w = &host->windows[i];
		struct bus *bus = w->io ? &host->vm->pio : &host->vm->mmio;

		if (!w->size)
			continue;
		err = bus_add(bus, "pci window", w->base, w->size, &window_ops,
			      w);
		if (err < 0)
			log_err("pci: cannot claim the window at 0x%llx: %s",
				(unsigned long long)w->base, err_text(err));
	}
	return err;
}
