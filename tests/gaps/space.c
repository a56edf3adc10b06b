/* SPDX-License-Identifier: BSD-2-Clause */
/* The four paths, and what they have in common. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "gaps.h"

const struct way ways[] = {
	{ "legacy", "/dev/vfio/vfio", CONTAINER, true },
	{ "compat", "/dev/vfio/vfio", IOMMUFD, true },
	{ "group", "/dev/iommu", NOBODY, true },
	{ "cdev", "/dev/iommu", NOBODY, false },
	{ 0 },
};

bool way_here(const struct way *way, const struct device *dev)
{
	if (way->owner != NOBODY && way->owner != host_owner())
		return false;
	return access(way->base, F_OK) == 0 &&
		(way->by_group ? dev->group : dev->cdev)[0] != '\0';
}

void space_init(struct space *s, const struct way *way,
		const struct device *devices)
{
	*s = (struct space){ .way = way, .devices = devices, .base = -1 };
	for (int i = 0; i < DEVICES; i++)
		s->node[i] = s->fd[i] = -1;
}

/* failed: takes note of the name, and gives what errno says. */
static int failed(struct space *s, const char *name)
{
	s->call = name;
	return -errno;
}

int call(struct space *s, int fd, unsigned long request, void *arg,
	 const char *name)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? failed(s, name) : ret;
}

static int alloc_ioas(struct space *s, uint32_t *ioas)
{
	struct iommu_ioas_alloc arg = { .size = sizeof(arg) };
	int err = CALL(s, s->base, IOMMU_IOAS_ALLOC, &arg);

	*ioas = arg.out_ioas_id;
	return err;
}

int space_open(struct space *s)
{
	s->base = open(s->way->base, O_RDWR | O_CLOEXEC);
	if (s->base < 0)
		return failed(s, "open");
	return s->way->by_group ? 0 : alloc_ioas(s, &s->ioas);
}

static int join_by_group(struct space *s, int which)
{
	int fd = open(s->devices[which].group, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return failed(s, "open");
	s->node[which] = fd;
	return CALL(s, fd, VFIO_GROUP_SET_CONTAINER, &s->base);
}

int space_join(struct space *s, int which)
{
	struct vfio_device_bind_iommufd arg = { .argsz = sizeof(arg),
						.iommufd = s->base };
	int fd, err;

	if (s->way->by_group)
		return join_by_group(s, which);
	fd = open(s->devices[which].cdev, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return failed(s, "open");
	s->node[which] = fd;
	err = CALL(s, fd, VFIO_DEVICE_BIND_IOMMUFD, &arg);
	s->devid[which] = arg.out_devid;
	return err;
}

int space_choose(struct space *s, int type)
{
	if (!s->way->by_group)
		return 0;
	return call(s, s->base, VFIO_SET_IOMMU, (void *)(long)type,
		    "VFIO_SET_IOMMU");
}

int space_device(struct space *s, int which)
{
	struct vfio_device_attach_iommufd_pt arg = { .argsz = sizeof(arg),
						     .pt_id = s->ioas };
	int ret;

	if (s->way->by_group) {
		ret = CALL(s, s->node[which], VFIO_GROUP_GET_DEVICE_FD,
			   (void *)s->devices[which].addr);
		if (ret >= 0)
			s->fd[which] = ret;
		return ret < 0 ? ret : 0;
	}
	s->fd[which] = s->node[which];
	return CALL(s, s->fd[which], VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);
}

int space_attach(struct space *s, int which)
{
	int err = space_join(s, which);

	/* The second group finds the kind of IOMMU chosen already. */
	if (err >= 0 && which == EDU)
		err = space_choose(s, VFIO_TYPE1v2_IOMMU);
	return err < 0 ? err : space_device(s, which);
}

void space_ready(struct space *s, int which)
{
	if (s->base < 0)
		must(s, space_open(s));
	must(s, space_attach(s, which));
}

int space_ioas(struct space *s, uint32_t *ioas)
{
	struct iommu_vfio_ioas arg = { .size = sizeof(arg),
				       .op = IOMMU_VFIO_IOAS_GET };
	int err = 0;

	if (!s->ioas) {
		err = CALL(s, s->base, IOMMU_VFIO_IOAS, &arg);
		s->ioas = arg.ioas_id;
	}
	*ioas = s->ioas;
	return err;
}

int map(struct space *s, uint64_t iova, void *va, uint64_t size)
{
	return map_as(s, iova, va, size, R | W);
}

static int map_ioas(struct space *s, uint64_t iova, void *va, uint64_t size,
		    int flags)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA |
			(flags & R ? IOMMU_IOAS_MAP_READABLE : 0) |
			(flags & W ? IOMMU_IOAS_MAP_WRITEABLE : 0) |
			(flags & STRANGE ? 1U << 30 : 0),
		.ioas_id = s->ioas,
		.user_va = (uintptr_t)va,
		.length = size,
		.iova = iova,
	};

	return CALL(s, s->base, IOMMU_IOAS_MAP, &arg);
}

int map_as(struct space *s, uint64_t iova, void *va, uint64_t size, int flags)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = (flags & R ? VFIO_DMA_MAP_FLAG_READ : 0) |
			(flags & W ? VFIO_DMA_MAP_FLAG_WRITE : 0) |
			(flags & STRANGE ? 1U << 30 : 0),
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = size,
	};

	if (!s->way->by_group)
		return map_ioas(s, iova, va, size, flags);
	return CALL(s, s->base, VFIO_IOMMU_MAP_DMA, &arg);
}

/* There is no other call for this, so that a container is asked by it too. */
int map_file(struct space *s, uint64_t iova, int file, uint64_t size)
{
	struct iommu_ioas_map_file arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			IOMMU_IOAS_MAP_WRITEABLE,
		.fd = file,
		.length = size,
		.iova = iova,
	};

	if (s->way->owner != CONTAINER)
		must(s, space_ioas(s, &arg.ioas_id));
	return CALL(s, s->base, IOMMU_IOAS_MAP_FILE, &arg);
}

static int unmap_ioas(struct space *s, uint64_t iova, uint64_t size,
		      uint64_t *done)
{
	struct iommu_ioas_unmap arg = { .size = sizeof(arg),
					.ioas_id = s->ioas,
					.iova = iova,
					.length = size };
	int err = CALL(s, s->base, IOMMU_IOAS_UNMAP, &arg);

	*done = arg.length;
	return err;
}

static int unmap_dma(struct space *s, uint64_t iova, uint64_t size, int flags,
		     uint64_t *done)
{
	struct vfio_iommu_type1_dma_unmap arg = { .argsz = sizeof(arg),
						  .flags = flags,
						  .iova = iova,
						  .size = size };
	int err = CALL(s, s->base, VFIO_IOMMU_UNMAP_DMA, &arg);

	*done = arg.size;
	return err;
}

int unmap(struct space *s, uint64_t iova, uint64_t size, uint64_t *done)
{
	if (!s->way->by_group)
		return unmap_ioas(s, iova, size, done);
	return unmap_dma(s, iova, size, 0, done);
}

int unmap_all(struct space *s, uint64_t *done)
{
	if (!s->way->by_group)
		return unmap_ioas(s, 0, UINT64_MAX, done);
	return unmap_dma(s, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, done);
}
