/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backend of kernels that have always been there: a container with the
 * type 1 (v2) IOMMU, and in it the IOMMU groups of the devices. A device's fd
 * comes from its group; groups are opened once however many of their devices
 * are assigned. Linux: Documentation/driver-api/vfio.rst,
 * include/uapi/linux/vfio.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "iommu/backend.h"
#include "iommu/explain.h"
#include "vmm/config.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define CONTAINER "/dev/vfio/vfio"
#define UNSAFE "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

struct group {
	int fd;
	int id;
	unsigned int devices;	/* open; 0: the entry is free */
};

struct legacy {
	int fd;			/* the container */
	bool iommu_set;		/* it forgets with its last group */
	bool noiommu;		/* its groups have none, and it maps nothing */
	struct group groups[CONFIG_VFIO_MAX];
	struct {
		int fd;
		struct group *group;	/* NULL: the entry is free */
	} devices[CONFIG_VFIO_MAX];
};

static const char *legacy_lacks(const struct sysfs_device *dev)
{
	struct stat st;

	(void)dev;
	return sys_stat(CONTAINER, &st) < 0 ? "no " CONTAINER : NULL;
}

static int report_container(int err)
{
	if (err != -ENOENT && err != -ENODEV && err != -ENXIO)
		return explain_open(CONTAINER, NULL, err);
	log_err(CONTAINER ": not there: this kernel has no VFIO container (CONFIG_VFIO_CONTAINER)");
	return -ENOSYS;
}

static int iommu_type(const struct legacy *l)
{
	return l->noiommu ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU;
}

static int check_container(const struct legacy *l)
{
	int version = sys_ioctl_num(l->fd, VFIO_GET_API_VERSION, 0);
	int has;

	if (version < 0)
		return report_container(version);
	has = sys_ioctl_num(l->fd, VFIO_CHECK_EXTENSION, iommu_type(l));
	if (has < 0)
		return report_container(has);
	if (version == VFIO_API_VERSION && has)
		return 0;
	log_err(CONTAINER ": cannot be used: API version %d, %s %s", version,
		has ? "with" : "without",
		l->noiommu ? "noiommu mode (enable_unsafe_noiommu_mode)" :
		"type 1 IOMMU");
	return -ENOSYS;
}

static int legacy_open(void **space, bool noiommu)
{
	struct legacy *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->noiommu = noiommu;
	l->fd = sys_open(CONTAINER, O_RDWR, 0);
	if (l->fd < 0) {
		err = report_container(l->fd);
		goto free;
	}
	err = check_container(l);
	if (err < 0)
		goto close;
	*space = l;
	return 0;

close:
	sys_close(l->fd);
free:
	free(l);
	return err;
}

static void legacy_close(void *space)
{
	struct legacy *l = space;

	sys_close(l->fd);
	free(l);
}

static int check_viable(int fd, const struct sysfs_device *dev)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int err = sys_ioctl(fd, VFIO_GROUP_GET_STATUS, &status);

	if (err < 0)
		return explain_call(dev, "cannot ask for its group's status",
				    err);
	return status.flags & VFIO_GROUP_FLAGS_VIABLE ? 0 :
		explain_owner(dev, -EBUSY);
}

static int report_set_iommu(const struct sysfs_device *dev, int err)
{
	return err == -EPERM ? explain_isolation(dev, UNSAFE) :
		explain_call(dev, "cannot put it behind the type 1 IOMMU",
			     err);
}

/* The container takes an IOMMU with its first group only. */
static int set_iommu(struct legacy *l, const struct sysfs_device *dev)
{
	int err;

	if (l->iommu_set)
		return 0;
	err = sys_ioctl_num(l->fd, VFIO_SET_IOMMU, iommu_type(l));
	if (err < 0)
		return report_set_iommu(dev, err);
	l->iommu_set = true;
	return 0;
}

/* A second group is measured against the IOMMU when it joins, hence EPERM. */
static int join_container(struct legacy *l, int fd,
			  const struct sysfs_device *dev)
{
	int err = sys_ioctl(fd, VFIO_GROUP_SET_CONTAINER, &l->fd);

	if (err >= 0)
		return 0;
	return err == -EPERM && l->iommu_set ? report_set_iommu(dev, err) :
		explain_owner(dev, err);
}

static unsigned int groups_in_use(const struct legacy *l)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(l->groups); i++)
		n += l->groups[i].devices > 0;
	return n;
}

/*
 * KVM is told of the group before its first device is opened: the device's
 * driver is given the VM as it is opened.
 */
static int group_open(struct legacy *l, struct kvm *kvm, struct group *group,
		      const struct sysfs_device *dev)
{
	char path[SYSFS_PATH];
	int err, fd;

	snprintf(path, sizeof(path), "/dev/vfio/%s%d",
		 l->noiommu ? "noiommu-" : "", dev->group);
	fd = sys_open(path, O_RDWR, 0);
	if (fd < 0)
		return explain_open(path, dev, fd);
	err = check_viable(fd, dev);
	if (err < 0)
		goto close;
	err = join_container(l, fd, dev);
	if (err < 0)
		goto close;
	err = kvm_vfio_add(kvm, fd);
	if (err < 0) {
		explain_call(dev, "KVM refuses its group", err);
		goto close;
	}
	err = set_iommu(l, dev);
	if (err < 0)
		goto kvm_del;
	group->fd = fd;
	group->id = dev->group;
	return 0;

kvm_del:
	kvm_vfio_del(kvm, fd);
close:
	sys_close(fd);
	return err;
}

static void group_close(struct legacy *l, struct kvm *kvm, struct group *group)
{
	kvm_vfio_del(kvm, group->fd);
	sys_close(group->fd);
	if (!groups_in_use(l))
		l->iommu_set = false;
}

static struct group *find_group(struct legacy *l, int id)
{
	struct group *free_entry = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(l->groups); i++) {
		if (l->groups[i].devices && l->groups[i].id == id)
			return &l->groups[i];
		if (!l->groups[i].devices && !free_entry)
			free_entry = &l->groups[i];
	}
	return free_entry;
}

static int open_device(struct legacy *l, struct group *group,
		       const struct sysfs_device *dev)
{
	char name[SYSFS_ADDR];
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(l->devices); i++)
		if (!l->devices[i].group)
			break;
	if (i == ARRAY_SIZE(l->devices))
		return explain_call(dev, "one device too many", -ENOSPC);
	snprintf(name, sizeof(name), "%s", dev->addr);
	fd = sys_ioctl(group->fd, VFIO_GROUP_GET_DEVICE_FD, name);
	if (fd < 0)
		return explain_call(dev, "cannot open the device through its group",
				    fd);
	l->devices[i].fd = fd;
	l->devices[i].group = group;
	group->devices++;
	return fd;
}

static int legacy_attach(void *space, struct kvm *kvm,
			 const struct sysfs_device *dev)
{
	struct legacy *l = space;
	struct group *group;
	int fd, err;

	group = find_group(l, dev->group);
	if (!group)
		return explain_call(dev, "one group too many", -ENOSPC);
	if (!group->devices) {
		err = group_open(l, kvm, group, dev);
		if (err < 0)
			return err;
	}
	fd = open_device(l, group, dev);
	if (fd < 0 && !group->devices)
		group_close(l, kvm, group);
	return fd;
}

/* First the device, then KVM's hold of the group, then the group. */
static void legacy_detach(void *space, struct kvm *kvm, int device_fd)
{
	struct legacy *l = space;
	struct group *group;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(l->devices); i++) {
		group = l->devices[i].group;
		if (!group || l->devices[i].fd != device_fd)
			continue;
		sys_close(device_fd);
		l->devices[i].group = NULL;
		if (!--group->devices)
			group_close(l, kvm, group);
		return;
	}
}

static int legacy_group_fd(void *space, int id)
{
	const struct legacy *l = space;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(l->groups); i++)
		if (l->groups[i].devices && l->groups[i].id == id)
			return l->groups[i].fd;
	return -1;
}

/* The capability @id in an answer of @size bytes, or NULL. */
static void *find_cap(struct vfio_iommu_type1_info *info, uint32_t size,
		      uint16_t id)
{
	struct vfio_info_cap_header *cap;
	uint32_t at = info->cap_offset;

	if (!(info->flags & VFIO_IOMMU_INFO_CAPS))
		return NULL;
	/* Offsets only grow, so a broken chain ends all the same. */
	while (at >= sizeof(*info) && at <= size - sizeof(*cap)) {
		cap = (void *)((char *)info + at);
		if (cap->id == id)
			return cap;
		if (cap->next <= at)
			break;
		at = cap->next;
	}
	return NULL;
}

static int copy_ranges(struct vfio_iommu_type1_info *info, uint32_t size,
		       struct iommu_range **out)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap = find_cap(info, size,
		VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	uint32_t nr = cap ? cap->nr_iovas : 1, i;
	struct iommu_range *r;

	/* Before 5.4 the kernel did not say: take its refusal for an answer. */
	if (cap && nr > (size - ((char *)cap->iova_ranges - (char *)info)) /
	    sizeof(cap->iova_ranges[0]))
		return -EPROTO;
	r = calloc(nr ? nr : 1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r[0].last = UINT64_MAX;
	for (i = 0; cap && i < nr; i++)
		r[i] = (struct iommu_range){ cap->iova_ranges[i].start,
					     cap->iova_ranges[i].end };
	*out = r;
	return nr;
}

static int all_addresses(struct iommu_range **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->last = UINT64_MAX;
	return 1;
}

/* Asked twice: the first answer says how long the whole one is. */
static int legacy_ranges(void *space, struct iommu_range **out)
{
	struct vfio_iommu_type1_info first = { .argsz = sizeof(first) };
	const struct legacy *l = space;
	struct vfio_iommu_type1_info *info;
	uint32_t size;
	int ret;

	if (l->noiommu)
		return all_addresses(out);
	ret = sys_ioctl(l->fd, VFIO_IOMMU_GET_INFO, &first);
	if (ret < 0)
		goto report;
	size = MAX(first.argsz, (uint32_t)sizeof(first));
	info = calloc(1, size);
	if (!info)
		return -ENOMEM;
	info->argsz = size;
	ret = sys_ioctl(l->fd, VFIO_IOMMU_GET_INFO, info);
	if (ret >= 0)
		ret = copy_ranges(info, size, out);
	free(info);
	if (ret >= 0)
		return ret;
report:
	log_err("iommu: cannot ask for the addresses it allows: %s",
		err_text(ret));
	return ret;
}

static int legacy_map(void *space, const struct iommu_map *map)
{
	const struct legacy *l = space;
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ |
			(map->readonly ? 0 : VFIO_DMA_MAP_FLAG_WRITE),
		.vaddr = (uintptr_t)map->hva,
		.iova = map->iova,
		.size = map->size,
	};
	int err;

	if (l->noiommu)
		return 0;
	err = sys_ioctl(l->fd, VFIO_IOMMU_MAP_DMA, &arg);
	if (map->device)
		return err;
	return err < 0 ? explain_map(map->name, map->iova, map->size, err) : 0;
}

static void legacy_unmap(void *space, uint64_t iova, uint64_t size)
{
	const struct legacy *l = space;
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.size = size,
	};
	int err;

	if (l->noiommu)
		return;
	err = sys_ioctl(l->fd, VFIO_IOMMU_UNMAP_DMA, &arg);
	/* The container takes the mapping along when it is closed. */
	if (err < 0)
		log_warn("iommu: cannot unmap 0x%llx-0x%llx: %s",
			 (unsigned long long)iova,
			 (unsigned long long)(iova + size - 1), err_text(err));
}

static int legacy_physical(void *space, const struct iommu_map *map,
			   uint64_t off, uint64_t *pa, uint64_t *len)
{
	(void)space;
	return pagemap_lookup((char *)map->hva + off, pa, len);
}

const struct iommu_backend iommu_legacy = {
	.name = "legacy",
	.offer = CONTAINER " is there",
	.lacks = legacy_lacks,
	.open = legacy_open,
	.close = legacy_close,
	.attach = legacy_attach,
	.detach = legacy_detach,
	.group_fd = legacy_group_fd,
	.ranges = legacy_ranges,
	.map = legacy_map,
	.unmap = legacy_unmap,
	.physical = IS_ENABLED(CONFIG_VFIO_NOIOMMU) ? legacy_physical : NULL,
};
