/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the guest's address space has room for the BARs of the devices that
 * postern check is asked about: they are put on a bus that nobody will see, by
 * the rules that put them on the real one. Linux:
 * Documentation/PCI/sysfs-pci.rst (resource).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/vfio/check_priv.h"
#include "vmm/arch.h"

/* Flags of a line in sysfs: include/linux/ioport.h. */
#define RES_IO 0x100
#define RES_MEM 0x200
#define RES_PREFETCH 0x2000
#define RES_MEM64 0x100000

static bool parse_line(char *line, struct pci_bar *bar)
{
	uint64_t first, last, flags;
	char *at;

	first = strtoull(line, &at, 16);
	last = strtoull(at, &at, 16);
	flags = strtoull(at, &at, 16);
	if (!(flags & (RES_IO | RES_MEM)) || last <= first)
		return false;
	*bar = (struct pci_bar){
		.size = last - first + 1,
		.io = flags & RES_IO,
		.mem64 = flags & RES_MEM64,
		.prefetch = flags & RES_PREFETCH,
	};
	return true;
}

/* The first lines are the BARs, the one after them the ROM. */
static int read_bars(const char *addr, struct pci_bar bars[PCI_REGIONS])
{
	char path[SYSFS_PATH], text[4096], *line, *rest = text;
	unsigned int i;
	int err;

	snprintf(path, sizeof(path), SYSFS_PCI "devices/%s/resource", addr);
	err = sysfs_read_all(path, text, sizeof(text));
	for (i = 0; err >= 0 && i < PCI_REGIONS; i++) {
		line = strsep(&rest, "\n");
		if (!line)
			break;
		if (parse_line(line, &bars[i]))
			bars[i].rom = i == PCI_ROM;
	}
	return err;
}

static void report_bars(struct report *r, const struct pci_bar *bars)
{
	unsigned int i;

	report_words(r, "bars");
	for (i = 0; i < PCI_BARS; i++)
		if (bars[i].size)
			report_word(r, "%u: 0x%llx bytes of %s%s", i,
				    (unsigned long long)bars[i].size,
				    bars[i].io ? "ports" : bars[i].mem64 ?
				    "64-bit memory" : "32-bit memory",
				    bars[i].prefetch ? " that can be prefetched" :
				    "");
	report_words_end(r);
	if (bars[PCI_ROM].size)
		report_bytes(r, "rom", bars[PCI_ROM].size);
	else
		report_text(r, "rom", NULL);
}

/* All devices so far, on a bus of their own. */
static int place_all(struct check *c)
{
	struct pci_layout layout;
	struct pci_host *host;
	unsigned int i;
	int err;

	bus_create(&c->vm.mmio, "mmio");
	bus_create(&c->vm.pio, "pio");
	board_pci(&c->vm, &layout);
	err = pci_host_create(&c->vm, &layout, &host);
	if (err < 0)
		return err;
	for (i = 0; i < c->fit.nr && err >= 0; i++)
		err = pci_dev_add(host, &c->fit.devs[i], -1);
	if (err >= 0)
		err = pci_host_assign(host);
	devices_destroy(&c->vm);
	return err;
}

void check_bars(struct check *c, const struct sysfs_device *dev)
{
	struct pci_dev *pci = &c->fit.devs[c->fit.nr];
	struct report *r = &c->report;
	int err;

	if (read_bars(dev->addr, pci->bars) < 0) {
		report_text(r, "bars", "not known");
		return;
	}
	report_bars(r, pci->bars);
	if (!c->kvm)
		return;
	pci->name = dev->addr;
	c->fit.nr++;
	err = place_all(c);
	pci->name = NULL;	/* not said again: it fits */
	check_err(c, err);
	report_flag(r, "bars fit", err >= 0);
	/* What does not fit must not be in the way of the next. */
	if (err < 0) {
		c->fit.nr--;
		*pci = (struct pci_dev){ 0 };
	}
}
