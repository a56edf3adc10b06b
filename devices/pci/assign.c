/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses for BARs before the first instruction runs, as firmware would
 * choose them; see pci_host_assign(). PCI Firmware 3.2 section 3.5.
 *
 * 64-bit prefetchable BARs go into the window above RAM, which is made as big
 * as they need. 64-bit BARs that are not prefetchable are registers, small as
 * a rule, and go below 4 GiB as long as they fit: a guest without 64-bit
 * addressing still finds its devices.
 */
#include <errno.h>

#include "devices/pci/pci_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define MEM64_GRAIN MiB
#define MEM64_PORT (64 * GiB)	/* for each port */

struct placer {
	struct pci_host *host;
	uint64_t page;
	bool placed[PCI_FUNCTIONS * PCI_REGIONS];
};

/* What a BAR takes up: memory is mapped by pages, and shares none. */
static uint64_t footprint(const struct placer *p, const struct pci_bar *bar)
{
	return bar->io ? bar->size : MAX(bar->size, p->page);
}

/*
 * The end of a placed BAR that is in the way of [@addr, @addr + @size), or 0.
 */
static uint64_t in_the_way(const struct placer *p, bool io, uint64_t addr,
			   uint64_t size)
{
	const struct pci_bar *bar;
	struct pci_dev *dev;
	unsigned int n;

	for (n = 0; (bar = host_bar(p->host, n, &dev)); n++)
		if (p->placed[n] && bar->io == io &&
		    ranges_overlap(bar->home, footprint(p, bar), addr, size))
			return bar->home + footprint(p, bar);
	return 0;
}

/* The lowest free address in [@base, @base + @room), or 0. */
static uint64_t lowest(const struct placer *p, const struct pci_bar *bar,
		       uint64_t base, uint64_t room)
{
	uint64_t size = footprint(p, bar);
	uint64_t addr = base, end;

	while (room >= size && addr <= UINT64_MAX - size) {
		addr = ALIGN_UP(addr, size);
		if (!range_contains(base, room, addr, size))
			return 0;
		end = in_the_way(p, bar->io, addr, size);
		if (!end)
			return addr;
		addr = end;
	}
	return 0;
}

static uint64_t place_in(struct placer *p, const struct pci_bar *bar,
			 unsigned int which)
{
	const struct pci_layout *layout = &p->host->layout;
	struct pci_window *w = &p->host->windows[which];
	uint64_t addr, end;

	if (which != PCI_WINDOW_MEM64)
		return lowest(p, bar, w->base, w->size);
	if (layout->mem64_max <= layout->mem64_min)
		return 0;
	addr = lowest(p, bar, layout->mem64_min,
		      layout->mem64_max - layout->mem64_min);
	if (!addr)
		return 0;
	end = MAX(w->base + w->size, addr + footprint(p, bar));
	w->base = w->size ? MIN(w->base, addr) : addr;
	w->size = end - w->base;
	return addr;
}

static uint64_t place(struct placer *p, const struct pci_bar *bar)
{
	uint64_t addr;

	if (bar->io)
		return place_in(p, bar, PCI_WINDOW_IO);
	addr = place_in(p, bar, bar->mem64 && bar->prefetch ?
				PCI_WINDOW_MEM64 : PCI_WINDOW_MEM32);
	if (!addr && bar->mem64)
		addr = place_in(p, bar, bar->prefetch ? PCI_WINDOW_MEM32 :
							PCI_WINDOW_MEM64);
	return addr;
}

static int place_one(struct placer *p, unsigned int n)
{
	const char *what = "memory";
	struct pci_dev *dev;
	struct pci_bar *bar = host_bar(p->host, n, &dev);

	bar->home = bar->addr = place(p, bar);
	p->placed[n] = bar->home != 0;
	trace(TRACE_PCI, "%s: bar %u of 0x%llx at 0x%llx", dev->name,
	      n % PCI_REGIONS, (unsigned long long)bar->size,
	      (unsigned long long)bar->home);
	if (bar->home)
		return 0;
	if (bar->rom) {
		log_warn("pci: %s: no room for its rom", dev->name);
		return 0;
	}
	if (bar->io) {
		log_warn("pci: %s: no I/O ports left for bar %u", dev->name,
			 n % PCI_REGIONS);
		return 0;
	}
	if (bar->mem64)
		what = "64-bit memory";
	log_err("pci: %s: bar %u does not fit: no room for 0x%llx bytes of %s",
		dev->name, n % PCI_REGIONS, (unsigned long long)bar->size, what);
	return -ERANGE;
}

/* The biggest BAR that was not yet tried, the first of equals; -1: none. */
static int biggest(const struct placer *p, const bool *tried)
{
	const struct pci_bar *bar;
	struct pci_dev *dev;
	uint64_t size = 0;
	unsigned int n;
	int found = -1;

	for (n = 0; (bar = host_bar(p->host, n, &dev)); n++)
		if (!tried[n] && bar->size > size) {
			size = bar->size;
			found = n;
		}
	return found;
}

/* For what comes while the guest runs nobody knows how much it takes. */
static void make_room(const struct pci_host *host, struct pci_window *w)
{
	const struct pci_layout *layout = &host->layout;

	if (layout->mem64_max <= layout->mem64_min)
		return;
	if (!w->size)
		w->base = layout->mem64_min;
	w->size = MIN(w->size + layout->ports * MEM64_PORT,
		      layout->mem64_max - w->base);
}

int pci_host_assign(struct pci_host *host)
{
	struct placer p = { .host = host, .page = sys_page_size() };
	bool tried[PCI_FUNCTIONS * PCI_REGIONS] = { false };
	struct pci_window *w = &host->windows[PCI_WINDOW_MEM64];
	int n, err;

	while ((n = biggest(&p, tried)) >= 0) {
		tried[n] = true;
		err = place_one(&p, n);
		if (err < 0)
			return err;
	}
	if (host->layout.ports)
		make_room(host, w);
	if (w->size)
		w->size = MIN(ALIGN_UP(w->size, MEM64_GRAIN),
			      host->layout.mem64_max - w->base);
	return window_claim(host);
}
