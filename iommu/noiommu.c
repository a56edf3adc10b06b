/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest RAM for devices without an IOMMU, whose DMA goes to the addresses that
 * the guest gives them: where memory is in the host, and that the guest has
 * it there. Linux: Documentation/userspace-api/iommufd.rst,
 * Documentation/admin-guide/mm/pagemap.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "iommu/backend.h"
#include "iommu/explain.h"
#include "iommu/iommu.h"
#include "iommu/memlock.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define PAGEMAP "/proc/self/pagemap"
#define PAGEMAP_PRESENT BIT(63)
#define PAGEMAP_FRAME (BIT(55) - 1)
#define ENTRIES 512

/* ---- pagemap ------------------------------------------------------------ */

/* Frame 0 is no memory of ours: it is what others are told. */
static int report_pagemap(uint64_t entry)
{
	if (!(entry & PAGEMAP_PRESENT)) {
		log_err("memory: a page is not there to be looked up");
		return -EFAULT;
	}
	log_err("memory: cannot learn where it is in the host: " PAGEMAP
		" tells the superuser only (CAP_SYS_ADMIN)");
	return -EPERM;
}

/* Entries, one a page of the host, from @at on; returns how many, -errno. */
static int read_entries(const void *at, uint64_t *entries, size_t nr)
{
	int fd = sys_open(PAGEMAP, O_RDONLY, 0);
	ssize_t n = fd;

	if (fd >= 0) {
		n = sys_pread(fd, entries, nr * sizeof(*entries),
			      (uintptr_t)at / sys_page_size() *
			      sizeof(*entries));
		sys_close(fd);
	}
	if (n >= (ssize_t)sizeof(*entries))
		return n / sizeof(*entries);
	n = n < 0 ? n : -EIO;
	log_err(PAGEMAP ": cannot be read: %s", err_text(n));
	return n == -ENOENT ? -ENOSYS : n;
}

int pagemap_lookup(const void *at, uint64_t *pa, uint64_t *len)
{
	uint64_t entries[ENTRIES], page = sys_page_size();
	uint64_t frame;
	int nr, i;

	nr = read_entries(at, entries,
			  MIN(ALIGN_UP(*len, page) / page, ENTRIES));
	if (nr < 0)
		return nr;
	frame = entries[0] & PAGEMAP_FRAME;
	if (!(entries[0] & PAGEMAP_PRESENT) || !frame)
		return report_pagemap(entries[0]);
	for (i = 1; i < nr; i++)
		if (!(entries[i] & PAGEMAP_PRESENT) ||
		    (entries[i] & PAGEMAP_FRAME) != frame + i)
			break;
	*pa = frame * page;
	*len = MIN(*len, i * page);
	return 0;
}

/* ---- looking it up ------------------------------------------------------ */

int noiommu_check(const struct iommu_backend *backend, void *space,
		  const struct iommu_map *map)
{
	uint64_t off, len, pa;
	int err;

	for (off = 0; off < map->size; off += len) {
		len = map->size - off;
		err = backend->physical(space, map, off, &pa, &len);
		if (err < 0)
			return err;
		if (pa == map->iova + off)
			continue;
		log_err("memory: %s is at 0x%llx in the host, and at 0x%llx for the guest",
			map->name, (unsigned long long)pa,
			(unsigned long long)(map->iova + off));
		return -EFAULT;
	}
	return 0;
}

static int check_memlock(const struct iommu_backend *backend, void *space,
			 uint64_t bytes)
{
	struct iommu_limits limits = { 0 };
	int err = backend->limits(space, &limits);

	free(limits.ranges);
	return err < 0 ? err : memlock_check(bytes, 0, limits.by_process);
}

static int look_up(const struct iommu_backend *backend, void *space,
		   const struct iommu_map *map, uint64_t page, uint64_t *pa)
{
	uint64_t off, len;
	int err = backend->holds ? check_memlock(backend, space, map->size) : 0;

	if (err >= 0)
		err = backend->map(space, map);
	if (err < 0)
		return err;
	for (off = 0; off < map->size && err >= 0; off += page) {
		len = page;
		err = backend->physical(space, map, off, pa++, &len);
	}
	backend->unmap(space, map->iova, map->size);
	return err;
}

int iommu_locate(struct vm *vm, const char *node, void *hva, uint64_t size,
		 uint64_t page, uint64_t *pa)
{
	const struct iommu_map map = {
		.name = "ram", .size = size, .hva = hva, .fd = -1,
		.hugetlb = true,
	};
	const struct iommu_backend *backend;
	struct sysfs_device dev;
	const char *why;
	void *space;
	int err, fd;

	err = explain_device(node, NOIOMMU_ON, &dev);
	if (err < 0)
		return err;
	backend = backend_choose(vm->cfg, vm->cfg->iommu, &dev, &why);
	err = backend ? backend->open(&space, NULL, vm->cfg, &dev) : -EDOM;
	if (err < 0)
		return err;
	fd = err = backend->attach(space, &vm->kvm, &dev);
	if (err < 0)
		goto close;
	err = size ? look_up(backend, space, &map, page, pa) : 0;
	backend->detach(space, &vm->kvm, fd);
close:
	backend->close(space);
	return err;
}
