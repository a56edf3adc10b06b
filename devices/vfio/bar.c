/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BARs of an assigned device. What the kernel lets us mmap is put into the
 * guest's memory map while the BAR decodes, except for the pages that hold
 * the MSI-X table or its pending bits; an access to any other byte comes here
 * and is passed on by pread or pwrite. A BAR smaller than a page is mapped with
 * the rest of it, where there is nothing on the host, and only while there is
 * nothing in the guest either (own_page). Linux: include/uapi/linux/vfio.h,
 * VFIO_DEVICE_GET_REGION_INFO; PCI Local Bus 3.0 section 6.2.5.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "devices/vfio/vfio_priv.h"
#include "iommu/uapi.h"
#include "vmm/log.h"
#include "vmm/sys.h"

/* More than this many bytes of region capabilities is nonsense. */
#define REGION_INFO_MAX (64 * KiB)
#define REGION_CAPS_MAX 16
#define BAR_SIZE_MAX BIT(52)
#define IO_SIZE_MAX (64 * KiB)

int region_query(const struct vfio_pci *d, unsigned int index,
		 struct vfio_region_info **out)
{
	struct vfio_region_info *info;
	size_t size = sizeof(*info), asked;
	int err;

	do {
		asked = size;
		info = calloc(1, asked);
		if (!info)
			return -ENOMEM;
		info->argsz = asked;
		info->index = index;
		err = sys_ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, info);
		size = info->argsz;
		if (err >= 0 && size <= asked) {
			info->argsz = asked;
			*out = info;
			return 0;
		}
		free(info);
	} while (err >= 0 && size <= REGION_INFO_MAX);
	return err < 0 ? err : -EIO;
}

/* The capability @id of a region, with at least @size bytes, or NULL. */
static const void *region_cap(const struct vfio_region_info *info,
			      uint16_t id, size_t size)
{
	const struct vfio_info_cap_header *cap;
	uint32_t off = info->cap_offset;
	unsigned int n;

	if (!(info->flags & VFIO_REGION_INFO_FLAG_CAPS))
		return NULL;
	for (n = 0; off && n < REGION_CAPS_MAX; n++, off = cap->next) {
		if (!range_contains(0, info->argsz, off, sizeof(*cap)))
			return NULL;
		cap = (const void *)((const char *)info + off);
		if (cap->id == id && range_contains(0, info->argsz, off, size))
			return cap;
	}
	return NULL;
}

/*
 * The parts that may be mmapped: all of it, or what the kernel names. Areas
 * beyond what there is room for stay trapped.
 */
static void find_areas(struct vfio_bar *bar,
		       const struct vfio_region_info *info)
{
	const struct vfio_region_info_cap_sparse_mmap *sparse =
		region_cap(info, VFIO_REGION_INFO_CAP_SPARSE_MMAP,
			   sizeof(*sparse));
	size_t room;
	uint32_t i;

	if (!(bar->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return;
	if (!sparse) {
		bar->areas[bar->nr_areas++] = (struct vfio_span){
			0, MAX(bar->size, (uint64_t)sys_page_size())
		};
		return;
	}
	room = (const char *)info + info->argsz - (const char *)sparse->areas;
	for (i = 0; i < sparse->nr_areas && i < VFIO_PIECES &&
		    i < room / sizeof(sparse->areas[0]); i++)
		if (range_contains(0, bar->size, sparse->areas[i].offset,
				   sparse->areas[i].size))
			bar->areas[bar->nr_areas++] = (struct vfio_span){
				sparse->areas[i].offset,
				sparse->areas[i].size,
			};
}

static int refuse(const struct vfio_pci *d, unsigned int index,
		  const char *why)
{
	log_err("vfio %s: bar %u makes no sense: %s", d->name, index, why);
	return -ENODEV;
}

/*
 * A BAR's size is a power of two by nature, but some drivers offer device
 * memory of odd sizes as one: the rest of it then answers ones.
 */
static uint64_t round_up_pow2(uint64_t size, uint64_t least)
{
	while (least < size)
		least <<= 1;
	return least;
}

static int bar_kind(struct vfio_pci *d, unsigned int index)
{
	struct pci_bar *bar = &d->pci.bars[index];
	uint64_t size = d->bars[index].size;
	uint32_t reg = pci_get(d->pci.cfg, PCI_BASE_ADDRESS_0 + index * 4, 4);

	bar->io = reg & PCI_BASE_ADDRESS_SPACE_IO;
	if (bar->io) {
		if (size > IO_SIZE_MAX)
			return refuse(d, index, "more ports than there are");
		bar->size = round_up_pow2(size, 4);
		return 0;
	}
	bar->mem64 = (reg & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
		     PCI_BASE_ADDRESS_MEM_TYPE_64;
	bar->prefetch = reg & PCI_BASE_ADDRESS_MEM_PREFETCH;
	if (bar->mem64 && index == PCI_BARS - 1)
		return refuse(d, index, "64-bit, and the last one");
	if (size > (bar->mem64 ? BAR_SIZE_MAX : 2 * GiB))
		return refuse(d, index, "larger than its addresses");
	bar->size = round_up_pow2(size, 16);
	return 0;
}

static int bar_probe(struct vfio_pci *d, unsigned int index)
{
	struct vfio_bar *bar = &d->bars[index];
	struct vfio_region_info *info;
	int err = region_query(d, index, &info);

	if (err < 0) {
		log_err("vfio %s: cannot ask for bar %u: %s", d->name, index,
			err_text(err));
		return err;
	}
	bar->offset = info->offset;
	bar->size = info->size;
	bar->flags = info->flags;
	if (bar->size) {
		find_areas(bar, info);
		err = bar_kind(d, index);
	}
	free(info);
	return err;
}

int bars_probe(struct vfio_pci *d)
{
	unsigned int i;
	int err;

	for (i = 0; i < PCI_BARS; i++) {
		if (i && d->pci.bars[i - 1].size && d->pci.bars[i - 1].mem64)
			continue;	/* upper half of the one before */
		err = bar_probe(d, i);
		if (err < 0)
			return err;
	}
	return 0;
}

/*
 * Of the holes' pages, the one that covers *@at or begins first behind it;
 * false when there is none before @end.
 */
static bool next_hole(const struct vfio_span *holes, unsigned int nr,
		      uint64_t page, uint64_t at, uint64_t end,
		      struct vfio_span *found)
{
	unsigned int i;
	bool any = false;

	for (i = 0; i < nr; i++) {
		uint64_t from = ALIGN_DOWN(holes[i].off, page);
		uint64_t to = ALIGN_UP(holes[i].off + holes[i].size, page);

		if (to <= at || from >= end || (any && from >= found->off))
			continue;
		*found = (struct vfio_span){ from, to - from };
		any = true;
	}
	return any;
}

unsigned int span_cut(struct vfio_span *out, unsigned int max,
		      const struct vfio_span *areas, unsigned int nr_areas,
		      const struct vfio_span *holes, unsigned int nr_holes,
		      uint64_t page)
{
	unsigned int i, nr = 0;

	for (i = 0; i < nr_areas; i++) {
		uint64_t at = ALIGN_UP(areas[i].off, page);
		uint64_t end = ALIGN_DOWN(areas[i].off + areas[i].size, page);
		struct vfio_span hole;

		while (at < end && nr < max) {
			if (!next_hole(holes, nr_holes, page, at, end, &hole))
				hole = (struct vfio_span){ end, 0 };
			if (hole.off > at)
				out[nr++] = (struct vfio_span){
					at, hole.off - at };
			at = hole.off + hole.size;
		}
	}
	return nr;
}

/* The parts of BAR @index that must stay trapped. */
static unsigned int find_holes(const struct vfio_pci *d, unsigned int index,
			       struct vfio_span *holes)
{
	const struct msix *msix = &d->irqs.msix;
	unsigned int nr = 0;

	if (!msix->cap)
		return 0;
	if (msix->table.bar == index)
		holes[nr++] = (struct vfio_span){ msix->table.off,
						  msix->table.size };
	if (msix->pba.bar == index)
		holes[nr++] = (struct vfio_span){ msix->pba.off,
						  msix->pba.size };
	return nr;
}

/*
 * Addresses for the whole BAR, aligned like it (up to 1 GiB), so that the
 * kernel can map it by huge pages on both sides.
 */
static char *reserve(struct vfio_bar *bar, uint64_t size)
{
	uint64_t align = MIN(size, GiB);
	int err;

	bar->reserved_size = size + align;
	err = sys_mmap(&bar->reserved, NULL, bar->reserved_size, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (err < 0) {
		bar->reserved = NULL;
		return NULL;
	}
	return (char *)ALIGN_UP((uintptr_t)bar->reserved, align);
}

/*
 * A dma-buf of the piece, by which other devices are let to it; -1 where the
 * kernel has none to give. What is mapped through one is lost for good when
 * the device stops decoding, so it is mapped anew each time it begins.
 */
static int piece_export(struct vfio_pci *d, unsigned int index,
			const struct vfio_span *span)
{
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf buf;
		struct vfio_region_dma_range range;
	} arg = {
		.feature = {
			.argsz = sizeof(arg),
			.flags = VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_DMA_BUF,
		},
		.buf = {
			.region_index = index,
			.open_flags = O_RDWR | O_CLOEXEC,
			.nr_ranges = 1,
		},
		.range = { span->off, span->size },
	};
	int fd = -1;

	if (d->vm->cfg->p2p != P2P_OFF)
		fd = sys_ioctl(d->fd, VFIO_DEVICE_FEATURE, &arg);
	return MAX(fd, -1);
}

static bool is_small(const struct vfio_bar *bar)
{
	return bar->size < (uint64_t)sys_page_size();
}

static int piece_mmap(struct vfio_pci *d, unsigned int index, char *base,
		      const struct vfio_span *span)
{
	struct vfio_bar *bar = &d->bars[index];
	struct vfio_piece *piece = &bar->pieces[bar->nr];
	bool writable = bar->flags & VFIO_REGION_INFO_FLAG_WRITE;
	void *hva;
	int err;

	err = sys_mmap(&hva, base + span->off, span->size,
		       PROT_READ | (writable ? PROT_WRITE : 0),
		       MAP_SHARED | MAP_FIXED, d->fd, bar->offset + span->off);
	if (err < 0)
		return err;
	piece->off = span->off;
	piece->mem = (struct mem_region){
		.name = d->name,
		.size = span->size,
		.hva = hva,
		.fd = is_small(bar) ? -1 : piece_export(d, index, span),
		.flags = MEM_DEVICE | (writable ? 0 : MEM_READONLY) |
			 (is_small(bar) ? MEM_NO_DMA : 0),
	};
	bar->nr++;
	return 0;
}

/* A BAR that can't be mmapped works all the same, by pread and pwrite. */
static void bar_mmap(struct vfio_pci *d, unsigned int index)
{
	struct vfio_bar *bar = &d->bars[index];
	struct vfio_span spans[VFIO_PIECES], holes[2];
	uint64_t page = sys_page_size();
	unsigned int i, nr;
	char *base;
	int err;

	nr = find_holes(d, index, holes);
	nr = span_cut(spans, VFIO_PIECES, bar->areas, bar->nr_areas, holes, nr,
		      page);
	if (!nr || d->pci.bars[index].io)
		return;
	base = reserve(bar, MAX(d->pci.bars[index].size, page));
	err = base ? 0 : -ENOMEM;
	for (i = 0; i < nr && err >= 0; i++)
		err = piece_mmap(d, index, base, &spans[i]);
	if (err < 0 && !is_small(bar))
		log_warn("vfio %s: cannot map bar %u, which will be slow: %s",
			 d->name, index, err_text(err));
}

void bars_mmap(struct vfio_pci *d)
{
	unsigned int i;

	for (i = 0; i < PCI_BARS; i++)
		bar_mmap(d, i);
}

void bars_munmap(struct vfio_pci *d)
{
	unsigned int i, n;

	for (i = 0; i < PCI_BARS; i++) {
		struct vfio_bar *bar = &d->bars[i];

		for (n = 0; n < bar->nr; n++)
			if (bar->pieces[n].mem.fd >= 0)
				sys_close(bar->pieces[n].mem.fd);
		if (bar->reserved)
			sys_munmap(bar->reserved, bar->reserved_size);
		bar->reserved = NULL;
		bar->nr = 0;
	}
}

void vfio_bar_map(struct pci_dev *pci, unsigned int index, uint64_t addr,
		  bool on)
{
	struct vfio_pci *d = container_of(pci, struct vfio_pci, pci);
	struct vfio_bar *bar = &d->bars[index];
	unsigned int i;
	int err;

	for (i = 0; i < bar->nr; i++) {
		struct vfio_piece *piece = &bar->pieces[i];

		if (piece->added)
			mem_del(&d->vm->mem, &piece->mem);
		piece->added = false;
		if (!on || !pci->bars[index].own_page)
			continue;
		piece->mem.gpa = addr + piece->off;
		err = mem_add(&d->vm->mem, &piece->mem);
		piece->added = err >= 0;
		if (err < 0)
			log_warn("vfio %s: bar %u is not mapped at 0x%llx: %s",
				 d->name, index, (unsigned long long)addr,
				 err_text(err));
	}
}

static uint64_t region_read(struct vfio_pci *d, const struct vfio_bar *bar,
			    uint64_t off, unsigned int len)
{
	if (!range_contains(0, bar->size, off, len))
		return UINT64_MAX;
	return vfio_region_read(d->fd, bar->offset + off, len);
}

static void region_write(struct vfio_pci *d, const struct vfio_bar *bar,
			 uint64_t off, uint64_t val, unsigned int len)
{
	if (range_contains(0, bar->size, off, len))
		vfio_region_write(d->fd, bar->offset + off, val, len);
}

uint64_t vfio_bar_read(struct pci_dev *pci, unsigned int bar, uint64_t off,
		       unsigned int len)
{
	struct vfio_pci *d = container_of(pci, struct vfio_pci, pci);
	uint64_t val;

	if (msix_touches(&d->irqs.msix, bar, off, len)) {
		pthread_mutex_lock(&d->lock);
		val = msix_read(&d->irqs.msix, bar, off, len);
		pthread_mutex_unlock(&d->lock);
	} else if (bar == PCI_ROM) {
		val = rom_read(d, off, len);
	} else {
		val = region_read(d, &d->bars[bar], off, len);
	}
	trace(TRACE_VFIO, "%s: bar %u read 0x%llx len=%u -> 0x%llx", d->name,
	      bar, (unsigned long long)off, len, (unsigned long long)val);
	return val;
}

void vfio_bar_write(struct pci_dev *pci, unsigned int bar, uint64_t off,
		    uint64_t val, unsigned int len)
{
	struct vfio_pci *d = container_of(pci, struct vfio_pci, pci);

	trace(TRACE_VFIO, "%s: bar %u write 0x%llx len=%u <- 0x%llx", d->name,
	      bar, (unsigned long long)off, len, (unsigned long long)val);
	if (msix_touches(&d->irqs.msix, bar, off, len)) {
		pthread_mutex_lock(&d->lock);
		msix_write(&d->irqs.msix, bar, off, val, len);
		pthread_mutex_unlock(&d->lock);
	} else if (bar != PCI_ROM) {
		region_write(d, &d->bars[bar], off, val, len);
	}
}
