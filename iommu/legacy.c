/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backend of kernels that have always been there: a container with a
 * type 1 IOMMU, and in it the IOMMU groups of the devices. The container may
 * be an iommufd, which understands the same calls. Linux:
 * Documentation/driver-api/vfio.rst, include/uapi/linux/vfio.h,
 * Documentation/userspace-api/iommufd.rst (VFIO compatibility).
 */
#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "iommu/backend.h"
#include "iommu/explain.h"
#include "iommu/group.h"
#include "iommu/memlock.h"
#include "iommu/survey.h"
#include "vmm/config.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define CONTAINER "/dev/vfio/vfio"
#define INSTEAD "/dev/iommu"

struct legacy {
	int fd;			/* the container */
	const char *path;
	bool by_process;
	bool noiommu;		/* its groups have none, and it maps nothing */
	bool tracks;		/* takes all that is pinned for written */
	int type;		/* of its IOMMUs, of type 1 the better */
	struct groups groups;
};

static bool absent(const char *path)
{
	struct stat st;

	return sys_stat(path, &st) == -ENOENT;
}

static const char *legacy_lacks(const struct sysfs_device *dev)
{
	(void)dev;
	return absent(CONTAINER) ? "no " CONTAINER : NULL;
}

static int report_container(const char *path, int err)
{
	if (err != -ENOENT && err != -ENODEV && err != -ENXIO)
		return explain_open(path, NULL, err);
	if (strcmp(path, CONTAINER)) {
		log_err("%s: not there", path);
		return -ENODEV;
	}
	if (IS_ENABLED(CONFIG_DEVCMD) && !sysfs_vfio_there())
		return explain_unloaded(CONTAINER);
	log_err(CONTAINER ": not there: this kernel has no VFIO container (CONFIG_VFIO_CONTAINER)");
	return -ENOSYS;
}

/* What the user says, or else the container, or what does in its place. */
static const char *choose_path(const struct config *cfg,
			       const struct sysfs_device *dev)
{
	char group[SYSFS_PATH];

	if (cfg->container)
		return cfg->container;
	return absent(CONTAINER) && !absent(INSTEAD) &&
		groups_node(dev, group) ? INSTEAD : CONTAINER;
}

/*
 * Whose it is: only iommufd knows this call, and has, in a file that is new,
 * nothing to tell.
 */
static void find_owner(struct legacy *l)
{
	struct iommu_vfio_ioas arg = {
		.size = sizeof(arg),
		.op = IOMMU_VFIO_IOAS_GET,
	};
	int err = sys_ioctl(l->fd, IOMMU_VFIO_IOAS, &arg);

	l->groups.late = err >= 0 || err == -ENODEV;
	l->groups.unsafe = l->groups.late ? UNSAFE_IOMMUFD : UNSAFE_TYPE1;
}

static const char *owner(const struct legacy *l)
{
	return l->groups.late ? "iommufd" : "vfio";
}

static bool has(const struct legacy *l, int type)
{
	return sys_ioctl_num(l->fd, VFIO_CHECK_EXTENSION, type) > 0;
}

static int choose_type(const struct legacy *l)
{
	if (l->noiommu)
		return has(l, VFIO_NOIOMMU_IOMMU) ? VFIO_NOIOMMU_IOMMU : 0;
	return has(l, VFIO_TYPE1v2_IOMMU) ? VFIO_TYPE1v2_IOMMU :
		has(l, VFIO_TYPE1_IOMMU) ? VFIO_TYPE1_IOMMU : 0;
}

static int check_container(struct legacy *l)
{
	int version = sys_ioctl_num(l->fd, VFIO_GET_API_VERSION, 0);

	if (version == -ENOTTY || version == -EINVAL) {
		log_err("%s: is no container", l->path);
		return -EDOM;
	}
	if (version < 0)
		return report_container(l->path, version);
	l->type = choose_type(l);
	if (version == VFIO_API_VERSION && l->type)
		return 0;
	if (l->noiommu) {
		log_err("%s: cannot be used: API version %d, %s noiommu mode "
			"(enable_unsafe_noiommu_mode)",
			l->path, version, l->type ? "with" : "without");
		return -ENOSYS;
	}
	if (has(l, VFIO_SPAPR_TCE_IOMMU) || has(l, VFIO_SPAPR_TCE_v2_IOMMU))
		log_err("%s: cannot be used: its IOMMU is a POWER machine's (SPAPR TCE), "
			"which maps by windows; only type 1 is supported", l->path);
	else
		log_err("%s: cannot be used: API version %d, %s type 1 IOMMU",
			l->path, version, l->type ? "with" : "without");
	if (!l->type)
		log_hint("modprobe vfio_iommu_type1");
	return -ENOSYS;
}

static int legacy_open(void **space, void *beside, const struct config *cfg,
		       const struct sysfs_device *dev)
{
	struct legacy *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->path = choose_path(cfg, dev);
	l->noiommu = config_noiommu(cfg) && dev->noiommu;
	l->fd = file_open_node(l->path);
	if (l->fd < 0) {
		err = report_container(l->path, l->fd);
		goto free;
	}
	err = check_container(l);
	if (err < 0)
		goto close;
	find_owner(l);
	if (!beside)
		log_info("iommu: container: %s, owned by %s", l->path,
			 owner(l));
	l->by_process = memlock_by_process(l->fd);
	l->groups.container = l->fd;
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

/*
 * The container takes an IOMMU with its first group only, and loses it with
 * the last; @arg is the space.
 */
static int set_iommu(void *arg, const struct sysfs_device *dev)
{
	struct legacy *l = arg;
	int err;

	if (groups_in_use(&l->groups))
		return 0;
	err = sys_ioctl_num(l->fd, VFIO_SET_IOMMU, l->type);
	if (err == -EPERM && !l->noiommu)
		return explain_isolation(dev, l->groups.unsafe);
	return err < 0 ? explain_call(dev, l->noiommu ?
				      "cannot have it without an IOMMU" :
				      "cannot put it behind the type 1 IOMMU",
				      err) : 0;
}

static int legacy_attach(void *space, struct kvm *kvm,
			 const struct sysfs_device *dev)
{
	struct legacy *l = space;

	return groups_attach(&l->groups, kvm, dev, !groups_in_use(&l->groups),
			     set_iommu, l);
}

static void legacy_detach(void *space, struct kvm *kvm, int device_fd)
{
	struct legacy *l = space;

	groups_detach(&l->groups, kvm, device_fd);
}

static int legacy_group_fd(void *space, int id)
{
	const struct legacy *l = space;

	return groups_fd(&l->groups, id);
}

/* The capability @id in an answer of @size bytes, or NULL. */
static void *find_cap(struct vfio_iommu_type1_info *info, uint32_t size,
		      uint16_t id, uint32_t len)
{
	struct vfio_info_cap_header *cap;
	uint32_t at = info->cap_offset;

	if (!(info->flags & VFIO_IOMMU_INFO_CAPS))
		return NULL;
	/* Offsets only grow, so a broken chain ends all the same. */
	while (at >= sizeof(*info) && at <= size - sizeof(*cap)) {
		cap = (void *)((char *)info + at);
		if (cap->id == id)
			return at <= size - len ? cap : NULL;
		if (cap->next <= at)
			break;
		at = cap->next;
	}
	return NULL;
}

static int copy_ranges(struct vfio_iommu_type1_info *info, uint32_t size,
		       struct iommu_limits *limits)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap = find_cap(info, size,
		VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, sizeof(*cap));
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
	limits->ranges = r;
	limits->nr_ranges = nr;
	return 0;
}

static int read_info(struct legacy *l, struct vfio_iommu_type1_info *info,
		     uint32_t size, struct iommu_limits *limits)
{
	const struct vfio_iommu_type1_info_dma_avail *avail = find_cap(info,
		size, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, sizeof(*avail));

	limits->page_sizes = info->flags & VFIO_IOMMU_INFO_PGSIZES ?
		info->iova_pgsizes : 0;
	limits->maps = avail ? avail->avail : UINT32_MAX;
	l->tracks = find_cap(info, size, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
			     sizeof(struct vfio_info_cap_header));
	return copy_ranges(info, size, limits);
}

/* What maps nothing has nothing to say of it. */
static int no_limits(struct iommu_limits *limits)
{
	struct iommu_range *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->last = UINT64_MAX;
	limits->ranges = all;
	limits->nr_ranges = 1;
	limits->page_sizes = 1;
	limits->maps = UINT32_MAX;
	return 0;
}

/* Asked twice: the first answer says how long the whole one is. */
static int legacy_limits(void *space, struct iommu_limits *limits)
{
	struct vfio_iommu_type1_info first = { .argsz = sizeof(first) };
	struct legacy *l = space;
	struct vfio_iommu_type1_info *info;
	uint32_t size;
	int ret;

	limits->by_process = l->by_process;
	if (l->noiommu)
		return no_limits(limits);
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
		ret = read_info(l, info, size, limits);
	free(info);
	if (ret >= 0)
		return ret;
report:
	log_err("iommu: cannot ask for the addresses it allows: %s",
		err_text(ret));
	return ret;
}

static void legacy_about(void *space, struct survey_backend *about)
{
	const struct legacy *l = space;

	about->node = l->path;
	about->owner = owner(l);
	about->unsafe = l->groups.unsafe;
	about->by_process = l->by_process;
}

static int legacy_node(const struct sysfs_device *dev, char path[SYSFS_PATH])
{
	if (groups_node(dev, path))
		return 0;
	return explain_open(path, dev, -ENOENT);
}

static void legacy_caps(void *space, struct iommu_caps *caps)
{
	const struct legacy *l = space;

	caps->owner = owner(l);
	caps->coherent = has(l, VFIO_DMA_CC_IOMMU);
	caps->dirty = l->tracks ? "the kernel, by what is pinned" : NULL;
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
	int err = l->noiommu ? 0 : sys_ioctl(l->fd, VFIO_IOMMU_MAP_DMA, &arg);

	if (map->device)
		return err;
	return err < 0 ? explain_map(map->name, map->iova, map->size, err,
				     l->by_process) : 0;
}

static void legacy_unmap(void *space, uint64_t iova, uint64_t size)
{
	const struct legacy *l = space;
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.size = size,
	};
	int err = l->noiommu ? 0 : sys_ioctl(l->fd, VFIO_IOMMU_UNMAP_DMA, &arg);

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
	.limits = legacy_limits,
	.home = CONTAINER,
	.about = IS_ENABLED(CONFIG_DEVCMD) ? legacy_about : NULL,
	.node = IS_ENABLED(CONFIG_DEVCMD) ? legacy_node : NULL,
	.caps = IS_ENABLED(CONFIG_DEVCMD) ? legacy_caps : NULL,
	.map = legacy_map,
	.unmap = legacy_unmap,
	.physical = IS_ENABLED(CONFIG_VFIO_NOIOMMU) ? legacy_physical : NULL,
};
