/* SPDX-License-Identifier: BSD-2-Clause */
/* A device whose DMA nothing translates. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "gaps.h"

static int attach_noiommu(struct space *s)
{
	int err = space_open(s);

	if (err >= 0)
		err = space_join(s, EDU);
	if (err >= 0)
		err = space_choose(s, VFIO_NOIOMMU_IOMMU);
	return err < 0 ? err : space_device(s, EDU);
}

static int try_attach(struct space *s)
{
	return where(s, attach_noiommu(s));
}

static int try_attach_type1(struct space *s)
{
	int err = space_open(s);

	if (!s->way->by_group)
		return NOT_HERE;
	return where(s, err < 0 ? err : space_attach(s, EDU));
}

static int try_attach_untyped(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	must(s, space_open(s));
	must(s, space_join(s, EDU));
	return where(s, space_device(s, EDU));
}

static int try_extension(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	must(s, space_open(s));
	return say(s, "%d", must(s, call(s, s->base, VFIO_CHECK_EXTENSION,
					 (void *)VFIO_NOIOMMU_IOMMU,
					 "CHECK_EXTENSION")));
}

static int try_map(struct space *s)
{
	must(s, attach_noiommu(s));
	return map(s, IOVA, ram(PAGE), PAGE);
}

/* physical: where a page is, as the kernel tells root. */
static uint64_t physical(struct space *s, const void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	s->call = "pagemap";
	must(s, pread(fd, &entry, sizeof(entry),
		      (off_t)((uintptr_t)page / PAGE * sizeof(entry))) ==
		sizeof(entry) ? 0 : -EIO);
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

/* Any IOAS will do for the question whether there's such a call. */
static int try_address(struct space *s)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_ioas_noiommu_get_pa arg = { .size = sizeof(arg),
						 .iova = IOVA,
						 .length = PAGE };
	void *page = ram(PAGE);
	int err;

	must(s, attach_noiommu(s));
	arg.ioas_id = s->ioas;
	if (!s->way->by_group)
		must(s, map(s, IOVA, page, PAGE));
	else if (s->way->owner != CONTAINER)
		must(s, CALL(s, s->base, IOMMU_IOAS_ALLOC, &ioas));
	if (ioas.out_ioas_id)
		arg.ioas_id = ioas.out_ioas_id;
	err = CALL(s, s->base, IOMMU_IOAS_NOIOMMU_GET_PA, &arg);
	if (err < 0)
		return err;
	return say(s, arg.out_phys == physical(s, page) ? "right" : "wrong");
}

/* Pages that stay where they are, because they are locked or mapped. */
static int try_copy(struct space *s)
{
	unsigned char *from = ram(PAGE), *to = ram(PAGE);

	must(s, attach_noiommu(s));
	memset(from, 0x5a, PAGE);
	memset(to, 0, PAGE);
	edu_copy(s, physical(s, from), physical(s, to));
	return say(s, memcmp(from, to, 256) ? "lost" : "arrives");
}

/* Files may be opened by whoever reaches them; the bed's root is root's alone. */
static int try_nobody(struct space *s)
{
	const struct device *dev = &s->devices[EDU];

	s->call = "chmod";
	must(s, chmod("/", 0755) < 0 ? -errno : 0);
	must(s, chmod("/dev/iommu", 0666) < 0 && errno != ENOENT ? -errno : 0);
	must(s, chmod(s->way->by_group ? dev->group : dev->cdev, 0666) < 0 ?
		-errno : 0);
	become_nobody(s, MIB);
	return where(s, attach_noiommu(s));
}

const struct scenario noiommu_scenarios[] = {
	{ "noiommu-attach", "attach a device without an IOMMU", NONE,
	  try_attach },
	{ "noiommu-attach-type1", "the same, choosing type1v2", NONE,
	  try_attach_type1 },
	{ "noiommu-attach-untyped", "the same, choosing no type", NONE,
	  try_attach_untyped },
	{ "noiommu-extension", "CHECK_EXTENSION(VFIO_NOIOMMU_IOMMU)", NONE,
	  try_extension },
	{ "noiommu-map", "map a page", NONE, try_map },
	{ "noiommu-address", "ask for its physical address (NOIOMMU_GET_PA)",
	  NONE, try_address },
	{ "noiommu-copy", "DMA between physical addresses", NONE, try_copy },
	{ "noiommu-user", "attach as an ordinary user", NONE, try_nobody },
	{ 0 },
};
