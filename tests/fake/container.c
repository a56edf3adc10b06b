/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VFIO's container and groups, with type 1 (v2) mappings. Linux:
 * Documentation/driver-api/vfio.rst, drivers/vfio/group.c's rules as seen
 * from user space.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_priv.h"

#define NOIOMMU "noiommu-"
#define UNSAFE "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

int container_open(void)
{
	struct container *c = zalloc(sizeof(*c));

	c->space = dma_space_new();
	return file_new(KIND_CONTAINER, "/dev/vfio/vfio", c, -1);
}

void container_release(struct container *container)
{
	dma_space_free(container->space);
	free(container);
}

/* ---- groups ------------------------------------------------------------- */

struct group *group_find(int id)
{
	struct group *group;

	for (group = world->groups; group; group = group->next)
		if (group->id == id)
			return group;
	group = zalloc(sizeof(*group));
	group->id = id;
	group->next = world->groups;
	world->groups = group;
	return group;
}

static bool is_vfio(const struct fake_pci *pci)
{
	return strstr(pci->driver, "vfio") != NULL;
}

static bool viable(int id)
{
	const struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->group == id && pci->driver[0] && !is_vfio(pci) &&
		    strcmp(pci->driver, "pcieport") &&
		    strcmp(pci->driver, "pci-stub"))
			return false;
	return true;
}

bool group_noiommu(int id)
{
	const struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->group == id && pci->noiommu)
			return true;
	return false;
}

int group_claim(int id)
{
	if (group_noiommu(id))
		return world->host.cap_sys_rawio ? 0 : -EPERM;
	if (world->host.rmrr || world->host.no_coherency)
		return -EINVAL;
	if (world->host.busy_domain || !viable(id))
		return -EBUSY;
	return 0;
}

static bool node_open(int id)
{
	const struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->group == id && pci->priv->opener &&
		    pci->priv->opener->cdev)
			return true;
	return false;
}

int group_open(const char *name)
{
	bool noiommu = !strncmp(name, NOIOMMU, strlen(NOIOMMU));
	int id = atoi(noiommu ? name + strlen(NOIOMMU) : name);
	struct group *group = group_find(id);
	char path[48];

	if (noiommu && !world->host.cap_sys_rawio)
		return -EPERM;
	if (group->open || node_open(id))
		return -EBUSY;
	snprintf(path, sizeof(path), "/dev/vfio/%s", name);
	group->open = true;
	return file_new(KIND_GROUP, path, group, -1);
}

static void leave_container(struct group *group)
{
	struct container *c = group->container;
	uint64_t unmapped;

	if (!c)
		return;
	c->space->attached--;
	if (!--c->groups) {
		c->type = 0;
		dma_unmap(c->space, 0, UINT64_MAX, &unmapped);
	}
	file_put(group->container_file);
	group->container = NULL;
	group->container_file = NULL;
}

void group_release(struct group *group)
{
	leave_container(group);
	group->open = false;
}

static int get_status(const struct group *group, struct vfio_group_status *arg)
{
	if (arg->argsz < sizeof(*arg))
		return -EINVAL;
	arg->flags = 0;
	if (viable(group->id) && !world->host.busy_domain)
		arg->flags |= VFIO_GROUP_FLAGS_VIABLE;
	if (group->container)
		arg->flags |= VFIO_GROUP_FLAGS_CONTAINER_SET;
	return 0;
}

static bool isolated(void)
{
	return world->host.intremap || fs_param(UNSAFE);
}

static int set_container(struct group *group, const int *fd)
{
	struct file *file = file_of(*fd);
	struct container *c;
	int err;

	if (!file)
		return -EBADF;
	if (file->kind != KIND_CONTAINER)
		return -EBADFD;
	if (group->container)
		return -EINVAL;
	err = group_claim(group->id);
	if (err < 0)
		return err;
	c = file->obj;
	if (c->groups && c->noiommu != group_noiommu(group->id))
		return -EPERM;
	c->noiommu = group_noiommu(group->id);
	if (c->type && !c->noiommu && !isolated())
		return -EPERM;
	if (c->type && dma_conflict(c->space))
		return -EINVAL;
	group->container = c;
	group->container_file = file;
	file_hold(file);
	c->groups++;
	c->space->attached++;
	return 0;
}

static int get_device_fd(struct file *file, struct group *group,
			 const char *name)
{
	struct fake_pci *pci = fake_pci_find(name);

	if (!group->container || !group->container->type)
		return -EINVAL;
	if (!pci || pci->group != group->id || !is_vfio(pci))
		return -ENODEV;
	if (pci->noiommu && !world->host.cap_sys_rawio)
		return -EPERM;
	return device_open(pci, file, false);
}

int group_ioctl(struct file *file, unsigned long request, void *arg)
{
	struct group *group = file->obj;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		return get_status(group, arg);
	case VFIO_GROUP_SET_CONTAINER:
		return set_container(group, arg);
	case VFIO_GROUP_UNSET_CONTAINER:
		if (!group->container)
			return -EINVAL;
		if (group->devices)
			return -EBUSY;
		leave_container(group);
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return get_device_fd(file, group, arg);
	}
	return -ENOTTY;
}

/* ---- the container ------------------------------------------------------ */

static int check_extension(unsigned long num)
{
	switch (num) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_NOIOMMU_IOMMU:
		return world->host.noiommu && world->host.unsafe_noiommu;
	}
	return 0;
}

static int set_iommu(struct container *c, unsigned long type)
{
	if (!c->groups || c->type)
		return -EINVAL;
	if (c->noiommu ? type != VFIO_NOIOMMU_IOMMU ||
	    !world->host.unsafe_noiommu :
	    type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -ENODEV;
	if (c->noiommu && !world->host.cap_sys_rawio)
		return -EPERM;
	if (!c->noiommu && !isolated())
		return -EPERM;
	c->type = type;
	return 0;
}

struct info_caps {
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_info_dma_avail avail;
	uint32_t pad;
	/* last, so that the chain is walked to its end */
	struct {
		struct vfio_info_cap_header header;
		uint32_t nr;
		uint32_t reserved;
		struct vfio_iova_range ranges[2];
	} iova;
};

static void fill_caps(struct info_caps *caps)
{
	uint64_t first[2], last[2];
	unsigned int i;

	caps->avail.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	caps->avail.header.version = 1;
	caps->avail.header.next = offsetof(struct info_caps, iova);
	caps->avail.avail = 65535;
	caps->iova.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	caps->iova.header.version = 1;
	caps->iova.nr = dma_ranges(first, last);
	for (i = 0; i < caps->iova.nr; i++)
		caps->iova.ranges[i] = (struct vfio_iova_range){ first[i],
								 last[i] };
}

static int get_info(const struct container *c,
		    struct vfio_iommu_type1_info *arg)
{
	struct info_caps caps = { 0 };
	uint32_t argsz = arg->argsz;

	if (!c->type || argsz < offsetof(struct vfio_iommu_type1_info,
					 iova_pgsizes))
		return -EINVAL;
	fill_caps(&caps);
	caps.info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	caps.info.iova_pgsizes = PAGE | 2 * MiB | GiB;
	caps.info.argsz = sizeof(caps);
	if (argsz < sizeof(caps)) {
		memcpy(arg, &caps.info, MIN(argsz, sizeof(caps.info)));
		return 0;
	}
	caps.info.cap_offset = offsetof(struct info_caps, avail);
	memcpy(arg, &caps, sizeof(caps));
	return 0;
}

static int map(struct container *c, const struct vfio_iommu_type1_dma_map *arg)
{
	const uint32_t rw = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;

	if (!c->type || arg->argsz < sizeof(*arg) || arg->flags & ~rw ||
	    !(arg->flags & rw))
		return -EINVAL;
	return dma_map(c->space, arg->iova, arg->size, arg->vaddr, false,
		       true);
}

static int unmap(struct container *c, struct vfio_iommu_type1_dma_unmap *arg)
{
	uint64_t unmapped;
	int err;

	if (!c->type || arg->argsz < sizeof(*arg) || arg->flags ||
	    !IS_ALIGNED(arg->iova | arg->size, PAGE) ||
	    !range_ok(arg->iova, arg->size))
		return -EINVAL;
	err = dma_unmap(c->space, arg->iova, arg->size, &unmapped);
	arg->size = unmapped;
	return err == -ENOENT ? 0 : err;
}

int container_ioctl(struct file *file, unsigned long request, void *arg,
		    unsigned long num)
{
	struct container *c = file->obj;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return check_extension(num);
	case VFIO_SET_IOMMU:
		return set_iommu(c, num);
	}
	if (c->noiommu)
		return -ENOTTY;
	switch (request) {
	case VFIO_IOMMU_GET_INFO:
		return get_info(c, arg);
	case VFIO_IOMMU_MAP_DMA:
		return map(c, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap(c, arg);
	}
	return -ENOTTY;
}
