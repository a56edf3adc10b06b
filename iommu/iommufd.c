/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backend of newer kernels: one I/O address space of /dev/iommu, and
 * devices opened by nodes of their own, which are bound to it and attached.
 * Where the kernel gives devices no nodes they are opened through their
 * groups, with the iommufd as container and its address space as the one that
 * the groups' devices are put into. Linux:
 * Documentation/userspace-api/iommufd.rst, Documentation/driver-api/vfio.rst
 * (device cdev).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "iommu/backend.h"
#include "iommu/explain.h"
#include "iommu/group.h"
#include "iommu/memlock.h"
#include "iommu/survey.h"
#include "iommu/uapi.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define IOMMU_NODE "/dev/iommu"
#define DEVICE_NODES "/dev/vfio/devices/"

/* Open once, whatever the number of address spaces. */
struct iommufd {
	int fd;
	unsigned int spaces;
	bool by_process;
	uint32_t device;	/* the last one bound, 0: none */
	struct groups groups;
};

struct ioas {
	struct iommufd *file;
	uint32_t id;
	unsigned int devices;
};

static const char *iommufd_lacks(const struct sysfs_device *dev)
{
	struct stat st;

	if (sys_stat(IOMMU_NODE, &st) < 0)
		return "no " IOMMU_NODE;
	return dev->has_node ? NULL :
		"the device has no node in " DEVICE_NODES;
}

/*
 * Whether its group is the way to it. Without an IOMMU a group and an address
 * space have nothing to do with each other.
 */
static bool by_group(const struct sysfs_device *dev)
{
	char path[SYSFS_PATH];

	return !dev->has_node && !dev->noiommu && groups_node(dev, path);
}

static const char *iommufd_fallback(const struct sysfs_device *dev)
{
	struct stat st;

	return sys_stat(IOMMU_NODE, &st) >= 0 && by_group(dev) ?
		IOMMU_NODE " and the device's group are there" : NULL;
}

static int report_open(int err)
{
	if (err != -ENOENT && err != -ENODEV && err != -ENXIO)
		return explain_open(IOMMU_NODE, NULL, err);
	if (IS_ENABLED(CONFIG_DEVCMD) && !sysfs_vfio_there())
		return explain_unloaded(IOMMU_NODE);
	log_err(IOMMU_NODE ": not there: this kernel has no iommufd (CONFIG_IOMMUFD)");
	return -ENOSYS;
}

static int file_open(struct iommufd **out)
{
	struct iommufd *file = calloc(1, sizeof(*file));
	int fd;

	if (!file)
		return -ENOMEM;
	fd = sys_open(IOMMU_NODE, O_RDWR, 0);
	if (fd < 0) {
		free(file);
		return report_open(fd);
	}
	file->fd = file->groups.container = fd;
	file->groups.late = true;
	file->groups.unsafe = UNSAFE_IOMMUFD;
	file->by_process = memlock_by_process(fd);
	*out = file;
	return 0;
}

static void file_put(struct iommufd *file)
{
	if (file->spaces)
		return;
	sys_close(file->fd);
	free(file);
}

static int ioas_alloc(struct ioas *s)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int err = sys_ioctl(s->file->fd, IOMMU_IOAS_ALLOC, &alloc);

	s->id = alloc.out_ioas_id;
	if (err < 0)
		log_err(IOMMU_NODE ": cannot make an address space: %s",
			err_text(err));
	return err;
}

static int iommufd_open(void **space, void *beside, const struct config *cfg,
			const struct sysfs_device *dev)
{
	struct ioas *s = calloc(1, sizeof(*s)), *sibling = beside;
	int err = 0;

	if (!s)
		return -ENOMEM;
	if (sibling)
		s->file = sibling->file;
	else
		err = file_open(&s->file);
	if (err < 0)
		goto free;
	err = ioas_alloc(s);
	if (err < 0)
		goto put;
	s->file->spaces++;
	*space = s;
	return 0;

put:
	file_put(s->file);
free:
	free(s);
	return err;
}

/* Address spaces go with the file. */
static void iommufd_close(void *space)
{
	struct ioas *s = space;

	s->file->spaces--;
	file_put(s->file);
	free(s);
}

static int own_node(const struct sysfs_device *dev, char path[SYSFS_PATH])
{
	snprintf(path, SYSFS_PATH, DEVICE_NODES "%s", dev->node);
	if (dev->has_node)
		return 0;
	log_err("%s: cannot be assigned: this kernel gives VFIO devices no nodes "
		"of their own (CONFIG_VFIO_DEVICE_CDEV%s)",
		dev->addr, IS_ENABLED(CONFIG_VFIO_NOIOMMU) && dev->noiommu ?
		", without an IOMMU from Linux 7.3 on" : "");
	return -ENOSYS;
}

static int iommufd_node(const struct sysfs_device *dev, char path[SYSFS_PATH])
{
	return by_group(dev) && groups_node(dev, path) ? 0 :
		own_node(dev, path);
}

static void iommufd_about(void *space, struct survey_backend *about)
{
	const struct ioas *s = space;

	about->node = IOMMU_NODE;
	about->unsafe = UNSAFE_IOMMUFD;
	about->by_process = s->file->by_process;
}

static int open_node(const struct sysfs_device *dev)
{
	char path[SYSFS_PATH];
	int fd = own_node(dev, path);

	if (fd < 0)
		return fd;
	fd = sys_open(path, O_RDWR, 0);
	return fd < 0 ? explain_open(path, dev, fd) : fd;
}

/* A UUID as the kernel's calls have it: the bytes, in the order written. */
static void uuid_bytes(const char *text, uint8_t uuid[16])
{
	unsigned int n = 0;

	for (; *text; text++) {
		if (*text == '-')
			continue;
		uuid[n / 2] = uuid[n / 2] << 4 |
			(*text <= '9' ? *text - '0' : *text - 'a' + 10);
		n++;
	}
}

static int explain_refusal(const struct sysfs_device *dev, int err)
{
	int told = explain_token(dev, err);

	if (told < 0)
		return told;
	if (err != -EINVAL || !dev->token)
		return explain_bind(dev, UNSAFE_IOMMUFD, err);
	log_err("%s: vf-token: this kernel takes none by the device's node "
		"(Linux 6.17), and asks for none there",
		dev->addr);
	return -ENOSYS;
}

static int bind_device(const struct ioas *s, int fd,
		       const struct sysfs_device *dev)
{
	uint8_t token[16];
	struct bind_iommufd arg = {
		.argsz = sizeof(arg),
		.iommufd = s->file->fd,
	};
	int err;

	if (IS_ENABLED(CONFIG_VFIO_TOKEN) && dev->token) {
		uuid_bytes(dev->token, token);
		arg.flags = VFIO_DEVICE_BIND_FLAG_TOKEN;
		arg.token_uuid_ptr = (uintptr_t)token;
	}
	err = sys_ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &arg);
	s->file->device = arg.out_devid;
	return err < 0 ? explain_refusal(dev, err) : 0;
}

static int attach_device(const struct ioas *s, int fd,
			 const struct sysfs_device *dev)
{
	struct vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.pt_id = s->id,
	};
	int err = sys_ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);

	if (s->devices && (err == -EINVAL || err == -EADDRINUSE))
		return -EXDEV;
	if (err == -EADDRINUSE)
		return explain_reserved(dev);
	return err < 0 ? explain_call(dev, "cannot attach it to the address space",
				      err) : 0;
}

/* KVM is told before the bind, which gives the VM to the device's driver. */
static int attach_by_node(struct ioas *s, struct kvm *kvm,
			  const struct sysfs_device *dev)
{
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

/* What containers' calls and groups mean by the address space. */
static int set_compat(const struct ioas *s)
{
	struct iommu_vfio_ioas arg = {
		.size = sizeof(arg),
		.op = IOMMU_VFIO_IOAS_SET,
		.ioas_id = s->id,
	};

	return sys_ioctl(s->file->fd, IOMMU_VFIO_IOAS, &arg);
}

/*
 * Devices that are opened through their groups go into the address space
 * that is set at the time.
 */
static int attach_by_group(struct ioas *s, struct kvm *kvm,
			   const struct sysfs_device *dev)
{
	int err = set_compat(s);

	if (err < 0)
		return explain_call(dev, "cannot have its group use the address space",
				    err);
	return groups_attach(&s->file->groups, kvm, dev, !s->devices, NULL,
			     NULL);
}

static int iommufd_attach(void *space, struct kvm *kvm,
			  const struct sysfs_device *dev)
{
	struct ioas *s = space;
	int fd = by_group(dev) ? attach_by_group(s, kvm, dev) :
		attach_by_node(s, kvm, dev);

	s->devices += fd >= 0;
	return fd;
}

/*
 * There is no unbind but close; KVM must let go of the file before. What was
 * opened through its group is detached by close as well.
 */
static void iommufd_detach(void *space, struct kvm *kvm, int device_fd)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };
	struct ioas *s = space;
	int err;

	s->devices--;
	if (groups_detach(&s->file->groups, kvm, device_fd))
		return;
	err = sys_ioctl(device_fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg);
	if (err < 0)
		log_warn("iommu: cannot detach a device: %s", err_text(err));
	kvm_vfio_del(kvm, device_fd);
	sys_close(device_fd);
}

static int iommufd_group_fd(void *space, int id)
{
	const struct ioas *s = space;

	return groups_fd(&s->file->groups, id);
}

static int ask_ranges(const struct ioas *s, struct iommu_iova_range *ranges,
		      uint32_t *nr, uint64_t *page)
{
	struct iommu_ioas_iova_ranges arg = {
		.size = sizeof(arg),
		.ioas_id = s->id,
		.num_iovas = *nr,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int err = sys_ioctl(s->file->fd, IOMMU_IOAS_IOVA_RANGES, &arg);

	*nr = arg.num_iovas;
	*page = arg.out_iova_alignment;
	return err;
}

/*
 * Asked twice: EMSGSIZE comes with the number there is. Of page sizes we hear
 * of the smallest alone.
 */
static int iommufd_limits(void *space, struct iommu_limits *limits)
{
	struct iommu_iova_range *ranges = NULL;
	struct iommu_range *copy = NULL;
	const struct ioas *s = space;
	uint32_t nr = 0, i;
	int err;

	err = ask_ranges(s, NULL, &nr, &limits->page_sizes);
	if (err < 0 && err != -EMSGSIZE)
		goto report;
	ranges = calloc(nr + 1, sizeof(*ranges));
	copy = calloc(nr + 1, sizeof(*copy));
	err = ranges && copy ? ask_ranges(s, ranges, &nr, &limits->page_sizes) :
		-ENOMEM;
	if (err < 0)
		goto report;
	for (i = 0; i < nr; i++)
		copy[i] = (struct iommu_range){ ranges[i].start,
						ranges[i].last };
	free(ranges);
	limits->ranges = copy;
	limits->nr_ranges = nr;
	limits->maps = UINT32_MAX;
	limits->by_process = s->file->by_process;
	return 0;

report:
	log_err("iommu: cannot ask for the addresses it allows: %s",
		err_text(err));
	free(ranges);
	free(copy);
	return err;
}

static bool tracks_dirty(const struct iommufd *file)
{
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.dev_id = file->device,
	};

	/* Before 6.7 there was no such call, nor such tracking. */
	return file->device &&
		sys_ioctl(file->fd, IOMMU_GET_HW_INFO, &info) >= 0 &&
		info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING;
}

/* Some of it iommufd says to those only who ask as if of a container. */
static void iommufd_caps(void *space, struct iommu_caps *caps)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	const struct ioas *s = space;

	caps->dirty = tracks_dirty(s->file) ? "the IOMMU" : NULL;
	if (set_compat(s) < 0)
		return;
	caps->coherent = sys_ioctl_num(s->file->fd, VFIO_CHECK_EXTENSION,
				       VFIO_DMA_CC_IOMMU) > 0;
	if (sys_ioctl(s->file->fd, VFIO_IOMMU_GET_INFO, &info) >= 0 &&
	    info.flags & VFIO_IOMMU_INFO_PGSIZES)
		caps->page_sizes = info.iova_pgsizes;
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
static int map_file(const struct ioas *s, const struct iommu_map *map)
{
	struct iommu_ioas_map_file arg = {
		.size = sizeof(arg),
		.flags = map_flags(map),
		.ioas_id = s->id,
		.fd = map->fd,
		.start = map->fd_offset,
		.length = map->size,
		.iova = map->iova,
	};
	int err = sys_ioctl(s->file->fd, IOMMU_IOAS_MAP_FILE, &arg);

	if (is_old(err))
		trace(TRACE_MEM, "iommufd: %s not mapped by file: %s",
		      map->name, err_text(err));
	return err;
}

static int map_address(const struct ioas *s, const struct iommu_map *map)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = map_flags(map),
		.ioas_id = s->id,
		.user_va = (uintptr_t)map->hva,
		.length = map->size,
		.iova = map->iova,
	};

	return sys_ioctl(s->file->fd, IOMMU_IOAS_MAP, &arg);
}

static int iommufd_map(void *space, const struct iommu_map *map)
{
	const struct ioas *s = space;
	int err = -ENOTTY;

	/* By address it cannot be, and by file only as a dma-buf. */
	if (map->device)
		return map->fd < 0 ? -EOPNOTSUPP : map_file(s, map);
	if (map->hugetlb && map->fd >= 0)
		err = map_file(s, map);
	if (is_old(err))
		err = map_address(s, map);
	return err < 0 ? explain_map(map->name, map->iova, map->size, err,
				     s->file->by_process) : 0;
}

static void iommufd_unmap(void *space, uint64_t iova, uint64_t size)
{
	const struct ioas *s = space;
	struct iommu_ioas_unmap arg = {
		.size = sizeof(arg),
		.ioas_id = s->id,
		.iova = iova,
		.length = size,
	};
	int err = sys_ioctl(s->file->fd, IOMMU_IOAS_UNMAP, &arg);

	/* The address space takes the mapping along when it is closed. */
	if (err < 0 && err != -ENOENT)
		log_warn("iommu: cannot unmap 0x%llx-0x%llx: %s",
			 (unsigned long long)iova,
			 (unsigned long long)(iova + size - 1), err_text(err));
}

static int iommufd_copy(void *space, void *from, const struct iommu_map *map)
{
	const struct ioas *s = space, *source = from;
	struct iommu_ioas_copy arg = {
		.size = sizeof(arg),
		.flags = map_flags(map),
		.dst_ioas_id = s->id,
		.src_ioas_id = source->id,
		.length = map->size,
		.dst_iova = map->iova,
		.src_iova = map->iova,
	};

	return sys_ioctl(s->file->fd, IOMMU_IOAS_COPY, &arg);
}

static int iommufd_physical(void *space, const struct iommu_map *map,
			    uint64_t off, uint64_t *pa, uint64_t *len)
{
	const struct ioas *s = space;
	struct iommu_ioas_noiommu_get_pa arg = {
		.size = sizeof(arg),
		.ioas_id = s->id,
		.iova = map->iova + off,
		.length = *len,
	};
	int err = sys_ioctl(s->file->fd, IOMMU_IOAS_NOIOMMU_GET_PA, &arg);

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
	.fallback = IS_ENABLED(CONFIG_VFIO_GROUP) ? iommufd_fallback : NULL,
	.open = iommufd_open,
	.close = iommufd_close,
	.attach = iommufd_attach,
	.detach = iommufd_detach,
	.group_fd = IS_ENABLED(CONFIG_VFIO_GROUP) ? iommufd_group_fd : NULL,
	.limits = iommufd_limits,
	.home = IOMMU_NODE,
	.about = IS_ENABLED(CONFIG_DEVCMD) ? iommufd_about : NULL,
	.node = IS_ENABLED(CONFIG_DEVCMD) ? iommufd_node : NULL,
	.caps = IS_ENABLED(CONFIG_DEVCMD) ? iommufd_caps : NULL,
	.map = iommufd_map,
	.unmap = iommufd_unmap,
	.copy = iommufd_copy,
	.physical = IS_ENABLED(CONFIG_VFIO_NOIOMMU) ? iommufd_physical : NULL,
};
