/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backend of newer kernels: one I/O address space of /dev/iommu, and
 * devices opened by nodes of their own, which are bound to it and attached.
 * Linux: Documentation/userspace-api/iommufd.rst,
 * Documentation/driver-api/vfio.rst (device cdev).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "iommu/backend.h"
#include "iommu/explain.h"
#include "iommu/uapi.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define IOMMU_NODE "/dev/iommu"
#define DEVICE_NODES "/dev/vfio/devices/"
#define UNSAFE "/sys/module/iommufd/parameters/allow_unsafe_interrupts"

struct iommufd {
	int fd;
	uint32_t ioas;
};

static const char *iommufd_lacks(const struct sysfs_device *dev)
{
	struct stat st;

	if (sys_stat(IOMMU_NODE, &st) < 0)
		return "no " IOMMU_NODE;
	return dev->has_node ? NULL :
		"the device has no node in " DEVICE_NODES;
}

static int report_open(int err)
{
	if (err != -ENOENT && err != -ENODEV && err != -ENXIO)
		return explain_open(IOMMU_NODE, NULL, err);
	log_err(IOMMU_NODE ": not there: this kernel has no iommufd (CONFIG_IOMMUFD)");
	return -ENOSYS;
}

static int iommufd_open(void **space, bool noiommu)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommufd *s = calloc(1, sizeof(*s));
	int err;

	(void)noiommu;	/* its devices' nodes are such */
	if (!s)
		return -ENOMEM;
	s->fd = sys_open(IOMMU_NODE, O_RDWR, 0);
	if (s->fd < 0) {
		err = report_open(s->fd);
		goto free;
	}
	err = sys_ioctl(s->fd, IOMMU_IOAS_ALLOC, &alloc);
	if (err < 0) {
		log_err(IOMMU_NODE ": cannot make an address space: %s",
			err_text(err));
		goto close;
	}
	s->ioas = alloc.out_ioas_id;
	*space = s;
	return 0;

close:
	sys_close(s->fd);
free:
	free(s);
	return err;
}

static void iommufd_close(void *space)
{
	struct iommufd *s = space;

	sys_close(s->fd);
	free(s);
}

static int open_node(const struct sysfs_device *dev)
{
	char path[sizeof(DEVICE_NODES) + SYSFS_NAME];
	int fd;

	if (!dev->has_node) {
		log_err("%s: cannot be assigned: this kernel gives VFIO devices no nodes "
			"of their own (CONFIG_VFIO_DEVICE_CDEV%s)",
			dev->addr, IS_ENABLED(CONFIG_VFIO_NOIOMMU) &&
			dev->noiommu ? ", without an IOMMU from Linux 7.3 on" :
			"");
		return -ENOSYS;
	}
	snprintf(path, sizeof(path), DEVICE_NODES "%s", dev->node);
	fd = sys_open(path, O_RDWR, 0);
	return fd < 0 ? explain_open(path, dev, fd) : fd;
}

/*
 * Several causes share these numbers: EPERM is either another owner of the
 * group or interrupts without isolation; EINVAL either another opener of the
 * device or a firmware that keeps memory for it.
 */
static int report_bind(const struct sysfs_device *dev, int err)
{
	struct sysfs_device other;
	char who[SYSFS_NAME + 16];

	if ((err == -EINVAL || err == -EPERM) &&
	    sysfs_holder(dev, who, sizeof(who)))
		return explain_open("", dev, -EBUSY);
	if (err == -EPERM && !sysfs_intruder(dev, &other))
		return explain_isolation(dev, UNSAFE);
	return explain_owner(dev, err);
}

static int bind_device(const struct iommufd *s, int fd,
		       const struct sysfs_device *dev)
{
	struct vfio_device_bind_iommufd arg = {
		.argsz = sizeof(arg),
		.iommufd = s->fd,
	};
	int err = sys_ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &arg);

	return err < 0 ? report_bind(dev, err) : 0;
}

static int attach_device(const struct iommufd *s, int fd,
			 const struct sysfs_device *dev)
{
	struct vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.pt_id = s->ioas,
	};
	int err = sys_ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);

	if (err == -EADDRINUSE) {
		log_err("%s: cannot be assigned: its IOMMU keeps addresses at which the "
			"guest has memory",
			dev->addr);
		return -ERANGE;
	}
	return err < 0 ? explain_call(dev, "cannot attach it to the address space",
				      err) : 0;
}

/* KVM is told before the bind, which gives the VM to the device's driver. */
static int iommufd_attach(void *space, struct kvm *kvm,
			  const struct sysfs_device *dev)
{
	const struct iommufd *s = space;
	int fd, err;

	fd = open_node(dev);
	if (fd < 0)
		return fd;
	err = kvm_vfio_add(kvm, fd);
	if (err < 0) {
		explain_call(dev, "KVM refuses it", err);
		goto close;
	}
	err = bind_device(s, fd, dev);
	if (err < 0)
		goto kvm_del;
	err = attach_device(s, fd, dev);
	if (err < 0)
		goto kvm_del;
	return fd;

kvm_del:
	kvm_vfio_del(kvm, fd);
close:
	sys_close(fd);
	return err;
}

/* There is no unbind but close; KVM must let go of the file before. */
static void iommufd_detach(void *space, struct kvm *kvm, int device_fd)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };
	int err = sys_ioctl(device_fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg);

	(void)space;
	if (err < 0)
		log_warn("iommu: cannot detach a device: %s", err_text(err));
	kvm_vfio_del(kvm, device_fd);
	sys_close(device_fd);
}

static int ask_ranges(const struct iommufd *s, struct iommu_iova_range *ranges,
		      uint32_t *nr)
{
	struct iommu_ioas_iova_ranges arg = {
		.size = sizeof(arg),
		.ioas_id = s->ioas,
		.num_iovas = *nr,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int err = sys_ioctl(s->fd, IOMMU_IOAS_IOVA_RANGES, &arg);

	*nr = arg.num_iovas;
	return err;
}

/* Asked twice: EMSGSIZE comes with the number there is. */
static int iommufd_ranges(void *space, struct iommu_range **out)
{
	struct iommu_iova_range *ranges = NULL;
	struct iommu_range *copy = NULL;
	uint32_t nr = 0, i;
	int err;

	err = ask_ranges(space, NULL, &nr);
	if (err < 0 && err != -EMSGSIZE)
		goto report;
	ranges = calloc(nr + 1, sizeof(*ranges));
	copy = calloc(nr + 1, sizeof(*copy));
	err = ranges && copy ? ask_ranges(space, ranges, &nr) : -ENOMEM;
	if (err < 0)
		goto report;
	for (i = 0; i < nr; i++)
		copy[i] = (struct iommu_range){ ranges[i].start,
						ranges[i].last };
	free(ranges);
	*out = copy;
	return nr;

report:
	log_err("iommu: cannot ask for the addresses it allows: %s",
		err_text(err));
	free(ranges);
	free(copy);
	return err;
}

static uint32_t map_flags(const struct iommu_map *map)
{
	return IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
		(map->readonly ? 0 : IOMMU_IOAS_MAP_WRITEABLE);
}

/* Kernels before 6.13 can't, and none can for every kind of file. */
static bool is_old(int err)
{
	return err == -ENOTTY || err == -EOPNOTSUPP || err == -EINVAL;
}

/*
 * For huge pages by far the cheapest way: folios are pinned as a whole, and
 * no page table of ours is walked.
 */
static int map_file(const struct iommufd *s, const struct iommu_map *map)
{
	struct iommu_ioas_map_file arg = {
		.size = sizeof(arg),
		.flags = map_flags(map),
		.ioas_id = s->ioas,
		.fd = map->fd,
		.start = map->fd_offset,
		.length = map->size,
		.iova = map->iova,
	};
	int err = sys_ioctl(s->fd, IOMMU_IOAS_MAP_FILE, &arg);

	if (is_old(err))
		trace(TRACE_MEM, "iommufd: %s not mapped by file: %s",
		      map->name, err_text(err));
	return err;
}

static int map_address(const struct iommufd *s, const struct iommu_map *map)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = map_flags(map),
		.ioas_id = s->ioas,
		.user_va = (uintptr_t)map->hva,
		.length = map->size,
		.iova = map->iova,
	};

	return sys_ioctl(s->fd, IOMMU_IOAS_MAP, &arg);
}

static int iommufd_map(void *space, const struct iommu_map *map)
{
	int err = -ENOTTY;

	/* By address it cannot be, and by file only as a dma-buf. */
	if (map->device)
		return map->fd < 0 ? -EOPNOTSUPP : map_file(space, map);
	if (map->hugetlb && map->fd >= 0)
		err = map_file(space, map);
	if (is_old(err))
		err = map_address(space, map);
	return err < 0 ? explain_map(map->name, map->iova, map->size, err) : 0;
}

static void iommufd_unmap(void *space, uint64_t iova, uint64_t size)
{
	const struct iommufd *s = space;
	struct iommu_ioas_unmap arg = {
		.size = sizeof(arg),
		.ioas_id = s->ioas,
		.iova = iova,
		.length = size,
	};
	int err = sys_ioctl(s->fd, IOMMU_IOAS_UNMAP, &arg);

	/* The address space takes the mapping along when it is closed. */
	if (err < 0 && err != -ENOENT)
		log_warn("iommu: cannot unmap 0x%llx-0x%llx: %s",
			 (unsigned long long)iova,
			 (unsigned long long)(iova + size - 1), err_text(err));
}

static int iommufd_physical(void *space, const struct iommu_map *map,
			    uint64_t off, uint64_t *pa, uint64_t *len)
{
	const struct iommufd *s = space;
	struct iommu_ioas_noiommu_get_pa arg = {
		.size = sizeof(arg),
		.ioas_id = s->ioas,
		.iova = map->iova + off,
		.length = *len,
	};
	int err = sys_ioctl(s->fd, IOMMU_IOAS_NOIOMMU_GET_PA, &arg);

	if (err < 0) {
		log_err("memory: cannot ask where %s is in the host: %s",
			map->name, err_text(err));
		return err;
	}
	*pa = arg.out_phys;
	*len = arg.length;
	return 0;
}

const struct iommu_backend iommu_iommufd = {
	.name = "iommufd",
	.offer = IOMMU_NODE " and the device's node are there",
	.holds = true,
	.lacks = iommufd_lacks,
	.open = iommufd_open,
	.close = iommufd_close,
	.attach = iommufd_attach,
	.detach = iommufd_detach,
	.ranges = iommufd_ranges,
	.map = iommufd_map,
	.unmap = iommufd_unmap,
	.physical = IS_ENABLED(CONFIG_VFIO_NOIOMMU) ? iommufd_physical : NULL,
};
