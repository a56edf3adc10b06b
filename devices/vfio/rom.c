/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The expansion ROM of an assigned device: the device's own, or a file that
 * the user gave in its place. Read when the guest reads it, which is seldom,
 * and never written. PCI Local Bus 3.0 section 6.3; Linux:
 * drivers/vfio/pci shows the ROM as a region of size 0 where it finds none.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "devices/vfio/vfio_priv.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define ROM_SIZE_MIN (2 * KiB)	/* the register has no smaller */
#define ROM_SIZE_MAX (16 * MiB)

static int open_file(struct vfio_pci *d, const char *path, uint64_t *size)
{
	int err = d->rom_fd = file_open("rom", path, size);

	if (err < 0)
		return err;
	if (*size && *size <= ROM_SIZE_MAX)
		return 0;
	log_err("vfio %s: rom %s: has %llu bytes; at most %llu make a rom",
		d->name, path, (unsigned long long)*size,
		(unsigned long long)ROM_SIZE_MAX);
	rom_close(d);
	return -ENOEXEC;
}

/* A device without is as good as one whose ROM the kernel can't find. */
static uint64_t find_own(struct vfio_pci *d)
{
	struct vfio_region_info *info;
	uint64_t size = 0;

	if (region_query(d, VFIO_PCI_ROM_REGION_INDEX, &info) < 0)
		return 0;
	if (info->flags & VFIO_REGION_INFO_FLAG_READ &&
	    info->size <= ROM_SIZE_MAX)
		size = info->size;
	d->bars[PCI_ROM].offset = info->offset;
	free(info);
	return size;
}

int rom_open(struct vfio_pci *d)
{
	struct pci_bar *bar = &d->pci.bars[PCI_ROM];
	uint64_t size = 0;
	int err = 0;

	d->rom_fd = -1;
	if (d->spec.rom[0])
		err = open_file(d, d->spec.rom, &size);
	else if (!d->spec.rom_off)
		size = find_own(d);
	if (err < 0 || !size)
		return err;
	d->bars[PCI_ROM].size = size;
	bar->rom = true;
	bar->size = ROM_SIZE_MIN;
	while (bar->size < size)
		bar->size <<= 1;
	return 0;
}

void rom_close(struct vfio_pci *d)
{
	if (d->rom_fd >= 0)
		sys_close(d->rom_fd);
	d->rom_fd = -1;
}

/* Behind the end of a file that is shorter than its register: ones. */
uint64_t rom_read(struct vfio_pci *d, uint64_t off, unsigned int len)
{
	const struct vfio_bar *bar = &d->bars[PCI_ROM];
	uint64_t val = UINT64_MAX;
	ssize_t n;

	if (off >= bar->size)
		return val;
	if (d->rom_fd >= 0)
		n = sys_pread(d->rom_fd, &val, MIN(len, bar->size - off), off);
	else
		n = sys_pread(d->fd, &val, MIN(len, bar->size - off),
			      bar->offset + off);
	if (n < 0 && !d->rom_warned) {
		d->rom_warned = true;
		log_warn("vfio %s: cannot read its rom: %s", d->name,
			 err_text(n));
		log_hint("--vfio %s,rom=FILE or rom=off", d->name);
	}
	return n < 0 ? UINT64_MAX : val;
}
