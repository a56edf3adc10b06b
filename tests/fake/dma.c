/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA mappings, by the rules that the container and iommufd share: what is
 * allowed where, overlaps, and the accounting of locked memory.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/fake/fake_priv.h"

struct dma_space *dma_space_new(void)
{
	struct dma_space *space = zalloc(sizeof(*space));

	space->next = world->spaces;
	world->spaces = space;
	return space;
}

static void drop_maps(struct dma_space *space)
{
	uint64_t unmapped;

	dma_unmap(space, 0, UINT64_MAX, &unmapped);
}

void dma_space_free(struct dma_space *space)
{
	struct dma_space **at = &world->spaces;

	drop_maps(space);
	while (*at != space)
		at = &(*at)->next;
	*at = space->next;
	free(space);
}

unsigned int fake_maps(void)
{
	const struct dma_space *space;
	const struct dma_map *m;
	unsigned int n = 0;

	for (space = world->spaces; space; space = space->next)
		for (m = space->maps; m; m = m->next)
			n++;
	return n;
}

/* Whether the same pages are in a space that comes before @space. */
static bool counted(const struct dma_space *space, const struct dma_map *map)
{
	const struct dma_space *s;
	const struct dma_map *m;

	for (s = world->spaces; s != space; s = s->next)
		for (m = s->maps; m; m = m->next)
			if (s->attached && m->pin == map->pin)
				return true;
	return false;
}

/* Before anything is attached mappings are only noted. */
uint64_t dma_locked(bool by_process)
{
	uint64_t bytes = by_process ? world->host.mlocked :
		world->host.others_locked;
	const struct dma_space *space;
	const struct dma_map *m;

	for (space = world->spaces; space; space = space->next)
		for (m = space->maps; m; m = m->next)
			if (space->by_process == by_process &&
			    space->attached && !m->pci && !counted(space, m))
				bytes += m->size;
	return bytes;
}

uint64_t fake_pinned(void)
{
	return dma_locked(true) - world->host.mlocked + dma_locked(false) -
		world->host.others_locked;
}

static bool too_much(const struct dma_space *space, uint64_t more)
{
	return !world->host.cap_ipc_lock &&
		dma_locked(space->by_process) + more > world->host.memlock;
}

/* Whether the IOMMU keeps a part of the range for itself. */
static bool reserved(uint64_t iova, uint64_t size)
{
	const struct fake_host *host = &world->host;

	return iova + (size - 1) > host->iova_last ||
		(host->hole_size &&
		 ranges_overlap(iova, size, host->hole_base, host->hole_size));
}

bool dma_conflict(const struct dma_space *space)
{
	const struct dma_map *m;

	for (m = space->maps; m; m = m->next)
		if (reserved(m->iova, m->size))
			return true;
	return false;
}

int dma_attach(struct dma_space *space, const struct fake_pci *pci)
{
	uint64_t noted = 0;
	const struct dma_map *m;

	if (space->attached && (space->apart != pci->apart ||
				space->noiommu != pci->noiommu))
		return -EINVAL;
	if (!pci->noiommu && dma_conflict(space))
		return -EADDRINUSE;
	for (m = space->maps; m && !space->attached; m = m->next)
		noted += m->size;
	if (noted && too_much(space, noted))
		return -ENOMEM;
	space->attached++;
	space->apart = pci->apart;
	space->noiommu = pci->noiommu;
	return 0;
}

unsigned int dma_ranges(uint64_t first[2], uint64_t last[2])
{
	const struct fake_host *host = &world->host;
	unsigned int n = 0;

	if (!host->hole_size) {
		first[0] = 0;
		last[0] = host->iova_last;
		return 1;
	}
	if (host->hole_base) {
		first[n] = 0;
		last[n++] = host->hole_base - 1;
	}
	first[n] = host->hole_base + host->hole_size;
	last[n++] = host->iova_last;
	return n;
}

/* @pinned: bytes of it that count as locked. */
static int check_map(const struct dma_space *space, uint64_t iova,
		     uint64_t size, uint64_t pinned)
{
	const struct dma_map *m;

	if (!size || !IS_ALIGNED(iova | size, world->host.page))
		return -EINVAL;
	if (!range_ok(iova, size))
		return -EOVERFLOW;
	if (space->attached && !space->noiommu && reserved(iova, size))
		return -EINVAL;
	for (m = space->maps; m; m = m->next)
		if (ranges_overlap(iova, size, m->iova, m->size))
			return -EEXIST;
	return pinned && space->attached && too_much(space, pinned) ?
		-ENOMEM : 0;
}

static void add_map(struct dma_space *space, uint64_t iova, uint64_t size,
		    uintptr_t hva, const struct fake_pci *pci)
{
	struct dma_map *m = zalloc(sizeof(*m));

	*m = (struct dma_map){
		.iova = iova, .size = size, .hva = hva, .pci = pci,
		.pin = ++world->next_pin, .next = space->maps,
	};
	space->maps = m;
}

int dma_map(struct dma_space *space, uint64_t iova, uint64_t size,
	    uintptr_t hva, bool by_file, bool device_ok)
{
	const struct fake_pci *pci = NULL;
	int err;

	if (!by_file && !IS_ALIGNED(hva, PAGE))
		return -EINVAL;
	if (!by_file && !mm_covers(hva, size, &pci))
		return -EFAULT;
	err = check_map(space, iova, size, pci ? 0 : size);
	if (err < 0)
		return err;
	/* A page fault on a BAR that does not decode gets none. */
	if (pci && (!device_ok || !config_decodes(pci)))
		return -EFAULT;
	add_map(space, iova, size, by_file ? 0 : hva, pci);
	return 0;
}

int dma_copy(struct dma_space *space, uint64_t iova, uint64_t size,
	     const struct dma_space *from, uint64_t from_iova)
{
	const struct dma_map *source;
	int err;

	for (source = from->maps; source; source = source->next)
		if (source->iova == from_iova && source->size == size)
			break;
	if (!source)
		return -ENOENT;
	err = check_map(space, iova, size, 0);
	if (err < 0)
		return err;
	add_map(space, iova, size, source->hva, source->pci);
	space->maps->pin = source->pin;
	return 0;
}

int dma_map_bar(struct dma_space *space, uint64_t iova, uint64_t size,
		const struct fake_pci *pci)
{
	int err;

	if (!config_decodes(pci))
		return -ENODEV;
	err = check_map(space, iova, size, 0);
	if (err >= 0)
		add_map(space, iova, size, 0, pci);
	return err;
}

static bool within(const struct dma_map *m, uint64_t iova, uint64_t last)
{
	return m->iova >= iova && m->iova + (m->size - 1) <= last;
}

int dma_unmap(struct dma_space *space, uint64_t iova, uint64_t size,
	      uint64_t *unmapped)
{
	uint64_t last = iova + (size - 1);
	struct dma_map **at, *m;

	*unmapped = 0;
	for (m = space->maps; m; m = m->next)
		if (!within(m, iova, last) &&
		    ranges_overlap(m->iova, m->size, iova, size))
			return -EINVAL;
	for (at = &space->maps; (m = *at);) {
		if (!within(m, iova, last)) {
			at = &m->next;
			continue;
		}
		*unmapped += m->size;
		*at = m->next;
		free(m);
	}
	return *unmapped ? 0 : -ENOENT;
}

bool fake_dma_at(uint64_t iova)
{
	const struct dma_space *space;
	const struct dma_map *m;

	for (space = world->spaces; space; space = space->next)
		for (m = space->maps; m; m = m->next)
			if (iova - m->iova < m->size && !m->revoked)
				return true;
	return false;
}

void dma_revoke(const struct fake_pci *pci)
{
	const struct dma_space *space;
	struct dma_map *m;

	for (space = world->spaces; space; space = space->next)
		for (m = space->maps; m; m = m->next)
			if (m->pci == pci && !m->hva)
				m->revoked = true;
}

void dma_stop(const struct fake_pci *pci)
{
	const struct dma_space *space;
	const struct dma_map *m;

	for (space = world->spaces; space; space = space->next)
		for (m = space->maps; m; m = m->next)
			if (m->pci == pci)
				violation("%s stops decoding, mapped for others",
					  pci->addr);
	dma_revoke(pci);
}

bool dma_uses(uintptr_t start, size_t len)
{
	const struct dma_space *space;
	const struct dma_map *m;

	for (space = world->spaces; space; space = space->next)
		for (m = space->maps; m; m = m->next)
			if (space->attached && m->hva &&
			    ranges_overlap(start, len, m->hva, m->size))
				return true;
	return false;
}
